//! Why: one transaction of PostgreSQL as callers that block see it. It is finished by
//! [`Session::commit`] or undone with its connection.

use super::super::StoreFault;
use super::super::sql::{Column, Row, Sql, Value, Work};
use super::fault::Failure;
use super::values::copied;
use deadpool_postgres::{Object, Pool, PoolError, TimeoutType};
use futures_util::SinkExt;
use std::pin::pin;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio_postgres::Error;
use tokio_postgres::types::{ToSql, Type};

/// A server that says nothing for this long is given up; its own limit comes first.
const ROUND_TRIP: Duration = Duration::from_secs(35);
/// Statements that a connection keeps prepared; with more it forgets them all and begins anew.
const PREPARED: usize = 500;

/// Settings of every transaction. They are set here and not once for a connection, so that a
/// pooler between us and the server cannot lose them.
macro_rules! begin {
    ($mode:literal) => {
        concat!(
            "BEGIN ",
            $mode,
            "; SET LOCAL statement_timeout = 30000; SET LOCAL lock_timeout = 10000; \
             SET LOCAL idle_in_transaction_session_timeout = 30000"
        )
    };
}

/// The statements that open a transaction. The lock of governance is one for the whole fleet.
fn opening(kind: Work) -> &'static str {
    match kind {
        // One snapshot for all statements, as SQLite gives.
        Work::Read | Work::ReadLatest => {
            begin!("ISOLATION LEVEL REPEATABLE READ READ ONLY")
        }
        // Its lists are long and always the same statements: planned anew for each batch, they took a
        // third of its time.
        Work::Money => concat!(
            begin!("ISOLATION LEVEL READ COMMITTED READ WRITE"),
            "; SET LOCAL plan_cache_mode = force_generic_plan"
        ),
        Work::Governance => concat!(
            begin!("ISOLATION LEVEL READ COMMITTED READ WRITE"),
            "; SELECT pg_advisory_xact_lock(7020098560677117953)"
        ),
    }
}

/// An open transaction.
pub(super) struct Session<'a> {
    handle: &'a Handle,
    kind: Work,
    /// Given back when the transaction has ended well; closed otherwise.
    client: Option<Object>,
    /// The first failure: the server has ended the transaction.
    failed: Option<Ended>,
}

#[derive(Clone, Copy)]
struct Ended {
    tries: u32,
    gone: bool,
}

impl<'a> Session<'a> {
    /// Takes a connection and opens a transaction.
    pub(super) fn begin(handle: &'a Handle, pool: &Pool, kind: Work) -> Result<Self, Failure> {
        let client = handle.block_on(pool.get()).map_err(unserved)?;
        if client.statement_cache.size() > PREPARED {
            client.statement_cache.clear();
        }
        let mut session = Self {
            handle,
            kind,
            client: Some(client),
            failed: None,
        };
        session.batch(opening(kind))?;
        Ok(session)
    }

    /// Ends the transaction. An error may leave open whether it was done: then it is
    /// [`StoreFault::Uncertain`].
    pub(super) fn commit(mut self) -> Result<(), Failure> {
        if self.failed.is_some() {
            self.rollback();
            return Err(Failure::of(StoreFault::WentOn));
        }
        let committed = self.batch("COMMIT");
        let writes = matches!(self.kind, Work::Money | Work::Governance);
        committed.map_err(|failure| {
            if failure.gone {
                self.close();
            }
            match failure.gone && writes {
                true => Failure::of(StoreFault::Uncertain),
                false => failure,
            }
        })?;
        self.give_back();
        Ok(())
    }

    /// Undoes the transaction; answers how often it is worth to be tried.
    pub(super) fn undo(mut self) -> u32 {
        self.rollback();
        self.failed.map_or(1, |ended| ended.tries)
    }

    fn rollback(&mut self) {
        let gone = self.failed.is_some_and(|ended| ended.gone);
        if !gone && self.batch("ROLLBACK").is_ok() {
            self.give_back();
        }
        self.close();
    }

    fn give_back(&mut self) {
        drop(self.client.take());
    }

    /// Whoever finds the connection in the pool must not find a transaction on it.
    fn close(&mut self) {
        if let Some(client) = self.client.take() {
            drop(Object::take(client));
        }
    }

    fn batch(&mut self, sql: &str) -> Result<(), Failure> {
        self.ask(async |client| client.batch_execute(sql).await)
    }

    /// One conversation with the server, which must end in time.
    fn ask<T>(
        &mut self,
        talk: impl AsyncFnOnce(&Object) -> Result<T, Error>,
    ) -> Result<T, Failure> {
        let answer = match &self.client {
            Some(client) => {
                let talk = async { tokio::time::timeout(ROUND_TRIP, talk(client)).await };
                match self.handle.block_on(talk) {
                    Ok(answer) => answer.map_err(Failure::from),
                    Err(_) => Err(Failure::away("it does not answer")),
                }
            }
            None => Err(Failure::away("the connection is closed")),
        };
        if let Err(failure) = &answer {
            self.failed.get_or_insert(Ended {
                tries: failure.tries,
                gone: failure.gone,
            });
        }
        answer
    }

    /// What the server never saw has failed all the same.
    fn note_fault(&mut self) {
        self.failed.get_or_insert(Ended {
            tries: 1,
            gone: false,
        });
    }

    /// Prepares, runs and reads a statement; a failure of our own counts like the server's.
    fn statement<T>(
        &mut self,
        sql: &str,
        params: &[Value],
        talk: impl AsyncFnOnce(
            &Object,
            &tokio_postgres::Statement,
            &[&(dyn ToSql + Sync)],
        ) -> Result<T, Error>,
    ) -> Result<T, StoreFault> {
        let checked = params.iter().try_for_each(Value::check);
        checked.inspect_err(|_| self.note_fault())?;
        let types: Vec<Type> = params.iter().map(Value::declared).collect();
        let params: Vec<_> = params
            .iter()
            .map(|value| value as &(dyn ToSql + Sync))
            .collect();
        let answer = self.ask(async |client| {
            let statement = client.prepare_typed_cached(sql, &types).await?;
            talk(client, &statement, &params).await
        });
        answer.map_err(|failure| failure.fault)
    }
}

impl Drop for Session<'_> {
    /// Also when the work panics.
    fn drop(&mut self) {
        self.close();
    }
}

impl Sql for Session<'_> {
    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, StoreFault> {
        self.statement(sql, params, async |client, statement, params| {
            client.execute(statement, params).await
        })
    }

    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreFault> {
        let rows = self.statement(sql, params, async |client, statement, params| {
            client.query(statement, params).await
        })?;
        rows.iter().map(read).collect()
    }

    fn insert_many(
        &mut self,
        table: &'static str,
        columns: &[Column],
        rows: &[Vec<Value>],
    ) -> Result<(), StoreFault> {
        if rows.is_empty() {
            return Ok(());
        }
        let rows = copied(columns, rows).inspect_err(|_| self.note_fault())?;
        let names: Vec<_> = columns.iter().map(|column| column.name()).collect();
        // Half the time of an INSERT: the server writes a page of rows at once.
        let sql = format!("COPY {table} ({}) FROM STDIN BINARY", names.join(", "));
        let answer = self.ask(async |client| {
            let statement = client.prepare_cached(&sql).await?;
            let mut sink = pin!(client.copy_in(&statement).await?);
            sink.send(rows).await?;
            sink.finish().await
        });
        answer.map(drop).map_err(|failure| failure.fault)
    }

    fn locks_rows(&self) -> bool {
        true
    }

    fn notify(&mut self, message: &str) -> Result<(), StoreFault> {
        let message = [Value::from(message)];
        self.execute("SELECT pg_notify('alfred', $1)", &message)
            .map(drop)
    }
}

fn read(row: &tokio_postgres::Row) -> Result<Row, StoreFault> {
    let values = (0..row.len()).map(|at| {
        row.try_get(at)
            .map_err(|_| StoreFault::Unreadable { column: at })
    });
    values.collect::<Result<_, _>>().map(Row)
}

/// Why the pool has no connection to give.
fn unserved(error: PoolError) -> Failure {
    match error {
        PoolError::Backend(error) => error.into(),
        PoolError::Timeout(TimeoutType::Wait) => Failure::of(StoreFault::Busy),
        PoolError::Timeout(_) => Failure::away("it does not answer"),
        error => Failure::away(&error.to_string()),
    }
}
