//! What is said at the end of an answer: why it ended, and the members of other
//! dialects that have no place of their own here.

use std::borrow::Cow;

use crate::dialect::openai_chat::usage::push_member;
use crate::dialect::openai_chat::wire::{members, string};
use crate::event::{FinishReason, Scope};
use crate::json::push_quoted;

/// Longest further members of one answer, in bytes; what is beyond is dropped.
const MAX_BYTES: usize = 1 << 20;
/// Most of them.
const MAX_MEMBERS: usize = 256;
/// Members whose names mean something else here.
const TAKEN: [&str; 12] = [
    "id",
    "type",
    "role",
    "model",
    "content",
    "stop_reason",
    "stop_sequence",
    "usage",
    "index",
    "delta",
    "message",
    "alfred",
];

/// Collects what the end of an answer needs.
#[derive(Debug, Default)]
pub(crate) struct Closing {
    reason: Option<FinishReason>,
    raw: String,
    sequence: Option<String>,
    /// The model's own words of refusal came.
    pub(crate) refused: bool,
    members: Vec<(Place, String, String)>,
    bytes: usize,
}

/// Where a further member stands in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the `delta` of `message_delta`.
    Delta,
    /// Beside it.
    Event,
}

impl Closing {
    pub(crate) fn finish(&mut self, reason: FinishReason, raw: &str) {
        self.reason = Some(reason);
        raw.clone_into(&mut self.raw);
    }

    /// Takes an unknown member in. The stop sequence that was met is one:
    /// Anthropic says `stop_sequence`, vLLM `stop_reason`.
    pub(crate) fn member(&mut self, scope: Scope, key: &str, value: &str) {
        let sequence = matches!(key, "stop_sequence" | "stop_reason");
        if scope == Scope::Choice && sequence && value.starts_with('"') {
            self.sequence = string(value).map(Cow::into_owned);
            return;
        }
        let place = if scope == Scope::Chunk {
            Place::Event
        } else {
            Place::Delta
        };
        let key = if TAKEN.contains(&key) {
            format!("native_{key}")
        } else {
            key.to_owned()
        };
        if self.bytes + value.len() > MAX_BYTES {
            return;
        }
        let is_full = self.members.len() >= MAX_MEMBERS;
        let known = self
            .members
            .iter_mut()
            .find(|(at, name, _)| *at == place && *name == key);
        match known {
            Some((_, _, known)) if *known == value => {}
            // Lists come in pieces, anything else is said anew.
            Some((_, _, known)) => {
                self.bytes += value.len();
                *known = joined(known, value).unwrap_or_else(|| value.to_owned());
            }
            None if is_full => {}
            None => {
                self.bytes += value.len();
                self.members.push((place, key, value.to_owned()));
            }
        }
    }

    /// Why the answer ended, in Anthropic's words: the provider's own word if it
    /// is one of them.
    fn stop_reason(&self) -> &str {
        let reason = self.reason.unwrap_or(FinishReason::Stop);
        let native = matches!(
            &*self.raw,
            "end_turn"
                | "max_tokens"
                | "stop_sequence"
                | "tool_use"
                | "pause_turn"
                | "refusal"
                | "model_context_window_exceeded"
        );
        if native && FinishReason::read(&self.raw) == reason {
            return &self.raw;
        }
        match reason {
            FinishReason::Stop | FinishReason::Unknown if self.refused => "refusal",
            FinishReason::Stop if self.sequence.is_some() => "stop_sequence",
            _ => reason.anthropic(),
        }
    }

    /// Appends `"stop_reason":…,"stop_sequence":…`, and the provider's own word
    /// if it says more.
    pub(crate) fn push_stop(&self, out: &mut Vec<u8>) {
        let word = self.stop_reason();
        out.extend_from_slice(b"\"stop_reason\":");
        push_quoted(out, word);
        out.extend_from_slice(b",\"stop_sequence\":");
        match &self.sequence {
            Some(sequence) => push_quoted(out, sequence),
            None => out.extend_from_slice(b"null"),
        }
        let plain = self.reason.map_or("", FinishReason::as_str);
        if !self.raw.is_empty() && self.raw != word && self.raw != plain {
            out.extend_from_slice(b",\"native_finish_reason\":");
            push_quoted(out, &self.raw);
        }
    }

    /// Appends the further members of that place, with a comma before each.
    pub(crate) fn push_members(&self, place: Place, out: &mut Vec<u8>) {
        for (_, key, value) in self.members.iter().filter(|(at, _, _)| *at == place) {
            push_member(out, key, value);
        }
    }
}

/// Two JSON lists as one; nothing for other values.
fn joined(first: &str, second: &str) -> Option<String> {
    let first = first.strip_prefix('[')?.strip_suffix(']')?.trim();
    let second = second.strip_prefix('[')?.strip_suffix(']')?.trim();
    let comma = if first.is_empty() || second.is_empty() {
        ""
    } else {
        ","
    };
    Some(format!("[{first}{comma}{second}]"))
}

/// An answer's id in this dialect: the provider's own, else one made of `seed`.
pub(crate) fn message_id<'a>(provider: Option<&'a str>, seed: &str) -> Cow<'a, str> {
    match provider.filter(|id| id.starts_with("msg_")) {
        Some(id) => Cow::Borrowed(id),
        None => {
            let seed = seed.strip_prefix("chatcmpl-").unwrap_or(seed);
            Cow::Owned(format!("msg_{}", seed.strip_prefix("msg_").unwrap_or(seed)))
        }
    }
}

/// What one element of `reasoning_details` holds. Those who write it for
/// clients of OpenAI's grammar keep Anthropic's seals there.
#[derive(Debug, Default)]
pub(crate) struct Detail<'a> {
    pub(crate) text: Option<Cow<'a, str>>,
    pub(crate) signature: Option<Cow<'a, str>>,
    pub(crate) data: Option<Cow<'a, str>>,
}

impl<'a> Detail<'a> {
    pub(crate) fn read(raw: &'a str) -> Detail<'a> {
        let mut detail = Detail::default();
        let filled = |raw| string(raw).filter(|text| !text.is_empty());
        members(raw, |key, value| match key {
            "text" => detail.text = filled(value),
            "signature" => detail.signature = filled(value),
            "data" => detail.data = filled(value),
            _ => {}
        });
        detail
    }
}
