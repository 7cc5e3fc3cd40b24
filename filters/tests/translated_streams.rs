//! Every recorded stream on its way into another dialect, or through the lens of
//! Anthropic's own, against clients and checkers that share no code with the
//! crate.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

mod answers;
mod messages;

use std::collections::HashSet;

use alfred_filters::answer::{Cut, Ending, Fidelity, StreamPlan};
use alfred_filters::dialect::Dialect::{AnthropicMessages, OpenAiChat};
use alfred_filters::error::ErrorKind;
use answers::{
    PROVIDERS, Recording, canonical_finish, check_chunk, failure, hear, payloads, recordings, run,
};
use messages::{
    anthropic_word, between, check_grammar, figures, listen, of_message, of_stream, openai_figures,
    openai_word,
};
use serde_json::Value;

/// What can be done with a stream of Anthropic's.
fn ways() -> [StreamPlan; 3] {
    [
        between(AnthropicMessages, OpenAiChat, Fidelity::Lens),
        between(AnthropicMessages, AnthropicMessages, Fidelity::Lens),
        between(AnthropicMessages, AnthropicMessages, Fidelity::Canonical),
    ]
}

/// The recorded streams of Anthropic's: those of one message, and those in which
/// a second one begins inside the first. What follows a whole message counts for
/// neither.
fn anthropic() -> (Vec<Recording>, Vec<Recording>) {
    let mut streams = recordings("messages", &["anthropic"]);
    streams.retain(|recording| recording.status == 200 && recording.stream);
    let followed: Vec<_> = streams
        .extract_if(.., |r| ids(r).len() > 1 && stops(r))
        .collect();
    for recording in followed {
        let first = listen(&recording.body).message["id"].clone();
        for plan in ways() {
            let (out, ending, stream) = run(plan, &recording.body, &[]);
            assert_eq!(ending, Ending::Complete, "{}", recording.name);
            assert_eq!(stream.response_id(), first.as_str(), "{}", recording.name);
            assert!(!out.is_empty());
        }
    }
    streams.into_iter().partition(|r| ids(r).len() == 1)
}

fn starts(recording: &Recording, kind: &str) -> Vec<(usize, Value)> {
    let events = payloads(&recording.body).into_iter().enumerate();
    let events = events.map(|(at, data)| (at, serde_json::from_str::<Value>(&data).unwrap()));
    events.filter(|(_, event)| event["type"] == kind).collect()
}

fn ids(recording: &Recording) -> HashSet<String> {
    let starts = starts(recording, "message_start").into_iter();
    starts
        .map(|(_, start)| start["message"]["id"].to_string())
        .collect()
}

/// Whether the first message stops before the second one begins.
fn stops(recording: &Recording) -> bool {
    let second = starts(recording, "message_start")[1].0;
    starts(recording, "message_stop")[0].0 < second
}

fn openai() -> Vec<Recording> {
    let mut streams = recordings("chat_completions", &PROVIDERS);
    streams.retain(|recording| recording.status == 200 && recording.stream);
    streams.retain(|recording| hear(&recording.body).said.len() == 1);
    streams
}

/// Whether the recording itself ends in an error event.
fn fails(recording: &Recording) -> bool {
    payloads(&recording.body)
        .iter()
        .any(|data| data.contains("\"error\":{"))
}

#[test]
fn a_stream_of_anthropics_loses_nothing_in_openais_grammar() {
    for recording in anthropic().0 {
        let name = &recording.name;
        let expected = listen(&recording.body);
        let [plan, ..] = ways();
        let (out, ending, stream) = run(plan, &recording.body, &[]);
        assert_eq!(ending, Ending::Complete, "{name}");
        let heard = hear(&out);
        for chunk in &heard.chunks {
            check_chunk(chunk).unwrap_or_else(|flaw| panic!("{name}: {flaw}: {chunk}"));
        }
        assert_eq!(heard.done, 1, "{name}");
        assert_eq!(of_stream(&heard), of_message(&expected.message), "{name}");
        let stop = expected.message["stop_reason"].as_str().unwrap();
        assert_eq!(
            heard.said[&0].finish.as_deref(),
            Some(openai_word(stop)),
            "{name}"
        );
        let recorded = figures(&expected.message["usage"]);
        assert_eq!(openai_figures(&heard.usage[0]), recorded, "{name}");
        let usage = stream.usage().unwrap();
        let read = [usage.input, usage.cached, usage.cache_write, usage.output];
        assert_eq!(read, recorded, "{name}");
        assert_eq!(
            stream.response_id(),
            expected.message["id"].as_str(),
            "{name}"
        );
        assert_eq!(stream.response_model(), expected.message["model"].as_str());
        assert!(stream.saw_content(), "{name}");
    }
}

#[test]
fn the_lens_of_anthropics_grammar_changes_no_event() {
    for recording in anthropic().0 {
        let name = &recording.name;
        let [_, lens, _] = ways();
        let (out, ending, stream) = run(lens, &recording.body, &[]);
        assert_eq!(ending, Ending::Complete, "{name}");
        check_grammar(&out, false, true).unwrap_or_else(|flaw| panic!("{name}: {flaw}"));
        let mut expected = payloads(&recording.body);
        let starts = expected
            .iter()
            .filter(|data| data.contains("message_start"));
        if starts.count() == 2 {
            expected.remove(1);
        }
        assert_eq!(payloads(&out), expected, "{name}");
        let told = listen(&recording.body).message;
        assert_eq!(stream.final_usage(3).total(), {
            let [input, _, _, output] = figures(&told["usage"]);
            input + output
        });
        if recording.name.ends_with(".sse") {
            assert_eq!(
                String::from_utf8(out),
                String::from_utf8(recording.body),
                "{name}"
            );
        }
    }
}

#[test]
fn what_the_writer_of_anthropics_grammar_says_is_whole_and_strict() {
    for recording in anthropic().0 {
        let name = &recording.name;
        let expected = listen(&recording.body).message;
        let [.., canonical] = ways();
        let (out, ending, _) = run(canonical, &recording.body, &[]);
        assert_eq!(ending, Ending::Complete, "{name}");
        check_grammar(&out, true, true).unwrap_or_else(|flaw| panic!("{name}: {flaw}"));
        let told = listen(&out).message;
        assert_eq!(of_message(&told), of_message(&expected), "{name}");
        for same in ["id", "model", "stop_reason", "stop_sequence"] {
            assert_eq!(told[same], expected[same], "{name}: {same}");
        }
        assert_eq!(
            figures(&told["usage"]),
            figures(&expected["usage"]),
            "{name}"
        );
    }
}

#[test]
fn seals_and_calls_survive_the_way_into_openais_grammar_and_back() {
    for recording in anthropic().0 {
        let name = &recording.name;
        let [there, ..] = ways();
        let (chunks, _, _) = run(there, &recording.body, &[]);
        let back = between(OpenAiChat, AnthropicMessages, Fidelity::Lens);
        let (out, ending, _) = run(back, &chunks, &[]);
        assert_eq!(ending, Ending::Complete, "{name}");
        check_grammar(&out, true, true).unwrap_or_else(|flaw| panic!("{name}: {flaw}"));
        let (told, expected) = (listen(&out).message, listen(&recording.body).message);
        let (told_all, mut all) = (of_message(&told), of_message(&expected));
        all.blocks.clear();
        all.citations.clear();
        assert_eq!(told_all, all, "{name}");
        assert_eq!(
            figures(&told["usage"]),
            figures(&expected["usage"]),
            "{name}"
        );
        assert_eq!(told["stop_reason"], expected["stop_reason"], "{name}");
    }
}

#[test]
fn a_second_message_inside_the_first_is_a_failure() {
    let (_, spliced) = anthropic();
    for recording in &spliced {
        for plan in ways() {
            let to = plan.to;
            let (out, ending, _) = run(plan, &recording.body, &[]);
            let error = failure(ending);
            assert!(error.kind == ErrorKind::Malformed && error.retryable);
            if to == AnthropicMessages {
                check_grammar(&out, false, false).unwrap();
            }
        }
    }
    assert!(!spliced.is_empty() || std::env::var_os("ALFRED_SHARED_OPTIONAL").is_some());
}

#[test]
fn a_stream_of_openais_loses_nothing_in_anthropics_grammar() {
    for recording in openai().iter().filter(|recording| !fails(recording)) {
        let name = &recording.name;
        let expected = hear(&recording.body);
        let plan = between(OpenAiChat, AnthropicMessages, Fidelity::Lens);
        let (out, ending, stream) = run(plan, &recording.body, &[]);
        assert_eq!(ending, Ending::Complete, "{name}");
        check_grammar(&out, true, true).unwrap_or_else(|flaw| panic!("{name}: {flaw}"));
        let told = listen(&out).message;
        let (mut got, wanted) = (of_message(&told), of_stream(&expected));
        got.seals.clear();
        assert_eq!(got, wanted, "{name}");
        let said = &expected.said[&0];
        let finish = canonical_finish(said).unwrap();
        let stop = anthropic_word(finish, !said.refusal.is_empty());
        assert_eq!(told["stop_reason"], stop, "{name}");
        let usage = stream.final_usage(11);
        let shown = figures(&told["usage"]);
        assert_eq!(
            shown,
            [usage.input, usage.cached, usage.cache_write, usage.output],
            "{name}"
        );
        if let Some(recorded) = expected.usage.last() {
            assert_eq!(Value::from(shown[0]), recorded["prompt_tokens"], "{name}");
            assert_eq!(
                Value::from(shown[3]),
                recorded["completion_tokens"],
                "{name}"
            );
        } else {
            assert_eq!(told["usage"]["estimated"], true, "{name}");
        }
    }
}

#[test]
fn the_cuts_of_the_network_change_nothing_in_any_direction() {
    let (whole, spliced) = anthropic();
    let jobs = whole
        .iter()
        .chain(&spliced)
        .flat_map(|r| ways().map(|p| (r, p)));
    let chats = openai();
    let back = || between(OpenAiChat, AnthropicMessages, Fidelity::Lens);
    for (recording, plan) in jobs.chain(chats.iter().map(|r| (r, back()))) {
        let (out, ending, stream) = run(plan.clone(), &recording.body, &[]);
        for pieces in [&[1][..], &[7, 1, 2, 311, 64, 3], &[2, 1500]] {
            let (torn, torn_ending, torn_stream) = run(plan.clone(), &recording.body, pieces);
            assert!(torn == out, "{} {:?} {pieces:?}", recording.name, plan.to);
            assert_eq!(torn_ending, ending, "{}", recording.name);
            assert_eq!(torn_stream.metered(), stream.metered());
            assert_eq!(torn_stream.usage(), stream.usage());
        }
    }
}

#[test]
fn a_stream_cut_before_message_stop_is_reported_truncated_at_every_event() {
    for recording in anthropic().0 {
        let text = String::from_utf8(recording.body.clone()).unwrap();
        let events: Vec<_> = text.split_inclusive("\n\n").collect();
        let last = events
            .iter()
            .position(|event| event.contains("\"message_stop\""))
            .unwrap();
        for plan in ways() {
            for count in 0..=last {
                let cut: String = events[..count].concat();
                let (out, ending, stream) = run(plan.clone(), cut.as_bytes(), &[]);
                let expected = if count == 0 {
                    Cut::Empty
                } else {
                    Cut::Unfinished(1)
                };
                let name = format!("{} after {count}", recording.name);
                assert_eq!(ending, Ending::Truncated(expected), "{name}");
                if plan.to == AnthropicMessages {
                    let ours = plan.fidelity == Fidelity::Canonical;
                    check_grammar(&out, ours, false).unwrap_or_else(|f| panic!("{name}: {f}"));
                } else {
                    assert_eq!(hear(&out).done, 0, "{name}");
                }
                // Until the last report of usage what came is billed, whatever the
                // first report says.
                let billed = stream.final_usage(3);
                if !cut.contains("\"message_delta\"") {
                    let counted = stream.metered().tokens;
                    assert!(billed.estimated && billed.output >= counted, "{name}");
                }
                if plan.to == OpenAiChat {
                    continue;
                }
                let next = events[count].as_bytes();
                let half = [cut.as_bytes(), &next[..next.len() - 9]].concat();
                let (_, ending, _) = run(plan.clone(), &half, &[]);
                assert_eq!(ending, Ending::Truncated(Cut::MidEvent), "{name}");
            }
        }
    }
}

#[test]
fn a_chat_cut_before_its_finish_never_stops_the_message() {
    for recording in openai().iter().filter(|recording| !fails(recording)) {
        let text = String::from_utf8(recording.body.clone())
            .unwrap()
            .replace("\r\n", "\n");
        let events: Vec<_> = text.split_inclusive("\n\n").collect();
        for count in 0..events.len() {
            let plan = between(OpenAiChat, AnthropicMessages, Fidelity::Lens);
            let cut: String = events[..count].concat();
            let (out, ending, _) = run(plan, cut.as_bytes(), &[]);
            let complete = ending == Ending::Complete;
            check_grammar(&out, true, complete)
                .unwrap_or_else(|flaw| panic!("{} after {count}: {flaw}", recording.name));
            let finished = hear(cut.as_bytes())
                .said
                .get(&0)
                .is_some_and(|s| s.finish.is_some());
            assert_eq!(complete, finished, "{} after {count}", recording.name);
        }
    }
}
