//! Fits a request to what Gemini's `generateContent` can say: its parameters.

use std::borrow::Cow;

use crate::ask::{Ask, Extra, Format, Str, Thinking, Tool, ToolChoice};
use crate::dialect::Dialect;
use crate::dialect::anthropic::lift::thinking_of;
use crate::dialect::gemini::lower::CONFIG;
use crate::dialect::openai_chat::wire::{elements, members, string};
use crate::prompt::ReadError;
use crate::text::Path;

use super::to_anthropic::NO_PLACE;
use super::{Notes, gemini_thinking, to_gemini_turns, unsupported};

/// Most texts at which an answer may end.
const MAX_STOPS: usize = 5;

/// Members with no counterpart, and the values that wish for nothing.
pub(super) const REFUSED: [(&str, &[&str]); 10] = [
    ("prediction", &[]),
    ("audio", &[]),
    ("web_search_options", &[]),
    ("functions", &["[]"]),
    ("function_call", &[]),
    ("store", &["false"]),
    ("verbosity", &["\"medium\""]),
    ("container", &[]),
    ("mcp_servers", &["[]"]),
    ("context_management", &[]),
];
/// Hints that change no answer.
pub(super) const HINTS: [&str; 7] = [
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "cache_control",
    "betas",
    "anthropic_beta",
    "anthropic_version",
];
/// Google's own spelling of members that it knows in two.
const OWN: [(&str, &str); 7] = [
    ("safety_settings", "safetySettings"),
    ("cached_content", "cachedContent"),
    ("thinking_config", "thinkingConfig"),
    ("response_modalities", "responseModalities"),
    ("media_resolution", "mediaResolution"),
    ("speech_config", "speechConfig"),
    ("image_config", "imageConfig"),
];

pub(super) fn fit(ask: &mut Ask<'_>, from: Dialect, notes: &mut Notes) -> Result<(), ReadError> {
    let model = ask.model.read().into_owned();
    to_gemini_turns::fit(ask, (from, gemini_thinking::generation(&model)), notes)?;
    ask.stream_options = None;
    for (name, given) in [
        ("metadata", ask.metadata.take().is_some()),
        ("user", ask.user.take().is_some()),
    ] {
        if given {
            notes.drop(if from == Dialect::AnthropicMessages {
                "metadata"
            } else {
                name
            });
        }
    }
    if let Some(extra) = ask.output_extra.first() {
        return unsupported(format!("output_config.{}", extra.name.read()), NO_PLACE);
    }
    extras(ask, notes)?;
    numbers(ask, notes)?;
    format(ask, from, notes)?;
    service_tier(ask)?;
    tools(ask, from, notes)?;
    tool_choice(ask, from, notes)?;
    stops(ask, from)?;
    gemini_thinking::fit(ask, &model, notes)?;
    doubles(ask)
}

pub(super) fn stops(ask: &Ask<'_>, from: Dialect) -> Result<(), ReadError> {
    if ask.stop.len() <= MAX_STOPS {
        return Ok(());
    }
    let name = match from {
        Dialect::AnthropicMessages => "stop_sequences",
        _ => "stop",
    };
    unsupported(name, "must hold at most five texts for this model")
}

/// No member may be written twice.
fn doubles(ask: &Ask<'_>) -> Result<(), ReadError> {
    const WRITTEN: [&str; 6] = [
        "contents",
        "systemInstruction",
        "tools",
        "toolConfig",
        "generationConfig",
        "serviceTier",
    ];
    for (place, extra) in ask.extra.iter().enumerate() {
        let name = extra.name.read();
        let again = ask
            .extra
            .iter()
            .take(place)
            .any(|other| other.name == extra.name);
        if again || WRITTEN.contains(&&*name) {
            return unsupported(name, "is what the translation itself writes: send it once");
        }
    }
    Ok(())
}

/// The value without white space, to compare it with one.
pub(super) fn squeezed(raw: &str) -> String {
    raw.split_ascii_whitespace().collect()
}

fn extras(ask: &mut Ask<'_>, notes: &mut Notes) -> Result<(), ReadError> {
    let mut kept: Vec<Extra<'_>> = Vec::with_capacity(ask.extra.len());
    for mut extra in std::mem::take(&mut ask.extra) {
        let name = extra.name.read().into_owned();
        if let Some((name, neutral)) = REFUSED.iter().find(|(known, _)| *known == name) {
            if !neutral.contains(&&*squeezed(&extra.value)) {
                return unsupported(*name, NO_PLACE);
            }
            notes.drop(*name);
        } else if let Some(hint) = HINTS.iter().find(|hint| **hint == name) {
            notes.drop(*hint);
        } else if name == "thinking" {
            let mode = thinking_of(&extra.value, &Path::ROOT.key("thinking"))?;
            let raw = extra.value;
            ask.reasoning.thinking = Some(Thinking { mode, raw });
        } else if name == "modalities" {
            kept.extend(modalities(&extra.value)?);
        } else {
            if let Some((_, own)) = OWN.iter().find(|(known, _)| *known == name) {
                extra.name = Str::text(own);
            }
            kept.push(extra);
        }
    }
    ask.extra = kept;
    Ok(())
}

/// OpenAI's `modalities`; text alone is what happens anyway.
fn modalities(raw: &str) -> Result<Option<Extra<'static>>, ReadError> {
    let (mut image, mut other) = (false, false);
    elements(raw, |kind| match string(kind).as_deref() {
        Some("text") => {}
        Some("image") => image = true,
        _ => other = true,
    });
    if other {
        return unsupported("modalities", "may hold text and image for this model");
    }
    Ok(image.then(|| Extra {
        name: Str::text("responseModalities"),
        value: Cow::Borrowed(r#"["TEXT","IMAGE"]"#),
    }))
}

pub(super) fn numbers(ask: &mut Ask<'_>, notes: &mut Notes) -> Result<(), ReadError> {
    if let Some(raw) = ask.sampling.logit_bias.take() {
        if squeezed(&raw) != "{}" {
            return unsupported("logit_bias", NO_PLACE);
        }
        notes.drop("logit_bias");
    }
    // What happens anyway need not be said, and some models refuse the word.
    let sampling = &mut ask.sampling;
    let is = |wanted: f64| move |raw: &mut Cow<'_, str>| raw.parse::<f64>() == Ok(wanted);
    sampling.n.take_if(is(1.0));
    sampling.presence_penalty.take_if(is(0.0));
    sampling.frequency_penalty.take_if(is(0.0));
    sampling.top_logprobs.take_if(is(0.0));
    sampling.logprobs.take_if(|raw| *raw == "false");
    Ok(())
}

pub(super) fn format(ask: &mut Ask<'_>, from: Dialect, notes: &mut Notes) -> Result<(), ReadError> {
    let field = match from {
        Dialect::AnthropicMessages => "output_config.format",
        _ => "response_format",
    };
    match &ask.format {
        None | Some(Format::Text | Format::JsonObject) => {}
        Some(Format::JsonSchema { schema: None, .. }) => {
            return unsupported(format!("{field}.json_schema.schema"), "is missing");
        }
        Some(Format::JsonSchema {
            name,
            description,
            strict,
            ..
        }) => notes.keep_schema_only(name.is_some(), description.is_some(), *strict),
        Some(Format::Other(_)) => return unsupported(field, NO_PLACE),
    }
    Ok(())
}

fn service_tier(ask: &mut Ask<'_>) -> Result<(), ReadError> {
    let Some(tier) = ask.service_tier.take() else {
        return Ok(());
    };
    ask.service_tier = match &*tier.read() {
        "auto" => None,
        "default" | "standard_only" | "standard" => Some(Str::text("standard")),
        "flex" => Some(Str::text("flex")),
        "priority" => Some(Str::text("priority")),
        _ => {
            return unsupported(
                "service_tier",
                "must be auto, default, flex or priority for this model",
            );
        }
    };
    Ok(())
}

fn tools(ask: &mut Ask<'_>, from: Dialect, notes: &mut Notes) -> Result<(), ReadError> {
    for (index, tool) in ask.tools.iter_mut().enumerate() {
        match tool {
            Tool::Function(function) => {
                if function.marker.take().is_some() {
                    notes.drop("cache_control");
                }
                if function.strict.take() == Some(true) {
                    notes.drop(match from {
                        Dialect::AnthropicMessages => "tools[].strict",
                        _ => "tools[].function.strict",
                    });
                }
                notes.drop_extras("tools[].", &mut function.extra);
            }
            Tool::Other(raw) if is_native_tool(raw) => {}
            Tool::Other(_) => return unsupported(format!("tools[{index}].type"), NO_PLACE),
        }
    }
    Ok(())
}

/// Whether a tool is one of Gemini's own, such as `{"googleSearch":{}}`: they
/// have no type.
fn is_native_tool(raw: &str) -> bool {
    let (mut count, mut native) = (0, true);
    members(raw, |key, value| {
        count += 1;
        native &= !matches!(key, "type" | "name" | "function" | "custom");
        native &= value.starts_with(['{', '[']);
    });
    count > 0 && native
}

pub(super) fn tool_choice(
    ask: &mut Ask<'_>,
    from: Dialect,
    notes: &mut Notes,
) -> Result<(), ReadError> {
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
    let name = match from {
        Dialect::AnthropicMessages => "tool_choice.disable_parallel_tool_use",
        _ => "parallel_tool_calls",
    };
    // True is what happens anyway, and without tools nothing does.
    match ask.parallel_tool_calls.take() {
        Some(false) if !ask.tools.is_empty() => match ask.tool_choice {
            Some(ToolChoice::None) => {}
            // Of one tool that has to be called, clients take the first call.
            Some(ToolChoice::Function(_)) => notes.drop(name),
            _ => return unsupported(name, NO_PLACE),
        },
        _ => {}
    }
    Ok(())
}

/// Writes a member of `generationConfig`, unless the client has.
pub(super) fn set_config(ask: &mut Ask<'_>, name: &'static str, value: String) -> bool {
    debug_assert!(CONFIG.contains(&name));
    if ask.extra.iter().any(|extra| extra.name == *name) {
        return false;
    }
    ask.extra.push(Extra {
        name: Str::text(name),
        value: Cow::Owned(value),
    });
    true
}
