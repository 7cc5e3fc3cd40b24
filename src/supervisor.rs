//! The supervisor of background work: the one place where tasks live that no request owns.

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::living::Living;
use crate::mock::Mock;
use crate::store::Keys;
use crate::telemetry;

/// How often the key store is asked for changes; a revocation is seen within two seconds.
const KEY_REFRESH: Duration = Duration::from_millis(500);

/// What runs beside the requests.
pub struct Supervisor {
    living: Arc<Living>,
    store: Arc<dyn Keys + Send + Sync>,
    telemetry: Mutex<Option<TcpListener>>,
    mock: Mutex<Option<TcpListener>>,
    usage_log: Option<PathBuf>,
}

impl Supervisor {
    /// A supervisor over listeners that are bound already, so that a taken port is a clear error
    /// before anything starts.
    #[must_use]
    pub fn new(
        living: Arc<Living>,
        store: Arc<dyn Keys + Send + Sync>,
        telemetry: TcpListener,
        mock: TcpListener,
        usage_log: Option<PathBuf>,
    ) -> Self {
        Self {
            living,
            store,
            telemetry: Mutex::new(Some(telemetry)),
            mock: Mutex::new(Some(mock)),
            usage_log,
        }
    }

    /// Runs everything until the process ends.
    pub async fn run(&self) {
        tokio::join!(
            self.living.resolver.run(),
            self.refresh_keys(),
            self.serve_telemetry(),
            self.serve_mock(),
        );
    }

    async fn refresh_keys(&self) {
        self.living.health.set_started();
        loop {
            tokio::time::sleep(KEY_REFRESH).await;
            let (living, store) = (Arc::clone(&self.living), Arc::clone(&self.store));
            let refreshed =
                tokio::task::spawn_blocking(move || living.keyring.refresh(&*store)).await;
            match refreshed {
                Ok(Ok(changed)) => {
                    self.living.health.set_store(true);
                    if changed {
                        let count = i64::try_from(self.living.keyring.len()).unwrap_or(i64::MAX);
                        self.living.metrics.keys.set(count);
                        log::info!("{count} API keys are known");
                    }
                }
                Ok(Err(error)) => {
                    self.living.health.set_store(false);
                    log::error!("the key store cannot be read, the keys stay as they were: {error}");
                }
                Err(error) => log::error!("the key store's reader failed: {error}"),
            }
        }
    }

    async fn serve_telemetry(&self) {
        let Some(listener) = take(&self.telemetry) else { return };
        let (metrics, health) = (self.living.metrics.clone(), self.living.health.clone());
        let served = telemetry::serve(listener, metrics, health, std::future::pending()).await;
        if let Err(error) = served {
            log::error!("the telemetry port is closed: {error}");
        }
    }

    async fn serve_mock(&self) {
        let Some(listener) = take(&self.mock) else { return };
        match Mock::from_listener(listener, self.usage_log.as_deref()) {
            Ok(mock) => mock.serve(std::future::pending()).await,
            Err(error) => log::error!("the built-in mock cannot be started: {error}"),
        }
    }
}

fn take(listener: &Mutex<Option<TcpListener>>) -> Option<tokio::net::TcpListener> {
    let taken = listener.lock().unwrap_or_else(PoisonError::into_inner).take()?;
    let listener = taken
        .set_nonblocking(true)
        .and_then(|()| tokio::net::TcpListener::from_std(taken));
    listener
        .inspect_err(|error| log::error!("a listener cannot be used: {error}"))
        .ok()
}
