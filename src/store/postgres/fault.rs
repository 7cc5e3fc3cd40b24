//! Why: what PostgreSQL says decides three things: whether to try again, whether the connection
//! is still of use, and what callers are told.

use super::super::StoreFault;
use std::error::Error as _;
use std::io;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};

/// How often a unit of work is tried that others, or the network, got in the way of.
const TRIES: u32 = 10;
/// Who inserted the same row first has committed by now: the next try finds it, or never will.
const TRIES_OF_DUPLICATES: u32 = 3;

/// A failure of one statement.
pub(super) struct Failure {
    /// What callers are told.
    pub(super) fault: StoreFault,
    /// How often it is tried in all: nothing was done, and the next try may do better.
    pub(super) tries: u32,
    /// The connection is of no more use.
    pub(super) gone: bool,
}

impl Failure {
    /// The server does not answer.
    pub(super) fn away(why: &str) -> Self {
        log::debug!("the database server is away: {why}");
        Self {
            fault: StoreFault::Away,
            tries: TRIES,
            gone: true,
        }
    }

    /// A failure that trying again does not mend.
    pub(super) fn of(fault: StoreFault) -> Self {
        Self {
            fault,
            tries: 1,
            gone: false,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if let Some(said) = error.as_db_error() {
            return from_server(said);
        }
        let broken = error.source().is_some_and(|cause| cause.is::<io::Error>());
        if error.is_closed() || broken {
            return Self::away(&reason(&error));
        }
        // A parameter or a column of the wrong kind, an answer out of turn, a failed handshake.
        Self {
            fault: StoreFault::Server {
                message: reason(&error),
            },
            tries: 1,
            gone: true,
        }
    }
}

fn from_server(said: &DbError) -> Failure {
    let code = said.code();
    if *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED {
        return Failure {
            fault: StoreFault::Busy,
            tries: TRIES,
            gone: false,
        };
    }
    if is_leaving(code) {
        return Failure::away(said.message());
    }
    // Another version has changed a table under a prepared statement, someone forgot it, or the
    // server has become a replica and another one is the primary now.
    let is_stale = *code == SqlState::INVALID_SQL_STATEMENT_NAME
        || *code == SqlState::READ_ONLY_SQL_TRANSACTION
        || *code == SqlState::FEATURE_NOT_SUPPORTED && said.message().contains("cached plan");
    let fault = match code {
        code if *code == SqlState::LOCK_NOT_AVAILABLE => StoreFault::Locked,
        code if *code == SqlState::DISK_FULL => StoreFault::Full,
        code if *code == SqlState::UNIQUE_VIOLATION => StoreFault::Duplicate,
        code => StoreFault::Server {
            message: format!("{} (SQLSTATE {})", said.message(), code.code()),
        },
    };
    let tries = match fault {
        _ if is_stale => TRIES,
        StoreFault::Duplicate => TRIES_OF_DUPLICATES,
        _ => 1,
    };
    Failure {
        fault,
        tries,
        gone: is_stale,
    }
}

/// The server closes, has just started, or is full.
fn is_leaving(code: &SqlState) -> bool {
    let code = code.code();
    code.starts_with("08") || code.starts_with("57P") || code == "53300"
}

/// An error with its causes. Never a password: the driver keeps it out of its errors.
pub(super) fn reason(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}
