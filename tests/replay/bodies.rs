//! Request bodies of every size and framing arrive whole, over every pair of protocols.

use serde_json::Value;

use crate::support::{Gateway, Upstream, chat_of};
use crate::world::{calm, config};

/// Around the 64 KiB that Pingora keeps for retries, and far beyond.
const SIZES: [usize; 6] = [1024, 65_535, 65_536, 65_537, 1 << 20, 10 << 20];

async fn start() -> (Upstream, Gateway) {
    let mock = Upstream::mock().await;
    let providers = [
        mock.provider("one", &calm("http: h1")),
        mock.provider("two", &calm("http: h2")),
    ];
    let gateway = Gateway::start(&config(&providers, &[])).await;
    (mock, gateway)
}

/// A body for a model of this provider, and what must arrive of it: all but the model's prefix.
fn body_for(provider: &str, size: usize) -> (Vec<u8>, String) {
    let body = chat_of(size, &format!("{provider}/stream?chunks=1"), false);
    let text = String::from_utf8(body.clone()).unwrap();
    let arriving = text.replacen(&format!("{provider}/stream"), "stream", 1);
    (body, blake3::hash(arriving.as_bytes()).to_hex().to_string())
}

async fn last(mock: &Upstream) -> Value {
    mock.requests().await.pop().expect("a request at the mock")
}

async fn over_h1(provider: &str, http: &str) {
    let (mock, gateway) = start().await;
    let mut client = gateway.h1().await;
    for size in SIZES {
        for chunk in [None, Some(1000), Some(70_000)] {
            let (body, hash) = body_for(provider, size);
            let answer = match chunk {
                None => client.chat(&body).await,
                Some(chunk) => client.chat_chunked(&body, chunk).await,
            };
            let answer = answer.expect(200);
            assert_eq!(answer.json()["choices"][0]["message"]["content"], "w0 ");
            let seen = last(&mock).await;
            assert_eq!(
                seen["body_hash"], hash,
                "{size} bytes, chunks of {chunk:?}: {seen}"
            );
            assert_eq!(
                (&seen["http"], &seen["ended"]),
                (&http.into(), &"complete".into())
            );
        }
    }
    // All of it went over one connection on each side.
    let connections: std::collections::BTreeSet<u64> = mock
        .requests()
        .await
        .iter()
        .map(|seen| seen["connection"].as_u64().unwrap())
        .collect();
    assert_eq!(
        connections.len(),
        1,
        "connections to the provider: {connections:?}"
    );
    gateway.settled().await;
}

async fn over_h2(provider: &str, http: &str) {
    let (mock, gateway) = start().await;
    let mut client = gateway.h2().await;
    for size in SIZES {
        for announced in [true, false] {
            let (body, hash) = body_for(provider, size);
            let answer = client
                .begin(&body, announced)
                .await
                .answer()
                .await
                .expect(200);
            assert_eq!(answer.json()["choices"][0]["message"]["content"], "w0 ");
            let seen = last(&mock).await;
            assert_eq!(
                seen["body_hash"], hash,
                "{size} bytes, announced: {announced}: {seen}"
            );
            assert_eq!(seen["http"], http);
        }
    }
    gateway.settled().await;
}

#[tokio::test]
async fn a_body_of_any_size_arrives_whole_from_h1_to_h1() {
    over_h1("one", "1.1").await;
}

#[tokio::test]
async fn a_body_of_any_size_arrives_whole_from_h1_to_h2() {
    over_h1("two", "2").await;
}

#[tokio::test]
async fn a_body_of_any_size_arrives_whole_from_h2_to_h1() {
    over_h2("one", "1.1").await;
}

#[tokio::test]
async fn a_body_of_any_size_arrives_whole_from_h2_to_h2() {
    over_h2("two", "2").await;
}

#[tokio::test]
async fn a_body_that_waits_for_100_continue_is_asked_for_and_the_connection_lives() {
    let (_mock, gateway) = start().await;
    let mut client = gateway.h1().await;
    for _ in 0..2 {
        let (body, _) = body_for("one", 1 << 20);
        let length = format!("content-length: {}", body.len());
        let lines = [
            "content-type: application/json",
            "expect: 100-continue",
            &length,
        ];
        let head = client.head("POST", "/v1/chat/completions", &lines);
        client.send(head).await;
        assert_eq!(client.answer().await.status, 100);
        client.send(&body).await;
        client.answer().await.expect(200);
    }
}

#[tokio::test]
async fn a_body_in_single_bytes_arrives_whole() {
    let (mock, gateway) = start().await;
    let (body, hash) = body_for("one", 1024);
    let mut client = gateway.h1().await;
    let head = client.chat_head(body.len());
    for byte in head.as_bytes().iter().chain(&body) {
        client.send([*byte]).await;
    }
    client.answer().await.expect(200);
    assert_eq!(last(&mock).await["body_hash"], hash);
}

#[tokio::test]
async fn sixty_large_bodies_at_once_arrive_whole() {
    let (mock, gateway) = start().await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..60 {
        let provider = if number % 2 == 0 { "one" } else { "two" };
        let (body, hash) = body_for(provider, (1 << 20) + number);
        let mut client = gateway.h1().await;
        tasks.spawn(async move {
            client.chat(&body).await.expect(200);
            hash
        });
    }
    let mut expected = tasks.join_all().await;
    let seen = mock.requests().await;
    let mut arrived: Vec<_> = seen
        .iter()
        .map(|seen| seen["body_hash"].as_str().unwrap().to_owned())
        .collect();
    expected.sort();
    arrived.sort();
    assert_eq!(arrived, expected);
    gateway.settled().await;
}
