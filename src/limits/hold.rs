//! Why: how many tokens a request costs is only known at its end, so an estimate is set aside at
//! its beginning and corrected afterwards, whichever way it ends.

use std::sync::Arc;

use super::{LimitTable, Rule, Used};

/// Tokens set aside for one request. Dropped without being settled it keeps what it holds: a
/// request that died has probably been answered in part.
#[derive(Debug)]
pub struct TokenHold {
    table: Arc<LimitTable>,
    key: Arc<str>,
    rules: Arc<[Rule]>,
    reserved: u64,
}

impl TokenHold {
    /// Remembers that `reserved` tokens were taken by `rules`.
    pub fn new(table: Arc<LimitTable>, key: Arc<str>, rules: Arc<[Rule]>, reserved: u64) -> Self {
        Self {
            table,
            key,
            rules,
            reserved,
        }
    }

    /// Corrects the estimate to what was used; `now` in nanoseconds as for [`LimitTable::take`].
    pub fn settle(self, now: u64, actual: u64) {
        let used = Used {
            reserved: self.reserved,
            actual,
        };
        self.table.settle(&self.key, &self.rules, now, used);
    }
}
