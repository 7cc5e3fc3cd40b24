//! Answers of the embedding models: Titan's one vector, Nova's list of objects,
//! Cohere's list of vectors or lists by type. The vectors keep their digits.

use crate::dialect::cohere;
use crate::dialect::openai_chat::embeddings::{push_input_usage, push_vectors};
use crate::dialect::openai_chat::wire::{elements, members, number, string};
use crate::dialect::plain;
use crate::error::ProviderError;
use crate::json::push_quoted;

/// The vectors of an answer in OpenAI's shape.
#[derive(Default)]
struct Vectors<'a> {
    list: Vec<&'a str>,
    tokens: Option<u64>,
    id: Option<String>,
    /// Something stood where a vector must be.
    broken: bool,
}

/// The body of an answer in OpenAI's shape.
///
/// # Errors
/// It is not JSON, is an error, or holds no vectors.
pub(crate) fn read(body: &str) -> Result<String, ProviderError> {
    let text = plain::json(body.as_bytes())?;
    let mut found = Vectors::default();
    let mut by_type = "";
    members(text, |key, value| match key {
        "embedding" => found.push(value),
        "embeddings" if value.starts_with('{') => found.typed(value),
        "embeddings" => elements(value, |element| {
            match element.starts_with('{') {
                true => members(element, |key, value| {
                    if key == "embedding" {
                        found.push(value);
                    }
                }),
                false => found.push(element),
            };
        }),
        "embeddingsByType" => by_type = value,
        "inputTextTokenCount" | "inputTokenCount" => found.tokens = number(value),
        "meta" => found.tokens = cohere::usage::of_meta(value).or(found.tokens),
        "id" => found.id = string(value).map(|id| id.into_owned()),
        _ => {}
    });
    if found.list.is_empty() {
        // Titan's vectors of other kinds than floats.
        members(by_type, |_, value| {
            if found.list.is_empty() {
                found.push(value);
            }
        });
    }
    if found.list.is_empty() || found.broken {
        return Err(ProviderError::in_answer(text.as_bytes())
            .unwrap_or_else(|| ProviderError::malformed("the answer holds no embeddings")));
    }
    String::from_utf8(found.write())
        .map_err(|_| ProviderError::malformed("the answer is not UTF-8"))
}

impl<'a> Vectors<'a> {
    fn push(&mut self, raw: &'a str) {
        self.broken |= !raw.starts_with('[');
        self.list.push(raw);
    }

    /// Lists by type: the floats if there are some, else the first.
    fn typed(&mut self, raw: &'a str) {
        let (mut first, mut floats) = (None, None);
        members(raw, |key, value| {
            first.get_or_insert(value);
            if key == "float" {
                floats = Some(value);
            }
        });
        if let Some(list) = floats.or(first) {
            elements(list, |vector| self.push(vector));
        }
    }

    fn write(&self) -> Vec<u8> {
        let mut out = b"{".to_vec();
        if let Some(id) = &self.id {
            out.extend_from_slice(b"\"id\":");
            push_quoted(&mut out, id);
            out.push(b',');
        }
        push_vectors(&mut out, self.list.iter().copied());
        if let Some(tokens) = self.tokens {
            push_input_usage(&mut out, tokens);
        }
        out.push(b'}');
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_of_vectors_becomes_openais() {
        for (body, expected) in [
            (
                r#"{"embedding":[-0.09060307592153549,1],"inputTextTokenCount":5}"#,
                r#"{"data":[{"index":0,"embedding":[-0.09060307592153549,1]}],"usage":{"prompt_tokens":5,"total_tokens":5}}"#,
            ),
            (
                r#"{"embeddings":[{"embeddingType":"TEXT","embedding":[2.79E-5]}]}"#,
                r#"{"data":[{"index":0,"embedding":[2.79E-5]}]}"#,
            ),
            (
                r#"{"embeddings": [[1, 2], [3]], "id": "a", "texts": ["x"]}"#,
                r#"{"id":"a","data":[{"index":0,"embedding":[1, 2]},{"index":1,"embedding":[3]}]}"#,
            ),
            (
                r#"{"embeddings":{"int8":[[7]],"float":[[1],[2]]},"meta":{"billed_units":{"input_tokens":3,"image_tokens":0}}}"#,
                r#"{"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":[2]}],"usage":{"prompt_tokens":3,"total_tokens":3}}"#,
            ),
            (
                r#"{"embeddingsByType":{"binary":[1,0]},"inputTextTokenCount":2}"#,
                r#"{"data":[{"index":0,"embedding":[1,0]}],"usage":{"prompt_tokens":2,"total_tokens":2}}"#,
            ),
        ] {
            assert_eq!(read(body).unwrap(), expected);
        }
        for body in [
            "{}",
            "[]",
            "x",
            r#"{"message":"no"}"#,
            r#"{"embeddings":[3]}"#,
        ] {
            assert!(read(body).is_err(), "{body}");
        }
    }
}
