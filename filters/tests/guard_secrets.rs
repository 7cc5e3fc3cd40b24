//! The secrets' scanner against rows of examples of four scanners and against benign
//! prompts, whole and cut.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use alfred_filters::guard::Window;
use alfred_filters::guard::eval::secrets::{Report, Row, flagged, score};
use alfred_filters::guard::secrets::Secrets;
use alfred_filters::guard::window::{HOLD, OPEN};
use serde_json::Value;

#[path = "guard_secrets/pieces.rs"]
mod pieces;
#[path = "guard/rows.rs"]
mod rows;

use pieces::{pieces, whole};

fn lines(name: &str) -> Vec<Value> {
    rows::rows(name).expect("the rows are needed")
}

fn rows() -> Vec<Row> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    lines("secrets/dev.jsonl")
        .iter()
        .map(|row| Row {
            src: text(&row["src"]),
            rule: text(&row["rule"]),
            label: row["label"] == 1,
            text: row["parts"].as_array().unwrap().iter().map(text).collect(),
        })
        .collect()
}

fn benign() -> Vec<String> {
    lines("injection/dev.jsonl")
        .iter()
        .filter(|row| row["label"] == 0 || row["label"] == "benign")
        .map(|row| row["text"].as_str().unwrap().to_owned())
        .collect()
}

/// Prints what went wrong, for whoever works on the table.
fn explain(report: &Report, rows: &[Row]) {
    if std::env::var_os("SECRETS_EXPLAIN").is_none() {
        return;
    }
    for place in &report.missed {
        let row = &rows[*place];
        println!(
            "MISS {} {:?}",
            row.rule,
            row.text.chars().take(200).collect::<String>()
        );
    }
    for (place, rule) in &report.hit {
        let row = &rows[*place];
        println!(
            "HIT {rule} {} {:?}",
            row.rule,
            row.text.chars().take(200).collect::<String>()
        );
    }
}

#[test]
fn most_examples_of_other_scanners_are_found_and_their_negatives_are_not() {
    let (secrets, rows) = (Secrets::new(), rows());
    let report = score(&secrets, &rows);
    explain(&report, &rows);
    for (src, score) in &report.scores {
        println!("{src}: {score:?}");
    }
    let gitleaks = &report.scores["gitleaks/gitleaks"];
    let kingfisher = &report.scores["mongodb/kingfisher"];
    assert!(gitleaks.found * 100 >= gitleaks.positives * 97);
    assert!(kingfisher.found * 100 >= kingfisher.positives * 60);
    let sum = |count: fn(&alfred_filters::guard::eval::secrets::Score) -> usize| {
        report.scores.values().map(count).sum::<usize>()
    };
    assert!(sum(|s| s.own_hits) * 50 <= sum(|s| s.negatives));
    assert!(sum(|s| s.generic_hits) * 10 <= sum(|s| s.negatives));
}

#[test]
fn benign_prompts_hold_no_secret() {
    let texts = benign();
    assert!(texts.len() > 1000, "{} benign prompts", texts.len());
    let flagged = flagged(&Secrets::new(), texts.iter().map(String::as_str));
    let shown: Vec<&String> = flagged.iter().map(|place| &texts[*place]).collect();
    assert!(shown.is_empty(), "{shown:#?}");
}

#[test]
fn a_text_cut_anywhere_is_judged_like_the_whole() {
    let secrets = Secrets::new();
    let lead = "Some words of no importance come first. ".repeat(6);
    for row in rows() {
        let text = format!("{lead}{}\nand then", row.text);
        let wanted = whole(&secrets, &text);
        let places: Vec<usize> = (lead.len()..text.len())
            .filter(|at| text.is_char_boundary(*at))
            .collect();
        for at in places.iter().step_by(1 + places.len() / 400) {
            assert_eq!(
                pieces(&secrets, &text, &[*at]),
                wanted,
                "cut at {at}: {text:?}"
            );
        }
        for (nth, at) in places.iter().enumerate().step_by(1 + places.len() / 40) {
            let next = places[(nth * 7 + 13) % places.len()];
            let cuts = [*at.min(&next), *at.max(&next)];
            assert_eq!(
                pieces(&secrets, &text, &cuts),
                wanted,
                "cut at {cuts:?}: {text:?}"
            );
        }
        let every: Vec<usize> = places.iter().copied().step_by(5).collect();
        assert_eq!(
            pieces(&secrets, &text, &every),
            wanted,
            "in small pieces: {text:?}"
        );
    }
}

#[test]
fn what_stands_farther_back_than_the_context_changes_nothing() {
    let secrets = Secrets::new();
    for row in rows() {
        let plain = format!("{}\n{}", "aaaa ".repeat(40), row.text);
        let other = format!(
            "{}{}\n{}",
            "the token = ".repeat(9),
            "aaaa ".repeat(40),
            row.text
        );
        let from = |text: &str, lead: usize| -> Vec<_> {
            let found = whole(&secrets, text).into_iter();
            found
                .filter(|f| f.span.start >= lead)
                .map(|f| (f.rule, f.span.start - lead, f.span.end - lead))
                .collect()
        };
        let (near, far) = (plain.len(), other.len());
        let size = row.text.len();
        assert_eq!(
            from(&plain, near - size),
            from(&other, far - size),
            "{}",
            row.text
        );
    }
}

#[test]
fn little_is_held_of_a_text_without_candidates() {
    let secrets = Secrets::new();
    for text in benign() {
        for end in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
            let since = end.saturating_sub(300);
            let since = (0..=since)
                .rev()
                .find(|at| text.is_char_boundary(*at))
                .unwrap();
            let window = Window {
                text: &text[since..end],
                from: 0,
                last: false,
            };
            let held = window.text.len() - secrets.scan(window, &mut Vec::new());
            let token = window
                .text
                .bytes()
                .rev()
                .take_while(|b| !b.is_ascii_whitespace());
            assert!(
                held <= HOLD || token.count() > HOLD,
                "{held}: {:?}",
                window.text
            );
        }
    }
}

#[test]
fn a_token_without_end_is_cut_into_pieces_and_a_rule_of_dashes_holds_nothing() {
    let secrets = Secrets::new();
    let long = "aB3".repeat(20_000);
    let window = |text: &'static str| Window {
        text,
        from: 0,
        last: false,
    };
    let text: &'static str = Box::leak(long.into_boxed_str());
    assert!(text.len() - secrets.scan(window(text), &mut Vec::new()) < OPEN);
    let text: &'static str = Box::leak("=".repeat(50_000).into_boxed_str());
    assert!(text.len() - secrets.scan(window(text), &mut Vec::new()) <= HOLD);
    let text: &'static str = Box::leak("\u{4e2d}".repeat(9_000).into_boxed_str());
    assert_eq!(text.len() - secrets.scan(window(text), &mut Vec::new()), 0);
}
