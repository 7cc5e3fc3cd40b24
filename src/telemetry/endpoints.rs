//! How endpoints and keys do, as metrics. They are read when somebody scrapes: a rest ends by
//! itself, and an endpoint that no configuration names any more shall vanish.

use std::sync::{Mutex, PoisonError};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounterVec, IntGaugeVec, Opts};

use super::metrics::Row;

pub(super) const BREAKER_STATE: Row = Row {
    name: "alfred_breaker_state",
    help: "Where the breaker of an endpoint stands: 0 closed, 1 half-open, 2 open.",
    labels: &["provider", "endpoint"],
};
pub(super) const BREAKER_TRANSITIONS: Row = Row {
    name: "alfred_breaker_transitions_total",
    help: "How often the breaker of an endpoint became closed, half_open or open.",
    labels: &["provider", "endpoint", "to"],
};
pub(super) const KEYS_RESTING: Row = Row {
    name: "alfred_keys_resting",
    help: "Keys of a provider that rest because they were refused or throttled, counted at each endpoint.",
    labels: &["provider"],
};

/// The figures of one endpoint.
#[derive(Clone, Debug)]
pub struct EndpointFigures {
    /// The provider's name in the configuration.
    pub provider: String,
    /// The base address.
    pub endpoint: String,
    /// 0 closed, 1 half-open, 2 open.
    pub state: i64,
    /// How often each state began.
    pub begun: Vec<(&'static str, u64)>,
    /// Keys that rest here.
    pub resting: i64,
}

/// Where the figures come from.
type Source = dyn Fn() -> Vec<EndpointFigures> + Send + Sync;

struct Made {
    state: IntGaugeVec,
    transitions: IntCounterVec,
    resting: IntGaugeVec,
}

/// Asks for the figures at every scrape.
pub(super) struct EndpointCollector {
    made: Mutex<Made>,
    descriptions: Vec<Desc>,
    source: Box<Source>,
}

impl EndpointCollector {
    pub(super) fn new(source: Box<Source>) -> prometheus::Result<Self> {
        let opts = |row: Row| Opts::new(row.name, row.help);
        let made = Made {
            state: IntGaugeVec::new(opts(BREAKER_STATE), BREAKER_STATE.labels)?,
            transitions: IntCounterVec::new(opts(BREAKER_TRANSITIONS), BREAKER_TRANSITIONS.labels)?,
            resting: IntGaugeVec::new(opts(KEYS_RESTING), KEYS_RESTING.labels)?,
        };
        let descriptions = [
            made.state.desc(),
            made.transitions.desc(),
            made.resting.desc(),
        ];
        Ok(Self {
            descriptions: descriptions.into_iter().flatten().cloned().collect(),
            made: Mutex::new(made),
            source,
        })
    }
}

impl Collector for EndpointCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let figures = (self.source)();
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.state.reset();
        made.transitions.reset();
        made.resting.reset();
        for figures in figures {
            let (provider, endpoint) = (figures.provider.as_str(), figures.endpoint.as_str());
            made.state
                .with_label_values(&[provider, endpoint])
                .set(figures.state);
            for (state, count) in figures.begun {
                made.transitions
                    .with_label_values(&[provider, endpoint, state])
                    .inc_by(count);
            }
            made.resting
                .with_label_values(&[provider])
                .add(figures.resting);
        }
        let families = [
            made.state.collect(),
            made.transitions.collect(),
            made.resting.collect(),
        ];
        families.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Metrics;
    use super::*;

    #[test]
    fn every_scrape_shows_the_figures_of_its_moment() {
        let metrics = Metrics::new();
        let asked = std::sync::atomic::AtomicI64::new(0);
        metrics.watch_endpoints(Box::new(move || {
            let state = asked.fetch_add(2, std::sync::atomic::Ordering::Relaxed);
            vec![EndpointFigures {
                provider: "p".into(),
                endpoint: "http://e/v1".into(),
                state,
                begun: vec![("open", 3)],
                resting: 1,
            }]
        }));
        for state in [0, 2] {
            let text = String::from_utf8(metrics.scrape()).expect("text");
            for line in [
                format!("alfred_breaker_state{{endpoint=\"http://e/v1\",provider=\"p\"}} {state}"),
                "alfred_breaker_transitions_total{endpoint=\"http://e/v1\",provider=\"p\",to=\"open\"} 3".into(),
                "alfred_keys_resting{provider=\"p\"} 1".into(),
            ] {
                assert!(text.contains(&line), "{line} in {text}");
            }
        }
    }
}
