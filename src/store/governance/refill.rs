//! Why: a user's quota and a team's pool are numbers that people set, and wallets that the ledger
//! moves. Here a wallet follows its number.

use super::super::sql::{Sql, values};
use super::super::{OwnerType, StoreFault, WalletStatus};
use super::change::Cx;
use super::{Period, WalletTerms, money, wallets};
use crate::money::Nanos;
use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

/// Sets what the wallet of this owner is refilled to, and moves its balance by the difference at
/// once. Without a wallet and with nothing to put in, there is nothing to do.
///
/// A cut takes back what no process has leased; what is leased may still be spent until the
/// period ends.
pub(super) fn keep(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    owner: (OwnerType, i64, i64),
    amount: Nanos,
) -> Result<(), StoreFault> {
    let (owner_type, owner_id, _) = owner;
    let Some(wallet) = wallets::of(sql, owner_type, owner_id)? else {
        if amount == Nanos::ZERO {
            return Ok(());
        }
        let terms = WalletTerms {
            period: Period::Month,
            allowance: Some(amount),
            ..WalletTerms::default()
        };
        let id = wallets::insert(sql, cx, owner, &terms)?;
        return money::start(sql, cx, id, amount);
    };
    if wallet.status == WalletStatus::Closed {
        return match amount == Nanos::ZERO {
            true => Ok(()),
            false => Err(StoreFault::Conflict("a closed wallet stays closed")),
        };
    }
    let (period, period_start) = match wallet.period {
        Period::None => (Period::Month, start_of(Period::Month, cx.by.now_ms)),
        period => (period, wallet.period_start),
    };
    sql.execute(
        "UPDATE wallets SET allowance = $2, period = $3, period_start = $4, \
         version = version + 1 WHERE id = $1",
        values![wallet.id, amount.get(), period.word(), period_start],
    )?;
    let before = wallet.allowance.unwrap_or_default();
    match amount.checked_sub(before) {
        Some(more) if more > Nanos::ZERO => money::start(sql, cx, wallet.id, more),
        Some(less) if less < Nanos::ZERO => money::take_back(sql, cx, wallet.id, less),
        _ => Ok(()),
    }
}

/// When the period began that holds this moment, in UTC; 0 for none.
pub(super) fn start_of(period: Period, now_ms: i64) -> i64 {
    let Ok(now) = jiff::Timestamp::from_millisecond(now_ms) else {
        return 0;
    };
    let day = now.to_zoned_datetime(TimeZone::UTC).date();
    let first = match period {
        Period::None => return 0,
        Period::Day => Some(day),
        Period::Week => monday(day),
        Period::Month => Some(day.first_of_month()),
    };
    let start = first.and_then(|day| day.to_zoned_datetime(TimeZone::UTC).ok());
    start.map_or(0, |start| start.timestamp().as_millisecond())
}

fn monday(day: Date) -> Option<Date> {
    let past = day.weekday().since(Weekday::Monday);
    day.checked_sub(i64::from(past).days()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> i64 {
        let moment: jiff::Timestamp = text.parse().unwrap();
        moment.as_millisecond()
    }

    #[test]
    fn periods_begin_at_midnight_utc_on_mondays_and_on_the_first() {
        let leap_day = ms("2028-02-29T23:59:59.999Z");
        let at = |period| start_of(period, leap_day);
        assert_eq!(at(Period::None), 0);
        assert_eq!(at(Period::Day), ms("2028-02-29T00:00:00Z"));
        assert_eq!(at(Period::Week), ms("2028-02-28T00:00:00Z"));
        assert_eq!(at(Period::Month), ms("2028-02-01T00:00:00Z"));
        let monday = ms("2024-01-01T00:00:00Z");
        for period in [Period::Day, Period::Week, Period::Month] {
            assert_eq!(start_of(period, monday), monday);
        }
    }

    #[test]
    fn no_moment_panics() {
        for moment in [i64::MIN, -1, 0, i64::MAX] {
            for period in [Period::None, Period::Day, Period::Week, Period::Month] {
                let _ = start_of(period, moment);
            }
        }
    }
}
