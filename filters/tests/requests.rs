//! What a client may send wrong, what it is told, and that nothing it sends
//! makes the gateway panic or forget what it was told.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

use alfred_filters::prompt::{Prompt, ReadError, RequestPatch, Surface};
use alfred_filters::text::{Role, TextChannel};
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::Value;

fn read(surface: Surface, body: &str) -> Result<Prompt, ReadError> {
    Prompt::read(surface, Bytes::copy_from_slice(body.as_bytes()))
}

fn chat(body: &str) -> Prompt {
    read(Surface::Chat, body).unwrap()
}

fn refused(surface: Surface, body: &str) -> (Option<String>, &'static str, String) {
    let error = read(surface, body).expect_err(body);
    (error.param, error.code, error.message)
}

const USER: &str = r#"[{"role":"user","content":"x"}]"#;

/// Each body, given by its members beside what `start` opens, is refused for
/// `param` with `code`.
fn refused_each(start: &str, cases: &[(&str, &str, &str)]) {
    for (member, param, code) in cases {
        let body = format!("{{{start}{member}}}");
        let (named, given, message) = refused(Surface::Chat, &body);
        assert_eq!((named.as_deref(), given), (Some(*param), *code), "{body}");
        assert!(message.contains(param), "{message}");
    }
}

#[test]
fn a_request_without_a_proper_model_is_refused() {
    let long = format!(r#""model":"{}""#, "m".repeat(513));
    refused_each(
        &format!(r#""messages":{USER}"#),
        &[
            ("", "model", "missing_required_parameter"),
            (r#","model":"""#, "model", "invalid_value"),
            (r#","model":"a\nb""#, "model", "invalid_value"),
            (&format!(",{long}"), "model", "invalid_value"),
            (r#","model":7"#, "model", "invalid_type"),
            (r#","model":null"#, "model", "invalid_type"),
            (
                r#","model":"m","model":"twice""#,
                "model",
                "duplicate_parameter",
            ),
        ],
    );
}

#[test]
fn a_wrong_message_is_named_with_its_place() {
    refused_each(
        r#""model":"m""#,
        &[("", "messages", "missing_required_parameter")],
    );
    refused_each(
        r#""model":"m","messages":"#,
        &[
            ("[]", "messages", "empty_array"),
            ("\"hello\"", "messages", "invalid_type"),
            ("null", "messages", "invalid_type"),
            (r#"["hello"]"#, "messages[0]", "invalid_type"),
            (
                r#"[{"role":"user"},{"content":"x"}]"#,
                "messages[1].role",
                "missing_required_parameter",
            ),
            (
                r#"[{"role":"wizard"}]"#,
                "messages[0].role",
                "invalid_value",
            ),
            (r#"[{"role":1}]"#, "messages[0].role", "invalid_type"),
            (
                r#"[{"role":"user","role":"system"}]"#,
                "messages[0].role",
                "duplicate_parameter",
            ),
            (
                r#"[{"role":"user","content":"","content":""}]"#,
                "messages[0].content",
                "duplicate_parameter",
            ),
            (
                r#"[{"role":"user","content":5}]"#,
                "messages[0].content",
                "invalid_type",
            ),
        ],
    );
}

#[test]
fn a_wrong_parameter_is_named() {
    refused_each(
        &format!(r#""model":"m","messages":{USER},"#),
        &[
            (r#""stream":"yes""#, "stream", "invalid_type"),
            (r#""stream_options":[]"#, "stream_options", "invalid_type"),
            (
                r#""stream_options":{"include_usage":1}"#,
                "stream_options.include_usage",
                "invalid_type",
            ),
            (r#""n":0"#, "n", "invalid_value"),
            (r#""n":129"#, "n", "invalid_value"),
            (r#""n":1.5"#, "n", "invalid_value"),
            (r#""n":"1""#, "n", "invalid_type"),
            (r#""max_tokens":-1"#, "max_tokens", "invalid_value"),
            (
                r#""max_completion_tokens":0"#,
                "max_completion_tokens",
                "invalid_value",
            ),
            (
                r#""top_p":1,"t\u006fp_p":1"#,
                "top_p",
                "duplicate_parameter",
            ),
        ],
    );
}

#[test]
fn embeddings_want_an_input_of_texts_or_token_ids() {
    for (body, param, code) in [
        (r#"{"model":"m"}"#, "input", "missing_required_parameter"),
        (r#"{"model":"m","input":[]}"#, "input", "empty_array"),
        (r#"{"model":"m","input":null}"#, "input", "invalid_type"),
        (r#"{"model":"m","input":5}"#, "input", "invalid_type"),
        (
            r#"{"model":"m","input":["a",null]}"#,
            "input[1]",
            "invalid_type",
        ),
    ] {
        let (named, given, _) = refused(Surface::Embeddings, body);
        assert_eq!((named.as_deref(), given), (Some(param), code), "{body}");
    }
    for input in [r#""a""#, r#"["a","b"]"#, "[1,2]", "[[1],[2,3]]"] {
        let body = format!(r#"{{"model":"m","input":{input}}}"#);
        assert!(read(Surface::Embeddings, &body).is_ok(), "{input}");
    }
}

#[test]
fn what_is_no_json_is_refused_with_line_and_column() {
    for (body, place) in [
        ("", "line 1, column 1"),
        ("[]", "line 1, column 1"),
        (
            "{\n  \"model\": \"m\",\n  \"messages\": oops\n}",
            "line 3, column 15",
        ),
        (r#"{"model":"m",}"#, "line 1, column 14"),
        (r#"{"model":"m"} {}"#, "line 1, column 15"),
        (r#"{"model":"m"#, "line 1, column 12"),
        ("\u{FEFF}{}", "line 1, column 1"),
    ] {
        let (param, code, message) = refused(Surface::Chat, body);
        assert_eq!((param, code), (None, "invalid_json"), "{body}");
        assert!(message.contains(place), "{body}: {message}");
    }
    let latin = Prompt::read(
        Surface::Chat,
        Bytes::from_static(b"{\"model\":\"caf\xe9\"}"),
    )
    .unwrap_err();
    assert!(
        latin.message.contains("UTF-8") && latin.message.contains("byte 13"),
        "{}",
        latin.message
    );
}

#[test]
fn no_refusal_repeats_what_the_body_holds() {
    let secret = "my-secret-text";
    for body in [
        format!(r#"{{"model":"m","messages":"{secret}"}}"#),
        format!(r#"{{"model":"m","messages":[{{"role":"{secret}"}}]}}"#),
        format!(r#"{{"model":"m","messages":[{{"role":"user","content":{secret}}}]}}"#),
        format!(r#"{{"model":{{"{secret}":1}},"messages":{USER}}}"#),
        format!(r#"{{"stream":"{secret}"}}"#),
    ] {
        let (_, _, message) = refused(Surface::Chat, &body);
        assert!(!message.contains(secret), "{message}");
    }
    let long = "k".repeat(1_000_000);
    let (_, _, message) = refused(Surface::Chat, &format!(r#"{{"{long}":1,"{long}":1}}"#));
    assert!(message.len() < 200);
    assert!(
        !format!(
            "{:?}",
            chat(&format!(
                r#"{{"model":"m","messages":{USER},"user":"{secret}"}}"#
            ))
        )
        .contains(secret)
    );
}

#[test]
fn hostile_shapes_are_refused_or_read_without_harm() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let deep = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":{deep}}}]}}"#);
        assert!(read(Surface::Chat, &body).is_err());
        assert!(
            read(
                Surface::Chat,
                &format!(r#"{{"model":"m","messages":{USER},"x":{deep}}}"#)
            )
            .is_err()
        );
    }
    let many: String = (0..300).map(|i| format!(r#""k{i}":1,"#)).collect();
    let (_, _, message) = refused(
        Surface::Chat,
        &format!(r#"{{{many}"model":"m","messages":{USER}}}"#),
    );
    assert!(message.contains("256"));
    let text = "\\u0041".repeat(1_000_000);
    let prompt = chat(&format!(
        r#"{{"model":"m","messages":[{{"role":"user","content":"{text}"}}]}}"#
    ));
    let mut length = 0;
    prompt.visit_texts(&mut |text| length += text.text.len());
    assert_eq!(length, 1_000_000);
}

#[test]
fn the_facts_are_read_whatever_the_order_and_null_counts_as_absent() {
    let prompt = chat(&format!(
        r#"{{"n":3,"max_completion_tokens":7,"max_tokens":9,"stream_options":{{"include_usage":true}},
            "messages":{USER},"stream":true,"model":"\u0066ast"}}"#
    ));
    assert_eq!(
        (prompt.model(), prompt.stream(), prompt.wants_usage()),
        ("fast", true, true)
    );
    assert_eq!(
        (prompt.max_output(), prompt.choices(), prompt.surface()),
        (Some(7), 3, Surface::Chat)
    );
    let prompt = chat(&format!(
        r#"{{"model":"m","messages":{USER},"n":null,"max_tokens":4,"max_completion_tokens":null,"stream":null,"stream_options":null}}"#
    ));
    assert_eq!(
        (prompt.max_output(), prompt.choices(), prompt.stream()),
        (Some(4), 1, false)
    );
    assert_eq!(prompt.member("max_tokens"), Some("4"));
    assert_eq!(prompt.member("absent"), None);
}

#[test]
fn rewrites_compose_and_touch_nothing_else() {
    let body = r#"{ "model":"m", "messages" : [ {"role":"user","content":"mail ann@x.org"}, {"role":"assistant","content":"ok"} ],"x":1.50 }"#;
    let mut prompt = chat(body);
    let masked =
        prompt.rewrite_texts(&mut |text| text.text.contains('@').then(|| "mail <1>".to_owned()));
    assert_eq!(masked, 1);
    let seen_masked = prompt
        .rewrite_texts(&mut |text| (text.text == "mail <1>").then(|| "mail \"<2>\"".to_owned()));
    assert_eq!(seen_masked, 1);
    let after = body.replace("mail ann@x.org", r#"mail \"<2>\""#);
    assert_eq!(prompt.body(), after.as_bytes());
    let patched = prompt.render(&RequestPatch {
        model: "other",
        ..RequestPatch::default()
    });
    assert_eq!(patched, after.replace(r#""m""#, r#""other""#).as_bytes());
    assert_eq!(prompt.rewrite_texts(&mut |_| None), 0);
}

#[test]
fn roles_and_channels_reach_the_filter() {
    let mut prompt = chat(
        r#"{"model":"m","messages":[{"role":"system","content":"a"},{"role":"tool","tool_call_id":"c","content":"b"}],"user":"c"}"#,
    );
    prompt.rewrite_texts(&mut |text| match (text.role, text.channel) {
        (Role::Tool, TextChannel::ToolResult) => Some("masked".to_owned()),
        _ => None,
    });
    let value: Value = serde_json::from_slice(prompt.body()).unwrap();
    assert_eq!(value["messages"][1]["content"], "masked");
    assert_eq!(
        (&value["messages"][0]["content"], &value["user"]),
        (&"a".into(), &"c".into())
    );
}

#[test]
fn the_estimate_counts_ids_exactly_and_pictures_at_a_fixed_price() {
    let embeddings = |input: &str| {
        let body = format!(r#"{{"model":"m","input":{input},"user":"ignored text"}}"#);
        read(Surface::Embeddings, &body)
            .unwrap()
            .estimate_input_tokens()
    };
    assert_eq!(embeddings("[1,2,3]"), 3);
    assert_eq!(embeddings("[[1,2],[3]]"), 3);
    assert_eq!(embeddings(r#""three little words""#), 3);
    let picture = |part: &str| {
        let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":[{part}]}}]}}"#);
        chat(&body).estimate_input_tokens()
    };
    let url = picture(
        r#"{"type":"image_url","image_url":{"url":"https://example.com/a/long/address.png"}}"#,
    );
    let data =
        picture(r#"{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo"}}"#);
    assert_eq!((url, data), (3 + 4 + 765, 3 + 4 + 765));
    let bare = chat(&format!(r#"{{"model":"m","messages":{USER}}}"#)).estimate_input_tokens();
    let tools =
        r#""tools":[{"type":"function","function":{"name":"f","description":"look it up"}}]"#;
    assert!(
        chat(&format!(r#"{{"model":"m","messages":{USER},{tools}}}"#)).estimate_input_tokens()
            > bare + 10
    );
}

#[test]
fn a_prompt_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Prompt>();
}

const SEED: &str = r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a\u00e9\ud83d\ude00"},{"type":"image_url","image_url":{"url":"https://x"}}]},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]}],"stream":true,"stream_options":{"include_usage":false},"n":2,"max_tokens":5,"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]}"#;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_bytes_make_reading_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Prompt::read(Surface::Chat, Bytes::from(body.clone()));
        let _ = Prompt::read(Surface::Embeddings, Bytes::from(body));
    }

    /// Whatever a damaged body turns into: if it is read, then it is JSON, all
    /// lenses work on it, and their output is JSON that is read again.
    #[test]
    fn a_damaged_request_is_refused_or_fully_usable(
        places in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..4)
    ) {
        let mut body = SEED.as_bytes().to_vec();
        for (at, byte, how) in places {
            let at = at.index(body.len());
            match how {
                0 => body[at] = byte,
                1 => body.insert(at, byte),
                _ => drop(body.remove(at)),
            }
        }
        let valid = serde_json::from_slice::<&serde_json::value::RawValue>(&body).is_ok();
        let Ok(mut prompt) = Prompt::read(Surface::Chat, Bytes::from(body)) else { return Ok(()) };
        prop_assert!(valid);
        let patch = RequestPatch { model: "other", ask_usage: true, remove: &["n"], ..RequestPatch::default() };
        prompt.rewrite_texts(&mut |text| Some(text.text.to_uppercase()));
        prop_assert!(prompt.estimate_input_tokens() > 0);
        let again = Prompt::read(Surface::Chat, prompt.render(&patch));
        prop_assert_eq!(again.as_ref().map(|p| p.model()), Ok("other"));
    }

    #[test]
    fn any_text_put_in_by_a_rewrite_is_read_back_the_same(text in "\\PC{0,30}|[\\x00-\\x7f]{0,30}") {
        let mut prompt = chat(SEED);
        let rewritten = prompt.rewrite_texts(&mut |_| Some(text.clone()));
        let mut same = 0;
        prompt.visit_texts(&mut |seen| same += usize::from(seen.text == text));
        prop_assert!(rewritten >= 5 && same == rewritten || text.starts_with("data:"));
    }
}
