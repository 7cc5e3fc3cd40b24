//! Why: leases, journal and fencing token belong together. When a process is fenced it begins a
//! new term; requests of the old one settle under the old token, and their refunds can never be
//! mistaken for money of the new.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use uuid::Uuid;

use super::journal::Journal;
use super::purse::Book;
use super::treasury::lock;
use crate::store::HolderId;

/// One unbroken stretch during which this process may lease.
#[derive(Debug)]
pub(super) struct Term {
    /// The fencing token.
    pub(super) holder: HolderId,
    /// Where every step is written before it takes effect.
    pub(super) journal: Journal,
    /// The wallets and what is leased of them.
    pub(super) book: ArcSwap<Book>,
    /// The last settlement that the store has confirmed.
    confirmed: Mutex<Option<(Uuid, u8)>>,
    epoch: Instant,
    /// Milliseconds after `epoch` at which the leases must no longer be used.
    valid_until: AtomicU64,
}

impl Term {
    /// A term that has leased nothing yet.
    #[must_use]
    pub(super) fn new(holder: HolderId, journal: Journal, book: Book) -> Self {
        Self {
            holder,
            journal,
            book: ArcSwap::from_pointee(book),
            confirmed: Mutex::default(),
            epoch: Instant::now(),
            valid_until: AtomicU64::new(0),
        }
    }

    /// The store has heard of this process; the call began at `began`, on this process' own
    /// clock, so that a slow answer never lengthens a lease.
    pub(super) fn prolong(&self, began: Instant, ttl: Duration) {
        let until = began.duration_since(self.epoch) + ttl;
        let until = u64::try_from(until.as_millis()).unwrap_or(u64::MAX);
        self.valid_until.fetch_max(until, Ordering::AcqRel);
    }

    /// The store has confirmed this settlement, by request and attempt, and all before it.
    pub(super) fn note_confirmed(&self, settlement: (Uuid, u8)) {
        *lock(&self.confirmed) = Some(settlement);
    }

    /// The last settlement that the store has confirmed.
    pub(super) fn confirmed(&self) -> Option<(Uuid, u8)> {
        *lock(&self.confirmed)
    }

    /// Whether leases may be used now.
    #[must_use]
    pub(super) fn is_valid(&self) -> bool {
        let now = u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX);
        now < self.valid_until.load(Ordering::Acquire)
    }

    /// The wallets as last read.
    #[must_use]
    pub(super) fn wallets(&self) -> Arc<Book> {
        self.book.load_full()
    }
}
