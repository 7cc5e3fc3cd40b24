//! What Alfred tells about itself: receipts, metrics, the access log, and the port they are read on.

mod access_log;
mod endpoints;
mod guard;
mod ledger;
mod logger;
mod metrics;
mod port;
mod receipt;
mod reloads;

pub use access_log::AccessLog;
pub use endpoints::EndpointFigures;
pub use guard::GuardCounts;
pub use ledger::LedgerFigures;
pub use logger::{LogStyle, init as init_logging};
pub use metrics::{METRICS, Metrics};
pub use port::{Health, serve};
pub use receipt::{
    AttemptRecord, Caller, Outcome, Receipt, SCHEMA, StreamRecord, UsageRecord, micros,
};
pub use reloads::{Reloads, WorldGuard};
