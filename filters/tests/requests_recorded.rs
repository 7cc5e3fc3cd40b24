//! The request lens over every recorded request of both dialects: what is not
//! patched must come out byte for byte, and every string must be seen.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

use std::path::{Path, PathBuf};

use alfred_filters::dialect::Dialect;
use alfred_filters::error::ProviderError;
use alfred_filters::prompt::{Prompt, RequestPatch, Surface};
use bytes::Bytes;
use serde_json::Value;

/// The shared folder of recordings, or nothing if its absence was allowed.
fn shared() -> Option<PathBuf> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let folder = std::env::var_os("ALFRED_SHARED")
        .map_or_else(default, PathBuf::from)
        .join("fixtures");
    if folder.join("index.jsonl").exists() {
        return Some(folder);
    }
    eprintln!(
        "NO RECORDINGS at {}: set ALFRED_SHARED; nothing was checked",
        folder.display()
    );
    assert_eq!(
        std::env::var("ALFRED_SHARED_OPTIONAL").as_deref(),
        Ok("1"),
        "the recordings are missing"
    );
    None
}

struct Recording {
    row: Value,
    surface: Surface,
    request: Bytes,
    response: Vec<u8>,
}

impl Recording {
    fn text(&self, key: &str) -> &str {
        self.row[key].as_str().unwrap_or_default()
    }
}

/// Every recorded exchange of these surfaces that has a request.
fn recordings() -> Vec<Recording> {
    let Some(folder) = shared() else {
        return Vec::new();
    };
    let index = std::fs::read_to_string(folder.join("index.jsonl")).unwrap();
    let mut all = Vec::new();
    for line in index.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let surface = match row["surface"].as_str() {
            Some("chat_completions") => Surface::Chat,
            Some("embeddings") => Surface::Embeddings,
            Some("completions") => Surface::Completions,
            Some("messages") => Surface::Messages,
            Some("count_tokens") if row["provider"] == "anthropic" => Surface::CountTokens,
            _ => continue,
        };
        let Some(request) = row["request"].as_str() else {
            continue;
        };
        let request = Bytes::from(std::fs::read(folder.join(request)).unwrap());
        let response = std::fs::read(folder.join(row["response"].as_str().unwrap())).unwrap();
        all.push(Recording {
            row,
            surface,
            request,
            response,
        });
    }
    assert!(all.len() > 300, "only {} recordings found", all.len());
    all
}

/// Azure's classic path names the deployment in the URL; Cohere and Gemini have
/// embeddings grammars of their own. None of them is this dialect.
fn is_dialect(recording: &Recording) -> bool {
    let body: Value = serde_json::from_slice(&recording.request).unwrap();
    let subject = match recording.surface {
        Surface::Chat | Surface::Messages | Surface::CountTokens => "messages",
        Surface::Embeddings | Surface::Responses => "input",
        Surface::Completions => "prompt",
    };
    body.get("model").is_some_and(|model| model != "") && body.get(subject).is_some()
}

fn is_anthropic(recording: &Recording) -> bool {
    recording.surface.dialect() == Dialect::AnthropicMessages
}

/// Every recording with its prompt, where there is one.
fn prompts() -> Vec<(Recording, Prompt)> {
    let read = |recording: Recording| {
        let prompt = Prompt::read(recording.surface, recording.request.clone()).ok()?;
        Some((recording, prompt))
    };
    recordings().into_iter().filter_map(read).collect()
}

#[test]
fn every_recorded_request_is_read_and_what_it_says_is_found() {
    for recording in recordings() {
        let id = recording.text("id");
        let read = Prompt::read(recording.surface, recording.request.clone());
        if !is_dialect(&recording) {
            assert!(read.is_err(), "{id}");
            continue;
        }
        let refused = recording.row["status"].as_u64() >= Some(400);
        let prompt = match read {
            Ok(prompt) => prompt,
            Err(_) if refused => continue,
            Err(error) => panic!("{id}: {error}"),
        };
        let body: Value = serde_json::from_slice(&recording.request).unwrap();
        assert_eq!(prompt.model(), body["model"], "{id}");
        assert_eq!(prompt.stream(), body["stream"] == true, "{id}");
        assert_eq!(
            prompt.wants_usage(),
            is_anthropic(&recording) || body["stream_options"]["include_usage"] == true,
            "{id}"
        );
        let limit = body["max_completion_tokens"]
            .as_u64()
            .or(body["max_tokens"].as_u64());
        assert_eq!(prompt.max_output(), limit, "{id}");
        assert_eq!(prompt.len(), recording.request.len(), "{id}");
    }
}

#[test]
fn a_recorded_request_with_nothing_to_change_is_the_same_buffer() {
    for (recording, prompt) in prompts() {
        let body = prompt.render(&RequestPatch {
            model: prompt.model(),
            ..RequestPatch::default()
        });
        assert_eq!(
            body.as_ptr(),
            recording.request.as_ptr(),
            "{}",
            recording.text("id")
        );
    }
}

#[test]
fn a_patched_request_differs_in_the_patch_alone() {
    for (recording, prompt) in prompts() {
        let id = recording.text("id");
        let patch = RequestPatch {
            model: "other/model",
            ask_usage: true,
            set: &[("seed", "7")],
            remove: &["temperature", "absent"],
            rename: &[("max_tokens", "max_completion_tokens")],
            ..RequestPatch::default()
        };
        let rendered = prompt.render(&patch);

        let mut expected: Value = serde_json::from_slice(&recording.request).unwrap();
        let members = expected.as_object_mut().unwrap();
        members["model"] = "other/model".into();
        members.insert("seed".to_owned(), 7.into());
        members.shift_remove("temperature");
        if let Some(limit) = members.shift_remove("max_tokens") {
            members.entry("max_completion_tokens").or_insert(limit);
        }
        if prompt.stream() && !is_anthropic(&recording) {
            let options = members
                .entry("stream_options")
                .or_insert_with(|| Value::Object(Default::default()));
            options["include_usage"] = true.into();
        }
        assert_eq!(
            serde_json::from_slice::<Value>(&rendered).unwrap(),
            expected,
            "{id}"
        );

        // Outside the patch the bytes are the client's: every other member stands
        // in the body exactly as it stood.
        for (name, raw) in prompt.members() {
            if [
                "model",
                "seed",
                "stream_options",
                "temperature",
                "max_tokens",
            ]
            .contains(&&*name)
            {
                continue;
            }
            let rendered = std::str::from_utf8(&rendered).unwrap();
            assert!(rendered.contains(raw), "{id}: {name}");
        }
    }
}

#[test]
fn every_string_of_a_recorded_request_is_seen_or_a_known_machine_word() {
    const WORDS: [&str; 21] = [
        "model",
        "role",
        "type",
        "id",
        "tool_call_id",
        "data",
        "file_data",
        "format",
        "detail",
        "url",
        "document_url",
        "image_url",
        "$schema",
        "$ref",
        "media_type",
        "tool_use_id",
        "file_id",
        "signature",
        "ttl",
        "encrypted_content",
        "encrypted_index",
    ];
    fn strings(value: &Value, path: &str, key: &str, all: &mut Vec<(String, String, String)>) {
        match value {
            Value::String(text) => all.push((path.to_owned(), key.to_owned(), text.clone())),
            Value::Array(items) => {
                items
                    .iter()
                    .enumerate()
                    .for_each(|(i, item)| strings(item, &format!("{path}/{i}"), key, all));
            }
            Value::Object(members) => {
                for (key, value) in members {
                    let step = key.replace('~', "~0").replace('/', "~1");
                    strings(value, &format!("{path}/{step}"), key, all);
                }
            }
            _ => {}
        }
    }
    for (recording, prompt) in prompts() {
        let mut seen = std::collections::HashMap::new();
        prompt.visit_texts(&mut |text| {
            seen.insert(text.path.to_string(), text.text.into_owned());
        });
        let body: Value = serde_json::from_slice(&recording.request).unwrap();
        let mut all = Vec::new();
        strings(&body, "", "", &mut all);
        for (path, key, text) in all {
            match seen.get(&path) {
                Some(shown) => assert_eq!(*shown, text, "{} {path}", recording.text("id")),
                None => assert!(
                    WORDS.contains(&&*key),
                    "{} {path} was not seen",
                    recording.text("id")
                ),
            }
        }
    }
}

#[test]
fn masking_every_recorded_message_and_putting_it_back_restores_the_body() {
    for (recording, mut prompt) in prompts() {
        let id = recording.text("id");
        let mut kept = Vec::new();
        let masked = prompt.rewrite_texts(&mut |text| {
            let mask = format!("<{}>", kept.len());
            kept.push(text.text.into_owned());
            Some(mask)
        });
        assert_eq!(masked, kept.len(), "{id}");
        let restored = prompt.rewrite_texts(&mut |text| {
            let at: usize = text.text.trim_matches(['<', '>']).parse().unwrap();
            Some(kept[at].clone())
        });
        assert_eq!(restored, masked, "{id}");
        let before: Value = serde_json::from_slice(&recording.request).unwrap();
        let after: Value = serde_json::from_slice(prompt.body()).unwrap();
        assert_eq!(before, after, "{id}");
    }
}

/// Prompt tokens as the provider counted them, from a body or a stream.
fn counted(recording: &Recording) -> Option<u64> {
    let text = String::from_utf8_lossy(&recording.response);
    let mut found = None;
    for line in text
        .lines()
        .map(|line| line.trim_start_matches("data:"))
        .chain([&*text])
    {
        if let Ok(value) = serde_json::from_str::<Value>(line) {
            let usage = &value["usage"];
            let cached = ["cache_read_input_tokens", "cache_creation_input_tokens"]
                .map(|name| usage[name].as_u64().unwrap_or(0));
            let anthropic = usage["input_tokens"]
                .as_u64()
                .map(|tokens| tokens + cached.iter().sum::<u64>());
            let counted = usage["prompt_tokens"].as_u64().or(anthropic);
            found = counted.or(value["input_tokens"].as_u64()).or(found);
        }
    }
    found.filter(|&tokens| tokens >= 20)
}

/// The estimate reserves rates and holds money. Providers count templates and
/// tool prompts that nobody sees, so single cases may be far off.
#[test]
fn the_estimate_is_near_what_providers_counted() {
    let mut percents = Vec::new();
    for (recording, prompt) in prompts() {
        let request = String::from_utf8_lossy(&recording.request);
        let hidden = ["_url\"", "\"input_audio\"", "\"file\"", "web_search"];
        let plain = !hidden.iter().any(|part| request.contains(part));
        if let Some(tokens) = counted(&recording).filter(|_| plain) {
            percents.push(prompt.estimate_input_tokens() * 100 / tokens);
        }
    }
    percents.sort_unstable();
    let share = |part: usize| percents.get(percents.len() * part / 100).copied();
    let Some((low, median, high)) = share(20)
        .zip(share(50))
        .zip(share(90))
        .map(|((a, b), c)| (a, b, c))
    else {
        return;
    };
    println!(
        "{} cases, percent of the provider's count: {low} {median} {high}",
        percents.len()
    );
    assert!(low >= 40 && (85..=125).contains(&median) && high <= 220);
}

#[test]
fn every_recorded_error_is_read_with_a_message_and_keeps_its_status_family() {
    for recording in recordings() {
        let status = recording.row["status"].as_u64().unwrap() as u16;
        if status < 400 {
            continue;
        }
        let error = ProviderError::read(status, None, None, &recording.response, 0);
        let id = recording.text("id");
        assert!(
            !error.message.contains("without"),
            "{id}: {}",
            error.message
        );
        let expected = if status == 401 || status == 403 {
            502
        } else {
            status
        };
        assert_eq!(
            error.client_status(alfred_filters::dialect::Dialect::OpenAiChat),
            expected,
            "{id}"
        );
        let body: Value = serde_json::from_slice(&error.openai_body()).unwrap();
        for member in ["message", "type", "param", "code"] {
            assert!(body["error"].get(member).is_some(), "{id}: {member}");
        }
    }
}
