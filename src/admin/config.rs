//! `/v1/config`: what serves, where it comes from, and what became of the last reload.

use std::sync::Arc;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::at::At;
use super::fault;
use super::problem::Problem;
use super::routes::{Routes, Shape};
use crate::conf::{self, Problems};
use crate::reload::{Attempt, Outcome, Status, Trigger};
use crate::store::governance::PolicyEvent;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.on(("GET", "/v1/config"), Shape::object(), show).on(
        ("POST", "/v1/config/reload"),
        Shape::object(),
        reload,
    )
}

async fn show(at: At) -> Json<Value> {
    let reloader = &at.admin.reloader;
    let status = reloader.status();
    let file = reloader.file().map(|file| file.display().to_string());
    let watched = status.watched.iter().map(|file| file.display().to_string());
    Json(json!({
        "source": if file.is_some() { "file" } else { "environment" },
        "file": file,
        "hash": hash(&status),
        "loaded_at": status.loaded_at.to_string(),
        "watched": watched.collect::<Vec<_>>(),
        "last_reload": status.last.as_deref().map(attempt),
        "config": status.gateway.config.shown(),
    }))
}

/// A reload may be asked for again with the same key: it reads what there is, whenever it is done.
async fn reload(at: At) -> Result<Response, Problem> {
    let reloader = Arc::clone(&at.admin.reloader);
    let status = fault::blocking(move || reloader.reload(Trigger::Request)).await?;
    let outcome = status.last.as_deref().map(|last| &last.outcome);
    let event = event(&at, outcome.map_or("unchanged", Outcome::word))?;
    at.read(move |store, _| store.record(&[event])).await?;
    Ok(match outcome {
        Some(Outcome::Refused(problems)) => refused(problems).into_response(),
        Some(Outcome::Applied(changed)) => done(&status, "applied", changed).into_response(),
        Some(Outcome::Unchanged) | None => done(&status, "unchanged", &[]).into_response(),
    })
}

/// The reload in the audit log.
fn event(at: &At, result: &str) -> Result<PolicyEvent, Problem> {
    let by = at.by()?;
    Ok(PolicyEvent {
        event_type: "config.reloaded".to_owned(),
        org_id: by.org_id,
        user_id: by.user_id,
        actor: by.actor,
        action: "reload".to_owned(),
        target: "config".to_owned(),
        details: json!({ "result": result }),
        ip: by.ip,
        at_ms: by.now_ms,
    })
}

fn done(status: &Status, result: &str, changed: &[String]) -> Json<Value> {
    Json(json!({
        "result": result,
        "changed": changed,
        "hash": hash(status),
        "loaded_at": status.loaded_at.to_string(),
    }))
}

fn refused(problems: &Problems) -> Problem {
    let count = problems.0.len();
    let (noun, verb) = if count == 1 {
        ("problem", "keeps")
    } else {
        ("problems", "keep")
    };
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "config_refused",
        "The configuration was refused",
    )
    .detail(format!(
        "{count} {noun} {verb} it from being served; the old configuration serves on"
    ))
    .hint("mend each place that `problems` names, and reload again")
    .with("problems", listed(problems))
}

fn attempt(attempt: &Attempt) -> Value {
    let (changed, problems) = match &attempt.outcome {
        Outcome::Applied(changed) => (changed.as_slice(), json!([])),
        Outcome::Unchanged => (&[] as &[String], json!([])),
        Outcome::Refused(problems) => (&[] as &[String], listed(problems)),
    };
    json!({
        "at": attempt.at.to_string(),
        "trigger": attempt.trigger.word(),
        "result": attempt.outcome.word(),
        "changed": changed,
        "problems": problems,
    })
}

fn hash(status: &Status) -> Option<String> {
    (!status.hash.is_empty()).then(|| format!("blake3:{}", status.hash))
}

/// Problems as programs read them; places count from 1, and 0 means the file as a whole.
fn listed(problems: &Problems) -> Value {
    problems.0.iter().map(one).collect()
}

fn one(problem: &conf::Problem) -> Value {
    let excerpt = problem.excerpt.as_ref().map(
        |excerpt| json!({ "text": excerpt.text, "before": excerpt.before, "width": excerpt.width }),
    );
    json!({
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "path": problem.path,
        "message": problem.message,
        "hint": problem.hint,
        "excerpt": excerpt,
        "text": problem.to_string(),
    })
}
