//! A set of small numbers, a bit for each.

/// Holds numbers below 64 times `WORDS`.
#[derive(Clone, Debug)]
pub(super) struct Bits<const WORDS: usize>([u64; WORDS]);

impl<const WORDS: usize> Bits<WORDS> {
    /// Holds nothing.
    pub(super) fn new() -> Bits<WORDS> {
        Bits([0; WORDS])
    }

    /// Adds a number; true when it was not there. One that is too large is left out.
    #[inline(always)]
    pub(super) fn insert(&mut self, number: usize) -> bool {
        let Some(word) = self.0.get_mut(number / 64) else {
            return false;
        };
        let bit = 1 << (number % 64);
        if *word & bit != 0 {
            return false;
        }
        *word |= bit;
        true
    }

    /// Whether a number is there.
    #[inline(always)]
    pub(super) fn holds(&self, number: usize) -> bool {
        let word = self.0.get(number / 64);
        word.is_some_and(|word| word & (1 << (number % 64)) != 0)
    }
}
