//! Embeddings through `:batchEmbedContents`: the vectors keep their digits, only
//! what stands around them changes.

use std::borrow::Cow;

use crate::ask::{Extra, Str, Writer};
use crate::dialect::openai_chat::embeddings::{push_input_usage, push_vectors};
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
    let (mut vectors, mut whole, mut found) = (Vec::new(), true, false);
    let mut report = Report::default();
    let mut vector = |raw| {
        let mut values = None;
        members(raw, |key, value| {
            if key == "values" && value.starts_with('[') {
                values = Some(value);
            }
        });
        whole &= values.is_some();
        vectors.extend(values);
    };
    members(text, |key, value| match key {
        "embeddings" if value.starts_with('[') => {
            found = true;
            elements(value, &mut vector);
        }
        // `:embedContent` answers with one.
        "embedding" if value.starts_with('{') => {
            found = true;
            vector(value);
        }
        "usageMetadata" => {
            report.take(value);
        }
        _ => {}
    });
    if !found || !whole {
        return Err(ProviderError::in_answer(text.as_bytes())
            .unwrap_or_else(|| ProviderError::malformed("the answer holds no embeddings")));
    }
    let mut out = b"{".to_vec();
    push_vectors(&mut out, vectors);
    if let Some(usage) = report.usage() {
        push_input_usage(&mut out, usage.input);
    }
    out.push(b'}');
    String::from_utf8(out).map_err(|_| ProviderError::malformed("the answer is not UTF-8"))
}

/// The body of a request for embeddings: one request per text.
///
/// # Errors
/// The input is not made of texts.
pub(crate) fn lower(
    prompt: &Prompt,
    model: &str,
    dropped: &mut dyn FnMut(&'static str),
) -> Result<Vec<u8>, ReadError> {
    let model = model.strip_prefix("models/").unwrap_or(model);
    let (mut input, mut each) = ("", Writer::new(64));
    each.open("", b'{');
    each.joined("model", &["models/", Str::text(model).raw()]);
    for (name, value) in prompt.members() {
        match &*name {
            _ if value == "null" => {}
            "model" => {}
            "input" => input = value,
            "dimensions" => each.raw("outputDimensionality", value),
            "task_type" | "taskType" => each.raw("taskType", value),
            // Of the form of the vectors the gateway takes care.
            "encoding_format" => {}
            "user" => dropped("user"),
            _ => each.extras(&[Extra {
                name: Str::text(&name),
                value: Cow::Borrowed(value),
            }]),
        }
    }
    let head = each.finish();
    let head = String::from_utf8_lossy(&head);
    let mut out = Writer::new(input.len() + 256);
    out.open("", b'{');
    out.open("requests", b'[');
    let mut whole = true;
    let mut request = |raw: &str| {
        whole &= raw.starts_with('"');
        let text = Str::json(raw);
        let content = [
            &*head,
            r#","content":{"parts":[{"text":""#,
            text.raw(),
            r#""}]}}"#,
        ];
        out.raw("", &content.concat());
    };
    if input.starts_with('[') {
        elements(input, &mut request);
    } else {
        request(input);
    }
    if !whole {
        return Err(ReadError {
            message: "'input' must be a text or a list of texts for this model.".to_owned(),
            param: Some("input".to_owned()),
            code: "unsupported_parameter",
        });
    }
    out.close(b']');
    out.close(b'}');
    Ok(out.finish())
}
