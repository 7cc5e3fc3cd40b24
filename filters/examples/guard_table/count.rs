//! Counts what tools found, and compares ours with its goals.

use std::collections::BTreeMap;

use alfred_filters::guard::Entity;
use alfred_filters::guard::eval::pii::{self, Score};
use alfred_filters::guard::eval::{injection, secrets};
use alfred_filters::guard::injection::Injection;
use alfred_filters::guard::secrets::Secrets;

use super::found::{Tool, Values};
use super::rows::Rows;

/// How each kind fared on texts with marked values.
pub(crate) fn by_kind(rows: &[pii::Row], found: &[Values]) -> BTreeMap<Entity, Score> {
    let mut report = pii::Report::default();
    for (place, (row, found)) in rows.iter().zip(found).enumerate() {
        report.add(place, row, found);
    }
    report.scores
}

/// All kinds together.
pub(crate) fn together(scores: &BTreeMap<Entity, Score>) -> Score {
    let mut all = Score::default();
    for score in scores.values() {
        all.right += score.right;
        all.wrong += score.wrong;
        all.found += score.found;
        all.missed += score.missed;
    }
    all
}

/// How many examples of each source there are, and in how many something was found.
pub(crate) fn by_source(rows: &Rows, tool: &Tool, label: bool) -> BTreeMap<String, (usize, usize)> {
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let rows = rows.secrets.iter().zip(&tool.secrets);
    for (row, found) in rows.filter(|(row, _)| row.label == label) {
        let (all, hit) = counts.entry(row.src.clone()).or_default();
        *all += 1;
        *hit += usize::from(*found);
    }
    counts
}

/// A promise and what was measured.
pub(crate) struct Goal {
    pub(crate) what: &'static str,
    /// In percent.
    pub(crate) is: f64,
    /// In percent: at least, or at most.
    pub(crate) bound: f64,
    pub(crate) at_least: bool,
    /// Of so many examples.
    pub(crate) of: usize,
}

impl Goal {
    /// Whether it is kept; a promise about nothing is.
    pub(crate) fn is_reached(&self) -> bool {
        self.of == 0
            || match self.at_least {
                true => self.is >= self.bound,
                false => self.is <= self.bound,
            }
    }
}

/// Our goals.
pub(crate) fn goals(rows: &Rows) -> Vec<Goal> {
    let report = secrets::score(&Secrets::new(), &rows.secrets);
    let of = |name: &str| {
        let scores = report
            .scores
            .iter()
            .find(|(source, _)| source.contains(name));
        scores.map(|(_, score)| score.clone()).unwrap_or_default()
    };
    let (gitleaks, kingfisher) = (of("gitleaks"), of("kingfisher"));
    let negatives: usize = report.scores.values().map(|score| score.negatives).sum();
    let own: usize = report.scores.values().map(|score| score.own_hits).sum();
    let generic: usize = report.scores.values().map(|score| score.generic_hits).sum();
    let honest = rows.honest_texts().count();
    let with_secrets = secrets::flagged(&Secrets::new(), rows.honest_texts()).len();
    let attacks = attacks(rows);
    let (all, words) = (attacks.all(), attacks.overdefense());
    let goal = |what, some: usize, of: usize, at_least, bound| Goal {
        what,
        is: 100.0 * some as f64 / of.max(1) as f64,
        bound,
        at_least,
        of,
    };
    vec![
        goal(
            "secrets of gitleaks found",
            gitleaks.found,
            gitleaks.positives,
            true,
            97.0,
        ),
        goal(
            "secrets of kingfisher found",
            kingfisher.found,
            kingfisher.positives,
            true,
            60.0,
        ),
        goal(
            "negatives hit by their own family",
            own,
            negatives,
            false,
            2.0,
        ),
        goal(
            "negatives hit by a generic rule",
            generic,
            negatives,
            false,
            10.0,
        ),
        goal(
            "honest prompts with a secret",
            with_secrets,
            honest,
            false,
            0.0,
        ),
        goal("attacks found", all.found, all.attacks, true, 55.0),
        goal(
            "honest prompts flagged as attacks",
            all.flagged,
            all.benign,
            false,
            1.0,
        ),
        goal(
            "honest prompts with the words of attacks flagged",
            words.flagged,
            words.benign,
            false,
            2.0,
        ),
    ]
}

fn attacks(rows: &Rows) -> injection::Scores {
    let judge = Injection::shipped();
    let mut scores = injection::Scores::default();
    for prompt in &rows.prompts {
        let level = judge.judge(&prompt.text, prompt.trust()).level;
        scores.add(&prompt.source, &prompt.kind, prompt.attack, level);
    }
    scores
}
