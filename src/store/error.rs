//! Why: a store fails in two moods. At the start a person can mend it ([`StoreProblem`], with
//! what to do); later it is a fault of the house ([`StoreFault`]). Both keep the cause typed.

use super::migrate;
use rusqlite::ErrorCode;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Why the store cannot be opened. `Display` says what is wrong, [`StoreProblem::hint`] what
/// to do about it.
#[derive(Debug, thiserror::Error)]
pub enum StoreProblem {
    /// The directory or the file cannot be created or opened.
    #[error("{}: cannot be opened: {source}", path.display())]
    Unreachable {
        /// What was to be opened.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// The file or its directory cannot be written.
    #[error("{}: the database is read-only", path.display())]
    ReadOnly {
        /// The database file.
        path: PathBuf,
    },
    /// Another process keeps the database to itself.
    #[error("{}: the database is locked by another process", path.display())]
    Locked {
        /// The database file.
        path: PathBuf,
    },
    /// The file is not a database, or a damaged one.
    #[error("{}: not a database, or damaged", path.display())]
    Corrupt {
        /// The database file.
        path: PathBuf,
    },
    /// A later version of Alfred has changed the tables.
    #[error("{}: written by a newer Alfred (tables {found}, this one knows {known})", path.display())]
    Newer {
        /// The database file.
        path: PathBuf,
        /// Migration number of the database.
        found: i32,
        /// Last migration number this program knows.
        known: i32,
    },
    /// The server is not there, or says no in another way.
    #[error("the database server cannot be used: {message}")]
    Server {
        /// What it says, without credentials.
        message: String,
    },
    /// The server knows no such user, or another password.
    #[error("the database server refuses the login: {message}")]
    Login {
        /// What it says.
        message: String,
    },
    /// The server has no such database.
    #[error("the database server has no such database: {message}")]
    NoDatabase {
        /// What it says.
        message: String,
    },
    /// The user may not do what is needed.
    #[error("the database user lacks a permission: {message}")]
    NoPermission {
        /// What it says.
        message: String,
    },
    /// The server does not know the SQL that is spoken.
    #[error("the database server is PostgreSQL {found}; {oldest} or later is needed")]
    TooOld {
        /// Its version.
        found: u32,
        /// The oldest that will do.
        oldest: u32,
    },
    /// A later version of Alfred has changed the server's tables.
    #[error("the tables were written by a newer Alfred (tables {found}, this one knows {known})")]
    NewerTables {
        /// Migration number of the database.
        found: i32,
        /// Last migration number this program knows.
        known: i32,
    },
    /// A migration failed.
    #[error("{}: the tables cannot be brought up to date: {}", path.display(), migrate::reason(source))]
    Migration {
        /// The database file.
        path: PathBuf,
        /// What the migration tool says.
        source: refinery::Error,
    },
    /// Any other answer of the database.
    #[error("{}: {source}", path.display())]
    Database {
        /// The database file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
}

impl StoreProblem {
    /// What a person can do about it, one sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => {
                "check that data_dir exists, or can be created, and belongs to this user"
            }
            Self::ReadOnly { .. } => {
                "make data_dir and the files in it writable for this user; the volume may be \
                 mounted read-only"
            }
            Self::Locked { .. } => {
                "stop the program that holds it (a backup, a database tool, another Alfred) and \
                 start again"
            }
            Self::Corrupt { .. } => {
                "restore the file from a backup, or move it away to start with an empty store; \
                 all keys in it are lost then"
            }
            Self::Server { .. } => {
                "see that the server runs and that `store.postgres.url` names its host and port"
            }
            Self::Login { .. } => "mend user and password in `store.postgres.url`",
            Self::NoDatabase { .. } => {
                "create the database, or name another in `store.postgres.url`"
            }
            Self::NoPermission { .. } => "make the user owner of the database's schema",
            Self::TooOld { .. } => "upgrade the server",
            Self::NewerTables { .. } => {
                "run that newer version, or restore the backup made before it"
            }
            Self::Newer { .. } => "run that newer version, or restore the backup made before it",
            Self::Migration { .. } | Self::Database { .. } => {
                "keep a copy of data_dir before trying anything else"
            }
        }
    }

    /// Sorts what the file system says into the words above.
    pub(super) fn from_io(path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
            _ => Self::Unreachable { path, source },
        }
    }

    /// Sorts what SQLite says into the words above.
    pub(super) fn from_sqlite(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_path_buf();
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked { path },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly { path },
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::Corrupt { path },
            Some(ErrorCode::CannotOpen) => Self::Unreachable {
                path,
                source: io::Error::other(source),
            },
            _ => Self::Database { path, source },
        }
    }
}

/// Why a running store could not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreFault {
    /// Another process held the database longer than we wait.
    #[error("the database is locked by another process")]
    Locked,
    /// The disk is full.
    #[error("the disk under data_dir is full")]
    Full,
    /// The key's owner does not exist.
    #[error("there is no user {0}")]
    NoSuchUser(i64),
    /// The public id is already in use.
    #[error("the public id is already taken")]
    Taken,
    /// A value breaks a rule of the tables (a length, a sign, a form).
    #[error("the store refuses the value: {0}")]
    Refused(&'static str),
    /// A row does not hold what its column promises; someone else wrote it.
    #[error("row {id} of {table} is damaged: {column}")]
    Damaged {
        /// Table name.
        table: &'static str,
        /// Row id.
        id: i64,
        /// Column name.
        column: &'static str,
    },
    /// A column does not hold the kind of value that it should.
    #[error("column {column} of an answer holds something else than it should")]
    Unreadable {
        /// Position in the statement, from 0.
        column: usize,
    },
    /// A row that must exist is not there.
    #[error("a row that must exist is missing")]
    Missing,
    /// One settlement of a batch can never be posted; nothing of the batch was.
    #[error("settlement {index} of the batch cannot be posted: {why}")]
    Unpostable {
        /// Which, counted from 0.
        index: usize,
        /// Why.
        why: &'static str,
    },
    /// The wallet holds less than is asked for, or has leased it.
    #[error("wallet {wallet} has not so much money that is not leased")]
    InsufficientUnleased {
        /// Which.
        wallet: i64,
    },
    /// A sum is larger than an amount can be.
    #[error("an amount is out of range")]
    OutOfRange,
    /// The holder is no longer live: it may settle, never lease.
    #[error("this process has been fenced: it was silent for too long")]
    Fenced,
    /// The connection broke while a commit was under way: it may have happened or not.
    #[error("the connection to the database broke during a commit")]
    Uncertain,
    /// The database server cannot be reached now.
    #[error("the database server cannot be reached")]
    Away,
    /// Any other answer of the database server.
    #[error("the database failed: {message}")]
    Server {
        /// What it says, without values.
        message: String,
    },
    /// A mistake of the house: the database had already ended the transaction.
    #[error("a unit of work went on after one of its statements had failed")]
    WentOn,
    /// There is no such row, or it lies outside the scope of whoever asks.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// Another row stands in the way.
    #[error("{0}")]
    Conflict(&'static str),
    /// The row has been changed since it was read.
    #[error("the row has been changed meanwhile: it is at version {current}")]
    Stale {
        /// Version of the row now.
        current: i64,
    },
    /// The idempotency key was used for another request.
    #[error("the idempotency key was used for another request")]
    OtherRequest,
    /// Any other answer of the database.
    #[error("the database failed: {0}")]
    Database(#[source] rusqlite::Error),
}

impl From<rusqlite::Error> for StoreFault {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            Some(ErrorCode::DiskFull) => Self::Full,
            _ => Self::Database(error),
        }
    }
}

impl StoreFault {
    /// Whether the same call may succeed later: whatever is not the fault of what was asked.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        !matches!(
            self,
            Self::Unpostable { .. }
                | Self::Refused(_)
                | Self::OutOfRange
                | Self::Missing
                | Self::Damaged { .. }
                | Self::Unreadable { .. }
        )
    }
}
