//! Answers of Gemini's nobody has recorded: several candidates, pictures,
//! refusals and failures; damaged and hostile bytes.
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
use alfred_filters::dialect::Dialect::{AnthropicMessages, Gemini, OpenAiChat};
use alfred_filters::error::{ErrorKind, KeyState, ProviderError};
use alfred_filters::prompt::Surface;
use answers::{check_body, failure, hear, run};
use bytes::Bytes;
use messages::{between, check_grammar, check_message, listen};
use proptest::prelude::*;
use serde_json::{Value, json};

fn ways() -> [StreamPlan; 2] {
    [OpenAiChat, AnthropicMessages].map(|to| between(Gemini, to, Fidelity::Canonical))
}

fn stream(objects: &[Value]) -> Vec<u8> {
    objects
        .iter()
        .flat_map(|object| format!("data: {object}\r\n\r\n").into_bytes())
        .collect()
}

fn says(parts: &Value, finish: Option<&str>) -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": finish}]})
}

fn whole(body: &Value) -> Result<Answer, ProviderError> {
    Answer::read(Gemini, Surface::Chat, Bytes::from(body.to_string()))
}

#[test]
fn several_candidates_keep_apart_and_all_must_finish() {
    let both = |first: &str, second: &str, finish: Option<&str>| {
        json!({"candidates": [
            {"index": 0, "content": {"parts": [{"text": first}]}, "finishReason": "STOP"},
            {"index": 1, "content": {"parts": [{"text": second}]}, "finishReason": finish}]})
    };
    let bytes = stream(&[both("a", "x", None), both("b", "y", Some("MAX_TOKENS"))]);
    let plan = between(Gemini, OpenAiChat, Fidelity::Canonical);
    let (out, ending, _) = run(plan.clone(), &bytes, &[]);
    assert_eq!(ending, Ending::Complete);
    let heard = hear(&out);
    assert_eq!((&*heard.said[&0].text, &*heard.said[&1].text), ("ab", "xy"));
    assert_eq!(heard.said[&0].finish.as_deref(), Some("stop"));
    assert_eq!(heard.said[&1].finish.as_deref(), Some("length"));
    // Older models give a reason with every event: it is told once, at the end.
    let finishes = heard
        .chunks
        .iter()
        .filter(|c| c["choices"][0]["finish_reason"].is_string());
    assert_eq!(finishes.count(), 2);
    let (_, ending, _) = run(plan, &stream(&[both("a", "x", None)]), &[]);
    assert_eq!(ending, Ending::Truncated(Cut::Unfinished(1)));
}

#[test]
fn a_picture_comes_in_the_clients_own_spelling() {
    let parts =
        json!([{"text": "here"}, {"inlineData": {"mimeType": "image/png", "data": "iVBO"}}]);
    let object = says(&parts, Some("STOP"));
    for plan in ways() {
        let (out, ending, seen) = run(plan.clone(), &stream(std::slice::from_ref(&object)), &[]);
        assert_eq!(ending, Ending::Complete);
        assert!(seen.saw_content());
        let body: Value = serde_json::from_slice(&whole(&object).unwrap().render(&plan)).unwrap();
        let (streamed, at_once) = if plan.to == OpenAiChat {
            check_body(&body).unwrap();
            let deltas = hear(&out).chunks;
            let image = deltas
                .iter()
                .find_map(|c| c["choices"][0]["delta"]["images"].get(0).cloned());
            (
                image.unwrap(),
                body["choices"][0]["message"]["images"][0].clone(),
            )
        } else {
            check_grammar(&out, true, true).unwrap();
            check_message(&body).unwrap();
            (
                listen(&out).message["content"][1].clone(),
                body["content"][1].clone(),
            )
        };
        assert_eq!(streamed, at_once);
        assert!(
            streamed.to_string().contains("iVBO") && streamed.to_string().contains("image/png")
        );
    }
}

#[test]
fn a_refused_prompt_is_an_empty_choice_that_was_filtered() {
    let object = json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
        "usageMetadata": {"promptTokenCount": 4, "totalTokenCount": 4}});
    for plan in ways() {
        let (out, ending, seen) = run(plan.clone(), &stream(std::slice::from_ref(&object)), &[]);
        assert_eq!(ending, Ending::Complete);
        assert_eq!(seen.finish_reason(), Some("content_filter"));
        assert_eq!(seen.final_usage(9).input, 4);
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains("PROHIBITED_CONTENT"), "{out}");
        assert_eq!(
            whole(&object).unwrap().finish_reason(),
            Some("content_filter")
        );
    }
}

#[test]
fn what_comes_after_a_refusal_of_the_prompt_does_not_come_after_its_end() {
    let refused = json!({"promptFeedback": {"blockReason": "SAFETY"}});
    let parts = json!([{"text": "a"}]);
    let bytes = stream(&[
        refused,
        says(&parts, None),
        says(&parts, Some("MAX_TOKENS")),
    ]);
    let plan = between(Gemini, OpenAiChat, Fidelity::Canonical);
    let (out, ending, _) = run(plan, &bytes, &[]);
    assert_eq!(ending, Ending::Complete);
    let heard = hear(&out);
    assert_eq!(&*heard.said[&0].text, "aa");
    assert_eq!(heard.said[&0].finish.as_deref(), Some("length"));
    let grammar = alfred_filters::conform::Grammar::Chat { usage: true };
    let found = grammar.check(&out);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_candidate_without_parts_is_an_empty_answer() {
    for content in [json!({}), json!({"role": "model"}), Value::Null] {
        let object = json!({"candidates": [{"content": content, "finishReason": "MAX_TOKENS"}]});
        assert_eq!(whole(&object).unwrap().finish_reason(), Some("length"));
    }
}

#[test]
fn reasons_that_are_failures_are_errors_and_unknown_ones_stop() {
    for reason in [
        "MALFORMED_FUNCTION_CALL",
        "UNEXPECTED_TOOL_CALL",
        "MISSING_THOUGHT_SIGNATURE",
    ] {
        let object = says(&json!([{"text": "a"}]), Some(reason));
        let error = whole(&object).err().unwrap();
        assert_eq!(
            (error.kind, error.retryable),
            (ErrorKind::Server, true),
            "{reason}"
        );
        assert_eq!(error.raw_type.as_deref(), Some(reason));
        for plan in ways() {
            let (_, ending, _) = run(plan, &stream(std::slice::from_ref(&object)), &[]);
            assert_eq!(failure(ending).kind, ErrorKind::Server);
        }
    }
    let object = says(&json!([{"text": "a"}]), Some("INVENTED"));
    assert_eq!(whole(&object).unwrap().finish_reason(), Some("stop"));
    for reason in ["SAFETY", "IMAGE_SAFETY", "SPII", "MODEL_ARMOR"] {
        let object = says(&json!([]), Some(reason));
        assert_eq!(
            whole(&object).unwrap().finish_reason(),
            Some("content_filter")
        );
    }
}

#[test]
fn what_is_unknown_survives() {
    let mut object = says(&json!([{"text": "a"}]), Some("STOP"));
    object["candidates"][0]["groundingMetadata"] = json!({"webSearchQueries": ["q"]});
    object["modelStatus"] = json!({"stage": "x"});
    object["usageMetadata"] =
        json!({"promptTokenCount": 1, "candidatesTokenCount": 1, "trafficType": "T"});
    for plan in ways() {
        let (out, _, _) = run(plan.clone(), &stream(std::slice::from_ref(&object)), &[]);
        let body = whole(&object).unwrap().render(&plan);
        for out in [
            String::from_utf8(out).unwrap(),
            String::from_utf8(body.to_vec()).unwrap(),
        ] {
            for kept in ["webSearchQueries", "modelStatus", "trafficType"] {
                assert!(out.contains(kept), "{kept} in {out}");
            }
        }
    }
}

#[test]
fn a_part_that_is_named_like_a_block_of_the_clients_is_none_of_those() {
    for name in ["text}", "thinking"] {
        let body = whole(&says(&json!([{ name: {"x": 1} }]), Some("STOP"))).unwrap();
        let plan = between(Gemini, AnthropicMessages, Fidelity::Canonical);
        let message: Value = serde_json::from_slice(&body.render(&plan)).unwrap();
        check_message(&message).unwrap();
        assert_eq!(message["content"][0][name], json!({"x": 1}));
    }
}

#[test]
fn an_error_inside_a_stream_is_an_error() {
    let error = json!({"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}});
    for plan in ways() {
        for bytes in [
            stream(&[says(&json!([{"text": "a"}]), None), error.clone()]),
            error.to_string().into_bytes(),
            format!("[{error}]").into_bytes(),
            [
                stream(&[says(&json!([{"text": "a"}]), None)]),
                error.to_string().into_bytes(),
            ]
            .concat(),
        ] {
            let (_, ending, _) = run(plan.clone(), &bytes, &[]);
            let error = failure(ending);
            assert_eq!((error.status, error.kind), (503, ErrorKind::Overloaded));
        }
    }
}

#[test]
fn a_quota_of_the_day_rests_the_key_and_a_delay_is_read_from_the_body() {
    let body = |quota: &str| {
        json!({"error": {"code": 429, "message": "You exceeded your current quota", "status": "RESOURCE_EXHAUSTED",
            "details": [
                {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": quota}]},
                {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}]}})
    };
    let read = |value: Value| ProviderError::read(429, None, None, value.to_string().as_bytes(), 0);
    let day = read(body("GenerateRequestsPerDayPerProjectPerModel-FreeTier"));
    assert_eq!((day.kind, day.key), (ErrorKind::Quota, KeyState::Exhausted));
    let minute = read(body("GenerateRequestsPerMinutePerProjectPerModel"));
    assert_eq!(
        (minute.kind, minute.key),
        (ErrorKind::RateLimit, KeyState::Throttled)
    );
    assert_eq!(minute.retry_after.unwrap().as_secs_f64(), 34.5);
    let key = json!({"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT",
        "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]}});
    let key = ProviderError::read(400, None, None, key.to_string().as_bytes(), 0);
    assert_eq!(
        (key.kind, key.key),
        (ErrorKind::Authentication, KeyState::Dead)
    );
}

#[test]
fn bytes_that_are_no_answer_are_a_clear_error() {
    let deep = format!("{{\"candidates\":{}1{}}}", "[".repeat(500), "]".repeat(500));
    let index = json!({"candidates": [{"index": 9_999_999, "content": {}}]}).to_string();
    let calls = says(
        &Value::from(vec![json!({"functionCall": {"name": "f"}}); 2000]),
        None,
    )
    .to_string();
    let lost = says(
        &json!([{"functionCall": {"name": "f", "partialArgs": [{"jsonPath": "x"}]}}]),
        None,
    )
    .to_string();
    for bad in [
        &b"\xff\xfe{\"candidates\":[]}"[..],
        b"{\"candidates\":[{\"content\":\"\xff\"}]}",
        b"<html><body>502</body></html>",
        b"{\"candidates\":",
        b"{}",
        b"[]",
        b"null",
        b"7",
        b"{\"candidates\":[]}",
        b"",
        deep.as_bytes(),
        index.as_bytes(),
        calls.as_bytes(),
        lost.as_bytes(),
    ] {
        let shown = String::from_utf8_lossy(bad.get(..40).unwrap_or(bad)).into_owned();
        let error = Answer::read(Gemini, Surface::Chat, Bytes::copy_from_slice(bad)).err();
        assert!(
            error.is_some_and(|error| !error.message.is_empty()),
            "{shown}"
        );
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
fn a_line_of_a_mebibyte_and_absurd_figures_pass() {
    let seal = "QUJD".repeat(1 << 18);
    let mut object = says(
        &json!([{"text": "a", "thoughtSignature": seal}]),
        Some("STOP"),
    );
    object["usageMetadata"] =
        json!({"promptTokenCount": -4, "candidatesTokenCount": 1e300, "thoughtsTokenCount": "x"});
    for plan in ways() {
        let (out, ending, seen) = run(plan, &stream(std::slice::from_ref(&object)), &[65_536]);
        assert_eq!(ending, Ending::Complete);
        assert!(out.len() > seal.len());
        assert_eq!(seen.final_usage(9).output, u64::MAX);
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
        let mut bytes = stream(&[
            says(&json!([{"thought": true, "text": "hm", "thoughtSignature": "QQ=="}]), None),
            says(&json!([{"text": "é😀\n"}, {"functionCall": {"name": "f", "args": {"a": [1, null]}}}]), None),
            says(&json!([{"functionCall": {"name": "g", "willContinue": true}}]), None),
            says(&json!([{"functionCall": {"partialArgs": [{"jsonPath": "$.a[0]", "stringValue": "x"}]}}]), Some("STOP")),
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
