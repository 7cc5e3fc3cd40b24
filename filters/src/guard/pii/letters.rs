//! Words as names are written: letters of any script that has capitals, with an
//! apostrophe or hyphen between two.

use super::view::View;

/// The longest word that is read, in bytes.
const LONGEST: usize = 40;
/// Longer words, in bytes, are in no list.
const LISTED: usize = 16;

/// A word of a list in one number, so that many are compared at the cost of few.
pub(super) type Packed = u128;

/// The words of a list, in lower case and in order.
#[expect(clippy::indexing_slicing, reason = "a mistake here fails the build")]
pub(super) const fn packed<const N: usize>(words: &[&str]) -> [Packed; N] {
    let mut list = [0; N];
    let mut at = 0;
    while at < N {
        let (word, mut bytes, mut byte) = (words[at].as_bytes(), [0; LISTED], 0);
        while byte < word.len() {
            bytes[byte] = word[byte];
            byte += 1;
        }
        list[at] = Packed::from_be_bytes(bytes);
        at += 1;
    }
    list
}

/// A word of the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spelt {
    pub(super) start: usize,
    pub(super) end: usize,
    /// It begins with a capital.
    pub(super) capital: bool,
    /// A small letter stands in it.
    pub(super) small: bool,
}

impl Spelt {
    /// Whether it is in a list.
    pub(super) fn among(&self, view: &View<'_>, list: &[Packed]) -> bool {
        if self.length() > LISTED {
            return false;
        }
        let word = view.part(self.start, self.end);
        let mut lower = [0; LISTED];
        if word.is_ascii() {
            for (slot, byte) in lower.iter_mut().zip(word) {
                *slot = byte.to_ascii_lowercase();
            }
        } else {
            let word = std::str::from_utf8(word).unwrap_or_default();
            let mut length = 0;
            for letter in word.chars().flat_map(char::to_lowercase) {
                let Some(slot) = lower.get_mut(length..length + letter.len_utf8()) else {
                    return false;
                };
                length += letter.encode_utf8(slot).len();
            }
        }
        list.binary_search(&Packed::from_be_bytes(lower)).is_ok()
    }

    pub(super) fn length(&self) -> usize {
        self.end - self.start
    }
}

/// The letter that begins here and its bytes, if its script has capitals.
fn letter(view: &View<'_>, at: usize) -> Option<(char, usize)> {
    let lead = view.at(at);
    if lead < 0x80 {
        return lead.is_ascii_alphabetic().then_some((char::from(lead), 1));
    }
    let size = match lead {
        0xc3..=0xdf => 2,
        0xe0..=0xef => 3,
        _ => return None,
    };
    // A character is never cut in two.
    view.at(at + size - 1);
    let text = std::str::from_utf8(view.part(at, at + size)).ok()?;
    let letter = text.chars().next()?;
    (letter.is_lowercase() || letter.is_uppercase()).then_some((letter, size))
}

/// Whether a letter or digit begins here.
pub(super) fn starts(view: &View<'_>, at: usize) -> bool {
    view.at(at).is_ascii_digit() || letter(view, at).is_some()
}

/// The word that begins here; none where no letter does, or where it is too long.
pub(super) fn word(view: &View<'_>, start: usize) -> Option<Spelt> {
    let (first, size) = letter(view, start)?;
    let mut word = Spelt {
        start,
        end: start + size,
        capital: first.is_uppercase(),
        small: first.is_lowercase(),
    };
    while word.length() <= LONGEST {
        let byte = view.at(word.end);
        if byte.is_ascii_alphabetic() {
            word.small |= byte.is_ascii_lowercase();
            word.end += 1;
            continue;
        }
        if let Some((letter, size)) = letter(view, word.end) {
            word.small |= letter.is_lowercase();
            word.end += size;
            continue;
        }
        let joint = match byte {
            b'\'' | b'-' => 1,
            // A typographic apostrophe.
            0xe2 if view.at(word.end + 1) == 0x80 && view.at(word.end + 2) == 0x99 => 3,
            _ => return Some(word),
        };
        if letter(view, word.end + joint).is_none() {
            return Some(word);
        }
        word.end += joint;
    }
    None
}
