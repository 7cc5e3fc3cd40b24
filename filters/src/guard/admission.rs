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
    fn fifty_megabytes_a_second_are_fast_enough() {
        assert!(passes(50_000_000, Duration::from_secs(1)));
        assert!(!passes(49_999_999, Duration::from_secs(1)));
    }
}
