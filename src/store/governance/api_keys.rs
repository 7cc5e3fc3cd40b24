//! Why: keys are what clients hold. Here people change, replace and end them; the gateway reads
//! them through [`super::super::Keys`].

use super::super::keys_sql::{default_user, end, insert};
use super::super::sql::{Row, Sql, values};
use super::super::{NewKey, StoreFault};
use super::change::{Act, Change, Cx};
use super::select::{Bounds, Select};
use super::{
    ApiKeyRow, KeyChange, KeyFilter, KeyId, Page, Rotation, Scope, UserStatus, check, read, users,
};
use serde_json::json;

const ROWS: &str = "SELECT k.id, k.org_id, coalesce(k.team_id, u.team_id), k.user_id, k.name, \
     k.env, k.public_id, k.last4, k.models, k.requests_per_minute, k.tokens_per_minute, \
     CASE WHEN k.is_active = 1 AND u.status = 'active' AND o.status = 'active' \
     THEN 1 ELSE 0 END, \
     k.expires_at, k.revoked_at, k.rotated_to, k.last_used_at, k.version, k.created_at \
     FROM api_keys k JOIN users u ON u.id = k.user_id JOIN organisations o ON o.id = k.org_id";
const BOUNDS: Bounds = Bounds {
    org: "k.org_id = ?",
    team: Some("coalesce(k.team_id, u.team_id) = ?"),
    user: Some("k.user_id = ?"),
};
/// For how long an old key may outlive its successor: 90 days.
const MAX_OVERLAP_MS: i64 = 90 * 86_400_000;

pub(super) fn list(
    sql: &mut dyn Sql,
    scope: &Scope,
    filter: &KeyFilter,
    page: Page,
) -> Result<Vec<ApiKeyRow>, StoreFault> {
    let mut select = Select::new(ROWS)
        .within(scope, &BOUNDS)
        .and_if("k.id = ?", filter.id)
        .and_if("k.public_id = ?", filter.public_id.as_ref())
        .and_if("k.org_id = ?", filter.org_id)
        .and_if("coalesce(k.team_id, u.team_id) = ?", filter.team_id)
        .and_if("k.user_id = ?", filter.user_id);
    let active = "k.is_active = 1 AND u.status = 'active' AND o.status = 'active'";
    let inactive = "k.is_active = 0 OR u.status <> 'active' OR o.status <> 'active'";
    if let Some(is_active) = filter.is_active {
        select = select.and(if is_active { active } else { inactive }, &[]);
    }
    select
        .page("k.id > ?", "ORDER BY k.id", page)
        .read(sql, row)
}

pub(super) fn get(sql: &mut dyn Sql, scope: &Scope, id: i64) -> Result<ApiKeyRow, StoreFault> {
    let filter = KeyFilter {
        id: Some(id),
        ..KeyFilter::default()
    };
    let found = list(sql, scope, &filter, Page::ONE)?.pop();
    found.ok_or(StoreFault::NotFound("key"))
}

fn row(row: &Row) -> Result<ApiKeyRow, StoreFault> {
    Ok(ApiKeyRow {
        id: row.int(0)?,
        org_id: row.int(1)?,
        team_id: row.int_or_null(2)?,
        user_id: row.int(3)?,
        name: read::text(row, 4)?,
        env: read::text(row, 5)?,
        public_id: read::text(row, 6)?,
        last4: read::text(row, 7)?,
        models: read::list(row, 8)?,
        requests_per_minute: row.int_or_null(9)?.map(i64::unsigned_abs),
        tokens_per_minute: row.int_or_null(10)?.map(i64::unsigned_abs),
        is_active: row.flag(11)?,
        expires_at: row.int_or_null(12)?,
        revoked_at: row.int_or_null(13)?,
        rotated_to: row.int_or_null(14)?,
        last_used_at: row.int_or_null(15)?,
        version: row.int(16)?,
        created_at: row.int(17)?,
    })
}

/// Notes when keys were last used. Keys go in one order, so that two processes never wait for each
/// other in a circle.
pub(super) fn note_used(sql: &mut dyn Sql, keys: &[(i64, i64)]) -> Result<(), StoreFault> {
    let mut keys = keys.to_vec();
    keys.sort_unstable();
    for (id, at_ms) in keys {
        sql.execute(
            "UPDATE api_keys SET last_used_at = $2 \
             WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)",
            values![id, at_ms],
        )?;
    }
    Ok(())
}

/// Only the whole house may make a key without an owner: it belongs to the default user then.
pub(super) fn create(sql: &mut dyn Sql, cx: &Cx<'_>, new: &NewKey) -> Result<Change, StoreFault> {
    check::key(new)?;
    let user_id = match new.user_id {
        Some(user_id) => user_id,
        None if *cx.scope == Scope::House => default_user(sql, cx.by.now_ms)?,
        None => return Err(StoreFault::NotFound("user")),
    };
    let user = users::get(sql, cx.scope, user_id)?;
    if user.status != UserStatus::Active {
        return Err(StoreFault::Conflict("the user is not active"));
    }
    let id = store(sql, new, user_id)?;
    Ok(Change::created(get(sql, &Scope::House, id)?))
}

fn store(sql: &mut dyn Sql, new: &NewKey, user_id: i64) -> Result<i64, StoreFault> {
    let taken = sql.first(
        "SELECT id FROM api_keys WHERE public_id = $1",
        values![&new.public_id],
    )?;
    match taken {
        Some(_) => Err(StoreFault::Taken),
        None => insert(sql, new, user_id),
    }
}

pub(super) fn change(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    change: &KeyChange,
) -> Result<Change, StoreFault> {
    let before = get(sql, cx.scope, change.id)?;
    cx.is_fresh(before.version)?;
    if before.revoked_at.is_some() {
        return Err(StoreFault::Conflict("the key is revoked"));
    }
    let name = change.name.as_ref().unwrap_or(&before.name);
    check::name(name)?;
    let models = change.models.as_ref().unwrap_or(&before.models).as_deref();
    check::models(models)?;
    let requests = change.requests_per_minute;
    let requests = requests.unwrap_or(before.requests_per_minute);
    check::rate(requests, "requests per minute must be positive")?;
    let tokens = change.tokens_per_minute;
    let tokens = tokens.unwrap_or(before.tokens_per_minute);
    check::rate(tokens, "tokens per minute must be positive")?;
    let limit = |limit: Option<u64>| limit.and_then(|limit| i64::try_from(limit).ok());
    sql.execute(
        "UPDATE api_keys SET name = $2, models = $3, requests_per_minute = $4, \
         tokens_per_minute = $5, expires_at = $6, version = version + 1 WHERE id = $1",
        values![
            before.id,
            name,
            models.map(|models| serde_json::Value::from(models).to_string()),
            limit(requests),
            limit(tokens),
            change.expires_at.unwrap_or(before.expires_at),
        ],
    )?;
    let after = get(sql, &Scope::House, before.id)?;
    Ok(Change::changed(Act::UPDATE, &before, after))
}

/// The new key takes over all that the old one had, its budget too: the old one spends from it
/// for as long as it lives.
pub(super) fn rotate(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    rotation: &Rotation,
) -> Result<Change, StoreFault> {
    let before = get(sql, cx.scope, rotation.id)?;
    cx.is_fresh(before.version)?;
    check::that(
        (0..=MAX_OVERLAP_MS).contains(&rotation.overlap_ms),
        "the overlap must be 0 to 90 days",
    )?;
    if before.rotated_to.is_some() {
        return Err(StoreFault::Conflict("the key has been replaced already"));
    }
    if !before.is_active {
        return Err(StoreFault::Conflict("the key is not active"));
    }
    let new = NewKey {
        name: before.name.clone(),
        models: before.models.clone(),
        requests_per_minute: before.requests_per_minute,
        tokens_per_minute: before.tokens_per_minute,
        expires_at: rotation.key.expires_at.or(before.expires_at),
        user_id: Some(before.user_id),
        created_at: cx.by.now_ms,
        ..rotation.key.clone()
    };
    check::key(&new)?;
    let id = store(sql, &new, before.user_id)?;
    let end = cx.by.now_ms.saturating_add(rotation.overlap_ms);
    let end = before.expires_at.map_or(end, |expires| expires.min(end));
    let statements = [
        "UPDATE api_keys SET team_id = (SELECT team_id FROM api_keys WHERE id = $1) WHERE id = $2",
        "UPDATE users SET api_key_hash = (SELECT key_hash FROM api_keys WHERE id = $2) \
         WHERE id = (SELECT user_id FROM api_keys WHERE id = $1) \
         AND api_key_hash = (SELECT key_hash FROM api_keys WHERE id = $1)",
        "UPDATE wallets SET owner_id = $2, version = version + 1 \
         WHERE owner_type = 'key' AND owner_id = $1",
    ];
    for statement in statements {
        sql.execute(statement, values![before.id, id])?;
    }
    sql.execute(
        "UPDATE api_keys SET rotated_to = $2, expires_at = $3, version = version + 1 \
         WHERE id = $1",
        values![before.id, id, end],
    )?;
    // No trigger looks at the owner of a wallet.
    sql.execute(
        "UPDATE revisions SET value = value + 1 WHERE topic = 'wallets'",
        &[],
    )?;
    let old = get(sql, &Scope::House, before.id)?;
    let new = get(sql, &Scope::House, id)?;
    let by = json!(Change::created(new.clone()).details);
    Ok(Change {
        entity: super::Entity::Key(new),
        ..Change::changed(Act::ROTATE, &before, old).noting("by", by)
    })
}

/// A second revocation keeps the time of the first.
pub(super) fn revoke(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    KeyId(id): KeyId,
) -> Result<Change, StoreFault> {
    let before = get(sql, cx.scope, id)?;
    cx.is_fresh(before.version)?;
    end(sql, id, cx.by.now_ms)?;
    let after = get(sql, &Scope::House, id)?;
    Ok(Change::changed(Act::REVOKE, &before, after))
}
