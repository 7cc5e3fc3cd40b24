//! Values in disguise: whatever hides a value from a scanner and from nobody else is
//! seen through, the value is masked as a whole, and comes back as it was written.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use std::fmt::Write as _;
use std::sync::Arc;

use alfred_filters::guard::action::Action;
use alfred_filters::guard::pii::Pii;
use alfred_filters::guard::policy::{Policy, Scan, Select, Spec};
use alfred_filters::guard::report::Report;
use alfred_filters::guard::screen::{Desk, Form, Screen, Task};
use alfred_filters::guard::secrets::Secrets;
use alfred_filters::guard::vault::Vault;
use alfred_filters::guard::{Confidence, Entity};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// A value of every default kind, with a word where its kind needs one.
const PERSONAL: &[(&str, &str)] = &[
    ("mail ", "jane.doe@example.org"),
    ("card ", "4111 1111 1111 1111"),
    ("card ", "5500005555555559"),
    ("account ", "DE89370400440532013000"),
    ("host ", "81.2.69.142"),
    ("host ", "2a00:1450:4001:81b::200e"),
    ("device ", "3c:22:fb:9a:01:7e"),
    ("wallet ", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    ("phone ", "+49 30 90182055"),
    ("SSN ", "536-22-8726"),
];

/// The beginnings of well known keys, and how many letters of which sort follow.
const KEYS: &[(&[&str], &str, usize)] = &[
    (&["gh", "p_"], "w", 36),
    (&["gl", "pat-"], "w", 20),
    (&["AK", "IA"], "N", 16),
    (&["xo", "xb-123456789012-123456789012-"], "w", 24),
    (&["sk_", "live_"], "w", 24),
    (&["SG", ".aB3dE6gH9jK2mN5pQ8rS1t."], "w", 43),
    (&["shp", "at_"], "h", 32),
    (&["dop", "_v1_"], "h", 64),
    (&["np", "m_"], "w", 36),
    (&["hf", "_"], "l", 34),
    (&["github", "_pat_11ABCDEFG0aB3dE6gH9jK2_"], "w", 59),
    (&["token: AI", "za"], "w", 35),
    (&["password=", ""], "w", 14),
];

fn letters(sort: &str, count: usize) -> String {
    let letters = match sort {
        "h" => "0a9f3c7e1b5d8246",
        "N" => "Q3EGRZT7HX2MVWNB",
        "l" => "aBdEgHjKmNpQrStUvWxYzAbCdEfGhIkLnM",
        _ => "aB3dE6gH9jK2mN5pQ8rS1tU4vW7xY0zA",
    };
    letters.chars().cycle().take(count).collect()
}

/// What is planted: what stands before it, and the value.
fn values() -> Vec<(String, String)> {
    let personal = PERSONAL.iter();
    let personal = personal.map(|(before, value)| ((*before).to_owned(), (*value).to_owned()));
    let keys = KEYS.iter().map(|(begin, sort, count)| {
        let begin = begin.concat();
        let at = begin.find(": ").map_or(0, |at| at + 2);
        let (before, begin) = begin.split_at(at);
        (before.to_owned(), begin.to_owned() + &letters(sort, *count))
    });
    personal.chain(keys).collect()
}

fn policy() -> Policy {
    let kinds: Vec<Entity> = Entity::defaults().collect();
    let scanners: Vec<Arc<dyn Scan>> = vec![Arc::new(Pii::new(&kinds)), Arc::new(Secrets::new())];
    let actions = vec![(Select::All, Action::MaskReversible, Confidence::MEDIUM)];
    let spec = Spec {
        scanners,
        actions,
        fail_closed: true,
        ..Spec::default()
    };
    Policy::new(spec).unwrap()
}

fn told(policy: &Policy, vault: &mut Vault, task: Task, pieces: &[&str]) -> String {
    let mut report = Report::default();
    let mut desk = Desk {
        policy,
        vault,
        report: &mut report,
    };
    let (mut screen, mut out) = (Screen::new(Form::Text, task), String::new());
    for piece in pieces {
        screen.push(&mut desk, piece, &mut out).unwrap();
    }
    screen.finish(&mut desk, &mut out).unwrap();
    out
}

/// Masks a text, whole and cut in two anywhere; what came of it must come back.
fn masked(policy: &Policy, text: &str) -> String {
    let mut vault = Vault::new([7; 32]);
    let masked = told(policy, &mut vault, Task::Mask, &[text]);
    let back = told(policy, &mut vault, Task::Unmask, &[&masked]);
    assert_eq!(back, text, "what was masked comes back");
    let cuts = (1..text.len()).filter(|at| text.is_char_boundary(*at));
    for at in cuts.step_by(5) {
        let (a, b) = text.split_at(at);
        let two = told(policy, &mut Vault::new([7; 32]), Task::Mask, &[a, b]);
        assert_eq!(two, masked, "cut at {at}");
    }
    masked
}

fn between(value: &str, what: char) -> String {
    let mut out = String::new();
    for letter in value.chars() {
        out.push(letter);
        out.push(what);
    }
    out.pop();
    out
}

fn moved(value: &str, by: u32) -> String {
    let moved = |letter: char| match letter {
        '!'..='~' => char::from_u32(u32::from(letter) + by).unwrap(),
        other => other,
    };
    value.chars().map(moved).collect()
}

fn twins(value: &str) -> String {
    let twin = |letter: char| match letter {
        'a' => 'а',
        'e' => 'е',
        'o' => 'о',
        'p' => 'р',
        'c' => 'с',
        'x' => 'х',
        'A' => 'А',
        'B' => 'В',
        other => other,
    };
    // One letter of each word: a word all of another script is no disguise.
    let mut out = String::new();
    for word in value.split_inclusive(|letter: char| !letter.is_ascii_alphanumeric()) {
        let letters = word.chars().filter(char::is_ascii_alphabetic).count();
        let at = word.find(|letter| letters > 1 && twin(letter) != letter);
        for (place, letter) in word.char_indices() {
            out.push(if Some(place) == at {
                twin(letter)
            } else {
                letter
            });
        }
    }
    out
}

#[test]
fn a_value_in_disguise_is_masked() {
    let policy = policy();
    let mut missed = Vec::new();
    for (before, value) in values() {
        let tags: String = moved(&value.replace(' ', ""), 0xe0000);
        for (how, hidden) in [
            ("plain", value.clone()),
            ("zero-width", between(&value, '\u{200b}')),
            ("joiners", between(&value, '\u{2060}')),
            ("full-width", moved(&value, 0xfee0)),
            ("tags", tags),
            ("twins", twins(&value)),
        ] {
            let text = format!("Here is my {before}{hidden} and no more.");
            let masked = masked(&policy, &text);
            if masked.contains(&hidden) {
                missed.push(format!("{how}: {text}"));
            }
        }
    }
    assert!(missed.is_empty(), "{} such as {missed:#?}", missed.len());
}

fn hex(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

fn percent(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        let _ = write!(out, "%{byte:02X}");
    }
    out
}

/// As forms of the web escape: signs and spaces alone.
fn form(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        let _ = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                write!(out, "{}", char::from(byte))
            }
            _ => write!(out, "%{byte:02X}"),
        };
    }
    out
}

#[test]
fn a_value_in_an_encoded_run_is_masked_with_the_run() {
    let policy = policy();
    let mut missed = Vec::new();
    for (before, value) in values() {
        let said = format!("my {before}{value}, thanks");
        let object = serde_json::json!({ "note": format!("{before}{value}"), "n": 1 }).to_string();
        for (how, run) in [
            ("base64", STANDARD.encode(&said)),
            ("base64 of an object", STANDARD.encode(&object)),
            ("base64 in an address", URL_SAFE_NO_PAD.encode(&said)),
            ("hex", hex(&said)),
            ("HEX", hex(&said).to_uppercase()),
            ("percent", percent(&said)),
            ("form", form(&said)),
        ] {
            for text in [
                format!("Please read {run} and answer."),
                format!("https://example.org/find?data={run}&page=2"),
            ] {
                let masked = masked(&policy, &text);
                if masked.contains(&run) {
                    missed.push(format!("{how}: {text}"));
                }
            }
        }
    }
    assert!(missed.is_empty(), "{} such as {missed:#?}", missed.len());
}

#[test]
fn what_hides_no_value_is_left_alone() {
    let policy = policy();
    let plain = "The committee met on Tuesday and nobody had the figures.";
    for run in [
        STANDARD.encode(plain),
        hex(plain),
        percent(plain),
        form(plain),
    ] {
        let text = format!("Please read {run} and answer.");
        assert_eq!(masked(&policy, &text), text);
    }
}

#[test]
fn a_block_names_the_kind_that_hides() {
    let secret = ["gh", "p_"].concat() + &letters("w", 36);
    let run = STANDARD.encode(format!("the token is {secret}."));
    let scanners: Vec<Arc<dyn Scan>> = vec![Arc::new(Secrets::new())];
    let actions = vec![(Select::All, Action::Block, Confidence::LOW)];
    let policy = Policy::new(Spec {
        scanners,
        actions,
        ..Spec::default()
    });
    let (mut vault, mut report) = (Vault::new([7; 32]), Report::default());
    let mut desk = Desk {
        policy: &policy.unwrap(),
        vault: &mut vault,
        report: &mut report,
    };
    let text = format!("Decode {run} please");
    let mut screen = Screen::new(Form::Text, Task::Mask);
    let blocked = screen
        .push(&mut desk, &text, &mut String::new())
        .unwrap_err();
    assert_eq!(blocked.kinds, [(alfred_filters::guard::Kind::Secret, 1)]);
}
