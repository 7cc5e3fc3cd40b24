//! How good the guards are: pure scorers over rows of examples.

pub mod pii;
pub mod secrets;
