//! Answers of Bedrock's nobody has recorded: failures of every kind, pictures,
//! damaged frames and hostile payloads.
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

use alfred_filters::answer::{Answer, AnswerStream, Cut, Ending, Fidelity, StreamPlan};
use alfred_filters::dialect::Dialect::{
    AnthropicMessages, BedrockConverse, OpenAiChat, OpenAiResponses,
};
use alfred_filters::error::{ErrorKind, KeyState, ProviderError};
use alfred_filters::prompt::Surface;
use answers::{failure, hear, run};
use bytes::{Bytes, BytesMut};
use frames::frame;
use messages::{between, check_grammar, listen};
use proptest::prelude::*;
use serde_json::{Value, json};

fn ways() -> [StreamPlan; 3] {
    [OpenAiChat, AnthropicMessages, OpenAiResponses]
        .map(|to| between(BedrockConverse, to, Fidelity::Canonical))
}

fn event(name: &str, payload: &[u8]) -> Vec<u8> {
    frame(
        &[
            (":event-type", name),
            (":content-type", "application/json"),
            (":message-type", "event"),
        ],
        payload,
    )
}

fn told(name: &str, payload: &Value) -> Vec<u8> {
    event(name, payload.to_string().as_bytes())
}

fn delta(index: u64, delta: &Value) -> Vec<u8> {
    told(
        "contentBlockDelta",
        &json!({"contentBlockIndex": index, "delta": delta}),
    )
}

fn end() -> Vec<u8> {
    [
        told("messageStop", &json!({"stopReason": "end_turn"})),
        told(
            "metadata",
            &json!({"usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}}),
        ),
    ]
    .concat()
}

fn hello() -> Vec<u8> {
    [
        told("messageStart", &json!({"role": "assistant"})),
        delta(0, &json!({"text": "Hel"})),
    ]
    .concat()
}

fn whole(body: &Value) -> Result<Answer, ProviderError> {
    Answer::read(
        BedrockConverse,
        Surface::Chat,
        Bytes::from(body.to_string()),
    )
}

fn ending(plan: &StreamPlan, bytes: &[u8]) -> Ending {
    let (out, ending, _) = run(plan.clone(), bytes, &[]);
    for sizes in [&[1][..], &[3, 17]] {
        let (torn, torn_ending, _) = run(plan.clone(), bytes, sizes);
        assert!(torn == out && torn_ending == ending, "by {sizes:?}");
    }
    if ending != Ending::Complete {
        let out = String::from_utf8(out).unwrap();
        for last in ["[DONE]", "message_stop", "response.completed"] {
            assert!(!out.contains(last), "{out}");
        }
    }
    ending
}

/// The failure that every client sees of these bytes.
fn failed(bytes: &[u8]) -> ProviderError {
    let [chat, message, response] = ways().map(|plan| failure(ending(&plan, bytes)));
    assert!(chat == message && chat == response);
    chat
}

#[test]
fn every_exception_is_a_failure_before_content_and_after_it() {
    let table = [
        ("internalServerException", ErrorKind::Server, 500),
        ("modelStreamErrorException", ErrorKind::Server, 424),
        ("validationException", ErrorKind::InvalidRequest, 400),
        ("throttlingException", ErrorKind::RateLimit, 429),
        ("serviceUnavailableException", ErrorKind::Overloaded, 503),
        ("modelTimeoutException", ErrorKind::Timeout, 408),
        ("accessDeniedException", ErrorKind::Permission, 403),
        ("expiredTokenException", ErrorKind::Authentication, 403),
        ("inventedException", ErrorKind::Server, 500),
    ];
    for (name, kind, status) in table {
        let headers = [
            (":exception-type", name),
            (":content-type", "application/json"),
            (":message-type", "exception"),
        ];
        for payload in [&br#"{"message":"no"}"#[..], b"", b"{", b"\xff", b"[]"] {
            let exception = frame(&headers, payload);
            for before in [Vec::new(), hello()] {
                let error = failed(&[before, exception.clone(), end()].concat());
                assert_eq!((error.kind, error.status), (kind, status), "{name}");
            }
        }
    }
    let headers = [
        (":error-code", "InternalError"),
        (":error-message", "An \"internal\" server error"),
        (":message-type", "error"),
    ];
    for before in [Vec::new(), hello()] {
        let error = failed(&[before, frame(&headers, b"")].concat());
        assert_eq!((error.kind, error.status), (ErrorKind::Server, 500));
        assert!(error.message.contains("\"internal\""), "{}", error.message);
    }
}

#[test]
fn a_failure_of_the_key_rests_it_and_a_model_that_is_not_granted_does_not() {
    let body = br#"{"message":"no"}"#;
    for (name, kind) in [
        ("AccessDeniedException:http://x", ErrorKind::Permission),
        ("InvalidSignatureException", ErrorKind::Permission),
        ("UnrecognizedClientException", ErrorKind::Authentication),
        ("ExpiredTokenException:", ErrorKind::Authentication),
    ] {
        let error = ProviderError::read(403, None, None, body, 0).typed(name, body);
        // What is a matter of permission concerns the model alone.
        assert_eq!((error.kind, error.key), (kind, KeyState::Dead), "{name}");
        assert_eq!(error.client_status(OpenAiChat), 502);
    }
}

#[test]
fn frames_that_lie_or_were_changed_are_failures_and_cut_ones_truncate() {
    let good = [hello(), end()].concat();
    let first = told("messageStart", &json!({"role": "assistant"})).len();
    let patched = |at: usize, bytes: &[u8], mend: bool| {
        let mut all = good.clone();
        all[at..at + bytes.len()].copy_from_slice(bytes);
        if mend {
            let sum = crc32fast::hash(&all[first..first + 8]).to_be_bytes();
            all[first + 8..first + 12].copy_from_slice(&sum);
        }
        all
    };
    let length = |value: u32| patched(first, &value.to_be_bytes(), true);
    for bad in [
        patched(first + 8, &[0xAA], false),
        patched(first + 40, b"!", false),
        length(0),
        length(15),
        length(u32::MAX),
        length(25 << 20),
        patched(first + 4, &1_000_000_u32.to_be_bytes(), true),
        patched(first + 4, &u32::MAX.to_be_bytes(), true),
        [hello(), b"data: {\"choices\":[]}\n\n".to_vec()].concat(),
    ] {
        let error = failed(&bad);
        assert_eq!((error.kind, error.retryable), (ErrorKind::Malformed, true));
        assert_eq!(error.key, KeyState::Fine);
    }
    for plan in ways() {
        for cut in (0..good.len()).step_by(7) {
            assert!(matches!(ending(&plan, &good[..cut]), Ending::Truncated(_)));
        }
        let stopped = [
            hello(),
            told("messageStop", &json!({"stopReason": "end_turn"})),
        ]
        .concat();
        let no_figures = Ending::Truncated(Cut::Unfinished(1));
        assert_eq!(ending(&plan, &stopped), no_figures);
        assert_eq!(ending(&plan, &good), Ending::Complete);
    }
}

#[test]
fn payloads_that_are_no_events_are_failures() {
    let deep = "[".repeat(10_000);
    let deep_block = format!(r#"{{"contentBlockIndex":0,"delta":{deep}"#);
    for bad in [
        &b"\xff\xfe"[..],
        b"{\"delta\":{\"text\":\"\xff\"}}",
        b"{",
        b"x",
        deep.as_bytes(),
        deep_block.as_bytes(),
    ] {
        for before in [Vec::new(), hello()] {
            let bytes = [before, event("contentBlockDelta", bad), end()].concat();
            let error = failed(&bytes);
            assert_eq!(error.kind, ErrorKind::Malformed);
            assert!(!error.message.is_empty() && error.message.len() < 300);
        }
    }
    let many = |name: &str, start: &Value| -> Vec<u8> {
        let of = |index: u64| told(name, &json!({"contentBlockIndex": index, "start": start}));
        (0..2000).flat_map(of).collect()
    };
    let call = json!({"toolUse": {"toolUseId": "t", "name": "f"}});
    for bad in [
        many("contentBlockStart", &call),
        many("contentBlockStart", &json!({"invented": {}})),
    ] {
        assert_eq!(failed(&bad).kind, ErrorKind::Malformed);
    }
}

#[test]
fn members_of_wrong_types_and_unknown_events_harm_nothing() {
    for value in [
        json!(null),
        json!(7),
        json!([]),
        json!({}),
        json!("x"),
        json!(-1e300),
    ] {
        let mut bytes = told("messageStart", &json!({"role": value}));
        for name in ["contentBlockStart", "contentBlockDelta", "contentBlockStop"] {
            bytes.extend(told(name, &value));
            for key in ["contentBlockIndex", "start", "delta"] {
                bytes.extend(told(name, &json!({ key: value })));
            }
            for kind in [
                "text",
                "toolUse",
                "toolResult",
                "image",
                "citation",
                "reasoningContent",
            ] {
                bytes.extend(told(name, &json!({"start": {kind: value}})));
                bytes.extend(told(
                    name,
                    &json!({"contentBlockIndex": 5, "delta": {kind: value}}),
                ));
            }
        }
        bytes.extend(told("inventedEvent", &value));
        bytes.extend(told("", &value));
        bytes.extend(told("messageStop", &json!({"stopReason": value})));
        bytes.extend(told(
            "metadata",
            &json!({"usage": value, "serviceTier": value}),
        ));
        for plan in ways() {
            let ending = ending(&plan, &bytes);
            assert_eq!(ending, Ending::Complete, "{value} to {:?}", plan.to);
        }
        let answer = whole(
            &json!({"output": {"message": {"content": [value, {"text": value},
            {"toolUse": value}, {"image": value}, {"reasoningContent": value},
            {"citationsContent": value}]}}, "stopReason": "end_turn", "usage": value}),
        );
        for plan in ways() {
            let body = answer.as_ref().unwrap().render(&plan);
            assert!(serde_json::from_slice::<Value>(&body).is_ok());
        }
    }
}

#[test]
fn a_block_that_is_named_like_one_of_the_clients_is_none_of_those() {
    let plan = between(BedrockConverse, AnthropicMessages, Fidelity::Canonical);
    for name in ["text", "thinking", "tool_use"] {
        let start = json!({"contentBlockIndex": 0, "start": {name: {"x": 1}}});
        let bytes = [told("contentBlockStart", &start), end()].concat();
        let (out, ending, _) = run(plan.clone(), &bytes, &[]);
        assert_eq!(ending, Ending::Complete);
        check_grammar(&out, true, true).unwrap();
        assert_eq!(listen(&out).message["content"][0][name], json!({"x": 1}));
    }
}

#[test]
fn absurd_figures_are_no_figures() {
    let usage = json!({"inputTokens": -5, "outputTokens": 1e300, "cacheReadInputTokens": "x",
        "cacheDetails": [{"ttl": "1h", "inputTokens": -1}, 7]});
    let bytes = [
        hello(),
        told("messageStop", &json!({"stopReason": "end_turn"})),
        told("metadata", &json!({ "usage": usage })),
    ]
    .concat();
    for plan in ways() {
        let (_, ending, seen) = run(plan, &bytes, &[]);
        assert_eq!(ending, Ending::Complete);
        let usage = seen.final_usage(9);
        assert_eq!((usage.input, usage.output, usage.cached), (0, u64::MAX, 0));
    }
}

#[test]
fn what_is_said_beside_the_answer_survives_whether_usage_is_asked_for_or_not() {
    let bytes = [
        hello(),
        told(
            "messageStop",
            &json!({"stopReason": "end_turn", "additionalModelResponseFields": {"kept": 1}}),
        ),
        told(
            "metadata",
            &json!({"usage": {"inputTokens": 3, "outputTokens": 2}, "trace": {"kept": 2}}),
        ),
    ]
    .concat();
    for show_usage in [true, false] {
        for plan in ways() {
            let plan = StreamPlan { show_usage, ..plan };
            let (out, ending, _) = run(plan.clone(), &bytes, &[]);
            assert_eq!(ending, Ending::Complete);
            let out = String::from_utf8(out).unwrap();
            for kept in ["{\"kept\":1}", "{\"kept\":2}"] {
                assert!(out.contains(kept), "{kept} to {:?}: {out}", plan.to);
            }
        }
    }
}

#[test]
fn a_body_in_place_of_a_stream_is_read_as_what_it_is() {
    let error = json!({"message": "Too many requests"}).to_string();
    let answer = json!({"output": {"message": {"role": "assistant", "content": [{"text": "hi"}]}},
        "stopReason": "end_turn", "usage": {"inputTokens": 3, "outputTokens": 2}})
    .to_string();
    let page = "<html><body>502</body></html>";
    for plan in ways() {
        for space in ["", "\r\n \t", "\u{feff}"] {
            let of = |body: &str| ending(&plan, format!("{space}{body}").as_bytes());
            assert!(matches!(of(page), Ending::Failed(_)));
            assert!(matches!(of(&error), Ending::Failed(_)));
            assert_eq!(of(&answer), Ending::Complete);
        }
        assert_eq!(ending(&plan, b" \n\n"), Ending::Truncated(Cut::Empty));
    }
    for body in [page, &error, "", "{}", "[]", "null", "\u{feff}"] {
        let body = Bytes::from(body.to_owned());
        let error = Answer::read(BedrockConverse, Surface::Chat, body).err();
        assert!(error.is_some_and(|error| !error.message.is_empty()));
    }
}

#[test]
fn reasons_that_are_failures_are_errors_and_unknown_ones_stop() {
    for reason in ["malformed_model_output", "malformed_tool_use"] {
        let stop = told("messageStop", &json!({"stopReason": reason}));
        let error = failed(&[hello(), stop].concat());
        assert_eq!((error.kind, error.retryable), (ErrorKind::Server, true));
        assert_eq!(error.raw_type.as_deref(), Some(reason));
        let body = json!({"output": {"message": {"content": []}}, "stopReason": reason});
        assert_eq!(whole(&body).err().unwrap().kind, ErrorKind::Server);
    }
    let body = json!({"output": {"message": {"content": []}}, "stopReason": "invented"});
    assert_eq!(whole(&body).unwrap().finish_reason(), Some("stop"));
}

#[test]
fn a_picture_of_megabytes_in_pieces_comes_whole_and_an_endless_one_does_not() {
    let piece = "QUJD".repeat(1 << 18);
    let start = told(
        "contentBlockStart",
        &json!({"contentBlockIndex": 0, "start": {"image": {"format": "png"}}}),
    );
    let more = delta(0, &json!({"image": {"source": {"bytes": piece}}}));
    let stop = told("contentBlockStop", &json!({"contentBlockIndex": 0}));
    let bytes = [start.clone(), more.clone(), more.clone(), stop, end()].concat();
    for plan in ways() {
        let (out, ending, seen) = run(plan.clone(), &bytes, &[65_536]);
        assert_eq!(ending, Ending::Complete);
        assert!(seen.saw_content() && out.len() > 2 * piece.len());
        if plan.to == AnthropicMessages {
            check_grammar(&out, true, true).unwrap();
            let picture = &listen(&out).message["content"][0]["source"];
            assert_eq!(picture["media_type"], "image/png");
            assert_eq!(picture["data"].as_str().unwrap().len(), 2 * piece.len());
        } else if plan.to == OpenAiChat {
            assert_eq!(hear(&out).done, 1);
        }
        let mut stream = AnswerStream::new(plan);
        let mut out = BytesMut::new();
        stream.feed(&Bytes::from(start.clone()), &mut out).unwrap();
        let more = Bytes::from(more.clone());
        let error = (0..40).find_map(|_| stream.feed(&more, &mut out).err());
        assert_eq!(error.unwrap().kind, ErrorKind::Malformed);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn damaged_payloads_never_panic_and_cuts_change_nothing(
        which in 0..7_usize,
        at in any::<prop::sample::Index>(),
        with in any::<u8>(),
        sizes in prop::collection::vec(1..60_usize, 1..6),
        to in 0..3_usize,
    ) {
        let mut events = [
            ("messageStart", json!({"role": "assistant"})),
            ("contentBlockDelta", json!({"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "é😀"}}})),
            ("contentBlockDelta", json!({"contentBlockIndex": 0, "delta": {"reasoningContent": {"signature": "QQ=="}}})),
            ("contentBlockStart", json!({"contentBlockIndex": 1, "start": {"toolUse": {"toolUseId": "t", "name": "f"}}})),
            ("contentBlockDelta", json!({"contentBlockIndex": 1, "delta": {"toolUse": {"input": "{\"a\":[1,null]}"}}})),
            ("messageStop", json!({"stopReason": "tool_use"})),
            ("metadata", json!({"usage": {"inputTokens": 1, "outputTokens": 2}, "metrics": {}})),
        ]
        .map(|(name, payload)| (name, payload.to_string().into_bytes()));
        let payload = &mut events[which].1;
        let place = at.index(payload.len());
        payload[place] = with;
        let bytes: Vec<u8> = events.iter().flat_map(|(name, payload)| event(name, payload)).collect();
        let plan = ways()[to].clone();
        let (out, ending, _) = run(plan.clone(), &bytes, &[]);
        let (torn, torn_ending, _) = run(plan, &bytes, &sizes);
        prop_assert!(out == torn);
        prop_assert_eq!(ending, torn_ending);
    }
}
