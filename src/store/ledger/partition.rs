//! Why: a table of all transactions would become too large to keep fit. On PostgreSQL each month
//! has a partition of its own, by the time with which request ids begin. SQLite has one file.

use std::collections::BTreeSet;

use super::super::StoreFault;
use super::super::sql::{Sql, values};
use super::period;

/// This month and so many in all.
const MONTHS: usize = 3;

/// A partition to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Month {
    name: String,
    /// First bytes of the first request id in it, in hexadecimal.
    from: String,
    /// First bytes of the first request id after it.
    to: String,
}

/// The partitions that are missing of this month and those that come.
pub(super) fn missing(sql: &mut dyn Sql, now_ms: i64) -> Result<Vec<Month>, StoreFault> {
    if !sql.locks_rows() {
        return Ok(Vec::new());
    }
    let rows = sql.query(
        "SELECT CAST(c.relname AS TEXT) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid \
         WHERE i.inhparent = CAST('transactions' AS regclass)",
        &[],
    )?;
    let names: Result<BTreeSet<&str>, _> = rows.iter().map(|row| row.text(0)).collect();
    let names = names?;
    let mut months = wished(now_ms);
    months.retain(|month| !names.contains(month.name.as_str()));
    Ok(months)
}

fn wished(now_ms: i64) -> Vec<Month> {
    let starts = period::months(now_ms, MONTHS).unwrap_or_default();
    let months = starts.iter().zip(starts.iter().skip(1));
    let months = months.filter_map(|((name, from), (_, to))| {
        Some(Month {
            name: format!("transactions_{name}"),
            from: prefix(*from)?,
            to: prefix(*to)?,
        })
    });
    months.collect()
}

/// The 48 bits of time with which a UUIDv7 begins.
fn prefix(at_ms: i64) -> Option<String> {
    let at = u64::try_from(at_ms).ok().filter(|at| *at < 1 << 48)?;
    Some(format!("{at:012x}"))
}

/// Makes a partition, unless rows of its month are elsewhere already. Settlements wait meanwhile,
/// so it gives up soon if others are busy.
pub(super) fn make(sql: &mut dyn Sql, month: &Month) -> Result<bool, StoreFault> {
    let Month { name, from, to } = month;
    sql.execute("SET LOCAL lock_timeout = '1s'", &[])?;
    sql.execute("LOCK TABLE transactions IN ACCESS EXCLUSIVE MODE", &[])?;
    let text = format!(
        "SELECT CAST(1 AS BIGINT) FROM transactions \
         WHERE request_id >= '\\x{from}' AND request_id < '\\x{to}' LIMIT 1"
    );
    let is_late = sql.first(&text, &[])?.is_some();
    let text = "SELECT CAST(1 AS BIGINT) FROM pg_class WHERE CAST(relname AS TEXT) = $1";
    if is_late || sql.first(text, values![name])?.is_some() {
        return Ok(false);
    }
    let text = format!(
        "CREATE TABLE {name} PARTITION OF transactions \
         FOR VALUES FROM ('\\x{from}') TO ('\\x{to}')"
    );
    sql.execute(&text, &[]).map(|_| true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::{NoContext, Timestamp, Uuid};

    #[test]
    fn the_bounds_of_a_month_are_those_of_its_request_ids() {
        let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
        let months = wished(at("2026-12-31T23:59:59.999Z").as_millisecond());
        assert_eq!(months.len(), MONTHS);
        assert_eq!(months[0].name, "transactions_2026_12");
        assert_eq!(months[0].to, months[1].from);
        let id = |text: &str| {
            let at = at(text);
            let seconds = at.as_second().unsigned_abs();
            let time =
                Timestamp::from_unix(NoContext, seconds, at.subsec_nanosecond().unsigned_abs());
            Uuid::new_v7(time).simple().to_string()
        };
        let december = months[0].from.as_str()..months[0].to.as_str();
        assert!(december.contains(&id("2026-12-01T00:00:00Z").as_str()));
        assert!(december.contains(&id("2026-12-31T23:59:59.999Z").as_str()));
        assert!(!december.contains(&id("2027-01-01T00:00:00Z").as_str()));
        assert!(!december.contains(&id("2026-11-30T23:59:59.999Z").as_str()));
    }

    #[test]
    fn a_time_that_no_request_id_can_have_makes_no_partition() {
        assert!(wished(-1).is_empty() || wished(-1).len() < MONTHS);
        assert!(wished(i64::MAX).is_empty());
    }
}
