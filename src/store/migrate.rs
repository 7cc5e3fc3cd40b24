//! Why: the tables grow with the program. Migrations only go forward, and all or none;
//! a database that is ahead of this program is refused rather than half understood.

use super::StoreProblem;
use refinery::{Migration, Runner};
use rusqlite::{Connection, ErrorCode, OptionalExtension};
use std::path::Path;

/// A migration: number, name as refinery wants it, SQL.
pub(super) type Step = (i32, &'static str, &'static str);

/// Both databases have the same migrations, each in its own words.
macro_rules! steps {
    ($database:literal) => {
        &[
            (1, "V0001__entities", steps!(@ $database, "V0001__entities")),
            (2, "V0002__money", steps!(@ $database, "V0002__money")),
            (3, "V0003__denied_tokens", steps!(@ $database, "V0003__denied_tokens")),
            (4, "V0004__settle_faster", steps!(@ $database, "V0004__settle_faster")),
            (5, "V0005__guards", steps!(@ $database, "V0005__guards")),
            (6, "V0006__last_used", steps!(@ $database, "V0006__last_used")),
        ]
    };
    (@ $database:literal, $name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/", $database, "/", $name, ".sql"))
    };
}

/// The migrations in order.
const MIGRATIONS: &[Step] = steps!("sqlite");
pub(super) const POSTGRES: &[Step] = steps!("postgres");

/// Brings the tables up to date. Costs one read when they already are.
///
/// Two processes may start on one fresh directory. The slower one fails, because the tables
/// exist by then, and finds the work done when it looks again.
pub(super) fn run(connection: &mut Connection, path: &Path) -> Result<(), StoreProblem> {
    let known = MIGRATIONS.last().map_or(0, |(number, _, _)| *number);
    let problem = |error| StoreProblem::from_sqlite(path, error);
    let mut before = None;
    loop {
        let found = applied(connection).map_err(problem)?;
        if found == known {
            return Ok(());
        }
        let path = path.to_path_buf();
        if found > known {
            return Err(StoreProblem::Newer { path, found, known });
        }
        if let Err(source) = forward(connection) {
            if is_busy(&source) {
                return Err(StoreProblem::Locked { path });
            }
            if before == Some(found) {
                return Err(StoreProblem::Migration { path, source });
            }
        }
        before = Some(found);
    }
}

fn is_busy(error: &refinery::Error) -> bool {
    let code = sqlite_error(error).and_then(rusqlite::Error::sqlite_error_code);
    code == Some(ErrorCode::DatabaseBusy)
}

/// What SQLite said, without the text of the migration.
pub(super) fn reason(error: &refinery::Error) -> String {
    match sqlite_error(error) {
        Some(rusqlite::Error::SqlInputError { msg, .. }) => msg.clone(),
        Some(error) => error.to_string(),
        None => error.to_string(),
    }
}

fn sqlite_error(error: &refinery::Error) -> Option<&rusqlite::Error> {
    match error.kind() {
        refinery::error::Kind::Connection(_, source) => source.downcast_ref(),
        _ => None,
    }
}

fn forward(connection: &mut Connection) -> Result<(), refinery::Error> {
    runner(MIGRATIONS)?.run(connection).map(drop)
}

pub(super) fn runner(steps: &[Step]) -> Result<Runner, refinery::Error> {
    let migrations = steps
        .iter()
        .map(|(_, name, sql)| Migration::unapplied(name, sql))
        .collect::<Result<Vec<_>, _>>()?;
    // Otherwise refinery commits a migration before it records it: a crash between the two
    // would leave a database that never opens again.
    Ok(Runner::new(&migrations).set_grouped(true))
}

/// Number of the last migration the database has seen, 0 for an empty one.
fn applied(connection: &Connection) -> rusqlite::Result<i32> {
    let has_history = connection
        .query_row(
            "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'refinery_schema_history'",
            [],
            |_| Ok(()),
        )
        .optional()?;
    if has_history.is_none() {
        return Ok(0);
    }
    connection.query_row(
        "SELECT coalesce(max(version), 0) FROM refinery_schema_history",
        [],
        |row| row.get(0),
    )
}
