//! Why: a conversation sends all its turns again and again; a service need not be asked about each of them in each turn.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Texts that are remembered in each of the two halves.
const HALF: usize = 8192;

/// What a service said of texts, by their keyed hashes: neither texts nor values are kept. When one half is full, the
/// other, older one is forgotten.
pub(super) struct Memory<V> {
    key: [u8; 32],
    halves: Mutex<[HashMap<[u8; 16], V>; 2]>,
}

impl<V: Clone> Memory<V> {
    /// Knows nothing yet. `key` is one that no client knows; `of` tells the questions of one service from others.
    pub(super) fn new(key: [u8; 32], of: &str) -> Self {
        Self {
            key: *blake3::keyed_hash(&key, of.as_bytes()).as_bytes(),
            halves: Mutex::default(),
        }
    }

    /// What was said of a text.
    pub(super) fn recall(&self, text: &str) -> Option<V> {
        let hash = self.hash(text);
        let halves = self.halves.lock().unwrap_or_else(PoisonError::into_inner);
        halves.iter().find_map(|half| half.get(&hash).cloned())
    }

    /// Remembers it.
    pub(super) fn keep(&self, text: &str, said: V) {
        let hash = self.hash(text);
        let mut halves = self.halves.lock().unwrap_or_else(PoisonError::into_inner);
        let [newer, older] = &mut *halves;
        if newer.len() >= HALF {
            *older = std::mem::take(newer);
        }
        newer.insert(hash, said);
    }

    fn hash(&self, text: &str) -> [u8; 16] {
        let hash = blake3::keyed_hash(&self.key, text.as_bytes());
        let mut short = [0; 16];
        short
            .iter_mut()
            .zip(hash.as_bytes())
            .for_each(|(to, from)| *to = *from);
        short
    }
}

impl<V> std::fmt::Debug for Memory<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_recalled_and_the_oldest_is_forgotten() {
        let memory = Memory::new([1; 32], "a");
        for number in 0..HALF * 2 + 1 {
            memory.keep(&number.to_string(), number);
        }
        assert_eq!(memory.recall("0"), None);
        let last = HALF * 2;
        assert_eq!(memory.recall(&last.to_string()), Some(last));
        assert_eq!(memory.recall(&HALF.to_string()), Some(HALF));
    }
}
