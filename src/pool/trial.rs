//! How one endpoint is tried without a client: what is sent, what its answer tells, what it may
//! cost.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use alfred_filters::error::ProviderError;
use tokio::net::TcpStream;

use super::breaker::Outcome;
use super::lane::{Lane, Report};
use super::rest::News;
use crate::conf::{BreakerConfig, Probe};
use crate::outbound::{self, Outbound, OutboundError, Reply, Request, Trust};

/// A day, the time over which trials may spend what they may.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What trials of a provider have cost; lives across reloads.
#[derive(Debug, Default)]
pub struct Spend {
    /// The day since the process began.
    day: AtomicU64,
    /// Nano-credits on that day.
    spent: AtomicU64,
}

impl Spend {
    /// Sets `most` nano-credits aside, if no more than `limit` are spent with them today.
    pub fn take(&self, most: u64, limit: u64, now: Duration) -> bool {
        let today = now.as_secs() / DAY.as_secs();
        if self.day.swap(today, Ordering::Relaxed) != today {
            self.spent.store(0, Ordering::Relaxed);
        }
        let taken = self
            .spent
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |spent| {
                spent.checked_add(most).filter(|sum| *sum <= limit)
            });
        taken.is_ok()
    }

    /// Gives back what was set aside and not needed.
    pub fn give_back(&self, rest: u64) {
        let spent = &self.spent;
        let _ = spent.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |spent| {
            Some(spent.saturating_sub(rest))
        });
    }
}

/// What a completion costs: nano-credits for tokens in and out; `None` when nobody knows.
pub type Cost = dyn Fn(u64, u64) -> Option<u64> + Send + Sync;

/// The limit of what completions may cost.
pub struct Purse {
    /// What has been spent.
    pub spend: Arc<Spend>,
    /// The most for one day, in nano-credits.
    pub limit: u64,
    /// The price.
    pub cost: Box<Cost>,
}

/// Tokens that a completion of one token is expected to need at most: in and out.
const MOST: (u64, u64) = (64, 64);

/// What is sent.
pub enum Means {
    /// A connection is made.
    Tcp,
    /// A request is made.
    Http(Outbound, Box<Request>),
    /// A completion of this model is asked for.
    Completion(Outbound, Box<Request>, String, Purse),
}

/// How an endpoint is tried.
pub struct Trial {
    /// How often.
    pub interval: Duration,
    /// How long it may take.
    pub timeout: Duration,
    /// When the endpoint is left alone.
    pub rules: BreakerConfig,
    /// The lane that is tried; it belongs to the pool of the configuration in force, and its
    /// endpoint keeps this.
    pub lane: Weak<Lane>,
    /// What is sent.
    pub means: Means,
}

impl Trial {
    /// Which of the probes it is.
    #[must_use]
    pub fn probe(&self) -> Probe {
        match self.means {
            Means::Tcp => Probe::Tcp,
            Means::Http(..) => Probe::Http,
            Means::Completion(..) => Probe::Completion,
        }
    }

    /// The model whose rest would stand against the trial.
    pub(super) fn model(&self) -> &str {
        match &self.means {
            Means::Completion(_, _, model, _) => model,
            Means::Tcp | Means::Http(..) => "",
        }
    }

    /// Tries the endpoint. `None` when there is no money for it.
    pub(super) async fn run(&self, lane: &Lane, now: Duration) -> Option<Report> {
        let silent = Report {
            outcome: Some(Outcome::Silent),
            key: News::None,
        };
        match &self.means {
            Means::Tcp => {
                let tried = tokio::time::timeout(self.timeout, self.connect(lane)).await;
                Some(match tried {
                    Ok(Some(())) => Report {
                        outcome: Some(Outcome::Answered),
                        key: News::None,
                    },
                    Ok(None) | Err(_) => silent,
                })
            }
            Means::Http(outbound, request) => {
                let called = outbound.call((**request).clone(), Trust::Configured).await;
                Some(Report {
                    outcome: Some(heard(&called)),
                    key: News::None,
                })
            }
            Means::Completion(outbound, request, _, purse) => {
                let most = (purse.cost)(MOST.0, MOST.1)?;
                if !purse.spend.take(most, purse.limit, now) {
                    return None;
                }
                let called = outbound.call((**request).clone(), Trust::Configured).await;
                purse
                    .spend
                    .give_back(most.saturating_sub(purse.paid(&called, most)));
                Some(match called {
                    Ok(reply) if !(200..300).contains(&reply.status) => Report::of(&error(&reply)),
                    Ok(_) => Report::FINE,
                    Err(_) => Report {
                        outcome: Some(heard(&called)),
                        key: News::None,
                    },
                })
            }
        }
    }

    async fn connect(&self, lane: &Lane) -> Option<()> {
        let address = lane.dialled().first_address(self.timeout).await?;
        let mut stream = TcpStream::connect(address).await.ok()?;
        if let Some(via) = &lane.via {
            let target = lane.host.name();
            outbound::open(&mut stream, &target, via.authorization.as_ref())
                .await
                .ok()?;
        }
        Some(())
    }
}

impl Purse {
    /// What a completion cost: by the provider's own count, else as much as was set aside, since
    /// an answer that got lost may be billed all the same.
    fn paid(&self, called: &Result<Reply, OutboundError>, most: u64) -> u64 {
        let Ok(reply) = called else {
            return match called {
                Err(OutboundError::Connect) => 0,
                _ => most,
            };
        };
        if !(200..300).contains(&reply.status) {
            return 0;
        }
        let answer: serde_json::Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let count = |name: &str| answer.get("usage")?.get(name)?.as_u64();
        let counted = count("prompt_tokens").zip(count("completion_tokens"));
        let cost = counted.and_then(|(input, output)| (self.cost)(input, output));
        cost.unwrap_or(most)
    }
}

/// What a call tells about the endpoint.
fn heard(called: &Result<Reply, OutboundError>) -> Outcome {
    match called {
        Ok(reply) if reply.status < 500 => Outcome::Answered,
        Ok(_) | Err(OutboundError::TooLong(_) | OutboundError::Failed(_)) => Outcome::Failed,
        Err(_) => Outcome::Silent,
    }
}

fn error(reply: &Reply) -> ProviderError {
    let text = |name: &str| reply.headers.get(name)?.to_str().ok();
    let now = jiff::Timestamp::now().as_second();
    ProviderError::read(
        reply.status,
        text("retry-after"),
        text("retry-after-ms"),
        &reply.body,
        u64::try_from(now).unwrap_or(0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_a_limit_and_the_next_day_another() {
        let spend = Spend::default();
        let hour = Duration::from_secs(3600);
        assert!(spend.take(60, 100, hour));
        assert!(!spend.take(60, 100, hour));
        spend.give_back(50);
        assert!(spend.take(60, 100, hour * 2));
        assert!(!spend.take(60, 100, hour * 23));
        assert!(spend.take(60, 100, hour * 25));
    }
}
