//! `/v1/prices`: what a model charges, as requests are costed with it.

use axum::Json;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::IntoParams;

use super::answer::Reply;
use super::at::{At, Find};
use super::fault;
use super::routes::{Routes, Shape};
use crate::ledger::{Class, Price, ServiceTier};

const CLASSES: [Class; 8] = [
    Class::Input,
    Class::Output,
    Class::CacheRead,
    Class::CacheWrite,
    Class::CacheWrite1h,
    Class::OutputReasoning,
    Class::InputAudio,
    Class::OutputAudio,
];
const TIERS: [(ServiceTier, &str); 4] = [
    (ServiceTier::Standard, "standard"),
    (ServiceTier::Batch, "batch"),
    (ServiceTier::Flex, "flex"),
    (ServiceTier::Priority, "priority"),
];

pub(super) fn routes(routes: Routes) -> Routes {
    routes.on(
        ("GET", "/v1/prices"),
        Shape::object().find::<Which>(),
        price,
    )
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Which {
    /// `provider/model`, with the provider's name in the configuration.
    model: String,
    /// Long prompts may be dearer; 0 if nobody says.
    prompt_tokens: Option<u64>,
}

async fn price(at: At, Find(which): Find<Which>) -> Reply {
    let gateway = at.admin.reloader.status().gateway.clone();
    let (provider, model) = which
        .model
        .split_once('/')
        .ok_or_else(|| fault::refused("expected provider/model"))?;
    let mut providers = gateway.names.providers();
    let known = providers.find(|known| &*known.name == provider);
    let known = known.ok_or_else(|| fault::not_found("there is no such provider"))?;
    let kind = known.settings.kind.name();
    let price = gateway.prices.price(provider, kind, model);
    let prompt = which.prompt_tokens.unwrap_or(0);
    Ok(Json(json!({
        "provider": provider,
        "kind": kind,
        "model": model,
        "known": price.is_some(),
        "prompt_tokens": prompt,
        "usd_per_million_tokens": price.map(|price| tiers(price, prompt)),
    }))
    .into_response())
}

fn tiers(price: &Price, prompt: u64) -> Value {
    let mut tiers = Map::new();
    for (tier, name) in TIERS {
        let mut classes = Map::new();
        for class in CLASSES {
            let pico = price.per_token(class, tier, prompt);
            classes.insert(class.name().to_owned(), json!(pico.map(per_million)));
        }
        tiers.insert(name.to_owned(), classes.into());
    }
    tiers.into()
}

/// Pico-USD for one token are micro-USD for a million.
fn per_million(pico_usd: u64) -> String {
    format!("{}.{:06}", pico_usd / 1_000_000, pico_usd % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_told_for_a_million_tokens() {
        assert_eq!(per_million(250_000), "0.250000");
        assert_eq!(per_million(10_000_001), "10.000001");
    }
}
