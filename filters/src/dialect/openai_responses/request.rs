//! What is checked in a Responses request: the facts, and the frame of the input.

use crate::json::Kind;
use crate::reading::{Reader, Stop, wrong_type};

/// Members that stand for a conversation kept elsewhere; with one of them a
/// request needs no input of its own.
pub(crate) const KEPT_ELSEWHERE: [&str; 3] = ["previous_response_id", "conversation", "prompt"];

/// Reads the value of a top-level member.
pub(crate) fn member(reader: &mut Reader<'_>, name: &str) -> Result<(), Stop> {
    match name {
        "input" => input(reader),
        "stream" => {
            reader.facts.stream = reader.boolean(name)?;
            Ok(())
        }
        "max_output_tokens" => {
            reader.facts.max_output = reader.count(name, u64::MAX)?;
            Ok(())
        }
        _ => reader.skip(),
    }
}

/// A text, or a list of items.
fn input(reader: &mut Reader<'_>) -> Result<(), Stop> {
    match reader.cursor.kind()? {
        Kind::String => return reader.skip(),
        Kind::Array => {}
        kind => return wrong_type("input", "a string or an array of items", kind),
    }
    reader.cursor.open_array()?;
    let mut index = 0;
    while reader.cursor.item()? {
        let kind = reader.cursor.kind()?;
        if kind != Kind::Object {
            return wrong_type(&format!("input[{index}]"), "an item", kind);
        }
        reader.skip()?;
        index += 1;
    }
    Ok(())
}
