//! One endpoint with one key, and the permission to make one call there.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use alfred_filters::error::{ErrorKind, KeyState, ProviderError};

use super::breaker::{Outcome, Pass};
use super::dns::Host;
use super::endpoint::{Endpoint, Seat};
use super::rest::News;
use crate::conf::BreakerConfig;

/// The proxy by which a lane is reached.
#[derive(Debug)]
pub struct Via {
    /// Where it is.
    pub host: Arc<Host>,
    /// What its `Proxy-Authorization` wants to be.
    pub authorization: Option<http::HeaderValue>,
}

/// One endpoint of a provider with one of its keys.
pub struct Lane {
    /// Stable name, `host:port#key-number`, for receipts.
    pub id: Arc<str>,
    /// Where it is.
    pub host: Arc<Host>,
    /// The proxy by which it is reached; `None` for directly.
    pub via: Option<Arc<Via>>,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// The `Host` header of calls to it.
    pub authority: http::HeaderValue,
    /// The path in front of `/chat/completions`, without a trailing slash.
    pub base_path: String,
    /// Which of the provider's keys it is; `None` when the provider takes none.
    pub key: Option<usize>,
    /// What the credential header holds.
    pub credential: Option<http::HeaderValue>,
    /// Its share of the calls.
    pub weight: u32,
    /// What is known of the endpoint.
    pub endpoint: Arc<Endpoint>,
    /// What is known of the key at the endpoint.
    pub seat: Arc<Seat>,
    /// When the endpoint is left alone.
    pub rules: BreakerConfig,
    /// It fails because it is told to, such as the built-in mock; no conclusions are drawn.
    pub scripted: bool,
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Lane {
    /// Whose address is dialled: its own, or that of the proxy, who looks its name up himself.
    #[must_use]
    pub fn dialled(&self) -> &Arc<Host> {
        self.via.as_ref().map_or(&self.host, |via| &via.host)
    }

    /// Whether a call for the model may be made; when not, since when.
    ///
    /// # Errors
    /// That instant.
    pub fn peek(&self, model: &str, now: Duration) -> Result<(), Duration> {
        let (key, endpoint) = (self.seat.peek(model, now), self.endpoint.peek(now));
        match (key, endpoint) {
            (Ok(()), Ok(())) => Ok(()),
            (Err(key), Err(endpoint)) => Err(key.max(endpoint)),
            (Err(until), Ok(())) | (Ok(()), Err(until)) => Err(until),
        }
    }

    /// Takes the permission to make a call. The probe of a half-open breaker is taken only when
    /// nothing else stands against the call.
    pub(super) fn enter(self: &Arc<Self>, model: &str, now: Duration) -> Option<LaneGuard> {
        self.seat.peek(model, now).ok()?;
        let pass = self.endpoint.admit(now).ok()?;
        let Ok(tries_key) = self.seat.enter(model, now) else {
            self.endpoint.give_back(pass);
            return None;
        };
        self.seat.sit();
        Some(LaneGuard {
            lane: Arc::clone(self),
            pass: Some(pass),
            trial: tries_key.then(|| model.into()),
        })
    }
}

/// What a call told about its endpoint and its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// About the endpoint; `None` for nothing.
    pub outcome: Option<Outcome>,
    /// About the key.
    pub key: News,
}

impl Report {
    /// The endpoint answered with this key.
    pub const FINE: Self = Self {
        outcome: Some(Outcome::Answered),
        key: News::Accepted,
    };

    /// What an error that a provider sent tells.
    #[must_use]
    pub fn of(error: &ProviderError) -> Self {
        match is_endpoints_fault(error) {
            true => Self {
                outcome: Some(Outcome::Failed),
                key: News::None,
            },
            false => Self {
                outcome: Some(Outcome::Answered),
                key: news(error),
            },
        }
    }
}

/// Whether an error is the endpoint's own: never what a client's request can cause, and never that
/// a key has asked for too much.
fn is_endpoints_fault(error: &ProviderError) -> bool {
    let clients = (400..500).contains(&error.status) && error.status != 408;
    !clients
        && matches!(
            error.kind,
            ErrorKind::Overloaded | ErrorKind::Timeout | ErrorKind::Server | ErrorKind::Malformed
        )
}

fn news(error: &ProviderError) -> News {
    match (error.key, error.kind) {
        (KeyState::Dead, ErrorKind::Permission) => News::Forbidden,
        (KeyState::Dead, _) => News::Refused,
        (KeyState::Exhausted, _) => News::Exhausted,
        (KeyState::Throttled, _) => News::Throttled(error.retry_after),
        // Whoever finds fault with the request has let the key in.
        (KeyState::Fine, ErrorKind::InvalidRequest) => News::Accepted,
        (KeyState::Fine, _) => News::None,
    }
}

/// The permission to make one call on a lane, counted there until it is dropped. What the call
/// tells is taken once; dropped without a word, the permission passes to the next.
#[derive(Debug)]
pub struct LaneGuard {
    lane: Arc<Lane>,
    pass: Option<Pass>,
    /// The model for which this call tries whether the key's rest is over.
    trial: Option<Box<str>>,
}

impl LaneGuard {
    /// The lane that was chosen.
    #[must_use]
    pub fn lane(&self) -> &Arc<Lane> {
        &self.lane
    }

    /// Takes what the call told. Later reports of the same call are not heard.
    pub fn conclude(&mut self, report: Report, model: &str, now: Duration) {
        let Some(pass) = self.pass.take().filter(|_| !self.lane.scripted) else {
            return;
        };
        match report.outcome {
            Some(outcome) => {
                self.lane
                    .endpoint
                    .record(&self.lane.rules, pass, outcome, now);
            }
            None => self.lane.endpoint.give_back(pass),
        }
        self.lane.seat.note(report.key, model, now);
        self.give_back_trial();
    }

    /// Whether others wait for what this call tells.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.trial.is_some() || self.pass.as_ref().is_some_and(Pass::is_probe)
    }

    /// The answer has begun to come. Where others wait for what this call tells, they need not
    /// wait for the end of a long stream.
    pub fn note_life(&mut self, model: &str, now: Duration) {
        if self.is_probe() {
            self.conclude(Report::FINE, model, now);
        }
    }

    fn give_back_trial(&mut self) {
        if let Some(model) = self.trial.take() {
            self.lane.seat.give_back(&model);
        }
    }
}

impl Drop for LaneGuard {
    fn drop(&mut self) {
        if let Some(pass) = self.pass.take() {
            self.lane.endpoint.give_back(pass);
        }
        self.give_back_trial();
        self.lane.seat.rise();
    }
}
