//! The drain limit: whoever does not end by then is ended.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Ending, Gateway, Upstream, chat, ms, streaming, until};
use crate::world::{calm, config};

async fn start(drain: &str) -> (Upstream, Gateway) {
    let mock = Upstream::mock().await;
    let yaml = format!("shutdown: {{ drain: {drain} }}\n");
    let yaml = yaml + &config(&[mock.provider("p", &calm(""))], &[]);
    (mock, Gateway::start(&yaml).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_without_end_are_cut_at_the_limit_and_short_ones_are_not() {
    let (_mock, mut gateway) = start("2s").await;
    let endless = streaming("p/stream?chunks=100000&delay=20ms");
    let mut cut = tokio::task::JoinSet::new();
    for _ in 0..5 {
        let mut client = gateway.h1().await;
        let body = endless.clone();
        cut.spawn(async move { client.chat(&body).await });
    }
    let mut shared = gateway.h2().await;
    for _ in 0..5 {
        let sending = shared.begin(&endless, true).await;
        cut.spawn(sending.answer());
    }
    let mut hanging = gateway.h1().await;
    hanging.begin(&chat("p/hang", json!({}))).await;
    let mut short = gateway.h1().await;
    short
        .begin(&streaming("p/stream?chunks=20&delay=30ms"))
        .await;
    until("all to be in flight", || async {
        gateway.metrics("alfred_requests_in_flight").await >= 12.0
    })
    .await;
    let told = Instant::now();
    gateway.terminate();
    let events = short.answer().await.expect(200).events();
    assert_eq!((events.finishes().len(), events.done), (1, true));
    gateway.ended(Duration::from_secs(20)).await;
    let took = told.elapsed();
    assert!((ms(1900)..ms(8000)).contains(&took), "{took:?}");
    for answer in cut.join_all().await {
        // Nobody may take the rest for the whole.
        assert_ne!(answer.ending, Ending::Complete, "{answer:?}");
        assert!(answer.text().contains("w1 "), "{answer:?}");
    }
    let log = gateway.log();
    assert!(log.contains("11 requests are cut off"), "{log}");
    let receipts = gateway.receipts();
    let count = |outcome: &str| {
        let matching = receipts
            .iter()
            .filter(|receipt| receipt["outcome"] == outcome);
        matching.count()
    };
    // What was delivered until then is billed; the one that hung had nothing.
    assert_eq!(
        (count("ok"), count("truncated"), receipts.len()),
        (1, 10, 12),
        "{log}"
    );
    for receipt in receipts
        .iter()
        .filter(|receipt| receipt["outcome"] == "truncated")
    {
        assert_eq!(
            (&receipt["status"], &receipt["code"]),
            (&json!(200), &json!("drain_limit"))
        );
        assert_eq!(receipt["usage"]["estimated"], true, "{receipt:#}");
    }
}
