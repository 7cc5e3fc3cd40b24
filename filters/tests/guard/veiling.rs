//! What the tests of the veil share: streams as Alfred says them, and clients that
//! put their texts together.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]
#![allow(dead_code, reason = "each test binary uses its own part of it")]

use std::collections::BTreeMap;

use alfred_filters::answer::{Fidelity, StreamPlan};
use alfred_filters::conform::Grammar;
use alfred_filters::dialect::Dialect;
use alfred_filters::guard::policy::Policy;
use alfred_filters::guard::report::Report;
use alfred_filters::guard::screen::{Blocked, Desk};
use alfred_filters::guard::vault::Vault;
use alfred_filters::guard::veil::VeilStream;
use alfred_filters::prompt::Surface;
use bytes::BytesMut;
use serde_json::Value;

use crate::answers::{self, payloads, run};
use crate::toys::KEY;

/// The grammars of clients.
pub(crate) const CLIENTS: [(Dialect, Surface); 3] = [
    (Dialect::OpenAiChat, Surface::Chat),
    (Dialect::AnthropicMessages, Surface::Messages),
    (Dialect::OpenAiResponses, Surface::Responses),
];

pub(crate) const SAID: &str = "say ann@x.org or 4111111111111111 – über";

pub(crate) fn plan(
    from: Dialect,
    (to, surface): (Dialect, Surface),
    fidelity: Fidelity,
) -> StreamPlan {
    StreamPlan {
        from,
        to,
        surface,
        fidelity,
        ..answers::plan(fidelity, true)
    }
}

pub(crate) fn grammar(surface: Surface) -> Grammar {
    match surface {
        Surface::Messages => Grammar::Messages,
        Surface::Responses => Grammar::Responses,
        _ => Grammar::Chat { usage: true },
    }
}

/// What came of a stream.
pub(crate) struct Veiled {
    pub(crate) out: Vec<u8>,
    pub(crate) report: Report,
    pub(crate) end: Result<(), Blocked>,
}

/// Feeds pieces of a stream to a veil, and finishes it.
pub(crate) fn veiled(
    policy: &Policy,
    vault: &mut Vault,
    surface: Surface,
    pieces: &[&[u8]],
) -> Veiled {
    let mut report = Report::default();
    let mut desk = Desk {
        policy,
        vault,
        report: &mut report,
    };
    let (mut veil, mut out) = (VeilStream::new(surface), BytesMut::new());
    let mut end = Ok(());
    for piece in pieces {
        let length = out.len();
        let again = veil.feed(&mut desk, piece, &mut out);
        assert!(
            end.is_ok() || out.len() == length,
            "a blocked stream goes on"
        );
        end = end.and(again);
    }
    let length = out.len();
    let last = veil.finish(&mut desk, &mut out);
    assert!(
        end.is_ok() || out.len() == length,
        "a blocked stream goes on"
    );
    Veiled {
        out: out.to_vec(),
        report,
        end: end.and(last),
    }
}

pub(crate) fn one(policy: &Policy, surface: Surface, stream: &[u8]) -> Veiled {
    veiled(policy, &mut Vault::new(KEY), surface, &[stream])
}

/// Every text that a client puts together, by where it stands.
pub(crate) fn texts(stream: &[u8]) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::<String, String>::new();
    for data in payloads(stream) {
        let Ok(value) = serde_json::from_str::<Value>(&data) else {
            continue;
        };
        let mut add = |key: String, text: &Value| {
            if let Some(text) = text.as_str() {
                texts.entry(key).or_default().push_str(text);
            }
        };
        for choice in value["choices"].as_array().into_iter().flatten() {
            let index = &choice["index"];
            add(format!("{index} text"), &choice["text"]);
            let delta = &choice["delta"];
            for name in ["content", "refusal", "reasoning_content", "reasoning"] {
                add(format!("{index} {name}"), &delta[name]);
            }
            for detail in delta["reasoning_details"].as_array().into_iter().flatten() {
                let part = &detail["index"];
                add(format!("{index} detail {part}"), &detail["text"]);
            }
            for call in delta["tool_calls"].as_array().into_iter().flatten() {
                let part = &call["index"];
                add(
                    format!("{index} call {part}"),
                    &call["function"]["arguments"],
                );
            }
        }
        let kind = value["type"].as_str().unwrap_or_default();
        let place = [
            &value["index"],
            &value["output_index"],
            &value["content_index"],
        ]
        .map(ToString::to_string);
        let place = format!("{kind} {}", place.join(" "));
        add(place.clone(), &value["delta"]);
        add(place.clone(), &value["content_block"]["text"]);
        for name in ["text", "thinking", "partial_json"] {
            add(format!("{place} {name}"), &value["delta"][name]);
        }
    }
    texts.retain(|_, text| !text.is_empty());
    texts
}

/// The one text of a Response that its last event repeats.
pub(crate) fn repeated(stream: &[u8]) -> String {
    let last = payloads(stream).pop().unwrap();
    let last: Value = serde_json::from_str(&last).unwrap();
    let item = &last["response"]["output"][0];
    let text = [
        "/arguments",
        "/content/0/text",
        "/content/0/refusal",
        "/summary/0/text",
    ];
    let mut text = text.iter().filter_map(|path| item.pointer(path)?.as_str());
    text.next().unwrap_or_else(|| panic!("{last}")).to_owned()
}

pub(crate) fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

pub(crate) fn chunk(delta: &str, finish: &str) -> String {
    format!(
        r#"data: {{"id":"c","object":"chat.completion.chunk","created":5,"model":"m","choices":[{{"index":0,"delta":{{{delta}}},"logprobs":null,"finish_reason":{finish}}}]}}"#
    ) + "\n\n"
}

/// A provider's stream that says these deltas.
pub(crate) fn chunks(deltas: &[String], finish: &str) -> String {
    let mut stream = chunk(r#""role":"assistant","content":"""#, "null");
    for delta in deltas {
        stream.push_str(&chunk(delta, "null"));
    }
    stream + &chunk("", finish) + &usage() + "data: [DONE]\n\n"
}

pub(crate) fn usage() -> String {
    let usage = r#"{"prompt_tokens":2,"completion_tokens":1,"total_tokens":3}"#;
    format!(
        r#"data: {{"id":"c","object":"chat.completion.chunk","created":5,"model":"m","choices":[],"usage":{usage}}}"#
    ) + "\n\n"
}

/// The stream as Alfred says it to that client.
pub(crate) fn said(client: (Dialect, Surface), provider: &str) -> Vec<u8> {
    let plan = plan(Dialect::OpenAiChat, client, Fidelity::Canonical);
    run(plan, provider.as_bytes(), &[]).0
}

/// Deltas of every channel, each saying both pieces.
pub(crate) fn channels([a, b]: [&str; 2]) -> Vec<(&'static str, Vec<String>, &'static str)> {
    let plain = |name: &str| {
        vec![
            format!("\"{name}\":{}", quoted(a)),
            format!("\"{name}\":{}", quoted(b)),
        ]
    };
    let head = r#""tool_calls":[{"index":0,"id":"t","type":"function","function":{"name":"f","arguments":"{\"k\":\""}}]"#;
    let piece = |json: &str| {
        format!(
            r#""tool_calls":[{{"index":0,"function":{{"arguments":{}}}}}]"#,
            quoted(json)
        )
    };
    vec![
        ("content", plain("content"), "\"stop\""),
        ("refusal", plain("refusal"), "\"stop\""),
        ("reasoning", plain("reasoning_content"), "\"stop\""),
        (
            "arguments",
            vec![head.to_owned(), piece(a), piece(b), piece("\"}")],
            "\"tool_calls\"",
        ),
    ]
}

pub(crate) fn leaks(stream: &[u8]) -> bool {
    let text = String::from_utf8_lossy(stream);
    ["ann@", "@x.org", "x.org", "41111", "11111"]
        .iter()
        .any(|secret| text.contains(secret))
}

/// Whether a text holds JSON.
pub(crate) fn is_json(place: &str) -> bool {
    ["call", "partial_json", "arguments"]
        .iter()
        .any(|word| place.contains(word))
}
