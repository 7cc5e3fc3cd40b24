//! How good the scanner of personal data is on marked texts, how rarely it fires on
//! ordinary prompts, and that cuts do not matter on any of them. The data lies outside
//! the repository: without it the tests fail, unless `ALFRED_SHARED_OPTIONAL` is 1.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails loudly"
)]

#[path = "guard/rows.rs"]
mod rows;

use alfred_filters::guard::entity::Tier;
use alfred_filters::guard::eval::pii::{Report, Row, score};
use alfred_filters::guard::pii::Pii;
use alfred_filters::guard::{Confidence, Entity, Finding, Kind, Window};
use serde_json::Value;

fn rows(name: &str) -> Vec<Value> {
    rows::rows(name).unwrap_or_default()
}

fn of_kind(kind: &str) -> Vec<Row> {
    let all = rows("pii/dev.jsonl");
    all.iter()
        .filter(|row| row["kind"] == kind)
        .map(|row| Row::read(row).expect("a row has a text and spans"))
        .collect()
}

fn defaults() -> Pii {
    Pii::new(&Entity::defaults().collect::<Vec<_>>())
}

fn print(title: &str, report: &Report, rows: &[Row]) {
    println!("{title:<22}      P      R     F1  found missed wrong");
    for (entity, score) in &report.scores {
        println!(
            "{:<22} {:>6.3} {:>6.3} {:>6.3} {:>6} {:>6} {:>5}",
            entity.name(),
            score.precision(),
            score.recall(),
            score.f1(),
            score.found,
            score.missed,
            score.wrong
        );
    }
    if std::env::var_os("GUARD_ERRORS").is_some() {
        for (what, list) in [("missed", &report.missed), ("wrong", &report.wrong)] {
            for (place, entity, span) in list {
                let text = &rows[*place].text;
                println!(
                    "{what} {} {:?} in {text:?}",
                    entity.name(),
                    &text[span.clone()]
                );
            }
        }
    }
}

#[test]
fn marked_values_are_found_and_nothing_else() {
    let rows = of_kind("doc");
    let mut report = score(&defaults(), &rows, Confidence::MEDIUM);
    let wanted: Vec<Entity> = Entity::defaults().collect();
    report.scores.retain(|entity, _| wanted.contains(entity));
    report
        .missed
        .retain(|(_, entity, _)| wanted.contains(entity));
    print("texts", &report, &rows);
    for (entity, score) in &report.scores {
        if entity.tier() == Tier::A {
            assert!(score.f1() >= 0.98, "{}: {score:?}", entity.name());
        }
        if *entity == Entity::Phone {
            assert!(
                score.recall() >= 0.85 && score.precision() >= 0.97,
                "{score:?}"
            );
        }
    }
}

#[test]
fn numbers_of_every_country_are_told_by_their_grammar() {
    let rows: Vec<Row> = of_kind("unit")
        .into_iter()
        .filter(|row| !row.only.is_empty())
        .collect();
    let (mut found, mut all) = (0, 0);
    for entity in Entity::ALL {
        let own: Vec<Row> = rows
            .iter()
            .filter(|row| row.only.contains(entity))
            .cloned()
            .collect();
        if own.is_empty() {
            continue;
        }
        let report = score(&Pii::new(&[*entity]), &own, Confidence(1));
        print("unit rows", &report, &own);
        let score = report.scores.get(entity).copied().unwrap_or_default();
        found += score.found;
        all += score.found + score.missed;
    }
    println!("values of unit rows: {found} of {all}");
    assert!(
        all == 0 || found * 100 >= all * UNIT_PERCENT,
        "{found} of {all}"
    );
}

/// The least share of the recognisers' own examples that is found, in percent.
const UNIT_PERCENT: usize = 85;

#[test]
fn ordinary_prompts_hold_no_personal_data() {
    let pii = defaults();
    let prompts = rows("injection/dev.jsonl");
    let benign: Vec<&Value> = prompts.iter().filter(|row| row["label"] == 0).collect();
    let (mut wrong, mut phones) = (0, 0);
    for row in &benign {
        let text = row["text"].as_str().expect("a prompt has a text");
        let mut out = Vec::new();
        pii.scan(Window::whole(text), &mut out);
        for finding in out
            .iter()
            .filter(|finding| finding.confidence >= Confidence::MEDIUM)
        {
            let value = &text[finding.span.clone()];
            println!("{} {value:?} {}", finding.rule, finding.confidence.0);
            // Prompts do hold such values; a shape with no word or checksum is a mistake.
            wrong += usize::from(finding.confidence < Confidence::HIGH);
            phones += usize::from(finding.kind == Kind::Pii(Entity::Phone));
        }
    }
    println!(
        "{wrong} findings of a wrong shape in {} prompts",
        benign.len()
    );
    assert!(wrong * 1000 <= benign.len(), "{wrong} of {}", benign.len());
    assert!(
        phones * 100 <= benign.len(),
        "{phones} phones of {}",
        benign.len()
    );
}

#[test]
fn every_text_cut_in_two_gives_the_findings_of_the_whole() {
    let pii = Pii::new(Entity::ALL);
    for row in rows("pii/dev.jsonl") {
        let text = row["text"].as_str().expect("a row has a text");
        let mut whole: Vec<Finding> = Vec::new();
        pii.scan(Window::whole(text), &mut whole);
        for cut in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
            let mut found = Vec::new();
            let (text, last) = (&text[..cut], false);
            let from = pii.scan(
                Window {
                    text,
                    from: 0,
                    last,
                },
                &mut found,
            );
            let text = row["text"].as_str().expect("a row has a text");
            let last = true;
            pii.scan(Window { text, from, last }, &mut found);
            assert_eq!(found, whole, "{text:?} at {cut}");
        }
    }
}

#[test]
fn names_and_addresses_are_found_by_their_phrases_and_little_else() {
    let pii = Pii::new(&[Entity::Person, Entity::Address]);
    let rows = of_kind("doc");
    let mut report = score(&pii, &rows, Confidence::LOW);
    report.scores.retain(|entity, _| entity.tier() == Tier::C);
    report
        .missed
        .retain(|(_, entity, _)| entity.tier() == Tier::C);
    print("names, addresses", &report, &rows);
    for (entity, score) in &report.scores {
        // Most names of the data stand without a phrase: a grammar cannot find them.
        assert!(score.precision() >= 0.95, "{}: {score:?}", entity.name());
        assert!(score.recall() >= 0.05, "{}: {score:?}", entity.name());
    }
    let prompts = rows_of_prompts();
    let found = prompts.iter().map(|text| {
        let mut out = Vec::new();
        pii.scan(Window::whole(text), &mut out);
        out.retain(|finding| finding.confidence >= Confidence::MEDIUM);
        out.len()
    });
    let found: usize = found.sum();
    println!("{found} names and addresses in {} prompts", prompts.len());
    // Prompts do speak of a Mr. Smith: two in a hundred is all that is allowed.
    assert!(found * 50 <= prompts.len(), "{found} of {}", prompts.len());
}

/// The texts of prompts that mean no harm.
fn rows_of_prompts() -> Vec<String> {
    let prompts = rows("injection/dev.jsonl");
    let benign = prompts.iter().filter(|row| row["label"] == 0);
    let texts = benign.map(|row| {
        row["text"]
            .as_str()
            .expect("a prompt has a text")
            .to_owned()
    });
    texts.collect()
}
