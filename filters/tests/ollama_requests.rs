//! Requests on their way to Ollama's own API: recorded ones, generated ones, and
//! ones written by hand with what they become.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

mod translated;

use alfred_filters::dialect::Dialect;
use alfred_filters::prompt::{Prompt, RequestPatch, Surface};
use alfred_filters::translate::Translation;
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};
use translated::requests::{any_json, check_golden, check_recorded, outcome, surface_of};
use translated::{conversations, plainly};

fn how<'a>(model: &'a str, set: &'a [(&'a str, &'a str)]) -> Translation<'a> {
    Translation {
        patch: RequestPatch {
            model,
            set,
            ..RequestPatch::default()
        },
        keep_reasoning: true,
        ..plainly()
    }
}

fn say(surface: Surface, body: &Value, how: &Translation<'_>) -> Value {
    outcome((surface, body), (Dialect::OllamaChat, how), judge)
}

/// Judges a body by the grammar of `/api/chat`.
fn judge(body: &Value) -> Result<(), String> {
    if !body["stream"].is_boolean() {
        return Err("stream is not said".into());
    }
    for at_the_top in ["temperature", "max_tokens", "stop", "seed", "num_ctx"] {
        if body.get(at_the_top).is_some() {
            return Err(format!("member {at_the_top}"));
        }
    }
    if body
        .get("options")
        .is_some_and(|options| !options.is_object())
    {
        return Err("options are no object".into());
    }
    let messages = body["messages"].as_array().ok_or("no messages")?;
    let mut open: Vec<Value> = Vec::new();
    for message in messages {
        let role = message["role"].as_str().unwrap_or("");
        if !message["content"].is_string() {
            return Err(format!("content of {role} is no text"));
        }
        let list = |key: &str| message[key].as_array().cloned().unwrap_or_default();
        for image in list("images") {
            if image.as_str().is_none_or(|data| data.contains([':', ','])) {
                return Err("a picture is no base64".into());
            }
        }
        for call in list("tool_calls") {
            if !call
                .pointer("/function/arguments")
                .is_some_and(Value::is_object)
            {
                return Err("arguments are no object".into());
            }
            open.push(call.pointer("/function/name").unwrap().clone());
        }
        match role {
            "system" | "user" | "assistant" => {}
            // Nothing but the order says which call is answered.
            "tool" if !open.is_empty() && open.remove(0) == message["tool_name"] => {}
            _ => return Err(format!("{role} answers nothing")),
        }
    }
    Ok(())
}

#[test]
fn a_recorded_request_is_said_to_ollama_or_refused_by_name() {
    let way = (Dialect::OllamaChat, &how("qwen3", &[]));
    let (said, refused) = check_recorded(conversations(), way, judge);
    assert!(said > refused, "{said} said, {refused} refused");
}

#[test]
fn what_the_operator_forces_joins_the_options_and_never_lengthens_what_is_paid() {
    let body = json!({"model": "m", "temperature": 1, "num_ctx": 9, "options": {"num_predict": 900},
        "messages": [{"role": "user", "content": "a"}]});
    let set = [
        ("temperature", "0"),
        ("options", r#"{"num_ctx":8192,"num_predict":7}"#),
        ("max_tokens", "8"),
        ("keep_alive", "\"1h\""),
    ];
    let said = say(Surface::Chat, &body, &how("m", &set[..2]));
    let options = json!({"temperature": 0, "num_ctx": 8192, "num_predict": 7});
    assert_eq!(said.pointer("/body/options"), Some(&options));
    for (most, limit) in [(50, 50), (5000, 900)] {
        let paid = Translation {
            most_output: Some(most),
            ..how("m", &set)
        };
        let said = say(Surface::Chat, &body, &paid);
        let options = json!({"temperature": 0, "num_ctx": 8192, "num_predict": limit});
        assert_eq!(said.pointer("/body/options"), Some(&options));
        assert_eq!(said.pointer("/body/keep_alive"), Some(&json!("1h")));
    }
}

#[test]
fn every_golden_request_becomes_what_it_was_judged_to_be() {
    check_golden("ollama", 20, |case| {
        say(surface_of(case), &case["request"], &how("qwen3:8b", &[]))
    });
}

const TEXTS: &[&str] = &["tool_use", "image_url"];
const NAMES: &[&str] = &["type", "role", "content", "text", "num_predict"];

const MEMBERS: [&str; 20] = [
    "temperature",
    "n",
    "stop",
    "logprobs",
    "response_format",
    "format",
    "options",
    "num_predict",
    "think",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "reasoning_effort",
    "thinking",
    "metadata",
    "user",
    "service_tier",
    "keep_alive",
    "unheard_of",
    "max_completion_tokens",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn no_request_makes_it_panic_and_all_that_is_said_is_json(
        member in proptest::sample::select(&MEMBERS[..]),
        value in any_json(TEXTS, NAMES),
        part in any_json(TEXTS, NAMES),
        limited in any::<bool>(),
        messages in any::<bool>(),
    ) {
        let mut body = json!({"model": "m", "max_tokens": 5, "messages": [
            {"role": "user", "content": [{"type": "text", "text": "a"}, part]},
            {"role": "assistant", "content": [part, {"type": "tool_use", "id": "a", "name": "b", "input": {}}]},
        ]});
        body[member] = value;
        let surface = if messages { Surface::Messages } else { Surface::Chat };
        if let Ok(prompt) = Prompt::read(surface, Bytes::from(body.to_string())) {
            let how = Translation { most_output: limited.then_some(3), ..how("m", &[("num_ctx", "1")]) };
            match prompt.translate(Dialect::OllamaChat, &how) {
                Ok(said) => prop_assert!(serde_json::from_slice::<Value>(&said.body).is_ok()),
                Err(error) => prop_assert!(!error.message.is_empty()),
            }
            if let Ok(ask) = prompt.ask() {
                let raw = ask.lower(Dialect::OllamaChat);
                prop_assert!(serde_json::from_slice::<Value>(&raw).is_ok());
            }
        }
    }
}
