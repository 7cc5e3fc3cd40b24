//! Log probabilities in OpenAI's shape, whoever gave them in which.

use crate::dialect::openai_chat::usage::push_member;
use crate::dialect::openai_chat::wire::{elements, members, string};
use crate::json::quoted;

/// Stands for a probability that was not told: OpenAI's own word for "hardly".
const UNTOLD: &str = "-9999.0";

/// Gemini's `logprobsResult`: one list of tokens and one of their rivals; none if
/// there are none.
pub(crate) fn read(raw: &str) -> Option<String> {
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

/// Lists side by side, as Together gives them: `tokens`, `token_logprobs` and, if there
/// are rivals, `top_logprobs` with a member for each. None for any other shape.
pub(crate) fn side_by_side(raw: &str) -> Option<String> {
    let (mut tokens, mut numbers, mut top) = (Vec::new(), Vec::new(), Vec::new());
    let (mut known, mut rest) = (false, Vec::new());
    members(raw, |key, value| match key {
        "content" => known = true,
        "tokens" => elements(value, |token| {
            tokens.push(string(token).unwrap_or_default());
        }),
        "token_logprobs" => elements(value, |number| numbers.push(number)),
        "top_logprobs" => elements(value, |rivals| {
            let mut list = Vec::new();
            members(rivals, |token, number| list.push(told(token, number, None)));
            top.push(list.join("},{"));
        }),
        _ => push_member(&mut rest, key, value),
    });
    if known {
        return None;
    }
    let top = top.into_iter().map(Some).chain(std::iter::repeat(None));
    let pairs = tokens.iter().zip(numbers);
    let one = |(token, number): (&std::borrow::Cow<'_, str>, &str)| told(token, number, None);
    let mut list = written(pairs.map(one).zip(top))?;
    list.pop();
    list.push_str(&String::from_utf8_lossy(&rest));
    list.push('}');
    Some(list)
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
        "logProbability" | "logprob" => number = value,
        "bytes" if value.starts_with('[') => {
            let mut list: Vec<u8> = Vec::new();
            elements(value, |byte| list.extend(byte.parse::<u8>()));
            spelt = Some(list);
        }
        _ => {}
    });
    told(&text.unwrap_or_default(), number, spelt)
}

/// The members of one token with its probability, and the bytes it was given with or has.
pub(crate) fn told(token: &str, number: &str, bytes: Option<Vec<u8>>) -> String {
    // Half a character shows in its bytes only.
    let bytes = bytes.unwrap_or_else(|| token.as_bytes().to_vec());
    let bytes: Vec<String> = bytes.iter().map(u8::to_string).collect();
    let (token, bytes) = (quoted(token), bytes.join(","));
    let number = if number.starts_with(is_of_number) {
        number
    } else {
        UNTOLD
    };
    format!(r#""token":{token},"logprob":{number},"bytes":[{bytes}]"#)
}

fn is_of_number(c: char) -> bool {
    c == '-' || c.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::{list, read, side_by_side};

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

    #[test]
    fn lists_side_by_side_become_one() {
        let raw = r#"{"token_ids":[1,2],"tokens":["a","b"],"token_logprobs":[-0.5,null],"top_logprobs":[{"a":-0.5,"c":-3},null]}"#;
        assert_eq!(
            side_by_side(raw).unwrap(),
            r#"{"content":[{"token":"a","logprob":-0.5,"bytes":[97],"top_logprobs":[{"token":"a","logprob":-0.5,"bytes":[97]},{"token":"c","logprob":-3,"bytes":[99]}]},{"token":"b","logprob":-9999.0,"bytes":[98],"top_logprobs":[]}],"refusal":null,"token_ids":[1,2]}"#
        );
        assert_eq!(side_by_side(r#"{"content":[]}"#), None);
    }
}
