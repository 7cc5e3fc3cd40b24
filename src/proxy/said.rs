//! A request as one target wants it.

use std::borrow::Cow;

use alfred_filters::dialect::Dialect;
use alfred_filters::prompt::{Prompt, ReadError, RequestPatch, Surface};
use alfred_filters::translate::{self, Translated, Translation};

use crate::conf::is_droppable;
use crate::exchange::Forward;
use crate::providers::Wants;
use crate::routing::Target;

/// The most members that are left out of one request; each costs another translation.
const MOST_DROPPED: usize = 16;
/// The longest answer that a provider who must be told one is asked for, in tokens, where neither
/// the client nor the price table says.
const USUAL_MAX_OUTPUT: u64 = 4096;

/// Members that limit the answer, in any dialect.
const LIMITS: [&str; 3] = ["max_tokens", "max_completion_tokens", "generationConfig"];

/// The member in which this target is told how long the answer may be.
fn limit_name(prompt: &Prompt, spoken: Dialect, wants: &Wants) -> &'static str {
    const OLD: &str = "max_tokens";
    const NEW: &str = "max_completion_tokens";
    if spoken == Dialect::OpenAiResponses {
        return "max_output_tokens";
    }
    let older = spoken == Dialect::AnthropicMessages
        || prompt.surface() == Surface::Completions
        || wants.rename.contains(&(NEW, OLD));
    let same = spoken == prompt.surface().dialect();
    // A client that wrote the older name knows its model.
    match older || (same && prompt.member(OLD).is_some()) {
        true => OLD,
        false => NEW,
    }
}

/// The body as this target wants it: patched where it speaks the client's dialect, else translated.
///
/// # Errors
/// The request holds something that the target cannot be told, and that may not be left out.
pub(super) fn said(forward: &Forward, target: &Target) -> Result<Translated, ReadError> {
    let policy = &target.provider.settings.drop;
    let mut prompt = Cow::Borrowed(&forward.prompt);
    let mut left_out = Vec::new();
    loop {
        let error = match rendered(forward, &prompt, target) {
            Ok(said) => {
                left_out.extend(said.dropped);
                return Ok(Translated {
                    body: said.body,
                    dropped: left_out,
                });
            }
            Err(error) => error,
        };
        let name = error.param.as_deref().unwrap_or_default();
        let may = policy.iter().any(|listed| listed == "*" || listed == name);
        let can = is_droppable(name) && prompt.member(name).is_some();
        if !may || !can || left_out.len() >= MOST_DROPPED {
            return Err(error);
        }
        prompt = Cow::Owned(prompt.without(name)?);
        left_out.push(Cow::Owned(name.to_owned()));
    }
}

fn rendered(forward: &Forward, prompt: &Prompt, target: &Target) -> Result<Translated, ReadError> {
    let wants = target.provider.wants;
    let overrides = target
        .provider
        .overrides
        .iter()
        .chain(target.overrides.iter());
    let mut set: Vec<(&str, &str)> = overrides
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    let spoken = wants.dialect(prompt.surface());
    let clamp = forward.money.as_ref().and_then(|money| money.clamp(target));
    let clamp_text = clamp.map(|tokens| tokens.to_string());
    let translated = spoken != prompt.surface().dialect();
    if let Some(tokens) = clamp_text.as_ref().filter(|_| !translated) {
        let name = limit_name(prompt, spoken, wants);
        set.retain(|(key, _)| *key != name);
        set.push((name, tokens));
    }
    if translated && clamp.is_some() {
        // No override may lengthen what the purse can pay.
        set.retain(|(key, _)| !LIMITS.contains(key));
    }
    // Who speaks the client's dialect is not known to refuse what is listed: it is never sent.
    let listed = target.provider.settings.drop.iter();
    let listed = listed.filter(|name| !translated && *name != "*");
    let mut remove = Cow::Borrowed(wants.remove);
    for name in listed {
        remove.to_mut().push(name);
    }
    let patch = RequestPatch {
        model: &target.model,
        ask_usage: wants.asks_usage,
        set: &set,
        remove: &remove,
        rename: wants.rename,
        plain_roles: !wants.developer_role,
    };
    let said = if translated {
        let translation = Translation {
            patch,
            most_output: clamp,
            default_max_output: target.max_output.unwrap_or(USUAL_MAX_OUTPUT),
            keep_reasoning: wants.reasoning_history,
            pictures: forward.pictures.as_ref(),
        };
        prompt.translate(spoken, &translation)?
    } else {
        let removed = remove.iter().filter(|name| prompt.member(name).is_some());
        Translated {
            body: prompt.render(&patch),
            dropped: removed.map(|name| Cow::Owned((*name).to_owned())).collect(),
        }
    };
    match target.provider.upstream_surface(prompt.surface()) {
        Surface::Chat => translate::suit(said, wants.quirks),
        _ => Ok(said),
    }
}
