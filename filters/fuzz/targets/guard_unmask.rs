//! Placeholders of an answer, in any spelling and at any cut: pieces become what
//! the whole becomes, and a text without placeholders stays as it is.
#![no_main]

use std::sync::LazyLock;

use alfred_filters::guard::policy::{Policy, Spec};
use alfred_filters::guard::report::Report;
use alfred_filters::guard::screen::{Desk, Form, Screen, Task};
use alfred_filters::guard::vault::Vault;
use alfred_filters::guard::{Entity, Kind};
use alfred_filters_fuzz::{Choices, guard};
use libfuzzer_sys::fuzz_target;

static POLICY: LazyLock<Policy> = LazyLock::new(|| Policy::new(Spec::default()).unwrap());

/// What stands for a placeholder in inputs: their tags are nothing to guess.
const HERE: &str = "@@";

fuzz_target!(|input: &[u8]| {
    let (choices, bytes) = Choices::split(input);
    let mut vault = Vault::new(guard::KEY);
    let kind = [Kind::Pii(Entity::Email), Kind::Secret][choices.pick(0, 2)];
    let name = vault.placeholder(kind, "jane@example.com").to_owned();
    let bare = name.trim_matches(['[', ']']);
    let name = [name.clone(), bare.to_owned(), name.to_lowercase(), name.replace('_', "\\_")];
    let text = String::from_utf8_lossy(bytes).replace(HERE, &name[choices.pick(1, 4)]);
    let form = [Form::Text, Form::Json][choices.pick(2, 2)];
    let mut unmasked = |pieces: &[&str]| {
        let mut report = Report::default();
        let mut desk = Desk {
            policy: &POLICY,
            vault: &mut vault,
            report: &mut report,
        };
        let mut screen = Screen::new(form, Task::Unmask);
        let mut out = String::new();
        for piece in pieces {
            screen.push(&mut desk, piece, &mut out).unwrap();
        }
        screen.finish(&mut desk, &mut out).unwrap();
        (out, report.restored, report.unknown, report.kept_in_links)
    };
    let whole = unmasked(&[&text]);
    assert_eq!(unmasked(&guard::pieces(choices, &text)), whole);
    if whole.1 == 0 {
        assert_eq!(whole.0, text);
    }
});
