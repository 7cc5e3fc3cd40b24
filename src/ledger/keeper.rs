//! Why: leases are asked for, kept alive and given back by one thread, so that no request ever
//! waits on the store, and a settlement never delays a refill.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::journal::Journal;
use super::purse::Book;
use super::term::Term;
use super::treasury::Treasury;
use super::{Bucket, Nanos, unix_ms};
use crate::store::{HolderId, StoreFault, Taken, WalletId, Want};

/// How long the thread sleeps when nobody asks for anything.
const TICK: Duration = Duration::from_millis(25);
/// How often the store hears that this process lives.
const BEAT: Duration = Duration::from_secs(5);
/// How often it is asked whether others want money that lies idle here.
const RECALL: Duration = Duration::from_millis(50);
/// How often it is asked whether wallets have changed.
const RULES: Duration = Duration::from_millis(500);
/// How often other processes are looked after.
const WATCH: Duration = Duration::from_secs(5);
/// Wishes in one question.
const BATCH: usize = 256;
/// The pause after a failure, at first and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// Works for one treasury until it closes.
pub(super) struct Keeper {
    treasury: Arc<Treasury>,
    beat: Instant,
    recall: Instant,
    rules: Instant,
    watch: Instant,
    stamp: Option<u64>,
    /// Wishes of others that have been heeded.
    heeded: HashMap<WalletId, i64>,
    /// Others, their last sign of life, and when it was seen.
    others: HashMap<HolderId, (i64, Instant)>,
    /// What the store has granted in this term and was not given back.
    granted: HashMap<WalletId, i64>,
    /// Earlier terms of this process that may still have requests.
    ended: Vec<Arc<Term>>,
    /// The store was away: it may have forgotten something.
    is_doubtful: bool,
    pause: Duration,
}

impl Keeper {
    pub(super) fn new(treasury: Arc<Treasury>) -> Self {
        let now = Instant::now();
        Self {
            treasury,
            beat: now + BEAT,
            recall: now,
            rules: now,
            watch: now,
            stamp: None,
            heeded: HashMap::new(),
            others: HashMap::new(),
            granted: HashMap::new(),
            ended: Vec::new(),
            is_doubtful: false,
            pause: PAUSE.0,
        }
    }

    /// Blocks until the treasury closes.
    pub(super) fn run(mut self) {
        while !self.treasury.is_closing.load(Ordering::Acquire) {
            let hungry = self.treasury.hungry.wait(TICK);
            let worked = self.round(&hungry);
            self.treasury
                .is_store_there
                .store(worked.is_ok(), Ordering::Release);
            match worked {
                Ok(()) => self.pause = PAUSE.0,
                Err(StoreFault::Fenced) => self.begin_new_term(),
                Err(fault) => self.rest(&hungry, &fault),
            }
        }
    }

    fn rest(&mut self, hungry: &[Arc<Bucket>], fault: &StoreFault) {
        log::warn!(
            "the ledger's store does not answer, leases are used as long as they last: {fault}"
        );
        self.is_doubtful = true;
        for bucket in hungry {
            bucket.not_granted();
            self.treasury.hungry.push(Arc::clone(bucket));
        }
        std::thread::sleep(self.pause);
        self.pause = (self.pause * 2).min(PAUSE.1);
    }

    fn round(&mut self, hungry: &[Arc<Bucket>]) -> Result<(), StoreFault> {
        let term = self.treasury.term.load_full();
        if self.is_doubtful || Instant::now() >= self.beat {
            self.show_life(&term)?;
            self.verify(&term)?;
            self.is_doubtful = false;
        }
        self.refill(&term, hungry)?;
        let now = Instant::now();
        if self.treasury.is_hurried.swap(false, Ordering::AcqRel) {
            self.recall = now;
            self.rules = now;
        }
        if now >= self.recall {
            self.give_back(&term)?;
            self.recall = Instant::now() + RECALL;
        }
        if now >= self.rules {
            self.read_rules(&term)?;
            self.rules = Instant::now() + RULES;
        }
        if now >= self.watch {
            self.retire_ended()?;
            self.look_after_others(&term)?;
            self.watch = Instant::now() + WATCH;
        }
        Ok(())
    }

    fn show_life(&mut self, term: &Term) -> Result<(), StoreFault> {
        let began = Instant::now();
        if !self.treasury.store.beat(term.holder)? {
            return Err(StoreFault::Fenced);
        }
        term.prolong(began, self.treasury.settings.lease_ttl);
        self.beat = began + BEAT;
        Ok(())
    }

    /// A database that failed over to a replica, or was restored, may have forgotten what it had
    /// confirmed. What was leased may by now be leased to others: it is used no more, and a new term
    /// begins.
    fn verify(&self, term: &Term) -> Result<(), StoreFault> {
        let confirmed = term.confirmed();
        let known = self.treasury.store.remembered(term.holder, confirmed)?;
        let granted: HashMap<_, _> = known.granted.into_iter().collect();
        let is_leased = |(wallet, ours): (&WalletId, &i64)| {
            granted.get(wallet).map_or(0, |theirs| theirs.get()) >= *ours
        };
        if (known.is_posted || confirmed.is_none()) && self.granted.iter().all(is_leased) {
            return Ok(());
        }
        log::error!("the database has forgotten what it had confirmed, as after a failover");
        Err(StoreFault::Fenced)
    }

    fn refill(&mut self, term: &Term, hungry: &[Arc<Bucket>]) -> Result<(), StoreFault> {
        let mut wishes: HashMap<WalletId, (&Arc<Bucket>, Want)> = HashMap::new();
        for bucket in hungry {
            // A bucket of an earlier term must not be filled in the name of this one.
            let known = term.book.load().bucket(bucket.id()).cloned();
            if !known.is_some_and(|known| Arc::ptr_eq(&known, bucket)) {
                bucket.not_granted();
                continue;
            }
            wishes.entry(bucket.id()).or_insert_with(|| {
                let (least, most) = bucket.wish();
                let want = Want {
                    wallet: bucket.id(),
                    least,
                    most,
                };
                (bucket, want)
            });
        }
        let all: Vec<Want> = wishes.values().map(|(_, want)| *want).collect();
        for wants in all.chunks(BATCH) {
            let all_taken = self.treasury.store.take(term.holder, wants)?;
            let short = |taken: &&Taken| {
                let wish = wishes.get(&taken.wallet);
                wish.is_some_and(|(_, want)| taken.granted < want.least)
            };
            let mut short = all_taken.iter().filter(short).peekable();
            // Processes that all wish and all hold too little for one request must not wait for each
            // other: now and then one gives way.
            let is_alone = |taken: &Taken| taken.elsewhere == Nanos::ZERO;
            let heeds = short.peek().is_some() && (short.all(is_alone) || fastrand::bool());
            for taken in all_taken {
                *self.granted.entry(taken.wallet).or_default() += taken.granted.get();
                if let Some((bucket, _)) = wishes.get(&taken.wallet) {
                    bucket.grant(&taken);
                }
            }
            if heeds {
                self.heed_own_wishes(term)?;
            }
        }
        Ok(())
    }

    /// A wish of this process that was not met counts like one of others; this process must not
    /// give back to itself. Whoever else wished at the same moment will wish again.
    fn heed_own_wishes(&mut self, term: &Term) -> Result<(), StoreFault> {
        let wanted = self.treasury.store.wanted(term.holder)?;
        self.heeded.extend(wanted);
        Ok(())
    }

    /// What others want and nobody here needs goes back to the wallet.
    fn give_back(&mut self, term: &Term) -> Result<(), StoreFault> {
        let wanted = self.treasury.store.wanted(term.holder)?;
        let book = term.wallets();
        let mut back = Vec::new();
        for (wallet, wishes) in wanted {
            if self.heeded.insert(wallet, wishes) == Some(wishes) {
                continue;
            }
            let Some(bucket) = book.bucket(wallet) else {
                continue;
            };
            let idle = bucket.drain();
            if idle > Nanos::ZERO {
                back.push((wallet, idle));
            }
        }
        self.return_money(term, &back)
    }

    fn return_money(&mut self, term: &Term, back: &[(WalletId, Nanos)]) -> Result<(), StoreFault> {
        if back.is_empty() {
            return Ok(());
        }
        let given = self.treasury.store.give_back(term.holder, back);
        if matches!(given, Ok(()) | Err(StoreFault::Uncertain)) {
            for (wallet, amount) in back {
                *self.granted.entry(*wallet).or_default() -= amount.get();
            }
        }
        // Whether an answer that was lost came after the deed is not known: the money then stays
        // out of use until this process retires, and is never spent twice.
        if let Err(fault) = &given
            && !matches!(fault, StoreFault::Uncertain)
        {
            let book = term.wallets();
            for (wallet, amount) in back {
                if let Some(bucket) = book.bucket(*wallet) {
                    bucket.refund(*amount);
                }
            }
        }
        given
    }

    fn read_rules(&mut self, term: &Term) -> Result<(), StoreFault> {
        let stamp = self.treasury.store.rules_stamp()?;
        if self.stamp == Some(stamp) {
            return Ok(());
        }
        let rules = self.treasury.store.rules()?;
        let credit = self.treasury.settings.credit_usd_ppm;
        let book = Book::new(rules, &term.book.load(), credit);
        term.book.store(Arc::new(book));
        self.stamp = Some(stamp);
        Ok(())
    }

    /// Earlier terms whose requests are all settled: what is left of their leases goes back.
    fn retire_ended(&mut self) -> Result<(), StoreFault> {
        let (over, running): (Vec<_>, Vec<_>) = self
            .ended
            .drain(..)
            .partition(|term| Arc::strong_count(term) == 1);
        self.ended = running;
        for term in over {
            match self.treasury.store.retire(term.holder) {
                // Forgotten altogether.
                Ok(()) | Err(StoreFault::Missing) => {}
                Err(fault) => {
                    self.ended.push(term);
                    return Err(fault);
                }
            }
        }
        Ok(())
    }

    /// A process that has shown no sign of life for long is ended; its leases go back.
    fn look_after_others(&mut self, term: &Term) -> Result<(), StoreFault> {
        let holders = self.treasury.store.holders()?;
        let now = Instant::now();
        self.others
            .retain(|id, _| holders.iter().any(|holder| holder.id == *id));
        for holder in holders {
            if holder.id == term.holder {
                continue;
            }
            let seen = self.others.entry(holder.id).or_insert((holder.beat, now));
            if seen.0 != holder.beat {
                *seen = (holder.beat, now);
            } else if now.duration_since(seen.1) > self.treasury.settings.quarantine
                && self.treasury.store.fence(holder.id, holder.beat)?
            {
                log::warn!(
                    "the process '{}' (holder {}) has been silent for too long; what it had leased is free again",
                    holder.name,
                    holder.id.0
                );
            }
        }
        Ok(())
    }

    /// This process was taken for dead. It goes on under a new token; what runs settles under the
    /// old one.
    fn begin_new_term(&mut self) {
        log::warn!(
            "this process has lost its leases, for it was silent for too long or the database forgot \
             them; it begins anew, and sends the settlements of the last minutes again"
        );
        let began = Instant::now();
        let made = self
            .treasury
            .store
            .enlist(&self.treasury.settings.name, unix_ms())
            .map_err(|fault| fault.to_string())
            .and_then(|holder| {
                let root = &self.treasury.settings.journal;
                let journal =
                    Journal::create_with(root, holder.0, self.treasury.settings.journal_options())
                        .map_err(|error| error.to_string())?;
                let rules = self
                    .treasury
                    .store
                    .rules()
                    .map_err(|fault| fault.to_string())?;
                let credit = self.treasury.settings.credit_usd_ppm;
                Ok(Term::new(
                    holder,
                    journal,
                    Book::new(rules, &Book::default(), credit),
                ))
            });
        match made {
            Ok(term) => {
                term.prolong(began, self.treasury.settings.lease_ttl);
                let last = self.treasury.term.swap(Arc::new(term));
                self.ended.push(Arc::clone(&last));
                self.treasury.forgotten.push(last);
                self.treasury.outbox.wake();
                self.beat = began + BEAT;
                self.stamp = None;
                self.heeded.clear();
                self.granted.clear();
            }
            Err(error) => {
                log::error!("a new beginning failed, requests with a wallet are refused: {error}");
                std::thread::sleep(self.pause);
                self.pause = (self.pause * 2).min(PAUSE.1);
            }
        }
    }
}
