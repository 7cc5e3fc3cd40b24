//! Words as names are written: letters of any script that has capitals, with an
//! apostrophe or hyphen between two.

use super::view::View;

/// The longest word that is read, in bytes.
const LONGEST: usize = 40;
/// Longer words, in bytes, are in no list.
pub(super) const LISTED: usize = 16;

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
    /// Whether it is in a list of words in lower case and in order.
    pub(super) fn among(&self, view: &View<'_>, list: &[&str]) -> bool {
        if self.length() > LISTED {
            return false;
        }
        let word = view.part(self.start, self.end);
        let mut lower = [0; LISTED];
        let mut length = 0;
        if word.is_ascii() {
            length = word.len();
            for (slot, byte) in lower.iter_mut().zip(word) {
                *slot = byte.to_ascii_lowercase();
            }
        } else {
            let word = std::str::from_utf8(word).unwrap_or_default();
            for letter in word.chars().flat_map(char::to_lowercase) {
                let Some(slot) = lower.get_mut(length..length + letter.len_utf8()) else {
                    return false;
                };
                letter.encode_utf8(slot);
                length += letter.len_utf8();
            }
        }
        let lower = lower.get(..length).unwrap_or_default();
        list.binary_search_by(|known| known.as_bytes().cmp(lower))
            .is_ok()
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
