//! Why: what the configuration says about money, in the words of the ledger.

use std::path::PathBuf;
use std::time::Duration;

use super::journal::{Durability, JournalOptions};
use crate::conf::{self, Config};

/// How money is kept, from the configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Host and process, for people.
    pub name: String,
    /// The folder of the journals.
    pub journal: PathBuf,
    /// What the journal survives.
    pub durability: Durability,
    /// How long a request may wait for money that others hold.
    pub patience: Duration,
    /// How long leases are used after the store was last reached.
    pub lease_ttl: Duration,
    /// How long a silent process keeps its leases before they go back.
    pub quarantine: Duration,
    /// Settlements that may wait for the store; beyond it requests are refused.
    pub backlog: u64,
    /// What one credit is worth, in millionths of a USD.
    pub credit_usd_ppm: u32,
    /// What orphans are charged: their hold, or nothing.
    pub bill_orphans: bool,
}

impl Settings {
    /// The settings of a configuration; `name` tells people which process this is.
    #[must_use]
    pub fn new(config: &Config, name: String) -> Self {
        let ledger = &config.ledger;
        Self {
            name,
            journal: config.data_dir.join("journal"),
            durability: match ledger.durability {
                conf::Durability::Process => Durability::Process,
                conf::Durability::Power => Durability::Power,
            },
            patience: ledger.patience,
            lease_ttl: ledger.lease_ttl,
            quarantine: ledger.quarantine,
            backlog: ledger.backlog,
            credit_usd_ppm: config.credit.usd_ppm(),
            bill_orphans: ledger.orphans == conf::Orphans::Bill,
        }
    }

    /// How the journal is kept.
    pub(super) fn journal_options(&self) -> JournalOptions {
        JournalOptions {
            durability: self.durability,
            ..JournalOptions::default()
        }
    }
}
