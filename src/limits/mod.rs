//! Why: a key that may send 600 requests a minute may send exactly 600, under any concurrency.
//! The rule is pure arithmetic on a clock passed in ([`Gcra`]); the [`LimitTable`] remembers one
//! number per key and rule; [`headers`] tells callers where they stand.

mod flood;
mod gcra;
#[cfg(test)]
mod gcra_tests;
pub mod headers;
mod hold;
mod rule;
mod table;
#[cfg(test)]
mod table_tests;

pub use flood::FloodGuard;
pub use gcra::{Cell, Denied, Gcra, Taken};
pub use hold::TokenHold;
pub use rule::{Measure, Rule};
pub use table::{Exceeded, LimitTable, Standing, Used};
