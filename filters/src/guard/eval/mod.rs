//! Scorers: how good the guards are, as plain counts. Training, tests and
//! operators with data of their own count by the same code, so that figures can
//! be compared.

pub mod injection;
pub mod pii;
pub mod secrets;
