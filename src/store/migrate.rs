//! Why: the tables grow with the program. Migrations only go forward, each in one transaction;
//! a database that is ahead of this program is refused rather than half understood.

use super::StoreProblem;
use refinery::{Migration, Runner};
use rusqlite::{Connection, OptionalExtension};
use std::path::Path;
use std::time::Duration;

/// The migrations in order: number, name as refinery wants it, SQL.
const MIGRATIONS: &[(i32, &str, &str)] = &[(
    1,
    "V0001__entities",
    include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/migrations/sqlite/V0001__entities.sql"
    )),
)];

/// Two processes may start on one fresh directory; the slower one finds the work done.
const TRIES: u32 = 5;
const BETWEEN_TRIES: Duration = Duration::from_millis(40);

/// Brings the tables up to date. Costs one read when they already are.
pub(super) fn run(connection: &mut Connection, path: &Path) -> Result<(), StoreProblem> {
    let known = MIGRATIONS.last().map_or(0, |(number, _, _)| *number);
    let mut tries = 0;
    loop {
        let found = applied(connection).map_err(|error| StoreProblem::from_sqlite(path, error))?;
        if found == known {
            return Ok(());
        }
        if found > known {
            let path = path.to_path_buf();
            return Err(StoreProblem::Newer { path, found, known });
        }
        tries += 1;
        match forward(connection) {
            Err(source) if tries == TRIES => {
                let path = path.to_path_buf();
                return Err(StoreProblem::Migration { path, source });
            }
            Err(_) => std::thread::sleep(BETWEEN_TRIES),
            Ok(()) => {}
        }
    }
}

fn forward(connection: &mut Connection) -> Result<(), refinery::Error> {
    let migrations = MIGRATIONS
        .iter()
        .map(|(_, name, sql)| Migration::unapplied(name, sql))
        .collect::<Result<Vec<_>, _>>()?;
    Runner::new(&migrations).run(connection).map(drop)
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
