//! SIGTERM: what has begun is finished, nothing new is begun, and then the process is gone.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{Answer, Gateway, H1, H2, Upstream, chat, chat_of, ms, streaming, until};
use crate::world::{calm, config};

async fn start() -> (Upstream, Gateway) {
    let mock = Upstream::mock().await;
    let yaml = "shutdown: { drain: 60s }\n".to_owned();
    let yaml = yaml + &config(&[mock.provider("p", &calm(""))], &[]);
    (mock, Gateway::start(&yaml).await)
}

/// About two seconds of a stream.
fn stream() -> Vec<u8> {
    streaming("p/stream?chunks=40&delay=50ms")
}

/// Tells the gateway to stop once `count` requests are in flight; then nobody may connect.
async fn stop(gateway: &Gateway, count: f64) {
    until("all to be in flight", || async {
        gateway.metrics("alfred_requests_in_flight").await >= count
    })
    .await;
    gateway.terminate();
    until("the listener to close", || async {
        H1::try_connect(gateway.addr).await.is_err()
    })
    .await;
}

async fn all_whole(answers: JoinSet<Answer>) {
    for answer in answers.join_all().await {
        let events = answer.expect(200).events();
        let ended = (events.finishes().len(), events.done, events.errors().len());
        assert_eq!(ended, (1, true, 0));
        assert_eq!(events.text().split_whitespace().count(), 40);
    }
}

async fn gone_soon(mut gateway: Gateway, receipts: usize) {
    let last = Instant::now();
    let status = gateway.ended(Duration::from_secs(10)).await;
    assert!(status.success(), "{status}");
    assert!(
        last.elapsed() < ms(3000),
        "lingered for {:?}",
        last.elapsed()
    );
    assert_eq!(gateway.receipts().len(), receipts, "receipts were lost");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_streams_over_h1_are_all_finished() {
    let (_mock, gateway) = start().await;
    let mut answers = JoinSet::new();
    for _ in 0..100 {
        let mut client = gateway.h1().await;
        answers.spawn(async move { client.chat(&stream()).await });
    }
    stop(&gateway, 100.0).await;
    all_whole(answers).await;
    gone_soon(gateway, 100).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_streams_over_h2_are_all_finished() {
    let (_mock, gateway) = start().await;
    let mut answers = JoinSet::new();
    let mut connections = Vec::new();
    for _ in 0..10 {
        let mut client = gateway.h2().await;
        for _ in 0..10 {
            let sending = client.begin(&stream(), true).await;
            answers.spawn(sending.answer());
        }
        connections.push(client);
    }
    stop(&gateway, 100.0).await;
    all_whole(answers).await;
    gone_soon(gateway, 100).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whole_answers_uploads_and_retries_in_progress_are_finished_too() {
    let (_mock, gateway) = start().await;
    let mut answers = JoinSet::new();
    let slow = chat("p/slow?first_byte=1500ms", json!({}));
    let retried = chat("p/flaky?fail=1&id=drain&delay=1s", json!({}));
    for body in [slow, retried] {
        let mut client = gateway.h1().await;
        answers.spawn(async move { client.chat(&body).await });
    }
    let body = chat_of(200_000, "p/echo", false);
    let mut uploading = gateway.h1().await;
    let head = uploading.chat_head(body.len());
    uploading.send(head).await;
    uploading.send(&body[..100_000]).await;
    stop(&gateway, 3.0).await;
    uploading.send(&body[100_000..]).await;
    uploading.answer().await.expect(200);
    for answer in answers.join_all().await {
        answer.expect(200);
    }
    gone_soon(gateway, 3).await;
}

#[tokio::test]
async fn an_open_connection_is_answered_or_closed_but_never_left_hanging() {
    let (_mock, gateway) = start().await;
    let mut idle = gateway.h1().await;
    assert!(idle.is_alive().await);
    let mut h2 = gateway.h2().await;
    assert!(h2.is_alive().await);
    let mut holding = gateway.h1().await;
    holding.begin(&stream()).await;
    stop(&gateway, 1.0).await;
    let begun = Instant::now();
    idle.begin(&chat("p/echo", json!({}))).await;
    if let Some(answer) = idle.try_answer().await {
        answer.expect(200);
    }
    new_stream(&mut h2).await;
    assert!(
        begun.elapsed() < ms(3000),
        "left hanging for {:?}",
        begun.elapsed()
    );
    let events = holding.answer().await.expect(200).events();
    assert_eq!((events.finishes().len(), events.done), (1, true));
}

/// Tries a new stream on a connection of a gateway that leaves: answered, or refused in a way
/// that tells clients to go elsewhere.
async fn new_stream(client: &mut H2) {
    let asked = match client.try_open("GET", "/v1/models", &[], true).await {
        Ok(sending) => sending.try_answer().await,
        Err(error) => Err(error),
    };
    match asked {
        Ok(answer) => assert_eq!(answer.status, 200),
        Err(error) => assert!(
            error.is_go_away() || error.is_reset() || error.is_io(),
            "{error}"
        ),
    }
}
