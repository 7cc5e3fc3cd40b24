//! Writes a request for `/api/chat` from the canonical form. A message there is one
//! text with its pictures beside it, and a result names its function.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::ask::{Ask, Extra, Format, Part, PartKind, Raw, Role, Source, Str, Tool, Turn, Writer};
use crate::dialect::anthropic::lower::is_object;
use crate::dialect::openai_chat::wire::members;

/// The member that holds how a model is run.
pub(crate) const OPTIONS: &str = "options";
/// Options that no other grammar has, by Ollama's names.
const OWN_OPTIONS: [&str; 24] = [
    "num_ctx",
    "num_predict",
    "num_keep",
    "num_batch",
    "num_gpu",
    "main_gpu",
    "num_thread",
    "num_gqa",
    "numa",
    "low_vram",
    "f16_kv",
    "vocab_only",
    "use_mmap",
    "use_mlock",
    "min_p",
    "typical_p",
    "tfs_z",
    "repeat_last_n",
    "repeat_penalty",
    "penalize_newline",
    "mirostat",
    "mirostat_tau",
    "mirostat_eta",
    "draft_num_predict",
];
/// What stands before the words of a tool that failed: there is no member for it.
const ERROR: &str = "Error: ";

/// The name of an option that stands among the members of a request, in whichever
/// grammar; none for other members.
pub(crate) fn option_name(name: &str) -> Option<&'static str> {
    const SHARED: [(&str, &str); 9] = [
        ("temperature", "temperature"),
        ("top_p", "top_p"),
        ("top_k", "top_k"),
        ("seed", "seed"),
        ("stop", "stop"),
        ("presence_penalty", "presence_penalty"),
        ("frequency_penalty", "frequency_penalty"),
        ("max_tokens", "num_predict"),
        ("max_completion_tokens", "num_predict"),
    ];
    let shared = SHARED.iter().find(|(known, _)| *known == name);
    let own = || OWN_OPTIONS.iter().find(|known| **known == name).copied();
    shared.map(|(_, own)| *own).or_else(own)
}

/// The whole body.
pub(crate) fn lower(ask: &Ask<'_>) -> Vec<u8> {
    let mut out = Writer::new(4096);
    out.open("", b'{');
    out.string("model", &ask.model);
    out.open("messages", b'[');
    let mut names = HashMap::new();
    for turn in &ask.turns {
        message(&mut out, turn, &mut names);
    }
    out.close(b']');
    tools(&mut out, ask);
    match &ask.format {
        Some(Format::JsonObject) => out.word("format", "json"),
        Some(Format::JsonSchema { schema, .. }) => out.maybe_raw("format", schema.as_ref()),
        None | Some(Format::Text | Format::Other(_)) => {}
    }
    let options = options(ask);
    if !options.is_empty() {
        out.raw(OPTIONS, &object(&options));
    }
    out.maybe_raw("logprobs", ask.sampling.logprobs.as_ref());
    out.maybe_raw("top_logprobs", ask.sampling.top_logprobs.as_ref());
    // Without a word it streams.
    out.flag("stream", ask.stream);
    for extra in &ask.extra {
        if !is_option(extra) {
            out.extras(std::slice::from_ref(extra));
        }
    }
    out.close(b'}');
    out.finish()
}

fn is_option(extra: &Extra<'_>) -> bool {
    let name = extra.name.read();
    name == OPTIONS || OWN_OPTIONS.contains(&&*name)
}

/// How the model shall be run, in Ollama's names: what every grammar knows, then
/// what the client says in Ollama's own.
pub(crate) fn options<'a>(ask: &'a Ask<'_>) -> Vec<(Cow<'a, str>, Raw<'a>)> {
    let sampling = &ask.sampling;
    let mut all: Vec<(Cow<'a, str>, Raw<'a>)> = Vec::new();
    for (name, value) in [
        ("temperature", &sampling.temperature),
        ("top_p", &sampling.top_p),
        ("top_k", &sampling.top_k),
        ("seed", &sampling.seed),
        ("presence_penalty", &sampling.presence_penalty),
        ("frequency_penalty", &sampling.frequency_penalty),
    ] {
        all.extend(value.as_deref().map(|raw| (name.into(), raw.into())));
    }
    if let Some(limit) = ask.max_output {
        all.push(("num_predict".into(), limit.to_string().into()));
    }
    if !ask.stop.is_empty() {
        let texts: Vec<&str> = ask.stop.iter().map(Str::raw).collect();
        let list = format!("[\"{}\"]", texts.join("\",\""));
        all.push(("stop".into(), list.into()));
    }
    for extra in &ask.extra {
        if extra.name == *OPTIONS {
            members(&extra.value, |name, value| {
                all.push((name.to_owned().into(), value.into()));
            });
        } else if is_option(extra) {
            all.push((extra.name.read(), (&*extra.value).into()));
        }
    }
    all
}

/// One JSON object of these members.
pub(crate) fn object(members: &[(Cow<'_, str>, Raw<'_>)]) -> String {
    let mut out = Writer::new(128);
    out.open("", b'{');
    for (name, value) in members {
        out.extras(&[Extra {
            name: Str::text(name),
            value: Cow::Borrowed(value),
        }]);
    }
    out.close(b'}');
    String::from_utf8(out.finish()).unwrap_or_default()
}

/// The messages of a turn: its results, one each, and what else there is. `names`
/// are those of the functions, by the ids of the calls before.
fn message<'n>(
    out: &mut Writer,
    turn: &'n Turn<'_>,
    names: &mut HashMap<Cow<'n, str>, &'n Str<'n>>,
) {
    let mut results = false;
    for part in &turn.parts {
        match &part.kind {
            PartKind::ToolCall { id, name, .. } => {
                names.insert(id.read(), name);
            }
            PartKind::ToolResult {
                call_id,
                parts,
                is_error,
            } => {
                results = true;
                out.open("", b'{');
                out.word("role", "tool");
                let failed = *is_error == Some(true);
                content(out, parts, if failed { ERROR } else { "" });
                if let Some(name) = names.get(&call_id.read()) {
                    out.string("tool_name", name);
                }
                out.close(b'}');
            }
            _ => {}
        }
    }
    if results && !turn.parts.iter().any(|part| part.kind.is_content()) {
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
    content(out, &turn.parts, "");
    let thoughts = joined(&turn.parts, |part| match &part.kind {
        PartKind::Thinking { text, .. } => Some(text),
        _ => None,
    });
    if !thoughts.is_empty() {
        out.joined("thinking", &[&thoughts]);
    }
    images(out, &turn.parts);
    calls(out, &turn.parts);
    out.close(b'}');
}

/// The one text of these parts, as JSON spells it.
fn joined<'p, 'a>(
    parts: &'p [Part<'a>],
    text: impl Fn(&'p Part<'a>) -> Option<&'p Str<'a>>,
) -> Cow<'p, str> {
    let mut texts = parts.iter().filter_map(text).map(Str::raw);
    let first = texts.next().unwrap_or_default();
    let mut all = Cow::Borrowed(first);
    for text in texts {
        let all = all.to_mut();
        all.push_str("\\n");
        all.push_str(text);
    }
    all
}

fn content(out: &mut Writer, parts: &[Part<'_>], prefix: &str) {
    let text = joined(parts, |part| match &part.kind {
        PartKind::Text(text) | PartKind::Refusal(text) => Some(text),
        _ => None,
    });
    let prefix = if text.is_empty() {
        prefix.trim_end()
    } else {
        prefix
    };
    out.joined("content", &[prefix, &text]);
}

fn images(out: &mut Writer, parts: &[Part<'_>]) {
    let mut images = parts.iter().filter_map(|part| match &part.kind {
        PartKind::Image(Source::Base64 { data, .. }) => Some(data),
        _ => None,
    });
    let Some(first) = images.next() else { return };
    out.open("images", b'[');
    for data in std::iter::once(first).chain(images) {
        out.string("", data);
    }
    out.close(b']');
}

fn calls(out: &mut Writer, parts: &[Part<'_>]) {
    let mut calls = parts.iter().filter_map(|part| match &part.kind {
        PartKind::ToolCall {
            name, arguments, ..
        } => Some((name, arguments)),
        _ => None,
    });
    let Some(first) = calls.next() else { return };
    out.open("tool_calls", b'[');
    for (name, arguments) in std::iter::once(first).chain(calls) {
        out.open("", b'{');
        out.open("function", b'{');
        out.string("name", name);
        let json = arguments.read();
        out.raw("arguments", if is_object(&json) { &json } else { "{}" });
        out.close(b'}');
        out.close(b'}');
    }
    out.close(b']');
}

fn tools(out: &mut Writer, ask: &Ask<'_>) {
    if ask.tools.is_empty() {
        return;
    }
    out.open("tools", b'[');
    for tool in &ask.tools {
        let Tool::Function(function) = tool else {
            continue;
        };
        out.open("", b'{');
        out.word("type", "function");
        out.open("function", b'{');
        out.string("name", &function.name);
        out.maybe_string("description", function.description.as_ref());
        out.maybe_raw("parameters", function.schema.as_ref());
        out.close(b'}');
        out.close(b'}');
    }
    out.close(b']');
}
