//! Every recorded answer of Ollama's own API, against a reading of its JSON that
//! shares no code with the crate: nothing may be lost on the way to a client of any
//! dialect, however the bytes are cut.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

mod answers;
mod messages;

use alfred_filters::answer::{Answer, Ending, Fidelity, StreamPlan};
use alfred_filters::dialect::Dialect::{AnthropicMessages, OllamaChat, OpenAiChat};
use alfred_filters::event::Usage;
use alfred_filters::prompt::Surface;
use answers::{check_body, check_chunk, hear, payloads, recordings, run};
use bytes::Bytes;
use messages::{
    Substance, between, check_grammar, check_message, listen, of_choice, of_message, of_stream,
};
use serde_json::{Value, json};

/// The body of an answer as the server sent it: one object a line.
fn answers(stream: bool) -> Vec<(String, Vec<u8>)> {
    let mut all = recordings("ollama_chat", &["ollama"]);
    all.extend(recordings("ollama_generate", &["ollama"]));
    all.retain(|recording| recording.status == 200 && recording.stream == stream);
    all.into_iter()
        .map(|recording| {
            let body = match recording.body.starts_with(b"data:") {
                true => payloads(&recording.body).join("\n").into_bytes(),
                false => recording.body,
            };
            (recording.name, body)
        })
        .collect()
}

fn ways() -> [StreamPlan; 2] {
    [OpenAiChat, AnthropicMessages].map(|to| between(OllamaChat, to, Fidelity::Canonical))
}

fn objects(body: &[u8]) -> Vec<Value> {
    let values = serde_json::Deserializer::from_slice(body).into_iter();
    values.map(Result::unwrap).collect()
}

/// What a list of answer objects says, and its last one.
fn read(objects: &[Value]) -> (Substance, Value) {
    let mut said = Substance::default();
    for object in objects {
        let text = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or("");
        said.text += text("/message/content");
        said.text += text("/response");
        said.thinking += text("/message/thinking");
        said.thinking += text("/thinking");
        let calls = object.pointer("/message/tool_calls");
        for call in calls.and_then(Value::as_array).into_iter().flatten() {
            let name = call.pointer("/function/name").unwrap().as_str().unwrap();
            let arguments = call.pointer("/function/arguments").unwrap().clone();
            said.calls.push((name.to_owned(), arguments));
        }
    }
    (said, objects.last().unwrap().clone())
}

/// What is billed: the counts as they are, a missing one by an estimate.
fn check_usage(name: &str, usage: Usage, last: &Value) {
    let count = |key: &str| last[key].as_u64();
    let (input, output) = (count("prompt_eval_count"), count("eval_count"));
    assert_eq!(usage.input, input.unwrap_or(11), "{name}");
    if let Some(output) = output {
        assert_eq!(usage.output, output, "{name}");
    }
    let whole = input.is_some() && output.is_some();
    assert_eq!(usage.estimated, !whole, "{name}");
}

fn word(said: &Substance, last: &Value) -> &'static str {
    match last["done_reason"].as_str() {
        Some("length") => "length",
        _ if !said.calls.is_empty() => "tool_calls",
        _ => "stop",
    }
}

/// The durations of the last object must stand beside the usage.
fn check_durations(usage: &Value, last: &Value) {
    for key in ["total_duration", "load_duration", "eval_duration"] {
        if last[key].is_number() {
            assert_eq!(usage[key], last[key], "{key}");
        }
    }
}

#[test]
fn a_recorded_stream_loses_nothing_on_its_way_to_either_client() {
    let streams = answers(true);
    assert!(streams.len() >= 10);
    for (name, body) in streams {
        let (expected, last) = read(&objects(&body));
        for plan in ways() {
            let name = format!("{name} to {:?}", plan.to);
            let (out, ending, stream) = run(plan.clone(), &body, &[]);
            assert_eq!(ending, Ending::Complete, "{name}");
            let said = if plan.to == OpenAiChat {
                let heard = hear(&out);
                assert_eq!(heard.done, 1, "{name}");
                heard
                    .chunks
                    .iter()
                    .for_each(|chunk| check_chunk(chunk).unwrap());
                check_durations(heard.usage.last().unwrap(), &last);
                of_stream(&heard)
            } else {
                check_grammar(&out, true, true).unwrap();
                of_message(&listen(&out).message)
            };
            assert_eq!(said, expected, "{name}");
            check_usage(&name, stream.final_usage(11), &last);
            assert_eq!(stream.finish_reason(), Some(word(&expected, &last)));
            assert_eq!(stream.response_model(), last["model"].as_str(), "{name}");
            assert!(stream.is_over(), "{name}");
        }
    }
}

#[test]
fn a_recorded_body_loses_nothing_on_its_way_to_either_client() {
    let bodies = answers(false);
    assert!(bodies.len() >= 10);
    for (name, body) in bodies {
        let (expected, last) = read(&objects(&body));
        let answer = Answer::read(OllamaChat, Surface::Chat, Bytes::from(body)).unwrap();
        for plan in ways() {
            let name = format!("{name} to {:?}", plan.to);
            let out: Value = serde_json::from_slice(&answer.render(&plan)).unwrap();
            let said = if plan.to == OpenAiChat {
                check_body(&out).unwrap();
                let choice = &out["choices"][0];
                let mut said = answers::Said::default();
                answers::add(&mut said, &choice["message"], choice);
                assert_eq!(choice["finish_reason"], word(&expected, &last), "{name}");
                check_durations(&out["usage"], &last);
                of_choice(&said, std::iter::once(&choice["message"]))
            } else {
                check_message(&out).unwrap();
                of_message(&out)
            };
            assert_eq!(said, expected, "{name}");
            check_usage(&name, answer.final_usage(11), &last);
        }
        let mut texts = String::new();
        answer.visit_texts(&mut |text| texts.push_str(&text.text));
        assert!(texts.contains(&expected.text), "{name}");
    }
}

#[test]
fn the_cuts_of_a_recorded_stream_change_nothing() {
    for (name, body) in answers(true) {
        for plan in ways() {
            let (whole, ending, _) = run(plan.clone(), &body, &[]);
            for sizes in [&[1][..], &[7], &[64, 1, 1000], &[1441]] {
                let (torn, torn_ending, _) = run(plan.clone(), &body, sizes);
                assert!(torn == whole, "{name} by {sizes:?}");
                assert_eq!(torn_ending, ending);
            }
        }
    }
}

#[test]
fn a_recorded_stream_that_is_cut_anywhere_is_truncated() {
    for (name, body) in answers(true) {
        let text = String::from_utf8(body).unwrap();
        let end = text.trim_end().len();
        let lines = text.match_indices('\n').map(|(at, _)| at + 1);
        let cuts = lines.chain((0..end).step_by(97));
        for cut in cuts.filter(|cut| *cut < end && text.is_char_boundary(*cut)) {
            for plan in ways() {
                let (out, ending, stream) = run(plan, &text.as_bytes()[..cut], &[]);
                assert!(matches!(ending, Ending::Truncated(_)), "{name} at {cut}");
                let out = String::from_utf8(out).unwrap();
                assert!(!out.contains("[DONE]") && !out.contains("message_stop"));
                assert!(stream.final_usage(11).estimated);
            }
        }
    }
}

#[test]
fn a_stream_in_place_of_a_body_is_read_to_its_end() {
    for (name, body) in answers(true) {
        let (expected, _) = read(&objects(&body));
        let answer = Answer::read(OllamaChat, Surface::Chat, Bytes::from(body)).unwrap();
        let plan = between(OllamaChat, AnthropicMessages, Fidelity::Canonical);
        let out: Value = serde_json::from_slice(&answer.render(&plan)).unwrap();
        assert_eq!(of_message(&out), expected, "{name}");
    }
    // And a body in place of a stream.
    for (name, body) in answers(false) {
        for plan in ways() {
            let (_, ending, _) = run(plan, &body, &[]);
            assert_eq!(ending, Ending::Complete, "{name}");
        }
    }
}

#[test]
fn vectors_keep_their_digits_and_are_packed_if_asked() {
    let body = json!({"model": "embed", "embeddings": [[0.5, -1.25e-3], [1, 2]],
        "total_duration": 14, "load_duration": 1, "prompt_eval_count": 8});
    let text = body.to_string().replace("-0.00125", "-1.25E-3");
    let mut answer = Answer::read(OllamaChat, Surface::Embeddings, Bytes::from(text)).unwrap();
    let plan = StreamPlan {
        surface: Surface::Embeddings,
        ..between(OllamaChat, OpenAiChat, Fidelity::Canonical)
    };
    let out = String::from_utf8(answer.render(&plan).to_vec()).unwrap();
    assert!(
        out.contains(r#""index":0,"embedding":[0.5,-1.25E-3]"#),
        "{out}"
    );
    let value: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        value["usage"],
        json!({"prompt_tokens": 8, "total_tokens": 8})
    );
    assert_eq!(
        (&value["model"], &value["load_duration"]),
        (&json!("embed"), &json!(1))
    );
    answer.pack_vectors();
    let value: Value = serde_json::from_slice(&answer.render(&plan)).unwrap();
    assert_eq!(
        value.pointer("/data/1/embedding"),
        Some(&json!("AACAPwAAAEA="))
    );
    let silent = json!({"model": "e", "embeddings": [[1]]}).to_string();
    let answer = Answer::read(OllamaChat, Surface::Embeddings, Bytes::from(silent)).unwrap();
    assert_eq!(
        (answer.final_usage(7).input, answer.final_usage(7).estimated),
        (7, true)
    );
}
