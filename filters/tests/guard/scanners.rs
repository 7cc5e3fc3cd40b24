//! Every scanner as it is shipped, with something to look for: tests of cuts and the
//! fuzz targets hold the same ones to the law.

#![allow(unreachable_pub, reason = "the fuzz targets are another crate")]

use std::sync::Arc;

use alfred_filters::guard::Entity;
use alfred_filters::guard::canary::Canary;
use alfred_filters::guard::encoded::Encoded;
use alfred_filters::guard::links::Links;
use alfred_filters::guard::own::{Own, OwnTerms};
use alfred_filters::guard::own_patterns::Patterns;
use alfred_filters::guard::pii::Pii;
use alfred_filters::guard::policy::Scan;
use alfred_filters::guard::secrets::Secrets;

/// The key of every vault and canary here.
pub const KEY: [u8; 32] = [7; 32];

/// Scanners by name.
pub type Scanners = Vec<(&'static str, Arc<dyn Scan>)>;

/// Every scanner, with all it can look for.
pub fn scanners() -> Scanners {
    let terms = ["Acme", "Acme Corp", "Müller AG", "株式会社"].map(str::to_owned);
    let terms = OwnTerms {
        terms: terms.to_vec(),
        ignore_case: true,
    };
    let patterns = [
        r"\bEMP-\d{6}\b",
        r"(?i)proj[ -]?\w{1,9}",
        "ab|abcd",
        "x.{1,3}y",
    ];
    let patterns = patterns.map(str::to_owned);
    let hosts = ["cdn.acme.test", "*.trusted.test"].map(str::to_owned);
    let canary = Canary::new(&Canary::word(&KEY, "req_1"));
    let shown: Vec<Arc<dyn Scan>> = vec![
        Arc::new(Pii::new(&[Entity::Email])),
        Arc::new(Secrets::new()),
    ];
    vec![
        ("pii", Arc::new(Pii::new(Entity::ALL))),
        ("secrets", Arc::new(Secrets::new())),
        ("own", Arc::new(Own::new(&[terms]).unwrap())),
        ("patterns", Arc::new(Patterns::new(1, &patterns).unwrap())),
        ("links", Arc::new(Links::new(&hosts))),
        ("canary", Arc::new(canary)),
        ("encoded", Arc::new(Encoded::new(shown))),
    ]
}
