//! Golden streams and bodies, written by hand after the quirks of each provider:
//! what comes in, what the client gets, what Alfred knows afterwards. A file's
//! first line says how it is run; `UPDATE_GOLDEN=1` writes what comes out anew,
//! for a person to read and judge.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

mod answers;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use alfred_filters::answer::{Answer, Ending, Fidelity, StreamPlan};
use alfred_filters::dialect::Dialect;
use alfred_filters::event::Usage;
use alfred_filters::prompt::Surface;
use answers::{check_body, check_chunk, hear, plan, run};
use bytes::Bytes;

/// One golden file: how it is run, and its three parts.
struct Golden {
    path: PathBuf,
    plan: StreamPlan,
    streamed: bool,
    provider: String,
    expected: String,
}

fn goldens() -> Vec<Golden> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/answers");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.into_iter().map(golden).collect()
}

fn golden(path: PathBuf) -> Golden {
    let text = std::fs::read_to_string(&path).unwrap();
    let (how, rest) = text
        .split_once("\n==== provider\n")
        .expect("a golden file has a provider part");
    let (provider, expected) = rest.split_once("==== client\n").unwrap_or((rest, ""));
    // A tilde alone: the bytes end without a line end.
    let provider = provider.strip_suffix("\n~\n").unwrap_or(provider);
    let fidelity = if how.contains("lens") {
        Fidelity::Lens
    } else {
        Fidelity::Canonical
    };
    let choices = how
        .split_once("n=")
        .map_or(1, |(_, n)| n[..1].parse().unwrap());
    Golden {
        plan: StreamPlan {
            choices,
            ..plan(fidelity, how.contains("shows usage"))
        },
        streamed: !how.contains("whole body"),
        provider: provider.to_owned(),
        expected: expected.to_owned(),
        path,
    }
}

fn facts(ending: &str, usage: Option<Usage>, billed: Usage, rest: &str) -> String {
    let mut text = format!("==== facts\n{ending}\n{rest}\n");
    let reported = if usage.is_some() {
        "reported"
    } else {
        "estimated"
    };
    let Usage {
        input,
        output,
        cached,
        reasoning,
        ..
    } = billed;
    write!(
        text,
        "billed: {input} in ({cached} cached), {output} out ({reasoning} reasoning), {reported}"
    )
    .unwrap();
    text.push('\n');
    text
}

fn streamed(golden: &Golden) -> String {
    let (out, ending, stream) = run(golden.plan.clone(), golden.provider.as_bytes(), &[]);
    for size in 1..40 {
        let (torn, torn_ending, _) = run(golden.plan.clone(), golden.provider.as_bytes(), &[size]);
        assert_eq!(
            String::from_utf8(torn),
            String::from_utf8(out.clone()),
            "{:?}",
            golden.path
        );
        assert_eq!(torn_ending, ending, "{:?}", golden.path);
    }
    let heard = hear(&out);
    if golden.plan.fidelity == Fidelity::Canonical {
        for chunk in &heard.chunks {
            check_chunk(chunk).unwrap_or_else(|flaw| panic!("{:?}: {flaw}: {chunk}", golden.path));
        }
    }
    assert_eq!(
        heard.done == 1,
        ending == Ending::Complete,
        "{:?}",
        golden.path
    );
    let ending = match ending {
        Ending::Complete => "complete".to_owned(),
        Ending::Truncated(cut) => format!("truncated: {cut}"),
        Ending::Failed(error) => {
            format!(
                "failed: {:?} {} retryable={}: {}",
                error.kind, error.status, error.retryable, error.message
            )
        }
    };
    let meter = stream.metered();
    let rest = format!(
        "model {:?}, id {:?}, finish {:?}, content {}\n{} events in, {} out, {} bytes of text, {} tokens",
        stream.response_model(),
        stream.response_id(),
        stream.finish_reason(),
        stream.saw_content(),
        meter.provider_events,
        meter.emitted_events,
        meter.text_bytes,
        meter.tokens
    );
    let out = String::from_utf8(out).unwrap();
    out + &facts(&ending, stream.usage(), stream.final_usage(11), &rest)
}

fn whole(golden: &Golden) -> String {
    let surface = if golden.provider.contains("\"choices\"") {
        Surface::Chat
    } else {
        Surface::Embeddings
    };
    let body = Bytes::from(golden.provider.trim_end().to_owned());
    let answer = match Answer::read(Dialect::OpenAiChat, surface, body) {
        Ok(answer) => answer,
        Err(error) => {
            return format!(
                "==== facts\nfailed: {:?} {}: {}\n",
                error.kind, error.status, error.message
            );
        }
    };
    let out = answer.render(&golden.plan);
    if surface == Surface::Chat && golden.plan.fidelity == Fidelity::Canonical {
        let body = serde_json::from_slice(&out).unwrap();
        check_body(&body).unwrap_or_else(|flaw| panic!("{:?}: {flaw}: {body}", golden.path));
    }
    let mut rest = format!(
        "model {:?}, finish {:?}",
        answer.response_model(),
        answer.finish_reason()
    );
    answer.visit_texts(&mut |text| {
        write!(
            rest,
            "\n{} {:?}: {}",
            text.path,
            text.channel,
            text.text.escape_debug()
        )
        .unwrap();
    });
    let out = String::from_utf8(out.to_vec()).unwrap() + "\n";
    out + &facts("read", answer.usage(), answer.final_usage(11), &rest)
}

#[test]
fn every_golden_answer_comes_out_as_it_was_judged() {
    let mut failed = Vec::new();
    for golden in goldens() {
        let actual = if golden.streamed {
            streamed(&golden)
        } else {
            whole(&golden)
        };
        if actual == golden.expected {
            continue;
        }
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            let text = std::fs::read_to_string(&golden.path).unwrap();
            let head = text
                .split_once("==== client\n")
                .map_or(&*text, |(head, _)| head);
            std::fs::write(&golden.path, format!("{head}==== client\n{actual}")).unwrap();
        }
        failed.push(format!("{}\n{actual}", golden.path.display()));
    }
    assert!(failed.is_empty(), "these differ:\n{}", failed.join("\n"));
}
