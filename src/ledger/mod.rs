//! Why: money is counted in one place, in integers, with one rounding per request; and it is set
//! aside before it is spent, so that no crash and no crowd of processes can overspend a wallet.
//!
//! A request gets a [`Purse`] (the wallets that bound it), [holds](Treasury::hold) money, and
//! settles. All that is in memory and in the [`journal`]; two threads lease and settle.

mod alert;
mod bucket;
mod cashier;
mod cost;
#[cfg(test)]
mod cost_tests;
mod facts;
mod hold;
pub mod journal;
mod judge;
mod keeper;
mod names;
mod open;
mod price;
mod purse;
mod queue;
mod settings;
mod table;
#[cfg(test)]
mod table_tests;
mod term;
#[cfg(test)]
mod tests;
mod treasury;

use std::time::{SystemTime, UNIX_EPOCH};

pub use crate::money::{MoneyError, Nanos};
pub use alert::tell;
pub use bucket::Bucket;
pub use cost::{Charge, Unpriced, UsageCounts, cost};
pub use facts::Facts;
pub use hold::{Bill, Hold};
pub use open::{OpenError, Staff, open};
pub use price::{Class, Price, ServiceTier};
pub use purse::{Book, Payer, Purse};
pub use settings::Settings;
pub use table::PriceTable;
pub use treasury::{Figures, NoMoney, SoftLimit, Treasury};

/// Unix time in milliseconds, for what people read; never for what leases depend on.
fn unix_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
