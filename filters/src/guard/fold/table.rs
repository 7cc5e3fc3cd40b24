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
    let Some(&page) = PAGES.get((code >> PAGE_BITS) as usize) else {
        return beyond(code);
    };
    let place = usize::from(page) << PAGE_BITS | (code & PAGE_MASK) as usize;
    CLASSES.get(place).copied().unwrap_or(Class::Plain)
}

/// Whether all characters of the Basic Multilingual Plane whose first bytes in UTF-8 are
/// these, all but the last, stay as they are.
pub(super) fn is_plain_page(page: u32) -> bool {
    PAGES.get(page as usize) == Some(&0)
}

/// The first bytes in UTF-8 of letters that have a twin. With them begin, in two bytes,
/// only plain characters and twins.
pub(super) const TWINS_BEGIN: std::ops::RangeInclusive<u8> = 0xce..=0xd6;

/// How many bits of a code point tell where it stands in its page. A page is what begins
/// with the same bytes in UTF-8.
pub(super) const PAGE_BITS: u32 = 6;
const PAGE_MASK: u32 = (1 << PAGE_BITS) - 1;

/// The pages on which not all characters are plain, as their first code points.
const SPECIAL: [u32; 30] = [
    0x80, 0x340, 0x380, 0x3c0, 0x400, 0x440, 0x480, 0x4c0, 0x500, 0x540, 0x580, 0x600, 0x640,
    0x6c0, 0x940, 0x1140, 0x1780, 0x1800, 0x2000, 0x2040, 0x2200, 0x3000, 0x3140, 0xfe00, 0xfe40,
    0xfec0, 0xff00, 0xff40, 0xff80, 0xffc0,
];

/// For each page of the Basic Multilingual Plane the place of its classes; 0 where all
/// are plain.
static PAGES: [u8; 0x1_0000 >> PAGE_BITS] = pages();

/// The classes of the special pages, behind those of a plain one.
static CLASSES: [Class; (SPECIAL.len() + 1) << PAGE_BITS] = classes();

#[allow(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which refuses an index out of bounds"
)]
const fn pages() -> [u8; 0x1_0000 >> PAGE_BITS] {
    let mut all = [0; 0x1_0000 >> PAGE_BITS];
    let mut at = 0;
    while at < SPECIAL.len() {
        all[(SPECIAL[at] >> PAGE_BITS) as usize] = at as u8 + 1;
        at += 1;
    }
    all
}

#[allow(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which refuses an index out of bounds"
)]
const fn classes() -> [Class; (SPECIAL.len() + 1) << PAGE_BITS] {
    let mut all = [Class::Plain; (SPECIAL.len() + 1) << PAGE_BITS];
    let mut at = 0;
    while at < SPECIAL.len() << PAGE_BITS {
        let code = SPECIAL[at >> PAGE_BITS] + (at as u32 & PAGE_MASK);
        all[at + (1 << PAGE_BITS)] = judged(code);
        at += 1;
    }
    let mut at = 0;
    while at < TWINS.len() {
        let (twin, latin) = TWINS[at];
        let page = pages()[(twin as u32 >> PAGE_BITS) as usize];
        let place = (page as usize) << PAGE_BITS | (twin as u32 & PAGE_MASK) as usize;
        all[place] = Class::Twin(latin);
        at += 1;
    }
    all
}

/// What a character of the Basic Multilingual Plane is, twins aside.
const fn judged(code: u32) -> Class {
    match code {
        0xa0 | 0x2000..=0x200a | 0x202f | 0x205f | 0x3000 => Class::Ascii(b' '),
        0x2010 | 0x2011 | 0x2212 | 0xfe63 => Class::Ascii(b'-'),
        0x660..=0x669 => Class::Ascii((code - 0x660) as u8 + b'0'),
        0x6f0..=0x6f9 => Class::Ascii((code - 0x6f0) as u8 + b'0'),
        0x966..=0x96f => Class::Ascii((code - 0x966) as u8 + b'0'),
        0xff01..=0xff5e => Class::Ascii((code - 0xff01 + 0x21) as u8),
        _ if unseen(code) => Class::Unseen,
        _ => Class::Plain,
    }
}

/// What a character behind the Basic Multilingual Plane is.
fn beyond(code: u32) -> Class {
    match code {
        0xe0020..=0xe007e => Class::Tag((code - 0xe0000) as u8),
        _ if unseen(code) => Class::Unseen,
        _ => Class::Plain,
    }
}

/// Letters without a shape: zero-width, direction marks, soft hyphen, fillers,
/// variation selectors.
const fn unseen(code: u32) -> bool {
    matches!(code,
        0xad | 0x34f | 0x61c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f
        | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f
        | 0xfeff | 0xffa0 | 0xfff9..=0xfffb | 0x1d173..=0x1d17a
        | 0xe0000..=0xe001f | 0xe007f | 0xe0100..=0xe01ef)
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

    #[test]
    fn with_the_first_bytes_of_twins_begin_only_they_and_plain_characters() {
        for letter in '\0'..=char::MAX {
            let first = letter.to_string().as_bytes()[0];
            let is_twin = matches!(class(letter), Class::Twin(_));
            let is_plain = class(letter) == Class::Plain;
            if TWINS_BEGIN.contains(&first) {
                assert!((is_twin || is_plain) && letter.len_utf8() == 2, "{letter}");
            } else {
                assert!(!is_twin, "{letter}");
            }
        }
    }

    #[test]
    fn no_page_with_a_character_that_is_not_plain_is_missing() {
        for letter in '\0'..='\u{ffff}' {
            let code = u32::from(letter);
            let is_twin = TWINS.iter().any(|(twin, _)| *twin == letter);
            if is_twin || judged(code) != Class::Plain {
                assert!(!is_plain_page(code >> PAGE_BITS), "{code:x}");
                assert_ne!(class(letter), Class::Plain, "{code:x}");
            } else {
                assert_eq!(class(letter), Class::Plain, "{code:x}");
            }
        }
    }
}
