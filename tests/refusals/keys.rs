//! Keys that open nothing, keys that open less than is asked, and keys that stop to open.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::judge::{JSON, POST, raw, refused, start};
use crate::support::{Answer, Gateway, H1, H2, chat, ms, streaming, until};

/// A chat request with these header lines and no others, over HTTP/1.1.
async fn over_h1(gateway: &Gateway, lines: &[&str], model: &str) -> (H1, Answer) {
    let mut client = H1::connect(gateway.addr).await;
    let body = chat(model, json!({}));
    let length = format!("content-length: {}", body.len());
    let lines = [&["content-type: application/json", length.as_str()], lines].concat();
    let head = client.head("POST", "/v1/chat/completions", &lines);
    client.send(head).await;
    client.send(&body).await;
    let answer = client.answer().await;
    (client, answer)
}

/// The same over HTTP/2.
async fn over_h2(gateway: &Gateway, headers: &[(&str, &str)], model: &str) -> (H2, Answer) {
    let mut client = H2::connect(gateway.addr).await;
    let headers = [&[("content-type", "application/json")], headers].concat();
    let mut sending = client
        .open("POST", "/v1/chat/completions", &headers, false)
        .await;
    sending.send(&chat(model, json!({})), true).await;
    let answer = sending.answer().await;
    (client, answer)
}

async fn expect_401(gateway: &Gateway, headers: &[(&str, &str)], told: &str) {
    let lines: Vec<String> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let (h1, answer) = over_h1(gateway, &lines, "fast").await;
    let message = refused(&answer, 401, "invalid_api_key")["message"].clone();
    assert!(
        message.as_str().unwrap().contains(told),
        "{headers:?}: {message}"
    );
    assert!(h1.with_key(&gateway.key).is_alive().await);
    let (h2, answer) = over_h2(gateway, headers, "fast").await;
    refused(&answer, 401, "invalid_api_key");
    assert!(h2.with_key(&gateway.key).is_alive().await);
}

#[tokio::test]
async fn without_a_key_or_with_a_wrong_one_the_answer_is_401_and_helps() {
    let (mock, gateway) = start("").await;
    let key = &gateway.key;
    let swapped = if key.ends_with('a') { "b" } else { "a" };
    let mistyped = format!("Bearer {}{swapped}", &key[..key.len() - 1]);
    let long = format!("Bearer ak_live_{}", "a".repeat(20_000));
    let basic = "Basic dXNlcjpwYXNz";
    expect_401(&gateway, &[], "there is no API key").await;
    expect_401(&gateway, &[("authorization", "")], "Bearer").await;
    expect_401(&gateway, &[("authorization", "Bearer")], "no API key").await;
    expect_401(&gateway, &[("authorization", basic)], "Bearer").await;
    expect_401(
        &gateway,
        &[("authorization", "Bearer sk-of-somebody-else")],
        "ak_",
    )
    .await;
    expect_401(&gateway, &[("authorization", &mistyped)], "typing").await;
    expect_401(&gateway, &[("authorization", &long)], "ak_").await;
    expect_401(&gateway, &[("x-api-key", "nonsense")], "ak_").await;
    let elsewhere = Gateway::start("").await;
    let foreign = format!("Bearer {}", elsewhere.key);
    expect_401(&gateway, &[("authorization", &foreign)], "not known").await;
    assert!(mock.requests().await.is_empty());
}

#[tokio::test]
async fn each_of_the_four_spellings_is_taken() {
    let (_mock, gateway) = start("").await;
    let bearer = format!("Bearer {}", gateway.key);
    let lower = format!("bearer {}", gateway.key);
    let key = gateway.key.as_str();
    let spellings: [&[(&str, &str)]; 7] = [
        &[("authorization", &bearer)],
        &[("authorization", &lower)],
        &[("x-api-key", key)],
        &[("api-key", key)],
        &[("x-goog-api-key", key)],
        // What SDKs for several providers do: the same key in more than one place.
        &[("authorization", &bearer), ("x-api-key", key)],
        &[
            ("api-key", key),
            ("x-goog-api-key", key),
            ("x-api-key", key),
        ],
    ];
    for headers in spellings {
        let lines: Vec<String> = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        over_h1(&gateway, &lines, "fast").await.1.expect(200);
        over_h2(&gateway, headers, "fast").await.1.expect(200);
    }
}

#[tokio::test]
async fn two_headers_that_differ_are_401_even_if_one_key_is_right() {
    let (_mock, gateway) = start("").await;
    let bearer = format!("Bearer {}", gateway.key);
    let key = gateway.key.as_str();
    let other = gateway.create_key("other", &[]);
    expect_401(
        &gateway,
        &[("authorization", &bearer), ("x-api-key", "wrong")],
        "differ",
    )
    .await;
    expect_401(
        &gateway,
        &[("api-key", key), ("x-goog-api-key", &other)],
        "differ",
    )
    .await;
    expect_401(
        &gateway,
        &[("authorization", &bearer), ("x-api-key", "")],
        "differ",
    )
    .await;
    expect_401(
        &gateway,
        &[("x-api-key", key), ("x-api-key", &other)],
        "differ",
    )
    .await;
}

/// Waits until a key that was made while the gateway runs is known.
async fn known(gateway: &Gateway, key: &str) {
    until("the new key to be known", || async {
        let mut client = H1::connect(gateway.addr).await.with_key(key);
        client.get("/v1/models").await.status == 200
    })
    .await;
}

#[tokio::test]
async fn a_revocation_by_another_process_is_seen_within_two_seconds() {
    let (_mock, gateway) = start("").await;
    let key = gateway.create_key("short-lived", &[]);
    known(&gateway, &key).await;
    let mut streaming_client = H1::connect(gateway.addr).await.with_key(&key);
    let stream = streaming("p/stream?chunks=120&delay=25ms");
    streaming_client.begin(&stream).await;
    streaming_client.read_until("w1 ").await;
    let public_id = key.split('_').nth(2).unwrap();
    let revoked = gateway.run(&["keys", "revoke", public_id]);
    assert!(revoked.status.success(), "{revoked:?}");
    let begun = Instant::now();
    let mut client = H1::connect(gateway.addr).await.with_key(&key);
    let answer = loop {
        let answer = client.chat(&chat("fast", json!({}))).await;
        if answer.status != 200 {
            break answer;
        }
        // Two seconds, and something for a machine under load.
        assert!(begun.elapsed() < ms(2500), "a revoked key still works");
        tokio::time::sleep(ms(50)).await;
    };
    let error = refused(&answer, 401, "invalid_api_key");
    assert!(
        error["message"].as_str().unwrap().contains("revoked"),
        "{error}"
    );
    assert!(client.with_key(&gateway.key).is_alive().await);
    // What had begun goes on to its end.
    let events = streaming_client.answer().await.expect(200).events();
    assert_eq!((events.finishes().len(), events.done), (1, true));
}

#[tokio::test]
async fn an_expired_key_is_401_and_a_key_expires_while_the_gateway_runs() {
    let (_mock, gateway) = start("").await;
    let past = gateway.create_key("past", &["--expires-at", "2020-01-01T00:00:00Z"]);
    let soon = jiff::Timestamp::now() + Duration::from_secs(4);
    let soon = gateway.create_key("soon", &["--expires-at", &soon.to_string()]);
    known(&gateway, &soon).await;
    let mut client = H1::connect(gateway.addr).await.with_key(&soon);
    until("the key to expire", || async {
        H1::connect(gateway.addr)
            .await
            .with_key(&soon)
            .get("/v1/models")
            .await
            .status
            == 401
    })
    .await;
    for client in [
        &mut client,
        &mut H1::connect(gateway.addr).await.with_key(&past),
    ] {
        let answer = client.chat(&chat("fast", json!({}))).await;
        let error = refused(&answer, 401, "invalid_api_key");
        assert!(
            error["message"].as_str().unwrap().contains("expired"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_model_outside_the_keys_list_is_403_and_nothing_goes_out() {
    let (mock, gateway) = start("").await;
    let key = gateway.create_key("narrow", &["--model", "fast"]);
    known(&gateway, &key).await;
    let header = format!("authorization: Bearer {key}");
    for model in ["slow", "p/echo", "mock/echo"] {
        let (mut h1, answer) = over_h1(&gateway, &[&header], model).await;
        let error = refused(&answer, 403, "model_not_allowed");
        assert_eq!(error["param"], "model");
        assert!(
            error["message"]
                .as_str()
                .unwrap()
                .contains("GET /v1/models")
        );
        h1 = h1.with_key(&key);
        assert!(h1.is_alive().await);
        let bearer = format!("Bearer {key}");
        let (_, answer) = over_h2(&gateway, &[("authorization", &bearer)], model).await;
        refused(&answer, 403, "model_not_allowed");
    }
    assert!(mock.requests().await.is_empty());
    over_h1(&gateway, &[&header], "fast").await.1.expect(200);
}

#[tokio::test]
async fn a_refusal_of_the_key_comes_before_any_judgement_of_the_body() {
    let (_mock, gateway) = start("").await;
    let length = "content-length: 7";
    let reply = raw(
        &gateway,
        POST,
        &["x-api-key: wrong", JSON, length],
        b"garbage",
    )
    .await;
    refused(&reply.answer.unwrap(), 401, "invalid_api_key");
    let reply = raw(&gateway, POST, &[JSON, length], b"garbage").await;
    refused(&reply.answer.unwrap(), 400, "invalid_json");
}
