//! Fits a request to what Ollama's own API can say: its parameters. How a model is
//! run stands in `options`; who asks there in Ollama's own names is understood.

use std::borrow::Cow;

use crate::ask::{Ask, Extra, Format, Str, Tool, ToolChoice};
use crate::dialect::Dialect;
use crate::dialect::ollama::lower::{OPTIONS, object, option_name, options};
use crate::dialect::openai_chat::wire::members;
use crate::prompt::{ReadError, RequestPatch};

use super::common::{
    self, ANTHROPICS, HINTS, NO_PLACE, OPENAIS, TEXT_ALONE, is_settled, native_thinking, squeezed,
};
use super::{Notes, Translation, refuse_doubles, thinking, to_ollama_turns, unsupported};

const LIMIT: &str = "num_predict";

pub(super) fn fit(
    ask: &mut Ask<'_>,
    from: Dialect,
    how: &Translation<'_>,
    notes: &mut Notes,
) -> Result<(), ReadError> {
    to_ollama_turns::fit(ask, (from, how.keep_reasoning), notes)?;
    ask.stream_options = None;
    common::forget_who(ask, from, notes);
    common::refuse_output_extras(ask)?;
    extras(ask, how, notes)?;
    numbers(ask, notes)?;
    // What happens anyway.
    ask.format.take_if(|format| matches!(format, Format::Text));
    common::format(ask, from, notes)?;
    service_tier(ask, notes)?;
    tools(ask, from, notes)?;
    tool_choice(ask, from, notes)?;
    think(ask, notes)?;
    refuse_doubles(ask, &[("format", ask.format.is_some())])?;
    let options = options(ask);
    for (place, (name, _)) in options.iter().enumerate() {
        if options.iter().take(place).any(|(other, _)| other == name) {
            let name: String = name.chars().take(64).collect();
            return unsupported(
                format!("{OPTIONS}.{name}"),
                "is given twice: send it once, in either spelling",
            );
        }
    }
    Ok(())
}

/// What of a patch is of Ollama's grammar: its options join those of the request,
/// and go before them. Where the answer is limited, nothing lengthens it.
pub(super) fn set_of<'a>(ask: &Ask<'_>, how: &Translation<'a>) -> Vec<(&'a str, Cow<'a, str>)> {
    let mut set = Vec::new();
    let mut forced: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
    for (name, raw) in how.patch.set {
        match (option_name(name), *name) {
            (Some(option), _) => forced.push((option.into(), (*raw).into())),
            (None, OPTIONS) => members(raw, |name, value| {
                forced.push((name.to_owned().into(), value.into()));
            }),
            (None, name) => set.push((name, Cow::Borrowed(*raw))),
        }
    }
    forced.retain(|(name, _)| name != LIMIT || how.most_output.is_none());
    if forced.is_empty() {
        return set;
    }
    let mut all = options(ask);
    all.retain(|(name, _)| forced.iter().all(|(other, _)| other != name));
    all.extend(forced);
    set.push((OPTIONS, Cow::Owned(object(&all))));
    set
}

/// The patch that sets these members.
pub(super) fn patch_of<'a>(
    patch: &RequestPatch<'a>,
    set: &'a [(&'a str, &'a str)],
) -> RequestPatch<'a> {
    RequestPatch {
        set,
        remove: patch.remove,
        ..RequestPatch::default()
    }
}

fn extras(ask: &mut Ask<'_>, how: &Translation<'_>, notes: &mut Notes) -> Result<(), ReadError> {
    let mut kept: Vec<Extra<'_>> = Vec::with_capacity(ask.extra.len());
    for mut extra in std::mem::take(&mut ask.extra) {
        if is_settled(&extra, &[OPENAIS, TEXT_ALONE, ANTHROPICS], HINTS, notes)? {
            continue;
        }
        let name = extra.name.read().into_owned();
        if name == "thinking" {
            ask.reasoning.thinking = Some(native_thinking(extra)?);
        } else if name == OPTIONS && !extra.value.starts_with('{') {
            return unsupported(OPTIONS, "must be an object");
        } else if how.most_output.is_none() || !matches!(&*name, LIMIT | OPTIONS) {
            kept.push(extra);
        } else if name == OPTIONS {
            extra.value = Cow::Owned(without_limit(&extra.value, &mut ask.max_output));
            kept.push(extra);
        } else {
            shorten(&mut ask.max_output, &extra.value);
        }
    }
    ask.extra = kept;
    Ok(())
}

/// What the purse can pay is the limit, unless the client wants less.
fn shorten(limit: &mut Option<u64>, wanted: &str) {
    if let (Some(limit), Ok(wanted)) = (limit, wanted.parse::<u64>()) {
        *limit = wanted.min(*limit);
    }
}

/// The options without their limit of the answer, which joins that one.
fn without_limit(options: &str, limit: &mut Option<u64>) -> String {
    let mut kept: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
    members(options, |name, value| match name {
        LIMIT => shorten(limit, value),
        _ => kept.push((name.to_owned().into(), value.into())),
    });
    object(&kept)
}

fn numbers(ask: &mut Ask<'_>, notes: &mut Notes) -> Result<(), ReadError> {
    let sampling = &mut ask.sampling;
    for (name, field, neutral) in [
        ("n", &mut sampling.n, "1"),
        ("logit_bias", &mut sampling.logit_bias, "{}"),
    ] {
        let Some(raw) = field.take() else { continue };
        if squeezed(&raw) != neutral {
            return unsupported(name, NO_PLACE);
        }
        notes.drop(name);
    }
    // What happens anyway need not be said.
    sampling.logprobs.take_if(|raw| *raw == "false");
    sampling.top_logprobs.take_if(|raw| *raw == "0");
    Ok(())
}

fn service_tier(ask: &mut Ask<'_>, notes: &mut Notes) -> Result<(), ReadError> {
    let Some(tier) = ask.service_tier.take() else {
        return Ok(());
    };
    if !matches!(&*tier.read(), "auto" | "default" | "standard_only") {
        return unsupported("service_tier", "must be auto or default for this model");
    }
    notes.drop("service_tier");
    Ok(())
}

fn tools(ask: &mut Ask<'_>, from: Dialect, notes: &mut Notes) -> Result<(), ReadError> {
    for (index, tool) in ask.tools.iter_mut().enumerate() {
        let Tool::Function(function) = tool else {
            return unsupported(format!("tools[{index}].type"), NO_PLACE);
        };
        common::function(function, false, from, notes);
    }
    Ok(())
}

/// There is no word for it: with tools the model decides, and without them it
/// calls none.
fn tool_choice(ask: &mut Ask<'_>, from: Dialect, notes: &mut Notes) -> Result<(), ReadError> {
    let is_free = matches!(
        ask.tool_choice,
        None | Some(ToolChoice::Auto | ToolChoice::None | ToolChoice::Other(_))
    );
    if !is_free && !ask.tools.is_empty() {
        return unsupported(
            "tool_choice",
            "cannot force a call at this model's provider: use auto or none",
        );
    }
    common::tool_choice(ask, from, notes)?;
    if let Some(ToolChoice::None) = ask.tool_choice.take() {
        ask.tools.clear();
    }
    Ok(())
}

/// Effort and thinking as `think`: a word of three, or false. What the client says
/// in Ollama's own word goes before.
fn think(ask: &mut Ask<'_>, notes: &mut Notes) -> Result<(), ReadError> {
    const THINK: &str = "think";
    let name = match ask.reasoning.thinking {
        Some(_) => "thinking",
        None => "reasoning_effort",
    };
    thinking::off_as_effort(ask);
    thinking::to_openai(ask, notes)?;
    let Some(word) = ask.reasoning.effort.take() else {
        return Ok(());
    };
    if ask.extra.iter().any(|extra| extra.name == *THINK) {
        notes.drop(name);
        return Ok(());
    }
    let value = match &*word.read() {
        "none" => "false",
        "minimal" | "low" => "\"low\"",
        "medium" => "\"medium\"",
        "high" | "xhigh" | "max" => "\"high\"",
        _ => {
            return unsupported(
                "reasoning_effort",
                "must be one of none, minimal, low, medium, high, xhigh, max for this model",
            );
        }
    };
    if matches!(&*word.read(), "minimal" | "xhigh" | "max") {
        notes.drop(name);
    }
    ask.extra.push(Extra {
        name: Str::text(THINK),
        value: Cow::Borrowed(value),
    });
    Ok(())
}
