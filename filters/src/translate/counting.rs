//! A request of `count_tokens` for who counts in another dialect: the request as it
//! would be asked, in the envelope that the other side wants around it.

use bytes::Bytes;

use crate::dialect::Dialect;
use crate::dialect::openai_chat::wire::members;
use crate::json::push_quoted;

/// What Bedrock counts of a Converse request; more members than these are refused.
/// Source: `ConverseTokensRequest` of the service's model.
const COUNTED_AT_BEDROCK: &[&str] = &[
    "messages",
    "system",
    "toolConfig",
    "additionalModelRequestFields",
];

/// Puts a request that was said in `to` into that dialect's question for its tokens.
/// Dialects that are asked with the request itself get it as it is.
pub(super) fn enveloped(to: Dialect, model: &str, said: Bytes) -> Bytes {
    match to {
        Dialect::Gemini => Bytes::from(at_gemini(model, &said)),
        Dialect::BedrockConverse => Bytes::from(at_bedrock(&said)),
        _ => said,
    }
}

/// `generateContentRequest` names its model; only there are tools and system counted.
fn at_gemini(model: &str, said: &[u8]) -> Vec<u8> {
    let mut out = br#"{"generateContentRequest":{"model":"#.to_vec();
    let model = model.strip_prefix("models/").unwrap_or(model);
    push_quoted(&mut out, &format!("models/{model}"));
    members(text(said), |name, value| push_member(&mut out, name, value));
    out.extend_from_slice(b"}}");
    out
}

fn at_bedrock(said: &[u8]) -> Vec<u8> {
    let mut out = br#"{"input":{"converse":{"#.to_vec();
    members(text(said), |name, value| {
        if COUNTED_AT_BEDROCK.contains(&name) {
            push_member(&mut out, name, value);
        }
    });
    out.extend_from_slice(b"}}}");
    out
}

/// It was written here, so it is text.
fn text(said: &[u8]) -> &str {
    std::str::from_utf8(said).unwrap_or_default()
}

fn push_member(out: &mut Vec<u8>, name: &str, value: &str) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
    push_quoted(out, name);
    out.push(b':');
    out.extend_from_slice(value.as_bytes());
}
