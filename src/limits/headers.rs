//! Why: clients slow down by themselves when they are told where they stand. OpenAI's names are
//! what SDKs read; the IETF pair (draft-ietf-httpapi-ratelimit-headers-11) is what is coming.

use super::{Measure, Rule, Standing};
use std::time::Duration;

/// Largest integer of a structured field (RFC 9651, 3.3.1).
const MAX_INTEGER: u64 = 999_999_999_999_999;

/// The three OpenAI headers of one measure: name and value.
pub fn openai(standing: &Standing) -> [(&'static str, String); 3] {
    let [limit, remaining, reset] = match standing.rule.measure() {
        Measure::Requests => [
            "x-ratelimit-limit-requests",
            "x-ratelimit-remaining-requests",
            "x-ratelimit-reset-requests",
        ],
        Measure::Tokens => [
            "x-ratelimit-limit-tokens",
            "x-ratelimit-remaining-tokens",
            "x-ratelimit-reset-tokens",
        ],
    };
    [
        (limit, standing.rule.limit().to_string()),
        (remaining, standing.remaining.to_string()),
        (reset, go_duration(standing.reset_after)),
    ]
}

/// Value of `RateLimit-Policy`: `"rpm";q=600;w=60, "tpm";q=200000;w=60;qu="tokens"`. Empty
/// without rules. Requests are the draft's default unit and go unnamed.
pub fn policy(rules: &[Rule]) -> String {
    let mut out = String::with_capacity(rules.len() * 40);
    for rule in rules {
        item(&mut out, rule);
        out.push_str(";q=");
        number(&mut out, rule.limit().min(MAX_INTEGER));
        out.push_str(";w=");
        number(&mut out, seconds(rule.window()));
        if rule.measure() == Measure::Tokens {
            out.push_str(";qu=\"tokens\"");
        }
    }
    out
}

/// Value of `RateLimit`: `"rpm";r=599;t=1, "tpm";r=199000;t=1`. Empty without standings.
pub fn rate_limit(standings: &[Standing]) -> String {
    let mut out = String::with_capacity(standings.len() * 32);
    for standing in standings {
        item(&mut out, &standing.rule);
        out.push_str(";r=");
        number(&mut out, standing.remaining.min(MAX_INTEGER));
        out.push_str(";t=");
        number(&mut out, seconds(standing.reset_after));
    }
    out
}

/// Begins an item of a list: a comma behind the one before, and the rule's quoted name.
fn item(out: &mut String, rule: &Rule) {
    if !out.is_empty() {
        out.push_str(", ");
    }
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
pub fn policy_name(rule: &Rule) -> String {
    let mut out = String::new();
    push_name(&mut out, rule);
    out
}

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
            out.push_str(&go_duration(other));
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

/// Value of `Retry-After`: whole seconds, rounded up, at least 1, so that a client that obeys
/// is let through.
pub fn retry_after(wait: Duration) -> String {
    seconds(wait).max(1).to_string()
}

/// A duration as Go prints it and OpenAI sends it, in milliseconds rounded up: `0s`, `12ms`,
/// `1.5s`, `6m0s`, `1h0m0.25s`.
pub fn go_duration(duration: Duration) -> String {
    let millis = duration.as_nanos().div_ceil(1_000_000);
    let millis = u64::try_from(millis).unwrap_or(u64::MAX);
    let mut out = String::with_capacity(16);
    if millis == 0 {
        out.push_str("0s");
        return out;
    }
    if millis < 1_000 {
        number(&mut out, millis);
        out.push_str("ms");
        return out;
    }
    let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
    if hours > 0 {
        number(&mut out, hours);
        out.push('h');
    }
    if hours > 0 || minutes > 0 {
        number(&mut out, minutes);
        out.push('m');
    }
    number(&mut out, millis / 1_000 % 60);
    push_fraction(&mut out, millis % 1_000);
    out.push('s');
    out
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
    fn openai_names_tell_requests_from_tokens() {
        let rule = Rule::per_minute(Measure::Tokens, 200_000);
        let written = openai(&standing(rule, 199_000, 300));
        assert_eq!(
            written,
            [
                ("x-ratelimit-limit-tokens", "200000".to_owned()),
                ("x-ratelimit-remaining-tokens", "199000".to_owned()),
                ("x-ratelimit-reset-tokens", "300ms".to_owned()),
            ]
        );
        let rule = Rule::per_minute(Measure::Requests, 600);
        let [(limit, _), ..] = openai(&standing(rule, 1, 1));
        assert_eq!(limit, "x-ratelimit-limit-requests");
    }

    #[test]
    fn the_ietf_pair_names_each_policy_once() {
        let rules = [
            Rule::per_minute(Measure::Requests, 600),
            Rule::per_minute(Measure::Tokens, 200_000),
        ];
        assert_eq!(
            policy(&rules),
            r#""rpm";q=600;w=60, "tpm";q=200000;w=60;qu="tokens""#
        );
        let [requests, tokens] = rules;
        let standings = [standing(requests, 599, 100), standing(tokens, 0, 59_001)];
        assert_eq!(rate_limit(&standings), r#""rpm";r=599;t=1, "tpm";r=0;t=60"#);
        assert_eq!(
            (policy(&[]), rate_limit(&[])),
            (String::new(), String::new())
        );
    }

    #[test]
    fn a_policy_is_named_by_its_window() {
        let name = |seconds| {
            let window = Duration::from_secs(seconds);
            policy_name(&Rule::new(Measure::Requests, 1, window))
        };
        let names = [1, 60, 3_600, 86_400, 90].map(name);
        assert_eq!(names, ["rps", "rpm", "rph", "rpd", "requests-1m30s"]);
    }

    #[test]
    fn numbers_too_large_for_a_structured_field_are_cut() {
        let rule = Rule::per_minute(Measure::Requests, u64::MAX);
        assert!(policy(&[rule]).contains(";q=999999999999999;"));
    }

    #[test]
    fn a_client_that_waits_as_told_is_let_through() {
        let waits = [0, 1, 1_000, 1_001, 59_999].map(Duration::from_millis);
        assert_eq!(waits.map(retry_after), ["1", "1", "1", "2", "60"]);
    }
}
