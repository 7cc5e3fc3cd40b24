//! Why: a client sends one token with hundreds of requests, and its signature is as good the second time. What was
//! checked is remembered by the token's hash, within bounds, and only for the keys it was checked with.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::Claims;

/// Parts with a lock each.
const SHARDS: usize = 16;
/// Tokens in one half of a part: at most 8192 in all.
const HALF: usize = 256;

/// What names a token: never the token.
pub(super) type Digest = [u8; 32];

/// A token that was checked.
#[derive(Clone, Debug)]
pub(super) struct Checked {
    /// Its issuer's place in the configuration.
    pub(super) issuer: usize,
    /// The keys it was checked with.
    pub(super) keys: u64,
    /// What it says.
    pub(super) claims: Arc<Claims>,
}

/// See the module text.
#[derive(Debug)]
pub(super) struct Cache([Mutex<Halves>; SHARDS]);

/// When the young half is full it becomes the old one, and what nobody asked for since goes.
#[derive(Debug, Default)]
struct Halves {
    young: HashMap<Digest, Checked>,
    old: HashMap<Digest, Checked>,
}

impl Default for Cache {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl Cache {
    pub(super) fn get(&self, digest: &Digest) -> Option<Checked> {
        let mut halves = self.halves(digest)?;
        if let Some(found) = halves.young.get(digest) {
            return Some(found.clone());
        }
        let found = halves.old.remove(digest)?;
        halves.put(*digest, found.clone());
        Some(found)
    }

    pub(super) fn put(&self, digest: Digest, checked: Checked) {
        if let Some(mut halves) = self.halves(&digest) {
            halves.put(digest, checked);
        }
    }

    pub(super) fn remove(&self, digest: &Digest) {
        if let Some(mut halves) = self.halves(digest) {
            halves.young.remove(digest);
            halves.old.remove(digest);
        }
    }

    fn halves(&self, digest: &Digest) -> Option<std::sync::MutexGuard<'_, Halves>> {
        let [first, ..] = digest;
        let shard = self.0.get(usize::from(*first) % SHARDS)?;
        Some(shard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let shards = self.0.iter().map(|shard| shard.lock().unwrap());
        shards.map(|one| one.young.len() + one.old.len()).sum()
    }
}

impl Halves {
    fn put(&mut self, digest: Digest, checked: Checked) {
        if self.young.len() >= HALF {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(digest, checked);
    }
}
