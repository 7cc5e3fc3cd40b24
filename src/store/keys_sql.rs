//! Why: the keys in tables, written once for both databases.

use super::keys::{DEFAULT_EMAIL, DEFAULT_NAME, Selector};
use super::sql::{Engine, Row, Sql, SqlStore, Work, values};
use super::{KeyRow, Keys, NewKey, StoreFault};

const COLUMNS: &str = "SELECT k.id, k.org_id, coalesce(k.team_id, u.team_id), k.user_id, k.name, \
     k.env, k.public_id, k.key_hash, k.pepper_version, k.last4, k.models, \
     k.requests_per_minute, k.tokens_per_minute, \
     CASE WHEN k.is_active = 1 AND u.status = 'active' AND o.status = 'active' \
     THEN 1 ELSE 0 END, k.expires_at, k.revoked_at, k.created_at FROM api_keys k \
     JOIN users u ON u.id = k.user_id JOIN organisations o ON o.id = k.org_id";

impl<E: Engine> Keys for SqlStore<E> {
    fn create_key(&self, key: NewKey) -> Result<KeyRow, StoreFault> {
        key.check()?;
        self.engine.run(Work::Governance, &mut |sql| {
            if find(sql, Selector::PublicId(&key.public_id))?.is_some() {
                return Err(StoreFault::Taken);
            }
            let user_id = match key.user_id {
                Some(user_id) => user_id,
                None => default_user(sql, key.created_at)?,
            };
            let id = insert(sql, &key, user_id)?;
            find(sql, Selector::Id(id))?.ok_or(StoreFault::Missing)
        })
    }

    fn list_keys(&self) -> Result<Vec<KeyRow>, StoreFault> {
        self.engine.run(Work::ReadLatest, &mut |sql| {
            let rows = sql.query(&format!("{COLUMNS} ORDER BY k.id"), &[])?;
            rows.iter().map(read).collect()
        })
    }

    fn revoke_key(&self, selector: &str, now_ms: i64) -> Result<Option<KeyRow>, StoreFault> {
        self.engine.run(Work::Governance, &mut |sql| {
            let Some(row) = find(sql, Selector::read(selector))? else {
                return Ok(None);
            };
            end(sql, row.id, now_ms)?;
            find(sql, Selector::Id(row.id))
        })
    }

    fn change_stamp(&self) -> Result<u64, StoreFault> {
        self.engine.run(Work::ReadLatest, &mut |sql| {
            let row = sql.one("SELECT value FROM revisions WHERE topic = 'keys'", &[])?;
            Ok(row.int(0)?.unsigned_abs())
        })
    }
}

/// Ends a key. A second time keeps the time of the first.
pub(super) fn end(sql: &mut dyn Sql, id: i64, now_ms: i64) -> Result<(), StoreFault> {
    sql.execute(
        "UPDATE api_keys SET is_active = 0, revoked_at = $2, version = version + 1 \
         WHERE id = $1 AND revoked_at IS NULL",
        values![id, now_ms],
    )?;
    sql.execute(
        "UPDATE users SET api_key_hash = NULL, version = version + 1 \
         WHERE id = (SELECT user_id FROM api_keys WHERE id = $1) \
         AND api_key_hash = (SELECT key_hash FROM api_keys WHERE id = $1)",
        values![id],
    )?;
    Ok(())
}

fn find(sql: &mut dyn Sql, selector: Selector<'_>) -> Result<Option<KeyRow>, StoreFault> {
    let found = match selector {
        Selector::PublicId(public_id) => sql.first(
            &format!("{COLUMNS} WHERE k.public_id = $1"),
            values![public_id],
        )?,
        Selector::Id(id) => sql.first(&format!("{COLUMNS} WHERE k.id = $1"), values![id])?,
        Selector::Nothing => None,
    };
    found.as_ref().map(read).transpose()
}

/// Keys need an owner before anyone has made one: the first use makes all three rows.
pub(super) fn default_user(sql: &mut dyn Sql, now_ms: i64) -> Result<i64, StoreFault> {
    let known = sql.first(
        "SELECT id FROM users WHERE lower(email) = $1",
        values![DEFAULT_EMAIL],
    )?;
    if let Some(known) = known {
        return known.int(0);
    }
    let org = sql.one(
        "INSERT INTO organisations (name, created_at) VALUES ($1, $2) \
         ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id",
        values![DEFAULT_NAME, now_ms],
    )?;
    let org_id = org.int(0)?;
    let team = sql.one(
        "INSERT INTO teams (org_id, name, created_at) VALUES ($1, $2, $3) \
         ON CONFLICT (org_id, name) DO UPDATE SET name = excluded.name RETURNING id",
        values![org_id, DEFAULT_NAME, now_ms],
    )?;
    let user = sql.one(
        "INSERT INTO users (org_id, team_id, email, name, role, is_admin, created_at) \
         VALUES ($1, $2, $3, $4, 'owner', 1, $5) RETURNING id",
        values![org_id, team.int(0)?, DEFAULT_EMAIL, DEFAULT_NAME, now_ms],
    )?;
    user.int(0)
}

/// Answers the row id. The first key of a user becomes its primary one.
pub(super) fn insert(sql: &mut dyn Sql, key: &NewKey, user_id: i64) -> Result<i64, StoreFault> {
    let models = key
        .models
        .as_ref()
        .map(|models| serde_json::Value::from(models.as_slice()).to_string());
    let limit = |limit: Option<u64>| limit.and_then(|limit| i64::try_from(limit).ok());
    let hash = hex(&key.key_hash);
    let inserted = sql.first(
        "INSERT INTO api_keys (org_id, user_id, name, env, public_id, key_hash, pepper_version, \
         last4, models, requests_per_minute, tokens_per_minute, expires_at, created_at) \
         SELECT org_id, id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 FROM users WHERE id = $1 \
         RETURNING id",
        values![
            user_id,
            &key.name,
            &key.env,
            &key.public_id,
            &hash,
            i64::from(key.pepper_version),
            &key.last4,
            models,
            limit(key.requests_per_minute),
            limit(key.tokens_per_minute),
            key.expires_at,
            key.created_at,
        ],
    )?;
    let id = inserted.ok_or(StoreFault::NoSuchUser(user_id))?.int(0)?;
    sql.execute(
        "UPDATE users SET api_key_hash = $2, version = version + 1 \
         WHERE id = $1 AND api_key_hash IS NULL",
        values![user_id, hash],
    )?;
    Ok(id)
}

fn read(row: &Row) -> Result<KeyRow, StoreFault> {
    let id = row.int(0)?;
    let damaged = |column| StoreFault::Damaged {
        table: "api_keys",
        id,
        column,
    };
    let models = row.text_or_null(10)?.map(serde_json::from_str).transpose();
    let pepper_version = u32::try_from(row.int(8)?);
    Ok(KeyRow {
        id,
        org_id: row.int(1)?,
        team_id: row.int_or_null(2)?,
        user_id: row.int(3)?,
        name: row.text(4)?.to_owned(),
        env: row.text(5)?.to_owned(),
        public_id: row.text(6)?.to_owned(),
        key_hash: unhex(row.text(7)?).ok_or_else(|| damaged("key_hash"))?,
        pepper_version: pepper_version.map_err(|_| damaged("pepper_version"))?,
        last4: row.text(9)?.to_owned(),
        models: models.map_err(|_| damaged("models"))?,
        requests_per_minute: row.int_or_null(11)?.map(i64::unsigned_abs),
        tokens_per_minute: row.int_or_null(12)?.map(i64::unsigned_abs),
        is_active: row.flag(13)?,
        expires_at: row.int_or_null(14)?,
        revoked_at: row.int_or_null(15)?,
        created_at: row.int(16)?,
    })
}

pub(super) fn hex(hash: &[u8; 32]) -> String {
    blake3::Hash::from_bytes(*hash).to_hex().to_string()
}

pub(super) fn unhex(text: &str) -> Option<[u8; 32]> {
    blake3::Hash::from_hex(text)
        .ok()
        .map(|hash| *hash.as_bytes())
}
