//! The circuit breaker of one endpoint: a pure state machine; the clock is passed in.
//!
//! ```text
//!            failures and their ratio, or silences in a row
//!   closed ───────────────────────────────────────────────▶ open
//!     ▲                                                    │  ▲
//!     │ the probe is answered           cooldown is over   │  │ the probe fails
//!     └──────────────── half-open ◀────────────────────────┘  │
//!                           └─────────────────────────────────┘
//! ```
//!
//! Every stay in a state is an era. A call carries the era in which it was let through, and its
//! outcome counts only within that era: what began before the breaker opened cannot close it, nor
//! open it again after it has closed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::conf::BreakerConfig;

/// Parts of the window that are forgotten one by one.
const SLOTS: u64 = 10;
/// How long a caller is told to wait while somebody else's probe runs.
const SOON: Duration = Duration::from_secs(1);
/// What the fast path reads while the breaker is not closed.
const NOT_CLOSED: u64 = u64::MAX;

/// What a call told about its endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It answered, if only to refuse the request or to ask for patience.
    Answered,
    /// It failed while it answered, or answered that it failed.
    Failed,
    /// It could not be connected to, or fell silent.
    Silent,
}

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Calls pass.
    Closed,
    /// One call passes, to see whether the others may.
    HalfOpen,
    /// No call passes.
    Open,
}

impl State {
    /// Every state, in the order of the metric's numbers.
    pub const ALL: [Self; 3] = [Self::Closed, Self::HalfOpen, Self::Open];

    /// The word in metrics and status pages.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half_open",
            Self::Open => "open",
        }
    }
}

/// The permission to make one call. It is spent by the call's outcome.
#[derive(Debug, PartialEq, Eq)]
pub struct Pass {
    era: u64,
    probe: bool,
}

impl Pass {
    /// Whether this call alone decides what becomes of the breaker.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.probe
    }
}

/// Whether a call may be made.
#[derive(Debug, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Yes(Pass),
    /// It may, as the one probe.
    Probe(Pass),
    /// Not before this instant.
    No {
        /// As time since the process began.
        until: Duration,
    },
}

#[derive(Clone, Copy, Debug)]
enum Stay {
    Closed,
    Open { until: Duration },
    HalfOpen { probing: bool },
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    index: u64,
    calls: u32,
    failures: u32,
}

/// The calls of the last window.
#[derive(Clone, Debug, Default)]
struct Recent {
    length: Duration,
    newest: u64,
    slots: [Slot; SLOTS as usize],
}

impl Recent {
    fn count(&mut self, window: Duration, failed: bool, now: Duration) {
        if self.length != window {
            *self = Self {
                length: window,
                ..Self::default()
            };
        }
        // Threads read the clock before they take the lock, so that time may seem to step back.
        self.newest = self.newest.max(slot_of(now, window));
        let index = self.newest;
        let at = usize::try_from(index % SLOTS).unwrap_or(0);
        if let Some(slot) = self.slots.get_mut(at) {
            if slot.index != index {
                *slot = Slot {
                    index,
                    ..Slot::default()
                };
            }
            slot.calls = slot.calls.saturating_add(1);
            slot.failures = slot.failures.saturating_add(u32::from(failed));
        }
    }

    /// Calls and failures of the window that ends now.
    fn sum(&self, now: Duration) -> (u64, u64) {
        let newest = self.newest.max(slot_of(now, self.length));
        let fresh = self
            .slots
            .iter()
            .filter(|slot| slot.index + SLOTS > newest && slot.calls > 0);
        fresh.fold((0, 0), |(calls, failures), slot| {
            (
                calls + u64::from(slot.calls),
                failures + u64::from(slot.failures),
            )
        })
    }
}

fn slot_of(now: Duration, window: Duration) -> u64 {
    let length = (window.as_millis() / u128::from(SLOTS)).max(1);
    u64::try_from(now.as_millis() / length).unwrap_or(u64::MAX - SLOTS)
}

/// The pure machine; see the module text.
#[derive(Clone, Debug)]
pub struct Machine {
    era: u64,
    stay: Stay,
    recent: Recent,
    /// Calls in a row that found nobody.
    silences: u32,
    /// What opened it last.
    cause: Outcome,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            era: 0,
            stay: Stay::Closed,
            recent: Recent::default(),
            silences: 0,
            cause: Outcome::Failed,
        }
    }
}

impl Machine {
    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> State {
        match self.stay {
            Stay::Closed => State::Closed,
            Stay::Open { .. } => State::Open,
            Stay::HalfOpen { .. } => State::HalfOpen,
        }
    }

    /// Whether a call would be let through; when not, since when it is worth asking again.
    ///
    /// # Errors
    /// That instant.
    pub fn peek(&self, now: Duration) -> Result<(), Duration> {
        match self.stay {
            Stay::Open { until } if now < until => Err(until),
            Stay::HalfOpen { probing: true } => Err(now + SOON),
            _ => Ok(()),
        }
    }

    /// Lets a call through, or not. The one that comes first after the cooldown is the probe.
    pub fn admit(&mut self, now: Duration) -> Admission {
        if let Err(until) = self.peek(now) {
            return Admission::No { until };
        }
        let probe = match self.stay {
            Stay::Closed => false,
            Stay::Open { .. } => {
                self.enter(Stay::HalfOpen { probing: true });
                true
            }
            Stay::HalfOpen { .. } => {
                self.stay = Stay::HalfOpen { probing: true };
                true
            }
        };
        let pass = Pass {
            era: self.era,
            probe,
        };
        match probe {
            true => Admission::Probe(pass),
            false => Admission::Yes(pass),
        }
    }

    /// Takes the outcome of a call. The state that begins with it, if one does.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a pass is spent by its outcome"
    )]
    pub fn record(
        &mut self,
        rules: &BreakerConfig,
        pass: Pass,
        outcome: Outcome,
        now: Duration,
    ) -> Option<State> {
        if pass.era != self.era {
            return None;
        }
        let failed = outcome != Outcome::Answered;
        if pass.probe {
            return Some(match failed {
                true => self.open(rules, outcome, now),
                false => self.close(),
            });
        }
        self.silences = match outcome {
            Outcome::Silent => self.silences.saturating_add(1),
            Outcome::Answered | Outcome::Failed => 0,
        };
        self.recent.count(rules.window, failed, now);
        (failed && self.is_too_much(rules, now)).then(|| self.open(rules, outcome, now))
    }

    /// A probe ended without telling anything, such as by a client that left: the next may try.
    #[expect(clippy::needless_pass_by_value, reason = "a pass is spent")]
    pub fn give_back(&mut self, pass: Pass) {
        if pass.probe && pass.era == self.era {
            self.stay = Stay::HalfOpen { probing: false };
        }
    }

    /// Calls and failures of the window that ends now.
    #[must_use]
    pub fn recent(&self, now: Duration) -> (u64, u64) {
        self.recent.sum(now)
    }

    fn is_too_much(&self, rules: &BreakerConfig, now: Duration) -> bool {
        let (calls, failures) = self.recent.sum(now);
        let share = failures * 100 >= u64::from(rules.ratio) * calls;
        (failures >= u64::from(rules.failures) && share) || self.silences >= rules.connect_errors
    }

    fn open(&mut self, rules: &BreakerConfig, cause: Outcome, now: Duration) -> State {
        self.cause = cause;
        self.enter(Stay::Open {
            until: now + rules.cooldown,
        });
        State::Open
    }

    fn close(&mut self) -> State {
        self.enter(Stay::Closed);
        State::Closed
    }

    fn enter(&mut self, stay: Stay) {
        self.era += 1;
        self.stay = stay;
        self.silences = 0;
        if matches!(stay, Stay::Closed) {
            self.recent = Recent::default();
        }
    }
}

/// What a status page shows of a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glimpse {
    /// Where it stands.
    pub state: State,
    /// Calls of the last window.
    pub calls: u64,
    /// Failures among them.
    pub failures: u64,
    /// When a call may be made again, while none may.
    pub until: Option<Duration>,
    /// What opened it last was that nobody was there.
    pub silent: bool,
}

/// A machine that many requests share. A closed one is passed with one load.
#[derive(Debug, Default)]
pub struct Breaker {
    /// The era while it is closed, else [`NOT_CLOSED`].
    closed_era: AtomicU64,
    machine: Mutex<Machine>,
}

impl Breaker {
    /// See [`Machine::peek`].
    ///
    /// # Errors
    /// The instant from which a call may be made.
    pub fn peek(&self, now: Duration) -> Result<(), Duration> {
        match self.closed_era.load(Ordering::Acquire) {
            NOT_CLOSED => self.lock().peek(now),
            _ => Ok(()),
        }
    }

    /// See [`Machine::admit`]. The second value is true when the breaker became half-open.
    pub fn admit(&self, now: Duration) -> (Admission, bool) {
        let era = self.closed_era.load(Ordering::Acquire);
        if era != NOT_CLOSED {
            let pass = Pass { era, probe: false };
            return (Admission::Yes(pass), false);
        }
        let mut machine = self.lock();
        let before = machine.state();
        let admission = machine.admit(now);
        (admission, before != machine.state())
    }

    /// See [`Machine::record`].
    pub fn record(
        &self,
        rules: &BreakerConfig,
        pass: Pass,
        outcome: Outcome,
        now: Duration,
    ) -> Option<State> {
        let mut machine = self.lock();
        let begun = machine.record(rules, pass, outcome, now);
        let era = match machine.stay {
            Stay::Closed => machine.era,
            _ => NOT_CLOSED,
        };
        self.closed_era.store(era, Ordering::Release);
        begun
    }

    /// See [`Machine::give_back`].
    pub fn give_back(&self, pass: Pass) {
        if pass.probe {
            self.lock().give_back(pass);
        }
    }

    /// What there is to see.
    #[must_use]
    pub fn glimpse(&self, now: Duration) -> Glimpse {
        let machine = self.lock();
        let (calls, failures) = machine.recent(now);
        Glimpse {
            state: machine.state(),
            calls,
            failures,
            until: machine.peek(now).err(),
            silent: machine.cause == Outcome::Silent,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Machine> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
