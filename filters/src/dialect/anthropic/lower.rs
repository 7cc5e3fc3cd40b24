//! Writes a request for Messages from the canonical form, strictly in
//! Anthropic's grammar.

use crate::ask::{
    Arguments, Ask, Format, Part, PartKind, Role, Source, Tool, ToolChoice, Turn, Writer,
    plain_text,
};
use crate::json::{Cursor, Kind};

/// The whole body.
pub(crate) fn lower(ask: &Ask<'_>) -> Vec<u8> {
    let mut out = Writer::new(4096);
    out.open("", b'{');
    out.string("model", &ask.model);
    if let Some(limit) = ask.max_output {
        out.raw("max_tokens", &limit.to_string());
    }
    let leading = ask
        .turns
        .iter()
        .take_while(|turn| turn.role == Role::System && turn.extra.is_empty())
        .count();
    let (system, turns) = ask.turns.split_at_checked(leading).unwrap_or_default();
    if system.iter().any(|turn| !turn.parts.is_empty()) {
        content(
            &mut out,
            "system",
            &mut system.iter().flat_map(|t| &t.parts),
        );
    }
    out.open("messages", b'[');
    for turn in turns {
        message(&mut out, turn);
    }
    out.close(b']');
    if !ask.tools.is_empty() {
        out.open("tools", b'[');
        for found in &ask.tools {
            tool(&mut out, found);
        }
        out.close(b']');
    }
    tool_choice(&mut out, ask);
    if !ask.stop.is_empty() {
        out.open("stop_sequences", b'[');
        for stop in &ask.stop {
            out.string("", stop);
        }
        out.close(b']');
    }
    out.maybe_raw("temperature", ask.sampling.temperature.as_ref());
    out.maybe_raw("top_p", ask.sampling.top_p.as_ref());
    out.maybe_raw("top_k", ask.sampling.top_k.as_ref());
    if let Some(thinking) = &ask.reasoning.thinking {
        out.raw("thinking", &thinking.raw);
    }
    output_config(&mut out, ask);
    match (&ask.metadata, &ask.user) {
        (Some(metadata), _) => out.raw("metadata", metadata),
        (None, Some(user)) => {
            out.open("metadata", b'{');
            out.string("user_id", user);
            out.close(b'}');
        }
        (None, None) => {}
    }
    out.maybe_string("service_tier", ask.service_tier.as_ref());
    if ask.stream {
        out.flag("stream", true);
    }
    out.extras(&ask.extra);
    out.close(b'}');
    out.finish()
}

fn message(out: &mut Writer, turn: &Turn<'_>) {
    out.open("", b'{');
    out.word(
        "role",
        match turn.role {
            Role::System => "system",
            Role::User | Role::Tool | Role::Function => "user",
            Role::Assistant => "assistant",
        },
    );
    content(out, "content", &mut turn.parts.iter());
    out.extras(&turn.extra);
    out.close(b'}');
}

fn content<'p, 'a: 'p>(
    out: &mut Writer,
    key: &str,
    parts: &mut (dyn Iterator<Item = &'p Part<'a>> + 'p),
) {
    let mut parts = parts.peekable();
    let first = parts.next();
    if parts.peek().is_none()
        && let Some(text) = plain_text(first.into_iter())
    {
        return out.string(key, text);
    }
    out.open(key, b'[');
    for part in first.into_iter().chain(parts) {
        block(out, part);
    }
    out.close(b']');
}

fn block(out: &mut Writer, part: &Part<'_>) {
    match &part.kind {
        PartKind::Other(raw) => return out.raw("", raw),
        PartKind::Audio { .. } | PartKind::OtherCall(_) => return,
        _ => {}
    }
    out.open("", b'{');
    match &part.kind {
        PartKind::Text(text) | PartKind::Refusal(text) => {
            out.word("type", "text");
            out.string("text", text);
        }
        PartKind::Image(from) => {
            out.word("type", "image");
            source(out, from);
        }
        PartKind::File { source: from, name } => {
            out.word("type", "document");
            source(out, from);
            out.maybe_string("title", name.as_ref());
        }
        PartKind::ToolCall {
            id,
            name,
            arguments,
        } => {
            out.word("type", "tool_use");
            out.string("id", id);
            out.string("name", name);
            input(out, arguments);
        }
        PartKind::ToolResult {
            call_id,
            parts,
            is_error,
        } => {
            out.word("type", "tool_result");
            out.string("tool_use_id", call_id);
            if !parts.is_empty() {
                content(out, "content", &mut parts.iter());
            }
            if let Some(is_error) = is_error {
                out.flag("is_error", *is_error);
            }
        }
        PartKind::Thinking { text, signature } => {
            out.word("type", "thinking");
            out.string("thinking", text);
            out.maybe_string("signature", signature.as_ref());
        }
        PartKind::RedactedThinking { data } => {
            out.word("type", "redacted_thinking");
            out.string("data", data);
        }
        PartKind::Other(_) | PartKind::Audio { .. } | PartKind::OtherCall(_) => {}
    }
    out.maybe_raw("cache_control", part.marker.as_ref());
    out.extras(&part.extra);
    out.close(b'}');
}

fn source(out: &mut Writer, source: &Source<'_>) {
    if let Source::Other(raw) = source {
        return out.raw("source", raw);
    }
    out.open("source", b'{');
    match source {
        Source::Base64 { media_type, data } => {
            out.word("type", "base64");
            out.string("media_type", media_type);
            out.string("data", data);
        }
        Source::Url(url) => {
            out.word("type", "url");
            out.string("url", url);
        }
        Source::Text(text) => {
            out.word("type", "text");
            out.word("media_type", "text/plain");
            out.string("data", text);
        }
        Source::Parts(parts) => {
            out.word("type", "content");
            content(out, "content", &mut parts.iter());
        }
        Source::FileId(id) => {
            out.word("type", "file");
            out.string("file_id", id);
        }
        Source::Other(_) => {}
    }
    out.close(b'}');
}

/// Arguments as the object they spell; those that spell none are an empty one.
fn input(out: &mut Writer, arguments: &Arguments<'_>) {
    let json = arguments.read();
    match arguments {
        Arguments::Text(_) if !is_object(&json) => out.raw("input", "{}"),
        _ => out.raw("input", &json),
    }
}

/// Whether the text is one JSON object and nothing else.
pub(crate) fn is_object(text: &str) -> bool {
    let mut cursor = Cursor::new(text, 0);
    cursor.kind() == Ok(Kind::Object) && cursor.skip().is_ok() && cursor.end().is_ok()
}

fn tool(out: &mut Writer, tool: &Tool<'_>) {
    let function = match tool {
        Tool::Function(function) => function,
        Tool::Other(raw) => return out.raw("", raw),
    };
    out.open("", b'{');
    out.string("name", &function.name);
    out.maybe_string("description", function.description.as_ref());
    out.maybe_raw("input_schema", function.schema.as_ref());
    if let Some(strict) = function.strict {
        out.flag("strict", strict);
    }
    out.maybe_raw("cache_control", function.marker.as_ref());
    out.extras(&function.extra);
    out.close(b'}');
}

fn tool_choice(out: &mut Writer, ask: &Ask<'_>) {
    let word = match &ask.tool_choice {
        None => return,
        Some(ToolChoice::Other(raw)) => return out.raw("tool_choice", raw),
        Some(ToolChoice::Auto) => "auto",
        Some(ToolChoice::None) => "none",
        Some(ToolChoice::Required) => "any",
        Some(ToolChoice::Function(_)) => "tool",
    };
    out.open("tool_choice", b'{');
    out.word("type", word);
    if let Some(ToolChoice::Function(name)) = &ask.tool_choice {
        out.string("name", name);
    }
    if let Some(parallel) = ask.parallel_tool_calls {
        out.flag("disable_parallel_tool_use", !parallel);
    }
    out.close(b'}');
}

fn output_config(out: &mut Writer, ask: &Ask<'_>) {
    let effort = ask.reasoning.effort.as_ref();
    let form = match &ask.format {
        Some(form @ (Format::JsonSchema { .. } | Format::Other(_))) => Some(form),
        _ => None,
    };
    if effort.is_none() && form.is_none() && ask.output_extra.is_empty() {
        return;
    }
    out.open("output_config", b'{');
    out.maybe_string("effort", effort);
    match form {
        Some(Format::Other(raw)) => out.raw("format", raw),
        Some(Format::JsonSchema { schema, .. }) => {
            out.open("format", b'{');
            out.word("type", "json_schema");
            out.maybe_raw("schema", schema.as_ref());
            out.close(b'}');
        }
        _ => {}
    }
    out.extras(&ask.output_extra);
    out.close(b'}');
}
