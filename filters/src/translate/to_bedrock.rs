//! Fits a request to what Bedrock's Converse can say: its parameters.

use std::borrow::Cow;

use crate::ask::{Ask, Extra, Format, Raw, Str, Tool, ToolChoice, Writer};
use crate::dialect::Dialect;
use crate::dialect::bedrock::lower::{ADDITIONAL, Family, called};
use crate::dialect::bedrock::lower_blocks::is_native_tool;
use crate::dialect::openai_chat::wire::members;
use crate::prompt::{ReadError, RequestPatch};

use super::common::{self, ANTHROPICS, NO_PLACE, OPENAIS, TEXT_ALONE, is_settled, native_thinking};
use super::generation::Generation;
use super::to_anthropic::numbers;
use super::{Notes, Translation, refuse_doubles, thinking, to_bedrock_turns, unsupported};

/// Converse's own members, which pass as they are.
const OWN: [&str; 8] = [
    ADDITIONAL,
    "additionalModelResponseFieldPaths",
    "guardrailConfig",
    "outputConfig",
    "performanceConfig",
    "promptVariables",
    "requestMetadata",
    "serviceTier",
];
/// Hints that change no answer.
const HINTS: [&str; 5] = [
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "anthropic_version",
    "cache_control",
];
/// Names under which Alfred itself limits an answer.
const LIMITS: [&str; 2] = ["max_tokens", "max_completion_tokens"];

pub(super) fn fit(
    ask: &mut Ask<'_>,
    from: Dialect,
    how: &Translation<'_>,
    notes: &mut Notes,
) -> Result<(), ReadError> {
    let model = ask.model.read().into_owned();
    let family = Family::of(&model);
    to_bedrock_turns::fit(ask, from, notes)?;
    ask.stream_options = None;
    common::forget_who(ask, from, notes);
    extras(ask, from, family, notes)?;
    numbers(ask, notes)?;
    limit(ask, how);
    temperature(ask, notes)?;
    format(ask, notes)?;
    service_tier(ask)?;
    tools(ask, notes)?;
    tool_choice(ask, family, notes)?;
    let generation = Generation::of(&model);
    match family {
        Family::Claude => claude(ask, from, how, generation, notes)?,
        _ => effort(ask, family, notes)?,
    }
    refuse_doubles(
        ask,
        &[
            ("outputConfig", ask.format.is_some()),
            ("serviceTier", ask.service_tier.is_some()),
        ],
    )
}

/// What of a patch is of Converse's grammar: the limits stand elsewhere, the model
/// in the address.
pub(super) fn patch_of<'a>(
    patch: &RequestPatch<'a>,
    kept: &'a [(&'a str, &'a str)],
) -> RequestPatch<'a> {
    RequestPatch {
        set: kept,
        remove: patch.remove,
        ..RequestPatch::default()
    }
}

/// The members to set, without those that limit the answer.
pub(super) fn without_limits<'a>(patch: &RequestPatch<'a>) -> Vec<(&'a str, &'a str)> {
    let set = patch.set.iter().copied();
    set.filter(|(name, _)| !LIMITS.contains(name)).collect()
}

/// Alfred's own limit of the answer goes before the client's.
fn limit(ask: &mut Ask<'_>, how: &Translation<'_>) {
    let set = how.patch.set.iter();
    let mut limits = set.filter(|(name, _)| LIMITS.contains(name));
    if let Some(limit) = limits.find_map(|(_, raw)| raw.parse().ok()) {
        ask.max_output = Some(limit);
    }
}

/// Members that no field holds. What is of Anthropic's own grammar goes to a
/// Claude as one of its additional fields.
fn extras(
    ask: &mut Ask<'_>,
    from: Dialect,
    family: Family,
    notes: &mut Notes,
) -> Result<(), ReadError> {
    let claude = from == Dialect::AnthropicMessages && family == Family::Claude;
    let refused: &[&[_]] = match claude {
        true => &[],
        false => &[OPENAIS, TEXT_ALONE, ANTHROPICS],
    };
    let (mut kept, mut fields) = (Vec::new(), Vec::new());
    let mut given: Option<Raw<'_>> = None;
    for extra in std::mem::take(&mut ask.extra) {
        if is_settled(&extra, refused, &HINTS, notes)? {
            continue;
        }
        let name = extra.name.read().into_owned();
        if name == ADDITIONAL {
            if !extra.value.starts_with('{') {
                return unsupported(name, "must be an object");
            }
            given = Some(extra.value);
        } else if name == "thinking" {
            ask.reasoning.thinking = Some(native_thinking(extra)?);
        } else if claude && !OWN.contains(&&*name) {
            fields.push(extra);
        } else {
            kept.push(extra);
        }
    }
    if given.is_some() || !fields.is_empty() {
        kept.push(Extra {
            name: Str::text(ADDITIONAL),
            value: joined(given.as_deref(), &fields),
        });
    }
    ask.extra = kept;
    Ok(())
}

/// One object of the members of another and of these.
fn joined<'a>(object: Option<&str>, fields: &[Extra<'_>]) -> Raw<'a> {
    let mut all = Writer::new(256);
    all.open("", b'{');
    members(object.unwrap_or_default(), |key, value| {
        all.extras(&[Extra {
            name: Str::text(key),
            value: Cow::Borrowed(value),
        }]);
    });
    all.extras(fields);
    all.close(b'}');
    Cow::Owned(String::from_utf8(all.finish()).unwrap_or_default())
}

fn temperature(ask: &mut Ask<'_>, notes: &mut Notes) -> Result<(), ReadError> {
    let Some(raw) = &ask.sampling.temperature else {
        return Ok(());
    };
    match raw.parse::<f64>() {
        Ok(temperature) if temperature > 1.0 => {
            ask.sampling.temperature = Some(Cow::Borrowed("1"));
            notes.drop("temperature");
            Ok(())
        }
        Ok(temperature) if temperature < 0.0 => {
            ask.sampling.temperature = Some(Cow::Borrowed("0"));
            notes.drop("temperature");
            Ok(())
        }
        Ok(_) => Ok(()),
        Err(_) => unsupported("temperature", "must be a number"),
    }
}

fn format(ask: &mut Ask<'_>, notes: &mut Notes) -> Result<(), ReadError> {
    match &ask.format {
        None => {}
        Some(Format::Text | Format::JsonObject) => {
            ask.format = None;
            notes.drop("response_format");
        }
        Some(Format::JsonSchema { schema: None, .. }) => {
            return unsupported("response_format.json_schema.schema", "is missing");
        }
        // Answers always follow the schema there.
        Some(Format::JsonSchema {
            strict: Some(false),
            ..
        }) => notes.drop("response_format.json_schema.strict"),
        Some(Format::JsonSchema { .. }) => {}
        Some(Format::Other(_)) => return unsupported("response_format", NO_PLACE),
    }
    Ok(())
}

fn service_tier(ask: &mut Ask<'_>) -> Result<(), ReadError> {
    let Some(tier) = ask.service_tier.take() else {
        return Ok(());
    };
    ask.service_tier = match &*tier.read() {
        "auto" => None,
        "default" | "standard_only" | "standard" => Some(Str::text("default")),
        word @ ("flex" | "priority" | "reserved") => Some(Str::text(word)),
        _ => {
            return unsupported(
                "service_tier",
                "must be auto, default, flex, priority or reserved for this model",
            );
        }
    };
    Ok(())
}

fn tools(ask: &mut Ask<'_>, notes: &mut Notes) -> Result<(), ReadError> {
    for (index, tool) in ask.tools.iter_mut().enumerate() {
        match tool {
            Tool::Function(function) => {
                if function.strict == Some(false) {
                    function.strict = None;
                }
                let mut rest = Vec::new();
                for extra in std::mem::take(&mut function.extra) {
                    if extra.name == *"cache_control" {
                        function.marker.get_or_insert(extra.value);
                    } else {
                        rest.push(extra);
                    }
                }
                notes.drop_extras("tools[].function.", &mut rest);
            }
            Tool::Other(raw) if is_native_tool(raw) => {}
            Tool::Other(_) => return unsupported(format!("tools[{index}].type"), NO_PLACE),
        }
    }
    Ok(())
}

/// Converse has no word for "call none": without tools the model calls none. But a
/// history with calls needs them.
fn tool_choice(ask: &mut Ask<'_>, family: Family, notes: &mut Notes) -> Result<(), ReadError> {
    match &ask.tool_choice {
        Some(ToolChoice::Other(_)) => return unsupported("tool_choice", NO_PLACE),
        Some(ToolChoice::None) => {
            ask.tool_choice = None;
            if called(ask).is_empty() {
                ask.tools.clear();
            } else {
                notes.drop("tool_choice");
            }
        }
        Some(ToolChoice::Auto) if ask.tools.is_empty() => {
            ask.tool_choice = None;
            notes.drop("tool_choice");
        }
        Some(_) if ask.tools.is_empty() => {
            return unsupported("tool_choice", "wants a tool, but there are none");
        }
        _ => {}
    }
    match ask.parallel_tool_calls {
        None => {}
        Some(false) if !ask.tools.is_empty() && family == Family::Claude => {}
        // Of one tool that has to be called, clients take the first call.
        Some(false)
            if !ask.tools.is_empty()
                && !matches!(ask.tool_choice, Some(ToolChoice::Function(_))) =>
        {
            return unsupported("parallel_tool_calls", "cannot be false for this model");
        }
        Some(_) => {
            ask.parallel_tool_calls = None;
            notes.drop("parallel_tool_calls");
        }
    }
    Ok(())
}

fn claude(
    ask: &mut Ask<'_>,
    from: Dialect,
    how: &Translation<'_>,
    generation: Generation,
    notes: &mut Notes,
) -> Result<(), ReadError> {
    if !generation.takes_sampling() {
        for (name, field) in [
            ("temperature", &mut ask.sampling.temperature),
            ("top_p", &mut ask.sampling.top_p),
            ("top_k", &mut ask.sampling.top_k),
        ] {
            if field.take().is_some() {
                notes.drop(name);
            }
        }
    } else if generation.takes_one_of_both()
        && ask.sampling.temperature.is_some()
        && ask.sampling.top_p.take().is_some()
    {
        notes.drop("top_p");
    }
    if from == Dialect::AnthropicMessages {
        // It speaks of thinking as the model itself does.
        return Ok(());
    }
    if ask.reasoning.effort.is_some() {
        ask.max_output.get_or_insert(how.default_max_output);
    }
    thinking::to_anthropic(ask, generation, notes)
}

/// Effort for models that are no Claude.
fn effort(ask: &mut Ask<'_>, family: Family, notes: &mut Notes) -> Result<(), ReadError> {
    common::refuse_output_extras(ask)?;
    thinking::off_as_effort(ask);
    thinking::to_openai(ask, notes)?;
    let Some(word) = ask.reasoning.effort.take() else {
        return Ok(());
    };
    let known = match (&*word.read(), family) {
        ("none", Family::Nova) => "none",
        ("none" | "minimal" | "low", Family::Nova | Family::Gpt) => "low",
        ("medium", Family::Nova | Family::Gpt) => "medium",
        ("high" | "xhigh" | "max", Family::Nova | Family::Gpt) => "high",
        _ => {
            notes.drop("reasoning_effort");
            return Ok(());
        }
    };
    if word != *known {
        notes.drop("reasoning_effort");
    }
    ask.reasoning.effort = Some(Str::text(known));
    Ok(())
}
