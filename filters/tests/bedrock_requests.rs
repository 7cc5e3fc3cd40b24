//! Requests of either dialect as Bedrock gets them, and failures as it reports them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

#[path = "bedrock/frames.rs"]
mod frames;

use alfred_filters::answer::{AnswerStream, Ending, Fidelity, StreamPlan};
use alfred_filters::dialect::Dialect;
use alfred_filters::error::{ErrorKind, ProviderError};
use alfred_filters::prompt::{Prompt, ReadError, RequestPatch, Surface};
use alfred_filters::translate::{Translated, Translation};
use bytes::{Bytes, BytesMut};
use frames::frame;
use serde_json::{Value, json};

const CLAUDE: &str = "us.anthropic.claude-haiku-4-5-20251001-v1:0";

fn translated(surface: Surface, model: &str, body: &Value) -> Result<Translated, ReadError> {
    let prompt = Prompt::read(surface, Bytes::from(body.to_string())).unwrap();
    let patch = RequestPatch {
        model,
        set: &[("max_completion_tokens", "77")],
        ..RequestPatch::default()
    };
    let how = Translation {
        patch,
        default_max_output: 4096,
        keep_reasoning: false,
        ..Translation::default()
    };
    prompt.translate(Dialect::BedrockConverse, &how)
}

fn sent(surface: Surface, model: &str, body: &Value) -> Value {
    let done = translated(surface, model, body).unwrap();
    serde_json::from_slice(&done.body).unwrap()
}

#[test]
fn one_call_alone_is_refused_unless_one_tool_must_be_called() {
    let mut body = json!({"model": "x", "messages": [{"role": "user", "content": "hi"}],
        "tools": [{"type": "function", "function": {"name": "f"}}], "parallel_tool_calls": false});
    let error = translated(Surface::Chat, "amazon.nova-lite-v1:0", &body).unwrap_err();
    assert_eq!(error.param.as_deref(), Some("parallel_tool_calls"));
    body["tool_choice"] = json!({"type": "function", "function": {"name": "f"}});
    let said = translated(Surface::Chat, "amazon.nova-lite-v1:0", &body).unwrap();
    assert_eq!(said.dropped, ["parallel_tool_calls"]);
    assert!(sent(Surface::Chat, CLAUDE, &body)["additionalModelRequestFields"].is_object());
}

#[test]
fn a_chat_with_tools_pictures_and_a_schema_is_said_in_converse() {
    let body = json!({
        "model": "x", "temperature": 1.5, "stop": ["END"], "stream": true,
        "guardrailConfig": {"guardrailIdentifier": "g"},
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}},
        "tools": [{"type": "function", "function": {"name": "f", "description": "", "parameters": {"type": "object"}}}],
        "tool_choice": "required",
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": [
                {"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "done"}]
    });
    assert_eq!(
        sent(Surface::Chat, "amazon.nova-lite-v1:0", &body),
        json!({
            "system": [{"text": "be brief"}],
            "messages": [
                {"role": "user", "content": [
                    {"text": "look"},
                    {"image": {"format": "png", "source": {"bytes": "iVBORw0KGgo="}}}]},
                {"role": "assistant", "content": [
                    {"toolUse": {"toolUseId": "c1", "name": "f", "input": {"a": 1}}}]},
                {"role": "user", "content": [
                    {"toolResult": {"toolUseId": "c1", "content": [{"text": "done"}]}}]}],
            "inferenceConfig": {"maxTokens": 77, "temperature": 1, "stopSequences": ["END"]},
            "toolConfig": {
                "tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}],
                "toolChoice": {"any": {}}},
            "outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {
                "schema": "{\"type\":\"object\"}", "name": "n"}}}},
            "guardrailConfig": {"guardrailIdentifier": "g"},
        })
    );
}

#[test]
fn a_message_keeps_its_thoughts_and_its_cache() {
    let body = json!({
        "model": "x", "max_tokens": 100, "top_k": 5, "thinking": {"type": "enabled", "budget_tokens": 1024},
        "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        "messages": [
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "t", "signature": "seal"},
                {"type": "redacted_thinking", "data": "aGlkZGVu"},
                {"type": "tool_use", "id": "c", "name": "f", "input": {}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "c", "is_error": true, "content": "no"}]}]
    });
    let sent = sent(Surface::Messages, CLAUDE, &body);
    assert_eq!(
        sent["system"],
        json!([{"text": "s"}, {"cachePoint": {"type": "default", "ttl": "1h"}}])
    );
    assert_eq!(
        sent["messages"][1]["content"],
        json!([
            {"reasoningContent": {"reasoningText": {"text": "t", "signature": "seal"}}},
            {"reasoningContent": {"redactedContent": "aGlkZGVu"}},
            {"toolUse": {"toolUseId": "c", "name": "f", "input": {}}}])
    );
    assert_eq!(
        sent["messages"][2]["content"][0]["toolResult"]["status"],
        "error"
    );
    assert_eq!(
        sent["additionalModelRequestFields"],
        json!({"top_k": 5, "thinking": {"type": "enabled", "budget_tokens": 1024}})
    );
    // A history with calls needs the tools that it calls.
    assert_eq!(sent["toolConfig"]["tools"][0]["toolSpec"]["name"], "f");
}

#[test]
fn what_bedrock_cannot_take_is_refused_by_name() {
    let user =
        |content: Value| json!({"model": "x", "messages": [{"role": "user", "content": content}]});
    let picture = |url: &str| user(json!([{"type": "image_url", "image_url": {"url": url}}]));
    let mut seed = user(json!("q"));
    seed["seed"] = json!(7);
    for (body, param) in [
        (picture("https://example.com/a.png"), "messages[0].content"),
        (
            picture("data:image/tiff;base64,AAAA"),
            "messages[0].content",
        ),
        (seed, "seed"),
    ] {
        let error = translated(Surface::Chat, CLAUDE, &body).unwrap_err();
        assert_eq!(error.code, "unsupported_parameter");
        assert_eq!(error.param.as_deref(), Some(param));
    }
}

#[test]
fn embeddings_have_a_body_for_each_maker() {
    let ask = |input: Value| json!({"model": "x", "input": input, "dimensions": 256});
    let one = ask(json!("a"));
    assert_eq!(
        sent(Surface::Embeddings, "amazon.titan-embed-text-v2:0", &one)["inputText"],
        "a"
    );
    assert_eq!(
        sent(
            Surface::Embeddings,
            "cohere.embed-english-v3",
            &ask(json!(["a", "b"]))
        )["texts"],
        json!(["a", "b"])
    );
    let two = ask(json!(["a", "b"]));
    let error = translated(Surface::Embeddings, "amazon.titan-embed-text-v2:0", &two).unwrap_err();
    assert_eq!(error.param.as_deref(), Some("input"));
}

#[test]
fn a_failure_is_known_by_the_name_outside_of_its_body() {
    let body = br#"{"message":"Too many requests"}"#;
    for (status, name, kind) in [
        (
            400,
            "ServiceQuotaExceededException:http://x",
            ErrorKind::Quota,
        ),
        (429, "ModelNotReadyException", ErrorKind::Overloaded),
        (429, "ThrottlingException:", ErrorKind::RateLimit),
        (408, "ModelTimeoutException", ErrorKind::Timeout),
        (424, "ModelErrorException", ErrorKind::Server),
    ] {
        let error = ProviderError::read(status, None, None, body, 0).typed(name, body);
        assert_eq!((error.kind, error.status), (kind, status), "{name}");
        assert!(error.retryable, "{name}");
    }
    let error = ProviderError::read(400, None, None, body, 0).typed("ValidationException", body);
    assert!(!error.retryable);
}

#[test]
fn an_exception_inside_a_stream_ends_it_as_a_failure() {
    for (name, kind, status) in [
        ("throttlingException", ErrorKind::RateLimit, 429),
        ("modelStreamErrorException", ErrorKind::Server, 424),
        ("serviceUnavailableException", ErrorKind::Overloaded, 503),
        ("internalServerException", ErrorKind::Server, 500),
        ("validationException", ErrorKind::InvalidRequest, 400),
    ] {
        let headers = [(":exception-type", name), (":message-type", "exception")];
        let bytes = Bytes::from(frame(&headers, br#"{"message":"no"}"#));
        let mut stream = AnswerStream::new(StreamPlan {
            from: Dialect::BedrockConverse,
            to: Dialect::OpenAiChat,
            surface: Surface::Chat,
            fidelity: Fidelity::Canonical,
            show_usage: true,
            model: "m".to_owned(),
            id: "chatcmpl-1".to_owned(),
            created: 1,
            choices: 1,
            input_estimate: 1,
        });
        let mut out = BytesMut::new();
        let error = stream.feed(&bytes, &mut out).unwrap_err();
        assert_eq!((error.kind, error.status), (kind, status), "{name}");
        assert!(matches!(stream.finish(&mut out), Ending::Failed(_)));
    }
}
