//! What a chunk of a stream costs: text deltas of 4 to 20 bytes, with the usual
//! scanners and un-masking; the screen alone, and the veil with its event.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use alfred_filters::guard::action::Action;
use alfred_filters::guard::pii::Pii;
use alfred_filters::guard::policy::{Policy, Scan, Select, Spec};
use alfred_filters::guard::report::Report as Findings;
use alfred_filters::guard::screen::{Desk, Form, Screen, Task};
use alfred_filters::guard::secrets::Secrets;
use alfred_filters::guard::vault::Vault;
use alfred_filters::guard::veil::VeilStream;
use alfred_filters::guard::{Confidence, Entity, Kind};
use alfred_filters::prompt::Surface;
use bytes::BytesMut;
use stats_alloc::Region;

use crate::report::{Goal, Report, percentile, time};
use crate::texts::{self, Dice};

/// How long an answer is, in bytes.
const ANSWER: usize = 64 << 10;
const ROUNDS: usize = 15;
/// The most that a chunk may cost, in microseconds at the median.
const CHUNK: Goal = Goal::AtMost(2.0);

/// What most teams look for.
fn policy() -> Policy {
    let kinds: Vec<Entity> = Entity::defaults().collect();
    let scanners: Vec<Arc<dyn Scan>> = vec![Arc::new(Pii::new(&kinds)), Arc::new(Secrets::new())];
    let actions = vec![(Select::All, Action::MaskReversible, Confidence::MEDIUM)];
    let spec = Spec {
        scanners,
        actions,
        ..Spec::default()
    };
    Policy::new(spec).unwrap()
}

/// The deltas of an answer.
fn chunks(text: &str) -> Vec<&str> {
    let (mut dice, mut rest, mut all) = (Dice::new(), text, Vec::new());
    while !rest.is_empty() {
        let end = rest.ceil_char_boundary(4 + dice.below(17) as usize);
        let (chunk, after) = rest.split_at(end);
        all.push(chunk);
        rest = after;
    }
    all
}

/// The answers, each with its form.
fn answers() -> Vec<(&'static str, Form, String)> {
    let mut spoken = texts::mixed(ANSWER);
    spoken.insert_str(20, "[EMAIL_k7q2f] ");
    let json = format!(
        "{{\"rows\":[{}]}}",
        texts::json(ANSWER).trim_end_matches(",\n")
    );
    let key = format!(
        "-----BEGIN RSA PRIVATE KEY-----\n{}",
        texts::base64(ANSWER, 64)
    );
    vec![
        ("prose", Form::Text, texts::prose(ANSWER)),
        ("prose in other scripts", Form::Text, texts::foreign(ANSWER)),
        ("code", Form::Text, texts::code(ANSWER)),
        ("mixed with findings", Form::Text, spoken),
        ("log lines", Form::Text, texts::log(ANSWER)),
        ("arguments", Form::Json, json),
        ("one long run", Form::Text, texts::base64(ANSWER, ANSWER)),
        ("keys in armour", Form::Text, key),
    ]
}

/// The events of an answer in chat completions.
fn events(form: Form, chunks: &[&str]) -> Vec<String> {
    let said = |chunk: &&str| {
        let text = serde_json::to_string(chunk).unwrap();
        let delta = match form {
            Form::Text => format!("\"content\":{text}"),
            Form::Json => {
                format!("\"tool_calls\":[{{\"index\":0,\"function\":{{\"arguments\":{text}}}}}]")
            }
        };
        format!(
            "data: {{\"id\":\"chatcmpl-8f162f1e\",\"object\":\"chat.completion.chunk\",\"created\":1773476130,\
             \"model\":\"gpt-5-mini\",\"choices\":[{{\"index\":0,\"delta\":{{{delta}}},\"logprobs\":null,\
             \"finish_reason\":null}}]}}\n\n"
        )
    };
    chunks.iter().map(said).collect()
}

/// Runs an answer through `push`, with a vault as a request with an address leaves it.
fn run(
    policy: &Policy,
    pieces: usize,
    mut push: impl FnMut(usize, &mut Desk<'_>),
) -> Vec<Duration> {
    let mut vault = Vault::new([7; 32]);
    vault.placeholder(Kind::Pii(Entity::Email), "ann@x.org");
    let mut findings = Findings::default();
    let mut desk = Desk {
        policy,
        vault: &mut vault,
        report: &mut findings,
    };
    let mut timed = |piece| time(|| push(piece, &mut desk));
    (0..pieces).map(&mut timed).collect()
}

fn screened(policy: &Policy, form: Form, chunks: &[&str]) -> Vec<Duration> {
    let mut screen = Screen::new(form, Task::Answer);
    let mut out = String::with_capacity(4096);
    run(policy, chunks.len(), |piece, desk| {
        out.clear();
        let chunk = chunks.get(piece).unwrap();
        screen.push(desk, black_box(chunk), &mut out).unwrap();
    })
}

fn veiled(policy: &Policy, events: &[String]) -> Vec<Duration> {
    let mut veil = VeilStream::new(Surface::Chat);
    let mut out = BytesMut::with_capacity(4096);
    run(policy, events.len(), |piece, desk| {
        out.clear();
        let event = events.get(piece).unwrap().as_bytes();
        veil.feed(desk, black_box(event), &mut out).unwrap();
    })
}

/// Allocations per chunk of an answer in which nothing stands, once all buffers have grown.
fn allocations(policy: &Policy, chunks: &[&str]) -> f64 {
    let mut screen = Screen::new(Form::Text, Task::Answer);
    let mut out = String::with_capacity(4096);
    let (mut region, warm) = (Region::new(crate::COUNTING), chunks.len() / 2);
    run(policy, chunks.len(), |piece, desk| {
        if piece == warm {
            region = Region::new(crate::COUNTING);
        }
        out.clear();
        screen
            .push(desk, chunks.get(piece).unwrap(), &mut out)
            .unwrap();
    });
    let change = region.change();
    (change.allocations + change.reallocations) as f64
}

pub(crate) fn measure(report: &mut Report) {
    let policy = policy();
    for (name, form, text) in answers() {
        let chunks = chunks(&text);
        let events = events(form, &chunks);
        for (permille, label, goal) in [(500, "p50", CHUNK), (990, "p99", Goal::Less)] {
            report.take(
                &format!("chunk of {name}, screen, us {label}"),
                goal,
                ROUNDS,
                || percentile(&mut screened(&policy, form, &chunks), permille),
            );
            report.take(
                &format!("chunk of {name}, veil and event, us {label}"),
                goal,
                ROUNDS,
                || percentile(&mut veiled(&policy, &events), permille),
            );
        }
    }
    let text = texts::prose(ANSWER);
    report.take(
        "allocations of a clean answer's chunks",
        Goal::AtMost(0.0),
        1,
        || allocations(&policy, &chunks(&text)),
    );
}
