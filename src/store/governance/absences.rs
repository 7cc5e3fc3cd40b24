//! Why: who is away lends the unused part of a quota to the team. Here absences are planned; the
//! ledger's housekeeping begins and ends them, and moves the money.

use super::super::StoreFault;
use super::super::ledger::absence;
use super::super::sql::{Row, Sql, values};
use super::change::{Act, Change, Cx};
use super::select::{Bounds, Select};
use super::{
    AbsenceChange, AbsenceFilter, AbsenceId, AbsenceRow, AbsenceState, NewAbsence, Page, Scope,
    check, read, users,
};

const ROWS: &str = "SELECT a.id, a.org_id, a.user_id, a.starts_at, a.ends_at, a.state, \
     coalesce((SELECT CAST(sum(l.amount) AS BIGINT) FROM loans l WHERE l.absence_id = a.id), 0), \
     coalesce((SELECT CAST(sum(l.reclaimed) AS BIGINT) FROM loans l WHERE l.absence_id = a.id), 0), \
     a.version, a.created_at FROM absences a JOIN users u ON u.id = a.user_id";
const BOUNDS: Bounds = Bounds {
    org: "a.org_id = ?",
    team: Some("u.team_id = ?"),
    user: Some("a.user_id = ?"),
};

pub(super) fn list(
    sql: &mut dyn Sql,
    scope: &Scope,
    filter: &AbsenceFilter,
    page: Page,
) -> Result<Vec<AbsenceRow>, StoreFault> {
    Select::new(ROWS)
        .within(scope, &BOUNDS)
        .and_if("a.id = ?", filter.id)
        .and_if("a.org_id = ?", filter.org_id)
        .and_if("u.team_id = ?", filter.team_id)
        .and_if("a.user_id = ?", filter.user_id)
        .and_if("a.state = ?", filter.state.map(AbsenceState::word))
        .page("a.id > ?", "ORDER BY a.id", page)
        .read(sql, row)
}

fn get(sql: &mut dyn Sql, scope: &Scope, id: i64) -> Result<AbsenceRow, StoreFault> {
    let filter = AbsenceFilter {
        id: Some(id),
        ..AbsenceFilter::default()
    };
    let found = list(sql, scope, &filter, Page::ONE)?.pop();
    found.ok_or(StoreFault::NotFound("absence"))
}

fn row(row: &Row) -> Result<AbsenceRow, StoreFault> {
    Ok(AbsenceRow {
        id: row.int(0)?,
        org_id: row.int(1)?,
        user_id: row.int(2)?,
        starts_at: row.int(3)?,
        ends_at: row.int(4)?,
        state: read::word(row, 5, AbsenceState::read)?,
        lent: read::nanos(row, 6)?,
        reclaimed: read::nanos(row, 7)?,
        version: row.int(8)?,
        created_at: row.int(9)?,
    })
}

pub(super) fn plan(sql: &mut dyn Sql, cx: &Cx<'_>, new: NewAbsence) -> Result<Change, StoreFault> {
    let user = users::get(sql, cx.scope, new.user_id)?;
    in_order(cx, new.starts_at, new.ends_at)?;
    let made = sql.one(
        "INSERT INTO absences (org_id, user_id, starts_at, ends_at, created_at) \
         VALUES ($1, $2, $3, $4, $5) RETURNING id",
        values![
            user.org_id,
            user.id,
            new.starts_at,
            new.ends_at,
            cx.by.now_ms
        ],
    )?;
    Ok(Change::created(get(sql, &Scope::House, made.int(0)?)?))
}

pub(super) fn change(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    change: AbsenceChange,
) -> Result<Change, StoreFault> {
    let before = get(sql, cx.scope, change.id)?;
    cx.is_fresh(before.version)?;
    if before.state == AbsenceState::Ended {
        return Err(StoreFault::Conflict("the absence is over"));
    }
    let starts_at = change.starts_at.unwrap_or(before.starts_at);
    if before.state == AbsenceState::Active && starts_at != before.starts_at {
        return Err(StoreFault::Conflict("the absence has begun already"));
    }
    let ends_at = change.ends_at.unwrap_or(before.ends_at);
    in_order(cx, starts_at, ends_at)?;
    sql.execute(
        "UPDATE absences SET starts_at = $2, ends_at = $3, version = version + 1 WHERE id = $1",
        values![before.id, starts_at, ends_at],
    )?;
    let after = get(sql, &Scope::House, before.id)?;
    Ok(Change::changed(Act::UPDATE, &before, after))
}

/// What was lent comes home as the ledger sees fit; an absence that lies ahead is called off.
pub(super) fn end(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    AbsenceId(id): AbsenceId,
) -> Result<Change, StoreFault> {
    let before = get(sql, cx.scope, id)?;
    cx.is_fresh(before.version)?;
    let act = match before.state {
        AbsenceState::Planned => Act("call_off", "called_off"),
        AbsenceState::Active | AbsenceState::Ended => Act::END,
    };
    if !absence::end(sql, id, cx.by.now_ms)? {
        return Err(StoreFault::Conflict("the absence is over"));
    }
    let after = get(sql, &Scope::House, id)?;
    Ok(Change::changed(act, &before, after))
}

fn in_order(cx: &Cx<'_>, starts_at: i64, ends_at: i64) -> Result<(), StoreFault> {
    check::that(starts_at < ends_at, "an absence ends after it begins")?;
    check::that(cx.by.now_ms < ends_at, "the end of the absence is past")
}
