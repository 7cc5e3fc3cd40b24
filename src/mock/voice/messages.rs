//! Anthropic's messages: a stream of typed blocks, or one object.

use super::{Order, Told, Usage, Voice, escaped, quoted, thought_tokens};
use crate::mock::script::{Bill, Step, Steps};
use crate::mock::speech::{Call, Part, Speech, signature};

/// One event. Anthropic pads its lines with spaces behind the JSON, so this does too.
pub(in crate::mock) fn event(kind: &str, data: &str) -> String {
    let padding = data.len() % 15;
    format!("event: {kind}\ndata: {data}{:padding$}\n\n", "")
}

impl Voice {
    /// Tells a speech that keeps to the request's limits.
    pub(super) fn message(&self, order: Order<'_>, speech: Speech) -> Told {
        let bill = order.bill(speech.tokens());
        let counts = Counts::new(order, bill, thought_tokens(&speech));
        let (steps, length) = if order.asked.stream {
            (self.message_stream(order, speech, counts), None)
        } else {
            let usage = match order.telling.usage {
                Usage::Never => String::new(),
                _ => format!(r#","usage":{}"#, counts.whole(counts.output)),
            };
            let (steps, length) = self.message_whole(&speech, &usage);
            (steps, Some(length as u64))
        };
        Told {
            steps,
            length,
            bill,
        }
    }

    fn opening(&self) -> String {
        format!(
            r#"{{"model":{},"id":"msg_mock{:012}","type":"message","role":"assistant","content":["#,
            self.model, self.seq
        )
    }

    fn message_stream(&self, order: Order<'_>, speech: Speech, counts: Counts) -> Steps {
        let (first, last) = match order.telling.usage {
            Usage::Plain => (Some(counts.whole(1)), Some(counts.summed())),
            Usage::InFinish => (Some(Counts::default().whole(0)), Some(counts.summed())),
            Usage::Never => (None, None),
        };
        let member = |usage: Option<String>| {
            let usage = usage.map(|usage| format!(r#","usage":{usage}"#));
            usage.unwrap_or_default()
        };
        let start = format!(
            r#"{{"type":"message_start","message":{}],"stop_reason":null,"stop_sequence":null,"stop_details":null{}}}}}"#,
            self.opening(),
            member(first)
        );
        let delta = format!(
            r#"{{"type":"message_delta","delta":{{{}}}{}}}"#,
            stop_members(&speech),
            member(last)
        );
        let stop = r#"{"type":"message_stop"}"#;
        let stop = order.telling.done.then(|| event("message_stop", stop));
        let mut blocks = Blocks::new(&speech);
        let parts = speech.parts().map(Some).chain([None]);
        let said = parts.flat_map(move |part| blocks.say(part));
        let finish = [event("message_delta", &delta)].into_iter().chain(stop);
        Box::new(
            std::iter::once(Step::frame(event("message_start", &start)))
                .chain(said)
                .chain(finish.map(Step::frame)),
        )
    }

    fn message_whole(&self, speech: &Speech, usage: &str) -> (Steps, usize) {
        let head = self.opening();
        let tail = format!("],{}{usage}}}", stop_members(speech));
        let mut before = Vec::new();
        let mut after = Vec::new();
        if !speech.thoughts.is_empty() {
            let block = thinking_block(&speech.thoughts.concat());
            before.push((block, thought_tokens(speech)));
        }
        let text = speech.text.clone();
        let speaks = text.pieces().next().is_some();
        if let Some(refusal) = &speech.refusal {
            let block = format!(r#"{{"type":"text","text":{}}}"#, quoted(refusal));
            after.push((block, super::words(refusal)));
        }
        after.extend(
            speech
                .calls
                .iter()
                .map(|call| (call_block(call), call.tokens())),
        );
        // The commas between the blocks.
        let firsts = before.len();
        for (number, (block, _)) in before.iter_mut().chain(&mut after).enumerate() {
            let comma = number > 0 || (speaks && number >= firsts);
            if comma {
                block.insert(0, ',');
            }
        }
        let (open, close) = match (speaks, before.is_empty()) {
            (false, _) => ("", ""),
            (true, true) => (r#"{"type":"text","text":""#, r#""}"#),
            (true, false) => (r#",{"type":"text","text":""#, r#""}"#),
        };
        let blocks: usize = before
            .iter()
            .chain(&after)
            .map(|(block, _)| block.len())
            .sum();
        let frames = head.len() + open.len() + close.len() + tail.len();
        let length = frames + blocks + text.escaped_len();
        let content = |(block, tokens): (String, u64)| Step::content(block, tokens);
        let pieces = text.pieces();
        let pieces = pieces.map(|(piece, tokens)| Step::content(escaped(piece), tokens));
        let steps = std::iter::once(Step::frame(head))
            .chain(before.into_iter().map(content))
            .chain([Step::frame(open)])
            .chain(pieces)
            .chain([Step::frame(close)])
            .chain(after.into_iter().map(content))
            .chain([Step::frame(tail)]);
        (Box::new(steps), length)
    }
}

fn thinking_block(thoughts: &str) -> String {
    format!(
        r#"{{"type":"thinking","thinking":{},"signature":"{}"}}"#,
        quoted(thoughts),
        signature(thoughts)
    )
}

fn call_block(call: &Call) -> String {
    // Arguments that are no JSON cannot stand here; they are shown as a text.
    let valid = serde_json::from_str::<serde::de::IgnoredAny>(&call.arguments).is_ok();
    let input = if valid {
        call.arguments.clone()
    } else {
        format!(r#"{{"arguments":{}}}"#, quoted(&call.arguments))
    };
    format!(
        r#"{{"type":"tool_use","id":{},"name":{},"input":{input}}}"#,
        quoted(&call.id),
        quoted(&call.name)
    )
}

/// Why it ended, in Anthropic's words.
fn stop_members(speech: &Speech) -> String {
    let reason = match (speech.finish, &speech.stopped_by, &speech.refusal) {
        (None, ..) => "null".to_owned(),
        (_, _, Some(_)) | (Some("content_filter"), ..) => quoted("refusal"),
        (_, Some(_), _) => quoted("stop_sequence"),
        (Some("stop"), ..) => quoted("end_turn"),
        (Some("length"), ..) => quoted("max_tokens"),
        (Some("tool_calls"), ..) => quoted("tool_use"),
        (Some(other), ..) => quoted(other),
    };
    let null = || "null".to_owned();
    let sequence = speech.stopped_by.as_deref().map_or_else(null, quoted);
    let details = speech.refusal.as_deref().map_or_else(null, |refusal| {
        let refusal = quoted(refusal);
        format!(r#"{{"type":"refusal","category":null,"explanation":{refusal}}}"#)
    });
    format!(r#""stop_reason":{reason},"stop_sequence":{sequence},"stop_details":{details}"#)
}

/// What usage is made of. Anthropic leaves the cached part of the prompt out of `input_tokens`.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    input: u64,
    read: u64,
    written: u64,
    written_1h: u64,
    output: u64,
    thought: u64,
}

impl Counts {
    fn new(order: Order<'_>, bill: Bill, thought: u64) -> Self {
        let count = |name| order.params.count(name).unwrap_or_default();
        let read = count("tokens_cached");
        let written_1h = count("tokens_written_1h");
        let written = count("tokens_written").saturating_add(written_1h);
        Self {
            input: bill
                .prompt_tokens
                .saturating_sub(read)
                .saturating_sub(written),
            read,
            written,
            written_1h,
            output: bill.completion_tokens,
            thought,
        }
    }

    fn input_members(&self) -> String {
        let Self {
            input,
            read,
            written,
            ..
        } = self;
        format!(
            r#""input_tokens":{input},"cache_creation_input_tokens":{written},"cache_read_input_tokens":{read}"#
        )
    }

    fn details(&self) -> String {
        match self.thought {
            0 => String::new(),
            thought => format!(r#","output_tokens_details":{{"thinking_tokens":{thought}}}"#),
        }
    }

    /// As it stands in a message, with so many tokens sent yet.
    fn whole(&self, output: u64) -> String {
        let long = self.written_1h;
        let short = self.written.saturating_sub(long);
        let details = if output == self.output {
            self.details()
        } else {
            String::new()
        };
        format!(
            r#"{{{},"cache_creation":{{"ephemeral_5m_input_tokens":{short},"ephemeral_1h_input_tokens":{long}}},"output_tokens":{output}{details},"service_tier":"standard","inference_geo":"not_available"}}"#,
            self.input_members()
        )
    }

    /// As it stands at the end of a stream.
    fn summed(&self) -> String {
        let Self { output, .. } = self;
        format!(
            r#"{{{},"output_tokens":{output}{}}}"#,
            self.input_members(),
            self.details()
        )
    }
}

/// Opens and closes the blocks of a stream around what is said.
struct Blocks {
    open: Option<Kind>,
    /// How many have been opened.
    count: u64,
    signature: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Thinking,
    Text,
    Call(usize),
}

impl Blocks {
    fn new(speech: &Speech) -> Self {
        Self {
            open: None,
            count: 0,
            signature: signature(&speech.thoughts.concat()),
        }
    }

    /// Says a part in its block; nothing more to say closes the last one.
    fn say(&mut self, part: Option<(Part, u64)>) -> Vec<Step> {
        let mut steps = Vec::new();
        let kind = part.as_ref().map(|(part, _)| Kind::of(part));
        if self.open != kind {
            self.close(&mut steps);
            self.open = kind;
            self.count += 1;
            let opened = match kind {
                None | Some(Kind::Call(_)) => None,
                Some(Kind::Thinking) => Some(r#"{"type":"thinking","thinking":"","signature":""}"#),
                Some(Kind::Text) => Some(r#"{"type":"text","text":""}"#),
            };
            if let Some(block) = opened {
                steps.push(Step::frame(self.start(block)));
                self.greet(&mut steps);
            }
        }
        let Some((part, tokens)) = part else {
            return steps;
        };
        let delta = match part {
            Part::Thought(text) => {
                format!(
                    r#"{{"type":"thinking_delta","thinking":{}}}"#,
                    quoted(&text)
                )
            }
            Part::Text(text) | Part::Refusal(text) => {
                format!(r#"{{"type":"text_delta","text":{}}}"#, quoted(&text))
            }
            Part::Whole(index, call) => {
                let Call {
                    id,
                    name,
                    arguments,
                    ..
                } = call;
                let start = self.say(Some((Part::Call(index, id, name), 1)));
                let rest = tokens.saturating_sub(1);
                let end = self.say(Some((Part::Arguments(index, arguments), rest)));
                return steps.into_iter().chain(start).chain(end).collect();
            }
            Part::Call(_, id, name) => {
                let block = format!(
                    r#"{{"type":"tool_use","id":{},"name":{},"input":{{}}}}"#,
                    quoted(&id),
                    quoted(&name)
                );
                steps.push(Step::content(self.start(&block), tokens));
                self.greet(&mut steps);
                // The first fragment is always empty.
                let nothing = r#"{"type":"input_json_delta","partial_json":""}"#;
                steps.push(Step::frame(self.delta(nothing)));
                return steps;
            }
            Part::Arguments(_, fragment) => {
                let fragment = quoted(&fragment);
                format!(r#"{{"type":"input_json_delta","partial_json":{fragment}}}"#)
            }
        };
        steps.push(Step::content(self.delta(&delta), tokens));
        steps
    }

    fn index(&self) -> u64 {
        self.count.saturating_sub(1)
    }

    fn start(&self, block: &str) -> String {
        let index = self.index();
        event(
            "content_block_start",
            &format!(r#"{{"type":"content_block_start","index":{index},"content_block":{block}}}"#),
        )
    }

    fn delta(&self, delta: &str) -> String {
        let index = self.index();
        event(
            "content_block_delta",
            &format!(r#"{{"type":"content_block_delta","index":{index},"delta":{delta}}}"#),
        )
    }

    /// A ping follows the start of the first block.
    fn greet(&self, steps: &mut Vec<Step>) {
        if self.count == 1 {
            steps.push(Step::frame(event("ping", r#"{"type": "ping"}"#)));
        }
    }

    fn close(&self, steps: &mut Vec<Step>) {
        if self.open == Some(Kind::Thinking) {
            let signature = &self.signature;
            let delta = format!(r#"{{"type":"signature_delta","signature":"{signature}"}}"#);
            steps.push(Step::frame(self.delta(&delta)));
        }
        if self.open.is_some() {
            let index = self.index();
            let stop = format!(r#"{{"type":"content_block_stop","index":{index}}}"#);
            steps.push(Step::frame(event("content_block_stop", &stop)));
        }
    }
}

impl Kind {
    fn of(part: &Part) -> Self {
        match part {
            Part::Thought(_) => Self::Thinking,
            Part::Text(_) | Part::Refusal(_) => Self::Text,
            Part::Call(index, ..) | Part::Arguments(index, _) | Part::Whole(index, _) => {
                Self::Call(*index)
            }
        }
    }
}
