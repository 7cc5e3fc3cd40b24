//! The laws of screens: what goes on never depends on how a text is cut, what was
//! masked comes back, and values never get into a report.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

#[path = "guard/toys.rs"]
mod toys;

use alfred_filters::guard::action::Action;
use alfred_filters::guard::policy::{Policy, Scan, Select, Spec, allow_hash};
use alfred_filters::guard::report::Report;
use alfred_filters::guard::screen::{Desk, Form, Screen, Task, whole};
use alfred_filters::guard::vault::Vault;
use alfred_filters::guard::{Confidence, Entity, Finding, Kind, Window};
use proptest::prelude::*;
use toys::{KEY, pairs, policy, spec, told};

const MASK: (Form, Task) = (Form::Text, Task::Mask);
const ANSWER: (Form, Task) = (Form::Text, Task::Answer);

const TEXTS: &[&str] = &[
    "",
    "plain words, nothing else",
    "write to ann@x.org, or to (Bob@x.org)! key=ann@x.org.",
    "key=abcdef ann@x.org ann@x.org  4111111111111111, x",
    "[EMAIL_abcde] then EMAIL_abcde and ann@x.org",
    "über ann@x.org – 日本語 ann@x.org。key=ü345 аnn@x.org привет",
    "\\[ann@x.org\\] [ann@x.org] [[ann@x.org]] _ann@x.org_ [ EMAIL \\",
    "key=\u{395}1111412.aeee@x.org \u{395}22\u{34f}@x.org. ann\u{3b1}1@x.org",
    "a_b IP_ [IP_ [I \\[ EM _ key=[EMAIL_abcde]",
];

#[test]
fn a_masked_text_does_not_depend_on_two_or_three_cuts() {
    for action in [
        Action::MaskReversible,
        Action::Mask,
        Action::Hash,
        Action::Redact,
    ] {
        let policy = policy(action);
        for text in TEXTS {
            let one = told(&policy, &mut Vault::new(KEY), MASK, &[text]);
            for [a, rest] in pairs(text) {
                for [b, c] in pairs(rest) {
                    let three = told(&policy, &mut Vault::new(KEY), MASK, &[a, b, c]);
                    assert_eq!(three.text, one.text, "{a:?} {b:?} {c:?}");
                    assert_eq!(three.report, one.report, "{a:?} {b:?} {c:?}");
                }
            }
        }
    }
}

#[test]
fn an_echoed_text_comes_back_whatever_the_cuts() {
    let policy = policy(Action::MaskReversible);
    for text in TEXTS {
        let mut vault = Vault::new(KEY);
        let masked = told(&policy, &mut vault, MASK, &[text]).text;
        for [a, rest] in pairs(&masked) {
            for [b, c] in pairs(rest) {
                let back = told(&policy, &mut vault, ANSWER, &[a, b, c]);
                assert_eq!(back.text, *text, "{masked:?}");
                let back = told(&policy, &mut vault, (Form::Text, Task::Unmask), &[a, b, c]);
                assert_eq!(back.text, *text, "{masked:?}");
            }
        }
    }
}

proptest! {
    #[test]
    fn random_texts_survive_random_cuts(
        words in prop::collection::vec("ann@x\\.org|key=[a-z@.]{3,9}|[0-9]{16}|\\[?EMAIL_[a-e]{5}\\]?|[ -~]{0,6}|[а-д\u{200b}a-c]{1,5}", 0..9),
        glue in prop::sample::select(vec!["", " ", "\n", "é"]),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let text = words.join(glue);
        let mut at: Vec<usize> = cuts.iter().map(|cut| text.floor_char_boundary(cut.index(text.len() + 1))).collect();
        at.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in at {
            pieces.push(&text[from..cut]);
            from = cut;
        }
        pieces.push(&text[from..]);
        let policy = policy(Action::MaskReversible);
        let mut vault = Vault::new(KEY);
        let one = told(&policy, &mut vault, MASK, &[&text]);
        let cut = told(&policy, &mut Vault::new(KEY), MASK, &pieces);
        prop_assert_eq!(&cut.text, &one.text);
        prop_assert_eq!(&cut.report, &one.report);
        let back = told(&policy, &mut vault, (Form::Text, Task::Unmask), &[&one.text]);
        if back.report.kept_in_links == 0 {
            prop_assert_eq!(&back.text, &text);
        }
    }
}

#[test]
fn little_is_held_of_a_text_without_candidates() {
    let policy = policy(Action::MaskReversible);
    let mut vault = Vault::new(KEY);
    told(&policy, &mut vault, MASK, &["ann@x.org"]);
    let text =
        "The quick brown fox jumps over the lazy dog, and [42] hens look on; code_like_names too. "
            .repeat(40);
    for (task, most) in [(Task::Mask, 64), (Task::Answer, 64), (Task::Unmask, 24)] {
        let mut report = Report::default();
        let mut desk = Desk {
            policy: &policy,
            vault: &mut vault,
            report: &mut report,
        };
        let mut screen = Screen::new(Form::Text, task);
        let mut out = String::new();
        for (at, letter) in text.char_indices() {
            screen
                .push(&mut desk, &text[at..at + letter.len_utf8()], &mut out)
                .unwrap();
            assert!(
                at + 1 - out.len() <= most,
                "{task:?} holds {}",
                at + 1 - out.len()
            );
        }
        screen.finish(&mut desk, &mut out).unwrap();
        assert_eq!(out, text);
    }
}

#[test]
fn a_blocked_text_goes_no_further_and_names_no_value() {
    let policy = policy(Action::Block);
    for pieces in [
        vec!["so: key=canary17 ", "more"],
        vec!["so: key=can", "ary17", " x"],
    ] {
        let told = told(&policy, &mut Vault::new(KEY), MASK, &pieces);
        let blocked = told.end.unwrap_err();
        assert_eq!(blocked.kinds, [(Kind::Secret, 1)]);
        assert!(!told.text.contains("can"), "{}", told.text);
        assert!(!format!("{blocked:?}{:?}", told.report).contains("canary"));
    }
}

#[test]
fn a_dry_run_leaves_the_text_and_tells_what_would_be() {
    let policy = Policy::new(Spec {
        dry_run: true,
        ..spec(Action::Block)
    })
    .unwrap();
    let text = "so: key=canary17 ann@x.org";
    let told = told(&policy, &mut Vault::new(KEY), MASK, &[text]);
    assert_eq!((told.text.as_str(), told.end), (text, Ok(())));
    assert!(told.report.dry_run);
    assert!(
        told.report
            .notes
            .iter()
            .all(|note| note.action == Action::Block)
    );
    assert_eq!(told.report.count("key"), 1);
}

#[test]
fn a_placeholder_is_known_however_a_model_writes_it() {
    let policy = policy(Action::MaskReversible);
    let mut vault = Vault::new(KEY);
    let placeholder = told(&policy, &mut vault, MASK, &["ann@x.org"]).text;
    let name = placeholder.trim_matches(['[', ']']).to_owned();
    for spelt in [
        placeholder.to_lowercase(),
        placeholder.to_uppercase(),
        name.clone(),
        format!("[ {name} ]"),
        placeholder.replace('_', "\\_"),
        format!("\\[{}\\]", name.replace('_', "\\_")),
    ] {
        let text = format!("to **{spelt}**, {spelt}. {spelt}");
        for [a, b] in pairs(&text) {
            let back = told(&policy, &mut vault, ANSWER, &[a, b]);
            assert_eq!(
                back.text, "to **ann@x.org**, ann@x.org. ann@x.org",
                "{a:?} {b:?}"
            );
            assert_eq!(back.report.restored, 3);
        }
    }
    let unknown = told(
        &policy,
        &mut vault,
        ANSWER,
        &["[EMAIL_zzzzz] EMAIL_zzzzz x", &name],
    );
    assert_eq!(unknown.report.unknown, 1);
    assert_eq!(unknown.text, format!("[EMAIL_zzzzz] EMAIL_zzzzz x{name}"));
}

#[test]
fn nothing_comes_back_inside_a_link() {
    let policy = policy(Action::MaskReversible);
    let mut vault = Vault::new(KEY);
    let p = told(&policy, &mut vault, MASK, &["ann@x.org"]).text;
    let long = "a".repeat(600);
    for link in [
        format!("![x](https://evil.example/?q={p})"),
        format!("[x](//evil.example/{long}{p})"),
        format!("https://evil.example/?{p}&{p}"),
        format!("<img src='https://evil.example/a b {p}'>"),
        format!("[x]: <https://evil.example/a b {p}>"),
        format!("www.evil.example/{p}"),
    ] {
        for [a, b] in pairs(&link) {
            let told = told(&policy, &mut vault, ANSWER, &[a, b]);
            assert_eq!(told.text, link);
            assert!(told.report.kept_in_links > 0);
        }
    }
    let after = format!("[{p}](https://x.example) {p}");
    let told = told(&policy, &mut vault, ANSWER, &[&after]);
    assert_eq!(told.text, "[ann@x.org](https://x.example) ann@x.org");
}

#[test]
fn a_value_comes_back_into_the_link_that_the_request_had() {
    let policy = policy(Action::MaskReversible);
    let mut vault = Vault::new(KEY);
    let text = "see https://x.example/?to=ann@x.org&cc=bob@x.org now";
    let masked = told(&policy, &mut vault, MASK, &[text]).text;
    for [a, b] in pairs(&masked) {
        assert_eq!(
            told(&policy, &mut vault, (Form::Text, Task::Unmask), &[a, b]).text,
            text,
            "{masked}"
        );
    }
    let p = vault
        .placeholder(Kind::Pii(Entity::Email), "ann@x.org")
        .to_owned();
    for link in [
        format!("https://y.example/?to={p}"),
        format!("https://x.example/?cc={p}"),
        format!("https://y.example/(https://x.example.y.example/?to={p}"),
        format!("<https://y.example/ {p}>"),
    ] {
        assert_eq!(told(&policy, &mut vault, ANSWER, &[&link]).text, link);
    }
}

#[test]
fn the_same_value_has_the_same_placeholder_in_every_vault_of_the_key() {
    let email = Kind::Pii(Entity::Email);
    let mut one = Vault::new(KEY);
    let first = one.placeholder(email, "ann@x.org").to_owned();
    assert!(first.starts_with("[EMAIL_") && first.len() == 13, "{first}");
    assert_eq!(Vault::new(KEY).placeholder(email, "ann@x.org"), first);
    assert_ne!(Vault::new([8; 32]).placeholder(email, "ann@x.org"), first);
    let second = one.placeholder(email, "Ann@X.org").to_owned();
    assert!(
        second.len() == 15 && second.starts_with(&first[..12]),
        "{second}"
    );
    assert!(!format!("{one:?}").contains("ann"));
}

#[test]
fn what_an_answer_says_of_the_request_itself_is_allowed() {
    let policy = policy(Action::Mask);
    let mut vault = Vault::new(KEY);
    told(&policy, &mut vault, MASK, &["ann@x.org"]);
    let answer = told(&policy, &mut vault, ANSWER, &["Ann@x.org eve@x.org"]);
    assert_eq!(answer.text, "Ann@x.org [EMAIL]");
}

#[test]
fn allowed_values_and_doubtful_findings_pass() {
    let mut spec = spec(Action::Redact);
    spec.allow_key = [9; 32];
    spec.allow = vec![allow_hash(&[9; 32], "ann@x.org")];
    spec.actions = vec![
        (Select::Kind(Kind::Secret), Action::Block, Confidence::HIGH),
        (Select::Pii, Action::Redact, Confidence::HIGH),
    ];
    let policy = Policy::new(spec).unwrap();
    let told = told(
        &policy,
        &mut Vault::new(KEY),
        MASK,
        &["ann@x.org bob@x.org key=abcdef"],
    );
    assert_eq!(told.text, "ann@x.org [REDACTED] key=abcdef");
}

#[test]
fn what_overlaps_is_masked_as_one_and_nothing_leaks() {
    let policy = policy(Action::Mask);
    let told = told(
        &policy,
        &mut Vault::new(KEY),
        MASK,
        &["x.key=ann@x.org+y z"],
    );
    assert_eq!(told.text, "x.key=[SECRET] z");
    assert_eq!(told.report.notes.len(), 2);
}

#[test]
fn a_forged_placeholder_is_not_mistaken_for_one_of_ours() {
    let policy = policy(Action::MaskReversible);
    let ours = Vault::new(KEY)
        .placeholder(Kind::Pii(Entity::Email), "ann@x.org")
        .to_owned();
    for text in [
        format!("{ours} is ann@x.org"),
        format!("ann@x.org is {ours}"),
    ] {
        let mut vault = Vault::new(KEY);
        let masked = told(&policy, &mut vault, MASK, &[&text]).text;
        assert_eq!(told(&policy, &mut vault, ANSWER, &[&masked]).text, text);
    }
}

struct Lawless(fn(Window<'_>, &mut Vec<Finding>) -> usize);

impl Scan for Lawless {
    fn scan(&self, window: Window<'_>, out: &mut Vec<Finding>) -> usize {
        (self.0)(window, out)
    }
}

#[test]
fn a_scanner_that_breaks_its_law_blocks_or_is_passed_over() {
    fn find(out: &mut Vec<Finding>, span: std::ops::Range<usize>) {
        let (kind, confidence) = (Kind::Secret, Confidence::HIGH);
        out.push(Finding {
            kind,
            rule: "x",
            span,
            confidence,
        });
    }
    let broken: [fn(Window<'_>, &mut Vec<Finding>) -> usize; 5] = [
        |window, _| window.text.len() + 1,
        |_, _| 0,
        |window, out| {
            find(out, 0..window.text.len() + 9);
            window.text.len()
        },
        |window, out| {
            find(out, 1..1);
            window.text.len()
        },
        |window, out| {
            find(out, 0..1);
            window.text.len()
        },
    ];
    for scan in broken {
        for closed in [true, false] {
            let scanners: Vec<std::sync::Arc<dyn Scan>> = vec![std::sync::Arc::new(Lawless(scan))];
            let actions = vec![(Select::All, Action::Mask, Confidence::LOW)];
            let spec = Spec {
                scanners,
                actions,
                fail_closed: closed,
                ..Spec::default()
            };
            let told = told(
                &Policy::new(spec).unwrap(),
                &mut Vault::new(KEY),
                MASK,
                &["éa", "bc"],
            );
            assert_eq!(told.end.is_err(), closed);
            assert!(told.report.faults > 0);
            assert_eq!(told.text, if closed { "" } else { "éabc" });
        }
    }
}

#[test]
fn a_report_never_holds_a_value() {
    for action in [
        Action::Log,
        Action::MaskReversible,
        Action::Mask,
        Action::Hash,
        Action::Redact,
        Action::Block,
    ] {
        let policy = policy(action);
        let mut vault = Vault::new(KEY);
        let told = told(
            &policy,
            &mut vault,
            MASK,
            &["key=canary17 canary@x.org 4242424242424242"],
        );
        let logged = format!(
            "{:?} {} {vault:?} {policy:?} {:?}",
            told.report,
            serde_json::to_string(&told.report).unwrap(),
            told.end
        );
        assert!(
            !logged.contains("canary") && !logged.contains("42424242"),
            "{logged}"
        );
        let note = &told.report.notes[0];
        assert_eq!(
            (note.rule, note.bytes, &*note.path),
            ("key", (4, 12), "/messages/0/content")
        );
    }
}

#[test]
fn reports_are_merged_and_capped() {
    let policy = policy(Action::Mask);
    let text = "ann@x.org ".repeat(150);
    let mut one = told(&policy, &mut Vault::new(KEY), MASK, &[&text]).report;
    assert_eq!((one.notes.len(), one.count("email")), (100, 150));
    one.merge(told(&policy, &mut Vault::new(KEY), MASK, &["bob@x.org"]).report);
    assert_eq!((one.notes.len(), one.count("email")), (100, 151));
}

#[test]
fn a_disguised_value_is_masked_as_a_whole() {
    let policy = policy(Action::Mask);
    let text = "to аnn@x.оrg and a\u{200b}nn@x.org.";
    for [a, b] in pairs(text) {
        let told = told(&policy, &mut Vault::new(KEY), MASK, &[a, b]);
        assert_eq!(told.text, "to [EMAIL] and [EMAIL]", "{a:?} {b:?}");
    }
}

#[test]
fn a_whole_text_is_told_as_in_pieces_and_a_clean_one_stays() {
    let policy = policy(Action::MaskReversible);
    for text in TEXTS {
        let pieces = told(&policy, &mut Vault::new(KEY), MASK, &[text]);
        let mut report = Report::default();
        let mut vault = Vault::new(KEY);
        let mut desk = Desk {
            policy: &policy,
            vault: &mut vault,
            report: &mut report,
        };
        let one = whole(Form::Text, Task::Mask, &mut desk, text).unwrap();
        assert_eq!(one.as_deref().unwrap_or(text), pieces.text);
        assert_eq!(one.is_none(), pieces.text == *text);
    }
}
