//! The content blocks of a request for Converse.

use crate::ask::{Arguments, Extra, Part, PartKind, Source, Str, Writer};
use crate::dialect::anthropic::lower::is_object;
use crate::dialect::openai_chat::wire::{members, string};

/// Blocks that Converse knows and no client's grammar does; they come as objects
/// with the block's name as `type`.
const NATIVE: [&str; 11] = [
    "audio",
    "cachePoint",
    "citationsContent",
    "document",
    "guardContent",
    "image",
    "reasoningContent",
    "searchResult",
    "toolResult",
    "toolUse",
    "video",
];
/// The same among the tools.
const NATIVE_TOOLS: [&str; 3] = ["cachePoint", "systemTool", "toolSpec"];

/// One block, and the mark after it that a prompt cache may reach to here.
pub(super) fn block(out: &mut Writer, part: &Part<'_>) {
    match &part.kind {
        PartKind::Other(raw) => native(out, raw),
        PartKind::OtherCall(_) => return,
        kind => {
            out.open("", b'{');
            members_of(out, kind);
            out.close(b'}');
        }
    }
    if let Some(marker) = &part.marker {
        cache_point(out, marker);
    }
}

fn members_of(out: &mut Writer, kind: &PartKind<'_>) {
    match kind {
        PartKind::Text(text) | PartKind::Refusal(text) => out.string("text", text),
        PartKind::Image(Source::Base64 { media_type, data }) => {
            media(
                out,
                "image",
                image_format(media_type).unwrap_or("png"),
                data,
            );
        }
        PartKind::Audio { data, format } => media(out, "audio", &format.read(), data),
        PartKind::File { source, name } => document(out, source, name.as_ref()),
        PartKind::ToolCall {
            id,
            name,
            arguments,
        } => {
            out.open("toolUse", b'{');
            out.string("toolUseId", id);
            out.string("name", name);
            let json = arguments.read();
            match arguments {
                Arguments::Text(_) if !is_object(&json) => out.raw("input", "{}"),
                _ => out.raw("input", &json),
            }
            out.close(b'}');
        }
        PartKind::ToolResult {
            call_id,
            parts,
            is_error,
        } => {
            out.open("toolResult", b'{');
            out.string("toolUseId", call_id);
            out.open("content", b'[');
            for part in parts {
                block(out, part);
            }
            out.close(b']');
            if let Some(failed) = is_error {
                out.word("status", if *failed { "error" } else { "success" });
            }
            out.close(b'}');
        }
        PartKind::Thinking { text, signature } => {
            out.open("reasoningContent", b'{');
            out.open("reasoningText", b'{');
            out.string("text", text);
            out.maybe_string("signature", signature.as_ref());
            out.close(b'}');
            out.close(b'}');
        }
        PartKind::RedactedThinking { data } => {
            out.open("reasoningContent", b'{');
            out.string("redactedContent", data);
            out.close(b'}');
        }
        // Refused when the request was fitted.
        PartKind::Image(_) | PartKind::Other(_) | PartKind::OtherCall(_) => {}
    }
}

fn media(out: &mut Writer, kind: &str, format: &str, data: &Str<'_>) {
    out.open(kind, b'{');
    out.text("format", format);
    out.open("source", b'{');
    out.string("bytes", data);
    out.close(b'}');
    out.close(b'}');
}

fn document(out: &mut Writer, source: &Source<'_>, name: Option<&Str<'_>>) {
    out.open("document", b'{');
    let format = match source {
        Source::Base64 { media_type, .. } => document_format(&media_type.read()),
        _ => Some("txt"),
    };
    out.word("format", format.unwrap_or("pdf"));
    match name {
        Some(name) => out.string("name", name),
        None => out.word("name", "document"),
    }
    out.open("source", b'{');
    match source {
        Source::Base64 { data, .. } => out.string("bytes", data),
        Source::Text(text) => out.string("text", text),
        Source::Parts(parts) => {
            out.open("content", b'[');
            for part in parts {
                block(out, part);
            }
            out.close(b']');
        }
        Source::Url(_) | Source::FileId(_) | Source::Other(_) => {}
    }
    out.close(b'}');
    out.close(b'}');
}

/// Bedrock's word for the kind of a picture that it takes.
pub(crate) fn image_format(media_type: &Str<'_>) -> Option<&'static str> {
    match &*media_type.read().to_ascii_lowercase() {
        "image/png" => Some("png"),
        "image/jpeg" | "image/jpg" => Some("jpeg"),
        "image/gif" => Some("gif"),
        "image/webp" => Some("webp"),
        _ => None,
    }
}

/// Bedrock's word for the kind of a document that it takes.
pub(crate) fn document_format(media_type: &str) -> Option<&'static str> {
    const OFFICE: &str = "application/vnd.openxmlformats-officedocument.";
    let media_type = media_type.to_ascii_lowercase();
    match media_type.split(';').next().unwrap_or_default().trim() {
        "application/pdf" => Some("pdf"),
        "text/csv" => Some("csv"),
        "application/msword" => Some("doc"),
        "application/vnd.ms-excel" => Some("xls"),
        "text/html" => Some("html"),
        "text/plain" => Some("txt"),
        "text/markdown" => Some("md"),
        other => match other.strip_prefix(OFFICE)? {
            "wordprocessingml.document" => Some("docx"),
            "spreadsheetml.sheet" => Some("xlsx"),
            _ => None,
        },
    }
}

/// A mark that a prompt cache may reach to here.
pub(super) fn cache_point(out: &mut Writer, marker: &str) {
    let mut ttl = None;
    members(marker, |key, value| {
        if key == "ttl" {
            ttl = string(value);
        }
    });
    out.open("", b'{');
    out.open("cachePoint", b'{');
    out.word("type", "default");
    if let Some(ttl) = ttl {
        out.text("ttl", &ttl);
    }
    out.close(b'}');
    out.close(b'}');
}

/// Whether a part is a block in Bedrock's own spelling.
pub(crate) fn is_native(raw: &str) -> bool {
    has_member(raw, &NATIVE)
}

/// Whether a tool is one in Bedrock's own spelling.
pub(crate) fn is_native_tool(raw: &str) -> bool {
    has_member(raw, &NATIVE_TOOLS)
}

/// Whether the object has a `type` and a member of that name, one of these.
fn has_member(raw: &str, names: &[&str]) -> bool {
    let (mut kind, mut found) = (None, Vec::new());
    members(raw, |key, value| match key {
        "type" => kind = string(value),
        _ if names.contains(&key) && value.starts_with('{') => found.push(key.to_owned()),
        _ => {}
    });
    kind.is_some_and(|kind| found.iter().any(|name| *name == kind))
}

/// Such an object as Bedrock wants it: without `type`.
pub(super) fn native(out: &mut Writer, raw: &str) {
    let mut kept = Vec::new();
    members(raw, |key, value| {
        if key != "type" {
            kept.push(Extra {
                name: Str::text(key),
                value: value.to_owned().into(),
            });
        }
    });
    out.open("", b'{');
    out.extras(&kept);
    out.close(b'}');
}
