//! Anthropic's dialect: the same scenarios, told in its grammar.

use super::*;

/// What a stream said, once its grammar was checked event by event.
#[derive(Debug, Default)]
struct Heard {
    /// The blocks as a whole answer would hold them.
    blocks: Vec<Value>,
    stop_reason: Value,
    stop_sequence: Value,
    /// The usage of the first event and of the last but one.
    usage: [Value; 2],
    pings: usize,
    error: Option<Value>,
    stopped: bool,
}

/// Reads events by Anthropic's rules: one `message_start`; blocks numbered from zero, opened and
/// closed one after the other; deltas in the open block and of its type; one `message_delta`; one
/// `message_stop`; nothing after that or after an error.
fn heard(seen: &Seen) -> Heard {
    let mut heard = Heard::default();
    let mut started = false;
    let mut open: Option<usize> = None;
    let mut json = String::new();
    for event in seen.body.split_terminator("\n\n") {
        let (name, data) = event.split_once('\n').unwrap();
        let name = name.strip_prefix("event: ").unwrap();
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(data["type"], name, "{event}");
        assert!(
            !heard.stopped && heard.error.is_none(),
            "after the end: {event}"
        );
        assert!(
            started || name == "message_start" || name == "error",
            "{event}"
        );
        let index = data["index"].as_u64().map(|index| index as usize);
        match name {
            "message_start" => {
                assert!(!started);
                started = true;
                let message = &data["message"];
                assert_eq!(message["content"], json!([]));
                assert_eq!(message["stop_reason"], Value::Null);
                assert_eq!(
                    (&message["role"], &message["type"]),
                    (&json!("assistant"), &json!("message"))
                );
                heard.usage[0] = message["usage"].clone();
            }
            "ping" => heard.pings += 1,
            "content_block_start" => {
                assert_eq!((open, index), (None, Some(heard.blocks.len())));
                assert_eq!(heard.stop_reason, Value::Null);
                open = index;
                json.clear();
                heard.blocks.push(data["content_block"].clone());
            }
            "content_block_delta" => {
                assert_eq!((open, open.is_some()), (index, true), "{event}");
                let block = heard.blocks.last_mut().unwrap();
                add(block, &data["delta"], &mut json);
            }
            "content_block_stop" => {
                assert_eq!((open, open.is_some()), (index, true), "{event}");
                open = None;
                let block = heard.blocks.last_mut().unwrap();
                if block["type"] == "tool_use" {
                    block["input"] = serde_json::from_str(&json).unwrap();
                }
            }
            "message_delta" => {
                assert_eq!((open, &heard.stop_reason), (None, &Value::Null), "{event}");
                heard.stop_reason = data["delta"]["stop_reason"].clone();
                heard.stop_sequence = data["delta"]["stop_sequence"].clone();
                heard.usage[1] = data["usage"].clone();
            }
            "message_stop" => {
                assert!(heard.stop_reason.is_string());
                heard.stopped = true;
            }
            "error" => heard.error = Some(data["error"].clone()),
            other => panic!("{other}"),
        }
    }
    heard
}

/// Adds a delta to the block of its type.
fn add(block: &mut Value, delta: &Value, json: &mut String) {
    let (kind, field) = match delta["type"].as_str().unwrap() {
        "text_delta" => ("text", "text"),
        "thinking_delta" => ("thinking", "thinking"),
        "signature_delta" => ("thinking", "signature"),
        "input_json_delta" => {
            let fragment = delta["partial_json"].as_str().unwrap();
            // The first one is empty, and only that.
            let first = block["input"] == json!({});
            assert_eq!(fragment.is_empty(), first);
            block["input"] = Value::Null;
            json.push_str(fragment);
            assert_eq!(block["type"], "tool_use");
            return;
        }
        other => panic!("{other}"),
    };
    assert_eq!(block["type"], kind);
    let so_far = block[field].as_str().unwrap().to_owned();
    block[field] = (so_far + delta[field].as_str().unwrap()).into();
}

fn message(model: &str, more: Value) -> Value {
    let base = json!({"max_tokens": 1_000_000});
    let mut body = chat(model, base);
    let (Value::Object(all), Value::Object(more)) = (&mut body, more) else {
        panic!()
    };
    all.extend(more);
    body
}

async fn post_message(addr: SocketAddr, path: &str, body: &Value) -> Seen {
    let mut request = post(addr, path, body);
    let headers = request.headers_mut();
    headers.insert("anthropic-version", "2023-06-01".parse().unwrap());
    headers.insert("x-api-key", "good".parse().unwrap());
    send(addr, H1, request).await.unwrap()
}

async fn whole_message(model: &str, more: Value) -> Seen {
    post_message(start().await, "/v1/messages", &message(model, more)).await
}

async fn told(model: &str, more: Value) -> Heard {
    let mut more = more;
    more["stream"] = true.into();
    let seen = whole_message(model, more).await;
    assert_eq!(seen.status, 200, "{}", seen.body);
    assert!(seen.clean);
    heard(&seen)
}

/// The refusal's message, whose status and shape are checked.
async fn refused(model: &str, more: Value) -> String {
    let seen = whole_message(model, more).await;
    assert_eq!(seen.status, 400, "{}", seen.body);
    let body = seen.json();
    assert_eq!(
        (&body["type"], &body["error"]["type"]),
        (&json!("error"), &json!("invalid_request_error"))
    );
    assert!(body["request_id"].is_string());
    body["error"]["message"].as_str().unwrap().to_owned()
}

fn text(text: &str) -> Value {
    json!([{"type": "text", "text": text}])
}

#[tokio::test]
async fn echo_answers_whole_and_streamed() {
    let seen = whole_message("mock/echo", json!({})).await;
    let answer = seen.json();
    assert_eq!(answer["content"], text("one two three"));
    assert_eq!(
        (&answer["stop_reason"], &answer["model"]),
        (&json!("end_turn"), &json!("mock/echo"))
    );
    assert_eq!(answer["usage"]["input_tokens"], 3);
    assert_eq!(answer["usage"]["output_tokens"], 3);
    assert_eq!(seen.headers["content-length"], seen.body.len().to_string());
    let id = seen.headers["request-id"].to_str().unwrap();
    assert!(id.starts_with("req_") && !seen.headers.contains_key("x-request-id"));
    assert_eq!(seen.headers["anthropic-ratelimit-requests-limit"], "4000");
    let reset = seen.headers["anthropic-ratelimit-tokens-reset"]
        .to_str()
        .unwrap();
    assert!(reset.parse::<jiff::Timestamp>().is_ok(), "{reset}");
    let heard = told("echo", json!({})).await;
    assert_eq!(json!(heard.blocks), text("one two three"));
    assert_eq!((heard.pings, heard.stopped), (1, true));
    assert_eq!(heard.usage[0]["output_tokens"], 1);
    assert_eq!(heard.usage[1]["output_tokens"], 3);
}

#[tokio::test]
async fn every_scenario_that_ends_well_says_the_same_whole_and_streamed() {
    for (model, reason) in [
        ("stream", "end_turn"),
        ("long", "end_turn"),
        ("trickle?bytes=7", "end_turn"),
        ("reasoning", "end_turn"),
        ("signed", "tool_use"),
        ("json", "end_turn"),
        ("length", "max_tokens"),
        ("content_filter", "refusal"),
        ("usage_in_finish", "end_turn"),
        ("slow?first_byte=5ms", "end_turn"),
        ("stall?for=5ms", "end_turn"),
        ("ping?for=20ms&every=5ms", "end_turn"),
        ("refusal", "refusal"),
        ("empty", "end_turn"),
        ("tools?calls=3", "tool_use"),
        ("tools?calls=2&whole=yes", "tool_use"),
        ("stream?length=no", "end_turn"),
    ] {
        let answer = whole_message(model, json!({})).await.json();
        let heard = told(model, json!({})).await;
        assert_eq!(answer["stop_reason"], reason, "{model}");
        assert_eq!(heard.stop_reason, reason, "{model}");
        assert_eq!(answer["content"], json!(heard.blocks), "{model}");
        let output = |usage: &Value| usage["output_tokens"].clone();
        assert_eq!(output(&answer["usage"]), output(&heard.usage[1]), "{model}");
        assert!(heard.stopped);
    }
}

#[tokio::test]
async fn the_cached_part_of_the_prompt_is_told_apart() {
    let model =
        "echo?tokens_in=100&tokens_out=7&tokens_cached=60&tokens_written=10&tokens_written_1h=5";
    let expected = json!({"input_tokens": 25, "cache_creation_input_tokens": 15,
        "cache_read_input_tokens": 60, "output_tokens": 7});
    let heard = told(model, json!({})).await;
    assert_eq!(heard.usage[1], expected);
    let whole = whole_message(model, json!({})).await.json()["usage"].clone();
    for usage in [&whole, &heard.usage[0]] {
        assert_eq!(usage["input_tokens"], 25);
        assert_eq!(usage["cache_read_input_tokens"], 60);
        let split = json!({"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 5});
        assert_eq!(usage["cache_creation"], split);
    }
    let heard = told("usage_in_finish?tokens_in=9", json!({})).await;
    assert_eq!(heard.usage[0]["input_tokens"], 0);
    assert_eq!(heard.usage[1]["input_tokens"], 9);
    let heard = told("no_usage", json!({})).await;
    assert_eq!(heard.usage, [Value::Null, Value::Null]);
    let whole = whole_message("no_usage", json!({})).await.json();
    assert_eq!(whole.get("usage"), None);
}

#[tokio::test]
async fn a_tool_is_called_and_its_result_quoted() {
    let tools = json!([{"name": "lookup", "input_schema": {"type": "object", "properties": {"id": {"type": "integer"}}}}]);
    let heard = told("tools?calls=2", json!({"tools": tools})).await;
    assert_eq!(heard.blocks.len(), 2);
    assert_eq!(heard.blocks[0]["name"], "lookup");
    assert_eq!(heard.blocks[1]["input"], json!({"city": "Paris"}));
    assert_ne!(heard.blocks[0]["id"], heard.blocks[1]["id"]);
    let fitting = whole_message("tools?fit=yes", json!({"tools": tools})).await;
    assert_eq!(fitting.json()["content"][0]["input"], json!({"id": 1}));
    let result = |block: &Value, text: &str| json!({"type": "tool_result", "tool_use_id": block["id"], "content": text});
    let results = json!([
        result(&heard.blocks[0], "sunny"),
        result(&heard.blocks[1], "rainy")
    ]);
    let messages = json!([{"role": "user", "content": "weather?"},
        {"role": "assistant", "content": heard.blocks}, {"role": "user", "content": results}]);
    let answer = told(
        "tools?calls=2",
        json!({"messages": messages, "tools": tools}),
    )
    .await;
    assert_eq!(json!(answer.blocks), text("sunny rainy"));
    let half = json!([messages[0], messages[1], {"role": "user", "content": [results[0]]}]);
    let message = refused("tools", json!({"messages": half})).await;
    assert!(
        message.contains("without `tool_result` blocks"),
        "{message}"
    );
}

#[tokio::test]
async fn thoughts_come_first_and_must_come_back_signed() {
    let heard = told("signed?thoughts=2", json!({})).await;
    let [thinking, call] = heard.blocks.as_slice() else {
        panic!("{heard:?}")
    };
    assert_eq!(thinking["thinking"], "thought0 thought1 ");
    assert!(thinking["signature"].as_str().unwrap().len() > 100);
    assert_eq!(
        heard.usage[1]["output_tokens_details"]["thinking_tokens"],
        2
    );
    let turns = |blocks: Value| {
        let result =
            json!([{"type": "tool_result", "tool_use_id": call["id"], "content": "sunny"}]);
        json!({"messages": [{"role": "user", "content": "q"},
            {"role": "assistant", "content": blocks}, {"role": "user", "content": result}]})
    };
    let answer = whole_message("signed", turns(json!([thinking, call]))).await;
    assert_eq!(answer.json()["content"], text("sunny"));
    let mut other = thinking.clone();
    other["thinking"] = "something else".into();
    let mut unsigned = thinking.clone();
    unsigned.as_object_mut().unwrap().remove("signature");
    for (blocks, expected) in [
        (
            json!([other, call]),
            "messages.1.content.0: Invalid `signature` in `thinking` block",
        ),
        (
            json!([unsigned, call]),
            "messages.1.content.0.thinking.signature: Field required",
        ),
        (
            json!([call]),
            "messages.1.content.0.type: Expected `thinking`",
        ),
    ] {
        let message = refused("signed", turns(blocks)).await;
        assert!(message.starts_with(expected), "{message}");
    }
    let message = refused("reasoning", turns(json!([other, call]))).await;
    assert!(message.contains("Invalid `signature`"), "{message}");
}

#[tokio::test]
async fn stop_sequences_and_the_limit_end_an_answer() {
    let heard = told("echo", json!({"stop_sequences": ["zwei", "two"]})).await;
    assert_eq!(json!(heard.blocks), text("one "));
    assert_eq!(
        (heard.stop_reason, heard.stop_sequence),
        (json!("stop_sequence"), json!("two"))
    );
    let answer = whole_message("stream?chunks=9", json!({"stop_sequences": ["w4"]}))
        .await
        .json();
    assert_eq!(answer["content"], text("w0 w1 w2 w3 "));
    assert_eq!(answer["stop_sequence"], "w4");
    let answer = whole_message("stream?chunks=50", json!({"max_tokens": 2}))
        .await
        .json();
    assert_eq!(
        (&answer["stop_reason"], &answer["stop_sequence"]),
        (&json!("max_tokens"), &Value::Null)
    );
}

#[tokio::test]
async fn images_are_counted_and_schemas_kept() {
    let image = json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAAAAAA"}});
    let content = json!([image, image, {"type": "text", "text": "look"}]);
    let messages = json!([{"role": "user", "content": content}]);
    let answer = whole_message("echo", json!({"messages": messages}))
        .await
        .json();
    assert_eq!(answer["content"], text("look [2 images, 12 bytes]"));
    let schema =
        json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]});
    let config = json!({"format": {"type": "json_schema", "schema": schema}});
    let heard = told("json", json!({"output_config": config})).await;
    assert_eq!(json!(heard.blocks), text(r#"{"n":1}"#));
}

#[tokio::test]
async fn tokens_are_counted_without_an_answer() {
    let addr = start().await;
    let body = chat("echo", json!({"system": "be brief"}));
    let seen = post_message(addr, "/v1/messages/count_tokens", &body).await;
    assert_eq!(seen.json(), json!({"input_tokens": 5}));
    let body = chat("status?code=529", json!({}));
    let seen = post_message(addr, "/v1/messages/count_tokens", &body).await;
    assert_eq!(
        (seen.status.as_u16(), &seen.json()["error"]["type"]),
        (529, &json!("overloaded_error"))
    );
}

#[tokio::test]
async fn failures_have_anthropics_shape() {
    for (code, kind) in [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (529, "overloaded_error"),
    ] {
        let seen = whole_message(&format!("status?code={code}&retry_after=2"), json!({})).await;
        let body = seen.json();
        assert_eq!(
            (seen.status.as_u16(), &body["error"]["type"]),
            (code, &json!(kind))
        );
        assert_eq!(seen.headers["retry-after"], "2");
        assert_eq!(
            body["request_id"],
            seen.headers["request-id"].to_str().unwrap()
        );
    }
    let quota = whole_message("quota", json!({})).await.json();
    assert_eq!(
        quota["error"]["details"]["error_code"],
        "enforced_spend_limit_reached"
    );
    let seen = whole_message("status?code=500&shape=openai", json!({})).await;
    assert_eq!(seen.json()["error"]["type"], "server_error");
    assert_eq!(whole_message("auth", json!({})).await.status, 200);
    assert_eq!(whole_message("auth?key=other", json!({})).await.status, 401);
    let seen = whole_message("ecko", json!({})).await;
    assert_eq!(
        (seen.status.as_u16(), &seen.json()["error"]["type"]),
        (404, &json!("not_found_error"))
    );
}

#[tokio::test]
async fn streams_break_off_where_they_were_told_to() {
    let heard = told("error_in_stream?after=2&type=overloaded", json!({})).await;
    assert_eq!(heard.blocks[0]["text"], "w0 w1 ");
    assert_eq!(heard.error.unwrap()["type"], "overloaded_error");
    let heard = told("error_in_stream", json!({})).await;
    assert!(heard.blocks.is_empty() && heard.error.is_some());
    let heard = told("role_then_error", json!({})).await;
    assert_eq!(
        (heard.blocks[0]["text"].as_str(), heard.error.is_some()),
        (Some(""), true)
    );
    let heard = told("end_without_finish?after=2", json!({})).await;
    assert_eq!(
        (heard.blocks[0]["text"].as_str(), &heard.stop_reason),
        (Some("w0 w1 "), &Value::Null)
    );
    let heard = told("no_done", json!({})).await;
    assert!(heard.stop_reason.is_string() && !heard.stopped);
    let seen = whole_message("cut?after=3", json!({"stream": true})).await;
    assert!(!seen.clean && seen.body.contains("w2 ") && !seen.body.contains("w3 "));
    let seen = whole_message("bad_json?after=1", json!({"stream": true})).await;
    assert!(seen.body.contains("\"delta\":{\"text\":\"oh\n\n"));
    let heard = told("ping?every=5ms&for=50ms", json!({})).await;
    assert!(heard.pings > 5 && heard.stopped, "{heard:?}");
}

#[tokio::test]
async fn the_version_is_demanded_and_strangers_are_refused_when_told() {
    let addr = start().await;
    let body = message("echo", json!({}));
    let seen = send(addr, H1, post(addr, "/v1/messages", &body))
        .await
        .unwrap();
    assert_eq!(
        seen.json()["error"]["message"],
        "anthropic-version: header is required"
    );
    let strange = json!({"frequency_penalty": 1});
    assert_eq!(whole_message("echo", strange.clone()).await.status, 200);
    let message = refused("echo?strict=1", strange).await;
    assert_eq!(message, "frequency_penalty: Extra inputs are not permitted");
    assert_eq!(
        whole_message("echo?strict=1", json!({"top_k": 3}))
            .await
            .status,
        200
    );
    let more = json!({"top_k": 3});
    assert_eq!(ask("echo", H1, more.clone()).await.unwrap().status, 200);
    let seen = ask("echo?strict=1", H1, more).await.unwrap();
    assert_eq!(
        (seen.status.as_u16(), &seen.json()["error"]["code"]),
        (400, &json!("unknown_parameter"))
    );
}

#[tokio::test]
async fn models_are_listed_in_the_dialect_of_who_asks() {
    let addr = start().await;
    let get = |path: &str| {
        let request = Request::get(format!("http://{addr}{path}")).header("host", "mock");
        let request = request.header("anthropic-version", "2023-06-01");
        send(addr, H1, request.body(Full::default()).unwrap())
    };
    let list = get("/v1/models").await.unwrap().json();
    assert_eq!(list["data"].as_array().unwrap().len(), scenarios().len());
    assert_eq!(
        (&list["first_id"], &list["has_more"]),
        (&json!("echo"), &json!(false))
    );
    assert_eq!(list["data"][0]["type"], "model");
    assert_eq!(
        get("/v1/models/stream%3Fchunks=3").await.unwrap().json()["id"],
        "stream?chunks=3"
    );
    assert_eq!(
        get("/v1/models/steam").await.unwrap().json()["error"]["type"],
        "not_found_error"
    );
}
