//! What one message says, streamed or whole: its members are the same, but a stream
//! says of content and calls one at a time, and has them without their list.

use std::borrow::Cow;

use crate::dialect::openai_chat::wire::{members, string};
use crate::dialect::plain::Sink;
use crate::event::{Channel, Event, Scope, Step};

/// The members of a message, in the order in which a model comes to them.
#[derive(Default)]
pub(super) struct Message<'a> {
    pub(super) plan: Option<Cow<'a, str>>,
    pub(super) content: &'a str,
    pub(super) citations: &'a str,
    pub(super) calls: &'a str,
    extra: Vec<(String, &'a str)>,
}

impl<'a> Message<'a> {
    pub(super) fn read(raw: &'a str) -> Message<'a> {
        let mut message = Message::default();
        members(raw, |key, value| match key {
            _ if value == "null" => {}
            "role" => {}
            "tool_plan" => message.plan = string(value).filter(|plan| !plan.is_empty()),
            "content" => message.content = value,
            "citations" => message.citations = value,
            "tool_calls" => message.calls = value,
            _ => message.extra.push((key.to_owned(), value)),
        });
        message
    }

    /// Tells the members that are unknown here.
    pub(super) fn rest(&self, sink: &mut Sink<'_, 'a>) {
        for (key, value) in &self.extra {
            sink(extra(Scope::Delta, key, value));
        }
    }
}

/// One content, or what a stream adds to it.
#[derive(Default)]
pub(super) struct Content<'a> {
    pub(super) kind: Option<Cow<'a, str>>,
    pub(super) text: Option<Cow<'a, str>>,
    pub(super) thinking: Option<Cow<'a, str>>,
    /// The content as it stands.
    pub(super) raw: &'a str,
    extra: Vec<(String, &'a str)>,
}

impl<'a> Content<'a> {
    pub(super) fn read(raw: &'a str) -> Content<'a> {
        let mut content = Content {
            raw,
            ..Content::default()
        };
        if raw.starts_with('"') {
            content.text = string(raw);
        }
        members(raw, |key, value| match key {
            _ if value == "null" => {}
            "type" => content.kind = string(value),
            "text" => content.text = string(value),
            "thinking" => content.thinking = string(value),
            _ => content.extra.push((key.to_owned(), value)),
        });
        content
    }

    /// Whether it is of a kind that is unknown here.
    pub(super) fn is_foreign(&self) -> bool {
        let kind = self.kind.as_deref();
        kind.is_some_and(|kind| !matches!(kind, "text" | "thinking"))
    }

    pub(super) fn is_thought(&self) -> bool {
        self.thinking.is_some() || self.kind.as_deref() == Some("thinking")
    }

    /// Tells the members that are unknown here.
    pub(super) fn rest(&self, sink: &mut Sink<'_, 'a>) {
        for (key, value) in &self.extra {
            sink(extra(Scope::Delta, key, value));
        }
    }
}

/// One call, or what a stream adds to it.
#[derive(Default)]
pub(super) struct Call<'a> {
    pub(super) id: Option<Cow<'a, str>>,
    pub(super) name: Option<Cow<'a, str>>,
    /// JSON, or a piece of it; never empty.
    pub(super) json: Option<Cow<'a, str>>,
    extra: Vec<(String, &'a str)>,
}

impl<'a> Call<'a> {
    pub(super) fn read(raw: &'a str) -> Call<'a> {
        let mut call = Call::default();
        members(raw, |key, value| match key {
            _ if value == "null" => {}
            "type" => {}
            "id" => call.id = string(value).filter(|id| !id.is_empty()),
            "function" => members(value, |key, value| match key {
                "name" => call.name = string(value),
                "arguments" if value.starts_with('{') => call.json = Some(Cow::Borrowed(value)),
                "arguments" => call.json = string(value).filter(|json| !json.is_empty()),
                _ => {}
            }),
            _ => call.extra.push((key.to_owned(), value)),
        });
        call
    }

    /// Tells the members that are unknown here.
    pub(super) fn rest(&self, call: u32, sink: &mut Sink<'_, 'a>) {
        for (key, value) in &self.extra {
            sink(extra(Scope::Call(call), key, value));
        }
    }
}

/// Whether a source is one of the text; the others are of a plan or a thought.
pub(super) fn is_of_text(citation: &str) -> bool {
    let mut of_text = true;
    members(citation, |key, value| {
        if key == "type" {
            of_text = !matches!(value, "\"PLAN\"" | "\"THINKING_CONTENT\"");
        }
    });
    of_text
}

pub(super) fn event(channel: Channel, step: Step<'_>) -> Event<'_> {
    Event {
        choice: 0,
        channel,
        step,
    }
}

pub(super) fn meta(step: Step<'_>) -> Event<'_> {
    event(Channel::Meta, step)
}

/// A member that is unknown here.
pub(super) fn extra<'a>(scope: Scope, key: &str, value: &'a str) -> Event<'a> {
    meta(Step::Extra {
        scope,
        key: Cow::Owned(key.to_owned()),
        value: Cow::Borrowed(value),
    })
}
