//! From answers of this dialect to canonical events: for meters and guards where
//! a lens passes the bytes, and for whatever client a whole body meets.

use std::borrow::Cow;

use crate::dialect::openai_chat::usage::{self, Unknown};
use crate::dialect::openai_chat::wire::{elements, members, number, string};
use crate::dialect::plain::{About, Decode, Sink, call_id, json};
use crate::error::ProviderError;
use crate::event::{Channel, Event, FinishReason, ServiceTier, Step, Usage};

/// Most tool calls of one answer.
const MAX_CALLS: usize = 1024;

/// Whether an event of that type ends a stream that is no failure.
pub(super) fn is_last(kind: &str) -> bool {
    matches!(kind, "response.completed" | "response.incomplete")
}

/// Decodes one answer.
#[derive(Default)]
pub(crate) struct Decoder {
    /// What made-up call ids are made of.
    seed: String,
    id: Option<String>,
    model: Option<String>,
    created: Option<u64>,
    begun: bool,
    /// The output index of every call, in the order of their beginning.
    calls: Vec<u64>,
    /// A part of a thought was told.
    thought: bool,
    unknown: Unknown,
    is_over: bool,
}

/// The members of an event that tell something, as JSON text.
#[derive(Default)]
struct Payload<'a> {
    kind: Option<Cow<'a, str>>,
    delta: Option<Cow<'a, str>>,
    index: u64,
    item: &'a str,
    response: &'a str,
}

/// An item of the output.
#[derive(Default)]
struct Item<'a> {
    kind: Cow<'a, str>,
    id: Option<Cow<'a, str>>,
    name: Cow<'a, str>,
    /// Of a function, or the free text for a custom tool.
    arguments: Cow<'a, str>,
    content: &'a str,
    summary: &'a str,
    sealed: Option<Cow<'a, str>>,
}

fn event(channel: Channel, step: Step<'_>) -> Event<'_> {
    Event {
        choice: 0,
        channel,
        step,
    }
}

impl<'a> Item<'a> {
    fn read(raw: &'a str) -> Item<'a> {
        let mut item = Item::default();
        members(raw, |key, value| match key {
            "type" => item.kind = string(value).unwrap_or_default(),
            "call_id" => item.id = string(value).filter(|id| !id.is_empty()),
            "name" => item.name = string(value).unwrap_or_default(),
            "arguments" | "input" => item.arguments = string(value).unwrap_or_default(),
            "content" => item.content = value,
            "summary" => item.summary = value,
            "encrypted_content" => item.sealed = string(value).filter(|data| !data.is_empty()),
            _ => {}
        });
        item
    }

    fn is_call(&self) -> bool {
        matches!(&*self.kind, "function_call" | "custom_tool_call")
    }
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
            let role = Step::Role(Cow::Borrowed("assistant"));
            sink(event(Channel::Meta, role));
        }
    }

    fn start_call<'a>(
        &mut self,
        index: u64,
        item: &Item<'a>,
        sink: &mut Sink<'_, 'a>,
    ) -> Result<u32, ProviderError> {
        if self.calls.len() >= MAX_CALLS {
            return Err(ProviderError::malformed(
                "the answer has impossible tool calls",
            ));
        }
        let call = u32::try_from(self.calls.len()).unwrap_or(u32::MAX);
        self.calls.push(index);
        let id = item.id.clone();
        let id = id.unwrap_or_else(|| call_id(&self.seed, 0, call));
        let name = item.name.clone();
        let step = Step::CallStart { call, id, name };
        sink(event(Channel::ToolArguments, step));
        Ok(call)
    }

    /// What the Response tells of the whole. An error is one of the provider's.
    fn response<'a>(
        &mut self,
        raw: &'a str,
        sink: &mut Sink<'_, 'a>,
    ) -> Result<Status<'a>, ProviderError> {
        let mut status = Status::default();
        let (mut used, mut tier) = ("", None);
        members(raw, |key, value| match key {
            _ if value == "null" => {}
            "id" => self.id = string(value).map(Cow::into_owned),
            "model" => self.model = string(value).map(Cow::into_owned),
            "created_at" => self.created = number(value),
            "status" => status.word = string(value).unwrap_or_default(),
            "output" => status.output = value,
            "error" => status.error = value,
            "usage" => used = value,
            "service_tier" => tier = ServiceTier::of_member(value),
            "incomplete_details" => members(value, |key, value| {
                if key == "reason" {
                    status.reason = string(value).unwrap_or_default();
                }
            }),
            _ => {}
        });
        if let Some(figures) = usage::read(used) {
            let tier = figures.tier.or(tier);
            let figures = Usage { tier, ..figures };
            sink(event(Channel::Meta, Step::Usage(figures)));
        }
        if status.word == "failed" {
            self.is_over = true;
            let error = format!(r#"{{"error":{}}}"#, status.error);
            return Err(
                ProviderError::in_answer(error.as_bytes()).unwrap_or_else(|| {
                    ProviderError::malformed("the provider's response has failed")
                }),
            );
        }
        Ok(status)
    }

    fn finish<'a>(&mut self, status: &Status<'a>, sink: &mut Sink<'_, 'a>) {
        self.is_over = true;
        let (reason, raw) = match &*status.reason {
            "max_output_tokens" => (FinishReason::Length, "length".into()),
            "content_filter" => (FinishReason::ContentFilter, "content_filter".into()),
            "" if self.calls.is_empty() => (FinishReason::Stop, "stop".into()),
            "" => (FinishReason::ToolCalls, "tool_calls".into()),
            _ => (FinishReason::Unknown, status.reason.clone()),
        };
        sink(event(Channel::Meta, Step::Finish { reason, raw }));
    }

    fn delta<'a>(
        &mut self,
        kind: &str,
        payload: &Payload<'a>,
        sink: &mut Sink<'_, 'a>,
    ) -> Result<(), ProviderError> {
        let Some(delta) = payload.delta.clone().filter(|delta| !delta.is_empty()) else {
            return Ok(());
        };
        let channel = match kind {
            "response.output_text.delta" => Channel::Text,
            "response.refusal.delta" => Channel::Refusal,
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                Channel::Reasoning
            }
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                let known = self.calls.iter().rposition(|index| *index == payload.index);
                let call = match known {
                    Some(call) => u32::try_from(call).unwrap_or(u32::MAX),
                    None => self.start_call(payload.index, &Item::default(), sink)?,
                };
                let step = Step::CallDelta { call, json: delta };
                sink(event(Channel::ToolArguments, step));
                return Ok(());
            }
            _ => return Ok(()),
        };
        sink(event(channel, Step::Delta(delta)));
        Ok(())
    }

    /// An item that is whole.
    fn item<'a>(
        &mut self,
        (index, raw): (u64, &'a str),
        sink: &mut Sink<'_, 'a>,
    ) -> Result<(), ProviderError> {
        let item = Item::read(raw);
        if item.is_call() {
            let call = self.start_call(index, &item, sink)?;
            if !item.arguments.is_empty() {
                let json = item.arguments;
                sink(event(
                    Channel::ToolArguments,
                    Step::CallDelta { call, json },
                ));
            }
            return Ok(());
        }
        match &*item.kind {
            "reasoning" => {
                for list in [item.summary, item.content] {
                    elements(list, |part| self.part(part, true, sink));
                }
                if let Some(data) = item.sealed {
                    sink(event(Channel::Reasoning, Step::Redacted(data)));
                }
            }
            "message" => elements(item.content, |part| self.part(part, false, sink)),
            _ => {
                let (kind, json) = (item.kind, Cow::Borrowed(raw));
                sink(event(Channel::Meta, Step::Block { kind, json }));
            }
        }
        Ok(())
    }

    /// A part of a message or a thought.
    fn part<'a>(&mut self, raw: &'a str, thought: bool, sink: &mut Sink<'_, 'a>) {
        let (mut text, mut channel) = (None, Channel::Text);
        members(raw, |key, value| match key {
            "text" => text = string(value),
            "refusal" => {
                channel = Channel::Refusal;
                text = string(value);
            }
            _ => {}
        });
        if thought {
            channel = Channel::Reasoning;
        }
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            sink(event(channel, Step::Part));
            sink(event(channel, Step::Delta(text)));
        }
    }
}

/// What a Response says of itself.
#[derive(Default)]
struct Status<'a> {
    word: Cow<'a, str>,
    reason: Cow<'a, str>,
    error: &'a str,
    output: &'a str,
}

impl Decode for Decoder {
    fn decode<'a>(
        &mut self,
        name: &str,
        payload: &'a [u8],
        sink: &mut Sink<'_, 'a>,
    ) -> Result<(), ProviderError> {
        let text = json(payload)?;
        let mut found = Payload::default();
        let mut strange = name.is_empty();
        members(text, |key, value| match key {
            "type" => {
                strange = false;
                found.kind = string(value);
            }
            "delta" => found.delta = string(value),
            "output_index" => found.index = number(value).unwrap_or(0),
            "item" => found.item = value,
            "response" => found.response = value,
            _ => {}
        });
        let kind = found.kind.clone();
        let kind = kind.as_deref().unwrap_or(name);
        if kind == "error" || strange {
            let error = ProviderError::in_answer(payload);
            let flat = || ProviderError::in_answer(format!(r#"{{"error":{text}}}"#).as_bytes());
            return Err(error.or_else(flat).unwrap_or_else(|| {
                ProviderError::malformed("the provider sent an error event without an error")
            }));
        }
        self.begin(sink);
        match kind {
            "response.completed" | "response.incomplete" | "response.failed" => {
                let status = self.response(found.response, sink)?;
                self.finish(&status, sink);
            }
            "response.created" | "response.in_progress" | "response.queued" => {
                self.response(found.response, sink)?;
            }
            "response.output_item.added" => {
                let item = Item::read(found.item);
                if item.is_call() {
                    self.start_call(found.index, &item, sink)?;
                }
            }
            "response.reasoning_summary_part.added" => {
                if std::mem::replace(&mut self.thought, true) {
                    sink(event(Channel::Reasoning, Step::Part));
                }
            }
            _ => self.delta(kind, &found, sink)?,
        }
        Ok(())
    }

    fn body<'a>(&mut self, body: &'a [u8], sink: &mut Sink<'_, 'a>) -> Result<(), ProviderError> {
        let text = json(body)?;
        let mut is_response = false;
        members(text, |key, value| {
            is_response |= key == "object" && value == "\"response\"" || key == "output";
        });
        if !is_response {
            let malformed = || ProviderError::malformed("the answer is no response");
            return Err(ProviderError::in_answer(body).unwrap_or_else(malformed));
        }
        self.begin(sink);
        let status = self.response(text, sink)?;
        let (mut outcome, mut index) = (Ok(()), 0);
        elements(status.output, |raw| {
            if outcome.is_ok() {
                outcome = self.item((index, raw), sink);
                index += 1;
            }
        });
        outcome?;
        self.finish(&status, sink);
        Ok(())
    }

    fn end(&mut self, _: &mut Sink<'_, '_>) {}

    fn about(&self) -> About<'_> {
        About {
            id: self.id.as_deref(),
            model: self.model.as_deref(),
            created: self.created,
        }
    }

    fn is_over(&self) -> bool {
        self.is_over
    }

    fn unknown(&self) -> Unknown {
        self.unknown.clone()
    }
}
