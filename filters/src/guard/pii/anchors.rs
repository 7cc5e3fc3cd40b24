//! Finds the bytes at which personal data can be recognised: digits, `@` and `::`.
//! Everything else is passed over eight bytes at a time, which is what makes prose cheap.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;
const LOW: u64 = !HIGH;

/// The place of the next anchor at or after `from`. A `:` that is the last byte
/// counts as one, as its second may follow.
#[inline]
pub(super) fn next(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += flagged(bytes.get(at..)?)?;
        let second = bytes.get(at + 1);
        if bytes.get(at) != Some(&b':') || second.is_none_or(|byte| *byte == b':') {
            return Some(at);
        }
        at += 1;
    }
}

/// The first byte that may be an anchor.
#[inline]
fn flagged(bytes: &[u8]) -> Option<usize> {
    // Where numbers stand close together, the next is near.
    if let Some(block) = bytes.first_chunk::<8>() {
        let flags = flags(u64::from_le_bytes(*block));
        if flags != 0 {
            return Some(flags.trailing_zeros() as usize / 8);
        }
    }
    far(bytes)
}

/// The same for one that is not in the first eight bytes.
fn far(bytes: &[u8]) -> Option<usize> {
    let (blocks, rest) = bytes.as_chunks::<8>();
    for (i, block) in blocks.iter().enumerate() {
        let flags = flags(u64::from_le_bytes(*block));
        if flags != 0 {
            return Some(i * 8 + flags.trailing_zeros() as usize / 8);
        }
    }
    let found = rest
        .iter()
        .position(|byte| matches!(byte, b'0'..=b'9' | b'@' | b':'));
    found.map(|at| blocks.len() * 8 + at)
}

/// The high bit of every byte that is a digit, an `@`, or a `:` with another behind
/// it or at the end of the eight.
fn flags(block: u64) -> u64 {
    let digits = block ^ (ONES * 0x30);
    let digits = !(((digits & LOW) + ONES * 0x76) | digits);
    let colons = zeroes(block ^ (ONES * 0x3a));
    let pairs = colons & ((colons >> 8) | 0x80 << 56);
    (digits | zeroes(block ^ (ONES * 0x40)) | pairs) & HIGH
}

/// The high bit of every byte that is zero; the other bits are rubbish.
fn zeroes(block: u64) -> u64 {
    !(((block & LOW) + LOW) | block) & HIGH
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same, byte by byte.
    fn slowly(bytes: &[u8], from: usize) -> Option<usize> {
        (from..bytes.len()).find(|at| match bytes.get(*at) {
            Some(b'0'..=b'9' | b'@') => true,
            Some(b':') => bytes.get(at + 1).is_none_or(|byte| *byte == b':'),
            _ => false,
        })
    }

    proptest::proptest! {
        #[test]
        fn eight_at_a_time_finds_what_one_at_a_time_finds(text in "[a:@0-9\u{0}/;?A\u{ff}\u{3ff} ]{0,40}") {
            for from in 0..=text.len() {
                proptest::prop_assert_eq!(next(text.as_bytes(), from), slowly(text.as_bytes(), from));
            }
        }
    }
}
