//! From the events of this dialect to canonical ones. A stream is over at its
//! `message_stop` and not before; a second message inside it is a failure: something has begun anew.

use std::borrow::Cow;

use crate::dialect::openai_chat::usage::Unknown;
use crate::dialect::openai_chat::wire::{elements, members, string};
use crate::error::{ErrorKind, ProviderError};
use crate::event::{Channel, Event, FinishReason, Scope, Step};
use crate::sse::DEFAULT_CAP;

use super::opaque::Opaque;
use super::usage::Report;
use super::wire::Payload;

/// Most tool calls of one answer, and most blocks that are open at a time.
const MAX_CALLS: u32 = 1024;
/// Members of a message that are known here.
const KNOWN: [&str; 8] = [
    "id",
    "type",
    "role",
    "model",
    "content",
    "stop_reason",
    "stop_sequence",
    "usage",
];

/// Members of OpenAI's grammar, at any place.
const TAKEN: [&str; 21] = [
    "id",
    "object",
    "created",
    "model",
    "choices",
    "usage",
    "error",
    "index",
    "delta",
    "message",
    "finish_reason",
    "native_finish_reason",
    "logprobs",
    "role",
    "content",
    "refusal",
    "reasoning_content",
    "reasoning_details",
    "tool_calls",
    "function",
    "type",
];

/// Decodes the events of one answer; an unstreamed body is one large event.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    begun: bool,
    pub(crate) id: Option<String>,
    pub(crate) model: Option<String>,
    open: Vec<Block>,
    calls: u32,
    finished: bool,
    /// `message_stop` came.
    pub(crate) stopped: bool,
    /// The last report of usage was that of `message_delta`.
    pub(crate) is_final: bool,
    /// Bytes of blocks that wait for their end.
    held: usize,
    report: Report,
}

#[derive(Debug)]
struct Block {
    index: u64,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Text,
    Thinking,
    Redacted,
    Call {
        call: u32,
        /// The arguments as the block's start has them.
        input: String,
        has_arguments: bool,
    },
    Other(Opaque),
}

fn event<'a>(channel: Channel, step: Step<'a>) -> Event<'a> {
    Event {
        choice: 0,
        channel,
        step,
    }
}

/// An unknown member. Where its name means something else in another dialect it
/// gets another one.
fn extra<'a>(scope: Scope, key: &str, value: &'a str) -> Event<'a> {
    let key = if TAKEN.contains(&key) {
        Cow::Owned(format!("native_{key}"))
    } else {
        Cow::Owned(key.to_owned())
    };
    let value = value.into();
    event(Channel::Meta, Step::Extra { scope, key, value })
}

impl Decoder {
    /// Gives the canonical events of one event of the stream; none of content that
    /// comes after the message's end. False if it only repeats what was said.
    ///
    /// # Errors
    /// A second message begins, arguments come for no call, or the answer names
    /// more of something than any answer has.
    pub(crate) fn decode<'a>(
        &mut self,
        kind: &str,
        payload: &Payload<'a>,
        sink: &mut impl FnMut(Event<'a>),
    ) -> Result<bool, ProviderError> {
        match kind {
            "message_start" => return self.start(payload.message, sink),
            "content_block_start" if !self.finished => {
                let index = payload.index.unwrap_or(self.open.len() as u64);
                self.block(index, payload.block, sink)?;
            }
            "content_block_delta" if !self.finished => self.delta(payload, sink)?,
            "content_block_stop" => self.close(payload.index, sink),
            "message_delta" => self.end(payload, sink)?,
            "message_stop" => {
                self.close_all(sink);
                self.finish(None, sink)?;
                self.stopped = true;
            }
            _ => {}
        }
        Ok(true)
    }

    /// Gives the canonical events of a whole message.
    ///
    /// # Errors
    /// See [`decode`](Self::decode).
    pub(crate) fn body<'a>(
        &mut self,
        text: &'a str,
        sink: &mut impl FnMut(Event<'a>),
    ) -> Result<(), ProviderError> {
        self.start(text, sink)?;
        let mut raw = None;
        members(text, |key, value| {
            if key == "stop_reason" {
                raw = string(value);
            }
        });
        self.finish(raw, sink)?;
        self.stopped = true;
        self.is_final = true;
        Ok(())
    }

    fn start<'a>(
        &mut self,
        message: &'a str,
        sink: &mut impl FnMut(Event<'a>),
    ) -> Result<bool, ProviderError> {
        let (mut id, mut content, mut usage) = (None, "", "");
        members(message, |key, value| match key {
            "id" => id = string(value).filter(|id| !id.is_empty()),
            "content" => content = value,
            "usage" => usage = value,
            _ => {}
        });
        if std::mem::replace(&mut self.begun, true) {
            if id.as_deref() == self.id.as_deref() {
                return Ok(false);
            }
            return Err(ProviderError::malformed(
                "a second answer began inside the first one",
            ));
        }
        self.id = id.map(Cow::into_owned);
        sink(event(Channel::Meta, Step::Role(Cow::Borrowed("assistant"))));
        members(message, |key, value| match key {
            "model" => self.model = string(value).map(Cow::into_owned),
            "stop_sequence" | "stop_details" | "container" if value != "null" => {
                sink(extra(Scope::Choice, key, value));
            }
            _ if value != "null" && !KNOWN.contains(&key) => {
                sink(extra(Scope::Chunk, key, value));
            }
            _ => {}
        });
        let (mut place, mut outcome) = (0, Ok(()));
        elements(content, |block| {
            if outcome.is_ok() {
                outcome = self.block(place, block, sink);
                self.close(Some(place), sink);
                place += 1;
            }
        });
        outcome?;
        self.usage(usage, sink);
        Ok(true)
    }

    fn block<'a>(
        &mut self,
        index: u64,
        raw: &'a str,
        sink: &mut impl FnMut(Event<'a>),
    ) -> Result<(), ProviderError> {
        self.begun = true;
        let mut kind = Cow::Borrowed("");
        members(raw, |key, value| {
            if key == "type" {
                kind = string(value).unwrap_or_default();
            }
        });
        if self.open.len() >= MAX_CALLS as usize {
            return Err(ProviderError::malformed(
                "the answer has too many blocks open at a time",
            ));
        }
        let kind = match &*kind {
            "text" => {
                sink(event(Channel::Text, Step::Part));
                members(raw, |key, value| match key {
                    "text" => say(Channel::Text, value, sink),
                    "citations" => elements(value, |citation| cite(citation, sink)),
                    _ => {}
                });
                Kind::Text
            }
            "thinking" => {
                sink(event(Channel::Reasoning, Step::Part));
                members(raw, |key, value| {
                    if key == "thinking" {
                        say(Channel::Reasoning, value, sink);
                    }
                });
                members(raw, |key, value| {
                    if key == "signature" {
                        seal(value, sink);
                    }
                });
                Kind::Thinking
            }
            "redacted_thinking" => {
                members(raw, |key, value| {
                    if let ("data", Some(data)) = (key, string(value)) {
                        sink(event(Channel::Reasoning, Step::Redacted(data)));
                    }
                });
                Kind::Redacted
            }
            "tool_use" => self.call(raw, sink)?,
            // Passed on it would break the grammar of whoever reads it.
            "" => Err(ProviderError::malformed("a block has no type"))?,
            kind => {
                self.hold(raw.len())?;
                Kind::Other(Opaque::read(kind, raw))
            }
        };
        self.open.push(Block { index, kind });
        Ok(())
    }

    fn call<'a>(
        &mut self,
        raw: &'a str,
        sink: &mut impl FnMut(Event<'a>),
    ) -> Result<Kind, ProviderError> {
        let call = self.calls;
        self.calls += 1;
        if call >= MAX_CALLS {
            return Err(ProviderError::malformed(
                "the answer has impossible tool calls",
            ));
        }
        let (mut id, mut name, mut input) = (Cow::Borrowed(""), Cow::Borrowed(""), "");
        members(raw, |key, value| match key {
            "id" => id = string(value).unwrap_or_default(),
            "name" => name = string(value).unwrap_or_default(),
            "input" => input = value,
            _ => {}
        });
        if id.is_empty() {
            let message = self.id.as_deref().unwrap_or_default();
            let message = message.strip_prefix("msg_").unwrap_or(message);
            id = Cow::Owned(format!("toolu_{message}_{call}"));
        }
        self.hold(input.len())?;
        let start = Step::CallStart { call, id, name };
        sink(event(Channel::ToolArguments, start));
        members(raw, |key, value| {
            if value != "null" && !matches!(key, "type" | "id" | "name" | "input") {
                sink(extra(Scope::Call(call), key, value));
            }
        });
        Ok(Kind::Call {
            call,
            input: input.to_owned(),
            has_arguments: false,
        })
    }

    fn delta<'a>(
        &mut self,
        payload: &Payload<'a>,
        sink: &mut impl FnMut(Event<'a>),
    ) -> Result<(), ProviderError> {
        let place = self.place(payload.index);
        let mut block = place.and_then(|place| self.open.get_mut(place));
        if let Some(Block {
            kind: Kind::Other(opaque),
            ..
        }) = &mut block
        {
            opaque.grow(payload.delta);
            return self.hold(payload.delta.len());
        }
        let mut outcome = Ok(());
        members(payload.delta, |key, value| match key {
            "text" => say(Channel::Text, value, sink),
            "thinking" => say(Channel::Reasoning, value, sink),
            "signature" => seal(value, sink),
            "citation" => cite(value, sink),
            "partial_json" => match &mut block {
                Some(Block {
                    kind:
                        Kind::Call {
                            call,
                            has_arguments,
                            ..
                        },
                    ..
                }) => {
                    if let Some(json) = string(value).filter(|json| !json.is_empty()) {
                        *has_arguments = true;
                        let step = Step::CallDelta { call: *call, json };
                        sink(event(Channel::ToolArguments, step));
                    }
                }
                _ => {
                    outcome = Err(ProviderError::malformed(
                        "the answer has arguments that belong to no tool call",
                    ));
                }
            },
            "type" => {}
            _ if value != "null" => sink(extra(Scope::Delta, key, value)),
            _ => {}
        });
        outcome
    }

    fn place(&self, index: Option<u64>) -> Option<usize> {
        match index {
            Some(index) => self.open.iter().rposition(|block| block.index == index),
            None => self.open.len().checked_sub(1),
        }
    }

    fn close<'a>(&mut self, index: Option<u64>, sink: &mut impl FnMut(Event<'a>)) {
        let Some(place) = self.place(index) else {
            return;
        };
        match self.open.remove(place).kind {
            Kind::Text | Kind::Thinking | Kind::Redacted => {}
            Kind::Call {
                call,
                input,
                has_arguments,
            } => {
                if !has_arguments {
                    // Clients parse the arguments: nothing at all is not JSON.
                    let json = if input.starts_with('{') {
                        input
                    } else {
                        "{}".to_owned()
                    };
                    let json = Cow::Owned(json);
                    sink(event(
                        Channel::ToolArguments,
                        Step::CallDelta { call, json },
                    ));
                }
            }
            Kind::Other(opaque) => {
                let kind = Cow::Owned(opaque.kind.clone());
                let json = Cow::Owned(opaque.into_json());
                sink(event(Channel::Meta, Step::Block { kind, json }));
            }
        }
    }

    fn close_all<'a>(&mut self, sink: &mut impl FnMut(Event<'a>)) {
        while let Some(first) = self.open.first().map(|block| block.index) {
            self.close(Some(first), sink);
        }
    }

    fn end<'a>(
        &mut self,
        payload: &Payload<'a>,
        sink: &mut impl FnMut(Event<'a>),
    ) -> Result<(), ProviderError> {
        let mut raw = None;
        members(payload.delta, |key, value| match key {
            "stop_reason" => raw = string(value),
            _ if value != "null" && !self.finished => sink(extra(Scope::Choice, key, value)),
            _ => {}
        });
        for (key, value) in &payload.extras {
            sink(extra(Scope::Chunk, key, value));
        }
        if raw.is_some() {
            self.close_all(sink);
            self.finish(raw, sink)?;
        }
        self.is_final |= self.usage(payload.usage, sink);
        Ok(())
    }

    /// Says once why the message ended.
    fn finish<'a>(
        &mut self,
        raw: Option<Cow<'a, str>>,
        sink: &mut impl FnMut(Event<'a>),
    ) -> Result<(), ProviderError> {
        if std::mem::replace(&mut self.finished, true) {
            return Ok(());
        }
        if raw.as_deref().is_some_and(FinishReason::is_failure) {
            let what = "the provider broke the answer off with an error as its finish";
            return Err(ProviderError {
                status: 500,
                kind: ErrorKind::Server,
                ..ProviderError::malformed(what)
            });
        }
        // Calls beside an `end_turn` are those that a program at the provider made
        // and had answered.
        let reason = match raw.as_deref() {
            Some(raw) => FinishReason::read(raw),
            None if self.calls > 0 => FinishReason::ToolCalls,
            None => FinishReason::Stop,
        };
        let raw = raw.unwrap_or(Cow::Borrowed(reason.as_str()));
        sink(event(Channel::Meta, Step::Finish { reason, raw }));
        Ok(())
    }

    fn usage<'a>(&mut self, raw: &str, sink: &mut impl FnMut(Event<'a>)) -> bool {
        let told = self.report.take(raw);
        if let Some(usage) = self.report.usage().filter(|_| told) {
            sink(event(Channel::Meta, Step::Usage(usage)));
        }
        told
    }

    fn hold(&mut self, bytes: usize) -> Result<(), ProviderError> {
        self.held = self.held.saturating_add(bytes);
        if self.held > DEFAULT_CAP {
            return Err(ProviderError::malformed(
                "the blocks of the answer are too large to be held",
            ));
        }
        Ok(())
    }

    /// Members of the provider's usage that are unknown here.
    pub(crate) fn unknown(&self) -> Unknown {
        self.report.unknown()
    }
}

fn say<'a>(channel: Channel, raw: &'a str, sink: &mut impl FnMut(Event<'a>)) {
    if let Some(text) = string(raw).filter(|text| !text.is_empty()) {
        sink(event(channel, Step::Delta(text)));
    }
}

fn seal<'a>(raw: &'a str, sink: &mut impl FnMut(Event<'a>)) {
    if let Some(text) = string(raw).filter(|text| !text.is_empty()) {
        sink(event(Channel::Reasoning, Step::Signature(text)));
    }
}

fn cite<'a>(raw: &'a str, sink: &mut impl FnMut(Event<'a>)) {
    if raw.starts_with('{') {
        sink(event(Channel::Text, Step::Citation(Cow::Borrowed(raw))));
    }
}
