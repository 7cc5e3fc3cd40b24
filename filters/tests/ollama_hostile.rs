//! Answers of Ollama's own API that nobody has recorded: calls, thoughts, pictures,
//! failures in the middle; damaged and hostile bytes.
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
use alfred_filters::dialect::Dialect::{AnthropicMessages, OllamaChat, OpenAiChat};
use alfred_filters::error::{ErrorKind, ProviderError};
use alfred_filters::prompt::Surface;
use answers::{check_body, check_chunk, failure, hear, run};
use bytes::Bytes;
use messages::{between, check_grammar, check_message, listen, of_message, of_stream};
use proptest::prelude::*;
use serde_json::{Value, json};

fn ways() -> [StreamPlan; 2] {
    [OpenAiChat, AnthropicMessages].map(|to| between(OllamaChat, to, Fidelity::Canonical))
}

fn stream(objects: &[Value]) -> Vec<u8> {
    objects
        .iter()
        .flat_map(|object| format!("{object}\n").into_bytes())
        .collect()
}

fn says(message: &Value) -> Value {
    json!({"model": "m", "created_at": "2025-01-01T00:00:00.5Z", "message": message, "done": false})
}

fn done(more: &Value) -> Value {
    let mut last = json!({"model": "m", "message": {"role": "assistant", "content": ""},
        "done": true, "done_reason": "stop", "prompt_eval_count": 3, "eval_count": 5});
    for (key, value) in more.as_object().unwrap() {
        last[key] = value.clone();
    }
    last
}

fn whole(body: &Value) -> Result<Answer, ProviderError> {
    Answer::read(OllamaChat, Surface::Chat, Bytes::from(body.to_string()))
}

#[test]
fn calls_get_ids_and_their_objects_become_texts() {
    let call = |arguments: Value| json!({"function": {"name": "look", "arguments": arguments}});
    let calls = json!([
        call(json!({"at": 1})),
        call(json!({})),
        call(json!("{\"at\":2}"))
    ]);
    let bytes = stream(&[
        says(&json!({"role": "assistant", "thinking": "hm", "content": ""})),
        says(&json!({"role": "assistant", "content": "", "tool_calls": calls})),
        says(
            &json!({"content": "", "tool_calls": [{"id": "own", "function": {"index": 3, "name": "g"}}]}),
        ),
        done(&json!({})),
    ]);
    for plan in ways() {
        let (out, ending, seen) = run(plan.clone(), &bytes, &[]);
        assert_eq!(ending, Ending::Complete);
        assert_eq!(seen.finish_reason(), Some("tool_calls"));
        let (said, ids) = if plan.to == OpenAiChat {
            let heard = hear(&out);
            heard
                .chunks
                .iter()
                .for_each(|chunk| check_chunk(chunk).unwrap());
            let calls = heard.chunks.iter().flat_map(|chunk| {
                let calls = chunk.pointer("/choices/0/delta/tool_calls");
                calls.and_then(Value::as_array).cloned().unwrap_or_default()
            });
            let ids = calls.map(|call| call["id"].clone());
            let calls = ids.filter(Value::is_string);
            (of_stream(&heard), calls.collect::<Vec<_>>())
        } else {
            check_grammar(&out, true, true).unwrap();
            let message = listen(&out).message;
            let blocks = message["content"].as_array().unwrap().clone();
            let ids = blocks.iter().filter(|block| block["type"] == "tool_use");
            (
                of_message(&message),
                ids.map(|block| block["id"].clone()).collect(),
            )
        };
        let name = |name: &str, arguments: Value| (name.to_owned(), arguments);
        let expected = [
            name("look", json!({"at": 1})),
            name("look", json!({})),
            name("look", json!({"at": 2})),
            name("g", json!({})),
        ];
        assert_eq!(said.calls, expected);
        assert_eq!(said.thinking, "hm");
        let mut distinct = ids.clone();
        distinct.sort_by_key(Value::to_string);
        distinct.dedup();
        assert_eq!((distinct.len(), &ids[3]), (4, &json!("own")));
    }
    let body = whole(&done(
        &json!({"message": {"content": "", "tool_calls": calls}}),
    ))
    .unwrap();
    let plan = between(OllamaChat, OpenAiChat, Fidelity::Canonical);
    let first: Value = serde_json::from_slice(&body.render(&plan)).unwrap();
    let again: Value = serde_json::from_slice(&body.render(&plan)).unwrap();
    assert_eq!(first, again, "made-up ids stay the same");
    check_body(&first).unwrap();
}

#[test]
fn pictures_probabilities_and_what_is_unknown_survive() {
    let message =
        json!({"role": "assistant", "content": "here", "images": ["/9j/AA==", ""], "mood": "x"});
    let more = json!({"message": message, "remote_host": "h", "load_duration": 7,
        "logprobs": [{"token": "here", "logprob": -0.5, "bytes": [104]}]});
    for plan in ways() {
        let last = done(&more);
        let (out, ending, _) = run(plan.clone(), &stream(std::slice::from_ref(&last)), &[]);
        assert_eq!(ending, Ending::Complete);
        let body: Value = serde_json::from_slice(&whole(&last).unwrap().render(&plan)).unwrap();
        let out = String::from_utf8(out).unwrap();
        if plan.to == OpenAiChat {
            check_body(&body).unwrap();
            assert!(out.contains("data:image/jpeg;base64,/9j/AA=="), "{out}");
            assert!(out.contains(r#""logprob":-0.5,"bytes":[104]"#), "{out}");
            let probability = body.pointer("/choices/0/logprobs/content/0/logprob");
            assert_eq!(probability, Some(&json!(-0.5)));
        } else {
            check_message(&body).unwrap();
            assert!(out.contains("image/jpeg"), "{out}");
        }
        for out in [out, body.to_string()] {
            for kept in ["remote_host", "mood", "load_duration"] {
                assert!(out.contains(kept), "{kept} in {out}");
            }
        }
    }
}

#[test]
fn a_missing_count_is_estimated_and_a_reported_one_is_not() {
    let said = says(&json!({"content": "four words of text"}));
    for (counts, expected) in [
        (json!({}), (3, 5, false)),
        (json!({"prompt_eval_count": null}), (11, 5, true)),
        (json!({"prompt_eval_count": -1}), (11, 5, true)),
        (
            json!({"prompt_eval_count": "NaN", "eval_count": null}),
            (11, 4, true),
        ),
        (json!({"eval_count": null}), (3, 4, true)),
        (json!({"eval_count": 1e300}), (3, u64::MAX, false)),
    ] {
        for plan in ways() {
            let (out, _, seen) = run(plan.clone(), &stream(&[said.clone(), done(&counts)]), &[]);
            let usage = seen.final_usage(11);
            assert_eq!(
                (usage.input, usage.output, usage.estimated),
                expected,
                "{counts}"
            );
            let out = String::from_utf8(out).unwrap();
            assert!(!out.contains("\"prompt_tokens\":0") && !out.contains("\"input_tokens\":0"));
        }
        let mut body = done(&counts);
        body["message"] = said["message"].clone();
        let usage = whole(&body).unwrap().final_usage(11);
        assert_eq!(
            (usage.input, usage.output, usage.estimated),
            expected,
            "{counts}"
        );
    }
}

#[test]
fn reasons_of_an_end_find_their_words() {
    for (reason, word) in [
        (json!("stop"), "stop"),
        (json!("length"), "length"),
        (json!("load"), "stop"),
        (json!("invented"), "stop"),
        (Value::Null, "stop"),
        (json!(7), "stop"),
    ] {
        let body = done(&json!({"done_reason": reason}));
        assert_eq!(
            whole(&body).unwrap().finish_reason(),
            Some(word),
            "{reason}"
        );
    }
    let error = whole(&done(&json!({"done_reason": "error"})))
        .err()
        .unwrap();
    assert_eq!((error.kind, error.retryable), (ErrorKind::Server, true));
}

#[test]
fn an_error_inside_a_200_is_an_error() {
    let said = says(&json!({"content": "a"}));
    for (error, status) in [
        (
            json!({"error": "an error was encountered while running the model"}),
            500,
        ),
        (json!({"error": "model is overloaded", "status": 503}), 503),
        (json!({"error": {"message": "no", "code": 429}}), 429),
    ] {
        for plan in ways() {
            for bytes in [
                stream(&[said.clone(), error.clone()]),
                stream(std::slice::from_ref(&error)),
                error.to_string().into_bytes(),
                [
                    stream(std::slice::from_ref(&said)),
                    error.to_string().into_bytes(),
                ]
                .concat(),
            ] {
                let (out, ending, _) = run(plan.clone(), &bytes, &[]);
                assert_eq!(failure(ending).status, status);
                assert!(!String::from_utf8(out).unwrap().contains("[DONE]"));
            }
        }
        assert_eq!(whole(&error).err().unwrap().status, status);
    }
    let missing = json!({"error": "model 'x' not found, try pulling it first"}).to_string();
    let error = ProviderError::read(404, None, None, missing.as_bytes(), 0);
    assert_eq!((error.kind, error.retryable), (ErrorKind::NotFound, false));
}

#[test]
fn what_follows_the_end_counts_for_nothing_and_a_body_must_have_one() {
    let bytes = stream(&[
        says(&json!({"content": "a"})),
        done(&json!({})),
        says(&json!({"content": "b"})),
        json!({"error": "late"}),
    ]);
    for plan in ways() {
        let (out, ending, _) = run(plan, &bytes, &[]);
        assert_eq!(ending, Ending::Complete);
        assert!(!String::from_utf8(out).unwrap().contains("late"));
    }
    let error = whole(&says(&json!({"content": "a"}))).err().unwrap();
    assert_eq!((error.kind, error.retryable), (ErrorKind::Malformed, true));
    // An imitator that has no such member has sent all of it.
    let body = whole(&json!({"message": {"role": "assistant", "content": "a"}})).unwrap();
    assert_eq!(body.finish_reason(), Some("stop"));
}

#[test]
fn bytes_that_are_no_answer_are_a_clear_error() {
    let deep = |open: &str, close: &str| {
        format!(
            "{{\"message\":{}1{}}}",
            open.repeat(10_000),
            close.repeat(10_000)
        )
    };
    let (lists, objects) = (deep("[", "]"), deep("{\"a\":", "}"));
    let call = json!({"function": {"name": "f"}});
    let calls = says(&json!({"tool_calls": Value::from(vec![call; 2000])})).to_string();
    for bad in [
        &b"\xff\xfe{\"message\":{}}"[..],
        b"{\"message\":{\"content\":\"\xff\"},\"done\":true}",
        b"<html><body>502</body></html>",
        b"{\"message\":",
        b"{}",
        b"[]",
        b"null",
        b"7",
        b"{\"message\":7,\"done\":false}",
        b"{\"message\":\"something went wrong\"}",
        b"",
        b"\n\n",
        lists.as_bytes(),
        objects.as_bytes(),
        calls.as_bytes(),
    ] {
        let shown = String::from_utf8_lossy(bad.get(..40).unwrap_or(bad)).into_owned();
        let error = Answer::read(OllamaChat, Surface::Chat, Bytes::copy_from_slice(bad)).err();
        assert!(
            error.is_some_and(|error| !error.message.is_empty()),
            "{shown}"
        );
        for plan in ways() {
            for bytes in [bad.to_vec(), [bad, b"\n"].concat()] {
                let (out, ending, _) = run(plan.clone(), &bytes, &[]);
                assert!(!matches!(ending, Ending::Complete), "{shown}");
                let out = String::from_utf8_lossy(&out).into_owned();
                assert!(!out.contains("[DONE]") && !out.contains("message_stop"));
            }
        }
    }
    let (_, ending, _) = run(ways()[0].clone(), b"", &[]);
    assert_eq!(ending, Ending::Truncated(Cut::Empty));
}

#[test]
fn wrong_types_are_passed_over() {
    let odd = json!({"model": 7, "created_at": {}, "message": {"role": 1, "content": {"a": 1},
        "thinking": [], "images": "x", "tool_calls": {"function": 3}}, "logprobs": {}, "done": "yes"});
    let bytes = stream(&[odd, done(&json!({"message": null}))]);
    for plan in ways() {
        let (_, ending, seen) = run(plan, &bytes, &[]);
        assert_eq!(ending, Ending::Complete);
        assert_eq!(seen.response_model(), Some("m"));
    }
}

#[test]
fn a_line_of_a_mebibyte_passes_in_pieces_of_any_size() {
    let text = "word ".repeat(1 << 18);
    let bytes = stream(&[says(&json!({"content": text})), done(&json!({}))]);
    for plan in ways() {
        let (whole, ending, _) = run(plan.clone(), &bytes, &[]);
        assert_eq!(ending, Ending::Complete);
        for size in [1, 1000, 65_536] {
            let (torn, ending, _) = run(plan.clone(), &bytes, &[size]);
            assert!(torn == whole && ending == Ending::Complete, "{size}");
        }
    }
    let endless = vec![b'{'; (16 << 20) + 2];
    let (_, ending, _) = run(ways()[0].clone(), &endless, &[1 << 20]);
    assert_eq!(failure(ending).kind, ErrorKind::Malformed);
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
        let mut bytes = stream(&[
            says(&json!({"role": "assistant", "thinking": "hm"})),
            says(&json!({"content": "é😀\n"})),
            says(&json!({"tool_calls": [{"function": {"name": "f", "arguments": {"a": [1, null]}}}]})),
            done(&json!({"eval_duration": 9})),
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
