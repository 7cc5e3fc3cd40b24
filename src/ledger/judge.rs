//! Why: whether a wallet cannot pay, or only not yet, is a judgement about what is known of it.

use std::sync::Arc;

use super::{Bucket, Nanos, Purse};

/// Even if all that is held came back it would not be enough. What cannot be counted may be enough.
pub(super) fn is_hopeless(purse: &Purse, need: Nanos) -> bool {
    let reachable = |bucket: &Arc<Bucket>| bucket.reachable().map_or(i64::MAX, Nanos::get);
    let sum = |sum: i64, bucket: &Arc<Bucket>| sum.saturating_add(reachable(bucket));
    let payers = purse.payers.iter().fold(0, sum);
    let short = !purse.payers.is_empty() && payers < need.get();
    short || purse.caps.iter().any(|cap| reachable(cap) < need.get())
}

/// The wallets hold enough that nobody has leased.
pub(super) fn is_plentiful(purse: &Purse, need: Nanos) -> bool {
    let sum = |sum: i64, bucket: &Arc<Bucket>| sum.saturating_add(bucket.left().get());
    let payers = purse.payers.iter().fold(0, sum);
    let paid = purse.payers.is_empty() || payers >= need.get();
    paid && purse.caps.iter().all(|cap| cap.left() >= need)
}

/// What can be held at this moment.
pub(super) fn affordable(purse: &Purse) -> Nanos {
    let sum = |sum: i64, bucket: &Arc<Bucket>| sum.saturating_add(bucket.free().get().max(0));
    let payers = match purse.payers.is_empty() {
        true => i64::MAX,
        false => purse.payers.iter().fold(0, sum),
    };
    let caps = purse.caps.iter().map(|cap| cap.free().get()).min();
    Nanos::new(payers.min(caps.unwrap_or(i64::MAX)))
}
