//! Why: a configuration file may carry keys of its own (CI, machines, a fleet that shares one
//! file), as hashes, so that the file holds no secret.
//!
//! The hash is BLAKE3 in key-derivation mode without a pepper: the file must mean the same on
//! every machine. That is safe only for keys too long to guess, hence [`StaticHash::MIN_KEY`].

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::Principal;

/// Domain of the hash, part of the format.
const CONTEXT: &str = "alfred 2026 static key";
const SCHEME: &str = "blake3:";

/// The hash of a static key, written `blake3:<64 hexadecimal characters>`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StaticHash([u8; 32]);

/// Why a text is no static hash, or a key too weak to have one. Never holds any of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadStaticHash {
    /// Not of the form `blake3:<64 hexadecimal characters>`.
    #[error("expected blake3: and 64 hexadecimal characters, as `alfred keys hash` prints them")]
    Form,
    /// The key is too short to resist guessing.
    #[error("a key must have at least 20 characters and no spaces; `alfred keys create` makes one")]
    Weak,
}

impl StaticHash {
    /// Fewest characters of a key that may be hashed without a pepper.
    pub const MIN_KEY: usize = 20;

    /// Hashes a key for the configuration file. Refuses keys that can be guessed.
    pub fn of(key: &str) -> Result<Self, BadStaticHash> {
        let is_visible = key.bytes().all(|byte| byte.is_ascii_graphic());
        if key.len() < Self::MIN_KEY || !is_visible {
            return Err(BadStaticHash::Weak);
        }
        Ok(Self::of_presented(key))
    }

    /// Reads the printed form.
    pub fn parse(text: &str) -> Result<Self, BadStaticHash> {
        text.strip_prefix(SCHEME)
            .and_then(|hex| blake3::Hash::from_hex(hex).ok())
            .map(|hash| Self(*hash.as_bytes()))
            .ok_or(BadStaticHash::Form)
    }

    pub(super) fn of_presented(key: &str) -> Self {
        Self(blake3::derive_key(CONTEXT, key.as_bytes()))
    }
}

impl fmt::Display for StaticHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}", blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for StaticHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StaticHash(***)")
    }
}

/// A key that stands in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaticKey {
    /// What people call it; unique in the configuration, names it in limits and logs.
    pub name: String,
    /// Hash of the key.
    pub hash: StaticHash,
    /// Model names the key may use; `None` allows all.
    pub models: Option<Vec<String>>,
    /// Requests per minute of this key alone.
    pub requests_per_minute: Option<u64>,
    /// Tokens per minute of this key alone.
    pub tokens_per_minute: Option<u64>,
    /// Unix milliseconds from which the key is refused.
    pub expires_at: Option<i64>,
}

/// The keys of one configuration. They are part of its world, not of the key ring that outlives it: a request is never
/// admitted by the keys of one world and served by the models of another.
#[derive(Debug, Default)]
pub struct StaticKeys(HashMap<StaticHash, Arc<Principal>>);

impl StaticKeys {
    /// These keys.
    #[must_use]
    pub fn new(keys: Vec<StaticKey>) -> Self {
        let principal = |key: StaticKey| (key.hash, Arc::new(Principal::from_static(key)));
        Self(keys.into_iter().map(principal).collect())
    }

    /// Who holds this key.
    pub(super) fn find(&self, presented: &str) -> Option<Arc<Principal>> {
        if self.0.is_empty() {
            return None;
        }
        self.0
            .get(&StaticHash::of_presented(presented))
            .map(Arc::clone)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
