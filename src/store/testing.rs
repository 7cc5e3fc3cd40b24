//! Why: every test of this room that needs a database gets an empty one of its own, in one line.

#[allow(dead_code, reason = "shared with the black-box tests")]
#[path = "../../tests/support/services.rs"]
mod services;

use super::{PgSettings, PgStore};
use crate::conf::Secret;
pub(super) use services::Postgres;
use std::sync::OnceLock;

/// A store in a fresh database of the shared server, and the URL of that database.
pub(super) fn postgres() -> (PgStore, String) {
    static MADE: OnceLock<()> = OnceLock::new();
    let server = Postgres::shared();
    // Tables are made once, and copied.
    MADE.get_or_init(|| {
        server.sql("postgres", "CREATE DATABASE template_alfred");
        drop(reopened(&server.url("template_alfred")));
        let mut sessions = String::new();
        while sessions != "0" {
            sessions = server.sql(
                "postgres",
                "SELECT count(*) FROM pg_stat_activity WHERE datname = 'template_alfred'",
            );
        }
    });
    let url = server.copy("template_alfred");
    (reopened(&url), url)
}

/// A store in a database that exists.
pub(super) fn reopened(url: &str) -> PgStore {
    let settings = PgSettings {
        url: &Secret::new(url),
        replica_url: None,
        pool: 4,
        ca_file: None,
    };
    PgStore::open(&settings).unwrap_or_else(|problem| panic!("{problem}"))
}
