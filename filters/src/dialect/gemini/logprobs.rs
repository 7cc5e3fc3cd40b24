//! Log probabilities (`logprobsResult`, and lists like Ollama's) in OpenAI's shape.

use crate::dialect::openai_chat::wire::{elements, members, string};
use crate::dialect::plain::{UNTOLD, token};

/// The list of tokens; none if there is none.
pub(super) fn read(raw: &str) -> Option<String> {
    let (mut chosen, mut top) = (Vec::new(), Vec::new());
    members(raw, |key, value| match key {
        "chosenCandidates" => elements(value, |token| chosen.push(read_token(token))),
        "topCandidates" => elements(value, |place| {
            let mut list = Vec::new();
            members(place, |key, value| {
                if key == "candidates" {
                    elements(value, |token| list.push(read_token(token)));
                }
            });
            top.push(list.join("},{"));
        }),
        _ => {}
    });
    let top = top.into_iter().map(Some).chain(std::iter::repeat(None));
    written(chosen.into_iter().zip(top))
}

/// A list of tokens that is nearly OpenAI's own, as Ollama writes it.
pub(crate) fn list(raw: &str) -> Option<String> {
    let mut tokens = Vec::new();
    elements(raw, |token| {
        let mut others = Vec::new();
        members(token, |key, value| {
            if key == "top_logprobs" {
                elements(value, |other| others.push(read_token(other)));
            }
        });
        tokens.push((read_token(token), Some(others.join("},{"))));
    });
    written(tokens.into_iter())
}

/// Tokens, each with its rivals, in OpenAI's shape; none if there is none.
fn written(tokens: impl Iterator<Item = (String, Option<String>)>) -> Option<String> {
    let told: Vec<String> = tokens
        .map(|(token, others)| {
            let others = match others.as_deref() {
                None | Some("") => "[]".to_owned(),
                Some(list) => format!("[{{{list}}}]"),
            };
            format!("{{{token},\"top_logprobs\":{others}}}")
        })
        .collect();
    let content = told.join(",");
    (!told.is_empty()).then(|| format!(r#"{{"content":[{content}],"refusal":null}}"#))
}

/// The members of one token.
fn read_token(raw: &str) -> String {
    let (mut text, mut number, mut spelt) = (None, UNTOLD, None);
    members(raw, |key, value| match key {
        "token" => text = string(value),
        "logProbability" | "logprob" if value.starts_with(is_of_number) => number = value,
        "bytes" if value.starts_with('[') => {
            let mut list: Vec<u8> = Vec::new();
            elements(value, |byte| list.extend(byte.parse::<u8>()));
            spelt = Some(list);
        }
        _ => {}
    });
    let text = text.unwrap_or_default();
    // Half a character shows in its bytes only.
    let bytes = spelt.as_deref().unwrap_or(text.as_bytes());
    token(&text, bytes, number)
}

fn is_of_number(c: char) -> bool {
    c == '-' || c.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::{list, read};

    #[test]
    fn tokens_find_their_rivals() {
        let raw = r#"{"topCandidates":[{"candidates":[{"token":"a","tokenId":1,"logProbability":-0.1},{"token":"b","logProbability":-2}]}],"chosenCandidates":[{"token":"a","tokenId":1,"logProbability":-0.1},{"token":"é"}]}"#;
        assert_eq!(
            read(raw).unwrap(),
            r#"{"content":[{"token":"a","logprob":-0.1,"bytes":[97],"top_logprobs":[{"token":"a","logprob":-0.1,"bytes":[97]},{"token":"b","logprob":-2,"bytes":[98]}]},{"token":"é","logprob":-9999.0,"bytes":[195,169],"top_logprobs":[]}],"refusal":null}"#
        );
        assert_eq!(read("{}"), None);
        assert_eq!(read(""), None);
    }

    #[test]
    fn a_list_of_tokens_is_completed() {
        let raw = r#"[{"token":"a","logprob":-0.5,"bytes":[97],"top_logprobs":[{"token":"b","logprob":-2}]},{"token":"c","logprob":true,"bytes":[195, 300]}]"#;
        assert_eq!(
            list(raw).unwrap(),
            r#"{"content":[{"token":"a","logprob":-0.5,"bytes":[97],"top_logprobs":[{"token":"b","logprob":-2,"bytes":[98]}]},{"token":"c","logprob":-9999.0,"bytes":[195],"top_logprobs":[]}],"refusal":null}"#
        );
        assert_eq!(list("[]"), None);
        assert_eq!(list("7"), None);
    }
}
