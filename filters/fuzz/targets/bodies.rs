//! Whole bodies: answers of every dialect for every client, embeddings, counts of
//! tokens, and errors.
#![no_main]

use alfred_filters::answer::{Answer, Fidelity};
use alfred_filters::conform::Body;
use alfred_filters::dialect::Dialect;
use alfred_filters::error::ProviderError;
use alfred_filters::prompt::Surface;
use alfred_filters_fuzz::{Choices, decoder, dialects, most};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let (choices, body) = Choices::split(input);
    let body = Bytes::copy_from_slice(body);
    for from in dialects() {
        let plan = choices.plan(from);
        for surface in [plan.surface, Surface::Embeddings, Surface::CountTokens] {
            let Ok(answer) = Answer::read(from, surface, body.clone()) else {
                continue;
            };
            answer.visit_texts(&mut |text| drop(text.path.to_string()));
            let usage = answer.final_usage(9);
            assert!(
                usage.cached <= usage.input
                    && answer.metered().text_bytes <= most(body.len()) as u64
            );
            let out = answer.render(&plan);
            assert!(out.len() <= most(body.len()), "{} bytes", out.len());
            if plan.fidelity == Fidelity::Lens && from == plan.to || surface == Surface::CountTokens
            {
                continue;
            }
            let kind = match (surface, plan.to) {
                (Surface::Embeddings, _) => Body::Embeddings,
                (_, Dialect::AnthropicMessages) => Body::Message,
                (_, Dialect::OpenAiResponses) => Body::Response,
                _ => Body::Chat,
            };
            decoder::hold(from, plan.to, &kind.check(&out), &out);
        }
    }
    let status = [400, 401, 403, 404, 408, 424, 429, 500, 503, 529][choices.pick(3, 10)];
    let plain = ProviderError::read(status, Some("7"), None, &body, 0);
    let named = plain.clone().typed("ThrottlingException:x", &body);
    for error in [plain, named] {
        assert!(error.message.len() < 5000, "{}", error.message.len());
        for to in dialects() {
            let told = error.body(to, Some("r"));
            let kind = match to {
                Dialect::AnthropicMessages => Body::AnthropicError,
                _ => Body::OpenAiError,
            };
            let found = kind.check(&told);
            assert!(
                found.is_empty(),
                "{found:?}\n{}",
                String::from_utf8_lossy(&told)
            );
        }
    }
});
