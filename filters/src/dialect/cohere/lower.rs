//! Writes a request for Cohere's v2 chat from the canonical form.

use crate::ask::{
    Ask, Format, Function, Part, PartKind, Role, Source, Str, Tool, ToolChoice, Turn, Writer,
    plain_text,
};
use crate::dialect::openai_chat::wire::members;

use super::PLAN;

const NO_ARGUMENTS: &str = r#"{"type":"object","properties":{}}"#;

/// The whole body.
pub(crate) fn lower(ask: &Ask<'_>) -> Vec<u8> {
    let mut out = Writer::new(4096);
    out.open("", b'{');
    out.string("model", &ask.model);
    out.open("messages", b'[');
    for turn in &ask.turns {
        message(&mut out, turn);
    }
    out.close(b']');
    tools(&mut out, ask);
    if let Some(limit) = ask.max_output {
        out.raw("max_tokens", &limit.to_string());
    }
    if !ask.stop.is_empty() {
        out.open("stop_sequences", b'[');
        for stop in &ask.stop {
            out.string("", stop);
        }
        out.close(b']');
    }
    let sampling = &ask.sampling;
    for (name, value) in [
        ("temperature", &sampling.temperature),
        ("p", &sampling.top_p),
        ("k", &sampling.top_k),
        ("seed", &sampling.seed),
        ("frequency_penalty", &sampling.frequency_penalty),
        ("presence_penalty", &sampling.presence_penalty),
        ("logprobs", &sampling.logprobs),
    ] {
        out.maybe_raw(name, value.as_ref());
    }
    format(&mut out, ask.format.as_ref());
    if let Some(thinking) = &ask.reasoning.thinking {
        out.raw("thinking", &thinking.raw);
    }
    if ask.stream {
        out.flag("stream", true);
    }
    out.extras(&ask.extra);
    out.close(b'}');
    out.finish()
}

/// The tools that the model is told: of one that must be called no other, because
/// nothing else says so.
pub(crate) fn told<'t, 'a>(ask: &'t Ask<'a>) -> impl Iterator<Item = &'t Function<'a>> {
    let only = match &ask.tool_choice {
        Some(ToolChoice::Function(name)) => Some(name),
        _ => None,
    };
    let functions = ask.tools.iter().filter_map(|tool| match tool {
        Tool::Function(function) => Some(function),
        Tool::Other(_) => None,
    });
    functions.filter(move |function| only.is_none_or(|name| function.name == *name))
}

fn tools(out: &mut Writer, ask: &Ask<'_>) {
    if told(ask).next().is_some() {
        out.open("tools", b'[');
        for function in told(ask) {
            tool(out, function);
        }
        out.close(b']');
        // They are strict all together or not at all.
        if told(ask).all(|function| function.strict == Some(true)) {
            out.flag("strict_tools", true);
        }
    }
    match &ask.tool_choice {
        Some(ToolChoice::None) => out.word("tool_choice", "NONE"),
        Some(ToolChoice::Required | ToolChoice::Function(_)) => {
            out.word("tool_choice", "REQUIRED");
        }
        Some(ToolChoice::Auto | ToolChoice::Other(_)) | None => {}
    }
}

fn tool(out: &mut Writer, function: &Function<'_>) {
    out.open("", b'{');
    out.word("type", "function");
    out.open("function", b'{');
    out.string("name", &function.name);
    out.maybe_string("description", function.description.as_ref());
    let schema = function.schema.as_ref();
    out.raw("parameters", schema.map_or(NO_ARGUMENTS, |schema| schema));
    out.close(b'}');
    out.close(b'}');
}

fn format(out: &mut Writer, format: Option<&Format<'_>>) {
    let schema = match format {
        Some(Format::JsonObject) => None,
        Some(Format::JsonSchema { schema, .. }) => schema.as_ref(),
        None | Some(Format::Text | Format::Other(_)) => return,
    };
    out.open("response_format", b'{');
    out.word("type", "json_object");
    out.maybe_raw("json_schema", schema);
    out.close(b'}');
}

/// The message of a turn: results are messages of their own.
fn message(out: &mut Writer, turn: &Turn<'_>) {
    for part in &turn.parts {
        if let PartKind::ToolResult { call_id, parts, .. } = &part.kind {
            out.open("", b'{');
            out.word("role", "tool");
            out.string("tool_call_id", call_id);
            content(out, parts);
            out.close(b'}');
        }
    }
    let result = |part: &Part<'_>| matches!(part.kind, PartKind::ToolResult { .. });
    if turn.parts.iter().all(result) {
        return;
    }
    out.open("", b'{');
    out.word(
        "role",
        match turn.role {
            Role::System => "system",
            Role::Assistant => "assistant",
            Role::User | Role::Tool | Role::Function => "user",
        },
    );
    plan(out, &turn.parts);
    if turn.parts.iter().any(is_content) {
        content(out, &turn.parts);
    }
    calls(out, &turn.parts);
    out.close(b'}');
}

/// Whether it stands in the content; a plan does not.
fn is_content(part: &Part<'_>) -> bool {
    match &part.kind {
        PartKind::Thinking { signature, .. } => !is_plan(signature.as_ref()),
        kind => kind.is_content(),
    }
}

fn is_plan(seal: Option<&Str<'_>>) -> bool {
    seal.is_some_and(|seal| seal.raw() == PLAN)
}

fn plan(out: &mut Writer, parts: &[Part<'_>]) {
    let mut pieces: Vec<&str> = Vec::new();
    for part in parts {
        if let PartKind::Thinking { text, signature } = &part.kind
            && is_plan(signature.as_ref())
        {
            if !pieces.is_empty() {
                pieces.push("\\n\\n");
            }
            pieces.push(text.raw());
        }
    }
    if !pieces.is_empty() {
        out.joined("tool_plan", &pieces);
    }
}

fn content(out: &mut Writer, parts: &[Part<'_>]) {
    let said = || parts.iter().filter(|part| is_content(part));
    if let Some(text) = plain_text(said()) {
        return out.string("content", text);
    }
    out.open("content", b'[');
    for part in said() {
        content_part(out, part);
    }
    out.close(b']');
}

fn content_part(out: &mut Writer, part: &Part<'_>) {
    match &part.kind {
        PartKind::Text(text) | PartKind::Refusal(text) => {
            out.open("", b'{');
            out.word("type", "text");
            out.string("text", text);
            out.close(b'}');
        }
        PartKind::Thinking { text, .. } => {
            out.open("", b'{');
            out.word("type", "thinking");
            out.string("thinking", text);
            out.close(b'}');
        }
        PartKind::Image(source) => {
            out.open("", b'{');
            out.word("type", "image_url");
            out.open("image_url", b'{');
            match source {
                Source::Base64 { media_type, data } => {
                    let pieces = ["data:", media_type.raw(), ";base64,", data.raw()];
                    out.joined("url", &pieces);
                }
                Source::Url(url) => out.string("url", url),
                _ => {}
            }
            out.extras(&part.extra);
            out.close(b'}');
            out.close(b'}');
        }
        PartKind::Other(raw) => out.raw("", raw),
        _ => {}
    }
}

fn calls(out: &mut Writer, parts: &[Part<'_>]) {
    let is_call = |part: &&Part<'_>| matches!(part.kind, PartKind::ToolCall { .. });
    if !parts.iter().any(|part| is_call(&part)) {
        return;
    }
    out.open("tool_calls", b'[');
    for part in parts.iter().filter(is_call) {
        if let PartKind::ToolCall {
            id,
            name,
            arguments,
        } = &part.kind
        {
            out.open("", b'{');
            out.string("id", id);
            out.word("type", "function");
            out.open("function", b'{');
            out.string("name", name);
            out.text("arguments", &arguments.read());
            out.close(b'}');
            out.close(b'}');
        }
    }
    out.close(b']');
}

/// Whether a part of a result is one in Cohere's own spelling: a document that the
/// model may cite.
pub(crate) fn is_document(raw: &str) -> bool {
    let (mut named, mut found) = (false, false);
    members(raw, |key, value| match key {
        "type" => named = value == "\"document\"",
        "document" => found = value.starts_with('{'),
        _ => {}
    });
    named && found
}
