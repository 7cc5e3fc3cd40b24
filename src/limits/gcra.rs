//! Why: one number is enough to limit a rate exactly. The generic cell rate algorithm keeps the
//! time at which everything taken so far will have drained (the "theoretical arrival time");
//! a bucket of `limit` that refills evenly over the window, without timers or counters.
//!
//! Time is nanoseconds on any clock that never goes back, passed in. A limit that does not
//! divide its window into whole nanoseconds refills slower by less than one nanosecond per unit:
//! never more than the limit is admitted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A limit: `limit` units at once, refilled evenly over a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gcra {
    limit: u64,
    /// Nanoseconds in which one unit drains, at least 1.
    interval: u64,
    /// Nanoseconds in which `limit` units drain.
    full: u64,
}

/// State of one limit for one key: when all that was taken will have drained. A new cell is an
/// empty bucket.
#[derive(Debug, Default)]
pub struct Cell(AtomicU64);

/// Where a key stands after it was let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Units that could be taken now.
    pub remaining: u64,
    /// Time until all units can be taken again.
    pub reset_after: Duration,
}

/// Why a key was not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// Not now.
    Wait {
        /// Time until exactly this request would pass.
        retry_after: Duration,
        /// Units that could be taken now, fewer than were asked for.
        remaining: u64,
        /// Time until all units can be taken again.
        reset_after: Duration,
    },
    /// Never: more was asked for than the whole limit.
    TooLarge {
        /// The limit.
        limit: u64,
    },
}

/// Keeps all sums within `u64` for clocks of the next three centuries.
const MAX_LIMIT: u64 = 1 << 56;

impl Gcra {
    /// `limit` units per `window`. A limit of 0 lets nothing through.
    pub fn new(limit: u64, window: Duration) -> Self {
        let limit = limit.min(MAX_LIMIT);
        let window = u64::try_from(window.as_nanos())
            .unwrap_or(MAX_LIMIT)
            .min(MAX_LIMIT);
        let interval = window.div_ceil(limit.max(1)).max(1);
        Self {
            limit,
            interval,
            full: limit.saturating_mul(interval),
        }
    }

    /// Units per window.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Takes `n` units at time `now`, all or none.
    pub fn try_take(&self, cell: &Cell, now: u64, n: u64) -> Result<Taken, Denied> {
        if n > self.limit {
            return Err(Denied::TooLarge { limit: self.limit });
        }
        let cost = n.saturating_mul(self.interval);
        let horizon = now.saturating_add(self.full);
        let taken = cell.update(|drained| {
            let next = drained.max(now).saturating_add(cost);
            (next <= horizon).then_some(next)
        });
        match taken {
            Ok(drained) => Ok(self.standing(drained, now)),
            Err(drained) => {
                let Taken {
                    remaining,
                    reset_after,
                } = self.standing(drained, now);
                let passes_at = drained.max(now).saturating_add(cost) - self.full;
                Err(Denied::Wait {
                    retry_after: Duration::from_nanos(passes_at - now),
                    remaining,
                    reset_after,
                })
            }
        }
    }

    /// Returns `n` units that were taken and not used.
    pub fn give_back(&self, cell: &Cell, n: u64) {
        let cost = n.saturating_mul(self.interval);
        cell.change(|drained| drained.saturating_sub(cost));
    }

    /// Corrects a reservation to what was used, at time `now`: too much is returned, too little
    /// is taken even beyond the limit, so that later requests pay for it.
    pub fn settle(&self, cell: &Cell, now: u64, reserved: u64, actual: u64) {
        if actual <= reserved {
            return self.give_back(cell, reserved - actual);
        }
        let cost = (actual - reserved).saturating_mul(self.interval);
        cell.change(|drained| drained.max(now).saturating_add(cost));
    }

    /// Where a key stands at time `now`, taking nothing.
    pub fn peek(&self, cell: &Cell, now: u64) -> Taken {
        self.standing(cell.0.load(Ordering::Acquire), now)
    }

    fn standing(&self, drained: u64, now: u64) -> Taken {
        let pending = drained.saturating_sub(now);
        Taken {
            remaining: self.full.saturating_sub(pending) / self.interval,
            reset_after: Duration::from_nanos(pending),
        }
    }
}

impl Cell {
    /// Whether the bucket is empty at `now`, so that forgetting the cell changes nothing.
    pub fn is_idle(&self, now: u64) -> bool {
        self.0.load(Ordering::Acquire) <= now
    }

    /// `Ok` with the new value, or `Err` with the value that was refused.
    fn update(&self, next: impl Fn(u64) -> Option<u64>) -> Result<u64, u64> {
        let mut current = self.0.load(Ordering::Acquire);
        loop {
            let wanted = next(current).ok_or(current)?;
            match self
                .0
                .compare_exchange_weak(current, wanted, Ordering::AcqRel, Ordering::Acquire)
            {
                Ok(_) => return Ok(wanted),
                Err(changed) => current = changed,
            }
        }
    }

    fn change(&self, next: impl Fn(u64) -> u64) {
        let _ = self.update(|current| Some(next(current)));
    }
}
