//! Why: settlements come from many processes at once and cannot form a chain. One sealer gathers
//! them into blocks, each chained to the one before it and signed, so that the past is fixed as
//! soon as it is sealed.

use ring::signature::{ED25519, UnparsedPublicKey};

use super::canonical::{Canonical, Hash, Head, LINK};
use super::flaw::{Fault, Flaw, Place};
use super::merkle::RootBuilder;
use super::settlement::Settlement;
use super::signer::Signer;

/// One row of `blocks`. Its settlements are those whose column `block` names it, in the order of
/// their ids. The ids need not be dense and may overlap those of other blocks: databases give
/// them out before commits are decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Counted from 1, without gaps.
    pub n: i64,
    /// Settlements.
    pub settlements: i64,
    /// Their transactions.
    pub count: i64,
    /// The sum of their amounts.
    pub amount: i64,
    /// The root over the settlements' hashes.
    pub root: Hash,
    /// The hash of the block before this one; zeros for the first.
    pub previous_hash: Hash,
    /// The hash of everything above, `public_key` and `sealed_at`.
    pub hash: Hash,
    /// Whose signature it is: Ed25519.
    pub public_key: [u8; 32],
    /// The signature of `hash`.
    pub signature: [u8; 64],
    /// Unix milliseconds.
    pub sealed_at: i64,
}

impl Block {
    /// What `hash` must be: `SHA-256(02 ‖ record)` of a record `alfred block` with all columns but
    /// `hash` and `signature`, in their order.
    #[must_use]
    pub fn hash_of(&self) -> Hash {
        Canonical::new("alfred block")
            .int(self.n)
            .int(self.settlements)
            .int(self.count)
            .int(self.amount)
            .bytes(&self.root)
            .bytes(&self.previous_hash)
            .bytes(&self.public_key)
            .int(self.sealed_at)
            .hash(LINK)
    }

    /// Its number and hash.
    #[must_use]
    pub const fn head(&self) -> Head {
        Head {
            number: self.n,
            hash: self.hash,
        }
    }

    /// Whether it fits its own hash and was signed with the key that it names. Not whether that
    /// key is to be trusted, nor whether its settlements are there.
    pub fn verify(&self) -> Result<(), Flaw> {
        let place = Place::Block(self.n);
        if self.hash_of() != self.hash {
            let fault = Fault::Changed;
            return Err(Flaw { place, fault });
        }
        let key = UnparsedPublicKey::new(&ED25519, &self.public_key);
        let fault = Fault::Signature;
        key.verify(signed(&self.hash).as_bytes(), &self.signature)
            .map_err(|_| Flaw { place, fault })
    }
}

/// What is signed: a record `alfred signature of a block` with the hash as its only field, so
/// that no signature under the same key for anything else can pass for one.
fn signed(hash: &Hash) -> Canonical {
    Canonical::new("alfred signature of a block").bytes(hash)
}

/// Why a block cannot be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealProblem {
    /// There is nothing to seal.
    #[error("a block holds at least one settlement")]
    Empty,
    /// Settlements came in another order than that of their ids.
    #[error("settlements are sealed in the order of their ids")]
    Order,
    /// The sums are out of range.
    #[error("the sums of the block are out of range")]
    Range,
}

/// Gathers settlements, in the order of their ids, into one block.
#[derive(Clone, Debug, Default)]
pub struct BlockBuilder {
    last: Option<i64>,
    settlements: i64,
    count: i128,
    amount: i128,
    tree: RootBuilder,
}

impl BlockBuilder {
    /// No settlements yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next settlement.
    pub fn add(&mut self, settlement: &Settlement) -> Result<(), SealProblem> {
        if self.last.is_some_and(|last| last >= settlement.id) {
            return Err(SealProblem::Order);
        }
        self.last = Some(settlement.id);
        self.settlements = self.settlements.saturating_add(1);
        self.count += i128::from(settlement.count);
        self.amount += i128::from(settlement.amount);
        self.tree.push(settlement.hash());
        Ok(())
    }

    /// Seals what was added as the block after `previous`.
    pub fn seal(
        &self,
        previous: Head,
        sealed_at: i64,
        signer: &Signer,
    ) -> Result<Block, SealProblem> {
        if self.settlements == 0 {
            return Err(SealProblem::Empty);
        }
        let sum = |sum: i128| i64::try_from(sum).map_err(|_| SealProblem::Range);
        let mut block = Block {
            n: previous.number.checked_add(1).ok_or(SealProblem::Range)?,
            settlements: self.settlements,
            count: sum(self.count)?,
            amount: sum(self.amount)?,
            root: self.tree.root(),
            previous_hash: previous.hash,
            hash: [0; 32],
            public_key: signer.public_key(),
            signature: [0; 64],
            sealed_at,
        };
        block.hash = block.hash_of();
        block.signature = signer.sign(signed(&block.hash).as_bytes());
        Ok(block)
    }

    /// What was added so far: settlements, transactions, sum, root, last id.
    pub(super) fn totals(&self) -> (i64, i128, i128, Hash, i64) {
        let last = self.last.unwrap_or_default();
        let root = self.tree.root();
        (self.settlements, self.count, self.amount, root, last)
    }
}
