//! Why: the one place where requests meet money. Everything a request calls is in memory; what
//! needs the store is done by the [keeper](super::keeper) and the [cashier](super::cashier).

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use super::hold::{self, Hold, Short};
use super::journal::{JournalError, Position, Record, Settlement, Subject};
use super::judge::{affordable, is_hopeless, is_plentiful};
use super::queue::Queue;
use super::settings::Settings;
use super::term::Term;
use super::{Bucket, Nanos, Payer, Purse};
use crate::store::{Denied, LedgerStore};

/// Why no money was held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoMoney {
    /// The wallets do not hold enough.
    Insufficient,
    /// A wallet is frozen.
    Frozen,
    /// The hard limit of a period is reached.
    HardLimit,
    /// The store cannot be reached, or the journal cannot be written.
    Unavailable,
}

/// A settlement on its way to the store.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) term: Arc<Term>,
    pub(super) position: Option<Position>,
    pub(super) settlement: Settlement,
}

/// What metrics and `alfred_readyz` show of the ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Settlements that the store has not confirmed.
    pub backlog: u64,
    /// How long the oldest of them has waited, in milliseconds.
    pub lag_ms: u64,
    /// Holds that nobody resolved.
    pub unresolved: u64,
    /// Settlements posted since the start.
    pub posted: u64,
    /// Settlements that the store refuses for good.
    pub stuck: u64,
    /// Times that a wallet passed its soft limit.
    pub soft_limits: u64,
    /// Whether the store was reached at the last try.
    pub is_store_there: bool,
    /// Whether the journal can be written.
    pub is_journal_whole: bool,
}

/// See the module text.
pub struct Treasury {
    pub(super) store: Arc<dyn LedgerStore>,
    pub(super) settings: Settings,
    pub(super) term: ArcSwap<Term>,
    pub(super) hungry: Queue<Arc<Bucket>>,
    pub(super) outbox: Queue<Entry>,
    pub(super) price_version: AtomicI64,
    pub(super) is_store_there: AtomicBool,
    pub(super) is_closing: AtomicBool,
    /// Terms of which the store has forgotten what it had confirmed.
    pub(super) forgotten: Queue<Arc<Term>>,
    /// Another process has told of a change.
    pub(super) is_hurried: AtomicBool,
    pub(super) pending: AtomicU64,
    pub(super) posted: AtomicU64,
    pub(super) stuck: AtomicU64,
    unresolved: AtomicU64,
    pub(super) oldest: Mutex<Option<Instant>>,
    pub(super) soft: Mutex<Vec<SoftLimit>>,
    pub(super) soft_limits_passed: AtomicU64,
}

/// A wallet has reached its soft limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoftLimit {
    /// Which.
    pub wallet: crate::store::WalletId,
    /// Usage of the period.
    pub spent: Nanos,
    /// The limit.
    pub limit: Nanos,
}

impl fmt::Debug for Treasury {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Treasury")
            .field("figures", &self.figures())
            .finish_non_exhaustive()
    }
}

impl Treasury {
    /// A treasury over a store that has been recovered; see [`super::open`].
    pub(super) fn new(store: Arc<dyn LedgerStore>, settings: Settings, term: Term) -> Self {
        Self {
            store,
            settings,
            term: ArcSwap::from_pointee(term),
            hungry: Queue::default(),
            outbox: Queue::default(),
            forgotten: Queue::default(),
            price_version: AtomicI64::new(0),
            is_store_there: AtomicBool::new(true),
            is_closing: AtomicBool::new(false),
            is_hurried: AtomicBool::new(false),
            pending: AtomicU64::new(0),
            posted: AtomicU64::new(0),
            stuck: AtomicU64::new(0),
            unresolved: AtomicU64::new(0),
            oldest: Mutex::default(),
            soft: Mutex::default(),
            soft_limits_passed: AtomicU64::new(0),
        }
    }

    /// The wallets that bound a caller.
    #[must_use]
    pub fn purse(&self, payer: &Payer) -> Purse {
        self.term.load().book.load().purse(payer)
    }

    /// Whether a caller may spend at all, as far as is known without asking anyone.
    ///
    /// # Errors
    /// What stands against it.
    pub fn can_spend(&self, purse: &Purse) -> Result<(), NoMoney> {
        if self.pending.load(Ordering::Relaxed) > self.settings.backlog {
            return Err(NoMoney::Unavailable);
        }
        if purse.is_unbounded() {
            return Ok(());
        }
        self.check_denied(purse)
    }

    fn check_denied(&self, purse: &Purse) -> Result<(), NoMoney> {
        let mut closed_payers = 0;
        for payer in &purse.payers {
            match payer.denied() {
                Some(Denied::Frozen) => return Err(NoMoney::Frozen),
                Some(Denied::Closed | Denied::HardLimit) if payer.free() <= Nanos::ZERO => {
                    closed_payers += 1;
                }
                _ => {}
            }
        }
        let reason = |bucket: &Arc<Bucket>| match bucket.denied() {
            Some(Denied::HardLimit) if bucket.free() <= Nanos::ZERO => Some(NoMoney::HardLimit),
            Some(Denied::Frozen) => Some(NoMoney::Frozen),
            Some(Denied::Closed) => Some(NoMoney::Insufficient),
            _ => None,
        };
        if let Some(reason) = purse.caps.iter().find_map(reason) {
            // A limit of the period may have been raised: the keeper asks again.
            self.feed_all(purse.caps.iter());
            return Err(reason);
        }
        if closed_payers > 0 && closed_payers == purse.payers.len() {
            self.feed_all(purse.payers.iter());
            let reason = purse.payers.iter().find_map(reason);
            return Err(reason.unwrap_or(NoMoney::Insufficient));
        }
        Ok(())
    }

    /// Waits, as long as a request may, until the store has been asked about every wallet once:
    /// only then it is known what is plenty.
    pub async fn warm(&self, purse: &Purse) {
        let deadline = Instant::now() + self.settings.patience;
        for bucket in purse.buckets() {
            while bucket.rounds() == 0 && Instant::now() < deadline {
                self.ask_and_listen(purse, bucket, LOOK_AGAIN).await;
            }
        }
    }

    /// Holds money for a request: `want` if it can be had, no less than `least`. Waits, at most
    /// as long as the settings say, for refills and for what others may give back.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn hold(
        self: &Arc<Self>,
        purse: Purse,
        mut subject: Subject,
        want: Nanos,
        least: Nanos,
    ) -> Result<Hold, NoMoney> {
        let term = self.term.load_full();
        subject.price_version = u32::try_from(self.price_version()).unwrap_or(0);
        let parts = match purse.is_unbounded() {
            true => Vec::new(),
            false => self.gather(&term, &purse, want, least).await?,
        };
        let mut hold = Hold {
            treasury: Arc::clone(self),
            term,
            subject,
            purse,
            parts,
            is_open: true,
        };
        if hold.parts.is_empty() {
            return Ok(hold);
        }
        self.feed(hold.purse.buckets());
        let record = Record::Open {
            subject: hold.subject.clone(),
            attempt: 1,
            legs: hold::legs(&hold.parts),
        };
        if self.write(&hold.term, &record).is_err() {
            hold::undo(&hold.parts);
            hold.parts.clear();
            hold.is_open = false;
            return Err(NoMoney::Unavailable);
        }
        Ok(hold)
    }

    async fn gather(
        &self,
        term: &Term,
        purse: &Purse,
        want: Nanos,
        least: Nanos,
    ) -> Result<Vec<hold::Part>, NoMoney> {
        self.check_denied(purse)?;
        if let Some(parts) = self.try_take(term, purse, want) {
            return Ok(parts);
        }
        self.wait_for_money(term, purse, want, least).await
    }

    fn try_take(&self, term: &Term, purse: &Purse, need: Nanos) -> Option<Vec<hold::Part>> {
        if !term.is_valid() {
            return None;
        }
        hold::take(purse, need).ok()
    }

    /// The slow way: the wallets are nearly empty, or nothing is leased yet.
    async fn wait_for_money(
        &self,
        term: &Term,
        purse: &Purse,
        want: Nanos,
        least: Nanos,
    ) -> Result<Vec<hold::Part>, NoMoney> {
        let begun = Instant::now();
        let deadline = begun + self.settings.patience;
        let last = begun + self.settings.patience.max(ANSWER);
        let asked: Vec<u64> = purse.buckets().map(|bucket| bucket.rounds()).collect();
        let mut need = want;
        loop {
            self.check_denied(purse)?;
            if !term.is_valid() && !self.is_store_there() {
                return Err(NoMoney::Unavailable);
            }
            let short = match hold::take(purse, need) {
                Ok(parts) if term.is_valid() => return Ok(parts),
                Ok(parts) => {
                    hold::undo(&parts);
                    Short {
                        missing: Vec::new(),
                    }
                }
                Err(short) => short,
            };
            let answered = |(bucket, asked): (&Arc<Bucket>, &u64)| bucket.rounds() > *asked;
            let is_fresh = purse.buckets().zip(&asked).all(answered);
            let is_late = Instant::now() >= deadline;
            if is_late || (is_fresh && is_hopeless(purse, need)) {
                let there = affordable(purse);
                if there >= least && there < need && is_fresh {
                    // What is there is enough for a shorter answer.
                    need = there;
                    continue;
                }
                if purse.buckets().any(|bucket| bucket.was_frozen()) {
                    return Err(NoMoney::Frozen);
                }
                // Only an answer of the store can tell that there is none; and where there is
                // some, it just does not come in time.
                if is_fresh && !is_plentiful(purse, need) {
                    return Err(NoMoney::Insufficient);
                }
                if Instant::now() >= last || !self.is_store_there() {
                    return Err(NoMoney::Unavailable);
                }
            }
            let until = if is_late { last } else { deadline };
            self.await_change(purse, &short, need, until).await;
        }
    }

    /// Waits until any of the wallets changes; meanwhile the keeper knows what is missed.
    async fn await_change(&self, purse: &Purse, short: &Short, need: Nanos, deadline: Instant) {
        let mut waiting = Vec::with_capacity(short.missing.len());
        for (bucket, missing) in &short.missing {
            waiting.push(bucket.wait(*missing));
        }
        // Every wallet is asked, so that what is known of all is of now.
        for bucket in purse.buckets() {
            if short
                .missing
                .iter()
                .all(|(known, _)| !Arc::ptr_eq(known, bucket))
            {
                waiting.push(bucket.wait(Nanos::new((need.get() - bucket.free().get()).max(0))));
            }
        }
        let watched = short.missing.first().map(|(bucket, _)| bucket);
        let Some(watched) = watched.or_else(|| purse.buckets().next()) else {
            return;
        };
        let longest = deadline
            .saturating_duration_since(Instant::now())
            .min(LOOK_AGAIN);
        self.ask_and_listen(purse, watched, longest).await;
    }

    /// Has the keeper ask about every wallet, and waits until something happens to one of them.
    async fn ask_and_listen(&self, purse: &Purse, watched: &Bucket, longest: Duration) {
        let changed = watched.changed();
        tokio::pin!(changed);
        // Listening begins before the keeper is told, so that its answer cannot be missed.
        changed.as_mut().enable();
        self.feed_all(purse.buckets());
        let _ = tokio::time::timeout(longest, changed).await;
    }

    /// Tells the keeper of wallets that run low.
    pub(super) fn feed<'a>(&self, buckets: impl Iterator<Item = &'a Arc<Bucket>>) {
        for bucket in buckets {
            if bucket.turns_hungry() {
                self.hungry.push(Arc::clone(bucket));
            }
        }
    }

    fn feed_all<'a>(&self, buckets: impl Iterator<Item = &'a Arc<Bucket>>) {
        for bucket in buckets {
            self.hungry.push(Arc::clone(bucket));
        }
    }

    /// A running request misses this much and does not wait for it.
    pub(super) fn ask(&self, bucket: &Arc<Bucket>, missing: Nanos) {
        bucket.expect(missing);
        self.hungry.push(Arc::clone(bucket));
    }

    /// Writes a step before it takes effect.
    pub(super) fn write(&self, term: &Term, record: &Record) -> Result<Position, JournalError> {
        term.journal.append(record).inspect_err(|error| {
            log::error!("the journal of money cannot be written, requests with a wallet are refused: {error}");
        })
    }

    /// Writes a settlement and sends it on its way.
    pub(super) fn post(&self, term: &Arc<Term>, settlement: Settlement) {
        let record = Record::Settle(settlement);
        // A settlement that cannot be written is posted all the same: the money is spent.
        let position = self.write(term, &record).ok();
        let Record::Settle(settlement) = record else {
            return;
        };
        self.pending.fetch_add(1, Ordering::AcqRel);
        self.outbox.push(Entry {
            term: Arc::clone(term),
            position,
            settlement,
        });
    }

    /// A request is over and costs nothing.
    pub(super) fn note_void(&self, term: &Term, record: &Record) {
        if let Ok(position) = self.write(term, record) {
            term.journal.acknowledge([position]);
        }
    }

    /// All is settled: what is leased goes back, and the journal has nothing left to tell.
    pub(super) fn retire(&self) {
        let term = self.term.load_full();
        if self.pending.load(Ordering::Acquire) > 0 || self.stuck.load(Ordering::Acquire) > 0 {
            return;
        }
        if let Err(fault) = self.store.retire(term.holder) {
            log::warn!("the leases could not be given back; the next start will: {fault}");
        }
    }

    pub(super) fn note_unresolved(&self) {
        self.unresolved.fetch_add(1, Ordering::Relaxed);
        log::error!("a request ended without saying what it cost; its hold is charged");
    }

    /// The number of the price table in force.
    #[must_use]
    pub fn price_version(&self) -> i64 {
        self.price_version.load(Ordering::Relaxed)
    }

    /// Another price table is in force. Blocks.
    ///
    /// # Errors
    /// The store cannot be reached.
    pub fn set_prices(&self, hash: &str) -> Result<(), crate::store::StoreFault> {
        let version = self.store.price_version(hash, super::unix_ms())?;
        self.price_version.store(version, Ordering::Relaxed);
        Ok(())
    }

    /// Another process has told of a change: the keeper looks now.
    pub fn hurry(&self) {
        self.is_hurried.store(true, Ordering::Release);
        self.hungry.wake();
    }

    /// Does what time has brought. Blocks.
    ///
    /// # Errors
    /// The store cannot be reached.
    pub fn keep_house(&self) -> Result<(), crate::store::StoreFault> {
        self.store.housekeep(super::unix_ms()).map(drop)
    }

    /// Whether the store was reached at the last try.
    #[must_use]
    pub fn is_store_there(&self) -> bool {
        self.is_store_there.load(Ordering::Acquire)
    }

    /// How the ledger does.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let oldest = *lock(&self.oldest);
        let lag = oldest.map_or(0, |at| at.elapsed().as_millis());
        Figures {
            backlog: self.pending.load(Ordering::Relaxed),
            lag_ms: u64::try_from(lag).unwrap_or(u64::MAX),
            unresolved: self.unresolved.load(Ordering::Relaxed),
            posted: self.posted.load(Ordering::Relaxed),
            stuck: self.stuck.load(Ordering::Relaxed),
            soft_limits: self.soft_limits_passed.load(Ordering::Relaxed),
            is_store_there: self.is_store_there(),
            is_journal_whole: !self.term.load().journal.is_failed(),
        }
    }

    /// The wallets that reached their soft limit since the last call.
    #[must_use]
    pub fn soft_limits(&self) -> Vec<SoftLimit> {
        std::mem::take(&mut *lock(&self.soft))
    }
}

/// How long a waiting request sleeps at most before it looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// How long a request waits for an answer of a store that is there but slow.
const ANSWER: Duration = Duration::from_secs(10);

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
