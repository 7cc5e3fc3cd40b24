//! The retry budget: by default retries may be a fifth of a provider's requests, plus ten, in ten
//! seconds.
//!
//! Without it a failing provider receives a multiple of its load just when it can least bear it.

use std::sync::Mutex;
use std::time::Duration;

use crate::conf;

#[derive(Debug, Default)]
struct Counts {
    window: u64,
    requests: u64,
    retries: u64,
}

/// The budget of one provider; lives across reloads.
#[derive(Debug, Default)]
pub struct RetryBudget {
    counts: Mutex<Counts>,
}

impl RetryBudget {
    /// Counts a first attempt at `now` (time since any fixed point).
    pub fn note_request(&self, policy: &conf::RetryBudget, now: Duration) {
        self.with(policy, now, |counts| counts.requests += 1);
    }

    /// Takes one retry from the budget, if there is one left.
    pub fn try_retry(&self, policy: &conf::RetryBudget, now: Duration) -> bool {
        self.with(policy, now, |counts| {
            let share = counts.requests.saturating_mul(u64::from(policy.percent)) / 100;
            let allowed = counts.retries < share + u64::from(policy.minimum);
            counts.retries += u64::from(allowed);
            allowed
        })
    }

    /// A new window starts with half of what the last one held, so that its first moments are
    /// not judged by no traffic at all.
    fn with<T>(
        &self,
        policy: &conf::RetryBudget,
        now: Duration,
        act: impl FnOnce(&mut Counts) -> T,
    ) -> T {
        let length = policy.window.as_millis().max(1);
        let window = u64::try_from(now.as_millis() / length).unwrap_or(u64::MAX);
        let mut counts = self
            .counts
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if counts.window != window {
            let adjacent = counts.window.saturating_add(1) == window;
            *counts = Counts {
                window,
                requests: if adjacent { counts.requests / 2 } else { 0 },
                retries: 0,
            };
        }
        act(&mut counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_retries_are_free_and_then_one_in_five_requests() {
        let budget = RetryBudget::default();
        let policy = conf::RetryBudget::default();
        let now = Duration::from_secs(3);
        for _ in 0..50 {
            budget.note_request(&policy, now);
        }
        let allowed = (0..100).filter(|_| budget.try_retry(&policy, now)).count();
        assert_eq!(allowed, 20);
        assert!(budget.try_retry(&policy, Duration::from_secs(13)));
    }
}
