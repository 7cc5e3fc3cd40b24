//! The proxy's hard part over real sockets: bodies of any size sent again and again, the header
//! held back until there is content, deadlines, clients that leave, and refusals that cost no
//! connection. Each item of the design's list of what breaks in Pingora is a test here.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

#[path = "../support/mod.rs"]
mod support;

mod after_content;
mod backoff;
mod bodies;
mod callers;
mod client_loss;
mod deadlines;
mod draining;
mod failover;
mod holdback;
mod recovery;
mod refusals;
mod shutdown;
mod tls;
mod trailers;
mod world;
