//! Why: every part of the ledger locks wallets and pools, and writes transactions. They do it in
//! one order and in one way.
//!
//! The order of locks, so that nobody waits in a circle: the holder, pools by id, wallets by id,
//! uses, users by id, teams by id. A wallet is locked so that foreign keys to it may be checked
//! meanwhile: else the first lease of a wallet would wait for a settlement.

use std::collections::{BTreeMap, BTreeSet};

use super::super::sql::{Column, Row, Sql, Value, values};
use super::super::{OwnerType, StoreFault, WalletStatus};
use crate::audit::{Hash, TransactionLeaf};

/// Longest list in one statement.
const LONGEST: usize = 256;

/// The rows that the house writes itself, in housekeeping, carry this holder.
pub(super) const HOUSE_HOLDER: i64 = 0;

/// A list in parts whose lengths are powers of two: a handful of statements, prepared once, serve
/// lists of any length.
pub(super) fn parts<T>(items: &[T]) -> Vec<&[T]> {
    let (mut rest, mut parts) = (items, Vec::new());
    while let Some(log) = rest.len().checked_ilog2() {
        let (part, others) = rest.split_at(LONGEST.min(1 << log));
        parts.push(part);
        rest = others;
    }
    parts
}

/// `$3, $4, …`: so many parameters, the first with this number.
pub(super) fn places(first: usize, count: usize) -> String {
    let places: Vec<String> = (first..first + count).map(|n| format!("${n}")).collect();
    places.join(", ")
}

/// `(…, …), (…, …)`: rows of integer parameters.
pub(super) fn tuples(rows: usize, width: usize) -> String {
    let row = |row: usize| {
        let cells = (1..=width).map(|n| format!("CAST(${} AS BIGINT)", row * width + n));
        format!("({})", cells.collect::<Vec<_>>().join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

/// A clause that locks rows, where rows are locked.
pub(super) fn lock(sql: &dyn Sql, clause: &'static str) -> &'static str {
    if sql.locks_rows() { clause } else { "" }
}

/// Keeps a holder as it is until the end of the transaction, and answers whether it is live.
/// Only fencing and retiring wait for that.
pub(super) fn keep_holder(sql: &mut dyn Sql, holder: i64) -> Result<bool, StoreFault> {
    let lock = lock(sql, " FOR KEY SHARE");
    let text = format!("SELECT state FROM holders WHERE id = $1{lock}");
    let row = sql.one(&text, values![holder])?;
    Ok(row.text(0)? == "live")
}

/// Enters a holder again that the database has forgotten: it may settle, and lease no more.
pub(super) fn return_holder(sql: &mut dyn Sql, holder: i64, now_ms: i64) -> Result<(), StoreFault> {
    sql.execute(
        "INSERT INTO holders (id, name, state, started_at) VALUES ($1, 'forgotten', 'fenced', $2)",
        values![holder, now_ms],
    )
    .map(drop)
}

/// What may still be leased of a wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pool {
    pub(super) unleased: i64,
    pub(super) drawn: i64,
    pub(super) wanted: i64,
    pub(super) late: i64,
}

/// Locks pools, in the order of their ids. There is none where there is no wallet.
pub(super) fn lock_pools(
    sql: &mut dyn Sql,
    ids: &BTreeSet<i64>,
) -> Result<BTreeMap<i64, Pool>, StoreFault> {
    let ids: Vec<i64> = ids.iter().copied().collect();
    let mut pools = BTreeMap::new();
    for part in parts(&ids) {
        let text = format!(
            "SELECT wallet_id, unleased, drawn, wanted, late FROM wallet_pool \
             WHERE wallet_id IN ({}) ORDER BY wallet_id{}",
            places(1, part.len()),
            sql.for_update()
        );
        for row in sql.query(&text, &ints(part))? {
            let pool = Pool {
                unleased: row.int(1)?,
                drawn: row.int(2)?,
                wanted: row.int(3)?,
                late: row.int(4)?,
            };
            pools.insert(row.int(0)?, pool);
        }
    }
    Ok(pools)
}

/// Writes pools back.
pub(super) fn store_pools(
    sql: &mut dyn Sql,
    pools: &BTreeMap<i64, Pool>,
) -> Result<(), StoreFault> {
    let rows: Vec<[i64; 5]> = pools
        .iter()
        .map(|(id, pool)| [*id, pool.unleased, pool.drawn, pool.wanted, pool.late])
        .collect();
    for part in parts(&rows) {
        let text = format!(
            "UPDATE wallet_pool SET unleased = v.column2, drawn = v.column3, \
             wanted = v.column4, late = v.column5 \
             FROM (VALUES {}) AS v WHERE wallet_pool.wallet_id = v.column1",
            tuples(part.len(), 5)
        );
        sql.execute(&text, &ints(part.as_flattened()))?;
    }
    Ok(())
}

/// A wallet: whose, its rules, and what is posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wallet {
    pub(super) id: i64,
    pub(super) org: i64,
    pub(super) owner: OwnerType,
    pub(super) owner_id: i64,
    pub(super) balance: i64,
    pub(super) overage: i64,
    pub(super) spent: i64,
    pub(super) overdraft: i64,
    pub(super) hard_limit: Option<i64>,
    pub(super) status: WalletStatus,
    pub(super) period: String,
    pub(super) allowance: Option<i64>,
    pub(super) period_start: i64,
}

impl Wallet {
    const COLUMNS: &str = "SELECT id, org_id, owner_type, owner_id, balance, overage, spent, \
         overdraft, hard_limit, status, period, allowance, period_start FROM wallets";

    fn read(row: &Row) -> Result<Self, StoreFault> {
        let id = row.int(0)?;
        let damaged = |column| StoreFault::Damaged {
            table: "wallets",
            id,
            column,
        };
        Ok(Self {
            id,
            org: row.int(1)?,
            owner: OwnerType::read(row.text(2)?).ok_or_else(|| damaged("owner_type"))?,
            owner_id: row.int(3)?,
            balance: row.int(4)?,
            overage: row.int(5)?,
            spent: row.int(6)?,
            overdraft: row.int(7)?,
            hard_limit: row.int_or_null(8)?,
            status: status(row.text(9)?).ok_or_else(|| damaged("status"))?,
            period: row.text(10)?.to_owned(),
            allowance: row.int_or_null(11)?,
            period_start: row.int(12)?,
        })
    }

    /// Its owner, if that is of this kind: transactions name users, teams and keys.
    pub(super) fn owner_if(&self, kinds: &[OwnerType]) -> Option<i64> {
        kinds.contains(&self.owner).then_some(self.owner_id)
    }
}

/// Reads the word of a status.
pub(super) fn status(word: &str) -> Option<WalletStatus> {
    match word {
        "active" => Some(WalletStatus::Active),
        "frozen" => Some(WalletStatus::Frozen),
        "closed" => Some(WalletStatus::Closed),
        _ => None,
    }
}

/// Reads wallets as they are now, without waiting for anybody.
pub(super) fn read_wallets(
    sql: &mut dyn Sql,
    ids: &BTreeSet<i64>,
) -> Result<BTreeMap<i64, Wallet>, StoreFault> {
    select_wallets(sql, ids, "")
}

/// Locks wallets, in the order of their ids.
pub(super) fn lock_wallets(
    sql: &mut dyn Sql,
    ids: &BTreeSet<i64>,
) -> Result<BTreeMap<i64, Wallet>, StoreFault> {
    let lock = lock(sql, " FOR NO KEY UPDATE");
    select_wallets(sql, ids, lock)
}

fn select_wallets(
    sql: &mut dyn Sql,
    ids: &BTreeSet<i64>,
    lock: &str,
) -> Result<BTreeMap<i64, Wallet>, StoreFault> {
    let ids: Vec<i64> = ids.iter().copied().collect();
    let mut wallets = BTreeMap::new();
    for part in parts(&ids) {
        let text = format!(
            "{} WHERE id IN ({}) ORDER BY id{lock}",
            Wallet::COLUMNS,
            places(1, part.len())
        );
        for row in sql.query(&text, &ints(part))? {
            let wallet = Wallet::read(&row)?;
            wallets.insert(wallet.id, wallet);
        }
    }
    Ok(wallets)
}

/// Writes balances and usage back. Overage only where it moved: that changes the rules.
pub(super) fn store_wallets<'a>(
    sql: &mut dyn Sql,
    wallets: impl Iterator<Item = &'a Wallet>,
) -> Result<(), StoreFault> {
    let rows: Vec<[i64; 3]> = wallets
        .map(|wallet| [wallet.id, wallet.balance, wallet.spent])
        .collect();
    for part in parts(&rows) {
        let text = format!(
            "UPDATE wallets SET balance = v.column2, spent = v.column3 \
             FROM (VALUES {}) AS v WHERE wallets.id = v.column1",
            tuples(part.len(), 3)
        );
        sql.execute(&text, &ints(part.as_flattened()))?;
    }
    Ok(())
}

/// Writes the overage of one wallet.
pub(super) fn store_overage(sql: &mut dyn Sql, wallet: &Wallet) -> Result<(), StoreFault> {
    sql.execute(
        "UPDATE wallets SET overage = $2 WHERE id = $1",
        values![wallet.id, wallet.overage],
    )
    .map(drop)
}

/// The wallet of the house in a tenant, made when missing; `None` without that tenant.
pub(super) fn open_house(
    sql: &mut dyn Sql,
    org: i64,
    now_ms: i64,
) -> Result<Option<i64>, StoreFault> {
    const FIND: &str =
        "SELECT id FROM wallets WHERE owner_type = 'house' AND owner_id = 0 AND org_id = $1";
    if let Some(row) = sql.first(FIND, values![org])? {
        return row.int(0).map(Some);
    }
    let text = "SELECT id FROM organisations WHERE id = $1";
    if sql.first(text, values![org])?.is_none() {
        return Ok(None);
    }
    sql.execute(
        "INSERT INTO wallets (org_id, owner_type, owner_id, created_at) \
         VALUES ($1, 'house', 0, $2) ON CONFLICT (owner_type, owner_id, org_id) DO NOTHING",
        values![org, now_ms],
    )?;
    let id = sql.one(FIND, values![org])?.int(0)?;
    sql.execute(
        "INSERT INTO wallet_pool (wallet_id) VALUES ($1) ON CONFLICT (wallet_id) DO NOTHING",
        values![id],
    )?;
    Ok(Some(id))
}

/// Parameters of integers.
pub(super) fn ints(numbers: &[i64]) -> Vec<Value> {
    numbers.iter().copied().map(Value::Int).collect()
}

/// The columns of `transactions`, in the order of [`transaction`].
pub(super) const TRANSACTION: [Column; 30] = [
    Column::Bytes("request_id"),
    Column::Int("attempt"),
    Column::Text("type"),
    Column::Int("leg"),
    Column::Bytes("id"),
    Column::Int("org_id"),
    Column::Int("team_id"),
    Column::Int("user_id"),
    Column::Int("key_id"),
    Column::Int("wallet_id"),
    Column::Int("amount"),
    Column::Int("balance_after"),
    Column::Text("model"),
    Column::Text("provider"),
    Column::Int("prompt_tokens"),
    Column::Int("completion_tokens"),
    Column::Int("cached_tokens"),
    Column::Int("cache_write_tokens"),
    Column::Int("reasoning_tokens"),
    Column::Int("cost"),
    Column::Int("estimated"),
    Column::Text("usage_source"),
    Column::Int("price_version"),
    Column::Int("holder_id"),
    Column::Int("settlement"),
    Column::Int("position"),
    Column::Bytes("hash"),
    Column::Bytes("reverses"),
    Column::Text("note"),
    Column::Int("created_at"),
];

/// A row of `transactions`.
pub(super) fn transaction(leaf: &TransactionLeaf<'_>, hash: Hash) -> Vec<Value> {
    vec![
        leaf.request_id.into(),
        i64::from(leaf.attempt).into(),
        leaf.kind.into(),
        i64::from(leaf.leg).into(),
        leaf.id.into(),
        leaf.org.into(),
        leaf.team.into(),
        leaf.user.into(),
        leaf.key.into(),
        leaf.wallet.into(),
        leaf.amount.into(),
        leaf.balance_after.into(),
        leaf.model.into(),
        leaf.provider.into(),
        leaf.prompt_tokens.into(),
        leaf.completion_tokens.into(),
        leaf.cached_tokens.into(),
        leaf.cache_write_tokens.into(),
        leaf.reasoning_tokens.into(),
        leaf.cost.into(),
        leaf.estimated.into(),
        leaf.usage_source.into(),
        leaf.price_version.into(),
        leaf.holder.into(),
        leaf.settlement.into(),
        leaf.position.into(),
        hash.into(),
        leaf.reverses.into(),
        leaf.note.into(),
        leaf.created_at.into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_any_length_is_cut_into_powers_of_two() {
        for length in [0, 1, 2, 3, 13, 255, 256, 257, 1_000] {
            let items: Vec<usize> = (0..length).collect();
            let parts = parts(&items);
            assert_eq!(parts.concat(), items);
            assert!(parts.iter().all(|part| part.len().is_power_of_two()));
            assert!(parts.iter().all(|part| part.len() <= LONGEST));
        }
    }

    #[test]
    fn parameters_are_numbered_from_one() {
        assert_eq!(places(1, 3), "$1, $2, $3");
        assert_eq!(
            tuples(2, 2),
            "(CAST($1 AS BIGINT), CAST($2 AS BIGINT)), (CAST($3 AS BIGINT), CAST($4 AS BIGINT))"
        );
    }
}
