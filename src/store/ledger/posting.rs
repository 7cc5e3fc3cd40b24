//! Why: what a batch does to wallets is decided here, in plain Rust and without a database: which
//! rows, which balance after each, which hashes. All stores post the same.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::super::StoreFault;
use super::lines::{Written, count, line, whole, written};
use super::rows::{Pool, Wallet};
use super::{Leg, OwnerType, Settled};
use crate::audit::TransactionLeaf;
use crate::money::Nanos;

/// Most settlements in one batch.
pub(super) const MAX_BATCH: usize = 1_000;
/// Most payers, and most caps, of one settlement.
const MAX_LEGS: usize = 7;
/// More than that, a thousand million credits, is no cost of one request but a mistake.
const MAX_COST: i64 = 1_000_000_000_000_000_000;
/// More than that is no count of tokens of one request.
pub(super) const MAX_TOKENS: u64 = 1_000_000_000_000;

/// The type of a transaction. Its place here is its code inside ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Usage,
    Cap,
    Overage,
    Undelivered,
    Credit,
    Debit,
    Transfer,
    Lend,
    Reclaim,
    Reset,
    Adjustment,
    Forgiven,
}

impl Kind {
    /// The word in tables.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Cap => "cap",
            Self::Overage => "overage",
            Self::Undelivered => "undelivered",
            Self::Credit => "credit",
            Self::Debit => "debit",
            Self::Transfer => "transfer",
            Self::Lend => "lend",
            Self::Reclaim => "reclaim",
            Self::Reset => "reset",
            Self::Adjustment => "adjustment",
            Self::Forgiven => "forgiven",
        }
    }

    /// The id of a transaction: that of its request, with the last two bytes replaced.
    pub(super) fn id(self, request_id: [u8; 16], attempt: u8, leg: u8) -> [u8; 16] {
        let mut id = request_id;
        let [.., next_to_last, last] = &mut id;
        *next_to_last = attempt;
        *last = ((self as u8) << 4) | (leg & 0x0f);
        id
    }
}

/// What identifies a settlement.
pub(super) type Key = ([u8; 16], u8);

/// The key of a settlement.
pub(super) fn key(settled: &Settled) -> Key {
    (*settled.subject.request_id.as_bytes(), settled.attempt)
}

/// The batch without what can never be posted: that is a fault which names it.
pub(super) fn validate(batch: &[Settled]) -> Result<(), StoreFault> {
    if batch.len() > MAX_BATCH {
        return Err(StoreFault::Refused("a batch has at most 1,000 settlements"));
    }
    for (index, settled) in batch.iter().enumerate() {
        if let Some(why) = flaw(settled) {
            return Err(StoreFault::Unpostable { index, why });
        }
    }
    Ok(())
}

/// Why a settlement can never be posted.
fn flaw(settled: &Settled) -> Option<&'static str> {
    let tokens = [
        settled.prompt_tokens,
        settled.completion_tokens,
        settled.cached_tokens,
        settled.cache_write_tokens,
        settled.reasoning_tokens,
    ];
    let rules = [
        (in_range(settled.cost), "the cost is negative or absurd"),
        (
            tokens.iter().all(|count| *count <= MAX_TOKENS),
            "a count of tokens is absurd",
        ),
        (
            !settled.model.contains('\0') && !settled.provider.contains('\0'),
            "a name holds a NUL character",
        ),
    ];
    let broken = rules.into_iter().find(|(holds, _)| !holds);
    match broken {
        Some((_, why)) => Some(why),
        // The house pays what nobody got, whatever was held for it.
        None if !settled.delivered => None,
        None => flaw_of_legs(settled),
    }
}

fn flaw_of_legs(settled: &Settled) -> Option<&'static str> {
    let of = |is_cap: bool| settled.legs.iter().filter(move |leg| leg.is_cap == is_cap);
    let (payers, caps) = (of(false).count(), of(true).count());
    let paid: i128 = of(false).map(|leg| i128::from(leg.amount.get())).sum();
    let whole = paid + i128::from(settled.overage.get());
    let rules = [
        (
            settled.legs.iter().all(|leg| in_range(leg.amount)),
            "an amount is negative or absurd",
        ),
        (
            in_range(settled.overage) && settled.overage <= settled.cost,
            "the overage is negative or more than the cost",
        ),
        (
            payers <= MAX_LEGS && caps <= MAX_LEGS,
            "it names too many wallets",
        ),
        (
            payers == 0 || whole == i128::from(settled.cost.get()),
            "payers' parts and overage do not add up to the cost",
        ),
        (
            of(true).all(|leg| leg.amount <= settled.cost),
            "a cap counts more than the cost",
        ),
        (
            settled.overage == Nanos::ZERO || !settled.legs.is_empty(),
            "there is overage and no wallet to count it against",
        ),
    ];
    let broken = rules.into_iter().find(|(holds, _)| !holds);
    broken.map(|(_, why)| why)
}

fn in_range(amount: Nanos) -> bool {
    (0..=MAX_COST).contains(&amount.get())
}

/// What is posted now: not what is known, and nothing twice. With its place in the batch.
pub(super) fn fresh<'a>(batch: &'a [Settled], known: &HashSet<Key>) -> Vec<(usize, &'a Settled)> {
    let mut seen = HashSet::new();
    let all = batch.iter().enumerate();
    all.filter(|(_, settled)| {
        let key = key(settled);
        !known.contains(&key) && seen.insert(key)
    })
    .collect()
}

/// The wallets that a batch names. Those of the house are not among them.
pub(super) fn named(batch: &[Settled]) -> BTreeSet<i64> {
    let delivered = batch.iter().filter(|settled| settled.delivered);
    let legs = delivered.flat_map(|settled| &settled.legs);
    legs.map(|leg| leg.wallet.0).collect()
}

/// The wallets of answers that cost more than was held for them: what they have beyond their leases
/// may cover it.
pub(super) fn short(batch: &[Settled]) -> BTreeSet<i64> {
    let delivered = batch.iter().filter(|settled| settled.delivered);
    let short = delivered.filter(|settled| {
        let is_less = |leg: &Leg| leg.is_cap && leg.amount < settled.cost;
        settled.overage > Nanos::ZERO || settled.legs.iter().any(is_less)
    });
    let legs = short.flat_map(|settled| &settled.legs);
    legs.map(|leg| leg.wallet.0).collect()
}

/// The tenants whose house pays for something.
pub(super) fn houses(batch: &[Settled]) -> BTreeSet<i64> {
    let undelivered = batch.iter().filter(|settled| !settled.delivered);
    undelivered
        .filter_map(|settled| settled.subject.org)
        .collect()
}

/// The batch that rows are posted in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp {
    pub(super) settlement: i64,
    pub(super) holder: i64,
}

/// What a batch does.
#[derive(Debug)]
pub(super) struct Posting<'a> {
    /// Locked wallets, as they are afterwards.
    pub(super) wallets: BTreeMap<i64, Wallet>,
    /// Locked pools of houses and of wallets that may have to cover more than their leases, as they
    /// are afterwards.
    pub(super) pools: BTreeMap<i64, Pool>,
    /// Tenants with the wallet of their house.
    houses: BTreeMap<i64, i64>,
    /// Rows so far, and the sum of their amounts.
    lines: Vec<TransactionLeaf<'a>>,
    amount: i64,
    /// Used of the holder's leases, by wallet.
    pub(super) used: BTreeMap<i64, i64>,
    /// Tokens of delivered answers, by user.
    pub(super) tokens: BTreeMap<i64, i64>,
    /// Wallets whose overage moved.
    pub(super) over: BTreeSet<i64>,
}

impl<'a> Posting<'a> {
    /// Before the first settlement, with all wallets that are needed.
    pub(super) fn new(
        wallets: BTreeMap<i64, Wallet>,
        pools: BTreeMap<i64, Pool>,
        houses: BTreeMap<i64, i64>,
    ) -> Self {
        Self {
            wallets,
            pools,
            houses,
            lines: Vec::new(),
            amount: 0,
            used: BTreeMap::new(),
            tokens: BTreeMap::new(),
            over: BTreeSet::new(),
        }
    }

    /// Posts settlements that are fresh, in their order.
    pub(super) fn post(mut self, fresh: &[(usize, &'a Settled)]) -> Result<Self, StoreFault> {
        for (index, settled) in fresh {
            let posted = match settled.delivered {
                true => self.delivered(settled),
                false => self.undelivered(settled),
            };
            posted.map_err(|why| StoreFault::Unpostable { index: *index, why })?;
        }
        Ok(self)
    }

    fn delivered(&mut self, settled: &'a Settled) -> Result<(), &'static str> {
        let of = |is_cap: bool| settled.legs.iter().filter(move |leg| leg.is_cap == is_cap);
        let mut payers: Vec<&Leg> = of(false).filter(|leg| leg.amount.get() > 0).collect();
        if payers.is_empty() {
            payers.extend(of(false).next());
        }
        let (cost, mut overage) = (settled.cost.get(), settled.overage.get());
        for (leg, payer) in (0..).zip(&payers) {
            let mut line = line(settled, Kind::Usage, leg);
            if leg == 0 {
                whole(&mut line, settled);
            }
            overage -= self.spend(payer, overage, &mut line)?;
            self.push(line)?;
        }
        let mut caps = Vec::new();
        // A cap that counted nothing may have been deleted since.
        let counts = |leg: &&Leg| leg.amount.get() > 0 || self.pools.contains_key(&leg.wallet.0);
        let counting: Vec<&Leg> = of(true).filter(counts).collect();
        for cap in counting {
            let mut line = line(
                settled,
                Kind::Cap,
                u8::try_from(caps.len()).unwrap_or(u8::MAX),
            );
            self.spend(cap, cost - cap.amount.get(), &mut line)?;
            if line.amount != 0 {
                caps.push(line);
            }
        }
        if payers.is_empty() {
            // No wallet pays: the cost is told all the same.
            let mut line = line(settled, Kind::Usage, 0);
            whole(&mut line, settled);
            let counted = caps.iter().map(|cap| cap.amount).min().unwrap_or(0);
            overage = overage.min(cost + counted);
            line.amount = overage.saturating_sub(cost);
            self.push(line)?;
        }
        for cap in caps {
            self.push(cap)?;
        }
        if overage > 0 {
            let bearer = of(false).chain(of(true)).next();
            self.exceed(bearer, settled, overage)?;
        }
        if let Some(user) = settled.subject.user {
            let tokens = count(settled.prompt_tokens) + count(settled.completion_tokens);
            let sum = self.tokens.entry(user).or_default();
            *sum = sum.saturating_add(tokens);
        }
        Ok(())
    }

    /// One wallet bears its part, and of what is missing as much as it has beyond all leases; answers
    /// how much that was.
    fn spend(
        &mut self,
        leg: &Leg,
        missing: i64,
        line: &mut TransactionLeaf<'a>,
    ) -> Result<i64, &'static str> {
        let wallet = bearer(&mut self.wallets, leg)?;
        let covered = match self.pools.get_mut(&wallet.id) {
            Some(pool) => cover(pool, wallet, missing)?,
            None => 0,
        };
        let leased = leg.amount.get();
        let amount = leased.checked_add(covered).ok_or(OUT_OF_RANGE)?;
        let (balance, spent) = (
            wallet.balance.checked_sub(amount),
            wallet.spent.checked_add(amount),
        );
        wallet.balance = balance.ok_or(OUT_OF_RANGE)?;
        wallet.spent = spent.ok_or(OUT_OF_RANGE)?;
        line.wallet = Some(wallet.id);
        line.amount = -amount;
        line.balance_after = Some(wallet.balance);
        if leased > 0 {
            let used = self.used.entry(wallet.id).or_default();
            *used = used.checked_add(leased).ok_or(OUT_OF_RANGE)?;
        }
        Ok(covered)
    }

    /// What nobody could bear is counted apart.
    fn exceed(
        &mut self,
        leg: Option<&Leg>,
        settled: &'a Settled,
        amount: i64,
    ) -> Result<(), &'static str> {
        let leg = leg.ok_or("overage without a wallet to count it against")?;
        let wallet = bearer(&mut self.wallets, leg)?;
        let overage = wallet.overage.checked_add(amount);
        wallet.overage = overage.ok_or(OUT_OF_RANGE)?;
        let mut line = line(settled, Kind::Overage, 0);
        line.wallet = Some(wallet.id);
        line.amount = -amount;
        line.balance_after = Some(wallet.balance);
        self.over.insert(wallet.id);
        self.push(line)
    }

    /// The house pays for what the customer did not get.
    fn undelivered(&mut self, settled: &'a Settled) -> Result<(), &'static str> {
        let cost = settled.cost.get();
        let mut line = line(settled, Kind::Undelivered, 0);
        whole(&mut line, settled);
        line.amount = -cost;
        let house = settled.subject.org.and_then(|org| self.houses.get(&org));
        if let Some(wallet) = house.and_then(|house| self.wallets.get_mut(house)) {
            wallet.balance = wallet.balance.checked_sub(cost).ok_or(OUT_OF_RANGE)?;
            wallet.spent = wallet.spent.checked_add(cost).ok_or(OUT_OF_RANGE)?;
            line.wallet = Some(wallet.id);
            line.balance_after = Some(wallet.balance);
            let pool = self.pools.get_mut(&wallet.id);
            let pool = pool.ok_or("the wallet of the house has no pool")?;
            pool.unleased = pool.unleased.checked_sub(cost).ok_or(OUT_OF_RANGE)?;
        }
        self.push(line)
    }

    fn push(&mut self, line: TransactionLeaf<'a>) -> Result<(), &'static str> {
        let amount = self.amount.checked_add(line.amount);
        self.amount = amount.ok_or("the sum of the batch is out of range")?;
        self.lines.push(line);
        Ok(())
    }

    /// The rows, numbered and hashed.
    pub(super) fn written(&mut self, stamp: Stamp) -> Result<Written, StoreFault> {
        written(&mut self.lines, Some(stamp))
    }
}

/// Takes of what is missing as much as the wallet has beyond all leases. The money is spent: limits
/// of the period are for those who come.
fn cover(pool: &mut Pool, wallet: &Wallet, missing: i64) -> Result<i64, &'static str> {
    let there = pool.unleased.saturating_add(wallet.overdraft);
    let covered = missing.min(there).max(0);
    pool.unleased = pool.unleased.checked_sub(covered).ok_or(OUT_OF_RANGE)?;
    pool.drawn = pool.drawn.checked_add(covered).ok_or(OUT_OF_RANGE)?;
    Ok(covered)
}

const OUT_OF_RANGE: &str = "a balance would be out of range";

fn bearer<'w>(
    wallets: &'w mut BTreeMap<i64, Wallet>,
    leg: &Leg,
) -> Result<&'w mut Wallet, &'static str> {
    let wallet = wallets.get_mut(&leg.wallet.0);
    let wallet = wallet.ok_or("it names a wallet that does not exist")?;
    match wallet.owner {
        OwnerType::House => Err("it names the wallet of the house"),
        _ => Ok(wallet),
    }
}
