//! Why: one walk over blocks, their settlements and their transactions that stops at the first
//! row that is not what was written, however large the database is.

use super::anchor::{Anchors, Chain};
use super::block::{Block, BlockBuilder};
use super::canonical::{Hash, Head};
use super::chain::{ends, out_of_line, unlinked};
use super::flaw::{Fault, Flaw, Place};
use super::leaf::TransactionLeaf;
use super::settlement::{Settlement, SettlementVerifier};
use super::trust::{Trust, UnknownKey};

/// Reads blocks in their order; after each block its settlements, in the order of their ids;
/// after each settlement its transactions, in the order of their positions.
///
/// The first flaw stays: every later call answers it again.
#[derive(Debug)]
pub struct BlockVerifier {
    head: Head,
    trust: Trust,
    anchors: Anchors,
    open: Option<Open>,
    done: Verified,
    flaw: Option<Flaw>,
}

/// The block being read.
#[derive(Debug)]
struct Open {
    block: Block,
    read: BlockBuilder,
    first: Option<i64>,
    settlement: Option<SettlementVerifier>,
}

/// What was read and found to be what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Where the chain of blocks ends.
    pub head: Head,
    /// Blocks.
    pub blocks: u64,
    /// Their settlements.
    pub settlements: u64,
    /// Their transactions.
    pub transactions: u64,
    /// Warnings: keys that signed blocks and are not trusted.
    pub unknown_keys: Vec<UnknownKey>,
}

impl BlockVerifier {
    /// From the first block on.
    #[must_use]
    pub fn new(trust: Trust) -> Self {
        Self::resume(Head::GENESIS, trust)
    }

    /// From the block after `head` on; what stands before is taken on trust.
    #[must_use]
    pub fn resume(head: Head, trust: Trust) -> Self {
        Self {
            head,
            trust,
            anchors: Anchors::default(),
            open: None,
            done: Verified {
                head,
                blocks: 0,
                settlements: 0,
                transactions: 0,
                unknown_keys: Vec::new(),
            },
            flaw: None,
        }
    }

    /// Holds the chain against what was published of it.
    #[must_use]
    pub fn anchored(mut self, anchors: Anchors) -> Self {
        let Head { number, hash } = self.head;
        if anchors.deny(Chain::Block, number, &hash) {
            self.flaw = Some(Flaw {
                place: Place::Block(number),
                fault: Fault::NotAnchored,
            });
        }
        self.anchors = anchors;
        self
    }

    /// The next block; the one before it ends here.
    pub fn block(&mut self, block: &Block) -> Result<(), Flaw> {
        self.unless_flawed(|this| {
            this.close()?;
            this.begin(block)
        })
    }

    /// The next settlement of the block; the one before it ends here.
    pub fn settlement(&mut self, settlement: &Settlement) -> Result<(), Flaw> {
        self.unless_flawed(|this| {
            let id = settlement.id;
            let inserted = Flaw {
                place: Place::Settlement(id),
                fault: Fault::Inserted,
            };
            let open = this.open.as_mut().ok_or(inserted)?;
            open.close_settlement()?;
            let (.., last) = open.read.totals();
            open.read
                .add(settlement)
                .map_err(|_| out_of_line(last, id, Place::Settlement))?;
            open.first = open.first.or(Some(id));
            open.settlement = Some(SettlementVerifier::new(*settlement));
            this.done.settlements += 1;
            Ok(())
        })
    }

    /// The next transaction of the settlement, with its column `hash`.
    pub fn transaction(&mut self, row: &TransactionLeaf<'_>, hash: &Hash) -> Result<(), Flaw> {
        self.unless_flawed(|this| {
            let inserted = Flaw {
                place: Place::Transaction(row.id),
                fault: Fault::Inserted,
            };
            let open = this.open.as_mut().ok_or(inserted)?;
            open.settlement.as_mut().ok_or(inserted)?.feed(row, hash)?;
            this.done.transactions += 1;
            Ok(())
        })
    }

    /// After the last row: whether the chain ends where `expected` says, if it is known.
    pub fn finish(mut self, expected: Option<Head>) -> Result<Verified, Flaw> {
        self.unless_flawed(Self::close)?;
        let anchored = self.anchors.last(Chain::Block);
        self.done.head = ends(self.head, expected, anchored, Place::Block)?;
        Ok(self.done)
    }

    fn unless_flawed(
        &mut self,
        step: impl FnOnce(&mut Self) -> Result<(), Flaw>,
    ) -> Result<(), Flaw> {
        if let Some(flaw) = self.flaw {
            return Err(flaw);
        }
        let result = step(self);
        self.flaw = result.err();
        result
    }

    fn begin(&mut self, block: &Block) -> Result<(), Flaw> {
        let n = block.n;
        if n != self.head.number.saturating_add(1) {
            return Err(out_of_line(self.head.number, n, Place::Block));
        }
        block.verify()?;
        if block.previous_hash != self.head.hash {
            return Err(unlinked(self.head.number, Place::Block));
        }
        let flaw = |fault| {
            Err(Flaw {
                place: Place::Block(n),
                fault,
            })
        };
        if !self.trust.knows(&block.public_key) {
            if self.trust.is_strict() {
                return flaw(Fault::UnknownKey(block.public_key));
            }
            UnknownKey::note(&mut self.done.unknown_keys, block);
        }
        if self.anchors.deny(Chain::Block, n, &block.hash) {
            return flaw(Fault::NotAnchored);
        }
        self.head = block.head();
        self.open = Some(Open {
            block: *block,
            read: BlockBuilder::new(),
            first: None,
            settlement: None,
        });
        Ok(())
    }

    fn close(&mut self) -> Result<(), Flaw> {
        if let Some(open) = self.open.take() {
            open.close()?;
            self.done.blocks += 1;
        }
        Ok(())
    }
}

impl Open {
    fn close_settlement(&mut self) -> Result<(), Flaw> {
        match self.settlement.take() {
            Some(settlement) => settlement.finish(),
            None => Ok(()),
        }
    }

    fn close(mut self) -> Result<(), Flaw> {
        self.close_settlement()?;
        let Block {
            n, count, amount, ..
        } = self.block;
        let sealed = self.block.settlements;
        let (found, counted, summed, root, last) = self.read.totals();
        let fault = if found != sealed {
            Fault::Settlements { sealed, found }
        } else if root != self.block.root {
            let first = self.first.unwrap_or_default();
            Fault::SettlementsRewritten { first, last }
        } else if counted != i128::from(count) || summed != i128::from(amount) {
            Fault::Totals
        } else {
            return Ok(());
        };
        Err(Flaw {
            place: Place::Block(n),
            fault,
        })
    }
}
