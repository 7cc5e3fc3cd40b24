//! Events and bodies of OpenAI's Responses.

use std::fmt::Write;

use crate::dialect::openai_chat::wire::members;
use crate::guard::screen::Form;

use super::texts::{End, Key};
use super::walk::{Channel, Number, Place, anywhere};

/// Most kinds of deltas that are told apart.
const MAX_KINDS: usize = 64;

/// Where the member `key` of an object at `place` stands.
pub(super) fn below(place: Place, key: &str) -> Place {
    match (place, key) {
        (Place::Root, "sequence_number") => Place::Number(Number::Sequence),
        (Place::Root, "output_index") => Place::Number(Number::Choice),
        (Place::Root, "content_index" | "summary_index") => Place::Number(Number::Part),
        (Place::Root, "delta") => Place::Delta,
        (Place::Root, "item" | "part") => Place::Item,
        (Place::Root, "response") => Place::Response,
        (Place::Root, "message" | "code" | "param") => Place::Error,
        (Place::Root | Place::Response, "error") => Place::Error,
        (Place::Response, "output") => Place::Output,
        (
            Place::Response,
            "instructions" | "tools" | "tool_choice" | "metadata" | "text" | "reasoning" | "prompt"
            | "user" | "safety_identifier" | "prompt_cache_key" | "include" | "conversation"
            | "truncation",
        ) => Place::Echo,
        (Place::Root | Place::Item, "arguments") => Place::Whole(Form::Json),
        (Place::Root | Place::Item, "logprobs") => Place::Logprobs,
        (Place::Item, "content" | "summary") => Place::Item,
        (Place::Item, "name" | "server_label") => Place::Word,
        _ => anywhere(place, key),
    }
}

/// The kinds of deltas that a stream has, by their names without `.delta`.
#[derive(Debug, Default)]
pub(super) struct Kinds(Vec<String>);

impl Kinds {
    /// The channel of deltas of that name.
    pub(super) fn channel(&mut self, name: &str) -> Channel {
        let known = self.0.iter().position(|known| known == name);
        let place = known.unwrap_or_else(|| {
            if self.0.len() < MAX_KINDS {
                self.0.push(name.to_owned());
            }
            self.0.len().saturating_sub(1)
        });
        Channel::Event {
            number: u8::try_from(place).unwrap_or_default(),
            json: name.ends_with("arguments"),
        }
    }

    /// What deltas of that channel are called, without `.delta`.
    pub(super) fn name(&self, channel: Channel) -> &str {
        let Channel::Event { number, .. } = channel else {
            return "";
        };
        self.0.get(usize::from(number)).map_or("", |name| name)
    }

    /// Where the `delta` of an event of that kind stands.
    pub(super) fn place(&mut self, kind: &str) -> Place {
        match kind.strip_suffix(".delta") {
            Some("response.audio" | "response.output_audio") => Place::Word,
            Some(name) => Place::Piece(self.channel(name)),
            None => Place::Any,
        }
    }

    /// Which texts end with this event.
    pub(super) fn ends(&mut self, kind: &str, text: &str) -> Vec<End> {
        let Some(name) = kind.strip_suffix(".done") else {
            return if is_last(kind) {
                vec![End::All]
            } else {
                Vec::new()
            };
        };
        let (choice, part) = places(text);
        vec![match name {
            "response.output_item" => End::Choice(choice),
            "response.content_part" | "response.reasoning_summary_part" => End::Part(choice, part),
            name => End::Text(Key {
                choice,
                channel: self.channel(name),
                part,
            }),
        }]
    }

    /// An event that says a held rest; `rest` is a JSON string.
    pub(super) fn extra(&self, head: &str, key: Key, (number, rest): (u64, &str)) -> String {
        let name = self.name(key.channel);
        let more = if name == "response.output_text" {
            r#","logprobs":[]"#
        } else {
            ""
        };
        format!(
            r#"{{"type":"{name}.delta","sequence_number":{number}{head},"delta":{rest}{more}}}"#
        )
    }
}

/// What the deltas of one text have in common.
pub(super) fn head(text: &str) -> String {
    let mut head = String::new();
    members(text, |key, value| {
        if matches!(
            key,
            "item_id" | "output_index" | "content_index" | "summary_index"
        ) {
            // Writing to memory does not fail.
            let _ = write!(head, ",\"{key}\":{value}");
        }
    });
    head
}

fn places(text: &str) -> (u64, u64) {
    let (mut choice, mut part) = (0, 0);
    members(text, |key, value| match key {
        "output_index" => choice = value.parse().unwrap_or_default(),
        "content_index" | "summary_index" => part = value.parse().unwrap_or_default(),
        _ => {}
    });
    (choice, part)
}

fn is_last(kind: &str) -> bool {
    matches!(
        kind,
        "response.completed"
            | "response.incomplete"
            | "response.failed"
            | "response.cancelled"
            | "error"
    )
}
