//! Why: one hash for many rows, of which any single row can be proven with a handful of hashes
//! and without the others. The tree is that of RFC 6962 (certificate transparency): the left half
//! of a tree is the largest full one, leaves and inner nodes are hashed differently.

use super::canonical::{Hash, NODE, sha256};

/// The root of leaves that come one after the other. Holds one hash for each bit of their count.
#[derive(Clone, Debug, Default)]
pub struct RootBuilder {
    /// Roots of full trees of 1, 2, 4, … leaves: a binary number, lowest digit first.
    full: Vec<Option<Hash>>,
}

impl RootBuilder {
    /// No leaves yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { full: Vec::new() }
    }

    /// Adds a leaf, by its hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut carry = leaf;
        for digit in &mut self.full {
            match digit.take() {
                Some(left) => carry = node(&left, &carry),
                None => {
                    *digit = Some(carry);
                    return;
                }
            }
        }
        self.full.push(Some(carry));
    }

    /// The root so far. No leaves have the hash of nothing.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut roots = self.full.iter().flatten();
        match roots.next() {
            None => sha256(&[]),
            Some(lowest) => roots.fold(*lowest, |right, left| node(left, &right)),
        }
    }
}

impl FromIterator<Hash> for RootBuilder {
    fn from_iter<I: IntoIterator<Item = Hash>>(leaves: I) -> Self {
        let mut builder = Self::new();
        for leaf in leaves {
            builder.push(leaf);
        }
        builder
    }
}

/// Shows that a leaf stands at an index of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Where the leaf stands, counted from 0.
    pub index: u64,
    /// Leaves of the whole tree.
    pub size: u64,
    /// The other halves, from the leaf up.
    pub path: Vec<Hash>,
}

/// Proves the leaf at `index`; `None` when there is none.
#[must_use]
pub fn prove(leaves: &[Hash], index: usize) -> Option<Proof> {
    leaves.get(index)?;
    let mut path = Vec::new();
    let (mut rest, mut at) = (leaves, index);
    while rest.len() > 1 {
        // The largest power of two below the length.
        let half = 1_usize << (rest.len() - 1).ilog2();
        let (left, right) = rest.split_at(half);
        let (own, other) = match at < half {
            true => (left, right),
            false => (right, left),
        };
        at %= half;
        path.push(other.iter().copied().collect::<RootBuilder>().root());
        rest = own;
    }
    path.reverse();
    Some(Proof {
        index: index as u64,
        size: leaves.len() as u64,
        path,
    })
}

impl Proof {
    /// Whether it leads from this leaf to this root.
    #[must_use]
    pub fn holds(&self, leaf: &Hash, root: &Hash) -> bool {
        if self.index >= self.size {
            return false;
        }
        // Both counted in nodes of the level that `hash` has reached.
        let (mut at, mut last) = (self.index, self.size - 1);
        let mut hash = *leaf;
        for other in &self.path {
            if last == 0 {
                return false;
            }
            if at % 2 == 1 || at == last {
                hash = node(other, &hash);
                // The last node of a level with an odd number of them has no other half there.
                while at % 2 == 0 && at != 0 {
                    at /= 2;
                    last /= 2;
                }
            } else {
                hash = node(&hash, other);
            }
            at /= 2;
            last /= 2;
        }
        last == 0 && hash == *root
    }
}

/// The hash of two halves.
fn node(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[NODE], left, right])
}
