//! The letters of other scripts that look like Latin ones, and the characters
//! that are not seen at all: whoever hides a word from a scanner uses these, and
//! a reader or a model does not notice.

/// Cyrillic, Greek and Armenian letters that a reader takes for the Latin letter
/// beside them, in the order of their code points.
#[rustfmt::skip]
const TWINS: &[(char, u8)] = &[
    // Greek capitals.
    ('\u{391}', b'A'), ('\u{392}', b'B'), ('\u{395}', b'E'), ('\u{396}', b'Z'), ('\u{397}', b'H'),
    ('\u{399}', b'I'), ('\u{39a}', b'K'), ('\u{39c}', b'M'), ('\u{39d}', b'N'), ('\u{39f}', b'O'),
    ('\u{3a1}', b'P'), ('\u{3a4}', b'T'), ('\u{3a5}', b'Y'), ('\u{3a7}', b'X'),
    // Greek small letters.
    ('\u{3ac}', b'a'), ('\u{3b1}', b'a'), ('\u{3b3}', b'y'), ('\u{3b5}', b'e'), ('\u{3b7}', b'n'),
    ('\u{3b9}', b'i'), ('\u{3ba}', b'k'), ('\u{3bd}', b'v'), ('\u{3bf}', b'o'), ('\u{3c1}', b'p'),
    ('\u{3c4}', b't'), ('\u{3c5}', b'u'), ('\u{3c7}', b'x'), ('\u{3f2}', b'c'), ('\u{3f3}', b'j'),
    ('\u{3f9}', b'C'),
    // Cyrillic capitals.
    ('\u{405}', b'S'), ('\u{406}', b'I'), ('\u{408}', b'J'), ('\u{410}', b'A'), ('\u{412}', b'B'),
    ('\u{415}', b'E'), ('\u{41a}', b'K'), ('\u{41c}', b'M'), ('\u{41d}', b'H'), ('\u{41e}', b'O'),
    ('\u{420}', b'P'), ('\u{421}', b'C'), ('\u{422}', b'T'), ('\u{423}', b'Y'), ('\u{425}', b'X'),
    // Cyrillic small letters.
    ('\u{430}', b'a'), ('\u{433}', b'r'), ('\u{435}', b'e'), ('\u{43a}', b'k'), ('\u{43e}', b'o'),
    ('\u{440}', b'p'), ('\u{441}', b'c'), ('\u{443}', b'y'), ('\u{445}', b'x'), ('\u{451}', b'e'),
    ('\u{455}', b's'), ('\u{456}', b'i'), ('\u{457}', b'i'), ('\u{458}', b'j'), ('\u{4ae}', b'Y'),
    ('\u{4af}', b'y'), ('\u{4ba}', b'H'), ('\u{4bb}', b'h'), ('\u{4c0}', b'I'), ('\u{4cf}', b'l'),
    ('\u{501}', b'd'), ('\u{51a}', b'Q'), ('\u{51b}', b'q'), ('\u{51c}', b'W'), ('\u{51d}', b'w'),
    // Armenian.
    ('\u{570}', b'h'), ('\u{578}', b'n'), ('\u{57d}', b'u'), ('\u{581}', b'g'), ('\u{585}', b'o'),
];

/// What a character is to the folding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Stays as it is.
    Plain,
    /// Is not seen: dropped.
    Unseen,
    /// Another form of an ASCII character.
    Ascii(u8),
    /// An invisible tag that stands for an ASCII character.
    Tag(u8),
    /// Looks like this Latin letter.
    Twin(u8),
}

/// What this character is to the folding.
pub(super) fn class(letter: char) -> Class {
    let code = u32::from(letter);
    match code {
        0..0xa0 => Class::Plain,
        0xa0 | 0x2000..=0x200a | 0x202f | 0x205f | 0x3000 => Class::Ascii(b' '),
        0x2010 | 0x2011 | 0x2212 | 0xfe63 => Class::Ascii(b'-'),
        FIRST..BEHIND => twin(code),
        0x660..=0x669 => digit(code - 0x660),
        0x6f0..=0x6f9 => digit(code - 0x6f0),
        0x966..=0x96f => digit(code - 0x966),
        0xff01..=0xff5e => ascii(code - 0xff01 + 0x21),
        0xe0020..=0xe007e => match ascii(code - 0xe0000) {
            Class::Ascii(byte) => Class::Tag(byte),
            other => other,
        },
        _ if unseen(code) => Class::Unseen,
        _ => Class::Plain,
    }
}

/// Letters without a shape: zero-width, direction marks, soft hyphen, fillers,
/// variation selectors.
fn unseen(code: u32) -> bool {
    matches!(code,
        0xad | 0x34f | 0x61c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f
        | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f
        | 0xfeff | 0xffa0 | 0xfff9..=0xfffb | 0x1d173..=0x1d17a
        | 0xe0000..=0xe001f | 0xe007f | 0xe0100..=0xe01ef)
}

/// The first letter that has a twin, and one behind the last.
const FIRST: u32 = 0x391;
const BEHIND: u32 = 0x586;

/// The Latin letters beside all letters from the first on that has a twin, 0 where
/// there is none: text in these scripts asks for every letter.
static BY_PLACE: [u8; (BEHIND - FIRST) as usize] = by_place();

#[allow(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which refuses an index out of bounds"
)]
const fn by_place() -> [u8; (BEHIND - FIRST) as usize] {
    let mut all = [0; (BEHIND - FIRST) as usize];
    let mut at = 0;
    while at < TWINS.len() {
        let (twin, latin) = TWINS[at];
        all[(twin as u32 - FIRST) as usize] = latin;
        at += 1;
    }
    all
}

fn twin(code: u32) -> Class {
    match BY_PLACE.get((code - FIRST) as usize) {
        None | Some(0) => Class::Plain,
        Some(latin) => Class::Twin(*latin),
    }
}

fn digit(value: u32) -> Class {
    ascii(value + u32::from(b'0'))
}

fn ascii(code: u32) -> Class {
    u8::try_from(code).map_or(Class::Plain, Class::Ascii)
}

/// A picture, or a part of one: what may be joined by U+200D and followed by a
/// variation selector without hiding anything.
pub(super) fn is_picture(letter: char) -> bool {
    matches!(u32::from(letter),
        0xa9 | 0xae | 0x203c | 0x2049 | 0x20e3 | 0x2122 | 0x2139 | 0x2190..=0x2bff | 0x3030 | 0x303d
        | 0x3297 | 0x3299 | 0xfe0f | 0x1f000..=0x1faff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_twin_is_found() {
        for (twin, latin) in TWINS {
            assert_eq!(class(*twin), Class::Twin(*latin), "{twin}");
            assert!(latin.is_ascii_alphabetic());
        }
    }
}
