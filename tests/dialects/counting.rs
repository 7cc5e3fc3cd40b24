//! `POST /v1/messages/count_tokens` before providers that count in a grammar of their own.

use serde_json::{Value, json};

use crate::support::{Do, Gateway, Scripted, until};
use crate::world::post;

async fn start(kind: &str, more: &str, answers: &[Value]) -> (Scripted, Gateway) {
    let scripts = answers.iter().map(Do::json);
    let upstream = Scripted::new(scripts.collect()).await;
    let addr = upstream.addr;
    let yaml = format!(
        "providers:\n  \
         p: {{ kind: {kind}, keys: [test-key], {more}endpoints: [\"http://{addr}\"] }}\n"
    );
    (upstream, Gateway::start(&yaml).await)
}

async fn count(gateway: &Gateway, model: &str) -> (u16, Value) {
    let body = json!({
        "model": model,
        "system": "be brief",
        "tools": [{"name": "look", "input_schema": {"type": "object"}}],
        "messages": [{"role": "user", "content": "hello"}],
    });
    ask(gateway, &body).await
}

async fn ask(gateway: &Gateway, body: &Value) -> (u16, Value) {
    let answer = post(gateway, "/v1/messages/count_tokens", body).await;
    (answer.status, answer.json())
}

#[tokio::test(flavor = "multi_thread")]
async fn gemini_counts_the_whole_request() {
    let said =
        json!({"totalTokens": 61, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 61}]});
    let (google, gateway) = start("gemini", "", &[said]).await;
    let counted = count(&gateway, "p/gemini-2.5-flash").await;
    assert_eq!(counted, (200, json!({"input_tokens": 61})));
    let seen = &google.received()[0];
    assert!(
        seen.head.contains("/models/gemini-2.5-flash:countTokens "),
        "{}",
        seen.head
    );
    let body: Value = serde_json::from_slice(&seen.body).unwrap();
    let request = &body["generateContentRequest"];
    assert_eq!(request["model"], "models/gemini-2.5-flash", "{body:#}");
    assert_eq!(
        request.pointer("/contents/0/parts/0/text"),
        Some(&json!("hello"))
    );
    assert_eq!(
        request.pointer("/systemInstruction/parts/0/text"),
        Some(&json!("be brief"))
    );
    assert_eq!(
        request.pointer("/tools/0/functionDeclarations/0/name"),
        Some(&json!("look"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bedrock_counts_for_claudes_and_alfred_for_the_others() {
    let (aws, gateway) = start(
        "bedrock",
        "region: us-east-1, ",
        &[json!({"inputTokens": 19})],
    )
    .await;
    let counted = count(&gateway, "p/anthropic.claude-sonnet-4-20250514-v1:0").await;
    assert_eq!(counted, (200, json!({"input_tokens": 19})));
    let seen = &aws.received()[0];
    let path = "/model/anthropic.claude-sonnet-4-20250514-v1%3A0/count-tokens ";
    assert!(seen.head.contains(path), "{}", seen.head);
    let body: Value = serde_json::from_slice(&seen.body).unwrap();
    let asked = body
        .pointer("/input/converse")
        .unwrap()
        .as_object()
        .unwrap();
    let names: Vec<&str> = asked.keys().map(String::as_str).collect();
    assert_eq!(names, ["system", "messages", "toolConfig"], "{body:#}");
    let (status, estimated) = count(&gateway, "p/amazon.nova-lite-v1:0").await;
    assert_eq!((status, &estimated["estimated"]), (200, &json!(true)));
    assert_eq!(aws.received().len(), 1, "Bedrock counts for no other model");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_a_count_is_the_providers_failure() {
    let (_google, gateway) = start(
        "gemini",
        "",
        &[
            json!({"totalTokens": "many"}),
            json!({"totalTokens": -3}),
            json!([]),
        ],
    )
    .await;
    let (status, said) = count(&gateway, "p/gemini-2.5-flash").await;
    assert_eq!(
        (status, &said["error"]["type"]),
        (502, &json!("api_error")),
        "{said:#}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn openais_vocabularies_count_exactly_where_they_are_asked_for() {
    let yaml = "tokenizer: bpe\nproviders:\n  \
                p: { kind: openai, keys: [k], endpoints: [\"http://127.0.0.1:1/v1\"] }\n";
    let gateway = Gateway::start(yaml).await;
    let count = async |model: &str, more: Value| {
        let mut body = json!({"model": model, "messages": [{"role": "user",
            "content": "antidisestablishmentarianism"}]});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        ask(&gateway, &body).await.1
    };
    until("the vocabularies to be loaded", async || {
        count("p/gpt-4", json!({})).await.get("estimated").is_none()
    })
    .await;
    // Six pieces, four around the message, three before the answer.
    assert_eq!(
        count("p/gpt-4", json!({})).await,
        json!({"input_tokens": 13})
    );
    let newer = count("p/gpt-5-mini", json!({"system": "2 + 2 = 4"})).await;
    assert_eq!(newer, json!({"input_tokens": newer["input_tokens"]}));
    let tools = json!({"tools": [{"name": "look", "input_schema": {"type": "object"}}]});
    assert_eq!(count("p/gpt-4", tools).await["estimated"], true);
    assert_eq!(
        count("p/some-deployment", json!({})).await["estimated"],
        true
    );
}
