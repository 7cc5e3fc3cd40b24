//! Embeddings, whose bodies are megabytes of numbers: they are walked over once
//! and copied as they stand, never turned into floats.

use crate::error::ProviderError;
use crate::event::Usage;
use crate::json::{Cursor, Flaw, Kind, decode, push_quoted};

use super::usage::{push_member, push_raw, write_embeddings};
use super::wire::{MAX_EXTRAS, Span, elements};

/// Writes vectors as `data`, the member of an answer that holds them; they keep their
/// digits.
pub(crate) fn push_vectors<'a>(out: &mut Vec<u8>, vectors: impl IntoIterator<Item = &'a str>) {
    out.extend_from_slice(b"\"data\":[");
    for (index, vector) in vectors.into_iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        out.extend_from_slice(format!(r#"{comma}{{"index":{index},"embedding":"#).as_bytes());
        push_raw(out, vector);
        out.push(b'}');
    }
    out.push(b']');
}

/// Writes the usage of embeddings as a further member.
pub(crate) fn push_input_usage(out: &mut Vec<u8>, tokens: u64) {
    let usage = format!(r#","usage":{{"prompt_tokens":{tokens},"total_tokens":{tokens}}}"#);
    out.extend_from_slice(usage.as_bytes());
}

/// What was found in a body of embeddings.
#[derive(Debug, Default)]
pub(crate) struct Embeddings {
    pub(crate) id: Span,
    pub(crate) model: Span,
    pub(crate) usage: Span,
    error: Span,
    elements: Vec<Element>,
    /// `data` is there and every element of it has a vector.
    whole: bool,
    extras: Vec<Extra>,
}

/// One element of `data`.
#[derive(Debug, Default)]
struct Element {
    index: Option<u64>,
    /// A list of numbers, or base64 in a string.
    vector: Span,
}

/// A member that is unknown here.
#[derive(Debug)]
struct Extra {
    /// The element it stood in; none for the body's own.
    element: Option<usize>,
    key: Span,
    value: Span,
}

impl Embeddings {
    /// Reads a body.
    ///
    /// # Errors
    /// It is not JSON, or not a list of vectors.
    pub(crate) fn read(text: &str) -> Result<Embeddings, ProviderError> {
        let mut found = Embeddings::default();
        let flaw = found.walk(text).err();
        if flaw.is_none() && found.whole && !found.error.is_some() {
            return Ok(found);
        }
        Err(
            ProviderError::in_answer(text.as_bytes()).unwrap_or_else(|| match flaw {
                Some(flaw) => {
                    ProviderError::malformed(&format!("the answer is not JSON: {}", flaw.what))
                }
                None => ProviderError::malformed("the answer holds no embeddings"),
            }),
        )
    }

    fn walk(&mut self, text: &str) -> Result<(), Flaw> {
        let mut cursor = Cursor::new(text, 0);
        cursor.open_object()?;
        while let Some(key) = cursor.key()? {
            let kind = cursor.kind()?;
            let name = decode(text.get(key.clone()).unwrap_or_default());
            if name == "data" && kind == Kind::Array {
                self.data(&mut cursor, text)?;
                continue;
            }
            let value = cursor.skip()?.into();
            match &*name {
                _ if kind == Kind::Null => {}
                "object" => {}
                "model" => self.model = value,
                "usage" => self.usage = value,
                "error" => self.error = value,
                name => {
                    if name == "id" {
                        self.id = value;
                    }
                    self.extra(None, key.into(), value);
                }
            }
        }
        cursor.end()
    }

    fn data(&mut self, cursor: &mut Cursor<'_>, text: &str) -> Result<(), Flaw> {
        self.whole = true;
        self.elements.clear();
        cursor.open_array()?;
        while cursor.item()? {
            let mut element = Element::default();
            if cursor.kind()? == Kind::Object {
                self.element(cursor, text, &mut element)?;
            } else {
                cursor.skip()?;
            }
            self.whole &= element.vector.is_some();
            self.elements.push(element);
        }
        Ok(())
    }

    fn element(
        &mut self,
        cursor: &mut Cursor<'_>,
        text: &str,
        element: &mut Element,
    ) -> Result<(), Flaw> {
        cursor.open_object()?;
        while let Some(key) = cursor.key()? {
            let kind = cursor.kind()?;
            let value: Span = cursor.skip()?.into();
            match (&*decode(text.get(key.clone()).unwrap_or_default()), kind) {
                ("embedding", Kind::Array | Kind::String) => element.vector = value,
                ("index", _) => element.index = value.number(text),
                ("object", _) => {}
                _ => self.extra(Some(self.elements.len()), key.into(), value),
            }
        }
        Ok(())
    }

    fn extra(&mut self, element: Option<usize>, key: Span, value: Span) {
        if self.extras.len() < MAX_EXTRAS {
            self.extras.push(Extra {
                element,
                key,
                value,
            });
        }
    }

    /// The strict body: `object`, `index` and `usage` always there, vectors as
    /// sent. If they shall be `packed`, lists of numbers become base64.
    pub(crate) fn write(&self, text: &str, model: &str, usage: Usage, packed: bool) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len() + 256);
        let mut extras = self
            .extras
            .iter()
            .filter(|extra| extra.element.is_some())
            .peekable();
        out.extend_from_slice(b"{\"object\":\"list\",\"data\":[");
        for (place, element) in self.elements.iter().enumerate() {
            out.extend_from_slice(if place == 0 { b"" } else { b"," });
            let index = element.index.unwrap_or(place as u64);
            out.extend_from_slice(
                format!(r#"{{"object":"embedding","index":{index},"embedding":"#).as_bytes(),
            );
            let vector = element.vector.raw(text);
            match packed.then(|| packed_vector(vector)).flatten() {
                Some(bytes) => push_base64(&mut out, &bytes),
                None => push_raw(&mut out, vector),
            }
            while let Some(extra) = extras.next_if(|extra| extra.element == Some(place)) {
                extra.write(text, &mut out);
            }
            out.push(b'}');
        }
        out.extend_from_slice(b"],\"model\":");
        push_quoted(&mut out, model);
        out.extend_from_slice(b",\"usage\":");
        write_embeddings(usage, &mut out);
        for extra in self.extras.iter().filter(|extra| extra.element.is_none()) {
            extra.write(text, &mut out);
        }
        out.push(b'}');
        out
    }
}

impl Extra {
    fn write(&self, text: &str, out: &mut Vec<u8>) {
        push_member(out, &decode(self.key.raw(text)), self.value.raw(text));
    }
}

/// The numbers of a list as OpenAI packs them: floats of 32 bits, the low byte
/// first. Nothing for what is no list of numbers.
fn packed_vector(raw: &str) -> Option<Vec<u8>> {
    if !raw.starts_with('[') {
        return None;
    }
    let mut bytes = Vec::with_capacity(raw.len() / 2);
    let mut whole = true;
    elements(raw, |number| match number.parse::<f32>() {
        Ok(number) => bytes.extend_from_slice(&number.to_le_bytes()),
        Err(_) => whole = false,
    });
    whole.then_some(bytes)
}

/// Appends bytes in base64, as a JSON string.
fn push_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    out.push(b'"');
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = (bits >> (18 - 6 * place)) & 63;
            let digit = DIGITS.get(digit as usize).copied().unwrap_or(b'=');
            out.push(if place as usize > group.len() {
                b'='
            } else {
                digit
            });
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(text: &str) -> String {
        let found = Embeddings::read(text).unwrap();
        let usage = Usage {
            input: 4,
            ..Usage::default()
        };
        String::from_utf8(found.write(text, "m", usage, false)).unwrap()
    }

    #[test]
    fn missing_objects_and_indexes_are_written_and_vectors_copied_as_they_stand() {
        let body = r#"{"data":[{"embedding":[1e-3, -0.50]},{"x":{"y":1},"embedding":"AACAPw=="}],"id":"e","z":null}"#;
        assert_eq!(
            rendered(body),
            r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[1e-3, -0.50]},{"object":"embedding","index":1,"embedding":"AACAPw==","x":{"y":1}}],"model":"m","usage":{"prompt_tokens":4,"total_tokens":4},"id":"e"}"#
        );
    }

    #[test]
    fn packed_vectors_are_what_openai_packs() {
        let mut out = Vec::new();
        push_base64(&mut out, &packed_vector("[1, -0.5 ,3e-2]").unwrap());
        assert_eq!(out, br#""AACAPwAAAL+PwvU8""#);
        for (bytes, text) in [(&b"a"[..], "YQ=="), (b"ab", "YWI="), (b"", "")] {
            let mut out = Vec::new();
            push_base64(&mut out, bytes);
            assert_eq!(out, format!("\"{text}\"").as_bytes());
        }
        for other in ["\"AACAPw==\"", "[[1]]", "[null]", "{}"] {
            assert_eq!(packed_vector(other), None, "{other}");
        }
    }

    #[test]
    fn a_body_without_vectors_is_no_answer() {
        for body in [
            "{}",
            r#"{"data":null}"#,
            r#"{"data":[{"index":0}]}"#,
            r#"{"data":[{"embedding":null}]}"#,
            r#"{"data":[3]}"#,
            r#"{"data":[],"error":{"message":"no"}}"#,
            r#"{"data":[]"#,
            "",
        ] {
            assert!(Embeddings::read(body).is_err(), "{body}");
        }
    }

    #[test]
    fn no_input_gives_no_vectors() {
        assert!(rendered(r#"{"data":[]}"#).starts_with(r#"{"object":"list","data":[],"#));
    }
}
