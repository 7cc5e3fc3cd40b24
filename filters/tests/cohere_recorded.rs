//! Every recorded answer of Cohere's, against a reading of its JSON that shares no
//! code with the crate: nothing may be lost on the way to a client of either dialect,
//! however the bytes are cut.
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
use alfred_filters::dialect::Dialect::{AnthropicMessages, CohereChat, OpenAiChat};
use alfred_filters::error::{ErrorKind, KeyState, ProviderError};
use alfred_filters::event::{Billed, Usage};
use alfred_filters::prompt::Surface;
use answers::{Recording, add, at, check_body, check_chunk, hear, payloads, recordings, run};
use bytes::Bytes;
use messages::{
    Substance, arguments, between, check_grammar, check_message, listen, of_choice, of_message,
    of_stream,
};
use serde_json::{Value, json};

fn answers(stream: bool) -> Vec<Recording> {
    let mut all = recordings("cohere_v2_chat", &["cohere"]);
    all.retain(|recording| recording.status == 200 && recording.stream == stream);
    all
}

fn ways() -> [StreamPlan; 2] {
    [OpenAiChat, AnthropicMessages].map(|to| between(CohereChat, to, Fidelity::Canonical))
}

/// What an answer says.
#[derive(Default)]
struct Expected {
    said: Substance,
    ids: Vec<Value>,
    finish: String,
    usage: Value,
    id: Value,
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

fn whole(body: &Value) -> Expected {
    let message = &body["message"];
    let list = |key: &str| message[key].as_array().cloned().unwrap_or_default();
    let mut said = Substance::default();
    let plan = text(&message["tool_plan"]);
    if !plan.is_empty() {
        said.thinking += plan;
        said.seals.push("cohere:tool_plan".to_owned());
    }
    for content in list("content") {
        said.text += text(&content["text"]);
        if content["type"] == "thinking" {
            said.thinking += text(&content["thinking"]);
            said.seals.push("cohere:thinking".to_owned());
        }
    }
    said.citations = list("citations");
    let mut ids = Vec::new();
    for call in list("tool_calls") {
        ids.push(call["id"].clone());
        let json = text(at(&call, "/function/arguments")).to_owned();
        said.calls.push((
            text(at(&call, "/function/name")).to_owned(),
            arguments(&json),
        ));
    }
    Expected {
        said,
        ids,
        finish: text(&body["finish_reason"]).to_owned(),
        usage: body["usage"].clone(),
        id: body["id"].clone(),
    }
}

fn streamed(events: &[Value]) -> Expected {
    let mut all = Expected::default();
    let mut calls: Vec<(u64, Value, String, String)> = Vec::new();
    for event in events {
        let message = at(event, "/delta/message");
        let call = at(message, "/tool_calls/function");
        match text(&event["type"]) {
            "message-start" => all.id = event["id"].clone(),
            "tool-plan-delta" => {
                if all.said.thinking.is_empty() {
                    all.said.seals.push("cohere:tool_plan".to_owned());
                }
                all.said.thinking += text(&message["tool_plan"]);
            }
            "content-start" | "content-delta" => {
                if at(message, "/content/type") == "thinking" {
                    all.said.seals.push("cohere:thinking".to_owned());
                }
                all.said.text += text(at(message, "/content/text"));
                all.said.thinking += text(at(message, "/content/thinking"));
            }
            "tool-call-start" => calls.push((
                event["index"].as_u64().unwrap(),
                at(message, "/tool_calls/id").clone(),
                text(&call["name"]).to_owned(),
                text(&call["arguments"]).to_owned(),
            )),
            "tool-call-delta" => {
                let index = event["index"].as_u64().unwrap();
                let known = calls.iter_mut().rfind(|call| call.0 == index).unwrap();
                known.3 += text(&call["arguments"]);
            }
            "citation-start" => all.said.citations.push(message["citations"].clone()),
            "message-end" => {
                all.finish = text(at(event, "/delta/finish_reason")).to_owned();
                all.usage = at(event, "/delta/usage").clone();
            }
            _ => {}
        }
    }
    for (_, id, name, json) in calls {
        all.ids.push(id);
        let json = if json.is_empty() { "{}" } else { &json };
        all.said.calls.push((name, arguments(json)));
    }
    all
}

fn check_usage(name: &str, usage: Option<Usage>, recorded: &Value) {
    let count = |path: &str| recorded.pointer(path).and_then(Value::as_u64).unwrap_or(0);
    let usage = usage.unwrap_or_else(|| panic!("{name} has no usage"));
    let both = |list: &str| {
        let part = |key: &str| count(&format!("/{list}/{key}"));
        let input = part("input_tokens") + part("image_tokens");
        recorded.get(list)?.is_object().then(|| Billed {
            input,
            output: part("output_tokens"),
        })
    };
    let billed = both("billed_units");
    let Billed { input, output } = both("tokens").or(billed).unwrap();
    assert_eq!((usage.input, usage.output), (input, output), "{name}");
    assert_eq!(usage.cached, count("/cached_tokens").min(input), "{name}");
    assert_eq!(usage.reasoning, count("/tokens/reasoning_tokens"), "{name}");
    assert_eq!(usage.billed, billed, "{name}");
}

fn word(expected: &Expected) -> &'static str {
    match &*expected.finish {
        "MAX_TOKENS" => "length",
        "TOOL_CALL" => "tool_calls",
        _ if !expected.said.calls.is_empty() => "tool_calls",
        _ => "stop",
    }
}

fn ids_of(calls: &Value) -> Vec<Value> {
    let calls = calls.as_array().cloned().unwrap_or_default();
    let ids = calls.iter().map(|call| call["id"].clone());
    ids.filter(|id| !id.is_null()).collect()
}

fn ids_of_blocks(message: &Value) -> Vec<Value> {
    let mut blocks = message["content"].as_array().cloned().unwrap_or_default();
    blocks.retain(|block| block["type"] == "tool_use");
    ids_of(&Value::from(blocks))
}

#[test]
fn a_recorded_stream_loses_nothing_on_its_way_to_either_client() {
    let streams = answers(true);
    assert!(streams.len() >= 6, "{}", streams.len());
    for recording in streams {
        let events: Vec<Value> = payloads(&recording.body)
            .iter()
            .filter(|data| *data != "[DONE]")
            .map(|data| serde_json::from_str(data).unwrap())
            .collect();
        let expected = streamed(&events);
        for plan in ways() {
            let name = format!("{} to {:?}", recording.name, plan.to);
            let (out, ending, stream) = run(plan.clone(), &recording.body, &[]);
            assert_eq!(ending, Ending::Complete, "{name}");
            let (said, ids) = if plan.to == OpenAiChat {
                let heard = hear(&out);
                assert_eq!(heard.done, 1, "{name}");
                let chunks = &heard.chunks;
                chunks.iter().for_each(|chunk| check_chunk(chunk).unwrap());
                assert_eq!(at(&chunks[0], "/id"), &expected.id, "{name}");
                let usage = &heard.usage[0];
                assert_eq!(usage["billed_units"], expected.usage["billed_units"]);
                let all = chunks.iter();
                let ids = all.flat_map(|c| ids_of(at(c, "/choices/0/delta/tool_calls")));
                (of_stream(&heard), ids.collect())
            } else {
                check_grammar(&out, true, true).unwrap();
                let message = listen(&out).message;
                (of_message(&message), ids_of_blocks(&message))
            };
            assert_eq!(said, expected.said, "{name}");
            assert_eq!(ids, expected.ids, "{name}");
            check_usage(&name, stream.usage(), &expected.usage);
            assert_eq!(stream.finish_reason(), Some(word(&expected)), "{name}");
            assert_eq!(stream.response_id(), expected.id.as_str(), "{name}");
            assert!(stream.is_over(), "{name}");
        }
    }
}

#[test]
fn a_recorded_body_loses_nothing_on_its_way_to_either_client() {
    let bodies = answers(false);
    assert!(bodies.len() >= 25, "{}", bodies.len());
    for recording in bodies {
        let expected = whole(&serde_json::from_slice(&recording.body).unwrap());
        let body = Bytes::from(recording.body.clone());
        let answer = Answer::read(CohereChat, Surface::Chat, body).unwrap();
        for plan in ways() {
            let name = format!("{} to {:?}", recording.name, plan.to);
            let out: Value = serde_json::from_slice(&answer.render(&plan)).unwrap();
            let (said, ids) = if plan.to == OpenAiChat {
                check_body(&out).unwrap();
                let choice = at(&out, "/choices/0");
                let message = &choice["message"];
                let mut said = answers::Said::default();
                add(&mut said, message, choice);
                assert_eq!(choice["finish_reason"], word(&expected), "{name}");
                let ids = ids_of(&message["tool_calls"]);
                (of_choice(&said, std::iter::once(message)), ids)
            } else {
                check_message(&out).unwrap();
                (of_message(&out), ids_of_blocks(&out))
            };
            assert_eq!(said, expected.said, "{name}");
            assert_eq!(ids, expected.ids, "{name}");
            check_usage(&name, answer.usage(), &expected.usage);
            assert_eq!(answer.response_id(), expected.id.as_str(), "{name}");
        }
        let mut texts = String::new();
        answer.visit_texts(&mut |text| texts.push_str(&text.text));
        assert!(texts.contains(&expected.said.text), "{}", recording.name);
    }
}

#[test]
fn the_cuts_of_a_recorded_stream_change_nothing() {
    for recording in answers(true) {
        for plan in ways() {
            let (whole, ending, _) = run(plan.clone(), &recording.body, &[]);
            for sizes in [&[1][..], &[7], &[64, 1, 1000], &[97]] {
                let (torn, torn_ending, _) = run(plan.clone(), &recording.body, sizes);
                assert!(torn == whole, "{} by {sizes:?}", recording.name);
                assert_eq!(torn_ending, ending);
            }
        }
    }
}

#[test]
fn a_recorded_stream_that_is_cut_at_an_event_or_in_one_is_truncated() {
    for recording in answers(true) {
        let text = String::from_utf8(recording.body.clone()).unwrap();
        let last = text.find("{\"type\":\"message-end\"").unwrap();
        let starts = text.match_indices("\n\n").map(|(at, _)| at + 2);
        for start in [0].into_iter().chain(starts.filter(|at| *at < last)) {
            for cut in [start, start + 3, start + 30, last, last + 20] {
                for plan in ways() {
                    let (out, ending, stream) = run(plan, &text.as_bytes()[..cut], &[]);
                    let name = format!("{} at {cut}", recording.name);
                    assert!(matches!(ending, Ending::Truncated(_)), "{name}");
                    let out = String::from_utf8(out).unwrap();
                    assert!(!out.contains("[DONE]") && !out.contains("message_stop"));
                    assert!(stream.final_usage(11).estimated, "{name}");
                }
            }
        }
    }
}

#[test]
fn recorded_embeddings_keep_their_digits() {
    let mut all = recordings("embeddings", &["cohere"]);
    all.retain(|recording| recording.status == 200);
    assert!(all.len() >= 5, "{}", all.len());
    for recording in all {
        let given: Value = serde_json::from_slice(&recording.body).unwrap();
        let body = Bytes::from(recording.body.clone());
        let answer = Answer::read(CohereChat, Surface::Embeddings, body).unwrap();
        let plan = StreamPlan {
            surface: Surface::Embeddings,
            ..between(CohereChat, OpenAiChat, Fidelity::Canonical)
        };
        let out: Value = serde_json::from_slice(&answer.render(&plan)).unwrap();
        let vectors = given.pointer("/embeddings/float").unwrap();
        let vectors = vectors.as_array().unwrap();
        assert_eq!(out["data"].as_array().unwrap().len(), vectors.len());
        for (index, vector) in vectors.iter().enumerate() {
            let told = at(&out, &format!("/data/{index}"));
            assert_eq!(
                (&told["embedding"], &told["index"]),
                (vector, &json!(index))
            );
        }
        assert_eq!(out["object"], "list");
        let billed = given.pointer("/meta/billed_units/input_tokens").unwrap();
        assert_eq!(at(&out, "/usage/prompt_tokens"), billed);
    }
}

#[test]
fn recorded_failures_are_what_their_words_say() {
    let mut all = recordings("cohere_v2_chat", &["cohere"]);
    all.extend(recordings("embeddings", &["cohere"]));
    all.retain(|recording| recording.status != 200);
    assert!(all.len() >= 2, "{}", all.len());
    for recording in all {
        let error = ProviderError::read(recording.status, None, None, &recording.body, 0);
        let body: Value = serde_json::from_slice(&recording.body).unwrap();
        let too_long = body["error_type"] == "TOO_MANY_TOKENS";
        let (kind, key) = match recording.status {
            400 if too_long => (ErrorKind::ContextLength, KeyState::Fine),
            401 => (ErrorKind::Authentication, KeyState::Dead),
            404 => (ErrorKind::NotFound, KeyState::Fine),
            429 => (ErrorKind::RateLimit, KeyState::Throttled),
            400..=499 => (ErrorKind::InvalidRequest, KeyState::Fine),
            _ => (ErrorKind::Server, KeyState::Fine),
        };
        assert_eq!((error.kind, error.key), (kind, key), "{}", recording.name);
        assert!(!error.message.is_empty());
    }
}
