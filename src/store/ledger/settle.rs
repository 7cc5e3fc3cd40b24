//! Why: a settlement is money already spent, so it is posted exactly once, whoever sends it and
//! however often. What was posted before is found by its key while its wallets are locked.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use uuid::Uuid;

use super::super::StoreFault;
use super::super::sql::{Sql, Value, values};
use super::lines::Written;
use super::posting::{self, Key, Posting, Stamp};
use super::rows::{self, Wallet};
use super::{HolderId, OwnerType, Posted, Settled, WalletId};
use crate::money::Nanos;

/// Whether a batch may have been sent before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// Nobody has: nothing of it is looked up. Should it be there all the same, the primary key
    /// says so ([`StoreFault::Duplicate`]).
    Never,
    /// Perhaps: what was posted is found and left out.
    Perhaps,
}

/// Posts what has not been posted.
pub(super) fn settle(
    sql: &mut dyn Sql,
    holder: HolderId,
    batch: &[Settled],
    now_ms: i64,
    sent: Sent,
) -> Result<Posted, StoreFault> {
    // A holder that is fenced may settle, so only its existence counts.
    match rows::keep_holder(sql, holder.0) {
        Err(StoreFault::Missing) => rows::return_holder(sql, holder.0, now_ms)?,
        kept => drop(kept?),
    }
    let houses = houses(sql, batch, now_ms)?;
    let of_houses: BTreeSet<i64> = houses.values().copied().collect();
    let asked = posting::short(batch).union(&of_houses).copied().collect();
    let pools = rows::lock_pools(sql, &asked)?;
    let named = posting::named(batch).union(&of_houses).copied().collect();
    let wallets = rows::lock_wallets(sql, &named)?;
    let known = match sent {
        Sent::Never => HashSet::new(),
        Sent::Perhaps => known(sql, batch)?,
    };
    let fresh = posting::fresh(batch, &known);
    let mut posted = Posted {
        posted: fresh.len(),
        duplicates: batch.len() - fresh.len(),
        wallets: Vec::new(),
    };
    if fresh.is_empty() {
        posted.wallets = wallets.values().map(touched).collect();
        return Ok(posted);
    }
    let mut posting = Posting::new(wallets, pools, houses).post(&fresh)?;
    let settlement = open(sql, holder.0, fresh.len(), now_ms)?;
    let written = posting.written(Stamp {
        settlement,
        holder: holder.0,
    })?;
    close(sql, settlement, &written)?;
    rows::store_pools(sql, &posting.pools)?;
    follow(sql, holder.0, &posting)?;
    posted.wallets = posting.wallets.values().map(touched).collect();
    Ok(posted)
}

/// The row of a batch, before its rows are known.
pub(super) fn open(
    sql: &mut dyn Sql,
    holder: i64,
    count: usize,
    now_ms: i64,
) -> Result<i64, StoreFault> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let row = sql.one(
        "INSERT INTO settlements (holder_id, count, amount, root, created_at) \
         VALUES ($1, $2, 0, $3, $4) RETURNING id",
        values![holder, count, [0_u8; 32], now_ms],
    )?;
    row.int(0)
}

/// Writes the rows of a batch, and what they add up to.
pub(super) fn close(
    sql: &mut dyn Sql,
    settlement: i64,
    written: &Written,
) -> Result<(), StoreFault> {
    sql.insert_many("transactions", &rows::TRANSACTION, &written.rows)?;
    let count = i64::try_from(written.rows.len()).unwrap_or(i64::MAX);
    sql.execute(
        "UPDATE settlements SET count = $2, amount = $3, root = $4 WHERE id = $1",
        values![settlement, count, written.amount, written.root],
    )
    .map(drop)
}

fn houses(
    sql: &mut dyn Sql,
    batch: &[Settled],
    now_ms: i64,
) -> Result<BTreeMap<i64, i64>, StoreFault> {
    let mut houses = BTreeMap::new();
    for org in posting::houses(batch) {
        if let Some(house) = rows::open_house(sql, org, now_ms)? {
            houses.insert(org, house);
        }
    }
    Ok(houses)
}

/// Which of a batch have been posted. One row of a settlement means all of it.
fn known(sql: &mut dyn Sql, batch: &[Settled]) -> Result<HashSet<Key>, StoreFault> {
    let ids: BTreeSet<[u8; 16]> = batch.iter().map(|one| posting::key(one).0).collect();
    let ids: Vec<Value> = ids.into_iter().map(Value::from).collect();
    let mut known = HashSet::new();
    for part in rows::parts(&ids) {
        let text = format!(
            "SELECT request_id, attempt FROM transactions \
             WHERE type IN ('usage', 'undelivered') AND request_id IN ({})",
            rows::places(1, part.len())
        );
        for row in sql.query(&text, part)? {
            let attempt = u8::try_from(row.int(1)?);
            let attempt = attempt.map_err(|_| StoreFault::Unreadable { column: 1 })?;
            known.insert((row.bytes(0)?, attempt));
        }
    }
    Ok(known)
}

/// Whether an attempt is posted.
pub(super) fn is_posted(
    sql: &mut dyn Sql,
    request_id: Uuid,
    attempt: u8,
) -> Result<bool, StoreFault> {
    let row = sql.first(
        "SELECT 1 FROM transactions \
         WHERE type IN ('usage', 'undelivered') AND request_id = $1 AND attempt = $2 LIMIT 1",
        values![*request_id.as_bytes(), i64::from(attempt)],
    )?;
    Ok(row.is_some())
}

/// Everything that follows from the rows. What fires a trigger comes last: its lock is the
/// hottest.
fn follow(sql: &mut dyn Sql, holder: i64, posting: &Posting<'_>) -> Result<(), StoreFault> {
    let is_moved = |id: &i64| posting.used.contains_key(id) || posting.pools.contains_key(id);
    let moved: Vec<&Wallet> = posting
        .wallets
        .values()
        .filter(|wallet| is_moved(&wallet.id))
        .collect();
    rows::store_wallets(sql, moved.iter().copied())?;
    use_leases(sql, holder, &posting.used)?;
    count_tokens(sql, &posting.tokens)?;
    let pools = moved
        .iter()
        .filter_map(|wallet| Some([wallet.owner_if(&[OwnerType::Team])?, wallet.spent]))
        .collect::<Vec<_>>();
    store_used_pools(sql, &pools)?;
    for id in &posting.over {
        let wallet = posting.wallets.get(id).ok_or(StoreFault::Missing)?;
        rows::store_overage(sql, wallet)?;
    }
    Ok(())
}

fn use_leases(sql: &mut dyn Sql, holder: i64, used: &BTreeMap<i64, i64>) -> Result<(), StoreFault> {
    let uses: Vec<[i64; 3]> = used.iter().map(|(id, used)| [holder, *id, *used]).collect();
    for part in rows::parts(&uses) {
        let text = format!(
            "INSERT INTO lease_uses (holder_id, wallet_id, used) VALUES {} \
             ON CONFLICT (holder_id, wallet_id) DO UPDATE SET used = lease_uses.used + excluded.used",
            rows::tuples(part.len(), 3)
        );
        sql.execute(&text, &rows::ints(part.as_flattened()))?;
    }
    Ok(())
}

fn count_tokens(sql: &mut dyn Sql, tokens: &BTreeMap<i64, i64>) -> Result<(), StoreFault> {
    let tokens: Vec<[i64; 2]> = tokens.iter().map(|(user, count)| [*user, *count]).collect();
    for part in rows::parts(&tokens) {
        // An update locks in whatever order it finds the rows.
        if sql.locks_rows() && part.len() > 1 {
            let ids: Vec<i64> = part.iter().map(|[user, _]| *user).collect();
            let text = format!(
                "SELECT id FROM users WHERE id IN ({}) ORDER BY id FOR NO KEY UPDATE",
                rows::places(1, ids.len())
            );
            sql.query(&text, &rows::ints(&ids))?;
        }
        let text = format!(
            "UPDATE users SET used_tokens = users.used_tokens + v.column2 \
             FROM (VALUES {}) AS v WHERE users.id = v.column1",
            rows::tuples(part.len(), 2)
        );
        sql.execute(&text, &rows::ints(part.as_flattened()))?;
    }
    Ok(())
}

/// What teams have used of their pools, by team. Whoever does this has locked their wallets.
pub(super) fn store_used_pools(sql: &mut dyn Sql, pools: &[[i64; 2]]) -> Result<(), StoreFault> {
    for part in rows::parts(pools) {
        let text = format!(
            "UPDATE teams SET used_pool = v.column2 \
             FROM (VALUES {}) AS v WHERE teams.id = v.column1",
            rows::tuples(part.len(), 2)
        );
        sql.execute(&text, &rows::ints(part.as_flattened()))?;
    }
    Ok(())
}

fn touched(wallet: &Wallet) -> (WalletId, Nanos, Nanos, Nanos) {
    (
        WalletId(wallet.id),
        Nanos::new(wallet.balance),
        Nanos::new(wallet.overage),
        Nanos::new(wallet.spent),
    )
}
