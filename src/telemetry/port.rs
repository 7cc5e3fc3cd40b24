//! The telemetry port: `/metrics`, `/livez`, `/readyz`, anonymous and on an address of its own.

use std::fmt::Write as _;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use super::metrics::Metrics;

/// Whether Alfred may be sent traffic, and why not.
#[derive(Debug, Default)]
pub struct Health {
    started: AtomicBool,
    draining: AtomicBool,
    store_lost: AtomicBool,
}

impl Health {
    /// Configuration and keys are loaded.
    pub fn set_started(&self) {
        self.started.store(true, Ordering::Release);
    }

    /// The process has been told to stop.
    pub fn set_draining(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Whether the key store can be read. Requests are served from memory all the same.
    pub fn set_store(&self, reachable: bool) {
        self.store_lost.store(!reachable, Ordering::Release);
    }

    /// Whether the process has been told to stop.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Each check with its state: name, passed, and whether readiness depends on it.
    fn checks(&self) -> [(&'static str, bool, bool); 3] {
        [
            ("started", self.started.load(Ordering::Acquire), true),
            ("not draining", !self.is_draining(), true),
            (
                "store reachable",
                !self.store_lost.load(Ordering::Acquire),
                false,
            ),
        ]
    }
}

#[derive(Clone)]
struct Shared {
    metrics: Metrics,
    health: Arc<Health>,
}

/// Serves the port until `shutdown` resolves.
///
/// # Errors
/// The listener fails.
pub async fn serve(
    listener: TcpListener,
    metrics: Metrics,
    health: Arc<Health>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/metrics", get(scrape))
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/healthz", get(ready))
        .with_state(Shared { metrics, health });
    axum::serve(listener, router)
        .with_graceful_shutdown(shutdown)
        .await
}

async fn scrape(State(shared): State<Shared>) -> Response {
    let kind = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    (kind, shared.metrics.scrape()).into_response()
}

async fn ready(State(shared): State<Shared>, RawQuery(query): RawQuery) -> Response {
    let checks = shared.health.checks();
    let passed = checks.iter().all(|(_, passed, needed)| *passed || !needed);
    let mut text = String::new();
    if query.is_some_and(|query| query.contains("verbose")) {
        for (name, passed, needed) in checks {
            let mark = if passed { "+" } else { "-" };
            let note = if needed {
                ""
            } else {
                " (degraded mode serves on)"
            };
            let _ = writeln!(text, "[{mark}] {name}{note}");
        }
    }
    text.push_str(if passed { "ok\n" } else { "not ready\n" });
    let status = if passed {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, text).into_response()
}
