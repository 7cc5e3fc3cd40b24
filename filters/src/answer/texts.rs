//! The texts of an answer that is known by its events only, as one who guards
//! them wants them: each text whole, however many pieces it came in.

use std::borrow::Cow;

use crate::event::{Channel, Event, Step};
use crate::text::{Path, Role, TextChannel, TextRef};

/// Collects the texts of one answer.
#[derive(Default)]
pub(super) struct Texts {
    list: Vec<Text>,
}

struct Text {
    choice: u32,
    channel: TextChannel,
    /// Position among the calls of the choice.
    call: u32,
    text: String,
}

impl Texts {
    pub(super) fn take(&mut self, event: &Event<'_>) {
        let (channel, call, text) = match &event.step {
            Step::Delta(text) => match event.channel {
                Channel::Reasoning => (TextChannel::Reasoning, 0, text),
                Channel::Refusal => (TextChannel::Refusal, 0, text),
                _ => (TextChannel::Content, 0, text),
            },
            Step::CallStart { call, name, .. } => (TextChannel::Name, *call, name),
            Step::CallDelta { call, json } => (TextChannel::ToolArguments, *call, json),
            _ => return,
        };
        let known = self.list.iter_mut().find(|known| {
            (known.choice, known.channel, known.call) == (event.choice, channel, call)
        });
        match known {
            Some(known) => known.text.push_str(text),
            None => self.list.push(Text {
                choice: event.choice,
                channel,
                call,
                text: text.clone().into_owned(),
            }),
        }
    }

    pub(super) fn show(&self, f: &mut dyn FnMut(TextRef<'_>)) {
        let top = Path::ROOT.key("choices");
        for text in &self.list {
            let choice = top.index(text.choice as usize);
            let message = choice.key("message");
            let calls = message.key("tool_calls");
            let call = calls.index(text.call as usize);
            let function = call.key("function");
            let path = match text.channel {
                TextChannel::Reasoning => message.key("reasoning_content"),
                TextChannel::Refusal => message.key("refusal"),
                TextChannel::Name => function.key("name"),
                TextChannel::ToolArguments => function.key("arguments"),
                _ => message.key("content"),
            };
            f(TextRef {
                path,
                role: Role::Assistant,
                channel: text.channel,
                text: Cow::Borrowed(&text.text),
            });
        }
    }
}
