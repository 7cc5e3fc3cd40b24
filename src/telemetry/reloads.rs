//! Why: whether the configuration in the file is the one that serves must be seen without reading logs.

use prometheus::{IntCounterVec, IntGauge};

use super::metrics::{Maker, Row, row};

pub(super) const RELOADS: Row = row(
    "alfred_config_reloads_total",
    "Times the configuration was read again; result is applied, unchanged or refused.",
    &["result"],
);
pub(super) const RELOAD_OK: Row = row(
    "alfred_config_last_reload_successful",
    "1, or 0 while the configuration as it stands is refused and an older one serves.",
    &[],
);
pub(super) const LOADED_AT: Row = row(
    "alfred_config_loaded_timestamp_seconds",
    "Unix time at which the configuration that serves was read.",
    &[],
);
pub(super) const WORLDS: Row = row(
    "alfred_worlds_alive",
    "The world that serves, and older ones that requests in flight still use.",
    &[],
);

/// The metrics of reloads.
#[derive(Clone, Debug)]
pub struct Reloads {
    count: IntCounterVec,
    is_ok: IntGauge,
    loaded_at: IntGauge,
    worlds: IntGauge,
}

impl Reloads {
    pub(super) fn new(make: &Maker) -> Self {
        Self {
            count: make.counters(RELOADS),
            is_ok: make.gauge(RELOAD_OK),
            loaded_at: make.gauge(LOADED_AT),
            worlds: make.gauge(WORLDS),
        }
    }

    /// The configuration that was read at this Unix time serves.
    pub fn loaded(&self, seconds: i64) {
        self.loaded_at.set(seconds);
        self.is_ok.set(1);
    }

    /// The configuration was read again, with this result.
    pub fn read(&self, result: &str) {
        self.count.with_label_values(&[result]).inc();
        self.is_ok.set(i64::from(result != "refused"));
    }

    /// Counts a world until it is dropped.
    #[must_use]
    pub fn world(&self) -> WorldGuard {
        self.worlds.inc();
        WorldGuard(self.worlds.clone())
    }
}

/// One world that somebody still holds.
#[derive(Debug)]
pub struct WorldGuard(IntGauge);

impl Drop for WorldGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}
