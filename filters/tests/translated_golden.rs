//! Golden answers on their way into another dialect, written by hand: what comes
//! in and what the client gets. A file's first line says how it is run;
//! `UPDATE_GOLDEN=1` writes what comes out anew, for a person to read and judge.
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

use std::path::Path;

use alfred_filters::answer::{Answer, Ending, Fidelity, StreamPlan};
use alfred_filters::dialect::Dialect::{self, AnthropicMessages, OpenAiChat};
use alfred_filters::event::Usage;
use alfred_filters::prompt::Surface;
use answers::{check_body, check_chunk, hear, run};
use bytes::Bytes;
use frames::frame;
use messages::{between, check_grammar, check_message};

/// The plan that a file's first line names.
fn way(how: &str) -> StreamPlan {
    let dialect = |word: &str| match word {
        "chat" => OpenAiChat,
        "messages" => AnthropicMessages,
        "gemini" => Dialect::Gemini,
        "bedrock" => Dialect::BedrockConverse,
        "ollama" => Dialect::OllamaChat,
        "cohere" => Dialect::CohereChat,
        other => panic!("no dialect {other}"),
    };
    let words: Vec<&str> = how.split([' ', ':', ',']).collect();
    let fidelity = if how.contains("canonical") {
        Fidelity::Canonical
    } else {
        Fidelity::Lens
    };
    between(dialect(words[0]), dialect(words[2]), fidelity)
}

/// The provider's bytes. Of Bedrock's frames a file has a line for each: the name of
/// the event, or `!` and that of an exception, and the payload.
fn sent(from: Dialect, provider: &str) -> Vec<u8> {
    if from != Dialect::BedrockConverse {
        return provider.as_bytes().to_vec();
    }
    let mut bytes = Vec::new();
    for line in provider.lines() {
        let (name, payload) = line.split_once(' ').expect("a name and a payload");
        let headers = match name.strip_prefix('!') {
            Some(name) => [(":exception-type", name), (":message-type", "exception")],
            None => [(":event-type", name), (":message-type", "event")],
        };
        bytes.extend(frame(&headers, payload.as_bytes()));
    }
    bytes
}

fn streamed(plan: &StreamPlan, provider: &[u8]) -> String {
    let (out, ending, stream) = run(plan.clone(), provider, &[]);
    for size in 1..40 {
        let (torn, torn_ending, _) = run(plan.clone(), provider, &[size]);
        assert_eq!(String::from_utf8(torn), String::from_utf8(out.clone()));
        assert_eq!(torn_ending, ending);
    }
    let complete = ending == Ending::Complete;
    if plan.to == AnthropicMessages {
        let ours = plan.from != plan.to || plan.fidelity == Fidelity::Canonical;
        check_grammar(&out, ours, complete).unwrap();
    } else {
        let heard = hear(&out);
        assert_eq!(heard.done == 1, complete);
        heard
            .chunks
            .iter()
            .for_each(|chunk| check_chunk(chunk).unwrap());
    }
    let usage = figures(stream.final_usage(11));
    let ending = match ending {
        Ending::Complete => "complete".to_owned(),
        Ending::Truncated(cut) => format!("truncated: {cut}"),
        Ending::Failed(error) => format!("failed: {:?} {}", error.kind, error.status),
    };
    format!(
        "{}==== facts\n{ending}\n{usage}\n",
        String::from_utf8(out).unwrap()
    )
}

fn whole(plan: &StreamPlan, provider: &str) -> String {
    let surface = match plan.to {
        Dialect::AnthropicMessages => Surface::Messages,
        _ => Surface::Chat,
    };
    let body = Bytes::from(provider.trim_end().to_owned());
    let answer = Answer::read(plan.from, surface, body).unwrap();
    let out = answer.render(plan);
    let value = serde_json::from_slice(&out).unwrap();
    match plan.to {
        Dialect::AnthropicMessages => check_message(&value).unwrap(),
        _ => check_body(&value).unwrap(),
    }
    let out = String::from_utf8(out.to_vec()).unwrap();
    format!("{out}\n==== facts\n{}\n", figures(answer.final_usage(11)))
}

/// The figures; a bill is shown where there is one.
fn figures(usage: Usage) -> String {
    format!("{usage:?}").replace(", billed: None", "")
}

#[test]
fn every_golden_translation_comes_out_as_it_was_judged() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/translated");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    let mut failed = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let (how, rest) = text
            .split_once("\n==== provider\n")
            .expect("a provider part");
        let (provider, expected) = rest.split_once("==== client\n").unwrap_or((rest, ""));
        let plan = way(how);
        let actual = if how.contains("whole body") {
            whole(&plan, provider)
        } else {
            streamed(&plan, &sent(plan.from, provider))
        };
        if actual == expected {
            continue;
        }
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            let new = format!("{how}\n==== provider\n{provider}==== client\n{actual}");
            std::fs::write(&path, new).unwrap();
        }
        failed.push(format!("{}\n{actual}", path.display()));
    }
    assert!(failed.is_empty(), "these differ:\n{}", failed.join("\n"));
}
