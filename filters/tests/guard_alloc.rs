//! A text in which nothing stands is scanned without an allocation: it is what
//! nearly every text is. The only test of its file, since all threads are counted.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

use std::alloc::System;

use alfred_filters::guard::canary::Canary;
use alfred_filters::guard::links::Links;
use alfred_filters::guard::own::{Own, OwnTerms};
use alfred_filters::guard::own_patterns::Patterns;
use alfred_filters::guard::pii::Pii;
use alfred_filters::guard::policy::Scan;
use alfred_filters::guard::secrets::Secrets;
use alfred_filters::guard::{Entity, Finding, Window};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const CLEAN: &str = "The committee met on Tuesday and the treasurer asked for the figures, \
    which nobody had. Für März fehlte noch die Übersicht (siehe Seite 12): 日本語も。\n\
    fn total(items: &[Item]) -> u64 { items.iter().map(|item| item.count * item.price).sum() }\n\
    {\"items\":[{\"name\":\"bolt M4\",\"count\":12,\"price\":0.35}],\"ok\":true}\n\
    See [the book](https://doc.rust-lang.org/book/ch04-02-references-and-borrowing.html#rules) \
    and ![logo](https://cdn.example.com/static/logo.8f162f1e.svg), version 2.14.1, at 10:30.\n";

/// Scans a text whole and in two pieces.
fn scan(scanner: &dyn Scan, text: &str, out: &mut Vec<Finding>) {
    scanner.scan(Window::whole(text), out);
    let half = (text.len() / 2..).find(|at| text.is_char_boundary(*at));
    let mut from = 0;
    for (end, last) in [(half.unwrap_or_default(), false), (text.len(), true)] {
        let text = &text[..end];
        from = scanner.scan(Window { text, from, last }, out);
    }
}

#[test]
fn a_clean_text_is_scanned_without_an_allocation() {
    let terms = OwnTerms {
        terms: vec!["Acme Corp".to_owned()],
        ignore_case: true,
    };
    let patterns = [r"\bEMP-\d{6}\b".to_owned()];
    let text = CLEAN.repeat(8);
    let all: [(&str, Box<dyn Scan>); 6] = [
        ("pii", Box::new(Pii::new(Entity::ALL))),
        ("secrets", Box::new(Secrets::new())),
        ("own", Box::new(Own::new(&[terms]).unwrap())),
        ("patterns", Box::new(Patterns::new(1, &patterns).unwrap())),
        ("links", Box::new(Links::new(&[]))),
        (
            "canary",
            Box::new(Canary::new(&Canary::word(&[7; 32], "r"))),
        ),
    ];
    for (name, scanner) in all {
        let mut out = Vec::new();
        // Automata build what they need when they first run.
        scan(&*scanner, &text, &mut out);
        assert_eq!(out, [], "{name}");
        let region = Region::new(COUNTING);
        drop(std::hint::black_box(text.clone()));
        assert_eq!(region.change().allocations, 1, "allocations are counted");
        let region = Region::new(COUNTING);
        scan(&*scanner, &text, &mut out);
        let change = region.change();
        let count = change.allocations + change.reallocations;
        assert_eq!(count, 0, "{name} allocates");
    }
}
