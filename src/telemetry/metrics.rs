//! Every metric, in one table. Labels are bounded: never a key, a user or a model name that a client
//! made up. Names follow the GenAI semantic conventions 1.41.1 where they cover the matter,
//! `alfred_` otherwise.

use std::time::Duration;

use prometheus::{
    Encoder, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts,
    Registry, TextEncoder,
};

use super::endpoints::{self, EndpointCollector, EndpointFigures};
use super::guard::{self, GuardCounts};
use super::ledger::{self, LedgerCollector, LedgerFigures};
use super::receipt::{Outcome, Receipt};
use super::reloads::{self, Reloads};

/// A row of the table: name, what it tells, labels.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Name as scraped.
    pub name: &'static str,
    /// What it tells, with its unit.
    pub help: &'static str,
    /// Label names.
    pub labels: &'static [&'static str],
}

pub(super) const fn row(
    name: &'static str,
    help: &'static str,
    labels: &'static [&'static str],
) -> Row {
    Row { name, help, labels }
}

const REQUESTS: Row = row(
    "alfred_requests_total",
    "Requests by surface and outcome.",
    &["surface", "outcome"],
);
const REQUEST_SECONDS: Row = row(
    "alfred_request_duration_seconds",
    "From a request's arrival to the end of its answer.",
    &["surface"],
);
const OVERHEAD_SECONDS: Row = row(
    "alfred_overhead_seconds",
    "Alfred's own time before the first attempt.",
    &[],
);
const REFUSALS: Row = row(
    "alfred_refusals_total",
    "Requests that Alfred refused, by code.",
    &["code"],
);
const ATTEMPTS: Row = row(
    "alfred_attempts_total",
    "Attempts at providers; result is ok or the kind of failure.",
    &["provider", "result"],
);
const RETRIES: Row = row(
    "alfred_retries_total",
    "Attempts beyond the first of a request, by the provider that receives them.",
    &["provider"],
);
const OPERATION_SECONDS: Row = row(
    "gen_ai_client_operation_duration_seconds",
    "Duration of a GenAI operation.",
    &[
        "gen_ai_operation_name",
        "gen_ai_provider_name",
        "gen_ai_request_model",
    ],
);
const TOKENS: Row = row(
    "gen_ai_client_token_usage",
    "Tokens of an operation.",
    &[
        "gen_ai_operation_name",
        "gen_ai_provider_name",
        "gen_ai_request_model",
        "gen_ai_token_type",
    ],
);
const FIRST_TOKEN_SECONDS: Row = row(
    "gen_ai_client_operation_time_to_first_chunk_seconds",
    "From a request's arrival to its first content.",
    &["gen_ai_provider_name", "gen_ai_request_model"],
);
const LONGEST_GAP_SECONDS: Row = row(
    "alfred_stream_longest_gap_seconds",
    "The longest silence between two pieces of a streamed answer.",
    &["provider"],
);
const STREAM_EVENTS: Row = row(
    "alfred_stream_events_total",
    "Events of streamed answers; side is provider (received) or client (emitted).",
    &["side"],
);
const SPEND: Row = row(
    "alfred_spend_nano_credits_total",
    "Cost of answers in nano-credits.",
    &["provider"],
);
const UNPRICED: Row = row(
    "alfred_unpriced_requests_total",
    "Answers whose cost is unknown because their model has no price.",
    &["provider"],
);
const ESTIMATED: Row = row(
    "alfred_estimated_usage_total",
    "Answers whose tokens Alfred counted itself because the provider did not report them.",
    &["provider"],
);
const IN_FLIGHT: Row = row(
    "alfred_requests_in_flight",
    "Requests being served now.",
    &[],
);
const BODY_BYTES: Row = row(
    "alfred_request_body_bytes_in_flight",
    "Bytes of request bodies held in memory now.",
    &[],
);
const CLIENTS_GONE: Row = row(
    "alfred_client_disconnects_total",
    "Clients that left before their answer was complete.",
    &[],
);
const PANICS: Row = row(
    "alfred_panics_total",
    "Panics that were caught and answered 500.",
    &[],
);
const LOG_DROPPED: Row = row(
    "alfred_access_log_dropped_total",
    "Lines of the access log that were lost because its reader is too slow.",
    &[],
);
const KEYS: Row = row("alfred_keys_loaded", "API keys in memory.", &[]);
const MEMORY: Row = row(
    "process_resident_memory_bytes",
    "Resident memory of the process.",
    &[],
);
const BUILD: Row = row("alfred_build_info", "Always 1.", &["version"]);

/// The table: every metric that Alfred exposes.
pub const METRICS: &[Row] = &[
    REQUESTS,
    REQUEST_SECONDS,
    OVERHEAD_SECONDS,
    REFUSALS,
    ATTEMPTS,
    RETRIES,
    OPERATION_SECONDS,
    TOKENS,
    FIRST_TOKEN_SECONDS,
    LONGEST_GAP_SECONDS,
    STREAM_EVENTS,
    SPEND,
    UNPRICED,
    ESTIMATED,
    IN_FLIGHT,
    BODY_BYTES,
    CLIENTS_GONE,
    PANICS,
    LOG_DROPPED,
    KEYS,
    guard::FINDINGS,
    guard::ASKED,
    reloads::RELOADS,
    reloads::RELOAD_OK,
    reloads::LOADED_AT,
    reloads::WORLDS,
    endpoints::BREAKER_STATE,
    endpoints::BREAKER_TRANSITIONS,
    endpoints::KEYS_RESTING,
    ledger::ROWS[0].0,
    ledger::ROWS[1].0,
    ledger::ROWS[2].0,
    ledger::ROWS[3].0,
    ledger::ROWS[4].0,
    ledger::ROWS[5].0,
    ledger::ROWS[6].0,
    ledger::ROWS[7].0,
    MEMORY,
    BUILD,
];

/// Seconds, 10 ms to 82 s, as the semantic conventions ask.
const OPERATION_BUCKETS: &[f64] = &[
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
/// Tokens, powers of four.
const TOKEN_BUCKETS: &[f64] = &[
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16384.0,
    65536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];
/// Seconds, 10 us to 0.1 s.
const OVERHEAD_BUCKETS: &[f64] = &[
    0.000_01, 0.000_02, 0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05,
    0.1,
];

/// The metrics of one process.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    request_seconds: HistogramVec,
    overhead_seconds: Histogram,
    refusals: IntCounterVec,
    attempts: IntCounterVec,
    retries: IntCounterVec,
    operation_seconds: HistogramVec,
    tokens: HistogramVec,
    first_token_seconds: HistogramVec,
    longest_gap_seconds: HistogramVec,
    stream_events: IntCounterVec,
    spend: IntCounterVec,
    unpriced: IntCounterVec,
    estimated: IntCounterVec,
    clients_gone: IntCounter,
    memory: IntGauge,
    /// Requests being served.
    pub in_flight: IntGauge,
    /// Bytes of request bodies held.
    pub body_bytes: IntGauge,
    /// Panics caught.
    pub panics: IntCounter,
    /// Log lines lost.
    pub access_log_dropped: IntCounter,
    /// Keys in memory.
    pub keys: IntGauge,
    /// What guards found.
    pub guard: GuardCounts,
    /// What became of the configuration.
    pub reloads: Reloads,
}

/// Makes metrics from rows and registers them.
pub(super) struct Maker(Registry);

impl Maker {
    fn register<M: prometheus::core::Collector + Clone + 'static>(
        &self,
        made: prometheus::Result<M>,
    ) -> M {
        // The table is constant: a name that does not register fails every test and every start.
        #[expect(clippy::expect_used, reason = "a constant table, see the test below")]
        let metric = made.expect("the table's names and labels are valid");
        let _ = self.0.register(Box::new(metric.clone()));
        metric
    }

    pub(super) fn counters(&self, row: Row) -> IntCounterVec {
        self.register(IntCounterVec::new(
            Opts::new(row.name, row.help),
            row.labels,
        ))
    }

    fn counter(&self, row: Row) -> IntCounter {
        self.register(IntCounter::new(row.name, row.help))
    }

    pub(super) fn gauge(&self, row: Row) -> IntGauge {
        self.register(IntGauge::new(row.name, row.help))
    }

    fn histograms(&self, row: Row, buckets: &[f64]) -> HistogramVec {
        let opts = HistogramOpts::new(row.name, row.help).buckets(buckets.to_vec());
        self.register(HistogramVec::new(opts, row.labels))
    }

    fn histogram(&self, row: Row, buckets: &[f64]) -> Histogram {
        let opts = HistogramOpts::new(row.name, row.help).buckets(buckets.to_vec());
        self.register(Histogram::with_opts(opts))
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All metrics at zero.
    #[must_use]
    pub fn new() -> Self {
        let registry = Registry::new();
        let make = Maker(registry.clone());
        make.counters(BUILD)
            .with_label_values(&[env!("CARGO_PKG_VERSION")])
            .inc();
        Self {
            requests: make.counters(REQUESTS),
            request_seconds: make.histograms(REQUEST_SECONDS, OPERATION_BUCKETS),
            overhead_seconds: make.histogram(OVERHEAD_SECONDS, OVERHEAD_BUCKETS),
            refusals: make.counters(REFUSALS),
            attempts: make.counters(ATTEMPTS),
            retries: make.counters(RETRIES),
            operation_seconds: make.histograms(OPERATION_SECONDS, OPERATION_BUCKETS),
            tokens: make.histograms(TOKENS, TOKEN_BUCKETS),
            first_token_seconds: make.histograms(FIRST_TOKEN_SECONDS, OPERATION_BUCKETS),
            longest_gap_seconds: make.histograms(LONGEST_GAP_SECONDS, OPERATION_BUCKETS),
            stream_events: make.counters(STREAM_EVENTS),
            spend: make.counters(SPEND),
            unpriced: make.counters(UNPRICED),
            estimated: make.counters(ESTIMATED),
            clients_gone: make.counter(CLIENTS_GONE),
            memory: make.gauge(MEMORY),
            in_flight: make.gauge(IN_FLIGHT),
            body_bytes: make.gauge(BODY_BYTES),
            panics: make.counter(PANICS),
            access_log_dropped: make.counter(LOG_DROPPED),
            keys: make.gauge(KEYS),
            guard: GuardCounts::new(&make),
            reloads: Reloads::new(&make),
            registry,
        }
    }

    /// Counts a finished request. `model` is a bounded name: an alias, a priced model, or `other`.
    pub fn count(&self, receipt: &Receipt, model: &str) {
        let outcome = receipt.outcome.label();
        self.requests
            .with_label_values(&[receipt.surface, outcome])
            .inc();
        let seconds = seconds(receipt.duration_us);
        self.request_seconds
            .with_label_values(&[receipt.surface])
            .observe(seconds);
        if receipt.outcome == Outcome::Refused {
            let code = receipt.code.as_deref().unwrap_or("unknown");
            self.refusals.with_label_values(&[code]).inc();
        }
        if receipt.outcome == Outcome::ClientGone {
            self.clients_gone.inc();
        }
        self.count_attempts(receipt);
        self.guard.count(receipt);
        if let Some(last) = receipt.last_attempt() {
            self.overhead_seconds
                .observe(self::seconds(receipt.overhead_us));
            let provider: &str = &last.provider;
            let labels = [receipt.surface, provider, model];
            self.operation_seconds
                .with_label_values(&labels)
                .observe(seconds);
            self.count_usage(receipt, provider, model);
            self.count_stream(receipt, provider, model);
        }
    }

    fn count_attempts(&self, receipt: &Receipt) {
        for (number, attempt) in receipt.attempts.iter().enumerate() {
            let provider: &str = &attempt.provider;
            let result = attempt.failure.unwrap_or("ok");
            self.attempts.with_label_values(&[provider, result]).inc();
            if number > 0 {
                self.retries.with_label_values(&[provider]).inc();
            }
        }
    }

    fn count_usage(&self, receipt: &Receipt, provider: &str, model: &str) {
        let Some(usage) = &receipt.usage else { return };
        #[expect(
            clippy::cast_precision_loss,
            reason = "a histogram's sum is a float anyway"
        )]
        for (kind, tokens) in [
            ("input", usage.input as f64),
            ("output", usage.output as f64),
        ] {
            let labels = [receipt.surface, provider, model, kind];
            self.tokens.with_label_values(&labels).observe(tokens);
        }
        if usage.estimated {
            self.estimated.with_label_values(&[provider]).inc();
        }
        match receipt.cost_nano {
            Some(nano) => {
                let nano = u64::try_from(nano).unwrap_or(0);
                self.spend.with_label_values(&[provider]).inc_by(nano);
            }
            None if receipt.price_unknown => {
                self.unpriced.with_label_values(&[provider]).inc();
            }
            None => {}
        }
    }

    fn count_stream(&self, receipt: &Receipt, provider: &str, model: &str) {
        let Some(stream) = &receipt.streamed else {
            return;
        };
        self.stream_events
            .with_label_values(&["provider"])
            .inc_by(stream.provider_events);
        self.stream_events
            .with_label_values(&["client"])
            .inc_by(stream.emitted_events);
        let gap = seconds(stream.longest_gap_us);
        self.longest_gap_seconds
            .with_label_values(&[provider])
            .observe(gap);
        if let Some(first) = stream.first_token_us {
            let labels = [provider, model];
            self.first_token_seconds
                .with_label_values(&labels)
                .observe(seconds(first));
        }
    }

    /// Shows, at every scrape, what `source` tells about the endpoints.
    pub fn watch_endpoints(&self, source: Box<dyn Fn() -> Vec<EndpointFigures> + Send + Sync>) {
        let made = EndpointCollector::new(source);
        let registered = made.and_then(|collector| self.registry.register(Box::new(collector)));
        if let Err(error) = registered {
            log::error!("the metrics of endpoints cannot be shown: {error}");
        }
    }

    /// Shows, at every scrape, what `source` tells about the ledger.
    pub fn watch_ledger(&self, source: Box<dyn Fn() -> LedgerFigures + Send + Sync>) {
        let made = LedgerCollector::new(source);
        let registered = made.and_then(|collector| self.registry.register(Box::new(collector)));
        if let Err(error) = registered {
            log::error!("the metrics of the ledger cannot be shown: {error}");
        }
    }

    /// Everything in Prometheus' text format.
    #[must_use]
    pub fn scrape(&self) -> Vec<u8> {
        self.memory.set(resident_bytes().unwrap_or(0));
        let mut text = Vec::with_capacity(16 * 1024);
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            log::error!("the metrics cannot be written: {error}");
        }
        text
    }
}

fn seconds(micros: u64) -> f64 {
    Duration::from_micros(micros).as_secs_f64()
}

/// Resident memory from `/proc/self/status`; `None` where there is no such file.
fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_row_of_the_table_registers_once_under_its_own_name() {
        let names: BTreeSet<_> = METRICS.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), METRICS.len());
        let metrics = Metrics::new();
        let receipt = Receipt {
            surface: "chat",
            outcome: Outcome::Refused,
            code: Some("model_not_found".into()),
            ..Receipt::default()
        };
        metrics.count(&receipt, "other");
        let text = String::from_utf8(metrics.scrape()).expect("text");
        assert!(
            text.contains("alfred_refusals_total{code=\"model_not_found\"} 1"),
            "{text}"
        );
        assert!(text.contains("alfred_requests_total{outcome=\"refused\",surface=\"chat\"} 1"));
    }
}
