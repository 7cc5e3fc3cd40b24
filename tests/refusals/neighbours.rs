//! One HTTP/2 connection carries many requests: a refusal of one must not be felt by the others.

use serde_json::json;

use crate::judge::{refused, start};
use crate::support::{chat, chat_of, ms, streaming};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_on_a_connection_do_not_disturb_its_streams() {
    let (_mock, gateway) = start("body: { max: 100kB, read_timeout: 400ms }\n").await;
    let mut client = gateway.h2().await;
    let mut streams = tokio::task::JoinSet::new();
    for _ in 0..5 {
        let sending = client
            .begin(&streaming("p/stream?chunks=60&delay=25ms"), true)
            .await;
        streams.spawn(sending.answer());
    }
    tokio::time::sleep(ms(100)).await;
    let mut slow = client.open_chat(None).await;
    slow.send(b"{", false).await;
    for _ in 0..3 {
        refused(&client.chat(b"{").await, 400, "invalid_json");
        refused(
            &client.chat(&chat("fats", json!({}))).await,
            404,
            "model_not_found",
        );
        let over = chat_of(150_000, "fast", false);
        refused(&client.chat(&over).await, 413, "request_too_large");
        refused(&client.get("/v1/nothing").await, 404, "unknown_path");
        refused(
            &client.get("/v1/chat/completions").await,
            405,
            "method_not_allowed",
        );
        let strange = [("content-type", "text/plain")];
        let mut sending = client
            .open("POST", "/v1/chat/completions", &strange, false)
            .await;
        sending.send(b"hello", true).await;
        refused(&sending.answer().await, 415, "unsupported_media_type");
        client.chat(&chat("fast", json!({}))).await.expect(200);
    }
    refused(&slow.answer().await, 408, "request_timeout");
    for answer in streams.join_all().await {
        let events = answer.expect(200).events();
        assert_eq!(
            (events.finishes().len(), events.done, events.errors().len()),
            (1, true, 0)
        );
        assert_eq!(events.text().split_whitespace().count(), 60);
    }
    gateway.settled().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_refusals_at_once_are_all_answered() {
    let (_mock, gateway) = start("").await;
    let mut client = gateway.h2().await;
    let mut refusals = tokio::task::JoinSet::new();
    for number in 0..50 {
        let body = match number % 2 {
            0 => chat_of(30_000, "nobody", false),
            _ => b"{".to_vec(),
        };
        let sending = client.begin(&body, number % 3 == 0).await;
        refusals.spawn(sending.answer());
    }
    for answer in refusals.join_all().await {
        assert!([400, 404].contains(&answer.status), "{answer:?}");
        assert_eq!(answer.header("x-alfred-error-source"), "gateway");
    }
    assert!(client.is_alive().await);
    gateway.settled().await;
    let refused = gateway
        .metrics("alfred_requests_total{outcome=\"refused\"")
        .await;
    assert_eq!(refused, 50.0);
}

#[tokio::test]
async fn requests_that_are_pipelined_are_answered_in_order_or_not_at_all() {
    let (mock, gateway) = start("").await;
    let mut client = gateway.h1().await;
    let bodies: [&[u8]; 3] = [b"{", b"{}", &chat("fast", json!({}))];
    for body in bodies {
        client.begin(body).await;
    }
    refused(&client.answer().await, 400, "invalid_json");
    // A server may end the connection instead (RFC 9112, 9.3.2); it may not mix answers up.
    let expected = [400, 200];
    let mut answered = 0;
    while answered < expected.len()
        && let Some(answer) = client.try_answer().await
    {
        assert_eq!(answer.status, expected[answered], "{answer:?}");
        answered += 1;
    }
    let asked = mock.requests().await.len();
    assert_eq!(asked, usize::from(answered == expected.len()));
    gateway.settled().await;
}
