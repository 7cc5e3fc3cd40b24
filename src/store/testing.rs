//! Why: every test of this room that needs a database gets an empty one of its own, in one line.

use super::services::Postgres;
use super::{PgStore, PostgresSettings};
use std::sync::OnceLock;

/// A store in a new database of the tests' server.
pub(super) fn on_postgres() -> PgStore {
    fresh().0
}

/// The same, with the URL of its database.
pub(super) fn fresh() -> (PgStore, String) {
    static TEMPLATE: OnceLock<String> = OnceLock::new();
    let server = Postgres::shared();
    // Tables are made once, and copied.
    let template = TEMPLATE.get_or_init(|| {
        let url = server.create_database("template");
        drop(reopened(&url));
        url
    });
    let url = server.copy_database(template, "test");
    (reopened(&url), url)
}

/// A store in a database that exists.
pub(super) fn reopened(url: &str) -> PgStore {
    PgStore::open(&settings(url)).unwrap_or_else(|problem| panic!("{problem}"))
}

/// How tests reach a database.
pub(super) fn settings(url: &str) -> PostgresSettings {
    PostgresSettings {
        url: url.to_owned(),
        replica_url: None,
        pool: 4,
        ca_file: None,
    }
}
