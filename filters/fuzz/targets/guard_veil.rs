//! The veil over a stream: its cuts do not matter, what is JSON stays JSON, and an event
//! that is told by the one before it says what it says when it is read.
#![no_main]

use std::fmt::Write;
use std::sync::LazyLock;

use alfred_filters::guard::action::Action;
use alfred_filters::guard::policy::{Policy, Select, Spec};
use alfred_filters::guard::report::Report;
use alfred_filters::guard::screen::Desk;
use alfred_filters::guard::vault::Vault;
use alfred_filters::guard::veil::VeilStream;
use alfred_filters::guard::{Confidence, Entity, Kind};
use alfred_filters::prompt::Surface;
use alfred_filters_fuzz::{Choices, guard};
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;

static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    Policy::new(Spec {
        scanners: guard::scanners().into_iter().map(|(_, scanner)| scanner).collect(),
        actions: vec![(Select::All, Action::MaskReversible, Confidence::LOW)],
        fail_closed: true,
        ..Spec::default()
    })
    .unwrap()
});

/// What the client reads.
fn veiled(surface: Surface, pieces: &[&str]) -> String {
    let mut vault = Vault::new(guard::KEY);
    vault.placeholder(Kind::Pii(Entity::Email), "ann@x.org");
    let mut report = Report::default();
    let mut desk = Desk {
        policy: &POLICY,
        vault: &mut vault,
        report: &mut report,
    };
    let mut veil = VeilStream::new(surface);
    let mut out = BytesMut::new();
    for piece in pieces {
        if veil.feed(&mut desk, piece.as_bytes(), &mut out).is_err() {
            break;
        }
    }
    let _ = veil.finish(&mut desk, &mut out);
    String::from_utf8(out.to_vec()).expect("text of text")
}

/// The lines as events. Where each has a name of its own, none is like the one before it.
fn events(lines: &[&str], named: bool) -> String {
    let mut all = String::new();
    for (number, line) in lines.iter().enumerate() {
        if named {
            writeln!(all, "event: n{number}").unwrap();
        }
        write!(all, "data: {line}\n\n").unwrap();
    }
    all
}

fn without_names(said: &str) -> String {
    let lines = said.lines().filter(|line| !line.starts_with("event: n"));
    lines.map(|line| format!("{line}\n")).collect()
}

fuzz_target!(|input: &[u8]| {
    let (choices, bytes) = Choices::split(input);
    let text = String::from_utf8_lossy(bytes);
    let surface = [Surface::Chat, Surface::Completions, Surface::Messages, Surface::Responses];
    let surface = surface[choices.pick(0, 4)];
    let lines: Vec<&str> = text.split(['\n', '\r']).filter(|line| !line.is_empty()).collect();
    let stream = events(&lines, false);
    let whole = veiled(surface, &[&stream]);
    assert_eq!(veiled(surface, &guard::pieces(choices, &stream)), whole);
    if matches!(surface, Surface::Chat | Surface::Completions) {
        let read = without_names(&veiled(surface, &[&events(&lines, true)]));
        assert_eq!(without_names(&whole), read);
    }
    let is_json = |line: &str| serde_json::from_str::<IgnoredAny>(line).is_ok();
    if lines.iter().all(|line| is_json(line)) {
        let mut said = whole.lines().filter_map(|line| line.strip_prefix("data: "));
        assert!(said.all(is_json), "{whole}");
    }
});
