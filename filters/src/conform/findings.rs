//! What was found, and where.

use std::fmt;

/// More than that say nothing new.
const MOST: usize = 100;
/// Longest excerpt in a report, in characters.
const EXCERPT: usize = 120;

/// A departure from the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule's name, such as `chat.role-first`. Names stay.
    pub rule: &'static str,
    /// Where: `event 3`, `body`.
    pub at: String,
    /// What is wrong there.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.at, self.rule, self.what)
    }
}

/// Collects violations at the place that is looked at.
#[derive(Debug)]
pub(super) struct Findings {
    at: String,
    found: Vec<Violation>,
}

impl Default for Findings {
    fn default() -> Self {
        Self {
            at: "body".to_owned(),
            found: Vec::new(),
        }
    }
}

impl Findings {
    /// From now on that is where.
    pub(super) fn go(&mut self, at: impl Into<String>) {
        self.at = at.into();
    }

    /// A rule is broken.
    pub(super) fn broken(&mut self, rule: &'static str, what: impl Into<String>) {
        if self.found.len() < MOST {
            self.found.push(Violation {
                rule,
                at: self.at.clone(),
                what: what.into(),
            });
        }
    }

    /// A rule is broken unless this holds.
    pub(super) fn hold(&mut self, holds: bool, rule: &'static str, what: impl Into<String>) {
        if !holds {
            self.broken(rule, what);
        }
    }

    pub(super) fn all(self) -> Vec<Violation> {
        self.found
    }
}

/// The beginning of something that may be long.
pub(super) fn excerpt(text: &str) -> String {
    let mut short: String = text.chars().take(EXCERPT).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
