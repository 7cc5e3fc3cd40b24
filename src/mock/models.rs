//! The list of models, which are the scenarios, in both dialects.

use serde_json::{Value, json};

use super::asked::Dialect;
use super::journal::{now_ms, request_id};
use super::refusal::Refusal;
use super::scenario::{call, percent_decoded, scenarios};
use super::script::Script;

fn model(dialect: Dialect, id: &str) -> Value {
    match dialect {
        Dialect::OpenAi => {
            json!({"id": id, "object": "model", "created": now_ms() / 1000, "owned_by": "mock"})
        }
        Dialect::Anthropic => {
            json!({"type": "model", "id": id, "display_name": format!("Mock {id}"),
                "created_at": "2026-01-01T00:00:00Z"})
        }
    }
}

/// Answers `/models`, or `/models/<id>` when there is an `id`.
pub(super) fn models(dialect: Dialect, id: Option<&str>, seq: u64) -> Script {
    let body = match id {
        None => list(dialect),
        Some(id) => {
            let id = percent_decoded(id);
            match call(&id) {
                Ok(_) => model(dialect, &id),
                Err(error) => {
                    return Refusal::unplayable(&error).told(dialect, &request_id(seq));
                }
            }
        }
    };
    Script::whole(200, "application/json", body.to_string())
}

fn list(dialect: Dialect) -> Value {
    let names = || scenarios().iter().map(|scenario| scenario.name);
    let data: Vec<_> = names().map(|name| model(dialect, name)).collect();
    match dialect {
        Dialect::OpenAi => json!({"object": "list", "data": data}),
        Dialect::Anthropic => {
            let (first, last) = (names().next(), names().next_back());
            json!({"data": data, "has_more": false, "first_id": first, "last_id": last})
        }
    }
}
