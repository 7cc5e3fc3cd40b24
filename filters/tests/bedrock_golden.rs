//! Requests on their way to Bedrock: recorded ones, ones written by hand with what
//! they become, and the seals that must come back.
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
use alfred_filters::prompt::Surface;
use bytes::Bytes;
use serde_json::{Value, json};
use translated::conversations;
use translated::requests::{check_golden, check_recorded, how, outcome, surface_of, unless_passed};

const CLAUDE: &str = "us.anthropic.claude-sonnet-4-20250514-v1:0";

fn say(surface: Surface, body: &Value, model: &str) -> Value {
    outcome(
        (surface, body),
        (Dialect::BedrockConverse, &how(model)),
        judge,
    )
}

fn demand(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

/// The one member of an object that is one of so many kinds.
fn only(object: &Value) -> Option<(&str, &Value)> {
    let mut members = object.as_object()?.iter();
    let (name, value) = members.next()?;
    members.next().is_none().then_some((name, value))
}

/// Judges a body by the grammar of Converse.
fn judge(body: &Value) -> Result<(), String> {
    const TOP: [&str; 13] = [
        "messages",
        "system",
        "inferenceConfig",
        "toolConfig",
        "guardrailConfig",
        "additionalModelRequestFields",
        "promptVariables",
        "additionalModelResponseFieldPaths",
        "requestMetadata",
        "performanceConfig",
        "serviceTier",
        "outputConfig",
        "",
    ];
    let keys = body.as_object().ok_or("no object")?.keys();
    for key in keys {
        demand(TOP.contains(&&**key), || format!("member {key}"))?;
    }
    for block in body["system"].as_array().into_iter().flatten() {
        let (name, value) = only(block).ok_or("a system block of two kinds")?;
        demand(
            matches!(name, "text" | "cachePoint" | "guardContent") && value != "",
            || format!("a system block {name}"),
        )?;
    }
    let messages = body["messages"].as_array().ok_or("no messages")?;
    demand(!messages.is_empty(), || "nothing is said".into())?;
    let (mut open, mut names): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    let mut called = false;
    for (index, message) in messages.iter().enumerate() {
        let role = if index % 2 == 0 { "user" } else { "assistant" };
        demand(message["role"] == role, || format!("{index}: role"))?;
        let blocks = message["content"].as_array().ok_or("no content")?;
        demand(!blocks.is_empty(), || format!("{index}: no content"))?;
        let mut others = false;
        for block in blocks {
            let (name, value) = only(block).ok_or_else(|| format!("{index}: {block}"))?;
            let id = value["toolUseId"].as_str().unwrap_or_default();
            match name {
                // Its result is the provider's to give.
                "toolUse" if value["type"] == "server_tool_use" => {}
                "toolUse" => {
                    called = true;
                    judge_id(id)?;
                    demand(role == "assistant" && value["input"].is_object(), || {
                        format!("{index}: a call")
                    })?;
                    open.push(id);
                }
                "toolResult" => {
                    let place = open.iter().position(|known| *known == id);
                    open.remove(place.ok_or(format!("{id} answers nothing"))?);
                    demand(role == "user" && !others, || format!("{index}: a result"))?;
                    for inner in value["content"].as_array().ok_or("a bare result")? {
                        judge_block(only(inner).ok_or("an odd result")?, &mut names)?;
                    }
                }
                _ => judge_block((name, value), &mut names)?,
            }
            others |= !matches!(name, "toolResult" | "cachePoint");
        }
        demand(role == "assistant" || open.is_empty(), || {
            format!("{index}: calls without results")
        })?;
    }
    judge_rest(body, called)
}

/// The tools, and the numbers.
fn judge_rest(body: &Value, called: bool) -> Result<(), String> {
    let tools = &body["toolConfig"]["tools"];
    demand(!called || tools.is_array(), || "no tools".into())?;
    for tool in tools.as_array().into_iter().flatten() {
        let (name, spec) = only(tool).ok_or("a tool of two kinds")?;
        demand(
            name != "toolSpec" || spec["inputSchema"]["json"].is_object(),
            || format!("a tool {spec}"),
        )?;
    }
    let choice = &body["toolConfig"]["toolChoice"];
    let config = &body["inferenceConfig"];
    let temperature = config["temperature"].as_f64().unwrap_or(0.0);
    demand((0.0..=1.0).contains(&temperature), || "temperature".into())?;
    demand(choice.is_null() || only(choice).is_some(), || {
        "tool choice".into()
    })
}

fn judge_id(id: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.:".contains(c);
    let fits = (1..=64).contains(&id.len()) && id.chars().all(plain);
    demand(fits, || format!("id {id}"))
}

fn judge_block<'a>(
    (name, value): (&str, &'a Value),
    names: &mut Vec<&'a str>,
) -> Result<(), String> {
    match name {
        "text" => demand(value.as_str().is_some_and(|text| !text.is_empty()), || {
            "an empty text".into()
        }),
        "document" => {
            let called = value["name"].as_str().ok_or("a nameless document")?;
            let plain = |c: char| c.is_ascii_alphanumeric() || " -()[]".contains(c);
            let fits = called.chars().all(plain) && called.len() <= 200 && !called.contains("  ");
            demand(fits && !names.contains(&called), || {
                format!("name {called}")
            })?;
            names.push(called);
            demand(only(&value["source"]).is_some(), || "a source".into())
        }
        "image" | "audio" | "video" => demand(
            value["format"].is_string() && only(&value["source"]).is_some(),
            || format!("a {name}"),
        ),
        "reasoningContent" => demand(only(value).is_some(), || "a thought".into()),
        "cachePoint" | "guardContent" | "toolUse" | "toolResult" | "citationsContent"
        | "searchResult" => Ok(()),
        _ => Err(format!("a block {name}")),
    }
}

#[test]
fn a_recorded_request_is_said_to_bedrock_or_refused_by_name() {
    for model in [CLAUDE, "amazon.nova-pro-v1:0"] {
        let way = (Dialect::BedrockConverse, &how(model));
        let verdict: fn(&Value) -> Result<(), String> = |body| unless_passed(judge(body));
        let (said, refused) = check_recorded(conversations(), way, verdict);
        assert!(said > refused * 2, "{said} said, {refused} refused");
    }
}

#[test]
fn every_golden_request_becomes_what_it_was_judged_to_be() {
    check_golden("bedrock", 80, |case| {
        say(
            surface_of(case),
            &case["request"],
            case["model"].as_str().unwrap(),
        )
    });
}

const THINKING: &str = r#"{"output":{"message":{"role":"assistant","content":[
    {"reasoningContent":{"reasoningText":{"text":"hm","signature":"c2VhbC8rPQ=="}}},
    {"reasoningContent":{"redactedContent":"aGlkZGVu"}},
    {"text":"Let me see."},
    {"toolUse":{"toolUseId":"tooluse_1","name":"look","input":{"at":1}}},
    {"toolUse":{"toolUseId":"tooluse_2","name":"look","input":{"at":2}}}]}},
    "stopReason":"tool_use","usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2}}"#;

fn plan(to: Dialect) -> StreamPlan {
    StreamPlan {
        from: Dialect::BedrockConverse,
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

/// What the model said comes back through a client of any dialect as it was, seals
/// and hidden thoughts included.
#[test]
fn the_models_turn_comes_back_through_a_client_of_any_dialect() {
    let given: Value = serde_json::from_str(THINKING).unwrap();
    let expected = &given["output"]["message"];
    let answer = Answer::read(
        Dialect::BedrockConverse,
        Surface::Chat,
        Bytes::from(THINKING),
    )
    .unwrap();
    let told =
        |to: Dialect| -> Value { serde_json::from_slice(&answer.render(&plan(to))).unwrap() };

    let said = told(Dialect::OpenAiChat)["choices"][0]["message"].clone();
    let mut messages = vec![json!({"role": "user", "content": "go"}), said.clone()];
    messages.extend(
        said["tool_calls"]
            .as_array()
            .unwrap()
            .iter()
            .map(|call| json!({"role": "tool", "tool_call_id": call["id"], "content": "seen"})),
    );
    let chat = json!({"model": "m", "messages": messages});

    let content = told(Dialect::AnthropicMessages)["content"].clone();
    let result = |id: &str| json!({"type": "tool_result", "tool_use_id": id, "content": "seen"});
    let message = json!({"model": "m", "max_tokens": 9, "messages": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": content},
        {"role": "user", "content": [result("tooluse_1"), result("tooluse_2")]}]});

    let mut input = vec![json!({"role": "user", "content": "go"})];
    input.extend(
        told(Dialect::OpenAiResponses)["output"]
            .as_array()
            .unwrap()
            .iter()
            .cloned(),
    );
    input.extend(
        ["tooluse_1", "tooluse_2"]
            .map(|id| json!({"type": "function_call_output", "call_id": id, "output": "seen"})),
    );
    let response = json!({"model": "m", "input": input, "store": false});

    for (surface, request) in [
        (Surface::Chat, &chat),
        (Surface::Messages, &message),
        (Surface::Responses, &response),
    ] {
        let said = say(surface, request, CLAUDE);
        assert_eq!(
            said["body"]["messages"][1], *expected,
            "{surface:?} {said:#}"
        );
        let results = said["body"]["messages"][2]["content"].as_array().unwrap();
        assert_eq!(results.len(), 2, "{surface:?}");
    }
}
