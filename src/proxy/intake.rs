//! From the first header to the replay session: everything before the first attempt.

use std::borrow::Cow;
use std::time::Duration;

use http::header::TRANSFER_ENCODING;
use http::{Method, Version};
use pingora_core::Result;
use pingora_proxy::Session;
use tokio::time::Instant;

use super::{Context, body, replay, reply};
use crate::exchange::{Exchange, Forward, Stage};
use crate::gateway::Gateway;
use crate::pipeline::{self, Admission, Head, Ready};
use crate::refusal::Refusal;

/// How long a client may leave an answer unread. It bounds what one slow reader can hold.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);
/// How long the rest of a refused body is read, so that the client can read the refusal.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);
/// The largest head that is taken, in bytes of names and values.
const MAX_HEAD: usize = 64 * 1024;

/// Settings of the client's session that the replay session cannot change later.
pub(super) fn prepare(session: &mut Session, ctx: &mut Context) {
    session.set_write_timeout(Some(WRITE_TIMEOUT));
    session.set_total_drain_timeout(Some(DRAIN_TIMEOUT));
    session.set_close_on_response_before_downstream_finish(false);
    ctx.http2 = session.is_http2();
    ctx.chunked = session.req_header().version == Version::HTTP_11;
    let receipt = &mut ctx.exchange.receipt;
    receipt.http = if ctx.http2 { 2 } else { 1 };
    receipt.method = method_name(&session.req_header().method);
}

/// Nearly every request is a POST: its name is not copied.
fn method_name(method: &Method) -> Cow<'static, str> {
    match *method {
        Method::POST => Cow::Borrowed("POST"),
        Method::GET => Cow::Borrowed("GET"),
        _ => Cow::Owned(method.to_string()),
    }
}

/// Takes the request up to the point where an attempt may begin. True when it has been answered.
pub(super) async fn receive(session: &mut Session, ctx: &mut Context) -> Result<bool> {
    let admission = match admit(session, ctx) {
        Ok(admission) => admission,
        Err(refusal) => return reply::refuse(session, ctx, &refusal).await,
    };
    let admitted = match admission {
        Admission::Preflight => return reply::preflight(session, ctx).await,
        Admission::Answer(body) => return reply::json(session, ctx, body).await,
        Admission::Body(admitted) => admitted,
    };
    let gateway = ctx.exchange.gateway.clone();
    let read = body::read(session, &gateway.config.body, &gateway.living.bodies).await?;
    let (body, permit) = match read {
        Ok(read) => read,
        Err(refusal) => return reply::refuse(session, ctx, &refusal).await,
    };
    ctx.exchange.receipt.request_bytes = u64::try_from(body.len()).unwrap_or(u64::MAX);
    match pipeline::forward(&mut ctx.exchange, admitted, body, permit) {
        Ok(Ready::Answer(body)) => reply::json(session, ctx, body).await,
        Ok(Ready::Count(prompt, vocabulary, estimate)) => {
            let body = pipeline::count(prompt, vocabulary, estimate).await;
            reply::json(session, ctx, body).await
        }
        Ok(Ready::Forward(mut forward)) => {
            let ready = make_ready(&gateway, &ctx.exchange, &mut forward).await;
            ctx.link.answering().watch(forward.watch.take());
            if let Err(refusal) = ready {
                pipeline::settle_tokens(&gateway, &mut forward, 0);
                return reply::refuse(session, ctx, &refusal).await;
            }
            let body = forward.prompt.body().clone();
            ctx.exchange.stage = Stage::Forwarding(forward);
            let started = Instant::from_std(ctx.exchange.started);
            replay::install(session, body, &ctx.link, started);
            Ok(false)
        }
        Err(refusal) => reply::refuse(session, ctx, &refusal).await,
    }
}

/// What a request needs before it may go to a provider: screened texts, its pictures, and money.
async fn make_ready(
    gateway: &Gateway,
    exchange: &Exchange,
    forward: &mut Forward,
) -> Result<(), Refusal> {
    pipeline::screen(gateway, exchange, forward).await?;
    pipeline::fetch_pictures(gateway, forward).await?;
    pipeline::hold(exchange, forward).await
}

fn admit(session: &Session, ctx: &mut Context) -> Result<Admission, Refusal> {
    let request = session.req_header();
    let head = Head {
        method: &request.method,
        path: request.uri.path(),
        headers: &request.headers,
        peer: session
            .client_addr()
            .and_then(|addr| addr.as_inet())
            .map(|addr| addr.ip()),
    };
    #[cfg(debug_assertions)]
    assert!(
        head.text(&http::HeaderName::from_static("x-alfred-test-panic")) != Some("request"),
        "a panic that a test asked for"
    );
    // First of all: whatever is refused, is refused in the caller's words.
    ctx.exchange.dialect = pipeline::dialect(&head);
    check_framing(session)?;
    pipeline::admit(&mut ctx.exchange, &head)
}

/// Refuses heads that are too large, and framing that two servers could read differently.
fn check_framing(session: &Session) -> Result<(), Refusal> {
    let headers = &session.req_header().headers;
    let size: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if size > MAX_HEAD {
        return Err(Refusal::HeadersTooLarge { max: MAX_HEAD });
    }
    if session.is_http2() {
        return Ok(());
    }
    let Some(coding) = headers.get(TRANSFER_ENCODING) else {
        return Ok(());
    };
    if !coding.as_bytes().eq_ignore_ascii_case(b"chunked")
        || headers.get_all(TRANSFER_ENCODING).iter().count() > 1
    {
        return Err(Refusal::Smuggling(
            "the transfer encoding must be `chunked` and nothing else",
        ));
    }
    // Pingora has dropped the Content-Length by now; only the raw head still shows it.
    let raw = session.to_h1_raw().to_ascii_lowercase();
    if memchr::memmem::find(&raw, b"\ncontent-length:").is_some() {
        return Err(Refusal::Smuggling(
            "Content-Length and Transfer-Encoding were both sent; send one of them",
        ));
    }
    Ok(())
}
