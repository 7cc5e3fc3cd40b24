//! The stations that hold a key to its limits: requests before the body is read, tokens after.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use crate::gateway::Gateway;
use crate::limits::{Exceeded, Measure, Rule, Standing, TokenHold, headers};
use crate::refusal::Refusal;
use crate::secrets::Principal;

/// Headers that an answer will carry.
pub(super) type AnswerHeaders = Vec<(HeaderName, HeaderValue)>;

/// Tokens set aside for an answer whose length the client did not bound.
const UNBOUNDED_ANSWER: u64 = 256;

/// The rules of one measure for a key: its own limit wins over the configuration's.
fn rules(gateway: &Gateway, principal: &Principal, measure: Measure) -> Arc<[Rule]> {
    let (own, common) = match measure {
        Measure::Requests => (principal.requests_per_minute, &gateway.request_rules),
        Measure::Tokens => (principal.tokens_per_minute, &gateway.token_rules),
    };
    match own {
        Some(limit) => Arc::new([Rule::per_minute(measure, limit)]),
        None => Arc::clone(common),
    }
}

/// Counts one request of the key.
///
/// # Errors
/// [`Refusal::RateLimited`].
pub(super) fn take_request(
    gateway: &Gateway,
    principal: &Principal,
    out: &mut AnswerHeaders,
) -> Result<(), Refusal> {
    let rules = rules(gateway, principal, Measure::Requests);
    let taken = gateway
        .living
        .limits
        .take(&principal.id, &rules, clock(gateway), 1);
    announce(taken, 1, out)
}

/// Sets tokens aside: the prompt as estimated and the answer as the client bounds it. An answer's
/// bound alone never makes a request too large, because answers are usually shorter.
///
/// # Errors
/// [`Refusal::RateLimited`], or [`Refusal::LargerThanLimit`] when the prompt alone is too large.
pub(super) fn take_tokens(
    gateway: &Gateway,
    principal: &Principal,
    input: u64,
    max_output: Option<u64>,
    out: &mut AnswerHeaders,
) -> Result<Option<TokenHold>, Refusal> {
    let rules = rules(gateway, principal, Measure::Tokens);
    let Some(limit) = rules.iter().map(Rule::limit).min() else {
        return Ok(None);
    };
    let output = max_output.unwrap_or(UNBOUNDED_ANSWER);
    let reserved = input.saturating_add(output).min(limit.max(input));
    let limits = &gateway.living.limits;
    let taken = limits.take(&principal.id, &rules, clock(gateway), reserved);
    announce(taken, reserved, out)?;
    let (table, key) = (Arc::clone(limits), Arc::clone(&principal.id));
    Ok(Some(TokenHold::new(table, key, rules, reserved)))
}

/// Nanoseconds on the process' clock.
pub(crate) fn clock(gateway: &Gateway) -> u64 {
    u64::try_from(gateway.living.now().as_nanos()).unwrap_or(u64::MAX)
}

fn announce(
    taken: Result<Option<Standing>, Exceeded>,
    needed: u64,
    out: &mut AnswerHeaders,
) -> Result<(), Refusal> {
    match taken {
        Ok(None) => Ok(()),
        Ok(Some(standing)) => {
            out.extend(headers::lines(&standing));
            Ok(())
        }
        Err(exceeded) => {
            out.extend(headers::lines(&exceeded.standing));
            Err(refusal(&exceeded, needed))
        }
    }
}

fn refusal(exceeded: &Exceeded, needed: u64) -> Refusal {
    let rule = &exceeded.standing.rule;
    let (limit, window) = (rule.limit(), rule.window());
    match exceeded.retry_after {
        Some(retry_after) => Refusal::RateLimited {
            what: match rule.measure() {
                Measure::Requests => "requests",
                Measure::Tokens => "tokens",
            },
            limit,
            window,
            retry_after: retry_after.max(Duration::from_millis(1)),
        },
        None => Refusal::LargerThanLimit {
            needed,
            limit,
            window,
        },
    }
}
