//! Embeddings through `/api/embed`: the vectors keep their digits, only what stands
//! around them changes.

use std::borrow::Cow;

use crate::ask::{Extra, Str, Writer};
use crate::dialect::openai_chat::embeddings::{push_input_usage, push_vectors};
use crate::dialect::openai_chat::usage::push_member;
use crate::dialect::openai_chat::wire::{elements, members};
use crate::dialect::plain;
use crate::error::ProviderError;
use crate::prompt::{Prompt, ReadError};

use super::usage::Report;

/// The body of an answer in OpenAI's shape.
///
/// # Errors
/// It is not JSON, is an error, or holds no vectors.
pub(crate) fn read(body: &str) -> Result<String, ProviderError> {
    let text = plain::json(body.as_bytes())?;
    let (mut list, mut report, mut rest) = ("", Report::default(), Vec::new());
    members(text, |key, value| match key {
        "embeddings" => list = value,
        _ if report.take(key, value) => {}
        _ => push_member(&mut rest, key, value),
    });
    let (mut vectors, mut whole) = (Vec::new(), list.starts_with('['));
    elements(list, |vector| {
        whole &= vector.starts_with('[');
        vectors.push(vector);
    });
    if !whole {
        return Err(ProviderError::in_answer(text.as_bytes())
            .unwrap_or_else(|| ProviderError::malformed("the answer holds no embeddings")));
    }
    let mut out = b"{".to_vec();
    push_vectors(&mut out, vectors);
    if let Some(usage) = report.usage().filter(|usage| usage.input > 0) {
        push_input_usage(&mut out, usage.input);
    }
    out.extend_from_slice(&rest);
    out.extend_from_slice(&report.unknown().top);
    out.push(b'}');
    String::from_utf8(out).map_err(|_| ProviderError::malformed("the answer is not UTF-8"))
}

/// The body of a request for embeddings, which is nearly OpenAI's own.
///
/// # Errors
/// The input is not made of texts.
pub(crate) fn lower(
    prompt: &Prompt,
    model: &str,
    dropped: &mut dyn FnMut(&'static str),
) -> Result<Vec<u8>, ReadError> {
    let mut out = Writer::new(prompt.len() + 64);
    out.open("", b'{');
    out.text("model", model);
    let mut whole = true;
    for (name, value) in prompt.members() {
        match &*name {
            _ if value == "null" => {}
            // Of the form of the vectors the gateway takes care.
            "model" | "encoding_format" => {}
            "user" => dropped("user"),
            "input" => {
                if value.starts_with('[') {
                    elements(value, |text| whole &= text.starts_with('"'));
                } else {
                    whole = value.starts_with('"');
                }
                out.raw("input", value);
            }
            _ => out.extras(&[Extra {
                name: Str::text(&name),
                value: Cow::Borrowed(value),
            }]),
        }
    }
    if !whole {
        return Err(ReadError {
            message: "'input' must be a text or a list of texts for this model.".to_owned(),
            param: Some("input".to_owned()),
            code: "unsupported_parameter",
        });
    }
    out.close(b'}');
    Ok(out.finish())
}
