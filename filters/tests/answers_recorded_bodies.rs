//! Every recorded body of the providers that speak this dialect, against a
//! simple client that shares no code with the crate.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

mod answers;

use alfred_filters::answer::{Answer, Ending, Fidelity, StreamPlan};
use alfred_filters::dialect::Dialect;
use alfred_filters::prompt::Surface;
use answers::{
    PROVIDERS, Recording, Said, add, canonical_finish, check_body, check_chunk, hear, plan,
    recordings, run,
};
use bytes::Bytes;
use serde_json::Value;

fn bodies(surface: &str) -> Vec<Recording> {
    let mut bodies = recordings(surface, &PROVIDERS);
    let native = |recording: &Recording| surface == "embeddings" && recording.provider == "gemini";
    bodies.retain(|recording| recording.status == 200 && !recording.stream && !native(recording));
    bodies
}

fn said(body: &Value) -> Vec<Said> {
    let one = |choice: &Value| {
        let mut said = Said::default();
        add(&mut said, &choice["message"], choice);
        said
    };
    body["choices"]
        .as_array()
        .unwrap()
        .iter()
        .map(one)
        .collect()
}

#[test]
fn a_recorded_body_loses_nothing_and_is_strict_afterwards() {
    for recording in bodies("chat_completions") {
        let body = Bytes::from(recording.body.clone());
        let answer = Answer::read(Dialect::OpenAiChat, Surface::Chat, body.clone())
            .unwrap_or_else(|e| panic!("{}: {e}", recording.name));
        assert_eq!(answer.render(&plan(Fidelity::Lens, false)), body);
        let rendered: Value =
            serde_json::from_slice(&answer.render(&plan(Fidelity::Canonical, false))).unwrap();
        check_body(&rendered)
            .unwrap_or_else(|flaw| panic!("{}: {flaw}: {rendered}", recording.name));
        let original: Value = serde_json::from_slice(&body).unwrap();
        let (before, after) = (said(&original), said(&rendered));
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(
                (&before.text, &before.reasoning, &before.calls),
                (&after.text, &after.reasoning, &after.calls),
                "{}",
                recording.name
            );
            assert_eq!(
                canonical_finish(before),
                after.finish.as_deref(),
                "{}",
                recording.name
            );
        }
        assert_eq!(
            answer.finish_reason(),
            canonical_finish(&before[0]),
            "{}",
            recording.name
        );
        assert_eq!(
            answer.response_model(),
            original["model"].as_str(),
            "{}",
            recording.name
        );
        check_survivors(&recording.name, &original, &rendered);
    }
}

/// Unknown members stay where they were; `null` is no member.
fn check_survivors(name: &str, before: &Value, after: &Value) {
    let known = [
        "object",
        "usage",
        "choices",
        "service_tier",
        "id",
        "created",
        "p",
        "obfuscation",
    ];
    for (key, value) in before
        .as_object()
        .unwrap()
        .iter()
        .filter(|(key, value)| !known.contains(&key.as_str()) && !value.is_null())
    {
        assert_eq!(&after[key], value, "{name}: {key}");
    }
    for (before, after) in before["choices"]
        .as_array()
        .unwrap()
        .iter()
        .zip(after["choices"].as_array().unwrap())
    {
        let known = ["message", "finish_reason", "logprobs"];
        for (key, value) in before
            .as_object()
            .unwrap()
            .iter()
            .filter(|(key, value)| !known.contains(&key.as_str()) && !value.is_null())
        {
            assert_eq!(&after[key], value, "{name}: {key}");
        }
        let known = ["content", "role", "tool_calls", "refusal"];
        for (key, value) in before["message"]
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(key, value)| !known.contains(&key.as_str()) && !value.is_null())
        {
            assert_eq!(&after["message"][key], value, "{name}: {key}");
        }
    }
}

#[test]
fn recorded_usage_of_bodies_is_read_in_one_meaning() {
    for recording in bodies("chat_completions") {
        let body: Value = serde_json::from_slice(&recording.body).unwrap();
        let recorded = &body["usage"];
        let usage = Answer::read(
            Dialect::OpenAiChat,
            Surface::Chat,
            Bytes::from(recording.body),
        )
        .unwrap()
        .usage()
        .unwrap();
        assert_eq!(
            Value::from(usage.input),
            recorded["prompt_tokens"],
            "{}",
            recording.name
        );
        let total = recorded["total_tokens"].as_u64().unwrap();
        assert_eq!(
            usage.total(),
            total,
            "{}: all that the provider counts is billed",
            recording.name
        );
        assert!(
            usage.cached <= usage.input && usage.reasoning <= usage.output,
            "{}",
            recording.name
        );
    }
}

#[test]
fn recorded_embeddings_keep_their_vectors() {
    for recording in bodies("embeddings") {
        let answer = Answer::read(
            Dialect::OpenAiChat,
            Surface::Embeddings,
            Bytes::from(recording.body.clone()),
        );
        let answer = answer.unwrap_or_else(|error| panic!("{}: {error}", recording.name));
        let original: Value = serde_json::from_slice(&recording.body).unwrap();
        let rendered: Value =
            serde_json::from_slice(&answer.render(&plan(Fidelity::Canonical, false))).unwrap();
        assert_eq!(rendered["data"], original["data"], "{}", recording.name);
        assert_eq!(rendered["object"], "list");
        assert_eq!(
            rendered["usage"]["prompt_tokens"], original["usage"]["prompt_tokens"],
            "{}",
            recording.name
        );
        assert_eq!(answer.final_usage(3).output, 0, "{}", recording.name);
        assert_eq!(
            answer.response_model(),
            original["model"].as_str(),
            "{}",
            recording.name
        );
    }
}

#[test]
fn a_recorded_body_that_is_an_error_is_no_answer() {
    for recording in recordings("chat_completions", &PROVIDERS)
        .iter()
        .filter(|r| r.status >= 400)
    {
        assert!(
            Answer::read(
                Dialect::OpenAiChat,
                Surface::Chat,
                Bytes::from(recording.body.clone())
            )
            .is_err(),
            "{}",
            recording.name
        );
        let (out, ending, _) = run(plan(Fidelity::Lens, false), &recording.body, &[5]);
        assert!(
            matches!(ending, Ending::Failed(_)) && out.is_empty(),
            "{}: {ending:?}",
            recording.name
        );
    }
}

#[test]
fn a_recorded_body_in_place_of_a_stream_becomes_a_stream() {
    for recording in bodies("chat_completions") {
        let body: Value = serde_json::from_slice(&recording.body).unwrap();
        let choices = said(&body).len() as u32;
        let plan = StreamPlan {
            choices,
            ..plan(Fidelity::Lens, true)
        };
        let (out, ending, _) = run(plan, &recording.body, &[100]);
        assert_eq!(ending, Ending::Complete, "{}", recording.name);
        let heard = hear(&out);
        for (index, said) in said(&body).iter().enumerate() {
            let got = &heard.said[&(index as u64)];
            assert_eq!(
                (&got.text, &got.calls),
                (&said.text, &said.calls),
                "{}",
                recording.name
            );
        }
        assert!(
            heard.chunks.iter().all(|chunk| check_chunk(chunk).is_ok()),
            "{}",
            recording.name
        );
    }
}
