//! Bodies that are no request: 400, with the place and without the content.

use serde_json::{Value, json};

use crate::judge::{refused, start};
use crate::support::{Answer, Gateway, H1, chat};
use crate::world::Client;

const HELLO: &str = r#""messages":[{"role":"user","content":"hi"}]"#;

/// A body, the code it is refused with, the field to blame, and a part of the message.
type Case<'a> = (&'a str, &'a str, Option<&'a str>, &'a str);

async fn expect_all(gateway: &Gateway, cases: &[Case<'_>]) {
    for mut client in Client::both(gateway).await {
        for (body, code, param, told) in cases {
            let answer = client.chat(body.as_bytes()).await;
            let error = refused(&answer, 400, code);
            assert_eq!(error["param"].as_str(), *param, "{body}: {error}");
            let message = error["message"].as_str().unwrap();
            assert!(message.contains(told), "{body}: {message}");
            assert_eq!(error["type"], "invalid_request_error");
        }
        let fine = client.chat(&chat("fast", json!({}))).await;
        assert_eq!(fine.status, 200, "the connection is spoilt: {fine:?}");
    }
}

#[tokio::test]
async fn malformed_json_is_400_and_the_place_is_told() {
    let (mock, gateway) = start("").await;
    let cut = format!(r#"{{"model":"fast",{HELLO}"#);
    let trailing = format!(r#"{{"model":"fast",{HELLO}}} x"#);
    let second = format!(r#"{{"model":"fast",{HELLO}}}{{}}"#);
    let deep = format!(
        r#"{{"model":"fast","messages":{}{}}}"#,
        "[".repeat(5000),
        "]".repeat(5000)
    );
    let cases: &[Case<'_>] = &[
        ("", "invalid_json", None, "line 1, column 1"),
        ("{", "invalid_json", None, "line 1, column 2"),
        (&cut, "invalid_json", None, "line 1"),
        (&trailing, "invalid_json", None, "line 1"),
        (&second, "invalid_json", None, "line 1"),
        (
            "{\"model\":\"fast\",\n  \"messages\": oops\n}",
            "invalid_json",
            None,
            "line 2, column 15",
        ),
        (
            "{'model': 'fast'}",
            "invalid_json",
            None,
            "line 1, column 2",
        ),
        ("{\"model\":\"a\tb\"}", "invalid_json", None, "line 1"),
        (
            "model=fast&messages=hi",
            "invalid_json",
            None,
            "line 1, column 1",
        ),
    ];
    expect_all(&gateway, cases).await;
    for mut client in Client::both(&gateway).await {
        let answer = client.chat(deep.as_bytes()).await;
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(client.is_alive().await);
    }
    let asked: Vec<Value> = mock.requests().await;
    assert_eq!(
        asked.len(),
        2,
        "only the two good requests go to the provider"
    );
}

#[tokio::test]
async fn json_that_is_no_object_is_400() {
    let (_mock, gateway) = start("").await;
    let bodies = ["[]", "null", "12", "\"text\"", "true"];
    let cases = bodies.map(|body| (body, "invalid_json", None, "JSON object"));
    expect_all(&gateway, &cases).await;
}

#[tokio::test]
async fn a_member_named_twice_is_400_because_two_readers_could_differ() {
    let (_mock, gateway) = start("").await;
    let plain = format!(r#"{{"model":"fast","model":"slow",{HELLO}}}"#);
    let escaped = format!(r#"{{"model":"fast","mod\u0065l":"slow",{HELLO}}}"#);
    let role = r#"{"model":"fast","messages":[{"role":"user","role":"system","content":"hi"}]}"#;
    let cases: &[Case<'_>] = &[
        (&plain, "duplicate_parameter", Some("model"), "twice"),
        (&escaped, "duplicate_parameter", Some("model"), "twice"),
        (
            role,
            "duplicate_parameter",
            Some("messages[0].role"),
            "twice",
        ),
    ];
    expect_all(&gateway, cases).await;
}

#[tokio::test]
async fn what_is_missing_or_of_the_wrong_kind_is_named() {
    let (_mock, gateway) = start("").await;
    let no_model = format!("{{{HELLO}}}");
    let empty_model = format!(r#"{{"model":"",{HELLO}}}"#);
    let number = format!(r#"{{"model":7,{HELLO}}}"#);
    let null = format!(r#"{{"model":null,{HELLO}}}"#);
    let stream = format!(r#"{{"model":"fast","stream":"yes",{HELLO}}}"#);
    let none = format!(r#"{{"model":"fast","n":0,{HELLO}}}"#);
    let limit = format!(r#"{{"model":"fast","max_tokens":-1,{HELLO}}}"#);
    let cases: &[Case<'_>] = &[
        (
            "{}",
            "missing_required_parameter",
            Some("model"),
            "'model' is missing",
        ),
        (
            &no_model,
            "missing_required_parameter",
            Some("model"),
            "'model' is missing",
        ),
        (
            &empty_model,
            "invalid_value",
            Some("model"),
            "'model' is empty",
        ),
        (&number, "invalid_type", Some("model"), "must be a string"),
        (&null, "invalid_type", Some("model"), "must be a string"),
        (
            r#"{"model":"fast"}"#,
            "missing_required_parameter",
            Some("messages"),
            "missing",
        ),
        (
            r#"{"model":"fast","messages":[]}"#,
            "empty_array",
            Some("messages"),
            "empty",
        ),
        (
            r#"{"model":"fast","messages":"hi"}"#,
            "invalid_type",
            Some("messages"),
            "array",
        ),
        (
            r#"{"model":"fast","messages":["hi"]}"#,
            "invalid_type",
            Some("messages[0]"),
            "object",
        ),
        (
            r#"{"model":"fast","messages":[{"content":"hi"}]}"#,
            "missing_required_parameter",
            Some("messages[0].role"),
            "who wrote",
        ),
        (
            r#"{"model":"fast","messages":[{"role":"robot","content":"hi"}]}"#,
            "invalid_value",
            Some("messages[0].role"),
            "assistant",
        ),
        (&stream, "invalid_type", Some("stream"), "boolean"),
        (&none, "invalid_value", Some("n"), "at least 1"),
        (&limit, "invalid_value", Some("max_tokens"), "at least 1"),
    ];
    expect_all(&gateway, cases).await;
}

#[tokio::test]
async fn an_embeddings_request_without_input_is_400() {
    let (_mock, gateway) = start("").await;
    let cases = [
        (r#"{"model":"fast"}"#, "missing_required_parameter"),
        (r#"{"model":"fast","input":[]}"#, "empty_array"),
        (r#"{"model":"fast","input":null}"#, "invalid_type"),
    ];
    let mut client = gateway.h1().await;
    for (body, code) in cases {
        let answer = embed(&mut client, body).await;
        assert_eq!(refused(&answer, 400, code)["param"], "input", "{body}");
    }
    assert!(client.is_alive().await);
}

async fn embed(client: &mut H1, body: &str) -> Answer {
    let length = format!("content-length: {}", body.len());
    let head = client.head(
        "POST",
        "/v1/embeddings",
        &["content-type: application/json", &length],
    );
    client.send(head + body).await;
    client.answer().await
}

#[tokio::test]
async fn a_body_that_is_not_utf8_is_400() {
    let (_mock, gateway) = start("").await;
    let mut body = chat("fast", json!({}));
    let end = body.len() - 5;
    body[end] = 0xff;
    for mut client in Client::both(&gateway).await {
        let error = refused(&client.chat(&body).await, 400, "invalid_json");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(&format!("byte {end}")), "{message}");
        assert!(client.is_alive().await);
    }
}
