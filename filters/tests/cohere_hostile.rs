//! Answers of Cohere's nobody has recorded: thoughts and sources in a stream, failures,
//! members unknown here; damaged and hostile bytes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

mod answers;
mod messages;

use alfred_filters::answer::{Answer, Cut, Ending, Fidelity, StreamPlan};
use alfred_filters::dialect::Dialect::{AnthropicMessages, CohereChat, OpenAiChat};
use alfred_filters::error::{ErrorKind, KeyState, ProviderError};
use alfred_filters::prompt::Surface;
use answers::{at, check_body, check_chunk, failure, hear, put, run};
use bytes::Bytes;
use messages::{
    Substance, between, check_grammar, check_message, listen, of_choice, of_message, of_stream,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn ways() -> [StreamPlan; 2] {
    [OpenAiChat, AnthropicMessages].map(|to| between(CohereChat, to, Fidelity::Canonical))
}

fn stream(events: &[Value]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for event in events {
        let name = event["type"].as_str().unwrap_or("");
        bytes.extend_from_slice(format!("event: {name}\ndata: {event}\n\n").as_bytes());
    }
    bytes.extend_from_slice(b"data: [DONE]\n\n");
    bytes
}

fn event(kind: &str, index: u64, message: &Value) -> Value {
    json!({"type": kind, "index": index, "delta": {"message": message}})
}

fn content(kind: &str, index: u64, content: &Value) -> Value {
    event(kind, index, &json!({"content": content}))
}

fn end(finish: &str) -> Value {
    json!({"type": "message-end", "delta": {"finish_reason": finish,
        "usage": {"billed_units": {"input_tokens": 3, "output_tokens": 2}, "tokens": {"input_tokens": 9, "output_tokens": 4}}}})
}

fn says(text: &str, finish: &str) -> Vec<Value> {
    vec![
        json!({"type": "message-start", "id": "a", "delta": {"message": {"role": "assistant"}}}),
        content("content-start", 0, &json!({"type": "text", "text": ""})),
        content("content-delta", 0, &json!({"text": text})),
        json!({"type": "content-end", "index": 0}),
        end(finish),
    ]
}

fn whole(body: &Value) -> Result<Answer, ProviderError> {
    Answer::read(CohereChat, Surface::Chat, Bytes::from(body.to_string()))
}

/// What the client hears; the stream must be complete, in its grammar.
fn heard(plan: &StreamPlan, bytes: &[u8]) -> Substance {
    let (out, ending, _) = run(plan.clone(), bytes, &[]);
    assert_eq!(ending, Ending::Complete);
    if plan.to == OpenAiChat {
        let heard = hear(&out);
        let mut chunks = heard.chunks.iter();
        chunks.try_for_each(check_chunk).unwrap();
        of_stream(&heard)
    } else {
        check_grammar(&out, true, true).unwrap();
        of_message(&listen(&out).message)
    }
}

/// What the client reads in a body.
fn read(plan: &StreamPlan, body: &Value) -> Substance {
    let out: Value = serde_json::from_slice(&whole(body).unwrap().render(plan)).unwrap();
    if plan.to == OpenAiChat {
        check_body(&out).unwrap();
        let (choice, mut said) = (at(&out, "/choices/0"), answers::Said::default());
        answers::add(&mut said, &choice["message"], choice);
        of_choice(&said, std::iter::once(&choice["message"]))
    } else {
        check_message(&out).unwrap();
        of_message(&out)
    }
}

#[test]
fn thoughts_plan_text_sources_and_calls_say_the_same_streamed_and_whole() {
    let source = |text: &str, kind: &str| json!({"start": 0, "end": 2, "text": text, "sources": [{"type": "document", "id": "d"}], "type": kind});
    let call = |id: &str, json: &str| json!({"tool_calls": {"id": id, "type": "function", "function": {"name": "look", "arguments": json}}});
    let cite = |citation: &Value| event("citation-start", 0, &json!({"citations": citation}));
    let bytes = stream(&[
        json!({"type": "message-start", "id": "a", "delta": {"message": {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}}}),
        event("tool-plan-delta", 0, &json!({"tool_plan": "I will"})),
        event("tool-plan-delta", 0, &json!({"tool_plan": " look."})),
        cite(&source("look", "PLAN")),
        content(
            "content-start",
            0,
            &json!({"type": "thinking", "thinking": "hm"}),
        ),
        content("content-delta", 0, &json!({"thinking": "m \u{1F914}"})),
        json!({"type": "content-end", "index": 0}),
        content("content-start", 1, &json!({"type": "text", "text": "It "})),
        cite(&source("It", "TEXT_CONTENT")),
        json!({"type": "citation-end", "index": 0}),
        content("content-delta", 1, &json!({"text": "is."})),
        json!({"type": "content-end", "index": 1}),
        event("tool-call-start", 0, &call("c1", "")),
        event(
            "tool-call-delta",
            0,
            &json!({"tool_calls": {"function": {"arguments": "{\"at\""}}}),
        ),
        event(
            "tool-call-delta",
            0,
            &json!({"tool_calls": {"function": {"arguments": ":1}"}}}),
        ),
        json!({"type": "tool-call-end", "index": 0}),
        event("tool-call-start", 1, &call("c2", "")),
        json!({"type": "tool-call-end", "index": 1}),
        end("TOOL_CALL"),
    ]);
    let mut body = json!({"id": "a", "finish_reason": "TOOL_CALL", "message": {"role": "assistant",
        "tool_plan": "I will look.",
        "content": [{"type": "thinking", "thinking": "hmm \u{1F914}"}, {"type": "text", "text": "It is."}],
        "citations": [source("look", "PLAN"), source("It", "TEXT_CONTENT")],
        "tool_calls": [call("c1", "{\"at\":1}")["tool_calls"], call("c2", "")["tool_calls"]]}});
    body["usage"] = end("")["delta"]["usage"].clone();
    for plan in ways() {
        let said = heard(&plan, &bytes);
        assert_eq!(said, read(&plan, &body), "{:?}", plan.to);
        assert_eq!(said.text, "It is.");
        assert_eq!(said.thinking, "I will look.hmm \u{1F914}");
        assert_eq!(said.seals, ["cohere:tool_plan", "cohere:thinking"]);
        let look = |args: Value| ("look".to_owned(), args);
        assert_eq!(said.calls, [look(json!({"at": 1})), look(json!({}))]);
        // A thought of Anthropic's has no place for its sources.
        let sources = if plan.to == OpenAiChat { 2 } else { 1 };
        assert_eq!(said.citations.len(), sources);
    }
}

#[test]
fn what_ends_in_an_error_is_an_error_and_unknown_words_stop() {
    for (finish, kind, status) in [
        ("ERROR", ErrorKind::Server, 500),
        ("TIMEOUT", ErrorKind::Timeout, 504),
    ] {
        let body = json!({"message": {"content": [{"type": "text", "text": "a"}]}, "finish_reason": finish});
        let error = whole(&body).err().unwrap();
        assert_eq!((error.kind, error.status), (kind, status));
        assert!(error.retryable && error.raw_type.as_deref() == Some(finish));
        for plan in ways() {
            let (out, ending, seen) = run(plan, &stream(&says("a", finish)), &[]);
            assert_eq!(failure(ending).kind, kind);
            assert_eq!(seen.final_usage(7).input, 9);
            assert!(!String::from_utf8(out).unwrap().contains("[DONE]"));
        }
    }
    let mut told = says("a", "ERROR");
    put(&mut told[4], "/delta/error", json!("the model fell over"));
    for plan in ways() {
        let (_, ending, _) = run(plan, &stream(&told), &[]);
        assert_eq!(failure(ending).message, "the model fell over");
    }
    for (finish, word) in [
        ("MAX_TOKENS", "length"),
        ("STOP_SEQUENCE", "stop"),
        ("INVENTED", "stop"),
        ("TOOL_CALL", "tool_calls"),
    ] {
        for plan in ways() {
            let (_, ending, seen) = run(plan, &stream(&says("a", finish)), &[]);
            assert_eq!(ending, Ending::Complete);
            assert_eq!(seen.finish_reason(), Some(word));
        }
    }
}

#[test]
fn an_error_inside_a_stream_is_an_error() {
    let plain = json!({"id": "x", "message": "too many tokens: size limit exceeded", "error_type": "TOO_MANY_TOKENS"});
    let typed = json!({"type": "error", "message": "broken"});
    for error in [plain, typed] {
        for plan in ways() {
            let mut events = says("a", "COMPLETE");
            events.truncate(3);
            events.push(error.clone());
            for bytes in [
                stream(&events),
                error.to_string().into_bytes(),
                [stream(&events[..3]), error.to_string().into_bytes()].concat(),
            ] {
                let (_, ending, _) = run(plan.clone(), &bytes, &[]);
                assert!(!failure(ending).message.is_empty());
            }
        }
    }
}

#[test]
fn statuses_of_cohere_are_classed_as_what_they_mean() {
    for (status, kind, key) in [
        (402, ErrorKind::Quota, KeyState::Exhausted),
        (429, ErrorKind::RateLimit, KeyState::Throttled),
        (498, ErrorKind::Overloaded, KeyState::Fine),
        (499, ErrorKind::Server, KeyState::Fine),
        (500, ErrorKind::Server, KeyState::Fine),
    ] {
        let body = br#"{"id":"x","message":"no"}"#;
        let error = ProviderError::read(status, None, None, body, 0);
        assert_eq!((error.kind, error.key), (kind, key), "{status}");
        assert!(error.retryable);
    }
}

#[test]
fn what_is_unknown_survives() {
    let mut events = says("a", "COMPLETE");
    events.insert(1, json!({"type": "debug", "prompt": "kept-event"}));
    put(&mut events[3], "/kept_member", json!(1));
    put(
        &mut events[3],
        "/delta/message/kept_in_message",
        json!({"x": 1}),
    );
    put(
        &mut events[3],
        "/delta/message/content/kept_in_content",
        json!([2]),
    );
    put(&mut events[5], "/delta/kept_at_end", json!(true));
    put(&mut events[5], "/delta/usage/kept_usage", json!("u"));
    let image = json!({"type": "kept-kind", "data": "iVBO"});
    events.insert(2, content("content-start", 7, &image));
    let body = json!({"id": "a", "kept_member": 1, "finish_reason": "COMPLETE",
        "message": {"kept_in_message": 1, "content": [{"type": "text", "text": "a", "kept_in_content": 2}, image]},
        "usage": {"kept_usage": "u"}});
    for plan in ways() {
        let (out, ending, _) = run(plan.clone(), &stream(&events), &[]);
        assert_eq!(ending, Ending::Complete);
        let streamed = String::from_utf8(out).unwrap();
        for kept in [
            "kept-event",
            "kept_member",
            "kept_in_message",
            "kept_in_content",
            "kept_at_end",
            "kept_usage",
            "kept-kind",
        ] {
            assert!(streamed.contains(kept), "{kept} in {streamed}");
        }
        let whole = String::from_utf8(whole(&body).unwrap().render(&plan).to_vec()).unwrap();
        for kept in [
            "kept_member",
            "kept_in_message",
            "kept_in_content",
            "kept_usage",
            "kept-kind",
        ] {
            assert!(whole.contains(kept), "{kept} in {whole}");
        }
    }
}

#[test]
fn probabilities_come_in_openais_shape() {
    let list = json!([{"text": "a", "token_ids": [5], "logprobs": [-0.25]}]);
    let body = json!({"message": {"content": [{"type": "text", "text": "a"}]}, "finish_reason": "COMPLETE", "logprobs": list});
    let mut events = says("a", "COMPLETE");
    put(&mut events[2], "/logprobs", list[0].clone());
    let plan = between(CohereChat, OpenAiChat, Fidelity::Canonical);
    let out: Value = serde_json::from_slice(&whole(&body).unwrap().render(&plan)).unwrap();
    check_body(&out).unwrap();
    let told = out.pointer("/choices/0/logprobs/content/0").unwrap();
    assert_eq!(told["logprob"], -0.25);
    let (out, _, _) = run(plan, &stream(&events), &[]);
    let chunks = hear(&out).chunks;
    let streamed = chunks
        .iter()
        .find_map(|chunk| chunk.pointer("/choices/0/logprobs/content/0"));
    assert_eq!(streamed, Some(told));
}

#[test]
fn bytes_that_are_no_answer_are_a_clear_error() {
    let deep = format!("{{\"message\":{}1{}}}", "[".repeat(500), "]".repeat(500));
    let call = json!({"id": "c", "function": {"name": "f"}});
    let calls = json!({"message": {"tool_calls": vec![call; 2000]}, "finish_reason": "TOOL_CALL"});
    for bad in [
        &b"\xff\xfe{\"message\":{}}"[..],
        b"{\"message\":{\"content\":\"\xff\"}}",
        b"<html><body>502</body></html>",
        b"{\"message\":",
        b"{}",
        b"[]",
        b"null",
        b"7",
        b"{\"message\":[]}",
        b"{\"message\":\"no\"}",
        b"{\"text\":\"of the first version\",\"finish_reason\":\"COMPLETE\"}",
        b"",
        deep.as_bytes(),
        calls.to_string().as_bytes(),
    ] {
        let shown = String::from_utf8_lossy(bad.get(..40).unwrap_or(bad)).into_owned();
        let error = Answer::read(CohereChat, Surface::Chat, Bytes::copy_from_slice(bad)).err();
        let clear = error.is_some_and(|error| !error.message.is_empty());
        assert!(clear, "{shown}");
        for plan in ways() {
            for bytes in [bad.to_vec(), [b"data: ", bad, b"\n\n"].concat()] {
                let (out, ending, _) = run(plan.clone(), &bytes, &[]);
                assert!(!matches!(ending, Ending::Complete), "{shown}");
                let out = String::from_utf8_lossy(&out).into_owned();
                assert!(!out.contains("[DONE]") && !out.contains("message_stop"));
            }
        }
    }
}

#[test]
fn members_of_wrong_types_and_calls_without_end_do_no_harm() {
    let strange = [
        json!(7),
        json!("x"),
        json!([[]]),
        json!({"a": 1}),
        json!(null),
    ];
    for wrong in &strange {
        let message = json!({"role": wrong, "content": wrong, "tool_plan": wrong, "tool_calls": wrong, "citations": wrong});
        let mut events =
            vec![json!({"type": "message-start", "id": wrong, "delta": {"message": message}})];
        for kind in [
            "content-start",
            "content-delta",
            "tool-plan-delta",
            "tool-call-start",
            "tool-call-delta",
            "citation-start",
        ] {
            events.push(json!({"type": kind, "index": wrong, "delta": {"message": message}, "logprobs": wrong}));
            events.push(json!({"type": kind, "index": wrong, "delta": wrong}));
        }
        let call =
            json!({"tool_calls": {"id": wrong, "function": {"name": wrong, "arguments": wrong}}});
        events.push(event("tool-call-start", 0, &call));
        events.push(event("tool-call-delta", 5, &call));
        events.push(
            json!({"type": "message-end", "delta": {"finish_reason": wrong, "usage": wrong}}),
        );
        for plan in ways() {
            let (_, ending, _) = run(plan.clone(), &stream(&events), &[]);
            assert_eq!(ending, Ending::Complete, "{wrong}");
            let body = json!({"message": message, "finish_reason": wrong, "usage": wrong});
            let said = whole(&body).unwrap().render(&plan);
            assert!(serde_json::from_slice::<Value>(&said).is_ok());
        }
    }
}

#[test]
fn calls_beyond_all_measure_are_refused() {
    let call = json!({"tool_calls": {"id": "c", "function": {"name": "f"}}});
    let open: Vec<Value> = (0..100)
        .map(|at| event("tool-call-start", at, &call))
        .collect();
    let same: Vec<Value> = (0..2000)
        .map(|_| event("tool-call-start", 0, &call))
        .collect();
    for events in [open, same] {
        for plan in ways() {
            let (_, ending, _) = run(plan, &stream(&events), &[]);
            assert_eq!(failure(ending).kind, ErrorKind::Malformed);
        }
    }
}

#[test]
fn a_long_line_and_absurd_figures_pass_and_done_proves_nothing() {
    let long = "QUJD".repeat(1 << 18);
    let mut events = says(&long, "COMPLETE");
    put(
        &mut events[4],
        "/delta/usage",
        json!({"tokens": {"input_tokens": -4, "output_tokens": 1e300},
        "billed_units": {"input_tokens": -1, "output_tokens": "x"}, "cached_tokens": -3}),
    );
    for plan in ways() {
        let (out, ending, seen) = run(plan.clone(), &stream(&events), &[65_536]);
        assert_eq!(ending, Ending::Complete);
        assert!(out.len() > long.len());
        let usage = seen.final_usage(9);
        assert_eq!((usage.input, usage.output), (0, u64::MAX));
        assert_eq!((usage.cached, usage.billed), (0, None));
        let (_, ending, _) = run(plan, &stream(&events[..4]), &[]);
        assert_eq!(ending, Ending::Truncated(Cut::Unfinished(1)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn damaged_streams_never_panic_and_cuts_change_nothing(
        at in any::<prop::sample::Index>(),
        with in any::<u8>(),
        sizes in proptest::collection::vec(1..60_usize, 1..6),
        anthropic in any::<bool>(),
    ) {
        let call = json!({"tool_calls": {"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}});
        let mut bytes = stream(&[
            json!({"type": "message-start", "id": "a", "delta": {"message": {"role": "assistant"}}}),
            event("tool-plan-delta", 0, &json!({"tool_plan": "é😀\n"})),
            content("content-start", 0, &json!({"type": "thinking", "thinking": "hm"})),
            content("content-start", 1, &json!({"type": "text", "text": "x"})),
            event("citation-start", 0, &json!({"citations": {"start": 0, "text": "x"}})),
            event("tool-call-start", 0, &call),
            event("tool-call-delta", 0, &json!({"tool_calls": {"function": {"arguments": "{\"a\":[1]}"}}})),
            event("tool-call-start", 1, &call),
            end("TOOL_CALL"),
        ]);
        let place = at.index(bytes.len());
        bytes[place] = with;
        let plan = ways()[usize::from(anthropic)].clone();
        let (out, ending, _) = run(plan.clone(), &bytes, &[]);
        let (torn, torn_ending, _) = run(plan, &bytes, &sizes);
        prop_assert!(out == torn);
        prop_assert_eq!(ending, torn_ending);
    }
}
