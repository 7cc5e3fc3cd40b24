//! Why: the ledger is held against something that cannot share its mistakes: a few lists in
//! memory, no database, no rows, sums instead of columns. What may still be leased is not kept
//! here at all; it is what the others have left.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Leg, Settled};
use crate::money::Nanos;

/// Wallets have their row ids.
pub(super) const QUOTAS: [i64; 2] = [1, 2];
pub(super) const POOL: i64 = 3;
pub(super) const PREPAID: i64 = 4;
pub(super) const KEY: i64 = 5;
pub(super) const HOUSE: i64 = 6;

#[derive(Clone, Debug, Default)]
pub(super) struct Wallet {
    pub(super) balance: i64,
    pub(super) overage: i64,
    pub(super) spent: i64,
    pub(super) wanted: i64,
    pub(super) overdraft: i64,
    pub(super) hard_limit: Option<i64>,
    pub(super) is_frozen: bool,
    /// `d`, `w`, `m`.
    pub(super) period: Option<char>,
    pub(super) allowance: Option<i64>,
    pub(super) period_start: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Holder {
    pub(super) is_live: bool,
    pub(super) beat: i64,
    /// Granted and used, by wallet.
    pub(super) leases: BTreeMap<i64, (i64, i64)>,
}

#[derive(Clone, Debug)]
pub(super) struct Absence {
    /// Place in [`QUOTAS`], and user id less one.
    pub(super) user: usize,
    pub(super) from: i64,
    pub(super) to: i64,
    /// 0 planned, 1 active, 2 ended.
    pub(super) state: i64,
    pub(super) version: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Loan {
    pub(super) absence: i64,
    pub(super) from: i64,
    pub(super) amount: i64,
    pub(super) reclaimed: i64,
    /// 0 open, 1 ending, 2 closed.
    pub(super) state: i64,
}

/// Everything there is.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    pub(super) wallets: BTreeMap<i64, Wallet>,
    pub(super) holders: BTreeMap<i64, Holder>,
    pub(super) absences: BTreeMap<i64, Absence>,
    pub(super) loans: BTreeMap<i64, Loan>,
    pub(super) percent: i64,
    pub(super) tokens: [i64; 2],
    pub(super) posted: BTreeSet<(uuid::Uuid, u8)>,
    /// Delivered estimates that have not been reconciled.
    pub(super) estimates: Vec<Settled>,
}

/// What a refusal is called.
pub(super) type Answer<T> = Result<T, &'static str>;

impl Model {
    pub(super) fn wallet(&mut self, id: i64) -> &mut Wallet {
        self.wallets.get_mut(&id).unwrap()
    }

    /// Granted by anyone and not used.
    pub(super) fn held(&self, id: i64) -> i64 {
        let leases = self
            .holders
            .values()
            .filter_map(|holder| holder.leases.get(&id));
        leases.map(|(granted, used)| granted - used).sum()
    }

    pub(super) fn unleased(&self, id: i64) -> i64 {
        self.wallets[&id].balance - self.held(id)
    }

    pub(super) fn drawn(&self, id: i64) -> i64 {
        match id {
            HOUSE => 0,
            id => self.wallets[&id].spent + self.held(id),
        }
    }

    /// Granted, left, elsewhere, why not.
    pub(super) fn take(
        &mut self,
        holder: i64,
        id: i64,
        (least, most): (i64, i64),
    ) -> Answer<(i64, i64, i64, Option<&'static str>)> {
        if !self.holders[&holder].is_live {
            return Err("Fenced");
        }
        let own = self.holders[&holder]
            .leases
            .get(&id)
            .map_or(0, |(a, b)| a - b);
        let elsewhere = (self.held(id) - own).max(0);
        let wallet = &self.wallets[&id];
        if wallet.is_frozen {
            return Ok((0, 0, elsewhere, Some("Frozen")));
        }
        let mut most_there = self.unleased(id) + wallet.overdraft - wallet.overage;
        let mut at_limit = false;
        if let Some(limit) = wallet.hard_limit {
            most_there = most_there.min(limit - self.drawn(id));
            at_limit = limit <= self.drawn(id);
        }
        let there = most_there.max(0);
        let live = self
            .holders
            .values()
            .filter(|holder| holder.is_live)
            .count();
        let share = there / (2 * i64::try_from(live).unwrap());
        let granted = least.max(share.min(most)).min(there);
        if granted < least {
            self.wallet(id).wanted += 1;
        }
        let holder = self.holders.get_mut(&holder).unwrap();
        holder.leases.entry(id).or_default().0 += granted;
        let denied = (at_limit && granted == 0).then_some("HardLimit");
        Ok((granted, there - granted, elsewhere, denied))
    }

    pub(super) fn give_back(&mut self, holder: i64, id: i64, amount: i64) {
        if let Some(lease) = self.holders.get_mut(&holder).unwrap().leases.get_mut(&id) {
            lease.0 -= amount.min((lease.0 - lease.1).max(0));
        }
    }

    /// Posted now, and before.
    pub(super) fn settle(&mut self, holder: i64, batch: &[Settled]) -> (usize, usize) {
        let mut counts = (0, 0);
        for settled in batch {
            let key = (settled.subject.request_id, settled.attempt);
            if !self.posted.insert(key) {
                counts.1 += 1;
                continue;
            }
            counts.0 += 1;
            if !settled.delivered {
                let house = self.wallet(HOUSE);
                house.balance -= settled.cost.get();
                house.spent += settled.cost.get();
                continue;
            }
            let settled = &self.covered(holder, settled);
            if settled.overage > Nanos::ZERO {
                self.wallet(bearer(settled).unwrap()).overage += settled.overage.get();
            }
            let user = usize::try_from(settled.subject.user.unwrap()).unwrap() - 1;
            self.tokens[user] +=
                i64::try_from(settled.prompt_tokens + settled.completion_tokens).unwrap();
            if settled.estimated {
                self.estimates.push(settled.clone());
            }
        }
        counts
    }

    /// Takes every part out of its lease and, where the cost was more than the lease, out of what
    /// the wallet has beside it. The settlement as it is posted.
    fn covered(&mut self, holder: i64, settled: &Settled) -> Settled {
        let mut posted = settled.clone();
        let has_payers = posted.legs.iter().any(|leg| !leg.is_cap);
        let has_paid = |leg: &&Leg| !leg.is_cap && leg.amount > Nanos::ZERO;
        let first = bearer(settled).filter(|_| settled.legs.iter().find(has_paid).is_none());
        let (mut rest, mut counted) = (settled.overage.get(), 0);
        // Payers first.
        posted.legs.sort_by_key(|leg| leg.is_cap);
        for leg in &mut posted.legs {
            let id = leg.wallet.0;
            let leased = leg.amount.get();
            let missing = match leg.is_cap {
                true => settled.cost.get() - leased,
                false if leased > 0 || first == Some(id) => rest,
                false => 0,
            };
            let cover = missing.min(self.there(id)).max(0);
            let wallet = self.wallet(id);
            wallet.balance -= leased + cover;
            wallet.spent += leased + cover;
            let holder = self.holders.get_mut(&holder).unwrap();
            holder.leases.entry(id).or_default().1 += leased;
            leg.amount = Nanos::new(leased + cover);
            match leg.is_cap {
                true => counted = counted.max(leased + cover),
                false => rest -= cover,
            }
        }
        if !has_payers && !posted.legs.is_empty() {
            rest = rest.min(settled.cost.get() - counted);
        }
        posted.overage = Nanos::new(rest);
        posted
    }

    /// Whether it was live.
    pub(super) fn end(&mut self, holder: i64) -> bool {
        let holder = self.holders.get_mut(&holder).unwrap();
        let was_live = std::mem::take(&mut holder.is_live);
        if was_live {
            holder.leases.clear();
        }
        was_live
    }

    fn against_house(&mut self, id: i64, amount: i64) {
        self.wallet(id).balance += amount;
        self.wallet(HOUSE).balance -= amount;
    }

    /// What may be taken out.
    pub(super) fn there(&self, id: i64) -> i64 {
        self.unleased(id) + self.wallets[&id].overdraft
    }

    pub(super) fn credit(&mut self, id: i64, amount: i64) -> Answer<()> {
        if amount < 0 && self.there(id) < -amount {
            return Err("InsufficientUnleased");
        }
        if amount == 0 {
            return Err("Refused");
        }
        self.against_house(id, amount);
        Ok(())
    }

    pub(super) fn transfer(&mut self, from: i64, to: i64, amount: i64) -> Answer<()> {
        let (one_is_key, both) = ((from == KEY) != (to == KEY), from == to);
        if one_is_key || both || amount <= 0 {
            return Err("Refused");
        }
        if self.there(from) < amount {
            return Err("InsufficientUnleased");
        }
        self.wallet(from).balance -= amount;
        self.wallet(to).balance += amount;
        Ok(())
    }

    pub(super) fn forgive(&mut self, id: i64, amount: i64) -> Answer<()> {
        let wallet = self.wallet(id);
        if amount <= 0 || amount > wallet.overage {
            return Err("Refused");
        }
        wallet.overage -= amount;
        Ok(())
    }

    /// An estimate becomes the truth.
    pub(super) fn reconcile(&mut self, settled: &Settled, truth: i64) -> Answer<()> {
        let key = settled.subject.request_id;
        let count = self.estimates.len();
        self.estimates.retain(|one| one.subject.request_id != key);
        if self.estimates.len() == count {
            return Err("Conflict");
        }
        let of = |is_cap: bool| {
            let legs = settled.legs.iter().filter(move |leg| leg.is_cap == is_cap);
            legs.copied().collect::<Vec<Leg>>()
        };
        let change = truth - settled.cost.get();
        if change < 0 {
            let mut back = -change;
            if let Some(id) = bearer(settled).filter(|_| settled.overage > Nanos::ZERO) {
                let part = back.min(settled.overage.get());
                let wallet = self.wallet(id);
                wallet.overage -= part.min(wallet.overage);
                back -= part;
            }
            for leg in of(false).iter().rev() {
                let part = back.min(leg.amount.get());
                self.against_house(leg.wallet.0, part);
                back -= part;
            }
            for leg in of(true) {
                self.against_house(leg.wallet.0, leg.amount.get().min(-change));
            }
        } else {
            let mut more = change;
            // Parts of nothing left no row, but for the first payer's.
            let mut payers = of(false);
            let first = payers.first().copied();
            payers.retain(|leg| leg.amount > Nanos::ZERO);
            if payers.is_empty() {
                payers.extend(first);
            }
            for leg in &payers {
                let part = more.min(self.there(leg.wallet.0).max(0));
                self.against_house(leg.wallet.0, -part);
                more -= part;
            }
            if let Some(first) = payers.first() {
                self.wallet(first.wallet.0).overage += more;
            }
            for leg in of(true).iter().filter(|leg| leg.amount > Nanos::ZERO) {
                let part = change.min(self.there(leg.wallet.0).max(0));
                self.against_house(leg.wallet.0, -part);
            }
        }
        Ok(())
    }
}

/// Who bears what nobody could: the first payer, else the first cap.
fn bearer(settled: &Settled) -> Option<i64> {
    let first = |is_cap| settled.legs.iter().find(|leg| leg.is_cap == is_cap);
    first(false).or_else(|| first(true)).map(|leg| leg.wallet.0)
}
