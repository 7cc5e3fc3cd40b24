//! Every recorded stream of the providers that speak this dialect, against a
//! simple client that shares no code with the crate.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

mod answers;

use alfred_filters::answer::{Cut, Ending, Fidelity};
use answers::{
    PROVIDERS, Recording, canonical_finish, check_chunk, hear, payloads, plan, recordings, run,
};
use serde_json::Value;

const BOTH: [Fidelity; 2] = [Fidelity::Lens, Fidelity::Canonical];

fn streams() -> Vec<Recording> {
    let mut streams = recordings("chat_completions", &PROVIDERS);
    streams.retain(|recording| recording.status == 200 && recording.stream);
    streams
}

/// Whether the recording itself ends in an error event.
fn fails(recording: &Recording) -> bool {
    payloads(&recording.body)
        .iter()
        .any(|data| data.contains("\"error\":{"))
}

#[test]
fn a_recorded_stream_loses_nothing_on_its_way_through() {
    for recording in streams().iter().filter(|recording| !fails(recording)) {
        let expected = hear(&recording.body);
        for fidelity in BOTH {
            let name = format!("{} {fidelity:?}", recording.name);
            let (out, ending, stream) = run(plan(fidelity, true), &recording.body, &[]);
            assert_eq!(ending, Ending::Complete, "{name}");
            let heard = hear(&out);
            assert_eq!(heard.done, 1, "{name}");
            assert!(out.ends_with(b"data: [DONE]\n\n"), "{name}");
            for (index, said) in &expected.said {
                let got = &heard.said[index];
                assert_eq!(
                    (&got.text, &got.reasoning, &got.refusal),
                    (&said.text, &said.reasoning, &said.refusal),
                    "{name}"
                );
                assert_eq!(got.calls, said.calls, "{name}");
                let finish = match fidelity {
                    Fidelity::Lens => said.finish.as_deref(),
                    Fidelity::Canonical => canonical_finish(said),
                };
                assert_eq!(got.finish.as_deref(), finish, "{name}");
            }
            assert_eq!(
                stream.finish_reason(),
                canonical_finish(&expected.said[&0]),
                "{name}"
            );
            check_figures(&name, expected.usage.last(), heard.usage.last(), &stream);
        }
    }
}

fn check_figures(
    name: &str,
    recorded: Option<&Value>,
    shown: Option<&Value>,
    stream: &alfred_filters::answer::AnswerStream,
) {
    let shown = shown.unwrap_or_else(|| panic!("{name}: the client asked for usage"));
    let Some(recorded) = recorded else {
        assert!(stream.usage().is_none(), "{name}");
        assert_eq!(shown["estimated"], true, "{name}");
        assert_eq!(shown["prompt_tokens"], 11, "{name}");
        return;
    };
    let usage = stream
        .usage()
        .unwrap_or_else(|| panic!("{name}: usage was recorded"));
    assert_eq!(
        Value::from(usage.input),
        recorded["prompt_tokens"],
        "{name}"
    );
    assert_eq!(
        Value::from(usage.output),
        recorded["completion_tokens"],
        "{name}"
    );
    for count in ["prompt_tokens", "completion_tokens", "total_tokens"] {
        assert_eq!(shown[count], recorded[count], "{name}");
    }
    let reasoning = recorded["completion_tokens_details"]["reasoning_tokens"]
        .as_u64()
        .unwrap_or(0);
    assert_eq!(usage.reasoning, reasoning, "{name}");
    assert!(usage.cached <= usage.input, "{name}");
}

#[test]
fn what_a_canonical_stream_says_is_strict_in_every_chunk() {
    for recording in streams() {
        for show_usage in [true, false] {
            let (out, _, _) = run(plan(Fidelity::Canonical, show_usage), &recording.body, &[]);
            let heard = hear(&out);
            assert_eq!(
                heard.usage.len(),
                usize::from(show_usage && !fails(&recording)),
                "{}",
                recording.name
            );
            for chunk in &heard.chunks {
                check_chunk(chunk)
                    .unwrap_or_else(|flaw| panic!("{}: {flaw}: {chunk}", recording.name));
            }
            let first = &heard.chunks[0]["choices"][0]["delta"];
            assert_eq!(first["role"], "assistant", "{}", recording.name);
            assert!(
                heard
                    .chunks
                    .iter()
                    .all(|chunk| chunk["id"] == heard.chunks[0]["id"]),
                "{}",
                recording.name
            );
        }
    }
}

#[test]
fn a_lens_changes_nothing_but_usage_and_azures_empty_chunk() {
    for recording in streams().iter().filter(|recording| !fails(recording)) {
        let (out, _, _) = run(plan(Fidelity::Lens, false), &recording.body, &[]);
        assert!(hear(&out).usage.is_empty(), "{}", recording.name);
        let mut filters = None;
        let mut expected = Vec::new();
        for mut chunk in hear(&recording.body).chunks {
            let usage = chunk
                .as_object_mut()
                .and_then(|chunk| chunk.remove("usage"));
            let empty = chunk["choices"].as_array().is_some_and(Vec::is_empty);
            if empty && usage.is_some_and(|usage| usage.is_object()) {
                continue;
            }
            if empty && chunk["id"] == "" && !chunk["prompt_filter_results"].is_null() {
                filters = Some(chunk["prompt_filter_results"].clone());
                continue;
            }
            if let Some(filters) = filters.take() {
                chunk["prompt_filter_results"] = filters;
            }
            expected.push(chunk);
        }
        assert_eq!(hear(&out).chunks, expected, "{}", recording.name);
    }
}

#[test]
fn a_recorded_stream_that_needs_no_patch_passes_byte_by_byte() {
    let streams = streams();
    let mut same = 0;
    for recording in streams
        .iter()
        .filter(|r| r.provider == "openai" && r.name.ends_with(".sse"))
    {
        let (out, _, _) = run(plan(Fidelity::Lens, true), &recording.body, &[]);
        if hear(&recording.body).usage.is_empty() {
            continue;
        }
        assert_eq!(
            String::from_utf8(out),
            String::from_utf8(recording.body.clone()),
            "{}",
            recording.name
        );
        same += 1;
    }
    assert!(streams.is_empty() || same > 0, "nothing was compared");
}

#[test]
fn the_cuts_of_the_network_change_nothing() {
    for recording in streams() {
        for fidelity in BOTH {
            let (whole, ending, stream) = run(plan(fidelity, true), &recording.body, &[]);
            for pieces in [&[1][..], &[7, 1, 2, 311, 64, 3], &[2, 1500]] {
                let (out, cut_ending, cut_stream) =
                    run(plan(fidelity, true), &recording.body, pieces);
                assert!(out == whole, "{} {fidelity:?} {pieces:?}", recording.name);
                assert_eq!(cut_ending, ending, "{}", recording.name);
                assert_eq!(cut_stream.metered(), stream.metered(), "{}", recording.name);
                assert_eq!(cut_stream.usage(), stream.usage(), "{}", recording.name);
            }
        }
    }
}

#[test]
fn a_stream_cut_before_its_finish_is_reported_truncated_at_every_event() {
    for recording in streams().iter().filter(|recording| !fails(recording)) {
        let text = String::from_utf8(recording.body.clone())
            .unwrap()
            .replace("\r\n", "\n");
        let events: Vec<_> = text.split_inclusive("\n\n").collect();
        let finish = events.iter().position(|event| {
            let chunk = serde_json::from_str::<Value>(event.trim().trim_start_matches("data:"));
            chunk.is_ok_and(|chunk| chunk["choices"][0]["finish_reason"].is_string())
        });
        let finish = finish.unwrap_or_else(|| panic!("{} never finishes", recording.name));
        for count in 0..events.len() {
            let cut: String = events[..count].concat();
            let (out, ending, _) = run(plan(Fidelity::Canonical, true), cut.as_bytes(), &[]);
            if count > finish {
                assert_eq!(ending, Ending::Complete, "{} after {count}", recording.name);
                continue;
            }
            let expected = if count == 0 {
                Cut::Empty
            } else {
                Cut::Unfinished(1)
            };
            assert_eq!(
                ending,
                Ending::Truncated(expected),
                "{} after {count}",
                recording.name
            );
            assert_eq!(hear(&out).done, 0, "{}", recording.name);
            assert!(hear(&out).usage.is_empty(), "{}", recording.name);
            let half: String = events[..=count].concat();
            let (_, ending, _) = run(
                plan(Fidelity::Lens, true),
                &half.as_bytes()[..half.len() - 9],
                &[],
            );
            assert_eq!(
                ending,
                Ending::Truncated(Cut::MidEvent),
                "{} inside {count}",
                recording.name
            );
        }
    }
}

#[test]
fn a_recorded_failure_inside_a_stream_is_found() {
    let failing: Vec<_> = streams().into_iter().filter(fails).collect();
    for recording in &failing {
        for fidelity in BOTH {
            let (out, ending, stream) = run(plan(fidelity, true), &recording.body, &[]);
            let Ending::Failed(error) = ending else {
                panic!("{}: {ending:?}", recording.name)
            };
            assert!(!error.message.is_empty());
            assert_eq!(hear(&out).done, 0, "{}", recording.name);
            assert!(
                stream.saw_content() && stream.final_usage(5).estimated,
                "{}",
                recording.name
            );
        }
    }
    assert!(!failing.is_empty() || std::env::var_os("ALFRED_SHARED_OPTIONAL").is_some());
}
