//! The judge of injections: it says something finite of every text, its rule stands only
//! beside a verdict, and a text with invisible characters in it is judged like the text.
#![no_main]

use std::sync::LazyLock;

use alfred_filters::guard::injection::{Injection, Level, Trust};
use alfred_filters_fuzz::Choices;
use libfuzzer_sys::fuzz_target;

static JUDGE: LazyLock<Injection> = LazyLock::new(Injection::shipped);

/// Longer texts are read at their ends only, which invisible characters move.
const LONGEST: usize = 6 * 1024;

fuzz_target!(|input: &[u8]| {
    let (choices, bytes) = Choices::split(input);
    let text = String::from_utf8_lossy(bytes);
    let trust = [Trust::User, Trust::Tool][choices.pick(0, 2)];
    let (margin, rule) = JUDGE.margin(&text, trust);
    assert!(margin.is_finite());
    let verdict = JUDGE.judge(&text, trust);
    assert!(verdict.score <= 100);
    assert!(verdict.level == Level::None || verdict.rule.is_some());
    if text.is_ascii() && text.len() <= LONGEST {
        let mut hidden = String::new();
        for letter in text.chars() {
            hidden.push(letter);
            hidden.push('\u{200b}');
        }
        assert_eq!(JUDGE.margin(&hidden, trust), (margin, rule));
    }
});
