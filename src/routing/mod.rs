//! Which provider and model answer a request: names in, an ordered [`Plan`] out.

mod attempts;
mod budget;
mod failure;
mod names;

use std::sync::Arc;
use std::time::Duration;

pub use attempts::{Attempts, Next, RetryPolicy, Stop, Verdict};
pub use budget::RetryBudget;
pub use failure::Failure;
pub use names::Names;

use alfred_filters::event::Usage;
use alfred_filters::prompt::Surface;

use crate::conf::{Kind, Timeouts};
use crate::ledger::{self, Charge, Nanos, Price, ServiceTier, UsageCounts};
use crate::providers::Provider;
use crate::tokenizer::Vocabulary;

/// The deadlines of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From the request header to the first byte of the answer.
    pub first_byte: Duration,
    /// Between two pieces of the answer.
    pub between_chunks: Duration,
    /// From the client's request to the end of the answer.
    pub total: Duration,
    /// How long a stream may be without content before the client sees its header.
    pub commit_after: Duration,
}

impl From<&Timeouts> for Limits {
    fn from(timeouts: &Timeouts) -> Self {
        Self {
            first_byte: timeouts.first_byte,
            between_chunks: timeouts.between_chunks,
            total: timeouts.total,
            commit_after: timeouts.commit_after,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::from(&Timeouts::default())
    }
}

/// One provider and model that may answer.
#[derive(Debug)]
pub struct Target {
    /// The vendor account.
    pub provider: Arc<Provider>,
    /// The model as the provider calls it.
    pub model: Arc<str>,
    /// Its share beside the other targets of its alias.
    pub weight: u32,
    /// Members forced into the request: name and raw JSON.
    pub overrides: Box<[(String, String)]>,
    /// How long its steps may take.
    pub timeouts: Timeouts,
    /// What it costs; `None` when nobody knows.
    pub price: Option<Price>,
    /// The longest answer in tokens that the model gives, where it is known.
    pub max_output: Option<u64>,
}

impl Target {
    /// `provider/model`, the name that clients and allowlists use.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.provider.name, self.model)
    }

    /// Whether it can be asked for this. Bedrock counts tokens for Anthropic's models alone.
    #[must_use]
    pub fn serves(&self, surface: Surface) -> bool {
        let uncounted = surface == Surface::CountTokens
            && self.provider.settings.kind == Kind::Bedrock
            && !self.model.contains("anthropic");
        self.provider.wants.serves(surface) && !uncounted
    }

    /// What an answer costs here, at the tier that the provider says it served, else at the one
    /// asked for; `None` when nobody knows.
    #[must_use]
    pub fn cost(&self, usage: &Usage, tier: ServiceTier, charge: Charge) -> Option<Nanos> {
        let price = self.price.as_ref()?;
        let tier = usage.tier.unwrap_or(tier);
        ledger::cost(price, &UsageCounts::billed(*usage), tier, charge)
            .inspect_err(|error| {
                log::warn!("an answer of {} cannot be priced: {error}", self.name());
            })
            .ok()
    }
}

/// The targets of one request, in the order in which they are asked.
#[derive(Debug, Clone)]
pub struct Plan {
    /// At least one.
    pub targets: Vec<Arc<Target>>,
    /// How often and how long to try.
    pub retry: RetryPolicy,
}

impl Plan {
    /// Whether every target only rests because too much was asked of it.
    #[must_use]
    pub fn is_throttled(&self, now: Duration) -> bool {
        let mut targets = self.targets.iter();
        targets.all(|target| target.provider.pool.is_throttled(&target.model, now))
    }

    /// Whether the target that is asked first counts a prompt's tokens itself.
    #[must_use]
    pub fn counts_tokens(&self) -> bool {
        let first = self.targets.first();
        first.is_some_and(|target| target.serves(Surface::CountTokens))
    }

    /// The vocabulary in which the target that is asked first counts, if it is OpenAI's.
    #[must_use]
    pub fn vocabulary(&self) -> Option<Vocabulary> {
        let first = self.targets.first()?;
        let is_openai = matches!(first.provider.settings.kind, Kind::Openai | Kind::Azure);
        is_openai.then(|| Vocabulary::of(&first.model))?
    }
}

/// An alias: targets that share the load, and those that follow when they fail.
#[derive(Debug)]
pub struct Alias {
    /// Shared by weight.
    pub targets: Vec<Arc<Target>>,
    /// Asked in this order afterwards.
    pub fallback: Vec<Arc<Target>>,
    /// How often and how long to try.
    pub retry: RetryPolicy,
}

impl Alias {
    /// The targets of one request: one chosen by weight, then the others in weighted order, then
    /// the fallback. `chance` gives numbers in [0, 1).
    pub fn plan(&self, chance: &mut dyn FnMut() -> f64) -> Plan {
        let mut left: Vec<_> = self.targets.iter().filter(|t| t.weight > 0).collect();
        let mut targets = Vec::with_capacity(left.len() + self.fallback.len());
        while left.len() > 1 {
            let sum: f64 = left.iter().map(|target| f64::from(target.weight)).sum();
            let mut at = chance() * sum;
            let picked = left.iter().position(|target| {
                at -= f64::from(target.weight);
                at < 0.0
            });
            targets.push(Arc::clone(left.remove(picked.unwrap_or(0))));
        }
        targets.extend(left.into_iter().map(Arc::clone));
        targets.extend(self.fallback.iter().map(Arc::clone));
        Plan {
            targets,
            retry: self.retry,
        }
    }
}
