//! Judges rows, sets thresholds by what benign rows got, and counts.

use std::borrow::Cow;

use alfred_filters::guard::eval::injection::{Rates, Scores};
use alfred_filters::guard::injection::linear::Thresholds;
use alfred_filters::guard::injection::{Injection, Level, Trust};

use super::data::Row;

/// What part of benign rows may be logged, and what part blocked. Less than the
/// hundredth that is promised, for a threshold fits its own rows best.
const LOGGED: f32 = 0.007;
/// The same for documents, of which there are few: one odd row must not set the threshold.
const LOGGED_DOCUMENTS: f32 = 0.01;
const BLOCKED: f32 = 0.0015;
/// How far above the surest benign row blocking begins.
const STRICT: f32 = 0.5;

/// A row and its margin.
pub(crate) struct Judged<'a> {
    row: &'a Row,
    /// Who is taken to have written it.
    trust: Trust,
    margin: f32,
    rule: Option<&'static str>,
}

/// Judges rows by a table.
pub(crate) fn judge<'a>(table: Vec<u8>, rows: impl Iterator<Item = &'a Row>) -> Vec<Judged<'a>> {
    let judge = Injection::with(Cow::Owned(table));
    let one = |row: &'a Row, trust| {
        let (margin, rule) = judge.margin(&row.text, trust);
        Judged {
            row,
            trust,
            margin,
            rule,
        }
    };
    rows.flat_map(|row| {
        // Users paste documents too.
        let pasted = !row.attack && row.trust() == Trust::Tool;
        let pasted = pasted.then(|| one(row, Trust::User));
        std::iter::once(one(row, row.trust())).chain(pasted)
    })
    .collect()
}

/// Counts of honest documents that a user pasted, by the thresholds.
pub(crate) fn pasted(judged: &[Judged<'_>], thresholds: Thresholds) -> Rates {
    let mut rates = Rates::default();
    for one in judged.iter().filter(|one| one.trust != one.row.trust()) {
        rates.add(one.row.attack, thresholds.level(one.margin, one.trust));
    }
    rates
}

/// The thresholds that let the allowed part of the benign rows through.
pub(crate) fn thresholds(judged: &[Judged<'_>]) -> Thresholds {
    Thresholds {
        user_log: quantile(judged, Trust::User, LOGGED),
        tool_log: quantile(judged, Trust::Tool, LOGGED_DOCUMENTS),
        user_block: quantile(judged, Trust::User, BLOCKED) + STRICT,
        tool_block: quantile(judged, Trust::Tool, BLOCKED) + STRICT,
    }
}

/// The margin that at most this part of the benign rows reaches.
fn quantile(judged: &[Judged<'_>], trust: Trust, part: f32) -> f32 {
    let mut margins: Vec<f32> = judged
        .iter()
        .filter(|one| !one.row.attack && one.trust == trust)
        .map(|one| one.margin)
        .collect();
    margins.sort_by(|a, b| b.total_cmp(a));
    let allowed = (margins.len() as f32 * part) as usize;
    margins.get(allowed).copied().unwrap_or(0.0) + 0.01
}

/// The counts by the thresholds, each row once.
pub(crate) fn scores(judged: &[Judged<'_>], thresholds: Thresholds) -> Scores {
    let mut scores = Scores::default();
    for Judged { row, margin, .. } in judged.iter().filter(|one| one.trust == one.row.trust()) {
        let level = thresholds.level(*margin, row.trust());
        scores.add(&row.source, &row.kind, row.attack, level);
    }
    scores
}

/// The texts that went wrong.
pub(crate) fn print_wrong(judged: &[Judged<'_>], thresholds: Thresholds) {
    for one in judged {
        let Judged {
            row, margin, rule, ..
        } = one;
        if (thresholds.level(*margin, one.trust) >= Level::Log) != row.attack {
            let text: String = row.text.chars().take(160).collect();
            let sign = if row.attack { "MISSED" } else { "WRONG" };
            println!("{sign} {margin:.2} {} {rule:?} {text:?}", row.source);
        }
    }
}
