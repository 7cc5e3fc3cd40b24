//! What the tests of translation share: a judge of both grammars, and the recorded
//! requests.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail, and not every test uses all of it"
)]

pub(crate) mod requests;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use alfred_filters::dialect::Dialect;
use alfred_filters::prompt::{Prompt, RequestPatch, Surface};
use alfred_filters::translate::Translation;
use bytes::Bytes;
use serde_json::Value;

/// How the tests translate unless they say otherwise.
pub(crate) fn plainly() -> Translation<'static> {
    Translation {
        patch: RequestPatch::default(),
        default_max_output: 4096,
        keep_reasoning: true,
        ..Translation::default()
    }
}

pub(crate) fn other(dialect: Dialect) -> Dialect {
    match dialect {
        Dialect::OpenAiChat => Dialect::AnthropicMessages,
        _ => Dialect::OpenAiChat,
    }
}

/// The shared folder of recordings, or nothing if its absence was allowed.
fn shared() -> Option<PathBuf> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let folder = std::env::var_os("ALFRED_SHARED")
        .map_or_else(default, PathBuf::from)
        .join("fixtures");
    if folder.join("index.jsonl").exists() {
        return Some(folder);
    }
    eprintln!("NO RECORDINGS at {}: set ALFRED_SHARED", folder.display());
    assert_eq!(
        std::env::var("ALFRED_SHARED_OPTIONAL").as_deref(),
        Ok("1"),
        "the recordings are missing"
    );
    None
}

/// Every recorded request of a conversation in one of the two dialects: its id,
/// its status, its prompt.
pub(crate) fn conversations() -> Vec<(String, u64, Prompt)> {
    let all = conversations_of(&[
        ("chat_completions", Surface::Chat),
        ("messages", Surface::Messages),
        ("count_tokens", Surface::CountTokens),
    ]);
    assert!(
        all.is_empty() || all.len() > 300,
        "only {} recordings found",
        all.len()
    );
    all
}

/// The same of those surfaces.
pub(crate) fn conversations_of(surfaces: &[(&str, Surface)]) -> Vec<(String, u64, Prompt)> {
    let Some(folder) = shared() else {
        return Vec::new();
    };
    let index = std::fs::read_to_string(folder.join("index.jsonl")).unwrap();
    let mut all = Vec::new();
    for line in index.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let named = |(name, _): &&(&str, Surface)| row["surface"] == *name;
        let Some((name, surface)) = surfaces.iter().find(named) else {
            continue;
        };
        if *name == "count_tokens" && row["provider"] != "anthropic" {
            continue;
        }
        let Some(request) = row["request"].as_str() else {
            continue;
        };
        let request = Bytes::from(std::fs::read(folder.join(request)).unwrap());
        // Those that are not of the dialect are another test's.
        if let Ok(prompt) = Prompt::read(*surface, request) {
            let id = row["id"].as_str().unwrap().to_owned();
            all.push((id, row["status"].as_u64().unwrap_or(200), prompt));
        }
    }
    all
}

/// Every recorded request of that surface that was answered: its id and its body.
pub(crate) fn requests_of(surface: &str) -> Vec<(String, Value)> {
    let Some(folder) = shared() else {
        return Vec::new();
    };
    let index = std::fs::read_to_string(folder.join("index.jsonl")).unwrap();
    let rows = index
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let wanted = |row: &Value| row["surface"] == surface && row["status"] == 200;
    rows.filter(wanted)
        .filter_map(|row: Value| {
            let body = std::fs::read(folder.join(row["request"].as_str()?)).unwrap();
            let id = row["id"].as_str().unwrap().to_owned();
            Some((id, serde_json::from_slice(&body).unwrap()))
        })
        .collect()
}

/// Judges a body by the grammar of the dialect; says what is wrong.
pub(crate) fn judge(dialect: Dialect, body: &Value) -> Result<(), String> {
    match dialect {
        Dialect::AnthropicMessages => judge_messages(body),
        _ => judge_chat(body),
    }
}

fn demand(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

fn judge_messages(body: &Value) -> Result<(), String> {
    demand(is_text(&body["model"]), || "model".to_owned())?;
    let limit = body["max_tokens"].as_u64().unwrap_or(0);
    demand(limit >= 1, || "max_tokens".to_owned())?;
    if let Some(budget) = body["thinking"]["budget_tokens"].as_u64() {
        demand((1024..limit).contains(&budget), || {
            format!("budget {budget} of {limit}")
        })?;
    }
    if let Some(temperature) = body["temperature"].as_f64() {
        demand((0.0..=1.0).contains(&temperature), || {
            "temperature".to_owned()
        })?;
    }
    let messages = body["messages"].as_array().ok_or("messages")?;
    demand(!messages.is_empty(), || "no messages".to_owned())?;
    let mut open: HashSet<String> = HashSet::new();
    for (index, message) in messages.iter().enumerate() {
        let expected = if index % 2 == 0 { "user" } else { "assistant" };
        demand(message["role"] == expected, || format!("{index}: role"))?;
        let none = Vec::new();
        let blocks = message["content"].as_array().unwrap_or(&none);
        demand(!blocks.is_empty() || is_text(&message["content"]), || {
            format!("{index}: empty content")
        })?;
        let mut other_than_result = false;
        for block in blocks {
            match block["type"].as_str().unwrap_or_default() {
                "tool_result" => {
                    demand(!other_than_result && expected == "user", || {
                        format!("{index}: a result is not at the head")
                    })?;
                    let id = block["tool_use_id"].as_str().unwrap_or_default();
                    demand(open.remove(id), || format!("{index}: {id} answers no call"))?;
                }
                "tool_use" => {
                    let id = block["id"].as_str().unwrap_or_default();
                    let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
                    demand(!id.is_empty() && id.chars().all(plain), || {
                        format!("id {id}")
                    })?;
                    demand(
                        block["input"].is_object() && is_text(&block["name"]),
                        || format!("{index}: a call"),
                    )?;
                    demand(open.insert(id.to_owned()), || {
                        format!("{index}: {id} twice")
                    })?;
                }
                "text" => demand(is_text(&block["text"]), || format!("{index}: empty text"))?,
                "" => return Err(format!("{index}: a block without type")),
                _ => {}
            }
            other_than_result |= block["type"] != "tool_result";
        }
        demand(expected == "assistant" || open.is_empty(), || {
            format!("{index}: calls without results: {open:?}")
        })?;
    }
    for tool in body["tools"].as_array().into_iter().flatten() {
        let function = is_text(&tool["name"]) && tool["input_schema"].is_object();
        demand(function || is_text(&tool["type"]), || "a tool".to_owned())?;
    }
    for foreign in [
        "n",
        "seed",
        "stop",
        "response_format",
        "reasoning_effort",
        "user",
        "store",
    ] {
        demand(body.get(foreign).is_none(), || {
            format!("a foreign member: {foreign}")
        })?;
    }
    Ok(())
}

fn judge_chat(body: &Value) -> Result<(), String> {
    demand(is_text(&body["model"]), || "model".to_owned())?;
    let messages = body["messages"].as_array().ok_or("messages")?;
    demand(!messages.is_empty(), || "no messages".to_owned())?;
    let mut open: HashSet<String> = HashSet::new();
    for (index, message) in messages.iter().enumerate() {
        let role = message["role"].as_str().unwrap_or_default();
        let content = &message["content"];
        if role == "tool" {
            let id = message["tool_call_id"].as_str().unwrap_or_default();
            demand(open.remove(id), || format!("{index}: {id} answers no call"))?;
            demand(content.is_string() || content.is_array(), || {
                format!("{index}: result")
            })?;
            continue;
        }
        demand(open.is_empty(), || {
            format!("{index}: calls without results: {open:?}")
        })?;
        let calls = message["tool_calls"].as_array();
        match role {
            "system" | "user" => demand(content.is_string() || content.is_array(), || {
                format!("{index}: content")
            })?,
            "assistant" => demand(
                !content.is_null() || calls.is_some() || message.get("reasoning_content").is_some(),
                || format!("{index}: says nothing"),
            )?,
            _ => return Err(format!("{index}: role {role}")),
        }
        for call in calls.into_iter().flatten() {
            demand(
                call["type"] == "function" && is_text(&call["function"]["name"]),
                || format!("{index}: a call"),
            )?;
            let arguments = call["function"]["arguments"].as_str().unwrap_or_default();
            demand(serde_json::from_str::<Value>(arguments).is_ok(), || {
                format!("{index}: arguments")
            })?;
            open.insert(call["id"].as_str().unwrap_or_default().to_owned());
        }
        for part in content.as_array().into_iter().flatten() {
            let known = ["text", "image_url", "file", "refusal"];
            let sort = part["type"].as_str().unwrap_or_default();
            demand(known.contains(&sort), || {
                format!("{index}: a part of type {sort}")
            })?;
        }
    }
    for tool in body["tools"].as_array().into_iter().flatten() {
        demand(
            tool["type"] == "function" && is_text(&tool["function"]["name"]),
            || "a tool".to_owned(),
        )?;
    }
    for foreign in [
        "max_tokens",
        "system",
        "stop_sequences",
        "thinking",
        "output_config",
    ] {
        demand(body.get(foreign).is_none(), || {
            format!("a foreign member: {foreign}")
        })?;
    }
    Ok(())
}

/// Whether the field that a refusal names is there, or is missing where it should be.
pub(crate) fn names_a_field_of(body: &Value, param: &str) -> bool {
    let mut here = body;
    for step in param.split(['.', '[', ']']).filter(|step| !step.is_empty()) {
        let next = step.parse::<usize>().ok().and_then(|at| here.get(at));
        match next.or_else(|| here.get(step)) {
            Some(found) => here = found,
            // The last step may be what is missing, the others must be there.
            None => return param.ends_with(step),
        }
    }
    true
}
