//! How much a model of Cohere's shall think: a word of effort or Anthropic's budget
//! as `thinking`. Those that think do so unless told otherwise; the others do not
//! know the member.

use std::borrow::Cow;

use crate::ask::{Ask, Thinking, ThinkingMode};
use crate::prompt::ReadError;

use super::{Notes, unsupported};

/// Families whose models cannot think.
const THOUGHTLESS: [&str; 8] = [
    "command-r",
    "command-light",
    "command-nightly",
    "command-a-03-2025",
    "command-a-vision",
    "command-a-translate",
    "c4ai-",
    "aya",
];
/// The budgets that stand for a word of effort; none lets the model think as it likes.
const BUDGETS: [(&str, Option<u64>); 6] = [
    ("minimal", Some(512)),
    ("low", Some(1024)),
    ("medium", Some(8192)),
    ("high", None),
    ("xhigh", None),
    ("max", None),
];

/// Whether the model's name tells that it cannot think. Names that tell nothing are
/// taken for the newest.
pub(super) fn thinks(model: &str) -> bool {
    let mut families = THOUGHTLESS.iter();
    model != "command" && !families.any(|family| model.starts_with(family))
}

/// Turns effort and thinking into Cohere's `thinking`.
pub(super) fn fit(ask: &mut Ask<'_>, model: &str, notes: &mut Notes) -> Result<(), ReadError> {
    let effort = ask.reasoning.effort.take();
    let effort = effort.as_ref().map(|word| word.read());
    let thinking = ask.reasoning.thinking.take();
    let name = match thinking {
        Some(_) => "thinking",
        None => "reasoning_effort",
    };
    // What the client says in Cohere's own words goes before.
    if ask.extra.iter().any(|extra| extra.name == *"thinking") {
        if effort.is_some() {
            notes.drop(name);
        }
        return Ok(());
    }
    let mode = match (thinking.map(|thinking| thinking.mode), effort.as_deref()) {
        (None, None) => return Ok(()),
        (Some(ThinkingMode::Other), _) => {
            return unsupported(
                "thinking",
                "must be of the type enabled, with budget_tokens, or adaptive or disabled",
            );
        }
        (Some(ThinkingMode::Adaptive), Some(word)) => by_word(word, notes)?,
        (Some(mode), _) => mode,
        (None, Some(word)) => by_word(word, notes)?,
    };
    match mode {
        ThinkingMode::Off if !thinks(model) => {}
        _ if !thinks(model) => notes.drop(name),
        mode => ask.reasoning.thinking = Some(said(mode, ask.max_output)),
    }
    Ok(())
}

fn by_word(word: &str, notes: &mut Notes) -> Result<ThinkingMode, ReadError> {
    if word == "none" {
        return Ok(ThinkingMode::Off);
    }
    let Some((_, budget)) = BUDGETS.iter().find(|(known, _)| *known == word) else {
        return unsupported(
            "reasoning_effort",
            "must be one of none, minimal, low, medium, high, xhigh, max for this model",
        );
    };
    if matches!(word, "xhigh" | "max") {
        notes.drop("reasoning_effort");
    }
    Ok(budget.map_or(ThinkingMode::Adaptive, ThinkingMode::Budget))
}

/// The member itself. A budget leaves room for the answer, whose limit holds both.
fn said(mode: ThinkingMode, most: Option<u64>) -> Thinking<'static> {
    let raw = match mode {
        ThinkingMode::Off => Cow::Borrowed(r#"{"type":"disabled"}"#),
        ThinkingMode::Budget(budget) => {
            let budget = most.map_or(budget, |most| budget.min(most / 5 * 4)).max(1);
            Cow::Owned(format!(r#"{{"type":"enabled","token_budget":{budget}}}"#))
        }
        ThinkingMode::Adaptive | ThinkingMode::Other => Cow::Borrowed(r#"{"type":"enabled"}"#),
    };
    Thinking { mode, raw }
}

#[cfg(test)]
mod tests {
    use super::thinks;

    #[test]
    fn a_name_that_tells_nothing_is_taken_for_a_model_that_thinks() {
        for (name, expected) in [
            ("command-a-reasoning-08-2025", true),
            ("command-a-plus-05-2026", true),
            ("command-b", true),
            ("house-model", true),
            ("command", false),
            ("command-a-03-2025", false),
            ("command-r7b-12-2024", false),
            ("command-r-plus-08-2024", false),
            ("c4ai-aya-expanse-32b", false),
        ] {
            assert_eq!(thinks(name), expected, "{name}");
        }
    }
}
