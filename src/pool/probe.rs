//! Endpoints are looked after without a client: one loop, driven by Pingora's health checks, feeds
//! the breakers.
//!
//! A trial never helps a failing endpoint to look well: its success is counted only when it is the
//! probe of a half-open breaker, its failure always. A connection that can be made says nothing
//! about a server that answers with errors, so the TCP probe closes only what silence has opened.

use std::collections::{BTreeSet, HashMap};
use std::net::{Ipv6Addr, SocketAddr};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use pingora_core::{Error, ErrorType, Result};
use pingora_load_balancing::discovery::ServiceDiscovery;
use pingora_load_balancing::health_check::HealthCheck;
use pingora_load_balancing::selection::RoundRobin;
use pingora_load_balancing::{Backend, Backends, LoadBalancer};

use super::breaker::{Outcome, State};
use super::endpoint::{Endpoint, Endpoints};
use super::trial::Trial;
use crate::conf::Probe;

/// How often is looked who is due.
const TICK: Duration = Duration::from_millis(100);
/// How often is looked whether anybody is.
const IDLE: Duration = Duration::from_secs(1);

/// Looks after every endpoint that wants it, for ever. `epoch` is when the process began.
pub(super) async fn run(endpoints: Arc<Endpoints>, epoch: Instant) {
    let known = Known(endpoints);
    let mut balancer: LoadBalancer<RoundRobin> =
        LoadBalancer::from_backends(Backends::new(Box::new(known)));
    balancer.set_health_check(Box::new(Prober { epoch }));
    loop {
        if let Err(error) = balancer.update().await {
            log::error!("endpoints cannot be listed: {error}");
        }
        balancer.backends().run_health_check(true).await;
        let is_idle = balancer.backends().get_backend().is_empty();
        tokio::time::sleep(if is_idle { IDLE } else { TICK }).await;
    }
}

/// The endpoints that want to be looked after, each under a synthetic address.
struct Known(Arc<Endpoints>);

#[async_trait]
impl ServiceDiscovery for Known {
    async fn discover(&self) -> Result<(BTreeSet<Backend>, HashMap<u64, bool>)> {
        let mut backends = BTreeSet::new();
        for endpoint in self.0.all() {
            if endpoint.trial().is_none() {
                continue;
            }
            let number = Ipv6Addr::from_bits(u128::from(endpoint.number()));
            let address = SocketAddr::from((number, 1)).to_string();
            let mut backend = Backend::new(&address)?;
            backend.ext.insert(Arc::downgrade(&endpoint));
            backends.insert(backend);
        }
        Ok((backends, HashMap::new()))
    }
}

/// Tries an endpoint when it is due.
struct Prober {
    epoch: Instant,
}

#[async_trait]
impl HealthCheck for Prober {
    async fn check(&self, backend: &Backend) -> Result<()> {
        let found = backend.ext.get::<Weak<Endpoint>>().and_then(Weak::upgrade);
        let Some(endpoint) = found else {
            return Ok(());
        };
        let now = self.epoch.elapsed();
        if let Some(trial) = endpoint.due(now) {
            self.attempt(&endpoint, &trial, now).await;
        }
        match endpoint.glimpse(self.epoch.elapsed()).state {
            State::Closed => Ok(()),
            State::HalfOpen | State::Open => {
                Error::e_explain(ErrorType::ConnectError, "its breaker is not closed")
            }
        }
    }

    fn backend_summary(&self, backend: &Backend) -> String {
        let found = backend.ext.get::<Weak<Endpoint>>().and_then(Weak::upgrade);
        found.map_or_else(String::new, |endpoint| {
            format!("{} of {}", endpoint.url(), endpoint.provider())
        })
    }

    fn health_threshold(&self, _success: bool) -> usize {
        1
    }
}

impl Prober {
    async fn attempt(&self, endpoint: &Arc<Endpoint>, trial: &Trial, now: Duration) {
        let Some(lane) = trial.lane.upgrade() else {
            return;
        };
        let glimpse = endpoint.glimpse(now);
        if glimpse.state != State::Closed && !glimpse.silent && trial.probe() == Probe::Tcp {
            return;
        }
        let model = trial.model();
        let Some(mut guard) = lane.enter(model, now) else {
            return;
        };
        let Some(report) = trial.run(&lane, now).await else {
            return;
        };
        let well = report.outcome == Some(Outcome::Answered);
        if !well || guard.is_probe() || trial.probe() == Probe::Completion {
            guard.conclude(report, model, self.epoch.elapsed());
        }
    }
}
