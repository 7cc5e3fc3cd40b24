//! Why: every store keeps the same ledger. Each sentence here is a promise of the trait, tried on
//! every database; random histories are held against a model that knows no database.

mod debts;
mod lease;
mod machine;
mod model;
mod model_time;
mod moves;
mod settle;
mod time;
mod twins;
mod world;

/// Tries sentences on every database.
macro_rules! sentences {
    ($($sentence:ident),* $(,)?) => {
        mod in_memory {
            $(#[test]
            fn $sentence() {
                super::$sentence(&crate::store::SqliteStore::in_memory().unwrap());
            })*
        }
        mod in_a_file {
            $(#[test]
            fn $sentence() {
                let directory = tempfile::tempdir().unwrap();
                super::$sentence(&crate::store::SqliteStore::open(directory.path()).unwrap());
            })*
        }
        mod postgres {
            $(#[test]
            fn $sentence() {
                super::$sentence(&crate::store::testing::on_postgres());
            })*
        }
    };
}
use sentences;
