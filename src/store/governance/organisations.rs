//! Why: a tenant is the outermost boundary: its status closes every door at once, and its funding
//! order and mark-up hold wherever a team says nothing else.

use super::super::StoreFault;
use super::super::sql::{Row, Sql, values};
use super::change::{Act, Change, Cx};
use super::select::{Bounds, Select};
use super::{
    NewOrganisation, OrganisationChange, OrganisationFilter, OrganisationRow, OrganisationStatus,
    Page, Scope, check, read,
};

const ROWS: &str = "SELECT o.id, o.name, o.status, o.funding_order, o.markup_ppm, o.version, \
     o.created_at FROM organisations o";
const BOUNDS: Bounds = Bounds {
    org: "o.id = ?",
    team: None,
    user: None,
};
/// How a factor of 1 is kept.
const NO_MARKUP: u32 = 1_000_000;

pub(super) fn list(
    sql: &mut dyn Sql,
    scope: &Scope,
    filter: &OrganisationFilter,
    page: Page,
) -> Result<Vec<OrganisationRow>, StoreFault> {
    Select::new(ROWS)
        .within(scope, &BOUNDS)
        .and_if("o.id = ?", filter.id)
        .and_if("o.name = ?", filter.name.as_ref())
        .and_if("o.status = ?", filter.status.map(OrganisationStatus::word))
        .page("o.id > ?", "ORDER BY o.id", page)
        .read(sql, row)
}

pub(super) fn get(
    sql: &mut dyn Sql,
    scope: &Scope,
    id: i64,
) -> Result<OrganisationRow, StoreFault> {
    let filter = OrganisationFilter {
        id: Some(id),
        ..OrganisationFilter::default()
    };
    let found = list(sql, scope, &filter, Page::ONE)?.pop();
    found.ok_or(StoreFault::NotFound("organisation"))
}

fn row(row: &Row) -> Result<OrganisationRow, StoreFault> {
    let order = read::funding(row, 3)?;
    Ok(OrganisationRow {
        id: row.int(0)?,
        name: read::text(row, 1)?,
        status: read::word(row, 2, OrganisationStatus::read)?,
        funding_order: order.ok_or(StoreFault::Unreadable { column: 3 })?,
        markup_ppm: read::small(row, 4)?,
        version: row.int(5)?,
        created_at: row.int(6)?,
    })
}

pub(super) fn create(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    new: &NewOrganisation,
) -> Result<Change, StoreFault> {
    if *cx.scope != Scope::House {
        return Err(StoreFault::NotFound("organisation"));
    }
    check::name(&new.name)?;
    check::markup(new.markup_ppm)?;
    let order = match &new.funding_order {
        Some(order) => check::funding(order)?,
        None => "quota,user,team".to_owned(),
    };
    is_free(sql, &new.name, 0)?;
    let made = sql.one(
        "INSERT INTO organisations (name, funding_order, markup_ppm, created_at) \
         VALUES ($1, $2, $3, $4) RETURNING id",
        values![
            &new.name,
            order,
            i64::from(new.markup_ppm.unwrap_or(NO_MARKUP)),
            cx.by.now_ms
        ],
    )?;
    Ok(Change::created(get(sql, &Scope::House, made.int(0)?)?))
}

pub(super) fn change(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    change: &OrganisationChange,
) -> Result<Change, StoreFault> {
    let before = get(sql, cx.scope, change.id)?;
    cx.is_fresh(before.version)?;
    check::markup(change.markup_ppm)?;
    let name = change.name.as_ref().unwrap_or(&before.name);
    check::name(name)?;
    is_free(sql, name, before.id)?;
    let order = change.funding_order.as_ref();
    let order = check::funding(order.unwrap_or(&before.funding_order))?;
    sql.execute(
        "UPDATE organisations SET name = $2, status = $3, funding_order = $4, markup_ppm = $5, \
         version = version + 1 WHERE id = $1",
        values![
            before.id,
            name,
            change.status.unwrap_or(before.status).word(),
            order,
            i64::from(change.markup_ppm.unwrap_or(before.markup_ppm)),
        ],
    )?;
    let after = get(sql, &Scope::House, before.id)?;
    Ok(Change::changed(Act::UPDATE, &before, after))
}

/// Every name belongs to one organisation.
fn is_free(sql: &mut dyn Sql, name: &str, own: i64) -> Result<(), StoreFault> {
    let taken = sql.first(
        "SELECT id FROM organisations WHERE name = $1 AND id <> $2",
        values![name, own],
    )?;
    match taken {
        Some(_) => Err(StoreFault::Conflict(
            "another organisation has this name already",
        )),
        None => Ok(()),
    }
}
