//! Requests of a client of Responses: read, shown to guards, said in the other
//! dialects or refused by name.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

mod translated;

use alfred_filters::dialect::Dialect::{self, AnthropicMessages, OpenAiChat, OpenAiResponses};
use alfred_filters::prompt::{Prompt, ReadError, RequestPatch, Surface};
use alfred_filters::translate::Translation;
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};
use translated::{conversations_of, judge, names_a_field_of, plainly};

fn prompt(body: &Value) -> Prompt {
    Prompt::read(Surface::Responses, Bytes::from(body.to_string())).expect("it is a request")
}

/// The request in that dialect, and what was named.
fn said(to: Dialect, body: &Value) -> Result<(Value, Vec<String>), ReadError> {
    let translated = prompt(body).translate(to, &plainly())?;
    let named = translated.dropped.iter().map(ToString::to_string).collect();
    Ok((serde_json::from_slice(&translated.body).unwrap(), named))
}

fn refused(to: Dialect, body: &Value) -> String {
    let error = said(to, body).expect_err("it cannot be said");
    assert_eq!(error.code, "unsupported_parameter");
    let param = error.param.expect("a field is named");
    assert!(error.message.contains(&param), "{}", error.message);
    param
}

/// A request with the input `hi` and these members.
fn asking(members: &Value) -> Value {
    let mut body = json!({"model": "m", "input": "hi"});
    for (key, value) in members.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

#[test]
fn every_recorded_request_is_said_in_the_other_dialects_or_refused_by_name() {
    let (mut said, mut refused) = (0, 0);
    for (id, status, prompt) in conversations_of(&[("responses", Surface::Responses)]) {
        let before: Value = serde_json::from_slice(prompt.body()).unwrap();
        for to in [OpenAiChat, AnthropicMessages] {
            match prompt.translate(to, &plainly()) {
                Ok(translated) => {
                    said += 1;
                    let body: Value = serde_json::from_slice(&translated.body).unwrap();
                    if status < 400
                        && let Err(flaw) = judge(to, &body)
                    {
                        panic!("{id}: {flaw}\n{body:#}");
                    }
                }
                Err(error) => {
                    refused += 1;
                    let param = error.param.unwrap_or_else(|| panic!("{id}: no field"));
                    assert!(names_a_field_of(&before, &param), "{id}: {param}");
                    assert_eq!(error.code, "unsupported_parameter", "{id}");
                }
            }
        }
    }
    println!("{said} translated, {refused} refused");
    assert!(
        said == 0 && refused == 0 || said > refused * 2,
        "{said} {refused}"
    );
}

#[test]
fn every_recorded_request_passes_to_a_provider_of_responses_byte_by_byte() {
    for (id, _, prompt) in conversations_of(&[("responses", Surface::Responses)]) {
        let how = Translation {
            patch: RequestPatch {
                ask_usage: true,
                ..RequestPatch::default()
            },
            ..plainly()
        };
        let same = prompt.translate(OpenAiResponses, &how).unwrap();
        assert_eq!(&same.body, prompt.body(), "{id}");
    }
}

#[test]
fn guards_see_every_string_of_a_recorded_request_that_is_no_machine_word() {
    const WORDS: [&str; 17] = [
        "type",
        "role",
        "id",
        "call_id",
        "status",
        "encrypted_content",
        "model",
        "verbosity",
        "file_data",
        "file_id",
        "detail",
        "format",
        "syntax",
        "mode",
        "image_url",
        "$schema",
        "previous_response_id",
    ];
    fn walk(value: &Value, key: &str, all: &mut Vec<String>) {
        match value {
            Value::String(text) if !WORDS.contains(&key) => all.push(text.clone()),
            Value::Array(list) => list.iter().for_each(|one| walk(one, key, all)),
            Value::Object(members) => members.iter().for_each(|(key, one)| walk(one, key, all)),
            _ => {}
        }
    }
    for (id, _, prompt) in conversations_of(&[("responses", Surface::Responses)]) {
        let (mut expected, mut seen) = (Vec::new(), Vec::new());
        walk(
            &serde_json::from_slice(prompt.body()).unwrap(),
            "",
            &mut expected,
        );
        prompt.visit_texts(&mut |text| seen.push(text.text.into_owned()));
        for text in expected {
            assert!(seen.contains(&text), "{id}: {text:?} is hidden");
        }
    }
}

#[test]
fn texts_have_the_channel_of_what_they_are_for() {
    let body = json!({
        "model": "m", "instructions": "be brief", "user": "u",
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "look"},
                {"type": "input_image", "image_url": "https://a/b.png"}]},
            {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "x"},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "done"},
        ],
        "tools": [{"type": "function", "name": "f", "description": "does", "parameters": {"title": "t"}}],
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {"title": "s"}}},
    });
    let mut all = Vec::new();
    prompt(&body).visit_texts(&mut |t| {
        all.push(format!(
            "{} {:?} {:?} {}",
            t.path, t.role, t.channel, t.text
        ));
    });
    all.sort();
    let mut expected = [
        "/instructions System Content be brief",
        "/user Request Attribute u",
        "/input/0/content/0/text User Content look",
        "/input/0/content/1/image_url User Url https://a/b.png",
        "/input/1/summary/0/text Assistant Reasoning hm",
        "/input/2/name Assistant Name f",
        "/input/2/arguments Assistant ToolArguments {}",
        "/input/3/output Tool ToolResult done",
        "/tools/0/name Request Name f",
        "/tools/0/description Request ToolDescription does",
        "/tools/0/parameters/title Request Schema t",
        "/text/format/name Request Name n",
        "/text/format/schema/title Request Schema s",
    ];
    expected.sort_unstable();
    assert_eq!(all, expected);
    let plain = json!({"model": "m", "input": "hello"});
    prompt(&plain).visit_texts(&mut |text| {
        assert_eq!(
            format!("{} {:?} {:?}", text.path, text.role, text.channel),
            "/input User Content"
        );
    });
    assert!(prompt(&plain).estimate_input_tokens() > 3);
}

#[test]
fn a_conversation_with_tools_is_said_in_both_dialects() {
    let body = json!({
        "model": "m", "instructions": "be brief", "max_output_tokens": 99, "parallel_tool_calls": false,
        "reasoning": {"effort": "low", "summary": "auto"}, "store": false, "include": ["reasoning.encrypted_content"],
        "input": [
            {"role": "developer", "content": "in metric"},
            {"role": "user", "content": "weather?"},
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "two places"}],
             "encrypted_content": "alfred.seal.SIG=="},
            {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "alfred.hidden.DATA"},
            {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
             "content": [{"type": "output_text", "text": "Looking.", "annotations": [], "logprobs": []}]},
            {"type": "function_call", "id": "fc_1", "call_id": "a", "name": "w", "arguments": "{\"p\":1}", "status": "completed"},
            {"type": "function_call", "id": "fc_2", "call_id": "b", "name": "w", "arguments": ""},
            {"type": "function_call_output", "call_id": "a", "output": "sun"},
            {"type": "function_call_output", "call_id": "b", "output": [{"type": "input_text", "text": "rain"},
                {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"}]},
        ],
        "tools": [{"type": "function", "name": "w", "description": "d", "parameters": {"type": "object"}, "strict": true}],
        "tool_choice": {"type": "function", "name": "w"},
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": true}},
    });
    let (chat, _) = said(OpenAiChat, &body).unwrap();
    judge(OpenAiChat, &chat).unwrap();
    let roles: Vec<&str> = chat["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["role"].as_str().unwrap())
        .collect();
    assert_eq!(
        roles,
        [
            "system",
            "system",
            "user",
            "assistant",
            "tool",
            "tool",
            "user"
        ]
    );
    assert_eq!(
        chat["messages"][3]["tool_calls"][1]["function"]["arguments"],
        "{}"
    );
    assert_eq!(chat["messages"][3]["reasoning_content"], "two places");
    assert_eq!(
        chat["messages"][6]["content"][0]["image_url"]["url"],
        "data:image/png;base64,AAAA"
    );
    assert_eq!(chat["max_completion_tokens"], 99);
    assert_eq!(chat["reasoning_effort"], "low");
    assert_eq!(chat["response_format"]["json_schema"]["name"], "n");
    assert_eq!(
        chat["tool_choice"],
        json!({"type": "function", "function": {"name": "w"}})
    );
    assert_eq!(chat["parallel_tool_calls"], false);

    let (claude, named) = said(AnthropicMessages, &body).unwrap();
    judge(AnthropicMessages, &claude).unwrap();
    let blocks = &claude["messages"][1]["content"];
    assert_eq!(
        blocks[0],
        json!({"type": "thinking", "thinking": "two places", "signature": "SIG=="})
    );
    assert_eq!(
        blocks[1],
        json!({"type": "redacted_thinking", "data": "DATA"})
    );
    assert_eq!(
        claude["messages"][2]["content"][1]["content"][1]["source"]["data"],
        "AAAA"
    );
    assert_eq!(claude["max_tokens"], 99);
    assert_eq!(claude["output_config"]["format"]["type"], "json_schema");
    assert!(named.contains(&"text.format.name".to_owned()), "{named:?}");
}

#[test]
fn allowed_tools_are_the_only_ones_that_are_sent() {
    let tool =
        |name: &str| json!({"type": "function", "name": name, "parameters": {"type": "object"}});
    let body = asking(&json!({
        "tools": [tool("a"), tool("b")],
        "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "b"}]},
    }));
    let (chat, _) = said(OpenAiChat, &body).unwrap();
    assert_eq!(chat["tools"].as_array().unwrap().len(), 1);
    assert_eq!(chat["tools"][0]["function"]["name"], "b");
    assert_eq!(chat["tool_choice"], "required");
}

#[test]
fn what_cannot_be_said_is_refused_with_its_name() {
    for (members, param) in [
        (
            json!({"previous_response_id": "resp_1"}),
            "previous_response_id",
        ),
        (json!({"conversation": "conv_1"}), "conversation"),
        (json!({"prompt": {"id": "pmpt_1"}}), "prompt"),
        (json!({"background": true}), "background"),
        (json!({"truncation": "auto"}), "truncation"),
        (
            json!({"context_management": [{"type": "compaction"}]}),
            "context_management",
        ),
        (
            json!({"reasoning": {"context": "current_turn"}}),
            "reasoning.context",
        ),
        (json!({"tools": [{"type": "web_search"}]}), "tools[0].type"),
        (
            json!({"tools": [{"type": "custom", "name": "x"}]}),
            "tools[0].type",
        ),
        (
            json!({"tool_choice": {"type": "file_search"}}),
            "tool_choice",
        ),
        (
            json!({"text": {"format": {"type": "grammar"}}}),
            "text.format",
        ),
        (
            json!({"input": [{"type": "item_reference", "id": "i"}]}),
            "input[0].id",
        ),
        (json!({"input": [{"id": "i"}]}), "input[0].id"),
        (
            json!({"input": [{"type": "web_search_call", "id": "i"}]}),
            "input[0].type",
        ),
        (
            json!({"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]}),
            "input[0].call_id",
        ),
        (
            json!({"input": [{"type": "function_call", "call_id": "c", "arguments": "{}"}]}),
            "input[0].type",
        ),
        (
            json!({"input": [{"role": "user", "content": [{"type": "input_video"}]}]}),
            "input[0].content",
        ),
        (json!({"input": []}), "input"),
    ] {
        for to in [OpenAiChat, AnthropicMessages] {
            assert_eq!(refused(to, &asking(&members)), param, "{members}");
        }
    }
}

#[test]
fn what_wishes_for_nothing_is_accepted() {
    let body = asking(&json!({
        "background": false, "truncation": "disabled", "store": true, "previous_response_id": null,
        "metadata": {"k": "v"}, "max_tool_calls": 3, "stream_options": {"include_obfuscation": false},
        "top_logprobs": 0, "text": {"format": {"type": "text"}}, "include": [], "service_tier": "auto",
        "parallel_tool_calls": true, "user": "u", "reasoning": {"context": "all_turns"},
    }));
    for to in [OpenAiChat, AnthropicMessages] {
        let (_, named) = said(to, &body).unwrap();
        for name in ["metadata", "store", "max_tool_calls", "stream_options"] {
            assert!(named.contains(&name.to_owned()), "{name} in {named:?}");
        }
    }
    let logprobs = asking(&json!({"top_logprobs": 2}));
    let (chat, _) = said(OpenAiChat, &logprobs).unwrap();
    assert_eq!(
        (&chat["logprobs"], &chat["top_logprobs"]),
        (&json!(true), &json!(2))
    );
}

#[test]
fn the_frame_of_a_request_is_checked_before_anybody_is_asked() {
    let read = |body: &str| Prompt::read(Surface::Responses, Bytes::from(body.to_owned()));
    for (body, param) in [
        (r#"{"input":"x"}"#, "model"),
        (r#"{"model":"m"}"#, "input"),
        (r#"{"model":"m","input":3}"#, "input"),
        (r#"{"model":"m","input":["x"]}"#, "input[0]"),
        (
            r#"{"model":"m","input":"x","max_output_tokens":0}"#,
            "max_output_tokens",
        ),
        (r#"{"model":"m","input":"x","stream":"yes"}"#, "stream"),
    ] {
        assert_eq!(
            read(body).unwrap_err().param.as_deref(),
            Some(param),
            "{body}"
        );
    }
    let kept = read(
        r#"{"model":"m","previous_response_id":"resp_1","max_output_tokens":5,"stream":true}"#,
    )
    .unwrap();
    assert_eq!(
        (kept.max_output(), kept.stream(), kept.wants_usage()),
        (Some(5), true, true)
    );
}

/// Any JSON value, with the words of this dialect in likely places.
fn any_value() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "message",
        "function_call",
        "function_call_output",
        "reasoning",
        "item_reference",
        "user",
        "assistant",
        "input_text",
        "output_text",
        "input_image",
        "input_file",
        "summary_text",
        "data:image/png;base64,AA",
        "alfred.seal.x",
        "alfred.hidden.y",
        "",
        "c",
        "{}",
        "\u{d7ff}\"\\",
    ]);
    let key = prop::sample::select(vec![
        "type",
        "role",
        "content",
        "text",
        "call_id",
        "id",
        "name",
        "arguments",
        "output",
        "summary",
        "encrypted_content",
        "image_url",
        "file_data",
        "filename",
        "x",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        word.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..6).prop_map(|members| {
                members
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value))
                    .collect::<Value>()
            }),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_an_input_holds_it_is_said_in_the_grammar_or_refused_by_name(
        items in prop::collection::vec(any_value(), 1..6), tools in any_value(), choice in any_value(),
    ) {
        let body = json!({"model": "m", "input": items, "tools": tools, "tool_choice": choice});
        let Ok(prompt) = Prompt::read(Surface::Responses, Bytes::from(body.to_string())) else {
            return Ok(());
        };
        prompt.visit_texts(&mut |_| {});
        for to in [OpenAiChat, AnthropicMessages] {
            match prompt.translate(to, &plainly()) {
                Ok(said) => prop_assert!(serde_json::from_slice::<Value>(&said.body).is_ok()),
                Err(error) => prop_assert!(error.param.is_some(), "{}", error.message),
            }
        }
    }
}
