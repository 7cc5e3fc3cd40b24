//! What a byte is. Every byte that may stand in a token has one bit of its own
//! kind, so an alphabet is a mask, membership is one `and`, and what a run of
//! bytes consists of is the `or` of its bits: the cheapest prefilter there is.

use super::super::per_byte::{PerByte, per_byte};

/// `0-9`.
pub(super) const DIGIT: u32 = 1;
/// `a-f`.
pub(super) const HEX_LOWER: u32 = 1 << 1;
/// `g-z`.
pub(super) const REST_LOWER: u32 = 1 << 2;
/// `A-F`.
pub(super) const HEX_UPPER: u32 = 1 << 3;
/// `G-Z`.
pub(super) const REST_UPPER: u32 = 1 << 4;
pub(super) const UNDERSCORE: u32 = 1 << 5;
pub(super) const DASH: u32 = 1 << 6;
pub(super) const DOT: u32 = 1 << 7;
pub(super) const PLUS: u32 = 1 << 8;
pub(super) const SLASH: u32 = 1 << 9;
pub(super) const EQUALS: u32 = 1 << 10;
pub(super) const TILDE: u32 = 1 << 11;
pub(super) const PERCENT: u32 = 1 << 12;
pub(super) const COLON: u32 = 1 << 13;
pub(super) const AT: u32 = 1 << 14;
pub(super) const DOLLAR: u32 = 1 << 15;
pub(super) const BAR: u32 = 1 << 16;
pub(super) const AND: u32 = 1 << 17;
pub(super) const QUERY: u32 = 1 << 18;
pub(super) const BANG: u32 = 1 << 19;
pub(super) const CARET: u32 = 1 << 20;
/// `*` and `#`.
pub(super) const OTHER: u32 = 1 << 21;

pub(super) const LOWER: u32 = HEX_LOWER | REST_LOWER;
pub(super) const UPPER: u32 = HEX_UPPER | REST_UPPER;
pub(super) const LETTER: u32 = LOWER | UPPER;
pub(super) const ALNUM: u32 = LETTER | DIGIT;
/// Letters, digits and `_`: what a word boundary of programs stands between.
pub(super) const WORD: u32 = ALNUM | UNDERSCORE;
/// What stands between a name and its value without a space.
pub(super) const OPERATOR: u32 = EQUALS | COLON | BAR;

/// The bit of a byte; 0 for what ends every token: white space, quotes, brackets,
/// `\`, `,`, `;`, control bytes and all that is not ASCII.
pub(super) const fn bit(byte: u8) -> u32 {
    match byte {
        b'0'..=b'9' => DIGIT,
        b'a'..=b'f' => HEX_LOWER,
        b'g'..=b'z' => REST_LOWER,
        b'A'..=b'F' => HEX_UPPER,
        b'G'..=b'Z' => REST_UPPER,
        b'_' => UNDERSCORE,
        b'-' => DASH,
        b'.' => DOT,
        b'+' => PLUS,
        b'/' => SLASH,
        b'=' => EQUALS,
        b'~' => TILDE,
        b'%' => PERCENT,
        b':' => COLON,
        b'@' => AT,
        b'$' => DOLLAR,
        b'|' => BAR,
        b'&' => AND,
        b'?' => QUERY,
        b'!' => BANG,
        b'^' => CARET,
        b'*' | b'#' => OTHER,
        _ => 0,
    }
}

static BITS: PerByte<u32> = per_byte!(u32, |byte| bit(byte));

/// The bit of a byte, 0 for a byte that ends a token.
#[inline]
pub(super) fn of(byte: u8) -> u32 {
    BITS.of(byte)
}

/// How many letters and digits there are, whatever the case.
pub(super) const COLUMNS: usize = 36;

/// The letters and digits in their order, letters in lower case.
pub(super) fn columns() -> impl Iterator<Item = u8> {
    (b'0'..=b'9').chain(b'a'..=b'z')
}

static COLUMN: PerByte<u8> = per_byte!(u8, |byte| match byte.to_ascii_lowercase() {
    digit @ b'0'..=b'9' => digit - b'0',
    letter @ b'a'..=b'z' => letter - b'a' + 10,
    _ => COLUMNS as u8,
});

/// Which of [`columns`] a byte is; [`COLUMNS`] for every other byte.
#[inline]
pub(super) fn column(byte: u8) -> u8 {
    COLUMN.of(byte)
}

/// The bit of the byte at that place, 0 beyond the end.
#[inline]
pub(super) fn at(text: &[u8], place: usize) -> u32 {
    text.get(place).map_or(0, |byte| of(*byte))
}

/// The bit of the byte before that place, 0 at the beginning.
#[inline]
pub(super) fn before(text: &[u8], place: usize) -> u32 {
    place.checked_sub(1).map_or(0, |place| at(text, place))
}

/// The alphabet that a shape's letter stands for, or nothing.
pub(super) fn named(name: u8) -> Option<u32> {
    Some(match name {
        b'd' => DIGIT,
        b'h' => DIGIT | HEX_LOWER,
        b'H' => DIGIT | HEX_UPPER,
        b'x' => DIGIT | HEX_LOWER | HEX_UPPER,
        b'a' => LOWER,
        b'A' => UPPER,
        b'l' => LETTER,
        b'n' => LOWER | DIGIT,
        b'N' => UPPER | DIGIT,
        b'w' => ALNUM,
        b'u' => WORD,
        b'k' => LOWER | DIGIT | UNDERSCORE | DASH,
        b's' => WORD | DASH,
        b'b' => ALNUM | PLUS | SLASH,
        b'e' => WORD | DASH | EQUALS,
        b'B' => ALNUM | PLUS | SLASH | EQUALS,
        b't' => WORD | DASH | DOT,
        b'T' => WORD | DASH | DOT | TILDE,
        b'E' => WORD | DASH | DOT | EQUALS,
        b'p' => ALNUM | PERCENT,
        b'S' => WORD | DASH | SLASH,
        b'G' => WORD | DASH | DOT | PLUS | SLASH | EQUALS | TILDE | PERCENT,
        b'g' => u32::MAX,
        _ => return None,
    })
}

/// The bits of all bytes together: what a value consists of.
pub(super) fn union(value: &[u8]) -> u32 {
    value.iter().fold(0, |all, byte| all | of(*byte))
}
