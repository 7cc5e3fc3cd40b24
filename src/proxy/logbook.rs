//! The end of a request: facts become a receipt, once, on every path.

use alfred_filters::guard::report::Report;
use pingora_core::{Error, ErrorSource, ErrorType};
use pingora_proxy::Session;

use super::replay::{self, ENDED_EARLY};
use super::{Context, ledger, reply};
use crate::exchange::{Exchange, Stage, unix_ms};
use crate::ledger::Nanos;
use crate::pipeline;
use crate::telemetry::{Outcome, StreamRecord, UsageRecord, micros};

/// Pingora's `logging`: runs on every path but a panic outside the guards; for those see `Drop`.
pub(super) fn close(session: &mut Session, error: Option<&Error>, ctx: &mut Context) {
    replay::restore(session, &ctx.link);
    let receipt = &mut ctx.exchange.receipt;
    receipt.response_bytes = u64::try_from(session.body_bytes_sent()).unwrap_or(u64::MAX);
    if let Some(header) = session
        .response_written()
        .filter(|_| reply::has_begun(session))
    {
        receipt.status = header.status.as_u16();
    }
    if ctx.exchange.receipt.outcome == Outcome::Unknown {
        let outcome = outcome(error, ctx);
        ctx.exchange.receipt.outcome = outcome;
        if outcome == Outcome::Truncated {
            note_break(ctx);
        }
    }
    settle(ctx);
}

/// How a request ended that went to a provider and was not answered by Alfred itself.
fn outcome(error: Option<&Error>, ctx: &Context) -> Outcome {
    let answering = ctx.link.answering();
    if ctx.link.client_gone() {
        return Outcome::ClientGone;
    }
    if answering.failure().is_some() && ctx.link.content_released() {
        return Outcome::Truncated;
    }
    match error {
        Some(error) if *error.etype() == ErrorType::Custom(ENDED_EARLY) => Outcome::Ok,
        Some(error) if *error.esource() == ErrorSource::Downstream => Outcome::ClientGone,
        Some(_) => Outcome::Fault,
        None => Outcome::Ok,
    }
}

/// Writes the receipt, unless it has been written.
fn settle(ctx: &mut Context) {
    if matches!(ctx.exchange.stage, Stage::Settled) {
        return;
    }
    conclude(ctx);
    note_answer(ctx);
    note_guard(ctx);
    settle_tokens(ctx);
    ledger::settle(ctx);
    let exchange = &mut ctx.exchange;
    exchange.receipt.duration_us = micros(exchange.started.elapsed());
    let stage = std::mem::replace(&mut exchange.stage, Stage::Settled);
    let living = &exchange.gateway.living;
    let mut label = "other".to_owned();
    if let Stage::Forwarding(forward) = stage {
        label = forward.model_label;
    }
    if let Some(last) = exchange
        .receipt
        .last_attempt()
        .filter(|_| exchange.receipt.price_unknown)
    {
        living.warn_unpriced(&format!("{}/{}", last.provider, last.model));
    }
    living.policy.note(&exchange.receipt, unix_ms());
    living.findings.note(&exchange.receipt, unix_ms());
    living.metrics.count(&exchange.receipt, &label);
    living.access_log.write(&exchange.receipt, &living.metrics);
}

/// Tells the lane how the last attempt ended, where nothing has told it before: an answer that was
/// complete but for its framing, or one that broke off after its client had left.
fn conclude(ctx: &mut Context) {
    let (failure, complete) = {
        let answering = ctx.link.answering();
        (answering.failure().cloned(), answering.is_complete())
    };
    ctx.exchange.conclude_attempt(failure.as_ref(), complete);
}

/// Corrects what the key's token limit set aside to what was used; once, whoever comes first.
pub(super) fn settle_tokens(ctx: &mut Context) {
    let exchange = &mut ctx.exchange;
    let used = exchange
        .receipt
        .usage
        .map_or(0, |usage| usage.input + usage.output);
    if let Stage::Forwarding(forward) = &mut exchange.stage {
        pipeline::settle_tokens(&exchange.gateway, forward, used);
    }
}

impl Drop for Context {
    /// A panic that no guard caught skips `logging`, and so does the end of the drain; the request
    /// is settled all the same.
    fn drop(&mut self) {
        if matches!(self.exchange.stage, Stage::Settled) || self.exchange.receipt.method.is_empty()
        {
            return;
        }
        self.exchange.receipt.outcome = Outcome::Fault;
        if self.exchange.gateway.living.health.is_draining() {
            self.exchange.receipt.code = Some("drain_limit".to_owned());
            if self.link.content_released() {
                self.exchange.end(Outcome::Truncated, 200, None);
            }
        }
        settle(self);
    }
}

/// Notes what is known of the provider's answer: usage, cost, stream figures. Nothing is added to
/// a complete one, so it is noted once.
pub(super) fn note_answer(ctx: &mut Context) {
    if ctx.noted {
        return;
    }
    let facts = ctx.link.answering().facts();
    ctx.noted = facts.complete;
    let started = ctx.exchange.started;
    if !matches!(ctx.exchange.stage, Stage::Forwarding(_)) {
        return;
    }
    let began = facts.meter.provider_events > 0 || facts.complete;
    let usage = facts.usage.filter(|_| began);
    let cost = usage.map(|usage| ledger::cost(&ctx.exchange, &usage));
    let receipt = &mut ctx.exchange.receipt;
    receipt.finish_reason = facts.finish_reason;
    receipt.usage = usage.map(UsageRecord::from);
    if let Some(cost) = cost {
        receipt.cost_nano = cost.map(Nanos::get);
        receipt.price_unknown = cost.is_none();
    }
    if facts.streamed {
        receipt.streamed = Some(StreamRecord {
            provider_events: facts.meter.provider_events,
            emitted_events: facts.meter.emitted_events,
            counted_tokens: facts.meter.tokens,
            text_bytes: facts.meter.text_bytes,
            first_token_us: facts.first_content.map(|at| micros(at - started)),
            longest_gap_us: micros(facts.longest_gap),
        });
    }
    ctx.exchange.complete_attempt();
}

/// Notes what guards found, if they did: rules and places, never values.
fn note_guard(ctx: &mut Context) {
    let answering = ctx.link.answering();
    let Some(watch) = answering.watched() else {
        return;
    };
    let told = |report: &Report| (!report.is_empty()).then(|| Box::new(report.clone()));
    let receipt = &mut ctx.exchange.receipt;
    receipt.guarded_request = told(&watch.asked);
    receipt.guarded_answer = told(&watch.answered);
}

/// Notes that an answer broke off after the client had seen content.
fn note_break(ctx: &mut Context) {
    let failure = ctx.link.answering().failure().cloned();
    if let Some(failure) = failure {
        ctx.exchange.receipt.code = Some(failure.label().to_owned());
        ctx.exchange.fail_attempt(failure);
    }
}

/// The cost as the wire writes it.
pub(super) fn cost_in_credits(exchange: &Exchange) -> Option<String> {
    exchange
        .receipt
        .cost_nano
        .map(|nano| Nanos::new(nano).to_string())
}
