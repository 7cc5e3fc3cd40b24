//! Where an answer meets its money: extended while it streams, settled once, whatever ended it.

use std::sync::Arc;

use super::Context;
use crate::exchange::{Credit, Exchange, Money, Stage};
use crate::ledger::journal::UsageSource;
use crate::ledger::{Bill, Nanos, UsageCounts};
use crate::pipeline;
use crate::store::usage_transaction_id;
use crate::telemetry::{Receipt, UsageRecord};

/// The attempt that failed before this one may have used tokens: the house pays for them.
pub(super) fn book_undelivered(ctx: &mut Context) {
    let facts = ctx.link.answering().facts();
    if facts.meter.provider_events == 0 || facts.complete {
        return;
    }
    let (Some(usage), Stage::Forwarding(forward)) = (facts.usage, &ctx.exchange.stage) else {
        return;
    };
    let Some((money, last)) = forward
        .money
        .as_ref()
        .zip(ctx.exchange.receipt.last_attempt())
    else {
        return;
    };
    // The plan moves on when the next attempt is decided; the price is that of the one that ran.
    let mut targets = forward.plan.targets.iter();
    let ran =
        targets.find(|target| target.provider.name == last.provider && target.model == last.model);
    let cost = ran.and_then(|target| target.cost(&usage, money.tier, money.charge));
    if let (Some(hold), Some(cost)) = (&money.hold, cost) {
        hold.book_undelivered(&Bill {
            provider: Arc::clone(&last.provider),
            model: Arc::clone(&last.model),
            attempt: attempt(&ctx.exchange.receipt),
            usage: UsageCounts::from(usage),
            cost,
            source: source(usage.estimated),
        });
    }
}

/// Whether the stream may go on.
pub(super) fn cover(ctx: &mut Context) -> Credit {
    let Stage::Forwarding(forward) = &mut ctx.exchange.stage else {
        return Credit::Good;
    };
    let target = forward.plan.targets.get(forward.attempts.current());
    match &mut forward.money {
        Some(money) if money.next_look != u64::MAX => {
            let streamed = ctx.link.answering().streamed_tokens();
            money.cover(target, streamed)
        }
        _ => Credit::Good,
    }
}

/// Settles what the receipt says, once. What nobody was billed for is let go.
pub(super) fn settle(ctx: &mut Context) {
    let released = ctx.link.content_released();
    let complete = ctx.link.answering().is_complete();
    let exchange = &mut ctx.exchange;
    let Stage::Forwarding(forward) = &mut exchange.stage else {
        return;
    };
    let Some(hold) = forward.money.as_mut().and_then(|money| money.hold.take()) else {
        return;
    };
    let receipt = &mut exchange.receipt;
    let (Some(usage), Some(last)) = (receipt.usage, receipt.last_attempt()) else {
        return hold.void();
    };
    let bill = Bill {
        provider: Arc::clone(&last.provider),
        model: Arc::clone(&last.model),
        attempt: attempt(receipt),
        usage: counts(&usage),
        cost: Nanos::new(receipt.cost_nano.unwrap_or(0)),
        source: source(usage.estimated),
    };
    let failed = forward.attempt.failure.is_some() && !released && !complete;
    if failed {
        // The caller was told of a failure and got nothing for the tokens.
        hold.book_undelivered(&bill);
        return hold.void();
    }
    receipt.transaction_id = transaction(receipt);
    receipt.held_nano = hold.amount().map(Nanos::get);
    let before = hold.purse().remaining().zip(hold.amount());
    receipt.balance_nano = before.map(|(left, held)| {
        left.get()
            .saturating_add(held.get())
            .saturating_sub(bill.cost.get())
    });
    let overage = hold.settle(&bill);
    if overage > Nanos::ZERO {
        log::warn!("an answer cost {overage} credits more than its wallets could cover");
    }
}

/// What the caller's wallets hold for this request and after it.
pub(super) fn credit(money: &Money) -> Option<Nanos> {
    let hold = money.hold.as_ref()?;
    hold.purse().remaining()?.checked_add(hold.amount()?)
}

/// The id of the transaction that an answer has become.
fn transaction(receipt: &Receipt) -> Option<String> {
    numbered(receipt, attempt(receipt))
}

/// The id of the transaction that the answer of the next attempt will become.
pub(super) fn next_transaction(receipt: &Receipt) -> Option<String> {
    numbered(receipt, attempt(receipt).saturating_add(1))
}

fn numbered(receipt: &Receipt, attempt: u8) -> Option<String> {
    let request = uuid::Uuid::parse_str(&receipt.request_id).ok()?;
    let id = usage_transaction_id(request, attempt);
    Some(id.hyphenated().to_string())
}

/// The number of the running attempt, from 1; far more than any policy allows are one number.
fn attempt(receipt: &Receipt) -> u8 {
    u8::try_from(receipt.attempts.len()).unwrap_or(u8::MAX)
}

fn counts(usage: &UsageRecord) -> UsageCounts {
    UsageCounts {
        input: usage.input,
        output: usage.output,
        cached: usage.cached,
        cache_write: usage.cache_write,
        reasoning: usage.reasoning,
        ..UsageCounts::default()
    }
}

fn source(estimated: bool) -> UsageSource {
    match estimated {
        true => UsageSource::Local,
        false => UsageSource::Provider,
    }
}

/// What the caller is charged for the tokens of an answer.
pub(super) fn cost(exchange: &Exchange, usage: &alfred_filters::event::Usage) -> Option<Nanos> {
    let Stage::Forwarding(forward) = &exchange.stage else {
        return None;
    };
    let target = forward.target()?;
    let (tier, charge) = match &forward.money {
        Some(money) => (money.tier, money.charge),
        None => (
            Default::default(),
            pipeline::usual_charge(&exchange.gateway),
        ),
    };
    target.cost(usage, tier, charge)
}
