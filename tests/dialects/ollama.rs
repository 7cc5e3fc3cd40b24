//! An Ollama that is asked by its own API, before callers of every dialect: lines of
//! JSON, pieces cut anywhere, failures behind a 200.

use serde_json::{Value, json};

use crate::support::{Do, Gateway, Received, Scripted};
use crate::world::{events, post, streamed_text};

async fn start(script: Vec<Do>) -> (Scripted, Gateway) {
    let ollama = Scripted::new(vec![script]).await;
    let addr = ollama.addr;
    let yaml = format!(
        "providers:\n  \
         home: {{ kind: ollama, endpoints: [\"http://{addr}/api\"], overrides: {{ options: {{ num_ctx: 8192 }} }} }}\n\
         prices: {{ \"home/*\": {{ in: 1000, out: 3000 }} }}\n"
    );
    let gateway = Gateway::start(&yaml).await;
    (ollama, gateway)
}

/// The lines in one chunk each, but for the cut in the middle of each line.
fn streamed(objects: &[Value]) -> Vec<Do> {
    let mut packet = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\n\
        transfer-encoding: chunked\r\n\r\n"
        .to_vec();
    for object in objects {
        let line = format!("{object}\n");
        let (first, rest) = line.split_at(line.len() / 2);
        packet.extend([Do::chunk(first), Do::chunk(rest)].concat());
    }
    packet.extend(Do::last_chunk());
    vec![Do::Read, Do::Send(packet)]
}

fn says(message: &Value) -> Value {
    json!({"model": "qwen3", "created_at": "2025-08-07T12:00:00Z", "message": message, "done": false})
}

fn done() -> Value {
    json!({"model": "qwen3", "created_at": "2025-08-07T12:00:01Z", "done": true, "done_reason": "stop",
        "message": {"role": "assistant", "content": ""}, "prompt_eval_count": 7, "eval_count": 5,
        "total_duration": 90})
}

fn thought_and_words() -> [Value; 4] {
    [
        says(&json!({"role": "assistant", "content": "", "thinking": "hm"})),
        says(&json!({"role": "assistant", "content": "hel"})),
        says(&json!({"role": "assistant", "content": "lo"})),
        done(),
    ]
}

fn chat(stream: bool) -> Value {
    json!({"model": "home/qwen3", "stream": stream, "max_tokens": 50, "reasoning_effort": "low",
        "stream_options": stream.then(|| json!({"include_usage": true})),
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello"}]})
}

fn body_of(request: &Received) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_answer_reaches_an_openai_client() {
    let mut answer = done();
    answer["message"] = json!({"role": "assistant", "content": "hi",
        "tool_calls": [{"function": {"name": "look", "arguments": {"at": 1}}}]});
    let (ollama, gateway) = start(Do::json(&answer)).await;
    let answer = post(&gateway, "/v1/chat/completions", &chat(false)).await;
    let answer = answer.expect(200).json();
    let at = |path: &str| answer.pointer(path).cloned().unwrap_or_default();
    assert_eq!(at("/choices/0/message/content"), "hi");
    assert_eq!(at("/choices/0/finish_reason"), "tool_calls");
    let call = "/choices/0/message/tool_calls/0";
    assert_eq!(at(&format!("{call}/function/arguments")), r#"{"at":1}"#);
    assert!(
        at(&format!("{call}/id"))
            .as_str()
            .unwrap()
            .starts_with("call_")
    );
    assert_eq!(at("/usage/prompt_tokens"), 7);
    assert_eq!(at("/usage/total_duration"), 90);
    let seen = &ollama.received()[0];
    let head = seen.head.to_ascii_lowercase();
    assert!(head.starts_with("post /api/chat http/1.1"), "{head}");
    assert!(!head.contains("authorization:"), "{head}");
    let body = body_of(seen);
    let options = json!({"num_predict": 50, "num_ctx": 8192});
    assert_eq!(
        (&body["stream"], &body["options"]),
        (&json!(false), &options)
    );
    assert_eq!(
        (&body["think"], &body["model"]),
        (&json!("low"), &json!("qwen3"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_lines_reaches_clients_of_every_dialect() {
    let (ollama, gateway) = start(streamed(&thought_and_words())).await;
    let answer = post(&gateway, "/v1/chat/completions", &chat(true)).await;
    let text = answer.expect(200).text();
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
    let message = json!({"model": "home/qwen3", "max_tokens": 50, "stream": true,
        "messages": [{"role": "user", "content": "hello"}]});
    let answer = post(&gateway, "/v1/messages", &message).await.expect(200);
    let told = events(&answer);
    assert_eq!(streamed_text(&told), "hello");
    assert_eq!(told.last().unwrap().0, "message_stop");
    let response = json!({"model": "home/qwen3", "stream": true, "input": "hello"});
    let answer = post(&gateway, "/v1/responses", &response).await.expect(200);
    let (name, last) = events(&answer).pop().unwrap();
    assert_eq!(name, "response.completed");
    assert!(last.to_string().contains("\"hello\""), "{last}");
    for seen in ollama.received() {
        let head = seen.head.to_ascii_lowercase();
        assert!(head.starts_with("post /api/chat "), "{head}");
        assert!(head.contains("accept: application/x-ndjson"), "{head}");
        assert_eq!(body_of(&seen)["stream"], true);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_nobody_asked_for_are_one_body() {
    let (_ollama, gateway) = start(streamed(&thought_and_words())).await;
    let answer = post(&gateway, "/v1/chat/completions", &chat(false)).await;
    let answer = answer.expect(200).json();
    let said = answer.pointer("/choices/0/message/content");
    assert_eq!(said, Some(&json!("hello")));
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_before_and_after_content_are_told() {
    let lost = json!({"error": "model 'qwen3' not found"}).to_string();
    let head = format!(
        "HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        lost.len()
    );
    let (_ollama, gateway) = start(vec![Do::Read, Do::Send((head + &lost).into_bytes())]).await;
    let answer = post(&gateway, "/v1/chat/completions", &chat(false)).await;
    assert_eq!(answer.expect(404).error_code(), "model_not_found");

    let broken = json!({"error": "the model runner has unexpectedly stopped"});
    let (_ollama, gateway) = start(streamed(std::slice::from_ref(&broken))).await;
    let answer = post(&gateway, "/v1/chat/completions", &chat(true)).await;
    assert_eq!(answer.expect(502).error_code(), "provider_failed");

    let [thought, words, ..] = thought_and_words();
    let (_ollama, gateway) = start(streamed(&[thought, words, broken])).await;
    let answer = post(&gateway, "/v1/chat/completions", &chat(true)).await;
    let text = answer.expect(200).text();
    assert!(
        text.contains("\"error\"") && !text.contains("[DONE]"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn embeddings_and_refusals() {
    let vectors =
        json!({"model": "embed", "embeddings": [[0.5, -1.25], [1, 2]], "prompt_eval_count": 4});
    let (ollama, gateway) = start(Do::json(&vectors)).await;
    let mut request = json!({"model": "home/embed", "input": ["a", "b"]});
    let answer = post(&gateway, "/v1/embeddings", &request).await;
    let answer = answer.expect(200).json();
    assert_eq!(
        answer.pointer("/data/0/embedding"),
        Some(&json!([0.5, -1.25]))
    );
    assert_eq!(answer.pointer("/usage/prompt_tokens"), Some(&json!(4)));
    request["encoding_format"] = json!("base64");
    let answer = post(&gateway, "/v1/embeddings", &request).await;
    let packed = answer.expect(200).json();
    assert_eq!(
        packed.pointer("/data/1/embedding"),
        Some(&json!("AACAPwAAAEA="))
    );
    for seen in ollama.received() {
        assert!(seen.head.contains("POST /api/embed "), "{}", seen.head);
        assert_eq!(body_of(&seen)["input"], json!(["a", "b"]));
    }
    let mut request = chat(false);
    request["n"] = json!(2);
    let answer = post(&gateway, "/v1/chat/completions", &request).await;
    assert_eq!(answer.expect(400).error_code(), "unsupported_parameter");
}
