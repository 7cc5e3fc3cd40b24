//! `/v1/providers`: who answers, at which endpoints, and how much runs there.

use axum::Json;
use serde_json::{Value, json};

use super::at::At;
use super::routes::{Routes, Shape};
use crate::pool::Now;
use crate::providers::Provider;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.on(("GET", "/v1/providers"), Shape::object(), list)
}

async fn list(at: At) -> Json<Value> {
    let status = at.admin.reloader.status();
    let gateway = &status.gateway;
    let now = gateway.now();
    let providers = gateway.names.providers();
    let providers: Vec<Value> = providers.map(|provider| one(provider, now)).collect();
    Json(json!({ "providers": providers }))
}

fn one(provider: &Provider, now: Now) -> Value {
    let endpoints = provider.pool.status(now);
    json!({
        "name": provider.name,
        "kind": provider.settings.kind.name(),
        "balance": provider.settings.balance.name(),
        "in_flight": endpoints.iter().map(|endpoint| endpoint.in_flight).sum::<usize>(),
        "endpoints": endpoints,
    })
}
