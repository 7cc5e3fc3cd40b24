//! The one property of every decoder: whatever comes, however it is cut, the client
//! gets the same bytes, in his grammar, and not more than was worth it.

use alfred_filters::answer::{AnswerStream, Ending, Fidelity, Meter, StreamPlan};
use alfred_filters::conform::{Grammar, Violation};
use alfred_filters::dialect::Dialect;
use alfred_filters::event::Usage;
use bytes::{Bytes, BytesMut};

use crate::{Choices, most};

/// All that is known of an answer once it is over.
#[derive(Debug, PartialEq)]
struct Outcome {
    out: Vec<u8>,
    ending: Ending,
    usage: Usage,
    meter: Meter,
    facts: (Option<&'static str>, Option<String>, Option<String>, bool),
}

fn run(plan: &StreamPlan, bytes: &Bytes, sizes: &[usize]) -> Outcome {
    let mut stream = AnswerStream::new(plan.clone());
    let mut out = BytesMut::new();
    let mut sizes = sizes.iter().cycle();
    let mut rest = bytes.clone();
    while !rest.is_empty() {
        let size = sizes.next().map_or(1, |size| *size).min(rest.len());
        let piece = rest.split_to(size);
        if let Err(error) = stream.feed(&piece, &mut out) {
            let event = error.event(plan.to, Some(stream.final_usage(9)));
            let mut words = BytesMut::new();
            stream.break_off(&event, &mut words);
            break;
        }
    }
    let ending = stream.finish(&mut out);
    assert_eq!(stream.finish(&mut out), ending, "the end is told once");
    Outcome {
        out: out.to_vec(),
        ending,
        usage: stream.final_usage(9),
        meter: stream.metered(),
        facts: (
            stream.finish_reason(),
            stream.response_model().map(str::to_owned),
            stream.response_id().map(str::to_owned),
            stream.saw_content(),
        ),
    }
}

/// Holds an answer in the dialect `from` to the property.
pub fn check(from: Dialect, choices: Choices<'_>, bytes: Vec<u8>) {
    let plan = choices.plan(from);
    let bytes = Bytes::from(bytes);
    let whole = run(&plan, &bytes, &[bytes.len().max(1)]);
    assert_eq!(run(&plan, &bytes, &choices.sizes()), whole, "in pieces");
    assert_eq!(run(&plan, &bytes, &[1]), whole, "byte by byte");
    assert!(
        whole.out.len() <= most(bytes.len()),
        "{} bytes",
        whole.out.len()
    );
    assert!(whole.usage.cached <= whole.usage.input, "{:?}", whole.usage);
    let anew = from != plan.to || plan.fidelity == Fidelity::Canonical;
    if whole.ending != Ending::Complete || !anew {
        return;
    }
    let grammar = match plan.to {
        Dialect::AnthropicMessages => Grammar::Messages,
        Dialect::OpenAiResponses => Grammar::Responses,
        _ => Grammar::Chat {
            usage: plan.show_usage,
        },
    };
    hold(from, plan.to, &grammar.check(&whole.out), &whole.out);
}

/// Rules that a client's answer keeps only if its provider tells the truth: that there are
/// calls, that they have names, that their arguments are JSON, that vectors are counted.
const PROVIDERS: [&str; 7] = [
    "embeddings.index",
    "chat.call-head",
    "messages.call",
    "chat.finish-calls",
    "chat.call-json",
    "messages.input-json",
    "messages.stop-calls",
];

/// Demands that nothing was found but what the provider is to blame for. Whoever speaks Responses
/// is asked by clients of Responses only.
pub fn hold(from: Dialect, to: Dialect, found: &[Violation], out: &[u8]) {
    let is_asked = from != Dialect::OpenAiResponses || to == from;
    let is_providers = |flaw: &&Violation| {
        PROVIDERS.contains(&flaw.rule)
            || (flaw.rule == "responses.item" && flaw.what.contains("\"name\":\"\""))
            // Imitators who go on after their finish are heard out.
            || (flaw.rule == "chat.after-finish" && from == Dialect::OpenAiChat)
    };
    let own = found.iter().find(|flaw| !is_providers(flaw));
    if let Some(flaw) = own.filter(|_| is_asked) {
        panic!(
            "{from:?} to {to:?}: {flaw}\n{}",
            String::from_utf8_lossy(out)
        );
    }
}
