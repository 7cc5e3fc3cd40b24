//! Why: money is counted in one place, in integers, with one rounding per request. Until wallets
//! move in, this room knows what a request costs; it holds no balance.

mod cost;
#[cfg(test)]
mod cost_tests;
pub mod journal;
mod names;
mod price;
mod table;
#[cfg(test)]
mod table_tests;

pub use crate::money::{MoneyError, Nanos};
pub use cost::{Charge, Unpriced, UsageCounts, cost};
pub use price::{Class, Price, ServiceTier};
pub use table::PriceTable;
