//! A key sees and uses the models on its list, and no others.

use serde_json::{Value, json};

use crate::support::{Gateway, H1, Upstream, chat, until};
use crate::world::{alias, calm, config};

/// Aliases `fast`, `slow` and `smart`, and the listed models `p/echo` and `q/echo`.
async fn start() -> ([Upstream; 2], Gateway) {
    let mocks = [Upstream::mock().await, Upstream::mock().await];
    let listed = calm("models: [echo]");
    let providers = [
        mocks[0].provider("p", &listed),
        mocks[1].provider("q", &listed),
    ];
    let models = ["fast", "slow", "smart"].map(|name| alias(name, &["p/echo"], ""));
    let gateway = Gateway::start(&config(&providers, &models)).await;
    (mocks, gateway)
}

/// A connection with a new key that may use these models only.
async fn allowed(gateway: &Gateway, models: &[&str]) -> H1 {
    let arguments: Vec<&str> = models.iter().flat_map(|model| ["--model", model]).collect();
    let key = gateway.create_key("narrow", &arguments);
    until("the new key to be known", || async {
        H1::connect(gateway.addr)
            .await
            .with_key(&key)
            .get("/v1/models")
            .await
            .status
            == 200
    })
    .await;
    H1::connect(gateway.addr).await.with_key(&key)
}

fn names(list: &Value) -> Vec<&str> {
    let data = list["data"].as_array().unwrap();
    data.iter()
        .map(|model| model["id"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn the_list_of_models_is_openais_and_holds_every_name_for_a_key_without_a_list() {
    let (_mocks, gateway) = start().await;
    let answer = gateway.h1().await.get("/v1/models").await.expect(200);
    assert_eq!(answer.header("content-type"), "application/json");
    let list = answer.json();
    assert_eq!(list["object"], "list");
    let listed = names(&list);
    for name in ["fast", "slow", "smart", "p/echo", "q/echo"] {
        assert!(listed.contains(&name), "{name} is not in {listed:?}");
    }
    for model in list["data"].as_array().unwrap() {
        assert_eq!(model["object"], "model", "{model}");
        assert!(
            model["created"].is_u64() && model["owned_by"].is_string(),
            "{model}"
        );
    }
}

#[tokio::test]
async fn a_key_with_a_list_is_shown_and_may_use_only_what_is_on_it() {
    let (_mocks, gateway) = start().await;
    let mut client = allowed(&gateway, &["fast", "q/*"]).await;
    let list = client.get("/v1/models").await.expect(200).json();
    assert_eq!(names(&list), ["fast", "q/echo"]);
    for model in ["fast", "q/echo", "q/anything?chunks=1"] {
        let status = client.chat(&chat(model, json!({}))).await.status;
        assert_ne!(status, 403, "{model}");
    }
    for model in ["slow", "smart", "p/echo", "mock/echo"] {
        let answer = client.chat(&chat(model, json!({}))).await;
        answer.expect_refusal(403, "model_not_allowed");
    }
    client.get("/v1/models/fast").await.expect(200);
    client.get("/v1/models/q%2Fecho").await.expect(200);
    client.get("/v1/models/q/echo").await.expect(200);
    client
        .get("/v1/models/slow")
        .await
        .expect_refusal(403, "model_not_allowed");
}

#[tokio::test]
async fn an_alias_opens_its_targets_but_a_target_does_not_open_its_alias() {
    let (_mocks, gateway) = start().await;
    let mut by_target = allowed(&gateway, &["p/echo"]).await;
    by_target.chat(&chat("p/echo", json!({}))).await.expect(200);
    by_target
        .chat(&chat("fast", json!({})))
        .await
        .expect_refusal(403, "model_not_allowed");
    let mut by_alias = allowed(&gateway, &["fast"]).await;
    by_alias.chat(&chat("fast", json!({}))).await.expect(200);
}

#[tokio::test]
async fn a_refusal_by_the_list_costs_no_attempt_and_is_on_the_receipt() {
    let (mocks, gateway) = start().await;
    let mut client = allowed(&gateway, &["fast"]).await;
    let answer = client.chat(&chat("q/echo", json!({}))).await;
    let answer = answer.expect_refusal(403, "model_not_allowed");
    let receipt = gateway.receipt_of(&answer).await;
    assert_eq!(receipt["outcome"], "refused", "{receipt:#}");
    assert_eq!(receipt["code"], "model_not_allowed");
    assert_eq!(receipt["caller"]["key_name"], "narrow");
    assert!(receipt["attempts"].is_null(), "{receipt:#}");
    assert!(mocks[1].requests().await.is_empty());
}
