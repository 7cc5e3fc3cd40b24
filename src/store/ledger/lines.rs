//! Why: how a transaction is written is one thing, what it does to wallets another. Here are the
//! rows: what stands in them, their numbers and hashes.

use super::super::StoreFault;
use super::super::sql::Value;
use super::posting::{Kind, MAX_TOKENS, Stamp, key};
use super::rows::transaction;
use super::{Settled, UsageSource};
use crate::audit::{Hash, RootBuilder, TransactionLeaf};

/// A row of a settlement that moves nothing yet.
pub(super) fn line(settled: &Settled, kind: Kind, leg: u8) -> TransactionLeaf<'_> {
    let (request_id, attempt) = key(settled);
    TransactionLeaf {
        org: settled.subject.org,
        team: settled.subject.team,
        user: settled.subject.user,
        key: settled.subject.key,
        model: Some(&settled.model),
        provider: Some(&settled.provider),
        estimated: settled.estimated,
        usage_source: match settled.source {
            UsageSource::Provider => "provider",
            UsageSource::Local => "local",
            UsageSource::Hold => "hold",
        },
        price_version: Some(settled.subject.price_version),
        created_at: settled.at_ms,
        ..bare(request_id, attempt, kind, leg)
    }
}

/// A row about nothing.
pub(super) fn bare<'a>(
    request_id: [u8; 16],
    attempt: u8,
    kind: Kind,
    leg: u8,
) -> TransactionLeaf<'a> {
    TransactionLeaf {
        request_id,
        attempt,
        kind: kind.word(),
        leg,
        id: kind.id(request_id, attempt, leg),
        org: None,
        team: None,
        user: None,
        key: None,
        wallet: None,
        amount: 0,
        balance_after: None,
        model: None,
        provider: None,
        prompt_tokens: 0,
        completion_tokens: 0,
        cached_tokens: 0,
        cache_write_tokens: 0,
        reasoning_tokens: 0,
        cost: 0,
        estimated: false,
        usage_source: "none",
        price_version: None,
        holder: None,
        settlement: None,
        position: None,
        reverses: None,
        note: None,
        created_at: 0,
    }
}

/// Tokens and cost stand on the first row only, so that they can be summed.
pub(super) fn whole(line: &mut TransactionLeaf<'_>, settled: &Settled) {
    line.prompt_tokens = count(settled.prompt_tokens);
    line.completion_tokens = count(settled.completion_tokens);
    line.cached_tokens = count(settled.cached_tokens);
    line.cache_write_tokens = count(settled.cache_write_tokens);
    line.reasoning_tokens = count(settled.reasoning_tokens);
    line.cost = settled.cost.get();
}

/// Counts were found to be in range.
pub(super) fn count(tokens: u64) -> i64 {
    i64::try_from(tokens.min(MAX_TOKENS)).unwrap_or(i64::MAX)
}

/// Rows as they are stored.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) rows: Vec<Vec<Value>>,
    pub(super) hashes: Vec<Hash>,
    pub(super) root: Hash,
    pub(super) amount: i64,
}

/// Numbers rows, if they belong to a settlement, and hashes them.
pub(super) fn written(
    lines: &mut [TransactionLeaf<'_>],
    stamp: Option<Stamp>,
) -> Result<Written, StoreFault> {
    let mut written = Written {
        rows: Vec::with_capacity(lines.len()),
        hashes: Vec::with_capacity(lines.len()),
        root: [0; 32],
        amount: 0,
    };
    let mut tree = RootBuilder::new();
    for (position, line) in (0..).zip(lines) {
        line.settlement = stamp.map(|stamp| stamp.settlement);
        line.holder = stamp.map(|stamp| stamp.holder);
        line.position = stamp.map(|_| position);
        let hash = line.hash();
        tree.push(hash);
        let amount = written.amount.checked_add(line.amount);
        written.amount = amount.ok_or(StoreFault::OutOfRange)?;
        written.rows.push(transaction(line, hash));
        written.hashes.push(hash);
    }
    written.root = tree.root();
    Ok(written)
}
