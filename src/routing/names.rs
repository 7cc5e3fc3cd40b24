//! What clients may ask for: aliases first, then `provider/model`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Alias, Plan, RetryPolicy, Target};
use crate::conf::nearest;
use crate::providers::Provider;
use crate::refusal::Refusal;

/// The most attempts of a request that names a provider and no alias.
const MAX_DIRECT_ATTEMPTS: u32 = 20;

/// Makes a target for a model that is named directly.
pub(super) type TargetMaker = dyn Fn(&Arc<Provider>, &str) -> Target + Send + Sync;

/// Every name that can be asked for.
pub struct Names {
    aliases: BTreeMap<String, Alias>,
    providers: BTreeMap<String, Arc<Provider>>,
    direct: Box<TargetMaker>,
    retry: RetryPolicy,
}

impl Names {
    /// `direct` makes the target of a `provider/model` name, `retry` is its policy.
    #[must_use]
    pub fn new(
        aliases: BTreeMap<String, Alias>,
        providers: BTreeMap<String, Arc<Provider>>,
        direct: Box<TargetMaker>,
        retry: RetryPolicy,
    ) -> Self {
        Self {
            aliases,
            providers,
            direct,
            retry,
        }
    }

    /// The plan for a model name.
    ///
    /// # Errors
    /// [`Refusal::UnknownModel`] with the nearest alias.
    pub fn plan(&self, model: &str, chance: &mut dyn FnMut() -> f64) -> Result<Plan, Refusal> {
        if let Some(alias) = self.aliases.get(model) {
            return Ok(alias.plan(chance));
        }
        let direct = model
            .split_once('/')
            .filter(|(_, rest)| !rest.is_empty())
            .and_then(|(prefix, rest)| Some((self.providers.get(prefix)?, rest)));
        match direct {
            Some((provider, rest)) => Ok(Plan {
                targets: vec![Arc::new((self.direct)(provider, rest))],
                retry: self.reaching_every_lane(provider),
            }),
            None => Err(self.unknown(model)),
        }
    }

    /// A provider that is named directly may be asked by every endpoint and with every key.
    fn reaching_every_lane(&self, provider: &Provider) -> RetryPolicy {
        let lanes = u32::try_from(provider.settings.lanes()).unwrap_or(u32::MAX);
        RetryPolicy {
            attempts: self.retry.attempts.max(lanes).min(MAX_DIRECT_ATTEMPTS),
            ..self.retry
        }
    }

    fn unknown(&self, model: &str) -> Refusal {
        let listed = self.listed().map(|(name, _)| name);
        let known: Vec<String> = listed.collect();
        Refusal::UnknownModel {
            asked: shorten(model),
            nearest: nearest(model, known.iter().map(String::as_str)).map(str::to_owned),
        }
    }

    /// The names that `GET /v1/models` lists, each with its owner: aliases, then the models that
    /// providers' configurations name. Where only the mock exists, a first run shall see something.
    pub fn listed(&self) -> impl Iterator<Item = (String, &str)> {
        let aliases = self.aliases.keys().map(|name| (name.clone(), "alfred"));
        let direct = self.providers.values().flat_map(|provider| {
            let named = provider.listed_models.iter();
            named.map(move |model| (format!("{}/{model}", provider.name), &*provider.name))
        });
        let nothing_else = self.aliases.is_empty() && self.providers.len() == 1;
        let mock = nothing_else.then(|| ("mock/echo".to_owned(), "mock"));
        aliases.chain(direct).chain(mock)
    }

    /// Every configured provider.
    pub fn providers(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.providers.values()
    }

    /// The aliases by name.
    pub fn aliases(&self) -> impl Iterator<Item = (&String, &Alias)> {
        self.aliases.iter()
    }
}

/// A name from a client goes into a message: keep it short and printable.
fn shorten(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(100).collect()
}
