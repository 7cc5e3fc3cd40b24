//! Why: several gateways share one truth. The money and the people of a fleet live in one
//! PostgreSQL database, spoken to over few connections from threads that may wait.
//!
//! Every method blocks and must be called outside of async code.

mod fault;
mod listen;
mod migrate;
mod problem;
mod server;
mod session;
#[cfg(test)]
mod tests;
mod tls;
mod values;

use super::sql::{Engine, Sql, SqlStore, Work};
use super::{StoreFault, StoreProblem};
use fault::Failure;
pub use problem::ServerProblem;
use server::Server;
use session::Session;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{Semaphore, SemaphorePermit};

/// A store in a PostgreSQL database.
pub type PgStore = SqlStore<Postgres>;

impl PgStore {
    /// Connects, and brings the tables up to date.
    pub fn open(settings: &PostgresSettings) -> Result<Self, StoreProblem> {
        Postgres::open(settings).map(Self::new)
    }

    /// What any process tells from now on by [`Sql::notify`] or a trigger, once it is committed.
    /// The connection is made anew when it breaks; then everything is told, as anything may have
    /// been missed.
    pub fn listen(&self) -> Receiver<String> {
        let (told, heard) = mpsc::channel();
        if let Some(runtime) = &self.engine.runtime {
            // It ends with the runtime, which ends with the store.
            runtime.spawn(listen::forever(Arc::clone(&self.engine.primary), told));
        }
        heard
    }
}

/// How a PostgreSQL database is reached.
#[derive(Clone)]
pub struct PostgresSettings {
    /// `postgres://user:password@host:port/database?sslmode=…`
    pub url: String,
    /// The same of a replica that may be asked for what may be a little behind.
    pub replica_url: Option<String>,
    /// Connections of this process, to each of them.
    pub pool: usize,
    /// PEM file of authorities that are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
}

impl fmt::Debug for PostgresSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresSettings")
            .field("url", &"***")
            .field("pool", &self.pool)
            .finish_non_exhaustive()
    }
}

/// Fewer connections would let one kind of work starve another.
const SMALLEST_POOL: usize = 4;
/// Threads that move the bytes; callers wait on their own.
const THREADS: usize = 2;
/// After this time no other try is begun.
const TRY_FOR: Duration = Duration::from_secs(3);
/// The pause after the first try; it doubles.
const PAUSE: Duration = Duration::from_millis(4);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// How long a unit of work waits for its turn among its kind.
const TURN: Duration = Duration::from_secs(10);
/// How long a replica that was away is not asked.
const REST: Duration = Duration::from_secs(5);
/// How long a server that is just starting is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// One PostgreSQL database.
pub struct Postgres {
    primary: Arc<Server>,
    replica: Option<Replica>,
    /// Governance is one at a time anyway: whoever waits for that shall not hold a connection.
    governance: Semaphore,
    /// Long readers leave connections to those who move money.
    readers: Semaphore,
    runtime: Option<Runtime>,
}

struct Replica {
    server: Server,
    /// Milliseconds after `born` until which it rests.
    rests: AtomicU64,
    born: Instant,
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Postgres").field(&self.primary.name).finish()
    }
}

impl Drop for Postgres {
    /// A runtime may not be waited for inside another one.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Postgres {
    fn open(settings: &PostgresSettings) -> Result<Self, StoreProblem> {
        let at = |server: &str, problem| StoreProblem::Server {
            server: server.to_owned(),
            problem,
        };
        let size = settings.pool.max(SMALLEST_POOL);
        let server = |field, url: &str| {
            Server::new(url, size, settings.ca_file.as_deref())
                .map_err(|problem| at(field, problem))
        };
        let primary = server("store.postgres.url", &settings.url)?;
        let replica = settings.replica_url.as_deref().map(|url| {
            server("store.postgres.replica_url", url).map(|server| Replica {
                server,
                rests: AtomicU64::new(0),
                born: Instant::now(),
            })
        });
        let replica = replica.transpose()?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("alfred-store")
            .enable_all()
            .build()
            .map_err(|error| at(&primary.name, ServerProblem::Threads(error)))?;
        let postgres = Self {
            primary: Arc::new(primary),
            replica,
            governance: Semaphore::new(1),
            readers: Semaphore::new(size / 2),
            runtime: Some(runtime),
        };
        postgres
            .migrate()
            .map_err(|problem| at(&postgres.primary.name, problem))?;
        Ok(postgres)
    }

    fn migrate(&self) -> Result<(), ServerProblem> {
        let deadline = Instant::now() + PATIENCE;
        let handle = self.handle()?;
        loop {
            let done = handle.block_on(async {
                let (mut client, connection) = self.primary.connect().await?;
                let driver = handle.spawn(connection);
                let done = migrate::run(&mut client).await;
                driver.abort();
                done
            });
            match done {
                Err(ServerProblem::Away(why))
                    if why.contains("starting up") && Instant::now() < deadline =>
                {
                    thread::sleep(LONGEST_PAUSE);
                }
                done => return done,
            }
        }
    }

    fn handle(&self) -> Result<&Handle, ServerProblem> {
        let handle = self.runtime.as_ref().map(Runtime::handle);
        handle.ok_or_else(|| ServerProblem::Other("the store is closed".to_owned()))
    }

    /// Tries until it is done, or there is no more hope.
    fn persist<T>(
        &self,
        server: &Server,
        kind: Work,
        work: &mut dyn FnMut(&mut dyn Sql) -> Result<T, StoreFault>,
    ) -> Result<T, StoreFault> {
        let begun = Instant::now();
        let mut pause = PAUSE;
        let mut tries = 1;
        loop {
            let failure = match self.once(server, kind, work) {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            if tries >= failure.tries || begun.elapsed() > TRY_FOR {
                return Err(failure.fault);
            }
            tries += 1;
            thread::sleep(pause.mul_f64(0.5 + fastrand::f64() / 2.0));
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    fn once<T>(
        &self,
        server: &Server,
        kind: Work,
        work: &mut dyn FnMut(&mut dyn Sql) -> Result<T, StoreFault>,
    ) -> Result<T, Failure> {
        let handle = self
            .handle()
            .map_err(|why| Failure::away(&why.to_string()))?;
        let mut session = Session::begin(handle, &server.pool, kind)?;
        match work(&mut session) {
            Ok(answer) => session.commit().map(|()| answer),
            Err(fault) => Err(Failure {
                tries: session.undo(),
                ..Failure::of(fault)
            }),
        }
    }

    fn turn<'a>(&self, kind: &'a Semaphore) -> Result<SemaphorePermit<'a>, StoreFault> {
        let handle = self.handle().map_err(|_| StoreFault::Away)?;
        let turn = handle.block_on(async { tokio::time::timeout(TURN, kind.acquire()).await });
        turn.ok().and_then(Result::ok).ok_or(StoreFault::Busy)
    }
}

impl Engine for Postgres {
    fn run<T>(
        &self,
        kind: Work,
        work: &mut dyn FnMut(&mut dyn Sql) -> Result<T, StoreFault>,
    ) -> Result<T, StoreFault> {
        let _turn = match kind {
            Work::Money => None,
            Work::Governance => Some(self.turn(&self.governance)?),
            Work::Read | Work::ReadLatest => Some(self.turn(&self.readers)?),
        };
        if kind == Work::Read
            && let Some(replica) = self
                .replica
                .as_ref()
                .filter(|replica| !replica.is_resting())
        {
            match self.once(&replica.server, kind, work) {
                Err(failure) if failure.gone || failure.tries > 1 => replica.rest(&failure.fault),
                answer => return answer.map_err(|failure| failure.fault),
            }
        }
        self.persist(&self.primary, kind, work)
    }
}

impl Replica {
    fn now(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn is_resting(&self) -> bool {
        self.now() < self.rests.load(Ordering::Relaxed)
    }

    fn rest(&self, fault: &StoreFault) {
        log::warn!(
            "{}: the primary answers in its place: {fault}",
            self.server.name
        );
        let rest = u64::try_from(REST.as_millis()).unwrap_or(0);
        self.rests.store(self.now() + rest, Ordering::Relaxed);
    }
}
