//! Why: people log in, out, and out everywhere. A session is known by the hash of its token, which
//! is shown nowhere.

use super::super::StoreFault;
use super::super::sql::{Row, Sql, values};
use super::change::{Act, Change, Cx};
use super::{
    Entity, MAX_PAGE, NewSession, Scope, SessionHash, SessionRow, UserId, UserStatus, check, read,
    users,
};
use serde_json::json;

const ROWS: &str = "SELECT user_id, ip_address, created_at, expires_at FROM sessions";

/// Newest first.
pub(super) fn of_user(
    sql: &mut dyn Sql,
    scope: &Scope,
    user_id: i64,
) -> Result<Vec<SessionRow>, StoreFault> {
    let user = users::get(sql, scope, user_id)?;
    let statement =
        format!("{ROWS} WHERE user_id = $1 ORDER BY created_at DESC, token_hash LIMIT {MAX_PAGE}");
    let rows = sql.query(&statement, values![user.id])?;
    rows.iter().map(row).collect()
}

fn row(row: &Row) -> Result<SessionRow, StoreFault> {
    Ok(SessionRow {
        user_id: row.int(0)?,
        ip_address: read::text_or_null(row, 1)?,
        created_at: row.int(2)?,
        expires_at: row.int(3)?,
    })
}

pub(super) fn create(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    new: &NewSession,
) -> Result<Change, StoreFault> {
    let user = users::get(sql, cx.scope, new.user_id)?;
    if user.status != UserStatus::Active {
        return Err(StoreFault::Conflict("the user is not active"));
    }
    check::that(new.expires_at > cx.by.now_ms, "the session has expired")?;
    let SessionHash(hash) = new.token;
    let taken = sql.first(
        "SELECT user_id FROM sessions WHERE token_hash = $1",
        values![hash],
    )?;
    if taken.is_some() {
        return Err(StoreFault::Taken);
    }
    sql.execute(
        "INSERT INTO sessions (token_hash, user_id, ip_address, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5)",
        values![
            hash,
            user.id,
            cx.by.ip.as_ref(),
            cx.by.now_ms,
            new.expires_at
        ],
    )?;
    let session = SessionRow {
        user_id: user.id,
        ip_address: cx.by.ip.clone(),
        created_at: cx.by.now_ms,
        expires_at: new.expires_at,
    };
    let details = json!({ "expires_at": session.expires_at });
    let change = Change::on(Act("log_in", "logged_in"), user, details);
    Ok(Change {
        entity: Entity::Session(session),
        ..change
    })
}

pub(super) fn end(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    SessionHash(hash): SessionHash,
) -> Result<Change, StoreFault> {
    let found = sql.first(
        "SELECT user_id FROM sessions WHERE token_hash = $1",
        values![hash],
    )?;
    let found = found.ok_or(StoreFault::NotFound("session"))?;
    let user = match users::get(sql, cx.scope, found.int(0)?) {
        Err(StoreFault::NotFound(_)) => return Err(StoreFault::NotFound("session")),
        user => user?,
    };
    let ended = sql.execute("DELETE FROM sessions WHERE token_hash = $1", values![hash])?;
    let change = Change::on(Act("log_out", "logged_out"), user, json!({}));
    Ok(Change {
        entity: Entity::Gone(ended),
        ..change
    })
}

pub(super) fn end_all(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    UserId(id): UserId,
) -> Result<Change, StoreFault> {
    let user = users::get(sql, cx.scope, id)?;
    let ended = end_all_of(sql, id)?;
    let act = Act("log_out_everywhere", "logged_out_everywhere");
    let change = Change::on(act, user, json!({ "sessions_ended": ended }));
    Ok(Change {
        entity: Entity::Gone(ended),
        ..change
    })
}

/// Answers how many there were.
pub(super) fn end_all_of(sql: &mut dyn Sql, user_id: i64) -> Result<u64, StoreFault> {
    sql.execute("DELETE FROM sessions WHERE user_id = $1", values![user_id])
}
