//! The laws of the veil: nothing that was found passes however it is cut, what is
//! held is said in time, and every grammar stays whole.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]
#![allow(dead_code, reason = "each test binary uses its own part of it")]

mod answers;
#[path = "guard/toys.rs"]
mod toys;
#[path = "guard/veiling.rs"]
mod veiling;

use alfred_filters::answer::{AnswerStream, Fidelity};
use alfred_filters::dialect::Dialect;
use alfred_filters::guard::action::Action;
use alfred_filters::guard::report::Report;
use alfred_filters::guard::screen::{Desk, Form, Task};
use alfred_filters::guard::vault::Vault;
use alfred_filters::guard::veil::{VeilStream, veil_body};
use alfred_filters::prompt::Surface;
use answers::{payloads, run};
use bytes::{Bytes, BytesMut};
use serde_json::Value;
use toys::{KEY, pairs, policy, told};
use veiling::{
    CLIENTS, SAID, channels, chunk, chunks, grammar, leaks, one, plan, quoted, repeated, said,
    texts, veiled,
};

#[test]
fn what_is_found_passes_nowhere_however_the_text_is_cut_over_two_deltas() {
    let policy = policy(Action::Mask);
    let expected = told(
        &policy,
        &mut Vault::new(KEY),
        (Form::Text, Task::Answer),
        &[SAID],
    );
    assert!(!leaks(expected.text.as_bytes()));
    for client in CLIENTS {
        for pair in pairs(SAID) {
            for (channel, deltas, finish) in channels(pair) {
                let name = format!("{client:?} {channel} {pair:?}");
                let stream = said(client, &chunks(&deltas, finish));
                let veiled = one(&policy, client.1, &stream);
                let shown = String::from_utf8_lossy(&veiled.out);
                assert!(!leaks(&veiled.out), "{name}: {shown}");
                let mut wanted = expected.text.clone();
                if channel == "arguments" {
                    wanted = format!("{{\"k\":\"{wanted}\"}}");
                }
                let heard = texts(&veiled.out);
                assert!(!heard.is_empty(), "{name}");
                for (place, text) in &heard {
                    assert_eq!(*text, wanted, "{name} {place}: {shown}");
                }
                if client.1 == Surface::Responses {
                    assert_eq!(repeated(&veiled.out), wanted, "{name}: {shown}");
                }
                let broken = grammar(client.1).check(&veiled.out);
                assert_eq!(broken, grammar(client.1).check(&stream), "{name}: {shown}");
            }
        }
    }
}

#[test]
fn the_cuts_of_the_network_change_nothing() {
    let policy = policy(Action::Mask);
    for client in CLIENTS {
        for (channel, deltas, finish) in channels([&SAID[..7], &SAID[7..]]) {
            let stream = said(client, &chunks(&deltas, finish));
            let whole = one(&policy, client.1, &stream);
            for at in 0..stream.len() {
                let (a, b) = stream.split_at(at);
                let cut = veiled(&policy, &mut Vault::new(KEY), client.1, &[a, b]);
                assert!(cut.out == whole.out, "{client:?} {channel} at {at}");
                assert_eq!(cut.report, whole.report, "{client:?} {channel} at {at}");
            }
            let bytes: Vec<&[u8]> = stream.chunks(1).collect();
            let cut = veiled(&policy, &mut Vault::new(KEY), client.1, &bytes);
            assert!(cut.out == whole.out, "{client:?} {channel} byte by byte");
        }
    }
}

#[test]
fn placeholders_become_values_again_wherever_they_are_cut() {
    let policy = policy(Action::MaskReversible);
    let mut vault = Vault::new(KEY);
    let masked = told(&policy, &mut vault, (Form::Text, Task::Mask), &[SAID]).text;
    assert!(masked.contains("[EMAIL_"));
    for client in CLIENTS {
        for pair in pairs(&masked) {
            for (channel, deltas, finish) in channels(pair) {
                let name = format!("{client:?} {channel} {pair:?}");
                let stream = said(client, &chunks(&deltas, finish));
                let veiled = veiled(&policy, &mut vault, client.1, &[&stream]);
                let shown = String::from_utf8_lossy(&veiled.out);
                assert!(!shown.contains("EMAIL_"), "{name}: {shown}");
                for (place, text) in texts(&veiled.out) {
                    let text = text.trim_start_matches("{\"k\":\"").trim_end_matches("\"}");
                    assert_eq!(text, SAID, "{name} {place}");
                }
            }
        }
    }
}

#[test]
fn what_is_held_is_said_before_an_error_at_a_cut_and_at_the_end() {
    let policy = policy(Action::Mask);
    let error = "data: {\"error\":{\"message\":\"no\",\"type\":\"server_error\"}}\n\n";
    for client in CLIENTS {
        for (channel, deltas, _) in channels(["one two", " three fo"]) {
            let mut provider = chunk(r#""role":"assistant","content":"""#, "null");
            for delta in deltas.iter().filter(|delta| !delta.contains("\"}")) {
                provider.push_str(&chunk(delta, "null"));
            }
            let plan = plan(Dialect::OpenAiChat, client, Fidelity::Canonical);
            let (stream, _, _) = run(plan, provider.as_bytes(), &[]);
            let cut = one(&policy, client.1, &stream);
            assert_eq!(texts(&cut.out), texts(&stream), "{client:?} {channel}");
            let mut broken = stream.clone();
            let last = match client.1 {
                Surface::Messages => error.replace("{\"error\"", "{\"type\":\"error\",\"error\""),
                Surface::Responses => error.replace("{\"error\"", "{\"type\":\"error\",\"error\""),
                _ => error.to_owned(),
            };
            broken.extend_from_slice(last.as_bytes());
            let failed = one(&policy, client.1, &broken);
            assert_eq!(texts(&failed.out), texts(&stream), "{client:?} {channel}");
            assert!(failed.out.ends_with(last.as_bytes()), "{client:?}");
        }
    }
}

#[test]
fn nothing_of_a_blocked_text_goes_out_and_nothing_after_it() {
    let policy = policy(Action::Block);
    for client in CLIENTS {
        for pair in pairs(SAID) {
            for (channel, deltas, finish) in channels(pair) {
                let stream = said(client, &chunks(&deltas, finish));
                let pieces: Vec<&[u8]> = stream.chunks(97).collect();
                let veiled = veiled(&policy, &mut Vault::new(KEY), client.1, &pieces);
                assert!(veiled.end.is_err(), "{client:?} {channel}");
                assert!(!leaks(&veiled.out), "{client:?} {channel}");
                let text = String::from_utf8_lossy(&veiled.out);
                assert!(text.is_empty() || text.ends_with("\n\n"), "{text}");
            }
        }
    }
}

#[test]
fn the_last_words_of_a_blocked_response_say_nothing_of_it() {
    let policy = policy(Action::Block);
    let client = CLIENTS[2];
    let (mut vault, mut report) = (Vault::new(KEY), Report::default());
    let mut desk = Desk {
        policy: &policy,
        vault: &mut vault,
        report: &mut report,
    };
    let mut answer = AnswerStream::new(plan(Dialect::OpenAiChat, client, Fidelity::Canonical));
    let (mut veil, mut sent, mut out) =
        (VeilStream::new(client.1), BytesMut::new(), BytesMut::new());
    let deltas: Vec<String> = ["some words, ", "then ann@", "x.org ", "and more"]
        .iter()
        .map(|text| format!("\"content\":{}", quoted(text)))
        .collect();
    let stream = Bytes::from(chunks(&deltas, "\"length\""));
    answer.feed(&stream, &mut sent).unwrap();
    assert!(veil.feed(&mut desk, &sent, &mut out).is_err());
    sent.clear();
    let event = br#"data: {"error":{"message":"A guard has stopped the answer.","code":"blocked","param":null}}"#;
    assert!(answer.break_off(event, &mut sent));
    veil.last_words(&mut desk, &sent, &mut out);
    assert!(!leaks(&out));
    let events: Vec<Value> = payloads(&out)
        .iter()
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number, "{event}");
    }
    let last = events.last().unwrap();
    assert_eq!(last["type"], "response.failed");
    assert_eq!(last["response"]["output"], serde_json::json!([]));
    assert_eq!(
        last["response"]["error"]["message"],
        "A guard has stopped the answer."
    );
}

#[test]
fn log_probabilities_go_with_the_text_that_they_spell() {
    let policy = policy(Action::Mask);
    let stream = chunks(
        &[
            r#""content":"ann@x.org ""#.to_owned(),
            r#""content":"rest ""#.to_owned(),
        ],
        "\"stop\"",
    );
    let spelt = r#""logprobs":{"content":[{"token":"ann@x.org"}],"refusal":null}"#;
    let stream = stream.replace("\"logprobs\":null", spelt);
    let veiled = one(&policy, Surface::Chat, stream.as_bytes());
    let text = String::from_utf8_lossy(&veiled.out);
    // The first chunk says nothing yet, and its figures are a test's invention.
    let after = text.split_once("\n\n").unwrap().1;
    assert!(!leaks(after.as_bytes()), "{after}");
}

#[test]
fn a_body_is_masked_in_every_text_and_keeps_its_machine_words() {
    let policy = policy(Action::Mask);
    let chat = r#"{"id":"ann@x.org","choices":[{"message":{"content":"to ann@x.org","reasoning_content":"hm ann@x.org","tool_calls":[{"id":"1","function":{"name":"f","arguments":"{\"a\":\"ann@x.org\"}"}}],"new":["ann@x.org"]},"logprobs":{"content":[{"token":"ann@x.org"}]},"index":0}]}"#;
    let message = r#"{"id":"ann@x.org","content":[{"type":"text","text":"to ann@x.org","citations":[{"cited_text":"ann@x.org"}]},{"type":"thinking","thinking":"ann@x.org","signature":"ann@x.org"},{"type":"tool_use","id":"t","name":"f","input":{"a":["ann@x.org"]}}]}"#;
    let response = r#"{"id":"ann@x.org","output":[{"type":"message","content":[{"type":"output_text","text":"to ann@x.org","logprobs":[{"token":"ann@x.org"}]}]},{"type":"function_call","arguments":"{\"a\":\"ann@x.org\"}"},{"type":"reasoning","summary":[{"text":"ann@x.org"}],"encrypted_content":"ann@x.org"}]}"#;
    let old = r#"{"id":"ann@x.org","choices":[{"text":"to ann@x.org","logprobs":{"tokens":["ann@x.org"]},"index":0}]}"#;
    for (surface, body, kept) in [
        (Surface::Chat, chat, 1),
        (Surface::Messages, message, 2),
        (Surface::Responses, response, 2),
        (Surface::Completions, old, 1),
    ] {
        let (mut vault, mut report) = (Vault::new(KEY), Report::default());
        let mut desk = Desk {
            policy: &policy,
            vault: &mut vault,
            report: &mut report,
        };
        let out = veil_body(surface, &mut desk, Bytes::from_static(body.as_bytes())).unwrap();
        let text = std::str::from_utf8(&out).unwrap();
        assert_eq!(text.matches("ann@x.org").count(), kept, "{text}");
        assert!(text.contains("\"to [EMAIL]\""), "{text}");
        serde_json::from_str::<Value>(text).unwrap();
    }
}

#[test]
fn an_older_completion_is_masked_at_every_cut() {
    let policy = policy(Action::Mask);
    let wanted = told(
        &policy,
        &mut Vault::new(KEY),
        (Form::Text, Task::Answer),
        &[SAID],
    )
    .text;
    let chunk = |text: &str, finish: &str| {
        format!(
            r#"data: {{"id":"c","object":"text_completion","created":5,"model":"m","choices":[{{"text":{},"index":0,"logprobs":null,"finish_reason":{finish}}}]}}"#,
            quoted(text)
        ) + "\n\n"
    };
    for [a, b] in pairs(SAID) {
        let stream =
            chunk(a, "null") + &chunk(b, "null") + &chunk("", "\"stop\"") + "data: [DONE]\n\n";
        let veiled = one(&policy, Surface::Completions, stream.as_bytes());
        assert!(!leaks(&veiled.out));
        assert_eq!(texts(&veiled.out)["0 text"], wanted, "{a:?} {b:?}");
    }
}

#[test]
fn members_that_nobody_knows_carry_nothing_past_the_veil() {
    let policy = policy(Action::Mask);
    for (surface, payload) in [
        (
            Surface::Chat,
            r#"{"new":"ann@x.org","choices":[{"delta":{"new":[{"deep":"ann@x.org"}],"content":[{"type":"text","text":"ann@x.org "}]},"new":"ann@x.org","index":0}]}"#,
        ),
        (
            Surface::Messages,
            r#"{"type":"new","new":{"deep":["ann@x.org"]},"delta":{"type":"citations_delta","citation":{"cited_text":"ann@x.org"}},"index":0}"#,
        ),
        (
            Surface::Messages,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"new","content":[{"text":"ann@x.org","url":"ann@x.org"}],"input":{"a":"ann@x.org"}}}"#,
        ),
        (
            Surface::Responses,
            r#"{"type":"response.new","sequence_number":1,"new":"ann@x.org","item":{"new":{"deep":"ann@x.org"},"result":"ann@x.org"}}"#,
        ),
        (
            Surface::Responses,
            r#"{"type":"response.new.delta","sequence_number":1,"delta":"ann@x.org "}"#,
        ),
        (
            Surface::Responses,
            r#"{"type":"response.new.delta","sequence_number":1,"delta":{"new":"ann@x.org "}}"#,
        ),
        (Surface::Chat, r#"{"error":{"message":"no ann@x.org"}}"#),
        (Surface::Chat, "no JSON of ann@x.org"),
        (Surface::Messages, r#"["ann@x.org"]"#),
    ] {
        let veiled = one(&policy, surface, format!("data: {payload}\n\n").as_bytes());
        assert_eq!(veiled.end, Ok(()), "{payload}");
        assert!(
            !leaks(&veiled.out),
            "{}",
            String::from_utf8_lossy(&veiled.out)
        );
    }
}

#[test]
fn choices_and_calls_that_take_turns_are_told_apart_also_by_indices_that_come_late() {
    let policy = policy(Action::Mask);
    let piece = |index: u8, text: &str| {
        format!(
            r#"data: {{"id":"c","choices":[{{"delta":{{"content":{},"tool_calls":[{{"function":{{"arguments":{}}},"index":1}}]}},"finish_reason":null,"index":{index}}}]}}"#,
            quoted(text),
            quoted(text)
        ) + "\n\n"
    };
    let stream = piece(0, "\"ann@")
        + &piece(1, "\"bob")
        + &piece(0, "x.org\"")
        + &piece(1, "@x.org\"")
        + "data: [DONE]\n\n";
    let veiled = one(&policy, Surface::Chat, stream.as_bytes());
    let shown = String::from_utf8_lossy(&veiled.out);
    assert!(!leaks(&veiled.out), "{shown}");
    let heard = texts(&veiled.out);
    for place in ["0 content", "1 content", "0 call 1", "1 call 1"] {
        assert_eq!(heard[place], "\"[EMAIL]\"", "{place}: {shown}");
    }
}

#[test]
fn thoughts_are_said_to_their_end_before_the_answer_begins() {
    let policy = policy(Action::Mask);
    let deltas = ["\"reasoning_content\":\"so be it\"", "\"content\":\"yes \""];
    let stream = chunks(&deltas.map(str::to_owned), "\"stop\"");
    let veiled = one(&policy, Surface::Chat, stream.as_bytes());
    let shown = String::from_utf8_lossy(&veiled.out);
    let (thought, answer) = (shown.find("it\"").unwrap(), shown.find("\"yes").unwrap());
    assert!(thought < answer, "{shown}");
}

#[test]
fn thoughts_and_words_by_turns_spell_nothing_past_the_veil() {
    let policy = policy(Action::Mask);
    for both in [true, false] {
        let mut deltas = vec![
            "\"reasoning_content\":\"so \"".to_owned(),
            "\"content\":\"yes \"".to_owned(),
        ];
        for letter in "ann@x.org ".chars() {
            let said = format!("\"content\":\"{letter}\"");
            let thought = format!("\"reasoning_content\":\"{letter}\"");
            if both {
                deltas.push(format!("{said},{thought}"));
            } else {
                deltas.extend([thought, said]);
            }
        }
        let stream = chunks(&deltas, "\"stop\"");
        let veiled = one(&policy, Surface::Chat, stream.as_bytes());
        let heard = texts(&veiled.out);
        assert_eq!(heard["0 content"], "yes [EMAIL] ");
        assert_eq!(heard["0 reasoning_content"], "so [EMAIL] ");
    }
}

#[test]
fn log_probabilities_of_a_response_go_with_the_text_that_they_spell() {
    let policy = policy(Action::Mask);
    let event = |kind: &str, number: u8, more: &str| {
        format!(
            r#"event: {kind}{}data: {{"type":"{kind}","sequence_number":{number},"item_id":"m","output_index":0,"content_index":0,{more}}}"#,
            "\n"
        ) + "\n\n"
    };
    let spelt = r#""logprobs":[{"token":"ann@x.org"}]"#;
    let stream = event(
        "response.output_text.delta",
        4,
        &format!(r#""delta":"ann@x.org",{spelt}"#),
    ) + &event(
        "response.output_text.done",
        5,
        &format!(r#""text":"ann@x.org",{spelt}"#),
    ) + &event(
        "response.content_part.done",
        6,
        &format!(r#""part":{{"text":"ann@x.org",{spelt}}}"#),
    );
    let veiled = one(&policy, Surface::Responses, stream.as_bytes());
    let shown = String::from_utf8_lossy(&veiled.out);
    assert!(!leaks(&veiled.out), "{shown}");
    let numbers: Vec<u64> = payloads(&veiled.out)
        .iter()
        .map(|data| {
            serde_json::from_str::<Value>(data).unwrap()["sequence_number"]
                .as_u64()
                .unwrap()
        })
        .collect();
    assert_eq!(numbers, [4, 5, 6, 7], "{shown}");
}
