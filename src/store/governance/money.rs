//! Why: money moves by lines of the ledger only. Here people's acts become such lines, and the
//! audit log names them with their hashes.

use super::super::ledger::period;
use super::super::ledger::transfer::{self, Line, Reason};
use super::super::sql::{Sql, values};
use super::super::{StoreFault, WalletId};
use super::change::{Act, Change, Cx};
use super::{
    Adjustment, Entity, Forgiveness, MovedLine, Movement, Reconciliation, Scope, TransactionFilter,
    TransactionRow, Transfer, WalletRow, check, transactions, wallets,
};
use crate::audit::to_hex;
use crate::money::Nanos;
use serde_json::json;
use uuid::Uuid;

pub(super) fn credit(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    movement: &Movement,
) -> Result<Change, StoreFault> {
    let (wallet, reason) = ready(sql, cx, (movement.wallet_id, movement.note.as_deref()))?;
    let lines = transfer::credit(sql, WalletId(wallet.id), movement.amount, reason)?;
    moved(
        sql,
        Act("credit", "credited"),
        &[wallet.id],
        (&lines, reason),
    )
}

pub(super) fn debit(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    movement: &Movement,
) -> Result<Change, StoreFault> {
    let (wallet, reason) = ready(sql, cx, (movement.wallet_id, movement.note.as_deref()))?;
    let lines = transfer::debit(sql, WalletId(wallet.id), movement.amount, reason)?;
    moved(sql, Act("debit", "debited"), &[wallet.id], (&lines, reason))
}

pub(super) fn adjust(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    adjustment: &Adjustment,
) -> Result<Change, StoreFault> {
    let (wallet, reason) = ready(sql, cx, (adjustment.wallet_id, adjustment.note.as_deref()))?;
    let (id, amount) = (WalletId(wallet.id), adjustment.amount);
    let lines = match adjustment.reverses {
        Some(wrong) if line(sql, cx, wrong)?.wallet_id != Some(wallet.id) => {
            return Err(StoreFault::Refused(
                "that transaction did not move this wallet",
            ));
        }
        Some(wrong) => transfer::correct(sql, id, amount, wrong, reason)?,
        None => transfer::adjust(sql, id, amount, reason)?,
    };
    moved(
        sql,
        Act("adjust", "adjusted"),
        &[wallet.id],
        (&lines, reason),
    )
}

pub(super) fn forgive(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    forgiveness: &Forgiveness,
) -> Result<Change, StoreFault> {
    let (wallet, reason) = ready(
        sql,
        cx,
        (forgiveness.wallet_id, forgiveness.note.as_deref()),
    )?;
    let lines = transfer::forgive(sql, WalletId(wallet.id), forgiveness.amount, reason)?;
    let act = Act("forgive_overage", "overage_forgiven");
    moved(sql, act, &[wallet.id], (&lines, reason))
}

/// The version that counts is that of the wallet which pays.
pub(super) fn transfer(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    order: &Transfer,
) -> Result<Change, StoreFault> {
    let (from, reason) = ready(sql, cx, (order.from, order.note.as_deref()))?;
    let to = wallets::get(sql, cx.scope, order.to)?;
    if from.org_id != to.org_id {
        return Err(StoreFault::Conflict(
            "the wallets belong to different organisations",
        ));
    }
    let both = (WalletId(from.id), WalletId(to.id));
    let lines = transfer::transfer(sql, both, order.amount, reason)?;
    let act = Act("transfer", "transferred");
    moved(sql, act, &[from.id, to.id], (&lines, reason))
}

pub(super) fn reconcile(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    truth: &Reconciliation,
) -> Result<Change, StoreFault> {
    let reason = because(cx, truth.note.as_deref())?;
    let line = line(sql, cx, truth.transaction)?;
    let lines = transfer::reconcile(sql, line.id, truth.cost, reason)?;
    let lines: Vec<MovedLine> = lines.iter().map(shown).collect();
    Ok(Change {
        event_type: "transaction.reconciled".to_owned(),
        action: "reconcile",
        target: format!("transaction:{}", line.id),
        org_id: line.org_id,
        details: json!({ "cost": truth.cost, "note": reason.note, "lines": lines }),
        entity: Entity::Lines(lines),
    })
}

/// A line of the ledger that lies inside the scope.
fn line(sql: &mut dyn Sql, cx: &Cx<'_>, id: Uuid) -> Result<TransactionRow, StoreFault> {
    let filter = TransactionFilter {
        id: Some(id),
        ..TransactionFilter::default()
    };
    let found = transactions::list(sql, cx.scope, &filter, None, 1)?.pop();
    found.ok_or(StoreFault::NotFound("transaction"))
}

/// A new wallet gets its allowance, as at the beginning of a period.
pub(super) fn start(sql: &mut dyn Sql, cx: &Cx<'_>, wallet: i64) -> Result<(), StoreFault> {
    period::refill(sql, WalletId(wallet), cx.by.now_ms)
}

/// A number that a wallet follows was changed by so much. Of a cut, what is leased stays. Answers
/// the lines that were written, for the record of the act.
pub(super) fn follow(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    wallet: &WalletRow,
    change: Nanos,
) -> Result<Vec<MovedLine>, StoreFault> {
    let most = Nanos::new(wallet.unleased.get().max(0).saturating_neg());
    let change = change.max(most);
    if change == Nanos::ZERO {
        return Ok(Vec::new());
    }
    let reason = because(cx, None)?;
    let lines = transfer::adjust(sql, WalletId(wallet.id), change, reason)?;
    Ok(lines.iter().map(shown).collect())
}

/// A wallet that lies inside the scope, and why it is to be moved.
fn ready<'a>(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    (wallet, note): (i64, Option<&'a str>),
) -> Result<(WalletRow, Reason<'a>), StoreFault> {
    let reason = because(cx, note)?;
    let wallet = wallets::get(sql, cx.scope, wallet)?;
    cx.is_fresh(wallet.version)?;
    Ok((wallet, reason))
}

fn because<'a>(cx: &Cx<'_>, note: Option<&'a str>) -> Result<Reason<'a>, StoreFault> {
    check::note(note)?;
    Ok(Reason {
        note,
        now_ms: cx.by.now_ms,
    })
}

/// Tells what became of the wallets, the first of which the act is about.
fn moved(
    sql: &mut dyn Sql,
    act: Act,
    ids: &[i64],
    (lines, reason): (&[Line], Reason<'_>),
) -> Result<Change, StoreFault> {
    for id in ids {
        sql.execute(
            "UPDATE wallets SET version = version + 1 WHERE id = $1",
            values![*id],
        )?;
    }
    let first = ids.first().copied().unwrap_or_default();
    let wallet = wallets::get(sql, &Scope::House, first)?;
    let request_id = lines.first().ok_or(StoreFault::Missing)?.request_id;
    let lines: Vec<MovedLine> = lines.iter().map(shown).collect();
    let details = json!({ "note": reason.note, "lines": lines });
    let change = Change::on(act, wallet.clone(), details);
    Ok(Change {
        entity: Entity::Money {
            wallet,
            request_id,
            lines,
        },
        ..change
    })
}

fn shown(line: &Line) -> MovedLine {
    MovedLine {
        id: line.id,
        wallet_id: line.wallet.map(|wallet| wallet.0),
        amount: line.amount,
        balance_after: line.balance_after,
        hash: to_hex(&line.hash),
    }
}
