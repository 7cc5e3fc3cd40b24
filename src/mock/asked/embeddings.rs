//! An embeddings request, and the forms of a prompt that it shares with the older completions.

use serde::Deserialize;
use serde_json::Value;

use super::{Asked, Endpoint, Malformed, Read, bounded, named, parsed, words};

/// The most texts of one request, as OpenAI has it.
const MOST_INPUTS: usize = 2048;
const MOST_DIMENSIONS: u64 = 4096;

#[derive(Deserialize)]
struct Body {
    model: Option<String>,
    #[serde(default)]
    input: Value,
    dimensions: Option<u64>,
    encoding_format: Option<String>,
}

pub(super) fn read(body: &[u8]) -> Read {
    let body: Body = parsed(body)?;
    let model = named(body.model)?;
    let dimensions = Some(body.dimensions.unwrap_or(16));
    let dimensions = bounded("dimensions", dimensions, MOST_DIMENSIONS)?;
    let (inputs, prompt_tokens) = texts("input", &body.input)?;
    let asked = Asked {
        prompt_tokens,
        inputs,
        dimensions,
        base64: body.encoding_format.as_deref() == Some("base64"),
        ..Asked::unread(Endpoint::Embeddings)
    };
    Ok((model, asked))
}

/// The texts of a field and their words. Token ids are numbers: each is one token.
pub(super) fn texts(field: &'static str, input: &Value) -> Result<(Vec<String>, u64), Malformed> {
    let one = |value: &Value| match value {
        Value::String(text) => Some((text.clone(), words(text))),
        Value::Array(ids) if ids.iter().all(Value::is_u64) => {
            Some((Value::Array(ids.clone()).to_string(), ids.len() as u64))
        }
        _ => None,
    };
    let whole = one(input).filter(|_| input.as_array().is_none_or(|ids| !ids.is_empty()));
    let all = match (whole, input) {
        (Some(text), _) => Some(vec![text]),
        (None, Value::Array(list)) => list.iter().map(one).collect(),
        _ => None,
    };
    let all: Vec<(String, u64)> = all
        .filter(|all: &Vec<_>| (1..=MOST_INPUTS).contains(&all.len()))
        .ok_or_else(|| {
            let message =
                format!("`{field}` must be a text, token ids, or 1 to {MOST_INPUTS} of them");
            Malformed::of(field, message)
        })?;
    let tokens = all.iter().map(|(_, tokens)| tokens).sum();
    Ok((all.into_iter().map(|(text, _)| text).collect(), tokens))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_form_of_embedding_input_is_read() {
        let inputs = |input: Value| {
            let body = json!({"model": "echo", "input": input}).to_string();
            read(body.as_bytes()).map(|(_, asked)| (asked.inputs.len(), asked.prompt_tokens))
        };
        assert_eq!(inputs(json!("one two")), Ok((1, 2)));
        assert_eq!(inputs(json!(["one two", "three"])), Ok((2, 3)));
        assert_eq!(inputs(json!([1, 2, 3])), Ok((1, 3)));
        assert_eq!(inputs(json!([[1, 2], [3]])), Ok((2, 3)));
        for wrong in [
            json!([]),
            json!({}),
            json!(null),
            json!(["a", {}]),
            json!([-1]),
        ] {
            assert!(inputs(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
