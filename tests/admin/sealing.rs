//! What requests cost is sealed while they run, and holds; whatever is then changed in the database behind Alfred's
//! back, past its rules and triggers, is found by `alfred audit verify`, and the first row that is not as it was named.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::{Value, json};

use crate::house::{House, Store};
use crate::support::services::Postgres;
use crate::support::{chat, until};

crate::house::on_each_store! {
    traffic_is_sealed_and_every_kind_of_tampering_is_found_and_named,
}

/// What the model of the built-in mock costs here.
const PRICES: &str = "prices: { \"mock/*\": { in: 1000000, out: 3000000 } }\n";
const ROUNDS: usize = 4;
const PER_ROUND: usize = 6;

/// A database that was sealed, and from which copies are made to be tampered with.
struct Sealed {
    house: House,
    store: Store,
    yaml: String,
}

/// A copy.
struct Copy {
    store: Store,
    folder: tempfile::TempDir,
    url: String,
}

impl Sealed {
    /// Drives traffic through a gateway until all of it is sealed in several blocks, and ends it.
    async fn make(store: Store) -> Self {
        let yaml = store.line() + PRICES;
        let mut house = House::start_with(&yaml).await;
        let me = house.get(&house.token, "/v1/me").await.expect(200).json();
        let wallet = json!({ "owner_type": "user", "owner_id": me["id"] });
        let wallet = house.make(&house.token, "/v1/wallets", wallet).await;
        let credit = format!("/v1/wallets/{}/credit", wallet["id"]);
        house
            .make(&house.token, &credit, json!({ "amount": "100" }))
            .await;
        for name in ["one", "two", "three", "four"] {
            house
                .make(&house.token, "/v1/teams", json!({ "name": name }))
                .await;
        }
        until("the wallet is known", || async {
            let answer = house.gateway.chat(&chat(MODEL, json!({}))).await;
            answer.status == 200 && answer.count("x-alfred-balance") == 1
        })
        .await;
        for _ in 0..ROUNDS {
            for _ in 0..PER_ROUND {
                house
                    .gateway
                    .chat(&chat(MODEL, json!({})))
                    .await
                    .expect(200);
            }
            // The sealer comes once a second.
            tokio::time::sleep(Duration::from_millis(1300)).await;
        }
        house.gateway.terminate();
        house.gateway.ended(Duration::from_secs(30)).await;
        Self { house, store, yaml }
    }

    fn copy(&self) -> Copy {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        for file in fs::read_dir(self.house.gateway.folder().join("data")).unwrap() {
            let file = file.unwrap();
            if file.file_type().unwrap().is_file() {
                fs::copy(file.path(), data.join(file.file_name())).unwrap();
            }
        }
        let (mut yaml, mut url) = (self.yaml.clone(), String::new());
        if self.store == Store::Postgres {
            let own = self.yaml.split('"').nth(1).unwrap();
            url = Postgres::shared().copy_database(own, "tampered");
            yaml = yaml.replace(own, &url);
        }
        fs::write(
            folder.path().join("alfred.yaml"),
            format!("data_dir: ./data\n{yaml}"),
        )
        .unwrap();
        Copy {
            store: self.store,
            folder,
            url,
        }
    }
}

const MODEL: &str = "mock/echo?tokens_in=100&tokens_out=20";

impl Copy {
    fn database(&self) -> PathBuf {
        self.folder.path().join("data/alfred.db")
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_alfred"))
            .args(arguments)
            .args(["--config", "alfred.yaml"])
            .current_dir(self.folder.path())
            .output()
            .unwrap()
    }

    /// Changes the database as whoever owns it can: no trigger, no foreign key stands in the way.
    fn tamper(&self, statements: &str) {
        match self.store {
            Store::Postgres => {
                let free = format!("SET session_replication_role = replica; {statements}");
                Postgres::shared().sql(&self.url, &free);
            }
            Store::Sqlite => {
                let database = rusqlite::Connection::open(self.database()).unwrap();
                let free = format!("PRAGMA foreign_keys = OFF; {statements}");
                database.execute_batch(&free).unwrap();
            }
        }
    }

    /// The one value that a query answers, as text.
    fn ask(&self, query: &str) -> String {
        match self.store {
            Store::Postgres => Postgres::shared().sql(&self.url, query),
            Store::Sqlite => {
                let database = rusqlite::Connection::open(self.database()).unwrap();
                let query = format!("SELECT CAST(({query}) AS TEXT)");
                database.query_row(&query, [], |row| row.get(0)).unwrap()
            }
        }
    }

    /// So many bytes that are zero.
    fn zeros(&self, count: usize) -> String {
        match self.store {
            Store::Postgres => format!("'\\x{}'::bytea", "00".repeat(count)),
            Store::Sqlite => format!("zeroblob({count})"),
        }
    }

    /// The id of a transaction, as Alfred names it.
    fn transaction(&self, which: &str) -> String {
        let hex = match self.store {
            Store::Postgres => "encode(id, 'hex')",
            Store::Sqlite => "lower(hex(id))",
        };
        let text = self.ask(&format!("SELECT {hex} FROM transactions WHERE {which}"));
        let id = uuid::Uuid::parse_str(&text).unwrap();
        format!("transactions {id}: ")
    }
}

/// A tampering: what it is, how it is done, and how the first bad row is named.
struct Deed {
    what: &'static str,
    how: String,
    /// One of these: of rows that fit each other the way they are batched decides which is the first.
    named: Vec<String>,
}

/// Deeds, each done to a copy of its own.
#[derive(Default)]
struct Deeds(Vec<Deed>);

impl Deeds {
    /// `named` may hold several names, with `|` between them.
    fn add(&mut self, what: &'static str, how: &str, named: &str) {
        let named = named.split('|').map(str::to_owned).collect();
        let how = how.to_owned();
        self.0.push(Deed { what, how, named });
    }
}

const CHANGED: &str = "its content was changed";

/// A bit of a number is flipped by adding or taking 1.
fn flip(column: &str) -> String {
    format!("{column} = ({column} | 1) - ({column} & 1)")
}

fn to_transactions(copy: &Copy, settlement: i64) -> Deeds {
    let mut deeds = Deeds::default();
    let at = |position: i64| format!("settlement = {settlement} AND position = {position}");
    let (first, second) = (copy.transaction(&at(0)), copy.transaction(&at(1)));
    let (z16, z32) = (copy.zeros(16), copy.zeros(32));
    deeds.add(
        "a bit of an amount",
        &format!("UPDATE transactions SET {} WHERE {}", flip("amount"), at(0)),
        &format!("{first}{CHANGED}"),
    );
    deeds.add(
        "a deleted transaction",
        &format!("DELETE FROM transactions WHERE {}", at(0)),
        &format!("transactions of settlement {settlement}, position 0: it was deleted"),
    );
    deeds.add(
        "two transactions that changed places",
        &format!(
            "UPDATE transactions SET position = 1 - position \
             WHERE settlement = {settlement} AND position IN (0, 1)"
        ),
        &format!("{second}it was moved: it was written as number 1"),
    );
    deeds.add(
        "an invented transaction",
        &format!(
            "INSERT INTO transactions (request_id, type, id, amount, hash, created_at, settlement, \
             position) VALUES ({z16}, 'usage', {z16}, 5, {z32}, 0, {settlement}, 0)"
        ),
        "transactions 00000000-0000-0000-0000-000000000000: ",
    );
    deeds
}

fn to_settlements_and_blocks(copy: &Copy, settlement: i64, block: i64) -> Deeds {
    let (mut deeds, z32) = (Deeds::default(), copy.zeros(32));
    deeds.add(
        "a bit of a settlement's sum",
        &format!(
            "UPDATE settlements SET {} WHERE id = {settlement}",
            flip("amount")
        ),
        &format!("settlements {settlement}: {CHANGED}"),
    );
    deeds.add(
        "a deleted settlement",
        &format!("DELETE FROM settlements WHERE id = {settlement}"),
        &format!("blocks {block}: settlements were deleted"),
    );
    deeds.add(
        "a settlement deleted with its transactions",
        &format!(
            "DELETE FROM settlements WHERE id = {settlement}; \
             DELETE FROM transactions WHERE settlement = {settlement}"
        ),
        &format!("blocks {block}: settlements were deleted"),
    );
    deeds.add(
        "two settlements that changed places",
        &format!(
            "UPDATE settlements SET id = -1 WHERE id = {settlement}; \
             UPDATE settlements SET id = {settlement} WHERE id = {next}; \
             UPDATE settlements SET id = {next} WHERE id = -1",
            next = settlement + 1
        ),
        // Read block by block: where each is in a block of its own, the other's id comes first.
        &format!(
            "transactions |settlements {settlement}: |settlements {}: ",
            settlement + 1
        ),
    );
    deeds.add(
        "an invented settlement",
        &format!(
            "INSERT INTO settlements (id, holder_id, count, amount, root, block, created_at) \
             VALUES (1000000, 1, 1, 0, {z32}, {block}, 0)"
        ),
        "transactions of settlement 1000000, position 0: it was deleted",
    );
    deeds.add(
        "a bit of a block's sum",
        &format!("UPDATE blocks SET {} WHERE n = {block}", flip("amount")),
        &format!("blocks {block}: {CHANGED}"),
    );
    deeds.add(
        "a deleted block",
        &format!("DELETE FROM blocks WHERE n = {block}"),
        &format!("blocks {block}: it was deleted"),
    );
    deeds
}

fn to_the_audit_log() -> Deeds {
    let mut deeds = Deeds::default();
    deeds.add(
        "a bit of a record",
        &format!("UPDATE audit_log SET {} WHERE id = 4", flip("created_at")),
        &format!("audit_log 4: {CHANGED}"),
    );
    deeds.add(
        "a deleted record",
        "DELETE FROM audit_log WHERE id = 4",
        "audit_log 4: it was deleted",
    );
    deeds.add(
        "two records that changed places",
        "UPDATE audit_log SET id = -1 WHERE id = 4; UPDATE audit_log SET id = 4 WHERE id = 5; \
         UPDATE audit_log SET id = 5 WHERE id = -1",
        "audit_log 4: its content was changed",
    );
    deeds.add(
        "an invented record",
        "INSERT INTO audit_log SELECT id + 1, 'user.created', 1, 1, 'cli', 'create', 'user:9', '{}', NULL, \
         hash, previous_hash, 0 FROM audit_log ORDER BY id DESC LIMIT 1",
        "audit_log ",
    );
    deeds
}

async fn traffic_is_sealed_and_every_kind_of_tampering_is_found_and_named(store: Store) {
    let sealed = Sealed::make(store).await;
    let clean = sealed.copy();
    let said = clean.run(&["audit", "verify", "--strict", "--ledger", "--json"]);
    assert!(said.status.success(), "{said:?}");
    let told: Value = serde_json::from_slice(&said.stdout).unwrap();
    assert!(told["blocks"].as_i64().unwrap() >= 3, "{told:#}");
    let lines =
        told["transactions"].as_u64().unwrap() + told["unsealed_transactions"].as_u64().unwrap();
    assert!(lines >= (ROUNDS * PER_ROUND) as u64, "{told:#}");
    assert_eq!(
        (&told["flaw"], &told["broken_invariants"]),
        (&json!(null), &json!(0))
    );
    let said = clean.run(&["ledger", "check"]);
    assert!(said.status.success(), "{said:?}");
    let middle = "SELECT min(settlement) FROM transactions t JOIN settlements s ON s.id = t.settlement \
                  WHERE s.block >= 2 AND t.position = 1";
    let settlement: i64 = clean.ask(middle).parse().unwrap();
    let block = clean.ask(&format!(
        "SELECT block FROM settlements WHERE id = {settlement}"
    ));
    let block = block.parse().unwrap();
    let deeds = [
        to_transactions(&clean, settlement),
        to_settlements_and_blocks(&clean, settlement, block),
        to_the_audit_log(),
    ];
    for deed in deeds.into_iter().flat_map(|deeds| deeds.0) {
        let copy = sealed.copy();
        copy.tamper(&deed.how);
        let said = copy.run(&["audit", "verify"]);
        let error = String::from_utf8_lossy(&said.stderr).into_owned();
        assert_eq!(said.status.code(), Some(1), "{}: {said:?}", deed.what);
        let is_named = |name: &String| error.starts_with(&format!("error: {name}"));
        assert!(
            deed.named.iter().any(is_named),
            "{}: {:?} is not in {error}",
            deed.what,
            deed.named
        );
        if deed.what == "a bit of an amount" {
            let said = copy.run(&["ledger", "check"]);
            assert_eq!(said.status.code(), Some(1), "{said:?}");
            assert!(
                String::from_utf8_lossy(&said.stderr).contains("I4"),
                "{said:?}"
            );
        }
    }
}
