//! How much a Claude shall think: OpenAI's word of effort in the spelling of the
//! model's generation, and back.

use std::borrow::Cow;

use crate::ask::{Ask, PartKind, Role, Str, Thinking, ThinkingMode, ToolChoice};
use crate::prompt::ReadError;

use super::generation::{Generation, Thinks};
use super::{Notes, unsupported};

/// Anthropic's own lower bound.
const LEAST_BUDGET: u64 = 1024;
/// The budgets that stand for a word of effort.
const BUDGETS: [(&str, u64); 5] = [
    ("low", 1024),
    ("medium", 4096),
    ("high", 16_384),
    ("xhigh", 32_768),
    ("max", 32_768),
];
/// Up to so many tokens, a budget is the word.
const WORDS: [(u64, &str); 3] = [(2048, "low"), (8192, "medium"), (u64::MAX, "high")];

/// Turns the client's effort into what this generation understands. The limit of
/// the answer, the tools and the turns must be fitted before.
pub(super) fn to_anthropic(
    ask: &mut Ask<'_>,
    generation: Generation,
    notes: &mut Notes,
) -> Result<(), ReadError> {
    let effort = ask.reasoning.effort.take();
    if let Some(native) = &ask.reasoning.thinking {
        let on = native.mode != ThinkingMode::Off;
        if effort.is_some() {
            notes.drop("reasoning_effort");
        }
        if on && breaks_off_thinking(ask) {
            notes.drop("thinking");
            switch_off(ask, generation);
        }
        return Ok(());
    }
    let Some(effort) = effort else {
        return Ok(());
    };
    let word = effort.read();
    if matches!(&*word, "none" | "minimal") {
        switch_off(ask, generation);
        return Ok(());
    }
    let forced = matches!(
        ask.tool_choice,
        Some(ToolChoice::Required | ToolChoice::Function(_))
    );
    let on = !forced && !breaks_off_thinking(ask);
    match generation.thinks() {
        Thinks::Never => notes.drop("reasoning_effort"),
        _ if !on => {
            notes.drop("reasoning_effort");
            switch_off(ask, generation);
        }
        Thinks::ByBudget => match budget(&word, ask.max_output.unwrap_or(0))? {
            Some(budget) => {
                ask.reasoning.thinking = Some(Thinking {
                    mode: ThinkingMode::Budget(budget),
                    raw: Cow::Owned(format!(r#"{{"type":"enabled","budget_tokens":{budget}}}"#)),
                });
            }
            None => {
                notes.drop("reasoning_effort");
                switch_off(ask, generation);
            }
        },
        Thinks::ByEffort => {
            ask.reasoning.thinking = Some(Thinking {
                mode: ThinkingMode::Adaptive,
                raw: Cow::Borrowed(r#"{"type":"adaptive"}"#),
            });
            ask.reasoning.effort = Some(if word == "xhigh" && !generation.knows_xhigh() {
                notes.drop("reasoning_effort");
                Str::text("high")
            } else {
                Str::text(&word)
            });
        }
    }
    if ask
        .reasoning
        .thinking
        .as_ref()
        .is_some_and(|t| t.mode != ThinkingMode::Off)
    {
        leave_out_sampling(ask, notes);
    }
    Ok(())
}

/// The budget of a word of effort, with room left for the answer; none if the
/// limit of the answer leaves no place for the least one.
fn budget(word: &str, max_output: u64) -> Result<Option<u64>, ReadError> {
    let Some((_, budget)) = BUDGETS.iter().find(|(known, _)| *known == word) else {
        return unsupported(
            "reasoning_effort",
            "must be one of none, minimal, low, medium, high, xhigh, max for this model",
        );
    };
    let budget = (*budget).min(max_output / 5 * 4);
    Ok((budget >= LEAST_BUDGET).then_some(budget))
}

/// Whether the model's last turn called tools without a thought that its
/// provider would recognise: it refuses to go on thinking from there.
fn breaks_off_thinking(ask: &Ask<'_>) -> bool {
    let last = ask
        .turns
        .iter()
        .rev()
        .find(|turn| turn.role == Role::Assistant);
    last.is_some_and(|turn| {
        let has = |f: fn(&PartKind<'_>) -> bool| turn.parts.iter().any(|part| f(&part.kind));
        has(|kind| matches!(kind, PartKind::ToolCall { .. }))
            && !has(|kind| {
                matches!(
                    kind,
                    PartKind::Thinking { .. } | PartKind::RedactedThinking { .. }
                )
            })
    })
}

fn switch_off(ask: &mut Ask<'_>, generation: Generation) {
    ask.reasoning.effort = None;
    ask.reasoning.thinking = generation.must_be_told_not_to_think().then_some(Thinking {
        mode: ThinkingMode::Off,
        raw: Cow::Borrowed(r#"{"type":"disabled"}"#),
    });
}

/// A model that thinks takes no temperature but 1, no `top_k`, and a `top_p` of
/// 0.95 at least.
fn leave_out_sampling(ask: &mut Ask<'_>, notes: &mut Notes) {
    let sampling = &mut ask.sampling;
    let number = |raw: &str| raw.parse::<f64>().unwrap_or(0.0);
    if sampling
        .temperature
        .take_if(|raw| number(raw) != 1.0)
        .is_some()
    {
        notes.drop("temperature");
    }
    if sampling.top_p.take_if(|raw| number(raw) < 0.95).is_some() {
        notes.drop("top_p");
    }
    if sampling.top_k.take().is_some() {
        notes.drop("top_k");
    }
}

/// Thinking that is switched off is no effort, for models that have a word for it.
pub(super) fn off_as_effort(ask: &mut Ask<'_>) {
    let is_off = |thinking: &mut Thinking<'_>| thinking.mode == ThinkingMode::Off;
    if ask.reasoning.thinking.take_if(is_off).is_some() {
        ask.reasoning.effort = Some(Str::text("none"));
    }
}

/// Turns Anthropic's thinking into a word of effort, where it says how much.
pub(super) fn to_openai(ask: &mut Ask<'_>, notes: &mut Notes) -> Result<(), ReadError> {
    let Some(thinking) = ask.reasoning.thinking.take() else {
        return Ok(());
    };
    match thinking.mode {
        ThinkingMode::Budget(_) if ask.reasoning.effort.is_some() => {}
        ThinkingMode::Budget(budget) => {
            let word = WORDS.iter().find(|(most, _)| budget <= *most);
            ask.reasoning.effort = word.map(|(_, word)| Str::text(word));
        }
        // The model decides, or thinks by default: OpenAI has no word for either
        // that all of its models know.
        ThinkingMode::Adaptive if ask.reasoning.effort.is_some() => {}
        ThinkingMode::Adaptive | ThinkingMode::Off => notes.drop("thinking"),
        ThinkingMode::Other => {
            return unsupported(
                "thinking",
                "must be of the type enabled, with budget_tokens, or adaptive or disabled",
            );
        }
    }
    Ok(())
}
