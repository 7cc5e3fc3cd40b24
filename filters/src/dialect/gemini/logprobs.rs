//! Log probabilities (`logprobsResult`) in OpenAI's shape.

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
    if chosen.is_empty() {
        return None;
    }
    let mut tokens = Vec::with_capacity(chosen.len());
    for (place, token) in chosen.iter().enumerate() {
        let others = match top.get(place).map(String::as_str) {
            None | Some("") => "[]".to_owned(),
            Some(list) => format!("[{{{list}}}]"),
        };
        tokens.push(format!("{{{token},\"top_logprobs\":{others}}}"));
    }
    let tokens = tokens.join(",");
    Some(format!(r#"{{"content":[{tokens}],"refusal":null}}"#))
}

/// The members of one token.
fn read_token(raw: &str) -> String {
    let (mut text, mut number) = (None, UNTOLD);
    members(raw, |key, value| match key {
        "token" => text = string(value),
        "logProbability" if !value.starts_with(['"', '{', '[', 'n']) => number = value,
        _ => {}
    });
    token(&text.unwrap_or_default(), number)
}

#[cfg(test)]
mod tests {
    use super::read;

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
}
