//! Which patterns of a team may come in: bounded ones of a linear engine, that
//! cannot make a text wait. The clock is the caller's.

use std::time::Duration;

use regex_automata::util::syntax;

use super::Window;
use super::own_patterns::{Patterns, PatternsError};

/// The longest match that a pattern may have, in bytes.
pub const MAX_MATCH: usize = 256;

/// The slowest that a pattern may be, in bytes per second.
pub const SLOWEST: u128 = 50_000_000;

/// How often a pattern is timed that seems slow: whatever else the machine does only
/// ever adds to it.
const ROUNDS: usize = 3;

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
    /// It is slower than [`SLOWEST`].
    #[error("`{0}` reads {1} MB/s of text, at least {least} are needed", least = SLOWEST / 1_000_000)]
    Slow(String, u128),
}

/// Judges the shape of a pattern; classes are ASCII unless it says `(?u)`.
///
/// # Errors
/// When it is no bounded pattern of a linear engine.
pub fn admit(pattern: &str) -> Result<(), Refused> {
    let name = || named(pattern);
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

/// What an error says of a pattern.
fn named(pattern: &str) -> String {
    pattern.chars().take(80).collect()
}

/// How fast a scan of so many bytes was, in bytes per second.
fn speed(bytes: usize, elapsed: Duration) -> u128 {
    (bytes as u128) * 1_000_000_000 / elapsed.as_nanos().max(1)
}

/// Times a scan of a text; the best of a few rounds, in bytes per second. `now` says how
/// long since any moment of its choice.
pub fn timed(
    text: &str,
    now: &mut dyn FnMut() -> Duration,
    scan: &mut dyn FnMut(Window<'_>),
) -> u128 {
    let mut best = 0;
    for _ in 0..ROUNDS {
        let begun = now();
        scan(Window::whole(text));
        best = best.max(speed(text.len(), now().saturating_sub(begun)));
        if best >= SLOWEST {
            break;
        }
    }
    best
}

/// Judges how fast each pattern of a team is by itself, on [`text`]; a list of fifty
/// takes about 50 ms, or 1 s when all are as slow as can be. `now` is a clock that never
/// goes back: this crate has none.
///
/// # Errors
/// When a pattern is not admitted, or slower than [`SLOWEST`].
pub fn clocked(
    patterns: &[String],
    now: &mut dyn FnMut() -> Duration,
) -> Result<(), PatternsError> {
    let text = text();
    for pattern in patterns {
        let alone = Patterns::new(0, std::slice::from_ref(pattern))?;
        let mut found = Vec::new();
        let best = timed(&text, now, &mut |window| {
            found.clear();
            alone.scan(window, &mut found);
        });
        if best < SLOWEST {
            return Err(Refused::Slow(named(pattern), best / 1_000_000).into());
        }
    }
    Ok(())
}

/// How much text a pattern is timed on, in bytes.
pub const TEXT: usize = 256 << 10;

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
    fn patterns_are_timed_on_a_text_that_is_always_the_same() {
        assert_eq!((text().len(), text() == text()), (TEXT, true));
    }

    /// A clock by which each scan takes the next of these times, in milliseconds.
    fn clock(scans: &[u64]) -> impl FnMut() -> Duration {
        let mut scans = scans.iter().copied();
        let (mut now, mut inside) = (Duration::ZERO, false);
        move || {
            if inside {
                now += Duration::from_millis(scans.next().unwrap());
            }
            inside = !inside;
            now
        }
    }

    #[test]
    fn a_slow_pattern_is_refused_with_its_speed_and_noise_is_forgiven() {
        let patterns = ["EMP-[0-9]{6}".to_owned(), "X[0-9]{3}".to_owned()];
        assert_eq!(clocked(&patterns, &mut clock(&[5, 5])), Ok(()));
        assert_eq!(clocked(&patterns, &mut clock(&[90, 80, 5, 1])), Ok(()));
        let refused = clocked(&patterns, &mut clock(&[5, 40, 30, 20])).unwrap_err();
        let said = refused.to_string();
        let all = ["X[0-9]{3}", "13 MB/s", "at least 50"];
        assert!(all.iter().all(|part| said.contains(part)), "{said}");
    }

    #[test]
    fn a_pattern_that_may_not_come_in_is_not_timed() {
        let refused = clocked(&["a+".to_owned()], &mut || panic!("timed")).unwrap_err();
        assert_eq!(refused, Refused::Unbounded("a+".into()).into());
    }
}
