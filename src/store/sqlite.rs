//! Why: the default store. One file under `data_dir`, no server, safe against power loss, open
//! to the command line while the gateway runs.
//!
//! Keys change a few times a day, so one connection behind a mutex is enough; WAL lets other
//! processes read and write meanwhile.

use super::keys::{DEFAULT_EMAIL, DEFAULT_NAME, Selector};
use super::{KeyRow, Keys, NewKey, StoreFault, StoreProblem, migrate};
use rusqlite::{
    Connection, OpenFlags, OptionalExtension, Row, Transaction, TransactionBehavior, params,
};
use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// File name of the database inside `data_dir`.
pub(super) const FILE: &str = "alfred.db";
/// How long to wait for another process that is writing.
const PATIENCE: Duration = Duration::from_secs(5);
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

/// A store in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    pub(super) connection: Mutex<Connection>,
}

impl SqliteStore {
    /// Opens `data_dir/alfred.db`, made with its directory where missing (readable by this
    /// user alone), and brings its tables up to date.
    pub fn open(data_dir: &Path) -> Result<Self, StoreProblem> {
        Self::open_patiently(data_dir, PATIENCE)
    }

    pub(super) fn open_patiently(
        data_dir: &Path,
        patience: Duration,
    ) -> Result<Self, StoreProblem> {
        let path = data_dir.join(FILE);
        make_private(data_dir, &path).map_err(|error| StoreProblem::from_io(&path, error))?;
        let deadline = Instant::now() + patience;
        loop {
            match prepared(&path, patience) {
                // SQLite does not wait for every lock, e.g. when two processes turn on WAL.
                Err(StoreProblem::Locked { .. }) if Instant::now() < deadline => {
                    thread::sleep(BETWEEN_TRIES);
                }
                Err(problem) => return Err(problem),
                Ok(connection) => {
                    return Ok(Self {
                        connection: Mutex::new(connection),
                    });
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// SQLite gives new files the mode of the umask, and its side files the mode of the database.
/// A file that exists is not even opened: closing it again would drop the locks that other
/// connections of this process hold (sqlite.org/howtocorrupt.html, 2.2).
fn make_private(data_dir: &Path, path: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data_dir)?;
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}

fn prepared(path: &Path, patience: Duration) -> Result<Connection, StoreProblem> {
    let problem = |error| StoreProblem::from_sqlite(path, error);
    let mut connection = connect(path, patience).map_err(problem)?;
    migrate::run(&mut connection, path)?;
    connection
        .pragma_update(None, "synchronous", "FULL")
        .map_err(problem)?;
    Ok(connection)
}

fn connect(path: &Path, patience: Duration) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(patience)?;
    // Enough for migrations: a power cut may undo them, never tear them.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    Ok(connection)
}

const COLUMNS: &str = "SELECT k.id, k.org_id, coalesce(k.team_id, u.team_id), k.user_id, k.name, \
     k.env, k.public_id, k.key_hash, k.pepper_version, k.last4, k.models, \
     k.requests_per_minute, k.tokens_per_minute, \
     k.is_active AND u.status = 'active', k.expires_at, k.revoked_at, k.created_at \
     FROM api_keys k JOIN users u ON u.id = k.user_id";

impl Keys for SqliteStore {
    fn create_key(&self, key: NewKey) -> Result<KeyRow, StoreFault> {
        key.check()?;
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if exists(&transaction, &key.public_id)? {
            return Err(StoreFault::Taken);
        }
        let user_id = match key.user_id {
            Some(user_id) => user_id,
            None => default_user(&transaction, key.created_at)?,
        };
        let id = insert(&transaction, &key, user_id)?;
        let row = find(&transaction, Selector::Id(id))?;
        transaction.commit()?;
        row.ok_or(StoreFault::Damaged {
            table: "api_keys",
            id,
            column: "id",
        })
    }

    fn list_keys(&self) -> Result<Vec<KeyRow>, StoreFault> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(&format!("{COLUMNS} ORDER BY k.id"))?;
        let mut rows = statement.query([])?;
        let mut keys = Vec::new();
        while let Some(row) = rows.next()? {
            keys.push(read(row)?);
        }
        Ok(keys)
    }

    fn revoke_key(&self, selector: &str, now_ms: i64) -> Result<Option<KeyRow>, StoreFault> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let Some(row) = find(&transaction, Selector::read(selector))? else {
            return Ok(None);
        };
        transaction.execute(
            "UPDATE api_keys SET is_active = 0, revoked_at = ?2, version = version + 1 \
             WHERE id = ?1 AND revoked_at IS NULL",
            params![row.id, now_ms],
        )?;
        transaction.execute(
            "UPDATE users SET api_key_hash = NULL, version = version + 1 \
             WHERE id = ?1 AND api_key_hash = ?2",
            params![row.user_id, hex(&row.key_hash)],
        )?;
        let row = find(&transaction, Selector::Id(row.id))?;
        transaction.commit()?;
        Ok(row)
    }

    fn change_stamp(&self) -> Result<u64, StoreFault> {
        let connection = self.lock();
        let mut statement =
            connection.prepare_cached("SELECT value FROM revisions WHERE topic = 'keys'")?;
        let value: i64 = statement.query_row([], |row| row.get(0))?;
        Ok(value.unsigned_abs())
    }
}

fn exists(transaction: &Transaction<'_>, public_id: &str) -> Result<bool, StoreFault> {
    Ok(find(transaction, Selector::PublicId(public_id))?.is_some())
}

fn find(connection: &Connection, selector: Selector<'_>) -> Result<Option<KeyRow>, StoreFault> {
    let found = |column: &str, value: &dyn rusqlite::ToSql| {
        let mut statement =
            connection.prepare_cached(&format!("{COLUMNS} WHERE k.{column} = ?1"))?;
        let mut rows = statement.query([value])?;
        rows.next()?.map(read).transpose()
    };
    match selector {
        Selector::PublicId(public_id) => found("public_id", &public_id),
        Selector::Id(id) => found("id", &id),
        Selector::Nothing => Ok(None),
    }
}

/// Keys need an owner before anyone has made one: the first use makes all three rows.
fn default_user(transaction: &Transaction<'_>, now_ms: i64) -> Result<i64, StoreFault> {
    let known = transaction
        .query_row(
            "SELECT id FROM users WHERE email = ?1",
            [DEFAULT_EMAIL],
            |row| row.get(0),
        )
        .optional()?;
    if let Some(user_id) = known {
        return Ok(user_id);
    }
    let org_id: i64 = transaction.query_row(
        "INSERT INTO organisations (name, created_at) VALUES (?1, ?2) \
         ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id",
        params![DEFAULT_NAME, now_ms],
        |row| row.get(0),
    )?;
    let team_id: i64 = transaction.query_row(
        "INSERT INTO teams (org_id, name, created_at) VALUES (?1, ?2, ?3) \
         ON CONFLICT (org_id, name) DO UPDATE SET name = excluded.name RETURNING id",
        params![org_id, DEFAULT_NAME, now_ms],
        |row| row.get(0),
    )?;
    Ok(transaction.query_row(
        "INSERT INTO users (org_id, team_id, email, name, is_admin, created_at) \
         VALUES (?1, ?2, ?3, ?4, 1, ?5) RETURNING id",
        params![org_id, team_id, DEFAULT_EMAIL, DEFAULT_NAME, now_ms],
        |row| row.get(0),
    )?)
}

/// Answers the row id. The first key of a user becomes its primary one.
fn insert(transaction: &Transaction<'_>, key: &NewKey, user_id: i64) -> Result<i64, StoreFault> {
    let models = key
        .models
        .as_ref()
        .map(|models| serde_json::Value::from(models.as_slice()).to_string());
    let hash = hex(&key.key_hash);
    let inserted = transaction.execute(
        "INSERT INTO api_keys (org_id, user_id, name, env, public_id, key_hash, pepper_version, \
         last4, models, requests_per_minute, tokens_per_minute, expires_at, created_at) \
         SELECT org_id, id, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12 FROM users WHERE id = ?1",
        params![
            user_id,
            key.name,
            key.env,
            key.public_id,
            hash,
            key.pepper_version,
            key.last4,
            models,
            key.requests_per_minute
                .and_then(|limit| i64::try_from(limit).ok()),
            key.tokens_per_minute
                .and_then(|limit| i64::try_from(limit).ok()),
            key.expires_at,
            key.created_at,
        ],
    )?;
    if inserted == 0 {
        return Err(StoreFault::NoSuchUser(user_id));
    }
    let id = transaction.last_insert_rowid();
    transaction.execute(
        "UPDATE users SET api_key_hash = ?2, version = version + 1 \
         WHERE id = ?1 AND api_key_hash IS NULL",
        params![user_id, hash],
    )?;
    Ok(id)
}

fn read(row: &Row<'_>) -> Result<KeyRow, StoreFault> {
    let id = row.get(0)?;
    let damaged = |column| StoreFault::Damaged {
        table: "api_keys",
        id,
        column,
    };
    let hash: String = row.get(7)?;
    let models: Option<String> = row.get(10)?;
    let models = models.map(|text| serde_json::from_str(&text)).transpose();
    Ok(KeyRow {
        id,
        org_id: row.get(1)?,
        team_id: row.get(2)?,
        user_id: row.get(3)?,
        name: row.get(4)?,
        env: row.get(5)?,
        public_id: row.get(6)?,
        key_hash: unhex(&hash).ok_or_else(|| damaged("key_hash"))?,
        pepper_version: row.get(8)?,
        last4: row.get(9)?,
        models: models.map_err(|_| damaged("models"))?,
        requests_per_minute: row.get::<_, Option<i64>>(11)?.map(i64::unsigned_abs),
        tokens_per_minute: row.get::<_, Option<i64>>(12)?.map(i64::unsigned_abs),
        is_active: row.get(13)?,
        expires_at: row.get(14)?,
        revoked_at: row.get(15)?,
        created_at: row.get(16)?,
    })
}

fn hex(hash: &[u8; 32]) -> String {
    blake3::Hash::from_bytes(*hash).to_hex().to_string()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    blake3::Hash::from_hex(text)
        .ok()
        .map(|hash| *hash.as_bytes())
}
