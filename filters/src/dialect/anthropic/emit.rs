//! The one writer of streams of this dialect. Its clients are strict about the
//! order of events, so it is a state machine that cannot write a wrong one:
//!
//! - one `message_start`, before everything;
//! - content blocks one after the other, counted from 0, each started, grown and
//!   stopped before the next; a delta is of the kind of its block;
//! - `message_delta` and `message_stop` once, at the end, when usage is known.
//!
//! OpenAI's grammar lets the arguments of several calls take turns. Here the
//! blocks of one call must not: what comes while a call's arguments are not yet
//! whole waits, and nothing of it is lost.

use std::fmt::Write;

use bytes::BytesMut;

use crate::dialect::openai_chat::usage::{Unknown, push_member, push_raw};
use crate::dialect::openai_chat::wire::elements;
use crate::event::{Channel, Event, Scope, Step, Usage};
use crate::json::push_quoted;
use crate::sse::DEFAULT_CAP;

use super::balance::Balance;
use super::closing::{Closing, Detail, Place};
use super::parts::{Call, Part, Parts, image, push_call, push_redacted};
use super::usage;

/// Writes events of one answer.
#[derive(Debug, Default)]
pub(crate) struct MessageWriter {
    begun: bool,
    open: Open,
    /// The number of the next block.
    next: u64,
    /// What came while a call was open.
    waiting: Parts,
    closing: Closing,
    /// Reasoning came since the last [`flush`](Self::flush).
    reasoned: bool,
    /// The payload in the making.
    line: Vec<u8>,
    /// Events written so far.
    pub(crate) written: u64,
}

/// The block that is being written.
#[derive(Debug, Default)]
enum Open {
    #[default]
    Nothing,
    Text,
    Thinking {
        sealed: bool,
    },
    Call {
        call: Call,
        /// Its start was written.
        begun: bool,
        balance: Balance,
    },
}

impl MessageWriter {
    pub(crate) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Writes `message_start`. `usage` is what is known or guessed at that time.
    pub(crate) fn begin(&mut self, id: &str, model: &str, usage: Usage, out: &mut BytesMut) {
        self.begun = true;
        self.line.clear();
        self.line
            .extend_from_slice(b"{\"type\":\"message_start\",\"message\":{\"id\":");
        push_quoted(&mut self.line, id);
        self.line
            .extend_from_slice(b",\"type\":\"message\",\"role\":\"assistant\",\"model\":");
        push_quoted(&mut self.line, model);
        self.line.extend_from_slice(
            b",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":",
        );
        usage::write(usage, &Unknown::default(), &mut self.line);
        self.line.extend_from_slice(b"}}");
        self.send("message_start", out);
    }

    /// Takes one event in.
    pub(crate) fn push(&mut self, event: &Event<'_>, out: &mut BytesMut) {
        match &event.step {
            // A client of this dialect cannot ask for more than one choice.
            _ if event.choice > 0 => {}
            Step::Role(_) | Step::Usage(_) | Step::Logprobs(_) => {}
            Step::Finish { reason, raw } => self.closing.finish(*reason, raw),
            Step::Extra {
                scope: Scope::Delta,
                key,
                value,
            } if key == "reasoning_details" => self.details(value, out),
            Step::Extra { scope, key, value } if !matches!(scope, Scope::Call(_)) => {
                self.closing.member(*scope, key, value);
            }
            _ => self.content(event, out),
        }
    }

    /// The seals and the hidden parts that ride on OpenAI's grammar.
    fn details(&mut self, list: &str, out: &mut BytesMut) {
        let said = self.reasoned;
        elements(list, |raw| {
            let detail = Detail::read(raw);
            let steps = [
                detail.text.filter(|_| !said).map(Step::Delta),
                detail.signature.map(Step::Signature),
                detail.data.map(Step::Redacted),
            ];
            for step in steps.into_iter().flatten() {
                let event = Event {
                    choice: 0,
                    channel: Channel::Reasoning,
                    step,
                };
                self.content(&event, out);
            }
        });
    }

    fn content(&mut self, event: &Event<'_>, out: &mut BytesMut) {
        if !self.takes(event) {
            return self.waiting.push(event);
        }
        self.write(event, out);
        self.drain(false, out);
    }

    /// Whether the event can be written now.
    fn takes(&self, event: &Event<'_>) -> bool {
        let Open::Call { call, balance, .. } = &self.open else {
            return true;
        };
        match &event.step {
            Step::CallDelta { call: number, .. }
            | Step::Extra {
                scope: Scope::Call(number),
                ..
            } if *number == call.number => true,
            _ => balance.is_whole() && self.waiting.list.is_empty(),
        }
    }

    fn write(&mut self, event: &Event<'_>, out: &mut BytesMut) {
        match &event.step {
            Step::Part => {
                let same = match self.open {
                    Open::Text => event.channel == Channel::Text,
                    Open::Thinking { .. } => event.channel == Channel::Reasoning,
                    _ => false,
                };
                if same {
                    self.close(out);
                }
            }
            Step::Delta(text) if event.channel == Channel::Reasoning => {
                self.reasoned = true;
                if matches!(self.open, Open::Thinking { sealed: true }) {
                    self.close(out);
                }
                self.open_thinking(out);
                self.delta("thinking_delta", "thinking", text, out);
            }
            Step::Delta(text) => {
                self.closing.refused |= event.channel == Channel::Refusal;
                self.open_text(out);
                self.delta("text_delta", "text", text, out);
            }
            Step::Signature(text) => {
                self.open_thinking(out);
                self.open = Open::Thinking { sealed: true };
                self.delta("signature_delta", "signature", text, out);
            }
            // The sources of a thought have no place.
            Step::Citation(_) if event.channel == Channel::Reasoning => {}
            Step::Citation(json) => {
                self.open_text(out);
                self.cite(json, out);
            }
            Step::Redacted(data) => {
                self.close(out);
                self.whole(|line| push_redacted(data, line), out);
            }
            Step::Block { json, .. } => {
                self.close(out);
                self.whole(|line| push_raw(line, json), out);
            }
            Step::Image { media_type, data } => {
                self.close(out);
                let block = image(media_type, data);
                self.whole(|line| push_raw(line, &block), out);
            }
            Step::CallStart { call, id, name } => {
                self.close(out);
                let call = Call {
                    number: *call,
                    id: id.clone().into_owned(),
                    name: name.clone().into_owned(),
                    ..Call::default()
                };
                self.open = Open::Call {
                    call,
                    begun: false,
                    balance: Balance::default(),
                };
            }
            Step::CallDelta { call, json } => self.arguments(*call, json, out),
            Step::Extra { key, value, .. } => {
                if let Open::Call { call, .. } = &mut self.open {
                    push_member(&mut call.members, key, value);
                }
            }
            Step::Role(_) | Step::Usage(_) | Step::Logprobs(_) | Step::Finish { .. } => {}
        }
    }

    fn arguments(&mut self, number: u32, json: &str, out: &mut BytesMut) {
        self.start_call(out);
        match &mut self.open {
            Open::Call { call, balance, .. } if call.number == number => balance.push(json),
            // White space after arguments that are whole: their block is closed.
            _ => return,
        }
        self.delta("input_json_delta", "partial_json", json, out);
    }

    /// Writes the start of the call that is open, if that is still owed: it waits
    /// for the unknown members that come with it.
    fn start_call(&mut self, out: &mut BytesMut) {
        if let Open::Call { call, begun, .. } = &mut self.open
            && !std::mem::replace(begun, true)
        {
            let index = self.next;
            self.next += 1;
            start(index, &mut self.line);
            push_call(&call.id, &call.name, &mut self.line);
            self.line.extend_from_slice(b",\"input\":{}");
            self.line.append(&mut call.members);
            self.line.extend_from_slice(b"}}");
            self.send("content_block_start", out);
        }
    }

    fn open_text(&mut self, out: &mut BytesMut) {
        if !matches!(self.open, Open::Text) {
            self.close(out);
            self.open = Open::Text;
            let index = self.next;
            self.next += 1;
            start(index, &mut self.line);
            self.line
                .extend_from_slice(b"{\"type\":\"text\",\"text\":\"\"}}");
            self.send("content_block_start", out);
        }
    }

    fn open_thinking(&mut self, out: &mut BytesMut) {
        if !matches!(self.open, Open::Thinking { .. }) {
            self.close(out);
            self.open = Open::Thinking { sealed: false };
            let index = self.next;
            self.next += 1;
            start(index, &mut self.line);
            self.line.extend_from_slice(
                b"{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}",
            );
            self.send("content_block_start", out);
        }
    }

    /// Writes a block that comes in one piece.
    fn whole(&mut self, push: impl FnOnce(&mut Vec<u8>), out: &mut BytesMut) {
        let index = self.next;
        self.next += 1;
        start(index, &mut self.line);
        push(&mut self.line);
        self.line.push(b'}');
        self.send("content_block_start", out);
        self.stop(b"", out);
    }

    fn delta(&mut self, kind: &str, name: &str, text: &str, out: &mut BytesMut) {
        let index = self.next.saturating_sub(1);
        self.line.clear();
        let _ = write!(
            Text(&mut self.line),
            r#"{{"type":"content_block_delta","index":{index},"delta":{{"type":"{kind}","{name}":"#
        );
        push_quoted(&mut self.line, text);
        self.line.extend_from_slice(b"}}");
        self.send("content_block_delta", out);
    }

    fn cite(&mut self, json: &str, out: &mut BytesMut) {
        let index = self.next.saturating_sub(1);
        self.line.clear();
        let _ = write!(
            Text(&mut self.line),
            r#"{{"type":"content_block_delta","index":{index},"delta":{{"type":"citations_delta","citation":"#
        );
        push_raw(&mut self.line, json);
        self.line.extend_from_slice(b"}}");
        self.send("content_block_delta", out);
    }

    /// Stops the block that is open.
    fn close(&mut self, out: &mut BytesMut) {
        self.start_call(out);
        match std::mem::take(&mut self.open) {
            Open::Nothing => {}
            Open::Text | Open::Thinking { .. } => self.stop(b"", out),
            // Members that came too late for the start.
            Open::Call { call, .. } => self.stop(&call.members, out),
        }
    }

    fn stop(&mut self, members: &[u8], out: &mut BytesMut) {
        let index = self.next.saturating_sub(1);
        self.line.clear();
        let _ = write!(
            Text(&mut self.line),
            r#"{{"type":"content_block_stop","index":{index}"#
        );
        self.line.extend_from_slice(members);
        self.line.push(b'}');
        self.send("content_block_stop", out);
    }

    /// Writes what waits, as far as the open call lets it: all of it if `force`.
    fn drain(&mut self, force: bool, out: &mut BytesMut) {
        if self.waiting.list.is_empty() {
            return;
        }
        let mut rest = std::mem::take(&mut self.waiting.list).into_iter();
        while force || self.is_free() {
            let Some(part) = rest.next() else { break };
            self.part(part, out);
        }
        self.waiting.list = rest.collect();
        if self.waiting.list.is_empty() {
            self.waiting.bytes = 0;
        }
    }

    /// More waits than any honest answer makes wait.
    pub(crate) fn is_overfull(&self) -> bool {
        self.waiting.bytes > DEFAULT_CAP
    }

    fn is_free(&self) -> bool {
        match &self.open {
            Open::Call { balance, .. } => balance.is_whole(),
            _ => true,
        }
    }

    fn part(&mut self, part: Part, out: &mut BytesMut) {
        self.close(out);
        match part {
            Part::Text { text, citations } => {
                self.open_text(out);
                if !text.is_empty() {
                    self.delta("text_delta", "text", &text, out);
                }
                for citation in citations {
                    self.cite(&citation, out);
                }
            }
            Part::Thinking { text, signature } => {
                self.open_thinking(out);
                if !text.is_empty() {
                    self.delta("thinking_delta", "thinking", &text, out);
                }
                if !signature.is_empty() {
                    self.open = Open::Thinking { sealed: true };
                    self.delta("signature_delta", "signature", &signature, out);
                }
            }
            Part::Redacted(data) => self.whole(|line| push_redacted(&data, line), out),
            Part::Block(json) => self.whole(|line| push_raw(line, &json), out),
            Part::Call(mut call) => {
                let (number, json) = (call.number, std::mem::take(&mut call.json));
                self.open = Open::Call {
                    call,
                    begun: false,
                    balance: Balance::default(),
                };
                if !json.is_empty() {
                    self.arguments(number, &json, out);
                }
            }
        }
    }

    /// The provider's event is over: nothing more comes with the call's start.
    pub(crate) fn flush(&mut self, out: &mut BytesMut) {
        self.start_call(out);
        self.reasoned = false;
    }

    /// Tells a client that nothing has happened yet.
    pub(crate) fn ping(&mut self, out: &mut BytesMut) {
        if self.begun {
            self.line.clear();
            self.line.extend_from_slice(b"{\"type\":\"ping\"}");
            self.send("ping", out);
        }
    }

    /// Writes the end: everything that waits, `message_delta`, a comment if there
    /// is one, and `message_stop`.
    pub(crate) fn conclude(
        &mut self,
        usage: Usage,
        unknown: &Unknown,
        note: Option<&str>,
        out: &mut BytesMut,
    ) {
        self.drain(true, out);
        self.close(out);
        self.line.clear();
        self.line
            .extend_from_slice(b"{\"type\":\"message_delta\",\"delta\":{");
        self.closing.push_stop(&mut self.line);
        self.closing.push_members(Place::Delta, &mut self.line);
        self.line.extend_from_slice(b"},\"usage\":");
        usage::write(usage, unknown, &mut self.line);
        self.closing.push_members(Place::Event, &mut self.line);
        self.line.push(b'}');
        self.send("message_delta", out);
        if let Some(note) = note {
            let _ = write!(out, ": alfred {note}\n\n");
        }
        self.line.clear();
        self.line.extend_from_slice(b"{\"type\":\"message_stop\"}");
        self.send("message_stop", out);
    }

    fn send(&mut self, name: &str, out: &mut BytesMut) {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\ndata: ");
        out.extend_from_slice(&self.line);
        out.extend_from_slice(b"\n\n");
        self.written += 1;
    }
}

/// Begins the payload of a `content_block_start`.
fn start(index: u64, line: &mut Vec<u8>) {
    line.clear();
    let _ = write!(
        Text(line),
        r#"{{"type":"content_block_start","index":{index},"content_block":"#
    );
}

/// Formats into bytes; that does not fail.
struct Text<'a>(&'a mut Vec<u8>);

impl Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}
