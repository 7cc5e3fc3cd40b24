//! The station that catches panics. Pingora would drop the connection without an answer and
//! without a log; here the client gets a 500 with the request's id.

use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::FutureExt;
use pingora_core::{Error, ErrorType, Result};
use pingora_proxy::Session;

use super::{Context, intake, reply};
use crate::refusal::Refusal;
use crate::telemetry::Outcome;

/// Runs the stations before the first attempt.
pub(super) async fn recovered(session: &mut Session, ctx: &mut Context) -> Result<bool> {
    let received = AssertUnwindSafe(intake::receive(session, ctx))
        .catch_unwind()
        .await;
    match received {
        Ok(done) => done,
        Err(_) => {
            note(ctx);
            reply::refuse(session, ctx, &Refusal::Internal).await?;
            ctx.exchange.receipt.outcome = Outcome::Fault;
            Ok(true)
        }
    }
}

/// Runs a synchronous step; a panic becomes an error that is not retried.
pub(super) fn caught<T>(
    ctx: &mut Context,
    step: impl FnOnce(&mut Context) -> Result<T>,
) -> Result<T> {
    let done = catch_unwind(AssertUnwindSafe(|| step(&mut *ctx)));
    done.unwrap_or_else(|_| {
        note(ctx);
        ctx.exchange.receipt.outcome = Outcome::Fault;
        Error::e_explain(ErrorType::InternalError, "a panic was caught")
    })
}

/// The panic's own message has been printed by the panic hook; this line ties it to the request.
fn note(ctx: &Context) {
    ctx.exchange.gateway.living.metrics.panics.inc();
    let id = &*ctx.exchange.receipt.request_id;
    log::error!(request_id = id; "a panic was caught while serving this request");
}
