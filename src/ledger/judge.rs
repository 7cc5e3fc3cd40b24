//! Why: whether a wallet cannot pay, or only not yet, is a judgement about what is known of it.

use super::{Bucket, Nanos, Purse};

/// Even if all that is held came back it would not be enough. What cannot be counted may be enough.
pub(super) fn is_hopeless(purse: &Purse, need: Nanos) -> bool {
    let reachable = |bucket: &Bucket| bucket.reachable().map_or(i64::MAX, Nanos::get);
    let short = payers(purse, reachable).is_some_and(|sum| sum < need.get());
    short || purse.caps.iter().any(|cap| reachable(cap) < need.get())
}

/// The wallets hold enough that nobody has leased.
pub(super) fn is_plentiful(purse: &Purse, need: Nanos) -> bool {
    let paid = payers(purse, |bucket| bucket.left().get()).is_none_or(|sum| sum >= need.get());
    paid && purse.caps.iter().all(|cap| cap.left() >= need)
}

/// What can be held at this moment.
pub(super) fn affordable(purse: &Purse) -> Nanos {
    let payers = payers(purse, |bucket| bucket.free().get().max(0));
    let caps = purse.caps.iter().map(|cap| cap.free().get()).min();
    Nanos::new(payers.unwrap_or(i64::MAX).min(caps.unwrap_or(i64::MAX)))
}

/// What those who pay have together; `None` where nobody pays.
fn payers(purse: &Purse, of: impl Fn(&Bucket) -> i64) -> Option<i64> {
    let payers = purse.payers.iter();
    payers.map(|bucket| of(bucket)).reduce(i64::saturating_add)
}
