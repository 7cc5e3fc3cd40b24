//! What becomes of an attempt: the header is classified, each piece is passed through the
//! answer's decoder, and failures meet the one retry decision.

use bytes::{Bytes, BytesMut};
use pingora_core::{Error, ErrorSource, ErrorType, Result};
use pingora_http::ResponseHeader;
use pingora_proxy::Session;

use super::answering::{Announced, Step};
use super::head::{AWS_EVENTS, AnswerHead, Body, JSON_LINES};
use super::link::Deadline;
use super::{Context, ledger, logbook, reply};
use crate::exchange::{Credit, unix_ms};
use crate::routing::{Failure, Next};
use crate::telemetry::micros;

/// Pingora's `upstream_response_filter`.
pub(super) fn header(response: &mut ResponseHeader, ctx: &mut Context) -> Result<()> {
    let status = response.status.as_u16();
    if response.status.is_informational() {
        return Ok(());
    }
    note_header(status, ctx);
    ctx.link
        .set_h2_upstream(response.version == http::Version::HTTP_2);
    let forward = ctx.exchange.forward();
    let streams = forward.is_some_and(|forward| forward.prompt.stream());
    let announced = announced(response, streams);
    // The client's header is written anew; this one only tells Pingora that a body follows.
    *response = ResponseHeader::build_no_case(response.status, None)?;
    ctx.link.answering().announce(announced.clone());
    if let Announced::Rejected { .. } = announced
        && !(400..500).contains(&status)
    {
        // 5xx is decided at the header; 4xx needs its body.
        let failure = Failure::Answered(Box::new(announced.error()));
        if let Next::Try { .. } = ctx.exchange.fail_attempt(failure) {
            return Err(to_be_retried());
        }
    }
    if let Announced::Stream = announced {
        ctx.link.set_head(stream_head(ctx)?);
    }
    Ok(())
}

fn note_header(status: u16, ctx: &mut Context) {
    let began = ctx
        .exchange
        .forward()
        .and_then(|forward| forward.attempt.began);
    if let Some(attempt) = ctx.exchange.receipt.last_attempt_mut() {
        attempt.status = Some(status);
        attempt.header_us = began.map(|at| micros(at.elapsed()));
    }
}

fn announced(response: &ResponseHeader, asked_stream: bool) -> Announced {
    let text = |name: &str| response.headers.get(name)?.to_str().ok();
    if !response.status.is_success() {
        return Announced::Rejected {
            status: response.status.as_u16(),
            retry_after: text("retry-after").map(str::to_owned),
            retry_after_ms: text("retry-after-ms").map(str::to_owned),
            named: text("x-amzn-errortype").map(str::to_owned),
            should_retry: text("x-should-retry").and_then(|value| value.parse().ok()),
            now: u64::try_from(unix_ms() / 1000).unwrap_or(0),
        };
    }
    let kind = text("content-type").unwrap_or_default();
    let kind = kind.trim_start().to_ascii_lowercase();
    // Lines that nobody asked for are one body.
    let lines = asked_stream && kind.starts_with(JSON_LINES);
    if lines || kind.starts_with("text/event-stream") || kind.starts_with(AWS_EVENTS) {
        Announced::Stream
    } else {
        let tokens = text("x-amzn-bedrock-input-token-count");
        Announced::Whole(tokens.and_then(|tokens| tokens.parse().ok()))
    }
}

fn stream_head(ctx: &Context) -> Result<Box<ResponseHeader>> {
    let mut head = AnswerHead::new(200, Body::Events, ctx)?;
    head.route(&ctx.exchange);
    Ok(head.finish())
}

/// Pingora's `response_body_filter`: one piece of the provider's body, replaced by the client's.
pub(super) fn piece(body: &mut Option<Bytes>, end: bool, ctx: &mut Context) -> Result<()> {
    #[cfg(debug_assertions)]
    panic_if_asked(body.as_ref());
    let released = ctx.link.content_released();
    let step = ctx.link.answering().feed(body.as_ref(), end, released);
    *body = match step {
        Step::Quiet => Some(Bytes::new()),
        Step::Send(bytes) => {
            if !released {
                ctx.exchange.note_life();
            }
            match ledger::cover(ctx) {
                Credit::Good => Some(bytes),
                Credit::UsedUp => Some(end_for_want_of_money(&bytes, end, ctx)),
            }
        }
        Step::Done(bytes) => {
            ctx.exchange.conclude_attempt(None, true);
            ctx.exchange.complete_attempt();
            logbook::note_answer(ctx);
            // Before the client sees the end: its next request must find the limit settled.
            logbook::settle_tokens(ctx);
            ledger::settle(ctx);
            if !ctx.link.answering().is_stream() {
                let head = whole_head(bytes.len(), ctx)?;
                ctx.link.set_head(head);
            }
            Some(bytes)
        }
        Step::BreakOff(words) => {
            if !end {
                ctx.link.end_now();
            }
            Some(words)
        }
        Step::Fail(failure) => return give_up_or_retry(&failure, body, end, ctx),
    };
    Ok(())
}

/// The caller's money is used up: what has come is delivered, then the stream ends with an error
/// event, and the provider is told to stop.
fn end_for_want_of_money(bytes: &Bytes, end: bool, ctx: &mut Context) -> Bytes {
    let words = ctx.link.answering().last_words(Failure::OutOfCredit);
    if !end {
        ctx.link.end_now();
    }
    let mut last = BytesMut::with_capacity(bytes.len() + words.len());
    last.extend_from_slice(bytes);
    last.extend_from_slice(&words);
    last.freeze()
}

fn whole_head(length: usize, ctx: &Context) -> Result<Box<ResponseHeader>> {
    let mut head = AnswerHead::new(200, Body::Json(length), ctx)?;
    head.route(&ctx.exchange);
    if let Some(cost) = logbook::cost_in_credits(&ctx.exchange) {
        head.cost(&cost);
    }
    head.balance(&ctx.exchange.receipt);
    Ok(head.finish())
}

/// The attempt failed before content: another follows, or the client gets the error in the
/// provider's stead. At the body's end that costs neither connection.
fn give_up_or_retry(
    failure: &Failure,
    body: &mut Option<Bytes>,
    end: bool,
    ctx: &mut Context,
) -> Result<()> {
    if let Next::Try { .. } = ctx.exchange.fail_attempt(failure.clone()) {
        return Err(to_be_retried());
    }
    if !end {
        return Error::e_explain(ErrorType::InvalidHTTPHeader, "the attempt failed")
            .map_err(|error: Box<Error>| error.into_up());
    }
    let (head, words) = reply::failure_answer(failure, ctx)?;
    ctx.link.set_head(head);
    *body = Some(words);
    Ok(())
}

fn to_be_retried() -> Box<Error> {
    let mut error = Error::explain(ErrorType::InvalidHTTPHeader, "another target is asked");
    error.set_retry(true);
    error.into_up()
}

/// Pingora's `fail_to_connect`.
pub(super) fn not_connected(mut error: Box<Error>, ctx: &mut Context) -> Box<Error> {
    let failure = match error.etype() {
        ErrorType::ConnectTimedout | ErrorType::TLSHandshakeTimedout => Failure::ConnectTimeout,
        _ => Failure::Connect,
    };
    let next = ctx.exchange.fail_attempt(failure);
    error.set_retry(matches!(next, Next::Try { .. }));
    error
}

/// Pingora's `error_while_proxy`: every failure of a running attempt passes here.
pub(super) fn failed(
    session: &mut Session,
    mut error: Box<Error>,
    ctx: &mut Context,
) -> Box<Error> {
    let begun = reply::has_begun(session);
    let failure = classify(&error, ctx);
    let retry = match failure {
        Some(failure) if !begun => {
            let next = match ctx
                .exchange
                .forward()
                .and_then(|forward| forward.attempt.next)
            {
                Some(next) => next,
                None => ctx.exchange.fail_attempt(failure),
            };
            matches!(next, Next::Try { .. })
        }
        Some(failure) => {
            if ctx
                .exchange
                .forward()
                .is_some_and(|f| f.attempt.failure.is_none())
            {
                ctx.exchange.fail_attempt(failure);
            }
            false
        }
        None => false,
    };
    error.set_retry(retry);
    ctx.link.end_attempt();
    error
}

/// Whose failure an error is: the provider's, a deadline's, or, as `None`, the client's or
/// Alfred's own.
fn classify(error: &Error, ctx: &Context) -> Option<Failure> {
    match ctx.link.expired() {
        Some(Deadline::FirstByte) => return Some(Failure::FirstByteTimeout),
        Some(Deadline::BetweenChunks) => return Some(Failure::IdleTimeout),
        Some(Deadline::Total) => return Some(Failure::TotalTimeout),
        None => {}
    }
    if let Some(failure) = ctx.link.answering().failure() {
        return Some(failure.clone());
    }
    if ctx.link.client_gone() || *error.esource() != ErrorSource::Upstream {
        return None;
    }
    Some(match error.etype() {
        ErrorType::ReadTimedout | ErrorType::WriteTimedout => Failure::FirstByteTimeout,
        _ => Failure::Died,
    })
}

#[cfg(debug_assertions)]
fn panic_if_asked(body: Option<&Bytes>) {
    let asked =
        body.is_some_and(|body| memchr::memmem::find(body, b"x-alfred-test-panic").is_some());
    assert!(!asked, "a panic that a test asked for");
}
