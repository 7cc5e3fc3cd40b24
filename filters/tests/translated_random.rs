//! Answers at random on their way into another dialect: every order of events
//! that a grammar allows, and recordings that were broken.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

mod answers;
mod messages;

use std::sync::OnceLock;

use alfred_filters::answer::{Answer, Ending, Fidelity};
use alfred_filters::dialect::Dialect::{self, AnthropicMessages, OpenAiChat};
use alfred_filters::prompt::Surface;
use answers::{check_body, check_chunk, hear, recordings, run};
use bytes::Bytes;
use messages::{
    Substance, check_grammar, check_message, delta, end, event, listen, of_message, of_stream,
    start, to_messages, ways,
};
use proptest::prelude::*;
use serde_json::{Value, json};

/// What a model may do in a chat, in any order.
#[derive(Clone, Debug)]
enum Act {
    Say(String),
    Think(String),
    Refuse(String),
    Seal(String),
    Hide(String),
    /// The next piece of this call.
    Call(usize),
}

fn act() -> impl Strategy<Value = Act> {
    let text = "[a-z é\"\\\\\n{}]{1,8}";
    prop_oneof![
        text.prop_map(Act::Say),
        text.prop_map(Act::Think),
        text.prop_map(Act::Refuse),
        "[a-z]{1,5}".prop_map(Act::Seal),
        "[a-z]{1,5}".prop_map(Act::Hide),
        (0..4_usize).prop_map(Act::Call),
        (0..4_usize).prop_map(Act::Call),
    ]
}

/// The arguments of a call, in pieces.
fn pieces() -> impl Strategy<Value = Vec<String>> {
    ("[a-z{}\\[\\]\"\\\\ é]{0,12}", 0..3_usize, 1..6_usize).prop_map(|(text, shape, size)| {
        let json = match shape {
            0 => json!({}),
            1 => json!({ "q": text }),
            _ => json!({ "a": [{ "b": text }, null], "c": { "d": 1 } }),
        };
        let chars: Vec<char> = json.to_string().chars().collect();
        chars
            .chunks(size)
            .map(|piece| piece.iter().collect())
            .collect()
    })
}

/// Writes the acts as chunks, and what they say.
fn chat(acts: &[Act], calls: &[Vec<String>]) -> (String, Substance) {
    let (mut stream, mut all) = (String::new(), Substance::default());
    let mut begun: Vec<(usize, usize)> = Vec::new();
    let mut step = |which: usize, stream: &mut String, all: &mut Substance| {
        let place = begun
            .iter()
            .position(|(call, _)| *call == which)
            .unwrap_or_else(|| {
                begun.push((which, 0));
                let json = calls[which].concat();
                all.calls
                    .push((format!("f{which}"), serde_json::from_str(&json).unwrap()));
                begun.len() - 1
            });
        let at = &mut begun[place].1;
        let Some(piece) = calls[which].get(*at) else {
            return false;
        };
        let mut call = json!({"index":place,"function":{"arguments":piece}});
        if *at == 0 {
            call["id"] = json!(format!("t{which}"));
            call["function"]["name"] = json!(format!("f{which}"));
        }
        *at += 1;
        *stream += &delta(&json!({"tool_calls":[call]}), None);
        true
    };
    for act in acts {
        match act {
            Act::Say(text) => {
                stream += &delta(&json!({"content":text}), None);
                all.text += text;
            }
            Act::Refuse(text) => {
                stream += &delta(&json!({"refusal":text}), None);
                all.text += text;
            }
            Act::Think(text) => {
                stream += &delta(&json!({"reasoning_content":text}), None);
                all.thinking += text;
            }
            Act::Seal(seal) => {
                stream += &delta(
                    &json!({"reasoning_details":[{"type":"reasoning.text","signature":seal}]}),
                    None,
                );
                all.seals.push(seal.clone());
            }
            Act::Hide(data) => {
                stream += &delta(
                    &json!({"reasoning_details":[{"type":"reasoning.encrypted","data":data}]}),
                    None,
                );
                all.hidden.push(data.clone());
            }
            Act::Call(which) => {
                step(*which, &mut stream, &mut all);
            }
        }
    }
    for which in 0..calls.len() {
        let known = all
            .calls
            .iter()
            .any(|(name, _)| *name == format!("f{which}"));
        while known && step(which, &mut stream, &mut all) {}
    }
    stream += &delta(&json!({}), Some("stop"));
    (stream, all)
}

/// A block of Anthropic's, in pieces.
fn block() -> impl Strategy<Value = Value> {
    let text = "[a-z é\"\\\\\n]{0,9}";
    prop_oneof![
        (text, 0..3_usize).prop_map(|(text, sources)| {
            let cited: Vec<_> = (0..sources).map(|n| json!({"source":n})).collect();
            match cited.as_slice() {
                [] => json!({"type":"text","text":text}),
                _ => json!({"type":"text","text":text,"citations":cited}),
            }
        }),
        (text, "[a-z]{0,4}").prop_map(|(text, seal)| json!({"type":"thinking","thinking":text,"signature":seal})),
        text.prop_map(|data| json!({"type":"redacted_thinking","data":data})),
        (text, any::<bool>()).prop_map(|(text, whole)| json!({"type":"tool_use","id":"t","name":"f","input":{"q":text},"whole":whole})),
        text.prop_map(|text| json!({"type":"web_search_tool_result","tool_use_id":"s","content":[{"t":text}]})),
        text.prop_map(|text| json!({"type":"server_tool_use","id":"s","name":"web","input":{"q":text}})),
    ]
}

/// The blocks as events.
fn message(blocks: &mut [Value]) -> String {
    let mut stream = start();
    for (index, block) in blocks.iter_mut().enumerate() {
        let whole = block.as_object_mut().unwrap().remove("whole") == Some(json!(true));
        let (mut head, mut deltas) = (block.clone(), Vec::new());
        let kind = block["type"].as_str().unwrap().to_owned();
        match kind.as_str() {
            "text" => {
                head["text"] = json!("");
                deltas.push(json!({"type":"text_delta","text":block["text"]}));
                head.as_object_mut().unwrap().remove("citations");
                for citation in block["citations"].as_array().into_iter().flatten() {
                    deltas.push(json!({"type":"citations_delta","citation":citation}));
                }
            }
            "thinking" => {
                (head["thinking"], head["signature"]) = (json!(""), json!(""));
                deltas.push(json!({"type":"thinking_delta","thinking":block["thinking"]}));
                deltas.push(json!({"type":"signature_delta","signature":block["signature"]}));
            }
            "tool_use" | "server_tool_use" if !whole => {
                head["input"] = json!({});
                let json = block["input"].to_string();
                let (first, second) = json.split_at(2);
                for piece in ["", first, second] {
                    deltas.push(json!({"type":"input_json_delta","partial_json":piece}));
                }
            }
            _ => {}
        }
        stream += &event(&json!({"type":"content_block_start","index":index,"content_block":head}));
        for delta in deltas {
            stream += &event(&json!({"type":"content_block_delta","index":index,"delta":delta}));
        }
        stream += &event(&json!({"type":"content_block_stop","index":index}));
    }
    stream + &end("end_turn")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_chat_does_its_message_is_strict_and_loses_nothing(
        acts in prop::collection::vec(act(), 0..24),
        calls in prop::collection::vec(pieces(), 4),
        cut in any::<prop::sample::Index>(),
    ) {
        let (stream, all) = chat(&acts, &calls);
        let (out, ending, _) = run(to_messages(), stream.as_bytes(), &[]);
        prop_assert_eq!(ending, Ending::Complete);
        prop_assert_eq!(check_grammar(&out, true, true), Ok(()));
        let mut got = of_message(&listen(&out).message);
        // Seals that follow each other are pieces of one.
        prop_assert_eq!(got.seals.concat(), all.seals.concat());
        got.seals.clone_from(&all.seals);
        prop_assert_eq!(got, all);
        let half = &stream.as_bytes()[..cut.index(stream.len() - 2)];
        let (out, ending, _) = run(to_messages(), half, &[3, 50]);
        prop_assert_ne!(&ending, &Ending::Complete);
        prop_assert_eq!(check_grammar(&out, true, false), Ok(()));
    }

    #[test]
    fn whatever_blocks_a_message_has_they_come_through(mut blocks in prop::collection::vec(block(), 0..9)) {
        let stream = message(&mut blocks);
        let wanted = of_message(&json!({ "content": blocks }));
        for plan in ways(AnthropicMessages) {
            let (out, ending, _) = run(plan.clone(), stream.as_bytes(), &[5, 400]);
            prop_assert_eq!(ending, Ending::Complete);
            if plan.to == AnthropicMessages {
                prop_assert_eq!(check_grammar(&out, plan.fidelity == Fidelity::Canonical, true), Ok(()));
                prop_assert_eq!(of_message(&listen(&out).message), wanted.clone());
            } else {
                let heard = hear(&out);
                prop_assert!(heard.chunks.iter().all(|chunk| check_chunk(chunk).is_ok()));
                prop_assert_eq!(of_stream(&heard), wanted.clone());
            }
        }
    }

    #[test]
    fn broken_recordings_neither_panic_nor_break_the_clients_grammar(
        which in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(),
        lines in prop::collection::vec(any::<prop::sample::Index>(), 0..3),
    ) {
        let all = small_recordings();
        if all.is_empty() {
            return Ok(());
        }
        let (from, body) = which.get(&all);
        let mut body = body.clone();
        for (at, byte) in &edits {
            let place = at.index(body.len());
            body[place] = *byte;
        }
        // Whole events that come again, or not at all.
        for at in &lines {
            let text = String::from_utf8_lossy(&body).into_owned();
            let mut events: Vec<&str> = text.split_inclusive("\n\n").collect();
            if events.is_empty() {
                break;
            }
            let place = at.index(events.len());
            if place % 2 == 0 { events.remove(place); } else { events.insert(place, events[place]); }
            body = events.concat().into_bytes();
        }
        body.truncate(cut.index(body.len() + 1).max(body.len() / 2));
        for plan in ways(*from) {
            let (out, ending, stream) = run(plan.clone(), &body, &[]);
            let (torn, _, _) = run(plan.clone(), &body, &[3, 1, 50]);
            prop_assert_eq!(&torn, &out);
            prop_assert!(stream.final_usage(1).cached <= stream.final_usage(1).input);
            let complete = ending == Ending::Complete;
            match plan.to {
                AnthropicMessages if plan.from == OpenAiChat || plan.fidelity == Fidelity::Canonical => {
                    prop_assert_eq!(check_grammar(&out, true, complete), Ok(()));
                }
                OpenAiChat if plan.from == AnthropicMessages => {
                    let heard = hear(&out);
                    prop_assert_eq!(heard.done == 1, complete);
                    for chunk in &heard.chunks {
                        prop_assert_eq!(check_chunk(chunk), Ok(()), "{}", chunk);
                    }
                }
                _ => {}
            }
            if let Ok(answer) = Answer::read(*from, Surface::Messages, Bytes::from(body.clone())) {
                answer.visit_texts(&mut |text| drop(text.path.to_string()));
                let body: Value = serde_json::from_slice(&answer.render(&plan)).unwrap();
                match plan.to {
                    AnthropicMessages if plan.from == OpenAiChat => prop_assert_eq!(check_message(&body), Ok(())),
                    OpenAiChat if plan.from == AnthropicMessages => prop_assert_eq!(check_body(&body), Ok(())),
                    _ => {}
                }
            }
        }
    }
}

/// Recorded answers of both dialects that are not too long to be broken often.
fn small_recordings() -> Vec<(Dialect, Vec<u8>)> {
    static ALL: OnceLock<Vec<(Dialect, Vec<u8>)>> = OnceLock::new();
    ALL.get_or_init(|| {
        let of = |surface, providers: &[&str], dialect| {
            let mut found = recordings(surface, providers);
            found.retain(|r| r.status == 200 && r.body.len() < 12_000);
            found
                .into_iter()
                .map(move |r| (dialect, r.body))
                .collect::<Vec<_>>()
        };
        let mut all = of("messages", &["anthropic"], AnthropicMessages);
        all.extend(of("chat_completions", &answers::PROVIDERS, OpenAiChat));
        all
    })
    .clone()
}
