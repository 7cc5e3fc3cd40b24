//! Why: clients slow down by themselves when they are told where they stand. OpenAI's names are
//! what SDKs read; the IETF pair (draft-ietf-httpapi-ratelimit-headers-11) is what is coming.

use super::{Measure, Rule, Standing};
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use std::time::Duration;

/// Largest integer of a structured field (RFC 9651, 3.3.1).
const MAX_INTEGER: u64 = 999_999_999_999_999;

const REQUEST_NAMES: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit-requests"),
    HeaderName::from_static("x-ratelimit-remaining-requests"),
    HeaderName::from_static("x-ratelimit-reset-requests"),
];
const TOKEN_NAMES: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit-tokens"),
    HeaderName::from_static("x-ratelimit-remaining-tokens"),
    HeaderName::from_static("x-ratelimit-reset-tokens"),
];
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STANDING: HeaderName = HeaderName::from_static("ratelimit");

/// The lines that tell where a key stands: OpenAI's three of the measure, and the IETF pair, such
/// as `RateLimit-Policy: "tpm";q=200000;w=60;qu="tokens"` and `RateLimit: "tpm";r=199000;t=1`.
/// Requests are the draft's default unit and go unnamed.
pub fn lines(standing: &Standing) -> [(HeaderName, HeaderValue); 5] {
    let rule = &standing.rule;
    let [limit, remaining, reset] = match rule.measure() {
        Measure::Requests => REQUEST_NAMES,
        Measure::Tokens => TOKEN_NAMES,
    };
    // One buffer that the five values share: they are cloned into every answer of the request.
    let mut text = String::with_capacity(128);
    let mut cut = |write: &mut dyn FnMut(&mut String)| {
        let from = text.len();
        write(&mut text);
        from..text.len()
    };
    let spans = [
        cut(&mut |out| number(out, rule.limit())),
        cut(&mut |out| number(out, standing.remaining)),
        cut(&mut |out| push_go_duration(out, standing.reset_after)),
        cut(&mut |out| push_policy(out, rule)),
        cut(&mut |out| push_standing(out, standing)),
    ];
    let text = Bytes::from(text);
    let mut names = [limit, remaining, reset, POLICY, STANDING].into_iter();
    spans.map(|span| {
        let value = HeaderValue::from_maybe_shared(text.slice(span));
        // Digits, letters and quotes: always a header's value, and there are as many names.
        let empty = HeaderValue::from_static("");
        (names.next().unwrap_or(STANDING), value.unwrap_or(empty))
    })
}

fn push_policy(out: &mut String, rule: &Rule) {
    push_item(out, rule);
    out.push_str(";q=");
    number(out, rule.limit().min(MAX_INTEGER));
    out.push_str(";w=");
    number(out, seconds(rule.window()));
    if rule.measure() == Measure::Tokens {
        out.push_str(";qu=\"tokens\"");
    }
}

fn push_standing(out: &mut String, standing: &Standing) {
    push_item(out, &standing.rule);
    out.push_str(";r=");
    number(out, standing.remaining.min(MAX_INTEGER));
    out.push_str(";t=");
    number(out, seconds(standing.reset_after));
}

/// The rule's name in quotes.
fn push_item(out: &mut String, rule: &Rule) {
    out.push('"');
    push_name(out, rule);
    out.push('"');
}

/// These lines are written for every request: a formatter costs more than the digits.
fn number(out: &mut String, number: u64) {
    out.push_str(itoa::Buffer::new().format(number));
}

/// What a rule is called in both headers: `rps`, `rpm`, `rph`, `rpd` and `tps`, `tpm`, `tph`,
/// `tpd`; other windows by their length, `requests-90s`.
fn push_name(out: &mut String, rule: &Rule) {
    let (letter, word) = match rule.measure() {
        Measure::Requests => ('r', "requests-"),
        Measure::Tokens => ('t', "tokens-"),
    };
    let short = match rule.window() {
        SECOND => "ps",
        MINUTE => "pm",
        HOUR => "ph",
        DAY => "pd",
        other => {
            out.push_str(word);
            push_go_duration(out, other);
            return;
        }
    };
    out.push(letter);
    out.push_str(short);
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// A duration as Go prints it and OpenAI sends it, in milliseconds rounded up: `0s`, `12ms`,
/// `1.5s`, `6m0s`, `1h0m0.25s`.
fn push_go_duration(out: &mut String, duration: Duration) {
    let rounded_up = u64::from(!duration.subsec_nanos().is_multiple_of(1_000_000));
    let millis = duration
        .as_secs()
        .saturating_mul(1_000)
        .saturating_add(u64::from(duration.subsec_millis()))
        .saturating_add(rounded_up);
    if millis == 0 {
        return out.push_str("0s");
    }
    if millis < 1_000 {
        number(out, millis);
        return out.push_str("ms");
    }
    let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
    if hours > 0 {
        number(out, hours);
        out.push('h');
    }
    if hours > 0 || minutes > 0 {
        number(out, minutes);
        out.push('m');
    }
    number(out, millis / 1_000 % 60);
    push_fraction(out, millis % 1_000);
    out.push('s');
}

/// Thousandths behind a point, without the zeros at their end.
fn push_fraction(out: &mut String, thousandths: u64) {
    if thousandths == 0 {
        return;
    }
    out.push('.');
    let mut rest = thousandths;
    for unit in [100, 10, 1] {
        if rest > 0 {
            number(out, rest / unit);
            rest %= unit;
        }
    }
}

fn seconds(duration: Duration) -> u64 {
    let rounded_up = u64::from(duration.subsec_nanos() > 0);
    duration
        .as_secs()
        .saturating_add(rounded_up)
        .min(MAX_INTEGER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(rule: Rule, remaining: u64, millis: u64) -> Standing {
        Standing {
            rule,
            remaining,
            reset_after: Duration::from_millis(millis),
        }
    }

    fn go_duration(duration: Duration) -> String {
        let mut out = String::new();
        push_go_duration(&mut out, duration);
        out
    }

    fn written(standing: &Standing) -> Vec<(String, String)> {
        let line = |(name, value): (HeaderName, HeaderValue)| {
            let value = value.to_str().expect("readable").to_owned();
            (name.as_str().to_owned(), value)
        };
        lines(standing).map(line).to_vec()
    }

    fn pairs(lines: [(&str, &str); 5]) -> Vec<(String, String)> {
        lines
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec()
    }

    #[test]
    fn durations_are_written_as_go_writes_them() {
        let cases = [
            (0, "0s"),
            (1, "1ms"),
            (12_000_000, "12ms"),
            (12_000_001, "13ms"),
            (999_000_000, "999ms"),
            (999_999_999, "1s"),
            (1_500_000_000, "1.5s"),
            (10_781_000_000, "10.781s"),
            (60_000_000_000, "1m0s"),
            (360_000_000_000, "6m0s"),
            (3_600_250_000_000, "1h0m0.25s"),
            (90_061_001_000_000, "25h1m1.001s"),
        ];
        for (nanos, written) in cases {
            assert_eq!(go_duration(Duration::from_nanos(nanos)), written);
        }
        assert!(go_duration(Duration::MAX).ends_with('s'));
    }

    #[test]
    fn tokens_have_their_names_and_their_unit() {
        let rule = Rule::per_minute(Measure::Tokens, 200_000);
        assert_eq!(
            written(&standing(rule, 199_000, 300)),
            pairs([
                ("x-ratelimit-limit-tokens", "200000"),
                ("x-ratelimit-remaining-tokens", "199000"),
                ("x-ratelimit-reset-tokens", "300ms"),
                ("ratelimit-policy", r#""tpm";q=200000;w=60;qu="tokens""#),
                ("ratelimit", r#""tpm";r=199000;t=1"#),
            ])
        );
    }

    #[test]
    fn requests_have_their_names_and_seconds_are_rounded_up() {
        let rule = Rule::per_minute(Measure::Requests, 600);
        assert_eq!(
            written(&standing(rule, 0, 59_001)),
            pairs([
                ("x-ratelimit-limit-requests", "600"),
                ("x-ratelimit-remaining-requests", "0"),
                ("x-ratelimit-reset-requests", "59.001s"),
                ("ratelimit-policy", r#""rpm";q=600;w=60"#),
                ("ratelimit", r#""rpm";r=0;t=60"#),
            ])
        );
    }

    #[test]
    fn a_policy_is_named_by_its_window() {
        let name = |seconds| {
            let mut out = String::new();
            let window = Duration::from_secs(seconds);
            push_name(&mut out, &Rule::new(Measure::Requests, 1, window));
            out
        };
        let names = [1, 60, 3_600, 86_400, 90].map(name);
        assert_eq!(names, ["rps", "rpm", "rph", "rpd", "requests-1m30s"]);
    }

    #[test]
    fn numbers_too_large_for_a_structured_field_are_cut() {
        let rule = Rule::per_minute(Measure::Requests, u64::MAX);
        let lines = written(&standing(rule, u64::MAX, 0));
        assert!(lines[3].1.contains(";q=999999999999999;"), "{lines:?}");
        assert!(lines[4].1.contains(";r=999999999999999;"), "{lines:?}");
    }
}
