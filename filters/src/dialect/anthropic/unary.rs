//! Unstreamed answers of this dialect: the body written from events, its texts,
//! and the count of a prompt's tokens.

use std::borrow::Cow;

use bytes::Bytes;

use crate::dialect::openai_chat::usage::Unknown;
use crate::dialect::openai_chat::wire::{elements, members, number, string};
use crate::event::{Channel, Event, Scope, Step, Usage};
use crate::json::push_quoted;
use crate::text::{Path, Role, TextChannel, TextRef};

use super::closing::{Closing, Detail, Place};
use super::parts::Parts;
use super::usage;

/// Collects the events of one answer and writes them as one body.
#[derive(Debug, Default)]
pub(crate) struct MessageBody {
    parts: Parts,
    closing: Closing,
}

impl MessageBody {
    /// Takes one event in.
    pub(crate) fn push(&mut self, event: &Event<'_>) {
        match &event.step {
            // A client of this dialect cannot ask for more than one choice.
            _ if event.choice > 0 => {}
            Step::Finish { reason, raw } => self.closing.finish(*reason, raw),
            Step::Extra {
                scope: Scope::Delta,
                key,
                value,
            } if key == "reasoning_details" => self.details(value),
            Step::Extra { scope, key, value } if !matches!(scope, Scope::Call(_)) => {
                self.closing.member(*scope, key, value);
            }
            _ => {
                self.closing.refused |=
                    event.channel == Channel::Refusal && matches!(event.step, Step::Delta(_));
                self.parts.push(event);
            }
        }
    }

    /// The seals and the hidden parts that ride on OpenAI's grammar.
    fn details(&mut self, list: &str) {
        let mut details = Vec::new();
        elements(list, |raw| details.push(Detail::read(raw)));
        self.parts.details(details);
    }

    /// Writes the body.
    pub(crate) fn write(
        &self,
        (id, model): (&str, &str),
        usage: Usage,
        unknown: &Unknown,
    ) -> Vec<u8> {
        let mut out = Vec::with_capacity(1024);
        out.extend_from_slice(b"{\"id\":");
        push_quoted(&mut out, id);
        out.extend_from_slice(b",\"type\":\"message\",\"role\":\"assistant\",\"model\":");
        push_quoted(&mut out, model);
        out.extend_from_slice(b",\"content\":[");
        for (place, part) in self.parts.list.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            part.write(&mut out);
        }
        out.extend_from_slice(b"],");
        self.closing.push_stop(&mut out);
        out.extend_from_slice(b",\"usage\":");
        usage::write(usage, unknown, &mut out);
        self.closing.push_members(Place::Delta, &mut out);
        self.closing.push_members(Place::Event, &mut out);
        out.push(b'}');
        out
    }
}

/// The body of `POST /v1/messages/count_tokens`. `"estimated":true` marks a count
/// of Alfred's own.
#[must_use]
pub fn count_tokens_body(tokens: u64, estimated: bool) -> Bytes {
    Bytes::from(count_tokens_text(tokens, estimated))
}

pub(crate) fn count_tokens_text(tokens: u64, estimated: bool) -> String {
    let mark = if estimated { ",\"estimated\":true" } else { "" };
    format!(r#"{{"input_tokens":{tokens}{mark}}}"#)
}

/// The count that such a body holds.
pub(crate) fn read_count(body: &str) -> Option<u64> {
    let mut count = None;
    members(body, |key, value| {
        if key == "input_tokens" {
            count = number(value);
        }
    });
    count
}

/// Shows every text of a message to `f`: text, thinking, names and arguments of
/// calls, those of tools that run at the provider included.
pub(crate) fn visit_texts(body: &str, f: &mut dyn FnMut(TextRef<'_>)) {
    let top = Path::ROOT.key("content");
    members(body, |key, content| {
        let mut place = 0;
        if key == "content" {
            elements(content, |block| {
                visit_block(block, &top.index(place), f);
                place += 1;
            });
        }
    });
}

fn visit_block(block: &str, path: &Path<'_>, f: &mut dyn FnMut(TextRef<'_>)) {
    members(block, |key, value| {
        let channel = match key {
            "text" | "content" => TextChannel::Content,
            "thinking" => TextChannel::Reasoning,
            "name" => TextChannel::Name,
            "input" => TextChannel::ToolArguments,
            _ => return,
        };
        let object = (key == "input").then_some(Cow::Borrowed(value));
        if let Some(text) = string(value).or(object) {
            f(TextRef {
                path: path.key(key),
                role: Role::Assistant,
                channel,
                text,
            });
        }
    });
}
