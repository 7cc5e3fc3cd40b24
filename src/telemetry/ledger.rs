//! How the ledger does, as metrics that are read at the moment of the scrape.

use std::sync::{Mutex, PoisonError};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Counter, Gauge, Opts};

use super::metrics::Row;

/// The table: name, what it tells, and whether it only grows.
pub(super) const ROWS: [(Row, bool); 8] = [
    (
        row(
            "alfred_ledger_backlog",
            "Settlements that the database has not confirmed.",
        ),
        false,
    ),
    (
        row(
            "alfred_ledger_lag_seconds",
            "How long the oldest batch of settlements has been on its way.",
        ),
        false,
    ),
    (
        row(
            "alfred_ledger_store_up",
            "1 while the ledger reaches its database.",
        ),
        false,
    ),
    (
        row(
            "alfred_ledger_journal_up",
            "1 while the journal of money can be written.",
        ),
        false,
    ),
    (
        row(
            "alfred_ledger_settlements_total",
            "Settlements posted to the database.",
        ),
        true,
    ),
    (
        row(
            "alfred_ledger_stuck_total",
            "Settlements that the database refuses for good; they stay in the journal.",
        ),
        true,
    ),
    (
        row(
            "alfred_ledger_holds_unresolved_total",
            "Holds that no way out resolved and that were charged in full; must be 0.",
        ),
        true,
    ),
    (
        row(
            "alfred_ledger_soft_limits_total",
            "Times that a wallet passed its soft limit.",
        ),
        true,
    ),
];

const fn row(name: &'static str, help: &'static str) -> Row {
    Row {
        name,
        help,
        labels: &[],
    }
}

/// The figures, in the order of the table.
pub type LedgerFigures = [f64; 8];

type Source = dyn Fn() -> LedgerFigures + Send + Sync;

enum Made {
    Gauge(Gauge),
    /// With what it showed last.
    Counter(Counter, Mutex<f64>),
}

/// Asks for the figures at every scrape.
pub(super) struct LedgerCollector {
    made: Vec<Made>,
    source: Box<Source>,
}

impl LedgerCollector {
    pub(super) fn new(source: Box<Source>) -> prometheus::Result<Self> {
        let make = |(row, grows): (Row, bool)| {
            let opts = Opts::new(row.name, row.help);
            Ok(match grows {
                true => Made::Counter(Counter::with_opts(opts)?, Mutex::default()),
                false => Made::Gauge(Gauge::with_opts(opts)?),
            })
        };
        let made = ROWS
            .into_iter()
            .map(make)
            .collect::<prometheus::Result<_>>()?;
        Ok(Self { made, source })
    }
}

impl Collector for LedgerCollector {
    fn desc(&self) -> Vec<&Desc> {
        let mut all = Vec::with_capacity(self.made.len());
        for made in &self.made {
            all.extend(match made {
                Made::Gauge(gauge) => gauge.desc(),
                Made::Counter(counter, _) => counter.desc(),
            });
        }
        all
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let figures = (self.source)();
        let mut families = Vec::with_capacity(self.made.len());
        for (made, figure) in self.made.iter().zip(figures) {
            match made {
                Made::Gauge(gauge) => {
                    gauge.set(figure);
                    families.extend(gauge.collect());
                }
                Made::Counter(counter, shown) => {
                    let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
                    counter.inc_by((figure - *shown).max(0.0));
                    *shown = figure.max(*shown);
                    families.extend(counter.collect());
                }
            }
        }
        families
    }
}

#[cfg(test)]
mod tests {
    use super::super::Metrics;

    #[test]
    fn what_only_grows_is_a_counter_and_shows_the_whole_sum() {
        let metrics = Metrics::new();
        let asked = std::sync::atomic::AtomicU32::new(0);
        metrics.watch_ledger(Box::new(move || {
            let n = f64::from(asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1);
            [n, 0.5, 1.0, 1.0, n * 10.0, 0.0, 0.0, 2.0]
        }));
        for n in [1, 2] {
            let text = String::from_utf8(metrics.scrape()).expect("text");
            for line in [
                format!("alfred_ledger_backlog {n}"),
                format!("alfred_ledger_settlements_total {}", n * 10),
                "alfred_ledger_soft_limits_total 2".into(),
            ] {
                assert!(text.contains(&line), "{line} in {text}");
            }
        }
    }
}
