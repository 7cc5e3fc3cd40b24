//! Why: settlements reach the store in batches, by one thread. A batch whose fate is unknown is
//! sent again; the store drops what it has. Nothing is ever given up: what the store refuses for
//! good stays in the journal and is counted.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::journal::{Settlement, UsageSource};
use super::term::Term;
use super::treasury::{Entry, SoftLimit, Treasury, lock};
use super::{Nanos, unix_ms};
use crate::store::{self, Posted, Settled, StoreFault, WalletId};

/// Settlements in one commit: more would keep a wallet locked for too long.
const BATCH: usize = 1000;
/// How long a batch may fill: each costs a commit, however small, and is late by no more than this.
const FILL: Duration = Duration::from_millis(50);
/// How long the thread sleeps when there is nothing to do.
const IDLE: Duration = Duration::from_millis(200);
/// How long what is done stays in the journal: a database that fails over may have lost it.
const KEEP: Duration = Duration::from_secs(15 * 60);
/// How often the journal is looked at.
const PRUNE: Duration = Duration::from_secs(5);
/// The pause after a failure, at first and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// Whether a batch may be in the store already.
#[derive(Clone, Copy)]
enum Sent {
    Never,
    Perhaps,
}

/// Works for one treasury until it closes and all is settled.
pub(super) struct Cashier {
    treasury: Arc<Treasury>,
    pruned: Instant,
}

impl Cashier {
    pub(super) fn new(treasury: Arc<Treasury>) -> Self {
        Self {
            treasury,
            pruned: Instant::now(),
        }
    }

    /// Blocks until the treasury closes.
    pub(super) fn run(mut self) {
        loop {
            let entries = self.treasury.outbox.wait(IDLE);
            let is_closing = self.treasury.is_closing.load(Ordering::Acquire);
            for term in self.treasury.forgotten.wait(Duration::ZERO) {
                self.send_again(&term);
            }
            if entries.is_empty() {
                if is_closing {
                    return;
                }
                self.tidy();
                continue;
            }
            let mut entries = entries;
            if entries.len() < BATCH && !is_closing {
                std::thread::sleep(FILL);
                entries.extend(self.treasury.outbox.wait(Duration::ZERO));
            }
            *lock(&self.treasury.oldest) = Some(Instant::now());
            self.settle_all(entries);
            *lock(&self.treasury.oldest) = None;
            self.tidy();
        }
    }

    fn settle_all(&self, entries: Vec<Entry>) {
        let mut rest = entries;
        while let Some(first) = rest.first() {
            // One token a batch; it changes only when this process was fenced.
            let term = Arc::clone(&first.term);
            let same = |entry: &&Entry| Arc::ptr_eq(&entry.term, &term);
            let run = rest.iter().take(BATCH).take_while(same).count();
            let others = rest.split_off(run);
            self.settle(&term, rest, Sent::Never);
            rest = others;
        }
    }

    /// Tries until the store has it, or refuses it for good.
    fn settle(&self, term: &Term, batch: Vec<Entry>, sent: Sent) {
        let rows: Vec<Settled> = batch
            .iter()
            .map(|entry| (&entry.settlement).into())
            .collect();
        let store = &self.treasury.store;
        let mut outcome = match sent {
            Sent::Never => store.settle_first(term.holder, &rows, unix_ms()),
            Sent::Perhaps => store.settle(term.holder, &rows, unix_ms()),
        };
        let mut pause = PAUSE.0;
        loop {
            match outcome {
                Ok(posted) => return self.done(term, batch, &posted),
                Err(fault) if fault.is_passing() => {
                    if pause == PAUSE.0 {
                        log::warn!("settlements wait for the store: {fault}");
                    }
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(PAUSE.1);
                    outcome = store.settle(term.holder, &rows, unix_ms());
                }
                Err(fault) => return self.isolate(term, batch, &fault),
            }
        }
    }

    /// One settlement of the batch cannot be posted: the others must not wait for it.
    fn isolate(&self, term: &Term, mut batch: Vec<Entry>, fault: &StoreFault) {
        if let [only] = batch.as_slice() {
            log::error!(
                "the settlement of request {} is refused by the store and stays in the journal: {fault}",
                only.settlement.subject.request_id
            );
            self.treasury.stuck.fetch_add(1, Ordering::Relaxed);
            self.treasury.pending.fetch_sub(1, Ordering::AcqRel);
            return;
        }
        let right = batch.split_off(batch.len() / 2);
        self.settle(term, batch, Sent::Perhaps);
        self.settle(term, right, Sent::Perhaps);
    }

    /// The store may have lost what it had confirmed: all that the journal still has is sent once
    /// more, and what the store has it drops.
    fn send_again(&self, term: &Arc<Term>) {
        let mut retained = term.journal.retained();
        let mut count = 0;
        loop {
            let mut batch = Vec::with_capacity(BATCH);
            for settlement in retained.by_ref().take(BATCH) {
                match settlement {
                    Ok(settlement) => batch.push(Entry {
                        term: Arc::clone(term),
                        position: None,
                        settlement,
                    }),
                    Err(error) => log::error!(
                        "what the database has forgotten cannot all be read back: {error}"
                    ),
                }
            }
            if batch.is_empty() {
                log::warn!("{count} settlements were sent to the database once more");
                return;
            }
            count += batch.len();
            let pending = u64::try_from(batch.len()).unwrap_or(u64::MAX);
            self.treasury.pending.fetch_add(pending, Ordering::AcqRel);
            self.settle(term, batch, Sent::Perhaps);
        }
    }

    fn done(&self, term: &Term, batch: Vec<Entry>, posted: &Posted) {
        let count = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        if let Some(last) = batch.last() {
            let settlement = &last.settlement;
            term.note_confirmed((settlement.subject.request_id, settlement.attempt));
        }
        let positions = batch.into_iter().filter_map(|entry| entry.position);
        term.journal.acknowledge(positions);
        self.treasury.pending.fetch_sub(count, Ordering::AcqRel);
        self.treasury.posted.fetch_add(count, Ordering::Relaxed);
        for (wallet, _, _, spent) in &posted.wallets {
            self.note_spent(term, *wallet, *spent);
        }
    }

    /// Notices when a wallet passes its soft limit.
    fn note_spent(&self, term: &Term, wallet: WalletId, spent: Nanos) {
        let book = term.wallets();
        let Some(bucket) = book.bucket(wallet) else {
            return;
        };
        let before = bucket.set_spent(spent);
        let Some(limit) = bucket.rules().soft_limit else {
            return;
        };
        if before < limit && spent >= limit {
            log::warn!(
                "wallet {} has reached its soft limit: {spent} of {limit} credits",
                wallet.0
            );
            self.treasury
                .soft_limits_passed
                .fetch_add(1, Ordering::Relaxed);
            lock(&self.treasury.soft).push(SoftLimit {
                wallet,
                spent,
                limit,
            });
        }
    }

    fn tidy(&mut self) {
        if self.pruned.elapsed() < PRUNE {
            return;
        }
        self.pruned = Instant::now();
        let term = self.treasury.term.load_full();
        if term.journal.is_failed() && term.journal.try_recover().is_ok() {
            log::info!("the journal of money can be written again");
        }
        if let Err(error) = term.journal.prune(Instant::now(), KEEP) {
            log::warn!("old parts of the journal cannot be removed: {error}");
        }
    }
}

impl From<&Settlement> for Settled {
    /// What the journal keeps, in the words of the store.
    fn from(told: &Settlement) -> Self {
        let subject = &told.subject;
        let leg = |leg: &super::journal::Leg| store::Leg {
            wallet: WalletId(leg.wallet),
            amount: leg.amount,
            is_cap: leg.is_cap,
        };
        Self {
            subject: store::Subject {
                request_id: subject.request_id,
                org: subject.org,
                team: subject.team,
                user: subject.user,
                key: subject.key,
                price_version: i64::from(told.price_version),
            },
            attempt: told.attempt,
            provider: told.provider.to_string(),
            model: told.model.to_string(),
            prompt_tokens: told.prompt_tokens,
            completion_tokens: told.completion_tokens,
            cached_tokens: told.cached_tokens,
            cache_write_tokens: told.cache_write_tokens,
            reasoning_tokens: told.reasoning_tokens,
            cost: told.cost,
            legs: told.legs.iter().map(leg).collect(),
            overage: told.overage,
            estimated: told.is_estimated,
            source: match told.usage_source {
                UsageSource::Provider => store::UsageSource::Provider,
                UsageSource::Local => store::UsageSource::Local,
                UsageSource::Hold => store::UsageSource::Hold,
            },
            delivered: told.is_delivered,
            at_ms: told.at_ms,
        }
    }
}
