//! Ends: the process is told to stop, or thousands of clients leave at once. No stream is dropped
//! that could have finished, and nothing stays behind of one that was cut.

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

mod cuts;
mod kept;
mod limit;
mod signals;
