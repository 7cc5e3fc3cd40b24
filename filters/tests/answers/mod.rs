//! What the tests of answers share: the recorded exchanges, a simple client that
//! knows nothing of the crate, and a validator of OpenAI's schema.
#![allow(dead_code, reason = "each test binary uses its own part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use alfred_filters::answer::{AnswerStream, Ending, Fidelity, StreamPlan};
use alfred_filters::dialect::Dialect;
use alfred_filters::error::ProviderError;
use alfred_filters::prompt::Surface;
use bytes::{Bytes, BytesMut};
use serde_json::Value;

/// The providers that speak this dialect.
pub(crate) const PROVIDERS: [&str; 9] = [
    "openai",
    "azure",
    "groq",
    "mistral",
    "together",
    "huggingface",
    "ollama",
    "bedrock",
    "gemini",
];

/// The value at that path; null where there is none.
pub(crate) fn at<'v>(value: &'v Value, path: &str) -> &'v Value {
    static NOTHING: Value = Value::Null;
    value.pointer(path).unwrap_or(&NOTHING)
}

/// Puts a member there.
pub(crate) fn put(value: &mut Value, path: &str, member: Value) {
    let (place, key) = path.rsplit_once('/').expect("a path");
    value.pointer_mut(place).expect("a place")[key] = member;
}

/// A plan for one choice.
pub(crate) fn plan(fidelity: Fidelity, show_usage: bool) -> StreamPlan {
    StreamPlan {
        from: Dialect::OpenAiChat,
        to: Dialect::OpenAiChat,
        surface: Surface::Chat,
        fidelity,
        show_usage,
        model: "fallback-model".into(),
        id: "chatcmpl-fallback".into(),
        created: 1_700_000_000,
        choices: 1,
        input_estimate: 11,
    }
}

/// Feeds `bytes` in pieces of the given sizes, the last one again and again.
pub(crate) fn run(
    plan: StreamPlan,
    bytes: &[u8],
    pieces: &[usize],
) -> (Vec<u8>, Ending, AnswerStream) {
    let mut stream = AnswerStream::new(plan);
    let mut out = BytesMut::new();
    let bytes = Bytes::copy_from_slice(bytes);
    let mut sizes = pieces
        .iter()
        .copied()
        .chain(std::iter::repeat(*pieces.last().unwrap_or(&bytes.len())));
    let mut at = 0;
    while at < bytes.len() {
        let end = (at + sizes.next().unwrap_or(1).max(1)).min(bytes.len());
        if stream.feed(&bytes.slice(at..end), &mut out).is_err() {
            break;
        }
        at = end;
    }
    let ending = stream.finish(&mut out);
    (out.to_vec(), ending, stream)
}

/// One choice as a simple client puts it together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) reasoning: String,
    pub(crate) refusal: String,
    /// Name and arguments.
    pub(crate) calls: Vec<(String, String)>,
    pub(crate) finish: Option<String>,
}

/// What a simple client makes of a stream: choices by index, usage objects,
/// payloads, and whether `[DONE]` came last.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) said: BTreeMap<u64, Said>,
    pub(crate) usage: Vec<Value>,
    pub(crate) chunks: Vec<Value>,
    pub(crate) done: usize,
}

/// Reads `data:` lines as the simplest of clients would.
pub(crate) fn payloads(stream: &[u8]) -> Vec<String> {
    let text = String::from_utf8(stream.to_vec()).expect("streams are UTF-8");
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let data = |event: &str| {
        let lines = event.lines().filter_map(|line| line.strip_prefix("data:"));
        lines.map(str::trim).collect::<Vec<_>>().join("\n")
    };
    text.split("\n\n")
        .map(data)
        .filter(|data| !data.is_empty())
        .collect()
}

/// Puts a stream together, in whatever provider's spelling.
pub(crate) fn hear(stream: &[u8]) -> Heard {
    let mut heard = Heard::default();
    for data in payloads(stream) {
        if data == "[DONE]" {
            heard.done += 1;
            continue;
        }
        let chunk: Value = serde_json::from_str(&data).expect("payloads are JSON");
        for choice in chunk["choices"].as_array().into_iter().flatten() {
            let said = heard
                .said
                .entry(choice["index"].as_u64().unwrap_or(0))
                .or_default();
            add(said, &choice["delta"], choice);
        }
        if chunk["usage"].is_object() {
            heard.usage.push(chunk["usage"].clone());
        }
        heard.chunks.push(chunk);
    }
    heard
}

/// The finish reason that a strict client must see.
pub(crate) fn canonical_finish(said: &Said) -> Option<&'static str> {
    Some(match said.finish.as_deref()? {
        "tool_calls" => "tool_calls",
        "length" => "length",
        "content_filter" => "content_filter",
        "function_call" => "function_call",
        _ if !said.calls.is_empty() => "tool_calls",
        _ => "stop",
    })
}

/// Adds one delta, or one whole message.
pub(crate) fn add(said: &mut Said, delta: &Value, choice: &Value) {
    match &delta["content"] {
        Value::String(text) => said.text.push_str(text),
        Value::Array(parts) => {
            for part in parts {
                said.text.push_str(part["text"].as_str().unwrap_or(""));
                for thought in part["thinking"].as_array().into_iter().flatten() {
                    said.reasoning
                        .push_str(thought["text"].as_str().unwrap_or(""));
                }
            }
        }
        _ => {}
    }
    let reasoning = delta["reasoning_content"]
        .as_str()
        .or(delta["reasoning"].as_str());
    said.reasoning.push_str(reasoning.unwrap_or(""));
    said.refusal
        .push_str(delta["refusal"].as_str().unwrap_or(""));
    for call in delta["tool_calls"].as_array().into_iter().flatten() {
        let place = call["index"]
            .as_u64()
            .map_or(said.calls.len(), |index| index as usize);
        if said.calls.len() <= place {
            said.calls.resize(place + 1, Default::default());
        }
        said.calls[place]
            .0
            .push_str(call["function"]["name"].as_str().unwrap_or(""));
        said.calls[place]
            .1
            .push_str(call["function"]["arguments"].as_str().unwrap_or(""));
    }
    if let Some(finish) = choice["finish_reason"].as_str() {
        said.finish = Some(finish.to_owned());
    }
}

/// One row of the index of recorded exchanges, with its answer's bytes.
pub(crate) struct Recording {
    pub(crate) provider: String,
    pub(crate) name: String,
    pub(crate) status: u16,
    pub(crate) stream: bool,
    pub(crate) body: Vec<u8>,
}

/// The recorded exchanges of one surface of these providers. They lie outside
/// the repository: without them the tests fail, unless `ALFRED_SHARED_OPTIONAL`
/// is 1.
pub(crate) fn recordings(surface: &str, providers: &[&str]) -> Vec<Recording> {
    let root = std::env::var_os("ALFRED_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        PathBuf::from,
    );
    let fixtures = root.join("fixtures");
    let Ok(index) = std::fs::read_to_string(fixtures.join("index.jsonl")) else {
        eprintln!(
            "!! no recorded exchanges at {}: set ALFRED_SHARED",
            fixtures.display()
        );
        assert_eq!(
            std::env::var("ALFRED_SHARED_OPTIONAL").as_deref(),
            Ok("1"),
            "recordings are missing"
        );
        return Vec::new();
    };
    let rows = index
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("the index is JSON"));
    let wanted = |row: &Value| {
        row["surface"] == surface && providers.contains(&row["provider"].as_str().unwrap_or(""))
    };
    let found: Vec<_> = rows
        .filter(wanted)
        .map(|row| recording(&fixtures, &row))
        .collect();
    assert!(
        !found.is_empty(),
        "no recording of {surface} in {}",
        fixtures.display()
    );
    found
}

fn recording(fixtures: &std::path::Path, row: &Value) -> Recording {
    let name = row["response"]
        .as_str()
        .expect("every row names its answer")
        .to_owned();
    let mut body = std::fs::read(fixtures.join(&name)).expect("every answer is there");
    if row["framing"] == "chunks.ndjson" {
        let text = String::from_utf8(body).expect("chunks are UTF-8");
        body = text
            .lines()
            .filter(|l| !l.is_empty())
            .flat_map(|l| format!("data: {l}\n\n").into_bytes())
            .collect();
    }
    Recording {
        provider: row["provider"].as_str().unwrap_or("").to_owned(),
        name,
        status: row["status"].as_u64().unwrap_or(0) as u16,
        stream: row["stream"] == true,
        body,
    }
}

/// Holds the members that OpenAI's schema requires, and the values it allows.
pub(crate) fn check_chunk(chunk: &Value) -> Result<(), String> {
    check_head(chunk, "chat.completion.chunk")?;
    let choices = chunk["choices"].as_array().ok_or("choices is no list")?;
    if choices.is_empty() && !chunk["usage"].is_object() {
        return Err("no choices and no usage".into());
    }
    if !choices.is_empty() && chunk.get("usage").is_some() {
        return Err("usage beside choices".into());
    }
    for choice in choices {
        check_choice(choice, "delta")?;
        let delta = &choice["delta"];
        for text in [
            "content",
            "refusal",
            "reasoning_content",
            "reasoning",
            "role",
        ] {
            if delta.get(text).is_some_and(|v| !v.is_string()) {
                return Err(format!("delta.{text} is no string"));
            }
        }
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            call["index"].as_u64().ok_or("a tool call without index")?;
            if call.get("type").is_some_and(|t| t != "function") {
                return Err("a tool call of a foreign type".into());
            }
        }
    }
    if chunk["usage"].is_object() {
        check_usage(&chunk["usage"])
    } else {
        Ok(())
    }
}

/// The same for a whole body.
pub(crate) fn check_body(body: &Value) -> Result<(), String> {
    check_head(body, "chat.completion")?;
    check_usage(&body["usage"])?;
    let choices = body["choices"].as_array().ok_or("choices is no list")?;
    for choice in choices {
        check_choice(choice, "message")?;
        choice["finish_reason"].as_str().ok_or("no finish reason")?;
        let message = &choice["message"];
        for text in ["content", "refusal"] {
            let value = message
                .get(text)
                .ok_or(format!("message.{text} is missing"))?;
            if !value.is_string() && !value.is_null() {
                return Err(format!("message.{text} is neither string nor null"));
            }
        }
        if message["role"] != "assistant" {
            return Err("message.role is not assistant".into());
        }
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            let id = call["id"].as_str().is_some_and(|id| !id.is_empty());
            let function =
                call["function"]["name"].is_string() && call["function"]["arguments"].is_string();
            if !id || call["type"] != "function" || !function {
                return Err(format!("an incomplete tool call: {call}"));
            }
        }
    }
    Ok(())
}

fn check_head(value: &Value, object: &str) -> Result<(), String> {
    let filled = |key: &str| value[key].as_str().is_some_and(|text| !text.is_empty());
    if !filled("id") || !filled("model") || value["object"] != object {
        return Err("id, model or object is wrong".into());
    }
    value["created"]
        .as_u64()
        .filter(|&at| at > 0)
        .ok_or("created is no time")?;
    for nullable in ["system_fingerprint", "service_tier"] {
        if value.get(nullable).is_some_and(|v| !v.is_string()) {
            return Err(format!("{nullable} is there and no string"));
        }
    }
    let tiers = ["auto", "default", "flex", "scale", "priority", "fast"];
    if value
        .get("service_tier")
        .is_some_and(|tier| !tiers.contains(&tier.as_str().unwrap_or("")))
    {
        return Err("a foreign service tier".into());
    }
    Ok(())
}

fn check_choice(choice: &Value, inner: &str) -> Result<(), String> {
    choice["index"].as_u64().ok_or("a choice without index")?;
    if !choice[inner].is_object() || choice.get("finish_reason").is_none() {
        return Err(format!("a choice without {inner} or finish_reason"));
    }
    let reasons = [
        "stop",
        "length",
        "tool_calls",
        "content_filter",
        "function_call",
    ];
    if !choice["finish_reason"].is_null()
        && !reasons.contains(&choice["finish_reason"].as_str().unwrap_or(""))
    {
        return Err("a foreign finish reason".into());
    }
    let logprobs = choice.get("logprobs").ok_or("logprobs is missing")?;
    let both = logprobs.get("content").is_some() && logprobs.get("refusal").is_some();
    if !logprobs.is_null() && !both {
        return Err("incomplete logprobs".into());
    }
    Ok(())
}

fn check_usage(usage: &Value) -> Result<(), String> {
    let count = |key: &str| {
        usage[key]
            .as_u64()
            .ok_or(format!("usage.{key} is no count"))
    };
    if count("prompt_tokens")? + count("completion_tokens")? != count("total_tokens")? {
        return Err("usage does not add up".into());
    }
    for details in ["prompt_tokens_details", "completion_tokens_details"] {
        if usage.get(details).is_some_and(|d| !d.is_object()) {
            return Err(format!("usage.{details} is no object"));
        }
    }
    Ok(())
}

/// The error of a failed ending.
pub(crate) fn failure(ending: Ending) -> ProviderError {
    match ending {
        Ending::Failed(error) => error,
        other => panic!("expected a failure, got {other:?}"),
    }
}
