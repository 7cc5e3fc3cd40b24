//! Why: a wallet's rules are people's to set; its balance is the ledger's to move. Changing rules
//! never moves money, except that a new wallet starts with its allowance.

use super::super::sql::{Row, Sql, values};
use super::super::{OwnerType, StoreFault, WalletStatus};
use super::change::{Act, Change, Cx};
use super::select::{Bounds, Select};
use super::{
    Mode, NewWallet, Page, Period, Scope, WalletChange, WalletFilter, WalletRow, WalletStanding,
    WalletTerms, api_keys, check, money, organisations, read, refill, teams, users,
};
use crate::money::Nanos;

const ROWS: &str = "SELECT w.id, w.org_id, w.owner_type, w.owner_id, w.balance, \
     coalesce(p.unleased, w.balance), w.spent, w.overage, w.overdraft, w.hard_limit, \
     w.soft_limit, w.mode, w.cap, w.period, w.allowance, w.period_start, w.status, w.version, \
     w.created_at FROM wallets w LEFT JOIN wallet_pool p ON p.wallet_id = w.id";
const BOUNDS: Bounds = Bounds {
    org: "w.org_id = ?",
    team: Some(
        "CASE w.owner_type WHEN 'team' THEN w.owner_id \
         WHEN 'key' THEN (SELECT coalesce(k.team_id, u.team_id) FROM api_keys k \
         JOIN users u ON u.id = k.user_id WHERE k.id = w.owner_id) \
         WHEN 'user' THEN (SELECT u.team_id FROM users u WHERE u.id = w.owner_id) \
         WHEN 'quota' THEN (SELECT u.team_id FROM users u WHERE u.id = w.owner_id) END = ?",
    ),
    user: Some(
        "CASE w.owner_type WHEN 'user' THEN w.owner_id WHEN 'quota' THEN w.owner_id \
         WHEN 'key' THEN (SELECT k.user_id FROM api_keys k WHERE k.id = w.owner_id) END = ?",
    ),
};

pub(super) fn list(
    sql: &mut dyn Sql,
    scope: &Scope,
    filter: &WalletFilter,
    page: Page,
) -> Result<Vec<WalletRow>, StoreFault> {
    Select::new(ROWS)
        .within(scope, &BOUNDS)
        .and_if("w.id = ?", filter.id)
        .and_if("w.org_id = ?", filter.org_id)
        .and_if("w.owner_type = ?", filter.owner_type.map(OwnerType::word))
        .and_if("w.owner_id = ?", filter.owner_id)
        .and_if("w.status = ?", filter.status.map(status_word))
        .page("w.id > ?", "ORDER BY w.id", page)
        .read(sql, row)
}

pub(super) fn get(sql: &mut dyn Sql, scope: &Scope, id: i64) -> Result<WalletRow, StoreFault> {
    let filter = WalletFilter {
        id: Some(id),
        ..WalletFilter::default()
    };
    let found = list(sql, scope, &filter, Page::ONE)?.pop();
    found.ok_or(StoreFault::NotFound("wallet"))
}

/// The wallet of an owner.
pub(super) fn of(
    sql: &mut dyn Sql,
    owner_type: OwnerType,
    owner_id: i64,
) -> Result<Option<WalletRow>, StoreFault> {
    let filter = WalletFilter {
        owner_type: Some(owner_type),
        owner_id: Some(owner_id),
        ..WalletFilter::default()
    };
    Ok(list(sql, &Scope::House, &filter, Page::ONE)?.pop())
}

fn row(row: &Row) -> Result<WalletRow, StoreFault> {
    let (balance, unleased) = (read::nanos(row, 4)?, read::nanos(row, 5)?);
    let leased = balance.checked_sub(unleased);
    Ok(WalletRow {
        id: row.int(0)?,
        org_id: row.int(1)?,
        owner_type: read::word(row, 2, OwnerType::read)?,
        owner_id: row.int(3)?,
        balance,
        unleased,
        leased: leased.ok_or(StoreFault::Unreadable { column: 5 })?,
        spent: read::nanos(row, 6)?,
        overage: read::nanos(row, 7)?,
        overdraft: read::nanos(row, 8)?,
        hard_limit: read::nanos_or_null(row, 9)?,
        soft_limit: read::nanos_or_null(row, 10)?,
        mode: read::word(row, 11, Mode::read)?,
        cap: read::nanos_or_null(row, 12)?,
        period: read::word(row, 13, Period::read)?,
        allowance: read::nanos_or_null(row, 14)?,
        period_start: row.int(15)?,
        status: read::word(row, 16, WalletStatus::read)?,
        version: row.int(17)?,
        created_at: row.int(18)?,
    })
}

fn status_word(status: WalletStatus) -> &'static str {
    match status {
        WalletStatus::Active => "active",
        WalletStatus::Frozen => "frozen",
        WalletStatus::Closed => "closed",
    }
}

pub(super) fn create(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    new: &NewWallet,
) -> Result<Change, StoreFault> {
    let (owner_type, owner_id) = (new.owner_type, new.owner_id);
    let org_id = match owner_type {
        OwnerType::User | OwnerType::Quota => users::get(sql, cx.scope, owner_id)?.org_id,
        OwnerType::Team => teams::get(sql, cx.scope, owner_id)?.org_id,
        OwnerType::Key => api_keys::get(sql, cx.scope, owner_id)?.org_id,
        OwnerType::Organisation => organisations::get(sql, cx.scope, owner_id)?.id,
        OwnerType::House => {
            return Err(StoreFault::Refused("the house's wallets make themselves"));
        }
    };
    agree(&new.rules)?;
    if follows(owner_type) && new.rules.allowance.is_some() {
        return Err(FOLLOWS);
    }
    if of(sql, owner_type, owner_id)?.is_some() {
        return Err(StoreFault::Conflict("the owner has such a wallet already"));
    }
    let id = insert(sql, cx, (owner_type, owner_id, org_id), &new.rules)?;
    if new.rules.allowance.is_some() {
        money::start(sql, cx, id)?;
    }
    Ok(Change::created(get(sql, &Scope::House, id)?))
}

/// Answers its row id. It is empty.
pub(super) fn insert(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    (owner_type, owner_id, org_id): (OwnerType, i64, i64),
    terms: &WalletTerms,
) -> Result<i64, StoreFault> {
    let made = sql.one(
        "INSERT INTO wallets (org_id, owner_type, owner_id, overdraft, hard_limit, soft_limit, \
         mode, cap, period, allowance, period_start, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id",
        values![
            org_id,
            owner_type.word(),
            owner_id,
            terms.overdraft.get(),
            terms.hard_limit.map(Nanos::get),
            terms.soft_limit.map(Nanos::get),
            terms.mode.word(),
            terms.cap.map(Nanos::get),
            terms.period.word(),
            terms.allowance.map(Nanos::get),
            refill::start_of(terms.period, cx.by.now_ms),
            cx.by.now_ms,
        ],
    )?;
    let id = made.int(0)?;
    sql.execute(
        "INSERT INTO wallet_pool (wallet_id) VALUES ($1)",
        values![id],
    )?;
    Ok(id)
}

pub(super) fn change(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    change: &WalletChange,
) -> Result<Change, StoreFault> {
    let before = governed(sql, cx, change.id)?;
    if follows(before.owner_type) && change.allowance.is_some() {
        return Err(FOLLOWS);
    }
    let terms = WalletTerms {
        overdraft: change.overdraft.unwrap_or(before.overdraft),
        hard_limit: change.hard_limit.unwrap_or(before.hard_limit),
        soft_limit: change.soft_limit.unwrap_or(before.soft_limit),
        mode: change.mode.unwrap_or(before.mode),
        cap: change.cap.unwrap_or(before.cap),
        period: change.period.unwrap_or(before.period),
        allowance: change.allowance.unwrap_or(before.allowance),
    };
    agree(&terms)?;
    // Leases are taken under this lock, so no one draws on the overdraft meanwhile.
    let statement = format!(
        "SELECT unleased FROM wallet_pool WHERE wallet_id = $1{}",
        sql.for_update()
    );
    let pool = sql.one(&statement, values![before.id])?;
    if read::nanos(&pool, 0)?.checked_add(terms.overdraft) < Some(Nanos::ZERO) {
        return Err(StoreFault::Conflict("the wallet is overdrawn by more"));
    }
    let period_start = match terms.period == before.period {
        true => before.period_start,
        false => refill::start_of(terms.period, cx.by.now_ms),
    };
    sql.execute(
        "UPDATE wallets SET overdraft = $2, hard_limit = $3, soft_limit = $4, mode = $5, \
         cap = $6, period = $7, allowance = $8, period_start = $9, version = version + 1 \
         WHERE id = $1",
        values![
            before.id,
            terms.overdraft.get(),
            terms.hard_limit.map(Nanos::get),
            terms.soft_limit.map(Nanos::get),
            terms.mode.word(),
            terms.cap.map(Nanos::get),
            terms.period.word(),
            terms.allowance.map(Nanos::get),
            period_start,
        ],
    )?;
    let after = get(sql, &Scope::House, before.id)?;
    Ok(Change::changed(Act::UPDATE, &before, after))
}

pub(super) fn set_status(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    standing: WalletStanding,
) -> Result<Change, StoreFault> {
    let before = governed(sql, cx, standing.id)?;
    let act = match standing.status {
        WalletStatus::Active => Act("open", "opened"),
        WalletStatus::Frozen => Act("freeze", "frozen"),
        WalletStatus::Closed => Act("close", "closed"),
    };
    sql.execute(
        "UPDATE wallets SET status = $2, version = version + 1 WHERE id = $1",
        values![before.id, status_word(standing.status)],
    )?;
    let after = get(sql, &Scope::House, before.id)?;
    Ok(Change::changed(act, &before, after))
}

/// A wallet that may be changed by people.
pub(super) fn governed(sql: &mut dyn Sql, cx: &Cx<'_>, id: i64) -> Result<WalletRow, StoreFault> {
    let wallet = get(sql, cx.scope, id)?;
    cx.is_fresh(wallet.version)?;
    if wallet.owner_type == OwnerType::House {
        return Err(StoreFault::Conflict("the house's wallets keep themselves"));
    }
    match wallet.status {
        WalletStatus::Closed => Err(StoreFault::Conflict("a closed wallet stays closed")),
        _ => Ok(wallet),
    }
}

const FOLLOWS: StoreFault = StoreFault::Refused(
    "this allowance follows the user's personal quota or the team's common pool",
);

/// Whether another row says what the balance is set to.
const fn follows(owner_type: OwnerType) -> bool {
    matches!(owner_type, OwnerType::Quota | OwnerType::Team)
}

/// Whether the rules agree with each other.
fn agree(terms: &WalletTerms) -> Result<(), StoreFault> {
    let sums = [
        Some(terms.overdraft),
        terms.hard_limit,
        terms.soft_limit,
        terms.allowance,
    ];
    for sum in sums.into_iter().flatten() {
        check::not_negative(sum, "a limit must not be negative")?;
    }
    check::that(
        terms.cap.is_some() == (terms.mode == Mode::Cap),
        "mode cap, and no other, needs a cap",
    )?;
    check::that(
        terms.cap.is_none_or(|cap| cap > Nanos::ZERO),
        "the cap must be more than 0",
    )?;
    check::that(
        terms.allowance.is_none() || terms.period != Period::None,
        "an allowance needs a period",
    )?;
    let warns_late = matches!((terms.soft_limit, terms.hard_limit), (Some(s), Some(h)) if s > h);
    check::that(!warns_late, "the soft limit is above the hard limit")
}
