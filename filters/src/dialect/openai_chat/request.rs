//! What is checked in an OpenAI request: chat completions, embeddings and the
//! older completions.

use crate::json::{Kind, decode};
use crate::prompt::Surface;
use crate::reading::{Reader, Stop, empty, wrong_type};

/// OpenAI's own limit for `n`.
const MAX_CHOICES: u64 = 128;

const ROLES: [&str; 6] = [
    "system",
    "developer",
    "user",
    "assistant",
    "tool",
    "function",
];

/// Reads the value of a top-level member.
pub(crate) fn member(reader: &mut Reader<'_>, surface: Surface, name: &str) -> Result<(), Stop> {
    match (name, surface) {
        ("input", Surface::Embeddings) => list(reader, "input"),
        (_, Surface::Embeddings) => reader.skip(),
        ("messages", Surface::Chat) => reader.messages(&ROLES, content),
        ("prompt", Surface::Completions) => list(reader, "prompt"),
        ("stream", _) => {
            reader.facts.stream = reader.boolean(name)?;
            Ok(())
        }
        ("stream_options", _) => stream_options(reader),
        ("n", _) => {
            if let Some(n) = reader.count(name, MAX_CHOICES)? {
                reader.facts.choices = u32::try_from(n).unwrap_or(1);
            }
            Ok(())
        }
        ("max_tokens", _) => {
            let limit = reader.count(name, u64::MAX)?;
            reader.facts.max_output = reader.facts.max_output.or(limit);
            Ok(())
        }
        ("max_completion_tokens", Surface::Chat) => {
            let limit = reader.count(name, u64::MAX)?;
            reader.facts.max_output = limit.or(reader.facts.max_output);
            Ok(())
        }
        _ => reader.skip(),
    }
}

fn content(reader: &mut Reader<'_>, index: usize) -> Result<(), Stop> {
    match reader.cursor.kind()? {
        Kind::String | Kind::Array | Kind::Null => reader.skip(),
        kind => wrong_type(
            &format!("messages[{index}].content"),
            "a string, an array of parts or null",
            kind,
        ),
    }
}

/// A text, a list of texts, a list of token ids, or a list of such lists.
fn list(reader: &mut Reader<'_>, param: &str) -> Result<(), Stop> {
    const EXPECTED: &str = "a string, an array of strings or an array of token ids";
    let kind = reader.cursor.kind()?;
    if kind == Kind::String {
        return reader.skip();
    }
    if kind != Kind::Array {
        return wrong_type(param, EXPECTED, kind);
    }
    reader.cursor.open_array()?;
    let mut index = 0;
    while reader.cursor.item()? {
        let kind = reader.cursor.kind()?;
        match kind {
            Kind::String | Kind::Number | Kind::Array => reader.skip()?,
            // Several providers embed pictures and take parts here.
            Kind::Object if param == "input" => reader.skip()?,
            _ => return wrong_type(&format!("{param}[{index}]"), EXPECTED, kind),
        }
        index += 1;
    }
    if index == 0 {
        return empty(param, "send at least one text");
    }
    Ok(())
}

fn stream_options(reader: &mut Reader<'_>) -> Result<(), Stop> {
    match reader.cursor.kind()? {
        Kind::Null => return reader.skip(),
        Kind::Object => {}
        kind => return wrong_type("stream_options", "an object", kind),
    }
    reader.cursor.open_object()?;
    while let Some(key) = reader.cursor.key()? {
        if decode(reader.text.get(key).unwrap_or_default()) == "include_usage" {
            reader.facts.wants_usage = reader.boolean("stream_options.include_usage")?;
        } else {
            reader.skip()?;
        }
    }
    Ok(())
}
