//! Why: a token of another issuer holds until its end, and its issuer may not know how to take it
//! back. Here one is refused by its own name (`jti`), for as long as it would have lived.

use super::super::StoreFault;
use super::super::sql::{Row, Sql, values};
use super::change::{Change, Cx};
use super::select::Select;
use super::{DenialId, DeniedRow, Entity, NewDenial, Page, Scope, check, read};
use serde_json::{Value, json};

const ROWS: &str =
    "SELECT d.id, d.issuer, d.jti, d.note, d.expires_at, d.created_at FROM denied_tokens d";
/// Longest name of a token.
const MAX_JTI: usize = 1_000;

pub(super) fn list(sql: &mut dyn Sql, page: Page) -> Result<Vec<DeniedRow>, StoreFault> {
    Select::new(ROWS)
        .page("d.id > ?", "ORDER BY d.id", page)
        .read(sql, row)
}

fn row(row: &Row) -> Result<DeniedRow, StoreFault> {
    Ok(DeniedRow {
        id: row.int(0)?,
        issuer: read::text(row, 1)?,
        jti: read::text(row, 2)?,
        note: read::text_or_null(row, 3)?,
        expires_at: row.int(4)?,
        created_at: row.int(5)?,
    })
}

/// Every denied token, by issuer and `jti`.
pub(super) fn all(sql: &mut dyn Sql) -> Result<Vec<(String, String)>, StoreFault> {
    let rows = sql.query("SELECT issuer, jti FROM denied_tokens", &[])?;
    rows.iter()
        .map(|row| Ok((read::text(row, 0)?, read::text(row, 1)?)))
        .collect()
}

/// A token is denied once: a second time only moves the moment at which that is forgotten, and
/// never to an earlier one.
pub(super) fn deny(sql: &mut dyn Sql, cx: &Cx<'_>, new: &NewDenial) -> Result<Change, StoreFault> {
    of_the_house(cx)?;
    check::name(&new.issuer)?;
    check::that(
        (1..=MAX_JTI).contains(&new.jti.chars().count()) && !new.jti.contains('\0'),
        "the jti must have 1 to 1,000 characters",
    )?;
    check::note(new.note.as_deref())?;
    check::that(
        new.expires_at > cx.by.now_ms,
        "the token's end is past: it is refused by itself",
    )?;
    let made = sql.one(
        "INSERT INTO denied_tokens (issuer, jti, note, expires_at, created_at) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (issuer, jti) DO UPDATE SET expires_at = \
         CASE WHEN excluded.expires_at > denied_tokens.expires_at THEN excluded.expires_at \
         ELSE denied_tokens.expires_at END RETURNING id",
        values![
            &new.issuer,
            &new.jti,
            new.note.as_ref(),
            new.expires_at,
            cx.by.now_ms
        ],
    )?;
    let denied = get(sql, made.int(0)?)?;
    let details = json!({ "denied": &denied });
    let entity = Entity::Denied(denied.clone());
    change(sql, ("deny", "denied"), &denied, (details, entity))
}

/// The token is taken again, if it is still good.
pub(super) fn allow(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    DenialId(id): DenialId,
) -> Result<Change, StoreFault> {
    of_the_house(cx)?;
    let denied = get(sql, id)?;
    sql.execute("DELETE FROM denied_tokens WHERE id = $1", values![id])?;
    let details = json!({ "allowed": &denied });
    change(
        sql,
        ("allow", "allowed"),
        &denied,
        (details, Entity::Gone(1)),
    )
}

/// Issuers are the house's, and so are their tokens.
fn of_the_house(cx: &Cx<'_>) -> Result<(), StoreFault> {
    match cx.scope {
        Scope::House => Ok(()),
        _ => Err(StoreFault::NotFound("issuer")),
    }
}

fn get(sql: &mut dyn Sql, id: i64) -> Result<DeniedRow, StoreFault> {
    let found = sql.first(&format!("{ROWS} WHERE d.id = $1"), values![id])?;
    row(&found.ok_or(StoreFault::NotFound("denied token"))?)
}

/// In the audit log it stands under the organisation that runs the house.
fn change(
    sql: &mut dyn Sql,
    (action, past): (&'static str, &str),
    denied: &DeniedRow,
    (details, entity): (Value, Entity),
) -> Result<Change, StoreFault> {
    let house = sql.one("SELECT min(id) FROM organisations", &[])?;
    Ok(Change {
        event_type: format!("issued_token.{past}"),
        action,
        target: format!("issued_token:{}", denied.id),
        org_id: house.int_or_null(0)?,
        details,
        entity,
    })
}
