//! State that outlives a reload: everything that counts, keyed by stable ids.
//!
//! [`crate::gateway::Gateway`] is configuration and swapped whole; this is shared by every
//! gateway of the process.

mod chain;
mod findings;
mod policy;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

pub use chain::GuardChain;
pub use findings::Findings;
pub use policy::PolicyLog;

use crate::conf::Config;
use crate::guards::{GuardBook, Tools};
use crate::ledger::{PriceTable, Staff, Treasury};
use crate::limits::{FloodGuard, LimitTable};
use crate::pool::{Endpoint, Endpoints, Resolver, State};
use crate::providers::Identities;
use crate::routing::RetryBudget;
use crate::secrets::{Keyring, Pepper};
use crate::telemetry::{AccessLog, EndpointFigures, Health, LedgerFigures, Metrics};
use crate::tokens::KeySources;

/// Models that are remembered as unpriced; clients can name any number.
const MAX_UNPRICED: usize = 1000;

/// See the module text.
#[derive(Debug)]
pub struct Living {
    /// Every key that may call.
    pub keyring: Keyring,
    /// Keys of other issuers' tokens, where they are fetched.
    pub token_keys: KeySources,
    /// Who Alfred is at Entra ID.
    pub identities: Identities,
    /// Requests and tokens of each key.
    pub limits: Arc<LimitTable>,
    /// Requests of each client address.
    pub flood: FloodGuard,
    /// Names to addresses.
    pub resolver: Resolver,
    /// How endpoints and keys do.
    pub endpoints: Arc<Endpoints>,
    /// Memory of request bodies.
    pub bodies: Arc<BodyMemory>,
    /// Requests being served.
    pub in_flight: InFlight,
    /// What is measured.
    pub metrics: Metrics,
    /// What is logged per request.
    pub access_log: AccessLog,
    /// Whether traffic is welcome.
    pub health: Arc<Health>,
    /// Where money is held and settled; `None` where no ledger is kept.
    pub treasury: Option<Arc<Treasury>>,
    staff: Mutex<Option<Staff>>,
    /// What organisations, teams and keys want their texts screened with.
    pub guards: GuardBook,
    /// What guards found, until it is written down.
    pub findings: Findings,
    /// Refusals of policy that are to be audited.
    pub policy: PolicyLog,
    epoch: Instant,
    unpriced: Mutex<BTreeSet<String>>,
    budgets: Mutex<BTreeMap<String, Weak<RetryBudget>>>,
}

impl Living {
    /// The state of a process that has served nothing.
    #[must_use]
    pub fn new(keyring: Keyring, access_log: AccessLog) -> Arc<Self> {
        Self::with_ledger(keyring, access_log, None)
    }

    /// The same, with a ledger.
    #[must_use]
    pub fn with_ledger(keyring: Keyring, access_log: AccessLog, staff: Option<Staff>) -> Arc<Self> {
        let metrics = Metrics::new();
        let guards = GuardBook::new(guard_tools(keyring.pepper()));
        let treasury = staff.as_ref().map(|staff| Arc::clone(staff.treasury()));
        if let Some(treasury) = treasury.clone() {
            metrics.watch_ledger(Box::new(move || ledger_figures(&treasury)));
        }
        let (endpoints, epoch) = (Arc::<Endpoints>::default(), Instant::now());
        let watched = Arc::clone(&endpoints);
        metrics.watch_endpoints(Box::new(move || figures(&watched, epoch.elapsed())));
        Arc::new(Self {
            keyring,
            token_keys: KeySources::default(),
            identities: Identities::default(),
            limits: Arc::default(),
            flood: FloodGuard::default(),
            resolver: Resolver::default(),
            endpoints,
            bodies: Arc::new(BodyMemory::new(metrics.clone())),
            in_flight: InFlight::new(metrics.clone()),
            metrics,
            access_log,
            health: Arc::default(),
            treasury,
            staff: Mutex::new(staff),
            guards,
            findings: Findings::default(),
            policy: PolicyLog::default(),
            epoch,
            unpriced: Mutex::default(),
            budgets: Mutex::default(),
        })
    }

    /// Settles what is left and gives the leases back, as far as that goes in this time.
    pub fn close_ledger(&self, patience: Duration) {
        let staff = self
            .staff
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(mut staff) = staff {
            staff.close(patience);
        }
    }

    /// Time since the process began, for clocks that only need differences.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    /// Looks after the endpoints, for ever. Runs in the supervisor of background work.
    pub async fn look_after_endpoints(&self) {
        self.endpoints.run(self.epoch).await;
    }

    /// Says aloud, once per model, that its price is unknown.
    pub fn warn_unpriced(&self, model: &str) {
        let mut said = self.unpriced.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() < MAX_UNPRICED && !said.contains(model) {
            said.insert(model.to_owned());
            log::warn!(
                model = model;
                "the price of '{model}' is unknown, so its calls cost nothing that Alfred can tell; add it under `prices`, or set `unknown_price`"
            );
        }
    }

    /// The retry budget of a provider, by its name. It lives while any world knows the provider.
    #[must_use]
    pub fn budget(&self, provider: &str) -> Arc<RetryBudget> {
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(budget) = budgets.get(provider).and_then(Weak::upgrade) {
            return budget;
        }
        budgets.retain(|_, budget| budget.strong_count() > 0);
        let budget = Arc::default();
        budgets.insert(provider.to_owned(), Arc::downgrade(&budget));
        budget
    }

    /// Fits this state to the world that is served from now on, at start, at each reload, and when a reload that was
    /// asked for found nothing changed.
    pub fn serve(&self, config: &Config) {
        self.flood.set_window(config.flood.window);
        self.guards.set_house(&config.guard_policy());
        self.endpoints.forgive();
        if let Some(treasury) = &self.treasury {
            let settings = format!("{:?} {:?}", config.prices, config.unknown_price);
            let known = treasury.set_prices(&PriceTable::fingerprint(&settings));
            if let Err(fault) = known {
                log::warn!(
                    "the prices now in force have no number yet, transactions keep the last: {fault}"
                );
            }
        }
    }
}

/// What all guards that share this pepper have in common.
#[must_use]
pub fn guard_tools(pepper: &Pepper) -> Tools {
    Tools::new(pepper.tag("alfred 2026 guard allowed values", b""))
}

/// What metrics show of the ledger, in the order of their table.
#[expect(clippy::cast_precision_loss, reason = "metrics are floats")]
fn ledger_figures(treasury: &Treasury) -> LedgerFigures {
    let figures = treasury.figures();
    [
        figures.backlog as f64,
        figures.lag_ms as f64 / 1000.0,
        f64::from(u8::from(figures.is_store_there)),
        f64::from(u8::from(figures.is_journal_whole)),
        figures.posted as f64,
        figures.stuck as f64,
        figures.unresolved as f64,
        figures.soft_limits as f64,
    ]
}

/// What metrics show of the endpoints.
fn figures(endpoints: &Endpoints, now: Duration) -> Vec<EndpointFigures> {
    let figures = |endpoint: Arc<Endpoint>| {
        let state = endpoint.glimpse(now).state;
        EndpointFigures {
            provider: endpoint.provider().to_owned(),
            endpoint: endpoint.url().to_owned(),
            state: match state {
                State::Closed => 0,
                State::HalfOpen => 1,
                State::Open => 2,
            },
            begun: endpoint
                .begun()
                .map(|(state, count)| (state.label(), count))
                .collect(),
            resting: i64::try_from(endpoint.resting(now)).unwrap_or(i64::MAX),
        }
    };
    endpoints.all().into_iter().map(figures).collect()
}

/// Counts requests being served; a drain waits for zero.
#[derive(Clone, Debug)]
pub struct InFlight {
    count: Arc<AtomicUsize>,
    metrics: Metrics,
}

impl InFlight {
    fn new(metrics: Metrics) -> Self {
        Self {
            count: Arc::default(),
            metrics,
        }
    }

    /// Counts one request until the guard is dropped, on every path, panics included.
    #[must_use]
    pub fn enter(&self) -> InFlightGuard {
        self.count.fetch_add(1, Ordering::AcqRel);
        self.metrics.in_flight.inc();
        InFlightGuard(self.clone())
    }

    /// Requests being served now.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }
}

/// One request being served.
#[derive(Debug)]
pub struct InFlightGuard(InFlight);

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::AcqRel);
        self.0.metrics.in_flight.dec();
    }
}

/// The memory that request bodies may take together.
#[derive(Debug)]
pub struct BodyMemory {
    used: AtomicU64,
    metrics: Metrics,
}

impl BodyMemory {
    fn new(metrics: Metrics) -> Self {
        Self {
            used: AtomicU64::new(0),
            metrics,
        }
    }

    /// Takes `bytes` if all bodies together stay within `max`.
    #[must_use]
    pub fn take(self: &Arc<Self>, bytes: u64, max: u64) -> Option<BodyPermit> {
        let mut permit = BodyPermit {
            memory: Arc::clone(self),
            bytes: 0,
        };
        permit.grow(bytes, max).then_some(permit)
    }
}

/// A share of the memory for bodies, given back when dropped.
#[derive(Debug)]
pub struct BodyPermit {
    memory: Arc<BodyMemory>,
    bytes: u64,
}

impl BodyPermit {
    /// Takes `more` bytes if all bodies together stay within `max`.
    pub fn grow(&mut self, more: u64, max: u64) -> bool {
        let used = &self.memory.used;
        let taken = used.fetch_update(Ordering::AcqRel, Ordering::Acquire, |used| {
            used.checked_add(more).filter(|sum| *sum <= max)
        });
        if taken.is_ok() {
            self.bytes += more;
            self.memory.metrics.body_bytes.add(signed(more));
        }
        taken.is_ok()
    }

    /// Bytes held.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Drop for BodyPermit {
    fn drop(&mut self) {
        self.memory.used.fetch_sub(self.bytes, Ordering::AcqRel);
        self.memory.metrics.body_bytes.sub(signed(self.bytes));
    }
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_share_their_memory_and_give_it_back() {
        let memory = Arc::new(BodyMemory::new(Metrics::new()));
        let mut first = memory.take(60, 100).expect("room");
        assert!(memory.take(50, 100).is_none());
        assert!(first.grow(40, 100) && !first.grow(1, 100));
        drop(first);
        assert!(memory.take(100, 100).is_some());
    }

    #[test]
    fn a_request_is_counted_until_its_guard_drops_even_in_a_panic() {
        let in_flight = InFlight::new(Metrics::new());
        let counted = in_flight.clone();
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
            let _guard = counted.enter();
            assert_eq!(counted.count(), 2, "fails on purpose");
        }));
        assert_eq!(in_flight.count(), 0);
    }
}
