//! What the targets of the guards share: scanners as they are shipped, and texts
//! that are cut where the input says.

use std::sync::Arc;

use alfred_filters::guard::Entity;
use alfred_filters::guard::canary::Canary;
use alfred_filters::guard::links::Links;
use alfred_filters::guard::own::{Own, OwnTerms};
use alfred_filters::guard::own_patterns::Patterns;
use alfred_filters::guard::pii::Pii;
use alfred_filters::guard::policy::Scan;
use alfred_filters::guard::secrets::Secrets;

use crate::Choices;

/// The key of every fuzzed vault and canary.
pub const KEY: [u8; 32] = [7; 32];

/// Every scanner, with all it can look for.
pub fn scanners() -> Vec<(&'static str, Arc<dyn Scan>)> {
    let terms = ["Acme", "Acme Corp", "Müller AG", "株式会社"].map(str::to_owned);
    let terms = OwnTerms {
        terms: terms.to_vec(),
        ignore_case: true,
    };
    let patterns = [r"\bEMP-\d{6}\b", r"(?i)proj[ -]?\w{1,9}", "ab|abcd", "x.{1,3}y"];
    let patterns = patterns.map(str::to_owned);
    let hosts = ["cdn.acme.test", "*.trusted.test"].map(str::to_owned);
    let canary = Canary::new(&Canary::word(&KEY, "req_1"));
    vec![
        ("pii", Arc::new(Pii::new(Entity::ALL))),
        ("secrets", Arc::new(Secrets::new())),
        ("own", Arc::new(Own::new(&[terms]).unwrap())),
        ("patterns", Arc::new(Patterns::new(1, &patterns).unwrap())),
        ("links", Arc::new(Links::new(&hosts))),
        ("canary", Arc::new(canary)),
    ]
}

/// A text in pieces of the sizes that were chosen, cut between characters.
pub fn pieces<'a>(choices: Choices<'_>, text: &'a str) -> Vec<&'a str> {
    let (sizes, mut rest) = (choices.sizes(), text);
    let mut pieces = Vec::new();
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let end = (*size..rest.len()).find(|at| rest.is_char_boundary(*at));
        let (piece, after) = rest.split_at(end.unwrap_or(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces
}
