//! Pools over real sockets: endpoints that fail, flap and hang, keys that are refused or
//! throttled, and the promise that no request is lost while somebody can answer it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

#[path = "../support/mod.rs"]
mod support;

mod breaker;
mod egress;
mod health;
mod keys;
mod pliant;
mod probe;
mod world;
