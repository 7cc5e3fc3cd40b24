//! What happened, once per request: the receipt in the access log, the metrics that are counted
//! from it, and what an answer cost to the last digit.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

#[path = "../support/mod.rs"]
mod support;
#[allow(dead_code, reason = "each test target uses a part of it")]
#[path = "../replay/world.rs"]
mod world;

mod access_log;
mod cost;
mod estimates;
mod metrics;
mod streams;
