//! Why: what only a file can get wrong: other processes, other versions, damage, permissions.

use super::super::conformance::new_key;
use super::super::{Keys, SqliteStore, StoreFault, StoreProblem};
use super::{FILE, SqlStore, Sqlite, lock};
use rusqlite::Connection;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;
use tempfile::{TempDir, tempdir};

fn opened() -> (TempDir, SqliteStore) {
    let directory = tempdir().unwrap();
    let store = SqliteStore::open(directory.path()).unwrap();
    (directory, store)
}

fn by_hand(directory: &Path) -> Connection {
    let connection = Connection::open(directory.join(FILE)).unwrap();
    connection
        .pragma_update(None, "foreign_keys", true)
        .unwrap();
    connection
}

fn problem(directory: &Path) -> StoreProblem {
    let problem = Sqlite::open(directory, Duration::from_millis(20)).unwrap_err();
    assert!(
        problem
            .to_string()
            .contains(&directory.display().to_string())
    );
    assert!(!problem.hint().is_empty());
    problem
}

#[test]
fn another_process_sees_a_key_and_its_revocation_at_once() {
    let (directory, gateway) = opened();
    let before = gateway.change_stamp().unwrap();
    let command_line = SqliteStore::open(directory.path()).unwrap();
    command_line.create_key(new_key("aaaaaaaaaaaa")).unwrap();
    let created = gateway.change_stamp().unwrap();
    assert_ne!(before, created);
    assert!(gateway.list_keys().unwrap()[0].is_active);
    command_line.revoke_key("aaaaaaaaaaaa", 5).unwrap();
    assert_ne!(gateway.change_stamp().unwrap(), created);
    assert!(!gateway.list_keys().unwrap()[0].is_active);
}

#[test]
fn keys_survive_a_restart() {
    let (directory, store) = opened();
    let row = store.create_key(new_key("aaaaaaaaaaaa")).unwrap();
    drop(store);
    let store = SqliteStore::open(directory.path()).unwrap();
    assert_eq!(store.list_keys().unwrap(), [row]);
}

#[test]
fn a_change_made_by_hand_is_seen_too() {
    let (directory, store) = opened();
    store.create_key(new_key("aaaaaaaaaaaa")).unwrap();
    let before = store.change_stamp().unwrap();
    let hand = by_hand(directory.path());
    hand.execute("UPDATE users SET status = 'suspended'", [])
        .unwrap();
    assert_ne!(store.change_stamp().unwrap(), before);
    assert!(!store.list_keys().unwrap()[0].is_active);
}

#[test]
fn counting_tokens_does_not_make_the_key_ring_reload() {
    let (directory, store) = opened();
    store.create_key(new_key("aaaaaaaaaaaa")).unwrap();
    let before = store.change_stamp().unwrap();
    let hand = by_hand(directory.path());
    hand.execute("UPDATE users SET used_tokens = used_tokens + 9", [])
        .unwrap();
    hand.execute("UPDATE teams SET used_pool = used_pool + 9", [])
        .unwrap();
    assert_eq!(store.change_stamp().unwrap(), before);
}

#[test]
fn the_primary_key_of_a_user_is_its_first_until_that_is_revoked() {
    let (directory, store) = opened();
    store.create_key(new_key("aaaaaaaaaaaa")).unwrap();
    let mut second = new_key("bbbbbbbbbbbb");
    second.key_hash = [9; 32];
    store.create_key(second).unwrap();
    let hand = by_hand(directory.path());
    let primary = || -> Option<String> {
        hand.query_row("SELECT api_key_hash FROM users", [], |row| row.get(0))
            .unwrap()
    };
    assert_eq!(primary(), Some("07".repeat(32)));
    store.revoke_key("bbbbbbbbbbbb", 1).unwrap();
    assert_eq!(primary(), Some("07".repeat(32)));
    store.revoke_key("aaaaaaaaaaaa", 1).unwrap();
    assert_eq!(primary(), None);
}

#[test]
fn no_row_can_point_into_another_tenant() {
    let (directory, store) = opened();
    store.create_key(new_key("aaaaaaaaaaaa")).unwrap();
    let hand = by_hand(directory.path());
    hand.execute(
        "INSERT INTO organisations (name, created_at) VALUES ('other', 1)",
        [],
    )
    .unwrap();
    let crossings = [
        "UPDATE users SET org_id = 2",
        "UPDATE api_keys SET org_id = 2",
        "INSERT INTO users (org_id, team_id, email, name, created_at) VALUES (2, 1, 'a@b', 'x', 1)",
    ];
    for crossing in crossings {
        let refused = hand.execute(crossing, []).unwrap_err().to_string();
        assert!(refused.contains("FOREIGN KEY"), "{crossing}: {refused}");
    }
}

#[test]
fn two_processes_may_start_on_one_fresh_directory() {
    for _ in 0..8 {
        let directory = tempdir().unwrap();
        std::thread::scope(|scope| {
            for number in 0..4 {
                let path = directory.path();
                scope.spawn(move || {
                    let store = SqliteStore::open(path).unwrap();
                    store
                        .create_key(new_key(&format!("public-id-{number:02}")))
                        .unwrap();
                });
            }
        });
        let store = SqliteStore::open(directory.path()).unwrap();
        assert_eq!(store.list_keys().unwrap().len(), 4);
    }
}

#[test]
fn a_migration_that_cannot_be_recorded_is_not_made_either() {
    let directory = tempdir().unwrap();
    let hand = by_hand(directory.path());
    hand.execute_batch(
        "CREATE TABLE refinery_schema_history \
         (version INTEGER PRIMARY KEY, name TEXT, applied_on TEXT, checksum TEXT); \
         CREATE TRIGGER crash BEFORE INSERT ON refinery_schema_history \
         BEGIN SELECT raise(ABORT, 'power cut'); END;",
    )
    .unwrap();
    let problem = problem(directory.path());
    assert!(
        matches!(problem, StoreProblem::Migration { .. }),
        "{problem}"
    );
    assert!(problem.to_string().ends_with("power cut"), "{problem}");
    hand.execute_batch("DROP TRIGGER crash").unwrap();
    SqliteStore::open(directory.path()).unwrap();
}

#[test]
fn only_the_owner_may_read_the_database() {
    let parent = tempdir().unwrap();
    let directory = parent.path().join("new/data");
    let store = SqliteStore::open(&directory).unwrap();
    store.create_key(new_key("aaaaaaaaaaaa")).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    for entry in fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn a_commit_waits_for_the_disk() {
    let (_directory, store) = opened();
    let connection = lock(&store.engine.writer);
    let pragma = |name| -> String {
        connection
            .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))
            .map(|value| format!("{value:?}"))
            .unwrap()
    };
    assert_eq!(pragma("journal_mode"), "Text(\"wal\")");
    assert_eq!(pragma("synchronous"), "Integer(2)");
    assert_eq!(pragma("foreign_keys"), "Integer(1)");
}

#[test]
fn a_database_of_a_newer_version_is_refused() {
    let (directory, store) = opened();
    drop(store);
    by_hand(directory.path())
        .execute(
            "INSERT INTO refinery_schema_history VALUES (999, 'later', '2030-01-01T00:00:00Z', '1')",
            [],
        )
        .unwrap();
    let problem = problem(directory.path());
    assert!(
        matches!(problem, StoreProblem::Newer { found: 999, .. }),
        "{problem}"
    );
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let directory = tempdir().unwrap();
    fs::write(directory.path().join(FILE), "not a database\n".repeat(300)).unwrap();
    let problem = problem(directory.path());
    assert!(matches!(problem, StoreProblem::Corrupt { .. }), "{problem}");
}

#[test]
fn a_damaged_database_is_refused_or_says_so_but_never_panics() {
    let (directory, store) = opened();
    for number in 0..40 {
        store
            .create_key(new_key(&format!("public-id-{number:02}")))
            .unwrap();
    }
    drop(store);
    let path = directory.path().join(FILE);
    let whole = fs::read(&path).unwrap();
    let mut seen_damage = 0;
    for start in (0..whole.len()).step_by(1_024) {
        let mut bytes = whole.clone();
        bytes
            .iter_mut()
            .skip(start)
            .take(700)
            .for_each(|byte| *byte = !*byte);
        fs::write(&path, bytes).unwrap();
        let listed = SqliteStore::open(directory.path()).map(|store| store.list_keys());
        seen_damage += usize::from(!matches!(listed, Ok(Ok(_))));
    }
    assert!(seen_damage > 3, "{seen_damage}");
}

#[test]
fn a_database_that_another_process_keeps_to_itself_is_reported_locked() {
    let (directory, store) = opened();
    drop(store);
    let hog = by_hand(directory.path());
    hog.pragma_update(None, "locking_mode", "EXCLUSIVE")
        .unwrap();
    hog.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let problem = problem(directory.path());
    assert!(matches!(problem, StoreProblem::Locked { .. }), "{problem}");
}

#[test]
fn a_write_that_cannot_have_the_lock_is_a_fault_not_a_hang() {
    let directory = tempdir().unwrap();
    let store = Sqlite::open(directory.path(), Duration::from_millis(20))
        .map(SqlStore::new)
        .unwrap();
    let hog = by_hand(directory.path());
    hog.execute_batch("BEGIN IMMEDIATE").unwrap();
    let fault = store.create_key(new_key("aaaaaaaaaaaa")).unwrap_err();
    assert!(matches!(fault, StoreFault::Locked), "{fault}");
    assert!(store.list_keys().unwrap().is_empty());
}

#[test]
fn a_place_that_cannot_hold_files_is_reported_with_what_to_do() {
    let directory = tempdir().unwrap();
    fs::write(directory.path().join("file"), "").unwrap();
    for place in [
        directory.path().join("file/data"),
        "/proc/alfred/data".into(),
    ] {
        let problem = problem(&place);
        assert!(
            matches!(problem, StoreProblem::Unreachable { .. }),
            "{problem}"
        );
    }
}

#[test]
fn a_database_that_cannot_be_written_is_reported_read_only() {
    let (directory, store) = opened();
    drop(store);
    let path = directory.path().join(FILE);
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let reader = Connection::open_with_flags(&path, flags).unwrap();
    let error = reader.execute("DELETE FROM api_keys", []).unwrap_err();
    let problem = StoreProblem::from_sqlite(&path, error);
    assert!(
        matches!(problem, StoreProblem::ReadOnly { .. }),
        "{problem}"
    );
}

#[test]
fn a_row_damaged_by_hand_is_named() {
    let (directory, store) = opened();
    let row = store.create_key(new_key("aaaaaaaaaaaa")).unwrap();
    let hand = by_hand(directory.path());
    hand.execute("UPDATE api_keys SET models = '[1, {}]'", [])
        .unwrap();
    let fault = store.list_keys().unwrap_err();
    assert!(
        matches!(fault, StoreFault::Damaged { id, column: "models", .. } if id == row.id),
        "{fault}"
    );
}

#[test]
fn every_migration_on_disk_is_built_in() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite");
    let on_disk = fs::read_dir(directory).unwrap().count();
    let (directory, _store) = opened();
    let applied: i64 = by_hand(directory.path())
        .query_row("SELECT count(*) FROM refinery_schema_history", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(i64::try_from(on_disk), Ok(applied));
}
