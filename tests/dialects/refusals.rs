//! Noes in the caller's grammar, of Alfred and of providers.

use serde_json::{Value, json};

use crate::support::{Answer, chat};
use crate::world::World;

/// Holds an error to Anthropic's shape.
fn expect_error(answer: &Answer, status: u16, kind: &str) -> Value {
    assert_eq!(answer.status, status, "{}", answer.text());
    let body = answer.json();
    assert_eq!(
        (&body["type"], &body["error"]["type"]),
        (&json!("error"), &json!(kind)),
        "{body}"
    );
    assert!(!body["error"]["message"].as_str().unwrap().is_empty());
    assert_eq!(body["request_id"], answer.header("x-alfred-request-id"));
    body
}

#[tokio::test]
async fn alfreds_own_noes_have_anthropics_shape_and_types() {
    let world = World::start("models: { fast: { targets: [gpt/echo] } }\n").await;
    let unknown = world.message("fats", json!({})).await;
    let body = expect_error(&unknown, 404, "not_found_error");
    assert!(
        body["error"]["message"].as_str().unwrap().contains("fast"),
        "{body}"
    );
    let body = json!({ "model": "fast", "messages": [] });
    expect_error(
        &world.post("/v1/messages", &body).await,
        400,
        "invalid_request_error",
    );
    let mut stranger = world.gateway.h1().await.with_key("ak_live_nobody");
    let head = stranger.head("POST", "/v1/messages", &["content-length: 0"]);
    stranger.send(head).await;
    expect_error(&stranger.answer().await, 401, "authentication_error");
}

#[tokio::test]
async fn a_provider_without_capacity_is_529_for_claudes_clients_and_503_for_the_others() {
    let world = World::start("").await;
    for provider in ["claude", "gpt"] {
        let model = format!("{provider}/status?code=529");
        let answer = world.message(&model, json!({})).await;
        expect_error(&answer, 529, "overloaded_error");
        assert_eq!(answer.header("x-should-retry"), "false");
        world
            .gateway
            .chat(&chat(&model, json!({})))
            .await
            .expect(503);
    }
}

#[tokio::test]
async fn what_no_target_can_say_is_refused_with_the_fields_name() {
    let world = World::start("").await;
    let refused = world
        .gateway
        .chat(&chat("claude/echo", json!({ "logit_bias": { "1": 2 } })))
        .await;
    let refused = refused.expect_refusal(400, "unsupported_parameter");
    assert_eq!(
        refused.json()["error"]["param"],
        "logit_bias",
        "{}",
        refused.text()
    );
    let server_tool = json!({ "tools": [{ "type": "web_search_20250305", "name": "web_search" }] });
    let refused = world.message("gpt/echo", server_tool).await;
    let body = expect_error(&refused, 400, "invalid_request_error");
    assert!(
        body["error"]["message"].as_str().unwrap().contains("tools"),
        "{body}"
    );
    assert!(world.mock.requests().await.is_empty(), "nobody was asked");
}

#[tokio::test]
async fn what_is_accepted_but_not_sent_is_named_in_a_header() {
    let world = World::start("").await;
    let neutral = json!({ "n": 1, "user": "u-1", "response_format": { "type": "json_object" } });
    let answer = world
        .gateway
        .chat(&chat("claude/echo?strict=1", neutral))
        .await
        .expect(200);
    let dropped = answer.header("x-alfred-dropped-params");
    assert!(
        dropped.contains("n") && dropped.contains("response_format"),
        "{dropped}"
    );
    assert!(
        !dropped.contains("user"),
        "it became metadata.user_id: {dropped}"
    );
}

#[tokio::test]
async fn embeddings_and_older_completions_are_not_made_up() {
    let world = World::start("").await;
    let mut client = world.gateway.h1().await;
    for (path, body) in [
        (
            "/v1/embeddings",
            json!({ "model": "claude/echo", "input": "x" }),
        ),
        (
            "/v1/completions",
            json!({ "model": "claude/echo", "prompt": "x" }),
        ),
    ] {
        let body = body.to_string();
        let length = format!("content-length: {}", body.len());
        let head = client.head("POST", path, &["content-type: application/json", &length]);
        client.send(head + &body).await;
        client
            .answer()
            .await
            .expect_refusal(400, "unsupported_model");
    }
}

#[tokio::test]
async fn even_bad_framing_is_refused_in_the_callers_grammar() {
    let world = World::start("").await;
    let mut client = world.gateway.h1().await;
    let lines = ["content-length: 2", "transfer-encoding: chunked"];
    let head = client.head("POST", "/v1/messages", &lines);
    client.send(head).await;
    expect_error(&client.answer().await, 400, "invalid_request_error");
}
