//! Log probabilities in OpenAI's shape. Cohere tells them for stretches of text that
//! may be several tokens: the probability of such a stretch is the product of theirs.

use crate::dialect::logprobs;
use crate::dialect::openai_chat::wire::{elements, members, string};

/// The list of stretches, or the one of an event; none if there is none.
pub(super) fn read(raw: &str) -> Option<String> {
    let mut told = Vec::new();
    elements(raw, |stretch| {
        let (mut text, mut numbers) = (None, "");
        members(stretch, |key, value| match key {
            "text" => text = string(value),
            "logprobs" => numbers = value,
            _ => {}
        });
        let number = product(numbers).unwrap_or_default();
        let members = logprobs::told(&text.unwrap_or_default(), &number, None);
        told.push(format!(r#"{{{members},"top_logprobs":[]}}"#));
    });
    if told.is_empty() {
        return None;
    }
    let list = told.join(",");
    Some(format!(r#"{{"content":[{list}],"refusal":null}}"#))
}

/// One number keeps its digits.
fn product(list: &str) -> Option<String> {
    let (mut first, mut sum, mut count) = (None, 0.0, 0);
    elements(list, |raw| {
        if let Ok(number) = raw.parse::<f64>() {
            first.get_or_insert(raw);
            sum += number;
            count += 1;
        }
    });
    match (first, count) {
        (Some(only), 1) => Some(only.to_owned()),
        // The sum of absurd ones is none that JSON has.
        (Some(_), _) if f64::is_finite(sum) => Some(sum.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_stretch_of_several_tokens_has_the_product_of_their_probabilities() {
        let raw = r#"[{"text":"a","token_ids":[1],"logprobs":[-0.10]},{"text":"é b","token_ids":[2,3],"logprobs":[-0.5,-1.25]},{"token_ids":[4]}]"#;
        assert_eq!(
            read(raw).unwrap(),
            r#"{"content":[{"token":"a","logprob":-0.10,"bytes":[97],"top_logprobs":[]},{"token":"é b","logprob":-1.75,"bytes":[195,169,32,98],"top_logprobs":[]},{"token":"","logprob":-9999.0,"bytes":[],"top_logprobs":[]}],"refusal":null}"#
        );
        assert!(read(r#"{"text":"a","logprobs":[-1]}"#).is_some());
        assert!(
            read(r#"{"text":"a","logprobs":[1e308,1e308,"x"]}"#)
                .unwrap()
                .contains("-9999.0")
        );
        assert_eq!((read("[]"), read(""), read("7")), (None, None, None));
    }
}
