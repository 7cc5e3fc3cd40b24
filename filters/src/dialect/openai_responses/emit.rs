//! The one writer of answers of this dialect. Its streams are a state machine:
//!
//! - `response.created` and `response.in_progress`, before everything;
//! - items, counted from 0, each added, grown and done; a message has parts that
//!   are added, grown and done inside of it; a thought has parts of a summary;
//! - one of `response.completed`, `response.incomplete` and `response.failed`.
//!
//! Everything is numbered without gaps. Messages and thoughts come one after the
//! other; calls whose arguments take turns stay open side by side, which this
//! grammar allows. Whole bodies are the Response of the last event.

use bytes::BytesMut;

use crate::dialect::openai_chat::emit::image;
use crate::dialect::openai_chat::usage::{Unknown, push_raw};
use crate::dialect::openai_chat::wire::members;
use crate::event::{Channel, Event, Scope, Step, Usage};
use crate::json::push_quoted;

use super::echo::Echo;
use super::items::{Item, Kind};
use super::object::{State, Whole, bare, response_id};

/// Writes one answer.
#[derive(Debug, Default)]
pub(crate) struct ResponseWriter {
    begun: bool,
    whole: Whole,
    /// What ids are made of.
    seed: String,
    pub(super) items: Vec<Item>,
    /// The message or the thought that grows.
    pub(super) open: Option<usize>,
    /// What follows on the channel is a new part.
    pub(super) apart: bool,
    /// Reasoning came since the last [`flush`](Self::flush).
    pub(super) reasoned: bool,
    line: Vec<u8>,
    /// Events written so far.
    pub(crate) written: u64,
}

impl ResponseWriter {
    pub(crate) fn has_begun(&self) -> bool {
        self.begun
    }

    /// What the answer repeats of its request.
    pub(crate) fn echo(&mut self, echo: Echo) {
        self.whole.echo = echo;
    }

    /// Writes the head. `ids` are the provider's id and the seed of all others.
    pub(crate) fn begin(
        &mut self,
        ids: (Option<&str>, &str),
        created: u64,
        model: &str,
        out: &mut BytesMut,
    ) {
        self.begun = true;
        self.whole.id = response_id(ids.0, ids.1);
        bare(ids.1).clone_into(&mut self.seed);
        self.whole.created = created;
        model.clone_into(&mut self.whole.model);
        for kind in ["response.created", "response.in_progress"] {
            self.response(kind, &State::InProgress, out);
        }
    }

    /// Takes one event in.
    pub(crate) fn push(&mut self, event: &Event<'_>, out: &mut BytesMut) {
        match &event.step {
            // A client of this dialect cannot ask for more than one choice.
            _ if event.choice > 0 => {}
            Step::Role(_) | Step::Usage(_) => {}
            Step::Part => self.apart = true,
            Step::Delta(text) if event.channel == Channel::Reasoning => self.think(text, out),
            Step::Delta(text) => self.say(text, event.channel == Channel::Refusal, out),
            Step::Signature(seal) => self.seal(seal, out),
            Step::Redacted(data) => self.hidden(data, out),
            Step::Citation(json) => self.whole.element("native_citations", json),
            Step::Block { json, .. } => self.whole.element("native_content", json),
            Step::Image { media_type, data } => {
                self.whole.element("images", &image(media_type, data));
            }
            Step::CallStart { call, id, name } => self.start_call(*call, (id, name), out),
            Step::CallDelta { call, json } => self.arguments(*call, json, out),
            Step::Logprobs(json) => self.logprobs(json),
            Step::Finish { reason, raw } => {
                self.whole.reason = Some(*reason);
                self.whole.raw = raw.clone().into_owned();
            }
            Step::Extra {
                scope: Scope::Delta,
                key,
                value,
            } if key == "reasoning_details" => self.details(value, out),
            Step::Extra {
                scope: Scope::Call(number),
                key,
                value,
            } => {
                if let Some(call) = self.call(*number).and_then(|at| self.call_at(at)) {
                    call.member(key, value);
                }
            }
            Step::Extra { key, value, .. } => self.whole.member(key, value),
        }
    }

    /// Adds an item after ending what is at its end.
    pub(super) fn add(&mut self, prefix: &str, kind: Kind, out: &mut BytesMut) -> usize {
        for at in 0..self.items.len() {
            let ends = match self.items.get(at) {
                Some(item) if item.done => false,
                Some(item) => match &item.kind {
                    Kind::Call(call) => call.balance.is_whole(),
                    _ => true,
                },
                None => false,
            };
            if ends {
                self.close(at, out);
            }
        }
        self.apart = false;
        let at = self.items.len();
        let item = Item::new(format!("{prefix}_{}_{at}", self.seed), kind);
        let event = "response.output_item.added";
        let mut line = self.start(event, None);
        push_raw(&mut line, &format!(r#","output_index":{at},"item":"#));
        item.write(&mut line);
        self.items.push(item);
        self.send(event, line, out);
        self.open = Some(at);
        at
    }

    /// Ends an item.
    pub(super) fn close(&mut self, at: usize, out: &mut BytesMut) {
        self.close_part(at, out);
        if let Some(call) = self.call_at(at) {
            let number = call.number;
            if call.arguments.is_empty() {
                self.arguments(number, "{}", out);
            }
            let kind = "response.function_call_arguments.done";
            let mut line = self.start(kind, Some(at));
            if let Some(call) = self.call_at(at) {
                line.extend_from_slice(b",\"name\":");
                push_quoted(&mut line, &call.name);
                line.extend_from_slice(b",\"arguments\":");
                push_quoted(&mut line, &call.arguments);
            }
            self.send(kind, line, out);
        }
        let kind = "response.output_item.done";
        let mut line = self.start(kind, None);
        push_raw(&mut line, &format!(r#","output_index":{at},"item":"#));
        if let Some(item) = self.items.get_mut(at) {
            item.done = true;
            item.write(&mut line);
        }
        self.send(kind, line, out);
        if self.open == Some(at) {
            self.open = None;
        }
    }

    /// The provider's event is over.
    pub(crate) fn flush(&mut self) {
        self.reasoned = false;
    }

    /// Ends what is open, as an answer that ends now.
    fn settle(&mut self, cut: bool, out: &mut BytesMut) {
        for at in 0..self.items.len() {
            if let Some(item) = self.items.get_mut(at).filter(|item| !item.done) {
                item.cut = cut;
                self.close(at, out);
            }
        }
    }

    /// Writes the end of a complete answer.
    pub(crate) fn conclude(
        &mut self,
        usage: Usage,
        unknown: &Unknown,
        note: Option<&str>,
        out: &mut BytesMut,
    ) {
        self.settle(self.whole.incomplete().is_some(), out);
        if let Some(note) = note {
            out.extend_from_slice(format!(": alfred {note}\n\n").as_bytes());
        }
        let kind = match self.whole.incomplete() {
            Some(_) => "response.incomplete",
            None => "response.completed",
        };
        self.response(kind, &State::Ended(usage, unknown), out);
    }

    /// Writes the end of an answer that broke off. `error` is an error object of
    /// OpenAI's as JSON text.
    pub(crate) fn fail(&mut self, error: &str, usage: Usage, out: &mut BytesMut) {
        for item in self.items.iter_mut().filter(|item| !item.done) {
            item.cut = true;
        }
        let mut line = self.start("error", None);
        push_error(error, &mut line);
        self.send("error", line, out);
        self.response("response.failed", &State::Failed(error, usage), out);
    }

    /// The body of an unstreamed answer.
    pub(crate) fn body(mut self, usage: Usage, unknown: &Unknown) -> Vec<u8> {
        let mut unheard = BytesMut::new();
        self.settle(self.whole.incomplete().is_some(), &mut unheard);
        let mut out = Vec::with_capacity(1024);
        let state = State::Ended(usage, unknown);
        self.whole.write(&self.items, &state, &mut out);
        out
    }

    fn response(&mut self, kind: &str, state: &State<'_>, out: &mut BytesMut) {
        let mut line = self.start(kind, None);
        line.extend_from_slice(b",\"response\":");
        self.whole.write(&self.items, state, &mut line);
        self.send(kind, line, out);
    }

    /// Begins the payload of an event, about that item if there is one.
    pub(super) fn start(&mut self, kind: &str, item: Option<usize>) -> Vec<u8> {
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        let number = self.written;
        push_raw(
            &mut line,
            &format!(r#"{{"type":"{kind}","sequence_number":{number}"#),
        );
        if let Some((at, item)) = item.and_then(|at| Some((at, self.items.get(at)?))) {
            line.extend_from_slice(b",\"item_id\":");
            push_quoted(&mut line, &item.id);
            push_raw(&mut line, &format!(r#","output_index":{at}"#));
        }
        line
    }

    pub(super) fn send(&mut self, kind: &str, mut line: Vec<u8>, out: &mut BytesMut) {
        line.push(b'}');
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(kind.as_bytes());
        out.extend_from_slice(b"\ndata: ");
        out.extend_from_slice(&line);
        out.extend_from_slice(b"\n\n");
        self.written += 1;
        self.line = line;
    }
}

/// The error object of an event of OpenAI's older grammar, as JSON text.
pub(crate) fn error_of(event: &[u8]) -> &str {
    let text = std::str::from_utf8(event).unwrap_or_default();
    let payload = text.strip_prefix("data: ").unwrap_or(text);
    let mut found = r#"{"message":"The answer broke off.","code":null,"param":null}"#;
    members(payload.trim_end(), |key, value| {
        if key == "error" {
            found = value;
        }
    });
    found
}

/// Appends what an `error` event says: flat, as the grammar has it, and as the
/// object in which all of OpenAI's own clients look for it.
pub(super) fn push_error(error: &str, line: &mut Vec<u8>) {
    members(error, |key, value| {
        if matches!(key, "code" | "message" | "param") {
            push_raw(line, &format!(r#","{key}":"#));
            push_raw(line, value);
        }
    });
    line.extend_from_slice(b",\"error\":");
    push_raw(line, error);
}
