//! Which patterns of a team may come in: bounded ones of a linear engine, that
//! cannot make a text wait. The clock is the caller's.

use std::time::Duration;

use regex_automata::util::syntax;

/// The longest match that a pattern may have, in bytes.
pub const MAX_MATCH: usize = 256;

/// The slowest that a pattern may be, in bytes per second.
const SLOWEST: u128 = 50_000_000;

/// Why a pattern was refused; names the pattern.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Refused {
    /// No pattern of a linear engine: look-around, back-references, a typing error.
    #[error("`{0}`: {1}")]
    Syntax(String, String),
    /// It would match between any two characters.
    #[error("`{0}` matches the empty string")]
    Empty(String),
    /// Its longest match has no bound, or one above [`MAX_MATCH`].
    #[error("`{0}` may match more than {MAX_MATCH} bytes: bound its repeats, as in {{1,40}}")]
    Unbounded(String),
}

/// Judges the shape of a pattern; classes are ASCII unless it says `(?u)`.
///
/// # Errors
/// When it is no bounded pattern of a linear engine.
pub fn admit(pattern: &str) -> Result<(), Refused> {
    let name = || pattern.chars().take(80).collect::<String>();
    let how = syntax::Config::new().unicode(false).utf8(false);
    let parsed = syntax::parse_with(pattern, &how).map_err(|error| {
        let said = error.to_string();
        let why = said.rsplit("error: ").next().unwrap_or_default();
        Refused::Syntax(name(), why.trim().to_owned())
    })?;
    let properties = parsed.properties();
    if properties.minimum_len() == Some(0) {
        return Err(Refused::Empty(name()));
    }
    match properties.maximum_len() {
        Some(1..=MAX_MATCH) => Ok(()),
        _ => Err(Refused::Unbounded(name())),
    }
}

/// Whether a scan of so many bytes was fast enough.
#[must_use]
pub fn passes(bytes: usize, elapsed: Duration) -> bool {
    (bytes as u128) * 1_000_000_000 >= SLOWEST * elapsed.as_nanos()
}

/// How much text a pattern is timed on, in bytes.
pub const TEXT: usize = 1 << 20;

/// What patterns are timed on: prose, JSON, code and runs that make weak engines
/// wait. It is the same text every time.
#[must_use]
pub fn text() -> String {
    const PARTS: [&str; 4] = [
        "The committee met on Tuesday, 14 May, and Mrs. Miller asked for the figures of 2023. \
         Die Übersicht für März fehlte noch; nobody knew why.\n",
        "{\"id\":\"req_0042\",\"items\":[{\"name\":\"bolt M4\",\"count\":12,\"price\":0.35}],\"ok\":true}\n",
        "fn total(items: &[Item]) -> u64 { items.iter().map(|item| item.count * item.price).sum() }\n",
        "2024-05-14T08:15:30Z INFO gateway::route user=jane.doe@example.com ip=192.0.2.17 ms=41\n",
    ];
    const RUNS: [&str; 8] = ["a", "1", "A-", "a@", "1-", "((", " ", "x_9"];
    let mut text = String::with_capacity(TEXT + 4096);
    for round in 0.. {
        for part in PARTS.iter().cycle().skip(round % PARTS.len()).take(12) {
            text.push_str(part);
        }
        let run = RUNS.iter().cycle().nth(round % RUNS.len());
        text.push_str(&run.copied().unwrap_or_default().repeat(400));
        text.push('\n');
        if text.len() >= TEXT {
            break;
        }
    }
    let end = (0..=TEXT).rev().find(|at| text.is_char_boundary(*at));
    text.truncate(end.unwrap_or_default());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bounded_pattern_is_admitted_and_others_say_why_not() {
        assert_eq!(admit(r"EMP-\d{6}"), Ok(()));
        assert_eq!(admit("a?"), Err(Refused::Empty("a?".into())));
        assert_eq!(admit("a+"), Err(Refused::Unbounded("a+".into())));
        for (pattern, why) in [
            ("a(?=b)", "look-"),
            (r"(a)\1", "backreference"),
            ("(", "group"),
        ] {
            let said = admit(pattern).unwrap_err().to_string();
            assert!(said.contains(why) && said.contains(pattern), "{said}");
        }
    }

    #[test]
    fn patterns_are_timed_on_a_megabyte_that_is_always_the_same() {
        assert_eq!((text().len(), text() == text()), (TEXT, true));
    }

    #[test]
    fn fifty_megabytes_a_second_are_fast_enough() {
        assert!(passes(50_000_000, Duration::from_secs(1)));
        assert!(!passes(49_999_999, Duration::from_secs(1)));
    }
}
