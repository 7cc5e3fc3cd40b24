//! Why: money that people or time move (credits, transfers, loans, periods) moves between wallets
//! that are locked together, balance and pool alike. Every row of it has its counterpart.

use std::collections::{BTreeMap, BTreeSet};

use uuid::{NoContext, Timestamp, Uuid};

use super::super::StoreFault;
use super::super::sql::Sql;
use super::lines;
use super::posting::{Kind, Stamp};
use super::rows::{self, HOUSE_HOLDER, Pool, Wallet};
use super::{OwnerType, WalletId, settle};
use crate::audit::{Hash, TransactionLeaf};
use crate::money::Nanos;

/// Wallets of one tenant, locked, its house's among them.
#[derive(Debug)]
pub(super) struct Books<'a> {
    house: i64,
    now_ms: i64,
    pools: BTreeMap<i64, Pool>,
    wallets: BTreeMap<i64, Wallet>,
    over: BTreeSet<i64>,
    lines: Vec<TransactionLeaf<'a>>,
}

/// What moves one wallet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub(super) request_id: [u8; 16],
    pub(super) attempt: u8,
    pub(super) kind: Kind,
    pub(super) leg: u8,
    pub(super) reverses: Option<[u8; 16]>,
    pub(super) note: Option<&'a str>,
}

impl<'a> Entry<'a> {
    /// The first leg of a new movement.
    pub(super) fn new(kind: Kind, now_ms: i64, note: Option<&'a str>) -> Self {
        Self {
            request_id: fresh_id(now_ms),
            attempt: 0,
            kind,
            leg: 0,
            reverses: None,
            note,
        }
    }

    /// Another leg of it.
    pub(super) fn leg(self, leg: u8) -> Self {
        Self { leg, ..self }
    }
}

/// A UUIDv7 of this time.
fn fresh_id(now_ms: i64) -> [u8; 16] {
    let now = u64::try_from(now_ms).unwrap_or(0);
    let nanos = u32::try_from(now % 1_000 * 1_000_000).unwrap_or(0);
    let time = Timestamp::from_unix(NoContext, now / 1_000, nanos);
    *Uuid::new_v7(time).as_bytes()
}

/// One row that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct Line {
    /// Id of the transaction.
    pub(in crate::store) id: Uuid,
    /// What all lines of one movement have in common.
    pub(in crate::store) request_id: Uuid,
    /// The wallet it moved; none where nobody is bounded.
    pub(in crate::store) wallet: Option<WalletId>,
    /// By how much.
    pub(in crate::store) amount: Nanos,
    /// What it held afterwards.
    pub(in crate::store) balance_after: Option<Nanos>,
    /// The hash of the row, for the audit log.
    pub(in crate::store) hash: Hash,
}

impl<'a> Books<'a> {
    /// Locks wallets of one tenant and its house's: pools first.
    pub(super) fn open(
        sql: &mut dyn Sql,
        org: i64,
        ids: &[i64],
        now_ms: i64,
    ) -> Result<Self, StoreFault> {
        let house = rows::open_house(sql, org, now_ms)?;
        let house = house.ok_or(StoreFault::NotFound("organisation"))?;
        let all = ids.iter().copied().chain([house]).collect();
        let pools = rows::lock_pools(sql, &all)?;
        let wallets = rows::lock_wallets(sql, &all)?;
        let is_there = |id| pools.contains_key(id) && wallets.contains_key(id);
        let is_own = wallets.values().all(|wallet| wallet.org == org);
        if !all.iter().all(is_there) || !is_own {
            return Err(StoreFault::NotFound("wallet"));
        }
        Ok(Self {
            house,
            now_ms,
            pools,
            wallets,
            over: BTreeSet::new(),
            lines: Vec::new(),
        })
    }

    /// Locks one wallet and its house's.
    pub(super) fn of(sql: &mut dyn Sql, id: WalletId, now_ms: i64) -> Result<Self, StoreFault> {
        let wallets = rows::read_wallets(sql, &BTreeSet::from([id.0]))?;
        let wallet = wallets.get(&id.0).ok_or(StoreFault::NotFound("wallet"))?;
        Self::open(sql, wallet.org, &[id.0], now_ms)
    }

    /// The wallet of the house.
    pub(super) const fn house(&self) -> i64 {
        self.house
    }

    /// Unix milliseconds.
    pub(super) const fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// A locked wallet.
    pub(super) fn wallet(&mut self, id: i64) -> Result<&mut Wallet, StoreFault> {
        let wallet = self.wallets.get_mut(&id);
        wallet.ok_or(StoreFault::NotFound("wallet"))
    }

    /// The pool of a locked wallet.
    pub(super) fn pool(&mut self, id: i64) -> Result<&mut Pool, StoreFault> {
        self.pools
            .get_mut(&id)
            .ok_or(StoreFault::NotFound("wallet"))
    }

    /// What may be taken out of a wallet: money that is there and not leased.
    pub(super) fn there(&mut self, id: i64) -> Result<i64, StoreFault> {
        let overdraft = self.wallet(id)?.overdraft;
        Ok(self.pool(id)?.unleased.saturating_add(overdraft))
    }

    /// Moves a wallet and what may be leased of it.
    pub(super) fn post(
        &mut self,
        entry: Entry<'a>,
        id: i64,
        amount: i64,
    ) -> Result<(), StoreFault> {
        let pool = self.pool(id)?;
        pool.unleased = add(pool.unleased, amount)?;
        let wallet = self.wallet(id)?;
        wallet.balance = add(wallet.balance, amount)?;
        self.note(entry, Some(id), amount)
    }

    /// Moves the overage of a wallet: up by a negative amount.
    pub(super) fn post_overage(
        &mut self,
        entry: Entry<'a>,
        id: i64,
        amount: i64,
    ) -> Result<(), StoreFault> {
        let wallet = self.wallet(id)?;
        wallet.overage = add(wallet.overage, amount.saturating_neg())?;
        self.over.insert(id);
        self.note(entry, Some(id), amount)
    }

    /// Writes a row that moves nothing more.
    pub(super) fn note(
        &mut self,
        entry: Entry<'a>,
        id: Option<i64>,
        amount: i64,
    ) -> Result<(), StoreFault> {
        let wallet = match id {
            Some(id) => Some(&*self.wallet(id)?),
            None => None,
        };
        let owner = |kinds: &[OwnerType]| wallet.and_then(|wallet| wallet.owner_if(kinds));
        let line = TransactionLeaf {
            org: wallet.map(|wallet| wallet.org),
            team: owner(&[OwnerType::Team]),
            user: owner(&[OwnerType::User, OwnerType::Quota]),
            key: owner(&[OwnerType::Key]),
            wallet: id,
            amount,
            balance_after: wallet.map(|wallet| wallet.balance),
            reverses: entry.reverses,
            note: entry.note,
            created_at: self.now_ms,
            ..lines::bare(entry.request_id, entry.attempt, entry.kind, entry.leg)
        };
        self.lines.push(line);
        Ok(())
    }

    /// Writes everything back. The audit log covers the rows: whoever calls this puts their ids
    /// and hashes there.
    pub(super) fn close(mut self, sql: &mut dyn Sql) -> Result<Vec<Line>, StoreFault> {
        let written = lines::written(&mut self.lines, None)?;
        sql.insert_many("transactions", &rows::TRANSACTION, &written.rows)?;
        self.store(sql)?;
        let lines = self.lines.iter().zip(&written.hashes);
        let lines = lines.map(|(line, hash)| Line {
            id: Uuid::from_bytes(line.id),
            request_id: Uuid::from_bytes(line.request_id),
            wallet: line.wallet.map(WalletId),
            amount: Nanos::new(line.amount),
            balance_after: line.balance_after.map(Nanos::new),
            hash: *hash,
        });
        Ok(lines.collect())
    }

    /// Writes everything back as a settlement of the house, which is sealed like any other.
    pub(super) fn seal(mut self, sql: &mut dyn Sql) -> Result<(), StoreFault> {
        if !self.lines.is_empty() {
            let count = self.lines.len();
            let stamp = Stamp {
                settlement: settle::open(sql, HOUSE_HOLDER, count, self.now_ms)?,
                holder: HOUSE_HOLDER,
            };
            let written = lines::written(&mut self.lines, Some(stamp))?;
            settle::close(sql, stamp.settlement, &written)?;
        }
        self.store(sql)
    }

    fn store(&self, sql: &mut dyn Sql) -> Result<(), StoreFault> {
        rows::store_pools(sql, &self.pools)?;
        rows::store_wallets(sql, self.wallets.values())?;
        for id in &self.over {
            let wallet = self.wallets.get(id).ok_or(StoreFault::Missing)?;
            rows::store_overage(sql, wallet)?;
        }
        Ok(())
    }
}

/// The sum, or a fault.
pub(super) fn add(one: i64, other: i64) -> Result<i64, StoreFault> {
    one.checked_add(other).ok_or(StoreFault::OutOfRange)
}
