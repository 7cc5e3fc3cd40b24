//! Why: machines use the admin API with tokens of their own, which can be ended one by one.

use super::super::StoreFault;
use super::super::keys_sql::hex;
use super::super::sql::{Row, Sql, values};
use super::change::{Act, Change, Cx};
use super::select::{Bounds, Select};
use super::{
    NewToken, Page, Scope, TokenFilter, TokenId, TokenRow, UserStatus, check, read, users,
};

const ROWS: &str = "SELECT a.id, a.org_id, a.user_id, a.name, a.public_id, a.expires_at, \
     a.revoked_at, a.created_at FROM access_tokens a JOIN users u ON u.id = a.user_id";
const BOUNDS: Bounds = Bounds {
    org: "a.org_id = ?",
    team: Some("u.team_id = ?"),
    user: Some("a.user_id = ?"),
};

pub(super) fn list(
    sql: &mut dyn Sql,
    scope: &Scope,
    filter: &TokenFilter,
    page: Page,
) -> Result<Vec<TokenRow>, StoreFault> {
    Select::new(ROWS)
        .within(scope, &BOUNDS)
        .and_if("a.id = ?", filter.id)
        .and_if("a.org_id = ?", filter.org_id)
        .and_if("a.user_id = ?", filter.user_id)
        .page("a.id > ?", "ORDER BY a.id", page)
        .read(sql, row)
}

fn get(sql: &mut dyn Sql, scope: &Scope, id: i64) -> Result<TokenRow, StoreFault> {
    let filter = TokenFilter {
        id: Some(id),
        ..TokenFilter::default()
    };
    let found = list(sql, scope, &filter, Page::ONE)?.pop();
    found.ok_or(StoreFault::NotFound("access token"))
}

fn row(row: &Row) -> Result<TokenRow, StoreFault> {
    Ok(TokenRow {
        id: row.int(0)?,
        org_id: row.int(1)?,
        user_id: row.int(2)?,
        name: read::text(row, 3)?,
        public_id: read::text(row, 4)?,
        expires_at: row.int_or_null(5)?,
        revoked_at: row.int_or_null(6)?,
        created_at: row.int(7)?,
    })
}

pub(super) fn create(sql: &mut dyn Sql, cx: &Cx<'_>, new: &NewToken) -> Result<Change, StoreFault> {
    let user = users::get(sql, cx.scope, new.user_id)?;
    if user.status != UserStatus::Active {
        return Err(StoreFault::Conflict("the user is not active"));
    }
    check::name(&new.name)?;
    check::public_id(&new.public_id)?;
    let taken = sql.first(
        "SELECT id FROM access_tokens WHERE public_id = $1",
        values![&new.public_id],
    )?;
    if taken.is_some() {
        return Err(StoreFault::Taken);
    }
    let made = sql.one(
        "INSERT INTO access_tokens (org_id, user_id, name, public_id, token_hash, \
         pepper_version, expires_at, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id",
        values![
            user.org_id,
            user.id,
            &new.name,
            &new.public_id,
            hex(&new.token_hash),
            i64::from(new.pepper_version),
            new.expires_at,
            cx.by.now_ms,
        ],
    )?;
    Ok(Change::created(get(sql, &Scope::House, made.int(0)?)?))
}

/// A second revocation keeps the time of the first.
pub(super) fn revoke(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    TokenId(id): TokenId,
) -> Result<Change, StoreFault> {
    let before = get(sql, cx.scope, id)?;
    sql.execute(
        "UPDATE access_tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL",
        values![id, cx.by.now_ms],
    )?;
    let after = get(sql, &Scope::House, id)?;
    Ok(Change::changed(Act::REVOKE, &before, after))
}
