//! Every error shape of section 1.6 of the design page `providers.md`, the
//! unrecorded ones included (429, 5xx, 529, errors inside a 200), and what the
//! client may see of it. The cases are hand-written: `golden/errors.jsonl`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

use std::time::Duration;

use alfred_filters::dialect::Dialect;
use alfred_filters::error::{
    ClientError, ErrorKind, KeyState, ProviderError, anthropic_type, error_body, openai_error,
};
use alfred_filters::event::Usage;
use proptest::prelude::*;
use serde_json::{Value, json};

fn cases() -> Vec<Value> {
    let cases = include_str!("golden/errors.jsonl");
    cases
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect()
}

fn read(case: &Value) -> ProviderError {
    let body = match case["text"].as_str() {
        Some(text) => text.to_owned(),
        None => case["body"].to_string(),
    };
    let status = case["status"].as_u64().unwrap() as u16;
    if status == 200 {
        return ProviderError::in_answer(body.as_bytes())
            .unwrap_or_else(|| panic!("no error: {}", case["name"]));
    }
    let header = |name: &str| case[name].as_str();
    ProviderError::read(
        status,
        header("retry_after"),
        header("retry_after_ms"),
        body.as_bytes(),
        0,
    )
}

#[test]
fn every_error_shape_is_understood() {
    for case in cases() {
        let error = read(&case);
        let name = &case["name"];
        assert_eq!(
            format!("{:?}", error.kind),
            case["kind"].as_str().unwrap(),
            "{name}"
        );
        assert_eq!(
            format!("{:?}", error.key),
            case["key"].as_str().unwrap(),
            "{name}"
        );
        assert_eq!(error.retryable, case["retryable"], "{name}");
        assert_eq!(
            u64::from(error.client_status(Dialect::OpenAiChat)),
            case["client_status"],
            "{name}"
        );
        assert_eq!(error.client_type(), case["type"], "{name}");
        assert_eq!(json!(error.client_code()), case["code"], "{name}");
        assert_eq!(json!(error.param), case["param"], "{name}");
        assert_eq!(
            error.retry_after,
            case["wait"].as_f64().map(Duration::from_secs_f64),
            "{name}"
        );
        if let Some(message) = case["message"].as_str() {
            assert_eq!(error.message, message, "{name}");
        }
    }
}

#[test]
fn no_client_sees_a_key_an_account_or_a_trace() {
    for case in cases() {
        let body = String::from_utf8(read(&case).openai_body().to_vec()).unwrap();
        for secret in [
            "sk-proj",
            "org-AbCdEf",
            "proj_abc",
            "server.py",
            "<html",
            "Limit 30000",
        ] {
            assert!(!body.contains(secret), "{}: {body}", case["name"]);
        }
    }
}

#[test]
fn an_error_body_has_the_four_members_and_no_others() {
    let body = openai_error(
        "say \"model\"",
        "invalid_request_error",
        Some("model"),
        None,
    );
    assert_eq!(
        body,
        r#"{"error":{"message":"say \"model\"","type":"invalid_request_error","param":"model","code":null}}"#
    );
}

#[test]
fn an_error_event_carries_what_was_used_so_far() {
    let error = ProviderError::malformed("The stream broke off.");
    let usage = Usage {
        input: 7,
        output: 3,
        estimated: true,
        ..Usage::default()
    };
    let event = error.openai_event(Some(usage));
    let text = std::str::from_utf8(&event).unwrap();
    let data = text
        .strip_prefix("data: ")
        .and_then(|t| t.strip_suffix("\n\n"))
        .unwrap();
    let value: Value = serde_json::from_str(data).unwrap();
    assert_eq!(value["error"]["code"], "provider_answer_unreadable");
    assert_eq!(value["error"]["message"], "The stream broke off.");
    assert_eq!(value["usage"]["prompt_tokens"], 7);
    assert_eq!(value["usage"]["completion_tokens"], 3);
    assert_eq!(value["usage"]["total_tokens"], 10);
    let bare = error.openai_event(None);
    assert!(bare.ends_with(b"}}\n\n") && !bare.windows(5).any(|w| w == b"usage"));
}

#[test]
fn an_answer_is_no_error() {
    for answer in [
        r#"{"id":"x","choices":[{"message":{"content":"error"}}]}"#,
        r#"{"id":"x","choices":[],"error":null}"#,
        r#"{"id":"x","choices":[],"error":{},"message":"hello"}"#,
        r#"{"object":"list","data":[],"message":"hello"}"#,
        "[DONE]",
        "",
    ] {
        assert_eq!(
            ProviderError::in_answer(answer.as_bytes()),
            None,
            "{answer}"
        );
    }
}

#[test]
fn an_error_event_is_an_error_whatever_it_holds() {
    for data in ["", "{}", "upstream gone", r#"{"choices":[]}"#, "\u{0}"] {
        let error = ProviderError::in_event(data.as_bytes());
        assert_eq!(
            (error.kind, error.key, error.retryable),
            (ErrorKind::Server, KeyState::Fine, true),
            "{data}"
        );
        assert!(!error.message.is_empty());
    }
}

#[test]
fn a_retry_after_on_a_200_is_not_believed() {
    let error = ProviderError::read(
        200,
        Some("59"),
        Some("59000"),
        br#"{"error":{"message":"x"}}"#,
        0,
    );
    assert_eq!(error.retry_after, None);
}

#[test]
fn anthropics_clients_get_its_shape_and_its_types() {
    for (status, kind) in [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (405, "invalid_request_error"),
        (413, "request_too_large"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (502, "api_error"),
        (503, "overloaded_error"),
        (504, "timeout_error"),
        (529, "overloaded_error"),
    ] {
        assert_eq!(anthropic_type(status), kind);
        let error = ClientError {
            status,
            message: "say \"model\"",
            kind: "server_error",
            param: Some("model"),
            code: Some("x"),
        };
        let body = error_body(Dialect::AnthropicMessages, &error, Some("req_7"));
        let expected = format!(
            r#"{{"type":"error","error":{{"type":"{kind}","message":"say \"model\""}},"request_id":"req_7"}}"#
        );
        assert_eq!(body, expected);
        let openai = error_body(Dialect::OpenAiChat, &error, Some("req_7"));
        let same = openai_error("say \"model\"", "server_error", Some("model"), Some("x"));
        assert_eq!(openai, same);
    }
}

#[test]
fn every_providers_error_is_told_in_anthropics_shape_too() {
    for case in cases() {
        let error = read(&case);
        let name = &case["name"];
        let status = error.client_status(Dialect::AnthropicMessages);
        let overloaded = error.kind == ErrorKind::Overloaded;
        let expected = if overloaded {
            529
        } else {
            error.client_status(Dialect::OpenAiChat)
        };
        assert_eq!(status, expected, "{name}");
        let body = error.body(Dialect::AnthropicMessages, None);
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["error"]["type"], anthropic_type(status), "{name}");
        assert_eq!(body["error"]["message"], error.client_message(), "{name}");
        assert_eq!(body["request_id"], Value::Null, "{name}");
        let usage = Usage {
            input: 7,
            cached: 4,
            output: 3,
            ..Usage::default()
        };
        let event = error.event(Dialect::AnthropicMessages, Some(usage));
        let text = std::str::from_utf8(&event).unwrap();
        let data = text
            .strip_prefix("event: error\ndata: ")
            .unwrap()
            .trim_end();
        let value: Value = serde_json::from_str(data).unwrap();
        assert_eq!(value["error"], body["error"], "{name}");
        assert_eq!(value["usage"]["input_tokens"], 3, "{name}");
        let (openai, same) = (
            error.body(Dialect::OpenAiChat, Some("x")),
            error.openai_body(),
        );
        assert_eq!(openai, same, "{name}");
        let event = error.event(Dialect::OpenAiChat, Some(usage));
        assert_eq!(event, error.openai_event(Some(usage)), "{name}");
    }
}

#[test]
fn anthropics_own_errors_inside_a_200_stand_for_their_status() {
    for (kind, status, retryable, key) in [
        ("invalid_request_error", 400, false, KeyState::Fine),
        ("authentication_error", 401, true, KeyState::Dead),
        ("billing_error", 402, true, KeyState::Exhausted),
        ("permission_error", 403, true, KeyState::Dead),
        ("not_found_error", 404, false, KeyState::Fine),
        ("request_too_large", 413, false, KeyState::Fine),
        ("rate_limit_error", 429, true, KeyState::Throttled),
        ("api_error", 500, true, KeyState::Fine),
        ("timeout_error", 504, true, KeyState::Fine),
        ("overloaded_error", 529, true, KeyState::Fine),
    ] {
        let body = json!({"type":"error","error":{"type":kind,"message":"No."},"request_id":"r"});
        let error = ProviderError::in_answer(body.to_string().as_bytes()).unwrap();
        assert_eq!(
            (error.status, error.retryable, error.key),
            (status, retryable, key),
            "{kind}"
        );
    }
    let spent = json!({"type":"error","error":{"type":"rate_limit_error","message":"No.",
        "details":{"error_code":"enforced_spend_limit_reached"}}});
    let error = ProviderError::in_answer(spent.to_string().as_bytes()).unwrap();
    assert_eq!(
        (error.kind, error.key),
        (ErrorKind::Quota, KeyState::Exhausted)
    );
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(status in 0_u16..1000, body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let error = ProviderError::read(status, Some("x"), None, &body, 0);
        prop_assert!(serde_json::from_slice::<Value>(&error.openai_body()).is_ok());
        prop_assert!((400..600).contains(&error.client_status(Dialect::OpenAiChat)));
    }

    #[test]
    fn a_damaged_error_is_still_one(at in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>(), byte in any::<u8>()) {
        for case in cases() {
            let mut body = case["body"].to_string().into_bytes();
            let place = at.index(body.len());
            body[place] = byte;
            body.truncate(cut.index(body.len()) + 1);
            let error = ProviderError::read(503, None, None, &body, 0);
            prop_assert!(!error.message.is_empty());
            prop_assert!(serde_json::from_slice::<Value>(&error.openai_event(None)[6..]).is_ok());
        }
    }
}
