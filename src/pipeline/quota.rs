//! The station that asks for money: may the caller spend at all, and how much is set aside for
//! this request, at the dearest target of its plan.

use std::sync::Arc;

use alfred_filters::event::Usage;
use alfred_filters::prompt::{Prompt, Surface};
use http::{HeaderName, HeaderValue};
use uuid::Uuid;

use crate::conf::Unmetered;
use crate::exchange::{Exchange, Forward, Money, unix_ms};
use crate::gateway::Gateway;
use crate::ledger::journal::Subject;
use crate::ledger::{Charge, Nanos, NoMoney, Payer, Purse, ServiceTier};
use crate::refusal::Refusal;
use crate::routing::{Plan, Target};
use crate::secrets::Principal;
use crate::store::HoldMode;

/// Where a wallet has this many times the most that a request can cost, all of it is held at
/// once: a stream is then never interrupted to look for money.
const PLENTY: i64 = 8;
/// Tells the caller that a wallet has reached its soft limit.
const SOFT_LIMIT: HeaderName = HeaderName::from_static("x-alfred-soft-limit");

/// Whether the caller may spend at all; costs no body.
///
/// # Errors
/// A wallet is frozen or at its limit, there must be one and there is none, or the ledger cannot
/// work.
pub(super) fn can_spend(
    exchange: &mut Exchange,
    principal: &Principal,
) -> Result<Option<Purse>, Refusal> {
    let gateway = &exchange.gateway;
    let Some(treasury) = &gateway.living.treasury else {
        return Ok(None);
    };
    let purse = treasury.purse(&payer(principal));
    if purse.is_unbounded() && gateway.config.ledger.unmetered == Unmetered::Refuse {
        return Err(Refusal::NoWallet);
    }
    treasury.can_spend(&purse).map_err(refusal)?;
    if purse.is_over_soft_limit() {
        let reached = HeaderValue::from_static("reached");
        exchange.answer_headers.push((SOFT_LIMIT, reached));
    }
    Ok(Some(purse))
}

fn payer(principal: &Principal) -> Payer {
    Payer {
        org: principal.org_id,
        team: principal.team_id,
        user: principal.user_id,
        key: principal.key_id,
    }
}

fn refusal(no: NoMoney) -> Refusal {
    match no {
        NoMoney::Insufficient => Refusal::InsufficientCredit,
        NoMoney::Frozen => Refusal::WalletFrozen,
        NoMoney::HardLimit => Refusal::SpendLimit,
        NoMoney::Unavailable => Refusal::LedgerUnavailable,
    }
}

/// The plan without the targets that have no price, for a caller who pays: what nobody can price
/// nobody can pay for.
pub(super) fn payable(mut plan: Plan, purse: Option<&Purse>, model: &str) -> Result<Plan, Refusal> {
    if purse.is_some_and(|purse| !purse.is_unbounded()) {
        plan.targets.retain(|target| target.price.is_some());
        if plan.targets.is_empty() {
            return Err(Refusal::UnknownPrice(model.to_owned()));
        }
    }
    Ok(plan)
}

/// What a request may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Quote {
    /// What is best held.
    want: Nanos,
    /// With less than this the answer would be useless.
    least: Nanos,
    /// All that it can cost.
    full: Nanos,
}

/// Sets money aside for a request that is about to be forwarded. May wait a little for money that
/// other requests give back; asks no database itself.
///
/// # Errors
/// There is not enough, or the ledger cannot work.
pub async fn hold(exchange: &Exchange, forward: &mut Forward) -> Result<(), Refusal> {
    let gateway = &exchange.gateway;
    let (Some(treasury), Some(purse)) = (&gateway.living.treasury, forward.purse.take()) else {
        return Ok(());
    };
    treasury.warm(&purse).await;
    let mut money = Money::new(forward, &purse, gateway);
    let quote = match purse.is_unbounded() || money.is_free_of_charge {
        true => Quote {
            want: Nanos::ZERO,
            least: Nanos::ZERO,
            full: Nanos::ZERO,
        },
        false => quote(&forward.plan, &purse, &money)?,
    };
    let subject = subject(exchange, forward);
    let held = treasury.hold(purse, subject, quote.want, quote.least).await;
    let held = held.map_err(refusal)?;
    money.note_hold(&held, quote.full);
    money.hold = Some(held);
    forward.money = Some(money);
    Ok(())
}

fn subject(exchange: &Exchange, forward: &Forward) -> Subject {
    let first = forward.plan.targets.first();
    let payer = payer(&forward.principal);
    Subject {
        request_id: Uuid::parse_str(&exchange.receipt.request_id).unwrap_or_default(),
        org: payer.org,
        team: payer.team,
        user: payer.user,
        key: payer.key,
        at_ms: unix_ms(),
        model: first.map_or_else(|| Arc::from(""), |target| Arc::clone(&target.model)),
        provider: first.map_or_else(|| Arc::from(""), |target| Arc::clone(&target.provider.name)),
        price_version: 0,
    }
}

fn quote(plan: &Plan, purse: &Purse, money: &Money) -> Result<Quote, Refusal> {
    let at = |output: u64| dearest(plan, money, output).ok_or(Refusal::InsufficientCredit);
    let full = at(money.bound)?;
    let least = at(money.bound.min(money.min_answer))?;
    let slice = at(money.bound.min(money.slice))?;
    let plenty = purse
        .remaining()
        .is_some_and(|left| left.get() / PLENTY >= full.get());
    let (want, least) = match money.mode {
        HoldMode::Strict => (full, least),
        HoldMode::Cap(most) => (full.min(most), full.min(most).min(least)),
        HoldMode::Incremental if !money.stream || plenty => (full, least),
        HoldMode::Incremental => (slice, least),
    };
    Ok(Quote { want, least, full })
}

/// What the dearest target of a plan would charge for an answer of that many tokens.
fn dearest(plan: &Plan, money: &Money, output: u64) -> Option<Nanos> {
    let costs = plan.targets.iter();
    let costs = costs.map(|target| money.cost(target, output));
    // Beyond what an amount can be: nobody can pay for it.
    costs.collect::<Option<Vec<_>>>()?.into_iter().max()
}

impl Money {
    fn new(forward: &Forward, purse: &Purse, gateway: &Gateway) -> Self {
        let (prompt, settings) = (&forward.prompt, &gateway.config.ledger);
        let mode = purse.mode();
        let choices = u64::from(prompt.choices()).max(1);
        let answers = match prompt.surface() {
            Surface::Embeddings | Surface::CountTokens => 0,
            Surface::Chat | Surface::Completions | Surface::Messages | Surface::Responses => {
                choices
            }
        };
        let longest = || {
            let known = forward.plan.targets.iter().map(|target| target.max_output);
            let known = known.map(|most| most.unwrap_or(settings.answer));
            known.max().unwrap_or(settings.answer).min(settings.answer)
        };
        let per_answer = prompt.max_output().unwrap_or_else(longest);
        let tier = prompt.member("service_tier").unwrap_or_default();
        Self {
            hold: None,
            charge: purse.charge,
            tier: ServiceTier::read(tier.trim_matches('"')),
            mode,
            stream: prompt.stream(),
            input: input_bound(prompt, forward.input_estimate, mode),
            bound: per_answer.saturating_mul(answers),
            is_bounded: prompt.max_output().is_some(),
            choices,
            slice: settings.slice.saturating_mul(choices),
            min_answer: settings.min_answer.saturating_mul(choices),
            covered: u64::MAX,
            next_look: u64::MAX,
            must_clamp: false,
            is_free_of_charge: prompt.surface() == Surface::CountTokens,
        }
    }
}

/// The prompt's tokens as they are held. In mode `strict` no less than they can be: no tokenizer
/// makes more tokens of a text than it has bytes.
fn input_bound(prompt: &Prompt, estimate: u64, mode: HoldMode) -> u64 {
    if mode != HoldMode::Strict {
        return estimate.saturating_add(estimate / 8).saturating_add(16);
    }
    let mut bytes = 0_u64;
    prompt.visit_texts(&mut |text| {
        let length = u64::try_from(text.text.len()).unwrap_or(u64::MAX);
        bytes = bytes.saturating_add(length);
    });
    estimate.saturating_add(bytes)
}

impl Money {
    /// What a target charges this caller for an answer of that many tokens.
    #[must_use]
    pub fn cost(&self, target: &Target, output: u64) -> Option<Nanos> {
        let usage = Usage {
            input: self.input,
            output,
            ..Usage::default()
        };
        target.cost(&usage, self.tier, self.charge)
    }
}

/// What is charged where no wallet says otherwise.
#[must_use]
pub fn usual_charge(gateway: &Gateway) -> Charge {
    Charge {
        credit_usd_ppm: gateway.config.credit.usd_ppm(),
        ..Charge::default()
    }
}
