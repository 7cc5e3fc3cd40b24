//! Why: an operator tunes guards by what they find, rule by rule, and never by the values.

use prometheus::IntCounterVec;

use super::metrics::{Maker, Row, row};

pub(super) const FINDINGS: Row = row(
    "alfred_guard_findings_total",
    "What guards found in requests and answers, by the rule that found it and what was done.",
    &["direction", "rule", "action"],
);

/// The metrics of guards.
#[derive(Clone, Debug)]
pub struct GuardCounts {
    findings: IntCounterVec,
}

impl GuardCounts {
    pub(super) fn new(make: &Maker) -> Self {
        Self {
            findings: make.counters(FINDINGS),
        }
    }

    /// Counts `many` findings of a rule.
    pub fn found(&self, direction: &str, rule: &str, action: &str, many: u64) {
        let labels = [direction, rule, action];
        self.findings.with_label_values(&labels).inc_by(many);
    }
}
