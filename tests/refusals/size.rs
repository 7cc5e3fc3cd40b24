//! Bodies over the cap, however they come: 413, and the memory stays free.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::judge::{JSON, refused, start};
use crate::support::{Gateway, H1, chat, chat_of, ms, within};
use crate::world::Client;

const CAP: &str = "body: { max: 100kB }\n";

#[tokio::test]
async fn a_body_over_the_cap_is_413_and_a_body_at_the_cap_is_not() {
    let (mock, gateway) = start(CAP).await;
    let (fits, over) = (
        chat_of(100_000, "fast", false),
        chat_of(100_001, "fast", false),
    );
    for mut client in Client::both(&gateway).await {
        client.chat(&fits).await.expect(200);
        let answer = client.chat(&over).await;
        let error = refused(&answer, 413, "request_too_large");
        assert!(
            error["message"].as_str().unwrap().contains("100000"),
            "{error}"
        );
        client.chat(&fits).await.expect(200);
    }
    assert_eq!(mock.requests().await.len(), 4);
    gateway.settled().await;
}

#[tokio::test]
async fn a_chunked_body_over_the_cap_is_413_and_the_connection_lives() {
    let (_mock, gateway) = start(CAP).await;
    let over = chat_of(150_000, "fast", false);
    let mut client = gateway.h1().await;
    for size in [1_000, 40_000, 150_000] {
        let answer = client.chat_chunked(&over, size).await;
        refused(&answer, 413, "request_too_large");
        assert!(client.is_alive().await, "chunks of {size}");
    }
    gateway.settled().await;
}

#[tokio::test]
async fn on_h2_a_body_over_the_cap_is_413_or_beyond_the_drain_a_reset() {
    let (_mock, gateway) = start(CAP).await;
    let mut client = gateway.h2().await;
    for (size, announced) in [
        (150_000, true),
        (150_000, false),
        (8 << 20, true),
        (8 << 20, false),
    ] {
        let body = chat_of(size, "fast", false);
        match client.begin(&body, announced).await.try_answer().await {
            Ok(answer) => {
                assert_eq!(answer.status, 413, "{answer:?}");
                assert_eq!(answer.error_code(), "request_too_large");
            }
            Err(error) => assert!(size > 1 << 20 && error.is_reset(), "{size}: {error}"),
        }
        assert!(
            client.is_alive().await,
            "{size} bytes, announced: {announced}"
        );
    }
    gateway.settled().await;
}

#[tokio::test]
async fn a_length_that_is_only_announced_is_refused_at_once() {
    let (_mock, gateway) = start(CAP).await;
    for length in [100_001_u64, 20_000_000_000, u64::MAX] {
        let mut client = gateway.h1().await;
        let length = format!("content-length: {length}");
        let head = client.head("POST", "/v1/chat/completions", &[JSON, &length]);
        client.send(head).await;
        let answer = within(Duration::from_secs(5), "an answer", client.answer()).await;
        assert_eq!(answer.status, 413, "{length}: {answer:?}");
    }
    gateway.settled().await;
}

async fn expecting(gateway: &Gateway, key: &str, length: usize) -> H1 {
    let mut client = H1::connect(gateway.addr).await.with_key(key);
    let length = format!("content-length: {length}");
    let lines = [JSON, "expect: 100-continue", &length];
    let head = client.head("POST", "/v1/chat/completions", &lines);
    client.send(head).await;
    client
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_to_go_on_or_why_not() {
    let (_mock, gateway) = start(CAP).await;
    let body = chat("fast", json!({}));
    let mut client = expecting(&gateway, &gateway.key, body.len()).await;
    assert_eq!(client.answer().await.status, 100);
    client.send(&body).await;
    client.answer().await.expect(200);
    assert!(client.is_alive().await);
}

#[tokio::test]
async fn a_client_that_asks_first_is_not_told_to_send_what_will_be_refused() {
    let (_mock, gateway) = start(CAP).await;
    let cases = [
        (gateway.key.as_str(), 150_000, 413, "request_too_large"),
        ("wrong", 500, 401, "invalid_api_key"),
        (gateway.key.as_str(), 50_000_000, 413, "request_too_large"),
    ];
    for (key, length, status, code) in cases {
        let begun = Instant::now();
        let mut client = expecting(&gateway, key, length).await;
        // Nothing is sent: the client waits, and must not be made to wait for long.
        let answer = client.answer().await;
        refused(&answer, status, code);
        assert!(
            begun.elapsed() < ms(1500),
            "{length} bytes: {:?}",
            begun.elapsed()
        );
    }
    gateway.settled().await;
}

#[tokio::test]
async fn a_client_that_asks_first_and_then_sends_unasked_keeps_its_framing() {
    let (mock, gateway) = start(CAP).await;
    let body = chat("fast", json!({}));
    let mut client = expecting(&gateway, "wrong", body.len()).await;
    client.send(&body).await;
    let answer = client.answer().await;
    refused(&answer, 401, "invalid_api_key");
    let closed = answer.header("connection").eq_ignore_ascii_case("close");
    let mut client = client.with_key(&gateway.key);
    // The body must never be taken for the next request: either it was read, or this is the end.
    assert!(closed || client.is_alive().await, "{answer:?}");
    assert!(mock.requests().await.is_empty());
}
