//! A screen with every scanner: a text in pieces becomes what the whole becomes,
//! JSON stays JSON, and what is masked reversibly comes back.
#![no_main]

use std::sync::LazyLock;

use alfred_filters::guard::Confidence;
use alfred_filters::guard::action::Action;
use alfred_filters::guard::policy::{Policy, Select, Spec};
use alfred_filters::guard::report::Report;
use alfred_filters::guard::screen::{Desk, Form, Screen, Task};
use alfred_filters::guard::vault::Vault;
use alfred_filters_fuzz::{Choices, guard};
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;

static POLICIES: LazyLock<[Policy; 2]> = LazyLock::new(|| {
    [Action::MaskReversible, Action::Redact].map(|action| {
        Policy::new(Spec {
            scanners: guard::scanners().into_iter().map(|(_, scanner)| scanner).collect(),
            actions: vec![(Select::All, action, Confidence::LOW)],
            fail_closed: true,
            ..Spec::default()
        })
        .unwrap()
    })
});

fn screened(policy: &Policy, how: (Form, Task), pieces: &[&str]) -> (String, bool, u64) {
    let mut vault = Vault::new(guard::KEY);
    let mut report = Report::default();
    let mut desk = Desk {
        policy,
        vault: &mut vault,
        report: &mut report,
    };
    let mut screen = Screen::new(how.0, how.1);
    let mut out = String::new();
    let mut fine = true;
    for piece in pieces {
        fine &= screen.push(&mut desk, piece, &mut out).is_ok();
    }
    fine &= screen.finish(&mut desk, &mut out).is_ok();
    assert_eq!(report.faults, 0, "a scanner broke its law");
    (out, fine, report.counts.values().sum())
}

fuzz_target!(|input: &[u8]| {
    let (choices, bytes) = Choices::split(input);
    let text = String::from_utf8_lossy(bytes);
    let policy = &POLICIES[choices.pick(0, 2)];
    let form = [Form::Text, Form::Json][choices.pick(1, 2)];
    let task = [Task::Mask, Task::Answer][choices.pick(2, 2)];
    let whole = screened(policy, (form, task), &[&text]);
    let cut = screened(policy, (form, task), &guard::pieces(choices, &text));
    assert_eq!(cut, whole);
    if form == Form::Json && serde_json::from_str::<IgnoredAny>(&text).is_ok() {
        assert!(serde_json::from_str::<IgnoredAny>(&whole.0).is_ok(), "{}", whole.0);
    }
});
