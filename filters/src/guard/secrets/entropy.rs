//! How even the bytes of a value are spread, in bits: what tells a key from a word
//! repeated, and nothing more; it is never the only reason to report.

use std::sync::LazyLock;

/// The most bytes that are weighed.
const MOST: usize = 256;

/// By how much `count * log2(count)` grows at each count: a logarithm takes longer than
/// all else that is asked of a value.
static STEPS: LazyLock<[f32; MOST + 1]> = LazyLock::new(|| {
    let weight = |count: usize| count as f32 * (count.max(1) as f32).log2();
    std::array::from_fn(|count| weight(count) - weight(count.saturating_sub(1)))
});

/// Shannon's entropy of the bytes, in bits per byte. Of a longer value the first
/// 256 bytes are weighed.
pub(super) fn of(value: &[u8]) -> f32 {
    let value = value.get(..MOST).unwrap_or(value);
    if value.is_empty() {
        return 0.0;
    }
    let steps = &*STEPS;
    let mut counts = [0_u16; 128];
    let mut sum = 0.0;
    for byte in value {
        if let Some(count) = counts.get_mut(usize::from(byte & 127)) {
            *count += 1;
            sum += steps.get(usize::from(*count)).copied().unwrap_or(0.0);
        }
    }
    let total = value.len() as f32;
    total.log2() - sum / total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_byte_repeated_says_nothing_and_sixteen_different_say_four_bits() {
        assert!(of(b"aaaaaaaa") < 0.001);
        assert!((of(b"0123456789abcdef") - 4.0).abs() < 0.001);
        assert!((of(b"aabbccdd") - 2.0).abs() < 0.001);
        assert!(of(b"") < 0.001);
    }
}
