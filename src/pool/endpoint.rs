//! What is known of endpoints and of keys at them, whatever the configuration of the day.
//!
//! A reload builds new pools; these outlive it. Endpoints are known by provider and address, keys
//! by a hash with a secret of this process, so that no key can be read or guessed from them.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::breaker::{Admission, Breaker, Glimpse, Outcome, Pass, State};
use super::probe;
use super::rest::{News, Rest, Rests};
use super::trial::{Spend, Trial};
use crate::conf::BreakerConfig;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One base address of a provider, with its breaker.
pub struct Endpoint {
    provider: String,
    url: String,
    breaker: Breaker,
    /// How often each state began, in the order of [`State::ALL`].
    begun: [AtomicU64; State::ALL.len()],
    seats: Mutex<BTreeMap<Option<u64>, Arc<Seat>>>,
    /// Counted through, for the balancers' synthetic addresses.
    number: u64,
    trial: Mutex<Option<Arc<Trial>>>,
    /// When it is tried next, in milliseconds since the process began.
    next_trial: AtomicU64,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("provider", &self.provider)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Endpoint {
    fn new(provider: &str, url: &str, number: u64) -> Self {
        Self {
            provider: provider.to_owned(),
            url: url.to_owned(),
            breaker: Breaker::default(),
            begun: Default::default(),
            seats: Mutex::default(),
            number,
            trial: Mutex::default(),
            next_trial: AtomicU64::new(0),
        }
    }

    /// Lets the endpoint be tried like this from now on, or not at all.
    pub fn look_after(&self, trial: Option<Trial>) {
        *lock(&self.trial) = trial.map(Arc::new);
        self.next_trial.store(0, Ordering::Relaxed);
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn trial(&self) -> Option<Arc<Trial>> {
        lock(&self.trial).clone()
    }

    /// The trial that is due; the next one follows after its interval.
    pub(super) fn due(&self, now: Duration) -> Option<Arc<Trial>> {
        let trial = self.trial()?;
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        if millis(now) < self.next_trial.load(Ordering::Relaxed) {
            return None;
        }
        let next = millis(now + trial.interval);
        self.next_trial.store(next, Ordering::Relaxed);
        Some(trial)
    }

    /// The provider's name in the configuration.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// The base address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether a call would be let through.
    ///
    /// # Errors
    /// The instant from which it would.
    pub fn peek(&self, now: Duration) -> Result<(), Duration> {
        self.breaker.peek(now)
    }

    /// Lets a call through, if the breaker does.
    ///
    /// # Errors
    /// The instant from which it would.
    pub fn admit(&self, now: Duration) -> Result<Pass, Duration> {
        let (admission, half_open) = self.breaker.admit(now);
        if half_open {
            self.note(State::HalfOpen);
        }
        match admission {
            Admission::Yes(pass) | Admission::Probe(pass) => Ok(pass),
            Admission::No { until } => Err(until),
        }
    }

    /// Takes the outcome of a call.
    pub fn record(&self, rules: &BreakerConfig, pass: Pass, outcome: Outcome, now: Duration) {
        if let Some(state) = self.breaker.record(rules, pass, outcome, now) {
            self.note(state);
        }
    }

    /// A call ended without telling anything about the endpoint.
    pub fn give_back(&self, pass: Pass) {
        self.breaker.give_back(pass);
    }

    /// What the breaker shows.
    #[must_use]
    pub fn glimpse(&self, now: Duration) -> Glimpse {
        self.breaker.glimpse(now)
    }

    /// How often each state began, in the order of [`State::ALL`].
    pub fn begun(&self) -> impl Iterator<Item = (State, u64)> {
        let counts = self.begun.iter().map(|count| count.load(Ordering::Relaxed));
        State::ALL.into_iter().zip(counts)
    }

    /// How many of its keys rest.
    #[must_use]
    pub fn resting(&self, now: Duration) -> usize {
        let seats = lock(&self.seats);
        let resting = seats.values().filter(|seat| !seat.resting(now).is_empty());
        resting.count()
    }

    fn note(&self, state: State) {
        let index = State::ALL.iter().position(|known| *known == state);
        if let Some(count) = index.and_then(|index| self.begun.get(index)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let (provider, endpoint) = (self.provider.as_str(), self.url.as_str());
        match state {
            State::Open => log::warn!(
                provider = provider, endpoint = endpoint;
                "an endpoint fails and is left alone until its cooldown is over"
            ),
            State::HalfOpen => log::info!(
                provider = provider, endpoint = endpoint;
                "one call tries whether the endpoint has recovered"
            ),
            State::Closed => log::info!(
                provider = provider, endpoint = endpoint;
                "the endpoint has recovered"
            ),
        }
    }
}

/// One key at one endpoint.
#[derive(Debug)]
pub struct Seat {
    keyless: bool,
    in_flight: AtomicUsize,
    /// False means that there is nothing to look up.
    has_rests: AtomicBool,
    rests: Mutex<Rests>,
}

impl Seat {
    fn new(keyless: bool) -> Self {
        Self {
            keyless,
            in_flight: AtomicUsize::new(0),
            has_rests: AtomicBool::new(false),
            rests: Mutex::default(),
        }
    }

    /// Calls that run on it.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(super) fn sit(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn rise(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether the key may be used for the model.
    ///
    /// # Errors
    /// The instant from which it may.
    pub fn peek(&self, model: &str, now: Duration) -> Result<(), Duration> {
        match self.has_rests.load(Ordering::Acquire) {
            true => lock(&self.rests).peek(model, now),
            false => Ok(()),
        }
    }

    /// Whether the key may not be used for the model, and only because too much was asked of it.
    pub(super) fn is_throttled(&self, model: &str, now: Duration) -> bool {
        self.has_rests.load(Ordering::Acquire) && lock(&self.rests).is_throttled(model, now)
    }

    /// Uses the key; true when this call is the one that tries it.
    pub(super) fn enter(&self, model: &str, now: Duration) -> Result<bool, Duration> {
        match self.has_rests.load(Ordering::Acquire) {
            true => lock(&self.rests).enter(model, now),
            false => Ok(false),
        }
    }

    pub(super) fn give_back(&self, model: &str) {
        lock(&self.rests).give_back(model);
    }

    /// Takes what a call told about the key. Where there is none, only an endpoint that asks for a
    /// time of rest gets it.
    pub(super) fn note(&self, news: News, model: &str, now: Duration) {
        let idle = !self.has_rests.load(Ordering::Acquire);
        match news {
            News::None => return,
            News::Accepted if idle => return,
            News::Accepted | News::Throttled(Some(_)) => {}
            _ if self.keyless => return,
            _ => {}
        }
        let mut rests = lock(&self.rests);
        rests.note(news, model, now);
        self.has_rests.store(!rests.is_empty(), Ordering::Release);
    }

    fn forgive(&self) {
        let mut rests = lock(&self.rests);
        rests.forgive();
        self.has_rests.store(!rests.is_empty(), Ordering::Release);
    }

    /// The rests that last.
    #[must_use]
    pub fn resting(&self, now: Duration) -> Vec<Rest> {
        match self.has_rests.load(Ordering::Acquire) {
            true => lock(&self.rests).lasting(now).cloned().collect(),
            false => Vec::new(),
        }
    }
}

/// Every endpoint that some pool of the process uses.
#[derive(Debug, Default)]
pub struct Endpoints {
    secret: RandomState,
    known: Mutex<BTreeMap<(String, String), Weak<Endpoint>>>,
    made: AtomicU64,
    spends: Mutex<BTreeMap<String, Arc<Spend>>>,
}

impl Endpoints {
    /// The endpoint of that provider and address; the same one also after a reload.
    #[must_use]
    pub fn endpoint(&self, provider: &str, url: &str) -> Arc<Endpoint> {
        let mut known = lock(&self.known);
        known.retain(|_, endpoint| endpoint.strong_count() > 0);
        let name = (provider.to_owned(), url.to_owned());
        let found = known.get(&name).and_then(Weak::upgrade);
        found.unwrap_or_else(|| {
            let number = self.made.fetch_add(1, Ordering::Relaxed);
            let endpoint = Arc::new(Endpoint::new(provider, url, number));
            known.insert(name, Arc::downgrade(&endpoint));
            endpoint
        })
    }

    /// The seat of a key at an endpoint; without a key, the one seat of everybody.
    #[must_use]
    pub fn seat(&self, endpoint: &Endpoint, key: Option<&str>) -> Arc<Seat> {
        let id = key.map(|key| self.secret.hash_one(key));
        let mut seats = lock(&endpoint.seats);
        seats.retain(|known, seat| *known == id || Arc::strong_count(seat) > 1);
        let seat = seats
            .entry(id)
            .or_insert_with(|| Arc::new(Seat::new(id.is_none())));
        Arc::clone(seat)
    }

    /// What trials of a provider have cost.
    #[must_use]
    pub fn spend(&self, provider: &str) -> Arc<Spend> {
        let mut spends = lock(&self.spends);
        Arc::clone(spends.entry(provider.to_owned()).or_default())
    }

    /// Looks after every endpoint that wants it, for ever. `epoch` is when the process began. Runs
    /// in the supervisor of background work.
    pub async fn run(self: &Arc<Self>, epoch: Instant) {
        probe::run(Arc::clone(self), epoch).await;
    }

    /// Every endpoint.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Endpoint>> {
        let known = lock(&self.known);
        known.values().filter_map(Weak::upgrade).collect()
    }

    /// A new configuration is in force: keys that were refused may work now.
    pub fn forgive(&self) {
        for endpoint in self.all() {
            for seat in lock(&endpoint.seats).values() {
                seat.forgive();
            }
        }
    }
}
