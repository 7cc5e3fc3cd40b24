//! From answers of this dialect to canonical events. A stream's events and a
//! whole body are the same object. Calls mostly come without an id: one is made.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::dialect::logprobs;
use crate::dialect::openai_chat::usage::Unknown;
use crate::dialect::openai_chat::wire::{MAX_CHOICES, elements, members, number, string};
use crate::dialect::plain::{About, Decode, Sink, broken_off, call_id, extra, json, meta};
use crate::error::ProviderError;
use crate::event::{Channel, Event, FinishReason, Scope, Step};

use super::part::{Part, image};
use super::usage::Report;
use super::{SEAL, partial};

/// Most tool calls of one answer.
const MAX_CALLS: u32 = 1024;

/// Decodes one answer.
#[derive(Default)]
pub(crate) struct Decoder {
    /// What made-up call ids are made of.
    seed: String,
    id: Option<String>,
    model: Option<String>,
    choices: Vec<Candidate>,
    calls: u32,
    report: Report,
    /// The class of service was told.
    told_tier: bool,
}

/// What is known of one candidate.
#[derive(Default)]
struct Candidate {
    begun: bool,
    calls: u32,
    /// The call whose arguments still come in pieces.
    open: Option<Value>,
    /// Why it ended, in the provider's word. It is told at the end of the stream:
    /// older models say it with every event.
    finish: Option<String>,
    told: bool,
    /// That word is why the prompt was refused.
    blocked: bool,
}

impl Decoder {
    pub(crate) fn new(seed: &str) -> Decoder {
        Decoder {
            seed: seed.to_owned(),
            ..Decoder::default()
        }
    }

    /// Gives the events of one answer object.
    fn object<'a>(&mut self, text: &'a str, sink: &mut Sink<'_, 'a>) -> Result<(), ProviderError> {
        let (mut candidates, mut usage, mut feedback, mut error) = ("", "", "", false);
        let mut extras = Vec::new();
        members(text, |key, value| match key {
            _ if value == "null" => {}
            "candidates" => candidates = value,
            "usageMetadata" => usage = value,
            "promptFeedback" => feedback = value,
            "modelVersion" => self.model = string(value).map(Cow::into_owned),
            "responseId" => self.id = string(value).map(Cow::into_owned),
            "error" => error = true,
            _ => extras.push((key.to_owned(), value)),
        });
        let says_nothing = candidates.is_empty() && usage.is_empty() && feedback.is_empty();
        if (error || says_nothing)
            && let Some(error) = ProviderError::in_answer(text.as_bytes())
        {
            return Err(error);
        }
        for (key, value) in extras {
            sink(extra(0, Scope::Chunk, &key, value));
        }
        let (mut place, mut outcome) = (0, Ok(()));
        elements(candidates, |candidate| {
            if outcome.is_ok() {
                outcome = self.candidate(candidate, place, sink);
                place += 1;
            }
        });
        outcome?;
        if !feedback.is_empty() {
            self.blocked(feedback, sink);
        }
        self.usage(usage, sink);
        Ok(())
    }

    fn candidate<'a>(
        &mut self,
        raw: &'a str,
        place: u64,
        sink: &mut Sink<'_, 'a>,
    ) -> Result<(), ProviderError> {
        let (mut index, mut content, mut logprobs) = (place, "", "");
        let mut finish = None;
        let mut extras = Vec::new();
        members(raw, |key, value| match key {
            _ if value == "null" => {}
            "index" => index = number(value).unwrap_or(place),
            "content" => content = value,
            "finishReason" => finish = string(value),
            "logprobsResult" => logprobs = value,
            _ => extras.push((key.to_owned(), value)),
        });
        let choice = u32::try_from(index)
            .ok()
            .filter(|choice| (*choice as usize) < MAX_CHOICES)
            .ok_or_else(|| ProviderError::malformed("a candidate has an impossible index"))?;
        self.begin(choice, sink);
        let mut parts = "";
        members(content, |key, value| {
            if key == "parts" {
                parts = value;
            }
        });
        let mut outcome = Ok(());
        elements(parts, |part| {
            if outcome.is_ok() {
                outcome = self.part(choice, part, sink);
            }
        });
        outcome?;
        for (key, value) in extras {
            // What every call is finished with says nothing.
            if key != "finishMessage" || !value.starts_with("\"Model generated function call") {
                sink(extra(choice, Scope::Choice, &key, value));
            }
        }
        if let Some(list) = logprobs::read(logprobs) {
            let step = Step::Logprobs(Cow::Owned(list));
            sink(meta(choice, step));
        }
        match finish {
            Some(raw) if FinishReason::is_failure(&raw) => Err(broken_off(&raw)),
            Some(raw) => {
                if let Some(known) = self.choices.get_mut(choice as usize) {
                    known.finish = Some(raw.into_owned());
                    known.blocked = false;
                }
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Makes room for the candidate, and says once that it began.
    fn begin(&mut self, choice: u32, sink: &mut Sink<'_, '_>) {
        let place = choice as usize;
        if self.choices.len() <= place {
            self.choices.resize_with(place + 1, Candidate::default);
        }
        if let Some(known) = self.choices.get_mut(place)
            && !std::mem::replace(&mut known.begun, true)
        {
            sink(meta(choice, Step::Role(Cow::Borrowed("assistant"))));
        }
    }

    fn part<'a>(
        &mut self,
        choice: u32,
        raw: &'a str,
        sink: &mut Sink<'_, 'a>,
    ) -> Result<(), ProviderError> {
        let part = Part::read(raw);
        if let Some(call) = part.call {
            return self.call(choice, call, part.seal.as_deref(), sink);
        }
        if let Some(media) = part.media.and_then(image) {
            sink(meta(choice, media));
        } else if let Some(kind) = part.other {
            let inner = raw.get(1..).unwrap_or_default();
            let json = format!(r#"{{"type":"{kind}",{inner}"#);
            let (kind, json) = (Cow::Owned(kind), Cow::Owned(json));
            sink(meta(choice, Step::Block { kind, json }));
            return Ok(());
        }
        let channel = if part.thought {
            Channel::Reasoning
        } else {
            Channel::Text
        };
        let mut send = |channel, step| {
            sink(Event {
                choice,
                channel,
                step,
            });
        };
        if let Some(text) = part.text.filter(|text| !text.is_empty()) {
            send(channel, Step::Delta(text));
        }
        if let Some(seal) = part.seal.filter(|seal| !seal.is_empty()) {
            let seal = Cow::Owned(format!("{SEAL}{seal}"));
            send(
                Channel::Reasoning,
                if part.thought {
                    Step::Signature(seal)
                } else {
                    Step::Redacted(seal)
                },
            );
        }
        Ok(())
    }

    fn call<'a>(
        &mut self,
        choice: u32,
        raw: &'a str,
        seal: Option<&str>,
        sink: &mut Sink<'_, 'a>,
    ) -> Result<(), ProviderError> {
        let Some(candidate) = self.choices.get_mut(choice as usize) else {
            return Ok(());
        };
        let (mut id, mut name, mut args, mut pieces, mut more) = (None, None, "", "", false);
        let mut extras = Vec::new();
        members(raw, |key, value| match key {
            _ if value == "null" => {}
            "id" => id = string(value).filter(|id| !id.is_empty()),
            "name" => name = string(value),
            "args" => args = value,
            "partialArgs" => pieces = value,
            "willContinue" => more = value == "true",
            _ => extras.push((key.to_owned(), value)),
        });
        let mut send = |channel, step| {
            sink(Event {
                choice,
                channel,
                step,
            });
        };
        let continues = name.is_none() && candidate.open.is_some();
        if !continues {
            close(candidate, &mut send);
            let call = candidate.calls;
            candidate.calls += 1;
            self.calls += 1;
            if self.calls > MAX_CALLS {
                return Err(ProviderError::malformed(
                    "the answer has impossible tool calls",
                ));
            }
            let id = id.unwrap_or_else(|| call_id(&self.seed, choice, call));
            let name = name.unwrap_or_default();
            send(Channel::ToolArguments, Step::CallStart { call, id, name });
        }
        let call = candidate.calls.saturating_sub(1);
        if let Some(seal) = seal.filter(|seal| !seal.is_empty()) {
            let seal = crate::json::quoted(seal);
            let value = format!(r#"{{"google":{{"thought_signature":{seal}}}}}"#);
            let step = Step::Extra {
                scope: Scope::Call(call),
                key: Cow::Borrowed("extra_content"),
                value: Cow::Owned(value),
            };
            send(Channel::Meta, step);
        }
        for (key, value) in extras {
            let event = extra(choice, Scope::Call(call), &key, value);
            send(event.channel, event.step);
        }
        if args.is_empty() && (more || continues || !pieces.is_empty()) {
            let open = candidate
                .open
                .get_or_insert_with(|| Value::Object(Map::new()));
            if !pieces.is_empty() && !partial::take(open, pieces) {
                return Err(ProviderError::malformed(
                    "a piece of a tool call's arguments has no place",
                ));
            }
            if !more {
                close(candidate, &mut send);
            }
            return Ok(());
        }
        candidate.open = None;
        let json = Cow::Borrowed(if args.is_empty() { "{}" } else { args });
        send(Channel::ToolArguments, Step::CallDelta { call, json });
        Ok(())
    }

    /// The prompt was refused: an answer without candidates, whose one choice a
    /// safety system ended.
    fn blocked<'a>(&mut self, feedback: &'a str, sink: &mut Sink<'_, 'a>) {
        let mut reason = None;
        members(feedback, |key, value| {
            if key == "blockReason" {
                reason = string(value);
            }
        });
        sink(extra(0, Scope::Chunk, "promptFeedback", feedback));
        if let Some(reason) = reason
            && self.choices.is_empty()
        {
            self.begin(0, sink);
            if let Some(known) = self.choices.first_mut() {
                known.blocked = true;
                known.finish = Some(reason.into_owned());
            }
        }
    }

    fn usage(&mut self, raw: &str, sink: &mut Sink<'_, '_>) {
        if !self.report.take(raw) {
            return;
        }
        let Some(usage) = self.report.usage() else {
            return;
        };
        if let Some(tier) = usage.tier
            && !std::mem::replace(&mut self.told_tier, true)
        {
            let name = match tier {
                crate::event::ServiceTier::Standard => "default",
                other => other.as_str(),
            };
            let step = Step::Extra {
                scope: Scope::Chunk,
                key: Cow::Borrowed("service_tier"),
                value: Cow::Owned(format!("\"{name}\"")),
            };
            sink(meta(0, step));
        }
        sink(meta(0, Step::Usage(usage)));
    }

    fn is_finished(&self) -> bool {
        let finished = |choice: &Candidate| choice.finish.is_some();
        !self.choices.is_empty() && self.choices.iter().all(finished)
    }
}

impl Decode for Decoder {
    fn decode<'a>(
        &mut self,
        _name: &str,
        payload: &'a [u8],
        sink: &mut Sink<'_, 'a>,
    ) -> Result<(), ProviderError> {
        let text = json(payload)?;
        if !text.starts_with('{') {
            return Err(ProviderError::malformed(
                "an event of the answer is no object",
            ));
        }
        self.object(text, sink)
    }

    fn body<'a>(&mut self, body: &'a [u8], sink: &mut Sink<'_, 'a>) -> Result<(), ProviderError> {
        let text = json(body)?;
        // A stream that was not asked for as events is a list of them.
        let mut outcome = Ok(());
        elements(text, |object| {
            if outcome.is_ok() {
                outcome = self.object(object, sink);
            }
        });
        outcome?;
        if self.choices.is_empty() {
            return Err(ProviderError::in_answer(body)
                .unwrap_or_else(|| ProviderError::malformed("the answer has no candidates")));
        }
        self.end(sink);
        Ok(())
    }

    fn end(&mut self, sink: &mut Sink<'_, '_>) {
        for (place, candidate) in self.choices.iter_mut().enumerate() {
            let choice = u32::try_from(place).unwrap_or(u32::MAX);
            close(candidate, &mut |channel, step| {
                sink(Event {
                    choice,
                    channel,
                    step,
                });
            });
            let Some(raw) = candidate.finish.clone().filter(|_| !candidate.told) else {
                continue;
            };
            candidate.told = true;
            let reason = match FinishReason::read(&raw) {
                _ if candidate.blocked => FinishReason::ContentFilter,
                FinishReason::Stop if candidate.calls > 0 => FinishReason::ToolCalls,
                reason => reason,
            };
            let raw = Cow::Owned(raw);
            sink(meta(choice, Step::Finish { reason, raw }));
        }
    }

    fn about(&self) -> About<'_> {
        About {
            id: self.id.as_deref().filter(|id| !id.is_empty()),
            model: self.model.as_deref().filter(|model| !model.is_empty()),
            created: None,
        }
    }

    fn unfinished(&self, asked: u32) -> u32 {
        let finished = |choice: &&Candidate| choice.finish.is_some();
        let done = self.choices.iter().filter(finished).count();
        // A refused prompt has one choice, however many were asked for; and a
        // model may give fewer than that.
        let expected = match self.choices.len() {
            0 => asked.max(1) as usize,
            seen => seen,
        };
        u32::try_from(expected.saturating_sub(done)).unwrap_or(u32::MAX)
    }

    fn is_over(&self) -> bool {
        // Only the end of the bytes tells: older models give a reason every time.
        false
    }

    fn usage_is_final(&self) -> bool {
        self.is_finished()
    }

    fn unknown(&self) -> Unknown {
        self.report.unknown()
    }
}

/// Tells the arguments that came in pieces, if there are some.
fn close<'a>(candidate: &mut Candidate, send: &mut dyn FnMut(Channel, Step<'a>)) {
    if let Some(args) = candidate.open.take() {
        let call = candidate.calls.saturating_sub(1);
        let json = Cow::Owned(args.to_string());
        send(Channel::ToolArguments, Step::CallDelta { call, json });
    }
}
