//! Why: what only a server can get wrong: other processes, restarts, locks, logins, encryption,
//! silence on the wire.

mod opening;

use super::super::services::Postgres;
use super::super::sql::{Column, Engine, Row, Value, Work, values};
use super::super::testing::{fresh, reopened, settings};
use super::super::{Keys, PgStore, StoreFault};
use crate::store::conformance::new_key;
use std::net::TcpListener;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than anything here takes on a machine that does much else.
const SOON: Duration = Duration::from_secs(20);

impl PgStore {
    /// One statement in a unit of work of its own.
    fn ask(&self, kind: Work, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreFault> {
        self.engine
            .run(kind, &mut |session| session.query(sql, params))
    }

    fn change(&self, sql: &str) {
        let changed = self
            .engine
            .run(Work::Money, &mut |session| session.execute(sql, &[]));
        changed.unwrap();
    }

    fn number(&self, sql: &str) -> i64 {
        self.ask(Work::ReadLatest, sql, &[]).unwrap()[0]
            .int(0)
            .unwrap()
    }
}

#[test]
fn every_value_comes_back_as_it_was_sent() {
    let (store, _) = fresh();
    store.change("CREATE TABLE t (i BIGINT, s TEXT, b BYTEA)");
    let row = |i: Option<i64>, s: Option<&str>, b: Option<[u8; 2]>| {
        vec![Value::from(i), Value::from(s), Value::from(b)]
    };
    let rows = [
        row(
            Some(i64::MIN),
            Some("'); DROP TABLE t;--\u{202e}€\\"),
            Some([0, 255]),
        ),
        row(Some(i64::MAX), Some(""), None),
        row(None, None, Some([1, 2])),
    ];
    let columns = [Column::Int("i"), Column::Text("s"), Column::Bytes("b")];
    let inserted = store.engine.run(Work::Money, &mut |sql| {
        sql.insert_many("t", &columns, &rows)?;
        sql.insert_many("t", &columns, &[])?;
        for row in &rows {
            let again = "INSERT INTO t (b, s, i) VALUES ($3, $2, $1)";
            assert_eq!(sql.execute(again, row)?, 1);
        }
        Ok(())
    });
    inserted.unwrap();
    let all = store.ask(
        Work::Read,
        "SELECT i, s, b FROM t ORDER BY i, s NULLS LAST, b",
        &[],
    );
    let mut all: Vec<_> = all.unwrap().into_iter().map(|row| row.0).collect();
    all.dedup();
    assert_eq!(all, rows);
    let sums = "SELECT sum(i), count(*), i IS NULL, 3::int4, NULL FROM t WHERE i > 0 GROUP BY i";
    let sums = store.ask(Work::Read, sums, &[]);
    // Twice the greatest number is none of 64 bits.
    assert!(matches!(sums, Err(StoreFault::Unreadable { column: 0 })));
    let kinds =
        "SELECT sum(i) / 2, count(*), i IS NULL, 3::int4, NULL FROM t WHERE i > 0 GROUP BY i";
    let kinds = store.ask(Work::Read, kinds, &[]).unwrap();
    let expected = values![i64::MAX, 2, false, 3, None::<i64>];
    assert_eq!(kinds[0].0, expected);
}

#[test]
fn a_parameter_keeps_its_64_bits_beside_a_small_literal() {
    let (store, _) = fresh();
    let sql = "SELECT coalesce($1, 0), CASE WHEN 1 = 1 THEN $2 ELSE 0 END";
    let row = store
        .ask(Work::Read, sql, values![i64::MAX, i64::MIN])
        .unwrap();
    assert_eq!(row[0].0, values![i64::MAX, i64::MIN]);
    let nul = store.ask(Work::Read, "SELECT $1", values!["a\0b"]);
    assert!(matches!(nul, Err(StoreFault::Refused(_))));
}

#[test]
fn work_that_fails_or_panics_leaves_nothing_behind() {
    let (store, _) = fresh();
    store.change("CREATE TABLE t (i BIGINT UNIQUE)");
    let insert = "INSERT INTO t VALUES (1)";
    let refused: Result<(), _> = store.engine.run(Work::Money, &mut |sql| {
        sql.execute(insert, &[])?;
        Err(StoreFault::Missing)
    });
    assert!(matches!(refused, Err(StoreFault::Missing)));
    let went_on = store.engine.run(Work::Money, &mut |sql| {
        sql.execute(insert, &[])?;
        let duplicate = sql.execute(insert, &[]);
        assert!(matches!(duplicate, Err(StoreFault::Duplicate)));
        Ok(())
    });
    assert!(matches!(went_on, Err(StoreFault::WentOn)));
    let panicked = thread::scope(|scope| {
        let work = || -> Result<(), _> {
            store.engine.run(Work::Governance, &mut |sql| {
                sql.execute(insert, &[])?;
                panic!("a mistake of the house")
            })
        };
        scope.spawn(work).join()
    });
    assert!(panicked.is_err());
    let wrote = store.ask(Work::Read, insert, &[]);
    assert!(matches!(wrote, Err(StoreFault::Server { .. })), "{wrote:?}");
    assert_eq!(store.number("SELECT count(*) FROM t"), 0);
    // The lock of governance is free, and so are the connections.
    for _ in 0..20 {
        store.ask(Work::Governance, "SELECT 1", &[]).unwrap();
    }
}

#[test]
fn units_of_governance_follow_one_another_in_the_whole_fleet() {
    let (one, url) = fresh();
    let other = reopened(&url);
    one.change("CREATE TABLE chain (n BIGINT PRIMARY KEY)");
    let extend = |store: &PgStore| {
        store.engine.run(Work::Governance, &mut |sql| {
            let last = sql
                .one("SELECT coalesce(max(n), 0) FROM chain", &[])?
                .int(0)?;
            sql.execute("INSERT INTO chain VALUES ($1)", values![last + 1])
        })
    };
    thread::scope(|scope| {
        for store in [&one, &other, &one, &other] {
            scope.spawn(move || (0..25).for_each(|_| assert!(extend(store).is_ok())));
        }
    });
    assert_eq!(one.number("SELECT count(*) FROM chain"), 100);
    assert_eq!(one.number("SELECT max(n) FROM chain"), 100);
}

#[test]
fn money_does_not_wait_behind_governance_or_readers() {
    let (store, url) = fresh();
    let other = reopened(&url);
    let (locked, done) = (Barrier::new(2), Barrier::new(2));
    thread::scope(|scope| {
        scope.spawn(|| {
            let held = other.engine.run(Work::Governance, &mut |_| {
                locked.wait();
                done.wait();
                Ok(())
            });
            held.unwrap();
        });
        locked.wait();
        let waiting: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| store.ask(Work::Governance, "SELECT 1", &[]).map(drop)))
            .collect();
        for _ in 0..8 {
            scope.spawn(|| {
                store
                    .ask(Work::Read, "SELECT 1 FROM pg_sleep(1)", &[])
                    .map(drop)
            });
        }
        thread::sleep(Duration::from_millis(200));
        let begun = Instant::now();
        store.ask(Work::Money, "SELECT 1", &[]).unwrap();
        assert!(
            begun.elapsed() < Duration::from_millis(900),
            "{:?}",
            begun.elapsed()
        );
        done.wait();
        assert!(waiting.into_iter().all(|unit| unit.join().unwrap().is_ok()));
    });
}

#[test]
fn a_deadlock_ends_well_for_both() {
    let (store, _) = fresh();
    store.change("CREATE TABLE t (id BIGINT PRIMARY KEY, n BIGINT)");
    store.change("INSERT INTO t VALUES (1, 0), (2, 0)");
    let met = Barrier::new(2);
    let tries = AtomicU32::new(0);
    let both = |first: i64, second: i64| {
        let mut is_first_try = true;
        let done = store.engine.run(Work::Money, &mut |sql| {
            tries.fetch_add(1, Ordering::Relaxed);
            sql.execute("UPDATE t SET n = n + 1 WHERE id = $1", values![first])?;
            if std::mem::take(&mut is_first_try) {
                met.wait();
            }
            sql.execute("UPDATE t SET n = n + 1 WHERE id = $1", values![second])
        });
        done.unwrap();
    };
    thread::scope(|scope| {
        scope.spawn(|| both(1, 2));
        scope.spawn(|| both(2, 1));
    });
    assert_eq!(store.number("SELECT sum(n) FROM t"), 4);
    assert!(tries.load(Ordering::Relaxed) >= 3);
}

#[test]
fn of_two_who_insert_the_same_row_the_second_finds_it() {
    let (store, _) = fresh();
    store.change("CREATE TABLE t (id BIGINT GENERATED ALWAYS AS IDENTITY, name TEXT UNIQUE)");
    let met = Barrier::new(2);
    let make = || {
        let mut is_first_try = true;
        let made = store.engine.run(Work::Money, &mut |sql| {
            let known = sql.first("SELECT id FROM t WHERE name = 'a'", &[])?;
            if std::mem::take(&mut is_first_try) {
                met.wait();
            }
            match known {
                Some(known) => known.int(0),
                None => sql
                    .one("INSERT INTO t (name) VALUES ('a') RETURNING id", &[])?
                    .int(0),
            }
        });
        made.unwrap()
    };
    thread::scope(|scope| {
        let other = scope.spawn(make);
        assert_eq!(make(), other.join().unwrap());
    });
}

#[test]
fn a_server_that_restarts_is_found_again_by_every_connection() {
    let server = Postgres::start();
    let store = reopened(&server.create_database("restart"));
    store.change("CREATE TABLE t (i BIGINT)");
    let everywhere = |sql: &'static str| {
        thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| store.ask(Work::Money, sql, &[]).unwrap());
            }
        });
    };
    everywhere("SELECT 1 FROM pg_sleep(0.1)");
    let row = store.create_key(new_key("aaaaaaaaaaaa")).unwrap();
    server.restart_immediate();
    everywhere("INSERT INTO t VALUES (1) RETURNING i");
    assert_eq!(store.number("SELECT count(*) FROM t"), 6);
    assert_eq!(store.list_keys().unwrap(), [row]);
    server.stop_immediate();
    let begun = Instant::now();
    let away = store.ask(Work::Money, "SELECT 1", &[]);
    assert!(matches!(away, Err(StoreFault::Away)), "{away:?}");
    assert!(begun.elapsed() < SOON);
    server.start_again();
    store.ask(Work::Money, "SELECT 1", &[]).unwrap();
}

#[test]
fn a_commit_whose_answer_is_lost_is_uncertain_and_not_tried_again() {
    let (store, url) = fresh();
    store.change("CREATE TABLE t (i BIGINT)");
    // The server ends the connection in the middle of the commit.
    store.change(
        "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ \
         BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$",
    );
    store.change(
        "CREATE CONSTRAINT TRIGGER dies AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED \
         FOR EACH ROW WHEN (NEW.i = 666) EXECUTE FUNCTION die()",
    );
    let mut tries = 0;
    let lost = store.engine.run(Work::Money, &mut |sql| {
        tries += 1;
        sql.execute("INSERT INTO t VALUES (666)", &[])
    });
    assert!(matches!(lost, Err(StoreFault::Uncertain)), "{lost:?}");
    assert_eq!(tries, 1);
    assert_eq!(reopened(&url).number("SELECT count(*) FROM t"), 0);
    store.ask(Work::Money, "SELECT 1", &[]).unwrap();
}

#[test]
fn a_connection_that_is_lost_before_the_commit_is_replaced() {
    let (store, _) = fresh();
    store.change("CREATE TABLE t (i BIGINT)");
    let mut tries = 0;
    let done = store.engine.run(Work::Money, &mut |sql| {
        tries += 1;
        sql.execute("INSERT INTO t VALUES (1)", &[])?;
        if tries == 1 {
            sql.execute("SELECT pg_terminate_backend(pg_backend_pid())", &[])?;
        }
        Ok(())
    });
    done.unwrap();
    assert_eq!((tries, store.number("SELECT count(*) FROM t")), (2, 1));
}

#[test]
fn a_table_changed_by_a_newer_version_does_not_stop_an_older_one() {
    let (store, url) = fresh();
    store.change("CREATE TABLE t (i BIGINT)");
    store.change("INSERT INTO t VALUES (7)");
    let read = || store.ask(Work::Read, "SELECT * FROM t", &[]).unwrap();
    assert_eq!(read()[0].0, values![7]);
    Postgres::shared().sql(&url, "ALTER TABLE t ADD COLUMN more TEXT");
    assert_eq!(read()[0].0, values![7, None::<&str>]);
    Postgres::shared().sql(&url, "ALTER TABLE t DROP COLUMN more");
    assert_eq!(read()[0].0, values![7]);
}

#[test]
fn what_another_process_tells_is_heard_within_moments() {
    let server = Postgres::start();
    let url = server.create_database("notices");
    let (store, other) = (reopened(&url), reopened(&url));
    let heard = store.listen();
    // After silence everything may have changed.
    let first = [
        heard.recv_timeout(SOON).unwrap(),
        heard.recv_timeout(SOON).unwrap(),
    ];
    assert_eq!(first, ["keys", "wallets"]);
    let begun = Instant::now();
    other.create_key(new_key("aaaaaaaaaaaa")).unwrap();
    assert_eq!(heard.recv_timeout(SOON).unwrap(), "keys");
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    let told = other
        .engine
        .run(Work::Money, &mut |sql| sql.notify("it's 5 o'clock"));
    told.unwrap();
    assert_eq!(heard.recv_timeout(SOON).unwrap(), "it's 5 o'clock");
    let unsaid: Result<(), _> = other.engine.run(Work::Money, &mut |sql| {
        sql.notify("undone")?;
        Err(StoreFault::Missing)
    });
    assert!(unsaid.is_err());
    server.restart_immediate();
    assert_eq!(heard.recv_timeout(SOON).unwrap(), "keys");
    assert_eq!(heard.recv_timeout(SOON).unwrap(), "wallets");
    other.revoke_key("aaaaaaaaaaaa", 1).unwrap();
    assert_eq!(heard.recv_timeout(SOON).unwrap(), "keys");
}

#[test]
fn a_store_may_be_dropped_anywhere() {
    let (store, _) = fresh();
    let _heard = store.listen();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async move { drop(store) });
}

#[test]
fn a_replica_is_read_and_the_primary_answers_when_it_is_away() {
    let (primary, url) = fresh();
    primary.change("CREATE TABLE t (i BIGINT)");
    // A copy that lags behind for ever.
    let (_, replica_url) = fresh();
    Postgres::shared().sql(&replica_url, "CREATE TABLE t (i BIGINT)");
    primary.change("INSERT INTO t VALUES (1)");
    let with = |replica: &str| {
        let settings = super::PostgresSettings {
            replica_url: Some(replica.to_owned()),
            ..settings(&url)
        };
        PgStore::open(&settings).unwrap()
    };
    let count = |store: &PgStore, kind| {
        let rows = store.ask(kind, "SELECT count(*) FROM t", &[]).unwrap();
        rows[0].int(0).unwrap()
    };
    let store = with(&replica_url);
    assert_eq!(count(&store, Work::Read), 0);
    assert_eq!(count(&store, Work::ReadLatest), 1);
    assert_eq!(count(&store, Work::Money), 1);
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let store = with(&format!("postgres://alfred@{nobody}/alfred"));
    assert_eq!(count(&store, Work::Read), 1);
}
