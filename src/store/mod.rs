//! Why: everything that must outlive the process goes through this room, and only this room
//! speaks SQL. Callers see use cases ([`Keys`]), never tables.
//!
//! All methods block: call them from a supervisor or the command line, never on the path of a
//! request. The two implementations obey one conformance suite, so a test may use
//! [`MemoryStore`] wherever production uses [`SqliteStore`].

mod archive;
#[cfg(test)]
mod conformance;
mod error;
pub mod governance;
mod keys;
mod keys_sql;
mod ledger;
mod memory;
mod migrate;
mod open;
mod postgres;
mod seal;
#[cfg(test)]
#[path = "../../tests/support/services.rs"]
mod services;
mod sql;
mod sqlite;
#[cfg(test)]
mod testing;

pub use archive::{Archive, Line, Size};
pub use error::{StoreFault, StoreProblem};
pub use keys::{KeyRow, Keys, NewKey};
pub use ledger::{
    Broken, Denied, Funding, HoldMode, HolderId, HolderRow, LedgerStore, Leg, OwnerType, Posted,
    Remembered, Rules, Settled, Subject, Taken, UsageSource, WalletId, WalletRules, WalletStatus,
    Want, usage_transaction_id,
};
pub use memory::MemoryStore;
pub use open::{Store, open};
pub use postgres::{PgStore, Postgres, PostgresSettings, ServerProblem};
pub use seal::Sealer;
pub use sql::SqlStore;
pub use sqlite::{Sqlite, SqliteStore};
