//! OpenAI's older completions, and the usage log, which tells the surfaces apart.

use super::*;

async fn complete(model: &str, more: Value) -> Seen {
    let mut body = json!({"model": model, "prompt": "one two three"});
    let (Value::Object(all), Value::Object(more)) = (&mut body, more) else {
        panic!()
    };
    all.extend(more);
    let addr = start().await;
    send(addr, H1, post(addr, "/v1/completions", &body))
        .await
        .unwrap()
}

/// The texts of a stream by choice, each chunk's grammar checked.
fn texts(seen: &Seen) -> Vec<(String, String)> {
    let mut texts: Vec<(String, String)> = Vec::new();
    assert!(
        seen.clean && seen.body.ends_with("data: [DONE]\n\n"),
        "{}",
        seen.body
    );
    for event in seen.events() {
        assert_eq!(event["object"], "text_completion");
        for choice in event["choices"].as_array().unwrap() {
            let index = choice["index"].as_u64().unwrap() as usize;
            texts.resize(texts.len().max(index + 1), Default::default());
            let (text, finish) = &mut texts[index];
            assert_eq!(finish, "", "nothing follows the finish: {event}");
            *text += choice["text"].as_str().unwrap();
            *finish += choice["finish_reason"].as_str().unwrap_or_default();
        }
    }
    texts
}

#[tokio::test]
async fn a_prompt_is_completed_whole_and_streamed() {
    let seen = complete("echo", json!({"n": 2})).await;
    let answer = seen.json();
    assert_eq!(answer["object"], "text_completion");
    assert_eq!(answer["choices"][1]["text"], "one two three");
    assert_eq!(answer["choices"][1]["finish_reason"], "stop");
    assert_eq!(answer["usage"]["completion_tokens"], 6);
    assert_eq!(seen.headers["content-length"], seen.body.len().to_string());
    let more = json!({"stream": true, "stream_options": {"include_usage": true}});
    let seen = complete("stream?chunks=4", more).await;
    assert_eq!(
        texts(&seen),
        [("w0 w1 w2 w3 ".to_owned(), "stop".to_owned())]
    );
    let [usage] = seen.usage().try_into().unwrap();
    assert_eq!(
        (&usage["prompt_tokens"], &usage["completion_tokens"]),
        (&json!(3), &json!(4))
    );
}

#[tokio::test]
async fn each_prompt_has_its_choices_and_may_be_repeated() {
    let more = json!({"prompt": ["a b", "c"], "n": 2, "echo": true, "stop": "b"});
    let answer = complete("echo", more.clone()).await.json();
    let said = |choice: &Value| choice["text"].as_str().unwrap().to_owned();
    let whole: Vec<_> = answer["choices"]
        .as_array()
        .unwrap()
        .iter()
        .map(said)
        .collect();
    assert_eq!(whole, ["a ba ", "a ba ", "cc", "cc"]);
    let mut streamed = more;
    streamed["stream"] = true.into();
    let streamed = texts(&complete("echo", streamed).await);
    let streamed: Vec<_> = streamed.into_iter().map(|(text, _)| text).collect();
    assert_eq!(streamed, whole);
    let limited = complete("echo", json!({"max_tokens": 2})).await.json();
    assert_eq!(limited["choices"][0]["finish_reason"], "length");
}

#[tokio::test]
async fn other_scenarios_say_what_is_text() {
    for model in [
        "tools",
        "reasoning",
        "refusal",
        "json",
        "usage_in_finish",
        "ping?for=10ms",
    ] {
        let answer = complete(model, json!({})).await.json();
        assert_eq!(answer["choices"][0]["finish_reason"], "stop", "{model}");
        let streamed = texts(&complete(model, json!({"stream": true})).await);
        assert_eq!(answer["choices"][0]["text"], streamed[0].0, "{model}");
    }
    let seen = complete("status?code=429", json!({})).await;
    assert_eq!(seen.json()["error"]["code"], "rate_limit_exceeded");
    let seen = complete("echo", json!({"prompt": []})).await;
    assert_eq!(
        (seen.status.as_u16(), &seen.json()["error"]["param"]),
        (400, &json!("prompt"))
    );
}

#[tokio::test]
async fn the_usage_log_names_the_surface() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("usage.jsonl");
    let options = MockOptions {
        listen: "127.0.0.1:0".parse().unwrap(),
        usage_log: Some(log.clone()),
    };
    let mock = Mock::bind(options).await.unwrap();
    let addr = mock.addr();
    tokio::spawn(mock.serve(std::future::pending()));
    let mut body = chat(
        "echo",
        json!({"max_tokens": 9, "prompt": "a", "input": "a"}),
    );
    for path in [
        "chat/completions",
        "completions",
        "embeddings",
        "messages",
        "messages/count_tokens",
    ] {
        let mut request = post(addr, &format!("/v1/{path}"), &body);
        let version = "2023-06-01".parse().unwrap();
        request.headers_mut().insert("anthropic-version", version);
        assert_eq!(send(addr, H1, request).await.unwrap().status, 200, "{path}");
    }
    body["model"] = "cut?after=1".into();
    let mut request = post(addr, "/messages", &body);
    let version = "2023-06-01".parse().unwrap();
    request.headers_mut().insert("anthropic-version", version);
    assert!(!send(addr, H1, request).await.unwrap().clean);
    let lines = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let field = |name: &str| {
        lines
            .iter()
            .map(|line| line[name].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        field("surface"),
        [
            "chat_completions",
            "completions",
            "embeddings",
            "messages",
            "count_tokens",
            "messages"
        ]
    );
    assert_eq!(field("prompt_tokens"), [3, 1, 1, 3, 0, 3]);
    assert_eq!(field("completion_tokens"), [3, 1, 0, 3, 0, 1]);
    assert_eq!(lines[5]["outcome"], "cut");
}
