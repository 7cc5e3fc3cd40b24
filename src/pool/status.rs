//! What an operator is shown of a pool. Never a key.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::Pool;
use super::breaker::State;
use super::endpoint::Endpoint;

/// The same instant on both clocks: breakers count from the start of the process, people do not.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Time since the process began.
    pub process: Duration,
    /// The time of day.
    pub wall: jiff::Timestamp,
}

impl Now {
    /// The time of day at an instant of the process.
    fn at(&self, instant: Duration) -> String {
        let ahead = instant.saturating_sub(self.process);
        let at = self.wall.checked_add(ahead).unwrap_or(self.wall);
        at.round(jiff::Unit::Millisecond).unwrap_or(at).to_string()
    }
}

/// An endpoint of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EndpointStatus {
    /// The provider's name in the configuration.
    pub provider: String,
    /// The base address.
    pub endpoint: String,
    /// Where its breaker stands: `closed`, `half_open` or `open`.
    pub state: &'static str,
    /// Calls within the breaker's window.
    pub calls: u64,
    /// Failures among them.
    pub failures: u64,
    /// When a call may be made again, while none may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Calls that run.
    pub in_flight: usize,
    /// Keys that rest.
    pub resting: Vec<KeyStatus>,
}

/// A key that rests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyStatus {
    /// Its number in the provider's list, from 0; absent when the provider takes no key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<usize>,
    /// Why: `dead`, `forbidden`, `exhausted` or `throttled`.
    pub reason: &'static str,
    /// The model it concerns; absent when it is every model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// When it ends. A dead key is then tried by one call.
    pub until: String,
}

impl Pool {
    /// How each endpoint does.
    #[must_use]
    pub fn status(&self, now: Now) -> Vec<EndpointStatus> {
        let mut endpoints: Vec<&Arc<Endpoint>> = Vec::new();
        for lane in self.lanes() {
            if !endpoints
                .iter()
                .any(|known| Arc::ptr_eq(known, &lane.endpoint))
            {
                endpoints.push(&lane.endpoint);
            }
        }
        let status = |endpoint: &Arc<Endpoint>| self.endpoint_status(endpoint, now);
        endpoints.into_iter().map(status).collect()
    }

    fn endpoint_status(&self, endpoint: &Arc<Endpoint>, now: Now) -> EndpointStatus {
        let glimpse = endpoint.glimpse(now.process);
        let lanes = self.lanes().iter();
        let lanes = lanes.filter(|lane| Arc::ptr_eq(&lane.endpoint, endpoint));
        let mut status = EndpointStatus {
            provider: endpoint.provider().to_owned(),
            endpoint: endpoint.url().to_owned(),
            state: glimpse.state.label(),
            calls: glimpse.calls,
            failures: glimpse.failures,
            until: glimpse
                .until
                .filter(|_| glimpse.state == State::Open)
                .map(|until| now.at(until)),
            in_flight: 0,
            resting: Vec::new(),
        };
        for lane in lanes {
            status.in_flight += lane.seat.in_flight();
            for rest in lane.seat.resting(now.process) {
                status.resting.push(KeyStatus {
                    key: lane.key,
                    reason: rest.reason.label(),
                    model: rest.model.map(String::from),
                    until: now.at(rest.until),
                });
            }
        }
        status
    }
}
