//! Embeddings through `:batchEmbedContents`: the vectors keep their digits, only
//! what stands around them changes.

use crate::dialect::openai_chat::usage::push_raw;
use crate::dialect::openai_chat::wire::{elements, members};
use crate::dialect::plain;
use crate::error::ProviderError;

use super::usage::Report;

/// The body of an answer in OpenAI's shape.
///
/// # Errors
/// It is not JSON, is an error, or holds no vectors.
pub(crate) fn read(body: &str) -> Result<String, ProviderError> {
    let text = plain::json(body.as_bytes())?;
    let mut out = b"{\"data\":[".to_vec();
    let (mut count, mut whole, mut found) = (0_usize, true, false);
    let mut report = Report::default();
    let mut vector = |raw: &str| {
        let mut values = None;
        members(raw, |key, value| {
            if key == "values" && value.starts_with('[') {
                values = Some(value);
            }
        });
        whole &= values.is_some();
        out.extend_from_slice(if count == 0 { b"" } else { b"," });
        out.extend_from_slice(format!(r#"{{"index":{count},"embedding":"#).as_bytes());
        push_raw(&mut out, values.unwrap_or("[]"));
        out.push(b'}');
        count += 1;
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
    out.push(b']');
    if let Some(usage) = report.usage() {
        let input = usage.input;
        out.extend_from_slice(
            format!(r#","usage":{{"prompt_tokens":{input},"total_tokens":{input}}}"#).as_bytes(),
        );
    }
    out.push(b'}');
    String::from_utf8(out).map_err(|_| ProviderError::malformed("the answer is not UTF-8"))
}
