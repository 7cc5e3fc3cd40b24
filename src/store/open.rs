//! Why: which database is used is one line of the configuration, and nobody else's business.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
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
            // Pepper, journal and keys of this process stay here all the same.
            make_private(&config.data_dir)?;
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

fn make_private(data_dir: &Path) -> Result<(), StoreProblem> {
    let made = DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data_dir);
    made.map_err(|error| StoreProblem::from_io(data_dir, error))
}
