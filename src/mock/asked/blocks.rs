//! The blocks of a Messages request, each checked by itself.

use serde_json::Value;

use super::Malformed;
use super::is_base64;
use super::messages::{unexpected, wrong};

/// The blocks that Anthropic knows besides those that are looked into.
const OTHERS: &[&str] = &[
    "document",
    "search_result",
    "server_tool_use",
    "web_search_tool_result",
    "web_fetch_tool_result",
    "advisor_tool_result",
    "code_execution_tool_result",
    "bash_code_execution_tool_result",
    "text_editor_code_execution_tool_result",
    "tool_search_tool_result",
    "mcp_tool_use",
    "mcp_tool_result",
    "mcp_tool_listing",
    "container_upload",
    "compaction",
    "tool_addition",
    "tool_removal",
    "fallback",
];
/// The images that Anthropic reads.
const MEDIA: &[&str] = &["image/jpeg", "image/png", "image/gif", "image/webp"];

/// The type of a block.
pub(super) fn kind(block: &Value) -> &str {
    str_of(block, "type")
}

/// The text of a member; empty when there is none.
pub(super) fn str_of<'a>(block: &'a Value, field: &str) -> &'a str {
    block.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// What stands in a tool's result.
pub(super) fn content(block: &Value) -> &Value {
    block.get("content").unwrap_or(&Value::Null)
}

/// Checks one block by itself.
pub(super) fn check(place: &str, assistant: bool, block: &Value) -> Result<(), Malformed> {
    let kind = kind(block);
    let needs = |field: &str| match block.get(field) {
        Some(value) => Ok(value),
        None => Err(wrong(&format!("{place}.{kind}.{field}"), "Field required")),
    };
    let only = |who: &str, is_it: bool| match is_it {
        true => Ok(()),
        false => Err(wrong(
            place,
            &format!("`{kind}` blocks can only be in `{who}` messages"),
        )),
    };
    match kind {
        "" => Err(wrong(&format!("{place}.type"), "Field required")),
        "text" => match needs("text")?.as_str() {
            Some("") => {
                let what = "text content blocks must be non-empty";
                Err(wrong("messages", what))
            }
            Some(_) => Ok(()),
            None => Err(wrong(
                &format!("{place}.text.text"),
                "Input should be a valid string",
            )),
        },
        "image" => {
            only("user", !assistant)?;
            image(&format!("{place}.image.source"), needs("source")?)
        }
        "tool_use" => {
            only("assistant", assistant)?;
            needs("id")?;
            needs("name")?;
            match needs("input")?.is_object() {
                true => Ok(()),
                false => Err(wrong(
                    &format!("{place}.tool_use.input"),
                    "Input should be a valid dictionary",
                )),
            }
        }
        "tool_result" => {
            only("user", !assistant)?;
            needs("tool_use_id")?;
            let inner = content(block).as_array().into_iter().flatten();
            for (index, inner) in inner.enumerate() {
                result(&format!("{place}.tool_result.content.{index}"), inner)?;
            }
            Ok(())
        }
        "thinking" => {
            only("assistant", assistant)?;
            needs("thinking")?;
            needs("signature").map(drop)
        }
        "redacted_thinking" => {
            only("assistant", assistant)?;
            needs("data").map(drop)
        }
        other if OTHERS.contains(&other) => Ok(()),
        other => Err(unexpected(place, other, OTHERS)),
    }
}

/// Checks a block inside a tool's result.
fn result(place: &str, block: &Value) -> Result<(), Malformed> {
    const KNOWN: &[&str] = &[
        "text",
        "image",
        "document",
        "search_result",
        "tool_reference",
    ];
    match kind(block) {
        "text" | "image" => check(place, false, block),
        known if KNOWN.contains(&known) => Ok(()),
        other => Err(unexpected(place, other, KNOWN)),
    }
}

fn image(place: &str, source: &Value) -> Result<(), Malformed> {
    match kind(source) {
        "base64" => {
            let media = str_of(source, "media_type");
            if !MEDIA.contains(&media) {
                let known = MEDIA.join("', '");
                let what = format!("Input should be '{known}'");
                return Err(wrong(&format!("{place}.base64.media_type"), &what));
            }
            match is_base64(str_of(source, "data")) {
                true => Ok(()),
                false => Err(wrong(&format!("{place}.base64"), "invalid base64 data")),
            }
        }
        "url" if source.get("url").is_some_and(Value::is_string) => Ok(()),
        "file" if source.get("file_id").is_some_and(Value::is_string) => Ok(()),
        other => Err(unexpected(place, other, &["base64", "url", "file"])),
    }
}
