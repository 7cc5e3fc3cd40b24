//! OpenAI's chat completions: chunks of a stream, or one object.

use super::{Order, Told, Usage, Voice, escaped, quoted, thought_tokens};
use crate::mock::script::{Bill, Step, Steps};
use crate::mock::speech::{Call, Part, Speech};

impl Voice {
    /// Tells a speech that keeps to the request's limits.
    pub(super) fn chat(&self, order: Order<'_>, speech: Speech) -> Told {
        let choices = order.asked.choices;
        let bill = order.bill(speech.tokens().saturating_mul(choices as u64));
        let usage = usage_json(bill, order, thought_tokens(&speech));
        if order.asked.stream {
            return Told {
                steps: self.chat_stream(order, speech, &usage),
                length: None,
                bill,
            };
        }
        let usage = (order.telling.usage != Usage::Never).then_some(usage.as_str());
        let (steps, length) = self.chat_whole(choices, &speech, usage);
        Told {
            steps,
            length: Some(length as u64),
            bill,
        }
    }

    fn chat_stream(&self, order: Order<'_>, speech: Speech, usage: &str) -> Steps {
        let Order { asked, telling, .. } = order;
        let choices = asked.choices;
        let usage_asked = asked.include_usage && telling.usage == Usage::Plain;
        let chunks = Chunks::new(self, choices, usage_asked);
        let role = chunks.frames(&opening_delta(&speech));
        let last_usage = (telling.usage == Usage::InFinish).then_some(usage);
        let reason = finish_json(&speech);
        let finish: Vec<Step> = (0..choices)
            .map(|choice| chunks.finish(choice, &reason, last_usage))
            .collect();
        let usage = usage_asked.then(|| chunks.usage(usage));
        let done = telling.done.then(|| Step::frame("data: [DONE]\n\n"));
        let thought_field = speech.thought_field;
        let said = speech
            .parts()
            .flat_map(move |(part, tokens)| chunks.content(&delta(part, thought_field), tokens));
        Box::new(
            role.into_iter()
                .chain(said)
                .chain(finish)
                .chain(usage)
                .chain(done),
        )
    }

    fn chat_whole(&self, choices: usize, speech: &Speech, usage: Option<&str>) -> (Steps, usize) {
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
        let after = format!("{close}{}", message_tail(speech));
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
        (Box::new(steps), length)
    }
}

/// The first delta of a stream.
fn opening_delta(speech: &Speech) -> String {
    let content = if speech.text.is_none() {
        "null"
    } else {
        "\"\""
    };
    format!(r#"{{"role":"assistant","content":{content},"refusal":null}}"#)
}

/// A part as a delta: of a call first id, type and name, then the arguments.
fn delta(part: Part, thought_field: &str) -> String {
    match part {
        Part::Thought(text) => format!(r#"{{"{thought_field}":{}}}"#, quoted(&text)),
        Part::Text(text) => format!(r#"{{"content":{}}}"#, quoted(&text)),
        Part::Refusal(text) => format!(r#"{{"refusal":{}}}"#, quoted(&text)),
        Part::Call(index, id, name) => format!(
            r#"{{"tool_calls":[{{"index":{index},"id":{},"type":"function","function":{{"name":{},"arguments":""}}}}]}}"#,
            quoted(&id),
            quoted(&name)
        ),
        Part::Arguments(index, fragment) => format!(
            r#"{{"tool_calls":[{{"index":{index},"function":{{"arguments":{}}}}}]}}"#,
            quoted(&fragment)
        ),
        Part::Whole(index, call) => {
            let call = whole_call(&call).replacen('{', &format!(r#"{{"index":{index},"#), 1);
            format!(r#"{{"tool_calls":[{call}]}}"#)
        }
    }
}

/// The finish_reason as JSON.
pub(super) fn finish_json(speech: &Speech) -> String {
    speech.finish.map_or_else(|| "null".to_owned(), quoted)
}

/// The rest of a whole message and its choice, from behind the text.
fn message_tail(speech: &Speech) -> String {
    let refusal = speech
        .refusal
        .as_deref()
        .map_or_else(|| "null".to_owned(), quoted);
    let mut tail = format!(r#","refusal":{refusal},"annotations":[]"#);
    if !speech.thoughts.is_empty() {
        let thoughts = quoted(&speech.thoughts.concat());
        tail += &format!(r#","{}":{thoughts}"#, speech.thought_field);
    }
    if !speech.calls.is_empty() {
        let calls: Vec<_> = speech.calls.iter().map(whole_call).collect();
        tail += &format!(r#","tool_calls":[{}]"#, calls.join(","));
    }
    tail + &format!(
        r#"}},"logprobs":null,"finish_reason":{}}}"#,
        finish_json(speech)
    )
}

fn whole_call(call: &Call) -> String {
    format!(
        r#"{{"id":{},"type":"function","function":{{"name":{},"arguments":{}}}}}"#,
        quoted(&call.id),
        quoted(&call.name),
        quoted(&call.arguments)
    )
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

/// Usage as OpenAI writes it: what came from the cache is part of the prompt.
pub(super) fn usage_json(bill: Bill, order: Order<'_>, thought: u64) -> String {
    let Bill {
        prompt_tokens,
        completion_tokens,
    } = bill;
    let cached = order.params.count("tokens_cached").unwrap_or_default();
    let total = prompt_tokens.saturating_add(completion_tokens);
    format!(
        r#"{{"prompt_tokens":{prompt_tokens},"completion_tokens":{completion_tokens},"total_tokens":{total},"prompt_tokens_details":{{"cached_tokens":{cached},"audio_tokens":0}},"completion_tokens_details":{{"reasoning_tokens":{thought},"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}}"#
    )
}
