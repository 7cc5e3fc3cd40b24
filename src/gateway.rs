//! The immutable world built from one configuration. A reload builds another and swaps it whole.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use alfred_filters::dialect::Dialect;

use crate::conf::{self, Config, Kind, Problem, Problems, UnknownPrice};
use crate::exchange::unix_ms;
use crate::guards::{Callouts, Guards};
use crate::ledger::{self, Charge, Class, Price, PriceTable, ServiceTier, UsageCounts};
use crate::limits::{Measure, Rule};
use crate::living::Living;
use crate::outbound::{Egress, EgressError, Outbound};
use crate::pipeline::Fetcher;
use crate::pool::{Cost, Now};
use crate::providers::{Needs, Provider, Shared, Speaks, raw_members};
use crate::routing::{Alias, Names, Plan, RetryPolicy, Target};
use crate::secrets::{StaticHash, StaticKey, StaticKeys};
use crate::telemetry::WorldGuard;
use crate::tokenizer;
use crate::tokens::{Issuers, Means};

/// See the module text.
pub struct Gateway {
    /// State that outlives this world.
    pub living: Arc<Living>,
    /// The settings it was built from.
    pub config: Config,
    /// The way out.
    pub egress: Arc<Egress>,
    /// What clients may ask for.
    pub names: Names,
    /// The keys of the configuration.
    pub static_keys: StaticKeys,
    /// Whose tokens are taken in place of keys.
    pub issuers: Issuers,
    /// Request limits of every key.
    pub request_rules: Arc<[Rule]>,
    /// Token limits of every key.
    pub token_rules: Arc<[Rule]>,
    /// What texts are screened with; `None` where nothing is looked for.
    pub guards: Option<Arc<Guards>>,
    /// The services that are asked about requests; `None` where none are.
    pub callouts: Option<Callouts>,
    /// Who fetches pictures that requests name by their address; `None` where nobody may.
    pub pictures: Option<Fetcher>,
    /// What models charge.
    pub prices: Arc<PriceTable>,
    /// Unix time in seconds, the `created` of its models.
    pub built_at: i64,
    _alive: WorldGuard,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway")
            .field("built_at", &self.built_at)
            .finish_non_exhaustive()
    }
}

impl Gateway {
    /// Builds the world. `mock_url` is where the built-in mock listens. Nothing of it holds before it is served:
    /// what was built in vain leaves no trace in `living`.
    ///
    /// # Errors
    /// Everything in the configuration that only shows when it is put together.
    pub fn build(
        config: Config,
        living: &Arc<Living>,
        mock_url: &str,
    ) -> Result<Arc<Self>, Problems> {
        let mut problems = Vec::new();
        let egress = Arc::new(build_egress(&config, &mut problems));
        let outbound = build_outbound(&config, &egress)?;
        let way = way(&config, &egress);
        let shared = Shared {
            resolver: &living.resolver,
            endpoints: &living.endpoints,
            egress: &egress,
            mock_url,
            identities: &living.identities,
            outbound: outbound.as_ref().map(|outbound| (way, outbound)),
        };
        let providers = build_providers(&config, living, shared, &mut problems);
        let static_keys = build_static_keys(&config, &mut problems);
        let guards = build_guards(&config, living, &mut problems);
        if !problems.is_empty() {
            return Err(Problems(problems));
        }
        let prices = Arc::new(PriceTable::shipped().with_overrides(price_overrides(&config)));
        let maker = TargetMaker {
            prices: Arc::clone(&prices),
            unknown: config.unknown_price.clone(),
        };
        let means = Means {
            sources: &living.token_keys,
            outbound: outbound.as_ref(),
            way,
        };
        let issuers = Issuers::build(&config, means).map_err(Problems)?;
        for provider in providers.values() {
            provider.look_after_endpoints(&Needs {
                outbound: outbound.as_ref(),
                endpoints: &living.endpoints,
                cost: maker.cost_of_trials(provider),
            });
        }
        let aliases = build_aliases(&config, &providers, &maker);
        let direct = move |provider: &Arc<Provider>, model: &str| {
            maker.make(provider, model, provider.settings.timeouts.clone())
        };
        let retry = RetryPolicy {
            attempts: conf::Retry::default().attempts,
            deadline: conf::Retry::default().deadline,
        };
        if config.tokenizer == conf::Tokenizer::Bpe {
            tokenizer::load();
        }
        Ok(Arc::new(Self {
            living: Arc::clone(living),
            static_keys: StaticKeys::new(static_keys),
            issuers,
            egress,
            names: Names::new(aliases, providers, Box::new(direct), retry),
            request_rules: rules(&config, Measure::Requests),
            token_rules: rules(&config, Measure::Tokens),
            guards,
            callouts: Callouts::build(&config, outbound.as_ref(), living.guards.tools()),
            pictures: fetcher(&config, outbound.as_ref()),
            prices,
            built_at: unix_ms() / 1000,
            _alive: living.metrics.reloads.world(),
            config,
        }))
    }

    /// How many API keys may call.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.living.keyring.len() + self.static_keys.len()
    }

    /// This instant, on the clocks that the status of its pools is told by.
    #[must_use]
    pub fn now(&self) -> Now {
        Now {
            process: self.living.now(),
            wall: jiff::Timestamp::now(),
        }
    }

    /// The name that metrics use for a model: what the configuration or the price table knows,
    /// never what a client made up.
    #[must_use]
    pub fn model_label(&self, asked: &str, plan: &Plan) -> String {
        let known = self.config.models.contains_key(asked)
            || plan.targets.iter().any(|target| {
                target.price.is_some() && target.provider.settings.kind != Kind::Mock
            });
        if known {
            asked.to_owned()
        } else {
            "other".to_owned()
        }
    }
}

/// Makes targets: knows what things cost.
struct TargetMaker {
    prices: Arc<PriceTable>,
    unknown: UnknownPrice,
}

impl TargetMaker {
    fn make(&self, provider: &Arc<Provider>, model: &str, timeouts: conf::Timeouts) -> Target {
        let kind = provider.settings.kind.name();
        let known = self.prices.price(&provider.name, kind, model).cloned();
        Target {
            provider: Arc::clone(provider),
            model: model.into(),
            weight: 1,
            overrides: Box::default(),
            timeouts,
            price: known.or_else(|| ceiling(&self.unknown)),
            max_output: match provider.wants.speaks {
                // The others need no limit to be named.
                Speaks::One(Dialect::AnthropicMessages) => self
                    .prices
                    .facts(kind, model)
                    .and_then(|facts| facts.max_output),
                _ => None,
            },
        }
    }

    /// What the completions cost with which the endpoints of a provider are tried.
    fn cost_of_trials(&self, provider: &Arc<Provider>) -> Arc<Cost> {
        let check = provider.settings.health.as_ref();
        let Some(model) = check.and_then(|check| check.model.as_deref()) else {
            return Arc::new(|_, _| None);
        };
        // Of the target only the price: the endpoints that keep this belong to its provider.
        let price = self.make(provider, model, conf::Timeouts::default()).price;
        if price.is_none() {
            log::warn!(
                provider = &*provider.name;
                "the price of '{}/{model}' is unknown, so no completion tries its endpoints; add it under `prices`",
                provider.name
            );
        }
        Arc::new(move |input, output| {
            let counts = UsageCounts {
                input,
                output,
                ..UsageCounts::default()
            };
            let (tier, charge) = (ServiceTier::Standard, Charge::default());
            let cost = ledger::cost(price.as_ref()?, &counts, tier, charge).ok()?;
            u64::try_from(cost.get()).ok()
        })
    }
}

/// Alfred's own client, where a setting needs it.
fn build_outbound(config: &Config, egress: &Arc<Egress>) -> Result<Option<Outbound>, Problems> {
    let checks = config.providers.iter();
    let mut checks = checks.filter_map(|(name, provider)| Some((name, provider.health.as_ref()?)));
    let check = checks.find(|(_, check)| check.probe != conf::Probe::Tcp);
    let issuer = config.jwt.iter().position(|one| one.jwks_url.is_some());
    let index = issuer.unwrap_or(0).to_string();
    let mut identities = config.providers.iter();
    let identity = identities.find(|(_, provider)| provider.entra.is_some());
    let fetches = !config.images.fetch_from.is_empty();
    let asked = config.filters.iter().position(conf::Filter::asks_a_service);
    let asked_at = asked.unwrap_or(0).to_string();
    let path: &[&str] = match (check, issuer, identity) {
        (Some((name, _)), ..) => &["providers", name, "health"],
        (_, Some(_), _) => &["jwt", &index, "jwks_url"],
        (.., Some((name, _))) => &["providers", name, "entra"],
        _ if fetches => &["images", "fetch_from"],
        _ if asked.is_some() => &["filters", &asked_at],
        _ => return Ok(None),
    };
    let made = Outbound::new(egress)
        .map_err(|error| Problems(vec![config.source.problem(path, error.to_string())]));
    made.map(Some)
}

/// Who fetches pictures, where some are fetched.
fn fetcher(config: &Config, outbound: Option<&Outbound>) -> Option<Fetcher> {
    let outbound = outbound.filter(|_| !config.images.fetch_from.is_empty())?;
    Some(Fetcher::new(&config.images, outbound))
}

/// The number of the way out that Alfred's own client takes.
fn way(config: &Config, egress: &Egress) -> u64 {
    let mut hasher = DefaultHasher::new();
    (egress.id, &config.egress.except).hash(&mut hasher);
    hasher.finish()
}

fn ceiling(unknown: &UnknownPrice) -> Option<Price> {
    match unknown {
        UnknownPrice::Ceiling(prices) => Some(
            Price::new()
                .with(Class::Input, prices.input)
                .with(Class::Output, prices.output),
        ),
        UnknownPrice::Warn | UnknownPrice::Refuse => None,
    }
}

fn build_egress(config: &Config, problems: &mut Vec<Problem>) -> Egress {
    Egress::build(&config.egress).unwrap_or_else(|error| {
        let field = match error {
            EgressError::Login => "proxy",
            EgressError::Unreadable(..) | EgressError::NoAuthority(..) => "ca_file",
        };
        let problem = config.source.problem(&["egress", field], error.to_string());
        problems.push(problem);
        Egress::default()
    })
}

fn build_providers(
    config: &Config,
    living: &Living,
    shared: Shared<'_>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, Arc<Provider>> {
    let mut providers = BTreeMap::new();
    let mut add = |name: &str, settings: &conf::Provider| {
        let budget = living.budget(name);
        match Provider::build(name, settings, shared, budget) {
            Ok(provider) => {
                providers.insert(name.to_owned(), Arc::new(provider));
            }
            Err(error) => {
                problems.push(
                    config
                        .source
                        .problem(&["providers", name], error.to_string()),
                );
            }
        }
    };
    for (name, settings) in &config.providers {
        add(name, settings);
    }
    providers
}

fn build_guards(
    config: &Config,
    living: &Living,
    problems: &mut Vec<Problem>,
) -> Option<Arc<Guards>> {
    let policy = config.guard_policy();
    if policy.filters.is_empty() {
        return None;
    }
    match Guards::admit(&policy, living.guards.tools()) {
        Ok(guards) => Some(Arc::new(guards)),
        Err((index, error)) => {
            let local = config.filters.iter().enumerate();
            let mut local = local.filter(|(_, filter)| !filter.asks_a_service());
            let index = local.nth(index).map_or(index, |(index, _)| index);
            let path = ["filters", &index.to_string()];
            problems.push(config.source.problem(&path, error));
            None
        }
    }
}

fn build_static_keys(config: &Config, problems: &mut Vec<Problem>) -> Vec<StaticKey> {
    let mut keys = Vec::new();
    for (index, key) in config.keys.iter().enumerate() {
        match StaticHash::parse(key.hash.expose()) {
            Ok(hash) => keys.push(StaticKey {
                name: key.name.clone(),
                hash,
                models: (!key.models.is_empty()).then(|| key.models.clone()),
                requests_per_minute: key.requests_per_minute,
                tokens_per_minute: key.tokens_per_minute,
                expires_at: key.expires_at.map(|at| at.as_millisecond()),
            }),
            Err(error) => {
                let path = ["keys", &index.to_string(), "hash"];
                problems.push(config.source.problem(&path, error.to_string()));
            }
        }
    }
    keys
}

fn build_aliases(
    config: &Config,
    providers: &BTreeMap<String, Arc<Provider>>,
    maker: &TargetMaker,
) -> BTreeMap<String, Alias> {
    let mut aliases = BTreeMap::new();
    for (name, model) in &config.models {
        let make = |target: &conf::Target| {
            let provider = providers.get(&target.provider)?;
            let timeouts = model.timeouts.over(&provider.settings.timeouts);
            let made = maker.make(provider, &target.model, timeouts);
            Some(Arc::new(Target {
                weight: target.weight,
                overrides: raw_members(&target.overrides),
                ..made
            }))
        };
        let alias = Alias {
            targets: model.targets.iter().filter_map(make).collect(),
            fallback: model.fallback.iter().filter_map(make).collect(),
            retry: RetryPolicy {
                attempts: model.retry.attempts,
                deadline: model.retry.deadline,
            },
        };
        aliases.insert(name.clone(), alias);
    }
    aliases
}

fn price_overrides(config: &Config) -> Vec<(String, Price)> {
    let price = |set: &conf::PriceOverride| {
        let classes = [
            (Class::Input, set.input),
            (Class::Output, set.output),
            (Class::CacheRead, set.cache_read),
            (Class::CacheWrite, set.cache_write),
            (Class::CacheWrite1h, set.cache_write_1h),
            (Class::OutputReasoning, set.output_reasoning),
            (Class::InputAudio, set.input_audio),
            (Class::OutputAudio, set.output_audio),
        ];
        classes
            .into_iter()
            .fold(Price::new(), |price, (class, pico)| match pico {
                Some(pico) => price.with(class, pico),
                None => price,
            })
    };
    config
        .prices
        .iter()
        .map(|(name, set)| (name.clone(), price(set)))
        .collect()
}

fn rules(config: &Config, measure: Measure) -> Arc<[Rule]> {
    let limits = config.limits.iter();
    limits
        .filter_map(|limit| {
            let count = match measure {
                Measure::Requests => limit.requests,
                Measure::Tokens => limit.tokens,
            };
            Some(Rule::new(measure, count?, limit.window))
        })
        .collect()
}
