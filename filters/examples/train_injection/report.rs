//! Judges rows, sets thresholds by what benign rows got, and prints the figures.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use alfred_filters::guard::injection::linear::Thresholds;
use alfred_filters::guard::injection::{Injection, Trust};

use super::data::Row;

/// What part of benign rows may be logged, and what part blocked. Less than the
/// hundredth that is promised, for a threshold fits its own rows best.
const LOGGED: f32 = 0.007;
const BLOCKED: f32 = 0.0015;

/// A row and its margin.
pub(crate) struct Judged {
    source: String,
    kind: String,
    attack: bool,
    document: bool,
    text: String,
    margin: f32,
    rule: Option<&'static str>,
}

/// Judges rows by a table.
pub(crate) fn judge<'a>(table: Vec<u8>, rows: impl Iterator<Item = &'a Row>) -> Vec<Judged> {
    let judge = Injection::with(Cow::Owned(table));
    rows.map(|row| {
        let trust = if row.document() {
            Trust::Tool
        } else {
            Trust::User
        };
        let (margin, rule) = judge.margin(&row.text, trust);
        Judged {
            source: row.source.clone(),
            kind: row.kind.clone(),
            attack: row.attack,
            document: row.document(),
            text: row.text.clone(),
            margin,
            rule,
        }
    })
    .collect()
}

/// The thresholds that let the allowed part of the benign rows through.
pub(crate) fn thresholds(judged: &[Judged]) -> Thresholds {
    Thresholds {
        user_log: quantile(judged, false, LOGGED),
        tool_log: quantile(judged, true, LOGGED),
        user_block: quantile(judged, false, BLOCKED) + 0.5,
        tool_block: quantile(judged, true, BLOCKED) + 0.5,
    }
}

/// The margin that at most this part of the benign rows reaches.
fn quantile(judged: &[Judged], document: bool, part: f32) -> f32 {
    let mut margins: Vec<f32> = judged
        .iter()
        .filter(|row| !row.attack && row.document == document)
        .map(|row| row.margin)
        .collect();
    margins.sort_by(|a, b| b.total_cmp(a));
    let allowed = (margins.len() as f32 * part) as usize;
    margins.get(allowed).copied().unwrap_or(0.0) + 0.01
}

/// What part of the rows is flagged.
#[derive(Default, Clone, Copy)]
pub(crate) struct Rates {
    attacks: usize,
    found: usize,
    blocked: usize,
    benign: usize,
    wrong: usize,
    refused: usize,
}

impl Rates {
    pub(crate) fn of<'a>(
        judged: impl IntoIterator<Item = &'a Judged>,
        thresholds: Thresholds,
    ) -> Rates {
        let mut rates = Rates::default();
        for row in judged {
            let (log, block) = if row.document {
                (thresholds.tool_log, thresholds.tool_block)
            } else {
                (thresholds.user_log, thresholds.user_block)
            };
            let (log, block) = (
                usize::from(row.margin >= log),
                usize::from(row.margin >= block),
            );
            if row.attack {
                rates.attacks += 1;
                rates.found += log;
                rates.blocked += block;
            } else {
                rates.benign += 1;
                rates.wrong += log;
                rates.refused += block;
            }
        }
        rates
    }
}

impl fmt::Display for Rates {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |some: usize, all: usize| 100.0 * some as f32 / all.max(1) as f32;
        if self.attacks > 0 {
            let found = part(self.found, self.attacks);
            let blocked = part(self.blocked, self.attacks);
            write!(
                out,
                "attacks {:4}: {found:5.1} % found, {blocked:5.1} % blocked  ",
                self.attacks
            )?;
        }
        if self.benign > 0 {
            let wrong = part(self.wrong, self.benign);
            let refused = part(self.refused, self.benign);
            write!(
                out,
                "benign {:4}: {wrong:4.2} % flagged, {refused:4.2} % blocked",
                self.benign
            )?;
        }
        Ok(())
    }
}

/// The whole table; with `SHOW` in the environment the texts that went wrong too.
pub(crate) fn print(judged: &[Judged], thresholds: Thresholds) {
    println!("{:28} {}", "all", Rates::of(judged, thresholds));
    let mut groups: BTreeMap<(&str, &str), Vec<&Judged>> = BTreeMap::new();
    for row in judged {
        groups
            .entry((&row.source, &row.kind))
            .or_default()
            .push(row);
    }
    for ((source, kind), rows) in groups {
        println!(
            "{:28} {}",
            format!("{source} {kind}"),
            Rates::of(rows, thresholds)
        );
    }
    if std::env::var_os("SHOW").is_some() {
        for row in judged {
            let log = if row.document {
                thresholds.tool_log
            } else {
                thresholds.user_log
            };
            if (row.margin >= log) != row.attack {
                let text: String = row.text.chars().take(160).collect();
                let sign = if row.attack { "MISSED" } else { "WRONG" };
                println!(
                    "{sign} {:.2} {} {:?} {text:?}",
                    row.margin, row.source, row.rule
                );
            }
        }
    }
}
