//! Every recorded answer of Bedrock's, against a reading of its frames and its JSON
//! that shares no code with the crate: nothing may be lost on the way to a client
//! of either dialect, however the bytes are cut.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

mod answers;
#[path = "bedrock/frames.rs"]
mod frames;
mod messages;

use alfred_filters::answer::{Answer, Cut, Ending, Fidelity, StreamPlan};
use alfred_filters::dialect::Dialect::{AnthropicMessages, BedrockConverse, OpenAiChat};
use alfred_filters::event::Usage;
use alfred_filters::prompt::Surface;
use answers::{Recording, add, check_body, check_chunk, hear, recordings, run};
use bytes::Bytes;
use frames::{frame, unframed};
use messages::{
    Substance, between, check_grammar, check_message, listen, of_choice, of_message, of_stream,
};
use serde_json::{Value, json};

fn ways() -> [StreamPlan; 2] {
    [OpenAiChat, AnthropicMessages].map(|to| between(BedrockConverse, to, Fidelity::Canonical))
}

/// The recorded streams as frames; those of which only the payloads were kept get
/// frames written here.
fn streams() -> Vec<(String, Vec<u8>)> {
    let all = recordings("converse_stream", &["bedrock"]);
    let framed = |recording: Recording| {
        let bytes = match recording.body.first() {
            Some(b'd') => recording
                .body
                .split(|byte| *byte == b'\n')
                .filter_map(|line| line.strip_prefix(b"data: "))
                .flat_map(|line| {
                    let chunk: Value = serde_json::from_slice(line).unwrap();
                    let (name, payload) = chunk.as_object().unwrap().iter().next().unwrap();
                    event(name, payload)
                })
                .collect(),
            _ => recording.body,
        };
        (recording.name, bytes)
    };
    all.into_iter().map(framed).collect()
}

fn event(name: &str, payload: &Value) -> Vec<u8> {
    frame(
        &[
            (":event-type", name),
            (":content-type", "application/json"),
            (":message-type", "event"),
        ],
        payload.to_string().as_bytes(),
    )
}

/// What an answer says.
#[derive(Default)]
struct Expected {
    said: Substance,
    finish: String,
    usage: Value,
}

impl Expected {
    fn call(&mut self, call: &Value) {
        let name = call["name"].as_str().unwrap().to_owned();
        self.said.calls.push((name, call["input"].clone()));
    }

    fn thought(&mut self, thought: &Value) {
        self.said.thinking += thought["text"].as_str().unwrap_or("");
        let filled = |key: &str| {
            let text = thought[key].as_str().filter(|text| !text.is_empty());
            text.map(str::to_owned)
        };
        self.said.hidden.extend(filled("redactedContent"));
        if let Some(seal) = filled("signature") {
            self.said.seals.push(seal);
        }
    }

    fn block(&mut self, name: &str, value: &Value) {
        let mut block = json!({ "type": name });
        block[name] = value.clone();
        self.said.blocks.push(block);
    }
}

fn ours(call: &Value) -> bool {
    matches!(call["type"].as_str(), None | Some("tool_use"))
}

/// The blocks of a stream, put together into a whole answer.
fn whole(frames: &[(String, Vec<u8>, usize)]) -> Value {
    let mut blocks: Vec<Value> = Vec::new();
    let mut inputs: Vec<String> = Vec::new();
    let mut out = json!({});
    for (name, payload, _) in frames {
        let payload: Value = serde_json::from_slice(payload).unwrap();
        let index = payload["contentBlockIndex"]
            .as_u64()
            .map(|index| index as usize);
        if let Some(index) = index {
            while blocks.len() <= index {
                blocks.push(json!({}));
                inputs.push(String::new());
            }
        }
        match &**name {
            "contentBlockStart" => blocks[index.unwrap()] = payload["start"].clone(),
            "contentBlockDelta" => {
                let index = index.unwrap();
                for (key, delta) in payload["delta"].as_object().unwrap() {
                    let place = &mut blocks[index][key];
                    match (&**key, delta) {
                        ("toolUse", _) => inputs[index] += delta["input"].as_str().unwrap(),
                        ("reasoningContent", _) => {
                            for (key, piece) in delta.as_object().unwrap() {
                                let known = place[key].as_str().unwrap_or("").to_owned();
                                place[key] = json!(known + piece.as_str().unwrap());
                            }
                        }
                        (_, Value::String(text)) => {
                            *place = json!(place.as_str().unwrap_or("").to_owned() + text);
                        }
                        ("citation", source) => match place {
                            Value::Array(list) => list.push(source.clone()),
                            _ => *place = json!([source]),
                        },
                        (_, Value::Array(list)) => place["content"] = json!(list),
                        other => panic!("{other:?}"),
                    }
                }
            }
            "messageStop" => out["stopReason"] = payload["stopReason"].clone(),
            "metadata" => out["usage"] = payload["usage"].clone(),
            _ => {}
        }
    }
    for (block, input) in blocks.iter_mut().zip(inputs) {
        if block["toolUse"].is_object() {
            let input = if input.is_empty() { "{}" } else { &input };
            block["toolUse"]["input"] = messages::arguments(input);
        }
    }
    out["output"]["message"]["content"] = json!(blocks);
    out
}

fn read(answer: &Value) -> Expected {
    let mut expected = Expected {
        finish: answer["stopReason"].as_str().unwrap().to_owned(),
        usage: answer["usage"].clone(),
        ..Expected::default()
    };
    for block in answer["output"]["message"]["content"].as_array().unwrap() {
        for (key, value) in block.as_object().unwrap() {
            match (&**key, value) {
                (_, Value::Null) => {}
                ("type", _) => {}
                ("citation", sources) => {
                    let sources = sources.as_array().unwrap();
                    expected.said.citations.extend(sources.iter().cloned());
                }
                ("text", text) => expected.said.text += text.as_str().unwrap(),
                ("reasoningContent", thought) => {
                    expected.thought(thought);
                    expected.thought(&thought["reasoningText"]);
                }
                ("toolUse", call) if ours(call) => expected.call(call),
                (name, value) => expected.block(name, value),
            }
        }
    }
    expected
}

fn check_usage(name: &str, usage: Option<Usage>, recorded: &Value) {
    let count = |key: &str| recorded[key].as_u64().unwrap_or(0);
    let usage = usage.unwrap_or_else(|| panic!("{name}"));
    let (read, written) = (
        count("cacheReadInputTokens"),
        count("cacheWriteInputTokens"),
    );
    assert_eq!(usage.input, count("inputTokens") + read + written, "{name}");
    assert_eq!(usage.output, count("outputTokens"), "{name}");
    assert_eq!((usage.cached, usage.cache_write), (read, written), "{name}");
    assert_eq!(usage.total(), count("totalTokens"), "{name}");
}

fn word(expected: &Expected) -> &'static str {
    match &*expected.finish {
        "max_tokens" => "length",
        "guardrail_intervened" | "content_filtered" => "content_filter",
        "tool_use" => "tool_calls",
        _ => "stop",
    }
}

#[test]
fn a_recorded_stream_loses_nothing_on_its_way_to_either_client() {
    let streams = streams();
    assert!(streams.len() >= 19);
    for (name, bytes) in streams {
        let frames = unframed(&bytes);
        let expected = read(&whole(&frames));
        for plan in ways() {
            let name = format!("{name} to {:?}", plan.to);
            let (out, ending, stream) = run(plan.clone(), &bytes, &[]);
            if frames.iter().all(|(name, ..)| name != "metadata") {
                // Shortened by hand: without its figures an answer is cut off.
                assert_eq!(ending, Ending::Truncated(Cut::Unfinished(1)), "{name}");
                continue;
            }
            assert_eq!(ending, Ending::Complete, "{name}");
            let said = if plan.to == OpenAiChat {
                let heard = hear(&out);
                assert_eq!(heard.done, 1, "{name}");
                let chunks = heard.chunks.iter();
                chunks.for_each(|chunk| check_chunk(chunk).unwrap());
                of_stream(&heard)
            } else {
                check_grammar(&out, true, true).unwrap();
                of_message(&listen(&out).message)
            };
            assert_eq!(said, expected.said, "{name}");
            check_usage(&name, stream.usage(), &expected.usage);
            assert_eq!(stream.finish_reason(), Some(word(&expected)), "{name}");
            assert!(stream.is_over(), "{name}");
        }
    }
}

#[test]
fn a_recorded_body_loses_nothing_on_its_way_to_either_client() {
    let mut bodies = recordings("converse", &["bedrock"]);
    bodies.retain(|recording| recording.status == 200);
    assert!(bodies.len() >= 70);
    for recording in bodies {
        let given: Value = serde_json::from_slice(&recording.body).unwrap();
        let expected = read(&given);
        let body = Bytes::from(recording.body.clone());
        let answer = Answer::read(BedrockConverse, Surface::Chat, body).unwrap();
        for plan in ways() {
            let name = format!("{} to {:?}", recording.name, plan.to);
            let out: Value = serde_json::from_slice(&answer.render(&plan)).unwrap();
            let said = if plan.to == OpenAiChat {
                check_body(&out).unwrap();
                let choice = &out["choices"][0];
                let mut said = answers::Said::default();
                add(&mut said, &choice["message"], choice);
                assert_eq!(choice["finish_reason"], word(&expected), "{name}");
                of_choice(&said, std::iter::once(&choice["message"]))
            } else {
                check_message(&out).unwrap();
                of_message(&out)
            };
            assert_eq!(said, expected.said, "{name}");
            check_usage(&name, answer.usage(), &expected.usage);
            for member in ["metrics", "trace", "additionalModelResponseFields"] {
                assert_eq!(out[member], given[member], "{name}");
            }
        }
        let mut texts = String::new();
        answer.visit_texts(&mut |text| texts.push_str(&text.text));
        assert!(texts.contains(&expected.said.text), "{}", recording.name);
    }
}

#[test]
fn the_cuts_of_a_recorded_stream_change_nothing() {
    for (name, bytes) in streams() {
        for plan in ways() {
            let (whole, ending, _) = run(plan.clone(), &bytes, &[]);
            for sizes in [&[1][..], &[7], &[64, 1, 1000], &[97]] {
                let (torn, torn_ending, _) = run(plan.clone(), &bytes, sizes);
                assert!(torn == whole, "{name} by {sizes:?}");
                assert_eq!(torn_ending, ending);
            }
        }
    }
}

#[test]
fn a_recorded_stream_that_is_cut_at_a_frame_or_in_one_is_truncated() {
    for (name, bytes) in streams() {
        let mut ends: Vec<usize> = unframed(&bytes).iter().map(|frame| frame.2).collect();
        ends.pop();
        ends.insert(0, 0);
        for end in ends {
            for cut in [end, end + 5, end + 30] {
                for plan in ways() {
                    let (out, ending, stream) = run(plan, &bytes[..cut], &[]);
                    assert!(matches!(ending, Ending::Truncated(_)), "{name} at {cut}");
                    let out = String::from_utf8(out).unwrap();
                    assert!(!out.contains("[DONE]") && !out.contains("message_stop"));
                    assert!(stream.final_usage(11).estimated);
                }
            }
        }
    }
}

#[test]
fn a_frame_that_was_changed_on_the_way_is_a_failure_and_no_end() {
    for (name, mut bytes) in streams() {
        let last = bytes.len() - 10;
        bytes[last] ^= 1;
        for plan in ways() {
            let (_, ending, _) = run(plan, &bytes, &[]);
            assert!(matches!(ending, Ending::Failed(_)), "{name}");
        }
    }
}

#[test]
fn recorded_embeddings_keep_their_digits() {
    let mut all = recordings("invoke", &["bedrock"]);
    let text = |recording: &Recording| String::from_utf8_lossy(&recording.body).into_owned();
    all.retain(|recording| text(recording).contains("\"embedding"));
    assert!(all.len() >= 7);
    for recording in all {
        let given: Value = serde_json::from_slice(&recording.body).unwrap();
        let vectors: Vec<&Value> = match &given["embeddings"] {
            Value::Array(list) => list
                .iter()
                .map(|vector| vector.get("embedding").unwrap_or(vector))
                .collect(),
            _ => vec![&given["embedding"]],
        };
        let body = Bytes::from(recording.body.clone());
        let answer = Answer::read(BedrockConverse, Surface::Embeddings, body).unwrap();
        let plan = StreamPlan {
            surface: Surface::Embeddings,
            ..between(BedrockConverse, OpenAiChat, Fidelity::Canonical)
        };
        let out: Value = serde_json::from_slice(&answer.render(&plan)).unwrap();
        assert_eq!(out["data"].as_array().unwrap().len(), vectors.len());
        for (index, vector) in vectors.iter().enumerate() {
            assert_eq!(&out["data"][index]["embedding"], *vector);
            assert_eq!(out["data"][index]["index"], index);
        }
        if let Some(count) = given["inputTextTokenCount"].as_u64() {
            assert_eq!(out["usage"]["prompt_tokens"], count);
        }
    }
}
