//! Why: people put money into wallets, take it out, move it and correct it. These functions run
//! inside the transaction of such a command; they write both sides of every movement. What is
//! leased cannot be taken away.

use uuid::Uuid;

use super::super::StoreFault;
use super::super::sql::{Row, Sql, values};
use super::books::{Books, Entry};
use super::posting::Kind;
use super::{OwnerType, WalletId, WalletStatus};
use crate::money::Nanos;

pub(in crate::store) use super::books::Line;
pub(in crate::store) use super::lease::call_in;

/// What a movement is for, and when.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Reason<'a> {
    /// A person's remark.
    pub(in crate::store) note: Option<&'a str>,
    /// Unix milliseconds.
    pub(in crate::store) now_ms: i64,
}

/// Brings money into a wallet, from the house.
pub(in crate::store) fn credit(
    sql: &mut dyn Sql,
    wallet: WalletId,
    amount: Nanos,
    reason: Reason<'_>,
) -> Result<Vec<Line>, StoreFault> {
    positive(amount)?;
    move_by(sql, Kind::Credit, wallet, amount.get(), reason)
}

/// Takes money out of a wallet, to the house.
pub(in crate::store) fn debit(
    sql: &mut dyn Sql,
    wallet: WalletId,
    amount: Nanos,
    reason: Reason<'_>,
) -> Result<Vec<Line>, StoreFault> {
    positive(amount)?;
    move_by(sql, Kind::Debit, wallet, -amount.get(), reason)
}

/// Corrects a wallet by an amount, either way.
pub(in crate::store) fn adjust(
    sql: &mut dyn Sql,
    wallet: WalletId,
    amount: Nanos,
    reason: Reason<'_>,
) -> Result<Vec<Line>, StoreFault> {
    if amount == Nanos::ZERO {
        return Err(StoreFault::Refused("the amount must not be 0"));
    }
    move_by(sql, Kind::Adjustment, wallet, amount.get(), reason)
}

/// Corrects a wallet by an amount, either way, and says which transaction was wrong.
pub(in crate::store) fn correct(
    sql: &mut dyn Sql,
    wallet: WalletId,
    amount: Nanos,
    wrong: Uuid,
    reason: Reason<'_>,
) -> Result<Vec<Line>, StoreFault> {
    if amount == Nanos::ZERO {
        return Err(StoreFault::Refused("the amount must not be 0"));
    }
    let entry = Entry {
        reverses: Some(wrong.into_bytes()),
        ..Entry::new(Kind::Adjustment, reason.now_ms, reason.note)
    };
    move_as(sql, entry, wallet, (amount.get(), reason.now_ms))
}

/// Moves money between two wallets of one tenant: both pay, or both are budgets of one kind.
pub(in crate::store) fn transfer(
    sql: &mut dyn Sql,
    (from, to): (WalletId, WalletId),
    amount: Nanos,
    reason: Reason<'_>,
) -> Result<Vec<Line>, StoreFault> {
    positive(amount)?;
    if from == to {
        return Err(StoreFault::Refused("both wallets are the same"));
    }
    let org = sql
        .first("SELECT org_id FROM wallets WHERE id = $1", values![from.0])?
        .ok_or(StoreFault::NotFound("wallet"))?
        .int(0)?;
    let mut books = Books::open(sql, org, &[from.0, to.0], reason.now_ms)?;
    let (source, target) = (books.wallet(from.0)?.owner, books.wallet(to.0)?.owner);
    let is_house = source == OwnerType::House || target == OwnerType::House;
    if is_house || !(source.pays() && target.pays() || source == target) {
        return Err(StoreFault::Refused(
            "money cannot become a budget, nor a budget money",
        ));
    }
    is_open(&mut books, to.0)?;
    is_there(&mut books, from.0, amount.get())?;
    let entry = Entry::new(Kind::Transfer, reason.now_ms, reason.note);
    books.post(entry, from.0, -amount.get())?;
    books.post(entry.leg(1), to.0, amount.get())?;
    books.close(sql)
}

/// Lets overage go, all of it if no amount is named. No balance moves.
pub(in crate::store) fn forgive(
    sql: &mut dyn Sql,
    wallet: WalletId,
    amount: Option<Nanos>,
    reason: Reason<'_>,
) -> Result<Vec<Line>, StoreFault> {
    let mut books = Books::of(sql, wallet, reason.now_ms)?;
    let overage = books.wallet(wallet.0)?.overage;
    let amount = amount.map_or(overage, Nanos::get);
    positive(Nanos::new(amount))?;
    if amount > overage {
        return Err(StoreFault::Refused("the wallet has not so much overage"));
    }
    let entry = Entry::new(Kind::Forgiven, reason.now_ms, reason.note);
    books.post_overage(entry, wallet.0, amount)?;
    books.close(sql)
}

/// Moves one wallet against the house.
fn move_by(
    sql: &mut dyn Sql,
    kind: Kind,
    wallet: WalletId,
    amount: i64,
    reason: Reason<'_>,
) -> Result<Vec<Line>, StoreFault> {
    let entry = Entry::new(kind, reason.now_ms, reason.note);
    move_as(sql, entry, wallet, (amount, reason.now_ms))
}

fn move_as(
    sql: &mut dyn Sql,
    entry: Entry<'_>,
    wallet: WalletId,
    (amount, now_ms): (i64, i64),
) -> Result<Vec<Line>, StoreFault> {
    let mut books = Books::of(sql, wallet, now_ms)?;
    let house = books.house();
    if wallet.0 == house {
        return Err(StoreFault::Refused(
            "the house's wallet only mirrors the others",
        ));
    }
    match amount > 0 {
        true => is_open(&mut books, wallet.0)?,
        false => is_there(&mut books, wallet.0, amount.saturating_neg())?,
    }
    books.post(entry, wallet.0, amount)?;
    books.post(entry.leg(1), house, amount.saturating_neg())?;
    books.close(sql)
}

fn positive(amount: Nanos) -> Result<(), StoreFault> {
    match amount > Nanos::ZERO {
        true => Ok(()),
        false => Err(StoreFault::Refused("the amount must be more than 0")),
    }
}

/// Money in a closed wallet would be lost.
fn is_open(books: &mut Books<'_>, wallet: i64) -> Result<(), StoreFault> {
    match books.wallet(wallet)?.status {
        WalletStatus::Closed => Err(StoreFault::Conflict("the wallet is closed")),
        WalletStatus::Active | WalletStatus::Frozen => Ok(()),
    }
}

/// The transaction is undone with this fault: whoever gets it calls the leases in afterwards, in
/// a transaction of its own.
fn is_there(books: &mut Books<'_>, wallet: i64, amount: i64) -> Result<(), StoreFault> {
    match books.there(wallet)? >= amount {
        true => Ok(()),
        false => Err(StoreFault::InsufficientUnleased { wallet }),
    }
}

/// The leg that adjusts what the house holds, beyond those of payers and caps.
const HOUSE_LEG: u8 = 15;
/// The legs that adjust caps begin here.
const CAP_LEG: u8 = 7;
/// What a wallet could not bear afterwards is no part of the attempt's own overage.
const LATE_OVERAGE_LEG: u8 = 1;

/// One row of an attempt.
#[derive(Clone, Debug)]
struct Posted {
    id: [u8; 16],
    kind: String,
    leg: u8,
    wallet: Option<i64>,
    amount: i64,
    cost: i64,
    is_estimated: bool,
    org: Option<i64>,
}

/// Replaces an estimate by what the provider says it cost: posts the difference, once. `id` is
/// that of any transaction of the attempt. What payers cannot bear any more becomes overage;
/// usage of the period stays what was posted.
pub(in crate::store) fn reconcile(
    sql: &mut dyn Sql,
    id: Uuid,
    truth: Nanos,
    reason: Reason<'_>,
) -> Result<Vec<Line>, StoreFault> {
    if truth < Nanos::ZERO {
        return Err(StoreFault::Refused("a cost is 0 or more"));
    }
    let (request_id, attempt) = attempt_of(sql, *id.as_bytes())?;
    // A unique key guards against a second time; this says it in words.
    let posted = rows_of(sql, request_id, attempt)?;
    if posted.iter().any(|row| row.kind == "adjustment") {
        return Err(StoreFault::Conflict(
            "the estimate has been reconciled already",
        ));
    }
    let Some(first) = posted
        .iter()
        .find(|row| row.kind == "usage" && row.leg == 0)
    else {
        return Err(StoreFault::Conflict(
            "only what a customer pays is reconciled",
        ));
    };
    if !first.is_estimated {
        return Err(StoreFault::Conflict("the transaction is no estimate"));
    }
    let (org, cost) = (first.org, first.cost);
    let ids: Vec<i64> = posted.iter().filter_map(|row| row.wallet).collect();
    let org = match ids.first() {
        Some(wallet) => sql
            .one("SELECT org_id FROM wallets WHERE id = $1", values![*wallet])?
            .int(0)?,
        None => org.ok_or(StoreFault::NotFound("organisation"))?,
    };
    let books = Books::open(sql, org, &ids, reason.now_ms)?;
    let entry = Entry {
        request_id,
        attempt,
        kind: Kind::Adjustment,
        leg: 0,
        reverses: Some(first.id),
        note: reason.note,
    };
    let mut correction = Correction {
        books,
        entry,
        posted,
        house: 0,
    };
    match truth.get() >= cost {
        true => correction.charge(truth.get().saturating_sub(cost))?,
        false => correction.refund(cost.saturating_sub(truth.get()))?,
    }
    correction.close(sql)
}

/// Finds the attempt of a transaction: its id begins like that of its request.
fn attempt_of(sql: &mut dyn Sql, id: [u8; 16]) -> Result<([u8; 16], u8), StoreFault> {
    let (mut low, mut high) = (id, id);
    for (bound, byte) in [(&mut low, 0), (&mut high, 0xff)] {
        let [.., one, two] = bound;
        (*one, *two) = (byte, byte);
    }
    let row = sql.first(
        "SELECT request_id, attempt FROM transactions \
         WHERE request_id BETWEEN $1 AND $2 AND id = $3",
        values![low, high, id],
    )?;
    let row = row.ok_or(StoreFault::NotFound("transaction"))?;
    let attempt = u8::try_from(row.int(1)?);
    let attempt = attempt.map_err(|_| StoreFault::Unreadable { column: 1 })?;
    Ok((row.bytes(0)?, attempt))
}

fn rows_of(
    sql: &mut dyn Sql,
    request_id: [u8; 16],
    attempt: u8,
) -> Result<Vec<Posted>, StoreFault> {
    let rows = sql.query(
        "SELECT id, type, leg, wallet_id, amount, cost, estimated, org_id FROM transactions \
         WHERE request_id = $1 AND attempt = $2 ORDER BY type, leg",
        values![request_id, i64::from(attempt)],
    )?;
    let read = |row: &Row| {
        Ok(Posted {
            id: row.bytes(0)?,
            kind: row.text(1)?.to_owned(),
            leg: u8::try_from(row.int(2)?).unwrap_or(HOUSE_LEG),
            wallet: row.int_or_null(3)?,
            amount: row.int(4)?,
            cost: row.int(5)?,
            is_estimated: row.flag(6)?,
            org: row.int_or_null(7)?,
        })
    };
    rows.iter().map(read).collect()
}

/// An attempt that is being corrected.
struct Correction<'a> {
    books: Books<'a>,
    entry: Entry<'a>,
    posted: Vec<Posted>,
    /// What the wallets have got from the house so far.
    house: i64,
}

impl Correction<'_> {
    fn of(&self, kind: &str) -> Vec<Posted> {
        let rows = self.posted.iter().filter(|row| row.kind == kind);
        rows.cloned().collect()
    }

    /// Gives back: first what no wallet could bear, then from the last payer to the first.
    fn refund(&mut self, amount: i64) -> Result<(), StoreFault> {
        let mut rest = amount;
        for row in self.of("overage").into_iter().filter(|row| row.leg == 0) {
            let Some(wallet) = row.wallet else { continue };
            let overage = self.books.wallet(wallet)?.overage;
            let spared = rest.min(row.amount.saturating_neg());
            // Some of it may have been forgiven meanwhile.
            let part = spared.min(overage);
            if part > 0 {
                let entry = Entry {
                    kind: Kind::Forgiven,
                    ..self.entry
                };
                self.books.post_overage(entry, wallet, part)?;
            }
            rest = rest.saturating_sub(spared);
        }
        for row in self.of("usage").into_iter().rev() {
            let part = rest.min(row.amount.saturating_neg());
            self.move_by(&row, row.leg, part)?;
            rest = rest.saturating_sub(part);
        }
        for row in self.of("cap") {
            let part = amount.min(row.amount.saturating_neg());
            self.move_by(&row, row.leg.saturating_add(CAP_LEG), part)?;
        }
        Ok(())
    }

    /// Charges what is there: payers in their order, the rest is overage of the first.
    fn charge(&mut self, amount: i64) -> Result<(), StoreFault> {
        let mut rest = amount;
        let payers = self.of("usage");
        for row in &payers {
            let there = match row.wallet {
                Some(wallet) => self.books.there(wallet)?.max(0),
                None => rest,
            };
            let part = rest.min(there);
            self.move_by(row, row.leg, -part)?;
            rest = rest.saturating_sub(part);
        }
        if let Some(wallet) = payers.first().and_then(|row| row.wallet)
            && rest > 0
        {
            let entry = Entry {
                kind: Kind::Overage,
                leg: LATE_OVERAGE_LEG,
                ..self.entry
            };
            self.books.post_overage(entry, wallet, -rest)?;
        }
        for row in self.of("cap") {
            let Some(wallet) = row.wallet else { continue };
            let part = amount.min(self.books.there(wallet)?.max(0));
            self.move_by(&row, row.leg.saturating_add(CAP_LEG), -part)?;
        }
        Ok(())
    }

    /// Corrects one row. The first one is written even if it moves nothing: it says that the
    /// estimate has been reconciled.
    fn move_by(&mut self, row: &Posted, leg: u8, amount: i64) -> Result<(), StoreFault> {
        if amount == 0 && leg != 0 {
            return Ok(());
        }
        let entry = Entry {
            reverses: Some(row.id),
            ..self.entry.leg(leg)
        };
        match row.wallet {
            Some(wallet) => {
                self.house = self.house.saturating_sub(amount);
                self.books.post(entry, wallet, amount)
            }
            None => self.books.note(entry, None, amount),
        }
    }

    fn close(mut self, sql: &mut dyn Sql) -> Result<Vec<Line>, StoreFault> {
        if self.house != 0 {
            let house = self.books.house();
            self.books
                .post(self.entry.leg(HOUSE_LEG), house, self.house)?;
        }
        self.books.close(sql)
    }
}
