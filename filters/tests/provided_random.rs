//! Answers at random in the dialects that only providers speak: streamed in any
//! pieces or whole, a client of any dialect hears the same texts, thoughts, calls,
//! figures and reason of the end. The streams are written here, by nothing that is
//! tested.
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

use alfred_filters::answer::{Answer, Ending, Fidelity};
use alfred_filters::conform::{Body, Grammar};
use alfred_filters::dialect::Dialect::{
    self, AnthropicMessages, BedrockConverse, Gemini, OpenAiChat, OpenAiResponses,
};
use alfred_filters::event::Usage;
use alfred_filters::prompt::Surface;
use answers::{Said, add, hear, run};
use bytes::Bytes;
use frames::frame;
use messages::{Substance, between, listen, of_choice, of_message, of_stream};
use proptest::prelude::*;
use serde_json::{Value, json};

/// What a model does, one thing after the other.
#[derive(Clone, Debug)]
enum Deed {
    Say(String),
    Cite(String, u8),
    Think(String, Option<String>),
    Hide(String),
    Call(Value),
    /// Runs something at the provider.
    Run(String),
}

fn text() -> impl Strategy<Value = String> {
    "[a-z é😀\"\\\\\n{}:,\\[\\]]{1,12}"
}

fn deed() -> impl Strategy<Value = Deed> {
    let input = prop_oneof![
        Just(json!({})),
        text().prop_map(|text| json!({ "q": text })),
        (text(), any::<i64>()).prop_map(|(text, n)| json!({"a": [{"b": text}, null], "n": n})),
    ];
    prop_oneof![
        text().prop_map(Deed::Say),
        (text(), 1..3_u8).prop_map(|(text, sources)| Deed::Cite(text, sources)),
        (text(), prop::option::of("[A-Za-z0-9+/]{4}"))
            .prop_map(|(text, seal)| Deed::Think(text, seal)),
        "[A-Za-z0-9+/]{4}".prop_map(Deed::Hide),
        input.prop_map(Deed::Call),
        text().prop_map(Deed::Run),
    ]
}

/// An answer: its deeds, its figures, and how long its pieces are.
#[derive(Clone, Debug)]
struct Told {
    deeds: Vec<Deed>,
    figures: [u32; 4],
    end: usize,
    piece: usize,
}

fn told() -> impl Strategy<Value = Told> {
    let figures = any::<[u32; 4]>();
    (
        prop::collection::vec(deed(), 0..9),
        figures,
        0..3_usize,
        1..7_usize,
    )
        .prop_map(|(deeds, figures, end, piece)| Told {
            deeds,
            figures,
            end,
            piece,
        })
}

/// The text in pieces of so many characters.
fn pieces(text: &str, size: usize) -> Vec<String> {
    let all: Vec<char> = text.chars().collect();
    all.chunks(size)
        .map(|piece| piece.iter().collect())
        .collect()
}

impl Told {
    fn calls(&self) -> bool {
        self.deeds.iter().any(|deed| matches!(deed, Deed::Call(_)))
    }

    /// What every client must hear. Each dialect has deeds that it does not know,
    /// and a seal of its own.
    fn substance(&self, from: Dialect) -> Substance {
        let mut all = Substance::default();
        for deed in &self.deeds {
            match deed {
                Deed::Say(text) => all.text += text,
                Deed::Cite(text, sources) => {
                    all.text += text;
                    if from == BedrockConverse {
                        all.citations.extend((0..*sources).map(source));
                    }
                }
                Deed::Think(text, seal) => {
                    all.thinking += text;
                    let mark = if from == Gemini { "gemini:" } else { "" };
                    all.seals
                        .extend(seal.iter().map(|seal| format!("{mark}{seal}")));
                }
                Deed::Hide(data) if from == BedrockConverse => all.hidden.push(data.clone()),
                Deed::Hide(_) => {}
                Deed::Call(input) => all.calls.push(("f".to_owned(), input.clone())),
                Deed::Run(code) => all.blocks.push(own(from, code)),
            }
        }
        all
    }

    /// OpenAI's word for the end.
    fn finish(&self) -> &'static str {
        match self.end {
            0 if self.calls() => "tool_calls",
            0 => "stop",
            1 => "length",
            _ => "content_filter",
        }
    }

    fn usage(&self, from: Dialect) -> Usage {
        let [a, b, c, d] = self.figures.map(u64::from);
        match from {
            Gemini => Usage {
                input: a,
                cached: b.min(a),
                output: c + d,
                reasoning: d,
                ..Usage::default()
            },
            _ => Usage {
                input: a + b + c,
                cached: b,
                cache_write: c,
                output: d,
                ..Usage::default()
            },
        }
    }
}

fn source(number: u8) -> Value {
    json!({"title": format!("s{number}"), "location": {}})
}

/// A part that only its provider knows, as clients get it.
fn own(from: Dialect, code: &str) -> Value {
    match from {
        Gemini => json!({"type": "executableCode", "executableCode": {"code": code}}),
        _ => json!({"type": "toolUse", "toolUse": {"toolUseId": "s", "name": "run",
            "type": "server_tool_use", "input": {"code": code}}}),
    }
}

/// A part of Gemini's for every deed, cut where its grammar can be cut.
fn gemini_parts(told: &Told, cut: bool) -> Vec<Value> {
    let size = if cut { told.piece } else { usize::MAX };
    let mut parts = Vec::new();
    for deed in &told.deeds {
        match deed {
            Deed::Say(text) | Deed::Cite(text, _) => {
                parts.extend(
                    pieces(text, size)
                        .iter()
                        .map(|text| json!({ "text": text })),
                );
            }
            Deed::Think(text, seal) => {
                let of = |text: &String| json!({"text": text, "thought": true});
                parts.extend(pieces(text, size).iter().map(of));
                if let (Some(seal), Some(last)) = (seal, parts.last_mut()) {
                    last["thoughtSignature"] = json!(seal);
                }
            }
            Deed::Hide(_) => {}
            Deed::Call(input) => parts.push(json!({"functionCall": {"name": "f", "args": input}})),
            Deed::Run(code) => parts.push(json!({"executableCode": {"code": code}})),
        }
    }
    parts
}

fn gemini(told: &Told, cut: bool) -> Vec<u8> {
    let [prompt, cached, said, thought] = told.figures;
    let usage = json!({"promptTokenCount": prompt, "cachedContentTokenCount": cached,
        "candidatesTokenCount": said, "thoughtsTokenCount": thought});
    let word = ["STOP", "MAX_TOKENS", "SAFETY"][told.end];
    let object = |parts: &[Value], finish: Option<&str>| {
        json!({"candidates": [{"content": {"role": "model", "parts": parts},
            "finishReason": finish, "index": 0}], "usageMetadata": usage})
    };
    let parts = gemini_parts(told, cut);
    if !cut {
        return object(&parts, Some(word)).to_string().into_bytes();
    }
    let mut out = String::new();
    for some in parts.chunks(told.piece) {
        out += &format!("data: {}\r\n\r\n", object(some, None));
    }
    out += &format!("data: {}\r\n\r\n", object(&[], Some(word)));
    out.into_bytes()
}

fn bedrock_usage(told: &Told) -> (Value, &'static str) {
    let [input, read, written, output] = told.figures;
    let usage = json!({"inputTokens": input, "outputTokens": output,
        "cacheReadInputTokens": read, "cacheWriteInputTokens": written});
    let word = match told.end {
        0 if told.calls() => "tool_use",
        0 => "end_turn",
        1 => "max_tokens",
        _ => "guardrail_intervened",
    };
    (usage, word)
}

fn bedrock_body(told: &Told) -> Vec<u8> {
    let block = |deed: &Deed| match deed {
        Deed::Say(text) => json!({ "text": text }),
        Deed::Cite(text, sources) => {
            let sources: Vec<Value> = (0..*sources).map(source).collect();
            json!({"citationsContent": {"content": [{"text": text}], "citations": sources}})
        }
        Deed::Think(text, None) => json!({"reasoningContent": {"reasoningText": {"text": text}}}),
        Deed::Think(text, Some(seal)) => {
            json!({"reasoningContent": {"reasoningText": {"text": text, "signature": seal}}})
        }
        Deed::Hide(data) => json!({"reasoningContent": {"redactedContent": data}}),
        Deed::Call(input) => json!({"toolUse": {"toolUseId": "t", "name": "f", "input": input}}),
        Deed::Run(code) => json!({"toolUse": own(BedrockConverse, code)["toolUse"]}),
    };
    let content: Vec<Value> = told.deeds.iter().map(block).collect();
    let (usage, word) = bedrock_usage(told);
    json!({"output": {"message": {"role": "assistant", "content": content}},
        "stopReason": word, "usage": usage})
    .to_string()
    .into_bytes()
}

fn bedrock_stream(told: &Told) -> Vec<u8> {
    let mut out = Vec::new();
    let mut event = |name: &str, payload: Value| {
        let headers = [(":event-type", name), (":message-type", "event")];
        out.extend(frame(&headers, payload.to_string().as_bytes()));
    };
    event("messageStart", json!({"role": "assistant"}));
    for (index, deed) in told.deeds.iter().enumerate() {
        let mut deltas: Vec<Value> = Vec::new();
        let in_pieces = |text: &str| pieces(text, told.piece).into_iter();
        let mut start = None;
        let thought = |value: Value| json!({ "reasoningContent": value });
        match deed {
            Deed::Say(text) => deltas.extend(in_pieces(text).map(|text| json!({ "text": text }))),
            Deed::Cite(text, sources) => {
                deltas.extend(in_pieces(text).map(|text| json!({ "text": text })));
                deltas.extend((0..*sources).map(|at| json!({"citation": source(at)})));
            }
            Deed::Think(text, seal) => {
                deltas.extend(in_pieces(text).map(|text| thought(json!({ "text": text }))));
                let seal = seal.iter().flat_map(|seal| in_pieces(seal));
                deltas.extend(seal.map(|piece| thought(json!({ "signature": piece }))));
            }
            Deed::Hide(data) => deltas.push(thought(json!({ "redactedContent": data }))),
            Deed::Call(input) => {
                start = Some(json!({"toolUse": {"toolUseId": "t", "name": "f"}}));
                // No arguments come as no piece at all.
                let input = (*input != json!({})).then(|| input.to_string());
                let input = input.iter().flat_map(|input| in_pieces(input));
                deltas.extend(input.map(|piece| json!({"toolUse": {"input": piece}})));
            }
            Deed::Run(code) => {
                let mut call = own(BedrockConverse, code)["toolUse"].clone();
                let input = call.as_object_mut().unwrap().remove("input").unwrap();
                start = Some(json!({ "toolUse": call }));
                let input = in_pieces(&input.to_string()).collect::<Vec<_>>();
                deltas.extend(
                    input
                        .iter()
                        .map(|piece| json!({"toolUse": {"input": piece}})),
                );
            }
        }
        if let Some(start) = start {
            event(
                "contentBlockStart",
                json!({"contentBlockIndex": index, "start": start}),
            );
        }
        for delta in deltas {
            event(
                "contentBlockDelta",
                json!({"contentBlockIndex": index, "delta": delta, "p": "ab"}),
            );
        }
        event("contentBlockStop", json!({"contentBlockIndex": index}));
    }
    let (usage, word) = bedrock_usage(told);
    event("messageStop", json!({"stopReason": word}));
    event(
        "metadata",
        json!({"usage": usage, "metrics": {"latencyMs": 1}}),
    );
    out
}

/// What a client of that dialect makes of a stream, after the rules have judged it.
fn heard(to: Dialect, out: &[u8]) -> Option<Substance> {
    let grammar = match to {
        AnthropicMessages => Grammar::Messages,
        OpenAiResponses => Grammar::Responses,
        _ => Grammar::Chat { usage: true },
    };
    assert_eq!(grammar.check(out), [], "{}", String::from_utf8_lossy(out));
    match to {
        AnthropicMessages => Some(of_message(&listen(out).message)),
        OpenAiChat => Some(of_stream(&hear(out))),
        _ => None,
    }
}

/// The same of a body.
fn read(to: Dialect, body: &[u8]) -> Option<Substance> {
    let rules = match to {
        AnthropicMessages => Body::Message,
        OpenAiResponses => Body::Response,
        _ => Body::Chat,
    };
    assert_eq!(rules.check(body), [], "{}", String::from_utf8_lossy(body));
    let body: Value = serde_json::from_slice(body).unwrap();
    match to {
        AnthropicMessages => Some(of_message(&body)),
        OpenAiChat => {
            let choice = &body["choices"][0];
            let mut said = Said::default();
            add(&mut said, &choice["message"], choice);
            Some(of_choice(&said, std::iter::once(&choice["message"])))
        }
        _ => None,
    }
}

fn check(from: Dialect, told: &Told, (stream, body): (&[u8], &[u8]), sizes: &[usize]) {
    let (expected, usage) = (told.substance(from), told.usage(from));
    let answer = Answer::read(from, Surface::Chat, Bytes::copy_from_slice(body)).unwrap();
    assert_eq!(
        (answer.usage(), answer.finish_reason()),
        (Some(usage), Some(told.finish()))
    );
    for to in [OpenAiChat, AnthropicMessages, OpenAiResponses] {
        let plan = between(from, to, Fidelity::Canonical);
        let (out, ending, seen) = run(plan.clone(), stream, &[]);
        assert_eq!(ending, Ending::Complete);
        let (torn, torn_ending, _) = run(plan.clone(), stream, sizes);
        assert!(torn == out && torn_ending == ending);
        assert_eq!(
            (seen.usage(), seen.finish_reason()),
            (Some(usage), Some(told.finish()))
        );
        let said = [heard(to, &out), read(to, &answer.render(&plan))];
        for substance in said.into_iter().flatten() {
            assert_eq!(substance, expected, "{to:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_gemini_says_every_client_hears(
        told in told(),
        sizes in prop::collection::vec(1..90_usize, 1..5),
    ) {
        check(Gemini, &told, (&gemini(&told, true), &gemini(&told, false)), &sizes);
    }

    #[test]
    fn whatever_bedrock_says_every_client_hears(
        told in told(),
        sizes in prop::collection::vec(1..90_usize, 1..5),
    ) {
        check(BedrockConverse, &told, (&bedrock_stream(&told), &bedrock_body(&told)), &sizes);
    }
}
