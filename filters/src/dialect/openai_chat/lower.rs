//! Writes a chat request from the canonical form, strictly in OpenAI's grammar.

use crate::ask::{
    Arguments, Ask, Format, Function, Part, PartKind, Role, Source, Tool, ToolChoice, Turn, Writer,
    plain_text,
};

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
    if !ask.tools.is_empty() {
        out.open("tools", b'[');
        for found in &ask.tools {
            tool(&mut out, found);
        }
        out.close(b']');
    }
    match &ask.tool_choice {
        None => {}
        Some(ToolChoice::Auto) => out.word("tool_choice", "auto"),
        Some(ToolChoice::None) => out.word("tool_choice", "none"),
        Some(ToolChoice::Required) => out.word("tool_choice", "required"),
        Some(ToolChoice::Function(name)) => {
            out.open("tool_choice", b'{');
            out.word("type", "function");
            out.open("function", b'{');
            out.string("name", name);
            out.close(b'}');
            out.close(b'}');
        }
        Some(ToolChoice::Other(raw)) => out.raw("tool_choice", raw),
    }
    if let Some(parallel) = ask.parallel_tool_calls {
        out.flag("parallel_tool_calls", parallel);
    }
    if let Some(limit) = ask.max_output {
        out.raw("max_completion_tokens", &limit.to_string());
    }
    if !ask.stop.is_empty() {
        out.open("stop", b'[');
        for stop in &ask.stop {
            out.string("", stop);
        }
        out.close(b']');
    }
    sampling(&mut out, ask);
    format(&mut out, ask.format.as_ref());
    out.maybe_string("reasoning_effort", ask.reasoning.effort.as_ref());
    out.maybe_string("user", ask.user.as_ref());
    out.maybe_raw("metadata", ask.metadata.as_ref());
    out.maybe_string("service_tier", ask.service_tier.as_ref());
    if ask.stream {
        out.flag("stream", true);
    }
    out.maybe_raw("stream_options", ask.stream_options.as_ref());
    out.extras(&ask.extra);
    out.close(b'}');
    out.finish()
}

fn sampling(out: &mut Writer, ask: &Ask<'_>) {
    let sampling = &ask.sampling;
    for (name, value) in [
        ("temperature", &sampling.temperature),
        ("top_p", &sampling.top_p),
        ("top_k", &sampling.top_k),
        ("seed", &sampling.seed),
        ("presence_penalty", &sampling.presence_penalty),
        ("frequency_penalty", &sampling.frequency_penalty),
        ("logit_bias", &sampling.logit_bias),
        ("n", &sampling.n),
        ("logprobs", &sampling.logprobs),
        ("top_logprobs", &sampling.top_logprobs),
    ] {
        out.maybe_raw(name, value.as_ref());
    }
}

fn format(out: &mut Writer, format: Option<&Format<'_>>) {
    let word = match format {
        None => return,
        Some(Format::Other(raw)) => return out.raw("response_format", raw),
        Some(Format::Text) => "text",
        Some(Format::JsonObject) => "json_object",
        Some(Format::JsonSchema { .. }) => "json_schema",
    };
    out.open("response_format", b'{');
    out.word("type", word);
    if let Some(Format::JsonSchema {
        name,
        description,
        schema,
        strict,
    }) = format
    {
        out.open("json_schema", b'{');
        out.maybe_string("name", name.as_ref());
        out.maybe_string("description", description.as_ref());
        out.maybe_raw("schema", schema.as_ref());
        if let Some(strict) = strict {
            out.flag("strict", *strict);
        }
        out.close(b'}');
    }
    out.close(b'}');
}

fn tool(out: &mut Writer, tool: &Tool<'_>) {
    let Function {
        name,
        description,
        schema,
        strict,
        marker,
        extra,
    } = match tool {
        Tool::Function(function) => function,
        Tool::Other(raw) => return out.raw("", raw),
    };
    out.open("", b'{');
    out.word("type", "function");
    out.open("function", b'{');
    out.string("name", name);
    out.maybe_string("description", description.as_ref());
    out.maybe_raw("parameters", schema.as_ref());
    if let Some(strict) = strict {
        out.flag("strict", *strict);
    }
    out.extras(extra);
    out.close(b'}');
    out.maybe_raw("cache_control", marker.as_ref());
    out.close(b'}');
}

/// The messages of a turn: one, but for tools' answers, which are one each and
/// stand before whatever else the turn holds.
fn message(out: &mut Writer, turn: &Turn<'_>) {
    let mut results = false;
    for part in &turn.parts {
        let PartKind::ToolResult { call_id, parts, .. } = &part.kind else {
            continue;
        };
        results = true;
        out.open("", b'{');
        out.word("role", "tool");
        out.string("tool_call_id", call_id);
        content(out, parts, Role::Tool);
        out.maybe_raw("cache_control", part.marker.as_ref());
        if turn.role == Role::Tool {
            out.extras(&turn.extra);
        }
        out.close(b'}');
    }
    if results && !turn.parts.iter().any(|part| part.kind.is_content()) {
        return;
    }
    out.open("", b'{');
    out.word(
        "role",
        match turn.role {
            Role::System => "system",
            Role::User | Role::Tool => "user",
            Role::Assistant => "assistant",
            Role::Function => "function",
        },
    );
    content(out, &turn.parts, turn.role);
    thoughts(out, &turn.parts);
    calls(out, &turn.parts);
    out.extras(&turn.extra);
    out.close(b'}');
}

fn content(out: &mut Writer, parts: &[Part<'_>], role: Role) {
    let said = || parts.iter().filter(|part| part.kind.is_content());
    if let Some(text) = plain_text(said()) {
        return out.string("content", text);
    }
    if role == Role::Assistant && said().next().is_none() {
        return out.raw("content", "null");
    }
    out.open("content", b'[');
    for part in said() {
        content_part(out, part);
    }
    out.close(b']');
}

fn content_part(out: &mut Writer, part: &Part<'_>) {
    if let PartKind::Other(raw) = &part.kind {
        return out.raw("", raw);
    }
    // What an address or a document is called stands inside of it.
    let (outer, inner) = match part.kind {
        PartKind::Image(_) | PartKind::File { .. } | PartKind::Audio { .. } => {
            (&[][..], &part.extra[..])
        }
        _ => (&part.extra[..], &[][..]),
    };
    out.open("", b'{');
    match &part.kind {
        PartKind::Text(text) => {
            out.word("type", "text");
            out.string("text", text);
        }
        PartKind::Refusal(words) => {
            out.word("type", "refusal");
            out.string("refusal", words);
        }
        PartKind::Image(source) => {
            out.word("type", "image_url");
            out.open("image_url", b'{');
            address(out, "url", source);
            out.extras(inner);
            out.close(b'}');
        }
        PartKind::Audio { data, format } => {
            out.word("type", "input_audio");
            out.open("input_audio", b'{');
            out.string("data", data);
            out.string("format", format);
            out.extras(inner);
            out.close(b'}');
        }
        PartKind::File {
            source: Source::Url(url),
            ..
        } => {
            out.word("type", "document_url");
            out.string("document_url", url);
            out.extras(inner);
        }
        PartKind::File { source, name } => {
            out.word("type", "file");
            out.open("file", b'{');
            address(out, "file_data", source);
            out.maybe_string("filename", name.as_ref());
            out.extras(inner);
            out.close(b'}');
        }
        _ => {}
    }
    out.maybe_raw("cache_control", part.marker.as_ref());
    out.extras(outer);
    out.close(b'}');
}

fn address(out: &mut Writer, key: &str, source: &Source<'_>) {
    match source {
        Source::Base64 { media_type, data } if media_type.raw().is_empty() => {
            out.string(key, data);
        }
        Source::Base64 { media_type, data } => {
            out.joined(key, &["data:", media_type.raw(), ";base64,", data.raw()]);
        }
        Source::Url(url) => out.string(key, url),
        Source::FileId(id) => out.string("file_id", id),
        Source::Text(_) | Source::Parts(_) | Source::Other(_) => {}
    }
}

/// One plain thought is a string, more or sealed ones are a list.
fn thoughts(out: &mut Writer, parts: &[Part<'_>]) {
    let mut thoughts = parts.iter().filter(|part| {
        matches!(
            part.kind,
            PartKind::Thinking { .. } | PartKind::RedactedThinking { .. }
        )
    });
    let Some(first) = thoughts.next() else {
        return;
    };
    let more = thoughts.next();
    if let (
        PartKind::Thinking {
            text,
            signature: None,
        },
        None,
        true,
    ) = (&first.kind, more, first.is_bare() && !is_empty(first))
    {
        return out.string("reasoning_content", text);
    }
    out.open("thinking_blocks", b'[');
    for part in [first].into_iter().chain(more).chain(thoughts) {
        out.open("", b'{');
        match &part.kind {
            PartKind::Thinking { text, signature } => {
                out.word("type", "thinking");
                out.string("thinking", text);
                out.maybe_string("signature", signature.as_ref());
            }
            PartKind::RedactedThinking { data } => {
                out.word("type", "redacted_thinking");
                out.string("data", data);
            }
            _ => {}
        }
        out.extras(&part.extra);
        out.close(b'}');
    }
    out.close(b']');
}

fn is_empty(part: &Part<'_>) -> bool {
    matches!(&part.kind, PartKind::Thinking { text, .. } if text.raw().is_empty())
}

fn calls(out: &mut Writer, parts: &[Part<'_>]) {
    let is_call = |part: &&Part<'_>| {
        matches!(
            part.kind,
            PartKind::ToolCall { .. } | PartKind::OtherCall(_)
        )
    };
    if !parts.iter().any(|part| is_call(&part)) {
        return;
    }
    out.open("tool_calls", b'[');
    for part in parts.iter().filter(is_call) {
        match &part.kind {
            PartKind::ToolCall {
                id,
                name,
                arguments,
            } => {
                out.open("", b'{');
                out.string("id", id);
                out.word("type", "function");
                out.open("function", b'{');
                out.string("name", name);
                given(out, arguments);
                out.close(b'}');
                out.extras(&part.extra);
                out.close(b'}');
            }
            PartKind::OtherCall(raw) => out.raw("", raw),
            _ => {}
        }
    }
    out.close(b']');
}

fn given(out: &mut Writer, arguments: &Arguments<'_>) {
    match arguments {
        Arguments::Text(text) => out.string("arguments", text),
        Arguments::Json(json) => out.text("arguments", json),
    }
}
