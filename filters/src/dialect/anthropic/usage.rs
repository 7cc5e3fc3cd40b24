//! The `usage` member. Anthropic counts what was read from its cache and what was
//! written to it beside `input_tokens`, not within, and says its figures in two
//! events of a stream; the canonical figures are put together here, and taken
//! apart again for clients of this dialect (section 1.4 of the design page
//! `providers.md`).

use std::io::Write;

use crate::dialect::openai_chat::usage::Unknown;
use crate::dialect::openai_chat::wire::{members, number};
use crate::event::{ServiceTier, Usage};

/// Most members unknown here that are remembered.
const MAX_UNKNOWN: usize = 64;

/// What was reported so far: of each figure the last one, never a sum.
#[derive(Debug, Default)]
pub(crate) struct Report {
    input: Option<u64>,
    output: Option<u64>,
    read: Option<u64>,
    written: Option<u64>,
    written_5m: Option<u64>,
    written_1h: Option<u64>,
    thinking: Option<u64>,
    tier: Option<ServiceTier>,
    unknown: Vec<(String, String)>,
}

impl Report {
    /// Takes one `usage` object in; says whether it held a figure.
    pub(crate) fn take(&mut self, raw: &str) -> bool {
        let mut told = false;
        members(raw, |key, value| {
            let place = match key {
                "input_tokens" => &mut self.input,
                "output_tokens" => &mut self.output,
                "cache_read_input_tokens" => &mut self.read,
                "cache_creation_input_tokens" => &mut self.written,
                "cache_creation" => {
                    return members(value, |key, value| match key {
                        "ephemeral_5m_input_tokens" => keep(&mut self.written_5m, value),
                        "ephemeral_1h_input_tokens" => keep(&mut self.written_1h, value),
                        _ => {}
                    });
                }
                "output_tokens_details" => {
                    return members(value, |key, value| {
                        if key == "thinking_tokens" {
                            keep(&mut self.thinking, value);
                        }
                    });
                }
                "estimated" => return,
                "service_tier" => {
                    self.tier = ServiceTier::of_member(value).or(self.tier);
                    return remember(&mut self.unknown, key, value);
                }
                _ => return remember(&mut self.unknown, key, value),
            };
            told |= number(value).is_some();
            keep(place, value);
        });
        told
    }

    /// The figures in the one meaning of the house; none if none was reported.
    pub(crate) fn usage(&self) -> Option<Usage> {
        let split = self.written_5m.or(self.written_1h).map(|_| {
            let (short, long) = (self.written_5m, self.written_1h);
            short.unwrap_or(0).saturating_add(long.unwrap_or(0))
        });
        let written = self.written.or(split);
        self.input.or(self.output).or(self.read).or(written)?;
        let (cached, cache_write) = (self.read.unwrap_or(0), written.unwrap_or(0));
        let input = self.input.unwrap_or(0);
        let usage = Usage {
            input: input.saturating_add(cached).saturating_add(cache_write),
            output: self.output.unwrap_or(0),
            cached,
            cache_write,
            cache_write_1h: self.written_1h.unwrap_or(0),
            reasoning: self.thinking.unwrap_or(0),
            tier: self.tier,
            ..Usage::default()
        };
        Some(usage.clamped())
    }

    /// The members that are unknown here.
    pub(crate) fn unknown(&self) -> Unknown {
        Unknown::of(&self.unknown)
    }
}

fn keep(place: &mut Option<u64>, raw: &str) {
    *place = number(raw).or(*place);
}

fn remember(unknown: &mut Vec<(String, String)>, key: &str, value: &str) {
    if value == "null" {
        return;
    }
    if let Some((_, known)) = unknown.iter_mut().find(|(known, _)| known == key) {
        value.clone_into(known);
    } else if unknown.len() < MAX_UNKNOWN {
        unknown.push((key.to_owned(), value.to_owned()));
    }
}

/// Appends a `usage` object. `"estimated":true` marks figures that Alfred counted
/// itself.
pub(crate) fn write(usage: Usage, unknown: &Unknown, out: &mut Vec<u8>) {
    let usage = usage.clamped();
    let (read, written) = (usage.cached, usage.cache_write);
    let input = usage.input - read - written;
    // Writing to memory does not fail.
    let _ = write!(
        out,
        r#"{{"input_tokens":{input},"cache_creation_input_tokens":{written},"cache_read_input_tokens":{read}"#
    );
    if written > 0 {
        let (long, short) = (usage.cache_write_1h, written - usage.cache_write_1h);
        let _ = write!(
            out,
            r#","cache_creation":{{"ephemeral_5m_input_tokens":{short},"ephemeral_1h_input_tokens":{long}}}"#
        );
    }
    let _ = write!(out, r#","output_tokens":{}"#, usage.output);
    if usage.reasoning > 0 {
        let _ = write!(
            out,
            r#","output_tokens_details":{{"thinking_tokens":{}}}"#,
            usage.reasoning
        );
    }
    if usage.estimated {
        out.extend_from_slice(b",\"estimated\":true");
    }
    out.extend_from_slice(&unknown.top);
    for (name, members) in [
        ("prompt_tokens_details", &unknown.input),
        ("completion_tokens_details", &unknown.output),
    ] {
        if let Some(members) = members.get(1..) {
            let _ = write!(out, ",\"{name}\":{{");
            out.extend_from_slice(members);
            out.push(b'}');
        }
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raws: &[&str]) -> Report {
        let mut report = Report::default();
        for raw in raws {
            report.take(raw);
        }
        report
    }

    #[test]
    fn cached_tokens_are_input_and_the_last_figure_of_each_kind_stands() {
        let report = read(&[
            r#"{"input_tokens":3,"cache_creation_input_tokens":20,"cache_read_input_tokens":100,"output_tokens":1,"cache_creation":{"ephemeral_5m_input_tokens":15,"ephemeral_1h_input_tokens":5}}"#,
            r#"{"output_tokens":40,"output_tokens_details":{"thinking_tokens":30}}"#,
        ]);
        let usage = report.usage().unwrap();
        assert_eq!((usage.input, usage.output), (123, 40));
        assert_eq!(
            (usage.cached, usage.cache_write, usage.cache_write_1h),
            (100, 20, 5)
        );
        assert_eq!(usage.reasoning, 30);
    }

    #[test]
    fn the_service_that_was_given_is_known_and_passes() {
        let report = read(&[
            r#"{"input_tokens":3,"service_tier":"priority"}"#,
            r#"{"output_tokens":4,"service_tier":null}"#,
        ]);
        let tier = report.usage().unwrap().tier;
        assert_eq!(tier, Some(ServiceTier::Priority));
        assert_eq!(
            report.unknown().top,
            br#","service_tier":"priority""#.to_vec()
        );
    }

    #[test]
    fn what_is_taken_apart_is_put_together_again() {
        let raw = r#"{"input_tokens":3,"cache_creation_input_tokens":20,"cache_read_input_tokens":100,"cache_creation":{"ephemeral_5m_input_tokens":15,"ephemeral_1h_input_tokens":5},"output_tokens":40,"output_tokens_details":{"thinking_tokens":30},"service_tier":"standard"}"#;
        let report = read(&[raw]);
        let mut out = Vec::new();
        write(report.usage().unwrap(), &report.unknown(), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), raw);
    }

    #[test]
    fn nothing_reported_is_no_report_and_absurd_figures_do_not_wrap() {
        assert_eq!(
            read(&["{}", "null", r#"{"service_tier":"x"}"#]).usage(),
            None
        );
        let max = "18446744073709551615";
        let raw = format!(r#"{{"input_tokens":{max},"cache_read_input_tokens":{max}}}"#);
        let mut out = Vec::new();
        let usage = read(&[&raw]).usage().unwrap();
        assert_eq!(usage.input, u64::MAX);
        write(usage, &Unknown::default(), &mut out);
        assert!(
            String::from_utf8(out)
                .unwrap()
                .contains(r#""input_tokens":0"#)
        );
    }
}
