//! Answers that no honest provider sends: nothing may panic, and neither memory
//! nor stack may grow with what a stranger writes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

mod answers;

use alfred_filters::answer::{Answer, AnswerStream, Cut, Ending, Fidelity, StreamPlan};
use alfred_filters::dialect::Dialect;
use alfred_filters::error::ErrorKind;
use alfred_filters::prompt::Surface;
use answers::{check_body, check_chunk, failure, hear, plan, run};
use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

const BOTH: [Fidelity; 2] = [Fidelity::Lens, Fidelity::Canonical];

fn event(payload: &str) -> String {
    format!("data: {payload}\n\n")
}

fn delta(delta: &str, finish: &str) -> String {
    event(&format!(
        r#"{{"id":"c","model":"m","created":5,"choices":[{{"index":0,"delta":{delta},"finish_reason":{finish}}}]}}"#
    ))
}

#[test]
fn every_kind_of_bomb_is_a_failure_and_no_crash() {
    let deep = "[".repeat(200_000);
    let bombs = [
        ("nesting", format!(r#"{{"choices":[{{"delta":{{"x":{deep}"#)),
        (
            "choices",
            format!(r#"{{"choices":[{}{{}}]}}"#, "{},".repeat(500_000)),
        ),
        (
            "a far choice",
            r#"{"choices":[{"index":4294967295,"delta":{"content":"x"}}]}"#.to_owned(),
        ),
        (
            "a farther one",
            r#"{"choices":[{"index":1e300,"delta":{"content":"x"}}]}"#.to_owned(),
        ),
        (
            "calls",
            format!(
                r#"{{"choices":[{{"delta":{{"tool_calls":[{}{{}}]}}}}]}}"#,
                r#"{"id":"","function":{"name":"f"}},"#.repeat(5_000)
            ),
        ),
        (
            "a long id",
            format!(
                r#"{{"choices":[{{"delta":{{"tool_calls":[{{"id":"{}"}}]}}}}]}}"#,
                "x".repeat(5_000)
            ),
        ),
        ("no UTF-8", "{\"choices\":[]}\u{fffd}".to_owned()),
    ];
    for (name, bomb) in bombs {
        for fidelity in BOTH {
            let (out, ending, _) = run(plan(fidelity, true), event(&bomb).as_bytes(), &[]);
            assert_eq!(failure(ending).kind, ErrorKind::Malformed, "{name}");
            assert!(out.len() < 400_000, "{name}: {} bytes came out", out.len());
        }
        assert!(
            Answer::read(Dialect::OpenAiChat, Surface::Chat, Bytes::from(bomb)).is_err(),
            "{name}"
        );
    }
}

#[test]
fn an_endless_line_is_a_failure_before_it_is_endless() {
    for start in ["data: ", ": ", "{\"x\":\"", "event: "] {
        let mut stream = AnswerStream::new(plan(Fidelity::Lens, false));
        let mut out = BytesMut::new();
        let _ = stream.feed(&Bytes::from(start), &mut out);
        let megabyte = Bytes::from(vec![b'x'; 1 << 20]);
        let fed = (0..64)
            .take_while(|_| stream.feed(&megabyte, &mut out).is_ok())
            .count();
        assert_eq!(fed, 15, "{start}");
        assert!(
            matches!(stream.finish(&mut out), Ending::Failed(_)),
            "{start}"
        );
    }
}

#[test]
fn unknown_members_beyond_measure_are_dropped_and_the_answer_stays() {
    let many = r#""x":1,"#.repeat(200_000);
    let text = event(&format!(
        r#"{{{many}"choices":[{{"delta":{{"content":"a"}},"finish_reason":"stop"}}]}}"#
    ));
    let (out, ending, _) = run(plan(Fidelity::Canonical, false), text.as_bytes(), &[]);
    assert_eq!(ending, Ending::Complete);
    assert!(out.len() < 100_000);
}

#[test]
fn a_failure_stays_and_what_came_before_it_stands() {
    let mut stream = AnswerStream::new(plan(Fidelity::Lens, false));
    let mut out = BytesMut::new();
    let text = delta(r#"{"content":"Hel"}"#, "null")
        + &event(r#"{"error":{"message":"overloaded","type":"overloaded_error"}}"#);
    let error = stream
        .feed(&Bytes::from(text + &delta("{}", r#""stop""#)), &mut out)
        .unwrap_err();
    assert!(error.retryable);
    assert_eq!(hear(&out).said[&0].text, "Hel");
    let before = out.clone();
    assert_eq!(
        stream.feed(&Bytes::from(delta("{}", r#""stop""#)), &mut out),
        Err(error.clone())
    );
    assert_eq!(stream.finish(&mut out), Ending::Failed(error));
    assert_eq!(out, before);
}

#[test]
fn the_end_is_written_once_however_often_it_is_asked_for() {
    for fidelity in BOTH {
        let mut stream = AnswerStream::new(plan(fidelity, true));
        let mut out = BytesMut::new();
        assert!(!stream.is_over());
        stream
            .feed(
                &Bytes::from(delta(r#"{"content":"a"}"#, r#""stop""#)),
                &mut out,
            )
            .unwrap();
        assert!(!stream.is_over(), "usage may still come");
        stream
            .feed(&Bytes::from("data: [DONE]\n\n"), &mut out)
            .unwrap();
        assert!(stream.is_over());
        let note = &mut |stream: &AnswerStream| {
            assert_eq!(stream.final_usage(11).total(), 12);
            Some(r#"{"cost":"0.000000120"}"#.to_owned())
        };
        assert_eq!(stream.finish_with(&mut out, note), Ending::Complete);
        let once = out.clone();
        assert_eq!(stream.finish(&mut out), Ending::Complete);
        stream
            .feed(
                &Bytes::from(delta(r#"{"content":"late"}"#, "null")),
                &mut out,
            )
            .unwrap();
        assert_eq!(out, once);
        let text = String::from_utf8(out.to_vec()).unwrap();
        assert_eq!(hear(&out).done, 1);
        assert_eq!(
            hear(&out).chunks.last().unwrap()["alfred"]["cost"],
            "0.000000120"
        );
        assert!(
            text.ends_with(": alfred {\"cost\":\"0.000000120\"}\n\ndata: [DONE]\n\n"),
            "{text}"
        );
    }
}

#[test]
fn a_note_that_would_break_the_stream_is_left_out() {
    let mut stream = AnswerStream::new(plan(Fidelity::Canonical, true));
    let mut out = BytesMut::new();
    stream
        .feed(&Bytes::from(delta("{}", r#""stop""#)), &mut out)
        .unwrap();
    stream.finish_with(&mut out, &mut |_| Some("{}\n\ndata: x".to_owned()));
    assert!(
        hear(&out)
            .chunks
            .iter()
            .all(|chunk| chunk.get("alfred").is_none())
    );
}

#[test]
fn a_member_of_another_type_does_not_come_after_ours() {
    let bytes = br#"data: {"choices":[{"index":0,"delta":{"content":"a","refusal":7},"finish_reason":"stop"}],"choices":"odd"}

"#;
    let (out, ending, _) = run(plan(Fidelity::Canonical, false), bytes, &[]);
    assert_eq!(ending, Ending::Complete);
    let text = String::from_utf8(out).unwrap();
    assert!(
        !text.contains("odd") && !text.contains("\"refusal\":7"),
        "{text}"
    );
    assert_eq!(&*hear(text.as_bytes()).said[&0].text, "a");
}

#[test]
fn an_early_done_ends_nothing() {
    let text = delta(r#"{"content":"a"}"#, "null")
        + "data: [DONE]\n\n"
        + &delta(r#"{"content":"b"}"#, r#""stop""#);
    let (out, ending, _) = run(plan(Fidelity::Lens, false), text.as_bytes(), &[]);
    assert_eq!(ending, Ending::Complete);
    assert_eq!(hear(&out).said[&0].text, "ab");
    let (_, ending, _) = run(plan(Fidelity::Lens, false), b"data: [DONE]\n\n", &[]);
    assert_eq!(ending, Ending::Truncated(Cut::Empty));
}

#[test]
fn content_is_seen_at_its_first_letter_and_not_before() {
    for (delta_json, seen) in [
        (r#"{"role":"assistant","content":""}"#, false),
        (r#"{"content":null,"refusal":null,"tool_calls":[]}"#, false),
        (r#"{"content":"a"}"#, true),
        (r#"{"reasoning":"a"}"#, true),
        (r#"{"refusal":"a"}"#, true),
        (
            r#"{"tool_calls":[{"index":0,"function":{"name":"f","arguments":""}}]}"#,
            true,
        ),
        (r#"{"function_call":{"name":"f"}}"#, true),
        (r#"{"audio":{"id":"a"}}"#, true),
    ] {
        for fidelity in BOTH {
            let (_, _, stream) = run(
                plan(fidelity, false),
                delta(delta_json, "null").as_bytes(),
                &[],
            );
            assert_eq!(stream.saw_content(), seen, "{delta_json}");
        }
    }
}

fn golden_streams() -> Vec<Vec<u8>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/answers");
    let mut all: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    all.sort();
    let provider = |path| {
        let text = std::fs::read_to_string(path).unwrap();
        let (_, rest) = text.split_once("==== provider\n").unwrap();
        rest.split_once("==== client\n")
            .unwrap()
            .0
            .as_bytes()
            .to_vec()
    };
    all.into_iter().map(provider).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn golden_streams_at_random_cuts_come_out_the_same(which in any::<prop::sample::Index>(), pieces in prop::collection::vec(1_usize..400, 1..12)) {
        let goldens = golden_streams();
        let golden = which.get(&goldens);
        for fidelity in BOTH {
            let (whole, ending, _) = run(plan(fidelity, true), golden, &[]);
            let (torn, torn_ending, _) = run(plan(fidelity, true), golden, &pieces);
            prop_assert_eq!(torn, whole);
            prop_assert_eq!(torn_ending, ending);
        }
    }

    #[test]
    fn what_a_canonical_stream_says_is_strict_whatever_is_broken(
        which in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
        choices in 1_u32..4,
    ) {
        let goldens = golden_streams();
        let mut bytes = which.get(&goldens).clone();
        for (at, byte) in edits.iter().filter(|_| !goldens.is_empty()) {
            if let Some(place) = (!bytes.is_empty()).then(|| at.index(bytes.len())) {
                bytes[place] = *byte;
            }
        }
        bytes.truncate(cut.index(bytes.len() + 1).max(bytes.len() / 2));
        for fidelity in BOTH {
            let plan = StreamPlan { choices, ..plan(fidelity, true) };
            let (out, ending, stream) = run(plan.clone(), &bytes, &[]);
            let (torn, _, _) = run(plan.clone(), &bytes, &[3, 1, 50]);
            prop_assert_eq!(&torn, &out);
            if fidelity == Fidelity::Canonical {
                let heard = hear(&out);
                prop_assert_eq!(heard.done == 1, ending == Ending::Complete);
                for chunk in &heard.chunks {
                    prop_assert!(check_chunk(chunk).is_ok(), "{:?}: {}", check_chunk(chunk), chunk);
                }
            }
            prop_assert!(stream.final_usage(1).cached <= stream.final_usage(1).input);
            for surface in [Surface::Chat, Surface::Embeddings] {
                if let Ok(answer) = Answer::read(Dialect::OpenAiChat, surface, Bytes::from(bytes.clone())) {
                    answer.visit_texts(&mut |text| drop(text.path.to_string()));
                    let body = answer.render(&plan);
                    if fidelity == Fidelity::Canonical && surface == Surface::Chat {
                        let body = serde_json::from_slice(&body).unwrap();
                        prop_assert!(check_body(&body).is_ok(), "{:?}: {}", check_body(&body), body);
                    }
                }
            }
        }
    }

    #[test]
    fn arbitrary_bytes_neither_panic_nor_grow(bytes in prop::collection::vec(any::<u8>(), 0..600), size in 1_usize..100) {
        for fidelity in BOTH {
            let (out, _, _) = run(plan(fidelity, true), &bytes, &[size]);
            prop_assert!(out.len() <= bytes.len() * 4 + 2_000);
        }
        for surface in [Surface::Chat, Surface::Embeddings] {
            let _ = Answer::read(Dialect::OpenAiChat, surface, Bytes::from(bytes.clone()));
        }
    }
}
