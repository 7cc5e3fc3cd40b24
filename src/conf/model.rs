//! Why: what an alias is: which models may answer for it, in which order, and how hard to try.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::cx::Cx;
use super::provider::Timeouts;
use super::shape::{Shape, section};
use super::show::Show;
use super::tree::{Kind, Node};

section! {
    /// An alias: the models that may answer for it.
    pub struct Model {
        /// The models tried first, shared by weight; each is `provider/model` or `{ model: …, weight: … }`.
        pub targets: Vec<Target>,
        /// The models tried when no target answered, in this order.
        pub fallback: Vec<Target> = Vec::new(),
        /// How hard to try.
        pub retry: Retry = Retry::default(),
        /// Limits of time that win over those of the provider.
        pub timeouts: TimeoutOverrides = TimeoutOverrides::default(),
    }
}

/// A model of a provider.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// The name of a configured provider, or `mock`.
    pub provider: String,
    /// The model as the provider calls it; it may hold slashes.
    pub model: String,
    /// Its share beside the other targets; 0 takes it out.
    pub weight: u32,
    /// Members forced into the top level of the request's JSON; they win over those of the provider.
    pub overrides: BTreeMap<String, Value>,
}

section! {
    /// A model of a provider, with its share.
    pub(super) struct TargetForm {
        /// `provider/model`.
        pub(super) model: ModelName,
        /// Its share beside the other targets; 0 takes it out.
        pub(super) weight: u32 = 1,
        /// Members forced into the top level of the request's JSON; they win over those of the provider.
        pub(super) overrides: BTreeMap<String, Value> = BTreeMap::new(),
    }
}

impl Shape for Target {
    type Value = Self;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        if let Kind::Scalar { .. } = node.kind {
            let ModelName { provider, model } = ModelName::read(node, cx)?;
            return Some(Self {
                provider,
                model,
                weight: 1,
                overrides: BTreeMap::new(),
            });
        }
        let form = TargetForm::read(node, cx)?;
        Some(Self {
            provider: form.model.provider,
            model: form.model.model,
            weight: form.weight,
            overrides: form.overrides,
        })
    }

    fn schema() -> Value {
        json!({ "anyOf": [ModelName::schema(), TargetForm::schema()] })
    }

    fn show(value: &Self, show: &mut Show<'_>) -> Value {
        let overrides = show.inside("overrides", |show| {
            BTreeMap::<String, Value>::show(&value.overrides, show)
        });
        json!({
            "model": format!("{}/{}", value.provider, value.model),
            "weight": value.weight,
            "overrides": overrides,
        })
    }
}

/// A `provider/model` name whose provider exists.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ModelName {
    provider: String,
    model: String,
}

impl Shape for ModelName {
    type Value = Self;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let text = String::read(node, cx)?;
        let Some((provider, model)) = text.split_once('/').filter(|(_, model)| !model.is_empty())
        else {
            let mut names = cx.providers().iter().copied();
            let example = names.find(|name| *name != "mock").unwrap_or("mock");
            let model = if text.contains('/') { "MODEL" } else { &text };
            let hint = format!("such as `{example}/{model}`");
            cx.at(&node.at, "expects `provider/model`", Some(hint));
            return None;
        };
        if cx.providers().contains(provider) {
            return Some(Self {
                provider: provider.to_owned(),
                model: model.to_owned(),
            });
        }
        let hint = match cx.near(provider, cx.providers().iter().copied()) {
            Some(near) => format!("did you mean `{near}/{model}`?"),
            None => cx.providers_here(),
        };
        let message = format!("there is no provider `{provider}`");
        cx.at(&node.at, message, Some(hint));
        None
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": r"^[^/]+/.|\$\{" })
    }
}

section! {
    /// How hard to try.
    pub struct Retry {
        /// Attempts in all, the first included; unwritten, also at least one for each target and fallback, by every endpoint and with every key.
        pub attempts: u32 = 3,
        /// No attempt begins later than this after the request arrived.
        pub deadline: Duration = Duration::from_secs(90),
    }
}

section! {
    /// Limits of time of an alias; what is not written is taken from the provider.
    pub struct TimeoutOverrides {
        /// To connect, TLS included.
        pub connect: Option<Duration> = None,
        /// From the end of the request to the first byte of the answer.
        pub first_byte: Option<Duration> = None,
        /// Between two pieces of an answer.
        pub between_chunks: Option<Duration> = None,
        /// For the whole call.
        pub total: Option<Duration> = None,
        /// How long a stream may stay without content before the client is answered 200 all the same.
        pub commit_after: Option<Duration> = None,
    }
}

impl TimeoutOverrides {
    /// The limits that hold for a call to a provider with limits `base`.
    pub fn over(&self, base: &Timeouts) -> Timeouts {
        let merged = Timeouts {
            connect: self.connect.unwrap_or(base.connect),
            first_byte: self.first_byte.unwrap_or(base.first_byte),
            between_chunks: self.between_chunks.unwrap_or(base.between_chunks),
            total: self.total.unwrap_or(base.total),
            commit_after: self.commit_after.unwrap_or(base.commit_after),
        };
        match self.total {
            Some(_) => merged.within_total(|limit| match limit {
                "connect" => self.connect.is_some(),
                "first_byte" => self.first_byte.is_some(),
                "between_chunks" => self.between_chunks.is_some(),
                _ => self.commit_after.is_some(),
            }),
            None => merged,
        }
    }
}
