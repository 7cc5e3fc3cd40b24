//! Every recorded conversation, lifted, lowered and said in the other dialect:
//! nothing is lost, nothing is left unnamed, and the grammar holds.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

mod translated;

use alfred_filters::prompt::{Prompt, Surface};
use alfred_filters::text::TextChannel;
use bytes::Bytes;
use serde_json::Value;
use translated::{conversations, judge, names_a_field_of, other, plainly};

#[test]
fn a_recorded_request_is_the_same_after_lifting_and_lowering() {
    for (id, _, prompt) in conversations() {
        let ask = prompt.ask().unwrap_or_else(|error| panic!("{id}: {error}"));
        let body = ask.lower(prompt.surface().dialect());
        let again = Prompt::read(prompt.surface(), Bytes::from(body.clone()))
            .unwrap_or_else(|error| panic!("{id}: {error}"));
        let same = again.ask().unwrap() == ask;
        assert!(same, "{id}:\n{}", String::from_utf8_lossy(&body));
        assert!(serde_json::from_slice::<Value>(&body).is_ok(), "{id}");
    }
}

#[test]
fn a_recorded_request_is_said_in_the_other_dialect_or_refused_by_name() {
    let (mut said, mut refused) = (0, 0);
    for (id, status, prompt) in conversations() {
        let to = other(prompt.surface().dialect());
        let before: Value = serde_json::from_slice(prompt.body()).unwrap();
        match prompt.translate(to, &plainly()) {
            Ok(translated) => {
                said += 1;
                let body: Value = serde_json::from_slice(&translated.body)
                    .unwrap_or_else(|error| panic!("{id}: {error}"));
                // What its own provider refused need not become right.
                if status < 400
                    && let Err(flaw) = judge(to, &body)
                {
                    panic!("{id}: {flaw}\n{body:#}");
                }
                let surface = match prompt.surface() {
                    Surface::Chat => Surface::Messages,
                    _ => Surface::Chat,
                };
                let read = Prompt::read(surface, translated.body);
                assert!(read.is_ok(), "{id}: {read:?}");
            }
            Err(error) => {
                refused += 1;
                let param = error
                    .param
                    .unwrap_or_else(|| panic!("{id}: names no field"));
                assert!(names_a_field_of(&before, &param), "{id}: {param}");
                assert!(!error.message.is_empty() && error.code == "unsupported_parameter");
                println!("{id}: {}", error.message);
            }
        }
    }
    println!("{said} translated, {refused} refused");
    assert!(said == 0 && refused == 0 || said > refused * 3);
}

/// What a dropped name stands for covers these texts.
fn is_named(dropped: &[String], path: &str) -> bool {
    let steps: Vec<&str> = path
        .split('/')
        .filter(|step| !step.is_empty() && step.parse::<usize>().is_err())
        .collect();
    let flat = steps.join(".");
    dropped.iter().any(|name| {
        let name = name.replace("[]", "");
        flat == name || flat.starts_with(&format!("{name}."))
    })
}

#[test]
fn no_text_of_a_recorded_request_is_lost_unnamed() {
    let mut checked = 0;
    for (id, _, prompt) in conversations() {
        let to = other(prompt.surface().dialect());
        let Ok(translated) = prompt.translate(to, &plainly()) else {
            continue;
        };
        let surface = match prompt.surface() {
            Surface::Chat => Surface::Messages,
            _ => Surface::Chat,
        };
        let after = Prompt::read(surface, translated.body).unwrap();
        let mut found = String::new();
        after.visit_texts(&mut |text| {
            found.push_str(&text.text);
            found.push('\n');
        });
        let dropped: Vec<String> = translated.dropped.iter().map(|d| d.to_string()).collect();
        prompt.visit_texts(&mut |text| {
            // Machine words in disguise, said in the other dialect's words.
            let word = text.channel == TextChannel::Attribute;
            // Arguments are strings here and objects there.
            let arguments = text.channel == TextChannel::ToolArguments;
            let blank = text.text.trim().is_empty();
            if word || arguments || blank {
                return;
            }
            checked += 1;
            let path = text.path.to_string();
            assert!(
                found.contains(&*text.text) || is_named(&dropped, &path),
                "{id}: {path} is lost; dropped {dropped:?}"
            );
        });
    }
    println!("{checked} texts");
}

#[test]
fn every_member_of_a_recorded_request_is_sent_or_named() {
    /// Members that are said by another name or in another place.
    const MAPPED: [&str; 22] = [
        "model",
        "messages",
        "max_tokens",
        "max_completion_tokens",
        "stop",
        "stop_sequences",
        "system",
        "response_format",
        "output_config",
        "output_format",
        "reasoning_effort",
        "thinking",
        "user",
        "metadata",
        "stream_options",
        "parallel_tool_calls",
        "tool_choice",
        "service_tier",
        "safety_identifier",
        "stream",
        "tools",
        "temperature",
    ];
    for (id, _, prompt) in conversations() {
        let to = other(prompt.surface().dialect());
        let Ok(translated) = prompt.translate(to, &plainly()) else {
            continue;
        };
        let before: Value = serde_json::from_slice(prompt.body()).unwrap();
        let after: Value = serde_json::from_slice(&translated.body).unwrap();
        for (name, value) in before.as_object().unwrap() {
            let empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
            let named = translated.dropped.iter().any(|dropped| dropped == name);
            let sent = after.get(name) == Some(value);
            let known = MAPPED.contains(&&**name);
            assert!(empty || named || sent || known, "{id}: {name}");
        }
    }
}

/// Bytes that change the meaning of JSON wherever they land.
const DAMAGE: &[u8] = b"{}[]\",:\\0n";

#[test]
fn no_damage_to_a_recorded_request_makes_translation_panic() {
    let mut translated = 0;
    for (number, (_, _, prompt)) in conversations().into_iter().enumerate() {
        let body = prompt.body();
        if body.len() > 20_000 {
            continue;
        }
        for try_at in 0..24 {
            let at = (number * 31 + try_at * body.len() / 24) % body.len();
            let mut damaged = body.to_vec();
            match try_at % 3 {
                0 => damaged[at] = DAMAGE[(number + try_at) % DAMAGE.len()],
                1 => damaged.insert(at, DAMAGE[(number + at) % DAMAGE.len()]),
                _ => drop(damaged.drain(at..(at + try_at).min(body.len()))),
            }
            let Ok(prompt) = Prompt::read(prompt.surface(), Bytes::from(damaged)) else {
                continue;
            };
            if let Ok(done) = prompt.translate(other(prompt.surface().dialect()), &plainly()) {
                assert!(serde_json::from_slice::<Value>(&done.body).is_ok());
                translated += 1;
            }
        }
    }
    println!("{translated} damaged requests could still be translated");
}
