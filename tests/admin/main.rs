//! The admin API as its clients see it: who may do what, nothing twice, nothing over someone else's change, and no
//! secret a second time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

#[path = "../support/mod.rs"]
mod support;

mod conventions;
mod description;
mod door;
mod fleet;
mod hostile;
mod house;
mod keys;
mod ledger;
mod rights;
mod sealing;
mod sessions;
