//! Requests through any door, said in every dialect.
#![no_main]

use alfred_filters::dialect::Dialect;
use alfred_filters::prompt::{Prompt, RequestPatch, Surface};
use alfred_filters::translate::Translation;
use alfred_filters_fuzz::{Choices, dialects, is_json, most};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

const SURFACES: [Surface; 6] = [
    Surface::Chat,
    Surface::Embeddings,
    Surface::Completions,
    Surface::Messages,
    Surface::CountTokens,
    Surface::Responses,
];
const MODELS: [&str; 8] = [
    "",
    "gemini-3-pro",
    "gemini-2.5-flash",
    "us.anthropic.claude-sonnet-4-20250514-v1:0",
    "amazon.nova-lite-v1:0",
    "amazon.titan-embed-text-v2:0",
    "cohere.embed-english-v3",
    "claude-opus-4-6",
];

fn shown<'a>(name: &str, bytes: &'a [u8]) -> std::borrow::Cow<'a, str> {
    eprintln!("{name}");
    String::from_utf8_lossy(bytes)
}

fuzz_target!(|input: &[u8]| {
    let (choices, body) = Choices::split(input);
    let surface = SURFACES[choices.pick(0, SURFACES.len())];
    let body = Bytes::copy_from_slice(body);
    let Ok(mut prompt) = Prompt::read(surface, body.clone()) else {
        return;
    };
    assert!(is_json(&body), "what is read is JSON");
    let _ = prompt.estimate_input_tokens();
    let patch = RequestPatch {
        model: MODELS[choices.pick(1, MODELS.len())],
        ask_usage: true,
        set: &[("max_completion_tokens", "7")],
        remove: &["user"],
        rename: &[("max_tokens", "max_output")],
        plain_roles: choices.pick(2, 2) == 0,
    };
    let patched = prompt.render(&patch);
    assert!(is_json(&patched), "{}", shown("patched", &patched));
    for (how, plain) in [
        (
            Translation {
                patch,
                default_max_output: 4096,
                ..Translation::default()
            },
            false,
        ),
        (
            Translation {
                patch: RequestPatch {
                    model: patch.model,
                    ..RequestPatch::default()
                },
                default_max_output: 4096,
                most_output: Some(100),
                keep_reasoning: true,
                ..Translation::default()
            },
            true,
        ),
    ] {
        for to in dialects() {
            match prompt.translate(to, &how) {
                Ok(said) => {
                    assert!(is_json(&said.body), "{to:?}: {}", shown("said", &said.body));
                    assert!(said.body.len() <= most(body.len()));
                    let again = match to {
                        Dialect::OpenAiChat if surface.dialect() != to => Surface::Chat,
                        Dialect::AnthropicMessages if surface.dialect() != to => Surface::Messages,
                        _ => continue,
                    };
                    if plain {
                        // What nobody knows is passed for the provider to judge.
                        if let Err(flaw) = Prompt::read(again, said.body.clone()) {
                            let param = flaw.param.clone().unwrap_or_default();
                            let own =
                                prompt.member(param.split(['.', '[']).next().unwrap_or_default());
                            assert!(
                                own.is_some(),
                                "{to:?}: {flaw:?} {}",
                                shown("again", &said.body)
                            );
                        }
                    }
                }
                Err(error) => assert!(!error.message.is_empty() && error.message.len() < 1000),
            }
        }
    }
    if let Ok(ask) = prompt.ask() {
        for to in dialects() {
            let lowered = ask.lower(to);
            assert!(is_json(&lowered), "{to:?}: {}", shown("lowered", &lowered));
        }
    }
    let mut seen = 0;
    prompt.visit_texts(&mut |text| seen += text.path.to_string().len());
    prompt.rewrite_texts(&mut |text| Some(format!("{}!", text.text)));
    assert!(
        is_json(prompt.body()),
        "{}",
        shown("rewritten", prompt.body())
    );
});
