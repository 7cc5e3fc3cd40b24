//! Why: who used how much of what, summed up by the database. Each answered attempt counts once:
//! its first leg carries all tokens and the whole cost.

use super::super::StoreFault;
use super::super::sql::{Row, Sql};
use super::select::Select;
use super::transactions::BOUNDS;
use super::{GroupBy, Scope, UsageFilter, UsageRow, check, read};

macro_rules! report {
    ($group:literal) => {
        concat!(
            "SELECT ",
            $group,
            ", count(*), CAST(sum(t.prompt_tokens) AS BIGINT), \
             CAST(sum(t.completion_tokens) AS BIGINT), CAST(sum(t.cached_tokens) AS BIGINT), \
             CAST(sum(t.reasoning_tokens) AS BIGINT), CAST(sum(t.cost) AS BIGINT), \
             CAST(sum(t.estimated) AS BIGINT) FROM transactions t"
        )
    };
}

pub(super) fn report(
    sql: &mut dyn Sql,
    scope: &Scope,
    filter: &UsageFilter,
) -> Result<Vec<UsageRow>, StoreFault> {
    check::that(
        filter.from_ms < filter.until_ms,
        "the time range ends before it begins",
    )?;
    let head = match filter.by {
        GroupBy::User => report!("CAST(t.user_id AS TEXT)"),
        GroupBy::Team => report!("CAST(t.team_id AS TEXT)"),
        GroupBy::Key => report!("CAST(t.key_id AS TEXT)"),
        GroupBy::Model => report!("t.model"),
        GroupBy::Provider => report!("t.provider"),
        GroupBy::Day => report!("CAST(t.created_at / 86400000 * 86400000 AS TEXT)"),
    };
    let order = match filter.by {
        GroupBy::Day => "GROUP BY 1 ORDER BY 1",
        _ => "GROUP BY 1 ORDER BY 7 DESC, 1",
    };
    Select::new(head)
        .and("t.type = 'usage' AND t.leg = 0", &[])
        .within(scope, &BOUNDS)
        .and_if("t.org_id = ?", filter.org_id)
        .and_if("t.team_id = ?", filter.team_id)
        .and_if("t.user_id = ?", filter.user_id)
        .and_if("t.key_id = ?", filter.key_id)
        .and_if("t.model = ?", filter.model.as_ref())
        .and_if("t.provider = ?", filter.provider.as_ref())
        .and("t.created_at >= ?", &[filter.from_ms.into()])
        .and("t.created_at < ?", &[filter.until_ms.into()])
        .order(order)
        .read(sql, row)
}

fn row(row: &Row) -> Result<UsageRow, StoreFault> {
    Ok(UsageRow {
        group: read::text_or_null(row, 0)?,
        requests: row.int(1)?,
        prompt_tokens: row.int(2)?,
        completion_tokens: row.int(3)?,
        cached_tokens: row.int(4)?,
        reasoning_tokens: row.int(5)?,
        cost: read::nanos(row, 6)?,
        estimated: row.int(7)?,
    })
}
