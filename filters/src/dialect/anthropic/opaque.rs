//! Content blocks of kinds that are unknown here: tools that run at the provider,
//! their results, summaries of what was cut. A stream says them in pieces; they
//! are put together again, so that they survive whole.

use std::borrow::Cow;

use crate::dialect::openai_chat::usage::push_raw;
use crate::dialect::openai_chat::wire::{members, string};
use crate::json::{Cursor, push_quoted};

/// A block in the making.
#[derive(Debug)]
pub(crate) struct Opaque {
    pub(crate) kind: String,
    members: Vec<(String, Value)>,
    /// The pieces of `input`.
    input: String,
}

#[derive(Debug)]
enum Value {
    Text(String),
    Raw(String),
}

impl Opaque {
    /// The block as its start says it.
    pub(crate) fn read(kind: &str, raw: &str) -> Opaque {
        let mut opaque = Opaque {
            kind: kind.to_owned(),
            members: Vec::new(),
            input: String::new(),
        };
        members(raw, |key, value| {
            let value = Value::read(value);
            opaque.members.push((key.to_owned(), value));
        });
        opaque
    }

    /// Takes a delta in: strings grow, sources join their list, and any other
    /// member replaces the one of its name.
    pub(crate) fn grow(&mut self, delta: &str) {
        members(delta, |key, value| match key {
            "type" => {}
            "partial_json" => self.input.push_str(&string(value).unwrap_or_default()),
            "citation" => self.cite(value),
            _ => self.member(key, Value::read(value)),
        });
    }

    fn member(&mut self, key: &str, new: Value) {
        let place = self.members.iter_mut().find(|(known, _)| known == key);
        match (place, new) {
            (None, new) => self.members.push((key.to_owned(), new)),
            (Some((_, Value::Text(text))), Value::Text(more)) => text.push_str(&more),
            (Some((_, known)), new) => *known = new,
        }
    }

    fn cite(&mut self, citation: &str) {
        let known = self.members.iter_mut().find(|(key, _)| key == "citations");
        if let Some((_, Value::Raw(list))) = known
            && let Some(inner) = list.strip_suffix(']')
        {
            let comma = if inner.trim() == "[" { "" } else { "," };
            *list = format!("{inner}{comma}{citation}]");
        } else {
            self.member("citations", Value::Raw(format!("[{citation}]")));
        }
    }

    /// The block as one JSON object.
    pub(crate) fn into_json(mut self) -> String {
        if !self.input.is_empty() {
            let input = std::mem::take(&mut self.input);
            let value = if is_json(&input) {
                Value::Raw(input)
            } else {
                Value::Text(input)
            };
            match self.members.iter_mut().find(|(key, _)| key == "input") {
                Some((_, known)) => *known = value,
                None => self.members.push(("input".to_owned(), value)),
            }
        }
        let mut out = vec![b'{'];
        for (place, (key, value)) in self.members.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            push_quoted(&mut out, key);
            out.push(b':');
            match value {
                Value::Text(text) => push_quoted(&mut out, text),
                Value::Raw(raw) => push_raw(&mut out, raw),
            }
        }
        out.push(b'}');
        String::from_utf8(out).unwrap_or_default()
    }
}

impl Value {
    fn read(raw: &str) -> Value {
        match string(raw).map(Cow::into_owned) {
            Some(text) => Value::Text(text),
            None => Value::Raw(raw.to_owned()),
        }
    }
}

/// Whether the text is one JSON value.
pub(crate) fn is_json(text: &str) -> bool {
    let mut cursor = Cursor::new(text, 0);
    cursor.skip().and_then(|_| cursor.end()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_become_the_block_that_an_unstreamed_answer_would_hold() {
        let mut call = Opaque::read(
            "server_tool_use",
            r#"{"type":"server_tool_use","id":"s","input":{}}"#,
        );
        for piece in ["", r#"{\"q\":"#, r#"\"a\"}"#] {
            call.grow(&format!(
                r#"{{"type":"input_json_delta","partial_json":"{piece}"}}"#
            ));
        }
        assert_eq!(
            call.into_json(),
            r#"{"type":"server_tool_use","id":"s","input":{"q":"a"}}"#
        );
        let mut summary = Opaque::read("compaction", r#"{"type":"compaction","content":null}"#);
        summary.grow(r#"{"type":"compaction_delta","content":"a\n"}"#);
        summary.grow(r#"{"type":"compaction_delta","content":"b"}"#);
        assert_eq!(
            summary.into_json(),
            r#"{"type":"compaction","content":"a\nb"}"#
        );
        let mut cited = Opaque::read("x", r#"{"citations":[]}"#);
        cited.grow(r#"{"type":"citations_delta","citation":{"a":1}}"#);
        cited.grow(r#"{"type":"citations_delta","citation":{"a":2}}"#);
        assert_eq!(cited.into_json(), r#"{"citations":[{"a":1},{"a":2}]}"#);
    }
}
