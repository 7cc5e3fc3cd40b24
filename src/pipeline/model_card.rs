//! What `GET /v1/models` tells of a model beside its name: its context window, what it can do and
//! what it costs the caller. The members are those that OpenRouter's listing made usual.

use serde::Serialize;

use crate::gateway::Gateway;
use crate::ledger::{Charge, Class, Facts, ServiceTier};
use crate::routing::{Plan, Target};

/// A member is left out where it is not known of every target that may answer.
#[derive(Debug, Default, Serialize)]
pub(super) struct Card {
    /// The context window in tokens; of several targets the smallest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) context_length: Option<u64>,
    /// The longest answer in tokens; of several targets the shortest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_completion_tokens: Option<u64>,
    /// What every target can do, in the words of the price table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) capabilities: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pricing: Option<Pricing>,
}

/// Credits per token, with the caller's mark-up, as decimal strings; of several targets the dearest.
#[derive(Debug, Serialize)]
pub(super) struct Pricing {
    prompt: String,
    completion: String,
    input_cache_read: String,
    input_cache_write: String,
}

impl Card {
    /// The card of a model that is served by this plan, for a caller who is charged so.
    pub(super) fn new(gateway: &Gateway, plan: &Plan, charge: Charge) -> Self {
        let facts = |target: &Target| {
            let kind = target.provider.settings.kind.name();
            gateway.prices.facts(kind, &target.model)
        };
        let every = plan.targets.iter().map(|target| facts(target));
        let every: Option<Vec<&Facts>> = every.collect();
        let pricing = Pricing::new(plan, charge);
        let Some(every) = every else {
            return Self {
                pricing,
                ..Self::default()
            };
        };
        Self {
            context_length: least(&every, |facts| facts.context),
            max_completion_tokens: least(&every, |facts| facts.max_output),
            capabilities: common(&every),
            pricing,
        }
    }

    /// Whether every target can do this; `None` where that is not known.
    pub(super) fn can(&self, what: &str) -> Option<bool> {
        let known = self.capabilities.as_ref()?;
        Some(known.iter().any(|one| one == what))
    }
}

fn least(every: &[&Facts], of: impl Fn(&Facts) -> Option<u64>) -> Option<u64> {
    let known: Option<Vec<u64>> = every.iter().map(|facts| of(facts)).collect();
    known?.into_iter().min()
}

fn common(every: &[&Facts]) -> Option<Vec<String>> {
    let (first, rest) = every.split_first()?;
    let mode = first.mode.iter().filter(|mode| *mode == "embedding");
    let words = mode.map(|_| "embeddings".to_owned());
    let shared = first.capabilities.iter().filter(|word| {
        let has = |facts: &&Facts| facts.capabilities.contains(word);
        rest.iter().all(has)
    });
    Some(words.chain(shared.cloned()).collect())
}

impl Pricing {
    fn new(plan: &Plan, charge: Charge) -> Option<Self> {
        let dearest = |class| {
            let prices = plan.targets.iter().map(|target| {
                let price = target.price.as_ref()?;
                price.per_token(class, ServiceTier::Standard, 0)
            });
            let prices: Option<Vec<u64>> = prices.collect();
            Some(in_credits(prices?.into_iter().max()?, charge))
        };
        Some(Self {
            prompt: dearest(Class::Input)?,
            completion: dearest(Class::Output)?,
            input_cache_read: dearest(Class::CacheRead)?,
            input_cache_write: dearest(Class::CacheWrite)?,
        })
    }
}

/// Pico-USD as credits in decimals, rounded up to the twelfth digit.
fn in_credits(pico_usd: u64, charge: Charge) -> String {
    const PER_CREDIT: u128 = 1_000_000_000_000;
    let scaled = u128::from(pico_usd) * u128::from(charge.markup_ppm);
    let pico = scaled.div_ceil(u128::from(charge.credit_usd_ppm.max(1)));
    let (whole, rest) = (pico / PER_CREDIT, pico % PER_CREDIT);
    let text = format!("{whole}.{rest:012}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_told_in_decimals_without_a_float() {
        let charge = |credit_usd_ppm, markup_ppm| Charge {
            credit_usd_ppm,
            markup_ppm,
        };
        let usual = charge(1_000_000, 1_000_000);
        assert_eq!(in_credits(0, usual), "0");
        assert_eq!(in_credits(150_000, usual), "0.00000015");
        assert_eq!(in_credits(1, usual), "0.000000000001");
        assert_eq!(in_credits(2_000_000_000_000, usual), "2");
        assert_eq!(
            in_credits(150_000, charge(1_000_000, 1_200_000)),
            "0.00000018"
        );
        assert_eq!(
            in_credits(1, charge(3_000_000, 1_000_000)),
            "0.000000000001"
        );
        assert_eq!(in_credits(10_000, charge(10_000, 1_000_000)), "0.000001");
        assert!(!in_credits(u64::MAX, charge(0, u32::MAX)).is_empty());
    }

    #[test]
    fn what_not_every_target_is_known_to_do_is_not_promised() {
        let facts = |context, words: &[&str]| Facts {
            context,
            capabilities: words.iter().map(|word| (*word).to_owned()).collect(),
            ..Facts::default()
        };
        let (big, small) = (
            facts(Some(9), &["tools", "vision"]),
            facts(Some(5), &["tools"]),
        );
        assert_eq!(least(&[&big, &small], |facts| facts.context), Some(5));
        assert_eq!(least(&[&big, &small], |facts| facts.max_output), None);
        assert_eq!(common(&[&big, &small]), Some(vec!["tools".to_owned()]));
        let unknown = facts(None, &[]);
        assert_eq!(least(&[&big, &unknown], |facts| facts.context), None);
        assert_eq!(common(&[&big, &unknown]), Some(Vec::new()));
    }
}
