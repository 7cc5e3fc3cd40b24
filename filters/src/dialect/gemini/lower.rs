//! Writes a request for `generateContent` from the canonical form. Model and
//! stream stand in the address.

use std::collections::HashMap;

use crate::ask::{
    Arguments, Ask, Format, Function, Part, PartKind, Role, Source, Str, Tool, ToolChoice, Turn,
    Writer,
};
use crate::dialect::anthropic::lower::is_object;
use crate::dialect::openai_chat::wire::{members, string};

use super::SEAL;

/// Further members that belong into `generationConfig`.
pub(crate) const CONFIG: [&str; 7] = [
    "thinkingConfig",
    "responseModalities",
    "mediaResolution",
    "speechConfig",
    "imageConfig",
    "enableEnhancedCivicAnswers",
    "audioTimestamp",
];
/// The member of a call that carries its seal.
pub(crate) const CARRIER: &str = "extra_content";

/// The names of the calls by their ids: a result here names its function.
type Names<'n> = HashMap<std::borrow::Cow<'n, str>, &'n Str<'n>>;

/// The whole body.
pub(crate) fn lower(ask: &Ask<'_>) -> Vec<u8> {
    let mut out = Writer::new(4096);
    out.open("", b'{');
    let leading = ask
        .turns
        .iter()
        .take_while(|turn| turn.role == Role::System)
        .count();
    let (system, turns) = ask.turns.split_at_checked(leading).unwrap_or_default();
    if system.iter().any(|turn| !turn.parts.is_empty()) {
        out.open("systemInstruction", b'{');
        out.open("parts", b'[');
        for part in system.iter().flat_map(|turn| &turn.parts) {
            plain_part(&mut out, part);
        }
        out.close(b']');
        out.close(b'}');
    }
    let names = names(turns);
    out.open("contents", b'[');
    for turn in turns {
        content(&mut out, turn, &names);
    }
    out.close(b']');
    tools(&mut out, ask);
    tool_config(&mut out, ask);
    config(&mut out, ask);
    out.maybe_string("serviceTier", ask.service_tier.as_ref());
    for extra in &ask.extra {
        if !CONFIG.contains(&&*extra.name.read()) {
            out.extras(std::slice::from_ref(extra));
        }
    }
    out.close(b'}');
    out.finish()
}

fn names<'n>(turns: &'n [Turn<'_>]) -> Names<'n> {
    let parts = turns.iter().flat_map(|turn| &turn.parts);
    parts
        .filter_map(|part| match &part.kind {
            PartKind::ToolCall { id, name, .. } => Some((id.read(), name)),
            _ => None,
        })
        .collect()
}

fn content(out: &mut Writer, turn: &Turn<'_>, names: &Names<'_>) {
    out.open("", b'{');
    let by_model = turn.role == Role::Assistant;
    out.word("role", if by_model { "model" } else { "user" });
    out.open("parts", b'[');
    // The seal of a text came as a hidden thought beside it.
    let mut seal: Option<&Str<'_>> = None;
    let mut parts = turn.parts.iter().peekable();
    while let Some(part) = parts.next() {
        match &part.kind {
            PartKind::RedactedThinking { data } if unsealed(data).is_some() => {
                if let Some(alone) = seal.replace(data) {
                    sealed_text(out, "", alone);
                }
            }
            PartKind::Text(text) | PartKind::Refusal(text) => {
                let next = parts.peek().map(|next| &next.kind);
                if let (None, Some(PartKind::RedactedThinking { data })) = (seal, next)
                    && unsealed(data).is_some()
                {
                    seal = Some(data);
                    parts.next();
                }
                match seal.take() {
                    Some(seal) => sealed_text(out, text.raw(), seal),
                    None => plain_part(out, part),
                }
            }
            PartKind::ToolResult {
                call_id,
                parts,
                is_error,
            } => result(out, (call_id, *is_error), parts, names),
            _ => plain_part(out, part),
        }
    }
    if let Some(seal) = seal {
        sealed_text(out, "", seal);
    }
    out.close(b']');
    out.close(b'}');
}

/// A seal of Gemini's as it gave it; nothing for those of others.
pub(crate) fn unsealed<'s>(seal: &'s Str<'_>) -> Option<&'s str> {
    seal.raw().strip_prefix(SEAL)
}

fn sealed_text(out: &mut Writer, text: &str, seal: &Str<'_>) {
    out.open("", b'{');
    out.joined("text", &[text]);
    out.joined("thoughtSignature", &[unsealed(seal).unwrap_or_default()]);
    out.close(b'}');
}

/// A part that needs to know nothing of those around it.
fn plain_part(out: &mut Writer, part: &Part<'_>) {
    match &part.kind {
        PartKind::Text(text) | PartKind::Refusal(text) => {
            out.open("", b'{');
            out.string("text", text);
            out.close(b'}');
        }
        PartKind::Image(from) => source(out, from, "image/jpeg"),
        PartKind::File { source: from, .. } => source(out, from, "application/pdf"),
        PartKind::Audio { data, format } => {
            out.open("", b'{');
            out.open("inlineData", b'{');
            out.joined("mimeType", &["audio/", format.raw()]);
            out.string("data", data);
            out.close(b'}');
            out.close(b'}');
        }
        PartKind::ToolCall {
            id,
            name,
            arguments,
        } => {
            out.open("", b'{');
            out.open("functionCall", b'{');
            out.string("id", id);
            out.string("name", name);
            args(out, arguments);
            out.close(b'}');
            if let Some(seal) = call_seal(part) {
                out.text("thoughtSignature", &seal);
            }
            out.close(b'}');
        }
        PartKind::Thinking {
            text,
            signature: Some(seal),
        } if unsealed(seal).is_some() => {
            out.open("", b'{');
            out.string("text", text);
            out.flag("thought", true);
            out.joined("thoughtSignature", &[unsealed(seal).unwrap_or_default()]);
            out.close(b'}');
        }
        PartKind::Other(raw) => {
            if let Some(own) = own_part(raw) {
                out.raw("", &own);
            }
        }
        PartKind::Thinking { .. }
        | PartKind::RedactedThinking { .. }
        | PartKind::ToolResult { .. }
        | PartKind::OtherCall(_) => {}
    }
}

/// The seal that rides on a call.
pub(crate) fn call_seal(part: &Part<'_>) -> Option<String> {
    let carrier = part.extra.iter().find(|extra| extra.name == *CARRIER)?;
    let mut seal = None;
    members(&carrier.value, |key, value| {
        if key == "google" {
            members(value, |key, value| {
                if key == "thought_signature" {
                    seal = string(value).map(std::borrow::Cow::into_owned);
                }
            });
        }
    });
    seal.filter(|seal| !seal.is_empty())
}

/// A part of a kind of Gemini's own as it was, without the word that was put
/// before it for the client.
pub(crate) fn own_part(raw: &str) -> Option<String> {
    let (mut kind, mut rest) = (None, Vec::new());
    members(raw, |key, value| {
        if key == "type" {
            kind = string(value);
        } else {
            rest.push((key.to_owned(), value));
        }
    });
    let kind = kind?;
    rest.iter().find(|(key, _)| **key == *kind)?;
    let told: Vec<String> = rest
        .iter()
        .map(|(key, value)| format!("{}:{value}", crate::json::quoted(key)))
        .collect();
    Some(format!("{{{}}}", told.join(",")))
}

fn source(out: &mut Writer, source: &Source<'_>, guess: &str) {
    match source {
        Source::Base64 { media_type, data } => {
            out.open("", b'{');
            out.open("inlineData", b'{');
            out.string("mimeType", media_type);
            out.string("data", data);
            out.close(b'}');
            out.close(b'}');
        }
        Source::Url(uri) | Source::FileId(uri) => {
            out.open("", b'{');
            out.open("fileData", b'{');
            // Files that were uploaded to Google have their type there.
            if matches!(source, Source::Url(_)) {
                out.word("mimeType", media_type(&uri.read(), guess));
            }
            out.string("fileUri", uri);
            out.close(b'}');
            out.close(b'}');
        }
        Source::Text(text) => {
            out.open("", b'{');
            out.string("text", text);
            out.close(b'}');
        }
        Source::Parts(parts) => parts.iter().for_each(|part| plain_part(out, part)),
        Source::Other(_) => {}
    }
}

/// The media type that an address tells by its ending.
fn media_type<'g>(uri: &str, guess: &'g str) -> &'g str {
    let path = uri.split(['?', '#']).next().unwrap_or_default();
    let ending = path.rsplit('.').next().unwrap_or_default();
    match &*ending.to_ascii_lowercase() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "heic" => "image/heic",
        "pdf" => "application/pdf",
        "mp4" => "video/mp4",
        "mp3" => "audio/mp3",
        "wav" => "audio/wav",
        "txt" => "text/plain",
        _ => guess,
    }
}

fn args(out: &mut Writer, arguments: &Arguments<'_>) {
    let json = arguments.read();
    out.raw("args", if is_object(&json) { &json } else { "{}" });
}

/// A result: an object as it is, anything else as the `output` or `error` of one.
fn result(
    out: &mut Writer,
    (call, is_error): (&Str<'_>, Option<bool>),
    parts: &[Part<'_>],
    names: &Names<'_>,
) {
    let texts: Vec<&str> = parts
        .iter()
        .filter_map(|part| match &part.kind {
            PartKind::Text(text) => Some(text.raw()),
            _ => None,
        })
        .collect();
    out.open("", b'{');
    out.open("functionResponse", b'{');
    out.string("id", call);
    match names.get(&call.read()) {
        Some(name) => out.string("name", name),
        None => out.string("name", call),
    }
    let failed = is_error == Some(true);
    let whole = match texts.as_slice() {
        [one] if !failed => Some(crate::json::decode(one)).filter(|text| is_object(text)),
        _ => None,
    };
    match whole {
        Some(object) => out.raw("response", &object),
        None => {
            out.open("response", b'{');
            let key = if failed { "error" } else { "output" };
            out.joined(key, &[&texts.join("\\n")]);
            out.close(b'}');
        }
    }
    out.close(b'}');
    out.close(b'}');
}

fn tools(out: &mut Writer, ask: &Ask<'_>) {
    if ask.tools.is_empty() {
        return;
    }
    let functions: Vec<&Function<'_>> = ask
        .tools
        .iter()
        .filter_map(|tool| match tool {
            Tool::Function(function) => Some(function),
            Tool::Other(_) => None,
        })
        .collect();
    out.open("tools", b'[');
    if !functions.is_empty() {
        out.open("", b'{');
        out.open("functionDeclarations", b'[');
        for function in functions {
            out.open("", b'{');
            out.string("name", &function.name);
            out.maybe_string("description", function.description.as_ref());
            out.maybe_raw("parametersJsonSchema", function.schema.as_ref());
            out.close(b'}');
        }
        out.close(b']');
        out.close(b'}');
    }
    for tool in &ask.tools {
        if let Tool::Other(raw) = tool {
            out.raw("", raw);
        }
    }
    out.close(b']');
}

fn tool_config(out: &mut Writer, ask: &Ask<'_>) {
    let mode = match &ask.tool_choice {
        None | Some(ToolChoice::Other(_)) => return,
        Some(ToolChoice::Auto) => "AUTO",
        Some(ToolChoice::None) => "NONE",
        Some(ToolChoice::Required | ToolChoice::Function(_)) => "ANY",
    };
    out.open("toolConfig", b'{');
    out.open("functionCallingConfig", b'{');
    out.word("mode", mode);
    if let Some(ToolChoice::Function(name)) = &ask.tool_choice {
        out.open("allowedFunctionNames", b'[');
        out.string("", name);
        out.close(b']');
    }
    out.close(b'}');
    out.close(b'}');
}

fn config(out: &mut Writer, ask: &Ask<'_>) {
    let sampling = &ask.sampling;
    let mut config = Writer::new(256);
    config.open("", b'{');
    for (name, value) in [
        ("temperature", &sampling.temperature),
        ("topP", &sampling.top_p),
        ("topK", &sampling.top_k),
        ("seed", &sampling.seed),
        ("presencePenalty", &sampling.presence_penalty),
        ("frequencyPenalty", &sampling.frequency_penalty),
        ("candidateCount", &sampling.n),
        ("responseLogprobs", &sampling.logprobs),
        ("logprobs", &sampling.top_logprobs),
    ] {
        config.maybe_raw(name, value.as_ref());
    }
    if let Some(limit) = ask.max_output {
        config.raw("maxOutputTokens", &limit.to_string());
    }
    if !ask.stop.is_empty() {
        config.open("stopSequences", b'[');
        for stop in &ask.stop {
            config.string("", stop);
        }
        config.close(b']');
    }
    match &ask.format {
        Some(Format::JsonObject) => config.word("responseMimeType", "application/json"),
        Some(Format::JsonSchema { schema, .. }) => {
            config.word("responseMimeType", "application/json");
            config.maybe_raw("responseJsonSchema", schema.as_ref());
        }
        None | Some(Format::Text | Format::Other(_)) => {}
    }
    for extra in &ask.extra {
        if CONFIG.contains(&&*extra.name.read()) {
            config.extras(std::slice::from_ref(extra));
        }
    }
    config.close(b'}');
    let config = config.finish();
    if config != b"{}" {
        out.raw("generationConfig", &String::from_utf8_lossy(&config));
    }
}
