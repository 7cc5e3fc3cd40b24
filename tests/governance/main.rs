//! Governance without a browser: the real binary, an embedded database, and everything that people
//! do with organisations, teams, users, money, keys, tokens and the record of it all.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

#[path = "../support/mod.rs"]
mod support;

mod audit;
mod hostile;
mod keys;
mod ledger;
mod people;
mod says;
mod tampering;
mod tokens;
mod wallets;
