//! The beginning of an attempt: wait if told to, choose a lane, render the body, dial.

use std::sync::Arc;
use std::time::Duration;

use alfred_filters::answer::StreamPlan;
use alfred_filters::dialect::openai_responses::Echo;
use alfred_filters::prompt::ReadError;
use futures_util::FutureExt;
use pingora_core::upstreams::peer::HttpPeer;
use pingora_core::{Error, ErrorType, Result};
use pingora_proxy::Session;

use super::answering::Asked;
use super::link::Link;
use super::said::said;
use super::{Context, ledger, peer};
use crate::exchange::{Exchange, Forward, Stage, chance, unix_ms};
use crate::gateway::Gateway;
use crate::pipeline;
use crate::pool::LaneGuard;
use crate::routing::{Failure, Limits, Next, Stop, Target};
use crate::telemetry::Receipt;

/// Pingora's `upstream_peer`, once per attempt.
pub(super) async fn begin(session: &mut Session, ctx: &mut Context) -> Result<Box<HttpPeer>> {
    ctx.link.end_attempt();
    ledger::book_undelivered(ctx);
    let decided = ctx
        .exchange
        .forward()
        .and_then(|forward| forward.attempt.next);
    if let Some(forward) = ctx.exchange.forward() {
        // The lane of the attempt before is free while this one waits.
        forward.attempt.lane = None;
    }
    if let Some(Next::Try { wait, .. }) = decided {
        wait_for_turn(session, ctx, wait).await?;
        check_client(session, &ctx.link)?;
    }
    let lane = find_lane(session, ctx).await?;
    let Stage::Forwarding(forward) = &mut ctx.exchange.stage else {
        return Error::e_explain(ErrorType::InternalError, "no request to forward");
    };
    let Some(target) = forward.target().cloned() else {
        return Error::e_explain(ErrorType::InternalError, "the plan has no target");
    };
    let now = ctx.exchange.gateway.living.now();
    if forward.attempts.made() == 1 {
        target
            .provider
            .budget
            .note_request(&target.provider.settings.retry_budget, now);
    }
    let rendered = said(forward, &target);
    let asked = asked(
        forward,
        &target,
        &ctx.exchange.receipt,
        &ctx.exchange.gateway,
    );
    let chosen = Arc::clone(lane.lane());
    ctx.exchange.begin_attempt(lane);
    ctx.link.answering().begin(asked);
    match rendered {
        Ok(rendered) => {
            ctx.rendered = rendered.body;
            if let Some(forward) = ctx.exchange.forward() {
                forward.attempt.dropped = rendered.dropped;
            }
        }
        Err(error) => return Err(untranslatable(&mut ctx.exchange, error)),
    }
    let limits = Limits::from(&target.timeouts);
    let size = u64::try_from(ctx.rendered.len()).unwrap_or(u64::MAX);
    ctx.link
        .plan_attempt(limits, size, target.provider.drains());
    if let Some(identity) = &target.provider.identity
        && !identity.is_ready(target.timeouts.connect).await
    {
        return Err(undialled(
            &mut ctx.exchange,
            Failure::NoAccessToken,
            "there is no access token for the provider",
        ));
    }
    let dialled = chosen.dialled();
    match dialled.first_address(target.timeouts.connect).await {
        Some(address) => {
            let egress = &ctx.exchange.gateway.egress;
            let peer = peer::build(address, &chosen, egress, &target, size);
            Ok(Box::new(peer))
        }
        None => Err(undialled(
            &mut ctx.exchange,
            Failure::Unresolved,
            "the endpoint's host name has no address",
        )),
    }
}

/// Takes a lane of the current target, or of the next that has one which may be asked.
async fn find_lane(session: &mut Session, ctx: &mut Context) -> Result<LaneGuard> {
    let mut earliest = Duration::MAX;
    loop {
        let now = ctx.exchange.gateway.living.now();
        let elapsed = ctx.exchange.started.elapsed();
        let Some(forward) = ctx.exchange.forward() else {
            return Error::e_explain(ErrorType::InternalError, "no request to forward");
        };
        match forward.choose_lane(now) {
            Ok(lane) => return Ok(lane),
            Err(until) => earliest = earliest.min(until),
        }
        match forward.attempts.skip(elapsed, chance()) {
            Next::Try { wait, .. } => wait_for_turn(session, ctx, wait).await?,
            Next::Stop(_) => return Err(nobody(forward, earliest.saturating_sub(now), now)),
        }
    }
}

/// Nobody may be asked. The client is told how the last attempt failed, if there was one.
fn nobody(forward: &mut Forward, wait: Duration, now: Duration) -> Box<Error> {
    let throttled = forward.plan.is_throttled(now);
    let attempt = &mut forward.attempt;
    attempt.next = Some(Next::Stop(Stop::Final));
    attempt.failure.get_or_insert(match throttled {
        true => Failure::Throttled(wait),
        false => Failure::NoEndpoint(wait),
    });
    let mut error = Error::explain(ErrorType::ConnectError, "no endpoint may be asked");
    error.set_retry(false);
    error.into_up()
}

/// The attempt ends before anybody is dialled.
fn undialled(exchange: &mut Exchange, failure: Failure, why: &'static str) -> Box<Error> {
    let next = exchange.fail_attempt(failure);
    let mut error = Error::explain(ErrorType::ConnectError, why);
    error.set_retry(matches!(next, Next::Try { .. }));
    error.into_up()
}

/// Waits before an attempt, unless the client leaves or the request's time is over.
async fn wait_for_turn(session: &mut Session, ctx: &mut Context, wait: Duration) -> Result<()> {
    if wait.is_zero() {
        return Ok(());
    }
    let waited = pause(session, wait).await;
    if waited.is_err() && ctx.link.expired().is_some() {
        ctx.exchange.out_of_time();
    }
    waited
}

/// Waits, unless the client leaves first.
async fn pause(session: &mut Session, wait: Duration) -> Result<()> {
    tokio::select! {
        () = tokio::time::sleep(wait) => Ok(()),
        left = session.downstream_session.read_body_or_idle(true) => match left {
            Err(error) => Err(error.into_down()),
            Ok(_) => Error::e_explain(ErrorType::InternalError, "the body is read already"),
        },
    }
}

/// Looks, without waiting, whether the client is still there: Pingora does not watch while it
/// connects, and a provider must not be asked for nobody.
fn check_client(session: &mut Session, link: &Link) -> Result<()> {
    link.glance(true);
    let seen = session
        .downstream_session
        .read_body_or_idle(true)
        .now_or_never();
    link.glance(false);
    match seen {
        Some(Err(error)) => Err(error.into_down()),
        _ => Ok(()),
    }
}

/// Pingora's `connected_to_upstream`: the last chance before the request is sent.
pub(super) fn connected(session: &mut Session, ctx: &mut Context, reused: bool) -> Result<()> {
    if let Some(attempt) = ctx.exchange.receipt.last_attempt_mut() {
        attempt.reused = reused;
    }
    check_client(session, &ctx.link)
}

/// The request asks for what this target's dialect cannot say; another target's may.
fn untranslatable(exchange: &mut Exchange, error: ReadError) -> Box<Error> {
    let next = exchange.fail_attempt(Failure::Untranslatable(Box::new(error)));
    let mut error = Error::explain(
        ErrorType::InternalError,
        "the request cannot be translated for this target",
    );
    error.set_retry(matches!(next, Next::Try { .. }));
    error.into_up()
}

fn asked(forward: &Forward, target: &Arc<Target>, receipt: &Receipt, gateway: &Gateway) -> Asked {
    let money = forward.money.as_ref();
    let charge = money.map_or_else(|| pipeline::usual_charge(gateway), |money| money.charge);
    Asked {
        surface: forward.prompt.surface(),
        plan: stream_plan(forward, target, &receipt.request_id),
        echo: Echo::of(&forward.prompt),
        packed: forward.prompt.member("encoding_format") == Some("\"base64\""),
        target: Arc::clone(target),
        request_id: Arc::clone(&receipt.request_id),
        tier: money.map(|money| money.tier).unwrap_or_default(),
        charge,
        credit: money.and_then(ledger::credit),
        transaction: ledger::next_transaction(receipt),
    }
}

fn stream_plan(forward: &Forward, target: &Target, request_id: &str) -> StreamPlan {
    let (prompt, wants) = (&forward.prompt, target.provider.wants);
    StreamPlan {
        from: wants.dialect(prompt.surface()),
        to: prompt.surface().dialect(),
        surface: prompt.surface(),
        fidelity: wants.fidelity,
        show_usage: prompt.wants_usage(),
        model: target.model.to_string(),
        id: format!("chatcmpl-{request_id}"),
        created: u64::try_from(unix_ms() / 1000).unwrap_or(0),
        choices: prompt.choices(),
        input_estimate: forward.input_estimate,
    }
}
