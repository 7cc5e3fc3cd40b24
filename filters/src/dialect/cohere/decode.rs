//! From answers of this dialect to canonical events, streamed or whole.

use std::borrow::Cow;

use crate::dialect::openai_chat::usage::Unknown;
use crate::dialect::plain::{About, Decode, Sink, broken_off, call_id, reading};
use crate::error::ProviderError;
use crate::event::{Channel, FinishReason, Scope, Step};

use super::usage::Report;
use super::wire::{Call, Content, Message, Payload, event, extra, meta};
use super::{PLAN, THOUGHT};

/// Most tool calls of one answer.
const MAX_CALLS: u32 = 1024;
/// Most calls that are open at a time.
const MAX_OPEN: usize = 64;

/// Decodes one answer.
#[derive(Default)]
pub(crate) struct Decoder {
    /// What made-up call ids are made of.
    seed: String,
    id: Option<String>,
    begun: bool,
    /// The seal of the thought that is being told, and whether any of it came.
    thought: Option<(&'static str, bool)>,
    open: Vec<Open>,
    calls: u32,
    over: bool,
    report: Report,
}

/// A call of a stream whose end has not come.
struct Open {
    index: u64,
    call: u32,
    /// Some of its arguments came.
    told: bool,
}

impl Decoder {
    pub(crate) fn new(seed: &str) -> Decoder {
        Decoder {
            seed: seed.to_owned(),
            ..Decoder::default()
        }
    }

    fn begin(&mut self, sink: &mut Sink<'_, '_>) {
        if !std::mem::replace(&mut self.begun, true) {
            sink(meta(Step::Role(Cow::Borrowed("assistant"))));
        }
    }

    /// Tells what a message holds. `new` says that its contents are no continuation.
    fn message<'a>(&mut self, message: &Message<'a>, new: bool, sink: &mut Sink<'_, 'a>) {
        self.begin(sink);
        if let Some(plan) = &message.plan {
            self.think(PLAN, false, sink);
            self.thinks(plan.clone(), sink);
        }
        message.contents(|content| self.content(content, new, sink));
        message.sources(|raw, of_text| {
            let channel = match of_text {
                true => Channel::Text,
                false => Channel::Reasoning,
            };
            if of_text {
                self.seal(sink);
            }
            sink(event(channel, Step::Citation(Cow::Borrowed(raw))));
        });
        message.rest(sink);
    }

    /// Tells a message that holds all of its contents and calls.
    fn whole<'a>(
        &mut self,
        message: &Message<'a>,
        sink: &mut Sink<'_, 'a>,
    ) -> Result<(), ProviderError> {
        self.message(message, true, sink);
        let mut outcome = Ok(());
        message.calls(|call| {
            if outcome.is_ok() {
                let index = u64::from(self.calls);
                outcome = self.call(call, index, sink);
                self.end_call(Some(index), sink);
            }
        });
        outcome
    }

    fn content<'a>(&mut self, content: &Content<'a>, new: bool, sink: &mut Sink<'_, 'a>) {
        if new && content.is_foreign() {
            self.seal(sink);
            let kind = content.kind.clone().unwrap_or_default();
            let json = Cow::Borrowed(content.raw);
            sink(meta(Step::Block { kind, json }));
            return;
        }
        if content.is_thought() {
            self.think(THOUGHT, new, sink);
        } else if new || content.text.is_some() {
            self.seal(sink);
            if new {
                sink(event(Channel::Text, Step::Part));
            }
        }
        let filled = |text: &Option<Cow<'a, str>>| text.clone().filter(|text| !text.is_empty());
        if let Some(text) = filled(&content.thinking) {
            self.thinks(text, sink);
        }
        if let Some(text) = filled(&content.text) {
            self.seal(sink);
            sink(event(Channel::Text, Step::Delta(text)));
        }
        content.rest(sink);
    }

    /// What follows is a thought with that seal.
    fn think(&mut self, seal: &'static str, new: bool, sink: &mut Sink<'_, '_>) {
        if new || self.thought.is_none_or(|(known, _)| known != seal) {
            self.seal(sink);
            self.thought = Some((seal, false));
            sink(event(Channel::Reasoning, Step::Part));
        }
    }

    fn thinks<'a>(&mut self, text: Cow<'a, str>, sink: &mut Sink<'_, 'a>) {
        if let Some((_, told)) = &mut self.thought {
            *told = true;
        }
        sink(event(Channel::Reasoning, Step::Delta(text)));
    }

    /// What follows is no thought, or another.
    fn seal(&mut self, sink: &mut Sink<'_, '_>) {
        if let Some((seal, true)) = self.thought.take() {
            let step = Step::Signature(Cow::Borrowed(seal));
            sink(event(Channel::Reasoning, step));
        }
    }

    /// A call begins.
    fn call<'a>(
        &mut self,
        call: &Call<'a>,
        index: u64,
        sink: &mut Sink<'_, 'a>,
    ) -> Result<(), ProviderError> {
        self.seal(sink);
        self.end_call(Some(index), sink);
        let number = self.calls;
        self.calls += 1;
        if self.calls > MAX_CALLS || self.open.len() >= MAX_OPEN {
            return Err(ProviderError::malformed(
                "the answer has impossible tool calls",
            ));
        }
        let made = || call_id(&self.seed, 0, number);
        let step = Step::CallStart {
            call: number,
            id: call.id.clone().unwrap_or_else(made),
            name: call.name.clone().unwrap_or_default(),
        };
        sink(event(Channel::ToolArguments, step));
        call.rest(number, sink);
        self.open.push(Open {
            index,
            call: number,
            told: false,
        });
        self.arguments(call, Some(index), sink);
        Ok(())
    }

    /// More of the arguments of the call at that index, or of the last one.
    fn arguments<'a>(&mut self, call: &Call<'a>, at: Option<u64>, sink: &mut Sink<'_, 'a>) {
        let open = match at {
            Some(index) => self.open.iter_mut().find(|open| open.index == index),
            None => self.open.last_mut(),
        };
        if let (Some(open), Some(json)) = (open, call.json.clone()) {
            open.told = true;
            let step = Step::CallDelta {
                call: open.call,
                json,
            };
            sink(event(Channel::ToolArguments, step));
        }
    }

    /// The call at that index is whole: one without arguments has an empty object.
    fn end_call(&mut self, at: Option<u64>, sink: &mut Sink<'_, '_>) {
        let place = match at {
            Some(index) => self.open.iter().position(|open| open.index == index),
            None => self.open.len().checked_sub(1),
        };
        if let Some(place) = place {
            let Open { call, told, .. } = self.open.remove(place);
            if !told {
                let json = Cow::Borrowed("{}");
                let step = Step::CallDelta { call, json };
                sink(event(Channel::ToolArguments, step));
            }
        }
    }

    /// The answer is over: its figures, and why it ended.
    fn conclude<'a>(
        &mut self,
        payload: &Payload<'a>,
        sink: &mut Sink<'_, 'a>,
    ) -> Result<(), ProviderError> {
        self.begin(sink);
        self.seal(sink);
        while !self.open.is_empty() {
            self.end_call(None, sink);
        }
        payload.rest(sink);
        self.report.take(payload.usage);
        if let Some(usage) = self.report.usage() {
            sink(meta(Step::Usage(usage)));
        }
        let raw = payload.finish.clone().unwrap_or_default();
        self.over = true;
        let told = ProviderError::in_answer(payload.failed.as_bytes());
        let failed = FinishReason::is_failure(&raw);
        if told.is_some() || failed {
            let broken = broken_off(if failed { &raw } else { "" });
            return Err(ProviderError {
                message: told.map_or(broken.message, |told| told.message),
                ..broken
            });
        }
        let reason = match FinishReason::read(&raw) {
            FinishReason::Stop if self.calls > 0 => FinishReason::ToolCalls,
            reason => reason,
        };
        sink(meta(Step::Finish { reason, raw }));
        Ok(())
    }
}

impl Decode for Decoder {
    fn decode<'a>(
        &mut self,
        name: &str,
        payload: &'a [u8],
        sink: &mut Sink<'_, 'a>,
    ) -> Result<(), ProviderError> {
        let (text, mut event) = reading(payload, Payload::read)?;
        if self.id.is_none() {
            self.id = event.id.take().map(Cow::into_owned);
        }
        let kind = event.kind.take();
        let kind = kind.unwrap_or_else(|| Cow::Owned(name.to_owned()));
        let message = event.message.take().unwrap_or_default();
        let mut outcome = Ok(());
        match &*kind {
            "message-start" => outcome = self.whole(&message, sink),
            "content-start" => self.message(&message, true, sink),
            "content-delta" | "tool-plan-delta" | "citation-start" => {
                self.message(&message, false, sink);
            }
            "content-end" => self.seal(sink),
            "tool-call-start" => {
                self.begin(sink);
                let index = event.index.unwrap_or_else(|| u64::from(self.calls));
                message.calls(|call| {
                    if outcome.is_ok() {
                        outcome = self.call(call, index, sink);
                    }
                });
                message.rest(sink);
            }
            "tool-call-delta" => {
                message.calls(|call| self.arguments(call, event.index, sink));
                message.rest(sink);
            }
            "tool-call-end" => self.end_call(event.index, sink),
            "citation-end" => {}
            "message-end" => return self.conclude(&event, sink),
            "" | "error" => {
                let nothing = || ProviderError::malformed("an event of the answer has no type");
                return Err(match kind.is_empty() {
                    true => ProviderError::in_answer(payload).unwrap_or_else(nothing),
                    false => ProviderError::in_event(payload),
                });
            }
            unknown => {
                self.begin(sink);
                sink(extra(Scope::Chunk, unknown, text));
                return Ok(());
            }
        }
        outcome?;
        event.rest(sink);
        ProviderError::in_answer(event.failed.as_bytes()).map_or(Ok(()), Err)
    }

    fn body<'a>(&mut self, body: &'a [u8], sink: &mut Sink<'_, 'a>) -> Result<(), ProviderError> {
        let (_, mut answer) = reading(body, Payload::read)?;
        self.id = answer.id.take().map(Cow::into_owned);
        let Some(message) = answer.message.take() else {
            return Err(ProviderError::in_answer(body)
                .unwrap_or_else(|| ProviderError::malformed("the answer has no message")));
        };
        self.whole(&message, sink)?;
        self.conclude(&answer, sink)
    }

    fn end(&mut self, _sink: &mut Sink<'_, '_>) {}

    fn about(&self) -> About<'_> {
        About {
            id: self.id.as_deref().filter(|id| !id.is_empty()),
            ..About::default()
        }
    }

    fn is_over(&self) -> bool {
        self.over
    }

    fn unknown(&self) -> Unknown {
        self.report.unknown()
    }
}
