//! Why: the slice of one wallet that this process may spend, in memory. Holding and giving back
//! are single atomic steps, so that a request never waits for another one, nor for the store.
//!
//! Money that moves is added where it goes before it leaves where it was: whoever adds all up in
//! that moment finds too much and waits, never too little, which would refuse a caller who can pay.
//!
//! `free` is leased and nobody's; what a request holds has left it. A refill only ever adds what
//! the store has granted, so the sum over all processes never exceeds the wallet.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU64, Ordering};

use arc_swap::ArcSwap;
use tokio::sync::Notify;

use super::Nanos;
use crate::store::{Denied, Taken, WalletId, WalletRules, WalletStatus};

/// A lease is renewed when less than this many of the largest recent hold are left of it.
const LOW: i64 = 4;
/// And then for this many of them at least.
const REFILL: i64 = 16;
/// For how many refill intervals of spending a lease lasts, where the wallet has plenty.
const LASTS: i64 = 60;
/// How often it is tried to count what others move.
const COUNTS: usize = 8;

/// See the module text.
#[derive(Debug)]
pub struct Bucket {
    id: WalletId,
    rules: ArcSwap<WalletRules>,
    free: AtomicI64,
    held: AtomicI64,
    /// What waiting requests miss.
    need: AtomicI64,
    /// What running requests will miss, until the next answer of the store.
    expected: AtomicI64,
    /// The largest of the recent holds.
    largest: AtomicI64,
    /// Spent since the last refill.
    burned: AtomicI64,
    /// Spent per refill interval, smoothed.
    burn: AtomicI64,
    /// How often the store has answered.
    rounds: AtomicU64,
    /// In the wallet and in nobody's lease, as of the last answer.
    left: AtomicI64,
    /// The same with the leases of others, and with what is on its way back.
    outside: AtomicI64,
    /// Counts what moved, so that a sum that was taken meanwhile is known to be none.
    moves: AtomicU64,
    /// What the rules say against holding, as a [`code`]; read at every request.
    barred: AtomicU8,
    /// What the last answer of the store said against it, likewise.
    denied: AtomicU8,
    /// The keeper has been told that this bucket is low.
    is_hungry: AtomicBool,
    /// Spent in this period, as of the last settlement.
    spent: AtomicI64,
    changed: Notify,
}

impl Bucket {
    /// A wallet of which nothing is leased yet.
    #[must_use]
    pub fn new(rules: WalletRules) -> Self {
        Self {
            id: rules.id,
            spent: AtomicI64::new(rules.spent.get()),
            barred: AtomicU8::new(code(barred(rules.status))),
            rules: ArcSwap::from_pointee(rules),
            free: AtomicI64::new(0),
            held: AtomicI64::new(0),
            need: AtomicI64::new(0),
            expected: AtomicI64::new(0),
            largest: AtomicI64::new(0),
            burned: AtomicI64::new(0),
            burn: AtomicI64::new(0),
            rounds: AtomicU64::new(0),
            left: AtomicI64::new(0),
            outside: AtomicI64::new(0),
            moves: AtomicU64::new(0),
            denied: AtomicU8::new(code(None)),
            is_hungry: AtomicBool::new(false),
            changed: Notify::new(),
        }
    }

    /// Which wallet.
    #[must_use]
    pub fn id(&self) -> WalletId {
        self.id
    }

    /// Its rules as last read.
    #[must_use]
    pub fn rules(&self) -> arc_swap::Guard<Arc<WalletRules>> {
        self.rules.load()
    }

    /// Newer rules have been read.
    pub fn set_rules(&self, rules: WalletRules) {
        self.spent.store(rules.spent.get(), Ordering::Relaxed);
        let barred = code(barred(rules.status));
        self.rules.store(Arc::new(rules));
        self.barred.store(barred, Ordering::Release);
    }

    /// Holds all of `amount`, or nothing.
    #[must_use]
    pub fn hold(&self, amount: Nanos) -> bool {
        self.take(amount.get(), |free| {
            (free >= amount.get()).then_some(amount.get())
        }) > 0
            || amount == Nanos::ZERO
    }

    /// Holds as much of `amount` as there is.
    #[must_use]
    pub fn hold_up_to(&self, amount: Nanos) -> Nanos {
        let part = |free: i64| Some(free.clamp(0, amount.get()));
        Nanos::new(self.take(amount.get(), part))
    }

    /// Moves a part of what is free, at most `most`, to what is held.
    fn take(&self, most: i64, part: impl Fn(i64) -> Option<i64>) -> i64 {
        let part = |free: i64| part(free).filter(|part| *part > 0);
        if part(self.free.load(Ordering::Acquire)).is_none() {
            return 0;
        }
        self.held.fetch_add(most, Ordering::AcqRel);
        self.moves.fetch_add(1, Ordering::AcqRel);
        let taken = self
            .free
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |free| {
                part(free).map(|part| free - part)
            });
        let taken = taken.ok().and_then(part).unwrap_or(0);
        if taken < most {
            self.held.fetch_sub(most - taken, Ordering::AcqRel);
        }
        if taken > 0 {
            self.largest.fetch_max(taken, Ordering::Relaxed);
        }
        taken
    }

    /// A hold is over: `spent` of it is gone, the rest is free again.
    pub fn resolve(&self, held: Nanos, spent: Nanos) {
        debug_assert!(spent <= held && spent.get() >= 0, "spent more than held");
        let back = held.get() - spent.get();
        if back > 0 {
            self.free.fetch_add(back, Ordering::AcqRel);
        }
        self.moves.fetch_add(1, Ordering::AcqRel);
        self.held.fetch_sub(held.get(), Ordering::AcqRel);
        self.burned.fetch_add(spent.get(), Ordering::Relaxed);
        self.wake();
    }

    fn wake(&self) {
        if self.need.load(Ordering::Acquire) > 0 {
            // What one request gave back is seldom enough for two; the others look again by themselves.
            self.changed.notify_one();
        }
    }

    /// Resolves when money may have come, or an answer of the store.
    pub fn changed(&self) -> tokio::sync::futures::Notified<'_> {
        self.changed.notified()
    }

    /// Says how much a waiting request misses, until the answer is dropped.
    #[must_use]
    pub fn wait(self: &Arc<Self>, missing: Nanos) -> Waiting {
        self.need.fetch_add(missing.get(), Ordering::AcqRel);
        Waiting {
            bucket: Arc::clone(self),
            missing,
        }
    }

    /// A running request will miss this much.
    pub fn expect(&self, missing: Nanos) {
        self.expected.fetch_max(missing.get(), Ordering::AcqRel);
    }

    /// Whether a refill should be asked for; true only for the first who notices.
    #[must_use]
    pub fn turns_hungry(&self) -> bool {
        self.is_low() && !self.is_hungry.swap(true, Ordering::AcqRel)
    }

    fn is_low(&self) -> bool {
        let largest = self.largest.load(Ordering::Relaxed);
        let low = largest
            .saturating_mul(LOW)
            .max(self.burn.load(Ordering::Relaxed));
        let free = self.free.load(Ordering::Acquire);
        let dry = self.is_dry() && self.need.load(Ordering::Acquire) == 0;
        free < low && !dry
    }

    /// What to ask the store for: at least what is missed, at most what will soon be spent.
    #[must_use]
    pub fn wish(&self) -> (Nanos, Nanos) {
        self.is_hungry.store(false, Ordering::Release);
        let burned = self.burned.swap(0, Ordering::Relaxed);
        let burn = (self
            .burn
            .load(Ordering::Relaxed)
            .saturating_mul(3)
            .saturating_add(burned))
            / 4;
        self.burn.store(burn, Ordering::Relaxed);
        let largest = self.largest.load(Ordering::Relaxed);
        // Old giants are forgotten slowly.
        self.largest
            .store(largest - largest / 16, Ordering::Relaxed);
        let free = self.free.load(Ordering::Acquire);
        let need = self.need.load(Ordering::Acquire);
        let need = need.saturating_add(self.expected.swap(0, Ordering::AcqRel));
        let least = need.saturating_sub(free).max(0);
        let most = largest
            .saturating_mul(REFILL)
            .max(burn.saturating_mul(LASTS))
            .max(least);
        (Nanos::new(least), Nanos::new(most))
    }

    /// The store has answered.
    pub fn grant(&self, taken: &Taken) {
        self.free.fetch_add(taken.granted.get(), Ordering::AcqRel);
        self.moves.fetch_add(1, Ordering::AcqRel);
        self.left.store(taken.left.get(), Ordering::Release);
        let outside = taken.left.get().max(0);
        let outside = outside.saturating_add(taken.elsewhere.get().max(0));
        self.outside.store(outside, Ordering::Release);
        self.denied.store(code(taken.denied), Ordering::Release);
        self.rounds.fetch_add(1, Ordering::AcqRel);
        self.changed.notify_waiters();
    }

    /// The store could not be asked: whoever waits looks again.
    pub fn not_granted(&self) {
        self.changed.notify_waiters();
    }

    /// Takes everything free out, to be given back to the wallet. Until the store answers again it
    /// counts as being outside.
    #[must_use]
    pub fn drain(&self) -> Nanos {
        loop {
            let free = self.free.load(Ordering::Acquire);
            if free <= 0 {
                return Nanos::ZERO;
            }
            self.outside.fetch_add(free, Ordering::AcqRel);
            self.moves.fetch_add(1, Ordering::AcqRel);
            let taken = self
                .free
                .compare_exchange(free, 0, Ordering::AcqRel, Ordering::Acquire);
            if taken.is_ok() {
                return Nanos::new(free);
            }
            self.outside.fetch_sub(free, Ordering::AcqRel);
        }
    }

    /// What was drained could not be given back.
    pub fn refund(&self, amount: Nanos) {
        self.free.fetch_add(amount.get(), Ordering::AcqRel);
        self.moves.fetch_add(1, Ordering::AcqRel);
        self.outside.fetch_sub(amount.get(), Ordering::AcqRel);
        self.wake();
    }

    /// How often the store has answered.
    #[must_use]
    pub fn rounds(&self) -> u64 {
        self.rounds.load(Ordering::Acquire)
    }

    /// Nothing can be leased, as of the last answer.
    #[must_use]
    pub fn is_dry(&self) -> bool {
        self.rounds() > 0 && self.left.load(Ordering::Acquire) <= 0
    }

    /// In the wallet and in nobody's lease, as of the last answer.
    #[must_use]
    pub fn left(&self) -> Nanos {
        Nanos::new(self.left.load(Ordering::Acquire).max(0))
    }

    /// Leased, and nobody's.
    #[must_use]
    pub fn free(&self) -> Nanos {
        Nanos::new(self.free.load(Ordering::Acquire))
    }

    /// Held by requests.
    #[must_use]
    pub fn held(&self) -> Nanos {
        Nanos::new(self.held.load(Ordering::Acquire))
    }

    /// All that may still be spent from the wallet, here and elsewhere, without what this process
    /// holds; as of the last answer of the store.
    #[must_use]
    pub fn remaining(&self) -> Nanos {
        let outside = self.outside.load(Ordering::Acquire);
        Nanos::new(outside.saturating_add(self.free.load(Ordering::Acquire)))
    }

    /// The same with what is held and may come back; none while money moves too fast to be counted.
    #[must_use]
    pub fn reachable(&self) -> Option<Nanos> {
        (0..COUNTS).find_map(|_| {
            let moves = self.moves.load(Ordering::Acquire);
            let sum = self.remaining().get();
            let sum = sum.saturating_add(self.held.load(Ordering::Acquire));
            (self.moves.load(Ordering::Acquire) == moves).then_some(Nanos::new(sum))
        })
    }

    /// Why nothing may be held, whatever there is.
    #[must_use]
    pub fn denied(&self) -> Option<Denied> {
        // That a wallet was frozen or closed a moment ago, its rules know better.
        let last = || meant(self.denied.load(Ordering::Acquire));
        meant(self.barred.load(Ordering::Acquire))
            .or_else(|| last().filter(|denied| *denied == Denied::HardLimit))
    }

    /// The store said at its last answer that the wallet is frozen; the rules may not say so yet.
    #[must_use]
    pub fn was_frozen(&self) -> bool {
        meant(self.denied.load(Ordering::Acquire)) == Some(Denied::Frozen)
    }

    /// A settlement has been posted.
    pub fn set_spent(&self, spent: Nanos) -> Nanos {
        Nanos::new(self.spent.swap(spent.get(), Ordering::Relaxed))
    }

    /// Whether the wallet's soft limit is reached.
    #[must_use]
    pub fn is_over_soft_limit(&self) -> bool {
        let limit = self.rules.load().soft_limit;
        limit.is_some_and(|limit| self.spent.load(Ordering::Relaxed) >= limit.get())
    }
}

/// What a wallet's status says against holding.
fn barred(status: WalletStatus) -> Option<Denied> {
    match status {
        WalletStatus::Active => None,
        WalletStatus::Frozen => Some(Denied::Frozen),
        WalletStatus::Closed => Some(Denied::Closed),
    }
}

/// A reason, or none, as a number that fits an atomic.
fn code(denied: Option<Denied>) -> u8 {
    match denied {
        None => 0,
        Some(Denied::HardLimit) => 1,
        Some(Denied::Frozen) => 2,
        Some(Denied::Closed) => 3,
    }
}

/// What a [`code`] stands for.
fn meant(code: u8) -> Option<Denied> {
    match code {
        1 => Some(Denied::HardLimit),
        2 => Some(Denied::Frozen),
        3 => Some(Denied::Closed),
        _ => None,
    }
}

/// A request that waits for money of one bucket.
#[derive(Debug)]
pub struct Waiting {
    bucket: Arc<Bucket>,
    missing: Nanos,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let need = &self.bucket.need;
        need.fetch_sub(self.missing.get(), Ordering::AcqRel);
    }
}
