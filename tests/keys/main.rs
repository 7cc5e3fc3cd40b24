//! What a key opens and how often: allowlists, expiry, static keys, exact limits, the flood guard;
//! and what of a request and its answer passes from one side to the other.

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

mod allowlist;
mod cors;
mod flood;
mod passing;
mod request_limits;
mod static_keys;
mod token_limits;
mod tracing;
