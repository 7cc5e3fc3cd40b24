//! Answers of Cohere's at random: every order of contents and calls that its grammar
//! allows, in pieces of any size, must say the same to a client of any dialect,
//! streamed, whole and cut anywhere; and come back as what they were.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

mod answers;
mod messages;
mod responses;

use alfred_filters::answer::{Answer, Ending, Fidelity, StreamPlan};
use alfred_filters::dialect::Dialect::{
    AnthropicMessages, CohereChat, OpenAiChat, OpenAiResponses,
};
use alfred_filters::prompt::{Prompt, Surface};
use alfred_filters::translate::Translation;
use answers::{Said, add, at, check_body, check_chunk, hear, put, run};
use bytes::Bytes;
use messages::{
    Substance, between, check_grammar, check_message, listen, of_choice, of_message, of_stream,
};
use proptest::prelude::*;
use responses::{last, of_response, violations};
use serde_json::{Value, json};

/// What a model does after its plan.
#[derive(Clone, Debug)]
enum Act {
    /// A text, whether it has a source, and the size of the pieces it comes in.
    Say(String, bool, usize),
    Think(String, usize),
    /// A call with these arguments; without any it comes without a delta.
    Call(Option<Value>, usize),
}

fn act() -> impl Strategy<Value = Act> {
    let text = || "[a-z é😀\"\\\\\n{}]{1,12}";
    let arguments = prop_oneof![
        Just(None),
        text().prop_map(|text| Some(json!({ "q": text, "n": [1, null] }))),
        Just(Some(json!({}))),
    ];
    prop_oneof![
        (text(), any::<bool>(), 1..6_usize).prop_map(|(t, c, size)| Act::Say(t, c, size)),
        (text(), 1..6_usize).prop_map(|(t, size)| Act::Think(t, size)),
        (arguments, 1..6_usize).prop_map(|(json, size)| Act::Call(json, size)),
    ]
}

fn pieces(text: &str, size: usize) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    chars
        .chunks(size)
        .map(|piece| piece.iter().collect())
        .collect()
}

/// An answer in both of its forms, and what it says.
#[derive(Default)]
struct Made {
    stream: String,
    body: Value,
    said: Substance,
}

impl Made {
    fn event(&mut self, kind: &str, index: usize, message: &Value) {
        let event = json!({"type": kind, "index": index, "delta": {"message": message}});
        self.stream += &format!("event: {kind}\ndata: {event}\n\n");
    }

    fn content(&mut self, index: usize, kind: &str, text: &str, size: usize) {
        self.event(
            "content-start",
            index,
            &json!({"content": {"type": kind, kind: ""}}),
        );
        for piece in pieces(text, size) {
            self.event("content-delta", index, &json!({"content": {kind: piece}}));
        }
    }

    fn new(plan: &str, acts: &[Act]) -> Made {
        let mut made = Made::default();
        let (mut content, mut calls) = (Vec::new(), Vec::new());
        made.stream += "data: {\"type\":\"message-start\",\"id\":\"a\"}\n\n";
        for piece in pieces(plan, 3) {
            made.event("tool-plan-delta", 0, &json!({"tool_plan": piece}));
        }
        if !plan.is_empty() {
            made.said.thinking += plan;
            made.said.seals.push("cohere:tool_plan".to_owned());
        }
        for act in acts {
            let index = content.len();
            match act {
                Act::Say(text, cited, size) => {
                    made.content(index, "text", text, *size);
                    if *cited {
                        let source = json!({"start": 0, "end": 1, "text": text, "sources": []});
                        made.event("citation-start", 0, &json!({"citations": source}));
                        made.said.citations.push(source);
                    }
                    made.event("content-end", index, &Value::Null);
                    made.said.text += text;
                    content.push(json!({"type": "text", "text": text}));
                }
                Act::Think(text, size) => {
                    made.content(index, "thinking", text, *size);
                    made.event("content-end", index, &Value::Null);
                    made.said.thinking += text;
                    made.said.seals.push("cohere:thinking".to_owned());
                    content.push(json!({"type": "thinking", "thinking": text}));
                }
                Act::Call(arguments, size) => {
                    let index = calls.len();
                    let json = arguments.as_ref().map_or(String::new(), Value::to_string);
                    let call = json!({"id": format!("c{index}"), "type": "function", "function": {"name": "look", "arguments": json}});
                    let mut start = call.clone();
                    put(&mut start, "/function/arguments", json!(""));
                    made.event("tool-call-start", index, &json!({"tool_calls": start}));
                    for piece in pieces(&json, *size) {
                        let piece = json!({"tool_calls": {"function": {"arguments": piece}}});
                        made.event("tool-call-delta", index, &piece);
                    }
                    made.event("tool-call-end", index, &Value::Null);
                    let arguments = arguments.clone().unwrap_or(json!({}));
                    made.said.calls.push(("look".to_owned(), arguments));
                    calls.push(call);
                }
            }
        }
        let usage = json!({"tokens": {"input_tokens": 9, "output_tokens": 3}});
        let end =
            json!({"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": usage}});
        made.stream += &format!("event: message-end\ndata: {end}\n\ndata: [DONE]\n\n");
        made.body = json!({"id": "a", "finish_reason": "COMPLETE", "usage": usage, "message": {
            "role": "assistant", "tool_plan": plan, "content": content, "tool_calls": calls,
            "citations": made.said.citations}});
        made
    }
}

const SURFACES: [Surface; 3] = [Surface::Chat, Surface::Messages, Surface::Responses];

fn plan_for(surface: Surface) -> StreamPlan {
    let to = match surface {
        Surface::Messages => AnthropicMessages,
        Surface::Responses => OpenAiResponses,
        _ => OpenAiChat,
    };
    StreamPlan {
        surface,
        ..between(CohereChat, to, Fidelity::Canonical)
    }
}

/// What a client hears.
fn heard(plan: &StreamPlan, stream: &str, sizes: &[usize]) -> Substance {
    let (out, ending, _) = run(plan.clone(), stream.as_bytes(), sizes);
    assert_eq!(ending, Ending::Complete);
    match plan.surface {
        Surface::Messages => {
            check_grammar(&out, true, true).unwrap();
            of_message(&listen(&out).message)
        }
        Surface::Responses => {
            assert_eq!(violations(&out), [""; 0]);
            of_response(&last(&out))
        }
        _ => {
            let heard = hear(&out);
            heard.chunks.iter().try_for_each(check_chunk).unwrap();
            of_stream(&heard)
        }
    }
}

/// What a client reads in a body, and the body.
fn read(plan: &StreamPlan, body: &Value) -> (Substance, Value) {
    let body = Bytes::from(body.to_string());
    let answer = Answer::read(CohereChat, plan.surface, body).unwrap();
    let out: Value = serde_json::from_slice(&answer.render(plan)).unwrap();
    let said = match plan.surface {
        Surface::Messages => {
            check_message(&out).unwrap();
            of_message(&out)
        }
        Surface::Responses => of_response(&out),
        _ => {
            check_body(&out).unwrap();
            let choice = at(&out, "/choices/0");
            let mut said = Said::default();
            add(&mut said, &choice["message"], choice);
            of_choice(&said, std::iter::once(&choice["message"]))
        }
    };
    (said, out)
}

/// The request in which that answer comes back, with results for its calls.
fn next(surface: Surface, answer: &Value, calls: usize) -> Value {
    let user = json!({"role": "user", "content": "go"});
    let ids = (0..calls).map(|call| format!("c{call}"));
    match surface {
        Surface::Messages => {
            let result = |id| json!({"type": "tool_result", "tool_use_id": id, "content": "x"});
            let mut content: Vec<Value> = ids.map(result).collect();
            content.push(json!({"type": "text", "text": "on"}));
            json!({"model": "m", "max_tokens": 9, "messages": [user,
                {"role": "assistant", "content": answer["content"]},
                {"role": "user", "content": content}]})
        }
        Surface::Responses => {
            let mut input = vec![user];
            input.extend(answer["output"].as_array().unwrap().iter().cloned());
            let result = |id| json!({"type": "function_call_output", "call_id": id, "output": "x"});
            input.extend(ids.map(result));
            json!({"model": "m", "input": input})
        }
        _ => {
            let mut all = vec![user, at(answer, "/choices/0/message").clone()];
            all.extend(ids.map(|id| json!({"role": "tool", "tool_call_id": id, "content": "x"})));
            json!({"model": "m", "messages": all})
        }
    }
}

fn joined(message: &Value, key: &str) -> String {
    let parts = message["content"].as_array().into_iter().flatten();
    let texts = parts.map(|part| part[key].as_str().unwrap_or(""));
    let alone = message["content"].as_str().filter(|_| key == "text");
    texts.collect::<String>() + alone.unwrap_or("")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_answer_says_the_same_streamed_whole_and_torn_and_comes_back(
        plan in "[a-z é\"\n]{0,9}",
        acts in proptest::collection::vec(act(), 0..7),
        sizes in proptest::collection::vec(1..50_usize, 1..5),
        surface in proptest::sample::select(&SURFACES[..]),
    ) {
        let made = Made::new(&plan, &acts);
        let way = plan_for(surface);
        prop_assert_eq!(&heard(&way, &made.stream, &[]), &made.said);
        prop_assert_eq!(&heard(&way, &made.stream, &sizes), &made.said);
        let (said, answer) = read(&way, &made.body);
        prop_assert_eq!(&said, &made.said);

        let request = next(surface, &answer, made.said.calls.len());
        let prompt = Prompt::read(surface, Bytes::from(request.to_string())).unwrap();
        let sent = prompt.translate(CohereChat, &Translation::default()).unwrap();
        let sent: Value = serde_json::from_slice(&sent.body).unwrap();
        let own = &made.body["message"];
        let turn = at(&sent, "/messages/1");
        if turn["role"] != "assistant" {
            // Blank thoughts alone are no turn.
            prop_assert!(made.said.text.is_empty() && made.said.calls.is_empty());
            return Ok(());
        }
        prop_assert_eq!(joined(turn, "text"), joined(own, "text"));
        let calls = own["tool_calls"].as_array().unwrap();
        prop_assert_eq!(turn["tool_calls"].as_array().map_or(0, Vec::len), calls.len());
        if !calls.is_empty() && !plan.trim().is_empty() {
            prop_assert_eq!(&turn["tool_plan"], &own["tool_plan"]);
        }
        let told = own["content"].as_array().unwrap().iter();
        let thoughts = told.filter_map(|part| part["thinking"].as_str());
        let thoughts: String = thoughts.filter(|text| !text.trim().is_empty()).collect();
        prop_assert_eq!(joined(turn, "thinking"), thoughts);
    }
}
