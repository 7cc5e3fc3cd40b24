//! Why: the money of one request from the hold to the bill: how many tokens of the answer it
//! covers, when more must be held, and what the answer must be cut to where it cannot be.

use std::sync::Arc;

use crate::ledger::{Charge, Hold, Nanos, ServiceTier};
use crate::routing::Target;
use crate::store::HoldMode;

/// Tokens are counted by a heuristic while they stream: this share more is held.
const MARGIN: u64 = 5;

/// The money of one request.
#[derive(Debug)]
pub struct Money {
    /// What is set aside; taken when it is settled.
    pub hold: Option<Hold>,
    /// What provider money costs the caller.
    pub charge: Charge,
    /// How urgently the provider is asked to work.
    pub tier: ServiceTier,
    /// How much is held.
    pub mode: HoldMode,
    /// The answer is streamed.
    pub stream: bool,
    /// The prompt's tokens as they are held.
    pub input: u64,
    /// The most tokens that all answers together are expected to have.
    pub bound: u64,
    /// The caller has said so itself.
    pub is_bounded: bool,
    /// How many answers are asked for.
    pub choices: u64,
    /// Tokens that are held at a time.
    pub slice: u64,
    /// An answer is not cut below this.
    pub min_answer: u64,
    /// Tokens of the answer that the hold covers.
    pub covered: u64,
    /// Tokens of the answer at which more must be held.
    pub next_look: u64,
    /// The provider must be told how long the answer may be.
    pub must_clamp: bool,
    /// Nothing is charged for requests of this kind.
    pub is_free_of_charge: bool,
}

/// Whether a stream may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credit {
    /// It may.
    Good,
    /// The money is used up: it ends here.
    UsedUp,
}

impl Money {
    /// Money has been held; `full` is all that the request can cost.
    pub fn note_hold(&mut self, hold: &Hold, full: Nanos) {
        let Some(held) = hold.amount() else {
            return;
        };
        let is_whole = held >= full;
        let strict = self.mode == HoldMode::Strict;
        self.must_clamp =
            (strict && (!is_whole || !self.is_bounded)) || (!is_whole && !self.stream);
        if self.stream && !is_whole && self.mode == HoldMode::Incremental {
            self.covered = self.bound.min(self.slice);
            self.next_look = self.covered / 2;
        }
    }

    /// The longest answer that the hold covers at this target, for each choice; `None` when the
    /// provider need not be told.
    #[must_use]
    pub fn clamp(&self, target: &Target) -> Option<u64> {
        let held = self.hold.as_ref()?.amount()?;
        if !self.must_clamp || self.bound == 0 {
            return None;
        }
        // The largest answer whose cost is covered: cost grows with it.
        let (mut low, mut high) = (0, self.bound);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            match self.cost(target, middle) {
                Some(cost) if cost <= held => low = middle,
                _ => high = middle - 1,
            }
        }
        Some((low / self.choices.max(1)).max(1))
    }

    /// Makes sure that the hold covers what has been streamed, and a little more.
    pub fn cover(&mut self, target: Option<&Arc<Target>>, streamed: u64) -> Credit {
        if streamed < self.next_look {
            return Credit::Good;
        }
        let next = self.covered.saturating_add(self.slice.max(self.covered));
        let next = next.min(self.bound.max(self.covered.saturating_add(self.slice)));
        let with_margin = next.saturating_add(next / MARGIN);
        let cost = target.and_then(|target| self.cost(target, with_margin));
        let (Some(cost), Some(hold)) = (cost, self.hold.as_mut()) else {
            return Credit::Good;
        };
        let held = hold.amount().unwrap_or_default();
        let missing = Nanos::new(cost.get().saturating_sub(held.get()));
        if hold.extend(missing) {
            self.next_look = self.covered + (next - self.covered) / 2;
            self.covered = next;
            return Credit::Good;
        }
        if streamed < self.covered {
            // There is time left for a refill; it is asked for again a little later.
            self.next_look = streamed + (self.covered - streamed).div_ceil(4);
            return Credit::Good;
        }
        // A refill may be on its way: one slice is risked, and no more.
        let may_come = hold.purse().buckets().all(|bucket| !bucket.is_dry());
        if may_come && streamed < self.covered.saturating_add(self.slice) {
            self.next_look = streamed + 1;
            return Credit::Good;
        }
        Credit::UsedUp
    }
}
