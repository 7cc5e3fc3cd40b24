//! How many attacks are found and how many honest texts are flagged, by source
//! and kind of the texts.

use std::collections::BTreeMap;
use std::fmt;

use crate::guard::injection::Level;

/// Honest texts with the words of attacks; their rate is a figure of its own.
const OVERDEFENSE: &str = "overdefense";

/// Counts of one group of texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Texts that attack.
    pub attacks: usize,
    /// Of these: logged or blocked.
    pub found: usize,
    /// Of these: blocked.
    pub blocked: usize,
    /// Texts that do not.
    pub benign: usize,
    /// Of these: logged or blocked.
    pub flagged: usize,
    /// Of these: blocked.
    pub refused: usize,
}

impl Rates {
    /// Counts one text.
    pub fn add(&mut self, attack: bool, level: Level) {
        let log = usize::from(level >= Level::Log);
        let block = usize::from(level >= Level::Block);
        if attack {
            self.attacks += 1;
            self.found += log;
            self.blocked += block;
        } else {
            self.benign += 1;
            self.flagged += log;
            self.refused += block;
        }
    }

    /// Counts of both groups.
    #[must_use]
    pub fn plus(self, other: Rates) -> Rates {
        Rates {
            attacks: self.attacks + other.attacks,
            found: self.found + other.found,
            blocked: self.blocked + other.blocked,
            benign: self.benign + other.benign,
            flagged: self.flagged + other.flagged,
            refused: self.refused + other.refused,
        }
    }

    /// The part of the attacks that is found, 0 to 1; 0 without attacks.
    #[must_use]
    pub fn recall(self) -> f64 {
        part(self.found, self.attacks)
    }

    /// The part of the honest texts that is flagged, 0 to 1; 0 without any.
    #[must_use]
    pub fn false_positives(self) -> f64 {
        part(self.flagged, self.benign)
    }
}

fn part(some: usize, all: usize) -> f64 {
    some as f64 / all.max(1) as f64
}

impl fmt::Display for Rates {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.attacks > 0 {
            let found = 100.0 * self.recall();
            let blocked = 100.0 * part(self.blocked, self.attacks);
            write!(out, "attacks {:4}: ", self.attacks)?;
            write!(out, "{found:5.1} % found, {blocked:5.1} % blocked  ")?;
        }
        if self.benign > 0 {
            let flagged = 100.0 * self.false_positives();
            let refused = 100.0 * part(self.refused, self.benign);
            write!(out, "benign {:4}: ", self.benign)?;
            write!(out, "{flagged:4.2} % flagged, {refused:4.2} % blocked")?;
        }
        Ok(())
    }
}

/// Counts of all groups.
#[derive(Clone, Debug, Default)]
pub struct Scores {
    groups: BTreeMap<(String, String), Rates>,
}

impl Scores {
    /// Counts one text of a source and kind.
    pub fn add(&mut self, source: &str, kind: &str, attack: bool, level: Level) {
        let group = (source.to_owned(), kind.to_owned());
        self.groups.entry(group).or_default().add(attack, level);
    }

    /// Everything together.
    #[must_use]
    pub fn all(&self) -> Rates {
        self.groups
            .values()
            .fold(Rates::default(), |all, rates| all.plus(*rates))
    }

    /// One kind of all sources.
    #[must_use]
    pub fn kind(&self, kind: &str) -> Rates {
        self.groups
            .iter()
            .filter(|((_, other), _)| other == kind)
            .fold(Rates::default(), |all, (_, rates)| all.plus(*rates))
    }

    /// Honest texts with the words of attacks.
    #[must_use]
    pub fn overdefense(&self) -> Rates {
        self.kind(OVERDEFENSE)
    }
}

impl fmt::Display for Scores {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{:36} {}", "all", self.all())?;
        for ((source, kind), rates) in &self.groups {
            writeln!(out, "{:36} {rates}", format!("{source} {kind}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_count_what_is_found_and_what_is_flagged_apart() {
        let mut scores = Scores::default();
        scores.add("a", "direct", true, Level::Block);
        scores.add("a", "direct", true, Level::None);
        scores.add("b", "overdefense", false, Level::Log);
        scores.add("b", "benign", false, Level::None);
        let all = scores.all();
        assert_eq!(
            (all.found, all.blocked, all.flagged, all.refused),
            (1, 1, 1, 0)
        );
        assert!((all.recall() - 0.5).abs() < 1e-9);
        assert!((scores.overdefense().false_positives() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn nothing_counted_is_no_rate() {
        assert!(Scores::default().all().recall().abs() < 1e-9);
    }
}
