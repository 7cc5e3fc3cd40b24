//! The secrets' scanner against rows of examples of four scanners and against benign
//! prompts, whole and cut.

use std::path::PathBuf;

use alfred_filters::guard::eval::secrets::{Report, Row, flagged, score};
use alfred_filters::guard::secrets::Secrets;
use serde_json::Value;

/// A file of the shared data.
fn shared(name: &str) -> String {
    let folder = std::env::var("ALFRED_SHARED").map_or_else(
        |_| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        PathBuf::from,
    );
    let path = folder.join("data/safety").join(name);
    std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{} cannot be read: {error}", path.display()))
}

fn lines(name: &str) -> Vec<Value> {
    let text = shared(name);
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
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
