//! A content block that only Bedrock knows, put together from the pieces of a
//! stream: a tool that runs there, its result.

use std::borrow::Cow;

use crate::dialect::openai_chat::usage::push_raw;
use crate::dialect::openai_chat::wire::{elements, members, string};
use crate::event::Step;
use crate::json::push_quoted;

/// Longest such block, in bytes.
pub(super) const MAX_BLOCK: usize = 16 << 20;

/// A block whose end has not come.
#[derive(Debug)]
pub(super) struct Opaque {
    /// The name of the member that it is.
    pub(super) name: String,
    members: Vec<(String, Vec<u8>)>,
    /// The JSON text of its input came in pieces.
    input: String,
    /// What it holds came in lists.
    content: Vec<u8>,
    size: usize,
}

impl Opaque {
    pub(super) fn new(name: &str, start: &str) -> Opaque {
        let mut block = Opaque {
            name: name.to_owned(),
            members: Vec::new(),
            input: String::new(),
            content: Vec::new(),
            size: 0,
        };
        block.merge(start);
        block
    }

    /// Takes the value of a delta in; false once the block is longer than any is.
    pub(super) fn take(&mut self, delta: &str) -> bool {
        self.size = self.size.saturating_add(delta.len());
        if self.size > MAX_BLOCK {
            return false;
        }
        if delta.starts_with('[') {
            elements(delta, |element| {
                if !self.content.is_empty() {
                    self.content.push(b',');
                }
                push_raw(&mut self.content, element);
            });
        } else {
            self.merge(delta);
        }
        true
    }

    fn merge(&mut self, object: &str) {
        members(object, |key, value| {
            match string(value) {
                Some(piece) if key == "input" => return self.input.push_str(&piece),
                _ => {}
            }
            let mut raw = Vec::new();
            push_raw(&mut raw, value);
            match self.members.iter_mut().find(|(known, _)| known == key) {
                Some((_, known)) => *known = raw,
                None => self.members.push((key.to_owned(), raw)),
            }
        });
    }

    /// The block: its name as `type`, and the member as Bedrock has it in a whole
    /// answer.
    pub(super) fn into_step(self) -> Step<'static> {
        Step::Block {
            kind: Cow::Owned(self.name.clone()),
            json: Cow::Owned(self.into_json()),
        }
    }

    fn into_json(mut self) -> String {
        if !self.input.is_empty() {
            let mut raw = Vec::new();
            match crate::dialect::anthropic::lower::is_object(&self.input) {
                true => push_raw(&mut raw, &self.input),
                false => push_quoted(&mut raw, &self.input),
            }
            self.members.push(("input".to_owned(), raw));
        }
        if !self.content.is_empty() {
            let list = [b"[".as_slice(), &self.content, b"]"].concat();
            self.members.push(("content".to_owned(), list));
        }
        let mut value = b"{".to_vec();
        for (place, (key, raw)) in self.members.iter().enumerate() {
            if place > 0 {
                value.push(b',');
            }
            push_quoted(&mut value, key);
            value.push(b':');
            value.extend_from_slice(raw);
        }
        value.push(b'}');
        block(&self.name, std::str::from_utf8(&value).unwrap_or("{}"))
    }
}

/// A block of that name as one object with a `type`, which is another one where
/// clients know a block of that name in another shape.
pub(super) fn block(name: &str, value: &str) -> String {
    const TAKEN: [&str; 4] = ["text", "thinking", "redacted_thinking", "tool_use"];
    let mut out = b"{\"type\":".to_vec();
    match TAKEN.contains(&name) {
        true => push_quoted(&mut out, &format!("native_{name}")),
        false => push_quoted(&mut out, name),
    }
    out.push(b',');
    push_quoted(&mut out, name);
    out.push(b':');
    push_raw(&mut out, value);
    out.push(b'}');
    String::from_utf8(out).unwrap_or_default()
}
