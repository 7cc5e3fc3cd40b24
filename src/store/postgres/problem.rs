//! Why: a database server can be in the way in more manners than a file can, and each has its
//! own remedy.

use super::fault::reason;
use super::migrate;
use std::path::PathBuf;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

/// Why a PostgreSQL server cannot be used. `Display` says what is wrong,
/// [`ServerProblem::hint`] what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum ServerProblem {
    /// What should be a URL is none.
    #[error("the URL cannot be understood")]
    Url,
    /// The file of authorities cannot be read.
    #[error("the file of certificate authorities {} cannot be used: {why}", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Nobody answers.
    #[error("cannot be reached: {0}")]
    Away(String),
    /// No encrypted connection comes about.
    #[error("no trusted encrypted connection: {0}")]
    Tls(String),
    /// The server refuses the login.
    #[error("refuses the login: {0}")]
    Login(String),
    /// There is no such database.
    #[error("has no such database: {0}")]
    NoDatabase(String),
    /// The server is older than those we know.
    #[error("is PostgreSQL {0}, which is too old")]
    TooOld(String),
    /// The server only reads.
    #[error("is a replica, which cannot be written")]
    Replica,
    /// The login may not do what is needed.
    #[error("does not allow it: {0}")]
    Forbidden(String),
    /// A later version of Alfred has changed the tables.
    #[error("written by a newer Alfred (tables {found}, this one knows {known})")]
    Newer {
        /// Migration number of the database.
        found: i32,
        /// Last migration number this program knows.
        known: i32,
    },
    /// A migration failed.
    #[error("the tables cannot be brought up to date: {}", migrate::words(.0))]
    Migration(#[source] refinery::Error),
    /// The resources of this process do not suffice.
    #[error("the threads that talk to it cannot be started: {0}")]
    Threads(#[source] std::io::Error),
    /// Any other answer.
    #[error("{0}")]
    Other(String),
}

impl ServerProblem {
    /// What a person can do about it, one sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Url => {
                "write it as postgres://user:password@host:5432/database, with special \
                 characters percent-encoded"
            }
            Self::Authorities { .. } => "egress.ca_file must name a PEM file of certificates",
            Self::Away(_) => {
                "check host and port in store.postgres.url, that the server runs, and that no \
                 firewall is in between"
            }
            Self::Tls(_) => {
                "name the authority of the server's certificate in egress.ca_file, use the host \
                 name that is in the certificate, or add ?sslmode=disable where the network is \
                 trusted"
            }
            Self::Login(_) => {
                "check user and password in store.postgres.url, and pg_hba.conf of the server"
            }
            Self::NoDatabase(_) => "create it with CREATE DATABASE, owned by the user of the URL",
            Self::TooOld(_) => "use PostgreSQL 14 or later",
            Self::Replica => {
                "let store.postgres.url name the primary; a replica belongs in \
                 store.postgres.replica_url"
            }
            Self::Forbidden(_) => {
                "make the user of the URL the owner of the database, or GRANT CREATE, USAGE ON \
                 SCHEMA public to it"
            }
            Self::Newer { .. } => "run that newer version, or restore the backup made before it",
            Self::Migration(_) => "make a backup with pg_dump before trying anything else",
            Self::Threads(_) => "raise the limits of this process (ulimit -u, the pids cgroup)",
            Self::Other(_) => "look into the log of the server",
        }
    }
}

impl From<Error> for ServerProblem {
    fn from(error: Error) -> Self {
        let Some(said) = error.as_db_error() else {
            let text = reason(&error);
            // The driver keeps its kinds to itself, but not their words.
            let begins = |words| text.starts_with(words);
            return match () {
                () if begins("error performing TLS handshake") => Self::Tls(text),
                () if text.ends_with("password missing") => Self::Login(text),
                () if begins("authentication error") => Self::Login(text),
                () if begins("invalid configuration") => Self::Url,
                () => Self::Away(text),
            };
        };
        let message = said.message().to_owned();
        match said.code() {
            code if *code == SqlState::INVALID_PASSWORD
                || *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION =>
            {
                Self::Login(message)
            }
            code if *code == SqlState::INVALID_CATALOG_NAME => Self::NoDatabase(message),
            code if *code == SqlState::INSUFFICIENT_PRIVILEGE => Self::Forbidden(message),
            code if *code == SqlState::READ_ONLY_SQL_TRANSACTION => Self::Replica,
            code if code.code().starts_with("57P") || code.code() == "53300" => Self::Away(message),
            code => Self::Other(format!("{message} ({})", code.code())),
        }
    }
}
