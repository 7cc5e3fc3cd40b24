//! The laws of screens for JSON text: it stays JSON, its untouched bytes stay as they
//! were, and cuts do not matter, also within escapes.

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

use alfred_filters::guard::Kind;
use alfred_filters::guard::action::Action;
use alfred_filters::guard::screen::{Form, Task};
use alfred_filters::guard::vault::Vault;
use proptest::prelude::*;
use toys::{KEY, pairs, policy, told};

const JSON: (Form, Task) = (Form::Json, Task::Mask);
const JSON_BACK: (Form, Task) = (Form::Json, Task::Unmask);

const JSONS: &[&str] = &[
    "",
    r#"{"to":"ann@x.org","n":[1,2.5,-3e4,true,null],"s":"x\ny\u00e9\/ \ud83d\ude00 \ud83d"}"#,
    r#"{ "key=abc@x.org" : "key=a\"b\\\u0041bc ann\u0040x.org", "e": "", "a": ["ann@x.org", "b"] } "#,
    r#"{"args":"{\"to\":\"ann@x.org\",\"k\":\"key=a\\\"bcd\",\"deep\":\"{\\\"to\\\":\\\"bob@x.org\\\"}\"}"}"#,
    r#"["[ann@x.org] says", "[EMAIL_abcde]", "{ann@x.org}", "[1, ann@x.org]"]"#,
    r#"{"cut":"ann@x.org"#,
    r#"{"cut":"ann@x.org\u00"#,
    r#"no json: ann@x.org "key=a\"b" [ann@x.org"#,
    r#"[ann@x.org, {"a": ann@x.org"#,
    r#"{"a":"ann@x.org"} trailing ann@x.org"#,
    r#"true story of ann@x.org"#,
];

/// What every string of a JSON text spells, keys aside.
fn leaves(value: &serde_json::Value, out: &mut String) {
    match value {
        serde_json::Value::String(text) => match serde_json::from_str(text) {
            Ok(inner @ (serde_json::Value::Object(_) | serde_json::Value::Array(_))) => {
                leaves(&inner, out);
            }
            _ => out.push_str(text),
        },
        serde_json::Value::Array(all) => all.iter().for_each(|value| leaves(value, out)),
        serde_json::Value::Object(all) => all.values().for_each(|value| leaves(value, out)),
        _ => {}
    }
}

#[test]
fn json_is_masked_and_comes_back_byte_for_byte_whatever_the_cuts() {
    let policy = policy(Action::MaskReversible);
    for text in JSONS {
        let mut vault = Vault::new(KEY);
        let one = told(&policy, &mut vault, JSON, &[text]);
        for [a, rest] in pairs(text) {
            for [b, c] in pairs(rest) {
                let three = told(&policy, &mut Vault::new(KEY), JSON, &[a, b, c]);
                assert_eq!(three.text, one.text, "{a:?} {b:?} {c:?}");
                assert_eq!(three.report, one.report, "{a:?} {b:?} {c:?}");
            }
        }
        for [a, b] in pairs(&one.text) {
            let back = told(&policy, &mut vault, JSON_BACK, &[a, b]).text;
            // A value that was spelt with escapes comes back, spelt the short way.
            if *text == JSONS[2] {
                let short = text.replace("ann\\u0040x", "ann@x");
                assert_eq!(back, short, "{}", one.text);
            } else {
                assert_eq!(back, *text, "{}", one.text);
            }
        }
    }
}

#[test]
fn masked_json_is_json_and_leaks_nothing() {
    let policy = policy(Action::Mask);
    for text in JSONS {
        let masked = told(&policy, &mut Vault::new(KEY), JSON, &[text]).text;
        let Ok(before) = serde_json::from_str::<serde_json::Value>(text) else {
            assert!(!masked.contains("ann@"), "{masked}");
            continue;
        };
        let after: serde_json::Value = serde_json::from_str(&masked).unwrap();
        let (mut old, mut new) = (String::new(), String::new());
        leaves(&before, &mut old);
        leaves(&after, &mut new);
        assert!(!new.contains('@'), "{new}");
        assert_eq!(old.contains('@'), new.contains("[EMAIL]"), "{old} {new}");
    }
}

#[test]
fn json_in_a_string_is_escaped_twice() {
    let policy = policy(Action::MaskReversible);
    let mut vault = Vault::new(KEY);
    let secret = vault.placeholder(Kind::Secret, "a\"b\\\nc").to_owned();
    let inner = serde_json::json!({ "s": secret }).to_string();
    let text = serde_json::json!({ "args": inner }).to_string();
    let expected =
        serde_json::json!({ "args": serde_json::json!({ "s": "a\"b\\\nc" }).to_string() });
    for [a, b] in pairs(&text) {
        let back = told(&policy, &mut vault, JSON_BACK, &[a, b]).text;
        assert_eq!(back, expected.to_string());
    }
}

#[test]
fn a_number_is_masked_as_a_whole() {
    let policy = policy(Action::Mask);
    let text = r#"{"n":[4111111111111111 , 12],"s":"[4111111111111111]"}"#;
    for [a, b] in pairs(text) {
        let masked = told(&policy, &mut Vault::new(KEY), JSON, &[a, b]).text;
        assert_eq!(masked, r#"{"n":["[CARD]" , 12],"s":"[\"[CARD]\"]"}"#);
    }
}

proptest! {
    #[test]
    fn random_json_survives_random_cuts(
        words in prop::collection::vec("ann@x\\.org|key=[a-z@.]{3,5}|[0-9]{16}|EMAIL_[a-e]{5}|\\\\u00[0-9a-f]{2}|\\\\ud83d|\\\\ude00|\\\\n|[\\[\\]{}\",: ]{0,4}|\\\\\"|[ -~]{0,3}|true|12|é", 0..14),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let text = words.concat();
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
        let one = told(&policy, &mut Vault::new(KEY), JSON, &[&text]);
        let cut = told(&policy, &mut Vault::new(KEY), JSON, &pieces);
        prop_assert_eq!(&cut.text, &one.text);
        prop_assert_eq!(&cut.report, &one.report);
        let clean = told(&policy, &mut Vault::new(KEY), JSON_BACK, &pieces);
        prop_assert_eq!(&clean.text, &text);
        if one.report.notes.is_empty() {
            prop_assert_eq!(&one.text, &text);
        }
    }
}
