//! The figures of an answer (section 1.4 of the design page `providers.md`):
//! thoughts are no part of `candidatesTokenCount`, and what tools that run at the
//! provider fed to the model is no part of `promptTokenCount`.

use crate::dialect::openai_chat::usage::Unknown;
use crate::dialect::openai_chat::wire::{elements, members, number, string};
use crate::event::{ServiceTier, Usage};

/// Most members that are kept as they are.
const MAX_UNKNOWN: usize = 64;

/// What the provider has reported so far. In a stream the last figure of each
/// kind stands: reports are cumulative, and early ones leave kinds out.
#[derive(Debug, Default)]
pub(super) struct Report {
    prompt: Option<u64>,
    tools: Option<u64>,
    candidates: Option<u64>,
    thoughts: Option<u64>,
    cached: Option<u64>,
    audio_in: Option<u64>,
    audio_tools: Option<u64>,
    audio_out: Option<u64>,
    tier: Option<ServiceTier>,
    unknown: Vec<(String, String)>,
}

impl Report {
    /// Takes a `usageMetadata` in; false if it holds no figure.
    pub(super) fn take(&mut self, raw: &str) -> bool {
        let mut told = false;
        members(raw, |key, value| {
            let place = match key {
                "promptTokenCount" => &mut self.prompt,
                "toolUsePromptTokenCount" => &mut self.tools,
                "candidatesTokenCount" => &mut self.candidates,
                "thoughtsTokenCount" => &mut self.thoughts,
                "cachedContentTokenCount" => &mut self.cached,
                "totalTokenCount" => return,
                _ => return self.detail(key, value),
            };
            if let Some(count) = number(value) {
                told = true;
                *place = Some(count);
            }
        });
        told
    }

    /// What is no figure of its own; it survives as it is.
    fn detail(&mut self, key: &str, value: &str) {
        match key {
            "promptTokensDetails" => audio(value, &mut self.audio_in),
            "toolUsePromptTokensDetails" => audio(value, &mut self.audio_tools),
            "candidatesTokensDetails" => audio(value, &mut self.audio_out),
            "serviceTier" => {
                if let Some(name) = string(value) {
                    self.tier = Some(ServiceTier::read(&name.to_ascii_lowercase()));
                }
            }
            _ => {}
        }
        if let Some((_, known)) = self.unknown.iter_mut().find(|(known, _)| known == key) {
            value.clone_into(known);
        } else if self.unknown.len() < MAX_UNKNOWN {
            self.unknown.push((key.to_owned(), value.to_owned()));
        }
    }

    /// The figures in the one meaning of the house; none if none was reported.
    pub(super) fn usage(&self) -> Option<Usage> {
        self.prompt.or(self.candidates).or(self.thoughts)?;
        let sum = |one: Option<u64>, other: Option<u64>| {
            one.unwrap_or(0).saturating_add(other.unwrap_or(0))
        };
        let usage = Usage {
            input: sum(self.prompt, self.tools),
            output: sum(self.candidates, self.thoughts),
            cached: self.cached.unwrap_or(0),
            reasoning: self.thoughts.unwrap_or(0),
            audio_in: sum(self.audio_in, self.audio_tools),
            audio_out: self.audio_out.unwrap_or(0),
            tier: self.tier,
            ..Usage::default()
        };
        Some(usage.clamped())
    }

    /// The members that are no figure of their own.
    pub(super) fn unknown(&self) -> Unknown {
        Unknown::of(&self.unknown)
    }
}

/// The tokens that were sound, in a list of figures by kind.
fn audio(list: &str, place: &mut Option<u64>) {
    let mut found = None;
    elements(list, |detail| {
        let (mut is_audio, mut count) = (false, None);
        members(detail, |key, value| match key {
            "modality" => is_audio = value == "\"AUDIO\"",
            "tokenCount" => count = number(value),
            _ => {}
        });
        if is_audio {
            found = count.or(found);
        }
    });
    *place = found.or(*place);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thoughts_are_output_and_what_tools_read_is_input() {
        let mut report = Report::default();
        report.take(r#"{"promptTokenCount":10,"candidatesTokenCount":1,"totalTokenCount":11}"#);
        report.take(
            r#"{"promptTokenCount":10,"candidatesTokenCount":5,"thoughtsTokenCount":7,"toolUsePromptTokenCount":100,"cachedContentTokenCount":4,"totalTokenCount":122,"serviceTier":"FLEX","promptTokensDetails":[{"modality":"TEXT","tokenCount":2},{"modality":"AUDIO","tokenCount":8}],"x":1}"#,
        );
        let usage = report.usage().unwrap();
        assert_eq!((usage.input, usage.output), (110, 12));
        assert_eq!((usage.cached, usage.reasoning, usage.audio_in), (4, 7, 8));
        assert_eq!(usage.tier, Some(ServiceTier::Flex));
        let unknown = String::from_utf8(report.unknown().top).unwrap();
        assert!(unknown.ends_with(r#","x":1"#), "{unknown}");
    }

    #[test]
    fn negative_and_absurd_figures_neither_count_nor_wrap() {
        let mut report = Report::default();
        assert!(!report.take(r#"{"promptTokenCount":-4,"candidatesTokenCount":"NaN"}"#));
        assert_eq!(report.usage(), None);
        report.take(r#"{"promptTokenCount":1e300,"toolUsePromptTokenCount":9,"cachedContentTokenCount":18446744073709551615}"#);
        let usage = report.usage().unwrap();
        assert_eq!((usage.input, usage.cached), (u64::MAX, u64::MAX));
    }
}
