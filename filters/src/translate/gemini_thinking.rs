//! How much a Gemini shall think: a word of effort or Anthropic's budget in the
//! spelling of the model's generation. Up to 2.5 thinking is a budget of tokens,
//! later a level; older models do not think.

use crate::ask::{Ask, ThinkingMode};
use crate::prompt::ReadError;

use super::to_gemini::set_config;
use super::{Notes, unsupported};

/// The two numbers in a name such as `gemini-2.5-flash`.
pub(super) type Generation = (u32, u32);

/// Names that tell nothing are taken for the newest.
const NEWEST: Generation = (u32::MAX, 0);
/// The budgets that stand for a word of effort.
const BUDGETS: [(&str, u64); 6] = [
    ("minimal", 512),
    ("low", 1024),
    ("medium", 8192),
    ("high", 24_576),
    ("xhigh", 24_576),
    ("max", 24_576),
];

/// The generation that the model's name tells.
pub(super) fn generation(model: &str) -> Generation {
    let Some((_, name)) = model.split_once("gemini-") else {
        return NEWEST;
    };
    let mut words = name.split(['.', '-', '@', ':', '/']);
    let number = |word: &str| word.parse().ok().filter(|_| word.len() <= 2);
    match words.next().and_then(number) {
        Some(major) => (major, words.next().and_then(number).unwrap_or(0)),
        None => NEWEST,
    }
}

/// Turns effort and thinking into `thinkingConfig`. What the client says in
/// Google's own words goes before.
pub(super) fn fit(ask: &mut Ask<'_>, model: &str, notes: &mut Notes) -> Result<(), ReadError> {
    let generation = generation(model);
    let effort = ask.reasoning.effort.take();
    let effort = effort.as_ref().map(|word| word.read());
    let thinking = ask.reasoning.thinking.take();
    let name = if thinking.is_some() {
        "thinking"
    } else {
        "reasoning_effort"
    };
    let config = match (thinking.map(|thinking| thinking.mode), effort.as_deref()) {
        (None, None) => return Ok(()),
        (Some(ThinkingMode::Other), _) => {
            return unsupported(
                "thinking",
                "must be of the type enabled, with budget_tokens, or adaptive or disabled",
            );
        }
        _ if generation < (2, 5) => {
            notes.drop(name);
            return Ok(());
        }
        (Some(ThinkingMode::Off), _) => off(generation, model),
        (Some(ThinkingMode::Budget(budget)), _) => {
            format!(r#"{{"thinkingBudget":{budget},"includeThoughts":true}}"#)
        }
        (Some(ThinkingMode::Adaptive), None) => r#"{"includeThoughts":true}"#.to_owned(),
        (_, Some("none")) => off(generation, model),
        (_, Some(word)) => by_word(word, generation, notes)?,
    };
    if !set_config(ask, "thinkingConfig", config) {
        notes.drop(name);
    }
    Ok(())
}

fn by_word(word: &str, generation: Generation, notes: &mut Notes) -> Result<String, ReadError> {
    let Some((_, budget)) = BUDGETS.iter().find(|(known, _)| *known == word) else {
        return unsupported(
            "reasoning_effort",
            "must be one of none, minimal, low, medium, high, xhigh, max for this model",
        );
    };
    if matches!(word, "xhigh" | "max") {
        notes.drop("reasoning_effort");
    }
    if generation < (3, 0) {
        return Ok(format!(
            r#"{{"thinkingBudget":{budget},"includeThoughts":true}}"#
        ));
    }
    let level = match word {
        "xhigh" | "max" => "high",
        word => word,
    };
    Ok(format!(
        r#"{{"thinkingLevel":"{level}","includeThoughts":true}}"#
    ))
}

/// As little as the model can: the large ones cannot leave it.
fn off(generation: Generation, model: &str) -> String {
    let large = model.contains("pro");
    match (generation < (3, 0), large) {
        (true, true) => r#"{"thinkingBudget":128}"#,
        (true, false) => r#"{"thinkingBudget":0}"#,
        (false, true) => r#"{"thinkingLevel":"low"}"#,
        (false, false) => r#"{"thinkingLevel":"minimal"}"#,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generation_is_read_from_every_kind_of_name() {
        for (name, expected) in [
            ("gemini-2.5-flash", (2, 5)),
            ("gemini-2.0-flash-001", (2, 0)),
            ("gemini-3-pro-preview", (3, 0)),
            ("gemini-3.1-flash-image", (3, 1)),
            ("models/gemini-1.5-pro", (1, 5)),
            ("gemini-flash-latest", NEWEST),
            ("gemma-3", NEWEST),
        ] {
            assert_eq!(generation(name), expected, "{name}");
        }
    }
}
