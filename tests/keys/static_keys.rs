//! Keys that stand in the configuration as hashes, beside those of the store.

use serde_json::json;

use crate::support::{Gateway, H1, Shell, Upstream, chat};
use crate::world::{alias, calm, config};

const KEY: &str = "ci-machine-key-0123456789abcdef";

/// The hash of a key as the command prints it.
fn hash(key: &str) -> String {
    let said = Shell::new().run_with_input(&["keys", "hash"], &format!("{key}\n"));
    assert_eq!(said.status, 0, "{said:?}");
    said.out.trim().to_owned()
}

async fn start(members: &str) -> (Upstream, Gateway) {
    let mock = Upstream::mock().await;
    let models = ["fast", "slow"].map(|name| alias(name, &["p/echo"], ""));
    let keys = format!(
        "keys: [ {{ name: ci, hash: \"{}\", {members} }} ]\n",
        hash(KEY)
    );
    let yaml = keys + &config(&[mock.provider("p", &calm(""))], &models);
    (mock, Gateway::start(&yaml).await)
}

#[tokio::test]
async fn a_static_key_opens_what_its_entry_says_beside_the_keys_of_the_store() {
    let (_mock, gateway) = start("models: [fast]").await;
    let mut client = H1::connect(gateway.addr).await.with_key(KEY);
    let answer = client.chat(&chat("fast", json!({}))).await.expect(200);
    let receipt = gateway.receipt_of(&answer).await;
    assert_eq!(receipt["caller"]["key_name"], "ci", "{receipt:#}");
    client
        .chat(&chat("slow", json!({})))
        .await
        .expect_refusal(403, "model_not_allowed");
    let list = client.get("/v1/models").await.expect(200).json();
    assert_eq!(list["data"].as_array().unwrap().len(), 1, "{list}");
    gateway.chat(&chat("slow", json!({}))).await.expect(200);
    assert!(!gateway.log().contains(KEY));
}

#[tokio::test]
async fn a_text_that_only_resembles_a_static_key_opens_nothing() {
    let (_mock, gateway) = start("models: [fast]").await;
    let hash = hash(KEY);
    let shorter = &KEY[..KEY.len() - 1];
    let upper = KEY.to_uppercase();
    for wrong in [
        shorter,
        &upper,
        &format!("{KEY}x"),
        &hash,
        hash.trim_start_matches("blake3:"),
    ] {
        let mut client = H1::connect(gateway.addr).await.with_key(wrong);
        client
            .chat(&chat("fast", json!({})))
            .await
            .expect_refusal(401, "invalid_api_key");
    }
}

#[tokio::test]
async fn a_static_key_has_limits_and_an_end_of_its_own() {
    let (_mock, gateway) = start("requests_per_minute: 2").await;
    let mut client = H1::connect(gateway.addr).await.with_key(KEY);
    for _ in 0..2 {
        client.chat(&chat("fast", json!({}))).await.expect(200);
    }
    client
        .chat(&chat("fast", json!({})))
        .await
        .expect_refusal(429, "rate_limit_exceeded");
    gateway.chat(&chat("fast", json!({}))).await.expect(200);
    let (_mock, gateway) = start("expires_at: \"2020-01-01T00:00:00Z\"").await;
    let mut client = H1::connect(gateway.addr).await.with_key(KEY);
    client
        .chat(&chat("fast", json!({})))
        .await
        .expect_refusal(401, "invalid_api_key");
}
