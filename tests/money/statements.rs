//! No SQL on the way of a request. The database counts: every statement that it is asked for stands
//! in its log, with the transaction it belongs to, and ten times the requests make no more of them.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::json;
use tokio::task::JoinSet;

use crate::support::services::Postgres;
use crate::support::{Gateway, H1, Upstream, chat, ms, until};
use crate::world::{calm, config};
use crate::{PRICES, known, said};

const MODEL: &str = "p/echo?tokens_in=100&tokens_out=20";
const CLIENTS: usize = 10;
/// Every statement is logged, after the database and the virtual number of its transaction.
const LOGGED: &str = "-c log_statement=all -c log_line_prefix=%d|%v|";
/// How long the database is watched in which nobody asks for anything.
const IDLE: u64 = 3_000;
/// The cashier lets a batch fill for so long, in milliseconds.
const FILL: f64 = 20.0;

/// What the database was asked for in some stretch of time.
#[derive(Debug)]
struct Seen {
    seconds: f64,
    /// Statements of each transaction that settles a batch.
    batches: Vec<usize>,
    /// Statements of each transaction that leases.
    leases: Vec<usize>,
    /// Statements of all others.
    others: usize,
    /// Those of them that look at keys.
    keys: usize,
}

/// The log of a server from some moment on.
struct Watch<'a> {
    server: &'a Postgres,
    database: String,
    from: usize,
    begun: Instant,
}

impl<'a> Watch<'a> {
    fn begin(server: &'a Postgres, database: &str) -> Self {
        Self {
            server,
            database: database.to_owned(),
            from: log(server).len(),
            begun: Instant::now(),
        }
    }

    fn end(self) -> Seen {
        let seconds = self.begun.elapsed().as_secs_f64();
        let log = log(self.server);
        let mut transactions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for line in log[self.from..].lines() {
            let mut parts = line.splitn(3, '|');
            let (database, number, said) = (parts.next(), parts.next(), parts.next());
            let (Some(number), Some(said)) = (number, said) else {
                continue;
            };
            let is_statement =
                said.starts_with("LOG:  statement: ") || said.starts_with("LOG:  execute ");
            if database == Some(&self.database) && is_statement {
                transactions.entry(number).or_default().push(said);
            }
        }
        let mut seen = Seen {
            seconds,
            batches: Vec::new(),
            leases: Vec::new(),
            others: 0,
            keys: 0,
        };
        for said in transactions.values() {
            let says = |words: &str| said.iter().any(|said| said.contains(words));
            if says("INSERT INTO settlements") {
                seen.batches.push(said.len());
            } else if says("INSERT INTO lease_grants") {
                seen.leases.push(said.len());
            } else {
                seen.others += said.len();
                seen.keys += said.iter().filter(|said| said.contains("keys")).count();
            }
        }
        seen
    }
}

fn log(server: &Postgres) -> String {
    std::fs::read_to_string(server.folder().join("log")).unwrap()
}

/// So many requests, answered with this status, ten at a time.
async fn ask(gateway: &Gateway, key: &str, count: usize, status: u16) {
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (address, key) = (gateway.addr, key.to_owned());
        clients.spawn(async move {
            let mut client = H1::connect(address).await.with_key(&key);
            for _ in 0..count / CLIENTS {
                let body = chat(MODEL, json!({ "max_tokens": 20 }));
                client.chat(&body).await.expect(status);
            }
        });
    }
    clients.join_all().await;
}

async fn posted(gateway: &Gateway, count: usize) {
    until("all is settled", || async {
        gateway.metrics("alfred_ledger_settlements_total").await == count as f64
    })
    .await;
}

/// A gateway on a database of its own, whose test key has a budget and an owner with quota and team.
async fn funded(url: &str) -> (Upstream, Gateway) {
    let mock = Upstream::mock().await;
    let store = format!("store: {{ postgres: {{ url: \"{url}\" }} }}\n");
    let yaml = PRICES.to_owned() + &store + &config(&[mock.provider("p", &calm(""))], &[]);
    let gateway = Gateway::start(&yaml).await;
    let commands: [&[&str]; 4] = [
        &["teams", "create", "crew", "--common-pool", "5"],
        &["teams", "members", "1", "--add", "1"],
        &["users", "update", "1", "--quota", "5"],
        &["wallets", "create", "key:1", "--credit", "5"],
    ];
    for command in commands {
        said(&gateway, command);
    }
    known().await;
    (mock, gateway)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_asks_the_database() {
    let server = Postgres::start_as(LOGGED);
    let url = server.create_database("statements");
    let database = url.rsplit_once('/').unwrap().1;
    let database = database.split_once('?').unwrap().0.to_owned();
    let (_mock, gateway) = funded(&url).await;
    let revoked = gateway.create_key("revoked", &[]);
    said(&gateway, &["keys", "revoke", &revoked]);
    known().await;
    // The leases have grown to what this test spends.
    ask(&gateway, &gateway.key, 100, 200).await;
    posted(&gateway, 100).await;

    let watch = Watch::begin(&server, &database);
    tokio::time::sleep(ms(IDLE)).await;
    let idle = watch.end();
    assert!(idle.others > 0, "nothing is seen of the database: {idle:?}");
    let mut total = 100;
    for count in [50, 500] {
        let watch = Watch::begin(&server, &database);
        ask(&gateway, &gateway.key, count, 200).await;
        ask(&gateway, &revoked, count, 401).await;
        total += count;
        posted(&gateway, total).await;
        judge(&watch.end(), &idle, count);
    }
}

/// What is done anyway goes on at its pace, a batch costs the same however much it holds, and there
/// are as many as time allows, not as there are requests.
fn judge(seen: &Seen, idle: &Seen, count: usize) {
    let told = format!("{count} requests: {seen:?}, when idle: {idle:?}");
    let usual = idle.others as f64 / idle.seconds * seen.seconds;
    assert!((seen.others as f64) < usual * 1.5 + 40.0, "{told}");
    let looks = idle.keys as f64 / idle.seconds * seen.seconds;
    assert!((seen.keys as f64) < looks * 1.5 + 10.0, "{told}");
    let most = seen.seconds * 1_000.0 / FILL + 3.0;
    assert!((seen.batches.len() as f64) < most, "{told}");
    assert!(!seen.batches.is_empty(), "{told}");
    assert!(seen.batches.iter().all(|batch| *batch <= 20), "{told}");
    assert!(seen.leases.len() <= 30, "{told}");
    assert!(seen.leases.iter().all(|lease| *lease <= 12), "{told}");
}
