//! The first minutes with Alfred: one command, a key, a curl that works as printed; and the other
//! commands, which teach.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

#[path = "../support/mod.rs"]
mod support;

mod curl;
mod environment;
mod files;
mod help;
mod key_commands;
mod mock;
mod start;
mod telemetry;
