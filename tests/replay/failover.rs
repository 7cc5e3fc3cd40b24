//! One large request meets every kind of failure in turn and still gets its answer.

use std::time::Instant;

use serde_json::Value;

use crate::support::{Gateway, Upstream, chat, chat_of, ms, refused, streaming};
use crate::world::{Client, alias, calm, config};

/// The failures of a provider, then the answer.
const CHAIN: [&str; 8] = [
    "gone/any",
    "bad/status?code=429",
    "bad/status?code=503",
    "bad/hang",
    "bad/close",
    "bad/reset?while=sending",
    "bad/early?code=503",
    "good/stream?chunks=2",
];

async fn start(http: &str) -> (Upstream, Gateway) {
    let mock = Upstream::mock().await;
    let limits = "timeouts: { first_byte: 1500ms, between_chunks: 1500ms }";
    let providers = [
        refused("gone"),
        mock.provider("bad", &calm(&format!("http: {http}, {limits}"))),
        mock.provider("good", &calm(&format!("http: {http}"))),
    ];
    let models = [alias("all", &CHAIN, "")];
    (mock, Gateway::start(&config(&providers, &models)).await)
}

/// The failures noted in a receipt's attempts.
fn failures(receipt: &Value) -> Vec<String> {
    let attempts = receipt["attempts"].as_array().unwrap().iter();
    attempts
        .map(|attempt| attempt["failure"].as_str().unwrap_or("none").to_owned())
        .collect()
}

async fn survives(http: &str, size: usize) {
    let (mock, gateway) = start(http).await;
    for mut client in Client::both(&gateway).await {
        let begun = Instant::now();
        let body = chat_of(size, "all", false);
        let answer = client.chat(&body).await.expect(200);
        let took = begun.elapsed();
        assert_eq!(answer.json()["choices"][0]["message"]["content"], "w0 w1 ");
        assert_eq!(answer.header("x-alfred-attempts"), "8");
        assert_eq!(answer.header("x-alfred-provider"), "good");
        let receipt = gateway.receipt_of(&answer).await;
        let failures = failures(&receipt);
        assert_eq!(
            failures[..4],
            [
                "connect_failed",
                "rate_limited",
                "overloaded",
                "first_byte_timeout"
            ],
            "{receipt:#}"
        );
        assert_eq!(failures[4], "connection_lost");
        assert_eq!(failures[7], "none");
        let text = String::from_utf8(body).unwrap();
        let arriving = text.replacen("\"all\"", "\"stream?chunks=2\"", 1);
        let seen = mock.requests().await.pop().unwrap();
        assert_eq!(
            seen["body_hash"],
            blake3::hash(arriving.as_bytes()).to_hex().as_str()
        );
        // Only that nothing waited for a default time-out; how fast it is, the benchmark tells.
        assert!(took < ms(50_000), "{} took {took:?}", client.name());
        assert!(client.is_alive().await, "{}", client.name());
    }
    gateway.settled().await;
}

#[tokio::test]
async fn ten_megabytes_survive_every_failure_in_a_row_over_h1_providers() {
    survives("h1", 10 << 20).await;
}

#[tokio::test]
async fn ten_megabytes_survive_every_failure_in_a_row_over_h2_providers() {
    survives("h2", 10 << 20).await;
}

#[tokio::test]
async fn a_small_request_survives_every_failure_in_a_row() {
    survives("h1", 1024).await;
}

#[tokio::test]
async fn each_attempt_sends_the_body_that_its_target_wants() {
    let mock = Upstream::mock().await;
    let provider = |name: &str, more: &str| mock.provider(name, &calm(more));
    let providers = [
        provider("a", "overrides: { temperature: 0.25 }"),
        provider("b", "overrides: { seed: 7, top_p: 0.5 }"),
        provider("c", ""),
    ];
    let models = [alias(
        "m",
        &["a/status?code=503", "b/cut_header", "c/echo"],
        "",
    )];
    let gateway = Gateway::start(&config(&providers, &models)).await;
    let body = chat("m", serde_json::json!({}));
    gateway.chat(&body).await.expect(200);
    let lengths: Vec<u64> = mock
        .requests()
        .await
        .iter()
        .map(|seen| seen["body_bytes"].as_u64().unwrap())
        .collect();
    assert_eq!(lengths.len(), 3);
    assert!(
        lengths[0] != lengths[1] && lengths[1] != lengths[2],
        "{lengths:?}"
    );
}

#[tokio::test]
async fn a_refusal_of_the_request_itself_is_not_tried_elsewhere() {
    let mock = Upstream::mock().await;
    let providers = [mock.provider("p", &calm("http: h1"))];
    let models = [alias(
        "m",
        &["p/status?code=400&message=no%20such%20field", "p/echo"],
        "",
    )];
    let gateway = Gateway::start(&config(&providers, &models)).await;
    for mut client in Client::both(&gateway).await {
        let answer = client
            .chat(&chat("m", serde_json::json!({})))
            .await
            .expect(400);
        assert!(answer.text().contains("no such field"), "{}", answer.text());
        assert_eq!(answer.header("x-alfred-error-source"), "provider");
        assert!(client.is_alive().await);
    }
    assert_eq!(mock.requests().await.len(), 2);
}

#[tokio::test]
async fn a_quota_that_is_used_up_is_not_asked_twice_but_another_target_is() {
    let mock = Upstream::mock().await;
    let providers = [mock.provider("p", &calm("http: h1"))];
    let models = [
        alias("m", &["p/quota", "p/echo"], "retry: { attempts: 5 }"),
        alias("alone", &["p/quota"], "retry: { attempts: 5 }"),
    ];
    let gateway = Gateway::start(&config(&providers, &models)).await;
    gateway
        .chat(&chat("m", serde_json::json!({})))
        .await
        .expect(200);
    let answer = gateway.chat(&chat("alone", serde_json::json!({}))).await;
    let answer = answer.expect_refusal(429, "insufficient_quota");
    assert_eq!(answer.header("x-should-retry"), "false");
    assert_eq!(mock.requests().await.len(), 3);
}

#[tokio::test]
async fn without_a_target_left_the_client_gets_one_whole_error_and_a_truthful_connection() {
    let mock = Upstream::mock().await;
    let limits = "timeouts: { first_byte: 300ms, between_chunks: 300ms }";
    let providers = [refused("gone"), mock.provider("p", &calm(limits))];
    let cases = [
        ("refused", "gone/x", 502),
        ("overloaded", "p/status?code=503", 503),
        ("hang", "p/hang", 504),
        ("close", "p/close", 502),
        ("reset", "p/reset", 502),
        ("cut", "p/cut?after=0", 502),
        ("cut_header", "p/cut_header", 502),
        ("error", "p/error_in_stream", 503),
        ("junk", "p/bad_json?after=0", 502),
    ];
    let models: Vec<String> = cases
        .iter()
        .map(|(name, target, _)| alias(name, &[target, target], ""))
        .collect();
    let gateway = Gateway::start(&config(&providers, &models)).await;
    for (name, _, status) in cases {
        for mut client in Client::both(&gateway).await {
            for body in [streaming(name), chat(name, serde_json::json!({}))] {
                let answer = client.chat(&body).await;
                if name == "error" && !answer.text().contains("stream") && answer.status == 200 {
                    panic!("an error object became a 200: {answer:?}");
                }
                let answer = answer.expect(status);
                assert_eq!(answer.header("content-type"), "application/json", "{name}");
                assert_eq!(answer.header("x-should-retry"), "false", "{name}");
                assert!(answer.json()["error"]["message"].is_string(), "{name}");
                client.expect_truthful(&answer).await;
                if let Client::H1(old) = &mut client
                    && answer.header("connection").eq_ignore_ascii_case("close")
                {
                    *old = gateway.h1().await;
                }
            }
        }
    }
    gateway.settled().await;
}

#[tokio::test]
async fn an_answer_without_a_body_is_decided_at_its_header() {
    let mock = Upstream::mock().await;
    let cases = [
        "status?code=429&shape=empty",
        "status?code=503&shape=empty",
        "status?code=204",
        "empty?what=body",
    ];
    for http in ["h1", "h2"] {
        let providers = [mock.provider("p", &calm(&format!("http: {http}")))];
        let names = ["a", "b", "c", "d"];
        let targets = names.iter().zip(cases);
        let models: Vec<String> = targets
            .flat_map(|(name, case)| {
                let target = format!("p/{case}");
                let alone = format!("{name}-alone");
                [
                    alias(name, &[&target, "p/echo"], ""),
                    alias(&alone, &[&target], ""),
                ]
            })
            .collect();
        let gateway = Gateway::start(&config(&providers, &models)).await;
        for (name, case) in names.iter().zip(cases) {
            for mut client in Client::both(&gateway).await {
                for body in [streaming(name), chat(name, serde_json::json!({}))] {
                    let answer = client.chat(&body).await;
                    assert_eq!(answer.status, 200, "{case} over {http}: {answer:?}");
                    assert_eq!(
                        answer.header("x-alfred-attempts"),
                        "2",
                        "{case} over {http}: {answer:?}"
                    );
                    let alone = chat(&format!("{name}-alone"), serde_json::json!({}));
                    let answer = client.chat(&alone).await;
                    assert!(answer.status >= 429, "{case} over {http}: {answer:?}");
                    assert!(
                        answer.json()["error"]["message"].is_string(),
                        "{case} over {http}"
                    );
                    client.expect_truthful(&answer).await;
                    if let Client::H1(old) = &mut client {
                        *old = gateway.h1().await;
                    }
                }
            }
        }
        gateway.settled().await;
    }
}
