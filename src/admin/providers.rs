//! `/v1/providers`: who answers, at which endpoints, and how much runs there.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::pool::Now;
use crate::providers::Provider;
use crate::reload::Reloader;

pub(super) fn routes() -> Router<Arc<Reloader>> {
    Router::new().route("/v1/providers", get(list))
}

async fn list(State(reloader): State<Arc<Reloader>>) -> Json<Value> {
    let status = reloader.status();
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
