//! `/v1/config`: what serves, where it comes from, and what became of the last reload.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::problem::Problem;
use crate::conf::{self, Problems};
use crate::reload::{Attempt, Outcome, Reloader, Status, Trigger};

pub(super) fn routes() -> Router<Arc<Reloader>> {
    Router::new()
        .route("/v1/config", get(show))
        .route("/v1/config/reload", post(reload))
}

async fn show(State(reloader): State<Arc<Reloader>>) -> Json<Value> {
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

async fn reload(State(reloader): State<Arc<Reloader>>) -> Response {
    let work = move || reloader.reload(Trigger::Request);
    let Ok(status) = tokio::task::spawn_blocking(work).await else {
        return Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "fault",
            "The reload failed",
        )
        .detail("Alfred itself failed while it read the configuration; the old one serves on")
        .hint("the log says more")
        .into_response();
    };
    match status.last.as_deref().map(|last| &last.outcome) {
        Some(Outcome::Refused(problems)) => refused(problems).into_response(),
        Some(Outcome::Applied(changed)) => done(&status, "applied", changed).into_response(),
        Some(Outcome::Unchanged) | None => done(&status, "unchanged", &[]).into_response(),
    }
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
