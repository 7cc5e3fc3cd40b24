//! The beginning of an attempt: wait if told to, choose a lane, render the body, dial.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use alfred_filters::answer::StreamPlan;
use alfred_filters::dialect::Dialect;
use alfred_filters::dialect::openai_responses::Echo;
use alfred_filters::prompt::{Prompt, ReadError, RequestPatch, Surface};
use alfred_filters::translate::{self, Translated, Translation};
use futures_util::FutureExt;
use pingora_core::upstreams::peer::HttpPeer;
use pingora_core::{Error, ErrorType, Result};
use pingora_proxy::Session;

use super::answering::Asked;
use super::link::Link;
use super::{Context, ledger, peer};
use crate::exchange::{Exchange, Forward, Stage, chance, unix_ms};
use crate::gateway::Gateway;
use crate::pipeline;
use crate::pool::LaneGuard;
use crate::providers::Wants;
use crate::routing::{Failure, Limits, Next, Stop, Target};
use crate::telemetry::Receipt;

/// The longest answer that a provider who must be told one is asked for, in tokens, where neither
/// the client nor the price table says.
const USUAL_MAX_OUTPUT: u64 = 4096;

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
    let rendered = render(forward, &target);
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
    let dialled = chosen.dialled();
    match dialled.first_address(target.timeouts.connect).await {
        Some(address) => {
            let egress = &ctx.exchange.gateway.egress;
            let peer = peer::build(address, &chosen, egress, &target, size);
            Ok(Box::new(peer))
        }
        None => Err(unresolved(&mut ctx.exchange)),
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

fn unresolved(exchange: &mut Exchange) -> Box<Error> {
    let next = exchange.fail_attempt(Failure::Unresolved);
    let mut error = Error::explain(
        ErrorType::ConnectError,
        "the endpoint's host name has no address",
    );
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

/// Members that limit the answer, in any dialect.
const LIMITS: [&str; 3] = ["max_tokens", "max_completion_tokens", "generationConfig"];

/// The member in which this target is told how long the answer may be.
fn limit_name(prompt: &Prompt, spoken: Dialect, wants: &Wants) -> &'static str {
    const OLD: &str = "max_tokens";
    const NEW: &str = "max_completion_tokens";
    if spoken == Dialect::OpenAiResponses {
        return "max_output_tokens";
    }
    let older = spoken == Dialect::AnthropicMessages
        || prompt.surface() == Surface::Completions
        || wants.rename.contains(&(NEW, OLD));
    let same = spoken == prompt.surface().dialect();
    // A client that wrote the older name knows its model.
    match older || (same && prompt.member(OLD).is_some()) {
        true => OLD,
        false => NEW,
    }
}

/// The body as this target wants it: patched where it speaks the client's dialect, else translated.
fn render(forward: &Forward, target: &Target) -> std::result::Result<Translated, ReadError> {
    let (prompt, wants) = (&forward.prompt, target.provider.wants);
    let overrides = target
        .provider
        .overrides
        .iter()
        .chain(target.overrides.iter());
    let mut set: Vec<(&str, &str)> = overrides
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    let spoken = wants.dialect(prompt.surface());
    let clamp = forward.money.as_ref().and_then(|money| money.clamp(target));
    let clamp_text = clamp.map(|tokens| tokens.to_string());
    let translated = spoken != prompt.surface().dialect();
    if let Some(tokens) = clamp_text.as_ref().filter(|_| !translated) {
        let name = limit_name(prompt, spoken, wants);
        set.retain(|(key, _)| *key != name);
        set.push((name, tokens));
    }
    if translated && clamp.is_some() {
        // No override may lengthen what the purse can pay.
        set.retain(|(key, _)| !LIMITS.contains(key));
    }
    let patch = RequestPatch {
        model: &target.model,
        ask_usage: wants.asks_usage,
        set: &set,
        remove: wants.remove,
        rename: wants.rename,
        plain_roles: !wants.developer_role,
    };
    let said = if translated {
        let translation = Translation {
            patch,
            most_output: clamp,
            default_max_output: target.max_output.unwrap_or(USUAL_MAX_OUTPUT),
            keep_reasoning: wants.reasoning_history,
        };
        prompt.translate(spoken, &translation)?
    } else {
        let removed = wants.remove.iter().copied();
        let dropped = removed.filter(|name| prompt.member(name).is_some());
        Translated {
            body: prompt.render(&patch),
            dropped: dropped.map(Cow::Borrowed).collect(),
        }
    };
    match target.provider.upstream_surface(prompt.surface()) {
        Surface::Chat => translate::suit(said, wants.quirks),
        _ => Ok(said),
    }
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
