//! Fits a request to what Gemini's `generateContent` can say: its parameters.

use std::borrow::Cow;

use crate::ask::{Ask, Extra, Str, Tool};
use crate::dialect::Dialect;
use crate::dialect::gemini::lower::CONFIG;
use crate::dialect::openai_chat::wire::{elements, members, string};
use crate::prompt::ReadError;

use super::common::{self, ANTHROPICS, HINTS, NO_PLACE, OPENAIS, is_settled, native_thinking};
use super::{Notes, gemini_thinking, to_gemini_turns, unsupported};

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
    common::forget_who(ask, from, notes);
    common::refuse_output_extras(ask)?;
    extras(ask, notes)?;
    common::numbers(ask, notes)?;
    common::format(ask, from, notes)?;
    service_tier(ask)?;
    tools(ask, from, notes)?;
    common::tool_choice(ask, from, notes)?;
    common::stops(ask, from)?;
    gemini_thinking::fit(ask, &model, notes)?;
    doubles(ask)
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

fn extras(ask: &mut Ask<'_>, notes: &mut Notes) -> Result<(), ReadError> {
    let mut kept: Vec<Extra<'_>> = Vec::with_capacity(ask.extra.len());
    for mut extra in std::mem::take(&mut ask.extra) {
        if is_settled(&extra, &[OPENAIS, ANTHROPICS], HINTS, notes)? {
            continue;
        }
        let name = extra.name.read().into_owned();
        if name == "thinking" {
            ask.reasoning.thinking = Some(native_thinking(extra)?);
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
            Tool::Function(function) => common::function(function, false, from, notes),
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
