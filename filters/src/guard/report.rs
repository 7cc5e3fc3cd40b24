//! What was found in the texts of a request and its answer, and what was done. It
//! can be logged as it is: it never holds a value nor a part of one.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::action::Action;
use super::{Confidence, Kind};

/// The most findings that are told one by one; the rest are counted.
pub const MAX_NOTES: usize = 100;

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    /// What it is.
    #[serde(serialize_with = "kind_name")]
    pub kind: Kind,
    /// The rule that found it.
    pub rule: &'static str,
    /// How sure the rule is.
    #[serde(serialize_with = "percent")]
    pub confidence: Confidence,
    /// The text it stands in: what [`Report::at`] was told.
    pub path: Arc<str>,
    /// Where it begins and ends, in bytes of that text.
    pub bytes: (usize, usize),
    /// What was done, or would have been done without the dry run.
    pub action: Action,
    /// A keyed hash of the value, so that two reports can be compared.
    #[serde(serialize_with = "hex")]
    pub hash: [u8; 8],
}

/// Findings that are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Tally {
    /// The rule that found them.
    pub rule: &'static str,
    /// What they are, as [`name`] has it.
    pub kind: &'static str,
    /// What was done, or would have been done without the dry run.
    pub action: Action,
}

/// What was found and done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The first [`MAX_NOTES`] findings.
    pub notes: Vec<Note>,
    /// How often each rule found something that was treated alike.
    #[serde(serialize_with = "listed")]
    pub counts: BTreeMap<Tally, u64>,
    /// Values that were replaced by a placeholder.
    pub issued: u64,
    /// Placeholders of an answer that became values again.
    pub restored: u64,
    /// Placeholders of an answer that were left alone since they stand in a link.
    pub kept_in_links: u64,
    /// What looks like a placeholder of an answer and is none of this request.
    pub unknown: u64,
    /// How often a scanner broke its law.
    pub faults: u64,
    /// Whether texts stayed as they were.
    pub dry_run: bool,
    #[serde(skip)]
    path: Arc<str>,
}

impl Report {
    /// Says of which text the findings from now on are, as a JSON pointer.
    pub fn at(&mut self, path: &str) {
        if &*self.path != path {
            self.path = path.into();
        }
    }

    /// Whether anything was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty() && self.restored + self.unknown + self.faults == 0
    }

    /// How often a rule found something.
    #[must_use]
    pub fn count(&self, rule: &str) -> u64 {
        let counts = self.counts.iter();
        counts
            .filter(|(tally, _)| tally.rule == rule)
            .map(|(_, count)| count)
            .sum()
    }

    /// Takes over what another report tells.
    pub fn merge(&mut self, other: Report) {
        let room = MAX_NOTES.saturating_sub(self.notes.len());
        self.notes.extend(other.notes.into_iter().take(room));
        for (tally, count) in other.counts {
            *self.counts.entry(tally).or_default() += count;
        }
        self.issued += other.issued;
        self.restored += other.restored;
        self.kept_in_links += other.kept_in_links;
        self.unknown += other.unknown;
        self.faults += other.faults;
        self.dry_run |= other.dry_run;
    }

    /// Writes down a finding of the text that was told last.
    pub fn note(&mut self, note: impl FnOnce(Arc<str>) -> Note) {
        let note = note(Arc::clone(&self.path));
        let tally = Tally {
            rule: note.rule,
            kind: name(note.kind),
            action: note.action,
        };
        *self.counts.entry(tally).or_default() += 1;
        if self.notes.len() < MAX_NOTES {
            self.notes.push(note);
        }
    }
}

/// The name of a kind in reports.
#[must_use]
pub fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Secret => "secret",
        Kind::Pii(entity) => entity.name(),
        Kind::Injection => "injection",
        Kind::Exfiltration => "exfiltration",
        Kind::Canary => "canary",
        Kind::Own(_) => "own",
    }
}

/// As a list: JSON has only texts as names.
fn listed<S: Serializer>(counts: &BTreeMap<Tally, u64>, to: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Counted<'a> {
        #[serde(flatten)]
        tally: &'a Tally,
        count: u64,
    }
    let counted = counts.iter();
    to.collect_seq(counted.map(|(tally, count)| Counted {
        tally,
        count: *count,
    }))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn kind_name<S: Serializer>(kind: &Kind, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(name(*kind))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn percent<S: Serializer>(confidence: &Confidence, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u8(confidence.0)
}

fn hex<S: Serializer>(hash: &[u8; 8], to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&format_args!("{:016x}", u64::from_be_bytes(*hash)))
}
