//! A database that fails over to a replica which has not heard of the last minute: nothing that was
//! spent is lost, nothing is charged twice, and nobody spends what was leased to two.

use std::collections::BTreeMap;

use serde_json::json;

use crate::support::services::Postgres;
use crate::support::{Gateway, Upstream, chat, until};
use crate::world::{calm, config};
use crate::{PRICES, fund, nanos, said, wallet};

const MODEL: &str = "p/echo?tokens_in=20&tokens_out=20";
const COST: u64 = 20 + 200;
const CREDIT: u64 = 10_000 * COST;

async fn answers(gateway: &Gateway, count: usize) {
    let mut client = gateway.h1().await;
    for _ in 0..count {
        client.chat(&chat(MODEL, json!({}))).await.expect(200);
    }
}

/// How often each request stands in the ledger.
fn posted(server: &Postgres, url: &str) -> BTreeMap<String, usize> {
    let rows = server.sql(
        url,
        "SELECT request_id FROM transactions WHERE type = 'usage'",
    );
    let mut found = BTreeMap::new();
    for row in rows.lines() {
        *found.entry(row.to_owned()).or_default() += 1;
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_database_lost_in_a_failover_is_sent_again_once() {
    let server = Postgres::start();
    let url = server.create_database("failover");
    let mock = Upstream::mock().await;
    let fleet = format!(
        "store: {{ postgres: {{ url: \"{url}\" }} }}\npepper: {}\n",
        "5a".repeat(32)
    );
    let yaml = PRICES.to_owned() + &fleet + &config(&[mock.provider("p", &calm(""))], &[]);
    let gateway = Gateway::start(&yaml).await;
    fund(&gateway, CREDIT, &["--mode", "strict"]).await;
    answers(&gateway, 5).await;
    let is_posted = |count| {
        (
            server.psql(&url, "SELECT 1").status.success(),
            posted(&server, &url).len(),
        ) == (true, count)
    };
    until("five in the ledger", || async { is_posted(5) }).await;
    server.stop_immediate();
    server.save();
    server.start_again();
    answers(&gateway, 40).await;
    until("forty more in the ledger", || async { is_posted(45) }).await;
    server.stop_immediate();
    server.restore();
    server.start_again();
    assert_eq!(posted(&server, &url).len(), 5, "the database has forgotten");
    until("all of it in the ledger again", || async { is_posted(45) }).await;
    answers(&gateway, 10).await;
    until("what came later in the ledger", || async { is_posted(55) }).await;
    assert!(posted(&server, &url).values().all(|times| *times == 1));
    // The old term ends, and its leases go back: only what was spent is gone.
    until("the books to close", || async {
        wallet(&gateway)["balance"] == json!(nanos(CREDIT - 55 * COST))
            && gateway.run(&["ledger", "check"]).status.success()
    })
    .await;
    said(&gateway, &["ledger", "check"]);
}
