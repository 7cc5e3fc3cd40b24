//! The content blocks of one answer, put together from events: the body of an
//! unstreamed answer is written from them, and in a stream those wait here that
//! must not be written yet.

use crate::dialect::openai_chat::usage::{push_member, push_raw};
use crate::event::{Channel, Event, Scope, Step};
use crate::json::{push_quoted, quoted};

use super::closing::Detail;
use super::opaque::is_json;

/// One content block.
#[derive(Debug)]
pub(crate) enum Part {
    Text {
        text: String,
        /// The sources, each as JSON text.
        citations: Vec<String>,
    },
    Thinking {
        text: String,
        signature: String,
    },
    /// Reasoning that only the provider can read.
    Redacted(String),
    Call(Call),
    /// A block of an unknown kind, as JSON text.
    Block(String),
}

/// A tool call.
#[derive(Debug, Default)]
pub(crate) struct Call {
    pub(crate) number: u32,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) json: String,
    /// Unknown members, with a comma before each.
    pub(crate) members: Vec<u8>,
}

/// The blocks in their order.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub(crate) list: Vec<Part>,
    /// Bytes taken in.
    pub(crate) bytes: usize,
    /// The next text does not continue the last block.
    apart: bool,
}

impl Parts {
    /// Takes an event in; those that are no content change nothing.
    pub(crate) fn push(&mut self, event: &Event<'_>) {
        self.bytes += size(&event.step);
        match &event.step {
            Step::Part => self.apart = true,
            Step::Delta(text) if event.channel == Channel::Reasoning => {
                let sealed = matches!(self.list.last(), Some(Part::Thinking { signature, .. }) if !signature.is_empty());
                self.apart |= sealed;
                self.thinking(|all, _| all.push_str(text));
            }
            Step::Delta(text) => self.text(|all, _| all.push_str(text)),
            Step::Signature(text) => self.thinking(|_, seal| seal.push_str(text)),
            // The sources of a thought have no place.
            Step::Citation(_) if event.channel == Channel::Reasoning => {}
            Step::Citation(json) => self.text(|_, all| all.push(json.clone().into_owned())),
            Step::Redacted(data) => self.add(Part::Redacted(data.clone().into_owned())),
            Step::Block { json, .. } => self.add(Part::Block(json.clone().into_owned())),
            Step::Image { media_type, data } => self.add(Part::Block(image(media_type, data))),
            Step::CallStart { call, id, name } => self.add(Part::Call(Call {
                number: *call,
                id: id.clone().into_owned(),
                name: name.clone().into_owned(),
                ..Call::default()
            })),
            Step::CallDelta { call, json } => {
                if let Some(call) = self.call(*call) {
                    call.json.push_str(json);
                }
            }
            Step::Extra {
                scope: Scope::Call(call),
                key,
                value,
            } => {
                if let Some(call) = self.call(*call) {
                    push_member(&mut call.members, key, value);
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, part: Part) {
        self.apart = false;
        self.list.push(part);
    }

    /// The text block that grows.
    fn text(&mut self, grow: impl FnOnce(&mut String, &mut Vec<String>)) {
        if !std::mem::take(&mut self.apart)
            && let Some(Part::Text { text, citations }) = self.list.last_mut()
        {
            return grow(text, citations);
        }
        let (mut text, mut citations) = (String::new(), Vec::new());
        grow(&mut text, &mut citations);
        self.list.push(Part::Text { text, citations });
    }

    /// The thinking block that grows.
    fn thinking(&mut self, grow: impl FnOnce(&mut String, &mut String)) {
        if !std::mem::take(&mut self.apart)
            && let Some(Part::Thinking { text, signature }) = self.list.last_mut()
        {
            return grow(text, signature);
        }
        let (mut text, mut signature) = (String::new(), String::new());
        grow(&mut text, &mut signature);
        self.list.push(Part::Thinking { text, signature });
    }

    /// Takes the list in that says the reasoning just taken once more, in its
    /// parts and with their seals.
    pub(crate) fn details(&mut self, details: Vec<Detail<'_>>) {
        let told = details.iter().any(|detail| detail.text.is_some());
        if told && matches!(self.list.last(), Some(Part::Thinking { .. })) {
            self.list.pop();
        }
        for detail in details {
            if let Some(new) = detail.text {
                self.apart = true;
                self.thinking(|text, _| text.push_str(&new));
            }
            if let Some(new) = detail.signature {
                self.thinking(|_, signature| signature.push_str(&new));
            }
            if let Some(data) = detail.data {
                self.add(Part::Redacted(data.into_owned()));
            }
        }
    }

    fn call(&mut self, number: u32) -> Option<&mut Call> {
        self.list.iter_mut().rev().find_map(|part| match part {
            Part::Call(call) if call.number == number => Some(call),
            _ => None,
        })
    }
}

/// What a step costs to keep: its text and something for the block around it.
fn size(step: &Step<'_>) -> usize {
    64 + match step {
        Step::Delta(text) | Step::Signature(text) | Step::Redacted(text) => text.len(),
        Step::Citation(json) | Step::Block { json, .. } | Step::CallDelta { json, .. } => {
            json.len()
        }
        Step::CallStart { id, name, .. } => id.len() + name.len(),
        Step::Image { media_type, data } => media_type.len() + data.len(),
        Step::Extra { key, value, .. } => key.len() + value.len(),
        _ => 0,
    }
}

impl Part {
    /// Appends the block as one JSON object.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Part::Text { text, citations } => {
                out.extend_from_slice(b"{\"type\":\"text\",\"text\":");
                push_quoted(out, text);
                for (place, citation) in citations.iter().enumerate() {
                    out.extend_from_slice(if place == 0 {
                        b",\"citations\":["
                    } else {
                        b","
                    });
                    push_raw(out, citation);
                }
                if !citations.is_empty() {
                    out.push(b']');
                }
                out.push(b'}');
            }
            Part::Thinking { text, signature } => {
                out.extend_from_slice(b"{\"type\":\"thinking\",\"thinking\":");
                push_quoted(out, text);
                out.extend_from_slice(b",\"signature\":");
                push_quoted(out, signature);
                out.push(b'}');
            }
            Part::Redacted(data) => push_redacted(data, out),
            Part::Call(call) => call.write(out),
            Part::Block(json) => push_raw(out, json),
        }
    }
}

impl Call {
    /// Arguments that are no object, which only a model that is cut off or
    /// mistaken writes, become the one member `arguments` of an object.
    fn write(&self, out: &mut Vec<u8>) {
        push_call(&self.id, &self.name, out);
        out.extend_from_slice(b",\"input\":");
        let json = self.json.trim();
        if json.is_empty() {
            out.extend_from_slice(b"{}");
        } else if json.starts_with('{') && is_json(json) {
            push_raw(out, json);
        } else {
            out.extend_from_slice(b"{\"arguments\":");
            if is_json(json) {
                push_raw(out, json);
            } else {
                push_quoted(out, &self.json);
            }
            out.push(b'}');
        }
        out.extend_from_slice(&self.members);
        out.push(b'}');
    }
}

/// Appends a call up to, but without, its input.
pub(crate) fn push_call(id: &str, name: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"type\":\"tool_use\",\"id\":");
    push_quoted(out, id);
    out.extend_from_slice(b",\"name\":");
    push_quoted(out, name);
}

/// A block that is a picture.
pub(crate) fn image(media_type: &str, data: &str) -> String {
    let (media_type, data) = (quoted(media_type), quoted(data));
    format!(
        r#"{{"type":"image","source":{{"type":"base64","media_type":{media_type},"data":{data}}}}}"#
    )
}

/// Appends a block of reasoning that only the provider can read.
pub(crate) fn push_redacted(data: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"type\":\"redacted_thinking\",\"data\":");
    push_quoted(out, data);
    out.push(b'}');
}
