//! Guards over real sockets: what may not go on never reaches the provider, what was masked comes
//! back to the client, and no value is found in anything that Alfred writes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod policies;
mod requests;
mod services;
mod world;
