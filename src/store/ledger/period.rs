//! Why: a quota is for a day, a week or a month. When that begins the wallet begins anew: once,
//! however many processes look at the clock, and whatever the clock does.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::super::StoreFault;
use super::super::sql::Sql;
use super::absence;
use super::books::{Books, Entry};
use super::posting::Kind;
use super::{OwnerType, WalletId, lease, rows, settle};

/// Wallets that begin anew in one transaction.
const TOGETHER: usize = 64;

/// When the period began in which this moment lies, in UTC: at midnight, of a Monday or of the
/// first of a month. `None` for `none`, and for times that no calendar has.
pub(in crate::store) fn start_of(period: &str, now_ms: i64) -> Option<i64> {
    let date = Timestamp::from_millisecond(now_ms).ok()?;
    let date = date.to_zoned_datetime(TimeZone::UTC).date();
    let start: Date = match period {
        "day" => date,
        "week" => {
            let past = date.weekday().to_monday_zero_offset();
            date.checked_sub(i64::from(past).days()).ok()?
        }
        "month" => date.first_of_month(),
        _ => return None,
    };
    let start = start.to_zoned_datetime(TimeZone::UTC).ok()?;
    Some(start.timestamp().as_millisecond())
}

/// Wallets whose period has begun, of one tenant at a time and not too many.
pub(super) fn due(sql: &mut dyn Sql, now_ms: i64) -> Result<Vec<(i64, BTreeSet<i64>)>, StoreFault> {
    let start = |period| start_of(period, now_ms).unwrap_or(i64::MIN);
    let starts = [start("day"), start("week"), start("month")];
    let found = sql.query(
        "SELECT org_id, id FROM wallets WHERE (period = 'day' AND period_start < $1) \
         OR (period = 'week' AND period_start < $2) \
         OR (period = 'month' AND period_start < $3) ORDER BY org_id, id",
        &rows::ints(&starts),
    )?;
    let mut due: Vec<(i64, BTreeSet<i64>)> = Vec::new();
    for row in &found {
        let (org, id) = (row.int(0)?, row.int(1)?);
        match due.last_mut() {
            Some((last, ids)) if *last == org && ids.len() < TOGETHER => {
                ids.insert(id);
            }
            _ => due.push((org, BTreeSet::from([id]))),
        }
    }
    Ok(due)
}

/// Begins the period of wallets of one tenant, where it has begun. Answers whether any has.
pub(super) fn begin(
    sql: &mut dyn Sql,
    org: i64,
    ids: &BTreeSet<i64>,
    now_ms: i64,
) -> Result<bool, StoreFault> {
    let others = absence::counterparts(sql, ids)?;
    let all: Vec<i64> = ids.union(&others).copied().collect();
    let mut books = Books::open(sql, org, &all, now_ms)?;
    let mut starts = Vec::new();
    for id in ids {
        let wallet = books.wallet(*id)?;
        // Looked at under the lock: another process may have done it. A clock that went back
        // finds a period that has begun.
        let start = start_of(&wallet.period, now_ms);
        if let Some(start) = start.filter(|start| *start > wallet.period_start) {
            anew(sql, &mut books, *id)?;
            starts.push([*id, start]);
        }
    }
    store(sql, books, &starts)
}

/// Begins the period of a wallet now: it gets its allowance at once, as a new wallet does. Call
/// it last in a transaction, it locks the wallet and those it has loans with.
pub(in crate::store) fn refill(
    sql: &mut dyn Sql,
    wallet: WalletId,
    now_ms: i64,
) -> Result<(), StoreFault> {
    let id = wallet.0;
    let others = absence::counterparts(sql, &BTreeSet::from([id]))?;
    let found = rows::read_wallets(sql, &BTreeSet::from([id]))?;
    let found = found.get(&id).ok_or(StoreFault::NotFound("wallet"))?;
    let all: Vec<i64> = others.into_iter().chain([id]).collect();
    let mut books = Books::open(sql, found.org, &all, now_ms)?;
    anew(sql, &mut books, id)?;
    let begun = books.wallet(id)?.period_start;
    let start = start_of(&found.period, now_ms).unwrap_or(begun);
    store(sql, books, &[[id, start.max(begun)]]).map(drop)
}

/// Ends the loans of a wallet, then sets it to its allowance; what is leased stays leased and
/// counts for the new period.
fn anew(sql: &mut dyn Sql, books: &mut Books<'_>, id: i64) -> Result<(), StoreFault> {
    let carried = absence::void(sql, books, id)?;
    let wallet = books.wallet(id)?;
    let (balance, overdraft) = (wallet.balance, wallet.overdraft);
    let change = wallet.allowance.unwrap_or(balance).checked_sub(balance);
    let change = change.ok_or(StoreFault::OutOfRange)?;
    wallet.spent = 0;
    // Written even if nothing moves: usage of the period is what was posted after it.
    let entry = Entry::new(Kind::Reset, books.now_ms(), None);
    let house = books.house();
    books.post(entry, id, change)?;
    books.post(entry.leg(1), house, change.saturating_neg())?;
    let held = lease::held(sql, id)?;
    let pool = books.pool(id)?;
    pool.drawn = held;
    pool.late = pool
        .unleased
        .saturating_add(overdraft)
        .min(0)
        .saturating_neg();
    absence::renew(sql, books, id, &carried)
}

fn store(sql: &mut dyn Sql, mut books: Books<'_>, starts: &[[i64; 2]]) -> Result<bool, StoreFault> {
    let mut pools = Vec::new();
    for [id, _] in starts {
        let wallet = books.wallet(*id)?;
        pools.extend(wallet.owner_if(&[OwnerType::Team]).map(|team| [team, 0]));
    }
    books.seal(sql)?;
    settle::store_used_pools(sql, &pools)?;
    for part in rows::parts(starts) {
        let text = format!(
            "UPDATE wallets SET period_start = v.column2 \
             FROM (VALUES {}) AS v WHERE wallets.id = v.column1",
            rows::tuples(part.len(), 2)
        );
        sql.execute(&text, &rows::ints(part.as_flattened()))?;
    }
    Ok(!starts.is_empty())
}

/// The month in which a moment lies, and those after it: name and first millisecond of each, and
/// the end of the last.
pub(super) fn months(now_ms: i64, count: usize) -> Option<Vec<(String, i64)>> {
    let first = Timestamp::from_millisecond(now_ms).ok()?;
    let mut month = first
        .to_zoned_datetime(TimeZone::UTC)
        .date()
        .first_of_month();
    let mut months = Vec::new();
    for _ in 0..=count {
        let start = month.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp();
        let name = format!("{:04}_{:02}", month.year(), month.month());
        months.push((name, start.as_millisecond()));
        month = month.checked_add(1.month()).ok()?;
    }
    Some(months)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn a_period_begins_at_midnight_utc() {
        let cases = [
            ("day", "2028-02-29T23:59:59.999Z", "2028-02-29T00:00:00Z"),
            ("day", "2028-03-01T00:00:00Z", "2028-03-01T00:00:00Z"),
            // Summer time begins in many places, and in UTC nowhere.
            ("day", "2026-03-29T01:30:00Z", "2026-03-29T00:00:00Z"),
            ("week", "2026-11-29T23:59:59.999Z", "2026-11-23T00:00:00Z"),
            ("week", "2026-11-30T00:00:00Z", "2026-11-30T00:00:00Z"),
            ("week", "2027-01-01T12:00:00Z", "2026-12-28T00:00:00Z"),
            ("month", "2028-02-29T23:59:59.999Z", "2028-02-01T00:00:00Z"),
            ("month", "2026-12-31T23:59:59.999Z", "2026-12-01T00:00:00Z"),
            ("month", "1969-12-31T23:59:59Z", "1969-12-01T00:00:00Z"),
        ];
        for (period, now, start) in cases {
            assert_eq!(start_of(period, ms(now)), Some(ms(start)), "{period} {now}");
        }
    }

    #[test]
    fn no_period_and_no_calendar_have_no_start() {
        assert_eq!(start_of("none", 0), None);
        assert_eq!(start_of("day", i64::MAX), None);
        assert_eq!(start_of("month", i64::MIN), None);
    }

    #[test]
    fn months_follow_each_other_over_the_new_year() {
        let months = months(ms("2026-12-31T23:59:59.999Z"), 2).unwrap();
        let names: Vec<&str> = months.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["2026_12", "2027_01", "2027_02"]);
        assert_eq!(months[1].1, ms("2027-01-01T00:00:00Z"));
    }
}
