//! What the tests of Responses share: the grammar's checker on a whole stream, a
//! simple client, and what an answer says whatever dialect it is in.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail, and not every test uses all of it"
)]

use alfred_filters::conform::responses::Checker;
use serde_json::{Value, json};

use crate::messages::{Substance, arguments};

/// Name and payload of every event of a stream, as the simplest of clients reads them.
pub(crate) fn events(stream: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8(stream.to_vec()).expect("streams are UTF-8");
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let part = |event: &str, field: &str| {
        let lines = event.lines().filter_map(|line| line.strip_prefix(field));
        lines.map(str::trim).collect::<Vec<_>>().join("\n")
    };
    text.split("\n\n")
        .map(|event| (part(event, "event:"), part(event, "data:")))
        .filter(|(_, data)| !data.is_empty())
        .collect()
}

/// Everything that is wrong with a stream.
pub(crate) fn violations(stream: &[u8]) -> Vec<String> {
    let mut checker = Checker::new();
    let mut all = Vec::new();
    for (name, payload) in events(stream) {
        all.extend(checker.event(&name, &payload));
    }
    all.extend(checker.finish());
    all.iter().map(ToString::to_string).collect()
}

/// The payloads of a stream.
pub(crate) fn values(stream: &[u8]) -> Vec<Value> {
    let all = events(stream).into_iter();
    all.map(|(_, data)| serde_json::from_str(&data).expect("payloads are JSON"))
        .collect()
}

/// The Response of the last event.
pub(crate) fn last(stream: &[u8]) -> Value {
    let last = values(stream).pop().unwrap_or_default();
    last["response"].clone()
}

/// What a Response says.
pub(crate) fn of_response(response: &Value) -> Substance {
    let mut all = Substance::default();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    for item in list(&response["output"]) {
        match item["type"].as_str().unwrap() {
            "message" => {
                for part in list(&item["content"]) {
                    let text = part["text"].as_str().or(part["refusal"].as_str());
                    all.text += text.expect("parts have texts");
                }
            }
            "reasoning" => {
                for part in list(&item["summary"]) {
                    all.thinking += part["text"].as_str().unwrap();
                }
                let sealed = item["encrypted_content"].as_str().unwrap_or("");
                if let Some(data) = sealed.strip_prefix("alfred.hidden.") {
                    all.hidden.push(data.to_owned());
                } else if let Some(seal) = sealed.strip_prefix("alfred.seal.") {
                    all.seals.push(seal.to_owned());
                } else {
                    assert_eq!(sealed, "", "seals are marked");
                }
            }
            "function_call" => {
                let name = item["name"].as_str().unwrap().to_owned();
                let said = match item["arguments"].as_str().unwrap() {
                    "" => json!({}),
                    json => arguments(json),
                };
                all.calls.push((name, said));
            }
            other => panic!("no item {other}"),
        }
    }
    all.blocks = list(&response["native_content"]);
    all.citations = list(&response["native_citations"]);
    all
}

/// Input, cached, written, output.
pub(crate) fn figures(usage: &Value) -> [u64; 4] {
    let input = &usage["input_tokens_details"];
    [
        &usage["input_tokens"],
        &input["cached_tokens"],
        &input["cache_write_tokens"],
        &usage["output_tokens"],
    ]
    .map(|count| count.as_u64().unwrap_or(0))
}
