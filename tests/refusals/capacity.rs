//! Time, headers and memory that a client may not take from others.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::judge::{JSON, POST, raw, refused, start};
use crate::support::{chat, chat_of, ms, until, within};
use crate::world::Client;

#[tokio::test]
async fn a_slow_body_is_408_and_the_connection_ends() {
    let (mock, gateway) = start("body: { read_timeout: 400ms }\n").await;
    for framing in ["content-length: 1000", "transfer-encoding: chunked"] {
        let mut client = gateway.h1().await;
        let head = client.head("POST", "/v1/chat/completions", &[JSON, framing]);
        let begun = Instant::now();
        client.send(head + "5\r\n{\"mod").await;
        let answer = client.answer().await;
        refused(&answer, 408, "request_timeout");
        let took = begun.elapsed();
        assert!((ms(350)..ms(3000)).contains(&took), "{framing}: {took:?}");
        assert!(client.is_closed().await, "{framing}");
    }
    assert!(mock.requests().await.is_empty());
    gateway.settled().await;
}

#[tokio::test]
async fn a_slow_body_on_h2_is_408_and_the_connection_lives() {
    let (_mock, gateway) = start("body: { read_timeout: 400ms }\n").await;
    let mut client = gateway.h2().await;
    let mut slow = client.open_chat(Some(1000)).await;
    slow.send(b"{\"mod", false).await;
    client.chat(&chat("fast", json!({}))).await.expect(200);
    refused(&slow.answer().await, 408, "request_timeout");
    assert!(client.is_alive().await);
    gateway.settled().await;
}

#[tokio::test]
async fn a_slow_client_that_is_just_fast_enough_is_served() {
    let (_mock, gateway) = start("body: { read_timeout: 10s }\n").await;
    let body = chat("fast", json!({}));
    let mut client = gateway.h1().await;
    let head = client.chat_head(body.len());
    client.send(head).await;
    for piece in body.chunks(5) {
        client.send(piece).await;
        tokio::time::sleep(ms(10)).await;
    }
    client.answer().await.expect(200);
    assert!(client.is_alive().await);
}

#[tokio::test]
async fn headers_beyond_the_cap_are_431_in_the_dialect() {
    let (_mock, gateway) = start("").await;
    let line = format!("x-filler: {}", "a".repeat(66_000));
    let reply = raw(&gateway, POST, &[JSON, "content-length: 2", &line], b"{}").await;
    refused(&reply.answer.unwrap(), 431, "headers_too_large");
    let line = format!("x-filler: {}", "a".repeat(30_000));
    let reply = raw(&gateway, "GET /v1/models HTTP/1.1", &[&line], b"").await;
    assert_eq!(
        reply.answer.unwrap().status,
        200,
        "30 kB of headers are taken"
    );
}

#[tokio::test]
async fn a_header_bomb_is_431_or_400_and_costs_no_memory() {
    let (_mock, gateway) = start("").await;
    let before = gateway.metrics("process_resident_memory_bytes").await;
    let many: Vec<String> = (0..5000).map(|n| format!("x-{n}: {n}")).collect();
    let large: Vec<String> = (0..2000)
        .map(|n| format!("x-{n}: {}", "b".repeat(2000)))
        .collect();
    let path = format!("GET /{} HTTP/1.1", "p".repeat(200_000));
    for (start, lines) in [(POST, &many), (POST, &large), (path.as_str(), &Vec::new())] {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let reply = within(
            Duration::from_secs(10),
            "any reaction",
            raw(&gateway, start, &lines, b""),
        );
        if let Some(answer) = reply.await.answer {
            let expected = [400, 404, 414, 431];
            assert!(expected.contains(&answer.status), "{answer:?}");
        }
    }
    assert!(gateway.h1().await.is_alive().await);
    let after = gateway.metrics("process_resident_memory_bytes").await;
    assert!(
        after - before < 50e6,
        "{before} bytes before, {after} after"
    );
}

#[tokio::test]
async fn a_header_bomb_on_h2_is_431_or_400_or_a_reset() {
    let (_mock, gateway) = start("").await;
    let value = "b".repeat(4000);
    let names: Vec<String> = (0..100).map(|n| format!("x-{n}")).collect();
    let headers: Vec<(&str, &str)> = names
        .iter()
        .map(|name| (name.as_str(), value.as_str()))
        .collect();
    let mut client = gateway.h2().await;
    match client
        .open("GET", "/v1/models", &headers, true)
        .await
        .try_answer()
        .await
    {
        Ok(answer) => assert!([400, 431].contains(&answer.status), "{answer:?}"),
        Err(error) => assert!(error.is_reset() || error.is_go_away(), "{error}"),
    }
    assert!(gateway.h2().await.is_alive().await);
}

#[tokio::test]
async fn bodies_beyond_the_memory_for_them_are_503_and_later_they_are_not() {
    let (_mock, gateway) = start("body: { max: 1MB, in_flight_max: 2MB }\n").await;
    let mut holding = Vec::new();
    for _ in 0..2 {
        let mut client = gateway.h1().await;
        client.begin(&chat_of(900_000, "slow", false)).await;
        holding.push(client);
    }
    until("both bodies to be held", || async {
        gateway.metrics("alfred_request_body_bytes_in_flight").await >= 1_800_000.0
    })
    .await;
    for mut client in Client::both(&gateway).await {
        let answer = client.chat(&chat_of(900_000, "fast", false)).await;
        refused(&answer, 503, "too_many_bodies_in_flight");
        assert_eq!(answer.header("retry-after"), "1");
        assert_ne!(
            answer.header("x-should-retry"),
            "false",
            "a retry is welcome"
        );
        // What is small still fits.
        client.chat(&chat("fast", json!({}))).await.expect(200);
    }
    let mut chunked = gateway.h1().await;
    let answer = chunked
        .chat_chunked(&chat_of(900_000, "fast", false), 50_000)
        .await;
    refused(&answer, 503, "too_many_bodies_in_flight");
    drop(holding);
    gateway.settled().await;
    gateway
        .chat(&chat_of(900_000, "fast", false))
        .await
        .expect(200);
}
