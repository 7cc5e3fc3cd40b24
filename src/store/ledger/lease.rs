//! Why: a process takes a slice of a wallet, so that requests never ask the database. What it
//! took is gone for all others until it is spent, given back or folded.

use std::collections::{BTreeMap, BTreeSet};

use super::super::sql::{Sql, values};
use super::super::{StoreFault, WalletStatus};
use super::rows::{self, Pool, Wallet};
use super::{Denied, HolderId, OwnerType, Taken, WalletId, Want};
use crate::money::Nanos;

/// What every process is told when a wish was not met.
pub(super) const WANTED: &str = "wanted";

/// Leases money to a live holder.
pub(super) fn take(
    sql: &mut dyn Sql,
    holder: HolderId,
    wants: &[Want],
) -> Result<Vec<Taken>, StoreFault> {
    if !rows::keep_holder(sql, holder.0)? {
        return Err(StoreFault::Fenced);
    }
    let ids: BTreeSet<i64> = wants.iter().map(|want| want.wallet.0).collect();
    let mut pools = rows::lock_pools(sql, &ids)?;
    // Read after the lock: whoever lowers an overdraft holds it too.
    let wallets = rows::read_wallets(sql, &ids)?;
    let elsewhere = elsewhere(sql, holder.0, &ids)?;
    let live = sql.one("SELECT count(*) FROM holders WHERE state = 'live'", &[])?;
    let live = live.int(0)?.max(1);
    let before = pools.clone();
    let mut grants: BTreeMap<i64, i64> = BTreeMap::new();
    let mut taken = Vec::with_capacity(wants.len());
    for want in wants {
        let id = want.wallet.0;
        let mut one = match (pools.get_mut(&id), wallets.get(&id)) {
            (Some(pool), Some(wallet)) => grant(pool, wallet, want, live)?,
            _ => nothing(want.wallet, Denied::Closed),
        };
        let held = elsewhere.get(&id).copied().unwrap_or(0);
        one.elsewhere = Nanos::new(held.max(0));
        if one.granted > Nanos::ZERO {
            let sum = grants.entry(id).or_default();
            *sum = add(*sum, one.granted.get())?;
        }
        taken.push(one);
    }
    let is_wanted = |(id, pool): (&i64, &Pool)| {
        before
            .get(id)
            .is_some_and(|before| before.wanted != pool.wanted)
    };
    let starved = pools.iter().any(is_wanted);
    pools.retain(|id, pool| before.get(id) != Some(pool));
    rows::store_pools(sql, &pools)?;
    store_grants(sql, holder.0, &grants)?;
    if starved {
        sql.notify(WANTED)?;
    }
    Ok(taken)
}

/// Grants what one wish gets.
fn grant(pool: &mut Pool, wallet: &Wallet, want: &Want, live: i64) -> Result<Taken, StoreFault> {
    match (wallet.owner, wallet.status) {
        (OwnerType::House, _) | (_, WalletStatus::Closed) => {
            return Ok(nothing(want.wallet, Denied::Closed));
        }
        (_, WalletStatus::Frozen) => return Ok(nothing(want.wallet, Denied::Frozen)),
        (_, WalletStatus::Active) => {}
    }
    let allowed = wallet
        .hard_limit
        .map(|limit| limit.saturating_sub(pool.drawn));
    // What was spent beyond all holds is owed, and not there to be spent again.
    let there = pool.unleased.saturating_add(wallet.overdraft);
    let there = there.saturating_sub(wallet.overage);
    let available = there.min(allowed.unwrap_or(i64::MAX)).max(0);
    // Others want some too, and more than once.
    let share = available / live.saturating_mul(2);
    let (least, most) = (want.least.get().max(0), want.most.get().max(0));
    let granted = available.min(least.max(most.min(share)));
    pool.unleased = add(pool.unleased, -granted)?;
    pool.drawn = add(pool.drawn, granted)?;
    if granted < least {
        pool.wanted = pool.wanted.wrapping_add(1);
    }
    let is_at_limit = granted == 0 && allowed.is_some_and(|allowed| allowed <= 0);
    Ok(Taken {
        wallet: want.wallet,
        granted: Nanos::new(granted),
        left: Nanos::new(available - granted),
        elsewhere: Nanos::ZERO,
        denied: is_at_limit.then_some(Denied::HardLimit),
    })
}

fn nothing(wallet: WalletId, denied: Denied) -> Taken {
    Taken {
        wallet,
        granted: Nanos::ZERO,
        left: Nanos::ZERO,
        elsewhere: Nanos::ZERO,
        denied: Some(denied),
    }
}

/// What others hold of wallets and have not spent.
fn elsewhere(
    sql: &mut dyn Sql,
    holder: i64,
    ids: &BTreeSet<i64>,
) -> Result<BTreeMap<i64, i64>, StoreFault> {
    let ids: Vec<i64> = ids.iter().copied().collect();
    let mut held = BTreeMap::new();
    for part in rows::parts(&ids) {
        let places = rows::places(2, part.len());
        let text = format!(
            "SELECT wallet_id, CAST(sum(part) AS BIGINT) FROM ( \
             SELECT wallet_id, granted AS part FROM lease_grants \
             WHERE holder_id <> $1 AND wallet_id IN ({places}) UNION ALL \
             SELECT wallet_id, -used FROM lease_uses \
             WHERE holder_id <> $1 AND wallet_id IN ({places})) AS leases GROUP BY wallet_id"
        );
        let params: Vec<i64> = [&[holder], part].concat();
        for row in sql.query(&text, &rows::ints(&params))? {
            held.insert(row.int(0)?, row.int(1)?);
        }
    }
    Ok(held)
}

/// What all hold of one wallet and have not spent. Whoever asks has locked pool and wallet.
pub(super) fn held(sql: &mut dyn Sql, wallet: i64) -> Result<i64, StoreFault> {
    let none = i64::MIN;
    let held = elsewhere(sql, none, &BTreeSet::from([wallet]))?;
    Ok(held.get(&wallet).copied().unwrap_or(0))
}

fn store_grants(
    sql: &mut dyn Sql,
    holder: i64,
    grants: &BTreeMap<i64, i64>,
) -> Result<(), StoreFault> {
    let grants: Vec<[i64; 3]> = grants
        .iter()
        .map(|(id, part)| [holder, *id, *part])
        .collect();
    for part in rows::parts(&grants) {
        let text = format!(
            "INSERT INTO lease_grants (holder_id, wallet_id, granted) VALUES {} \
             ON CONFLICT (holder_id, wallet_id) \
             DO UPDATE SET granted = lease_grants.granted + excluded.granted",
            rows::tuples(part.len(), 3)
        );
        sql.execute(&text, &rows::ints(part.as_flattened()))?;
    }
    Ok(())
}

/// Gives back what is leased and idle.
pub(super) fn give_back(
    sql: &mut dyn Sql,
    holder: HolderId,
    back: &[(WalletId, Nanos)],
) -> Result<(), StoreFault> {
    rows::keep_holder(sql, holder.0)?;
    let mut wishes: BTreeMap<i64, i64> = BTreeMap::new();
    for (wallet, amount) in back {
        let wish = wishes.entry(wallet.0).or_default();
        *wish = wish.saturating_add(amount.get().max(0));
    }
    let mut pools = rows::lock_pools(sql, &wishes.keys().copied().collect())?;
    let ids: Vec<i64> = pools.keys().copied().collect();
    let leases = leases(sql, holder.0, Some(&ids))?;
    let mut grants = BTreeMap::new();
    pools.retain(|id, _| leases.contains_key(id));
    for (id, pool) in &mut pools {
        let idle = leases.get(id).map_or(0, Lease::idle).max(0);
        let part = wishes.get(id).copied().unwrap_or(0).min(idle);
        come_back(pool, part)?;
        grants.insert(*id, -part);
    }
    grants.retain(|_, part| *part != 0);
    rows::store_pools(sql, &pools)?;
    store_grants(sql, holder.0, &grants)
}

/// What was granted to a holder and not given back, by wallet.
pub(super) fn granted(
    sql: &mut dyn Sql,
    holder: HolderId,
) -> Result<Vec<(WalletId, Nanos)>, StoreFault> {
    let rows = sql.query(
        "SELECT wallet_id, granted FROM lease_grants WHERE holder_id = $1",
        values![holder.0],
    )?;
    let read = |row: &super::super::sql::Row| Ok((WalletId(row.int(0)?), Nanos::new(row.int(1)?)));
    rows.iter().map(read).collect()
}

/// What one holder has of one wallet.
#[derive(Clone, Copy, Debug, Default)]
struct Lease {
    granted: i64,
    used: i64,
}

impl Lease {
    fn idle(&self) -> i64 {
        self.granted.saturating_sub(self.used)
    }
}

/// Leases of a holder, all or those of these wallets. Grants are locked; what is used only grows,
/// by this holder's own settlements.
fn leases(
    sql: &mut dyn Sql,
    holder: i64,
    only: Option<&[i64]>,
) -> Result<BTreeMap<i64, Lease>, StoreFault> {
    let lock = sql.for_update();
    let mut leases: BTreeMap<i64, Lease> = BTreeMap::new();
    for part in only.map_or_else(|| vec![&[][..]], rows::parts) {
        let filter = match only {
            Some(_) => format!("AND wallet_id IN ({})", rows::places(2, part.len())),
            None => String::new(),
        };
        let params = rows::ints(&[&[holder], part].concat());
        let text = format!(
            "SELECT wallet_id, granted FROM lease_grants WHERE holder_id = $1 {filter} \
             ORDER BY wallet_id{lock}"
        );
        for row in sql.query(&text, &params)? {
            leases.entry(row.int(0)?).or_default().granted = row.int(1)?;
        }
        let text = format!("SELECT wallet_id, used FROM lease_uses WHERE holder_id = $1 {filter}");
        for row in sql.query(&text, &params)? {
            leases.entry(row.int(0)?).or_default().used = row.int(1)?;
        }
    }
    Ok(leases)
}

/// Leased money comes back; less than nothing comes back when more was spent than leased.
fn come_back(pool: &mut Pool, part: i64) -> Result<(), StoreFault> {
    pool.unleased = add(pool.unleased, part)?;
    pool.drawn = add(pool.drawn, part.saturating_neg())?;
    if part < 0 {
        pool.late = add(pool.late, part.saturating_neg())?;
    }
    Ok(())
}

/// Says that money of a wallet is wanted: holders give back what is idle.
pub(in crate::store) fn call_in(sql: &mut dyn Sql, wallet: WalletId) -> Result<(), StoreFault> {
    sql.execute(
        "UPDATE wallet_pool SET wanted = wanted + 1 WHERE wallet_id = $1",
        values![wallet.0],
    )?;
    sql.notify(WANTED)
}

/// Wallets that this holder has leases of and others want.
pub(super) fn wanted(
    sql: &mut dyn Sql,
    holder: HolderId,
) -> Result<Vec<(WalletId, i64)>, StoreFault> {
    let rows = sql.query(
        "SELECT p.wallet_id, p.wanted FROM lease_grants g \
         JOIN wallet_pool p ON p.wallet_id = g.wallet_id \
         WHERE g.holder_id = $1 AND g.granted > 0 AND p.wanted > 0 ORDER BY p.wallet_id",
        values![holder.0],
    )?;
    let read = |row: &super::super::sql::Row| Ok((WalletId(row.int(0)?), row.int(1)?));
    rows.iter().map(read).collect()
}

/// How a holder ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It says so.
    Retired,
    /// It was silent, and its beat is still this one.
    Fenced {
        /// The beat.
        beat: i64,
    },
}

/// Ends a live holder and takes its leases back. False: it is not live, or not silent.
pub(super) fn end(sql: &mut dyn Sql, holder: HolderId, end: End) -> Result<bool, StoreFault> {
    let text = format!(
        "SELECT state, beat FROM holders WHERE id = $1{}",
        sql.for_update()
    );
    let row = sql.one(&text, values![holder.0])?;
    if row.text(0)? != "live" {
        return Ok(false);
    }
    let word = match end {
        End::Fenced { beat } if row.int(1)? != beat => return Ok(false),
        End::Fenced { .. } => "fenced",
        End::Retired => "retired",
    };
    sql.execute(
        "UPDATE holders SET state = $2 WHERE id = $1",
        values![holder.0, word],
    )?;
    fold(sql, holder.0).map(|_| true)
}

/// Takes back what a holder has leased and not spent; the holder is locked. Answers whether there
/// was anything.
fn fold(sql: &mut dyn Sql, holder: i64) -> Result<bool, StoreFault> {
    let leases = leases(sql, holder, None)?;
    if leases.is_empty() {
        return Ok(false);
    }
    let mut pools = rows::lock_pools(sql, &leases.keys().copied().collect())?;
    for (id, lease) in &leases {
        let pool = pools.get_mut(id).ok_or(StoreFault::Missing)?;
        come_back(pool, lease.idle())?;
    }
    rows::store_pools(sql, &pools)?;
    for table in ["lease_grants", "lease_uses"] {
        let text = format!("DELETE FROM {table} WHERE holder_id = $1");
        sql.execute(&text, values![holder])?;
    }
    Ok(true)
}

/// Holders that have ended and have leases: they settled after their end.
pub(super) fn late(sql: &mut dyn Sql) -> Result<Vec<i64>, StoreFault> {
    let rows = sql.query(
        "SELECT h.id FROM holders h WHERE h.state <> 'live' AND \
         (EXISTS (SELECT 1 FROM lease_uses u WHERE u.holder_id = h.id) \
         OR EXISTS (SELECT 1 FROM lease_grants g WHERE g.holder_id = h.id)) ORDER BY h.id",
        &[],
    )?;
    rows.iter().map(|row| row.int(0)).collect()
}

/// Folds what a holder settled after its end.
pub(super) fn fold_late(sql: &mut dyn Sql, holder: i64) -> Result<bool, StoreFault> {
    let text = format!(
        "SELECT state FROM holders WHERE id = $1{}",
        sql.for_update()
    );
    let row = sql.one(&text, values![holder])?;
    match row.text(0)? {
        "live" => Ok(false),
        _ => fold(sql, holder),
    }
}

fn add(one: i64, other: i64) -> Result<i64, StoreFault> {
    one.checked_add(other).ok_or(StoreFault::OutOfRange)
}
