//! Which target is asked next, and when: the one retry decision, as a pure state machine.
//!
//! Targets are asked in order, each at once after the one before it failed; only when the round
//! starts again does a back-off come between. A target that gave a final no is left out of later
//! rounds, and one that nobody may be asked for at the moment is passed over without being counted.
//! Clock and chance are passed in.

use std::time::Duration;

/// First step of the exponential back-off.
const BACKOFF_BASE: Duration = Duration::from_millis(50);
/// Longest back-off that is not asked for by a provider.
const BACKOFF_MAX: Duration = Duration::from_secs(2);

/// How often and how long a request may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all, the first included. At least 1.
    pub attempts: u32,
    /// No attempt starts later than this after the request arrived.
    pub deadline: Duration,
}

/// What a failed attempt means for the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Another target, or the same one later, may succeed.
    pub retryable: bool,
    /// The target that failed may be asked again in a later round.
    pub same_target: bool,
    /// How long the provider asked to wait before asking it again.
    pub retry_after: Option<Duration>,
    /// Another endpoint or another key of the same target may be asked at once.
    pub sideways: bool,
}

/// Why no further attempt is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// No other target would answer differently.
    Final,
    /// Every attempt is used.
    Attempts,
    /// The next attempt would start after the deadline.
    Deadline,
    /// The provider's retry budget is used up.
    Budget,
}

/// What to do after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Ask the target at this index after this wait.
    Try {
        /// Index into the plan's targets.
        target: usize,
        /// How long to wait first.
        wait: Duration,
    },
    /// Give up.
    Stop(Stop),
}

/// The attempts of one request over `targets` ordered targets.
#[derive(Clone, Debug)]
pub struct Attempts {
    policy: RetryPolicy,
    /// Earliest instant, as time since arrival, at which each target may be asked again;
    /// `None` when it gave a final no.
    ready: Vec<Option<Duration>>,
    /// Targets that were passed over since the last attempt.
    passed: Vec<bool>,
    current: usize,
    made: u32,
    rounds: u32,
}

impl Attempts {
    /// The first attempt goes to target 0.
    #[must_use]
    pub fn new(policy: RetryPolicy, targets: usize) -> Self {
        Self {
            policy,
            ready: vec![Some(Duration::ZERO); targets],
            passed: vec![false; targets],
            current: 0,
            made: 1,
            rounds: 0,
        }
    }

    /// The index of the target that is being asked.
    #[must_use]
    pub fn current(&self) -> usize {
        self.current
    }

    /// Attempts made so far, the running one included.
    #[must_use]
    pub fn made(&self) -> u32 {
        self.made
    }

    /// Decides what follows the failure of the running attempt. `elapsed` is the time since the
    /// request arrived, `chance` a number in [0, 1), `budget` tells whether the provider of the
    /// target at an index may be sent one more retry.
    pub fn after(
        &mut self,
        verdict: Verdict,
        elapsed: Duration,
        chance: f64,
        budget: &mut dyn FnMut(usize) -> bool,
    ) -> Next {
        self.passed.fill(false);
        if let Some(ready) = self.ready.get_mut(self.current) {
            *ready = (verdict.retryable && verdict.same_target)
                .then(|| elapsed + verdict.retry_after.unwrap_or_default());
        }
        if !verdict.retryable {
            return Next::Stop(Stop::Final);
        }
        if self.made >= self.policy.attempts {
            return Next::Stop(Stop::Attempts);
        }
        if verdict.sideways && elapsed <= self.policy.deadline {
            return self.step_sideways(elapsed);
        }
        let Some((target, wrapped)) = self.following() else {
            return Next::Stop(Stop::Final);
        };
        let wait = self.wait(target, wrapped, elapsed, chance);
        if elapsed + wait > self.policy.deadline {
            return Next::Stop(Stop::Deadline);
        }
        if !budget(target) {
            return Next::Stop(Stop::Budget);
        }
        self.rounds += u32::from(wrapped);
        self.current = target;
        self.made += 1;
        Next::Try { target, wait }
    }

    /// Asks the same target on another lane. That is not put down to the retry budget: each of its
    /// endpoints is asked once, and one that fails is soon left alone by its breaker.
    fn step_sideways(&mut self, elapsed: Duration) -> Next {
        if let Some(ready) = self.ready.get_mut(self.current) {
            *ready = Some(ready.unwrap_or(elapsed));
        }
        self.made += 1;
        Next::Try {
            target: self.current,
            wait: Duration::ZERO,
        }
    }

    /// Passes over the current target because nobody may be asked for it now. That is no attempt:
    /// neither counted nor put down to a budget. Stops when no target is left.
    pub fn skip(&mut self, elapsed: Duration, chance: f64) -> Next {
        if let Some(passed) = self.passed.get_mut(self.current) {
            *passed = true;
        }
        let Some((target, wrapped)) = self.following() else {
            return Next::Stop(Stop::Final);
        };
        // Before the first attempt there is no round that could begin again.
        let wrapped = wrapped && self.made > 1;
        let wait = self.wait(target, wrapped, elapsed, chance);
        if elapsed + wait > self.policy.deadline {
            return Next::Stop(Stop::Deadline);
        }
        self.rounds += u32::from(wrapped);
        self.current = target;
        Next::Try { target, wait }
    }

    /// The next target in order that has not given a final no and was not passed over, and
    /// whether a new round begins.
    fn following(&self) -> Option<(usize, bool)> {
        let passed = |index: usize| self.passed.get(index).copied().unwrap_or(false);
        let open = |(index, ready): &(usize, &Option<Duration>)| ready.is_some() && !passed(*index);
        let mut all = self.ready.iter().enumerate();
        let later = all.find(|entry| entry.0 > self.current && open(entry));
        later.map(|(index, _)| (index, false)).or_else(|| {
            let mut all = self.ready.iter().enumerate();
            all.find(open).map(|(index, _)| (index, true))
        })
    }

    fn wait(&self, target: usize, wrapped: bool, elapsed: Duration, chance: f64) -> Duration {
        let asked = self
            .ready
            .get(target)
            .copied()
            .flatten()
            .unwrap_or_default()
            .saturating_sub(elapsed);
        if !wrapped {
            return asked;
        }
        let ceiling = BACKOFF_BASE
            .saturating_mul(1u32 << self.rounds.min(10))
            .min(BACKOFF_MAX);
        asked.max(ceiling.mul_f64(chance.clamp(0.0, 1.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy = RetryPolicy {
        attempts: 4,
        deadline: Duration::from_secs(90),
    };
    const FAILED: Verdict = Verdict {
        retryable: true,
        same_target: true,
        retry_after: None,
        sideways: false,
    };

    fn always(_: usize) -> bool {
        true
    }

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn targets_follow_each_other_at_once_and_a_new_round_backs_off() {
        let mut attempts = Attempts::new(POLICY, 2);
        let next = attempts.after(FAILED, ms(10), 0.5, &mut always);
        assert_eq!(
            next,
            Next::Try {
                target: 1,
                wait: ms(0)
            }
        );
        let next = attempts.after(FAILED, ms(20), 0.5, &mut always);
        assert_eq!(
            next,
            Next::Try {
                target: 0,
                wait: ms(25)
            }
        );
        attempts.after(FAILED, ms(60), 0.5, &mut always);
        let next = attempts.after(FAILED, ms(70), 0.5, &mut always);
        assert_eq!(next, Next::Stop(Stop::Attempts));
        assert_eq!(attempts.made(), 4);
    }

    #[test]
    fn a_final_no_ends_the_request() {
        let mut attempts = Attempts::new(POLICY, 2);
        let verdict = Verdict {
            retryable: false,
            ..FAILED
        };
        let next = attempts.after(verdict, ms(1), 0.0, &mut always);
        assert_eq!(next, Next::Stop(Stop::Final));
    }

    #[test]
    fn a_target_without_quota_is_not_asked_again() {
        let mut attempts = Attempts::new(POLICY, 2);
        let spent = Verdict {
            same_target: false,
            ..FAILED
        };
        attempts.after(spent, ms(1), 0.0, &mut always);
        let next = attempts.after(FAILED, ms(2), 0.0, &mut always);
        assert!(matches!(next, Next::Try { target: 1, .. }), "{next:?}");
        let next = attempts.after(spent, ms(3), 0.0, &mut always);
        assert_eq!(next, Next::Stop(Stop::Final));
    }

    #[test]
    fn retry_after_is_waited_for_only_where_it_was_asked() {
        let mut attempts = Attempts::new(POLICY, 2);
        let throttled = Verdict {
            retry_after: Some(ms(2000)),
            ..FAILED
        };
        let next = attempts.after(throttled, ms(100), 0.0, &mut always);
        assert_eq!(
            next,
            Next::Try {
                target: 1,
                wait: ms(0)
            }
        );
        let next = attempts.after(FAILED, ms(300), 0.0, &mut always);
        assert_eq!(
            next,
            Next::Try {
                target: 0,
                wait: ms(1800)
            }
        );
    }

    #[test]
    fn a_wait_beyond_the_deadline_is_not_begun() {
        let mut attempts = Attempts::new(POLICY, 1);
        let throttled = Verdict {
            retry_after: Some(Duration::from_secs(91)),
            ..FAILED
        };
        let next = attempts.after(throttled, ms(0), 0.0, &mut always);
        assert_eq!(next, Next::Stop(Stop::Deadline));
    }

    #[test]
    fn an_empty_budget_stops_retries() {
        let mut attempts = Attempts::new(POLICY, 2);
        let next = attempts.after(FAILED, ms(0), 0.0, &mut |_| false);
        assert_eq!(next, Next::Stop(Stop::Budget));
    }
    #[test]
    fn another_lane_of_the_same_target_is_asked_at_once_and_without_a_budget() {
        let mut attempts = Attempts::new(POLICY, 2);
        let sideways = Verdict {
            sideways: true,
            same_target: false,
            ..FAILED
        };
        let here = Next::Try {
            target: 0,
            wait: ms(0),
        };
        let mut none = |_: usize| false;
        assert_eq!(attempts.after(sideways, ms(1), 0.9, &mut none), here);
        assert_eq!(attempts.after(sideways, ms(2), 0.9, &mut none), here);
        let next = attempts.after(FAILED, ms(3), 0.9, &mut always);
        assert!(matches!(next, Next::Try { target: 1, .. }), "{next:?}");
        let next = attempts.after(sideways, ms(4), 0.9, &mut always);
        assert_eq!(next, Next::Stop(Stop::Attempts), "they are counted");
    }

    #[test]
    fn targets_that_nobody_may_be_asked_for_are_passed_over_without_being_counted() {
        let mut attempts = Attempts::new(POLICY, 3);
        let to = |target| Next::Try {
            target,
            wait: ms(0),
        };
        assert_eq!(attempts.skip(ms(0), 0.9), to(1));
        assert_eq!(attempts.skip(ms(0), 0.9), to(2));
        assert_eq!(attempts.made(), 1);
        let next = attempts.after(FAILED, ms(10), 0.5, &mut always);
        let wait = ms(25);
        assert_eq!(next, Next::Try { target: 0, wait });
        assert_eq!(attempts.skip(ms(40), 0.5), to(1));
        assert_eq!(attempts.skip(ms(40), 0.5), to(2));
        assert_eq!(attempts.skip(ms(40), 0.5), Next::Stop(Stop::Final));
    }

    #[test]
    fn when_every_target_is_passed_over_there_is_nothing_to_wait_for() {
        let mut attempts = Attempts::new(POLICY, 1);
        assert_eq!(attempts.skip(ms(0), 0.0), Next::Stop(Stop::Final));
    }
}
