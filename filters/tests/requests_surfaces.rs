//! The doors beside chat: Anthropic's Messages, its token counts, and OpenAI's
//! older completions.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

use alfred_filters::dialect::Dialect;
use alfred_filters::prompt::{Prompt, ReadError, RequestPatch, Surface};
use alfred_filters::text::{Role, TextChannel};
use bytes::Bytes;

fn read(surface: Surface, body: &str) -> Result<Prompt, ReadError> {
    Prompt::read(surface, Bytes::copy_from_slice(body.as_bytes()))
}

/// Each body is refused for the field, with the code.
fn refused_each(surface: Surface, start: &str, cases: &[(&str, &str, &str)]) {
    for (members, param, code) in cases {
        let body = format!("{{{start}{members}}}");
        let error = read(surface, &body).expect_err(&body);
        assert_eq!(
            (error.param.as_deref(), error.code),
            (Some(*param), *code),
            "{body}"
        );
        assert!(error.message.contains(param), "{}", error.message);
    }
}

#[test]
fn surfaces_and_dialects_belong_together() {
    for surface in [Surface::Chat, Surface::Embeddings, Surface::Completions] {
        assert_eq!(surface.dialect(), Dialect::OpenAiChat);
    }
    for surface in [Surface::Messages, Surface::CountTokens] {
        assert_eq!(surface.dialect(), Dialect::AnthropicMessages);
    }
    assert_eq!(
        Dialect::find("anthropic_messages"),
        Some(Dialect::AnthropicMessages)
    );
}

#[test]
fn a_wrong_request_for_messages_is_named_with_its_place() {
    const USER: &str = r#"[{"role":"user","content":"x"}]"#;
    refused_each(
        Surface::Messages,
        r#""model":"m","max_tokens":9"#,
        &[
            ("", "messages", "missing_required_parameter"),
            (r#","messages":[]"#, "messages", "empty_array"),
            (
                r#","messages":[{"role":"user"}]"#,
                "messages[0].content",
                "missing_required_parameter",
            ),
            (
                r#","messages":[{"content":"x"}]"#,
                "messages[0].role",
                "missing_required_parameter",
            ),
            (
                r#","messages":[{"role":"tool","content":"x"}]"#,
                "messages[0].role",
                "invalid_value",
            ),
            (
                r#","messages":[{"role":"user","content":null}]"#,
                "messages[0].content",
                "invalid_type",
            ),
            (
                r#","messages":[{"role":"user","content":["x"]}]"#,
                "messages[0].content[0]",
                "invalid_type",
            ),
            (
                r#","messages":[{"role":"user","content":[{"type":"text","text":"a"},{"text":"b"}]}]"#,
                "messages[0].content[1].type",
                "missing_required_parameter",
            ),
            (
                r#","messages":[{"role":"user","content":[{"type":7}]}]"#,
                "messages[0].content[0].type",
                "invalid_type",
            ),
            (r#","system":7"#, "system", "invalid_type"),
            (
                r#","system":[{}]"#,
                "system[0].type",
                "missing_required_parameter",
            ),
            (r#","stream":"yes""#, "stream", "invalid_type"),
        ],
    );
    refused_each(
        Surface::Messages,
        &format!(r#""model":"m","messages":{USER}"#),
        &[
            ("", "max_tokens", "missing_required_parameter"),
            (
                r#","max_tokens":null"#,
                "max_tokens",
                "missing_required_parameter",
            ),
            (r#","max_tokens":0"#, "max_tokens", "invalid_value"),
            (r#","max_tokens":"9""#, "max_tokens", "invalid_type"),
        ],
    );
    let count = format!(r#"{{"model":"m","messages":{USER}}}"#);
    assert!(read(Surface::CountTokens, &count).is_ok());
}

#[test]
fn a_request_for_messages_gives_its_facts_and_is_patched_in_place() {
    let body = r#"{ "model":"m", "max_tokens":9, "system":[{"type":"text","text":"s"}], "messages":[{"role":"user","content":"x"},{"role":"system","content":"y"}], "stream":true }"#;
    let mut prompt = read(Surface::Messages, body).unwrap();
    assert!(prompt.stream() && prompt.wants_usage());
    assert_eq!((prompt.max_output(), prompt.choices()), (Some(9), 1));
    let patch = RequestPatch {
        model: "claude-opus-4-8",
        ask_usage: true,
        plain_roles: true,
        ..RequestPatch::default()
    };
    let rendered = prompt.render(&patch);
    assert_eq!(
        rendered,
        body.replace(r#""m""#, r#""claude-opus-4-8""#).as_bytes()
    );
    prompt.rewrite_texts(&mut |text| (text.role == Role::System).then(|| "masked".to_owned()));
    let masked = body
        .replace(r#""s""#, r#""masked""#)
        .replace(r#""y""#, r#""masked""#);
    assert_eq!(prompt.body(), masked.as_bytes());
}

#[test]
fn an_older_completion_wants_a_prompt_of_texts_or_token_ids() {
    refused_each(
        Surface::Completions,
        r#""model":"m""#,
        &[
            ("", "prompt", "missing_required_parameter"),
            (r#","prompt":[]"#, "prompt", "empty_array"),
            (r#","prompt":7"#, "prompt", "invalid_type"),
            (r#","prompt":["a",{}]"#, "prompt[1]", "invalid_type"),
            (r#","prompt":"a","n":0"#, "n", "invalid_value"),
            (r#","prompt":"a","stream":1"#, "stream", "invalid_type"),
        ],
    );
    let body = r#"{"model":"m","prompt":["a","b"],"suffix":"c","echo":true,"n":2,"max_tokens":5,"stream":true,"stream_options":{"include_usage":true}}"#;
    let prompt = read(Surface::Completions, body).unwrap();
    assert_eq!((prompt.choices(), prompt.max_output()), (2, Some(5)));
    assert!(prompt.stream() && prompt.wants_usage());
    let mut seen = Vec::new();
    prompt.visit_texts(&mut |text| {
        let of_user = (text.role, text.channel) == (Role::User, TextChannel::Content);
        seen.push((text.path.to_string(), of_user, text.text.into_owned()));
    });
    let user = |path: &str, text: &str| (path.to_owned(), true, text.to_owned());
    assert_eq!(
        seen,
        [
            user("/prompt/0", "a"),
            user("/prompt/1", "b"),
            user("/suffix", "c")
        ]
    );
}

#[test]
fn token_ids_of_a_prompt_count_exactly() {
    for (input, tokens) in [
        ("[1,2,3]", 3),
        ("[[1,2],[3]]", 3),
        (r#""three little words""#, 3),
    ] {
        let body = format!(r#"{{"model":"m","prompt":{input},"user":"ignored"}}"#);
        let prompt = read(Surface::Completions, &body).unwrap();
        assert_eq!(prompt.estimate_input_tokens(), tokens, "{input}");
    }
}

#[test]
fn the_estimate_of_messages_counts_everything_the_model_reads() {
    let tokens = |more: &str| {
        let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"x"}}]{more}}}"#);
        read(Surface::CountTokens, &body)
            .unwrap()
            .estimate_input_tokens()
    };
    let bare = tokens("");
    assert!(tokens(r#","system":"Say nothing but what is asked.""#) > bare + 5);
    let tool =
        r#","tools":[{"name":"f","description":"look it up","input_schema":{"type":"object"}}]"#;
    assert!(tokens(tool) > bare + 346);
    let picture = |block: &str| {
        let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":[{block}]}}]}}"#);
        read(Surface::CountTokens, &body)
            .unwrap()
            .estimate_input_tokens()
    };
    let image = r#"{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}}"#;
    let file = r#"{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0="}}"#;
    assert_eq!(
        (picture(image), picture(file)),
        (3 + 4 + 1400, 3 + 4 + 6000)
    );
}
