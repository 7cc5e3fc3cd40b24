//! The OpenAI dialect: how a speech becomes chunks of a stream or one JSON answer.
//!
//! Both are written piece by piece into ready-made frames instead of through a JSON tree, because
//! this server also stands behind the benchmarks and must cost little beside what it measures.

use std::time::Duration;

use super::asked::{Asked, words};
use super::journal::{now_ms, request_id};
use super::scenario::Params;
use super::script::{Bill, Script, Step, Steps};
use super::speech::Speech;

/// Where usage is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Usage {
    /// As OpenAI does: in a last chunk of its own, if asked for.
    AsAsked,
    /// In the finish chunk.
    InFinish,
    /// Nowhere.
    Never,
}

/// How a speech is told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Telling {
    pub(super) usage: Usage,
    /// A stream ends with `[DONE]`.
    pub(super) done: bool,
}

impl Telling {
    /// As OpenAI does.
    pub(super) const PLAIN: Self = Self {
        usage: Usage::AsAsked,
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

impl Voice {
    /// The voice of the answer to request number `seq`.
    pub(super) fn new(seq: u64, model: &str) -> Self {
        Self {
            seq,
            model: quoted(model),
            created: now_ms() / 1000,
        }
    }

    /// The `x-request-id` of the answer.
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
        let speech = speech.limited(asked.limit);
        let bill = bill(asked, params, &speech);
        let usage = usage_json(bill, params, &speech);
        let (delay, script) = if asked.stream {
            let script = Script {
                length: None,
                steps: self.stream(asked, speech, telling, &usage),
                ..Script::whole(200, "text/event-stream; charset=utf-8", "")
            };
            (params.span("delay"), script)
        } else {
            let usage = (telling.usage != Usage::Never).then_some(usage.as_str());
            let script = self.unary(asked.choices, &speech, usage);
            let script = Script {
                before: params.span("delay"),
                length: script.length.filter(|_| params.text("length") != "no"),
                ..script
            };
            (Duration::ZERO, script)
        };
        Script { bill, ..script }.paced(delay)
    }

    fn stream(&self, asked: &Asked, speech: Speech, telling: Telling, usage: &str) -> Steps {
        let choices = asked.choices;
        let usage_asked = asked.include_usage && telling.usage == Usage::AsAsked;
        let chunks = Chunks::new(self, choices, usage_asked);
        let role = chunks.frames(&speech.opening_delta());
        let last_usage = (telling.usage == Usage::InFinish).then_some(usage);
        let finish: Vec<Step> = (0..choices)
            .map(|choice| chunks.finish(choice, &speech.finish_json(), last_usage))
            .collect();
        let usage = usage_asked.then(|| chunks.usage(usage));
        let done = telling.done.then(|| Step::frame("data: [DONE]\n\n"));
        let said = speech
            .deltas()
            .flat_map(move |(delta, tokens)| chunks.content(&delta, tokens));
        Box::new(
            role.into_iter()
                .chain(said)
                .chain(finish)
                .chain(usage)
                .chain(done),
        )
    }

    fn unary(&self, choices: usize, speech: &Speech, usage: Option<&str>) -> Script {
        let head = format!(
            r#"{{"id":"chatcmpl-mock{:012}","object":"chat.completion","created":{},"model":{},"choices":["#,
            self.seq, self.created, self.model
        );
        let usage = usage
            .map(|usage| format!(r#","usage":{usage}"#))
            .unwrap_or_default();
        let tail = format!(r#"]{usage},"service_tier":"default","system_fingerprint":"fp_mock"}}"#);
        let text = speech.text.clone();
        let (open, close) = if text.is_none() {
            ("null", "")
        } else {
            ("\"", "\"")
        };
        let after = format!("{close}{}", speech.message_tail());
        let others = speech.other_tokens();
        let before = move |choice: usize| {
            let comma = if choice == 0 { "" } else { "," };
            format!(r#"{comma}{{"index":{choice},"message":{{"role":"assistant","content":{open}"#)
        };
        let frames: usize = (0..choices)
            .map(|choice| before(choice).len() + after.len())
            .sum();
        let length = head.len() + frames + choices * text.escaped_len() + tail.len();
        let said = (0..choices).flat_map(move |choice| {
            let pieces = text.pieces();
            let pieces = pieces.map(|(piece, tokens)| Step::content(escaped(piece), tokens));
            let after = match others {
                0 => Step::frame(after.clone()),
                others => Step::content(after.clone(), others),
            };
            std::iter::once(Step::frame(before(choice)))
                .chain(pieces)
                .chain([after])
        });
        let steps = std::iter::once(Step::frame(head))
            .chain(said)
            .chain([Step::frame(tail)]);
        Script {
            length: Some(length as u64),
            steps: Box::new(steps),
            ..Script::whole(200, "application/json", "")
        }
    }
}

/// Writes the chunks of one stream around what differs between them.
struct Chunks {
    /// Up to the list of choices.
    start: String,
    /// From behind the list of choices.
    end: &'static str,
    choices: usize,
}

impl Chunks {
    fn new(voice: &Voice, choices: usize, usage_asked: bool) -> Self {
        let Voice {
            seq,
            model,
            created,
        } = voice;
        let start = format!(
            r#"data: {{"id":"chatcmpl-mock{seq:012}","object":"chat.completion.chunk","created":{created},"model":{model},"service_tier":"default","system_fingerprint":"fp_mock","choices":["#
        );
        // OpenAI announces the usage to come with a null in every chunk.
        let end = if usage_asked {
            "],\"usage\":null}\n\n"
        } else {
            "]}\n\n"
        };
        Self {
            start,
            end,
            choices,
        }
    }

    fn chunk(&self, choice: usize, delta: &str) -> String {
        let Self { start, end, .. } = self;
        format!(
            r#"{start}{{"index":{choice},"delta":{delta},"logprobs":null,"finish_reason":null}}{end}"#
        )
    }

    /// The same delta for each choice, as content.
    fn content(&self, delta: &str, tokens: u64) -> Vec<Step> {
        let choices = 0..self.choices;
        choices
            .map(|choice| Step::content(self.chunk(choice, delta), tokens))
            .collect()
    }

    /// The same delta for each choice, carrying no content.
    fn frames(&self, delta: &str) -> Vec<Step> {
        let choices = 0..self.choices;
        choices
            .map(|choice| Step::frame(self.chunk(choice, delta)))
            .collect()
    }

    /// The finish chunk of a choice; usage, if it stands here, is in the last one.
    fn finish(&self, choice: usize, reason: &str, usage: Option<&str>) -> Step {
        let Self {
            start,
            end,
            choices,
        } = self;
        let usage = usage.filter(|_| choice + 1 == *choices);
        let usage = usage.map(|usage| format!("],\"usage\":{usage}}}\n\n"));
        let end = usage.as_deref().unwrap_or(end);
        Step::frame(format!(
            r#"{start}{{"index":{choice},"delta":{{}},"logprobs":null,"finish_reason":{reason}}}{end}"#
        ))
    }

    /// The chunk without choices that reports usage.
    fn usage(&self, usage: &str) -> Step {
        Step::frame(format!("{}],\"usage\":{usage}}}\n\n", self.start))
    }
}

fn bill(asked: &Asked, params: &Params, speech: &Speech) -> Bill {
    let counted = speech.tokens().saturating_mul(asked.choices as u64);
    Bill {
        prompt_tokens: params.count("tokens_in").unwrap_or(asked.prompt_tokens),
        completion_tokens: params.count("tokens_out").unwrap_or(counted),
    }
}

fn usage_json(bill: Bill, params: &Params, speech: &Speech) -> String {
    let Bill {
        prompt_tokens,
        completion_tokens,
    } = bill;
    let cached = params.count("tokens_cached").unwrap_or_default();
    let thought: u64 = speech.thoughts.iter().map(|thought| words(thought)).sum();
    let total = prompt_tokens.saturating_add(completion_tokens);
    format!(
        r#"{{"prompt_tokens":{prompt_tokens},"completion_tokens":{completion_tokens},"total_tokens":{total},"prompt_tokens_details":{{"cached_tokens":{cached},"audio_tokens":0}},"completion_tokens_details":{{"reasoning_tokens":{thought},"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}}"#
    )
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
