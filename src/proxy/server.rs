//! Starts Pingora with the proxy and the supervisor of background work, and runs it to the end.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pingora_core::apps::HttpServerOptions;
use pingora_core::listeners::ListenerConfig;
use pingora_core::listeners::tls::TlsSettings;
use pingora_core::protocols::l4::stream::L4BufferSettings;
use pingora_core::server::configuration::ServerConf;
use pingora_core::server::{RunArgs, Server, ShutdownWatch};
use pingora_core::services::background::{BackgroundService, background_service};
use rustls::server::ResolvesServerCert;

use super::Proxy;
use super::shutdown::{Drain, Signals, limit};
use crate::conf::{Config, TlsVersion};
use crate::reload::{Certificates, Reloader};
use crate::supervisor::Supervisor;

/// Unused connections to providers that are kept.
const KEEPALIVE_POOL: usize = 4096;
/// Connection attempts of one request; the retry policy ends it long before.
const MAX_ATTEMPTS: usize = 1000;
/// Holds an answer's header together with a body of usual size, so that both leave in one system
/// call; Pingora's own buffer of one packet makes it two. Streams flush each event all the same.
const WRITE_BUFFER: usize = 16 * 1024;
/// How long an HTTP/2 client may be idle.
const H2_IDLE: Duration = Duration::from_secs(600);

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The TLS listener cannot be made.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

struct Background {
    supervisor: Supervisor,
    drain: Drain,
}

#[async_trait]
impl BackgroundService for Background {
    /// Background work goes on while streams drain, so the shutdown signal is not heeded here:
    /// the process ends it.
    async fn start(&self, _shutdown: ShutdownWatch) {
        tokio::join!(self.supervisor.run(), self.drain.interrupted());
    }
}

/// Serves until the process is told to stop, then until the drain is over.
///
/// # Errors
/// The server cannot start. Once it runs, it does not return before its end.
pub fn serve(reloader: &Reloader, supervisor: Supervisor) -> Result<(), StartError> {
    let world = reloader.world();
    // A copy: the first world must not outlive its last request.
    let living = Arc::clone(&world.load().living);
    let config = world.load().config.clone();
    if let Some(tls) = &config.tls {
        restrict_versions(tls.min_version);
    }
    let settings = settings(&config);
    let mut server = Server::new_with_opt_and_conf(None, settings);
    server.bootstrap();
    let mut service =
        pingora_proxy::http_proxy_service(&server.configuration, Proxy::new(Arc::clone(world)));
    service.threads = Some(threads(&config));
    if let Some(logic) = service.app_logic_mut() {
        let mut options = HttpServerOptions::default();
        options.h2c = config.tls.is_none();
        options.h2_idle_timeout = Some(H2_IDLE);
        logic.server_options = Some(options);
    }
    let address = config.listen.gateway.to_string();
    let mut listener =
        ListenerConfig::tcp(&address).l4_buffer(L4BufferSettings::default().write(WRITE_BUFFER));
    if let Some(shown) = reloader.certificates() {
        listener = listener.tls(tls_settings(shown)?);
    }
    service.add_listener(listener);
    server.add_service(service);
    let drain = Drain::new(living, config.shutdown);
    let background = Background {
        supervisor,
        drain: drain.clone(),
    };
    server.add_service(background_service("supervisor", background));
    server.run(RunArgs {
        shutdown_signal: Box::new(Signals::new(drain.clone())),
    });
    drain.finish();
    Ok(())
}

fn settings(config: &Config) -> ServerConf {
    let file = |name: &str| config.data_dir.join(name).to_string_lossy().into_owned();
    ServerConf {
        pid_file: file("alfred.pid"),
        upgrade_sock: file("alfred.sock"),
        threads: threads(config),
        grace_period_seconds: Some(limit(&config.shutdown).as_secs()),
        graceful_shutdown_timeout_seconds: Some(0),
        upstream_keepalive_pool_size: KEEPALIVE_POOL,
        max_retries: MAX_ATTEMPTS,
        ..ServerConf::default()
    }
}

fn threads(config: &Config) -> usize {
    match config.threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    }
}

/// The certificate is asked for at each handshake, so that it can be replaced.
fn tls_settings(shown: &Arc<Certificates>) -> Result<TlsSettings, StartError> {
    let mut settings =
        TlsSettings::intermediate("", "").map_err(|error| StartError::Tls(error.to_string()))?;
    settings.set_cert_resolver(Arc::clone(shown) as Arc<dyn ResolvesServerCert>);
    settings.enable_h2();
    Ok(settings)
}

/// Pingora's rustls listener speaks 1.2 and 1.3 with no setting for it; what a process-wide
/// provider without the suites of 1.2 cannot do, it does not offer.
fn restrict_versions(oldest: TlsVersion) {
    let mut provider = rustls::crypto::ring::default_provider();
    if oldest == TlsVersion::V1_3 {
        provider
            .cipher_suites
            .retain(|suite| suite.tls13().is_some());
    }
    let _ = provider.install_default();
}
