//! The figures of an answer (section 1.4 of the design page `providers.md`): the
//! tokens that went through the model, and the units that are on the bill. The
//! provider's own preamble is among the former only, and pictures are no part of
//! `input_tokens`.

use crate::dialect::openai_chat::usage::Unknown;
use crate::dialect::openai_chat::wire::{members, number};
use crate::event::{Billed, Usage};

/// Most members that are kept as they are.
const MAX_UNKNOWN: usize = 64;

/// What the provider has reported.
#[derive(Debug, Default)]
pub(super) struct Report {
    tokens: Counts,
    billed: Counts,
    cached: Option<u64>,
    unknown: Vec<(String, String)>,
}

/// One list of counts.
#[derive(Debug, Default)]
struct Counts {
    input: Option<u64>,
    output: Option<u64>,
    images: Option<u64>,
    reasoning: Option<u64>,
}

impl Report {
    /// Takes a `usage` in.
    pub(super) fn take(&mut self, raw: &str) {
        members(raw, |key, value| match key {
            _ if value == "null" => {}
            "tokens" => self.tokens.take(value),
            "cached_tokens" => self.cached = number(value).or(self.cached),
            _ => {
                if key == "billed_units" {
                    self.billed.take(value);
                }
                // The units have no name in any client's grammar.
                if self.unknown.len() < MAX_UNKNOWN {
                    self.unknown.push((key.to_owned(), value.to_owned()));
                }
            }
        });
    }

    /// The figures in the one meaning of the house; none if none was reported.
    pub(super) fn usage(&self) -> Option<Usage> {
        let billed = self.billed.total();
        let (input, output) = self.tokens.total().or(billed)?;
        let usage = Usage {
            input,
            output,
            cached: self.cached.unwrap_or(0),
            reasoning: self.tokens.reasoning.unwrap_or(0),
            billed: billed.map(|(input, output)| Billed { input, output }),
            ..Usage::default()
        };
        Some(usage.clamped())
    }

    /// The members that are unknown here.
    pub(super) fn unknown(&self) -> Unknown {
        Unknown::of(&self.unknown)
    }
}

impl Counts {
    fn take(&mut self, raw: &str) {
        members(raw, |key, value| {
            let place = match key {
                "input_tokens" => &mut self.input,
                "output_tokens" => &mut self.output,
                "image_tokens" => &mut self.images,
                "reasoning_tokens" => &mut self.reasoning,
                _ => return,
            };
            *place = number(value).or(*place);
        });
    }

    /// Input and output; none if neither was counted.
    fn total(&self) -> Option<(u64, u64)> {
        self.input.or(self.output).or(self.images)?;
        let (input, images) = (self.input.unwrap_or(0), self.images.unwrap_or(0));
        Some((input.saturating_add(images), self.output.unwrap_or(0)))
    }
}

/// What `meta` of an answer without text says of the input.
pub(crate) fn of_meta(raw: &str) -> Option<u64> {
    let (mut tokens, mut billed) = (Counts::default(), Counts::default());
    members(raw, |key, value| match key {
        "tokens" => tokens.take(value),
        "billed_units" => billed.take(value),
        _ => {}
    });
    let (input, _) = tokens.total().or(billed.total())?;
    Some(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_input_and_the_bill_stands_apart() {
        let mut report = Report::default();
        report.take(
            r#"{"billed_units":{"input_tokens":267,"output_tokens":66,"search_units":1},"tokens":{"input_tokens":34,"output_tokens":70.0,"reasoning_tokens":7,"image_tokens":259},"cached_tokens":1,"x":{"y":2}}"#,
        );
        let usage = report.usage().unwrap();
        assert_eq!((usage.input, usage.output), (293, 70));
        assert_eq!((usage.cached, usage.reasoning), (1, 7));
        let billed = Billed {
            input: 267,
            output: 66,
        };
        assert_eq!(usage.billed, Some(billed));
        let unknown = String::from_utf8(report.unknown().top).unwrap();
        assert!(unknown.contains(r#""search_units":1"#) && unknown.ends_with(r#","x":{"y":2}"#));
    }

    #[test]
    fn a_bill_alone_is_the_count_too_and_nothing_is_nothing() {
        let mut report = Report::default();
        report.take(r#"{"billed_units":{"input_tokens":7},"tokens":null}"#);
        let usage = report.usage().unwrap();
        assert_eq!((usage.input, usage.output), (7, 0));
        let mut nothing = Report::default();
        nothing.take(r#"{"tokens":{"input_tokens":-3,"output_tokens":"x"},"billed_units":[]}"#);
        assert_eq!(nothing.usage(), None);
    }

    #[test]
    fn absurd_figures_neither_panic_nor_wrap() {
        let mut report = Report::default();
        report.take(r#"{"tokens":{"input_tokens":1e300,"image_tokens":9,"output_tokens":1},"cached_tokens":18446744073709551615}"#);
        let usage = report.usage().unwrap();
        assert_eq!((usage.input, usage.cached), (u64::MAX, u64::MAX));
    }
}
