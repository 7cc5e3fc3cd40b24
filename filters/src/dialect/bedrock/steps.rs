//! The small pieces that streamed and whole answers have in common.

use std::borrow::Cow;

use crate::dialect::openai_chat::wire::{elements, members, string};
use crate::dialect::plain::Sink;
use crate::event::{Channel, Event, Scope, Step};

/// A call of a tool.
pub(super) struct Call<'a> {
    pub(super) id: Option<Cow<'a, str>>,
    pub(super) name: Cow<'a, str>,
    pub(super) input: &'a str,
    kind: Cow<'a, str>,
}

impl<'a> Call<'a> {
    pub(super) fn read(raw: &'a str) -> Option<Call<'a>> {
        let (mut id, mut name, mut input) = (None, None, "{}");
        let mut kind = Cow::Borrowed("tool_use");
        members(raw, |key, value| match key {
            _ if value == "null" => {}
            "toolUseId" => id = string(value).filter(|id| !id.is_empty()),
            "name" => name = string(value),
            "input" => input = value,
            "type" => kind = string(value).unwrap_or_default(),
            _ => {}
        });
        Some(Call {
            id,
            name: name?,
            input,
            kind,
        })
    }

    /// Whether the client shall run the tool; others run at the provider.
    pub(super) fn is_ours(&self) -> bool {
        self.kind == "tool_use"
    }
}

/// Text with its sources.
pub(super) fn cited<'a>(raw: &'a str, sink: &mut Sink<'_, 'a>) {
    sink(event(Channel::Text, Step::Part));
    let mut sources = "";
    members(raw, |key, value| match key {
        "content" => elements(value, |piece| {
            members(piece, |key, text| {
                if key == "text" {
                    say(Channel::Text, text, sink);
                }
            });
        }),
        "citations" => sources = value,
        _ => {}
    });
    elements(sources, |source| {
        sink(event(Channel::Text, Step::Citation(Cow::Borrowed(source))));
    });
}

/// A piece of a thought: its words, its seal, or what only the provider can read.
pub(super) fn thought<'a>(raw: &'a str, sink: &mut Sink<'_, 'a>) {
    let mut seal = None;
    members(raw, |key, value| match key {
        "text" => say(Channel::Reasoning, value, sink),
        "signature" => seal = string(value),
        "redactedContent" => {
            if let Some(data) = string(value).filter(|data| !data.is_empty()) {
                sink(event(Channel::Reasoning, Step::Redacted(data)));
            }
        }
        _ => {}
    });
    if let Some(seal) = seal.filter(|seal| !seal.is_empty()) {
        sink(event(Channel::Reasoning, Step::Signature(seal)));
    }
}

pub(super) fn say<'a>(channel: Channel, raw: &'a str, sink: &mut Sink<'_, 'a>) {
    if let Some(text) = string(raw).filter(|text| !text.is_empty()) {
        sink(event(channel, Step::Delta(text)));
    }
}

/// A member that is unknown here. Where its name means something in the client's
/// grammar it gets another one; `p` is padding against who counts bytes.
pub(super) fn member<'a>(key: &str, value: impl Into<Cow<'a, str>>, sink: &mut Sink<'_, 'a>) {
    const TAKEN: [&str; 9] = [
        "id", "object", "created", "model", "choices", "usage", "type", "role", "content",
    ];
    let value = value.into();
    if key == "p" || value == "null" {
        return;
    }
    let key = if TAKEN.contains(&key) {
        Cow::Owned(format!("native_{key}"))
    } else {
        Cow::Owned(key.to_owned())
    };
    sink(meta(Step::Extra {
        scope: Scope::Chunk,
        key,
        value,
    }));
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
