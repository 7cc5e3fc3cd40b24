//! Why: an operator tunes guards by what they find, rule by rule, and never by the values.

use prometheus::IntCounterVec;

use super::metrics::{Maker, Row, row};
use super::receipt::Receipt;

pub(super) const FINDINGS: Row = row(
    "alfred_guard_findings_total",
    "What guards found in requests and answers, by the rule that found it.",
    &["direction", "rule"],
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

    /// Counts what the guards found in one request and its answer.
    pub(super) fn count(&self, receipt: &Receipt) {
        let both = [
            ("request", &receipt.guarded_request),
            ("answer", &receipt.guarded_answer),
        ];
        for (direction, report) in both {
            for (rule, many) in report.iter().flat_map(|report| &report.counts) {
                let labels = [direction, rule];
                self.findings.with_label_values(&labels).inc_by(*many);
            }
        }
    }
}
