//! Every recorded answer of Gemini's, against a reading of its JSON that shares
//! no code with the crate: nothing may be lost on the way to a client of either
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
use alfred_filters::dialect::Dialect::{AnthropicMessages, Gemini, OpenAiChat};
use alfred_filters::event::Usage;
use alfred_filters::prompt::Surface;
use answers::{Recording, add, check_body, check_chunk, hear, payloads, recordings, run};
use bytes::Bytes;
use messages::{
    Substance, between, check_grammar, check_message, listen, of_choice, of_message, of_stream,
};
use serde_json::{Value, json};

fn answers(surface: &str) -> Vec<Recording> {
    let mut all = recordings(surface, &["gemini"]);
    all.retain(|recording| recording.status == 200);
    all
}

fn ways() -> [StreamPlan; 2] {
    [OpenAiChat, AnthropicMessages].map(|to| between(Gemini, to, Fidelity::Canonical))
}

/// What a list of answer objects says.
struct Expected {
    said: Substance,
    /// The seal of every call.
    call_seals: Vec<Value>,
    finish: String,
    usage: Value,
    id: Value,
    model: Value,
}

fn read(objects: &[Value]) -> Expected {
    let (mut said, mut call_seals) = (Substance::default(), Vec::new());
    let (mut finish, mut usage) = (String::new(), json!({}));
    let (mut id, mut model) = (Value::Null, Value::Null);
    let mut open = false;
    for object in objects {
        let candidate = &object["candidates"][0];
        for part in candidate["content"]["parts"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let seal = part["thoughtSignature"]
                .as_str()
                .map(|s| format!("gemini:{s}"));
            if let Some(call) = part["functionCall"].as_object() {
                if let Some(name) = call.get("name").and_then(Value::as_str) {
                    let args = call.get("args").cloned().unwrap_or(json!({}));
                    said.calls.push((name.to_owned(), args));
                    call_seals.push(part["thoughtSignature"].clone());
                } else {
                    assert!(open, "a piece of no call");
                }
                open = call.contains_key("willContinue");
                for piece in call
                    .get("partialArgs")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                {
                    // The recorded ones are strings at the first level.
                    let key = piece["jsonPath"].as_str().unwrap().trim_start_matches("$.");
                    let place = &mut said.calls.last_mut().unwrap().1[key];
                    let known = place.as_str().unwrap_or("").to_owned();
                    *place = Value::String(known + piece["stringValue"].as_str().unwrap());
                }
            } else if let Some(text) = part["text"].as_str() {
                if part["thought"] == true {
                    said.thinking += text;
                    said.seals.extend(seal);
                } else {
                    said.text += text;
                    said.hidden.extend(seal);
                }
            } else {
                let mut block = part.clone();
                let key = part
                    .as_object()
                    .unwrap()
                    .keys()
                    .find(|key| *key != "thoughtSignature");
                block["type"] = Value::String(key.unwrap().clone());
                said.blocks.push(block);
            }
        }
        if let Some(reason) = candidate["finishReason"].as_str() {
            finish = reason.to_owned();
        }
        for (key, value) in object["usageMetadata"].as_object().into_iter().flatten() {
            usage[key] = value.clone();
        }
        for (place, key) in [(&mut id, "responseId"), (&mut model, "modelVersion")] {
            if object[key].is_string() {
                *place = object[key].clone();
            }
        }
    }
    Expected {
        said,
        call_seals,
        finish,
        usage,
        id,
        model,
    }
}

fn check_usage(name: &str, usage: Option<Usage>, recorded: &Value) {
    let count = |key: &str| recorded[key].as_u64().unwrap_or(0);
    let Some(usage) = usage else {
        assert_eq!(count("promptTokenCount"), 0, "{name}");
        return;
    };
    assert_eq!(
        usage.input,
        count("promptTokenCount") + count("toolUsePromptTokenCount"),
        "{name}"
    );
    assert_eq!(
        usage.output,
        count("candidatesTokenCount") + count("thoughtsTokenCount"),
        "{name}"
    );
    assert_eq!(usage.cached, count("cachedContentTokenCount"), "{name}");
    assert_eq!(usage.reasoning, count("thoughtsTokenCount"), "{name}");
    if recorded["totalTokenCount"].is_u64() {
        assert_eq!(usage.total(), count("totalTokenCount"), "{name}");
    }
}

fn word(expected: &Expected) -> &'static str {
    match &*expected.finish {
        "MAX_TOKENS" => "length",
        "SAFETY" => "content_filter",
        _ if !expected.said.calls.is_empty() => "tool_calls",
        _ => "stop",
    }
}

/// The seals of calls as a client of that dialect has them.
fn carried(calls: &Value) -> Vec<Value> {
    let all = calls.as_array().cloned().unwrap_or_default();
    all.iter()
        .filter(|call| matches!(call["type"].as_str(), Some("function" | "tool_use") | None))
        .map(|call| call["extra_content"]["google"]["thought_signature"].clone())
        .collect()
}

#[test]
fn a_recorded_stream_loses_nothing_on_its_way_to_either_client() {
    let streams = answers("stream_generate_content");
    assert!(streams.len() >= 15);
    for recording in streams {
        let objects: Vec<Value> = payloads(&recording.body)
            .iter()
            .map(|data| serde_json::from_str(data).unwrap())
            .collect();
        let expected = read(&objects);
        for plan in ways() {
            let name = format!("{} to {:?}", recording.name, plan.to);
            let (out, ending, stream) = run(plan.clone(), &recording.body, &[]);
            assert_eq!(ending, Ending::Complete, "{name}");
            let (said, seals) = if plan.to == OpenAiChat {
                let heard = hear(&out);
                assert_eq!(heard.done, 1, "{name}");
                heard
                    .chunks
                    .iter()
                    .for_each(|chunk| check_chunk(chunk).unwrap());
                assert_eq!(heard.chunks[0]["id"], expected.id, "{name}");
                let mut seals = Vec::new();
                for chunk in &heard.chunks {
                    for call in chunk["choices"][0]["delta"]["tool_calls"]
                        .as_array()
                        .into_iter()
                        .flatten()
                    {
                        if call["function"]["name"].is_string() {
                            seals
                                .push(call["extra_content"]["google"]["thought_signature"].clone());
                        }
                    }
                }
                (of_stream(&heard), seals)
            } else {
                check_grammar(&out, true, true).unwrap();
                let message = listen(&out).message;
                (of_message(&message), carried_blocks(&message))
            };
            assert_eq!(said, expected.said, "{name}");
            assert_eq!(seals, expected.call_seals, "{name}");
            check_usage(&name, stream.usage(), &expected.usage);
            assert_eq!(stream.finish_reason(), Some(word(&expected)), "{name}");
            assert_eq!(stream.response_id(), expected.id.as_str(), "{name}");
            assert_eq!(stream.response_model(), expected.model.as_str(), "{name}");
        }
    }
}

fn carried_blocks(message: &Value) -> Vec<Value> {
    let blocks = message["content"].as_array().cloned().unwrap_or_default();
    let calls = blocks
        .into_iter()
        .filter(|block| block["type"] == "tool_use");
    carried(&calls.collect())
}

#[test]
fn a_recorded_body_loses_nothing_on_its_way_to_either_client() {
    let bodies = answers("generate_content");
    assert!(bodies.len() >= 60);
    for recording in bodies {
        let object: Value = serde_json::from_slice(&recording.body).unwrap();
        let expected = read(&[object]);
        let body = Bytes::from(recording.body.clone());
        let answer = Answer::read(Gemini, Surface::Chat, body).unwrap();
        for plan in ways() {
            let name = format!("{} to {:?}", recording.name, plan.to);
            let out: Value = serde_json::from_slice(&answer.render(&plan)).unwrap();
            let (said, seals) = if plan.to == OpenAiChat {
                check_body(&out).unwrap();
                let choice = &out["choices"][0];
                let mut said = answers::Said::default();
                add(&mut said, &choice["message"], choice);
                assert_eq!(choice["finish_reason"], word(&expected), "{name}");
                let calls = carried(&choice["message"]["tool_calls"]);
                (of_choice(&said, std::iter::once(&choice["message"])), calls)
            } else {
                check_message(&out).unwrap();
                (of_message(&out), carried_blocks(&out))
            };
            assert_eq!(said, expected.said, "{name}");
            assert_eq!(seals, expected.call_seals, "{name}");
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
    for recording in answers("stream_generate_content") {
        for plan in ways() {
            let (whole, ending, _) = run(plan.clone(), &recording.body, &[]);
            for sizes in [&[1][..], &[7], &[64, 1, 1000], &[1441]] {
                let (torn, torn_ending, _) = run(plan.clone(), &recording.body, sizes);
                assert!(torn == whole, "{} by {sizes:?}", recording.name);
                assert_eq!(torn_ending, ending);
            }
        }
    }
}

#[test]
fn a_recorded_stream_that_is_cut_at_an_event_is_truncated() {
    for recording in answers("stream_generate_content") {
        let text = String::from_utf8(recording.body.clone()).unwrap();
        let mut at = 0;
        while let Some(found) = text[at..].find("data:") {
            let cut = at + found;
            at = cut + 5;
            if text[..cut].contains("finishReason") {
                break;
            }
            for plan in ways() {
                let (out, ending, stream) = run(plan, &text.as_bytes()[..cut], &[]);
                assert!(
                    matches!(ending, Ending::Truncated(_)),
                    "{} at {cut}",
                    recording.name
                );
                let out = String::from_utf8(out).unwrap();
                assert!(!out.contains("[DONE]") && !out.contains("message_stop"));
                assert!(stream.final_usage(11).estimated);
            }
        }
    }
}

#[test]
fn recorded_embeddings_keep_their_digits() {
    let all = answers("embeddings");
    assert!(all.len() >= 3);
    for recording in all {
        let given: Value = serde_json::from_slice(&recording.body).unwrap();
        if given["embeddings"].is_null() {
            continue;
        }
        let body = Bytes::from(recording.body.clone());
        let answer = Answer::read(Gemini, Surface::Embeddings, body).unwrap();
        let plan = StreamPlan {
            surface: Surface::Embeddings,
            ..between(Gemini, OpenAiChat, Fidelity::Canonical)
        };
        let out: Value = serde_json::from_slice(&answer.render(&plan)).unwrap();
        let vectors = given["embeddings"].as_array().unwrap();
        assert_eq!(out["data"].as_array().unwrap().len(), vectors.len());
        for (index, vector) in vectors.iter().enumerate() {
            assert_eq!(out["data"][index]["embedding"], vector["values"]);
            assert_eq!(out["data"][index]["index"], index);
        }
        assert_eq!(out["object"], "list");
        assert!(out["usage"]["prompt_tokens"].is_u64());
    }
}
