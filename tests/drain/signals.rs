//! The other signals.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Gateway, H1, chat, ms, streaming};

fn signal(gateway: &Gateway, name: &str) {
    let pid = gateway.pid().to_string();
    let sent = Command::new("kill")
        .args([&format!("-{name}"), &pid])
        .status();
    assert!(sent.unwrap().success());
}

async fn with_a_stream() -> (H1, Gateway) {
    let gateway = Gateway::start("shutdown: { pause: 30s, drain: 60s }\n").await;
    let mut client = gateway.h1().await;
    client
        .begin(&streaming("mock/stream?chunks=100000&delay=20ms"))
        .await;
    client.read_until("w1 ").await;
    (client, gateway)
}

#[tokio::test]
async fn sigint_waits_for_nobody() {
    let (_client, mut gateway) = with_a_stream().await;
    let told = Instant::now();
    signal(&gateway, "INT");
    gateway.ended(Duration::from_secs(15)).await;
    assert!(told.elapsed() < ms(5000), "{:?}", told.elapsed());
    let receipts = gateway.receipts();
    assert_eq!(
        receipts.len(),
        1,
        "what was generated is still accounted for"
    );
    assert_eq!(receipts[0]["outcome"], "truncated", "{receipts:?}");
}

#[tokio::test]
async fn sigint_ends_a_drain_that_takes_too_long() {
    let (_client, mut gateway) = with_a_stream().await;
    gateway.terminate();
    tokio::time::sleep(ms(300)).await;
    let told = Instant::now();
    signal(&gateway, "INT");
    gateway.ended(Duration::from_secs(15)).await;
    assert!(told.elapsed() < ms(5000), "{:?}", told.elapsed());
}

#[tokio::test]
async fn sighup_ends_nothing() {
    let gateway = Gateway::start("").await;
    signal(&gateway, "HUP");
    tokio::time::sleep(ms(200)).await;
    gateway
        .chat(&chat("mock/echo", json!({})))
        .await
        .expect(200);
    assert!(gateway.is_ready().await);
}

#[tokio::test]
async fn what_a_killed_process_leaves_behind_does_not_hinder_the_next() {
    let mut gateway = Gateway::start("").await;
    let key = gateway.key.clone();
    signal(&gateway, "KILL");
    gateway.ended(Duration::from_secs(5)).await;
    let listed = gateway.run(&["keys", "list", "--json"]);
    assert!(listed.status.success(), "{listed:?}");
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.contains(key.split('_').nth(2).unwrap()), "{listed}");
}
