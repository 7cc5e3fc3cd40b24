//! Embeddings, whose bodies are megabytes of numbers: they are walked over once
//! and copied as they stand, never turned into floats.

use crate::error::ProviderError;
use crate::event::Usage;
use crate::json::{Cursor, Flaw, Kind, decode, push_quoted};

use super::usage::{push_member, write_embeddings};
use super::wire::{Span, elements, members};

/// What was found in a body of embeddings.
#[derive(Debug, Default)]
pub(crate) struct Embeddings {
    pub(crate) id: Span,
    pub(crate) model: Span,
    pub(crate) usage: Span,
    pub(crate) error: Span,
    data: Span,
    /// Some element of `data` has no vector.
    broken: bool,
}

impl Embeddings {
    /// Reads a body.
    ///
    /// # Errors
    /// It is not JSON, or not a list of vectors.
    pub(crate) fn read(text: &str) -> Result<Embeddings, ProviderError> {
        let found = Embeddings::walk(text).map_err(|flaw| {
            ProviderError::malformed(&format!("the answer is not JSON: {}", flaw.what))
        })?;
        if found.error.is_some() || !found.data.is_some() || found.broken {
            return Err(ProviderError::in_answer(text.as_bytes())
                .unwrap_or_else(|| ProviderError::malformed("the answer holds no embeddings")));
        }
        Ok(found)
    }

    fn walk(text: &str) -> Result<Embeddings, Flaw> {
        let mut found = Embeddings::default();
        let mut cursor = Cursor::new(text, 0);
        cursor.open_object()?;
        while let Some(key) = cursor.key()? {
            let kind = cursor.kind()?;
            let name = decode(text.get(key).unwrap_or_default());
            if name == "data" && kind == Kind::Array {
                found.data(&mut cursor, text)?;
                continue;
            }
            let value: Span = cursor.skip()?.into();
            match &*name {
                _ if kind == Kind::Null => {}
                "id" => found.id = value,
                "model" => found.model = value,
                "usage" => found.usage = value,
                "error" => found.error = value,
                _ => {}
            }
        }
        cursor.end()?;
        Ok(found)
    }

    fn data(&mut self, cursor: &mut Cursor<'_>, text: &str) -> Result<(), Flaw> {
        let start = cursor.at();
        self.broken = false;
        cursor.open_array()?;
        while cursor.item()? {
            self.broken |= !has_vector(cursor, text)?;
        }
        self.data = (start..cursor.at()).into();
        Ok(())
    }

    /// The strict body: `object`, `index` and `usage` always there, vectors as
    /// sent, base64 kept as base64.
    pub(crate) fn write(&self, text: &str, model: &str, usage: Usage) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len() + 256);
        out.extend_from_slice(b"{\"object\":\"list\",\"data\":[");
        let mut place = 0;
        elements(self.data.raw(text), |element| {
            write_element(element, place, &mut out);
            place += 1;
        });
        out.extend_from_slice(b"],\"model\":");
        push_quoted(&mut out, model);
        out.extend_from_slice(b",\"usage\":");
        write_embeddings(usage, &mut out);
        members(text, |key, value| {
            if !matches!(key, "object" | "data" | "model" | "usage" | "error") {
                push_member(&mut out, key, value);
            }
        });
        out.push(b'}');
        out
    }
}

fn has_vector(cursor: &mut Cursor<'_>, text: &str) -> Result<bool, Flaw> {
    if cursor.kind()? != Kind::Object {
        cursor.skip()?;
        return Ok(false);
    }
    let mut vector = false;
    cursor.open_object()?;
    while let Some(key) = cursor.key()? {
        let listed = matches!(cursor.kind()?, Kind::Array | Kind::String);
        vector |= listed && decode(text.get(key).unwrap_or_default()) == "embedding";
        cursor.skip()?;
    }
    Ok(vector)
}

fn write_element(element: &str, place: usize, out: &mut Vec<u8>) {
    let mut index = None;
    let mut tail = Vec::new();
    members(element, |key, value| match key {
        "object" => {}
        "index" => index = value.parse().ok(),
        _ => push_member(&mut tail, key, value),
    });
    out.extend_from_slice(if place == 0 { b"" } else { b"," });
    let index: usize = index.unwrap_or(place);
    out.extend_from_slice(format!(r#"{{"object":"embedding","index":{index}"#).as_bytes());
    out.extend_from_slice(&tail);
    out.push(b'}');
}
