//! Whole answers for a client of Responses, seals that travel there and back, and
//! streams made at random and by hand.
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

use alfred_filters::answer::{Answer, AnswerStream, Ending, Fidelity, StreamPlan};
use alfred_filters::conform::responses::Checker;
use alfred_filters::dialect::Dialect::{self, AnthropicMessages, OpenAiChat, OpenAiResponses};
use alfred_filters::dialect::openai_responses::Echo;
use alfred_filters::error::ProviderError;
use alfred_filters::prompt::{Prompt, RequestPatch, Surface};
use alfred_filters::translate::Translation;
use answers::{PROVIDERS, add, recordings, run};
use bytes::{Bytes, BytesMut};
use messages::{between, end, of_choice, of_message, start, text_block};
use proptest::prelude::*;
use responses::{figures, last, of_response, values, violations};
use serde_json::{Value, json};

fn plan(from: Dialect) -> StreamPlan {
    StreamPlan {
        surface: Surface::Responses,
        ..between(from, OpenAiResponses, Fidelity::Lens)
    }
}

/// The members that official clients want in every Response.
fn check_response(response: &Value) {
    let has = |name: &str| assert!(response.get(name).is_some(), "{name} in {response:#}");
    for name in [
        "id",
        "object",
        "created_at",
        "status",
        "error",
        "incomplete_details",
        "instructions",
        "metadata",
        "model",
        "output",
        "parallel_tool_calls",
        "temperature",
        "tool_choice",
        "tools",
        "top_p",
        "usage",
        "text",
        "truncation",
        "store",
    ] {
        has(name);
    }
    assert_eq!(response["object"], "response");
    assert!(response["usage"]["input_tokens_details"]["cached_tokens"].is_u64());
    assert!(response["usage"]["output_tokens_details"]["reasoning_tokens"].is_u64());
    for item in response["output"].as_array().unwrap() {
        assert!(
            item["id"].is_string() && item["status"] != "in_progress",
            "{item}"
        );
    }
}

#[test]
fn every_recorded_body_becomes_a_response_that_says_the_same() {
    let mut read = 0;
    for (from, surface, providers) in [
        (OpenAiChat, "chat_completions", &PROVIDERS[..]),
        (AnthropicMessages, "messages", &["anthropic"][..]),
    ] {
        for recording in recordings(surface, providers) {
            if recording.status != 200 || recording.stream {
                continue;
            }
            let body = Bytes::from(recording.body.clone());
            let Ok(answer) = Answer::read(from, Surface::Responses, body) else {
                continue;
            };
            read += 1;
            let out: Value = serde_json::from_slice(&answer.render(&plan(from))).unwrap();
            check_response(&out);
            let before: Value = serde_json::from_slice(&recording.body).unwrap();
            let client = of_response(&out);
            let provider = if from == OpenAiChat {
                let choice = &before["choices"][0];
                let mut said = answers::Said::default();
                add(&mut said, &choice["message"], choice);
                of_choice(&said, std::iter::empty())
            } else {
                of_message(&before)
            };
            assert_eq!(client.text, provider.text, "{}", recording.name);
            assert_eq!(client.calls, provider.calls, "{}", recording.name);
            if from == AnthropicMessages {
                assert_eq!(client, provider, "{}", recording.name);
            }
            let billed = answer.final_usage(11);
            let expected = [
                billed.input,
                billed.cached,
                billed.cache_write,
                billed.output,
            ];
            assert_eq!(figures(&out["usage"]), expected, "{}", recording.name);
        }
    }
    assert!(read > 100, "{read}");
}

#[test]
fn recorded_bodies_of_responses_pass_as_they_are_and_are_read_for_the_meter() {
    for recording in recordings("responses", &["openai", "azure", "bedrock"]) {
        if recording.stream {
            continue;
        }
        let body = Bytes::from(recording.body.clone());
        let before: Value = serde_json::from_slice(&body).unwrap();
        match Answer::read(OpenAiResponses, Surface::Responses, body.clone()) {
            Ok(answer) => {
                assert_eq!(
                    answer.render(&plan(OpenAiResponses)),
                    body,
                    "{}",
                    recording.name
                );
                if before["usage"].is_object() {
                    let usage = answer.usage().expect("usage is read");
                    let read = [usage.input, usage.cached, usage.cache_write, usage.output];
                    assert_eq!(read, figures(&before["usage"]), "{}", recording.name);
                }
                let mut texts = String::new();
                answer.visit_texts(&mut |text| texts.push_str(&text.text));
                for item in before["output"].as_array().unwrap() {
                    for part in item["content"].as_array().into_iter().flatten() {
                        let text = part["text"].as_str().unwrap_or("");
                        assert!(texts.contains(text), "{}: {text}", recording.name);
                    }
                }
            }
            Err(error) => {
                assert!(
                    recording.status >= 400,
                    "{}: {}",
                    recording.name,
                    error.message
                );
            }
        }
    }
}

fn block(index: usize, kind: &str, delta: &Value) -> String {
    let all = [
        json!({"type": "content_block_start", "index": index, "content_block": {"type": kind, kind: ""}}),
        json!({"type": "content_block_delta", "index": index, "delta": delta}),
    ];
    all.iter().map(messages::event).collect()
}

#[test]
fn seals_of_thoughts_come_back_as_they_went() {
    let stream = start()
        + &block(
            0,
            "thinking",
            &json!({"type": "thinking_delta", "thinking": "hm"}),
        )
        + &messages::event(&json!({"type": "content_block_delta", "index": 0,
            "delta": {"type": "signature_delta", "signature": "S+/="}}))
        + &messages::event(&json!({"type": "content_block_stop", "index": 0}))
        + &messages::event(&json!({"type": "content_block_start", "index": 1,
            "content_block": {"type": "redacted_thinking", "data": "D+/="}}))
        + &messages::event(&json!({"type": "content_block_stop", "index": 1}))
        + &text_block(2, "Hello")
        + &end("end_turn");
    let (out, ending, _) = run(plan(AnthropicMessages), stream.as_bytes(), &[]);
    assert_eq!(ending, Ending::Complete);
    assert_eq!(violations(&out), [""; 0]);
    let mut input = vec![json!({"role": "user", "content": "hi"})];
    input.extend(last(&out)["output"].as_array().unwrap().iter().cloned());
    input.push(json!({"role": "user", "content": "go on"}));
    let body = json!({"model": "claude-opus-4-5", "input": input}).to_string();
    let prompt = Prompt::read(Surface::Responses, Bytes::from(body)).unwrap();
    let how = Translation {
        patch: RequestPatch::default(),
        default_max_output: 100,
        keep_reasoning: true,
        ..Translation::default()
    };
    let said = prompt.translate(AnthropicMessages, &how).unwrap();
    let said: Value = serde_json::from_slice(&said.body).unwrap();
    assert_eq!(
        said["messages"][1]["content"],
        json!([{"type": "thinking", "thinking": "hm", "signature": "S+/="},
               {"type": "redacted_thinking", "data": "D+/="},
               {"type": "text", "text": "Hello"}])
    );
}

#[test]
fn an_answer_repeats_what_was_asked_of_it() {
    let body = json!({"model": "m", "input": "x", "instructions": "be\nbrief", "temperature": 0.5,
        "text": {"verbosity": "low"}, "metadata": {"k": "v"}, "tool_choice": null,
        "tools": [{"type": "function", "name": "f"}, {"type": "custom", "name": "c"},
            {"type": "function", "name": "g", "parameters": {}, "strict": true}]});
    let prompt = Prompt::read(Surface::Responses, Bytes::from(body.to_string())).unwrap();
    let mut stream = AnswerStream::new(plan(AnthropicMessages));
    stream.echo(Echo::of(&prompt).unwrap());
    let mut out = BytesMut::new();
    let said = start() + &text_block(0, "a") + &end("max_tokens");
    stream.feed(&Bytes::from(said), &mut out).unwrap();
    let ending = stream.finish_with(&mut out, &mut |_| Some(r#"{"cost":"1"}"#.to_owned()));
    assert_eq!(ending, Ending::Complete);
    assert_eq!(violations(&out), [""; 0]);
    let response = last(&out);
    check_response(&response);
    assert_eq!(response["status"], "incomplete");
    assert_eq!(
        response["incomplete_details"]["reason"],
        "max_output_tokens"
    );
    assert_eq!(response["output"][0]["status"], "incomplete");
    assert_eq!(response["instructions"], "be\nbrief");
    assert_eq!(response["temperature"], 0.5);
    assert_eq!(
        response["text"],
        json!({"format": {"type": "text"}, "verbosity": "low"})
    );
    assert_eq!(response["tool_choice"], "auto");
    // The published schema wants these members of every function.
    assert_eq!(
        response["tools"],
        json!([{"type": "function", "name": "f", "strict": null, "parameters": null},
            {"type": "custom", "name": "c"},
            {"type": "function", "name": "g", "parameters": {}, "strict": true}])
    );
    let text = String::from_utf8(out.to_vec()).unwrap();
    assert!(text.contains(": alfred {\"cost\":\"1\"}\n\nevent: response.incomplete\n"));
    assert!(!text.contains("[DONE]"));
    assert!(
        text.contains("\"item_id\":\"msg_fallback_0\""),
        "ids are made of the plan's"
    );
}

#[test]
fn members_whose_names_mean_something_else_here_get_another_name() {
    // Together's `prompt` is no reference to a stored one, Anthropic's `caller` no program of OpenAI's.
    let body = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "prompt": [], "seed": 5, "choices": [{"index": 0, "finish_reason": "tool_calls",
        "message": {"role": "assistant", "content": null, "tool_calls": [{"id": "t",
        "type": "function", "function": {"name": "f", "arguments": "{}"},
        "caller": {"type": "code_execution_20250825"}, "extra_content": 1}]}}]});
    let body = Bytes::from(body.to_string());
    let answer = Answer::read(OpenAiChat, Surface::Responses, body).unwrap();
    let answer: Value = serde_json::from_slice(&answer.render(&plan(OpenAiChat))).unwrap();
    assert_eq!(
        (&answer["native_prompt"], &answer["prompt"]),
        (&json!([]), &Value::Null)
    );
    assert_eq!(answer["seed"], 5);
    let call = &answer["output"][0];
    assert_eq!(
        call["native_caller"],
        json!({"type": "code_execution_20250825"})
    );
    assert!(call["caller"].is_null() && call["extra_content"] == 1);
}

#[test]
fn an_answer_that_breaks_off_says_so_in_its_grammar() {
    let mut stream = AnswerStream::new(plan(AnthropicMessages));
    let mut out = BytesMut::new();
    let said = start() + &block(0, "text", &json!({"type": "text_delta", "text": "half"}));
    stream.feed(&Bytes::from(said), &mut out).unwrap();
    assert!(matches!(stream.finish(&mut out), Ending::Truncated(_)));
    let error = ProviderError::malformed("it is gone").event(OpenAiResponses, None);
    assert!(stream.break_off(&error, &mut out));
    assert_eq!(violations(&out), [""; 0]);
    let all = values(&out);
    let [.., told, failed] = &all[..] else {
        panic!("two last events")
    };
    assert_eq!(
        (&told["type"], &told["code"]),
        (&json!("error"), &json!("provider_answer_unreadable"))
    );
    assert!(told["error"]["message"].is_string() && told["message"].is_string());
    assert_eq!(failed["response"]["status"], "failed");
    // The published schema lets a Response name few failures.
    let error = &failed["response"]["error"];
    assert_eq!(error["code"], "server_error");
    assert_eq!(error["native_code"], "provider_answer_unreadable");
    assert_eq!(error["message"], told["message"]);
    assert_eq!(
        failed["response"]["output"][0]["content"][0]["text"],
        "half"
    );
    assert_eq!(failed["response"]["output"][0]["status"], "incomplete");
    // Failures of a provider of Responses are told as such, with what was used.
    let failed = r#"data: {"type":"response.failed","sequence_number":0,"response":{"id":"resp_1","object":"response","status":"failed","error":{"code":"rate_limit_exceeded","message":"slow down"},"output":[],"usage":{"input_tokens":5,"output_tokens":2,"total_tokens":7}}}"#;
    let (_, ending, stream) = run(
        plan(OpenAiResponses),
        format!("{failed}\n\n").as_bytes(),
        &[],
    );
    assert!(matches!(ending, Ending::Failed(_)), "{ending:?}");
    assert_eq!(stream.usage().map(|usage| usage.total()), Some(7));
}

#[test]
fn the_checker_tells_what_is_wrong() {
    let stream = start() + &text_block(0, "a") + &end("end_turn");
    let (out, _, _) = run(plan(AnthropicMessages), stream.as_bytes(), &[]);
    let all = values(&out);
    let judge = |events: &[Value]| {
        let mut checker = Checker::new();
        let mut found = Vec::new();
        for event in events {
            found.extend(checker.event("", &event.to_string()));
        }
        found.extend(checker.finish());
        found
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("; ")
    };
    assert_eq!(judge(&all), "");
    for gone in 0..all.len() {
        let mut some = all.clone();
        some.remove(gone);
        assert!(!judge(&some).is_empty(), "without event {gone}");
        let mut twice = all.clone();
        twice.insert(gone, all[gone].clone());
        assert!(!judge(&twice).is_empty(), "with event {gone} twice");
    }
    for (at, pointer, value, said) in [
        (0, "/response/id", json!("x"), "'response.id' was"),
        (
            2,
            "/output_index",
            json!(1),
            "'output_index' of a new item must be 0, not 1",
        ),
        (
            3,
            "/content_index",
            json!(1),
            "'content_index' of a new part must be 0, not 1",
        ),
        (4, "/delta", json!("b"), "does not say what came in pieces"),
        (4, "/item_id", json!("b"), "'item_id' of item 0 is"),
        (
            8,
            "/response/status",
            json!("failed"),
            "must be completed, not \"failed\"",
        ),
        (
            8,
            "/response/usage/output_tokens",
            Value::Null,
            "'response.usage' must hold",
        ),
    ] {
        let mut wrong = all.clone();
        *wrong[at].pointer_mut(pointer).unwrap() = value;
        assert!(judge(&wrong).contains(said), "{said}: {}", judge(&wrong));
    }
    assert!(!Checker::new().event("", "[DONE]").is_empty());
    assert!(!Checker::new().event("", "{").is_empty());
}

/// One delta of OpenAI's older grammar.
fn any_delta() -> impl Strategy<Value = Value> {
    let text = "[a-z\"\\\\\n é😀]{0,6}";
    prop_oneof![
        text.prop_map(|text| json!({"content": text})),
        text.prop_map(|text| json!({"reasoning_content": text})),
        text.prop_map(|text| json!({"refusal": text})),
        (0..3u32, text).prop_map(|(index, name)| {
            json!({"tool_calls": [{"index": index, "id": format!("c{index}"), "type": "function",
                "function": {"name": name, "arguments": ""}}]})
        }),
        (
            0..3u32,
            prop::sample::select(vec!["{", "}", "{\"a\":1}", " ", "\"x"])
        )
            .prop_map(|(index, json)| {
                json!({"tool_calls": [{"index": index, "function": {"arguments": json}}]})
            }),
        Just(
            json!({"reasoning_details": [{"type": "reasoning.text", "text": "t", "signature": "s", "index": 0}]})
        ),
        Just(json!({"content": "x", "reasoning_content": "y"})),
    ]
}

proptest! {
    #[test]
    fn whatever_a_provider_says_a_client_of_responses_hears_it_in_the_grammar(
        deltas in prop::collection::vec(any_delta(), 0..14),
        finish in prop::sample::select(vec!["stop", "length", "tool_calls", "content_filter", "odd"]),
        pieces in prop::collection::vec(1..40usize, 1..6), cut in any::<prop::sample::Index>(),
    ) {
        let chunk = |delta: &Value, finish: Option<&str>| {
            let chunk = json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
                "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]});
            format!("data: {chunk}\n\n")
        };
        let mut stream: String = deltas.iter().map(|delta| chunk(delta, None)).collect();
        stream += &chunk(&json!({}), Some(finish));
        stream += "data: [DONE]\n\n";
        let (out, ending, _) = run(plan(OpenAiChat), stream.as_bytes(), &[]);
        prop_assert_eq!(ending, Ending::Complete);
        prop_assert_eq!(violations(&out), [""; 0]);
        let (same, _, _) = run(plan(OpenAiChat), stream.as_bytes(), &pieces);
        prop_assert_eq!(&same, &out);
        let at = cut.index(stream.len());
        let (half, ending, mut cut) = run(plan(OpenAiChat), &stream.as_bytes()[..at], &[]);
        if ending != Ending::Complete {
            let mut half = BytesMut::from(&half[..]);
            let error = ProviderError::malformed("cut").event(OpenAiResponses, None);
            prop_assert!(cut.break_off(&error, &mut half));
            prop_assert_eq!(violations(&half), [""; 0]);
        }
    }

    #[test]
    fn hostile_events_of_a_provider_of_responses_panic_nobody(
        kinds in prop::collection::vec(prop::sample::select(vec![
            "response.created", "response.output_item.added", "response.output_text.delta", "error",
            "response.function_call_arguments.delta", "response.completed", "response.failed",
            "response.reasoning_summary_part.added", "response.invented", ""]), 0..12),
        index in any::<u64>(), text in ".{0,8}",
    ) {
        let mut stream = String::new();
        for kind in kinds {
            let item = json!({"type": "function_call", "id": text, "name": index});
            let event = json!({"type": kind, "output_index": index, "delta": text, "item": item,
                "sequence_number": index, "response": {"id": index, "error": text, "usage": [text]}});
            stream += &format!("event: {kind}\ndata: {event}\n\n");
        }
        for to in [OpenAiResponses, OpenAiChat, AnthropicMessages] {
            let plan = StreamPlan { to, ..plan(OpenAiResponses) };
            let (_, _, mut stream) = run(plan, stream.as_bytes(), &[5]);
            stream.break_off(text.as_bytes(), &mut BytesMut::new());
        }
        let _ = Answer::read(OpenAiResponses, Surface::Responses, Bytes::from(text));
    }
}
