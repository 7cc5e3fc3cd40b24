//! Why: money that a request may cost is set aside before anyone is asked, and every way out
//! resolves it: settled, voided, or, if nobody said which, charged in full and counted as a
//! fault. Each step is in the journal before its effect can be seen.

use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use super::journal::{Leg, Record, Settlement, Subject, UsageSource};
use super::term::Term;
use super::treasury::Treasury;
use super::{Bucket, Nanos, Purse, UsageCounts};

/// What each part of a hold bears; no caller has more than five wallets.
type Shares = SmallVec<[Nanos; 5]>;

/// What is held of one wallet.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) bucket: Arc<Bucket>,
    pub(super) held: Nanos,
    pub(super) is_cap: bool,
}

/// Which wallet could not give what was asked of it.
#[derive(Debug)]
pub(super) struct Short {
    /// The wallets that lack something, and how much.
    pub(super) missing: Vec<(Arc<Bucket>, Nanos)>,
}

/// Holds `need` of every cap, and of the payers in their order.
pub(super) fn take(purse: &Purse, need: Nanos) -> Result<Vec<Part>, Short> {
    let mut parts = Vec::with_capacity(purse.payers.len() + purse.caps.len());
    match gather(purse, need, &mut parts) {
        Ok(()) => Ok(parts),
        Err(short) => {
            undo(&parts);
            Err(short)
        }
    }
}

fn gather(purse: &Purse, need: Nanos, parts: &mut Vec<Part>) -> Result<(), Short> {
    if !purse.payers.is_empty() {
        gather_payers(purse, need, parts)?;
    }
    for cap in &purse.caps {
        if !cap.hold(need) {
            let missing = vec![(Arc::clone(cap), need)];
            return Err(Short { missing });
        }
        parts.push(Part {
            bucket: Arc::clone(cap),
            held: need,
            is_cap: true,
        });
    }
    Ok(())
}

/// A payer is passed over only when its wallet is known to be dry: its order is a promise.
fn gather_payers(purse: &Purse, need: Nanos, parts: &mut Vec<Part>) -> Result<(), Short> {
    let mut rest = need.get();
    let mut missing = Vec::new();
    for payer in &purse.payers {
        let held = payer.hold_up_to(Nanos::new(rest));
        if held > Nanos::ZERO {
            rest -= held.get();
            parts.push(Part {
                bucket: Arc::clone(payer),
                held,
                is_cap: false,
            });
        }
        if rest == 0 {
            return Ok(());
        }
        missing.push((Arc::clone(payer), Nanos::new(rest + held.get())));
        if !payer.is_dry() {
            break;
        }
    }
    Err(Short { missing })
}

pub(super) fn undo(parts: &[Part]) {
    for part in parts {
        part.bucket.resolve(part.held, Nanos::ZERO);
    }
}

/// What an attempt cost.
#[derive(Clone, Debug)]
pub struct Bill {
    /// `provider` of the configuration.
    pub provider: Arc<str>,
    /// The model that ran.
    pub model: Arc<str>,
    /// Which attempt, counted from 1.
    pub attempt: u8,
    /// Tokens.
    pub usage: UsageCounts,
    /// What they cost.
    pub cost: Nanos,
    /// Who counted them.
    pub source: UsageSource,
}

/// Money set aside for one request; see the module text.
#[derive(Debug)]
#[must_use = "a hold that is dropped unresolved is charged in full"]
pub struct Hold {
    pub(super) treasury: Arc<Treasury>,
    pub(super) term: Arc<Term>,
    pub(super) subject: Subject,
    pub(super) purse: Purse,
    pub(super) parts: Vec<Part>,
    pub(super) is_open: bool,
}

impl Hold {
    /// How much is held; `None` when no wallet bounds the caller.
    #[must_use]
    pub fn amount(&self) -> Option<Nanos> {
        let sum = |cap: bool| {
            let parts = self.parts.iter().filter(|part| part.is_cap == cap);
            parts.fold(0_i64, |sum, part| sum.saturating_add(part.held.get()))
        };
        if self.purse.is_unbounded() {
            return None;
        }
        Some(Nanos::new(match self.purse.payers.is_empty() {
            false => sum(false),
            // Without payers the caps hold the same amount each.
            true => self.parts.first().map_or(0, |part| part.held.get()),
        }))
    }

    /// The caller's wallets.
    #[must_use]
    pub fn purse(&self) -> &Purse {
        &self.purse
    }

    /// Holds more, at once or not at all. Never waits: where there is nothing, a refill is asked
    /// for, and a later call may succeed.
    #[must_use]
    pub fn extend(&mut self, more: Nanos) -> bool {
        if self.purse.is_unbounded() || more <= Nanos::ZERO {
            return true;
        }
        if !self.term.is_valid() {
            return false;
        }
        let taken = take(&self.purse, more);
        self.treasury.feed(self.purse.buckets());
        let parts = match taken {
            Ok(parts) => parts,
            Err(short) => {
                for (bucket, missing) in &short.missing {
                    // Remembered as a wish for one round of the keeper.
                    self.treasury.ask(bucket, *missing);
                }
                return false;
            }
        };
        let record = Record::Extend {
            request_id: self.subject.request_id,
            legs: legs(&parts),
        };
        if self.treasury.write(&self.term, &record).is_err() {
            undo(&parts);
            return false;
        }
        for part in parts {
            self.add(part);
        }
        true
    }

    fn add(&mut self, part: Part) {
        let same = |known: &&mut Part| Arc::ptr_eq(&known.bucket, &part.bucket);
        match self.parts.iter_mut().find(same) {
            Some(known) => {
                known.held = Nanos::new(known.held.get().saturating_add(part.held.get()));
            }
            None => self.parts.push(part),
        }
    }

    /// The answer was delivered and cost this much. Answers what could not be covered.
    pub fn settle(mut self, bill: &Bill) -> Nanos {
        self.charge(bill)
    }

    fn charge(&mut self, bill: &Bill) -> Nanos {
        let (spent, overage) = self.share(bill.cost);
        let settlement = self.settlement(bill, &spent, overage);
        // Written before anyone else can hold what is left over.
        self.treasury.post(&self.term, settlement);
        self.close(&spent);
        overage
    }

    /// An attempt used tokens and was not delivered: the house pays, and the hold stays.
    pub fn book_undelivered(&self, bill: &Bill) {
        let mut settlement = self.settlement(bill, &[], Nanos::ZERO);
        settlement.is_delivered = false;
        settlement.closes = false;
        self.treasury.post(&self.term, settlement);
    }

    /// Nothing is to be paid.
    pub fn void(mut self) {
        let spent: Shares = smallvec![Nanos::ZERO; self.parts.len()];
        if !self.parts.is_empty() {
            let record = Record::Void {
                request_id: self.subject.request_id,
            };
            self.treasury.note_void(&self.term, &record);
        }
        self.close(&spent);
    }

    /// What each part bears of a cost, and what none can: extended if the wallets still have it.
    fn share(&mut self, cost: Nanos) -> (Shares, Nanos) {
        if self.purse.is_unbounded() {
            return (Shares::new(), Nanos::ZERO);
        }
        let short = cost.get() - self.amount().unwrap_or_default().get();
        if short > 0 {
            // The money is spent already; what is still there covers it.
            let _ = self.extend(Nanos::new(short));
        }
        let has_payers = !self.purse.payers.is_empty();
        let mut rest = cost.get();
        let mut borne_by_caps = 0;
        let mut spent = Shares::new();
        for part in &self.parts {
            let bears = match part.is_cap {
                true => part.held.get().min(cost.get()),
                false => part.held.get().min(rest),
            };
            if part.is_cap {
                borne_by_caps = borne_by_caps.max(bears);
            } else {
                rest -= bears;
            }
            spent.push(Nanos::new(bears));
        }
        let overage = if has_payers {
            rest
        } else {
            cost.get() - borne_by_caps
        };
        (spent, Nanos::new(overage.max(0)))
    }

    fn settlement(&self, bill: &Bill, spent: &[Nanos], overage: Nanos) -> Settlement {
        let parts = self.parts.iter().zip(spent);
        let legs = parts.filter(|(_, spent)| **spent > Nanos::ZERO);
        let mut legs: Vec<Leg> = legs
            .map(|(part, spent)| Leg {
                wallet: part.bucket.id().0,
                amount: *spent,
                is_cap: part.is_cap,
            })
            .collect();
        if legs.is_empty() && overage > Nanos::ZERO {
            legs.extend(self.bearer());
        }
        Settlement {
            subject: self.subject.clone(),
            attempt: bill.attempt,
            closes: true,
            model: Arc::clone(&bill.model),
            provider: Arc::clone(&bill.provider),
            prompt_tokens: bill.usage.input,
            completion_tokens: bill.usage.output,
            cached_tokens: bill.usage.cached,
            cache_write_tokens: bill.usage.cache_write,
            reasoning_tokens: bill.usage.reasoning,
            cost: bill.cost,
            legs,
            overage,
            is_estimated: bill.source != UsageSource::Provider,
            usage_source: bill.source,
            is_delivered: true,
            at_ms: super::unix_ms(),
            price_version: self.subject.price_version,
        }
    }

    /// Whom it is counted against that nothing was held: the first who pays, else the first cap.
    fn bearer(&self) -> Option<Leg> {
        let (payer, cap) = (self.purse.payers.first(), self.purse.caps.first());
        let leg = |bucket: &Arc<Bucket>, is_cap| Leg {
            wallet: bucket.id().0,
            amount: Nanos::ZERO,
            is_cap,
        };
        payer
            .map(|bucket| leg(bucket, false))
            .or_else(|| cap.map(|bucket| leg(bucket, true)))
    }

    /// Gives back what was not spent.
    fn close(&mut self, spent: &[Nanos]) {
        self.is_open = false;
        for (part, spent) in self.parts.iter().zip(spent) {
            part.bucket.resolve(part.held, *spent);
        }
    }
}

impl Drop for Hold {
    /// Nobody said what became of it. What was asked may have been answered, so it is charged.
    fn drop(&mut self) {
        if !self.is_open || self.parts.is_empty() {
            return;
        }
        self.treasury.note_unresolved();
        let bill = Bill {
            provider: Arc::clone(&self.subject.provider),
            model: Arc::clone(&self.subject.model),
            attempt: 1,
            usage: UsageCounts::default(),
            cost: self.amount().unwrap_or_default(),
            source: UsageSource::Hold,
        };
        self.charge(&bill);
    }
}

/// What is held, as the journal writes it.
pub(super) fn legs(parts: &[Part]) -> Vec<Leg> {
    let leg = |part: &Part| Leg {
        wallet: part.bucket.id().0,
        amount: part.held,
        is_cap: part.is_cap,
    };
    parts.iter().map(leg).collect()
}
