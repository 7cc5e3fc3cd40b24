//! Why: a conversation sends all its turns again and again; what was judged once need not be judged in every turn.

use std::sync::atomic::{AtomicU64, Ordering};

/// Texts that are remembered; a power of two. Each takes 16 bytes.
const PLACES: usize = 1 << 15;

/// Who finds a text clean: what one does not mind another may.
pub(super) type Reader = [u8; 16];

/// Texts that were found clean, by a keyed hash of 126 bits. An older one gives way to a newer one in its place: it is
/// then judged once more.
pub(super) struct Known {
    key: [u8; 32],
    places: Box<[(AtomicU64, AtomicU64)]>,
}

impl Known {
    /// Nothing is known yet. The key is unpredictable: nobody may choose texts that share a place.
    pub(super) fn new(key: [u8; 32]) -> Self {
        let places = std::iter::repeat_with(<(AtomicU64, AtomicU64)>::default);
        Self {
            key,
            places: places.take(PLACES).collect(),
        }
    }

    /// Whether the text was found clean by this reader; with `is_news` it is remembered as such.
    pub(super) fn is_clean(&self, (reader, text): (Reader, &str), is_news: bool) -> bool {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        let hash = hasher.update(&reader).update(text.as_bytes()).finalize();
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = *hash.as_bytes();
        // Not zero, which is an empty place.
        let one = u64::from_le_bytes([a, b, c, d, e, f, g, h]) | 1;
        let two = u64::from_le_bytes([i, j, k, l, m, n, o, p]) | 1;
        let place = usize::try_from(one >> 1).unwrap_or_default() % PLACES;
        let Some((first, second)) = self.places.get(place) else {
            return false;
        };
        if is_news {
            first.store(one, Ordering::Relaxed);
            second.store(two, Ordering::Relaxed);
            return true;
        }
        // Halves of two texts never both fit: each is as good as unique.
        first.load(Ordering::Relaxed) == one && second.load(Ordering::Relaxed) == two
    }
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Known").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Reader = [1; 16];

    #[test]
    fn a_text_is_known_once_it_was_told_and_only_to_its_reader() {
        let known = Known::new([7; 32]);
        assert!(!known.is_clean((ONE, "hello"), false));
        assert!(known.is_clean((ONE, "hello"), true));
        assert!(known.is_clean((ONE, "hello"), false));
        assert!(!known.is_clean(([2; 16], "hello"), false));
        assert!(!known.is_clean((ONE, "hello!"), false));
    }

    #[test]
    fn no_text_stands_for_an_empty_place() {
        let known = Known::new([7; 32]);
        assert!((0..1000).all(|number| !known.is_clean((ONE, &number.to_string()), false)));
    }
}
