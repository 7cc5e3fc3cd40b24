//! Why: a limit is known by what it counts and over how long; that pair, not its size, is its
//! identity, so that raising a limit on reload forgets nothing.

use super::Gcra;
use std::time::Duration;

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Measure {
    /// Requests.
    Requests,
    /// Prompt and answer tokens.
    Tokens,
}

/// One limit: so many of a measure per window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    measure: Measure,
    window: Duration,
    gcra: Gcra,
}

impl Rule {
    /// `limit` of `measure` per `window`.
    pub fn new(measure: Measure, limit: u64, window: Duration) -> Self {
        Self {
            measure,
            window,
            gcra: Gcra::new(limit, window),
        }
    }

    /// `limit` of `measure` per minute.
    pub fn per_minute(measure: Measure, limit: u64) -> Self {
        Self::new(measure, limit, Duration::from_secs(60))
    }

    /// What is counted.
    pub fn measure(&self) -> Measure {
        self.measure
    }

    /// Units per window.
    pub fn limit(&self) -> u64 {
        self.gcra.limit()
    }

    /// Over how long.
    pub fn window(&self) -> Duration {
        self.window
    }

    pub(super) fn gcra(&self) -> &Gcra {
        &self.gcra
    }
}
