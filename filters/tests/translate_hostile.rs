//! Translation of conversations nobody has recorded: generated ones come back the
//! same, damaged and hostile ones are refused or translated, and nothing panics.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

mod translated;

use alfred_filters::ask::{Ask, PartKind, Role};
use alfred_filters::dialect::Dialect;
use alfred_filters::prompt::{Prompt, ReadError, RequestPatch, Surface};
use alfred_filters::translate::{Translated, Translation};
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};
use translated::{judge, other, plainly};

fn read(surface: Surface, body: impl Into<Vec<u8>>) -> Prompt {
    Prompt::read(surface, Bytes::from(body.into())).unwrap()
}

fn translate(prompt: &Prompt) -> Result<Translated, ReadError> {
    prompt.translate(other(prompt.surface().dialect()), &plainly())
}

fn text() -> impl Strategy<Value = String> {
    "[a-z é😀\"\\\\\n]{0,6}[a-z]"
}

fn arguments() -> impl Strategy<Value = Value> {
    proptest::collection::btree_map("[a-z]{1,3}", text(), 0..3).prop_map(|map| json!(map))
}

/// One exchange of an OpenAI conversation: messages from a question to an answer.
fn exchange() -> impl Strategy<Value = Vec<Value>> {
    let picture = Just(json!({"type": "image_url",
        "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}));
    let page = text().prop_map(|t| {
        json!({"type": "image_url",
        "image_url": {"url": format!("https://example.com/{}", t.len())}})
    });
    let words = text().prop_map(|t| json!({"type": "text", "text": t}));
    let part = prop_oneof![words, picture, page];
    let asked = prop_oneof![
        text().prop_map(|t| json!(t)),
        proptest::collection::vec(part, 1..4).prop_map(|parts| json!(parts)),
    ];
    let call = (arguments(), text(), "[a-z]{1,8}");
    let sealed = proptest::option::of((text(), "[A-Za-z0-9]{4,9}"));
    let calls = proptest::collection::vec(call, 0..4);
    (asked, calls, sealed, text()).prop_map(|(asked, calls, sealed, answer)| {
        let mut messages = vec![json!({"role": "user", "content": asked})];
        if !calls.is_empty() {
            let said: Vec<Value> = calls
                .iter()
                .enumerate()
                .map(|(at, (arguments, _, name))| {
                    json!({"id": format!("c.{at}"), "type": "function",
                        "function": {"name": name, "arguments": arguments.to_string()}})
                })
                .collect();
            let mut message = json!({"role": "assistant", "content": null, "tool_calls": said});
            if let Some((thought, seal)) = sealed {
                message["thinking_blocks"] =
                    json!([{"type": "thinking", "thinking": thought, "signature": seal}]);
            }
            messages.push(message);
            for (at, (_, result, _)) in calls.iter().enumerate().rev() {
                messages.push(
                    json!({"role": "tool", "tool_call_id": format!("c.{at}"), "content": result}),
                );
            }
        }
        messages.push(json!({"role": "assistant", "content": answer}));
        messages
    })
}

/// A chat request that both dialects can say in full.
fn chat() -> impl Strategy<Value = Value> {
    let system = proptest::option::of(text());
    let exchanges = proptest::collection::vec(exchange(), 1..4);
    let tools = proptest::collection::vec(("[a-z]{1,8}", text()), 0..3);
    let choice = proptest::option::of(prop_oneof![Just("auto"), Just("required"), Just("none")]);
    let stops = proptest::collection::vec(text(), 0..3);
    (system, exchanges, (tools, choice), stops, 1..9000u64).prop_map(
        |(system, exchanges, (tools, choice), stops, limit)| {
            let mut messages = Vec::new();
            messages.extend(system.map(|text| json!({"role": "system", "content": text})));
            messages.extend(exchanges.into_iter().flatten());
            let mut body = json!({"model": "claude-sonnet-4-5", "messages": messages,
                "max_completion_tokens": limit});
            if !stops.is_empty() {
                body["stop"] = json!(stops);
            }
            if !tools.is_empty() {
                let function = |(name, about): &(String, String)| {
                    json!({"type": "function", "function":
                        {"name": name, "description": about, "parameters": {"type": "object"}}})
                };
                body["tools"] = tools.iter().map(function).collect();
                if let Some(choice) = choice {
                    body["tool_choice"] = json!(choice);
                }
            }
            body
        },
    )
}

/// What a conversation says, whoever says it and in whatever order of members.
fn said(ask: &Ask<'_>) -> Vec<String> {
    let mut all = Vec::new();
    for turn in &ask.turns {
        let who = match turn.role {
            Role::Assistant => "model",
            Role::System => "operator",
            _ => "user",
        };
        for part in &turn.parts {
            match &part.kind {
                PartKind::Text(text) => all.push(format!("{who} says {}", text.read())),
                PartKind::Image(_) => all.push(format!("{who} shows a picture")),
                PartKind::ToolCall {
                    name, arguments, ..
                } => {
                    all.push(format!("calls {} with {}", name.read(), arguments.read()));
                }
                PartKind::ToolResult { parts, .. } => {
                    let PartKind::Text(text) = &parts[0].kind else {
                        panic!("no text")
                    };
                    all.push(format!("result {}", text.read()));
                }
                PartKind::Thinking { text, .. } => all.push(format!("thinks {}", text.read())),
                _ => panic!("a part that was not generated"),
            }
        }
    }
    all
}

/// The same of a body for Gemini or Bedrock, read without the crate.
fn said_there(dialect: Dialect, body: &Value) -> Vec<String> {
    let (opening, turns, parts) = match dialect {
        Dialect::Gemini => ("/systemInstruction/parts", "contents", "parts"),
        _ => ("/system", "messages", "content"),
    };
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut all = Vec::new();
    for part in list(body.pointer(opening).unwrap_or(&Value::Null)) {
        all.push(format!("operator says {}", part["text"].as_str().unwrap()));
    }
    for turn in list(&body[turns]) {
        let is_user = turn["role"] == "user";
        let who = if is_user { "user" } else { "model" };
        for part in list(&turn[parts]) {
            let (name, value) = part.as_object().unwrap().iter().next().unwrap();
            all.push(match &**name {
                "text" => format!("{who} says {}", value.as_str().unwrap()),
                "image" | "inlineData" | "fileData" => format!("{who} shows a picture"),
                "toolUse" => format!(
                    "calls {} with {}",
                    value["name"].as_str().unwrap(),
                    value["input"]
                ),
                "functionCall" => format!(
                    "calls {} with {}",
                    value["name"].as_str().unwrap(),
                    value["args"]
                ),
                "toolResult" => format!("result {}", value["content"][0]["text"].as_str().unwrap()),
                "functionResponse" => {
                    format!("result {}", value["response"]["output"].as_str().unwrap())
                }
                "reasoningContent" => {
                    let text = value.pointer("/reasoningText/text").unwrap();
                    format!("thinks {}", text.as_str().unwrap())
                }
                other => panic!("a part that was not asked for: {other}"),
            });
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_a_chat_says_is_said_to_gemini_and_bedrock(body in chat()) {
        let prompt = read(Surface::Chat, body.to_string());
        let before = prompt.ask().unwrap();
        for dialect in [Dialect::Gemini, Dialect::BedrockConverse] {
            let how = Translation { patch: RequestPatch { model: "claude", ..RequestPatch::default() }, ..plainly() };
            let there = match prompt.translate(dialect, &how) {
                Ok(there) => there,
                // No picture is fetched for Bedrock, and a choice wants tools.
                Err(error) => {
                    prop_assert!(error.param.is_some());
                    continue;
                }
            };
            let mut expected = said(&before);
            if dialect == Dialect::Gemini {
                // The seals are of another provider.
                expected.retain(|line| !line.starts_with("thinks "));
            }
            let body: Value = serde_json::from_slice(&there.body).unwrap();
            prop_assert_eq!(said_there(dialect, &body), expected, "{:#}", body);
        }
    }

    #[test]
    fn what_is_lowered_and_lifted_again_is_the_same(body in chat()) {
        let prompt = read(Surface::Chat, body.to_string());
        let ask = prompt.ask().unwrap();
        let again = read(Surface::Chat, ask.lower(Dialect::OpenAiChat));
        prop_assert!(again.ask().unwrap() == ask);
        let there = read(Surface::Messages, translate(&prompt).unwrap().body);
        let ask = there.ask().unwrap();
        let again = read(Surface::Messages, ask.lower(Dialect::AnthropicMessages));
        prop_assert!(again.ask().unwrap() == ask);
    }

    #[test]
    fn what_both_dialects_can_say_comes_back_the_same(body in chat()) {
        let prompt = read(Surface::Chat, body.to_string());
        let there = translate(&prompt).unwrap();
        prop_assert_eq!(there.dropped, Vec::<String>::new());
        let value: Value = serde_json::from_slice(&there.body).unwrap();
        prop_assert_eq!(judge(Dialect::AnthropicMessages, &value), Ok(()));
        let there = read(Surface::Messages, there.body);
        let back = translate(&there).unwrap();
        let value: Value = serde_json::from_slice(&back.body).unwrap();
        prop_assert_eq!(judge(Dialect::OpenAiChat, &value), Ok(()));
        let back = read(Surface::Chat, back.body);
        let (before, after) = (prompt.ask().unwrap(), back.ask().unwrap());
        prop_assert_eq!(said(&before), said(&after));
        prop_assert!(before.tools == after.tools && before.stop == after.stop);
        prop_assert!(before.tool_choice == after.tool_choice);
        prop_assert_eq!(before.max_output, after.max_output);
    }

    /// Whatever a damaged request turns into, no step panics, and what is
    /// translated is JSON that is read again.
    #[test]
    fn a_damaged_request_is_refused_or_translated(
        which in any::<prop::sample::Index>(),
        places in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..4)
    ) {
        let (surface, body) = &seeds()[which.index(seeds().len())];
        let mut body = body.clone();
        for (at, byte, how) in places {
            let at = at.index(body.len());
            match how {
                0 => body[at] = byte,
                1 => body.insert(at, byte),
                _ => drop(body.remove(at)),
            }
        }
        let Ok(prompt) = Prompt::read(*surface, Bytes::from(body)) else { return Ok(()) };
        if let Ok(ask) = prompt.ask() {
            for dialect in [Dialect::OpenAiChat, Dialect::AnthropicMessages] {
                prop_assert!(serde_json::from_slice::<Value>(&ask.lower(dialect)).is_ok());
            }
        }
        if let Ok(translated) = translate(&prompt) {
            prop_assert!(serde_json::from_slice::<Value>(&translated.body).is_ok());
        }
    }
}

/// The golden requests, as bytes.
fn seeds() -> &'static [(Surface, Vec<u8>)] {
    static SEEDS: std::sync::OnceLock<Vec<(Surface, Vec<u8>)>> = std::sync::OnceLock::new();
    SEEDS.get_or_init(|| {
        let folder =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/translate");
        let seed = |entry: std::io::Result<std::fs::DirEntry>| {
            let text = std::fs::read(entry.unwrap().path()).unwrap();
            let case: Value = serde_json::from_slice(&text).unwrap();
            let surface = match case["from"].as_str() {
                Some("chat") => Surface::Chat,
                _ => Surface::Messages,
            };
            (surface, case["request"].to_string().into_bytes())
        };
        std::fs::read_dir(folder).unwrap().map(seed).collect()
    })
}

#[test]
fn lone_surrogates_are_mended_on_the_way() {
    let body = r#"{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"a\ud83d b \ud83d\ude00"}],
        "tools":[{"type":"function","function":{"name":"f","parameters":{"title":"\udc00"}}}]}"#;
    let translated = translate(&read(Surface::Chat, body)).unwrap();
    let value: Value = serde_json::from_slice(&translated.body).unwrap();
    assert_eq!(value["messages"][0]["content"], "a\u{FFFD} b 😀");
    assert_eq!(value["tools"][0]["input_schema"]["title"], "\u{FFFD}");
}

#[test]
fn deep_and_wide_and_long_requests_do_no_harm() {
    // Blocks within results within results, to the limit of nesting.
    let depth = 40;
    let open = r#"[{"type":"tool_result","tool_use_id":"i","content":"#.repeat(depth);
    let body = format!(
        r#"{{"model":"m","max_tokens":1,"messages":[{{"role":"user","content":{open}"x"{}}}]}}"#,
        "}]".repeat(depth)
    );
    let error = translate(&read(Surface::Messages, body)).unwrap_err();
    assert_eq!(error.param.as_deref(), Some("messages[0].content"));

    let id = "ü".repeat(100_000);
    let body = json!({"model": "claude-sonnet-4-5", "messages": [
        {"role": "user", "content": "q"},
        {"role": "assistant", "tool_calls": [
            {"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": id, "content": "r"}]});
    let translated = translate(&read(Surface::Chat, body.to_string())).unwrap();
    let value: Value = serde_json::from_slice(&translated.body).unwrap();
    assert_eq!(judge(Dialect::AnthropicMessages, &value), Ok(()));

    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    let arguments = format!(r#"{{"a":{deep}}}"#);
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "q"},
        {"role": "assistant", "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}]}]});
    let error = translate(&read(Surface::Chat, body.to_string())).unwrap_err();
    assert_eq!(error.param.as_deref(), Some("messages[1].tool_calls"));

    let calls: Vec<Value> = (0..20_000)
        .map(|at| {
            json!({"id": format!("c{at}"), "type": "function",
            "function": {"name": "f", "arguments": "{}"}})
        })
        .collect();
    let mut messages = vec![
        json!({"role": "user", "content": "q"}),
        json!({"role": "assistant", "tool_calls": calls}),
    ];
    messages.extend(
        (0..20_000)
            .map(|at| json!({"role": "tool", "tool_call_id": format!("c{at}"), "content": "r"})),
    );
    let body = json!({"model": "m", "messages": messages});
    assert!(translate(&read(Surface::Chat, body.to_string())).is_ok());
}

#[test]
fn wrong_shapes_are_refused_with_their_place() {
    for (members, param) in [
        (r#""tools":{}"#, "tools"),
        (r#""tools":[1]"#, "tools[0]"),
        (
            r#""tools":[{"type":"function","function":{"name":1}}]"#,
            "tools[0].function.name",
        ),
        (r#""stop":5"#, "stop"),
        (r#""stop":["a",5]"#, "stop[1]"),
        (r#""reasoning_effort":3"#, "reasoning_effort"),
        (r#""temperature":"hot""#, "temperature"),
        (r#""user":[]"#, "user"),
        (r#""parallel_tool_calls":"no""#, "parallel_tool_calls"),
        (r#""tool_choice":"sometimes""#, "tool_choice"),
        (r#""response_format":"json""#, "response_format"),
        (r#""thinking":7"#, "thinking"),
    ] {
        let body =
            format!(r#"{{"model":"m","messages":[{{"role":"user","content":"x"}}],{members}}}"#);
        let error = translate(&read(Surface::Chat, body)).unwrap_err();
        assert_eq!(error.param.as_deref(), Some(param), "{members}");
    }
    for (message, param) in [
        (r#"{"role":"user","content":[7]}"#, "messages[0].content[0]"),
        (
            r#"{"role":"assistant","tool_calls":[7]}"#,
            "messages[0].tool_calls[0]",
        ),
        (
            r#"{"role":"user","content":[{"type":"new"}]}"#,
            "messages[0].content",
        ),
        (
            r#"{"role":"user","content":[{"text":"untyped"}]}"#,
            "messages[0].content",
        ),
        (r#"{"role":"user","content":"  "}"#, "messages[0].content"),
        (
            r#"{"role":"function","name":"f","content":"x"}"#,
            "messages[0].role",
        ),
    ] {
        let body = format!(r#"{{"model":"m","messages":[{message}]}}"#);
        let error = translate(&read(Surface::Chat, body)).unwrap_err();
        assert_eq!(error.param.as_deref(), Some(param), "{message}");
        assert!(!error.message.contains("untyped"));
    }
}

#[test]
fn a_member_given_twice_inside_an_object_is_read_once_and_written_once() {
    let body = r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a","text":"b"}]}]}"#;
    let prompt = read(Surface::Chat, body);
    let mut seen = Vec::new();
    prompt.visit_texts(&mut |text| seen.push(text.text.into_owned()));
    assert_eq!(seen, ["a", "b"]);
    let body = translate(&prompt).unwrap().body;
    let text = String::from_utf8(body.to_vec()).unwrap();
    assert_eq!(
        text.matches(r#""text""#).count() + text.matches(r#""content":"b""#).count(),
        1
    );
}

#[test]
fn other_surfaces_are_no_conversations() {
    for (surface, body) in [
        (Surface::Embeddings, r#"{"model":"m","input":"x"}"#),
        (Surface::Completions, r#"{"model":"m","prompt":"x"}"#),
    ] {
        let error = translate(&read(surface, body)).unwrap_err();
        assert_eq!(error.code, "unsupported_parameter");
    }
}
