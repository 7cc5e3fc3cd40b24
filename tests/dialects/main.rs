//! Two dialects on either side of one gateway: callers of OpenAI's and of Anthropic's grammar
//! before providers of either, and what happens between them when providers fail.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

#[path = "../support/mod.rs"]
mod support;

mod bedrock;
mod cohere;
mod conform;
mod counting;
mod dropping;
mod entra;
mod failover;
#[path = "../../filters/tests/bedrock/frames.rs"]
mod frames;
mod gemini;
mod models;
mod ollama;
mod pictures;
mod quirks;
mod recorded;
mod refusals;
mod responses;
mod surface;
mod world;
