//! Why: before a process takes traffic it finishes what its predecessors left: what they settled
//! is posted, what they held is charged or let go, what they leased goes back. Only then does it
//! lease for itself.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::cashier::Cashier;
use super::journal::{Journal, JournalError, Leg, Orphan, Recovered, Settlement, UsageSource};
use super::keeper::Keeper;
use super::purse::Book;
use super::settings::Settings;
use super::term::Term;
use super::treasury::Treasury;
use super::{Nanos, unix_ms};
use crate::store::{HolderId, LedgerStore, Settled, StoreFault};

/// Settlements in one commit.
const BATCH: usize = 1000;

/// How often a closing treasury looks whether all is settled.
const POLL: Duration = Duration::from_millis(5);

/// Why the ledger cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A journal cannot be read or made.
    #[error("{0}")]
    Journal(#[from] JournalError),
    /// The store refuses.
    #[error("the ledger cannot be opened: {0}")]
    Store(#[from] StoreFault),
    /// A thread cannot be started.
    #[error("the ledger's threads cannot be started: {0}")]
    Thread(#[from] std::io::Error),
}

impl OpenError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Journal(error) => error.hint(),
            Self::Store(_) => {
                "see that the database is there and its tables are whole; `alfred ledger check` says what is wrong with the money in it"
            }
            Self::Thread(_) => "see whether the limit of processes or memory is reached",
        }
    }
}

/// Recovers what earlier processes left in this data directory, and begins a term. Blocks.
///
/// # Errors
/// A journal is damaged, or the store cannot be used: no traffic may be taken.
pub fn open(store: Arc<dyn LedgerStore>, settings: Settings) -> Result<Arc<Treasury>, OpenError> {
    recover(&*store, &settings)?;
    let began = Instant::now();
    let holder = store.enlist(&settings.name, unix_ms())?;
    let journal = Journal::create_with(&settings.journal, holder.0, settings.journal_options())?;
    let book = Book::new(store.rules()?, &Book::default(), settings.credit_usd_ppm);
    let term = Term::new(holder, journal, book);
    term.prolong(began, settings.lease_ttl);
    Ok(Arc::new(Treasury::new(store, settings, term)))
}

fn recover(store: &dyn LedgerStore, settings: &Settings) -> Result<(), OpenError> {
    for journal in Recovered::read_all(&settings.journal)? {
        let holder = HolderId(journal.holder());
        let mut batch = Vec::with_capacity(BATCH);
        for settlement in journal.settlements() {
            batch.push(Settled::from(&settlement?));
            if batch.len() == BATCH {
                store.settle(holder, &batch, unix_ms())?;
                batch.clear();
            }
        }
        if settings.bill_orphans {
            batch.extend(journal.orphans().iter().map(charged));
        }
        for batch in batch.chunks(BATCH) {
            store.settle(holder, batch, unix_ms())?;
        }
        store.retire(holder)?;
        let (settled, orphans) = (journal.settlement_count(), journal.orphans().len());
        if settled > 0 || orphans > 0 {
            log::warn!(
                "a process (holder {}) had ended without closing its books: {settled} settlements are in the store, {orphans} requests in flight were {}",
                holder.0,
                if settings.bill_orphans {
                    "charged what they held, as estimates"
                } else {
                    "not charged"
                }
            );
        }
        journal.discard()?;
    }
    Ok(())
}

/// What a request is charged whose process died: all that it held.
fn charged(orphan: &Orphan) -> Settled {
    let sum = |legs: &[Leg], cap: bool| {
        let legs = legs.iter().filter(|leg| leg.is_cap == cap);
        legs.fold(0_i64, |sum, leg| sum.saturating_add(leg.amount.get()))
    };
    let largest_cap = orphan.legs.iter().filter(|leg| leg.is_cap);
    let largest_cap = largest_cap.map(|leg| leg.amount).max();
    let cost = match sum(&orphan.legs, false) {
        0 => largest_cap.unwrap_or_default(),
        paid => Nanos::new(paid),
    };
    Settled::from(&Settlement {
        subject: orphan.subject.clone(),
        attempt: orphan.attempt,
        closes: true,
        model: Arc::clone(&orphan.subject.model),
        provider: Arc::clone(&orphan.subject.provider),
        prompt_tokens: 0,
        completion_tokens: 0,
        cached_tokens: 0,
        cache_write_tokens: 0,
        reasoning_tokens: 0,
        cost,
        legs: orphan.legs.clone(),
        overage: Nanos::ZERO,
        is_estimated: true,
        usage_source: UsageSource::Hold,
        is_delivered: true,
        at_ms: orphan.subject.at_ms,
        price_version: orphan.subject.price_version,
    })
}

/// The threads of a treasury; it is closed when this is dropped.
#[derive(Debug)]
pub struct Staff {
    treasury: Arc<Treasury>,
    keeper: Option<JoinHandle<()>>,
    cashier: Option<JoinHandle<()>>,
}

impl Staff {
    /// Starts the threads that lease and settle.
    ///
    /// # Errors
    /// The system gives no threads.
    pub fn start(treasury: &Arc<Treasury>) -> Result<Self, OpenError> {
        let named = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let keeper = Keeper::new(Arc::clone(treasury));
        let keeper = named("ledger-keeper").spawn(move || keeper.run())?;
        let cashier = Cashier::new(Arc::clone(treasury));
        let cashier = named("ledger-cashier").spawn(move || cashier.run())?;
        Ok(Self {
            treasury: Arc::clone(treasury),
            keeper: Some(keeper),
            cashier: Some(cashier),
        })
    }

    /// Whom they work for.
    #[must_use]
    pub fn treasury(&self) -> &Arc<Treasury> {
        &self.treasury
    }

    /// Settles what is left and gives all leases back; to be called when no request runs any
    /// more. What cannot be settled in time stays in the journal for the next start.
    pub fn close(&mut self, patience: Duration) {
        self.treasury.is_closing.store(true, Ordering::Release);
        self.treasury.hungry.wake();
        self.treasury.outbox.wake();
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
        let begun = Instant::now();
        while self
            .cashier
            .as_ref()
            .is_some_and(|thread| !thread.is_finished())
        {
            if begun.elapsed() > patience {
                log::warn!(
                    "not all settlements have reached the store; the next start will post them"
                );
                return;
            }
            std::thread::sleep(POLL);
        }
        if let Some(cashier) = self.cashier.take() {
            let _ = cashier.join();
        }
        self.treasury.retire();
    }
}

impl Drop for Staff {
    fn drop(&mut self) {
        self.treasury.is_closing.store(true, Ordering::Release);
        self.treasury.outbox.wake();
        self.treasury.hungry.wake();
    }
}
