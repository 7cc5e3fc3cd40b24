//! How a speech becomes an answer: one file for each grammar, this one for what they share.
//!
//! Answers are written piece by piece into ready-made frames instead of through a JSON tree,
//! because this server also stands behind the benchmarks and must cost little beside what it
//! measures.

mod chat;
mod completions;
mod messages;

use std::time::Duration;

use super::asked::{Asked, Endpoint, words};
use super::journal::{now_ms, request_id};
use super::scenario::Params;
use super::script::{Bill, Script, Steps};
use super::speech::Speech;

/// Where usage is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Usage {
    /// As the provider does: OpenAI in a last chunk of its own, if asked for; Anthropic in the
    /// first event and, summed up, in the last but one.
    Plain,
    /// With the finish reason alone.
    InFinish,
    /// Nowhere.
    Never,
}

/// How a speech is told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Telling {
    pub(super) usage: Usage,
    /// A stream ends with its last word: `[DONE]` or `message_stop`.
    pub(super) done: bool,
}

impl Telling {
    /// As the provider does.
    pub(super) const PLAIN: Self = Self {
        usage: Usage::Plain,
        done: true,
    };
}

/// What all parts of one answer have in common.
#[derive(Debug, Clone)]
pub(super) struct Voice {
    seq: u64,
    /// The model as asked for, a JSON text.
    model: String,
    /// Unix seconds.
    created: u64,
}

/// `text` as a JSON string.
pub(super) fn quoted(text: &str) -> String {
    if is_plain(text) {
        return format!("\"{text}\"");
    }
    serde_json::Value::from(text).to_string()
}

/// `text` as it stands between the quotes of a JSON string.
fn escaped(text: String) -> String {
    if is_plain(&text) {
        return text;
    }
    let quoted = quoted(&text);
    let inner = quoted.get(1..quoted.len() - 1);
    inner.unwrap_or_default().to_owned()
}

/// The length of [`escaped`] text.
pub(super) fn escaped_len(text: &str) -> usize {
    if is_plain(text) {
        return text.len();
    }
    quoted(text).len() - 2
}

fn is_plain(text: &str) -> bool {
    let special = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    !text.bytes().any(special)
}

/// What one telling needs to know beside the speech.
#[derive(Debug, Clone, Copy)]
struct Order<'a> {
    asked: &'a Asked,
    params: &'a Params,
    telling: Telling,
}

/// An answer before it is paced: the header's part is the same in all grammars.
struct Told {
    steps: Steps,
    /// The bytes of a whole answer.
    length: Option<u64>,
    bill: Bill,
}

impl Voice {
    /// The voice of the answer to request number `seq`.
    pub(super) fn new(seq: u64, model: &str) -> Self {
        Self {
            seq,
            model: quoted(model),
            created: now_ms() / 1000,
        }
    }

    /// The request id in the answer.
    pub(super) fn request_id(&self) -> String {
        request_id(self.seq)
    }

    /// The whole answer to `asked`, streamed or not as it was asked for.
    pub(super) fn tell(
        &self,
        asked: &Asked,
        params: &Params,
        speech: Speech,
        telling: Telling,
    ) -> Script {
        let order = Order {
            asked,
            params,
            telling,
        };
        let told = match asked.endpoint {
            Endpoint::Messages => self.message(order, speech.limited(asked)),
            Endpoint::Completions => self.completion(order, &speech),
            _ => self.chat(order, speech.limited(asked)),
        };
        let delay = params.span("delay");
        let (before, pace, content_type) = if asked.stream {
            (Duration::ZERO, delay, "text/event-stream; charset=utf-8")
        } else {
            (delay, Duration::ZERO, "application/json")
        };
        Script {
            before,
            length: told.length.filter(|_| params.text("length") != "no"),
            steps: told.steps,
            bill: told.bill,
            ..Script::whole(200, content_type, "")
        }
        .paced(pace)
    }
}

impl Order<'_> {
    /// What `choices` answers of so many tokens cost, unless the scenario's parameters say so.
    fn bill(&self, tokens: u64) -> Bill {
        let Self { asked, params, .. } = self;
        Bill {
            prompt_tokens: params.count("tokens_in").unwrap_or(asked.prompt_tokens),
            completion_tokens: params.count("tokens_out").unwrap_or(tokens),
        }
    }
}

/// The tokens of the thoughts.
fn thought_tokens(speech: &Speech) -> u64 {
    speech.thoughts.iter().map(|thought| words(thought)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_is_that_of_json_whatever_the_text_holds() {
        for text in [
            "",
            "plain é",
            "a \"quote\"",
            "back\\slash",
            "line\nfeed\u{1}\u{7f}",
        ] {
            let json = quoted(text);
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
            assert_eq!(format!("\"{}\"", escaped(text.to_owned())), json);
            assert_eq!(escaped_len(text), json.len() - 2);
        }
    }
}
