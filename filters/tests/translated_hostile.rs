//! Answers on their way into another dialect that no recording holds.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

mod answers;
mod messages;

use alfred_filters::answer::{Answer, AnswerStream, Cut, Ending, Fidelity};
use alfred_filters::dialect::Dialect::{AnthropicMessages, OpenAiChat};
use alfred_filters::error::{ErrorKind, KeyState};
use alfred_filters::prompt::Surface;
use answers::{failure, hear, run};
use bytes::{Bytes, BytesMut};
use messages::{
    between, check_grammar, delta, end, event, listen, of_message, start, text_block, to_chunks,
    to_messages, ways,
};
use serde_json::{Value, json};

#[test]
fn a_provider_that_is_overloaded_inside_a_200_is_overloaded() {
    for failure_event in [
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n",
        "data: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n",
    ] {
        for said in [String::new(), start(), start() + &text_block(0, "Hel")] {
            for plan in ways(AnthropicMessages) {
                let to = plan.to;
                let stream = said.clone() + failure_event + &end("end_turn");
                let (out, ending, stream) = run(plan, stream.as_bytes(), &[]);
                let error = failure(ending);
                assert_eq!((error.status, error.kind), (529, ErrorKind::Overloaded));
                assert!(error.retryable);
                assert_eq!(stream.saw_content(), said.contains("Hel"));
                let usage = stream.final_usage(7);
                let last = error.event(to, Some(usage));
                let out = [&out[..], &last].concat();
                if to == AnthropicMessages {
                    check_grammar(&out, false, false).unwrap();
                    let told = listen(&out).error.unwrap();
                    assert_eq!(told["error"]["type"], "overloaded_error");
                    assert_eq!(told["usage"]["output_tokens"], usage.output);
                }
            }
        }
    }
}

#[test]
fn half_a_character_in_what_passes_as_it_is_breaks_no_clients_parser() {
    let block = r#"{"type":"unheard","in\ud83d":{"\ude00":"\ud83d\ude00"}}"#;
    let block = format!(
        "data: {{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{block}}}\n\n"
    );
    let stream = start() + &block + &event(&json!({"type":"content_block_stop","index":0}));
    for plan in ways(AnthropicMessages) {
        if plan.to == AnthropicMessages && plan.fidelity == Fidelity::Lens {
            continue;
        }
        let (out, ending, _) = run(plan, (stream.clone() + &end("end_turn")).as_bytes(), &[]);
        assert_eq!(ending, Ending::Complete);
        for data in answers::payloads(&out)
            .iter()
            .filter(|data| *data != "[DONE]")
        {
            assert!(serde_json::from_str::<Value>(data).is_ok(), "{data}");
        }
        assert!(String::from_utf8(out).unwrap().contains(r"\ud83d\ude00"));
    }
}

#[test]
fn an_empty_name_is_none() {
    let nameless = |text: String| {
        text.replace(r#""msg_1""#, r#""""#)
            .replace("\"claude\"", "\"\"")
    };
    let body = r#"{"id":"","type":"message","role":"assistant","model":"","content":[],
        "stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}"#;
    let body = Answer::read(AnthropicMessages, Surface::Chat, Bytes::from(body)).unwrap();
    let plan = to_chunks();
    let stream = nameless(start()) + &end("end_turn");
    let (out, ending, _) = run(plan.clone(), stream.as_bytes(), &[]);
    assert_eq!(ending, Ending::Complete);
    let whole: Value = serde_json::from_slice(&body.render(&plan)).unwrap();
    for said in [&hear(&out).chunks[0], &whole] {
        assert_eq!(
            (&said["id"], &said["model"]),
            (&json!(plan.id), &json!(plan.model))
        );
    }
}

#[test]
fn a_delta_that_is_none_does_not_stand_in_for_ours() {
    let stream = delta(&json!({"content":"Hi"}), None)
        + "data: {\"id\":\"c\",\"choices\":[{\"delta\":0,\"finish_reason\":\"stop\"}]}\n\n"
        + "data: [DONE]\n\n";
    let plan = between(OpenAiChat, OpenAiChat, Fidelity::Canonical);
    let (out, ending, _) = run(plan, stream.as_bytes(), &[]);
    assert_eq!(ending, Ending::Complete);
    for chunk in hear(&out).chunks {
        let choices = chunk["choices"].as_array().unwrap();
        assert!(
            choices.iter().all(|choice| choice["delta"].is_object()),
            "{chunk}"
        );
    }
}

#[test]
fn content_after_the_end_of_a_message_is_not_passed_on() {
    let ended = end("end_turn");
    let (delta, stop) = ended.split_once("\n\n").unwrap();
    let again = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","more":"late"}}"#;
    let late = format!("{}data: {again}\n\n", text_block(1, "late"));
    let stream = start() + &text_block(0, "Hi") + delta + "\n\n" + &late + stop;
    for plan in ways(AnthropicMessages) {
        let (out, ending, _) = run(plan.clone(), stream.as_bytes(), &[]);
        assert_eq!(ending, Ending::Complete);
        let is_lens = plan.to == AnthropicMessages && plan.fidelity == Fidelity::Lens;
        let out = String::from_utf8(out).unwrap();
        assert_eq!(out.contains("late"), is_lens, "{out}");
    }
}

#[test]
fn a_block_without_a_type_is_a_failure_and_never_passed_on() {
    for block in [
        json!({"text":"Hi"}),
        json!({"type":7,"text":"Hi"}),
        json!({}),
    ] {
        let begun = event(&json!({"type":"content_block_start","index":0,"content_block":block}));
        for plan in ways(AnthropicMessages) {
            if plan.fidelity != Fidelity::Canonical && plan.to == AnthropicMessages {
                continue;
            }
            let stream = start() + &begun + &end("end_turn");
            let (_, ending, _) = run(plan, stream.as_bytes(), &[]);
            assert_eq!(failure(ending).kind, ErrorKind::Malformed, "{block}");
        }
    }
}

#[test]
fn a_ping_is_no_content_and_keeps_the_connection_warm() {
    let stream = start() + "event: ping\ndata: {\"type\":\"ping\"}\n\n";
    for plan in ways(AnthropicMessages) {
        let to = plan.to;
        let (out, ending, stream) = run(plan, stream.as_bytes(), &[]);
        assert_eq!(ending, Ending::Truncated(Cut::Unfinished(1)));
        assert!(!stream.saw_content());
        let out = String::from_utf8(out).unwrap();
        let mark = if to == OpenAiChat {
            ": keep-alive"
        } else {
            "event: ping"
        };
        assert!(out.contains(mark), "{out}");
    }
}

#[test]
fn content_is_seen_at_its_first_letter_and_not_before() {
    let block = |block: Value| {
        event(&json!({"type":"content_block_start","index":0,"content_block":block}))
    };
    let grown =
        |delta: Value| event(&json!({"type":"content_block_delta","index":0,"delta":delta}));
    let text = || block(json!({"type":"text","text":""}));
    for (stream, seen) in [
        (start(), false),
        (start() + &text(), false),
        (
            start() + &block(json!({"type":"thinking","thinking":"","signature":""})),
            false,
        ),
        (
            start() + &text() + &grown(json!({"type":"text_delta","text":"a"})),
            true,
        ),
        (
            start() + &text() + &grown(json!({"type":"thinking_delta","thinking":"a"})),
            true,
        ),
        (start() + &block(json!({"type":"text","text":"a"})), true),
        (
            start() + &block(json!({"type":"tool_use","id":"t","name":"f","input":{}})),
            true,
        ),
        (
            start() + &block(json!({"type":"redacted_thinking","data":"x"})),
            true,
        ),
    ] {
        for plan in ways(AnthropicMessages) {
            let (_, _, answer) = run(plan, stream.as_bytes(), &[]);
            assert_eq!(answer.saw_content(), seen, "{stream}");
        }
    }
}

#[test]
fn unknown_events_and_members_pass_the_lens() {
    let strange = "event: brand_new\ndata: {\"a\": [1, 2]}\n\n";
    let stream = start() + strange + &text_block(0, "a") + &end("end_turn");
    let lens = between(AnthropicMessages, AnthropicMessages, Fidelity::Lens);
    let (out, ending, _) = run(lens, stream.as_bytes(), &[]);
    assert_eq!(ending, Ending::Complete);
    assert!(String::from_utf8(out).unwrap().contains(strange));
}

#[test]
fn a_note_comes_before_the_last_event_and_is_written_once() {
    let whole = start() + &text_block(0, "a") + &end("end_turn");
    let chat = delta(&json!({"content":"a"}), Some("stop")) + "data: [DONE]\n\n";
    for (plan, bytes) in [
        (
            between(AnthropicMessages, AnthropicMessages, Fidelity::Lens),
            &whole,
        ),
        (
            between(AnthropicMessages, AnthropicMessages, Fidelity::Canonical),
            &whole,
        ),
        (to_messages(), &chat),
    ] {
        let (mut stream, mut out) = (AnswerStream::new(plan), BytesMut::new());
        stream.feed(&Bytes::from(bytes.clone()), &mut out).unwrap();
        assert!(stream.is_over(), "nothing more is expected");
        assert!(
            !String::from_utf8_lossy(&out).contains("message_stop"),
            "it waits"
        );
        let note = &mut |_: &AnswerStream| Some(r#"{"cost":"0.1"}"#.to_owned());
        assert_eq!(stream.finish_with(&mut out, note), Ending::Complete);
        let once = out.clone();
        assert_eq!(stream.finish(&mut out), Ending::Complete);
        assert_eq!(out, once);
        let text = String::from_utf8(out.to_vec()).unwrap();
        let tail = ": alfred {\"cost\":\"0.1\"}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
        assert!(text.ends_with(tail), "{text}");
        check_grammar(&out, true, true).unwrap();
    }
}

#[test]
fn calls_that_take_turns_become_blocks_one_after_the_other() {
    let piece = |index: u64, json: &str| {
        delta(
            &json!({"tool_calls":[{"index":index,"function":{"arguments":json}}]}),
            None,
        )
    };
    let begin = |index: u64| {
        delta(
            &json!({"tool_calls":[{"index":index,"id":format!("t{index}"),"type":"function","function":{"name":format!("f{index}"),"arguments":""}}]}),
            None,
        )
    };
    let stream = begin(0)
        + &begin(1)
        + &piece(0, "{\"a\":")
        + &piece(1, "{\"b\":\"}")
        + &piece(0, "1}")
        + &delta(&json!({"content":"between"}), None)
        + &piece(1, "\\\"\"}")
        + &begin(2)
        + &delta(&json!({}), Some("tool_calls"));
    let (out, ending, _) = run(to_messages(), stream.as_bytes(), &[]);
    assert_eq!(ending, Ending::Complete);
    check_grammar(&out, true, true).unwrap();
    let told = listen(&out).message;
    let kinds: Vec<_> = told["content"]
        .as_array()
        .unwrap()
        .iter()
        .map(|b| b["type"].clone())
        .collect();
    assert_eq!(kinds, ["tool_use", "tool_use", "text", "tool_use"]);
    let calls = of_message(&told).calls;
    let wanted = [
        ("f0", json!({"a":1})),
        ("f1", json!({"b":"}\""})),
        ("f2", json!({})),
    ];
    assert_eq!(calls, wanted.map(|(name, input)| (name.to_owned(), input)));
    assert_eq!(told["stop_reason"], "tool_use");
}

#[test]
fn the_end_of_an_answer_is_told_in_the_words_of_the_client() {
    for (word, stop) in [
        ("stop", "end_turn"),
        ("length", "max_tokens"),
        ("content_filter", "refusal"),
        ("eos", "end_turn"),
        ("brand_new", "end_turn"),
    ] {
        let (out, _, _) = run(
            to_messages(),
            delta(&json!({"content":"a"}), Some(word)).as_bytes(),
            &[],
        );
        assert_eq!(listen(&out).message["stop_reason"], stop, "{word}");
    }
    let refusal = delta(&json!({"refusal":"No."}), None) + &delta(&json!({}), Some("stop"));
    let (out, _, _) = run(to_messages(), refusal.as_bytes(), &[]);
    let told = listen(&out).message;
    assert_eq!(
        (&told["stop_reason"], &told["content"][0]["text"]),
        (&json!("refusal"), &json!("No."))
    );
    let met = json!({"id":"c","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop","stop_reason":"END"}]});
    let (out, _, _) = run(to_messages(), event(&met).as_bytes(), &[]);
    let told = listen(&out).message;
    assert_eq!(
        (&told["stop_reason"], &told["stop_sequence"]),
        (&json!("stop_sequence"), &json!("END"))
    );
    for (stop, word) in [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("pause_turn", "stop"),
        ("brand_new", "stop"),
    ] {
        let stream = start() + &text_block(0, "a") + &end(stop);
        let (out, _, _) = run(to_chunks(), stream.as_bytes(), &[]);
        let chunks = hear(&out).chunks;
        let last = chunks
            .iter()
            .find(|c| c["choices"][0]["finish_reason"].is_string())
            .unwrap();
        assert_eq!(last["choices"][0]["finish_reason"], word, "{stop}");
        assert_eq!(last["choices"][0]["native_finish_reason"], stop, "{stop}");
    }
}

#[test]
fn a_foreign_id_becomes_one_of_this_dialect_and_the_prompt_is_guessed_until_it_is_known() {
    let (out, _, _) = run(
        to_messages(),
        delta(&json!({"content":"a"}), Some("stop")).as_bytes(),
        &[],
    );
    let first: Value = serde_json::from_str(&answers::payloads(&out)[0]).unwrap();
    assert_eq!(first["message"]["id"], "msg_fallback");
    assert_eq!(first["message"]["usage"]["input_tokens"], 11);
    let body = Bytes::from(
        r#"{"id":"gen-7","model":"m","choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}"#,
    );
    let answer = Answer::read(OpenAiChat, Surface::Messages, body).unwrap();
    let message: Value = serde_json::from_slice(&answer.render(&to_messages())).unwrap();
    assert_eq!(
        (&message["id"], &message["usage"]["estimated"]),
        (&json!("msg_fallback"), &json!(true))
    );
}

#[test]
fn every_kind_of_bomb_is_a_failure_and_no_crash() {
    let block = |block: &str| {
        format!(
            "data: {{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{block}}}\n\n"
        )
    };
    let bombs = [
        block(&format!(r#"{{"type":"x","y":{}"#, "[".repeat(200_000))),
        block(r#"{"type":"tool_use","id":"t","name":"f"}"#).repeat(3_000),
        block(r#"{"type":"text","text":""}"#).repeat(3_000),
        block(&format!(r#"{{"type":"x","y":"{}"}}"#, "z".repeat(1 << 20))).repeat(20),
        "data: {\"type\":\"content_block_delta\",\"index\":7,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\"}}\n\n".to_owned(),
        "data: {\"type\":\n\n".to_owned(),
        "event: error\ndata: nonsense\n\n".to_owned(),
    ];
    for bomb in bombs {
        for plan in ways(AnthropicMessages) {
            let (_, ending, stream) = run(plan, (start() + &bomb).as_bytes(), &[]);
            let error = failure(ending);
            assert!(matches!(
                error.kind,
                ErrorKind::Malformed | ErrorKind::Server
            ));
            assert_eq!(error.key, KeyState::Fine);
            assert!(stream.final_usage(3).input >= 3);
        }
    }
}

#[test]
fn what_waits_for_a_call_that_never_ends_is_bounded() {
    let open = json!({"tool_calls":[{"index":0,"id":"t","function":{"name":"f","arguments":"{"}}]});
    let (mut stream, mut out) = (AnswerStream::new(to_messages()), BytesMut::new());
    let opened = stream.feed(&Bytes::from(delta(&open, None)), &mut out);
    assert_eq!(opened, Ok(()));
    let text = Bytes::from(delta(&json!({"content":"x".repeat(1 << 20)}), None));
    let fed = (0..64).take_while(|_| stream.feed(&text, &mut out).is_ok());
    assert_eq!(fed.count(), 15);
    assert!(matches!(stream.finish(&mut out), Ending::Failed(_)));
    check_grammar(&out, true, false).unwrap();
}

#[test]
fn an_unknown_member_takes_no_place_that_is_taken() {
    let start = start().replace(r#""role":"#, r#""choices":[],"index":7,"new":1,"role":"#);
    let text = text_block(0, "a");
    let (out, ending, _) = run(
        to_chunks(),
        (start + &text + &end("end_turn")).as_bytes(),
        &[],
    );
    assert_eq!(ending, Ending::Complete);
    let chunks = hear(&out).chunks;
    assert_eq!(
        (
            &chunks[0]["native_choices"],
            &chunks[0]["native_index"],
            &chunks[0]["new"]
        ),
        (&json!([]), &json!(7), &json!(1))
    );
    let strange = json!({"id":"c","content":[1],"choices":[{"index":0,"stop_reason":7,"delta":{"content":"a"},"finish_reason":"stop"}]});
    let (out, _, _) = run(to_messages(), event(&strange).as_bytes(), &[]);
    let told = listen(&out).message;
    assert_eq!(
        (&told["stop_reason"], &told["native_stop_reason"]),
        (&json!("end_turn"), &json!(7))
    );
}
