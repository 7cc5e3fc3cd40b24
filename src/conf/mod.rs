//! Why: the only place (beside `main.rs`) that knows YAML and the environment. Text goes in; out comes a [`Config`] in
//! which every name, address and number has been checked, or all [`Problems`] at once, each with its place and a hint.

mod address;
mod check;
mod config;
mod cx;
mod droppable;
mod egress;
mod entra;
mod environment;
mod fields;
mod file;
mod filters;
mod guard_policy;
mod images;
mod interpolate;
mod jwt;
mod ledger;
mod mask;
mod model;
mod nearest;
mod origin;
mod problem;
mod provider;
mod read;
mod scalars;
mod schema;
mod secret;
mod shape;
mod show;
mod source;
mod store;
mod template;
mod tree;
mod units;
mod watch;
mod yaml;
mod zero;

use std::path::Path;

pub use config::{
    BodyLimits, CeilingPrices, Config, Cors, Flood, Limit, Listen, Log, LogFormat, LogLevel, Per,
    PriceOverride, Shutdown, StaticKey, Tls, TlsVersion, Tokenizer, UnknownPrice,
};
pub use droppable::is_droppable;
pub use egress::{Egress, ProxyAddress};
pub use entra::Entra;
pub use environment::Environment;
pub use filters::{
    CanaryFilter, ClassifierFilter, Filter, GuardAction, GuardName, GuardSettings, InjectionAction,
    InjectionFilter, LinksFilter, OnFault, PatternsFilter, PiiFilter, PresidioFilter,
    SecretsFilter, Sureness, TermsFilter, WebhookFilter,
};
pub use guard_policy::{GuardPolicy, Locked, lay_over};
pub use images::Images;
pub use jwt::{Algorithm, ClaimNames, Issuer, Planes, UnknownUsers};
pub use ledger::{Alerts, Credit, Durability, Ledger, Orphans, Unmetered};
pub use model::{Model, Retry, Target, TimeoutOverrides};
pub use nearest::nearest;
pub use origin::{Origin, Reading};
pub use problem::{Excerpt, Problem, Problems};
pub use provider::{
    Balance, BreakerConfig, Endpoint, HealthCheck, HttpVersion, Kind, OnDisconnect, Probe,
    Provider, RetryBudget, Timeouts,
};
pub use schema::schema;
pub use secret::Secret;
pub use source::Source;
pub use store::{Postgres, StoreKind};
pub use template::template;
pub use watch::{Sight, Watch};
pub use zero::zero;

/// The largest configuration file that is read, in bytes.
const LARGEST: u64 = 4 * 1024 * 1024;

/// Reads and checks the configuration file at `path`.
///
/// # Errors
/// All that is wrong with the file, at once.
pub fn load(path: &Path, env: &Environment) -> Result<Config, Problems> {
    Origin::new(Some(path.to_owned()), env.clone())
        .read()
        .config
}

/// Reads and checks a configuration text; `name` stands for the file in problems.
///
/// # Errors
/// All that is wrong with the text, at once.
pub fn parse(name: &str, text: &str, env: &Environment) -> Result<Config, Problems> {
    read::config(name, text, env).0
}

#[cfg(test)]
mod tests;
