//! Why: who is away does not need all of their quota. A share of it is lent to their team while
//! they are, as a movement of money and no formula: what the team has spent is never clawed back,
//! the rest returns.

use std::collections::BTreeSet;

use super::super::StoreFault;
use super::super::sql::{Row, Sql, values};
use super::books::{Books, Entry};
use super::posting::Kind;
use super::{WalletStatus, lease, rows};

/// Money of an absent member in the pool of their team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Loan {
    id: i64,
    absence: i64,
    from: i64,
    to: i64,
    /// Lent and not yet returned.
    outstanding: i64,
    is_open: bool,
}

impl Loan {
    fn read(row: &Row) -> Result<Self, StoreFault> {
        Ok(Self {
            id: row.int(0)?,
            absence: row.int(1)?,
            from: row.int(2)?,
            to: row.int(3)?,
            outstanding: row.int(4)?,
            is_open: row.text(5)? == "open",
        })
    }
}

const LOANS: &str = "SELECT id, absence_id, from_wallet, to_wallet, amount - reclaimed, state \
     FROM loans WHERE state <> 'closed' AND";

/// What is unspent of one of the loans of a pool, oldest first. A pool spends its own money
/// first, then loans in the order in which they were made.
fn unspent(loans: &[Loan], balance: i64, id: i64) -> i64 {
    let sum = |loans: &mut dyn Iterator<Item = &Loan>| {
        loans.fold(0_i64, |sum, loan| sum.saturating_add(loan.outstanding))
    };
    let left = sum(&mut loans.iter()).min(balance.max(0));
    let newer = sum(&mut loans.iter().filter(|loan| loan.id > id));
    let own = loans.iter().find(|loan| loan.id == id);
    let own = own.map_or(0, |loan| loan.outstanding);
    left.saturating_sub(newer).clamp(0, own)
}

/// What absences have to do now.
#[derive(Debug, Default)]
pub(super) struct Due {
    pub(super) ending: Vec<i64>,
    pub(super) pools: Vec<i64>,
    pub(super) beginning: Vec<i64>,
}

/// Absences that end or begin, and pools that still owe.
pub(super) fn due(sql: &mut dyn Sql, now_ms: i64) -> Result<Due, StoreFault> {
    let mut ids = |text: &str, params: &[super::super::sql::Value]| {
        let rows = sql.query(text, params)?;
        rows.iter().map(|row| row.int(0)).collect::<Result<_, _>>()
    };
    Ok(Due {
        ending: ids(
            "SELECT id FROM absences WHERE state = 'active' AND ends_at <= $1 ORDER BY id",
            values![now_ms],
        )?,
        pools: ids(
            "SELECT DISTINCT to_wallet FROM loans WHERE state = 'ending' ORDER BY to_wallet",
            &[],
        )?,
        beginning: ids(
            "SELECT id FROM absences WHERE state = 'planned' AND starts_at <= $1 ORDER BY id",
            values![now_ms],
        )?,
    })
}

/// Who lends to whom, and how much of what is unused.
#[derive(Clone, Copy, Debug)]
struct Lender {
    absence: i64,
    quota: i64,
    pool: i64,
    percent: i64,
}

const LENDERS: &str = "SELECT a.id, q.id, p.id, t.vacation_share_pct FROM absences a \
     JOIN users u ON u.id = a.user_id JOIN teams t ON t.id = u.team_id \
     JOIN wallets q ON q.owner_type = 'quota' AND q.owner_id = u.id AND q.org_id = a.org_id \
     JOIN wallets p ON p.owner_type = 'team' AND p.owner_id = t.id AND p.org_id = a.org_id WHERE";

fn lenders(sql: &mut dyn Sql, filter: &str, id: i64) -> Result<Vec<Lender>, StoreFault> {
    let text = format!("{LENDERS} {filter} ORDER BY a.id");
    let read = |row: &Row| {
        Ok(Lender {
            absence: row.int(0)?,
            quota: row.int(1)?,
            pool: row.int(2)?,
            percent: row.int(3)?,
        })
    };
    sql.query(&text, values![id])?.iter().map(read).collect()
}

/// Begins an absence that is due. Answers whether it was.
pub(super) fn begin(sql: &mut dyn Sql, absence: i64, now_ms: i64) -> Result<bool, StoreFault> {
    let text = "SELECT org_id, state, starts_at, ends_at FROM absences WHERE id = $1";
    let row = sql.one(text, values![absence])?;
    let org = row.int(0)?;
    if row.text(1)? != "planned" || row.int(2)? > now_ms {
        return Ok(false);
    }
    if row.int(3)? <= now_ms {
        mark(sql, absence, "ended")?;
        return Ok(true);
    }
    mark(sql, absence, "active")?;
    for lender in lenders(sql, "a.id = $1", absence)? {
        let mut books = Books::open(sql, org, &[lender.quota, lender.pool], now_ms)?;
        lend(sql, &mut books, lender, None)?;
        books.seal(sql)?;
    }
    Ok(true)
}

/// Ends an absence now, whatever was planned: what is unspent and not leased returns at once, the
/// rest as it comes back. Answers false if it had ended.
pub(in crate::store) fn end(
    sql: &mut dyn Sql,
    absence: i64,
    now_ms: i64,
) -> Result<bool, StoreFault> {
    let text = "SELECT org_id, state FROM absences WHERE id = $1";
    let row = sql.first(text, values![absence])?;
    let row = row.ok_or(StoreFault::NotFound("absence"))?;
    if row.text(1)? == "ended" {
        return Ok(false);
    }
    mark(sql, absence, "ended")?;
    let loans = loans(sql, "absence_id = $1", absence)?;
    if !loans.is_empty() {
        let ids: Vec<i64> = loans.iter().flat_map(|loan| [loan.from, loan.to]).collect();
        let mut books = Books::open(sql, row.int(0)?, &ids, now_ms)?;
        for loan in &loans {
            recall(sql, &mut books, loan, Rest::Owed)?;
        }
        books.seal(sql)?;
    }
    Ok(true)
}

fn mark(sql: &mut dyn Sql, absence: i64, state: &str) -> Result<(), StoreFault> {
    sql.execute(
        "UPDATE absences SET state = $2, version = version + 1 WHERE id = $1",
        values![absence, state],
    )
    .map(drop)
}

/// A pool that owes returns what has come back meanwhile. Answers whether anything moved.
pub(super) fn resume(sql: &mut dyn Sql, pool: i64, now_ms: i64) -> Result<bool, StoreFault> {
    let mut loans = loans(sql, "to_wallet = $1", pool)?;
    loans.retain(|loan| !loan.is_open);
    if loans.is_empty() {
        return Ok(false);
    }
    let row = sql.one("SELECT org_id FROM wallets WHERE id = $1", values![pool])?;
    let ids: Vec<i64> = loans.iter().flat_map(|loan| [loan.from, loan.to]).collect();
    let mut books = Books::open(sql, row.int(0)?, &ids, now_ms)?;
    let mut has_moved = false;
    for loan in &loans {
        let (part, is_done) = recall(sql, &mut books, loan, Rest::Owed)?;
        has_moved |= part > 0 || is_done;
    }
    books.seal(sql)?;
    Ok(has_moved)
}

fn loans(sql: &mut dyn Sql, filter: &str, id: i64) -> Result<Vec<Loan>, StoreFault> {
    let text = format!("{LOANS} {filter} ORDER BY id");
    sql.query(&text, values![id])?
        .iter()
        .map(Loan::read)
        .collect()
}

/// What becomes of the part of a loan that is leased and cannot return yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    /// It is owed.
    Owed,
    /// Nothing: its period is over.
    Void,
}

/// Returns what is unspent of a loan and not leased: how much that was, and whether the loan is
/// closed now.
fn recall(
    sql: &mut dyn Sql,
    books: &mut Books<'_>,
    loan: &Loan,
    rest: Rest,
) -> Result<(i64, bool), StoreFault> {
    let all = loans(sql, "to_wallet = $1", loan.to)?;
    let due = unspent(&all, books.wallet(loan.to)?.balance, loan.id);
    let part = due.min(books.pool(loan.to)?.unleased).max(0);
    if part > 0 {
        let entry = Entry::new(Kind::Reclaim, books.now_ms(), None);
        books.post(entry, loan.to, -part)?;
        books.post(entry.leg(1), loan.from, part)?;
    }
    let is_closed = part == due || rest == Rest::Void;
    let state = if is_closed { "closed" } else { "ending" };
    sql.execute(
        "UPDATE loans SET reclaimed = reclaimed + $2, state = $3 WHERE id = $1",
        values![loan.id, part, state],
    )?;
    if !is_closed {
        let pool = books.pool(loan.to)?;
        pool.wanted = pool.wanted.wrapping_add(1);
        sql.notify(lease::WANTED)?;
    }
    Ok((part, is_closed))
}

/// Lends: the share of what is unused, or an amount that was lent before.
fn lend(
    sql: &mut dyn Sql,
    books: &mut Books<'_>,
    lender: Lender,
    again: Option<i64>,
) -> Result<(), StoreFault> {
    let quota = books.wallet(lender.quota)?;
    let (is_active, balance) = (quota.status == WalletStatus::Active, quota.balance);
    let is_active = is_active && books.wallet(lender.pool)?.status == WalletStatus::Active;
    let unused = books.pool(lender.quota)?.unleased.min(balance).max(0);
    let share = i128::from(unused) * i128::from(lender.percent) / 100;
    let share = i64::try_from(share).map_err(|_| StoreFault::OutOfRange)?;
    let amount = again.map_or(share, |again| again.min(unused));
    if amount <= 0 || !is_active {
        return Ok(());
    }
    let entry = Entry::new(Kind::Lend, books.now_ms(), None);
    books.post(entry, lender.quota, -amount)?;
    books.post(entry.leg(1), lender.pool, amount)?;
    sql.execute(
        "INSERT INTO loans (absence_id, from_wallet, to_wallet, amount, created_at) \
         VALUES ($1, $2, $3, $4, $5)",
        values![
            lender.absence,
            lender.quota,
            lender.pool,
            amount,
            books.now_ms()
        ],
    )
    .map(drop)
}

/// Wallets that these have loans with, or may have when they begin anew.
pub(super) fn counterparts(
    sql: &mut dyn Sql,
    ids: &BTreeSet<i64>,
) -> Result<BTreeSet<i64>, StoreFault> {
    let ids: Vec<i64> = ids.iter().copied().collect();
    let mut others = BTreeSet::new();
    for part in rows::parts(&ids) {
        let places = rows::places(1, part.len());
        let text = format!(
            "SELECT from_wallet, to_wallet FROM loans \
             WHERE state <> 'closed' AND (from_wallet IN ({places}) OR to_wallet IN ({places}))"
        );
        for row in sql.query(&text, &rows::ints(part))? {
            others.extend([row.int(0)?, row.int(1)?]);
        }
        let text = format!("{LENDERS} a.state = 'active' AND q.id IN ({places})");
        for row in sql.query(&text, &rows::ints(part))? {
            others.extend([row.int(1)?, row.int(2)?]);
        }
    }
    Ok(others)
}

/// Ends the loans of a wallet that begins anew, given or taken. Answers those that its team still
/// has a claim to: loans to this pool by members who are still away, as far as they came back.
pub(super) fn void(
    sql: &mut dyn Sql,
    books: &mut Books<'_>,
    wallet: i64,
) -> Result<Vec<(Loan, i64)>, StoreFault> {
    let mut carried = Vec::new();
    for loan in loans(sql, "(from_wallet = $1 OR to_wallet = $1)", wallet)? {
        let (part, _) = recall(sql, books, &loan, Rest::Void)?;
        if loan.to == wallet && loan.is_open && part > 0 {
            carried.push((loan, part));
        }
    }
    Ok(carried)
}

/// After a wallet has begun anew: a quota lends its share again while its owner is away, and a
/// pool keeps what it had been lent, but no more: the share is of one period of the quota.
pub(super) fn renew(
    sql: &mut dyn Sql,
    books: &mut Books<'_>,
    wallet: i64,
    carried: &[(Loan, i64)],
) -> Result<(), StoreFault> {
    for (loan, part) in carried {
        let lender = Lender {
            absence: loan.absence,
            quota: loan.from,
            pool: loan.to,
            percent: 0,
        };
        lend(sql, books, lender, Some(*part))?;
    }
    for lender in lenders(sql, "a.state = 'active' AND q.id = $1", wallet)? {
        lend(sql, books, lender, None)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loan(id: i64, outstanding: i64) -> Loan {
        Loan {
            id,
            absence: id,
            from: id,
            to: 100,
            outstanding,
            is_open: true,
        }
    }

    #[test]
    fn a_pool_spends_its_own_money_then_the_oldest_loan() {
        let loans = [loan(1, 50), loan(2, 30)];
        let left = |balance| (unspent(&loans, balance, 1), unspent(&loans, balance, 2));
        assert_eq!(left(1_000), (50, 30));
        assert_eq!(left(80), (50, 30));
        assert_eq!(left(79), (49, 30));
        assert_eq!(left(30), (0, 30));
        assert_eq!(left(10), (0, 10));
        assert_eq!(left(-5), (0, 0));
        assert_eq!(unspent(&loans, 1_000, 3), 0);
    }
}
