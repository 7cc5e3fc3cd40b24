//! Every recorded body on its way into another dialect, or through the lens of
//! its own, against clients and checkers that share no code with the crate.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

mod answers;
mod messages;

use alfred_filters::answer::{Answer, Ending, Fidelity, StreamPlan};
use alfred_filters::dialect::Dialect::{self, AnthropicMessages, OpenAiChat};
use alfred_filters::dialect::anthropic::count_tokens_body;
use alfred_filters::error::ProviderError;
use alfred_filters::prompt::Surface;
use answers::{
    PROVIDERS, Recording, Said, add, canonical_finish, check_body, check_chunk, hear, plan,
    recordings, run,
};
use bytes::Bytes;
use messages::{
    anthropic_word, between, check_grammar, check_message, figures, listen, of_choice, of_message,
    of_stream, openai_figures, openai_word,
};
use serde_json::Value;

fn bodies(surface: &str, providers: &[&str]) -> Vec<Recording> {
    let mut bodies = recordings(surface, providers);
    bodies.retain(|recording| recording.status == 200 && !recording.stream);
    bodies
}

fn read(from: Dialect, surface: Surface, recording: &Recording) -> Answer {
    Answer::read(from, surface, Bytes::from(recording.body.clone()))
        .unwrap_or_else(|error| panic!("{}: {error}", recording.name))
}

fn said(body: &Value) -> Said {
    let mut said = Said::default();
    let choice = &body["choices"][0];
    add(&mut said, &choice["message"], choice);
    said
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

#[test]
fn a_body_of_anthropics_loses_nothing_in_openais_grammar() {
    for recording in bodies("messages", &["anthropic"]) {
        let name = &recording.name;
        let expected = json(&recording.body);
        let answer = read(AnthropicMessages, Surface::Chat, &recording);
        let plan = between(AnthropicMessages, OpenAiChat, Fidelity::Lens);
        let body = json(&answer.render(&plan));
        check_body(&body).unwrap_or_else(|flaw| panic!("{name}: {flaw}: {body}"));
        let message = &body["choices"][0]["message"];
        let got = of_choice(&said(&body), std::iter::once(message));
        assert_eq!(got, of_message(&expected), "{name}");
        let stop = expected["stop_reason"].as_str().unwrap();
        let reason = &body["choices"][0]["finish_reason"];
        assert_eq!(reason, openai_word(stop), "{name}");
        assert_eq!(
            body["choices"][0]["native_finish_reason"]
                .as_str()
                .unwrap_or(stop),
            stop
        );
        assert_eq!(
            openai_figures(&body["usage"]),
            figures(&expected["usage"]),
            "{name}"
        );
        let written = expected["usage"]["cache_creation"]["ephemeral_1h_input_tokens"].as_u64();
        assert_eq!(answer.usage().unwrap().cache_write_1h, written.unwrap_or(0));
        for kept in ["container", "stop_details"] {
            assert_eq!(body["choices"][0][kept], expected[kept], "{name}: {kept}");
        }
        assert_eq!(body["id"], expected["id"], "{name}");
    }
}

#[test]
fn a_body_of_anthropics_passes_uncopied_or_is_written_whole() {
    for recording in bodies("messages", &["anthropic"]) {
        let name = &recording.name;
        let expected = json(&recording.body);
        let body = Bytes::from(recording.body.clone());
        let answer = Answer::read(AnthropicMessages, Surface::Messages, body.clone()).unwrap();
        let lens = between(AnthropicMessages, AnthropicMessages, Fidelity::Lens);
        assert_eq!(answer.render(&lens).as_ptr(), body.as_ptr(), "{name}");
        let strict = between(AnthropicMessages, AnthropicMessages, Fidelity::Canonical);
        let written = json(&answer.render(&strict));
        check_message(&written).unwrap_or_else(|flaw| panic!("{name}: {flaw}"));
        assert_eq!(of_message(&written), of_message(&expected), "{name}");
        for (key, value) in expected.as_object().unwrap() {
            let null = value.is_null() && key != "stop_sequence";
            if !null && !matches!(key.as_str(), "content" | "usage") {
                assert_eq!(&written[key], value, "{name}: {key}");
            }
        }
        assert_eq!(
            figures(&written["usage"]),
            figures(&expected["usage"]),
            "{name}"
        );
        let mut texts = String::new();
        answer.visit_texts(&mut |text| texts += &text.text);
        let all = of_message(&expected);
        assert!(texts.contains(&all.thinking), "{name}");
        assert!(texts.len() >= all.text.len() + all.thinking.len(), "{name}");
        assert!(
            answer.metered().text_bytes as usize >= all.text.len(),
            "{name}"
        );
    }
}

#[test]
fn a_body_of_openais_loses_nothing_in_anthropics_grammar() {
    for recording in bodies("chat_completions", &PROVIDERS) {
        let name = &recording.name;
        let expected = json(&recording.body);
        if expected["choices"].as_array().unwrap().len() > 1 {
            continue;
        }
        let answer = read(OpenAiChat, Surface::Messages, &recording);
        let plan = between(OpenAiChat, AnthropicMessages, Fidelity::Lens);
        let message = json(&answer.render(&plan));
        check_message(&message).unwrap_or_else(|flaw| panic!("{name}: {flaw}: {message}"));
        let original = said(&expected);
        let mut wanted = of_choice(&original, std::iter::empty());
        for (_, arguments) in &mut wanted.calls {
            if !arguments.is_object() {
                *arguments = serde_json::json!({ "arguments": arguments });
            }
        }
        assert_eq!(of_message(&message), wanted, "{name}");
        let finish = canonical_finish(&original).unwrap();
        let stop = anthropic_word(finish, !original.refusal.is_empty());
        assert_eq!(message["stop_reason"], stop, "{name}");
        let usage = answer.final_usage(11);
        let shown = figures(&message["usage"]);
        assert_eq!(
            [shown[0], shown[1], shown[3]],
            [usage.input, usage.cached, usage.output]
        );
    }
}

#[test]
fn a_body_in_place_of_a_stream_becomes_a_stream_of_the_clients_grammar() {
    let anthropic = bodies("messages", &["anthropic"]);
    for recording in &anthropic {
        let name = &recording.name;
        let expected = of_message(&json(&recording.body));
        let chunks = between(AnthropicMessages, OpenAiChat, Fidelity::Lens);
        let (out, ending, _) = run(chunks, &recording.body, &[100]);
        assert_eq!(ending, Ending::Complete, "{name}");
        let heard = hear(&out);
        assert!(
            heard.chunks.iter().all(|chunk| check_chunk(chunk).is_ok()),
            "{name}"
        );
        assert_eq!(of_stream(&heard), expected, "{name}");
        let lens = between(AnthropicMessages, AnthropicMessages, Fidelity::Lens);
        let (out, ending, _) = run(lens, &recording.body, &[100]);
        assert_eq!(ending, Ending::Complete, "{name}");
        check_grammar(&out, true, true).unwrap_or_else(|flaw| panic!("{name}: {flaw}"));
        assert_eq!(of_message(&listen(&out).message), expected, "{name}");
    }
    for recording in bodies("chat_completions", &PROVIDERS) {
        let name = &recording.name;
        let body = json(&recording.body);
        if body["choices"].as_array().unwrap().len() > 1 {
            continue;
        }
        let plan = between(OpenAiChat, AnthropicMessages, Fidelity::Lens);
        let (out, ending, _) = run(plan, &recording.body, &[1000]);
        assert_eq!(ending, Ending::Complete, "{name}");
        check_grammar(&out, true, true).unwrap_or_else(|flaw| panic!("{name}: {flaw}"));
        let expected = of_choice(&said(&body), std::iter::empty());
        assert_eq!(of_message(&listen(&out).message), expected, "{name}");
    }
}

#[test]
fn a_recorded_error_is_no_answer_and_is_told_in_the_clients_grammar() {
    for recording in recordings("messages", &["anthropic"])
        .iter()
        .filter(|recording| recording.status >= 400)
    {
        for surface in [Surface::Chat, Surface::Messages, Surface::CountTokens] {
            let body = Bytes::from(recording.body.clone());
            assert!(
                Answer::read(AnthropicMessages, surface, body).is_err(),
                "{}",
                recording.name
            );
        }
        let error = ProviderError::read(recording.status, None, None, &recording.body, 0);
        assert!(!error.retryable, "{}", recording.name);
        let told = json(&error.body(AnthropicMessages, Some("req_1")));
        let original = json(&recording.body);
        assert_eq!(
            told["error"]["type"], original["error"]["type"],
            "{}",
            recording.name
        );
        assert_eq!(told["request_id"], "req_1");
        let (out, ending, _) = run(
            between(AnthropicMessages, OpenAiChat, Fidelity::Lens),
            &recording.body,
            &[5],
        );
        assert!(matches!(ending, Ending::Failed(_)) && out.is_empty());
    }
}

#[test]
fn a_count_of_tokens_passes_and_is_no_usage() {
    for recording in bodies("count_tokens", &["anthropic"]) {
        let body = Bytes::from(recording.body.clone());
        let answer = Answer::read(AnthropicMessages, Surface::CountTokens, body.clone()).unwrap();
        let plan = between(AnthropicMessages, AnthropicMessages, Fidelity::Canonical);
        assert_eq!(answer.render(&plan), body, "{}", recording.name);
        assert_eq!((answer.usage(), answer.finish_reason()), (None, None));
        let chat = Answer::read(AnthropicMessages, Surface::Messages, body);
        assert!(chat.is_err(), "a count is no message");
    }
    assert_eq!(count_tokens_body(7, false), r#"{"input_tokens":7}"#);
    let guess = count_tokens_body(7, true);
    assert_eq!(guess, r#"{"input_tokens":7,"estimated":true}"#);
    assert!(Answer::read(AnthropicMessages, Surface::CountTokens, guess).is_ok());
}

/// The texts of OpenAI's older form, by choice.
fn older(body: &[u8]) -> Vec<(u64, String)> {
    let mut texts: Vec<(u64, String)> = Vec::new();
    for chunk in if body.starts_with(b"data") {
        hear(body).chunks
    } else {
        vec![json(body)]
    } {
        for choice in chunk["choices"].as_array().unwrap() {
            let index = choice["index"].as_u64().unwrap_or(0);
            let text = choice["text"].as_str().unwrap_or("");
            match texts.iter_mut().find(|(known, _)| *known == index) {
                Some((_, all)) => all.push_str(text),
                None => texts.push((index, text.to_owned())),
            }
        }
    }
    texts
}

#[test]
fn answers_of_openais_older_form_pass_and_are_counted() {
    let mut seen = (0, 0);
    for recording in recordings("completions", &["openai", "together"]) {
        if recording.status != 200 {
            continue;
        }
        let name = &recording.name;
        let expected = older(&recording.body);
        let bytes: usize = expected.iter().map(|(_, text)| text.len()).sum();
        let plan = StreamPlan {
            surface: Surface::Completions,
            choices: expected.len() as u32,
            ..plan(Fidelity::Canonical, false)
        };
        let (out, ending, stream) = run(plan.clone(), &recording.body, &[64]);
        assert_eq!(ending, Ending::Complete, "{name}");
        assert_eq!(older(&out), expected, "{name}");
        assert!(hear(&out).usage.is_empty(), "{name}");
        assert_eq!(stream.metered().text_bytes as usize, bytes, "{name}");
        if recording.stream {
            seen.0 += 1;
            continue;
        }
        let body = Bytes::from(recording.body.clone());
        let answer = Answer::read(OpenAiChat, Surface::Completions, body.clone()).unwrap();
        assert_eq!(answer.render(&plan).as_ptr(), body.as_ptr(), "{name}");
        assert_eq!(answer.metered().text_bytes as usize, bytes, "{name}");
        assert_eq!(
            answer.usage().unwrap().input,
            json(&body)["usage"]["prompt_tokens"]
        );
        let mut texts = Vec::new();
        answer.visit_texts(&mut |text| texts.push(text.text.into_owned()));
        let wanted: Vec<_> = expected.into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, wanted, "{name}");
        seen.1 += 1;
    }
    let missing = std::env::var_os("ALFRED_SHARED_OPTIONAL").is_some();
    assert!(missing || (seen.0 > 0 && seen.1 > 0));
}
