//! The black-box harness: a real gateway on free ports, clients that control every byte, and
//! providers that misbehave on demand.
//!
//! A test target brings it in with `#[path = "../support/mod.rs"] mod support;` and allows itself
//! the panics that tests live by.

#![allow(
    dead_code,
    unused_imports,
    reason = "each test target uses a part of the harness"
)]

mod answer;
mod body;
mod gateway;
mod h1;
mod h2c;
pub(crate) mod services;
mod shell;
mod sse;
mod tls;
mod tunnel;
mod upstream;

pub(crate) use answer::{Answer, Ending};
pub(crate) use body::{chat, chat_of, streaming};
pub(crate) use gateway::{Gateway, free_port};
pub(crate) use h1::H1;
pub(crate) use h2c::{H2, Sending, read};
pub(crate) use shell::{Running, Said, Shell};
pub(crate) use sse::Events;
pub(crate) use tls::Authority;
pub(crate) use tunnel::ConnectProxy;
pub(crate) use upstream::{Do, Full, Received, Scripted, Upstream, refused};

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The folder with the recorded exchanges of providers.
pub(crate) fn shared() -> PathBuf {
    let named = std::env::var_os("ALFRED_SHARED").map(PathBuf::from);
    named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"))
}

/// Milliseconds.
pub(crate) const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Waits until `done` is true; fails after half a minute with what was waited for: machines are shared.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut done: impl FnMut() -> F) {
    let begun = Instant::now();
    while !done().await {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "waited in vain: {what}"
        );
        tokio::time::sleep(ms(20)).await;
    }
}

/// Fails unless the future is done in time.
pub(crate) async fn within<T>(limit: Duration, what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(limit, future).await {
        Ok(done) => done,
        Err(_) => panic!("{what}: not within {limit:?}"),
    }
}
