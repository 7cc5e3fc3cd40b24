//! The veil over every recorded answer: nothing changes where nothing is found,
//! and where much is found every text says what it says masked as a whole.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]
#![allow(dead_code, reason = "each test binary uses its own part of it")]

mod answers;
#[path = "guard/toys.rs"]
mod toys;
#[path = "guard/veiling.rs"]
mod veiling;

use std::sync::Arc;

use alfred_filters::answer::Fidelity;
use alfred_filters::dialect::Dialect;
use alfred_filters::guard::action::Action;
use alfred_filters::guard::policy::{Policy, Scan, Select, Spec};
use alfred_filters::guard::report::Report;
use alfred_filters::guard::screen::{Desk, Form, Task};
use alfred_filters::guard::vault::Vault;
use alfred_filters::guard::veil::veil_body;
use alfred_filters::guard::{Confidence, Finding, Kind, Window};
use alfred_filters::prompt::Surface;
use answers::{PROVIDERS, Recording, payloads, recordings, run};
use bytes::Bytes;
use serde_json::Value;
use toys::{KEY, policy, told};
use veiling::{CLIENTS, grammar, is_json, one, plan, texts};

fn idle() -> Policy {
    Policy::new(Spec::default()).unwrap()
}

fn streams() -> Vec<(Dialect, Recording)> {
    let mut all = Vec::new();
    for (from, surface, providers) in [
        (Dialect::OpenAiChat, "chat_completions", &PROVIDERS[..]),
        (Dialect::AnthropicMessages, "messages", &["anthropic"]),
        (Dialect::OpenAiResponses, "responses", &["openai", "azure"]),
    ] {
        let found = recordings(surface, providers).into_iter();
        let found = found.filter(|recording| recording.status == 200 && recording.stream);
        all.extend(found.map(|recording| (from, recording)));
    }
    all
}

/// Every recorded stream as Alfred says it to every client.
fn sent(mut f: impl FnMut(&str, Surface, &[u8])) {
    for (from, recording) in streams() {
        for client in CLIENTS {
            if from == Dialect::OpenAiResponses && client.0 != from {
                continue;
            }
            for fidelity in [Fidelity::Lens, Fidelity::Canonical] {
                if from == Dialect::OpenAiResponses && fidelity == Fidelity::Canonical {
                    continue;
                }
                let (out, _, _) = run(plan(from, client, fidelity), &recording.body, &[]);
                let name = format!("{} {:?} {fidelity:?}", recording.name, client.0);
                f(&name, client.1, &out);
            }
        }
    }
}

/// The payloads of a stream without what pieces of texts say, their figures and
/// their numbers; those that say nothing else are left out.
fn others(stream: &[u8]) -> Vec<String> {
    let blank = |mut value: Value| {
        let root = value.as_object_mut()?;
        if root.get("delta").is_some_and(|delta| delta.is_string()) {
            return None;
        }
        root.remove("sequence_number");
        if root.get("type") == Some(&"content_block_delta".into()) {
            let kind = root["delta"]["type"].as_str()?;
            return kind.starts_with("citation").then(|| value.to_string());
        }
        for choice in value["choices"].as_array_mut().into_iter().flatten() {
            let choice = choice.as_object_mut()?;
            choice.remove("logprobs");
            if choice.get("finish_reason").is_none_or(Value::is_null) {
                return None;
            }
        }
        (value.pointer("/choices/0/delta/content").is_none()
            && value.pointer("/choices/0/delta/tool_calls").is_none())
        .then(|| value.to_string())
    };
    payloads(stream)
        .iter()
        .filter_map(|data| serde_json::from_str(data).ok().and_then(blank))
        .collect()
}

/// Decides everything at once and finds nothing.
struct Blind;

impl Scan for Blind {
    fn scan(&self, window: Window<'_>, _: &mut Vec<Finding>) -> usize {
        window.text.len()
    }
}

fn blind() -> Policy {
    Policy::new(Spec {
        scanners: vec![Arc::new(Blind)],
        ..Spec::default()
    })
    .unwrap()
}

/// Finds every word with an `e` in it: the recorded streams are full of them.
fn wordy() -> Policy {
    let words = toys::Tokens {
        kind: Kind::Own(0),
        rule: "wordy",
        confidence: Confidence::HIGH,
        part: |token| token.contains('e').then_some(0..token.len()),
    };
    Policy::new(Spec {
        scanners: vec![Arc::new(words)],
        actions: vec![(Select::All, Action::Redact, Confidence::LOW)],
        ..Spec::default()
    })
    .unwrap()
}

#[test]
fn a_recorded_stream_passes_byte_by_byte_when_nobody_looks_for_anything() {
    let policy = idle();
    let mut count = 0;
    sent(|name, surface, out| {
        let veiled = one(&policy, surface, out);
        assert_eq!(veiled.end, Ok(()), "{name}");
        assert_eq!(
            String::from_utf8_lossy(&veiled.out),
            String::from_utf8_lossy(out),
            "{name}"
        );
        count += 1;
    });
    println!("{count} streams");
}

#[test]
fn a_recorded_stream_passes_byte_by_byte_when_nothing_is_found_nor_held() {
    let policy = blind();
    let (mut same, mut all) = (0, 0);
    sent(|name, surface, out| {
        let veiled = one(&policy, surface, out);
        all += 1;
        same += usize::from(veiled.out == out);
        // A beginning of a placeholder and some JSON wait for what follows: their
        // pieces are cut elsewhere, and every other byte is the same.
        assert_eq!(texts(&veiled.out), texts(out), "{name}");
        assert_eq!(others(&veiled.out), others(out), "{name}");
    });
    println!("{same} of {all} streams are the same");
    assert!(same * 2 > all || all == 0);
}

#[test]
fn a_recorded_stream_says_the_same_when_nothing_is_found() {
    let policy = policy(Action::Mask);
    let (mut clean, mut all, mut conforming) = (0, 0, 0);
    sent(|name, surface, out| {
        let veiled = one(&policy, surface, out);
        all += 1;
        let before = grammar(surface).check(out);
        let new = grammar(surface).check(&veiled.out);
        // What a provider does wrong in every chunk, one more chunk does too.
        let new: Vec<_> = new
            .iter()
            .filter(|new| before.iter().all(|old| old.rule != new.rule))
            .collect();
        assert!(new.is_empty(), "{name}: {new:?}");
        conforming += usize::from(before.is_empty());
        if veiled.report.is_empty() {
            assert_eq!(texts(&veiled.out), texts(out), "{name}");
            clean += 1;
        }
    });
    println!("{clean} of {all} streams without findings, {conforming} without a violation");
    assert!(clean * 2 > all || all == 0);
}

#[test]
fn a_recorded_body_passes_byte_by_byte_when_nothing_is_found() {
    let policy = blind();
    for (row, surface, providers) in [
        ("chat_completions", Surface::Chat, &PROVIDERS[..]),
        ("completions", Surface::Completions, &["openai"]),
        ("messages", Surface::Messages, &["anthropic"]),
        ("responses", Surface::Responses, &["openai", "azure"]),
    ] {
        for recording in recordings(row, providers).iter().filter(|r| !r.stream) {
            let (mut vault, mut report) = (Vault::new(KEY), Report::default());
            let mut desk = Desk {
                policy: &policy,
                vault: &mut vault,
                report: &mut report,
            };
            let body = Bytes::copy_from_slice(&recording.body);
            let out = veil_body(surface, &mut desk, body.clone()).unwrap();
            assert!(out == body, "{}", recording.name);
        }
    }
}

#[test]
fn a_recorded_stream_full_of_findings_says_what_its_masked_texts_say() {
    let policy = wordy();
    let (mut same, mut found) = (0, 0);
    sent(|name, surface, out| {
        let veiled = one(&policy, surface, out);
        found += usize::from(!veiled.report.is_empty());
        let new = grammar(surface).check(&veiled.out);
        let before = grammar(surface).check(out);
        let new: Vec<_> = new
            .iter()
            .filter(|new| before.iter().all(|old| old.rule != new.rule))
            .collect();
        assert!(new.is_empty(), "{name}: {new:?}");
        let heard = texts(&veiled.out);
        for (place, text) in texts(out) {
            let form = if is_json(&place) {
                Form::Json
            } else {
                Form::Text
            };
            let how = (form, Task::Answer);
            let wanted = told(&policy, &mut Vault::new(KEY), how, &[&text]).text;
            let shown = heard.get(&place).map_or("", |text| text);
            assert_eq!(shown, wanted, "{name} {place}");
            same += 1;
        }
    });
    println!("{same} texts are the same, in {found} streams with findings");
}
