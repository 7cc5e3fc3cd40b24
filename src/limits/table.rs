//! Why: limits are kept per key in memory. The table stays small however many keys pass by: a
//! cell whose bucket has drained says nothing and is dropped.

use super::{Cell, Denied, Rule, Taken};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const SHARDS: usize = 64;
/// A shard is not swept before it holds this many cells.
const SWEEP_FROM: usize = 64;
/// Nanoseconds between two looks at a shard that does not grow.
const SWEEP_EVERY: u64 = 60_000_000_000;

/// The state of every limit of every key. One per process; it outlives reloads.
///
/// Keys are remembered as 128 bits of two secretly seeded hashes: nobody can aim for another
/// key's cell, and a cell costs about 40 bytes.
#[derive(Debug)]
pub struct LimitTable {
    shards: Box<[Mutex<Shard>]>,
    by_key: RandomState,
    by_rule: RandomState,
}

#[derive(Debug, Default)]
struct Shard {
    cells: HashMap<CellId, Cell>,
    /// Drained cells are looked for once there are this many,
    crowded_at: usize,
    /// or at this time.
    stale_at: u64,
}

/// Hash of the key, hash of key and rule.
type CellId = (u64, u64);

/// Where a key stands with its tightest rule of one measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The rule with the least room.
    pub rule: Rule,
    /// Units that could be taken now.
    pub remaining: u64,
    /// Time until all units can be taken again.
    pub reset_after: Duration,
}

/// A request that a rule does not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// The rule that refused, and where the key stands with it.
    pub standing: Standing,
    /// Time until the request would pass this rule; `None`: never, it is larger than the limit.
    pub retry_after: Option<Duration>,
}

/// A reservation and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// Units taken beforehand.
    pub reserved: u64,
    /// Units really used.
    pub actual: u64,
}

impl Default for LimitTable {
    fn default() -> Self {
        Self::new()
    }
}

impl LimitTable {
    /// An empty table.
    pub fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            by_key: RandomState::new(),
            by_rule: RandomState::new(),
        }
    }

    /// Takes `n` units from every rule, or from none. `now` is nanoseconds on a clock that
    /// never goes back. `Ok(None)` when there are no rules. Rules of one key must differ in
    /// measure or window: that pair names their bucket.
    pub fn take(
        &self,
        key: &str,
        rules: &[Rule],
        now: u64,
        n: u64,
    ) -> Result<Option<Standing>, Exceeded> {
        self.in_shard(key, |shard, id| {
            let mut tightest = None;
            for (taken, rule) in rules.iter().enumerate() {
                let cell = shard.cell(id(rule), now);
                match rule.gcra().try_take(cell, now, n) {
                    Ok(taken) => tightest = Some(Standing::tighter(tightest, rule, taken)),
                    Err(denied) => {
                        let exceeded = Exceeded::new(rule, denied, rule.gcra().peek(cell, now));
                        for rule in rules.iter().take(taken) {
                            rule.gcra().give_back(shard.cell(id(rule), now), n);
                        }
                        return Err(exceeded);
                    }
                }
            }
            Ok(tightest)
        })
    }

    /// Corrects what [`LimitTable::take`] reserved to what was really used, by the same rules.
    pub fn settle(&self, key: &str, rules: &[Rule], now: u64, used: Used) {
        let Used { reserved, actual } = used;
        self.in_shard(key, |shard, id| {
            for rule in rules {
                let cell = shard.cell(id(rule), now);
                rule.gcra().settle(cell, now, reserved, actual);
            }
        });
    }

    /// Where a key stands with the tightest of its rules, taking nothing.
    pub fn peek(&self, key: &str, rules: &[Rule], now: u64) -> Option<Standing> {
        self.in_shard(key, |shard, id| {
            let fresh = Cell::default();
            rules.iter().fold(None, |tightest, rule| {
                let cell = shard.cells.get(&id(rule)).unwrap_or(&fresh);
                let standing = rule.gcra().peek(cell, now);
                Some(Standing::tighter(tightest, rule, standing))
            })
        })
    }

    /// Number of cells remembered; drained ones count until they are swept.
    pub fn len(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| {
                let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
                shard.cells.len()
            })
            .sum()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Memory of the cells: one slot and one control byte per place of each hash map.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| {
                let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
                let places = (shard.cells.capacity() * 8 / 7).next_power_of_two();
                places * (size_of::<(CellId, Cell)>() + 1)
            })
            .sum()
    }

    /// All cells of a key live in one shard, so that several rules are taken as one.
    fn in_shard<T>(
        &self,
        key: &str,
        work: impl FnOnce(&mut Shard, &dyn Fn(&Rule) -> CellId) -> T,
    ) -> T {
        let by_key = self.by_key.hash_one(key);
        let id = |rule: &Rule| {
            let by_rule = self.by_rule.hash_one((key, rule.measure(), rule.window()));
            (by_key, by_rule)
        };
        let index = usize::try_from(by_key % SHARDS as u64).unwrap_or(0);
        match self.shards.get(index) {
            Some(shard) => work(
                &mut shard.lock().unwrap_or_else(PoisonError::into_inner),
                &id,
            ),
            None => work(&mut Shard::default(), &id),
        }
    }
}

impl Shard {
    fn cell(&mut self, id: CellId, now: u64) -> &Cell {
        let is_due = self.cells.len() >= self.crowded_at || now >= self.stale_at;
        if is_due && self.cells.len() >= SWEEP_FROM && !self.cells.contains_key(&id) {
            self.sweep(now);
        }
        self.cells.entry(id).or_default()
    }

    /// Waiting until the shard has doubled, or a minute, keeps the price per request constant.
    fn sweep(&mut self, now: u64) {
        self.cells.retain(|_, cell| !cell.is_idle(now));
        self.cells.shrink_to(SWEEP_FROM);
        self.crowded_at = self.cells.len() * 2;
        self.stale_at = now.saturating_add(SWEEP_EVERY);
    }
}

impl Standing {
    fn new(rule: &Rule, taken: Taken) -> Self {
        Self {
            rule: *rule,
            remaining: taken.remaining,
            reset_after: taken.reset_after,
        }
    }

    fn tighter(known: Option<Self>, rule: &Rule, taken: Taken) -> Self {
        let found = Self::new(rule, taken);
        match known {
            Some(known) if known.remaining <= found.remaining => known,
            _ => found,
        }
    }
}

impl Exceeded {
    fn new(rule: &Rule, denied: Denied, now: Taken) -> Self {
        Self {
            standing: Standing::new(rule, now),
            retry_after: match denied {
                Denied::Wait { retry_after, .. } => Some(retry_after),
                Denied::TooLarge { .. } => None,
            },
        }
    }
}
