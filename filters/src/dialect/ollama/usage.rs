//! The figures of an answer, which stand among its members. A count that would be
//! zero is left out, and older servers leave the prompt's out when they had it in
//! their cache: what is missing is estimated, never free.

use crate::dialect::openai_chat::usage::{Unknown, push_member};
use crate::dialect::openai_chat::wire::number;
use crate::event::Usage;

/// What the provider has reported.
#[derive(Debug, Default)]
pub(super) struct Report {
    prompt: Option<u64>,
    cached: Option<u64>,
    answer: Option<u64>,
    /// How long each step took, as JSON members.
    durations: Vec<u8>,
}

impl Report {
    /// Takes a member of the answer in; false if it is none of a report.
    pub(super) fn take(&mut self, key: &str, value: &str) -> bool {
        match key {
            "prompt_eval_count" => self.prompt = number(value),
            "prompt_eval_cached_count" => self.cached = number(value),
            "eval_count" => self.answer = number(value),
            "total_duration" | "load_duration" | "prompt_eval_duration" | "eval_duration" => {
                push_member(&mut self.durations, key, value);
            }
            _ => return false,
        }
        true
    }

    /// The figures in the one meaning of the house; none if none was reported.
    /// Where one is missing, they are marked as estimated, and it is 0 for now.
    pub(super) fn usage(&self) -> Option<Usage> {
        self.prompt.or(self.answer)?;
        let usage = Usage {
            input: self.prompt.unwrap_or(0),
            output: self.answer.unwrap_or(0),
            cached: self.cached.unwrap_or(0),
            estimated: self.prompt.is_none() || self.answer.is_none(),
            ..Usage::default()
        };
        Some(usage.clamped())
    }

    /// What is no figure of tokens.
    pub(super) fn unknown(&self) -> Unknown {
        Unknown {
            top: self.durations.clone(),
            ..Unknown::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(members: &[(&str, &str)]) -> Report {
        let mut report = Report::default();
        for (key, value) in members {
            report.take(key, value);
        }
        report
    }

    #[test]
    fn a_count_that_is_missing_is_estimated_and_durations_stay() {
        let whole = reported(&[
            ("prompt_eval_count", "17"),
            ("prompt_eval_cached_count", "5"),
            ("eval_count", "50"),
            ("eval_duration", "1577990000"),
        ]);
        let usage = whole.usage().unwrap();
        assert_eq!((usage.input, usage.output, usage.cached), (17, 50, 5));
        assert!(!usage.estimated);
        assert_eq!(whole.unknown().top, br#","eval_duration":1577990000"#);
        let half = reported(&[("eval_count", "50")]).usage().unwrap();
        assert_eq!((half.input, half.output, half.estimated), (0, 50, true));
        assert_eq!(reported(&[("load_duration", "1")]).usage(), None);
    }

    #[test]
    fn negative_and_absurd_figures_neither_count_nor_wrap() {
        let report = reported(&[("prompt_eval_count", "-4"), ("eval_count", "\"NaN\"")]);
        assert_eq!(report.usage(), None);
        let report = reported(&[("prompt_eval_count", "1e300"), ("eval_count", "null")]);
        assert_eq!(report.usage().map(|usage| usage.input), Some(u64::MAX));
        assert!(!reported(&[]).take("done", "true"));
    }
}
