//! Why: a team shares a pool of money and lends it what absent members do not use. Its pool's
//! wallet follows `common_pool`.

use super::super::sql::{Row, Sql, values};
use super::super::{OwnerType, StoreFault};
use super::change::{Act, Change, Cx};
use super::select::{Bounds, Select};
use super::{NewTeam, Page, Scope, TeamChange, TeamFilter, TeamId, TeamRow, check, read, refill};
use crate::money::Nanos;

const ROWS: &str = "SELECT t.id, t.org_id, t.name, t.common_pool, t.used_pool, \
     t.vacation_share_pct, t.funding_order, t.markup_ppm, \
     (SELECT count(*) FROM users u WHERE u.team_id = t.id), t.version, t.created_at \
     FROM teams t";
const BOUNDS: Bounds = Bounds {
    org: "t.org_id = ?",
    team: Some("t.id = ?"),
    user: None,
};

pub(super) fn list(
    sql: &mut dyn Sql,
    scope: &Scope,
    filter: &TeamFilter,
    page: Page,
) -> Result<Vec<TeamRow>, StoreFault> {
    Select::new(ROWS)
        .within(scope, &BOUNDS)
        .and_if("t.id = ?", filter.id)
        .and_if("t.org_id = ?", filter.org_id)
        .and_if("t.name = ?", filter.name.as_ref())
        .page("t.id > ?", "ORDER BY t.id", page)
        .read(sql, row)
}

pub(super) fn get(sql: &mut dyn Sql, scope: &Scope, id: i64) -> Result<TeamRow, StoreFault> {
    let filter = TeamFilter {
        id: Some(id),
        ..TeamFilter::default()
    };
    let found = list(sql, scope, &filter, Page::ONE)?.pop();
    found.ok_or(StoreFault::NotFound("team"))
}

fn row(row: &Row) -> Result<TeamRow, StoreFault> {
    Ok(TeamRow {
        id: row.int(0)?,
        org_id: row.int(1)?,
        name: read::text(row, 2)?,
        common_pool: read::nanos(row, 3)?,
        used_pool: read::nanos(row, 4)?,
        vacation_share_pct: read::small(row, 5)?,
        funding_order: read::funding(row, 6)?,
        markup_ppm: read::small_or_null(row, 7)?,
        members: row.int(8)?,
        version: row.int(9)?,
        created_at: row.int(10)?,
    })
}

pub(super) fn create(sql: &mut dyn Sql, cx: &Cx<'_>, new: &NewTeam) -> Result<Change, StoreFault> {
    super::organisations::get(sql, cx.scope, new.org_id)?;
    check::name(&new.name)?;
    check::percent(new.vacation_share_pct)?;
    check::markup(new.markup_ppm)?;
    check::not_negative(new.common_pool, "the common pool must not be negative")?;
    let order = new
        .funding_order
        .as_deref()
        .map(check::funding)
        .transpose()?;
    is_free(sql, new.org_id, &new.name, 0)?;
    let made = sql.one(
        "INSERT INTO teams (org_id, name, common_pool, vacation_share_pct, funding_order, \
         markup_ppm, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
        values![
            new.org_id,
            &new.name,
            new.common_pool.get(),
            i64::from(new.vacation_share_pct),
            order,
            new.markup_ppm.map(i64::from),
            cx.by.now_ms,
        ],
    )?;
    let id = made.int(0)?;
    let lines = refill::keep(sql, cx, (OwnerType::Team, id, new.org_id), new.common_pool)?;
    Ok(Change::created(get(sql, &Scope::House, id)?).moving(&lines))
}

pub(super) fn change(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    change: &TeamChange,
) -> Result<Change, StoreFault> {
    let before = get(sql, cx.scope, change.id)?;
    cx.is_fresh(before.version)?;
    let name = change.name.as_ref().unwrap_or(&before.name);
    check::name(name)?;
    is_free(sql, before.org_id, name, before.id)?;
    let share = change.vacation_share_pct;
    let share = share.unwrap_or(before.vacation_share_pct);
    check::percent(share)?;
    let markup = change.markup_ppm.unwrap_or(before.markup_ppm);
    check::markup(markup)?;
    let order = change.funding_order.as_ref();
    let order = order.unwrap_or(&before.funding_order).as_deref();
    let order = order.map(check::funding).transpose()?;
    let pool = change.common_pool.unwrap_or(before.common_pool);
    check::not_negative(pool, "the common pool must not be negative")?;
    // Before the team is locked: settlements lock wallets first.
    let lines = match pool == before.common_pool {
        true => Vec::new(),
        false => refill::keep(sql, cx, (OwnerType::Team, before.id, before.org_id), pool)?,
    };
    sql.execute(
        "UPDATE teams SET name = $2, common_pool = $3, vacation_share_pct = $4, \
         funding_order = $5, markup_ppm = $6, version = version + 1 WHERE id = $1",
        values![
            before.id,
            name,
            pool.get(),
            i64::from(share),
            order,
            markup.map(i64::from),
        ],
    )?;
    let after = get(sql, &Scope::House, before.id)?;
    Ok(Change::changed(Act::UPDATE, &before, after).moving(&lines))
}

pub(super) fn delete(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    TeamId(id): TeamId,
) -> Result<Change, StoreFault> {
    let team = get(sql, cx.scope, id)?;
    cx.is_fresh(team.version)?;
    let holds = |sql: &mut dyn Sql, statement: &'static str| {
        sql.first(statement, values![id]).map(|row| row.is_some())
    };
    if holds(sql, "SELECT id FROM users WHERE team_id = $1 LIMIT 1")? {
        return Err(StoreFault::Conflict("the team still has members"));
    }
    if holds(sql, "SELECT id FROM api_keys WHERE team_id = $1 LIMIT 1")? {
        return Err(StoreFault::Conflict("the team still has keys"));
    }
    let lines = refill::keep(sql, cx, (OwnerType::Team, id, team.org_id), Nanos::ZERO)?;
    if holds(
        sql,
        "SELECT id FROM wallets WHERE owner_type = 'team' AND owner_id = $1 \
         AND (balance <> 0 OR overage <> 0)",
    )? {
        return Err(StoreFault::Conflict("the team's wallet is not empty"));
    }
    sql.execute(
        "UPDATE wallets SET status = 'closed', version = version + 1 \
         WHERE owner_type = 'team' AND owner_id = $1",
        values![id],
    )?;
    sql.execute("DELETE FROM teams WHERE id = $1", values![id])?;
    Ok(Change::deleted(team).moving(&lines))
}

/// Every name belongs to one team of an organisation.
fn is_free(sql: &mut dyn Sql, org_id: i64, name: &str, own: i64) -> Result<(), StoreFault> {
    let taken = sql.first(
        "SELECT id FROM teams WHERE org_id = $1 AND name = $2 AND id <> $3",
        values![org_id, name, own],
    )?;
    match taken {
        Some(_) => Err(StoreFault::Conflict(
            "another team of the organisation has this name already",
        )),
        None => Ok(()),
    }
}
