//! Why: the default store. One file under `data_dir`, no server, safe against power loss, open
//! to the command line while the gateway runs.
//!
//! One connection behind a mutex writes, since SQLite has one writer at a time anyway; readers
//! have connections of their own and never wait for it. WAL lets other processes read and write
//! meanwhile.

mod session;
#[cfg(test)]
mod tests;

use super::sql::{Engine, Sql, SqlStore, Work};
use super::{StoreFault, StoreProblem, migrate};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use session::Session;
use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// File name of the database inside `data_dir`.
const FILE: &str = "alfred.db";
/// How long to wait for another process that is writing.
const PATIENCE: Duration = Duration::from_secs(5);
const BETWEEN_TRIES: Duration = Duration::from_millis(10);
/// Reading connections that are kept open; more are opened when more read at once.
const IDLE_READERS: usize = 4;
/// Statements that each connection keeps prepared.
const PREPARED: usize = 128;

/// A store in one SQLite file.
pub type SqliteStore = SqlStore<Sqlite>;

impl SqliteStore {
    /// Opens `data_dir/alfred.db`, made with its directory where missing (readable by this
    /// user alone), and brings its tables up to date.
    pub fn open(data_dir: &Path) -> Result<Self, StoreProblem> {
        Sqlite::open(data_dir, PATIENCE).map(Self::new)
    }

    /// A store that forgets everything when dropped.
    pub fn in_memory() -> Result<Self, StoreProblem> {
        Sqlite::in_memory().map(Self::new)
    }
}

/// One SQLite database.
#[derive(Debug)]
pub struct Sqlite {
    // Closed before the writer, which then folds the write-ahead log into the file.
    readers: Option<Readers>,
    writer: Mutex<Connection>,
}

/// Connections that cannot write. A database in memory has only the writer's.
#[derive(Debug)]
struct Readers {
    path: PathBuf,
    patience: Duration,
    idle: Mutex<Vec<Connection>>,
}

impl Sqlite {
    fn open(data_dir: &Path, patience: Duration) -> Result<Self, StoreProblem> {
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
                        readers: Some(Readers {
                            path,
                            patience,
                            idle: Mutex::default(),
                        }),
                        writer: Mutex::new(connection),
                    });
                }
            }
        }
    }

    fn in_memory() -> Result<Self, StoreProblem> {
        let path = Path::new(":memory:");
        let problem = |error| StoreProblem::from_sqlite(path, error);
        let mut connection = Connection::open_in_memory().map_err(problem)?;
        connection
            .pragma_update(None, "foreign_keys", true)
            .map_err(problem)?;
        connection.set_prepared_statement_cache_capacity(PREPARED);
        migrate::run(&mut connection, path)?;
        Ok(Self {
            readers: None,
            writer: Mutex::new(connection),
        })
    }
}

impl Engine for Sqlite {
    fn run<T>(
        &self,
        kind: Work,
        work: &mut dyn FnMut(&mut dyn Sql) -> Result<T, StoreFault>,
    ) -> Result<T, StoreFault> {
        match (kind, &self.readers) {
            (Work::Money | Work::Governance, _) => unit(
                &mut lock(&self.writer),
                TransactionBehavior::Immediate,
                work,
            ),
            (Work::Read | Work::ReadLatest, Some(readers)) => {
                let mut connection = readers.take()?;
                let answer = unit(&mut connection, TransactionBehavior::Deferred, work);
                readers.put_back(connection);
                answer
            }
            (Work::Read | Work::ReadLatest, None) => {
                let mut connection = lock(&self.writer);
                connection.pragma_update(None, "query_only", true)?;
                let answer = unit(&mut connection, TransactionBehavior::Deferred, work);
                connection.pragma_update(None, "query_only", false)?;
                answer
            }
        }
    }
}

impl Readers {
    fn take(&self) -> Result<Connection, StoreFault> {
        if let Some(connection) = lock(&self.idle).pop() {
            return Ok(connection);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(self.patience)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.set_prepared_statement_cache_capacity(PREPARED);
        Ok(connection)
    }

    fn put_back(&self, connection: Connection) {
        let mut idle = lock(&self.idle);
        if idle.len() < IDLE_READERS {
            idle.push(connection);
        }
    }
}

/// One transaction; whatever is not committed is undone, also when `work` panics.
fn unit<T>(
    connection: &mut Connection,
    behavior: TransactionBehavior,
    work: &mut dyn FnMut(&mut dyn Sql) -> Result<T, StoreFault>,
) -> Result<T, StoreFault> {
    let transaction = connection.transaction_with_behavior(behavior)?;
    let mut session = Session::new(&transaction);
    let answer = work(&mut session)?;
    session.close()?;
    transaction.commit()?;
    Ok(answer)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
    connection.set_prepared_statement_cache_capacity(PREPARED);
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
