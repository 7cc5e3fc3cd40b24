//! SIGTERM: no new connections, no stream lost within the drain limit, and a quick end.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Gateway, H1, Upstream, chat, ms, streaming, until};
use crate::world::{calm, config};

async fn start(shutdown: &str) -> (Upstream, Gateway) {
    let mock = Upstream::mock().await;
    let providers = [mock.provider("p", &calm("http: h1"))];
    let yaml = format!("shutdown: {{ {shutdown} }}\n") + &config(&providers, &[]);
    (mock, Gateway::start(&yaml).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_under_a_hundred_streams_drops_none() {
    let (_mock, mut gateway) = start("drain: 20s").await;
    let body = streaming("p/stream?chunks=100&delay=50ms");
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let mut client = gateway.h1().await;
        let body = body.clone();
        tasks.spawn(async move { client.chat(&body).await });
    }
    let mut shared = gateway.h2().await;
    for _ in 0..50 {
        let sending = shared.begin(&body, true).await;
        tasks.spawn(sending.answer());
    }
    until("a hundred streams to run", || async {
        gateway.metrics("alfred_requests_in_flight").await == 100.0
    })
    .await;
    let told = Instant::now();
    gateway.terminate();
    until("readiness to fall", || async { !gateway.is_ready().await }).await;
    until("the listener to close", || async {
        H1::try_connect(gateway.addr).await.is_err()
    })
    .await;
    assert!(
        told.elapsed() < ms(1500),
        "still listening after {:?}",
        told.elapsed()
    );
    for answer in tasks.join_all().await {
        let events = answer.expect(200).events();
        assert_eq!(
            (events.finishes().len(), events.done, events.errors().len()),
            (1, true, 0)
        );
    }
    let last = Instant::now();
    let status = gateway.ended(Duration::from_secs(5)).await;
    assert!(status.success(), "{status}");
    assert!(
        last.elapsed() < ms(1500),
        "lingered for {:?}",
        last.elapsed()
    );
    assert_eq!(gateway.receipts().len(), 100, "receipts were lost");
}

#[tokio::test]
async fn an_idle_gateway_leaves_at_once() {
    let (_mock, mut gateway) = start("drain: 20s").await;
    let mut idle = gateway.h1().await;
    assert!(idle.is_alive().await);
    let told = Instant::now();
    gateway.terminate();
    assert!(gateway.ended(Duration::from_secs(5)).await.success());
    assert!(told.elapsed() < ms(1500), "{:?}", told.elapsed());
    assert!(idle.is_closed().await);
}

#[tokio::test]
async fn the_pause_lets_load_balancers_notice_first() {
    let (_mock, mut gateway) = start("pause: 800ms, drain: 5s").await;
    gateway.terminate();
    until("readiness to fall", || async { !gateway.is_ready().await }).await;
    gateway.chat(&chat("p/echo", json!({}))).await.expect(200);
    assert!(gateway.ended(Duration::from_secs(5)).await.success());
}

#[tokio::test]
async fn the_drain_limit_ends_what_does_not_end() {
    let (_mock, mut gateway) = start("drain: 1s").await;
    let mut client = gateway.h1().await;
    client
        .begin(&streaming("p/stream?chunks=10000&delay=50ms"))
        .await;
    client.read_until("w1 ").await;
    let told = Instant::now();
    gateway.terminate();
    gateway.ended(Duration::from_secs(10)).await;
    let took = told.elapsed();
    assert!((ms(900)..ms(4000)).contains(&took), "{took:?}");
}
