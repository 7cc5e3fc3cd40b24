//! A provider that speaks Gemini's own grammar, before callers of either dialect.

use serde_json::{Value, json};

use crate::support::{Do, Gateway, Received, Scripted};
use crate::world::{events, post, streamed_text};

async fn start(scripts: Vec<Vec<Do>>) -> (Scripted, Gateway) {
    let google = Scripted::new(scripts).await;
    let addr = google.addr;
    let yaml = format!(
        "providers:\n  \
         gem: {{ kind: gemini, keys: [AIza-test], endpoints: [\"http://{addr}\"] }}\n\
         prices: {{ \"gem/*\": {{ in: 1000, out: 3000 }} }}\n"
    );
    let gateway = Gateway::start(&yaml).await;
    (google, gateway)
}

fn streamed(objects: &[Value]) -> Vec<Do> {
    let events = objects
        .iter()
        .map(|object| format!("data: {object}\r\n\r\n"));
    let events: String = events.collect();
    let packet = [Do::stream_head(), Do::chunk(&events), Do::last_chunk()].concat();
    vec![Do::Read, Do::Send(packet)]
}

fn says(parts: &Value, finish: Option<&str>) -> Value {
    json!({
        "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": finish, "index": 0}],
        "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 2, "thoughtsTokenCount": 3,
            "totalTokenCount": 12},
        "modelVersion": "gemini-2.5-flash-001", "responseId": "resp7",
    })
}

fn chat(stream: bool) -> Value {
    json!({"model": "gem/gemini-2.5-flash", "stream": stream, "max_tokens": 50,
        "stream_options": stream.then(|| json!({"include_usage": true})),
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello"}]})
}

fn body_of(request: &Received) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_answer_reaches_an_openai_client() {
    let parts = json!([{"text": "hi"},
        {"functionCall": {"name": "look", "args": {"at": 1}}, "thoughtSignature": "QUJD"}]);
    let (google, gateway) = start(vec![Do::json(&says(&parts, Some("STOP")))]).await;
    let answer = post(&gateway, "/v1/chat/completions", &chat(false)).await;
    let answer = answer.expect(200).json();
    let choice = &answer["choices"][0];
    assert_eq!(choice["message"]["content"], "hi");
    assert_eq!(choice["finish_reason"], "tool_calls");
    let call = &choice["message"]["tool_calls"][0];
    assert_eq!(call["function"]["arguments"], r#"{"at":1}"#);
    assert_eq!(call["extra_content"]["google"]["thought_signature"], "QUJD");
    assert_eq!(answer["usage"]["prompt_tokens"], 7);
    assert_eq!(answer["usage"]["completion_tokens"], 5);
    let seen = &google.received()[0];
    let head = seen.head.to_ascii_lowercase();
    assert!(
        head.starts_with("post /v1beta/models/gemini-2.5-flash:generatecontent http/1.1"),
        "{head}"
    );
    assert!(head.contains("x-goog-api-key: aiza-test"), "{head}");
    assert!(!head.contains("authorization:"), "{head}");
    let body = body_of(seen);
    assert_eq!(body["systemInstruction"]["parts"][0]["text"], "be brief");
    assert_eq!(body["contents"][0]["parts"][0]["text"], "hello");
    assert_eq!(body["generationConfig"]["maxOutputTokens"], 50);
    assert!(body["model"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_reaches_clients_of_either_dialect() {
    let script = streamed(&[
        says(&json!([{"thought": true, "text": "hm"}]), None),
        says(&json!([{"text": "hel"}]), None),
        says(&json!([{"text": "lo"}]), Some("STOP")),
    ]);
    let (google, gateway) = start(vec![script]).await;
    let answer = post(&gateway, "/v1/chat/completions", &chat(true))
        .await
        .expect(200);
    let text = answer.text();
    for part in [
        r#""reasoning_content":"hm""#,
        r#""content":"hel""#,
        r#""content":"lo""#,
        r#""finish_reason":"stop""#,
        r#""prompt_tokens":7,"completion_tokens":5"#,
        "data: [DONE]",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let message = json!({"model": "gem/gemini-2.5-flash", "max_tokens": 50, "stream": true,
        "messages": [{"role": "user", "content": "hello"}]});
    let answer = post(&gateway, "/v1/messages", &message).await.expect(200);
    let told = events(&answer);
    assert_eq!(streamed_text(&told), "hello");
    assert_eq!(told.last().unwrap().0, "message_stop");
    for seen in google.received() {
        let path = "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse";
        assert!(seen.head.contains(path), "{}", seen.head);
        assert!(!seen.head.contains("anthropic-version"), "{}", seen.head);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn embeddings_and_refusals() {
    let vectors = json!({"embeddings": [{"values": [0.5, -1.25]}, {"values": [1]}]});
    let (google, gateway) = start(vec![Do::json(&vectors)]).await;
    let request = json!({"model": "gem/gemini-embedding-001", "input": ["a", "b"]});
    let answer = post(&gateway, "/v1/embeddings", &request)
        .await
        .expect(200)
        .json();
    assert_eq!(answer["data"][0]["embedding"], json!([0.5, -1.25]));
    assert_eq!(answer["data"][1]["index"], 1);
    let seen = &google.received()[0];
    let path = "/v1beta/models/gemini-embedding-001:batchEmbedContents";
    assert!(seen.head.contains(path), "{}", seen.head);
    assert_eq!(
        body_of(seen)["requests"][1]["content"]["parts"][0]["text"],
        "b"
    );

    let mut request = chat(false);
    request["logit_bias"] = json!({"5": 1});
    let answer = post(&gateway, "/v1/chat/completions", &request).await;
    assert_eq!(answer.expect(400).error_code(), "unsupported_parameter");
}
