//! Why: an issuer's keys are fetched often enough to follow it and rarely enough not to trouble it. A flood of tokens
//! with unknown key ids is one question, not a flood of questions. Pure, so that a test need not wait.

use std::time::Duration;

/// How soon keys may be fetched again because a token names one that is not known.
const EAGER: Duration = Duration::from_secs(10);
/// How long a failure is waited out at most.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long keys are believed after the last time their issuer could be asked.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// When what was tried, on a clock that only needs differences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Schedule {
    tried: Option<Duration>,
    learned: Option<Duration>,
    failures: u32,
}

impl Schedule {
    /// When keys are fetched next. `wanted`: a token named one that is not known.
    pub(super) fn due(&self, refresh: Duration, wanted: bool) -> Duration {
        let Some(tried) = self.tried else {
            return Duration::ZERO;
        };
        let rest = match (self.failures, wanted) {
            (0, false) => refresh,
            (0, true) => EAGER.min(refresh),
            (failures, _) => {
                let doubled = 1_u64 << failures.saturating_sub(1).min(16);
                Duration::from_secs(doubled).min(PATIENCE).min(refresh)
            }
        };
        tried.saturating_add(rest)
    }

    /// The same knowledge, to be renewed at once.
    pub(super) fn anew(self) -> Self {
        Self {
            tried: None,
            ..self
        }
    }

    /// The issuer answered.
    pub(super) fn learn(&mut self, now: Duration) {
        *self = Self {
            tried: Some(now),
            learned: Some(now),
            failures: 0,
        };
    }

    /// It did not. True when its keys are too old to be believed any longer.
    pub(super) fn fail(&mut self, now: Duration) -> bool {
        self.tried = Some(now);
        self.failures = self.failures.saturating_add(1);
        let age = self.learned.map(|learned| now.saturating_sub(learned));
        age.is_some_and(|age| age >= KEPT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn keys_are_fetched_at_once_then_regularly_and_earlier_when_one_is_missed() {
        let mut schedule = Schedule::default();
        assert_eq!(schedule.due(s(300), false), s(0));
        schedule.learn(s(7));
        assert_eq!(schedule.due(s(300), false), s(307));
        assert_eq!(schedule.due(s(300), true), s(17));
        assert_eq!(schedule.due(s(1), true), s(8));
    }

    #[test]
    fn failures_are_waited_out_longer_and_longer() {
        let mut schedule = Schedule::default();
        let mut waits = Vec::new();
        for _ in 0..9 {
            assert!(!schedule.fail(s(0)));
            assert_eq!(schedule.due(s(300), true), schedule.due(s(300), false));
            waits.push(schedule.due(s(300), true).as_secs());
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(schedule.due(s(5), false), s(5));
        schedule.failures = u32::MAX;
        assert_eq!(schedule.due(s(300), false), s(60));
    }

    #[test]
    fn keys_are_believed_for_a_day_after_their_issuer_has_gone() {
        let mut schedule = Schedule::default();
        schedule.learn(s(100));
        assert!(!schedule.fail(s(100 + 86_399)));
        assert!(schedule.fail(s(100 + 86_400)));
        schedule.learn(s(100_000));
        assert!(!schedule.fail(s(100_001)));
    }
}
