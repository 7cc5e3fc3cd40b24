//! Writes a request for Converse from the canonical form. Model and stream stand
//! in the address.

use crate::ask::{
    Ask, Extra, Format, Function, PartKind, Raw, Role, Str, Tool, ToolChoice, Writer,
};
use crate::dialect::openai_chat::wire::members;

use super::lower_blocks::{block, cache_point, native};

/// The member for what only some models know.
pub(crate) const ADDITIONAL: &str = "additionalModelRequestFields";
const NO_ARGUMENTS: &str = r#"{"type":"object","properties":{}}"#;

/// Whose model a name stands for: they differ in what they take beside Converse's
/// own members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// Anthropic's.
    Claude,
    /// Amazon's own.
    Nova,
    /// OpenAI's open weights.
    Gpt,
    /// Everybody else's, and profiles whose name tells nothing.
    Other,
}

impl Family {
    pub(crate) fn of(model: &str) -> Family {
        if model.contains("claude") {
            Family::Claude
        } else if model.contains("amazon.nova") {
            Family::Nova
        } else if model.contains("openai.") {
            Family::Gpt
        } else {
            Family::Other
        }
    }
}

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
        out.open("system", b'[');
        for part in system.iter().flat_map(|turn| &turn.parts) {
            block(&mut out, part);
        }
        out.close(b']');
    }
    out.open("messages", b'[');
    for turn in turns {
        out.open("", b'{');
        let is_model = turn.role == Role::Assistant;
        out.word("role", if is_model { "assistant" } else { "user" });
        out.open("content", b'[');
        for part in &turn.parts {
            block(&mut out, part);
        }
        out.close(b']');
        out.close(b'}');
    }
    out.close(b']');
    inference(&mut out, ask);
    tools(&mut out, ask);
    output(&mut out, ask);
    if let Some(tier) = &ask.service_tier {
        out.open("serviceTier", b'{');
        out.string("type", tier);
        out.close(b'}');
    }
    additional(&mut out, ask);
    for extra in &ask.extra {
        if extra.name != *ADDITIONAL {
            out.extras(std::slice::from_ref(extra));
        }
    }
    out.close(b'}');
    out.finish()
}

fn inference(out: &mut Writer, ask: &Ask<'_>) {
    let sampling = &ask.sampling;
    let says_nothing = ask.max_output.is_none()
        && sampling.temperature.is_none()
        && sampling.top_p.is_none()
        && ask.stop.is_empty();
    if says_nothing {
        return;
    }
    out.open("inferenceConfig", b'{');
    if let Some(limit) = ask.max_output {
        out.raw("maxTokens", &limit.to_string());
    }
    out.maybe_raw("temperature", sampling.temperature.as_ref());
    out.maybe_raw("topP", sampling.top_p.as_ref());
    if !ask.stop.is_empty() {
        out.open("stopSequences", b'[');
        for stop in &ask.stop {
            out.string("", stop);
        }
        out.close(b']');
    }
    out.close(b'}');
}

/// The tools. A history with calls needs some even where the client gives none
/// now: those it calls are then given by their names.
fn tools(out: &mut Writer, ask: &Ask<'_>) {
    let mut made: Vec<Tool<'_>> = Vec::new();
    let list = if ask.tools.is_empty() {
        for name in called(ask) {
            made.push(Tool::Function(Function {
                name: name.clone(),
                ..Function::default()
            }));
        }
        &made
    } else {
        &ask.tools
    };
    if list.is_empty() {
        return;
    }
    out.open("toolConfig", b'{');
    out.open("tools", b'[');
    for tool in list {
        match tool {
            Tool::Function(function) => spec(out, function),
            Tool::Other(raw) => native(out, raw),
        }
    }
    out.close(b']');
    let choice = match &ask.tool_choice {
        // Said in a Claude's own words below.
        _ if ask.parallel_tool_calls == Some(false) => None,
        Some(ToolChoice::Auto) => Some("auto"),
        Some(ToolChoice::Required) => Some("any"),
        Some(ToolChoice::Function(_)) => Some("tool"),
        Some(ToolChoice::None | ToolChoice::Other(_)) | None => None,
    };
    if let Some(word) = choice {
        out.open("toolChoice", b'{');
        out.open(word, b'{');
        if let Some(ToolChoice::Function(name)) = &ask.tool_choice {
            out.string("name", name);
        }
        out.close(b'}');
        out.close(b'}');
    }
    out.close(b'}');
}

/// The tools that the history calls, each once.
pub(crate) fn called<'p, 'a>(ask: &'p Ask<'a>) -> Vec<&'p Str<'a>> {
    let mut names: Vec<&Str<'a>> = Vec::new();
    for part in ask.turns.iter().flat_map(|turn| &turn.parts) {
        if let PartKind::ToolCall { name, .. } = &part.kind
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    names
}

fn spec(out: &mut Writer, function: &Function<'_>) {
    out.open("", b'{');
    out.open("toolSpec", b'{');
    out.string("name", &function.name);
    // An empty description is refused there.
    let description = function.description.as_ref();
    out.maybe_string("description", description.filter(|text| !text.is_blank()));
    out.open("inputSchema", b'{');
    let schema = function.schema.as_ref();
    out.raw("json", schema.map_or(NO_ARGUMENTS, |schema| schema));
    out.close(b'}');
    if let Some(strict) = function.strict {
        out.flag("strict", strict);
    }
    out.close(b'}');
    out.close(b'}');
    if let Some(marker) = &function.marker {
        cache_point(out, marker);
    }
}

fn output(out: &mut Writer, ask: &Ask<'_>) {
    let Some(Format::JsonSchema {
        name,
        description,
        schema: Some(schema),
        ..
    }) = &ask.format
    else {
        return;
    };
    out.open("outputConfig", b'{');
    out.open("textFormat", b'{');
    out.word("type", "json_schema");
    out.open("structure", b'{');
    out.open("jsonSchema", b'{');
    // The schema is a text there.
    out.text("schema", schema);
    match name {
        Some(name) => out.string("name", name),
        None => out.word("name", "response"),
    }
    out.maybe_string("description", description.as_ref());
    for _ in 0..4 {
        out.close(b'}');
    }
}

/// What Converse has no member for: the client's own list goes before.
fn additional(out: &mut Writer, ask: &Ask<'_>) {
    let given = ask.extra.iter().find(|extra| extra.name == *ADDITIONAL);
    let mut fields: Vec<Extra<'_>> = Vec::new();
    if let Some(given) = given {
        members(&given.value, |key, value| {
            fields.push(Extra {
                name: Str::text(key),
                value: Raw::Owned(value.to_owned()),
            });
        });
    }
    let family = Family::of(&ask.model.read());
    for (name, value) in own_fields(ask, family) {
        if !fields.iter().any(|field| field.name == *name) {
            fields.push(Extra {
                name: Str::text(name),
                value: Raw::Owned(value),
            });
        }
    }
    if !fields.is_empty() {
        out.open(ADDITIONAL, b'{');
        out.extras(&fields);
        out.close(b'}');
    }
}

/// Numbers and wishes in the words of the model's maker.
fn own_fields(ask: &Ask<'_>, family: Family) -> Vec<(&'static str, String)> {
    let mut fields = Vec::new();
    if let Some(top_k) = &ask.sampling.top_k {
        match family {
            Family::Nova => fields.push(("inferenceConfig", format!(r#"{{"topK":{top_k}}}"#))),
            _ => fields.push(("top_k", top_k.to_string())),
        }
    }
    let effort = ask.reasoning.effort.as_ref().map(Str::raw);
    match (family, effort) {
        (Family::Nova, Some("none")) => {
            fields.push(("reasoningConfig", r#"{"type":"disabled"}"#.to_owned()));
        }
        (Family::Nova, Some(word)) => {
            let config = format!(r#"{{"type":"enabled","maxReasoningEffort":"{word}"}}"#);
            fields.push(("reasoningConfig", config));
        }
        (Family::Gpt, Some(word)) => fields.push(("reasoning_effort", format!("\"{word}\""))),
        _ => {}
    }
    if family != Family::Claude {
        return fields;
    }
    if let Some(thinking) = &ask.reasoning.thinking {
        fields.push(("thinking", thinking.raw.to_string()));
    }
    if effort.is_some() || !ask.output_extra.is_empty() {
        let mut config = Writer::new(64);
        config.open("", b'{');
        config.maybe_string("effort", ask.reasoning.effort.as_ref());
        config.extras(&ask.output_extra);
        config.close(b'}');
        fields.push(("output_config", text(config)));
    }
    if ask.parallel_tool_calls == Some(false) {
        let mut choice = Writer::new(64);
        choice.open("", b'{');
        choice.word(
            "type",
            match &ask.tool_choice {
                Some(ToolChoice::Required) => "any",
                Some(ToolChoice::Function(_)) => "tool",
                _ => "auto",
            },
        );
        if let Some(ToolChoice::Function(name)) = &ask.tool_choice {
            choice.string("name", name);
        }
        choice.flag("disable_parallel_tool_use", true);
        choice.close(b'}');
        fields.push(("tool_choice", text(choice)));
    }
    fields
}

fn text(writer: Writer) -> String {
    String::from_utf8(writer.finish()).unwrap_or_default()
}
