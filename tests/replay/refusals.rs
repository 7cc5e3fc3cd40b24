//! Alfred's own answers: in the dialect, with the right status, and without costing the client
//! its connection, whether or not the body had been read.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Answer, Ending, Gateway, H1, H2, Upstream, chat, chat_of, ms, within};
use crate::world::{Client, alias, calm, config};

async fn start(more: &str) -> (Upstream, Gateway) {
    let mock = Upstream::mock().await;
    let providers = [mock.provider("p", &calm("http: h1"))];
    let models = [
        alias("fast", &["p/echo"], ""),
        alias("slow", &["p/hang"], ""),
    ];
    let yaml = more.to_owned() + &config(&providers, &models);
    (mock, Gateway::start(&yaml).await)
}

#[tokio::test]
async fn a_refusal_before_the_body_is_read_reaches_both_protocols_and_keeps_the_connection() {
    let (_mock, gateway) = start("").await;
    for size in [200, 1024, 65_536, 1_000_000] {
        let body = chat_of(size, "fast", false);
        let mut h1 = H1::connect(gateway.addr).await;
        for _ in 0..2 {
            h1.chat(&body).await.expect_refusal(401, "invalid_api_key");
        }
        h1.chat_chunked(&body, 5000)
            .await
            .expect_refusal(401, "invalid_api_key");
        assert!(h1.with_key(&gateway.key).is_alive().await, "{size} bytes");
        let mut h2 = H2::connect(gateway.addr).await;
        for _ in 0..3 {
            h2.chat(&body).await.expect_refusal(401, "invalid_api_key");
            h2.chat_unannounced(&body)
                .await
                .expect_refusal(401, "invalid_api_key");
        }
        assert!(h2.with_key(&gateway.key).is_alive().await, "{size} bytes");
    }
    gateway.settled().await;
}

#[tokio::test]
async fn a_refusal_of_a_body_too_large_to_drain_is_delivered_and_closes_the_h1_connection() {
    let (_mock, gateway) = start("").await;
    let body = chat_of(10 << 20, "fast", false);
    let mut h1 = H1::connect(gateway.addr).await;
    let head = h1.chat_head(body.len());
    h1.send(head).await;
    h1.send(&body[..100_000]).await;
    let answer = h1.answer().await.expect_refusal(401, "invalid_api_key");
    assert_eq!(answer.header("connection"), "close");
    let mut h2 = H2::connect(gateway.addr).await;
    match h2.begin(&body, true).await.try_answer().await {
        Ok(answer) => assert_eq!(answer.status, 401),
        Err(error) => assert!(error.is_reset(), "{error}"),
    }
    assert!(h2.with_key(&gateway.key).is_alive().await);
}

#[tokio::test]
async fn a_refusal_after_the_body_was_read_keeps_the_connection() {
    let (_mock, gateway) = start("").await;
    for mut client in Client::both(&gateway).await {
        client.chat(b"{\"model\": \"fast\", ").await.expect(400);
        client.chat(b"").await.expect(400);
        client.chat(b"[]").await.expect(400);
        client.chat(&[0xff; 100_000]).await.expect(400);
        let answer = client
            .chat(&chat("fats", json!({})))
            .await
            .expect_refusal(404, "model_not_found");
        assert!(
            answer.json()["error"]["message"]
                .as_str()
                .unwrap()
                .contains("fast")
        );
        assert!(client.is_alive().await);
    }
}

#[tokio::test]
async fn the_head_alone_can_be_refused() {
    let (_mock, gateway) = start("").await;
    let mut client = gateway.h1().await;
    let body = chat("fast", json!({}));
    let length = format!("content-length: {}", body.len());
    let cases = [
        (
            "POST",
            "/v1/chat/completions",
            "content-type: text/plain",
            415,
        ),
        (
            "POST",
            "/v1/chat/completions",
            "content-encoding: gzip",
            415,
        ),
        (
            "PUT",
            "/v1/chat/completions",
            "content-type: application/json",
            405,
        ),
        ("POST", "/v1/nothing", "content-type: application/json", 404),
        ("POST", "/v1/models", "content-type: application/json", 405),
    ];
    for (method, path, line, status) in cases {
        let head = client.head(method, path, &[line, &length]);
        client.send(head).await;
        client.send(&body).await;
        let answer = client.answer().await.expect(status);
        assert!(answer.json()["error"]["message"].is_string());
    }
    assert!(client.is_alive().await);
}

#[tokio::test]
async fn keys_are_refused_for_what_they_are() {
    let (_mock, gateway) = start("").await;
    let body = |model: &str| chat(model, json!({}));
    let last = gateway.key.chars().last().unwrap();
    let wrong =
        gateway.key[..gateway.key.len() - 1].to_owned() + if last == 'a' { "b" } else { "a" };
    for key in ["", "nonsense", "ak_", wrong.as_str(), &"a".repeat(8000)] {
        let mut client = H1::connect(gateway.addr).await.with_key(key);
        client
            .chat(&body("fast"))
            .await
            .expect_refusal(401, "invalid_api_key");
    }
}

fn is_too_large(answer: &Answer) {
    assert_eq!(answer.status, 413, "{answer:?}");
    assert_eq!(answer.error_code(), "request_too_large");
}

#[tokio::test]
async fn a_body_over_the_cap_is_413_however_it_comes() {
    let (mock, gateway) = start("body: { max: 2MB }\n").await;
    let body = chat_of(3_000_000, "fast", false);
    let mut client = gateway.h1().await;
    client.begin(&body).await;
    is_too_large(&client.answer().await);
    let mut client = gateway.h1().await;
    client.begin_chunked(&body, 50_000).await;
    is_too_large(&client.answer().await);
    for announced in [true, false] {
        let mut client = gateway.h2().await;
        // A client that reads while it sends gets the answer; one that does not may see the reset.
        match client.begin(&body, announced).await.try_answer().await {
            Ok(answer) => is_too_large(&answer),
            Err(error) => assert!(error.is_reset(), "{error}"),
        }
        assert!(client.is_alive().await);
    }
    // The cap itself is allowed.
    gateway
        .chat(&chat_of(2_000_000, "fast", false))
        .await
        .expect(200);
    assert_eq!(mock.requests().await.len(), 1);
    gateway.settled().await;
}

#[tokio::test]
async fn a_slow_body_is_408() {
    let (_mock, gateway) = start("body: { read_timeout: 500ms }\n").await;
    let mut client = gateway.h1().await;
    let head = client.chat_head(1000);
    let begun = Instant::now();
    client.send(head + "{\"model\":").await;
    client.answer().await.expect_refusal(408, "request_timeout");
    assert!(
        (ms(450)..ms(1500)).contains(&begun.elapsed()),
        "{:?}",
        begun.elapsed()
    );
    assert!(client.is_closed().await);
    let mut client = gateway.h2().await;
    let mut sending = client.open_chat(Some(1000)).await;
    sending.send(b"{\"model\":", false).await;
    sending
        .answer()
        .await
        .expect_refusal(408, "request_timeout");
    gateway.settled().await;
}

#[tokio::test]
async fn a_trickle_is_cut_off_though_it_never_pauses() {
    let (_mock, gateway) = start("body: { read_timeout: 500ms }\n").await;
    let mut client = gateway.h1().await;
    let head = client.chat_head(1000);
    client.send(head).await;
    let begun = Instant::now();
    for _ in 0..40 {
        client.send(" ").await;
        tokio::time::sleep(ms(25)).await;
    }
    assert!(begun.elapsed() > ms(900));
    client.answer().await.expect_refusal(408, "request_timeout");
}

/// Sends exactly this head (and body) on a connection of its own.
async fn raw(gateway: &Gateway, lines: &[&str], body: &str) -> Option<Answer> {
    let mut client = gateway.h1().await;
    let head = client.head("POST", "/v1/chat/completions", lines);
    client.send(head + body).await;
    within(Duration::from_secs(5), "any reaction", client.try_answer()).await
}

#[tokio::test]
async fn framing_that_two_servers_could_read_differently_is_refused() {
    let (mock, gateway) = start("").await;
    let json = "content-type: application/json";
    let body = "0\r\n\r\nGET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n";
    let cases: [&[&str]; 7] = [
        &[json, "content-length: 5", "transfer-encoding: chunked"],
        &[json, "transfer-encoding: chunked", "content-length: 5"],
        &[json, "Transfer-Encoding: chunked", "Content-Length : 5"],
        &[json, "transfer-encoding: gzip, chunked"],
        &[
            json,
            "transfer-encoding: chunked",
            "transfer-encoding: identity",
        ],
        &[json, "transfer-encoding: xchunked"],
        &[json, "content-length: 5", "content-length: 6"],
    ];
    for lines in cases {
        if let Some(answer) = raw(&gateway, lines, body).await {
            assert_eq!(answer.status, 400, "{lines:?}: {answer:?}");
        }
    }
    assert!(
        mock.requests().await.is_empty(),
        "a smuggled request went through"
    );
    assert!(gateway.h1().await.is_alive().await);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let (_mock, gateway) = start("").await;
    let big = format!("x-filler: {}", "a".repeat(70_000));
    let answer = raw(&gateway, &[&big, "content-length: 2"], "{}")
        .await
        .unwrap();
    answer.expect_refusal(431, "headers_too_large");
    let bomb: Vec<String> = (0..2000)
        .map(|number| format!("x-{number}: {}", "b".repeat(2000)))
        .collect();
    let bomb: Vec<&str> = bomb.iter().map(String::as_str).collect();
    if let Some(answer) = raw(&gateway, &bomb, "").await {
        assert!([400, 431].contains(&answer.status), "{answer:?}");
    }
    assert!(gateway.h1().await.is_alive().await);
    let memory = gateway.metrics("process_resident_memory_bytes").await;
    assert!(memory < 300e6, "{memory} bytes after a header bomb");
}

#[tokio::test]
async fn bodies_beyond_the_memory_for_them_are_503_with_retry_after() {
    let (_mock, gateway) = start("body: { max: 1MB, in_flight_max: 2MB }\n").await;
    let mut holding = Vec::new();
    for _ in 0..2 {
        let mut client = gateway.h1().await;
        client.begin(&chat_of(900_000, "slow", false)).await;
        holding.push(client);
    }
    tokio::time::sleep(ms(200)).await;
    for mut client in Client::both(&gateway).await {
        let answer = client.chat(&chat_of(900_000, "fast", false)).await;
        let answer = answer.expect_refusal(503, "too_many_bodies_in_flight");
        assert_eq!(answer.header("retry-after"), "1");
        assert!(client.is_alive().await);
    }
    drop(holding);
    gateway.settled().await;
    gateway
        .chat(&chat_of(900_000, "fast", false))
        .await
        .expect(200);
}

#[tokio::test]
async fn nonsense_instead_of_http_harms_nobody() {
    let (_mock, gateway) = start("").await;
    let nonsense: [&[u8]; 6] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"\0\0\0\0\0\0\0\0\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnot frames at all, not frames at all",
        b"POST /v1/chat/completions HTTP/9.9\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
    ];
    for bytes in nonsense {
        let mut client = H1::connect(gateway.addr).await;
        client.send(bytes).await;
        client.half_close().await;
        let _ = within(Duration::from_secs(5), "an end", client.try_answer()).await;
    }
    assert!(gateway.h1().await.is_alive().await);
    gateway.settled().await;
}

#[tokio::test]
async fn an_answer_shows_the_requests_ids_and_nothing_of_the_providers_account() {
    let (_mock, gateway) = start("").await;
    for mut client in Client::both(&gateway).await {
        let answer = client.chat(&chat("fast", json!({}))).await.expect(200);
        assert_eq!(answer.ending, Ending::Complete);
        let id = answer.header("x-alfred-request-id");
        assert_eq!((id.len(), answer.header("x-request-id")), (36, id));
        for name in [
            "set-cookie",
            "openai-organization",
            "x-ratelimit-limit-requests",
            "x-mock-request-bytes",
            "server",
        ] {
            assert_eq!(answer.header(name), "", "{name}");
        }
    }
}
