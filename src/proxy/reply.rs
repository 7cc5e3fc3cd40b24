//! Answers that Alfred writes itself: refusals, models, preflights, and the last words of a
//! request whose attempts have all failed.

use std::time::Duration;

use bytes::Bytes;
use pingora_core::{Error, ErrorType, Result};
use pingora_http::ResponseHeader;
use pingora_proxy::{FailToProxy, Session};

use super::head::{AnswerHead, Body, Source};
use super::replay::{self, ENDED_EARLY};
use super::{Context, body};
use crate::pipeline::cors;
use crate::refusal::Refusal;
use crate::routing::{Failure, Next, Stop};
use crate::telemetry::Outcome;

/// The largest body that is read just to be able to refuse it on the same connection.
const DRAIN_MAX: u64 = 1024 * 1024;

/// Whether the client has seen the final header.
pub(super) fn has_begun(session: &Session) -> bool {
    session
        .response_written()
        .is_some_and(|header| !header.status.is_informational())
}

/// Answers 200 with JSON.
pub(super) async fn json(session: &mut Session, ctx: &mut Context, body: Bytes) -> Result<bool> {
    let head = AnswerHead::new(200, Body::Json(body.len()), ctx)?.finish();
    ctx.exchange.end(Outcome::Ok, 200, None);
    drain(session).await;
    write(session, head, body).await?;
    Ok(true)
}

/// Answers a browser's preflight.
pub(super) async fn preflight(session: &mut Session, ctx: &mut Context) -> Result<bool> {
    let mut head = AnswerHead::new(204, Body::Empty, ctx)?;
    let gateway = ctx.exchange.gateway.clone();
    if let (Some(rules), Some(origin)) = (&gateway.config.cors, ctx.exchange.origin()) {
        let mut lines = http::HeaderMap::new();
        cors::preflight_headers(rules, origin.clone(), &mut lines);
        for (name, value) in &lines {
            head.set(name.clone(), value.clone());
        }
    }
    ctx.exchange.end(Outcome::Ok, 204, None);
    drain(session).await;
    write(session, head.finish(), Bytes::new()).await?;
    Ok(true)
}

/// Answers with a refusal. The body is read first, within bounds: otherwise HTTP/2 loses the
/// answer and HTTP/1 the connection.
pub(super) async fn refuse(
    session: &mut Session,
    ctx: &mut Context,
    refusal: &Refusal,
) -> Result<bool> {
    let (head, body) = refusal_answer(refusal, ctx)?;
    let wire = refusal.wire();
    ctx.exchange
        .end(Outcome::Refused, wire.status, Some(wire.code.to_owned()));
    if can_drain(session, refusal) {
        drain(session).await;
    } else {
        session.set_keepalive(None);
    }
    write(session, head, body).await?;
    Ok(true)
}

fn can_drain(session: &Session, refusal: &Refusal) -> bool {
    let announced = session
        .req_header()
        .headers
        .get(http::header::CONTENT_LENGTH);
    let length = announced.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let waits = body::expects_continue(session) && session.response_written().is_none();
    !matches!(
        refusal,
        Refusal::Smuggling(_)
            | Refusal::SlowBody
            | Refusal::BrokenBody
            | Refusal::HeadersTooLarge { .. }
    ) && !waits
        && length.is_none_or(|length| length <= DRAIN_MAX)
}

/// A drain that takes too long is no reason not to answer.
async fn drain(session: &mut Session) {
    if session.drain_request_body().await.is_err() {
        session.set_keepalive(None);
    }
}

async fn write(session: &mut Session, head: Box<ResponseHeader>, body: Bytes) -> Result<()> {
    session.write_response_header(head, body.is_empty()).await?;
    if body.is_empty() {
        return session.finish_body().await;
    }
    session.write_response_body(Some(body), true).await
}

fn refusal_answer(refusal: &Refusal, ctx: &Context) -> Result<(Box<ResponseHeader>, Bytes)> {
    let wire = refusal.wire();
    let body = refusal.body(ctx.exchange.dialect, &ctx.exchange.receipt.request_id);
    let mut head = AnswerHead::new(wire.status, Body::Json(body.len()), ctx)?;
    head.route(&ctx.exchange);
    head.error(Source::Gateway, wire.retry_after, wire.should_retry);
    if let Refusal::WrongMethod(allowed) = refusal {
        head.set(http::header::ALLOW, http::HeaderValue::from_static(allowed));
    }
    if wire.status == 401 {
        let scheme = http::HeaderValue::from_static("Bearer");
        head.set(http::header::WWW_AUTHENTICATE, scheme);
    }
    Ok((head.finish(), body))
}

/// The answer for a request whose last attempt failed: the provider's own error where it sent
/// one, else a refusal.
pub(super) fn failure_answer(
    failure: &Failure,
    ctx: &mut Context,
) -> Result<(Box<ResponseHeader>, Bytes)> {
    let Failure::Answered(error) = failure else {
        let refusal = failure.refusal();
        let wire = refusal.wire();
        let outcome = match failure {
            // Nobody was asked: that is Alfred's own no.
            Failure::NoEndpoint(_) | Failure::Throttled(_) | Failure::Untranslatable(_) => {
                Outcome::Refused
            }
            _ => Outcome::ProviderFailed,
        };
        ctx.exchange
            .end(outcome, wire.status, Some(wire.code.to_owned()));
        return refusal_answer(&refusal, ctx);
    };
    let dialect = ctx.exchange.dialect;
    let status = error.client_status(dialect);
    let body = error.body(dialect, Some(&ctx.exchange.receipt.request_id));
    let stop = ctx
        .exchange
        .forward()
        .and_then(|forward| forward.attempt.next);
    // Once Alfred has retried, or the provider says that it is no use, SDKs must not add theirs.
    let final_no = failure.verdict().retryable || stop != Some(Next::Stop(Stop::Final));
    let mut head = AnswerHead::new(status, Body::Json(body.len()), ctx)?;
    head.route(&ctx.exchange);
    // SDKs wait as long as they are told; a 429 or 503 without a word would be hammered.
    let soon = matches!(status, 429 | 503 | 529).then_some(Duration::from_secs(1));
    let retry_after = error.retry_after.or(soon);
    head.error(Source::Provider, retry_after, final_no.then_some(false));
    let code = error
        .code
        .clone()
        .or_else(|| Some(failure.label().to_owned()));
    ctx.exchange.end(Outcome::ProviderError, status, code);
    Ok((head.finish(), body))
}

/// Pingora's `fail_to_proxy`: the request has failed for good; tell the client what can still
/// be told.
pub(super) async fn last_words(
    session: &mut Session,
    error: &Error,
    ctx: &mut Context,
) -> FailToProxy {
    let was_forwarded = session.downstream_session.is_custom();
    replay::restore(session, &ctx.link);
    let mut error_code = 0;
    if *error.etype() == ErrorType::Custom(ENDED_EARLY) {
        // The answer is complete; only Pingora's pump had to be stopped.
    } else if ctx.link.client_gone() || is_client_loss(error, ctx) {
        ctx.exchange.receipt.outcome = Outcome::ClientGone;
    } else if has_begun(session) {
        end_stream(session, ctx).await;
    } else {
        if was_forwarded {
            session.set_keepalive(None);
        }
        error_code = write_failure(session, ctx).await;
    }
    FailToProxy {
        error_code,
        can_reuse_downstream: false,
    }
}

/// An error that is neither a provider's failure nor a deadline, nor a caught panic.
fn is_client_loss(error: &Error, ctx: &mut Context) -> bool {
    let failed = ctx
        .exchange
        .forward()
        .is_some_and(|f| f.attempt.failure.is_some());
    *error.esource() == pingora_core::ErrorSource::Downstream && !failed
}

async fn write_failure(session: &mut Session, ctx: &mut Context) -> u16 {
    let failure = ctx
        .exchange
        .forward()
        .and_then(|forward| forward.attempt.failure.clone());
    let fault = ctx.exchange.receipt.outcome == Outcome::Fault;
    let answer = match failure {
        Some(failure) if !fault => failure_answer(&failure, ctx),
        _ => {
            ctx.exchange
                .end(Outcome::Fault, 500, Some("internal_error".to_owned()));
            refusal_answer(&Refusal::Internal, ctx)
        }
    };
    let status = ctx.exchange.receipt.status;
    if let Ok((head, body)) = answer
        && write(session, head, body).await.is_err()
    {
        ctx.exchange.receipt.outcome = Outcome::ClientGone;
    }
    status
}

/// Ends a stream that the client has seen the beginning of: an error event, then the end.
async fn end_stream(session: &mut Session, ctx: &mut Context) {
    let failure = ctx
        .exchange
        .forward()
        .and_then(|forward| forward.attempt.failure.clone());
    let failure = failure.unwrap_or(Failure::Died);
    let words = ctx.link.answering().last_words(failure);
    if session
        .write_response_body(Some(words), true)
        .await
        .is_err()
    {
        ctx.exchange.receipt.outcome = Outcome::ClientGone;
    }
}
