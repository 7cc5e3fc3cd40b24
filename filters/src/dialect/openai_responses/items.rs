//! The items of one answer as they grow: what their last events and the Response
//! itself repeat whole.

use crate::dialect::anthropic::balance::Balance;
use crate::dialect::openai_chat::usage::{push_member, push_raw};
use crate::json::push_quoted;

/// One item of the output.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) id: String,
    pub(super) kind: Kind,
    /// Its last event was written.
    pub(super) done: bool,
    /// It was cut off.
    pub(super) cut: bool,
}

#[derive(Debug)]
pub(super) enum Kind {
    Message(Vec<Content>),
    Reasoning {
        /// The parts of the thoughts.
        summary: Vec<String>,
        /// The seal, or the thought that is hidden, with its mark.
        sealed: String,
    },
    Call(Call),
}

/// A part of a message.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) refusal: bool,
    pub(super) text: String,
    /// Elements of a JSON list.
    pub(super) logprobs: Vec<u8>,
}

/// A call of a function.
#[derive(Debug, Default)]
pub(super) struct Call {
    pub(super) number: u32,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arguments: String,
    pub(super) balance: Balance,
    /// Unknown members, with a comma before each.
    pub(super) members: Vec<u8>,
}

/// Members of a call that mean something else here, such as Anthropic's `caller`.
const TAKEN: [&str; 8] = [
    "id",
    "type",
    "status",
    "call_id",
    "name",
    "arguments",
    "caller",
    "namespace",
];

impl Call {
    /// Takes an unknown member in.
    pub(super) fn member(&mut self, key: &str, value: &str) {
        if TAKEN.contains(&key) {
            push_member(&mut self.members, &format!("native_{key}"), value);
        } else {
            push_member(&mut self.members, key, value);
        }
    }
}

impl Content {
    /// Appends the part as one JSON object.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        if self.refusal {
            out.extend_from_slice(b"{\"type\":\"refusal\",\"refusal\":");
            push_quoted(out, &self.text);
        } else {
            out.extend_from_slice(b"{\"type\":\"output_text\",\"text\":");
            push_quoted(out, &self.text);
            out.extend_from_slice(b",\"annotations\":[],\"logprobs\":[");
            out.extend_from_slice(&self.logprobs);
            out.push(b']');
        }
        out.push(b'}');
    }
}

/// Appends a part of a summary.
pub(super) fn push_summary(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"type\":\"summary_text\",\"text\":");
    push_quoted(out, text);
    out.push(b'}');
}

impl Item {
    pub(super) fn new(id: String, kind: Kind) -> Item {
        Item {
            id,
            kind,
            done: false,
            cut: false,
        }
    }

    /// Appends the item as one JSON object, as it stands.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let kind = match self.kind {
            Kind::Message(_) => "message",
            Kind::Reasoning { .. } => "reasoning",
            Kind::Call(_) => "function_call",
        };
        out.extend_from_slice(b"{\"id\":");
        push_quoted(out, &self.id);
        push_raw(out, &format!(r#","type":"{kind}","status":"#));
        push_quoted(
            out,
            match (self.cut, self.done) {
                (true, _) => "incomplete",
                (_, true) => "completed",
                (_, false) => "in_progress",
            },
        );
        match &self.kind {
            Kind::Message(parts) => {
                out.extend_from_slice(b",\"role\":\"assistant\",\"content\":[");
                list(out, parts, Content::write);
                out.push(b']');
            }
            Kind::Reasoning { summary, sealed } => {
                out.extend_from_slice(b",\"summary\":[");
                list(out, summary, |text, out| push_summary(text, out));
                out.push(b']');
                if !sealed.is_empty() {
                    out.extend_from_slice(b",\"encrypted_content\":");
                    push_quoted(out, sealed);
                }
            }
            Kind::Call(call) => {
                out.extend_from_slice(b",\"call_id\":");
                push_quoted(out, &call.id);
                out.extend_from_slice(b",\"name\":");
                push_quoted(out, &call.name);
                out.extend_from_slice(b",\"arguments\":");
                push_quoted(out, &call.arguments);
                out.extend_from_slice(&call.members);
            }
        }
        out.push(b'}');
    }
}

/// Appends the elements of a JSON list.
pub(super) fn list<T>(out: &mut Vec<u8>, all: &[T], write: impl Fn(&T, &mut Vec<u8>)) {
    for (place, one) in all.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        write(one, out);
    }
}
