//! Fits a request to what Cohere's v2 chat can say: its parameters.

use std::borrow::Cow;

use crate::ask::{Ask, Function, Raw, Tool, ToolChoice};
use crate::dialect::Dialect;
use crate::dialect::cohere::lower::told;
use crate::dialect::openai_chat::wire::{elements, members};
use crate::prompt::ReadError;

use super::common::{
    self, ANTHROPICS, HINTS, NO_PLACE, OPENAIS, is_settled, native_thinking, squeezed,
};
use super::{Notes, cohere_thinking, refuse_doubles, to_cohere_turns, unsupported};

pub(super) fn fit(ask: &mut Ask<'_>, from: Dialect, notes: &mut Notes) -> Result<(), ReadError> {
    let model = ask.model.read().into_owned();
    to_cohere_turns::fit(ask, (from, cohere_thinking::thinks(&model)), notes)?;
    ask.stream_options = None;
    common::forget_who(ask, from, notes);
    common::refuse_output_extras(ask)?;
    extras(ask, notes)?;
    numbers(ask, notes)?;
    common::format(ask, from, notes)?;
    service_tier(ask)?;
    tools(ask, from, notes)?;
    common::tool_choice(ask, from, notes)?;
    named_choice(ask)?;
    common::stops(ask, from)?;
    cohere_thinking::fit(ask, &model, notes)?;
    refuse_doubles(
        ask,
        &[
            ("messages", true),
            ("stream", ask.stream),
            ("max_tokens", ask.max_output.is_some()),
            ("stop_sequences", !ask.stop.is_empty()),
            ("p", ask.sampling.top_p.is_some()),
            ("k", ask.sampling.top_k.is_some()),
            ("response_format", ask.format.is_some()),
        ],
    )
}

fn extras(ask: &mut Ask<'_>, notes: &mut Notes) -> Result<(), ReadError> {
    let mut kept = Vec::with_capacity(ask.extra.len());
    for extra in std::mem::take(&mut ask.extra) {
        if is_settled(&extra, &[OPENAIS, ANTHROPICS], HINTS, notes)? {
            continue;
        }
        let name = extra.name.read().into_owned();
        if name == "modalities" {
            if !matches!(&*squeezed(&extra.value), "[]" | "[\"text\"]") {
                return unsupported(name, "may hold text alone for this model");
            }
        } else if name == "thinking" && !is_own_thinking(&extra.value) {
            ask.reasoning.thinking = Some(native_thinking(extra)?);
        } else {
            kept.push(extra);
        }
    }
    ask.extra = kept;
    Ok(())
}

/// Whether it is `thinking` in Cohere's own words.
fn is_own_thinking(raw: &str) -> bool {
    let mut own = false;
    members(raw, |key, _| own |= key == "token_budget");
    own
}

fn numbers(ask: &mut Ask<'_>, notes: &mut Notes) -> Result<(), ReadError> {
    common::numbers(ask, notes)?;
    let sampling = &mut ask.sampling;
    if sampling.n.take().is_some() {
        return unsupported("n", "must be 1 for this model: it gives one answer a call");
    }
    if sampling.top_logprobs.take().is_some() {
        notes.drop("top_logprobs");
    }
    // Its `p` lies between these, where OpenAI's may be 0 or 1.
    for (edge, nearest) in [(0.0, "0.01"), (1.0, "0.99")] {
        let is_edge = |raw: &mut Raw<'_>| raw.parse::<f64>() == Ok(edge);
        if sampling.top_p.take_if(is_edge).is_some() {
            sampling.top_p = Some(Cow::Borrowed(nearest));
            notes.drop("top_p");
        }
    }
    Ok(())
}

/// There are no classes of service.
fn service_tier(ask: &mut Ask<'_>) -> Result<(), ReadError> {
    let usual = ["auto", "default", "standard", "standard_only"];
    match ask.service_tier.take() {
        Some(tier) if !usual.contains(&&*tier.read()) => {
            unsupported("service_tier", "must be auto or default for this model")
        }
        _ => Ok(()),
    }
}

/// Tools are strict all together: a wish for some of them has no place.
fn tools(ask: &mut Ask<'_>, from: Dialect, notes: &mut Notes) -> Result<(), ReadError> {
    let own = ask.extra.iter().any(|extra| extra.name == *"strict_tools");
    let all = !own && told(ask).all(may_be_strict);
    for (index, tool) in ask.tools.iter_mut().enumerate() {
        let Tool::Function(function) = tool else {
            return unsupported(format!("tools[{index}].type"), NO_PLACE);
        };
        common::function(function, all, from, notes);
    }
    Ok(())
}

/// Whether it shall be strict and can: such a tool must have an argument there that
/// is required.
fn may_be_strict(function: &Function<'_>) -> bool {
    let mut required = false;
    members(
        function.schema.as_deref().unwrap_or_default(),
        |key, value| {
            if key == "required" {
                elements(value, |_| required = true);
            }
        },
    );
    required && function.strict == Some(true)
}

/// The tool that must be called is the only one told, so it must be there.
fn named_choice(ask: &Ask<'_>) -> Result<(), ReadError> {
    let named = matches!(ask.tool_choice, Some(ToolChoice::Function(_)));
    match named && told(ask).next().is_none() {
        true => unsupported("tool_choice", "names none of the tools"),
        false => Ok(()),
    }
}
