//! Why: a signature is worth as much as the key. A block that a stranger signed fits itself
//! perfectly, so verification says whose keys it saw.

use std::collections::BTreeSet;
use std::fmt;

use super::block::Block;
use super::canonical::{from_hex, to_hex};

/// The public keys whose blocks are believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    keys: BTreeSet<[u8; 32]>,
    is_strict: bool,
}

impl Trust {
    /// Believes these keys. Strict: a block by another key is a flaw; otherwise a warning.
    #[must_use]
    pub fn new(keys: impl IntoIterator<Item = [u8; 32]>, is_strict: bool) -> Self {
        Self {
            keys: keys.into_iter().collect(),
            is_strict,
        }
    }

    /// Believes one more key, in 64 hexadecimal characters. False when it is not that.
    #[must_use]
    pub fn add_hex(&mut self, key: &str) -> bool {
        let key = from_hex(key.trim());
        key.map(|key| self.keys.insert(key)).is_some()
    }

    /// Whether this key is believed.
    #[must_use]
    pub fn knows(&self, key: &[u8; 32]) -> bool {
        self.keys.contains(key)
    }

    /// Whether a block by an unknown key is a flaw.
    #[must_use]
    pub const fn is_strict(&self) -> bool {
        self.is_strict
    }
}

/// A key that signed blocks and is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownKey {
    /// The public key.
    pub key: [u8; 32],
    /// The first block that it signed.
    pub first_block: i64,
    /// How many it signed.
    pub blocks: u64,
}

impl UnknownKey {
    /// Counts one more block by an unknown key.
    pub(super) fn note(all: &mut Vec<Self>, block: &Block) {
        let key = block.public_key;
        match all.iter_mut().find(|known| known.key == key) {
            Some(known) => known.blocks += 1,
            None => all.push(Self {
                key,
                first_block: block.n,
                blocks: 1,
            }),
        }
    }
}

impl fmt::Display for UnknownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "blocks {} and after: {} signed with a key that is not trusted: {}",
            self.first_block,
            self.blocks,
            to_hex(&self.key)
        )
    }
}
