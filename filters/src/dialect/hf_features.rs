//! Embeddings at Hugging Face, which its router serves by no `/v1`: the pipeline
//! `feature-extraction` takes texts and gives bare lists of numbers.

use std::borrow::Cow;

use crate::ask::{Extra, Str, Writer};
use crate::error::{ErrorKind, ProviderError};
use crate::prompt::{Prompt, ReadError};

use super::openai_chat::embeddings::push_vectors;
use super::openai_chat::wire::elements;
use super::plain;

/// The provider behind the router that runs the pipeline.
const RUNNER: &str = "hf-inference";

/// The model's name without the provider that the router's names may end in.
///
/// # Errors
/// It ends in one that does not run the pipeline.
pub fn model_name(model: &str) -> Result<&str, ReadError> {
    match model.split_once(':') {
        None => Ok(model),
        Some((name, RUNNER)) => Ok(name),
        Some(_) => refuse(
            "model",
            "must be one that hf-inference runs: name it without a provider",
        ),
    }
}

/// The body of a request. The input is always a list, so that the answer is one.
///
/// # Errors
/// The input is not made of texts, or a length of the vectors is asked for.
pub(crate) fn lower(
    prompt: &Prompt,
    model: &str,
    dropped: &mut dyn FnMut(&'static str),
) -> Result<Vec<u8>, ReadError> {
    model_name(model)?;
    let mut out = Writer::new(prompt.len() + 64);
    out.open("", b'{');
    let mut whole = true;
    for (name, value) in prompt.members() {
        match &*name {
            _ if value == "null" => {}
            // Of the form of the vectors the gateway takes care.
            "model" | "encoding_format" => {}
            "user" => dropped("user"),
            "dimensions" => {
                return refuse(
                    "dimensions",
                    "cannot be chosen for this model: leave it out",
                );
            }
            "inputs" => return refuse("inputs", "is what the translation writes: use `input`"),
            "input" => {
                out.open("inputs", b'[');
                let mut text = |raw: &str| {
                    whole &= raw.starts_with('"');
                    out.raw("", raw);
                };
                match value.starts_with('[') {
                    true => elements(value, text),
                    false => text(value),
                }
                out.close(b']');
            }
            _ => out.extras(&[Extra {
                name: Str::text(&name),
                value: Cow::Borrowed(value),
            }]),
        }
    }
    if !whole {
        return refuse("input", "must be a text or a list of texts for this model");
    }
    out.close(b'}');
    Ok(out.finish())
}

/// The body of an answer in OpenAI's shape; nobody reports a usage.
///
/// # Errors
/// It is not JSON, is an error, or holds no vectors. Vectors of the single tokens
/// are none of the text's: how to make one of them is the model's to know.
pub(crate) fn read(body: &str) -> Result<String, ProviderError> {
    let text = plain::json(body.as_bytes())?;
    let bad = |what: &str| {
        ProviderError::in_answer(text.as_bytes()).unwrap_or_else(|| ProviderError::malformed(what))
    };
    if !text.starts_with('[') {
        return Err(bad("the answer holds no embeddings"));
    }
    let (mut lists, mut numbers, mut deeper, mut others) = (Vec::new(), 0_usize, false, false);
    elements(text, |element| match element.as_bytes().first() {
        Some(b'[') => {
            let inner = element.get(1..).unwrap_or_default().trim_start();
            deeper |= inner.starts_with('[');
            others |= inner.starts_with(']');
            lists.push(element);
        }
        Some(b'-' | b'0'..=b'9') => numbers += 1,
        _ => others = true,
    });
    if numbers > 0 && lists.is_empty() {
        lists.push(text);
    } else {
        others |= numbers > 0;
    }
    if deeper {
        return Err(ProviderError {
            kind: ErrorKind::InvalidRequest,
            param: Some("model".to_owned()),
            code: Some("unsupported_parameter".to_owned()),
            retryable: false,
            ..ProviderError::malformed(
                "this model gives a vector for each token and none for the text: ask a model that \
                 is made for sentences",
            )
        });
    }
    if others || lists.is_empty() {
        return Err(bad("the answer holds no embeddings"));
    }
    let mut out = b"{".to_vec();
    push_vectors(&mut out, lists);
    out.push(b'}');
    String::from_utf8(out).map_err(|_| ProviderError::malformed("the answer is not UTF-8"))
}

fn refuse<T>(param: &str, why: &str) -> Result<T, ReadError> {
    Err(ReadError {
        message: format!("'{param}' {why}."),
        param: Some(param.to_owned()),
        code: "unsupported_parameter",
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::prompt::Surface;

    fn say(body: &str, model: &str) -> Result<String, Option<String>> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let prompt = Prompt::read(Surface::Embeddings, body).unwrap();
        let said = lower(&prompt, model, &mut |name| assert_eq!(name, "user"));
        let said = said.map_err(|error| error.param)?;
        Ok(String::from_utf8(said).unwrap())
    }

    #[test]
    fn every_request_is_a_list_of_texts() {
        let one = r#"{"model":"x","input":"a","user":"u","normalize":true}"#;
        let said = r#"{"inputs":["a"],"normalize":true}"#;
        assert_eq!(say(one, "o/n:hf-inference"), Ok(said.to_owned()));
        let two = r#"{"input":["a", "b"],"model":"x","encoding_format":"base64"}"#;
        assert_eq!(say(two, "o/n"), Ok(r#"{"inputs":["a","b"]}"#.to_owned()));
        for (body, model, param) in [
            (r#"{"model":"x","input":[1,2]}"#, "m", "input"),
            (
                r#"{"model":"x","input":"a","dimensions":3}"#,
                "m",
                "dimensions",
            ),
            (r#"{"model":"x","input":"a","inputs":[]}"#, "m", "inputs"),
            (r#"{"model":"x","input":"a"}"#, "m:nebius", "model"),
        ] {
            assert_eq!(say(body, model), Err(Some(param.to_owned())), "{body}");
        }
    }

    #[test]
    fn lists_become_vectors_with_their_digits() {
        for (body, said) in [
            (
                "[[0.50,-1e-3],[1]]",
                r#"{"data":[{"index":0,"embedding":[0.50,-1e-3]},{"index":1,"embedding":[1]}]}"#,
            ),
            (" [1, 2] ", r#"{"data":[{"index":0,"embedding":[1, 2]}]}"#),
        ] {
            assert_eq!(read(body).unwrap(), said);
        }
    }

    #[test]
    fn vectors_of_tokens_are_refused_and_other_things_are_no_answer() {
        let error = read("[[ [1,2],[3,4]]]").unwrap_err();
        assert_eq!(
            (error.kind, error.retryable),
            (ErrorKind::InvalidRequest, false)
        );
        assert_eq!(error.param.as_deref(), Some("model"));
        for body in [
            "{}",
            "null",
            "[null]",
            "[[1],2]",
            "[\"a\"]",
            "[]",
            "[[]]",
            "<html>",
            "",
            r#"{"error":"no"}"#,
        ] {
            let error = read(body).unwrap_err();
            assert!(error.retryable && !error.message.is_empty(), "{body}");
        }
    }
}
