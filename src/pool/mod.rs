//! Which endpoint and which key of a provider serve an attempt.
//!
//! A lane is one endpoint with one key. Pingora's balancers identify a backend by its address, and
//! two keys at one endpoint share theirs, so each lane gets a synthetic address that is never
//! dialled.

mod dns;

use std::collections::BTreeSet;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use pingora_load_balancing::selection::{BackendIter, BackendSelection};
use pingora_load_balancing::selection::{Consistent, Random, RoundRobin};
use pingora_load_balancing::{Backend, Backends, LoadBalancer, discovery};

pub use dns::{Host, Resolver};

use crate::conf::Balance;

/// One endpoint of a provider with one of its keys.
pub struct Lane {
    /// Stable name, `host:port#key-number`, for metrics and state that outlives a reload.
    pub id: String,
    /// Where it is.
    pub host: Arc<Host>,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// The path in front of `/chat/completions`, without a trailing slash.
    pub base_path: String,
    /// What the credential header holds; `None` when the provider takes none.
    pub credential: Option<http::HeaderValue>,
    /// Its share of the calls.
    pub weight: u32,
    in_flight: AtomicUsize,
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Lane {
    /// A lane that nothing runs on.
    #[must_use]
    pub fn new(
        host: Arc<Host>,
        tls: bool,
        base_path: String,
        key: Option<(usize, http::HeaderValue)>,
        weight: u32,
    ) -> Self {
        let number = key.as_ref().map_or(0, |(number, _)| *number);
        Self {
            id: format!("{}#{number}", host.name()),
            host,
            tls,
            base_path,
            credential: key.map(|(_, value)| value),
            weight,
            in_flight: AtomicUsize::new(0),
        }
    }

    /// Attempts that run on it now.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }
}

/// Counts an attempt on its lane until it is dropped.
#[derive(Debug)]
pub struct LaneGuard(Arc<Lane>);

impl LaneGuard {
    fn new(lane: &Arc<Lane>) -> Self {
        lane.in_flight.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(lane))
    }

    /// The lane that was chosen.
    #[must_use]
    pub fn lane(&self) -> &Arc<Lane> {
        &self.0
    }
}

impl Drop for LaneGuard {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

enum Chooser {
    LeastInFlight(AtomicUsize),
    RoundRobin(LoadBalancer<RoundRobin>),
    Weighted(LoadBalancer<Random>),
    ConsistentHash(LoadBalancer<Consistent>),
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

    /// Chooses a lane. `key` is what consistent hashing keeps together. `None` only when the
    /// provider has no lane at all.
    #[must_use]
    pub fn choose(&self, key: &[u8]) -> Option<LaneGuard> {
        let lane = match &self.chooser {
            Chooser::LeastInFlight(turn) => self.least_in_flight(turn),
            Chooser::RoundRobin(balancer) => self.selected(balancer, key),
            Chooser::Weighted(balancer) => self.selected(balancer, key),
            Chooser::ConsistentHash(balancer) => self.selected(balancer, key),
        };
        lane.or_else(|| self.lanes.first()).map(LaneGuard::new)
    }

    /// The lanes, for discovery and for status pages.
    #[must_use]
    pub fn lanes(&self) -> &[Arc<Lane>] {
        &self.lanes
    }

    /// The lane with the least load for its weight; ties are taken in turn.
    fn least_in_flight(&self, turn: &AtomicUsize) -> Option<&Arc<Lane>> {
        if let [only] = self.lanes.as_slice() {
            return Some(only);
        }
        let start = turn.fetch_add(1, Ordering::Relaxed);
        let count = self.lanes.len();
        (0..count)
            .filter_map(|i| self.lanes.get(start.wrapping_add(i) % count))
            .min_by(|a, b| load(a).total_cmp(&load(b)))
    }

    fn selected<S>(&self, balancer: &LoadBalancer<S>, key: &[u8]) -> Option<&Arc<Lane>>
    where
        S: BackendSelection + 'static,
        S::Iter: BackendIter,
    {
        let backend = balancer.select(key, 16)?;
        self.lanes.get(*backend.ext.get::<usize>()?)
    }
}

fn load(lane: &Lane) -> f64 {
    let in_flight = u32::try_from(lane.in_flight.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(balance: Balance, weights: &[u32]) -> Pool {
        let lane = |(number, weight): (usize, &u32)| {
            let host = Arc::new(Host::new("127.0.0.1", 80));
            let key = http::HeaderValue::from_static("k");
            Lane::new(host, false, String::new(), Some((number, key)), *weight)
        };
        Pool::new(weights.iter().enumerate().map(lane).collect(), balance)
    }

    fn shares(pool: &Pool, calls: usize) -> Vec<usize> {
        let mut counts = vec![0; pool.lanes.len()];
        for call in 0..calls {
            let guard = pool.choose(&call.to_le_bytes()).expect("a lane");
            let at = pool
                .lanes
                .iter()
                .position(|lane| Arc::ptr_eq(lane, guard.lane()));
            counts[at.expect("one of the pool's lanes")] += 1;
        }
        counts
    }

    #[test]
    fn two_keys_at_one_endpoint_take_turns() {
        assert_eq!(shares(&pool(Balance::RoundRobin, &[1, 1]), 100), [50, 50]);
    }

    #[test]
    fn weights_share_the_load() {
        let counts = shares(&pool(Balance::RoundRobin, &[3, 1]), 400);
        assert_eq!(counts, [300, 100]);
        let counts = shares(&pool(Balance::Weighted, &[3, 1]), 4000);
        assert!((2800..3200).contains(&counts[0]), "{counts:?}");
    }

    #[test]
    fn the_idle_lane_is_preferred() {
        let pool = pool(Balance::LeastInFlight, &[1, 1, 1]);
        let first = pool.choose(b"").expect("a lane");
        let second = pool.choose(b"").expect("a lane");
        let third = pool.choose(b"").expect("a lane");
        let ids: BTreeSet<_> = [&first, &second, &third]
            .map(|g| g.lane().id.clone())
            .into();
        assert_eq!(ids.len(), 3);
        drop(second);
        let fourth = pool.choose(b"").expect("a lane");
        assert_eq!(fourth.lane().in_flight.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_caller_stays_with_its_lane_under_consistent_hashing() {
        let pool = pool(Balance::ConsistentHash, &[1, 1, 1]);
        let id = |key: &[u8]| pool.choose(key).expect("a lane").lane().id.clone();
        assert_eq!(id(b"one caller"), id(b"one caller"));
    }
}
