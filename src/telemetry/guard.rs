//! Why: an operator tunes guards by what they find, rule by rule, and never by the values.

use prometheus::IntCounterVec;

use super::metrics::{Maker, Row, row};
use super::receipt::Receipt;

pub(super) const FINDINGS: Row = row(
    "alfred_guard_findings_total",
    "What guards found in requests and answers, by the rule that found it.",
    &["direction", "rule"],
);

pub(super) const ASKED: Row = row(
    "alfred_guard_calls_total",
    "Times a service was asked about a request; outcome is passed, stopped or fault.",
    &["service", "outcome"],
);

/// The metrics of guards.
#[derive(Clone, Debug)]
pub struct GuardCounts {
    findings: IntCounterVec,
    asked: IntCounterVec,
}

impl GuardCounts {
    pub(super) fn new(make: &Maker) -> Self {
        Self {
            findings: make.counters(FINDINGS),
            asked: make.counters(ASKED),
        }
    }

    /// A service was asked about a request.
    pub fn asked(&self, (service, outcome): (&str, &str)) {
        self.asked.with_label_values(&[service, outcome]).inc();
    }

    /// Counts what the guards found in one request and its answer.
    pub(super) fn count(&self, receipt: &Receipt) {
        let both = [
            ("request", &receipt.guarded_request),
            ("answer", &receipt.guarded_answer),
        ];
        for (direction, report) in both {
            for (tally, many) in report.iter().flat_map(|report| &report.counts) {
                let labels = [direction, tally.rule];
                self.findings.with_label_values(&labels).inc_by(*many);
            }
        }
    }
}
