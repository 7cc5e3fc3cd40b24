//! Recorded and generated requests on their way to providers with quirks of their
//! own: what a quirk does not concern stays as it was, whatever it is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

mod translated;

use std::borrow::Cow;

use alfred_filters::dialect::Dialect;
use alfred_filters::translate::{Quirk, Translated, suit};
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};
use translated::{conversations, plainly};

const STRICT_IDS: [Quirk; 3] = [Quirk::AnyTool, Quirk::ShortCallIds, Quirk::NamedResults];
const ALL: [Quirk; 8] = [
    Quirk::ThinkingSwitch,
    Quirk::AnyTool,
    Quirk::ShortCallIds,
    Quirk::NamedResults,
    Quirk::CountedLogprobs,
    Quirk::Refuses("n", &["1"]),
    Quirk::Refuses("logit_bias", &["{}"]),
    Quirk::RefusesInMessages("name"),
];

fn list(value: &Value, key: &str) -> Vec<Value> {
    value[key].as_array().cloned().unwrap_or_default()
}

/// Takes away what the quirks may change.
fn without_ids(body: &Value) -> Value {
    let mut body = body.clone();
    if body["tool_choice"] == "required" {
        body["tool_choice"] = json!("any");
    }
    for message in body["messages"].as_array_mut().unwrap() {
        let is_result = message["role"] == "tool";
        let members = message.as_object_mut().unwrap();
        members.remove("tool_call_id");
        if is_result {
            members.remove("name");
        }
        for call in members
            .get_mut("tool_calls")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            call.as_object_mut().unwrap().remove("id");
        }
    }
    body
}

#[test]
fn recorded_calls_and_results_stay_pairs_and_nothing_else_changes() {
    let (mut seen, mut calls) = (0, 0);
    for (id, status, prompt) in conversations() {
        let Ok(said) = prompt.translate(Dialect::OpenAiChat, &plainly()) else {
            continue;
        };
        let before: Value = serde_json::from_slice(&said.body).unwrap();
        let after = suit(said, &STRICT_IDS).unwrap();
        let after: Value = serde_json::from_slice(&after.body).unwrap();
        assert_eq!(without_ids(&after), without_ids(&before), "{id}");
        seen += 1;
        let mut names = std::collections::HashMap::new();
        let pairs = list(&before, "messages")
            .into_iter()
            .zip(list(&after, "messages"));
        for (old, new) in pairs {
            for (old, new) in list(&old, "tool_calls")
                .iter()
                .zip(list(&new, "tool_calls"))
            {
                calls += 1;
                let short = new["id"].as_str().unwrap_or("").to_owned();
                assert!(
                    short.len() == 9 && short.bytes().all(|b| b.is_ascii_alphanumeric()),
                    "{id}: {short}"
                );
                names.insert(
                    old["id"].to_string(),
                    (short, new.pointer("/function/name").cloned()),
                );
            }
            if new["role"] == "tool"
                && let Some((short, name)) = names.get(&old["tool_call_id"].to_string())
            {
                assert_eq!(new["tool_call_id"], **short, "{id}");
                assert!(status >= 400 || new.get("name") == name.as_ref(), "{id}");
            }
        }
    }
    assert!(
        seen == 0 || (seen > 200 && calls > 50),
        "{seen} seen, {calls} calls"
    );
}

/// Any JSON, not too large.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z{}\"\\\\é😀 ]{0,12}".prop_map(Value::from),
        Just(json!("tool")),
        Just(json!("assistant")),
        Just(json!("required")),
    ];
    leaf.prop_recursive(5, 32, 4, |inner| {
        let key = prop_oneof![
            "[a-zA-Z_\"]{1,6}".prop_map(String::from),
            Just("role".to_owned()),
            Just("name".to_owned()),
            Just("id".to_owned()),
            Just("function".to_owned()),
            Just("tool_calls".to_owned()),
            Just("tool_call_id".to_owned()),
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(key, inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    #[test]
    fn no_body_makes_it_panic_and_all_that_is_said_is_json(
        messages in any_json(),
        call in any_json(),
        value in any_json(),
        member in proptest::sample::select(&["n", "logprobs", "top_logprobs", "logit_bias", "tool_choice", "reasoning_effort"][..]),
    ) {
        let mut body = json!({"model": "m", "messages": messages});
        if let Some(list) = body["messages"].as_array_mut() {
            list.push(json!({"role": "assistant", "tool_calls": [call, {"id": "a b", "function": {"name": "f"}}]}));
            list.push(json!({"role": "tool", "tool_call_id": "a b"}));
        }
        body[member] = value;
        let body = Bytes::from(body.to_string());
        match suit(Translated { body, dropped: Vec::new() }, &ALL) {
            Ok(said) => {
                prop_assert!(serde_json::from_slice::<Value>(&said.body).is_ok());
                prop_assert!(said.dropped.iter().all(|name| matches!(name, Cow::Borrowed(_))));
            }
            Err(error) => prop_assert!(error.param.is_some()),
        }
    }
}
