//! Why: which database is used is one line of the configuration, and nobody else's business.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use super::governance::Governance;
use super::{Archive, Keys, LedgerStore, PgStore, PostgresSettings, SqliteStore, StoreProblem};
use crate::conf::{Config, StoreKind};

/// Everything that is stored.
pub trait Store: Keys + LedgerStore + Governance + Archive {
    /// What other processes tell as it happens; `None` where there are no others.
    fn listen(&self) -> Option<Receiver<String>>;
}

impl Store for SqliteStore {
    fn listen(&self) -> Option<Receiver<String>> {
        None
    }
}

impl Store for PgStore {
    fn listen(&self) -> Option<Receiver<String>> {
        Some(PgStore::listen(self))
    }
}

/// Opens the store of a configuration. Blocks; not to be called from async code.
///
/// # Errors
/// The database cannot be reached, or its tables cannot be used.
pub fn open(config: &Config) -> Result<Arc<dyn Store>, StoreProblem> {
    Ok(match &config.store {
        StoreKind::Sqlite => Arc::new(SqliteStore::open(&config.data_dir)?),
        StoreKind::Postgres(postgres) => {
            let replica = postgres.replica_url.expose();
            Arc::new(PgStore::open(&PostgresSettings {
                url: postgres.url.expose().to_owned(),
                replica_url: (!replica.is_empty()).then(|| replica.to_owned()),
                pool: usize::try_from(postgres.pool).unwrap_or(8),
                ca_file: config.egress.ca_file.clone(),
            })?)
        }
    })
}
