//! What is checked in a request for Anthropic's Messages, or for a count of its
//! tokens: the facts, and the frame of the conversation.

use crate::json::{Kind, decode};
use crate::reading::{Reader, Stop, missing, wrong_type};

/// `system` stands in the middle of conversations with the newest models.
pub(crate) const ROLES: &[&str] = &["user", "assistant", "system"];

const CONTENT: &str = "a string or an array of content blocks";

/// Reads the value of a top-level member.
pub(crate) fn member(reader: &mut Reader<'_>, name: &str) -> Result<(), Stop> {
    match name {
        "messages" => reader.messages(ROLES, |reader, index| {
            content(reader, &|| format!("messages[{index}].content"))
        }),
        "system" => content(reader, &|| "system".to_owned()),
        "stream" => {
            reader.facts.stream = reader.boolean(name)?;
            Ok(())
        }
        "max_tokens" => {
            reader.facts.max_output = reader.count(name, u64::MAX)?;
            Ok(())
        }
        _ => reader.skip(),
    }
}

/// A string, or blocks that each say their type.
fn content(reader: &mut Reader<'_>, param: &dyn Fn() -> String) -> Result<(), Stop> {
    match reader.cursor.kind()? {
        Kind::String => return reader.skip(),
        Kind::Array => {}
        kind => return wrong_type(&param(), CONTENT, kind),
    }
    reader.cursor.open_array()?;
    let mut index = 0;
    while reader.cursor.item()? {
        let kind = reader.cursor.kind()?;
        if kind != Kind::Object {
            return wrong_type(&format!("{}[{index}]", param()), "a content block", kind);
        }
        let mut typed = false;
        reader.cursor.open_object()?;
        while let Some(key) = reader.cursor.key()? {
            if decode(reader.text.get(key).unwrap_or_default()) == "type" {
                let kind = reader.cursor.kind()?;
                if kind != Kind::String {
                    let param = format!("{}[{index}].type", param());
                    return wrong_type(&param, "a string", kind);
                }
                typed = true;
            }
            reader.cursor.skip()?;
        }
        if !typed {
            let param = format!("{}[{index}].type", param());
            return missing(&param, "say what the block holds, such as \"text\"");
        }
        index += 1;
    }
    Ok(())
}
