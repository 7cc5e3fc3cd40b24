//! Every scanner of the guards: cuts do not matter, spans are whole characters,
//! and no more is held than the law allows.
#![no_main]

use std::sync::{Arc, LazyLock};

use alfred_filters::guard::policy::Scan;
use alfred_filters::guard::window::{LEFT_CONTEXT, OPEN};
use alfred_filters::guard::{Finding, Window};
use alfred_filters_fuzz::{Choices, guard};
use libfuzzer_sys::fuzz_target;

static SCANNERS: LazyLock<Vec<(&str, Arc<dyn Scan>)>> = LazyLock::new(guard::scanners);

/// Scans a text of which only the left context that the law grants is kept.
fn cut(scanner: &dyn Scan, text: &str, pieces: &[&str]) -> Vec<Finding> {
    let (mut out, mut from, mut end) = (Vec::new(), 0_usize, 0);
    for piece in pieces.iter().chain([&""]) {
        end += piece.len();
        let mut base = from.saturating_sub(LEFT_CONTEXT);
        while !text.is_char_boundary(base) {
            base -= 1;
        }
        let window = Window {
            text: &text[base..end],
            from: from - base,
            last: piece.is_empty(),
        };
        let before = out.len();
        let decided = base + scanner.scan(window, &mut out);
        assert!(decided >= from && end - decided <= OPEN, "{from} {decided} {end}");
        assert!(text.is_char_boundary(decided));
        from = decided;
        for finding in &mut out[before..] {
            finding.span = finding.span.start + base..finding.span.end + base;
        }
    }
    assert_eq!(from, text.len());
    out
}

fuzz_target!(|input: &[u8]| {
    let (choices, bytes) = Choices::split(input);
    let text = String::from_utf8_lossy(bytes);
    let pieces = guard::pieces(choices, &text);
    for (name, scanner) in SCANNERS.iter() {
        let mut whole = Vec::new();
        scanner.scan(Window::whole(&text), &mut whole);
        for finding in &whole {
            assert!(text.get(finding.span.clone()).is_some_and(|value| !value.is_empty()));
        }
        assert_eq!(cut(&**scanner, &text, &pieces), whole, "{name}");
    }
});
