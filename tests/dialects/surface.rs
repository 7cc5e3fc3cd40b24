//! `POST /v1/messages`, `/v1/messages/count_tokens` and `GET /v1/models` as Claude's clients see them,
//! whatever provider answers.

use serde_json::json;

use crate::world::{World, events, streamed_text};

#[tokio::test]
async fn a_message_is_answered_by_a_provider_of_either_dialect() {
    let world = World::start("").await;
    for provider in ["claude", "gpt", "vllm"] {
        let answer = world
            .message(&format!("{provider}/echo"), json!({}))
            .await
            .expect(200);
        let body = answer.json();
        assert_eq!(body["type"], "message", "{provider}: {body}");
        assert_eq!(
            body["content"][0]["text"], "one two three",
            "{provider}: {body}"
        );
        assert_eq!(body["stop_reason"], "end_turn", "{provider}: {body}");
        assert_eq!(body["usage"]["input_tokens"], 3, "{provider}: {body}");
        assert!(
            body["id"].as_str().unwrap().starts_with("msg_"),
            "{provider}: {body}"
        );
        assert_eq!(
            answer.header("request-id"),
            answer.header("x-alfred-request-id")
        );
        let receipt = world.gateway.receipt_of(&answer).await;
        assert_eq!(
            (&receipt["surface"], &receipt["outcome"]),
            (&json!("messages"), &json!("ok"))
        );
        assert!(receipt["cost_nano"].as_i64().unwrap() > 0, "{receipt}");
    }
}

#[tokio::test]
async fn a_streamed_message_keeps_the_grammar_whoever_speaks() {
    let world = World::start("").await;
    for provider in ["claude", "gpt", "vllm"] {
        let model = format!("{provider}/stream?chunks=7");
        let answer = world
            .message(&model, json!({ "stream": true }))
            .await
            .expect(200);
        let events = events(&answer);
        let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
        let names: Vec<&str> = names.into_iter().filter(|name| *name != "ping").collect();
        assert_eq!(
            names[..2],
            ["message_start", "content_block_start"],
            "{provider}"
        );
        let end = ["content_block_stop", "message_delta", "message_stop"];
        assert_eq!(names[names.len() - 3..], end, "{provider}");
        assert_eq!(
            names
                .iter()
                .filter(|name| **name == "message_start")
                .count(),
            1
        );
        assert!(!streamed_text(&events).is_empty());
        let receipt = world.gateway.receipt_of(&answer).await;
        assert_eq!(receipt["outcome"], "ok", "{receipt}");
        assert_eq!(
            receipt["streamed"]["text_bytes"],
            streamed_text(&events).len()
        );
    }
}

#[tokio::test]
async fn tokens_are_counted_by_the_provider_or_by_alfred_who_says_so() {
    let world = World::start("").await;
    let count = async |model: &str| {
        let body =
            json!({ "model": model, "messages": [{ "role": "user", "content": "one two three" }] });
        world
            .post("/v1/messages/count_tokens", &body)
            .await
            .expect(200)
            .json()
    };
    let counted = count("claude/echo").await;
    assert!(counted["input_tokens"].as_u64().unwrap() > 0 && counted.get("estimated").is_none());
    let before = world.mock.requests().await.len();
    let estimated = count("gpt/echo").await;
    assert!(
        estimated["input_tokens"].as_u64().unwrap() >= 3,
        "{estimated}"
    );
    assert_eq!(estimated["estimated"], true);
    assert_eq!(
        world.mock.requests().await.len(),
        before,
        "no provider was asked"
    );
}

#[tokio::test]
async fn models_are_listed_in_the_callers_shape() {
    let world = World::start("models: { fast: { targets: [gpt/echo] } }\n").await;
    let mut client = world.gateway.h1().await;
    let head = client.head("GET", "/v1/models", &["anthropic-version: 2023-06-01"]);
    client.send(head).await;
    let page = client.answer().await.expect(200).json();
    assert_eq!(page["has_more"], false, "{page}");
    assert_eq!(
        (&page["first_id"], &page["data"][0]["id"]),
        (&json!("fast"), &json!("fast"))
    );
    assert_eq!(page["data"][0]["type"], "model");
    let list = client.get("/v1/models").await.expect(200).json();
    assert_eq!(
        (&list["object"], &list["data"][0]["object"]),
        (&json!("list"), &json!("model"))
    );
}

#[tokio::test]
async fn what_was_cached_costs_its_own_price_in_either_dialect() {
    let world = World::start("").await;
    let model = "claude/echo?tokens_in=1000&tokens_out=10&tokens_cached=600";
    let own = world.message(model, json!({})).await.expect(200);
    let usage = &own.json()["usage"];
    assert_eq!(
        (&usage["input_tokens"], &usage["cache_read_input_tokens"]),
        (&json!(400), &json!(600))
    );
    let other = world
        .gateway
        .chat(&crate::support::chat(model, json!({})))
        .await
        .expect(200);
    let usage = &other.json()["usage"];
    assert_eq!(usage["prompt_tokens"], 1000, "{usage}");
    assert_eq!(
        usage["prompt_tokens_details"]["cached_tokens"], 600,
        "{usage}"
    );
    // 400 x 2000 + 600 x 200 + 10 x 5000 pico-USD, in nano-credits, rounded up once.
    for answer in [&own, &other] {
        assert_eq!(world.gateway.receipt_of(answer).await["cost_nano"], 970);
    }
}
