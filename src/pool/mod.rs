//! Which endpoint and which key of a provider serve an attempt.
//!
//! A lane is one endpoint with one key. Pingora's balancers identify a backend by its address, and
//! two keys at one endpoint share theirs, so each lane gets a synthetic address that is never
//! dialled. Lanes whose breaker is open or whose key rests are passed over; the balancer's own
//! health flag is not asked, because a lane that has recovered would wait for its next tick.

mod breaker;
mod dns;
mod endpoint;
mod lane;
mod probe;
mod rest;
mod status;
mod trial;

#[cfg(test)]
mod breaker_tests;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use pingora_load_balancing::selection::{BackendIter, BackendSelection};
use pingora_load_balancing::selection::{Consistent, Random, RoundRobin};
use pingora_load_balancing::{Backend, Backends, LoadBalancer, discovery};

pub use breaker::{Admission, Breaker, Glimpse, Machine, Outcome, Pass, State};
pub use dns::{Host, Resolver};
pub use endpoint::{Endpoint, Endpoints, Seat};
pub use lane::{Lane, LaneGuard, Report, Via};
pub use rest::{News, Reason, Rest};
pub use status::{EndpointStatus, KeyStatus, Now};
pub use trial::{Cost, Means, Purse, Spend, Trial};

use crate::conf::Balance;

/// Candidates that a balancer may offer for each lane: its ring and its dice repeat themselves.
const OFFERS: usize = 16;

enum Chooser {
    LeastInFlight(AtomicUsize),
    RoundRobin(LoadBalancer<RoundRobin>),
    Weighted(LoadBalancer<Random>),
    ConsistentHash(LoadBalancer<Consistent>),
}

/// What a call wants of a lane.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// What consistent hashing keeps together.
    pub caller: &'a [u8],
    /// The model that is asked for; keys rest model by model.
    pub model: &'a str,
    /// Time since the process began.
    pub now: Duration,
    /// Endpoints that have failed this request; they are asked again only when no other is left.
    pub avoid: &'a [Arc<Endpoint>],
}

impl Wish<'_> {
    fn avoids(&self, lane: &Lane) -> bool {
        let endpoint = &lane.endpoint;
        self.avoid
            .iter()
            .any(|failed| Arc::ptr_eq(failed, endpoint))
    }
}

/// The lanes of one provider.
pub struct Pool {
    lanes: Vec<Arc<Lane>>,
    chooser: Chooser,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("lanes", &self.lanes)
            .finish_non_exhaustive()
    }
}

impl Pool {
    /// A pool over lanes of which at least one has a weight.
    #[must_use]
    pub fn new(lanes: Vec<Lane>, balance: Balance) -> Self {
        let lanes: Vec<_> = lanes
            .into_iter()
            .filter(|l| l.weight > 0)
            .map(Arc::new)
            .collect();
        let chooser = match balance {
            Balance::LeastInFlight => Chooser::LeastInFlight(AtomicUsize::new(0)),
            Balance::RoundRobin => Chooser::RoundRobin(balancer(&lanes)),
            Balance::Weighted => Chooser::Weighted(balancer(&lanes)),
            Balance::ConsistentHash => Chooser::ConsistentHash(balancer(&lanes)),
        };
        Self { lanes, chooser }
    }

    /// Chooses a lane that may be asked and takes the permission to ask it.
    ///
    /// # Errors
    /// No lane may be asked now; the earliest instant at which one may.
    pub fn choose(&self, wish: &Wish<'_>) -> Result<LaneGuard, Duration> {
        let fresh = |lane: &Lane| !wish.avoids(lane);
        let chosen = self.pick(wish, &fresh).or_else(|| {
            let again = !wish.avoid.is_empty();
            again.then(|| self.pick(wish, &|_| true)).flatten()
        });
        chosen.ok_or_else(|| self.earliest(wish.model, wish.now))
    }

    /// Whether some lane may be asked now.
    ///
    /// # Errors
    /// The earliest instant at which one may.
    pub fn peek(&self, model: &str, now: Duration) -> Result<(), Duration> {
        match self.lanes.iter().any(|lane| lane.peek(model, now).is_ok()) {
            true => Ok(()),
            false => Err(self.earliest(model, now)),
        }
    }

    /// Whether nothing stands against any lane but that its key was throttled.
    #[must_use]
    pub fn is_throttled(&self, model: &str, now: Duration) -> bool {
        self.lanes
            .iter()
            .all(|lane| lane.endpoint.peek(now).is_ok() && lane.seat.is_throttled(model, now))
    }

    /// Whether a lane may be asked now that has not failed this request.
    #[must_use]
    pub fn has_fresh(&self, wish: &Wish<'_>) -> bool {
        let mut lanes = self.lanes.iter();
        lanes.any(|lane| !wish.avoids(lane) && lane.peek(wish.model, wish.now).is_ok())
    }

    /// The lanes, for discovery and for status pages.
    #[must_use]
    pub fn lanes(&self) -> &[Arc<Lane>] {
        &self.lanes
    }

    fn earliest(&self, model: &str, now: Duration) -> Duration {
        let waits = self.lanes.iter().map(|lane| lane.peek(model, now));
        // One that has become free in between is worth asking at once.
        let instants = waits.map(|wait| wait.err().unwrap_or(now));
        instants.min().unwrap_or(now)
    }

    /// Takes a lane that may be asked and is eligible: the balancer's choice, else any.
    fn pick(&self, wish: &Wish<'_>, eligible: &dyn Fn(&Lane) -> bool) -> Option<LaneGuard> {
        let enter = |lane: &Arc<Lane>| match eligible(lane) {
            true => lane.enter(wish.model, wish.now),
            false => None,
        };
        let chosen = match &self.chooser {
            Chooser::LeastInFlight(turn) => self.least_in_flight(turn, wish, eligible),
            Chooser::RoundRobin(balancer) => self.selected(balancer, wish.caller, &enter),
            Chooser::Weighted(balancer) => self.selected(balancer, wish.caller, &enter),
            Chooser::ConsistentHash(balancer) => self.selected(balancer, wish.caller, &enter),
        };
        chosen.or_else(|| self.lanes.iter().find_map(enter))
    }

    /// The lane with the least load for its weight; ties are taken in turn.
    fn least_in_flight(
        &self,
        turn: &AtomicUsize,
        wish: &Wish<'_>,
        eligible: &dyn Fn(&Lane) -> bool,
    ) -> Option<LaneGuard> {
        if let [only] = self.lanes.as_slice() {
            return eligible(only).then(|| only.enter(wish.model, wish.now))?;
        }
        let start = turn.fetch_add(1, Ordering::Relaxed);
        let count = self.lanes.len();
        let lane = (0..count)
            .filter_map(|i| self.lanes.get(start.wrapping_add(i) % count))
            .filter(|lane| eligible(lane) && lane.peek(wish.model, wish.now).is_ok())
            .min_by(|a, b| load(a).total_cmp(&load(b)))?;
        lane.enter(wish.model, wish.now)
    }

    fn selected<S>(
        &self,
        balancer: &LoadBalancer<S>,
        caller: &[u8],
        enter: &dyn Fn(&Arc<Lane>) -> Option<LaneGuard>,
    ) -> Option<LaneGuard>
    where
        S: BackendSelection + 'static,
        S::Iter: BackendIter,
    {
        let taken = Cell::new(None);
        // A candidate that is accepted is the one that is chosen, so its permission is taken here.
        balancer.select_with(caller, OFFERS * self.lanes.len(), |backend, _| {
            let lane = backend
                .ext
                .get::<usize>()
                .and_then(|index| self.lanes.get(*index));
            let guard = lane.and_then(enter);
            let accepted = guard.is_some();
            taken.set(guard);
            accepted
        })?;
        taken.into_inner()
    }
}

fn load(lane: &Lane) -> f64 {
    let in_flight = u32::try_from(lane.seat.in_flight()).unwrap_or(u32::MAX);
    f64::from(in_flight) / f64::from(lane.weight.max(1))
}

/// A balancer over synthetic addresses, one per lane, that carry the lane's index.
fn balancer<S>(lanes: &[Arc<Lane>]) -> LoadBalancer<S>
where
    S: BackendSelection + 'static,
    S::Iter: BackendIter,
{
    let backends: BTreeSet<Backend> = lanes
        .iter()
        .enumerate()
        .filter_map(|(index, lane)| backend(index, lane.weight))
        .collect();
    let balancer = LoadBalancer::from_backends(Backends::new(discovery::Static::new(backends)));
    // A static list is read without waiting; there is nothing to poll again.
    let _ = balancer.update().now_or_never();
    balancer
}

fn backend(index: usize, weight: u32) -> Option<Backend> {
    let number = u32::try_from(index).ok()?;
    let address = SocketAddr::from((Ipv4Addr::from(0x7f00_0000 | number), 1));
    let weight = usize::try_from(weight).ok()?;
    let mut backend = Backend::new_with_weight(&address.to_string(), weight).ok()?;
    backend.ext.insert(index);
    Some(backend)
}
