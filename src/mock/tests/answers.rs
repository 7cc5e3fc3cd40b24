//! Good answers, odd ones and late ones.

use super::*;

#[tokio::test]
async fn echo_answers_the_last_user_text_whole() {
    let seen = whole("mock/echo").await;
    let answer = seen.json();
    assert_eq!(answer["choices"][0]["message"]["content"], "one two three");
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    assert_eq!(answer["model"], "mock/echo");
    assert_eq!(answer["usage"]["total_tokens"], 6);
    assert_eq!(seen.headers["content-length"], seen.body.len().to_string());
}

#[tokio::test]
async fn echo_streams_word_by_word_and_reports_usage_last() {
    for protocol in [H1, H2] {
        let seen = streamed("echo", protocol).await;
        assert_eq!(seen.text(), "one two three");
        assert_eq!(seen.finish(), ["stop"]);
        let last = seen.events().pop().unwrap();
        assert_eq!(last["choices"], json!([]));
        assert_eq!(last["usage"]["completion_tokens"], 3);
        assert!(seen.body.ends_with("data: [DONE]\n\n") && seen.clean);
    }
}

#[tokio::test]
async fn usage_is_streamed_only_when_asked_for() {
    let seen = ask("stream", H1, json!({"stream": true})).await.unwrap();
    assert!(seen.usage().is_empty() && !seen.body.contains("usage"));
    assert_eq!(seen.finish(), ["stop"]);
}

#[tokio::test]
async fn the_answer_tells_what_arrived() {
    let addr = start().await;
    let body = chat("echo", json!({"padding": "x".repeat(300_000)}));
    let seen = send(addr, H2, post(addr, "/chat/completions", &body))
        .await
        .unwrap();
    let text = body.to_string();
    assert_eq!(seen.headers["x-mock-request-bytes"], text.len().to_string());
    let hash = blake3::hash(text.as_bytes()).to_hex();
    assert_eq!(seen.headers["x-mock-request-hash"], hash.as_str());
    let journal = journal(addr).await;
    let record = &journal["requests"][0];
    assert_eq!(record["body_hash"], hash.as_str());
    assert_eq!(
        (&record["http"], &record["ended"]),
        (&json!("2"), &json!("complete"))
    );
}

#[tokio::test]
async fn every_scenario_that_ends_well_fits_streams_and_whole_answers() {
    for model in [
        "stream",
        "long",
        "trickle?bytes=7",
        "reasoning",
        "json",
        "length",
        "content_filter",
        "no_usage",
        "usage_in_finish",
        "no_done",
        "ping?for=20ms&every=5ms",
        "slow?first_byte=5ms",
        "stall?for=5ms",
        "refusal",
        "tools?calls=2",
    ] {
        let answer = whole(model).await.json();
        assert!(answer["choices"][0]["finish_reason"].is_string(), "{model}");
        let seen = streamed(model, H1).await;
        assert_eq!(seen.finish().len(), 1, "{model}");
        assert!(seen.clean, "{model}");
    }
}

#[tokio::test]
async fn whole_and_streamed_answers_report_the_same_tokens() {
    for model in [
        "echo",
        "stream?chunks=9",
        "tools?calls=2",
        "tools?calls=2&whole=yes",
        "reasoning",
        "refusal",
        "long?tokens=33",
        "stream?tokens_out=77&tokens_in=5&tokens_cached=2",
    ] {
        let unary = whole(model).await.json()["usage"].clone();
        assert_eq!(streamed(model, H2).await.usage(), [unary], "{model}");
    }
}

#[tokio::test]
async fn several_choices_are_all_told() {
    let more = json!({"n": 3, "stream": true});
    let seen = ask("echo", H1, more).await.unwrap();
    let finished = seen
        .events()
        .iter()
        .filter(|event| event["choices"][0]["finish_reason"].is_string())
        .count();
    assert_eq!(finished, 3);
    let answer = ask("echo", H1, json!({"n": 3})).await.unwrap().json();
    assert_eq!(answer["choices"].as_array().unwrap().len(), 3);
    assert_eq!(answer["usage"]["completion_tokens"], 9);
}

#[tokio::test]
async fn the_token_limit_is_kept() {
    let answer = ask("stream?chunks=50", H1, json!({"max_tokens": 7}))
        .await
        .unwrap()
        .json();
    assert_eq!(answer["usage"]["completion_tokens"], 7);
    assert_eq!(answer["choices"][0]["finish_reason"], "length");
}

#[tokio::test]
async fn tools_call_the_function_offered_and_echo_its_result() {
    let tools = json!([{"type": "function", "function": {"name": "lookup"}}]);
    let seen = ask("tools", H1, json!({"tools": tools, "stream": true}))
        .await
        .unwrap();
    let deltas: Vec<Value> = seen
        .events()
        .iter()
        .map(|event| event["choices"][0]["delta"]["tool_calls"][0].clone())
        .collect();
    let call = deltas.iter().find(|call| call["id"].is_string()).unwrap();
    assert_eq!(call["function"]["name"], "lookup");
    let arguments: String = deltas
        .iter()
        .filter_map(|call| call["function"]["arguments"].as_str())
        .collect();
    assert_eq!(arguments, r#"{"city":"Paris"}"#);
    assert_eq!(seen.finish(), ["tool_calls"]);
    let seen = streamed("tools?calls=2&whole=yes", H1).await;
    let calls: Vec<Value> = seen
        .events()
        .iter()
        .map(|event| event["choices"][0]["delta"]["tool_calls"][0].clone())
        .filter(Value::is_object)
        .collect();
    assert_eq!((calls.len(), &calls[1]["index"]), (2, &json!(1)));
    assert_eq!(calls[1]["function"]["arguments"], r#"{"city":"Paris"}"#);
    let messages = json!([{"role": "user", "content": "q"}, {"role": "tool", "content": "sunny"}]);
    let answer = ask("tools", H1, json!({"messages": messages}))
        .await
        .unwrap()
        .json();
    assert_eq!(answer["choices"][0]["message"]["content"], "sunny");
}

#[tokio::test]
async fn a_huge_answer_is_as_large_as_told() {
    let seen = whole("huge?mb=2").await;
    assert_eq!(
        seen.json()["choices"][0]["message"]["content"]
            .as_str()
            .unwrap()
            .len(),
        2 << 20
    );
    assert_eq!(streamed("huge?mb=2", H2).await.text().len(), 2 << 20);
}

#[tokio::test]
async fn an_empty_answer_has_a_finish_or_no_bytes_at_all() {
    let seen = streamed("empty", H1).await;
    assert_eq!(
        (seen.text(), seen.finish()),
        (String::new(), vec!["stop".to_owned()])
    );
    for more in [json!({}), json!({"stream": true})] {
        let seen = ask("empty?what=body", H1, more).await.unwrap();
        assert_eq!(
            (seen.status, seen.body.as_str(), seen.clean),
            (StatusCode::OK, "", true)
        );
    }
}

#[tokio::test]
async fn pauses_last_as_long_as_told() {
    for (model, least) in [
        ("slow?first_byte=150ms", 150),
        ("stall?for=150ms", 150),
        ("ping?every=30ms&for=150ms", 150),
        ("stream?chunks=5&delay=30ms", 150),
    ] {
        let begun = Instant::now();
        assert!(streamed(model, H1).await.clean);
        let took = begun.elapsed().as_millis();
        assert!(
            (least..least + 400).contains(&took),
            "{model} took {took} ms"
        );
    }
}

#[tokio::test]
async fn embeddings_are_stable_and_as_long_as_asked() {
    let addr = start().await;
    let body = json!({"model": "echo", "input": ["a b", "c"], "dimensions": 8});
    let answer = send(addr, H1, post(addr, "/v1/embeddings", &body))
        .await
        .unwrap()
        .json();
    assert_eq!(answer["data"][1]["embedding"].as_array().unwrap().len(), 8);
    assert_eq!(answer["usage"]["prompt_tokens"], 3);
    let again = send(addr, H2, post(addr, "/embeddings", &body))
        .await
        .unwrap()
        .json();
    assert_eq!(again["data"], answer["data"]);
    let failing = json!({"model": "status?code=500", "input": "a"});
    assert_eq!(
        send(addr, H1, post(addr, "/embeddings", &failing))
            .await
            .unwrap()
            .status,
        500
    );
}

#[tokio::test]
async fn models_are_the_scenarios() {
    let addr = start().await;
    let request = Request::get(format!("http://{addr}/v1/models")).header("host", "mock");
    let list = send(addr, H1, request.body(Full::default()).unwrap())
        .await
        .unwrap()
        .json();
    assert_eq!(list["data"].as_array().unwrap().len(), scenarios().len());
}
