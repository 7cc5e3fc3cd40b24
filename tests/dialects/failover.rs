//! Failover between providers of different dialects: each attempt has a body of its own, and the
//! client's grammar never changes.

use serde_json::json;

use crate::support::{chat, streaming};
use crate::world::{World, events, streamed_text};

const ALIASES: &str = "models:\n  \
    from-claude: { targets: [\"claude/status?code=529\"], fallback: [\"gpt/echo\"] }\n  \
    from-gpt: { targets: [\"gpt/status?code=503\"], fallback: [\"claude/echo\"] }\n  \
    from-inside: { targets: [\"claude/error_in_stream?after=0\"], fallback: [\"gpt/stream?chunks=3\"] }\n  \
    dear: { targets: [claude/echo], fallback: [gpt/echo] }\n";

#[tokio::test]
async fn an_overloaded_provider_is_replaced_by_one_of_the_other_dialect() {
    let world = World::start(ALIASES).await;
    for alias in ["from-claude", "from-gpt"] {
        let message = world.message(alias, json!({})).await.expect(200);
        assert_eq!(
            message.json()["content"][0]["text"],
            "one two three",
            "{alias}"
        );
        assert_eq!(message.header("x-alfred-attempts"), "2", "{alias}");
        let completion = world
            .gateway
            .chat(&chat(alias, json!({})))
            .await
            .expect(200);
        assert_eq!(completion.json()["object"], "chat.completion", "{alias}");
        assert_eq!(completion.header("x-alfred-attempts"), "2", "{alias}");
    }
}

#[tokio::test]
async fn an_error_inside_a_200_fails_over_before_content_in_both_grammars() {
    let world = World::start(ALIASES).await;
    let message = world
        .message("from-inside", json!({ "stream": true }))
        .await
        .expect(200);
    let seen = events(&message);
    assert!(
        seen.iter().all(|(name, _)| name != "error"),
        "{}",
        message.text()
    );
    assert_eq!(seen.last().unwrap().0, "message_stop");
    assert!(!streamed_text(&seen).is_empty());
    let chunks = world
        .gateway
        .chat(&streaming("from-inside"))
        .await
        .expect(200);
    assert!(chunks.events().errors().is_empty(), "{}", chunks.text());
    assert_eq!(chunks.header("x-alfred-attempts"), "2");
}

#[tokio::test]
async fn after_content_the_client_reads_one_typed_error_in_its_own_grammar() {
    let world = World::start("").await;
    for provider in ["claude", "gpt", "vllm"] {
        let model = format!("{provider}/cut?after=3");
        let message = world
            .message(&model, json!({ "stream": true }))
            .await
            .expect(200);
        let seen = events(&message);
        let (name, data) = seen.last().unwrap();
        assert_eq!(
            (name.as_str(), &data["type"]),
            ("error", &json!("error")),
            "{provider}"
        );
        assert_eq!(seen.iter().filter(|(name, _)| name == "error").count(), 1);
        assert!(!streamed_text(&seen).is_empty(), "{provider}");
        let chunks = world.gateway.chat(&streaming(&model)).await.expect(200);
        assert_eq!(
            chunks.events().errors().len(),
            1,
            "{provider}: {}",
            chunks.text()
        );
        let receipt = world.gateway.receipt_of(&chunks).await;
        assert_eq!(receipt["outcome"], "truncated", "{receipt}");
        assert_eq!(receipt["usage"]["estimated"], true, "{receipt}");
    }
}

#[tokio::test]
async fn what_one_dialect_cannot_say_is_asked_of_the_next_target() {
    let world = World::start(ALIASES).await;
    let answer = world
        .gateway
        .chat(&chat("dear", json!({ "seed": 7 })))
        .await
        .expect(200);
    assert_eq!(answer.header("x-alfred-provider"), "gpt");
    let receipt = world.gateway.receipt_of(&answer).await;
    assert_eq!(
        receipt["attempts"][0]["failure"], "untranslatable",
        "{receipt}"
    );
    let asked = world.mock.requests().await;
    assert_eq!(asked.len(), 1, "the first target was not asked: {asked:?}");
}
