//! Requests on their way to Cohere: recorded ones, its own said by a client of OpenAI's
//! dialect, generated ones, ones written by hand with what they become, and the
//! thoughts that must come back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

mod answers;
mod messages;
mod translated;

use alfred_filters::answer::{Answer, Fidelity};
use alfred_filters::dialect::Dialect;
use alfred_filters::prompt::{Prompt, Surface};
use answers::put;
use bytes::Bytes;
use messages::between;
use proptest::prelude::*;
use serde_json::{Value, json};
use translated::requests::{
    any_json, check_golden, check_recorded, how, outcome, surface_of, unless_passed,
};
use translated::{conversations_of, requests_of};

fn say(surface: Surface, body: &Value, model: &str) -> Value {
    outcome((surface, body), (Dialect::CohereChat, &how(model)), judge)
}

/// Judges a body by the grammar of Cohere's v2 chat.
fn judge(body: &Value) -> Result<(), String> {
    const TOP: [&str; 20] = [
        "model",
        "messages",
        "tools",
        "strict_tools",
        "documents",
        "citation_options",
        "response_format",
        "safety_mode",
        "max_tokens",
        "stop_sequences",
        "temperature",
        "seed",
        "frequency_penalty",
        "presence_penalty",
        "k",
        "p",
        "logprobs",
        "tool_choice",
        "thinking",
        "priority",
    ];
    let known = |key: &&String| key.as_str() == "stream" || TOP.contains(&key.as_str());
    if let Some(key) = body.as_object().unwrap().keys().find(|key| !known(key)) {
        return Err(format!("member {key}"));
    }
    if !matches!(
        body["tool_choice"].as_str(),
        None | Some("REQUIRED" | "NONE")
    ) {
        return Err("tool_choice".into());
    }
    let stops = body["stop_sequences"].as_array().map_or(0, Vec::len);
    let thinking = body.pointer("/thinking/type").and_then(Value::as_str);
    if stops > 5 || !matches!(thinking, None | Some("enabled" | "disabled")) {
        return Err("stop_sequences or thinking".into());
    }
    let mut open: Vec<Value> = Vec::new();
    for message in body["messages"].as_array().ok_or("no messages")? {
        let role = message["role"].as_str().unwrap_or("");
        if role == "tool" {
            let id = &message["tool_call_id"];
            let place = open.iter().position(|call| call == id);
            open.remove(place.ok_or(format!("{id} answers nothing"))?);
        } else if !open.is_empty() {
            return Err("a call without a result".into());
        }
        judge_content(role, message)?;
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            let json = call.pointer("/function/arguments").and_then(Value::as_str);
            let object = json.and_then(|json| serde_json::from_str::<Value>(json).ok());
            if !object.is_some_and(|object| object.is_object()) || call["type"] != "function" {
                return Err(format!("a call that is none: {call}"));
            }
            open.push(call["id"].clone());
        }
    }
    Ok(())
}

fn judge_content(role: &str, message: &Value) -> Result<(), String> {
    let kinds: &[&str] = match role {
        "system" => &["text"],
        "user" => &["text", "image_url"],
        "assistant" => &["text", "thinking"],
        "tool" => &["text", "document"],
        _ => return Err(format!("role {role}")),
    };
    let parts = message["content"].as_array();
    let known = |part: &Value| kinds.contains(&part["type"].as_str().unwrap_or(""));
    if parts.is_some_and(|parts| parts.is_empty() || !parts.iter().all(known)) {
        return Err(format!("content of {role}: {}", message["content"]));
    }
    let says = !message["content"].is_null();
    let acts = role == "assistant" && message["tool_calls"].is_array();
    if says || acts {
        Ok(())
    } else {
        Err(format!("an empty message of {role}"))
    }
}

#[test]
fn a_recorded_request_is_said_to_cohere_or_refused_by_name() {
    let prompts = conversations_of(&[
        ("chat_completions", Surface::Chat),
        ("messages", Surface::Messages),
        ("responses", Surface::Responses),
    ]);
    let way = (Dialect::CohereChat, &how("command-a-03-2025"));
    let (said, refused) = check_recorded(prompts, way, |body| unless_passed(judge(body)));
    assert!(said > refused * 2, "{said} said, {refused} refused");
}

/// A request of Cohere's own as a client of OpenAI's dialect would say it.
fn as_chat(own: &Value) -> Value {
    let mut chat = own.clone();
    let members = chat.as_object_mut().unwrap();
    for (from, to) in [("stop_sequences", "stop"), ("p", "top_p"), ("k", "top_k")] {
        if let Some(value) = members.remove(from) {
            members.insert(to.to_owned(), value);
        }
    }
    if let Some(choice) = members.get_mut("tool_choice") {
        *choice = json!(choice.as_str().unwrap().to_lowercase());
    }
    if let Some(Value::Object(thinking)) = members.get_mut("thinking") {
        thinking.entry("token_budget").or_insert(json!(null));
    }
    chat
}

/// A request with one spelling for what may be spelt in two ways.
fn settled(mut body: Value) -> Value {
    if body["stream"] == false {
        body.as_object_mut().unwrap().remove("stream");
    }
    for message in body["messages"].as_array_mut().unwrap() {
        let parts = message["content"].as_array().cloned();
        if let [part] = parts.unwrap_or_default().as_slice()
            && part["type"] == "text"
        {
            message["content"] = part["text"].clone();
        }
        let nothing = [json!(null), json!(""), json!([])];
        if nothing.contains(&message["content"]) {
            message.as_object_mut().unwrap().remove("content");
        }
    }
    body
}

#[test]
fn cohere_gets_its_own_recorded_requests_as_they_were() {
    let mut count = 0;
    for (id, own) in requests_of("cohere_v2_chat") {
        let body = Bytes::from(as_chat(&own).to_string());
        let prompt = Prompt::read(Surface::Chat, body).unwrap();
        let said = prompt.translate(Dialect::CohereChat, &how("")).unwrap();
        let mut said: Value = serde_json::from_slice(&said.body).unwrap();
        let own_thinking = own.pointer("/thinking/token_budget").is_some();
        if let (Some(Value::Object(thinking)), false) = (said.get_mut("thinking"), own_thinking) {
            thinking.remove("token_budget");
        }
        assert_eq!(settled(said), settled(own), "{id}");
        count += 1;
    }
    assert!(count >= 20, "{count}");
}

const PLANNED: &str = r#"{"id":"a","finish_reason":"TOOL_CALL","message":{"role":"assistant",
    "tool_plan":"I will \"look\".","content":[{"type":"thinking","thinking":"hm"}],
    "tool_calls":[{"id":"c1","type":"function","function":{"name":"look","arguments":"{\"at\":1}"}},
                  {"id":"c2","type":"function","function":{"name":"look","arguments":""}}]}}"#;

/// The model's turn as it comes back.
fn returned(said: &Value) -> Value {
    let turn = said.pointer("/body/messages/1").unwrap().clone();
    assert_eq!(turn["role"], "assistant", "{said:#}");
    turn
}

#[test]
fn plan_and_thoughts_come_back_through_a_client_of_any_dialect() {
    const MODEL: &str = "command-a-reasoning-08-2025";
    let way = |to| between(Dialect::CohereChat, to, Fidelity::Canonical);
    let answer = Answer::read(Dialect::CohereChat, Surface::Chat, Bytes::from(PLANNED)).unwrap();
    let own: Value = serde_json::from_str(PLANNED).unwrap();
    let mut expected = own["message"].clone();
    put(
        &mut expected,
        "/tool_calls/1/function/arguments",
        json!("{}"),
    );

    let chat: Value = serde_json::from_slice(&answer.render(&way(Dialect::OpenAiChat))).unwrap();
    let said = chat.pointer("/choices/0/message").unwrap().clone();
    let result = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": "seen"});
    let messages = json!([{"role": "user", "content": "go"}, said, result("c1"), result("c2")]);
    let body = json!({"model": "m", "messages": messages});
    assert_eq!(returned(&say(Surface::Chat, &body, MODEL)), expected);

    let to = way(Dialect::AnthropicMessages);
    let message: Value = serde_json::from_slice(&answer.render(&to)).unwrap();
    let result = |id: &str| json!({"type": "tool_result", "tool_use_id": id, "content": "seen"});
    let body = json!({"model": "m", "max_tokens": 9, "messages": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": message["content"]},
        {"role": "user", "content": [result("c1"), result("c2")]}]});
    assert_eq!(returned(&say(Surface::Messages, &body, MODEL)), expected);

    let to = way(Dialect::OpenAiResponses);
    let response: Value = serde_json::from_slice(&answer.render(&to)).unwrap();
    let mut input = vec![json!({"role": "user", "content": "go"})];
    input.extend(response["output"].as_array().unwrap().iter().cloned());
    let result =
        |id: &str| json!({"type": "function_call_output", "call_id": id, "output": "seen"});
    input.extend([result("c1"), result("c2")]);
    let body = json!({"model": "m", "input": input});
    assert_eq!(returned(&say(Surface::Responses, &body, MODEL)), expected);
}

#[test]
fn no_claude_is_given_a_seal_of_coheres() {
    let sealed = json!([{"type": "reasoning.text", "text": "I will look.", "signature": "cohere:tool_plan", "index": 0}]);
    let body = json!({"model": "m", "messages": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": "Yes.", "reasoning_details": sealed},
        {"role": "user", "content": "on"}]});
    let prompt = Prompt::read(Surface::Chat, Bytes::from(body.to_string())).unwrap();
    for (to, model) in [
        (Dialect::AnthropicMessages, "claude-sonnet-4-5"),
        (Dialect::BedrockConverse, "anthropic.claude-sonnet-4-5"),
        (Dialect::Gemini, "gemini-3-pro"),
    ] {
        let said = prompt.translate(to, &how(model)).unwrap();
        let text = String::from_utf8(said.body.to_vec()).unwrap();
        assert!(!text.contains("cohere:"), "{text}");
        assert_eq!(said.dropped, ["messages[].reasoning_details"]);
    }
}

#[test]
fn every_golden_request_becomes_what_it_was_judged_to_be() {
    check_golden("cohere", 60, |case| {
        say(
            surface_of(case),
            &case["request"],
            case["model"].as_str().unwrap(),
        )
    });
}

const TEXTS: &[&str] = &["tool_use", "document", "cohere:tool_plan"];
const NAMES: &[&str] = &["type", "role", "content", "text", "document", "signature"];

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
    "strict_tools",
    "documents",
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
                "native_citations": extra, "reasoning_details": extra},
        ]});
        body[member] = value;
        let surface = if messages { Surface::Messages } else { Surface::Chat };
        if let Ok(prompt) = Prompt::read(surface, Bytes::from(body.to_string())) {
            match prompt.translate(Dialect::CohereChat, &how("command-x")) {
                Ok(said) => prop_assert!(serde_json::from_slice::<Value>(&said.body).is_ok()),
                Err(error) => prop_assert!(!error.message.is_empty()),
            }
            if let Ok(ask) = prompt.ask() {
                let raw = ask.lower(Dialect::CohereChat);
                prop_assert!(serde_json::from_slice::<Value>(&raw).is_ok());
            }
        }
    }
}
