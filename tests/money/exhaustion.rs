//! A wallet that runs out under a crowd: never overspent, clean refusals, next to nothing left.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{H1, chat, services, until};
use crate::{funded, nanos, said, wallet};

/// One answer costs 100 + 20 x 10 and holds a little more.
const MODEL: &str = "p/echo?tokens_in=20&tokens_out=20";
const COST: u64 = 20 + 200;

async fn crowd(addresses: &[std::net::SocketAddr], key: &str, clients: usize) -> (u64, u64) {
    let (paid, refused) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut tasks = JoinSet::new();
    for number in 0..clients {
        let (paid, refused) = (Arc::clone(&paid), Arc::clone(&refused));
        let (address, key) = (addresses[number % addresses.len()], key.to_owned());
        tasks.spawn(async move {
            let mut client = H1::connect(address).await.with_key(&key);
            loop {
                let answer = client.chat(&chat(MODEL, json!({ "max_tokens": 20 }))).await;
                if answer.status == 402 {
                    answer.expect_refusal(402, "insufficient_credit");
                    refused.fetch_add(1, Relaxed);
                    return;
                }
                answer.expect(200);
                paid.fetch_add(1, Relaxed);
            }
        });
    }
    tasks.join_all().await;
    (paid.load(Relaxed), refused.load(Relaxed))
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_spends_a_budget_to_its_last_request() {
    const BUDGET: u64 = 500 * COST;
    let (_mock, gateway) = funded("", BUDGET, &["--mode", "strict"]).await;
    let (paid, refused) = crowd(&[gateway.addr], &gateway.key, 60).await;
    assert_eq!(refused, 60);
    assert!(paid * COST <= BUDGET, "{paid} answers");
    let left = BUDGET - paid * COST;
    // A hold in mode strict is the prompt's bytes and the whole answer.
    assert!(left < 2 * (COST + 200), "{left} stranded");
    until("settled", || async {
        wallet(&gateway)["balance"] == json!(nanos(left))
    })
    .await;
    said(&gateway, &["ledger", "check"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn three_processes_on_one_database_never_overspend_together() {
    const BUDGET: u64 = 2_000 * COST;
    let url = services::Postgres::shared().create_database("exhaustion");
    let fleet = format!(
        "store: {{ postgres: {{ url: \"{url}\" }} }}\npepper: {}\n",
        "5a".repeat(32)
    );
    let (_first, one) = funded(&fleet, BUDGET, &["--mode", "strict"]).await;
    let key = one.key.clone();
    let mut others = Vec::new();
    for _ in 0..2 {
        let mock = crate::support::Upstream::mock().await;
        let providers = crate::world::config(&[mock.provider("p", &crate::world::calm(""))], &[]);
        let yaml = crate::PRICES.to_owned() + &fleet + &providers;
        others.push((crate::support::Gateway::start(&yaml).await, mock));
    }
    let mut addresses = vec![one.addr];
    addresses.extend(others.iter().map(|(gateway, _)| gateway.addr));
    crate::known().await;
    let (paid, refused) = crowd(&addresses, &key, 1_000).await;
    assert_eq!(refused, 1_000);
    assert!(paid * COST <= BUDGET, "{paid} answers");
    let left = BUDGET - paid * COST;
    assert!(left < 2 * (COST + 200), "{left} stranded");
    until("settled", || async {
        let row: Value = wallet(&one);
        row["balance"] == json!(nanos(left))
    })
    .await;
    said(&one, &["ledger", "check"]);
}
