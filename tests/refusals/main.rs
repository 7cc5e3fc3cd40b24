//! Bad input, over real sockets: every way to be refused, in the dialect, with the right status,
//! without costing the client its connection or its neighbours, and without a secret getting out.

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

mod bodies;
mod capacity;
mod doors;
mod framing;
mod judge;
mod keys;
mod models;
mod neighbours;
mod secrets;
mod size;
mod start;
