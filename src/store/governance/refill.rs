//! Why: a user's quota and a team's pool are numbers that people set, and wallets that the ledger
//! moves. Here a wallet follows its number.

use super::super::ledger::period;
use super::super::sql::{Sql, values};
use super::super::{OwnerType, StoreFault, WalletStatus};
use super::change::Cx;
use super::{MovedLine, Period, WalletTerms, money, wallets};
use crate::money::Nanos;

/// Sets what the wallet of this owner is refilled to, and moves its balance by the difference at
/// once. Without a wallet and with nothing to put in, there is nothing to do.
///
/// A cut takes back what no process has leased; what is leased may still be spent until the
/// period ends. Answers the lines that no settlement covers: the record of the act must.
pub(super) fn keep(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    owner: (OwnerType, i64, i64),
    amount: Nanos,
) -> Result<Vec<MovedLine>, StoreFault> {
    let (owner_type, owner_id, _) = owner;
    let Some(wallet) = wallets::of(sql, owner_type, owner_id)? else {
        if amount == Nanos::ZERO {
            return Ok(Vec::new());
        }
        let terms = WalletTerms {
            period: Period::Month,
            allowance: Some(amount),
            ..WalletTerms::default()
        };
        let id = wallets::insert(sql, cx, owner, &terms)?;
        money::start(sql, cx, id)?;
        return Ok(Vec::new());
    };
    if wallet.status == WalletStatus::Closed {
        return match amount == Nanos::ZERO {
            true => Ok(Vec::new()),
            false => Err(StoreFault::Conflict("a closed wallet stays closed")),
        };
    }
    let before = wallet.allowance.unwrap_or_default();
    let change = amount.checked_sub(before).ok_or(StoreFault::OutOfRange)?;
    // Before the wallet's rules: whoever moves money locks in one order.
    let lines = money::follow(sql, cx, &wallet, change)?;
    let (period, period_start) = match wallet.period {
        Period::None => (Period::Month, start_of(Period::Month, cx.by.now_ms)),
        period => (period, wallet.period_start),
    };
    sql.execute(
        "UPDATE wallets SET allowance = $2, period = $3, period_start = $4, \
         version = version + 1 WHERE id = $1",
        values![wallet.id, amount.get(), period.word(), period_start],
    )?;
    Ok(lines)
}

/// When the period began that holds this moment; 0 for none.
pub(super) fn start_of(period: Period, now_ms: i64) -> i64 {
    period::start_of(period.word(), now_ms).unwrap_or(0)
}
