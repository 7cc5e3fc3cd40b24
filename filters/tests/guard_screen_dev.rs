//! The laws of screens with the real scanners, over the texts of the shared
//! examples: every cut in two gives what the whole gives, what was masked comes
//! back. `ALFRED_ROWS` sets how many rows are cut at every place (default: 150 of
//! each kind, spread over the file); all rows are masked and echoed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]
#![allow(missing_docs, reason = "a test")]

#[path = "guard/rows.rs"]
mod rows;

use std::sync::Arc;

use alfred_filters::guard::action::Action;
use alfred_filters::guard::pii::Pii;
use alfred_filters::guard::policy::{Policy, Scan, Select, Spec};
use alfred_filters::guard::report::Report;
use alfred_filters::guard::screen::{Desk, Form, Screen, Task};
use alfred_filters::guard::secrets::Secrets;
use alfred_filters::guard::vault::Vault;
use alfred_filters::guard::{Confidence, Entity};

fn rows(kind: &str) -> Vec<String> {
    let rows = rows::rows(&format!("{kind}/dev.jsonl")).expect("the rows are needed");
    let join = |parts: &serde_json::Value| {
        let parts = parts.as_array().unwrap();
        parts
            .iter()
            .map(|part| part.as_str().unwrap())
            .collect::<String>()
    };
    rows.into_iter()
        .map(|row| {
            row["text"]
                .as_str()
                .map_or_else(|| join(&row["parts"]), str::to_owned)
        })
        .collect()
}

fn policy() -> Policy {
    let scanners: Vec<Arc<dyn Scan>> =
        vec![Arc::new(Pii::new(Entity::ALL)), Arc::new(Secrets::new())];
    let actions = vec![(Select::All, Action::MaskReversible, Confidence::LOW)];
    Policy::new(Spec {
        scanners,
        actions,
        fail_closed: true,
        ..Spec::default()
    })
    .unwrap()
}

fn told(
    policy: &Policy,
    vault: &mut Vault,
    how: (Form, Task),
    pieces: &[&str],
) -> (String, Report) {
    let mut report = Report::default();
    let mut desk = Desk {
        policy,
        vault,
        report: &mut report,
    };
    let mut screen = Screen::new(how.0, how.1);
    let mut out = String::new();
    for piece in pieces {
        screen.push(&mut desk, piece, &mut out).unwrap();
    }
    screen.finish(&mut desk, &mut out).unwrap();
    (out, report)
}

fn count() -> usize {
    std::env::var("ALFRED_ROWS")
        .ok()
        .and_then(|rows| rows.parse().ok())
        .unwrap_or(150)
}

#[test]
fn real_texts_are_masked_the_same_at_every_cut() {
    let policy = policy();
    let mut wrong = Vec::new();
    for kind in ["pii", "secrets"] {
        let rows = rows(kind);
        let step = rows.len().div_ceil(count()).max(1);
        for text in rows.iter().step_by(step).filter(|text| text.len() < 4000) {
            let (one, report) = told(
                &policy,
                &mut Vault::new([7; 32]),
                (Form::Text, Task::Mask),
                &[text],
            );
            for at in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
                let (a, b) = text.split_at(at);
                let (two, notes) = told(
                    &policy,
                    &mut Vault::new([7; 32]),
                    (Form::Text, Task::Mask),
                    &[a, b],
                );
                if two != one || notes != report {
                    wrong.push(format!("{kind} cut at {at}: {one:?} became {two:?}"));
                    break;
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of them, such as {:#?}",
        wrong.len(),
        &wrong[..wrong.len().min(5)]
    );
}

#[test]
fn real_texts_come_back_after_masking_and_echo() {
    let policy = policy();
    let (mut wrong, mut all, mut links) = (Vec::new(), 0, 0);
    for kind in ["pii", "secrets"] {
        for text in rows(kind) {
            for form in [Form::Text, Form::Json] {
                let sent = if form == Form::Json {
                    serde_json::json!({ "content": text }).to_string()
                } else {
                    text.clone()
                };
                let mut vault = Vault::new([7; 32]);
                let (masked, report) = told(&policy, &mut vault, (form, Task::Mask), &[&sent]);
                let leaks = report
                    .notes
                    .iter()
                    .filter(|note| form == Form::Text && note.bytes.1 - note.bytes.0 > 9);
                for note in leaks {
                    let value = &sent[note.bytes.0..note.bytes.1];
                    // A value that stands twice is found twice, or is no value there.
                    assert!(
                        !masked.contains(value) || sent.matches(value).count() > 1,
                        "{kind}: a value of {} leaks",
                        note.rule
                    );
                }
                let (back, report) = told(&policy, &mut vault, (form, Task::Unmask), &[&masked]);
                all += 1;
                if report.kept_in_links > 0 {
                    links += 1;
                } else if back != sent {
                    wrong.push(format!("{kind} {form:?}: {sent:?} became {back:?}"));
                }
            }
        }
    }
    println!(
        "{all} texts, {links} with values in links, {} differ",
        wrong.len()
    );
    assert!(
        wrong.is_empty(),
        "{} of {all}, such as {:#?}",
        wrong.len(),
        &wrong[..wrong.len().min(5)]
    );
}

#[test]
fn an_answer_that_echoes_is_seldom_masked_again() {
    let policy = policy();
    let (mut wrong, mut all) = (Vec::new(), 0);
    for kind in ["pii", "secrets"] {
        for text in rows(kind) {
            let mut vault = Vault::new([7; 32]);
            let (masked, _) = told(&policy, &mut vault, (Form::Text, Task::Mask), &[&text]);
            let (back, report) = told(&policy, &mut vault, (Form::Text, Task::Answer), &[&masked]);
            all += 1;
            if report.kept_in_links == 0 && back != text {
                wrong.push(format!("{kind}: {text:?} as {masked:?} became {back:?}"));
            }
        }
    }
    println!(
        "{} of {all} echoes are masked again: {:#?}",
        wrong.len(),
        &wrong[..wrong.len().min(8)]
    );
    // A placeholder beside a number can make the number look like something.
    assert!(
        wrong.len() * 100 <= all,
        "{} of {all}: {:#?}",
        wrong.len(),
        &wrong[..wrong.len().min(8)]
    );
}
