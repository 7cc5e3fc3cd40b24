//! Why: the store of a fleet. Several processes share one PostgreSQL; each has a few connections,
//! and a small runtime of its own on which blocking callers wait.
//!
//! A commit whose answer is lost may have happened: that is [`StoreFault::Uncertain`], and whoever
//! asked sends again what may be sent twice. Everything else is tried again here where that can
//! help.

mod listen;
mod session;
mod setup;

use std::fmt;
use std::future::Future;
use std::time::Duration;

use deadpool_postgres::{Object, Pool};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;

use super::sql::{Engine, Sql, SqlStore, Work};
use super::{StoreFault, StoreProblem};
use session::Session;
pub use setup::PostgresSettings;
pub(in crate::store) use setup::sorted;

/// A store in PostgreSQL.
pub type PgStore = SqlStore<Postgres>;

/// Names the lock under which governance happens one at a time, in all processes.
const GOVERNANCE: i64 = 0x616c_6672_6564_0001;
/// How often a unit of work is tried that others got in the way of.
const TRIES: u32 = 10;
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_millis(200);
/// No answer of the database takes longer; the server's own limits are shorter.
const PATIENCE: Duration = Duration::from_secs(45);
/// Units of governance that may wait for their lock at once: money must not wait behind them.
const WAITING: usize = 2;

/// One PostgreSQL database, perhaps with a replica.
pub struct Postgres {
    /// Always there but while it is being dropped.
    runtime: Option<Runtime>,
    primary: Pool,
    replica: Option<Pool>,
    governance: Semaphore,
    settings: PostgresSettings,
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").finish_non_exhaustive()
    }
}

impl PgStore {
    /// Connects, and brings the tables up to date. Blocks; not to be called from async code.
    pub fn open(settings: &PostgresSettings) -> Result<Self, StoreProblem> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("store")
            .enable_all()
            .build()
            .map_err(|error| setup::problem(&error))?;
        let (primary, replica) = runtime.block_on(setup::pools(settings))?;
        Ok(Self::new(Postgres {
            runtime: Some(runtime),
            primary,
            replica,
            governance: Semaphore::new(WAITING),
            settings: settings.clone(),
        }))
    }

    /// What other processes tell, as it comes; whoever listens need not poll so often. The
    /// connection is made anew when it breaks.
    pub fn listen(&self) -> std::sync::mpsc::Receiver<String> {
        let (sender, receiver) = std::sync::mpsc::channel();
        if let Some(runtime) = &self.engine.runtime {
            runtime.spawn(listen::forever(self.engine.settings.clone(), sender));
        }
        receiver
    }
}

impl Drop for Postgres {
    /// A runtime that is dropped in async code would wait, which is forbidden there.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Postgres {
    /// Waits for the database, but not for ever.
    fn wait<T>(
        &self,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, StoreFault> {
        let runtime = self.runtime.as_ref().ok_or(StoreFault::Away)?;
        runtime.block_on(async {
            match tokio::time::timeout(PATIENCE, answer).await {
                Ok(answer) => answer.map_err(|error| setup::fault(&error)),
                Err(_) => Err(StoreFault::Away),
            }
        })
    }

    fn connection(&self, kind: Work) -> Result<Object, StoreFault> {
        let runtime = self.runtime.as_ref().ok_or(StoreFault::Away)?;
        if let (Work::Read, Some(replica)) = (kind, &self.replica)
            && let Ok(connection) = runtime.block_on(replica.get())
        {
            return Ok(connection);
        }
        let connection = runtime.block_on(self.primary.get());
        connection.map_err(|error| {
            log::debug!("no connection to the database: {error}");
            StoreFault::Away
        })
    }

    fn once<T>(
        &self,
        kind: Work,
        work: &mut dyn FnMut(&mut dyn Sql) -> Result<T, StoreFault>,
    ) -> Result<T, StoreFault> {
        let unit = Unit(Some(self.connection(kind)?));
        let connection = unit.0.as_ref().ok_or(StoreFault::Away)?;
        self.wait(connection.batch_execute(begin(kind)))?;
        let mut session = Session::new(self, connection);
        if kind == Work::Governance {
            session.lock(GOVERNANCE)?;
        }
        let answer = work(&mut session);
        let done = match (&answer, session.has_failed()) {
            (Ok(_), false) => self.commit(connection),
            (Ok(_), true) => Err(StoreFault::WentOn),
            // A connection that cannot roll back is not used again.
            (Err(_), _) => {
                self.wait(connection.batch_execute("ROLLBACK"))?;
                return unit.end(answer);
            }
        };
        match done {
            Ok(()) => unit.end(answer),
            Err(fault) => Err(fault),
        }
    }

    fn commit(&self, connection: &Object) -> Result<(), StoreFault> {
        match self.wait(connection.batch_execute("COMMIT")) {
            // Whether it happened is not known.
            Err(StoreFault::Away) => Err(StoreFault::Uncertain),
            done => done,
        }
    }
}

fn begin(kind: Work) -> &'static str {
    match kind {
        Work::Read | Work::ReadLatest => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        Work::Money | Work::Governance => "BEGIN ISOLATION LEVEL READ COMMITTED",
    }
}

/// A connection in use. Whatever leaves it in the middle of a transaction, a panic included,
/// takes it out of the pool.
struct Unit(Option<Object>);

impl Unit {
    /// The transaction is over: the connection may be used again.
    fn end<T>(mut self, answer: Result<T, StoreFault>) -> Result<T, StoreFault> {
        drop(self.0.take());
        answer
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(Object::take(connection));
        }
    }
}

impl Engine for Postgres {
    fn run<T>(
        &self,
        kind: Work,
        work: &mut dyn FnMut(&mut dyn Sql) -> Result<T, StoreFault>,
    ) -> Result<T, StoreFault> {
        let _turn = match (kind, &self.runtime) {
            (Work::Governance, Some(runtime)) => runtime.block_on(self.governance.acquire()).ok(),
            _ => None,
        };
        for attempt in 1.. {
            match self.once(kind, work) {
                Err(StoreFault::Locked) if attempt < TRIES => pause(attempt),
                answer => return answer,
            }
        }
        Err(StoreFault::Locked)
    }
}

fn pause(attempt: u32) {
    let longest = Duration::from_millis(5 << attempt.min(6)).min(LONGEST_PAUSE);
    std::thread::sleep(longest.mul_f64(fastrand::f64()));
}
