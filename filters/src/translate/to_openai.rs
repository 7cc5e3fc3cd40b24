//! Fits an Anthropic request to what OpenAI's chat completions can say: its
//! parameters.

use crate::ask::{Ask, Format, Str, Tool, ToolChoice};
use crate::prompt::ReadError;

use super::{Notes, Translation, refuse_doubles, thinking, to_openai_turns, unsupported};

const NO_PLACE: &str = "has no counterpart at this model's provider: leave it out, or ask a \
                        model of Anthropic";

/// Members that only Anthropic's servers can act on.
const REFUSED: [&str; 3] = ["container", "mcp_servers", "context_management"];
/// Members that change no answer elsewhere.
const HINTS: [&str; 4] = [
    "cache_control",
    "betas",
    "anthropic_beta",
    "anthropic_version",
];

pub(super) fn fit(
    ask: &mut Ask<'_>,
    how: &Translation<'_>,
    notes: &mut Notes,
) -> Result<(), ReadError> {
    to_openai_turns::fit(ask, how.keep_reasoning, notes)?;
    extras(ask, notes)?;
    if ask.metadata.take().is_some() {
        notes.drop("metadata");
    }
    if let Some(extra) = ask.output_extra.first() {
        return unsupported(format!("output_config.{}", extra.name.read()), NO_PLACE);
    }
    thinking::to_openai(ask, notes)?;
    format(ask)?;
    service_tier(ask)?;
    tools(ask, notes)?;
    refuse_doubles(
        ask,
        &[
            ("stop", !ask.stop.is_empty()),
            ("response_format", ask.format.is_some()),
            ("reasoning_effort", ask.reasoning.effort.is_some()),
            ("max_completion_tokens", ask.max_output.is_some()),
            ("user", ask.user.is_some()),
            ("parallel_tool_calls", ask.parallel_tool_calls.is_some()),
        ],
    )
}

fn extras(ask: &mut Ask<'_>, notes: &mut Notes) -> Result<(), ReadError> {
    let mut kept = Vec::with_capacity(ask.extra.len());
    for extra in std::mem::take(&mut ask.extra) {
        let name = extra.name.read();
        if let Some(name) = REFUSED.iter().find(|known| **known == name) {
            return unsupported(*name, NO_PLACE);
        }
        match HINTS.iter().find(|hint| **hint == name) {
            Some(hint) => notes.drop(*hint),
            None => {
                drop(name);
                kept.push(extra);
            }
        }
    }
    ask.extra = kept;
    Ok(())
}

fn format(ask: &mut Ask<'_>) -> Result<(), ReadError> {
    match &mut ask.format {
        None => Ok(()),
        Some(Format::JsonSchema {
            name,
            schema: Some(_),
            strict,
            ..
        }) => {
            // OpenAI wants a name and Anthropic knows none; its answers always
            // follow the schema.
            *name = Some(Str::text("answer"));
            *strict = Some(true);
            Ok(())
        }
        Some(_) => unsupported("output_config.format", NO_PLACE),
    }
}

fn service_tier(ask: &mut Ask<'_>) -> Result<(), ReadError> {
    let Some(tier) = &ask.service_tier else {
        return Ok(());
    };
    let tier = match &*tier.read() {
        "auto" => "auto",
        "standard_only" => "default",
        _ => return unsupported("service_tier", "must be auto or standard_only"),
    };
    ask.service_tier = Some(Str::text(tier));
    Ok(())
}

pub(super) fn tools(ask: &mut Ask<'_>, notes: &mut Notes) -> Result<(), ReadError> {
    for (index, tool) in ask.tools.iter_mut().enumerate() {
        let Tool::Function(function) = tool else {
            return unsupported(
                format!("tools[{index}].type"),
                "is a tool that runs at Anthropic: leave it out, or ask a model of Anthropic",
            );
        };
        if function.marker.take().is_some() {
            notes.drop("cache_control");
        }
        notes.drop_extras("tools[].", &mut function.extra);
    }
    if let Some(ToolChoice::Other(_)) = ask.tool_choice {
        return unsupported("tool_choice", NO_PLACE);
    }
    if ask.tools.is_empty() {
        match ask.tool_choice.take() {
            None => {}
            Some(ToolChoice::Auto | ToolChoice::None) => notes.drop("tool_choice"),
            Some(_) => return unsupported("tool_choice", "wants a tool, but there are none"),
        }
        ask.parallel_tool_calls = None;
    }
    // True is what happens anyway.
    ask.parallel_tool_calls.take_if(|parallel| *parallel);
    Ok(())
}
