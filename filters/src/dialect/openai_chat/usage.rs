//! The `usage` member: read from the many spellings that imitators of OpenAI
//! have found, written in OpenAI's own. Money is computed from it, so every
//! figure has one meaning for all providers (section 1.4 of the design page
//! `providers.md`).

use crate::ask::push_clean;
use crate::event::{ServiceTier, Usage};
use crate::json::push_quoted;

use super::wire::{members, number};

/// Reads a `usage` object; `None` if it holds no count at all.
///
/// Two providers leave tokens out that their own total holds: xAI the reasoning,
/// Gemini's compatible surface the hidden thoughts. Both are output, so whatever
/// the total has beyond the two counts is added there. Mistral's total has the
/// prompt's audio beyond them, and says so in `prompt_audio_seconds`.
pub(crate) fn read(raw: &str) -> Option<Usage> {
    let mut usage = Usage::default();
    let (mut input, mut output, mut total, mut sound) = (None, None, None, false);
    let set = |place: &mut u64, value: Option<u64>| *place = value.unwrap_or(*place);
    members(raw, |key, value| match key {
        "prompt_tokens" | "input_tokens" => input = number(value).or(input),
        "completion_tokens" | "output_tokens" => output = number(value).or(output),
        "total_tokens" => total = number(value),
        "cached_tokens" | "num_cached_tokens" | "prompt_cache_hit_tokens" => {
            set(&mut usage.cached, number(value));
        }
        "service_tier" => usage.tier = ServiceTier::of_member(value),
        "prompt_audio_seconds" => sound = number(value).is_some(),
        "prompt_tokens_details" | "input_tokens_details" => {
            members(value, |key, value| match key {
                "cached_tokens" => set(&mut usage.cached, number(value)),
                "cache_write_tokens" => set(&mut usage.cache_write, number(value)),
                "cache_write_1h_tokens" => set(&mut usage.cache_write_1h, number(value)),
                "audio_tokens" => set(&mut usage.audio_in, number(value)),
                _ => {}
            });
        }
        "completion_tokens_details" | "output_tokens_details" => {
            members(value, |key, value| match key {
                "reasoning_tokens" => set(&mut usage.reasoning, number(value)),
                "audio_tokens" => set(&mut usage.audio_out, number(value)),
                _ => {}
            });
        }
        _ => {}
    });
    if input.is_none() && output.is_none() && total.is_none() {
        return None;
    }
    usage.input = input.unwrap_or_else(|| total.unwrap_or(0).saturating_sub(output.unwrap_or(0)));
    usage.output = output.unwrap_or(0);
    let surplus = total.unwrap_or(0).saturating_sub(usage.total());
    if sound {
        usage.input = usage.input.saturating_add(surplus);
    } else {
        usage.output = usage.output.saturating_add(surplus);
    }
    Some(usage.clamped())
}

/// The members of a `usage` object that are unknown here, as JSON text with a
/// comma before each, so that they survive at their places.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unknown {
    pub(crate) top: Vec<u8>,
    pub(crate) input: Vec<u8>,
    pub(crate) output: Vec<u8>,
}

impl Unknown {
    /// These members, by name and raw value.
    pub(crate) fn of(members: &[(String, String)]) -> Unknown {
        let mut unknown = Unknown::default();
        for (key, value) in members {
            push_member(&mut unknown.top, key, value);
        }
        unknown
    }

    pub(crate) fn read(raw: &str) -> Unknown {
        let mut unknown = Unknown::default();
        members(raw, |key, value| match key {
            "prompt_tokens" | "completion_tokens" | "total_tokens" | "estimated" => {}
            "prompt_tokens_details" => members(value, |key, value| {
                if !matches!(
                    key,
                    "cached_tokens"
                        | "audio_tokens"
                        | "cache_write_tokens"
                        | "cache_write_1h_tokens"
                ) {
                    push_member(&mut unknown.input, key, value);
                }
            }),
            "completion_tokens_details" => members(value, |key, value| {
                if !matches!(key, "reasoning_tokens" | "audio_tokens") {
                    push_member(&mut unknown.output, key, value);
                }
            }),
            _ => push_member(&mut unknown.top, key, value),
        });
        unknown
    }
}

/// Appends `,"key":value`; nothing for `null`.
pub(crate) fn push_member(out: &mut Vec<u8>, key: &str, value: &str) {
    if value == "null" {
        return;
    }
    out.push(b',');
    push_quoted(out, key);
    out.push(b':');
    push_raw(out, value);
}

/// Appends JSON text on one line: a line break, which JSON has between its
/// tokens only, would break an event. Lone surrogates are mended.
pub(crate) fn push_raw(out: &mut Vec<u8>, value: &str) {
    let start = out.len();
    push_clean(out, value);
    if memchr::memchr2(b'\n', b'\r', value.as_bytes()).is_some() {
        for byte in out
            .iter_mut()
            .skip(start)
            .filter(|byte| matches!(byte, b'\n' | b'\r'))
        {
            *byte = b' ';
        }
    }
}

/// Appends a chat `usage` object. `"estimated":true` marks figures that Alfred
/// counted itself.
pub(crate) fn write(usage: Usage, unknown: &Unknown, out: &mut Vec<u8>) {
    let Usage {
        input,
        output,
        cached,
        cache_write,
        cache_write_1h,
        reasoning,
        audio_in,
        audio_out,
        estimated,
        // They pass as the members that they came in.
        tier: _,
        billed: _,
    } = usage;
    let total = usage.total();
    push(
        out,
        &format!(
            r#"{{"prompt_tokens":{input},"completion_tokens":{output},"total_tokens":{total}"#
        ),
    );
    push(
        out,
        &format!(
            r#","prompt_tokens_details":{{"cached_tokens":{cached},"audio_tokens":{audio_in}"#
        ),
    );
    if cache_write > 0 {
        push(out, &format!(r#","cache_write_tokens":{cache_write}"#));
    }
    if cache_write_1h > 0 {
        push(
            out,
            &format!(r#","cache_write_1h_tokens":{cache_write_1h}"#),
        );
    }
    out.extend_from_slice(&unknown.input);
    push(
        out,
        &format!(
            r#"}},"completion_tokens_details":{{"reasoning_tokens":{reasoning},"audio_tokens":{audio_out}"#
        ),
    );
    out.extend_from_slice(&unknown.output);
    push(
        out,
        if estimated {
            r#"},"estimated":true"#
        } else {
            "}"
        },
    );
    out.extend_from_slice(&unknown.top);
    out.push(b'}');
}

/// Appends the `usage` object of embeddings.
pub(crate) fn write_embeddings(usage: Usage, out: &mut Vec<u8>) {
    let (input, total) = (usage.input, usage.total());
    push(
        out,
        &format!(r#"{{"prompt_tokens":{input},"total_tokens":{total}"#),
    );
    push(
        out,
        if usage.estimated {
            r#","estimated":true}"#
        } else {
            "}"
        },
    );
}

fn push(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_tokens_are_found_under_every_name_and_never_exceed_the_prompt() {
        for raw in [
            r#"{"prompt_tokens":9,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":7}}"#,
            r#"{"prompt_tokens":9,"completion_tokens":1,"total_tokens":10,"cached_tokens":7}"#,
            r#"{"prompt_tokens":9,"completion_tokens":1,"num_cached_tokens":7,"prompt_tokens_details":null}"#,
            r#"{"prompt_tokens":9.0,"completion_tokens":1,"prompt_cache_hit_tokens":7}"#,
        ] {
            let usage = read(raw).unwrap();
            assert_eq!(
                (usage.input, usage.output, usage.cached),
                (9, 1, 7),
                "{raw}"
            );
        }
        let grok =
            read(r#"{"prompt_tokens":7,"prompt_tokens_details":{"cached_tokens":161}}"#).unwrap();
        assert_eq!((grok.input, grok.cached), (7, 7));
    }

    #[test]
    fn tokens_that_only_the_total_knows_are_billed_as_output_and_audio_as_input() {
        let gemini =
            read(r#"{"completion_tokens":12,"prompt_tokens":35,"total_tokens":109}"#).unwrap();
        assert_eq!((gemini.input, gemini.output), (35, 74));
        let voxtral = read(
            r#"{"prompt_audio_seconds":4,"prompt_tokens":5,"completion_tokens":2,"total_tokens":57}"#,
        );
        assert_eq!(voxtral.map(|u| (u.input, u.output)), Some((55, 2)));
    }

    #[test]
    fn the_service_is_what_the_provider_calls_it_and_nothing_if_it_says_nothing() {
        for (said, tier) in [
            (r#""flex""#, Some(ServiceTier::Flex)),
            (r#""priority""#, Some(ServiceTier::Priority)),
            (r#""batch""#, Some(ServiceTier::Batch)),
            (r#""on_demand""#, Some(ServiceTier::Standard)),
            ("null", None),
            ("7", None),
            (r#"{"flex":1}"#, None),
        ] {
            let raw = format!(r#"{{"prompt_tokens":3,"service_tier":{said}}}"#);
            assert_eq!(read(&raw).unwrap().tier, tier, "{said}");
        }
    }

    #[test]
    fn a_reported_zero_is_zero_and_an_empty_object_is_no_report() {
        assert_eq!(
            read(r#"{"prompt_tokens":0,"completion_tokens":0}"#),
            Some(Usage::default())
        );
        for nothing in [
            "{}",
            "null",
            "[]",
            r#"{"queue_time":0.1}"#,
            "",
            r#"{"prompt_tokens":null}"#,
        ] {
            assert_eq!(read(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn absurd_numbers_neither_panic_nor_wrap() {
        let usage = read(
            r#"{"prompt_tokens":1e300,"completion_tokens":18446744073709551615,"total_tokens":-4}"#,
        );
        assert_eq!(
            usage.map(|u| (u.input, u.output)),
            Some((u64::MAX, u64::MAX))
        );
    }

    #[test]
    fn what_is_unknown_survives_at_its_place_and_null_is_dropped() {
        let raw = r#"{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,"queue_time":0.5,"prompt_tokens_details":{"text_tokens":3,"cached_tokens":1},"completion_tokens_details":null,"x":null}"#;
        let mut out = Vec::new();
        write(read(raw).unwrap(), &Unknown::read(raw), &mut out);
        let expected = r#"{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,"prompt_tokens_details":{"cached_tokens":1,"audio_tokens":0,"text_tokens":3},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0},"queue_time":0.5}"#;
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
