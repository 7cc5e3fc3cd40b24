//! Why: transactions are posted in batches, in one commit each. A batch leaves one row behind,
//! the settlement, that says how many there were, of how much, and the root of the tree over
//! their hashes.

use super::canonical::{Canonical, Hash, LEAF};
use super::flaw::{Fault, Flaw, Place};
use super::leaf::TransactionLeaf;
use super::merkle::RootBuilder;

/// One row of `settlements`, all columns but `block`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Row id.
    pub id: i64,
    /// The column `holder_id`.
    pub holder: i64,
    /// Transactions.
    pub count: i64,
    /// The sum of their amounts.
    pub amount: i64,
    /// The root over their hashes, in the order of their positions.
    pub root: Hash,
    /// Unix milliseconds.
    pub created_at: i64,
}

impl Settlement {
    /// Its leaf in a block: `SHA-256(00 ‖ record)` of a record `alfred settlement` with the
    /// fields in their order here.
    #[must_use]
    pub fn hash(&self) -> Hash {
        Canonical::new("alfred settlement")
            .int(self.id)
            .int(self.holder)
            .int(self.count)
            .int(self.amount)
            .bytes(&self.root)
            .int(self.created_at)
            .hash(LEAF)
    }
}

/// Reads the transactions of one settlement in the order of their positions and stops at the
/// first that is not what was written.
#[derive(Debug)]
pub struct SettlementVerifier {
    settlement: Settlement,
    /// The position that comes next; as many as were read.
    next: i64,
    amount: i128,
    tree: RootBuilder,
    /// The first row beyond the count.
    surplus: Option<[u8; 16]>,
    is_holders: bool,
    flaw: Option<Flaw>,
}

impl SettlementVerifier {
    /// Before the first transaction.
    #[must_use]
    pub const fn new(settlement: Settlement) -> Self {
        Self {
            settlement,
            next: 0,
            amount: 0,
            tree: RootBuilder::new(),
            surplus: None,
            is_holders: true,
            flaw: None,
        }
    }

    /// The next transaction with its column `hash`. The first flaw stays: every later call
    /// answers it again.
    pub fn feed(&mut self, row: &TransactionLeaf<'_>, hash: &Hash) -> Result<(), Flaw> {
        if let Some(flaw) = self.flaw {
            return Err(flaw);
        }
        if let Err(flaw) = self.examine(row, hash) {
            self.flaw = Some(flaw);
            return Err(flaw);
        }
        if self.next >= self.settlement.count {
            self.surplus = self.surplus.or(Some(row.id));
        }
        self.next = self.next.saturating_add(1);
        self.amount += i128::from(row.amount);
        self.is_holders &= row.holder == Some(self.settlement.holder);
        self.tree.push(*hash);
        Ok(())
    }

    fn examine(&self, row: &TransactionLeaf<'_>, hash: &Hash) -> Result<(), Flaw> {
        let flaw = |fault| {
            Err(Flaw {
                place: Place::Transaction(row.id),
                fault,
            })
        };
        let position = row.position.unwrap_or(-1);
        let fits = row.hash() == *hash;
        if !fits && let Some(was) = self.moved_from(row, hash) {
            return flaw(Fault::Renumbered { was });
        }
        if position > self.next {
            let count = position.saturating_sub(self.next);
            return Err(self.absent(Fault::Deleted { count }));
        }
        if !fits {
            return flaw(Fault::Changed);
        }
        if row.settlement != Some(self.settlement.id) || position < 0 {
            return flaw(Fault::Inserted);
        }
        match position < self.next {
            true => flaw(Fault::Repeated),
            false => Ok(()),
        }
    }

    /// The position that makes the row fit its hash: it was swapped with another.
    fn moved_from(&self, row: &TransactionLeaf<'_>, hash: &Hash) -> Option<i64> {
        // A batch has at most 1,000 settlements of a few wallets each.
        (0..self.settlement.count.clamp(0, 100_000)).find(|was| {
            let moved = TransactionLeaf {
                position: Some(*was),
                ..*row
            };
            moved.hash() == *hash
        })
    }

    /// A flaw of the row that should come next.
    fn absent(&self, fault: Fault) -> Flaw {
        Flaw {
            place: Place::Position {
                settlement: self.settlement.id,
                position: self.next,
            },
            fault,
        }
    }

    /// After the last transaction.
    pub fn finish(self) -> Result<(), Flaw> {
        if let Some(flaw) = self.flaw {
            return Err(flaw);
        }
        let Settlement {
            id, count, amount, ..
        } = self.settlement;
        let flaw = |place, fault| Err(Flaw { place, fault });
        let counts = self.next == count && self.amount == i128::from(amount) && self.is_holders;
        if self.tree.root() == self.settlement.root {
            // The rows are those it was made of. If the rest differs, it was changed, not they.
            return match counts {
                true => Ok(()),
                false => flaw(Place::Settlement(id), Fault::Changed),
            };
        }
        if self.next < count {
            let count = count.saturating_sub(self.next);
            return Err(self.absent(Fault::Cut { count }));
        }
        match self.surplus {
            Some(row) => flaw(Place::Transaction(row), Fault::Inserted),
            None => flaw(Place::Settlement(id), Fault::TransactionsRewritten),
        }
    }
}
