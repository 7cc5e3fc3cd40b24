//! From answers of this dialect to canonical events, streamed or whole.

use std::borrow::Cow;

use crate::dialect::openai_chat::usage::Unknown;
use crate::dialect::openai_chat::wire::{elements, members, number, string};
use crate::dialect::plain::{About, Decode, Sink, broken_off, call_id, json};
use crate::error::ProviderError;
use crate::event::{Channel, Event, FinishReason, Scope, ServiceTier, Step};

use super::opaque::{Opaque, block};
use super::picture::{self, Picture};
use super::steps::{Call, cited, event, member, meta, say, thought};
use super::usage::Report;

/// Most tool calls of one answer.
const MAX_CALLS: u32 = 1024;
/// Most blocks that are open at a time.
const MAX_OPEN: usize = 64;
/// Most members that are said beside an answer, and most bytes of them.
const MAX_BESIDE: usize = 64;
const MAX_KEPT: usize = 1 << 20;

/// Decodes one answer.
#[derive(Default)]
pub(crate) struct Decoder {
    /// What made-up call ids are made of.
    seed: String,
    begun: bool,
    open: Vec<Block>,
    calls: u32,
    /// Why it ended, in the provider's word. It is told with `metadata`, because
    /// an answer without its figures is cut off.
    finish: Option<String>,
    /// The figures have come.
    metered: bool,
    over: bool,
    report: Report,
    /// What was said beside the answer before its end: it waits for the event that
    /// tells why the answer ended, as some clients see no other without content.
    beside: Vec<(String, String)>,
}

/// A block of a stream whose end has not come.
struct Block {
    index: u64,
    kind: Kind,
}

enum Kind {
    Text,
    Thinking,
    /// A call, and whether any of its arguments came.
    Call(u32, bool),
    Picture(Picture),
    Other(Opaque),
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

    fn start<'a>(&mut self, text: &'a str, sink: &mut Sink<'_, 'a>) -> Result<(), ProviderError> {
        let (mut index, mut start) = (0, "");
        members(text, |key, value| match key {
            "contentBlockIndex" => index = number(value).unwrap_or(0),
            "start" => start = value,
            _ => {}
        });
        let mut found = None;
        members(start, |key, value| {
            if value.starts_with('{') {
                found.get_or_insert((key.to_owned(), value));
            }
        });
        // A text has no such event, or an empty one: its first delta opens it.
        let Some((name, value)) = found else {
            return Ok(());
        };
        self.begin(sink);
        let kind = match Call::read(value) {
            Some(call) if name == "toolUse" && call.is_ours() => {
                Kind::Call(self.call(&call, sink)?, false)
            }
            _ if name == "image" => Kind::Picture(Picture::new(value)),
            _ => Kind::Other(Opaque::new(&name, value)),
        };
        self.opened(index, kind)
    }

    fn opened(&mut self, index: u64, kind: Kind) -> Result<(), ProviderError> {
        if self.open.len() >= MAX_OPEN {
            return Err(ProviderError::malformed(
                "the answer has too many blocks open at a time",
            ));
        }
        self.open.push(Block { index, kind });
        Ok(())
    }

    fn call<'a>(&mut self, call: &Call<'a>, sink: &mut Sink<'_, 'a>) -> Result<u32, ProviderError> {
        let number = self.calls;
        self.calls += 1;
        if self.calls > MAX_CALLS {
            return Err(ProviderError::malformed(
                "the answer has impossible tool calls",
            ));
        }
        let made = || call_id(&self.seed, 0, number);
        let step = Step::CallStart {
            call: number,
            id: call.id.clone().unwrap_or_else(made),
            name: call.name.clone(),
        };
        sink(event(Channel::ToolArguments, step));
        Ok(number)
    }

    fn delta<'a>(&mut self, text: &'a str, sink: &mut Sink<'_, 'a>) -> Result<(), ProviderError> {
        let (mut index, mut delta) = (0, "");
        members(text, |key, value| match key {
            "contentBlockIndex" => index = number(value).unwrap_or(0),
            "delta" => delta = value,
            _ => {}
        });
        let mut outcome = Ok(());
        members(delta, |key, value| {
            if outcome.is_ok() && value != "null" {
                outcome = self.piece((index, key), value, sink);
            }
        });
        outcome
    }

    fn piece<'a>(
        &mut self,
        (index, name): (u64, &str),
        value: &'a str,
        sink: &mut Sink<'_, 'a>,
    ) -> Result<(), ProviderError> {
        if !self.open.iter().any(|block| block.index == index) {
            self.begin(sink);
            let kind = match name {
                "text" | "citation" => {
                    sink(event(Channel::Text, Step::Part));
                    Kind::Text
                }
                "reasoningContent" => {
                    sink(event(Channel::Reasoning, Step::Part));
                    Kind::Thinking
                }
                "image" => Kind::Picture(Picture::new("")),
                _ => Kind::Other(Opaque::new(name, "")),
            };
            self.opened(index, kind)?;
        }
        let open = self.open.iter_mut().find(|block| block.index == index);
        match (open.map(|block| &mut block.kind), name) {
            (Some(Kind::Picture(picture)), "image") => return taken(picture.take(value)),
            (Some(Kind::Other(opaque)), _) => return taken(opaque.take(value)),
            (Some(Kind::Call(call, told)), "toolUse") => {
                let mut input = None;
                members(value, |key, value| {
                    if key == "input" {
                        input = string(value).or(input.take());
                    }
                });
                if let Some(json) = input.filter(|json| !json.is_empty()) {
                    *told = true;
                    let step = Step::CallDelta { call: *call, json };
                    sink(event(Channel::ToolArguments, step));
                }
            }
            (_, "text") => say(Channel::Text, value, sink),
            (_, "citation") => {
                sink(event(Channel::Text, Step::Citation(Cow::Borrowed(value))));
            }
            (_, "reasoningContent") => thought(value, sink),
            _ => {}
        }
        Ok(())
    }

    fn stop(&mut self, text: &str, sink: &mut Sink<'_, '_>) {
        let mut index = 0;
        members(text, |key, value| {
            if key == "contentBlockIndex" {
                index = number(value).unwrap_or(0);
            }
        });
        if let Some(place) = self.open.iter().position(|block| block.index == index) {
            close(self.open.remove(place), sink);
        }
    }

    fn message_stop<'a>(
        &mut self,
        text: &'a str,
        sink: &mut Sink<'_, 'a>,
    ) -> Result<(), ProviderError> {
        self.begin(sink);
        for block in self.open.drain(..) {
            close(block, sink);
        }
        let mut finish = None;
        members(text, |key, value| match key {
            "stopReason" => finish = string(value),
            _ => self.keep(key, value),
        });
        let raw = finish.unwrap_or_default();
        self.finish = Some(raw.clone().into_owned());
        if FinishReason::is_failure(&raw) {
            return Err(broken_off(&raw));
        }
        self.conclude(sink);
        Ok(())
    }

    fn keep(&mut self, key: &str, value: &str) {
        let size = |(key, value): &(String, String)| key.len() + value.len();
        let kept: usize = self.beside.iter().map(size).sum();
        if self.beside.len() < MAX_BESIDE && kept + value.len() < MAX_KEPT {
            self.beside.push((key.to_owned(), value.to_owned()));
        }
    }

    /// The figures, and what else is said of the answer as a whole.
    fn metadata<'a>(&mut self, text: &'a str, sink: &mut Sink<'_, 'a>) {
        members(text, |key, value| match key {
            "usage" => self.report.take(value),
            "serviceTier" => match self.report.tier(value) {
                Some(name) => {
                    let value = crate::json::quoted(match ServiceTier::read(&name) {
                        ServiceTier::Standard => "default",
                        tier => tier.as_str(),
                    });
                    sink(meta(Step::Extra {
                        scope: Scope::Chunk,
                        key: Cow::Borrowed("service_tier"),
                        value: Cow::Owned(value),
                    }));
                }
                None => member(key, value, sink),
            },
            _ => member(key, value, sink),
        });
        if let Some(usage) = self.report.usage() {
            sink(meta(Step::Usage(usage)));
        }
        self.metered = true;
        self.conclude(sink);
    }

    /// Tells why the answer ended, once all of it has come.
    fn conclude(&mut self, sink: &mut Sink<'_, '_>) {
        let Some(raw) = self.finish.as_ref().filter(|_| self.metered) else {
            return;
        };
        if !std::mem::replace(&mut self.over, true) {
            for (key, value) in self.beside.drain(..) {
                member(&key, value, sink);
            }
            let reason = FinishReason::read(raw);
            let raw = Cow::Owned(raw.clone());
            sink(meta(Step::Finish { reason, raw }));
        }
    }

    /// One block of a whole answer.
    fn block<'a>(&mut self, raw: &'a str, sink: &mut Sink<'_, 'a>) -> Result<(), ProviderError> {
        let mut outcome = Ok(());
        members(raw, |key, value| match key {
            _ if outcome.is_err() || value == "null" => {}
            // Some models say beside the block what it is.
            "type" if value.starts_with('"') => {}
            "text" => {
                sink(event(Channel::Text, Step::Part));
                say(Channel::Text, value, sink);
            }
            "citationsContent" => cited(value, sink),
            "reasoningContent" => {
                sink(event(Channel::Reasoning, Step::Part));
                members(value, |key, inner| match key {
                    "reasoningText" => thought(inner, sink),
                    _ => thought(value, sink),
                });
            }
            "toolUse" if Call::read(value).is_some_and(|call| call.is_ours()) => {
                let Some(call) = Call::read(value) else {
                    return;
                };
                match self.call(&call, sink) {
                    Ok(number) => {
                        let json = Cow::Borrowed(call.input);
                        let step = Step::CallDelta { call: number, json };
                        sink(event(Channel::ToolArguments, step));
                    }
                    Err(error) => outcome = Err(error),
                }
            }
            "image" if let Some(picture) = picture::whole(value) => sink(meta(picture)),
            name => {
                let json = Cow::Owned(block(name, value));
                let kind = Cow::Owned(name.to_owned());
                sink(meta(Step::Block { kind, json }));
            }
        });
        outcome
    }
}

impl Decode for Decoder {
    fn decode<'a>(
        &mut self,
        name: &str,
        payload: &'a [u8],
        sink: &mut Sink<'_, 'a>,
    ) -> Result<(), ProviderError> {
        let text = json(payload)?;
        match name {
            "messageStart" => self.begin(sink),
            "contentBlockStart" => self.start(text, sink)?,
            "contentBlockDelta" => self.delta(text, sink)?,
            "contentBlockStop" => self.stop(text, sink),
            "messageStop" => self.message_stop(text, sink)?,
            "metadata" => self.metadata(text, sink),
            _ => self.keep(name, text),
        }
        Ok(())
    }

    fn body<'a>(&mut self, body: &'a [u8], sink: &mut Sink<'_, 'a>) -> Result<(), ProviderError> {
        let text = json(body)?;
        let (mut output, mut finish) = ("", None);
        members(text, |key, value| match key {
            "output" => output = value,
            "stopReason" => finish = string(value),
            _ => {}
        });
        let mut content = None;
        members(output, |key, message| match key {
            "message" => members(message, |key, value| match key {
                "content" => content = Some(value),
                "role" => {}
                _ => member(key, value, sink),
            }),
            _ => member(key, message, sink),
        });
        let (Some(content), Some(raw)) = (content, finish) else {
            return Err(ProviderError::in_answer(body)
                .unwrap_or_else(|| ProviderError::malformed("the answer has no message")));
        };
        self.begin(sink);
        let mut outcome = Ok(());
        elements(content, |block| {
            if outcome.is_ok() {
                outcome = self.block(block, sink);
            }
        });
        outcome?;
        if FinishReason::is_failure(&raw) {
            return Err(broken_off(&raw));
        }
        self.finish = Some(raw.into_owned());
        self.metadata(text, &mut |event: Event<'a>| match &event.step {
            Step::Extra { key, .. } if matches!(&**key, "output" | "stopReason") => {}
            _ => sink(event),
        });
        Ok(())
    }

    fn end(&mut self, _sink: &mut Sink<'_, '_>) {}

    fn about(&self) -> About<'_> {
        About::default()
    }

    fn is_over(&self) -> bool {
        self.over
    }

    fn unknown(&self) -> Unknown {
        self.report.unknown()
    }
}

fn close(block: Block, sink: &mut Sink<'_, '_>) {
    match block.kind {
        Kind::Text | Kind::Thinking | Kind::Call(_, true) => {}
        Kind::Call(call, false) => {
            let json = Cow::Borrowed("{}");
            sink(event(
                Channel::ToolArguments,
                Step::CallDelta { call, json },
            ));
        }
        Kind::Picture(picture) => sink(meta(picture.into_step())),
        Kind::Other(opaque) => sink(meta(opaque.into_step())),
    }
}

/// The failure of a block that could not take its next piece.
fn taken(is_taken: bool) -> Result<(), ProviderError> {
    let broken = || ProviderError::malformed("a block of the answer is too long, or broken");
    is_taken.then_some(()).ok_or_else(broken)
}
