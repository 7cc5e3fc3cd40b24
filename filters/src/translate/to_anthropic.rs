//! Fits an OpenAI request to what Anthropic's Messages can say: its parameters.

use std::borrow::Cow;

use crate::ask::{Ask, Format, Function, Raw, Str, Tool, ToolChoice};
use crate::prompt::ReadError;

use super::common::{NO_PLACE, OPENAIS, TEXT_ALONE, is_settled, native_thinking, squeezed};
use super::generation::Generation;
use super::{Notes, Translation, refuse_doubles, thinking, to_anthropic_turns, unsupported};

/// Hints that change no answer.
const HINTS: [&str; 2] = ["prompt_cache_key", "prompt_cache_retention"];
/// Members of a tool that Anthropic itself knows.
const NATIVE_TOOL_MEMBERS: [&str; 4] = [
    "defer_loading",
    "eager_input_streaming",
    "input_examples",
    "allowed_callers",
];

pub(super) fn fit(
    ask: &mut Ask<'_>,
    how: &Translation<'_>,
    notes: &mut Notes,
) -> Result<(), ReadError> {
    let generation = Generation::of(&ask.model.read());
    to_anthropic_turns::fit(ask, notes)?;
    ask.max_output.get_or_insert(how.default_max_output);
    ask.stream_options = None;
    if ask.metadata.take().is_some() {
        notes.drop("metadata");
    }
    extras(ask, notes)?;
    numbers(ask, notes)?;
    sampling(ask, generation, notes)?;
    format(ask, notes)?;
    service_tier(ask)?;
    tools(ask, generation, notes)?;
    tool_choice(ask, notes)?;
    thinking::to_anthropic(ask, generation, notes)?;
    let has_system = ask
        .turns
        .first()
        .is_some_and(|t| t.role == crate::ask::Role::System);
    refuse_doubles(
        ask,
        &[
            ("system", has_system),
            ("stop_sequences", !ask.stop.is_empty()),
            (
                "output_config",
                ask.format.is_some() || ask.reasoning.effort.is_some(),
            ),
            ("output_format", ask.format.is_some()),
        ],
    )
}

fn extras(ask: &mut Ask<'_>, notes: &mut Notes) -> Result<(), ReadError> {
    let mut kept = Vec::with_capacity(ask.extra.len());
    let native_config = ask.extra.iter().any(|extra| extra.name == *"output_config");
    if native_config && ask.reasoning.effort.take().is_some() {
        notes.drop("reasoning_effort");
    }
    for extra in std::mem::take(&mut ask.extra) {
        if is_settled(&extra, &[OPENAIS, TEXT_ALONE], &HINTS, notes)? {
            continue;
        }
        let name = extra.name.read().into_owned();
        if name == "thinking" {
            ask.reasoning.thinking = Some(native_thinking(extra)?);
        } else if name == "safety_identifier" && extra.value.starts_with('"') {
            // The newer spelling of `user`, which goes before.
            if ask.user.is_some() {
                notes.drop("safety_identifier");
            } else {
                ask.user = Some(owned_string(&extra.value));
            }
        } else {
            kept.push(extra);
        }
    }
    ask.extra = kept;
    Ok(())
}

fn owned_string(raw: &str) -> Str<'static> {
    Str::text(&crate::json::decode(raw))
}

/// A number by its name, and whether a value of it wishes for nothing.
type Number<'f, 'a> = (
    &'static str,
    &'f mut Option<Raw<'a>>,
    &'f dyn Fn(&str) -> bool,
);

/// Numbers without a counterpart: refused, unless they wish for what happens anyway.
pub(super) fn numbers(ask: &mut Ask<'_>, notes: &mut Notes) -> Result<(), ReadError> {
    let sampling = &mut ask.sampling;
    let is = |wanted: f64| move |raw: &str| raw.parse::<f64>() == Ok(wanted);
    let never = |_: &str| false;
    let table: [Number<'_, '_>; 7] = [
        ("seed", &mut sampling.seed, &never),
        ("n", &mut sampling.n, &is(1.0)),
        ("presence_penalty", &mut sampling.presence_penalty, &is(0.0)),
        (
            "frequency_penalty",
            &mut sampling.frequency_penalty,
            &is(0.0),
        ),
        ("logit_bias", &mut sampling.logit_bias, &|raw| {
            squeezed(raw) == "{}"
        }),
        ("logprobs", &mut sampling.logprobs, &|raw| raw == "false"),
        ("top_logprobs", &mut sampling.top_logprobs, &is(0.0)),
    ];
    for (name, field, is_neutral) in table {
        let Some(raw) = field.take() else {
            continue;
        };
        if !is_neutral(&raw) {
            return unsupported(name, NO_PLACE);
        }
        notes.drop(name);
    }
    Ok(())
}

fn sampling(ask: &mut Ask<'_>, generation: Generation, notes: &mut Notes) -> Result<(), ReadError> {
    let sampling = &mut ask.sampling;
    if let Some(raw) = &sampling.temperature {
        match raw.parse::<f64>() {
            Ok(temperature) if temperature > 1.0 => {
                sampling.temperature = Some(Cow::Borrowed("1"));
                notes.drop("temperature");
            }
            Ok(_) => {}
            Err(_) => return unsupported("temperature", "must be a number"),
        }
    }
    if !generation.takes_sampling() {
        for (name, field) in [
            ("temperature", &mut sampling.temperature),
            ("top_p", &mut sampling.top_p),
            ("top_k", &mut sampling.top_k),
        ] {
            if field.take().is_some() {
                notes.drop(name);
            }
        }
    } else if generation.takes_one_of_both()
        && sampling.temperature.is_some()
        && sampling.top_p.take().is_some()
    {
        notes.drop("top_p");
    }
    Ok(())
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
        Some(Format::JsonSchema {
            name,
            description,
            strict,
            ..
        }) => notes.keep_schema_only(name.is_some(), description.is_some(), *strict),
        Some(Format::Other(_)) => return unsupported("response_format", NO_PLACE),
    }
    Ok(())
}

fn service_tier(ask: &mut Ask<'_>) -> Result<(), ReadError> {
    let Some(tier) = &ask.service_tier else {
        return Ok(());
    };
    let tier = match &*tier.read() {
        "auto" => "auto",
        "default" | "standard_only" => "standard_only",
        _ => return unsupported("service_tier", "must be auto or default for this model"),
    };
    ask.service_tier = Some(Str::text(tier));
    Ok(())
}

fn tools(ask: &mut Ask<'_>, generation: Generation, notes: &mut Notes) -> Result<(), ReadError> {
    for (index, tool) in ask.tools.iter_mut().enumerate() {
        match tool {
            Tool::Function(found) => function(found, generation, notes),
            Tool::Other(raw) if to_anthropic_turns::is_native_tool(raw) => {}
            Tool::Other(_) => return unsupported(format!("tools[{index}].type"), NO_PLACE),
        }
    }
    Ok(())
}

fn function(function: &mut Function<'_>, generation: Generation, notes: &mut Notes) {
    const NO_ARGUMENTS: &str = r#"{"type":"object","properties":{}}"#;
    function.schema.get_or_insert(Cow::Borrowed(NO_ARGUMENTS));
    match function.strict {
        Some(true) if !generation.takes_strict_tools() => {
            function.strict = None;
            notes.drop("tools[].function.strict");
        }
        Some(false) => function.strict = None,
        _ => {}
    }
    let mut kept = Vec::new();
    for extra in std::mem::take(&mut function.extra) {
        let name = extra.name.read();
        if NATIVE_TOOL_MEMBERS.contains(&&*name) {
            drop(name);
            kept.push(extra);
        } else if name == "cache_control" {
            function.marker.get_or_insert(extra.value);
        } else {
            drop(name);
            notes.drop_extras("tools[].function.", &mut vec![extra]);
        }
    }
    function.extra = kept;
}

fn tool_choice(ask: &mut Ask<'_>, notes: &mut Notes) -> Result<(), ReadError> {
    if let Some(ToolChoice::Other(_)) = ask.tool_choice {
        return unsupported("tool_choice", NO_PLACE);
    }
    if ask.tools.is_empty() {
        match ask.tool_choice.take() {
            None => {}
            Some(ToolChoice::Auto | ToolChoice::None) => notes.drop("tool_choice"),
            Some(_) => return unsupported("tool_choice", "wants a tool, but there are none"),
        }
    }
    match ask.parallel_tool_calls {
        None => {}
        Some(false) if !ask.tools.is_empty() => {
            let choice = ask.tool_choice.get_or_insert(ToolChoice::Auto);
            if *choice == ToolChoice::None {
                ask.parallel_tool_calls = None;
                notes.drop("parallel_tool_calls");
            }
        }
        Some(_) => {
            ask.parallel_tool_calls = None;
            notes.drop("parallel_tool_calls");
        }
    }
    Ok(())
}
