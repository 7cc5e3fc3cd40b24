//! What a model name asks of the mock, read once and checked against the one table.
//!
//! A scripted provider is only trustworthy when a misspelt parameter is an error: a test that
//! thinks it waits two seconds and does not proves nothing. So every parameter is declared with
//! its kind and default, and reading a name either gives complete parameters or says why not.

use std::time::Duration;

use super::behaviour::Act;
use super::params::COMMON;
use super::table::SCENARIOS;

/// One scripted behaviour, as listed in `docs/reference/mock.md`.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// The name before the `?`, such as `stream`.
    pub name: &'static str,
    /// One sentence on what a client of the mock sees.
    pub about: &'static str,
    /// The parameters that only this scenario knows; the common ones are in [`common_params`].
    pub params: &'static [Param],
    /// How much of the request is read before the mock acts.
    pub(super) reads: Reads,
    /// What happens once the request is known.
    pub(super) act: Act,
}

/// One `key=value` after the `?` of a model name.
#[derive(Debug)]
pub struct Param {
    /// The key.
    pub name: &'static str,
    /// What is assumed when the key is absent; empty means "not set".
    pub default: &'static str,
    /// One sentence on its effect.
    pub about: &'static str,
    /// Which values are accepted.
    pub(super) kind: Kind,
}

/// The values a parameter accepts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// A whole number up to the bound.
    Count(u64),
    /// A status from 200 to 599.
    Status,
    /// A duration such as `500us`, `10ms`, `2s`, `1m`; at most one hour.
    Span,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Any text, percent-encoded.
    Text,
}

/// How much of the request body is read before the mock acts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reads {
    /// All of it.
    Whole,
    /// Only as much as names the model.
    Prefix,
    /// Only as much as names the model, if the parameter has this value; else all of it.
    PrefixIf(&'static str, &'static str),
}

/// Every scenario, in the order of the documentation.
pub fn scenarios() -> &'static [Scenario] {
    SCENARIOS
}

/// The parameters that every scenario knows.
pub fn common_params() -> &'static [Param] {
    COMMON
}

/// Why a model name cannot be played.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unplayable {
    /// No scenario of that name; the nearest ones are suggested.
    Unknown {
        name: String,
        nearest: Vec<&'static str>,
    },
    /// A parameter is unknown or its value is not accepted; the text says what would be.
    BadParam { name: String, why: String },
}

/// A scenario with its parameters, defaults filled in.
#[derive(Debug)]
pub(super) struct Called {
    /// The row of the table.
    pub(super) scenario: &'static Scenario,
    /// Every parameter of the row and of [`common_params`].
    pub(super) params: Params,
}

impl Called {
    /// True when the mock must act before the whole request body has been read.
    pub(super) fn acts_early(&self) -> bool {
        match self.scenario.reads {
            Reads::Whole => false,
            Reads::Prefix => true,
            Reads::PrefixIf(key, value) => self.params.text(key) == value,
        }
    }
}

/// Reads `mock/<scenario>?k=v&k2=v2`; the `mock/` prefix may be absent.
pub(super) fn call(model: &str) -> Result<Called, Unplayable> {
    let model = model.strip_prefix("mock/").unwrap_or(model);
    let (name, query) = model.split_once('?').unwrap_or((model, ""));
    let scenario = SCENARIOS
        .iter()
        .find(|scenario| scenario.name == name)
        .ok_or_else(|| Unplayable::Unknown {
            name: clipped(name),
            nearest: nearest(name),
        })?;
    let params = Params::read(scenario, query)?;
    Ok(Called { scenario, params })
}

/// The accepted values of one call, by parameter name.
#[derive(Debug)]
pub(super) struct Params(Vec<(&'static Param, Value)>);

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Unset,
    Count(u64),
    Span(Duration),
    Text(String),
}

impl Params {
    fn read(scenario: &'static Scenario, query: &str) -> Result<Self, Unplayable> {
        let known = || scenario.params.iter().chain(COMMON);
        let mut values: Vec<(&'static Param, Value)> = known()
            .map(|param| {
                (
                    param,
                    accept(param.kind, &percent_decoded(param.default)).unwrap_or(Value::Unset),
                )
            })
            .collect();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, raw) = pair.split_once('=').unwrap_or((pair, ""));
            let Some((param, value)) = values.iter_mut().find(|(param, _)| param.name == key)
            else {
                let names: Vec<_> = known().map(|param| param.name).collect();
                return Err(Unplayable::BadParam {
                    name: clipped(key),
                    why: format!("`{}` knows {}", scenario.name, names.join(", ")),
                });
            };
            *value =
                accept(param.kind, &percent_decoded(raw)).ok_or_else(|| Unplayable::BadParam {
                    name: param.name.to_owned(),
                    why: expectation(param.kind),
                })?;
        }
        Ok(Self(values))
    }

    fn value(&self, name: &str) -> &Value {
        self.0
            .iter()
            .find(|(param, _)| param.name == name)
            .map_or(&Value::Unset, |(_, value)| value)
    }

    /// A number, or `None` when it is not set.
    pub(super) fn count(&self, name: &str) -> Option<u64> {
        match self.value(name) {
            Value::Count(count) => Some(*count),
            _ => None,
        }
    }

    /// A duration; zero when it is not set.
    pub(super) fn span(&self, name: &str) -> Duration {
        match self.value(name) {
            Value::Span(span) => *span,
            _ => Duration::ZERO,
        }
    }

    /// A word or text; empty when it is not set.
    pub(super) fn text(&self, name: &str) -> &str {
        match self.value(name) {
            Value::Text(text) => text,
            _ => "",
        }
    }

    /// True when the word is `yes`.
    pub(super) fn yes(&self, name: &str) -> bool {
        self.text(name) == "yes"
    }
}

fn accept(kind: Kind, raw: &str) -> Option<Value> {
    match kind {
        _ if raw.is_empty() => Some(Value::Unset),
        Kind::Count(most) => {
            let count = raw.parse().ok().filter(|count| *count <= most)?;
            Some(Value::Count(count))
        }
        Kind::Status => {
            let code = raw.parse().ok().filter(|code| (200..=599).contains(code))?;
            Some(Value::Count(code))
        }
        Kind::Span => duration(raw).map(Value::Span),
        Kind::Word(words) => words.contains(&raw).then(|| Value::Text(raw.to_owned())),
        Kind::Text => Some(Value::Text(raw.to_owned())),
    }
}

fn expectation(kind: Kind) -> String {
    match kind {
        Kind::Count(most) => format!("it takes a whole number up to {most}"),
        Kind::Status => "it takes a status from 200 to 599".to_owned(),
        Kind::Span => "it takes a duration such as 500us, 10ms, 2s or 1m, at most 1h".to_owned(),
        Kind::Word(words) => format!("it takes one of {}", words.join(", ")),
        Kind::Text => "it takes percent-encoded text".to_owned(),
    }
}

fn duration(raw: &str) -> Option<Duration> {
    const HOUR: Duration = Duration::from_secs(3600);
    let digits = raw.find(|c: char| !c.is_ascii_digit()).unwrap_or(raw.len());
    let (number, unit) = raw.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let span = match unit {
        "us" => Duration::from_micros(number),
        "ms" | "" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        "m" => Duration::from_secs(number.checked_mul(60)?),
        "h" => Duration::from_secs(number.checked_mul(3600)?),
        _ => return None,
    };
    (span <= HOUR).then_some(span)
}

/// Undoes percent-encoding; what is none stays as it is.
pub(super) fn percent_decoded(raw: &str) -> String {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        let code = after
            .get(..2)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        rest = match code {
            Some(byte) => {
                bytes.push(byte);
                after.get(2..).unwrap_or_default()
            }
            None => {
                bytes.push(b'%');
                after
            }
        };
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Names come from clients and return in error messages: keep them short.
fn clipped(name: &str) -> String {
    name.chars().take(64).collect()
}

fn nearest(name: &str) -> Vec<&'static str> {
    let name = clipped(name);
    let mut names: Vec<_> = SCENARIOS
        .iter()
        .map(|scenario| (distance(&name, scenario.name), scenario.name))
        .collect();
    names.sort_unstable();
    names.into_iter().take(3).map(|(_, name)| name).collect()
}

/// Levenshtein's distance, one row at a time.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut previous = i + 1;
        for (cell, right) in row.iter_mut().skip(1).zip(b.chars()) {
            let changed = diagonal + usize::from(left != right);
            diagonal = *cell;
            *cell = changed.min(*cell + 1).min(previous + 1);
            previous = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_with_and_without_the_prefix() {
        for model in [
            "mock/stream?chunks=7&delay=10ms",
            "stream?chunks=7&delay=10ms",
        ] {
            let called = call(model).unwrap();
            assert_eq!(called.scenario.name, "stream");
            assert_eq!(called.params.count("chunks"), Some(7));
            assert_eq!(called.params.span("delay"), Duration::from_millis(10));
        }
    }

    #[test]
    fn absent_parameters_have_the_defaults_of_the_table() {
        let called = call("slow").unwrap();
        assert_eq!(called.params.span("first_byte"), Duration::from_millis(500));
        assert_eq!(called.params.count("tokens_in"), None);
    }

    #[test]
    fn every_default_of_the_table_is_itself_accepted() {
        for scenario in SCENARIOS {
            for param in scenario.params.iter().chain(COMMON) {
                assert!(
                    accept(param.kind, param.default).is_some(),
                    "{}?{}={}",
                    scenario.name,
                    param.name,
                    param.default
                );
            }
        }
    }

    #[test]
    fn an_unknown_scenario_names_the_nearest() {
        let Err(Unplayable::Unknown { nearest, .. }) = call("steam") else {
            panic!("`steam` must be unknown");
        };
        assert_eq!(nearest.first(), Some(&"stream"));
    }

    #[test]
    fn a_misspelt_parameter_is_refused_and_the_known_ones_are_named() {
        let Err(Unplayable::BadParam { name, why }) = call("stream?chunk=3") else {
            panic!("`chunk` must be refused");
        };
        assert_eq!(name, "chunk");
        assert!(why.contains("chunks"), "{why}");
    }

    #[test]
    fn values_out_of_range_are_refused() {
        for model in [
            "stream?chunks=99999999999",
            "stream?chunks=-1",
            "stream?delay=2h",
            "stream?delay=10parsecs",
            "hang?before=lunch",
            "status?code=99999",
        ] {
            assert!(
                matches!(call(model), Err(Unplayable::BadParam { .. })),
                "{model}"
            );
        }
    }

    #[test]
    fn durations_carry_their_unit_and_default_to_milliseconds() {
        assert_eq!(duration("250us"), Some(Duration::from_micros(250)));
        assert_eq!(duration("40"), Some(Duration::from_millis(40)));
        assert_eq!(duration("3s"), Some(Duration::from_secs(3)));
        assert_eq!(duration("1m"), Some(Duration::from_secs(60)));
        assert_eq!(duration("s"), None);
        assert_eq!(duration("99999999999999999999s"), None);
        assert_eq!(duration("18446744073709551615m"), None);
    }

    #[test]
    fn percent_codes_are_decoded_and_broken_ones_kept() {
        assert_eq!(percent_decoded("a%20b%26c"), "a b&c");
        assert_eq!(percent_decoded("100%"), "100%");
        assert_eq!(percent_decoded("%zz%é"), "%zz%é");
    }

    #[test]
    fn a_name_of_a_megabyte_is_refused_with_a_short_message() {
        let Err(Unplayable::Unknown { name, .. }) = call(&"x".repeat(1 << 20)) else {
            panic!("must be unknown");
        };
        assert_eq!(name.len(), 64);
    }
}
