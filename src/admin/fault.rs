//! Why: what the store says becomes one answer each, and what is Alfred's own fault is told to the
//! log, not to the client.

use axum::http::{StatusCode, header};

use super::problem::Problem;
use crate::store::StoreFault;

/// Does work that blocks where it may.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| {
        log::error!("a request at the admin port failed: {error}");
        Problem::fault()
    })
}

/// The answer to a fault of the store.
pub(super) fn told(fault: &StoreFault) -> Problem {
    match fault {
        StoreFault::NotFound(_) | StoreFault::NoSuchUser(_) => not_found(&fault.to_string()),
        StoreFault::Refused(_) | StoreFault::OutOfRange => refused(&fault.to_string()),
        StoreFault::Conflict(_) | StoreFault::InsufficientUnleased { .. } => Problem::new(
            StatusCode::CONFLICT,
            "conflict",
            "Something stands in the way",
        )
        .detail(fault.to_string())
        .hint("read what there is, and decide again"),
        StoreFault::Taken => Problem::new(StatusCode::CONFLICT, "taken", "It exists already")
            .detail(fault.to_string())
            .hint("try again: what is drawn will be another"),
        StoreFault::Stale { current } => Problem::new(
            StatusCode::PRECONDITION_FAILED,
            "stale",
            "The row has been changed meanwhile",
        )
        .detail(fault.to_string())
        .hint("read the row, decide again, and send its new ETag in If-Match")
        .with("current", format!("\"{current}\"").into()),
        StoreFault::OtherRequest => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_key_reused",
            "The Idempotency-Key belongs to another request",
        )
        .detail(fault.to_string())
        .hint("take a fresh key for each request that is another"),
        StoreFault::Locked | StoreFault::Away | StoreFault::Full => busy(fault),
        _ => {
            log::error!("the admin port: {fault}");
            Problem::fault()
        }
    }
}

fn busy(fault: &StoreFault) -> Problem {
    log::warn!("the admin port: {fault}");
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "store_unavailable",
        "The store cannot be used now",
    )
    .detail("nothing was done")
    .hint("repeat the request with the same Idempotency-Key")
    .header(header::RETRY_AFTER, "1")
}

/// There is no such thing, as far as the caller is concerned.
pub(super) fn not_found(detail: &str) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "There is no such resource",
    )
    .detail(detail)
    .hint("the list of its kind shows what there is for you")
}

/// A value breaks a rule.
pub(super) fn refused(detail: &str) -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid",
        "A value breaks a rule",
    )
    .detail(detail)
    .hint("/docs tells the rules")
}

/// The role does not suffice for this one.
pub(super) fn forbidden(detail: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "forbidden", "You may not do that")
        .detail(detail)
        .hint("GET /v1/me tells your role")
}
