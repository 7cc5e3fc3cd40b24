//! `alfred mock`: a provider whose behaviour stands in the model's name.
//!
//! A gateway is judged by what it does when providers misbehave, and no real provider does so on
//! demand. This one does: `mock/cut?after=3` closes the connection after three pieces. It speaks
//! OpenAI's dialect and Anthropic's over HTTP/1.1 and h2c on one port, is Alfred's built-in
//! provider (so that the first request costs nothing), stands behind the black-box tests and the
//! benchmarks, and keeps a usage log that the money proofs compare with the ledger.
//! `docs/reference/mock.md` lists the scenarios.

mod asked;
mod behaviour;
mod embedding;
mod exchange;
mod failure;
mod fault_body;
mod head;
mod instance;
mod journal;
mod models;
mod params;
mod refusal;
mod scenario;
mod script;
mod speech;
mod table;
mod voice;
mod wire;

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;

pub use self::scenario::{Param, Scenario, common_params, scenarios};

use self::exchange::Caller;
use self::journal::Journal;
use self::wire::{Socket, Wire};

/// Connections the kernel may queue before they are accepted: thousands come at once in tests.
const BACKLOG: u32 = 8192;
/// HTTP/2 streams per connection.
const STREAMS: u32 = 1024;
/// The pause after a failed accept, which is usually a lack of file descriptors.
const BREATH: Duration = Duration::from_millis(50);

/// How a mock is started.
#[derive(Debug, Clone)]
pub struct MockOptions {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where one JSON line per answered or abandoned request is appended, if anywhere.
    pub usage_log: Option<PathBuf>,
}

/// A scripted provider that is bound to its port.
#[derive(Debug)]
pub struct Mock {
    listener: TcpListener,
    addr: SocketAddr,
    journal: Arc<Journal>,
}

impl Mock {
    /// Opens the port and the usage log; connections wait in the backlog until [`Mock::serve`].
    pub async fn bind(opts: MockOptions) -> io::Result<Self> {
        let journal = Arc::new(Journal::new(opts.usage_log.as_deref())?);
        let socket = match opts.listen {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        socket.set_reuseaddr(true)?;
        socket.bind(opts.listen)?;
        let listener = socket.listen(BACKLOG)?;
        let addr = listener.local_addr()?;
        Ok(Self {
            listener,
            addr,
            journal,
        })
    }

    /// A mock on a port that is open already; call it on the runtime that will serve.
    pub fn from_listener(listener: TcpListener, usage_log: Option<&Path>) -> io::Result<Self> {
        let addr = listener.local_addr()?;
        Ok(Self {
            listener,
            addr,
            journal: Arc::new(Journal::new(usage_log)?),
        })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Answers until `shutdown` resolves, then drops every connection.
    ///
    /// The future owns the connections: dropping it ends them too.
    pub async fn serve(self, shutdown: impl Future<Output = ()> + Send) {
        let mut connections = JoinSet::new();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => return,
                accepted = self.listener.accept() => match accepted {
                    Ok((tcp, _)) => {
                        connections.spawn(converse(tcp, self.journal.clone()));
                    }
                    Err(error) => {
                        log::warn!(error:% = error; "mock: a connection was not accepted");
                        tokio::time::sleep(BREATH).await;
                    }
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }
}

/// Counts a connection while it is open.
struct Open(Arc<Journal>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open_connections.fetch_sub(1, Relaxed);
    }
}

async fn converse(tcp: TcpStream, journal: Arc<Journal>) {
    let Ok(socket) = Socket::new(tcp) else { return };
    journal.open_connections.fetch_add(1, Relaxed);
    let _open = Open(journal.clone());
    let caller = Caller {
        connection: journal.next_connection(),
        journal,
        socket: Arc::downgrade(&socket),
    };
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http2().max_concurrent_streams(STREAMS);
    let service = service_fn(|request| exchange::answer(caller.clone(), request));
    let wire = TokioIo::new(Wire(socket.clone()));
    let conversation = server.serve_connection(wire, service);
    tokio::select! {
        // Whatever goes wrong with a connection is the peer's doing, or what the script wanted.
        _ = conversation => {}
        () = socket.sentenced() => {}
    }
}
