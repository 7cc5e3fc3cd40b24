//! How Alfred leaves: readiness falls, listeners close, streams finish, logs are written.
//!
//! Pingora's own grace period is a sleep that nothing shortens. Here a thread watches the requests
//! in flight and ends the process when the last one is done; the sleep is only the limit.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use pingora_core::server::{ShutdownSignal, ShutdownSignalWatch};
use tokio::signal::unix::{SignalKind, signal};

use crate::conf::Shutdown;
use crate::living::Living;

/// How often the requests in flight are counted.
const POLL: Duration = Duration::from_millis(10);
/// HTTP/2 frames are only queued when a request ends; they need a moment to reach the wire.
const LINGER: Duration = Duration::from_millis(100);
/// Who is cut off must be counted before Pingora drops it.
const LAST_CALL: Duration = Duration::from_millis(50);
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

    /// Writes what is still in memory, once Pingora has ended. What it cut off is dropped, and so
    /// receipted, on its own threads.
    pub(super) fn finish(&self) {
        let begun = Instant::now();
        while self.living.in_flight.count() > 0 && begun.elapsed() < FLUSH {
            std::thread::sleep(POLL);
        }
        self.living.close_ledger(FLUSH);
        self.living.access_log.flush(FLUSH);
    }

    /// Ends the process at a SIGINT that comes while it drains: whoever sends it will not wait.
    pub(super) async fn interrupted(&self) {
        let Ok(mut interrupt) = signal(SignalKind::interrupt()) else {
            return;
        };
        while interrupt.recv().await.is_some() {
            if self.living.health.is_draining() {
                let left = self.living.in_flight.count();
                log::warn!("told to stop at once; {left} requests are cut off");
                self.leave();
            }
        }
    }

    /// Waits, on a thread of its own, for the last request, and ends the process.
    fn watch(self) {
        let watching = std::thread::Builder::new()
            .name("drain".to_owned())
            .spawn(move || self.wait_and_leave());
        if let Err(error) = watching {
            log::warn!("the drain cannot be watched, the whole grace period passes: {error}");
        }
    }

    fn wait_and_leave(&self) {
        let begun = Instant::now();
        let limit = limit(&self.settings).saturating_sub(LAST_CALL);
        loop {
            let left = self.living.in_flight.count();
            if left == 0 {
                break;
            }
            if begun.elapsed() >= limit {
                log::warn!("the drain limit is over; {left} requests are cut off");
                return;
            }
            std::thread::sleep(POLL);
        }
        std::thread::sleep(LINGER);
        log::info!("every request is done, leaving");
        self.leave();
    }

    fn leave(&self) {
        self.living.close_ledger(FLUSH);
        self.living.access_log.flush(FLUSH);
        #[expect(
            clippy::disallowed_methods,
            reason = "the one orderly end of the process"
        )]
        std::process::exit(0);
    }
}

/// How long requests may go on; Pingora knows whole seconds.
pub(super) fn limit(settings: &Shutdown) -> Duration {
    Duration::from_secs(settings.drain.as_secs().max(1))
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
        ];
        let [Ok(mut terminate), Ok(mut quit), Ok(mut interrupt)] = kinds.map(signal) else {
            log::error!("signals cannot be received; only SIGKILL will end this process");
            return std::future::pending().await;
        };
        tokio::select! {
            _ = terminate.recv() => self.graceful().await,
            _ = quit.recv() => self.graceful().await,
            _ = interrupt.recv() => {
                self.drain.living.health.set_draining();
                ShutdownSignal::FastShutdown
            }
        }
    }
}
