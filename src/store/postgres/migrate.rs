//! Why: the tables of PostgreSQL grow as those of SQLite do: forward only, all or none, and a
//! database that is ahead of this program is refused. Processes that start at once take turns.

use super::super::migrate::{POSTGRES, runner};
use super::problem::ServerProblem;
use tokio_postgres::{Client, Error};

/// The oldest server whose SQL we write.
const OLDEST: i32 = 140_000;

/// Brings the tables up to date. Costs two reads when they already are.
pub(super) async fn run(client: &mut Client) -> Result<(), ServerProblem> {
    check_server(client).await?;
    if is_current(client).await? {
        return Ok(());
    }
    if client
        .query_one("SELECT pg_is_in_recovery()", &[])
        .await?
        .try_get(0)?
    {
        return Err(ServerProblem::Replica);
    }
    // Held until the connection is closed, which is soon.
    let lock = "SET statement_timeout = 0; SET lock_timeout = '60s'; \
                SELECT pg_advisory_lock(7020098560677117952)";
    client.batch_execute(lock).await?;
    if is_current(client).await? {
        return Ok(());
    }
    forward(client)
        .await
        .map_err(|error| match said(&error).map(|said| said.code().code()) {
            Some("42501") => ServerProblem::Forbidden(words(&error)),
            Some("25006") => ServerProblem::Replica,
            _ => ServerProblem::Migration(error),
        })
}

async fn check_server(client: &Client) -> Result<(), ServerProblem> {
    let sql = "SELECT current_setting('server_version'), \
               current_setting('server_version_num')::int4, \
               current_setting('fsync'), current_setting('synchronous_commit')";
    let row = client.query_one(sql, &[]).await?;
    if row.try_get::<_, i32>(1)? < OLDEST {
        return Err(ServerProblem::TooOld(row.try_get(0)?));
    }
    for (at, name) in [(2, "fsync"), (3, "synchronous_commit")] {
        if row.try_get::<_, String>(at)? == "off" {
            log::warn!("PostgreSQL runs with {name} = off: a crash may lose what was paid last");
        }
    }
    Ok(())
}

async fn is_current(client: &Client) -> Result<bool, ServerProblem> {
    let known = POSTGRES.last().map_or(0, |(number, _, _)| *number);
    let found = applied(client).await?;
    if found > known {
        return Err(ServerProblem::Newer { found, known });
    }
    Ok(found == known)
}

async fn forward(client: &mut Client) -> Result<(), refinery::Error> {
    runner(POSTGRES)?.run_async(client).await.map(drop)
}

/// Number of the last migration the database has seen, 0 for an empty one.
async fn applied(client: &Client) -> Result<i32, Error> {
    let history = "SELECT to_regclass('refinery_schema_history') IS NOT NULL";
    if !client.query_one(history, &[]).await?.try_get(0)? {
        return Ok(0);
    }
    let last = "SELECT coalesce(max(version), 0)::int4 FROM refinery_schema_history";
    client.query_one(last, &[]).await?.try_get(0)
}

/// What PostgreSQL said, without the text of the migration.
pub(super) fn words(error: &refinery::Error) -> String {
    said(error).map_or_else(|| error.to_string(), |said| said.message().to_owned())
}

fn said(error: &refinery::Error) -> Option<&tokio_postgres::error::DbError> {
    match error.kind() {
        refinery::error::Kind::Connection(_, source) => {
            source.downcast_ref::<Error>()?.as_db_error()
        }
        _ => None,
    }
}
