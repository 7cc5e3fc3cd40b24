//! Every recorded stream on its way to a client of Responses, or through the lens
//! of that dialect's own, against the grammar's checker and a simple client.
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

use alfred_filters::answer::{Ending, Fidelity, StreamPlan};
use alfred_filters::dialect::Dialect::{AnthropicMessages, OpenAiChat, OpenAiResponses};
use alfred_filters::prompt::Surface;
use answers::{PROVIDERS, Recording, hear, recordings, run};
use messages::{between, listen, of_message, of_stream};
use responses::{events, figures, last, of_response, values, violations};

/// The pieces in which every stream must come to the same.
const CUTS: [&[usize]; 4] = [&[1], &[7], &[3, 1, 64, 2, 511, 13], &[4096]];

fn plan(from: alfred_filters::dialect::Dialect) -> StreamPlan {
    StreamPlan {
        surface: Surface::Responses,
        ..between(from, OpenAiResponses, Fidelity::Lens)
    }
}

fn streams(surface: &str, providers: &[&str]) -> Vec<Recording> {
    let mut all = recordings(surface, providers);
    all.retain(|recording| recording.status == 200 && recording.stream);
    assert!(!all.is_empty() || std::env::var("ALFRED_SHARED_OPTIONAL").is_ok());
    all
}

/// Checks one translated stream and its cuts; gives what the client saw.
fn translated(recording: &Recording, plan: &StreamPlan) -> Option<Vec<u8>> {
    let (out, ending, stream) = run(plan.clone(), &recording.body, &[]);
    for pieces in CUTS {
        let (cut, same, _) = run(plan.clone(), &recording.body, pieces);
        assert_eq!(cut, out, "{} in pieces {pieces:?}", recording.name);
        assert_eq!(same, ending, "{}", recording.name);
    }
    if ending == Ending::Complete {
        assert_eq!(violations(&out), [""; 0], "{}", recording.name);
        let billed = stream.final_usage(11);
        let usage = figures(&last(&out)["usage"]);
        let expected = [
            billed.input,
            billed.cached,
            billed.cache_write,
            billed.output,
        ];
        assert_eq!(usage, expected, "{}", recording.name);
        return Some(out);
    }
    // What was cut says so, in one piece with what came before.
    let (mut stream, mut out) = (
        alfred_filters::answer::AnswerStream::new(plan.clone()),
        bytes::BytesMut::new(),
    );
    let fed = stream.feed(&bytes::Bytes::copy_from_slice(&recording.body), &mut out);
    let error = match (fed, stream.finish(&mut out)) {
        (Err(error), _) | (_, Ending::Failed(error)) => error,
        _ => alfred_filters::error::ProviderError::malformed("the stream was cut"),
    };
    assert!(stream.break_off(&error.event(OpenAiResponses, None), &mut out));
    assert_eq!(violations(&out), [""; 0], "{}", recording.name);
    None
}

#[test]
fn every_chat_stream_reaches_a_client_of_responses_whole_and_in_its_grammar() {
    let mut complete = 0;
    for recording in streams("chat_completions", &PROVIDERS) {
        let plan = plan(OpenAiChat);
        let Some(out) = translated(&recording, &plan) else {
            continue;
        };
        complete += 1;
        let heard = hear(&recording.body);
        let (provider, client) = (of_stream(&heard), of_response(&last(&out)));
        assert_eq!(client.text, provider.text, "{}", recording.name);
        assert_eq!(client.calls, provider.calls, "{}", recording.name);
        assert_eq!(client.thinking, provider.thinking, "{}", recording.name);
    }
    assert!(complete > 50, "only {complete} streams were complete");
}

#[test]
fn every_stream_of_anthropic_reaches_a_client_of_responses_with_all_that_it_says() {
    let mut complete = 0;
    for recording in streams("messages", &["anthropic"]) {
        let plan = plan(AnthropicMessages);
        let Some(out) = translated(&recording, &plan) else {
            continue;
        };
        complete += 1;
        let starts = values_of_kind(&recording.body, "message_start");
        if starts != 1 {
            continue;
        }
        let provider = of_message(&listen(&recording.body).message);
        let client = of_response(&last(&out));
        assert_eq!(client, provider, "{}", recording.name);
    }
    assert!(complete > 20, "only {complete} streams were complete");
}

fn values_of_kind(stream: &[u8], kind: &str) -> usize {
    let all = values(stream);
    all.iter().filter(|event| event["type"] == kind).count()
}

#[test]
fn recorded_streams_of_responses_follow_the_grammar_that_the_checker_knows() {
    for recording in streams("responses", &["openai", "azure", "bedrock"]) {
        if whole(&recording) {
            let found = violations(&recording.body);
            assert_eq!(found, [""; 0], "{}", recording.name);
        }
    }
}

#[test]
fn a_lens_passes_every_event_of_responses_byte_by_byte() {
    for recording in streams("responses", &["openai", "azure", "bedrock"]) {
        let plan = plan(OpenAiResponses);
        let (out, ending, stream) = run(plan.clone(), &recording.body, &[]);
        assert_eq!(ending, Ending::Complete, "{}", recording.name);
        // Some hold several answers, one after the other; the first is whole.
        if values_of_kind(&recording.body, "response.created") > 1 {
            continue;
        }
        let payloads = |stream: &[u8]| -> Vec<String> {
            events(stream).into_iter().map(|(_, data)| data).collect()
        };
        assert_eq!(
            payloads(&out),
            payloads(&recording.body),
            "{}",
            recording.name
        );
        for (name, data) in events(&out) {
            assert!(
                data.contains(&format!("\"{name}\"")),
                "{name} names its event"
            );
        }
        let usage = figures(&last(&recording.body)["usage"]);
        let billed = stream.usage().expect("usage is reported");
        let read = [
            billed.input,
            billed.cached,
            billed.cache_write,
            billed.output,
        ];
        assert_eq!(read, usage, "{}", recording.name);
        for pieces in CUTS {
            let (cut, _, _) = run(plan.clone(), &recording.body, pieces);
            assert_eq!(cut, out, "{} in pieces {pieces:?}", recording.name);
        }
    }
}

#[test]
fn a_stream_of_responses_that_is_cut_between_any_two_events_is_known_to_be_cut() {
    for recording in streams("responses", &["openai", "bedrock"]).iter().take(8) {
        let body = String::from_utf8(recording.body.clone()).unwrap();
        let body = body.replace("\r\n", "\n");
        let ends: Vec<usize> = body.match_indices("\n\n").map(|(at, _)| at + 2).collect();
        for end in &ends[..ends.len() - 1] {
            let (out, ending, mut stream) =
                run(plan(OpenAiResponses), &body.as_bytes()[..*end], &[]);
            if !body[..*end].contains("response.completed") {
                assert!(
                    matches!(ending, Ending::Truncated(_)),
                    "{ending:?} at {end}"
                );
                let error = alfred_filters::error::ProviderError::malformed("cut");
                let mut all = bytes::BytesMut::from(&out[..]);
                assert!(stream.break_off(&error.event(OpenAiResponses, None), &mut all));
                let found = violations(&all);
                assert!(!whole(recording) || found.is_empty(), "{found:?}");
            }
        }
    }
}

/// Streams that kept their framing were not shortened by hand.
fn whole(recording: &Recording) -> bool {
    recording.name.ends_with(".sse")
}
