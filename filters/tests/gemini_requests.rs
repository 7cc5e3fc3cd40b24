//! Requests on their way to Gemini: recorded ones, generated ones, ones written
//! by hand with what they become, and the seals that must come back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

mod translated;

use alfred_filters::answer::{Answer, Fidelity, StreamPlan};
use alfred_filters::dialect::Dialect;
use alfred_filters::prompt::{Prompt, Surface};
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};
use translated::conversations;
use translated::requests::{
    any_json, check_golden, check_recorded, how, outcome, surface_of, unless_passed,
};

fn say(surface: Surface, body: &Value, model: &str) -> Value {
    outcome((surface, body), (Dialect::Gemini, &how(model)), judge)
}

/// Judges a body by the grammar of `generateContent`.
fn judge(body: &Value) -> Result<(), String> {
    const TOP: [&str; 9] = [
        "systemInstruction",
        "contents",
        "tools",
        "toolConfig",
        "generationConfig",
        "serviceTier",
        "safetySettings",
        "cachedContent",
        "labels",
    ];
    if let Some(key) = body
        .as_object()
        .unwrap()
        .keys()
        .find(|key| !TOP.contains(&&***key))
    {
        return Err(format!("member {key}"));
    }
    let contents = body["contents"].as_array().ok_or("no contents")?;
    let mut last = "";
    let mut open: Vec<(Value, Value)> = Vec::new();
    for turn in contents {
        let role = turn["role"].as_str().unwrap_or("");
        if !matches!(role, "user" | "model") || role == last {
            return Err(format!("role {role} after {last}"));
        }
        last = role;
        let parts = turn["parts"].as_array().ok_or("no parts")?;
        if parts.is_empty() {
            return Err("a turn without parts".into());
        }
        for part in parts {
            judge_part(part, role)?;
            if let Some(call) = part["functionCall"].as_object() {
                open.push((call["id"].clone(), call["name"].clone()));
            }
            if let Some(result) = part["functionResponse"].as_object() {
                let pair = (result["id"].clone(), result["name"].clone());
                let place = open.iter().position(|call| *call == pair);
                open.remove(place.ok_or(format!("{pair:?} answers nothing"))?);
            }
        }
        if role == "user" && !open.is_empty() {
            return Err("a call without a result".into());
        }
    }
    Ok(())
}

fn judge_part(part: &Value, role: &str) -> Result<(), String> {
    const KINDS: [&str; 7] = [
        "text",
        "inlineData",
        "fileData",
        "functionCall",
        "functionResponse",
        "executableCode",
        "codeExecutionResult",
    ];
    let kinds = KINDS.iter().filter(|kind| !part[**kind].is_null()).count();
    if kinds != 1 {
        return Err(format!("{kinds} kinds in one part: {part}"));
    }
    let object = |value: &Value| value.is_null() || value.is_object();
    let whole = object(&part["functionCall"]["args"])
        && object(&part["functionResponse"]["response"])
        && (part["functionResponse"].is_null() || role == "user")
        && (part["functionCall"].is_null() || role == "model");
    if whole {
        Ok(())
    } else {
        Err(format!("{part} by {role}"))
    }
}

#[test]
fn a_recorded_request_is_said_to_gemini_or_refused_by_name() {
    let way = (Dialect::Gemini, &how("gemini-3-pro"));
    let verdict: fn(&Value) -> Result<(), String> = |body| unless_passed(judge(body));
    let (said, refused) = check_recorded(conversations(), way, verdict);
    assert!(said > refused * 4, "{said} said, {refused} refused");
}

fn plan(to: Dialect) -> StreamPlan {
    StreamPlan {
        from: Dialect::Gemini,
        to,
        surface: Surface::Chat,
        fidelity: Fidelity::Canonical,
        show_usage: true,
        model: "m".into(),
        id: "chatcmpl-7".into(),
        created: 1,
        choices: 1,
        input_estimate: 9,
    }
}

const THINKING: &str = r#"{"candidates":[{"content":{"role":"model","parts":[
    {"thought":true,"text":"hm","thoughtSignature":"QQ=="},
    {"text":"Let me see.","thoughtSignature":"Qg=="},
    {"executableCode":{"language":"PYTHON","code":"1"},"thoughtSignature":"Qw=="},
    {"functionCall":{"name":"look","args":{"at":1}},"thoughtSignature":"RA+/=="},
    {"functionCall":{"name":"look","args":{"at":2}}}]},"finishReason":"STOP"}]}"#;

/// The parts of the model's turn that come back.
fn returned(body: &Value) -> Vec<Value> {
    let turn = &body["body"]["contents"][1];
    assert_eq!(turn["role"], "model", "{body:#}");
    turn["parts"].as_array().unwrap().clone()
}

#[test]
fn seals_come_back_through_a_client_of_either_dialect() {
    let answer = Answer::read(Dialect::Gemini, Surface::Chat, Bytes::from(THINKING)).unwrap();
    let chat: Value = serde_json::from_slice(&answer.render(&plan(Dialect::OpenAiChat))).unwrap();
    let said = chat["choices"][0]["message"].clone();
    let calls = said["tool_calls"].as_array().unwrap().clone();
    assert_ne!(calls[0]["id"], calls[1]["id"]);
    let mut messages = vec![json!({"role": "user", "content": "go"}), said];
    messages.extend(calls.iter().map(
        |call| json!({"role": "tool", "tool_call_id": call["id"], "content": "{\"seen\":true}"}),
    ));
    let body = say(
        Surface::Chat,
        &json!({"model": "m", "messages": messages}),
        "gemini-3-pro",
    );
    let mut parts = returned(&body);
    parts.sort_by_key(|part| part["text"].is_null());
    check_seals(&parts, &body);

    let message: Value =
        serde_json::from_slice(&answer.render(&plan(Dialect::AnthropicMessages))).unwrap();
    let content = message["content"].as_array().unwrap().clone();
    let results: Vec<Value> = content
        .iter()
        .filter(|block| block["type"] == "tool_use")
        .map(|call| json!({"type": "tool_result", "tool_use_id": call["id"], "content": "{\"seen\":true}"}))
        .collect();
    let request = json!({"model": "m", "max_tokens": 9, "messages": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": content},
        {"role": "user", "content": results}]});
    let body = say(Surface::Messages, &request, "gemini-3-pro");
    check_seals(&returned(&body), &body);
}

fn check_seals(parts: &[Value], body: &Value) {
    let seal = |part: &Value| part["thoughtSignature"].as_str().unwrap_or("").to_owned();
    let find = |key: &str| parts.iter().find(|part| !part[key].is_null()).unwrap();
    assert_eq!(parts[0]["thought"], true);
    assert_eq!(
        (seal(&parts[0]), parts[0]["text"].as_str()),
        ("QQ==".into(), Some("hm"))
    );
    assert_eq!(
        (seal(&parts[1]), parts[1]["text"].as_str()),
        ("Qg==".into(), Some("Let me see."))
    );
    assert_eq!(seal(find("executableCode")), "Qw==");
    assert_eq!(seal(find("functionCall")), "RA+/==");
    let results = body["body"]["contents"][2]["parts"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    assert_eq!(results[0]["functionResponse"]["name"], "look");
    assert_eq!(
        results[0]["functionResponse"]["response"],
        json!({"seen": true})
    );
}

#[test]
fn the_seals_of_other_providers_are_left_out_and_named() {
    let request = json!({"model": "m", "max_tokens": 9, "messages": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "hm", "signature": "claude"},
            {"type": "redacted_thinking", "data": "claude"},
            {"type": "text", "text": "yes"}]},
        {"role": "user", "content": "on"}]});
    let body = say(Surface::Messages, &request, "gemini-2.5-pro");
    assert_eq!(returned(&body), [json!({"text": "yes"})]);
    assert_eq!(body["dropped"], json!(["messages[].content[].thinking"]));
}

#[test]
fn every_golden_request_becomes_what_it_was_judged_to_be() {
    check_golden("gemini", 12, |case| {
        say(
            surface_of(case),
            &case["request"],
            case["model"].as_str().unwrap(),
        )
    });
}

const TEXTS: &[&str] = &["tool_use", "image_url"];
const NAMES: &[&str] = &[
    "type",
    "role",
    "content",
    "text",
    "google",
    "thought_signature",
];

#[test]
fn one_call_alone_is_refused_unless_one_tool_must_be_called() {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}],
        "tools": [{"type": "function", "function": {"name": "f"}}], "parallel_tool_calls": false});
    let said = say(Surface::Chat, &body, "gemini-3-pro");
    assert_eq!(said["refused"], "parallel_tool_calls");
    body["tool_choice"] = json!({"type": "function", "function": {"name": "f"}});
    let said = say(Surface::Chat, &body, "gemini-3-pro");
    assert_eq!(said["dropped"], json!(["parallel_tool_calls"]));
    let message = json!({"model": "m", "max_tokens": 9, "messages": body["messages"],
        "tools": [{"name": "f", "input_schema": {"type": "object"}}],
        "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": true}});
    let said = say(Surface::Messages, &message, "gemini-3-pro");
    let name = "tool_choice.disable_parallel_tool_use";
    assert!(
        said["dropped"].as_array().unwrap().contains(&json!(name)),
        "{said:#}"
    );
}

const MEMBERS: [&str; 22] = [
    "temperature",
    "top_p",
    "n",
    "stop",
    "seed",
    "logprobs",
    "top_logprobs",
    "response_format",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "reasoning_effort",
    "thinking",
    "metadata",
    "user",
    "service_tier",
    "modalities",
    "safety_settings",
    "thinkingConfig",
    "logit_bias",
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
        extra in any_json(TEXTS, NAMES),
        messages in any::<bool>(),
    ) {
        let mut body = json!({"model": "m", "max_tokens": 5, "messages": [
            {"role": "user", "content": [{"type": "text", "text": "a"}, part]},
            {"role": "assistant", "content": [part, {"type": "tool_use", "id": "a", "name": "b", "input": {}}],
                "native_content": extra, "reasoning_details": extra},
        ]});
        body[member] = value;
        let surface = if messages { Surface::Messages } else { Surface::Chat };
        if let Ok(prompt) = Prompt::read(surface, Bytes::from(body.to_string())) {
            match prompt.translate(Dialect::Gemini, &how("gemini-3-pro")) {
                Ok(said) => prop_assert!(serde_json::from_slice::<Value>(&said.body).is_ok()),
                Err(error) => prop_assert!(!error.message.is_empty()),
            }
            if let Ok(ask) = prompt.ask() {
                let raw = ask.lower(Dialect::Gemini);
                prop_assert!(serde_json::from_slice::<Value>(&raw).is_ok());
            }
        }
    }
}
