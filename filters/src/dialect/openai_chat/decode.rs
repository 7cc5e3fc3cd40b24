//! From chunks of this dialect to canonical events. What providers leave out or
//! bend (call indexes, ids, argument objects, content lists) is repaired here,
//! so that whoever reads events meets one grammar.

use std::borrow::Cow;

use crate::dialect::logprobs;
use crate::error::{ErrorKind, ProviderError};
use crate::event::{Channel, Event, FinishReason, Scope, ServiceTier, Step, Usage};
use crate::prompt::Surface;

use super::usage;
use super::wire::{Choice, Chunk, MAX_CHOICES, elements, members, number, string};

/// Most tool calls of one answer.
const MAX_CALLS: usize = 1024;
/// Longest id of a tool call, in bytes. Ids are remembered for the whole stream.
const MAX_ID: usize = 1024;

/// Decodes the chunks of one answer; an unstreamed body is one large chunk.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    choices: Vec<Calls>,
    calls: usize,
    /// What made-up call ids are made of: the answer's fallback id.
    seed: String,
    /// The answer is one of OpenAI's older form: its text is `choices[].text`,
    /// which some providers also send beside the content of a chat.
    completions: bool,
    /// The service that the provider has said it gives.
    tier: Option<ServiceTier>,
}

/// The tool calls of one choice so far.
#[derive(Debug, Default)]
struct Calls {
    list: Vec<Call>,
}

#[derive(Debug)]
struct Call {
    /// The provider's number for it, which may not be unique.
    index: Option<u64>,
    id: String,
    has_arguments: bool,
}

/// One element of `tool_calls`, not yet matched to a call.
#[derive(Default)]
struct Piece<'a> {
    index: Option<u64>,
    id: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    arguments: Option<Cow<'a, str>>,
    extras: Vec<(String, &'a str)>,
}

impl Decoder {
    pub(crate) fn new(seed: &str, surface: Surface) -> Decoder {
        let seed = seed.strip_prefix("chatcmpl-").unwrap_or(seed).to_owned();
        Decoder {
            seed,
            completions: surface == Surface::Completions,
            ..Decoder::default()
        }
    }

    /// Gives the events of every choice of `chunk`, in the order of the chunk,
    /// and last the usage.
    ///
    /// # Errors
    /// The chunk names more choices or calls than any answer has, or a finish
    /// reason that is a failure; the events before it were given.
    pub(crate) fn decode<'a>(
        &mut self,
        text: &'a str,
        chunk: &Chunk,
        sink: &mut impl FnMut(Event<'a>),
    ) -> Result<(), ProviderError> {
        self.tier = ServiceTier::of_member(chunk.service_tier.raw(text)).or(self.tier);
        for extra in chunk.extras.iter().filter(|extra| extra.choice.is_none()) {
            sink(extra.event(text, 0));
        }
        for (place, choice) in chunk.choices.iter().enumerate() {
            let index = choice.index.unwrap_or(place as u64);
            let index = u32::try_from(index)
                .ok()
                .filter(|&index| (index as usize) < MAX_CHOICES);
            let Some(index) = index else {
                return Err(ProviderError::malformed("a choice has an impossible index"));
            };
            let own = || chunk.extras.iter().filter(|e| e.choice == Some(place));
            self.reasoning(text, index, choice, sink);
            if chunk.has_details {
                let details = own().filter(|extra| extra.is_details(text));
                details.for_each(|extra| sink(extra.event(text, index)));
            }
            self.texts(text, index, choice, sink);
            self.calls(text, index, choice, sink)?;
            for extra in own() {
                if !(chunk.has_details && extra.is_details(text)) {
                    sink(extra.event(text, index));
                }
            }
            self.end(text, index, choice, sink)?;
        }
        if let Some(usage) = reported(text, chunk).and_then(usage::read) {
            let tier = usage.tier.or(self.tier);
            let usage = Usage { tier, ..usage };
            sink(Event {
                choice: 0,
                channel: Channel::Meta,
                step: Step::Usage(usage),
            });
        }
        Ok(())
    }

    fn reasoning<'a>(
        &self,
        text: &'a str,
        index: u32,
        choice: &Choice,
        sink: &mut impl FnMut(Event<'a>),
    ) {
        if let Some(role) = choice.role.filled(text) {
            sink(Event {
                choice: index,
                channel: Channel::Meta,
                step: Step::Role(role),
            });
        }
        // Servers that know both names send the same text twice.
        let reasoning = choice
            .reasoning_content
            .filled(text)
            .or_else(|| choice.reasoning.filled(text));
        if let Some(reasoning) = reasoning {
            sink(Event {
                choice: index,
                channel: Channel::Reasoning,
                step: Step::Delta(reasoning),
            });
        }
    }

    fn texts<'a>(
        &self,
        text: &'a str,
        index: u32,
        choice: &Choice,
        sink: &mut impl FnMut(Event<'a>),
    ) {
        let mut say = |channel, text: Option<Cow<'a, str>>| {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                sink(Event {
                    choice: index,
                    channel,
                    step: Step::Delta(text),
                });
            }
        };
        let content = if self.completions && choice.text.is_some() {
            choice.text.raw(text)
        } else {
            choice.content.raw(text)
        };
        if content.starts_with('[') {
            parts(content, &mut say);
        } else {
            say(Channel::Text, string(content));
        }
        say(Channel::Refusal, choice.refusal.filled(text));
        if content.starts_with('[') && has_other_parts(content) {
            let step = Step::Extra {
                scope: Scope::Delta,
                key: Cow::Borrowed("content_parts"),
                value: Cow::Borrowed(content),
            };
            sink(Event {
                choice: index,
                channel: Channel::Meta,
                step,
            });
        }
    }

    fn calls<'a>(
        &mut self,
        text: &'a str,
        index: u32,
        choice: &Choice,
        sink: &mut impl FnMut(Event<'a>),
    ) -> Result<(), ProviderError> {
        let raw = choice.tool_calls.raw(text);
        let mut outcome = Ok(());
        if !raw.is_empty() {
            elements(raw, |element| {
                if outcome.is_ok() {
                    outcome = self.call(index, Piece::read(element), sink);
                }
            });
        }
        outcome
    }

    fn call<'a>(
        &mut self,
        choice: u32,
        piece: Piece<'a>,
        sink: &mut impl FnMut(Event<'a>),
    ) -> Result<(), ProviderError> {
        let mut send = |step| {
            let channel = match step {
                Step::Extra { .. } => Channel::Meta,
                _ => Channel::ToolArguments,
            };
            sink(Event {
                choice,
                channel,
                step,
            });
        };
        if self.choices.len() <= choice as usize {
            self.choices
                .resize_with(choice as usize + 1, Calls::default);
        }
        let Some(calls) = self.choices.get_mut(choice as usize) else {
            return Ok(());
        };
        let known = calls.find(&piece);
        let place = known.unwrap_or(calls.list.len());
        let call = u32::try_from(place).unwrap_or(u32::MAX);
        if known.is_none() {
            self.calls += 1;
            if self.calls > MAX_CALLS || piece.id.as_ref().is_some_and(|id| id.len() > MAX_ID) {
                return Err(ProviderError::malformed(
                    "the answer has impossible tool calls",
                ));
            }
            let id = piece
                .id
                .unwrap_or_else(|| Cow::Owned(format!("call_{}_{choice}_{place}", self.seed)));
            calls.list.push(Call {
                index: piece.index,
                id: id.clone().into_owned(),
                has_arguments: false,
            });
            send(Step::CallStart {
                call,
                id,
                name: piece.name.unwrap_or_default(),
            });
        }
        for (key, value) in piece.extras {
            send(Step::Extra {
                scope: Scope::Call(call),
                key: Cow::Owned(key),
                value: Cow::Borrowed(value),
            });
        }
        if let Some(json) = piece.arguments.filter(|json| !json.is_empty()) {
            if let Some(call) = calls.list.get_mut(place) {
                call.has_arguments = true;
            }
            send(Step::CallDelta { call, json });
        }
        Ok(())
    }

    fn end<'a>(
        &mut self,
        text: &'a str,
        index: u32,
        choice: &Choice,
        sink: &mut impl FnMut(Event<'a>),
    ) -> Result<(), ProviderError> {
        if choice.logprobs.is_some() {
            let raw = choice.logprobs.raw(text);
            let list = logprobs::side_by_side(raw).map_or(Cow::Borrowed(raw), Cow::Owned);
            let step = Step::Logprobs(list);
            sink(Event {
                choice: index,
                channel: Channel::Meta,
                step,
            });
        }
        let Some(raw) = choice.finish.filled(text) else {
            return Ok(());
        };
        if FinishReason::is_failure(&raw) {
            let what = "the provider broke the answer off with an error as its finish";
            return Err(ProviderError {
                status: 500,
                kind: ErrorKind::Server,
                ..ProviderError::malformed(what)
            });
        }
        let mut reason = FinishReason::read(&raw);
        if let Some(calls) = self.choices.get_mut(index as usize) {
            if reason == FinishReason::Stop && !calls.list.is_empty() {
                reason = FinishReason::ToolCalls;
            }
            for (place, call) in calls.list.iter_mut().enumerate() {
                // Clients parse the arguments: nothing at all is not JSON.
                if !std::mem::replace(&mut call.has_arguments, true) {
                    let call = u32::try_from(place).unwrap_or(u32::MAX);
                    let step = Step::CallDelta {
                        call,
                        json: Cow::Borrowed("{}"),
                    };
                    sink(Event {
                        choice: index,
                        channel: Channel::ToolArguments,
                        step,
                    });
                }
            }
        }
        let raw = choice.native_finish.filled(text).unwrap_or(raw);
        sink(Event {
            choice: index,
            channel: Channel::Meta,
            step: Step::Finish { reason, raw },
        });
        Ok(())
    }
}

/// The JSON text of the usage that a chunk reports: its own, else the one in
/// Groq's envelope.
pub(crate) fn reported<'a>(text: &'a str, chunk: &Chunk) -> Option<&'a str> {
    let mut groq = None;
    if chunk.usage(text).is_none() {
        members(chunk.x_groq.raw(text), |key, value| {
            groq = if key == "usage" { Some(value) } else { groq }
        });
    }
    chunk.usage(text).or(groq)
}

impl Calls {
    /// The call that a piece continues. Some servers number every call 0 and
    /// some number none, so a new id or, without ids, a new name begins one.
    fn find(&self, piece: &Piece<'_>) -> Option<usize> {
        let place = match (piece.index, &piece.id) {
            (Some(index), _) => self.list.iter().rposition(|call| call.index == Some(index)),
            (None, Some(id)) => self.list.iter().rposition(|call| call.id == **id),
            (None, None) if piece.name.is_none() => self.list.len().checked_sub(1),
            (None, None) => None,
        }?;
        let call = self.list.get(place)?;
        let another = piece.id.as_deref().is_some_and(|id| id != call.id);
        (!(another && piece.name.is_some())).then_some(place)
    }
}

impl<'a> Piece<'a> {
    fn read(raw: &'a str) -> Piece<'a> {
        let mut piece = Piece::default();
        let filled = |raw| string(raw).filter(|text| !text.is_empty());
        members(raw, |key, value| match key {
            "index" => piece.index = number(value),
            "id" => piece.id = filled(value),
            "type" => {}
            "function" => members(value, |key, value| match key {
                "name" => piece.name = filled(value),
                "arguments" => {
                    let object = value.starts_with('{').then_some(Cow::Borrowed(value));
                    piece.arguments = string(value).or(object);
                }
                _ => {}
            }),
            _ if value != "null" => piece.extras.push((key.to_owned(), value)),
            _ => {}
        });
        piece
    }
}

/// The texts of a content list: Mistral's thinking and text, and text parts.
fn parts<'a>(raw: &'a str, say: &mut impl FnMut(Channel, Option<Cow<'a, str>>)) {
    elements(raw, |part| {
        if part.starts_with('"') {
            return say(Channel::Text, string(part));
        }
        members(part, |key, value| match key {
            "text" => say(Channel::Text, string(value)),
            "refusal" => say(Channel::Refusal, string(value)),
            "thinking" if value.starts_with('"') => say(Channel::Reasoning, string(value)),
            "thinking" => elements(value, |thought| {
                members(thought, |key, value| {
                    if key == "text" {
                        say(Channel::Reasoning, string(value));
                    }
                });
            }),
            _ => {}
        });
    });
}

/// Whether a content list holds more than texts: references, pictures.
fn has_other_parts(raw: &str) -> bool {
    let mut other = false;
    elements(raw, |part| {
        members(part, |key, value| {
            other |= key == "type"
                && !matches!(
                    &*string(value).unwrap_or_default(),
                    "text" | "thinking" | "refusal"
                );
        });
    });
    other
}
