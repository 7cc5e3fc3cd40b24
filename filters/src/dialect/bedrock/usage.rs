//! The figures of an answer (section 1.4 of the design page `providers.md`): what
//! was read from the cache and written to it is no part of `inputTokens`.

use crate::dialect::openai_chat::usage::Unknown;
use crate::dialect::openai_chat::wire::{elements, members, number, string};
use crate::event::{ServiceTier, Usage};

/// Most members that are kept as they are.
const MAX_UNKNOWN: usize = 64;

/// What the provider has reported.
#[derive(Debug, Default)]
pub(super) struct Report {
    input: Option<u64>,
    output: Option<u64>,
    read: Option<u64>,
    written: Option<u64>,
    written_1h: u64,
    tier: Option<ServiceTier>,
    unknown: Vec<(String, String)>,
}

impl Report {
    /// Takes a `usage` in.
    pub(super) fn take(&mut self, raw: &str) {
        members(raw, |key, value| {
            let place = match key {
                "inputTokens" => &mut self.input,
                "outputTokens" => &mut self.output,
                "cacheReadInputTokens" => &mut self.read,
                "cacheWriteInputTokens" => &mut self.written,
                // The older spelling of the same figures, and their sum.
                "cacheReadInputTokenCount" | "cacheWriteInputTokenCount" | "totalTokens" => {
                    return;
                }
                "cacheDetails" => return self.written_1h = kept_an_hour(value),
                _ if value == "null" => return,
                _ => {
                    if self.unknown.len() < MAX_UNKNOWN {
                        self.unknown.push((key.to_owned(), value.to_owned()));
                    }
                    return;
                }
            };
            *place = number(value).or(*place);
        });
    }

    /// Takes a `serviceTier` in, and gives its name.
    pub(super) fn tier(&mut self, raw: &str) -> Option<String> {
        let mut name = None;
        members(raw, |key, value| {
            if key == "type" {
                name = string(value).map(|name| name.into_owned());
            }
        });
        self.tier = name.as_deref().map(ServiceTier::read);
        name
    }

    /// The figures in the one meaning of the house; none if none was reported.
    pub(super) fn usage(&self) -> Option<Usage> {
        self.input.or(self.output).or(self.read).or(self.written)?;
        let (cached, cache_write) = (self.read.unwrap_or(0), self.written.unwrap_or(0));
        let input = self.input.unwrap_or(0);
        let usage = Usage {
            input: input.saturating_add(cached).saturating_add(cache_write),
            output: self.output.unwrap_or(0),
            cached,
            cache_write,
            cache_write_1h: self.written_1h,
            tier: self.tier,
            ..Usage::default()
        };
        Some(usage.clamped())
    }

    /// The members that are unknown here.
    pub(super) fn unknown(&self) -> Unknown {
        Unknown::of(&self.unknown)
    }
}

/// The tokens that were written to the cache for an hour, of those written for
/// each time.
fn kept_an_hour(list: &str) -> u64 {
    let mut sum = 0_u64;
    elements(list, |detail| {
        let (mut hour, mut count) = (false, 0);
        members(detail, |key, value| match key {
            "ttl" => hour = value == "\"1h\"",
            "inputTokens" => count = number(value).unwrap_or(0),
            _ => {}
        });
        if hour {
            sum = sum.saturating_add(count);
        }
    });
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_through_the_cache_is_input() {
        let mut report = Report::default();
        report.take(
            r#"{"inputTokens":3,"outputTokens":4,"totalTokens":127,"cacheReadInputTokens":100,"cacheReadInputTokenCount":100,"cacheWriteInputTokens":20,"cacheWriteInputTokenCount":20,"cacheDetails":[{"inputTokens":15,"ttl":"1h"},{"inputTokens":5,"ttl":"5m"}],"serverToolUsage":{}}"#,
        );
        assert_eq!(report.tier(r#"{"type":"priority"}"#).unwrap(), "priority");
        let usage = report.usage().unwrap();
        assert_eq!((usage.input, usage.output, usage.total()), (123, 4, 127));
        assert_eq!(
            (usage.cached, usage.cache_write, usage.cache_write_1h),
            (100, 20, 15)
        );
        assert_eq!(usage.tier, Some(ServiceTier::Priority));
        assert_eq!(report.unknown().top, br#","serverToolUsage":{}"#.to_vec());
    }

    #[test]
    fn absurd_figures_neither_count_nor_wrap() {
        let mut report = Report::default();
        report.take(r#"{"inputTokens":-1,"outputTokens":"x"}"#);
        assert_eq!(report.usage(), None);
        report.take(r#"{"inputTokens":1e300,"cacheReadInputTokens":18446744073709551615}"#);
        assert_eq!(report.usage().unwrap().input, u64::MAX);
    }
}
