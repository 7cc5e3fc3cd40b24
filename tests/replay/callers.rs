//! Who may call: keys that come and go while the gateway runs, and addresses that flood it.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Gateway, H1, Upstream, chat, ms};
use crate::world::{Client, alias, calm, config};

async fn start(more: &str) -> (Upstream, Gateway) {
    let mock = Upstream::mock().await;
    let providers = [mock.provider("p", &calm("http: h1"))];
    let models = [
        alias("fast", &["p/echo"], ""),
        alias("other", &["p/echo"], ""),
    ];
    let yaml = config(&providers, &models).replace("flood: { requests: 0 }\n", more);
    (mock, Gateway::start(&yaml).await)
}

/// Asks again until the status is this one; gives how long that took.
async fn until_status(gateway: &Gateway, key: &str, status: u16) -> Duration {
    let begun = Instant::now();
    loop {
        let mut client = H1::connect(gateway.addr).await.with_key(key);
        let answer = client.chat(&chat("fast", json!({}))).await;
        if answer.status == status {
            return begun.elapsed();
        }
        assert!(
            begun.elapsed() < ms(5000),
            "still {}: {}",
            answer.status,
            answer.text()
        );
        tokio::time::sleep(ms(50)).await;
    }
}

#[tokio::test]
async fn a_new_key_and_its_revocation_are_seen_within_two_seconds() {
    let (_mock, gateway) = start("").await;
    let key = gateway.create_key("passing", &[]);
    let seen = until_status(&gateway, &key, 200).await;
    assert!(seen < ms(2200), "made: {seen:?}");
    let public = key.split('_').nth(2).unwrap().to_owned();
    let revoked = gateway.run(&["keys", "revoke", &public]);
    assert!(revoked.status.success(), "{revoked:?}");
    let seen = until_status(&gateway, &key, 401).await;
    assert!(seen < ms(2200), "revoked: {seen:?}");
    // Nobody else was locked out.
    gateway.chat(&chat("fast", json!({}))).await.expect(200);
}

#[tokio::test]
async fn a_key_that_was_revoked_in_mid_stream_lets_the_stream_finish() {
    let (_mock, gateway) = start("").await;
    let key = gateway.create_key("passing", &[]);
    until_status(&gateway, &key, 200).await;
    let mut client = H1::connect(gateway.addr).await.with_key(&key);
    let body = chat("p/stream?chunks=60&delay=50ms", json!({"stream": true}));
    client.begin(&body).await;
    client.read_until("w1 ").await;
    gateway.run(&["keys", "revoke", key.split('_').nth(2).unwrap()]);
    until_status(&gateway, &key, 401).await;
    let events = client.answer().await.expect(200).events();
    assert_eq!((events.finishes().len(), events.errors().len()), (1, 0));
}

#[tokio::test]
async fn a_key_that_expires_stops_working() {
    let (_mock, gateway) = start("").await;
    let soon = jiff::Timestamp::now() + Duration::from_secs(4);
    let key = gateway.create_key("brief", &["--expires-at", &soon.to_string()]);
    until_status(&gateway, &key, 200).await;
    let mut client = H1::connect(gateway.addr).await.with_key(&key);
    while jiff::Timestamp::now() < soon {
        tokio::time::sleep(ms(50)).await;
    }
    tokio::time::sleep(ms(50)).await;
    let answer = client.chat(&chat("fast", json!({}))).await;
    let answer = answer.expect_refusal(401, "invalid_api_key");
    assert!(answer.text().contains("expired"), "{}", answer.text());
}

#[tokio::test]
async fn a_key_with_an_allowlist_sees_and_uses_only_what_is_on_it() {
    let (_mock, gateway) = start("").await;
    let key = gateway.create_key("narrow", &["--model", "fast"]);
    until_status(&gateway, &key, 200).await;
    let mut client = H1::connect(gateway.addr).await.with_key(&key);
    for model in ["other", "p/echo"] {
        let answer = client.chat(&chat(model, json!({}))).await;
        answer.expect_refusal(403, "model_not_allowed");
    }
    let models = client.get("/v1/models").await.expect(200).json();
    let names: Vec<_> = models["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|model| model["id"].clone())
        .collect();
    assert_eq!(names, ["fast"]);
}

#[tokio::test]
async fn a_limit_of_requests_is_exact_and_says_when_to_come_back() {
    let (mock, gateway) = start("").await;
    let key = gateway.create_key("limited", &["--requests-per-minute", "5"]);
    let begun = Instant::now();
    let mut client = H1::connect(gateway.addr).await.with_key(&key);
    while client.get("/v1/models/none").await.status == 401 {
        assert!(begun.elapsed() < ms(2500));
        tokio::time::sleep(ms(100)).await;
    }
    let mut statuses = Vec::new();
    for _ in 0..8 {
        let answer = client.chat(&chat("fast", json!({}))).await;
        if answer.status == 429 {
            let wait: u64 = answer.header("retry-after").parse().unwrap();
            assert!((1..=12).contains(&wait), "{wait}");
            assert_eq!(answer.header("x-ratelimit-remaining-requests"), "0");
        }
        statuses.push(answer.status);
    }
    let passed = statuses.iter().filter(|status| **status == 200).count();
    // The request that found the key known counted too.
    assert_eq!((passed, statuses.len()), (4, 8), "{statuses:?}");
    assert_eq!(mock.requests().await.len(), 4);
}

#[tokio::test]
async fn a_flood_from_one_address_is_met_before_the_keys() {
    let (_mock, gateway) = start("flood: { requests: 20, window: 2s }\n").await;
    let mut statuses = Vec::new();
    let mut client = Client::H1(H1::connect(gateway.addr).await);
    for _ in 0..40 {
        statuses.push(client.chat(&chat("fast", json!({}))).await.status);
    }
    let refused = statuses.iter().filter(|status| **status == 429).count();
    assert!((15..=22).contains(&refused), "{statuses:?}");
    assert!(statuses.iter().all(|status| [401, 429].contains(status)));
}
