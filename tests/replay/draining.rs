//! With `on_client_disconnect: drain` the provider's own count is billed: the answer is read to
//! its usage report after the client has left.

use std::time::{Duration, Instant};

use crate::client_loss::{WAYS, Way, ask_and_leave};
use crate::support::{Gateway, Upstream, ms, until};
use crate::world::{alias, calm, config};

async fn start(scenario: &str, more: &str) -> (Upstream, Gateway) {
    let mock = Upstream::mock().await;
    let drain = format!("on_client_disconnect: drain, {more}");
    let providers = [mock.provider("p", &calm(&drain))];
    let models = [alias("m", &[&format!("p/{scenario}"), "p/echo"], "")];
    (mock, Gateway::start(&config(&providers, &models)).await)
}

async fn drains(http: &str) {
    for way in WAYS {
        let (mock, gateway) = start(
            "stream?chunks=40&delay=20ms&tokens_out=4711",
            &format!("http: {http}"),
        )
        .await;
        ask_and_leave(&gateway, "m", way, Some("w2")).await;
        let seen = mock.ended(1).await;
        assert_eq!(
            (seen.len(), &seen[0]["ended"]),
            (1, &"complete".into()),
            "{way:?}: {seen:?}"
        );
        let receipt = gateway.nth_receipt(1).await;
        assert_eq!(receipt["outcome"], "client_gone", "{way:?}: {receipt:#}");
        assert_eq!(receipt["usage"]["output"], 4711, "{way:?}: {receipt:#}");
        assert_eq!(receipt["usage"]["estimated"], false, "{way:?}: {receipt:#}");
        gateway.settled().await;
    }
}

#[tokio::test]
async fn the_usage_report_of_an_h1_provider_is_waited_for() {
    drains("h1").await;
}

#[tokio::test]
async fn the_usage_report_of_an_h2_provider_is_waited_for() {
    drains("h2").await;
}

#[tokio::test]
async fn before_content_there_is_nothing_to_wait_for() {
    for (scenario, way) in [
        ("hang", Way::Close),
        ("pings_forever?every=20ms", Way::CancelH2),
        ("pings_forever?every=20ms", Way::Reset),
    ] {
        let (mock, gateway) = start(scenario, "http: h1").await;
        ask_and_leave(&gateway, "m", way, None).await;
        let left = Instant::now();
        assert_eq!(mock.ended(1).await.len(), 1);
        assert!(
            left.elapsed() < ms(1000),
            "{scenario}: {:?}",
            left.elapsed()
        );
        gateway.settled().await;
    }
}

#[tokio::test]
async fn the_limit_of_silence_still_holds() {
    let limits = "timeouts: { first_byte: 5s, between_chunks: 500ms }";
    let (mock, gateway) = start("stall?after=3&for=30s", limits).await;
    ask_and_leave(&gateway, "m", Way::Close, Some("w2")).await;
    let left = Instant::now();
    mock.ended(1).await;
    assert!(
        (ms(300)..ms(1500)).contains(&left.elapsed()),
        "{:?}",
        left.elapsed()
    );
    gateway.settled().await;
}

#[tokio::test]
async fn the_total_still_holds() {
    let limits = "timeouts: { first_byte: 500ms, between_chunks: 500ms, connect: 500ms, commit_after: 500ms, total: 900ms }";
    let (mock, gateway) = start("stream?chunks=10000&delay=20ms", limits).await;
    ask_and_leave(&gateway, "m", Way::Close, Some("w2")).await;
    let left = Instant::now();
    mock.ended(1).await;
    assert!(left.elapsed() < ms(1800), "{:?}", left.elapsed());
    gateway.settled().await;
}

#[tokio::test]
async fn a_provider_that_dies_while_it_is_drained_is_not_asked_again() {
    let (mock, gateway) = start("cut?after=8&delay=30ms&chunks=10", "").await;
    ask_and_leave(&gateway, "m", Way::Close, Some("w2")).await;
    assert_eq!(mock.ended(1).await.len(), 1);
    gateway.settled().await;
    tokio::time::sleep(ms(200)).await;
    assert_eq!(mock.requests().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forty_clients_that_hang_up_together_leave_nothing_behind() {
    let (mock, gateway) = start("stream?chunks=30&delay=20ms&tokens_out=99", "").await;
    let gateway = std::sync::Arc::new(gateway);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..40 {
        let gateway = gateway.clone();
        let way = WAYS[number % WAYS.len()];
        tasks.spawn(async move { ask_and_leave(&gateway, "m", way, Some("w2")).await });
    }
    tasks.join_all().await;
    assert!(
        mock.ended(40)
            .await
            .iter()
            .all(|seen| seen["ended"] == "complete")
    );
    until("forty receipts", || async {
        gateway.receipts().len() >= 40
    })
    .await;
    for receipt in gateway.receipts() {
        assert_eq!(receipt["usage"]["output"], 99, "{receipt:#}");
    }
    gateway.settled().await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(mock.counter("in_flight").await, 0);
}
