//! What a Response says of the request it answers: official clients expect those
//! members in every answer, with the defaults where the request was silent.

use crate::json::push_quoted;
use crate::prompt::{Prompt, Surface};

use crate::dialect::openai_chat::usage::push_raw;
use crate::dialect::openai_chat::wire::{elements, members};

/// The members and what they are if nobody asked for anything else.
const MEMBERS: [(&str, &str); 16] = [
    ("instructions", "null"),
    ("max_output_tokens", "null"),
    ("max_tool_calls", "null"),
    ("metadata", "{}"),
    ("parallel_tool_calls", "true"),
    ("previous_response_id", "null"),
    ("prompt_cache_key", "null"),
    ("reasoning", r#"{"effort":null,"summary":null}"#),
    ("safety_identifier", "null"),
    ("temperature", "1.0"),
    ("text", r#"{"format":{"type":"text"}}"#),
    ("tool_choice", r#""auto""#),
    ("tools", "[]"),
    ("top_logprobs", "0"),
    ("top_p", "1.0"),
    ("user", "null"),
];

/// The members of a request that its answer repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Echo(String);

impl Echo {
    /// Those of the request as it stands, rewritten texts included; `None` where
    /// the dialect of the caller has no such members.
    #[must_use]
    pub fn of(prompt: &Prompt) -> Option<Echo> {
        if prompt.surface() != Surface::Responses {
            return None;
        }
        let members: Vec<_> = prompt.members().collect();
        let said = |name: &str| {
            let found = members.iter().find(|(key, _)| key == name);
            found
                .map(|(_, value)| *value)
                .filter(|value| *value != "null")
        };
        Some(Echo::write(said))
    }

    fn write<'a>(said: impl Fn(&str) -> Option<&'a str>) -> Echo {
        let mut out = Vec::with_capacity(512);
        for (name, default) in MEMBERS {
            out.push(b',');
            push_quoted(&mut out, name);
            out.push(b':');
            match (name, said(name)) {
                // Half of what is wanted there is of no use to a client.
                ("text", Some(text)) if !text.contains("\"format\"") => {
                    let inner = text.get(1..).unwrap_or_default().trim_start();
                    let comma = if inner.starts_with('}') { "" } else { "," };
                    push_raw(&mut out, r#"{"format":{"type":"text"}"#);
                    push_raw(&mut out, comma);
                    push_raw(&mut out, inner);
                }
                ("tools", Some(tools)) => push_tools(tools, &mut out),
                (_, Some(value)) => push_raw(&mut out, value),
                (_, None) => push_raw(&mut out, default),
            }
        }
        Echo(String::from_utf8(out).unwrap_or_default())
    }

    /// The members as JSON text, with a comma before each.
    pub(crate) fn members(&self) -> &str {
        &self.0
    }
}

/// Appends the tools; a function has members that a request may leave out and an
/// answer may not.
fn push_tools(tools: &str, out: &mut Vec<u8>) {
    out.push(b'[');
    let mut comma = "";
    elements(tools, |tool| {
        push_raw(out, std::mem::replace(&mut comma, ","));
        let (mut is_function, mut missing) = (false, vec!["strict", "parameters"]);
        members(tool, |key, value| match key {
            "type" => is_function = value == r#""function""#,
            _ => missing.retain(|name| *name != key),
        });
        let inner = tool.trim_end().strip_suffix('}').filter(|_| is_function);
        push_raw(out, inner.unwrap_or(tool));
        if inner.is_some() {
            for name in missing {
                push_raw(out, &format!(r#","{name}":null"#));
            }
            out.push(b'}');
        }
    });
    out.push(b']');
}

impl Default for Echo {
    fn default() -> Self {
        Echo::write(|_| None)
    }
}
