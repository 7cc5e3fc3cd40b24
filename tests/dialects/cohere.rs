//! A provider that speaks Cohere's own grammar, before callers of every dialect.

use serde_json::{Value, json};

use crate::support::{Do, Gateway, Received, Scripted};
use crate::world::{events, post, streamed_text};

async fn start(scripts: Vec<Vec<Do>>) -> (Scripted, Gateway) {
    let cohere = Scripted::new(scripts).await;
    let addr = cohere.addr;
    let yaml = format!(
        "providers:\n  \
         co: {{ kind: cohere, keys: [co-test], endpoints: [\"http://{addr}/v2\"] }}\n\
         prices: {{ \"co/*\": {{ in: 1000, out: 3000 }} }}\n"
    );
    let gateway = Gateway::start(&yaml).await;
    (cohere, gateway)
}

fn streamed(sent: &[Value], ends: bool) -> Vec<Do> {
    let named = sent.iter().map(|event| {
        let name = event["type"].as_str().unwrap();
        format!("event: {name}\ndata: {event}\n\n")
    });
    let text = named.collect::<String>() + if ends { "data: [DONE]\n\n" } else { "" };
    let packet = [Do::stream_head(), Do::chunk(&text), Do::last_chunk()].concat();
    vec![Do::Read, Do::Send(packet)]
}

fn usage() -> Value {
    json!({"billed_units": {"input_tokens": 7, "output_tokens": 2},
        "tokens": {"input_tokens": 507, "output_tokens": 5}, "cached_tokens": 448})
}

fn says_hello() -> Vec<Value> {
    let content = |kind: &str, content: &Value| json!({"type": kind, "index": 0, "delta": {"message": {"content": content}}});
    vec![
        json!({"type": "message-start", "id": "resp7", "delta": {"message": {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}}}),
        content("content-start", &json!({"type": "text", "text": ""})),
        content("content-delta", &json!({"text": "hel"})),
        content("content-delta", &json!({"text": "lo"})),
        json!({"type": "content-end", "index": 0}),
        json!({"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": usage()}}),
    ]
}

fn chat(stream: bool) -> Value {
    json!({"model": "co/command-a-03-2025", "stream": stream, "max_tokens": 50,
        "stream_options": stream.then(|| json!({"include_usage": true})),
        "messages": [{"role": "developer", "content": "be brief"}, {"role": "user", "content": "hello"}]})
}

/// The value at that path; null where there is none.
fn at<'v>(value: &'v Value, path: &str) -> &'v Value {
    static NOTHING: Value = Value::Null;
    value.pointer(path).unwrap_or(&NOTHING)
}

fn body_of(request: &Received) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_answer_reaches_an_openai_client() {
    let object = json!({"id": "resp7", "finish_reason": "TOOL_CALL", "usage": usage(), "message": {
        "role": "assistant", "tool_plan": "I will look.",
        "tool_calls": [{"id": "look_1", "type": "function", "function": {"name": "look", "arguments": "{\"at\":1}"}}]}});
    let (cohere, gateway) = start(vec![Do::json(&object)]).await;
    let answer = post(&gateway, "/v1/chat/completions", &chat(false)).await;
    let answer = answer.expect(200);
    // 7 x 1000 and 2 x 3000 pico-USD: what is on the bill, not what went through the model.
    assert_eq!(answer.header("x-alfred-cost"), "0.000000013");
    let used = gateway.receipt_of(&answer).await["usage"].clone();
    assert_eq!(
        (&used["input"], &used["billed_input"]),
        (&json!(507), &json!(7))
    );
    let answer = answer.json();
    let choice = at(&answer, "/choices/0");
    assert_eq!(choice["finish_reason"], "tool_calls");
    assert_eq!(at(choice, "/message/reasoning_content"), "I will look.");
    let call = at(choice, "/message/tool_calls/0");
    assert_eq!(at(call, "/function/arguments"), r#"{"at":1}"#);
    assert_eq!(at(&answer, "/usage/prompt_tokens"), 507);
    assert_eq!(at(&answer, "/usage/billed_units/input_tokens"), 7);
    let seen = &cohere.received()[0];
    let head = seen.head.to_ascii_lowercase();
    assert!(head.starts_with("post /v2/chat http/1.1"), "{head}");
    assert!(head.contains("authorization: bearer co-test"), "{head}");
    let body = body_of(seen);
    assert_eq!(at(&body, "/messages/0/role"), "system");
    assert_eq!(body["max_tokens"], 50);
    assert_eq!(body["model"], "command-a-03-2025");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_reaches_clients_of_every_dialect() {
    let (cohere, gateway) = start(vec![streamed(&says_hello(), true)]).await;
    let answer = post(&gateway, "/v1/chat/completions", &chat(true)).await;
    let text = answer.expect(200).text();
    for part in [
        r#""content":"hel""#,
        r#""content":"lo""#,
        r#""finish_reason":"stop""#,
        r#""prompt_tokens":507,"completion_tokens":5"#,
        "data: [DONE]",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let message = json!({"model": "co/command-a-03-2025", "max_tokens": 50, "stream": true,
        "messages": [{"role": "user", "content": "hello"}]});
    let answer = post(&gateway, "/v1/messages", &message).await.expect(200);
    let told = events(&answer);
    assert_eq!(streamed_text(&told), "hello");
    assert_eq!(told.last().unwrap().0, "message_stop");
    let request = json!({"model": "co/command-a-03-2025", "stream": true, "input": "hello"});
    let answer = post(&gateway, "/v1/responses", &request).await.expect(200);
    assert_eq!(events(&answer).last().unwrap().0, "response.completed");
    for seen in cohere.received() {
        assert!(seen.head.contains("/v2/chat"), "{}", seen.head);
        assert!(!seen.head.contains("anthropic-version"), "{}", seen.head);
        assert_eq!(body_of(&seen)["stream"], true);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_without_its_end_is_no_whole_answer() {
    let mut sent = says_hello();
    sent.pop();
    let (_cohere, gateway) = start(vec![streamed(&sent, true)]).await;
    let answer = post(&gateway, "/v1/chat/completions", &chat(true)).await;
    let text = answer.expect(200).text();
    assert!(text.contains(r#""content":"lo""#), "{text}");
    assert!(text.contains(r#""error":"#), "{text}");
    assert!(!text.contains("[DONE]"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn embeddings_and_refusals() {
    let vectors = json!({"id": "e", "embeddings": {"float": [[0.5, -1.25], [1]]}, "texts": ["a", "b"],
        "meta": {"billed_units": {"input_tokens": 4}}});
    let (cohere, gateway) = start(vec![Do::json(&vectors)]).await;
    let request = json!({"model": "co/embed-v4.0", "input": ["a", "b"], "dimensions": 256});
    let answer = post(&gateway, "/v1/embeddings", &request).await;
    let answer = answer.expect(200).json();
    assert_eq!(at(&answer, "/data/0/embedding"), &json!([0.5, -1.25]));
    assert_eq!(at(&answer, "/data/1/index"), 1);
    assert_eq!(at(&answer, "/usage/prompt_tokens"), 4);
    let seen = &cohere.received()[0];
    assert!(seen.head.contains("/v2/embed"), "{}", seen.head);
    let body = body_of(seen);
    assert_eq!(body["texts"], json!(["a", "b"]));
    assert_eq!(body["input_type"], "search_document");
    assert_eq!(body["output_dimension"], 256);

    let request = json!({"model": "co/embed-v4.0", "input": [[1, 2]]});
    let answer = post(&gateway, "/v1/embeddings", &request).await;
    assert_eq!(answer.expect(400).error_code(), "unsupported_parameter");
    let mut request = chat(false);
    request["n"] = json!(2);
    let answer = post(&gateway, "/v1/chat/completions", &request).await;
    assert_eq!(answer.expect(400).error_code(), "unsupported_parameter");
}
