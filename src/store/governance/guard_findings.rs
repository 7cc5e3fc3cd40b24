//! Why: a policy is tuned by what its guards find. Findings are counted day by day, never kept one
//! by one, and never with a value.

use super::super::StoreFault;
use super::super::sql::{Row, Sql, values};
use super::select::{Bounds, Select};
use super::{FindingCount, FindingFilter, FindingRow, FindingsBy, Scope, check, read};

const BOUNDS: Bounds = Bounds {
    org: "f.org_id = ?",
    team: Some("f.team_id = ?"),
    user: Some("f.user_id = ?"),
};
/// For how long findings are kept: 400 days.
const KEEP_MS: i64 = 400 * 86_400_000;

/// Adds to what was counted before. Rows go in one order, so that two processes never wait for
/// each other in a circle.
pub(super) fn add(sql: &mut dyn Sql, counts: &[FindingCount]) -> Result<(), StoreFault> {
    let mut counts: Vec<&FindingCount> = counts.iter().filter(|count| count.count > 0).collect();
    counts.sort_unstable_by_key(|f| {
        let who = (f.org_id, f.team_id, f.user_id, f.key_id);
        (f.day, who, f.direction, f.kind, f.rule, f.action, f.dry_run)
    });
    for f in counts {
        sql.execute(
            "INSERT INTO guard_findings (day, org_id, team_id, user_id, key_id, direction, kind, \
             rule, action, dry_run, count) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
             ON CONFLICT (day, org_id, team_id, user_id, key_id, direction, kind, rule, action, \
             dry_run) DO UPDATE SET count = guard_findings.count + excluded.count",
            values![
                f.day,
                f.org_id.unwrap_or(0),
                f.team_id.unwrap_or(0),
                f.user_id.unwrap_or(0),
                f.key_id.unwrap_or(0),
                f.direction,
                f.kind,
                f.rule,
                f.action,
                f.dry_run,
                i64::try_from(f.count).unwrap_or(i64::MAX),
            ],
        )?;
    }
    Ok(())
}

macro_rules! report {
    ($group:literal) => {
        concat!(
            "SELECT ",
            $group,
            ", CAST(sum(f.count) AS BIGINT), \
             CAST(sum(CASE WHEN f.dry_run = 0 AND f.action NOT IN ('allow', 'log') \
             THEN f.count ELSE 0 END) AS BIGINT), \
             CAST(sum(CASE WHEN f.dry_run = 0 AND f.action = 'block' \
             THEN f.count ELSE 0 END) AS BIGINT), \
             CAST(sum(CASE WHEN f.dry_run = 1 THEN f.count ELSE 0 END) AS BIGINT) \
             FROM guard_findings f"
        )
    };
}

/// What was found, summed up.
pub(super) fn report(
    sql: &mut dyn Sql,
    scope: &Scope,
    filter: &FindingFilter,
) -> Result<Vec<FindingRow>, StoreFault> {
    check::that(
        filter.from_ms < filter.until_ms,
        "the time range ends before it begins",
    )?;
    let head = match filter.by {
        FindingsBy::Rule => report!("f.rule"),
        FindingsBy::Kind => report!("f.kind"),
        FindingsBy::Action => report!("f.action"),
        FindingsBy::Direction => report!("f.direction"),
        FindingsBy::Team => report!("CAST(nullif(f.team_id, 0) AS TEXT)"),
        FindingsBy::User => report!("CAST(nullif(f.user_id, 0) AS TEXT)"),
        FindingsBy::Key => report!("CAST(nullif(f.key_id, 0) AS TEXT)"),
        FindingsBy::Day => report!("CAST(f.day AS TEXT)"),
    };
    let order = match filter.by {
        FindingsBy::Day => "GROUP BY 1 ORDER BY 1",
        _ => "GROUP BY 1 ORDER BY 2 DESC, 1",
    };
    Select::new(head)
        .within(scope, &BOUNDS)
        .and_if("f.team_id = ?", filter.team_id)
        .and_if("f.user_id = ?", filter.user_id)
        .and_if("f.key_id = ?", filter.key_id)
        .and_if("f.direction = ?", filter.direction.as_ref())
        .and_if("f.kind = ?", filter.kind.as_ref())
        .and_if("f.dry_run = ?", filter.dry_run)
        .and("f.day >= ?", &[filter.from_ms.into()])
        .and("f.day < ?", &[filter.until_ms.into()])
        .order(order)
        .read(sql, row)
}

fn row(row: &Row) -> Result<FindingRow, StoreFault> {
    Ok(FindingRow {
        group: read::text_or_null(row, 0)?,
        findings: row.int(1)?,
        acted: row.int(2)?,
        blocked: row.int(3)?,
        dry_run: row.int(4)?,
    })
}

/// Forgets what was found long ago.
pub(super) fn forget(sql: &mut dyn Sql, now_ms: i64) -> Result<u64, StoreFault> {
    sql.execute(
        "DELETE FROM guard_findings WHERE day < $1",
        values![now_ms.saturating_sub(KEEP_MS)],
    )
}
