//! From answers of this dialect to canonical events. A line of a stream and a whole
//! body are the same object. `/api/generate` answers with the same but for the
//! message, whose texts stand at the top.

use std::borrow::Cow;

use crate::dialect::anthropic::lower::is_object;
use crate::dialect::logprobs;
use crate::dialect::openai_chat::usage::Unknown;
use crate::dialect::openai_chat::wire::{elements, members, string};
use crate::dialect::plain::{About, Decode, Sink, broken_off, call_id, extra, json, meta};
use crate::error::ProviderError;
use crate::event::{Channel, Event, FinishReason, Scope, Step};

use super::moment;
use super::usage::Report;

/// Most tool calls of one answer.
const MAX_CALLS: u32 = 1024;

/// Decodes one answer.
#[derive(Default)]
pub(crate) struct Decoder {
    /// What made-up call ids are made of.
    seed: String,
    model: Option<String>,
    created: Option<u64>,
    begun: bool,
    calls: u32,
    /// It said `done`, with true or false.
    done: Option<bool>,
    report: Report,
}

/// One object of an answer, not yet told.
#[derive(Default)]
struct Object<'a> {
    message: &'a str,
    text: &'a str,
    thinking: &'a str,
    logprobs: &'a str,
    reason: Option<Cow<'a, str>>,
    failed: bool,
    extras: Vec<(String, &'a str)>,
}

impl Decoder {
    pub(crate) fn new(seed: &str) -> Decoder {
        Decoder {
            seed: seed.to_owned(),
            ..Decoder::default()
        }
    }

    fn read<'a>(&mut self, text: &'a str) -> Object<'a> {
        let mut object = Object::default();
        members(text, |key, value| match key {
            _ if value == "null" => {}
            "model" if self.model.is_some() => {}
            "model" => self.model = string(value).map(Cow::into_owned),
            "created_at" if self.created.is_some() => {}
            "created_at" => self.created = string(value).and_then(|text| moment::read(&text)),
            "message" if value.starts_with('{') => object.message = value,
            "response" => object.text = value,
            "thinking" => object.thinking = value,
            "logprobs" => object.logprobs = value,
            "done" => self.done = Some(value == "true"),
            "done_reason" => object.reason = string(value),
            "error" => object.failed = true,
            _ if self.report.take(key, value) => {}
            _ => object.extras.push((key.to_owned(), value)),
        });
        object
    }

    /// Gives the events of one object.
    fn object<'a>(&mut self, text: &'a str, sink: &mut Sink<'_, 'a>) -> Result<(), ProviderError> {
        self.done = None;
        let object = self.read(text);
        let says_nothing =
            object.message.is_empty() && object.text.is_empty() && self.done != Some(true);
        if (object.failed || says_nothing)
            && let Some(error) = ProviderError::in_answer(text.as_bytes())
        {
            return Err(error);
        }
        for (key, value) in &object.extras {
            sink(extra(0, Scope::Chunk, key, value));
        }
        if !says_nothing && !std::mem::replace(&mut self.begun, true) {
            sink(meta(0, Step::Role(Cow::Borrowed("assistant"))));
        }
        say(Channel::Reasoning, object.thinking, sink);
        say(Channel::Text, object.text, sink);
        self.message(object.message, sink)?;
        if let Some(list) = logprobs::list(object.logprobs) {
            sink(meta(0, Step::Logprobs(Cow::Owned(list))));
        }
        if self.done != Some(true) {
            return Ok(());
        }
        self.finish(object.reason, sink)
    }

    fn message<'a>(&mut self, raw: &'a str, sink: &mut Sink<'_, 'a>) -> Result<(), ProviderError> {
        let (mut text, mut thinking, mut images, mut calls) = ("", "", "", "");
        members(raw, |key, value| match key {
            _ if value == "null" => {}
            "role" => {}
            "content" => text = value,
            "thinking" => thinking = value,
            "images" => images = value,
            "tool_calls" => calls = value,
            _ => sink(extra(0, Scope::Delta, key, value)),
        });
        say(Channel::Reasoning, thinking, sink);
        say(Channel::Text, text, sink);
        elements(images, |image| {
            if let Some(data) = string(image).filter(|data| !data.is_empty()) {
                let media_type = Cow::Borrowed(media_type(&data));
                sink(meta(0, Step::Image { media_type, data }));
            }
        });
        let mut outcome = Ok(());
        elements(calls, |call| {
            if outcome.is_ok() {
                outcome = self.call(call, sink);
            }
        });
        outcome
    }

    fn call<'a>(&mut self, raw: &'a str, sink: &mut Sink<'_, 'a>) -> Result<(), ProviderError> {
        let (mut id, mut function) = (None, "");
        let (mut name, mut arguments) = (Cow::Borrowed(""), "{}");
        let mut extras = Vec::new();
        members(raw, |key, value| match key {
            _ if value == "null" => {}
            "id" => id = string(value).filter(|id| !id.is_empty()),
            "function" => function = value,
            "type" | "index" => {}
            _ => extras.push((key.to_owned(), value)),
        });
        members(function, |key, value| match key {
            _ if value == "null" => {}
            "name" => name = string(value).unwrap_or_default(),
            "arguments" => arguments = value,
            // Calls come in their order.
            "index" => {}
            _ => extras.push((key.to_owned(), value)),
        });
        if self.calls == MAX_CALLS {
            return Err(ProviderError::malformed(
                "the answer has impossible tool calls",
            ));
        }
        let call = self.calls;
        self.calls += 1;
        let id = id.unwrap_or_else(|| call_id(&self.seed, 0, call));
        let mut send = |step| {
            sink(Event {
                choice: 0,
                channel: Channel::ToolArguments,
                step,
            });
        };
        send(Step::CallStart { call, id, name });
        // Imitators spell them as OpenAI does, in a string.
        let spelt = string(arguments).filter(|text| is_object(text));
        let json = spelt.unwrap_or(Cow::Borrowed(arguments));
        send(Step::CallDelta { call, json });
        for (key, value) in extras {
            sink(extra(0, Scope::Call(call), &key, value));
        }
        Ok(())
    }

    fn finish<'a>(
        &mut self,
        reason: Option<Cow<'a, str>>,
        sink: &mut Sink<'_, 'a>,
    ) -> Result<(), ProviderError> {
        // The first servers gave none.
        let raw = reason.unwrap_or(Cow::Borrowed("stop"));
        if FinishReason::is_failure(&raw) {
            return Err(broken_off(&raw));
        }
        let reason = match FinishReason::read(&raw) {
            FinishReason::Stop if self.calls > 0 => FinishReason::ToolCalls,
            reason => reason,
        };
        sink(meta(0, Step::Finish { reason, raw }));
        if let Some(usage) = self.report.usage() {
            sink(meta(0, Step::Usage(usage)));
        }
        Ok(())
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
        match json(body) {
            Ok(_) => self.decode("", body, sink)?,
            Err(error) => {
                // Whoever does not know `stream: false` sends a stream all the same.
                let lines = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
                let mut lines = lines.filter(|line| !line.is_empty()).peekable();
                if lines.peek().is_none_or(|line| json(line).is_err()) {
                    return Err(error);
                }
                for line in lines {
                    self.decode("", line, sink)?;
                    if self.is_over() {
                        break;
                    }
                }
            }
        }
        match self.done {
            _ if !self.begun => Err(ProviderError::in_answer(body)
                .unwrap_or_else(|| ProviderError::malformed("the answer holds no message"))),
            Some(true) => Ok(()),
            // It is whole, for its braces are.
            None => self.finish(None, sink),
            Some(false) => Err(ProviderError::malformed(
                "the answer stops before it is done",
            )),
        }
    }

    fn end(&mut self, _sink: &mut Sink<'_, '_>) {}

    fn about(&self) -> About<'_> {
        About {
            id: None,
            model: self.model.as_deref().filter(|model| !model.is_empty()),
            created: self.created.filter(|created| *created > 0),
        }
    }

    fn is_over(&self) -> bool {
        self.done == Some(true)
    }

    fn unknown(&self) -> Unknown {
        self.report.unknown()
    }
}

fn say<'a>(channel: Channel, raw: &'a str, sink: &mut Sink<'_, 'a>) {
    if let Some(text) = string(raw).filter(|text| !text.is_empty()) {
        let (choice, step) = (0, Step::Delta(text));
        sink(Event {
            choice,
            channel,
            step,
        });
    }
}

/// The type of a picture, which only its bytes tell.
fn media_type(base64: &str) -> &'static str {
    const SIGNS: [(&str, &str); 4] = [
        ("iVBORw0KGgo", "image/png"),
        ("/9j/", "image/jpeg"),
        ("R0lGOD", "image/gif"),
        ("UklGR", "image/webp"),
    ];
    let sign = SIGNS.iter().find(|(sign, _)| base64.starts_with(sign));
    sign.map_or("application/octet-stream", |(_, kind)| kind)
}
