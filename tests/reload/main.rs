//! The configuration changes while Alfred serves: a good one holds from the next request on, a bad one is refused with
//! its places, and no stream in flight notices either.

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

mod admin;
mod bad_files;
mod breakers;
mod changes;
mod fixed;
mod kept;
mod memory;
mod parrot;
mod place;
mod rebinding;
mod streams;
mod tls;
mod watching;
