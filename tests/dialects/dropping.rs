//! What a provider cannot be told is an error, unless the operator said that it may be left out.

use serde_json::{Value, json};

use crate::support::{Answer, Do, Gateway, Scripted};

async fn start(kind: &str, drop: &str, answer: &Value) -> (Scripted, Gateway) {
    let upstream = Scripted::new(vec![Do::json(answer); 2]).await;
    let yaml = format!(
        "providers:\n  p: {{ kind: {kind}, keys: [test-key], endpoints: [\"http://{}\"], drop: {drop} }}\n",
        upstream.addr
    );
    (upstream, Gateway::start(&yaml).await)
}

fn gemini() -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "hi"}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 2, "totalTokenCount": 9}})
}

/// As LangChain asks for a structured answer, and more.
async fn ask(gateway: &Gateway, more: Value) -> Answer {
    let mut body = json!({
        "model": "p/some", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 50,
        "tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}],
        "parallel_tool_calls": false,
    });
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    gateway.chat(body.to_string().as_bytes()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_listed_is_left_out_and_named_and_the_rest_stays_an_error() {
    let (google, gateway) = start("gemini", "[parallel_tool_calls]", &gemini()).await;
    let answer = ask(&gateway, json!({})).await.expect(200);
    assert_eq!(
        answer.header("x-alfred-dropped-params"),
        "parallel_tool_calls"
    );
    assert!(!String::from_utf8_lossy(&google.received()[0].body).contains("arallel"));
    let refused = ask(&gateway, json!({"logit_bias": {"1": 2}})).await;
    let refused = refused.expect_refusal(400, "unsupported_parameter");
    assert_eq!(refused.json()["error"]["param"], "logit_bias");
    assert_eq!(google.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_out_unless_somebody_said_so() {
    let (google, gateway) = start("gemini", "[]", &gemini()).await;
    let refused = ask(&gateway, json!({})).await;
    let refused = refused.expect_refusal(400, "unsupported_parameter");
    assert_eq!(refused.json()["error"]["param"], "parallel_tool_calls");
    assert!(google.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_star_leaves_out_all_but_what_a_request_is_about() {
    let (google, gateway) = start("gemini", "[\"*\"]", &gemini()).await;
    let answer = ask(&gateway, json!({"logit_bias": {"1": 2}}))
        .await
        .expect(200);
    let names = answer.header("x-alfred-dropped-params");
    assert!(
        names.contains("parallel_tool_calls") && names.contains("logit_bias"),
        "{names}"
    );
    // A tool is no member of its own: without it the request would ask for something else.
    let custom = json!({"tools": [{"type": "custom", "custom": {"name": "look"}}]});
    let refused = ask(&gateway, custom).await;
    refused.expect_refusal(400, "unsupported_parameter");
    assert_eq!(google.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_of_the_clients_own_dialect_is_never_sent_what_is_listed() {
    let said = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [{"index": 0,
        "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}});
    let (plain, gateway) = start("openai_compatible", "[logit_bias, seed]", &said).await;
    let answer = ask(&gateway, json!({"logit_bias": {"1": 2}}))
        .await
        .expect(200);
    assert_eq!(answer.header("x-alfred-dropped-params"), "logit_bias");
    let sent: Value = serde_json::from_slice(&plain.received()[0].body).unwrap();
    assert!(
        sent.get("logit_bias").is_none() && sent["parallel_tool_calls"] == false,
        "{sent:#}"
    );
}
