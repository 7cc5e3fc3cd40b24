//! `/v1/providers`: who answers, at which endpoints, and how much runs there.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::pool::Lane;
use crate::providers::Provider;
use crate::reload::Reloader;

pub(super) fn routes() -> Router<Arc<Reloader>> {
    Router::new().route("/v1/providers", get(list))
}

async fn list(State(reloader): State<Arc<Reloader>>) -> Json<Value> {
    let status = reloader.status();
    let providers = status.gateway.names.providers();
    let providers: Vec<Value> = providers.map(|provider| one(provider)).collect();
    Json(json!({ "providers": providers }))
}

fn one(provider: &Provider) -> Value {
    let lanes = provider.pool.lanes();
    json!({
        "name": provider.name,
        "kind": provider.settings.kind.name(),
        "balance": provider.settings.balance.name(),
        "in_flight": lanes.iter().map(|lane| lane.in_flight()).sum::<usize>(),
        "endpoints": lanes.iter().map(|lane| endpoint(lane)).collect::<Vec<_>>(),
    })
}

/// An endpoint with one of the provider's keys; the number after `#` is the key's place in the list.
fn endpoint(lane: &Lane) -> Value {
    json!({
        "id": lane.id,
        "host": lane.host.name(),
        "tls": lane.tls,
        "weight": lane.weight,
        "in_flight": lane.in_flight(),
    })
}
