//! Why: a person who starts the gateway must read what is wrong with the database and what to do,
//! and never a password.

use super::SOON;
use crate::store::conformance::new_key;
use crate::store::postgres::{PostgresSettings, ServerProblem};
use crate::store::services::Postgres;
use crate::store::testing::{reopened, settings};
use crate::store::{Keys, PgStore, StoreProblem};
use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

fn problem_with(settings: &PostgresSettings) -> ServerProblem {
    let problem = PgStore::open(settings).unwrap_err();
    assert!(!problem.hint().is_empty());
    assert!(!problem.to_string().contains("hunter2"), "{problem}");
    assert!(!format!("{problem:?}{settings:?}").contains("hunter2"));
    match problem {
        StoreProblem::Server { problem, .. } => problem,
        other => panic!("{other}"),
    }
}

fn problem(url: &str) -> ServerProblem {
    problem_with(&settings(url))
}

/// A login that must give its password, which is `hunter2`.
fn guard(server: &Postgres) {
    server.sql(
        "postgres",
        "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'guarded') \
         THEN CREATE ROLE guarded LOGIN PASSWORD 'hunter2'; END IF; END $$",
    );
}

#[test]
fn what_keeps_a_server_from_being_used_is_told_apart() {
    let server = Postgres::start();
    guard(&server);
    let url = server.create_database("opening");
    let (_, database) = url.rsplit_once('/').unwrap();
    let login = |login: &str, database: &str| {
        let url = server.bare_url(login, database);
        problem(&format!("{url}?sslmode=disable"))
    };
    let wrong = login("guarded:hunter22", "postgres");
    assert!(matches!(wrong, ServerProblem::Login(_)), "{wrong}");
    let none = login("guarded", "postgres");
    assert!(matches!(none, ServerProblem::Login(_)), "{none}");
    let stranger = login("stranger:hunter2", "postgres");
    assert!(matches!(stranger, ServerProblem::Login(_)), "{stranger}");
    let missing = login("postgres", "nowhere");
    assert!(matches!(missing, ServerProblem::NoDatabase(_)), "{missing}");
    server.sql(&url, "REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    let database = database.split('?').next().unwrap();
    let forbidden = login("guarded:hunter2", database);
    assert!(
        matches!(forbidden, ServerProblem::Forbidden(_)),
        "{forbidden}"
    );
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let away = problem(&format!("postgres://u:hunter2@{nobody}/x"));
    assert!(matches!(away, ServerProblem::Away(_)), "{away}");
    let unknown = problem("postgres://u:hunter2@nowhere.invalid/x");
    assert!(matches!(unknown, ServerProblem::Away(_)), "{unknown}");
    let nonsense = problem("hunter2");
    assert!(matches!(nonsense, ServerProblem::Url), "{nonsense}");
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://u:hunter2@{}/x", silent.local_addr().unwrap());
    let holding = thread::spawn(move || {
        let (mut connection, _) = silent.accept().unwrap();
        let _ = connection.read_to_end(&mut Vec::new());
    });
    let begun = Instant::now();
    let away = problem(&url);
    assert!(matches!(away, ServerProblem::Away(_)), "{away}");
    assert!(begun.elapsed() < SOON);
    holding.join().unwrap();
}

#[test]
fn processes_that_start_at_once_on_an_empty_database_all_succeed() {
    let url = Postgres::shared().create_database("start");
    let ready = Barrier::new(6);
    thread::scope(|scope| {
        for number in 0..6 {
            let (url, ready) = (&url, &ready);
            scope.spawn(move || {
                ready.wait();
                let store = reopened(url);
                store
                    .create_key(new_key(&format!("public-id-{number:02}")))
                    .unwrap();
            });
        }
    });
    assert_eq!(reopened(&url).list_keys().unwrap().len(), 6);
}

#[test]
fn tables_of_a_newer_version_are_refused() {
    let server = Postgres::shared();
    let url = server.create_database("newer");
    drop(reopened(&url));
    server.sql(
        &url,
        "INSERT INTO refinery_schema_history VALUES (999, 'later', '2030-01-01T00:00:00Z', '1')",
    );
    let newer = problem(&url);
    assert!(
        matches!(newer, ServerProblem::Newer { found: 999, .. }),
        "{newer}"
    );
}

#[test]
fn a_migration_that_fails_leaves_nothing_behind() {
    let server = Postgres::shared();
    let url = server.create_database("torn");
    // The second migration makes a table of this name.
    server.sql(&url, "CREATE TABLE wallets (id BIGINT)");
    let failed = problem(&url);
    assert!(matches!(failed, ServerProblem::Migration(_)), "{failed}");
    assert!(failed.to_string().contains("wallets"), "{failed}");
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename IN ('users', 'api_keys')";
    assert_eq!(server.sql(&url, tables), "0");
    server.sql(&url, "DROP TABLE wallets");
    reopened(&url).create_key(new_key("aaaaaaaaaaaa")).unwrap();
}

#[test]
fn a_database_that_only_reads_is_refused() {
    let server = Postgres::shared();
    let url = server.create_database("readonly");
    let name = server.sql(&url, "SELECT current_database()");
    server.sql(
        "postgres",
        &format!("ALTER DATABASE {name} SET default_transaction_read_only = on"),
    );
    let replica = problem(&url);
    assert!(matches!(replica, ServerProblem::Replica), "{replica}");
}

#[test]
fn encryption_follows_the_url() {
    let server = Postgres::shared();
    let plain = server.create_database("tls");
    drop(reopened(&plain));
    let url = plain.replace("?sslmode=disable", "");
    let is_encrypted = |options: &str, ca_file| {
        let settings = PostgresSettings {
            ca_file,
            ..settings(&format!("{url}{options}"))
        };
        let store = PgStore::open(&settings)?;
        let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        Ok::<_, StoreProblem>(store.number(sql) == 1)
    };
    assert!(!is_encrypted("?sslmode=disable", None).unwrap());
    // The tests' authority is unknown to the system.
    assert!(is_encrypted("", None).unwrap());
    let untrusted = is_encrypted("?sslmode=require", None).unwrap_err();
    let StoreProblem::Server { problem, .. } = untrusted else {
        panic!("{untrusted}");
    };
    assert!(matches!(problem, ServerProblem::Tls(_)), "{problem}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    fs::write(&file, server.authority()).unwrap();
    assert!(is_encrypted("?sslmode=require", Some(file.clone())).unwrap());
    assert!(is_encrypted("?sslmode=verify-full", Some(file.clone())).unwrap());
    let by_address = url.replace("localhost", "127.0.0.1");
    let elsewhere = problem_with(&PostgresSettings {
        ca_file: Some(file.clone()),
        ..settings(&format!("{by_address}?sslmode=verify-full"))
    });
    assert!(matches!(elsewhere, ServerProblem::Tls(_)), "{elsewhere}");
    fs::write(&file, "no certificate").unwrap();
    let unusable = problem_with(&PostgresSettings {
        ca_file: Some(file),
        ..settings(&format!("{url}?sslmode=require"))
    });
    assert!(
        matches!(unusable, ServerProblem::Authorities { .. }),
        "{unusable}"
    );
}

#[test]
fn a_socket_of_this_machine_needs_no_address() {
    let server = Postgres::shared();
    let url = server.create_database("socket");
    let name = server.sql(&url, "SELECT current_database()");
    let folder = server.folder().to_string_lossy().replace('/', "%2F");
    let store = reopened(&format!(
        "postgres://postgres@{folder}:{}/{name}",
        server.port()
    ));
    assert!(store.list_keys().unwrap().is_empty());
}
