//! How good the secrets' scanner is on rows of examples: pure, so that tests, benches
//! and the command line count alike. A negative is one for its own family only, for
//! another vendor's rule may fire on it rightly; the generic rules count apart.

use std::collections::BTreeMap;

use super::super::secrets::Secrets;
use super::super::{Confidence, Finding, Window};

/// The rules that know no vendor.
const GENERIC: [&str; 4] = [
    "generic-api-key",
    "generic-spaced",
    "password",
    "vendor-key",
];

/// One example.
#[derive(Clone, Debug)]
pub struct Row {
    /// Whose example it is, such as a scanner's repository.
    pub src: String,
    /// The rule it is an example of, by its source's name.
    pub rule: String,
    /// It holds a secret of that rule.
    pub label: bool,
    /// The text, as it is joined from its pieces.
    pub text: String,
}

/// What was found in the rows of one source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Rows with a secret.
    pub positives: usize,
    /// Of these the ones with at least one finding.
    pub found: usize,
    /// Rows without.
    pub negatives: usize,
    /// Of these the ones that a rule of the same vendor hit.
    pub own_hits: usize,
    /// Of these the ones that a generic rule hit.
    pub generic_hits: usize,
}

/// The score of all rows and what went wrong.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// By source.
    pub scores: BTreeMap<String, Score>,
    /// Places of positives without a finding.
    pub missed: Vec<usize>,
    /// Places of negatives with a hit, and the rule.
    pub hit: Vec<(usize, &'static str)>,
}

/// The vendor in a rule's name: its first word.
fn vendor(rule: &str) -> String {
    let rule = rule.strip_prefix("kingfisher.").unwrap_or(rule);
    let end = rule.find(['-', '.', '_']).unwrap_or(rule.len());
    rule.get(..end).unwrap_or(rule).to_ascii_lowercase()
}

/// Whether two rules' names speak of the same thing.
fn same(rule: &str, found: &str) -> bool {
    rule == found || vendor(rule) == vendor(found)
}

/// The findings that count: those of at least medium confidence.
#[must_use]
pub fn findings(secrets: &Secrets, text: &str) -> Vec<Finding> {
    let mut out = Vec::new();
    secrets.scan(Window::whole(text), &mut out);
    out.retain(|finding| finding.confidence >= Confidence::MEDIUM);
    out
}

/// Scores the rows.
#[must_use]
pub fn score(secrets: &Secrets, rows: &[Row]) -> Report {
    let mut report = Report::default();
    for (place, row) in rows.iter().enumerate() {
        let found = findings(secrets, &row.text);
        let score = report.scores.entry(row.src.clone()).or_default();
        if row.label {
            score.positives += 1;
            score.found += usize::from(!found.is_empty());
            if found.is_empty() {
                report.missed.push(place);
            }
            continue;
        }
        score.negatives += 1;
        let generic = found.iter().find(|f| GENERIC.contains(&f.rule));
        let own = found.iter().find(|f| same(&row.rule, f.rule));
        score.own_hits += usize::from(own.is_some());
        score.generic_hits += usize::from(generic.is_some());
        report.hit.extend(own.or(generic).map(|f| (place, f.rule)));
    }
    report
}

/// How many of the texts hold a secret, by the scanner's word: benign prompts should
/// hold none. Gives their places.
#[must_use]
pub fn flagged<'a>(secrets: &Secrets, texts: impl Iterator<Item = &'a str>) -> Vec<usize> {
    texts
        .enumerate()
        .filter(|(_, text)| !findings(secrets, text).is_empty())
        .map(|(place, _)| place)
        .collect()
}
