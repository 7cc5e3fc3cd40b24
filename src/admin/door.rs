//! Why: away from loopback whoever knocks need not be friendly. There the port speaks TLS only, with the gateway's
//! certificate; and everywhere each caller gets a bounded time to say what they want, and all together a bounded number
//! of connections.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use rustls::server::ResolvesServerCert;
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::conf::TlsVersion;
use crate::reload::Reloader;

/// Connections at a time; further ones wait in the backlog.
const MOST: usize = 512;
/// For a handshake, for the header of a request, and between two requests.
const PATIENCE: Duration = Duration::from_secs(10);
/// A connection ends after this, once its request is answered.
const LIFE: Duration = Duration::from_secs(600);
/// Whoever takes longer to read an answer does not get the rest.
const GRACE: Duration = Duration::from_secs(60);
/// After a failed accept, which is usually a lack of file descriptors.
const BREATH: Duration = Duration::from_millis(50);

/// The port, and how it is spoken at.
pub(super) struct Door {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
}

impl Door {
    /// On loopback the door is plain; elsewhere it needs a certificate.
    pub(super) fn new(listener: TcpListener, reloader: &Reloader) -> io::Result<Self> {
        let tls = match listener.local_addr()?.ip().is_loopback() {
            true => None,
            false => Some(acceptor(reloader)?),
        };
        Ok(Self { listener, tls })
    }

    /// Whether nothing is said in the clear.
    pub(super) fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Serves until `shutdown` resolves. The future owns the connections: dropping it ends them.
    pub(super) async fn serve(self, router: Router, shutdown: impl Future<Output = ()>) {
        let mut connections = JoinSet::new();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => return,
                Some(_) = connections.join_next() => {}
                accepted = self.listener.accept(), if connections.len() < MOST => match accepted {
                    Ok((tcp, peer)) => {
                        connections.spawn(welcome(tcp, peer, self.tls.clone(), router.clone()));
                    }
                    Err(error) => {
                        log::warn!("the admin port did not accept a connection: {error}");
                        tokio::time::sleep(BREATH).await;
                    }
                },
            }
        }
    }
}

/// The certificate is asked for at each handshake, so that it can be replaced.
fn acceptor(reloader: &Reloader) -> io::Result<TlsAcceptor> {
    let shown = reloader.certificates().ok_or_else(|| {
        io::Error::other("away from loopback it needs `tls`, which is not configured")
    })?;
    let config = &reloader.status().gateway.config;
    let oldest = config.tls.as_ref().map(|tls| tls.min_version);
    let versions = match oldest {
        Some(TlsVersion::V1_2) => vec![&TLS13, &TLS12],
        Some(TlsVersion::V1_3) | None => vec![&TLS13],
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions)
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::clone(shown) as Arc<dyn ResolvesServerCert>);
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(tls)))
}

async fn welcome(tcp: TcpStream, peer: SocketAddr, tls: Option<TlsAcceptor>, router: Router) {
    let _ = tcp.set_nodelay(true);
    let Some(tls) = tls else {
        return converse(tcp, peer, router).await;
    };
    // What fails here is the peer's doing.
    if let Ok(Ok(stream)) = tokio::time::timeout(PATIENCE, tls.accept(tcp)).await {
        converse(stream, peer, router).await;
    }
}

async fn converse<S>(stream: S, peer: SocketAddr, router: Router)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        TowerToHyperService::new(router.clone()).call(request)
    });
    let conversation = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), service);
    let mut conversation = std::pin::pin!(conversation);
    if tokio::time::timeout(LIFE, conversation.as_mut())
        .await
        .is_ok()
    {
        return;
    }
    conversation.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(GRACE, conversation).await;
}
