//! How Alfred leaves: readiness falls, listeners close, streams finish, logs are written.
//!
//! Pingora's own grace period is a sleep that nothing shortens. Here a thread watches the requests
//! in flight and ends the process when the last one is done; the sleep is only the limit.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pingora_core::server::{ShutdownSignal, ShutdownSignalWatch};
use tokio::signal::unix::{SignalKind, signal};

use crate::conf::Shutdown;
use crate::living::Living;

/// How often the requests in flight are counted.
const POLL: Duration = Duration::from_millis(10);
/// HTTP/2 frames are only queued when a request ends; they need a moment to reach the wire.
const LINGER: Duration = Duration::from_millis(100);
/// How long the logs may take to be written.
const FLUSH: Duration = Duration::from_secs(5);

/// The way out.
#[derive(Clone)]
pub(super) struct Drain {
    living: Arc<Living>,
    settings: Shutdown,
}

impl Drain {
    pub(super) fn new(living: Arc<Living>, settings: Shutdown) -> Self {
        Self { living, settings }
    }

    /// Writes what is still in memory.
    pub(super) fn flush(&self) {
        let left = self.living.in_flight.count();
        if left > 0 {
            log::warn!("the drain limit is over; {left} requests are cut off");
        }
        self.living.access_log.flush(FLUSH);
    }

    /// Waits, on a thread of its own, for the last request, and ends the process.
    fn watch(self) {
        let watching = std::thread::Builder::new()
            .name("drain".to_owned())
            .spawn(move || {
                while self.living.in_flight.count() > 0 {
                    std::thread::sleep(POLL);
                }
                std::thread::sleep(LINGER);
                log::info!("every request is done, leaving");
                self.living.access_log.flush(FLUSH);
                #[expect(
                    clippy::disallowed_methods,
                    reason = "the one orderly end of the process"
                )]
                std::process::exit(0);
            });
        if let Err(error) = watching {
            log::warn!("the drain cannot be watched, the whole grace period passes: {error}");
        }
    }
}

/// Listens for the signals that end the process.
pub(super) struct Signals {
    drain: Drain,
}

impl Signals {
    pub(super) fn new(drain: Drain) -> Self {
        Self { drain }
    }

    async fn graceful(&self) -> ShutdownSignal {
        let Drain { living, settings } = &self.drain;
        log::info!(
            "told to stop; requests in flight have {:?} to finish",
            settings.drain
        );
        living.health.set_draining();
        tokio::time::sleep(settings.pause).await;
        self.drain.clone().watch();
        ShutdownSignal::GracefulTerminate
    }
}

#[async_trait]
impl ShutdownSignalWatch for Signals {
    async fn recv(&self) -> ShutdownSignal {
        let kinds = [
            SignalKind::terminate(),
            SignalKind::quit(),
            SignalKind::interrupt(),
            SignalKind::hangup(),
        ];
        let [
            Ok(mut terminate),
            Ok(mut quit),
            Ok(mut interrupt),
            Ok(mut hangup),
        ] = kinds.map(signal)
        else {
            log::error!("signals cannot be received; only SIGKILL will end this process");
            return std::future::pending().await;
        };
        loop {
            tokio::select! {
                _ = terminate.recv() => return self.graceful().await,
                _ = quit.recv() => return self.graceful().await,
                _ = interrupt.recv() => {
                    self.drain.living.health.set_draining();
                    return ShutdownSignal::FastShutdown;
                }
                _ = hangup.recv() => {
                    log::warn!("SIGHUP is ignored: the configuration is only read at start");
                }
            }
        }
    }
}
