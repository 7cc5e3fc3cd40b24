//! Providers of OpenAI's grammar that want single things otherwise, and Hugging Face's
//! embeddings, which are of no grammar of OpenAI's at all.

use serde_json::{Value, json};

use crate::support::{Do, Gateway, Scripted};
use crate::world::post;

/// A provider of that kind which gives this answer to everything.
async fn start(kind: &str, answer: &Value) -> (Scripted, Gateway) {
    let server = Scripted::new(vec![Do::json(answer)]).await;
    let addr = server.addr;
    let yaml = format!(
        "providers:\n  p: {{ kind: {kind}, keys: [k], endpoints: [\"http://{addr}/v1\"] }}\n"
    );
    let gateway = Gateway::start(&yaml).await;
    (server, gateway)
}

fn hello() -> Value {
    json!({"id": "x", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}})
}

fn sent(server: &Scripted) -> Value {
    serde_json::from_slice(&server.received()[0].body).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn mistral_gets_short_ids_and_names_from_clients_of_either_dialect() {
    let calls = [
        (
            "/v1/chat/completions",
            json!({"model": "p/m", "tool_choice": "required",
                "tools": [{"type": "function", "function": {"name": "look"}}],
                "messages": [{"role": "user", "content": "go"},
                    {"role": "assistant", "tool_calls": [{"id": "call_abcdefghijk", "type": "function",
                        "function": {"name": "look", "arguments": "{}"}}]},
                    {"role": "tool", "tool_call_id": "call_abcdefghijk", "content": "seen"}]}),
        ),
        (
            "/v1/messages",
            json!({"model": "p/m", "max_tokens": 9, "tool_choice": {"type": "any"},
                "tools": [{"name": "look", "input_schema": {"type": "object"}}],
                "messages": [{"role": "user", "content": "go"},
                    {"role": "assistant", "content": [
                        {"type": "tool_use", "id": "call_abcdefghijk", "name": "look", "input": {}}]},
                    {"role": "user", "content": [
                        {"type": "tool_result", "tool_use_id": "call_abcdefghijk", "content": "seen"}]}]}),
        ),
    ];
    let mut ids = Vec::new();
    for (path, request) in calls {
        let (server, gateway) = start("mistral", &hello()).await;
        post(&gateway, path, &request).await.expect(200);
        let body = sent(&server);
        assert_eq!(body["tool_choice"], "any");
        let id = body.pointer("/messages/1/tool_calls/0/id").unwrap();
        assert_eq!(id.as_str().unwrap().len(), 9);
        assert_eq!(body.pointer("/messages/2/tool_call_id"), Some(id));
        assert_eq!(body.pointer("/messages/2/name"), Some(&json!("look")));
        ids.push(id.clone());
    }
    assert_eq!(ids[0], ids[1], "the same id becomes the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_groq_refuses_is_refused_before_the_call() {
    let (server, gateway) = start("groq", &hello()).await;
    let chat = |more: Value| {
        let mut body = json!({"model": "p/m", "messages": [{"role": "user", "content": "a"}]});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body
    };
    let path = "/v1/chat/completions";
    let named = json!([{"role": "user", "content": "a", "name": "Bob"}]);
    for (more, param) in [
        (json!({"n": 2}), "n"),
        (json!({"logprobs": true}), "logprobs"),
        (json!({"top_logprobs": 2}), "top_logprobs"),
        (json!({"logit_bias": {"5": 1}}), "logit_bias"),
        (json!({"messages": named}), "messages[0].name"),
    ] {
        let answer = post(&gateway, path, &chat(more)).await.expect(400).json();
        assert_eq!(answer.pointer("/error/param"), Some(&json!(param)));
    }
    assert!(server.received().is_empty(), "nobody was called");
    let neutral = chat(json!({"n": 1, "logprobs": false, "top_logprobs": 0, "logit_bias": {}}));
    post(&gateway, path, &neutral).await.expect(200);
    for gone in ["n", "logprobs", "top_logprobs", "logit_bias"] {
        assert!(sent(&server).get(gone).is_none(), "{gone}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn together_counts_its_logprobs() {
    let mut answer = hello();
    answer["choices"][0]["logprobs"] = json!({"tokens": ["hi"], "token_logprobs": [-0.5]});
    let (server, gateway) = start("together", &answer).await;
    let request = json!({"model": "p/m", "logprobs": true, "top_logprobs": 3,
        "messages": [{"role": "user", "content": "a"}]});
    let answer = post(&gateway, "/v1/chat/completions", &request).await;
    let answer = answer.expect(200).json();
    assert_eq!(sent(&server)["logprobs"], 3);
    assert!(sent(&server).get("top_logprobs").is_none());
    let probability = answer.pointer("/choices/0/logprobs/content/0/logprob");
    assert_eq!(probability, Some(&json!(-0.5)));
}

#[tokio::test(flavor = "multi_thread")]
async fn hugging_faces_features_are_embeddings() {
    let (server, gateway) = start("huggingface", &json!([[0.5, -1.25], [1, 2]])).await;
    let request = json!({"model": "p/BAAI/bge-small-en", "input": ["a", "b"]});
    let answer = post(&gateway, "/v1/embeddings", &request).await;
    let answer = answer.expect(200).json();
    assert_eq!(answer.pointer("/data/1/embedding"), Some(&json!([1, 2])));
    assert_eq!(answer.pointer("/usage/estimated"), Some(&json!(true)));
    assert_eq!(answer["model"], "BAAI/bge-small-en");
    let head = &server.received()[0].head;
    let path = "POST /hf-inference/models/BAAI/bge-small-en/pipeline/feature-extraction HTTP/1.1";
    assert!(head.starts_with(path), "{head}");
    assert_eq!(sent(&server), json!({"inputs": ["a", "b"]}));

    let (_server, gateway) = start("huggingface", &json!([[[0.5], [1]]])).await;
    let answer = post(&gateway, "/v1/embeddings", &request).await;
    let answer = answer.expect(400).json();
    assert_eq!(answer.pointer("/error/param"), Some(&json!("model")));

    let (server, gateway) = start("huggingface", &hello()).await;
    let chat = json!({"model": "p/m", "messages": [{"role": "user", "content": "a"}]});
    post(&gateway, "/v1/chat/completions", &chat)
        .await
        .expect(200);
    assert!(server.received()[0].head.contains("/v1/chat/completions"));
}
