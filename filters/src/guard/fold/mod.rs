//! Text as a reader sees it. Zero-width characters, letters of other scripts that
//! look Latin, full-width forms and invisible tags hide an address or an order
//! from a scanner and from nobody else. The scanners see the folded text; what
//! they find is mapped back to the bytes that stand in the original.
//!
//! Folding looks at one word at a time, so that the pieces of a text cut at white
//! space fold like the whole of it.

mod table;

use std::ops::Range;

use super::window::LEFT_CONTEXT;
use table::{Class, PAGE_BITS, TWINS_BEGIN, class, is_picture, is_plain_page};

/// How far from a letter the Latin letter of its word may stand that makes it a twin, in
/// bytes. It has a bound so that a stream need not wait for a word without end.
pub(super) const NEAR: usize = LEFT_CONTEXT;

/// What was hidden, by how often it stood there. The counts of pieces add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// Invisible tags that spell ASCII: never there by accident.
    pub tags: usize,
    /// Invisible characters between two ASCII letters or digits.
    pub unseen: usize,
    /// Letters of another script inside a Latin word.
    pub twins: usize,
}

impl Flags {
    /// Whether somebody hides something: more than an accident of copying.
    #[must_use]
    pub fn suspicious(self) -> bool {
        self.tags > 0 || self.unseen > 3 || self.twins > 3
    }
}

/// A place from where on the folded text and the original differ by another distance.
#[derive(Clone, Copy, Debug)]
struct Step {
    /// Where in the folded text, in bytes.
    folded: usize,
    /// Where in the original the part before this place ends.
    before: usize,
    /// Where in the original the part after this place begins.
    after: usize,
}

/// A text without its disguise.
#[derive(Clone, Debug)]
pub struct Folded {
    text: String,
    steps: Vec<Step>,
    /// What was found on the way.
    pub flags: Flags,
}

impl Folded {
    /// The text without its disguise; `None` when it wears none, which costs
    /// nothing for ASCII.
    #[must_use]
    pub fn of(text: &str) -> Option<Folded> {
        if text.is_ascii() {
            return None;
        }
        let mut folding = Folding::new(text);
        folding.run();
        (!folding.steps.is_empty()).then(|| folding.finish())
    }

    /// What a reader sees.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The bytes of the original from which these bytes of [`text`](Self::text)
    /// were made. Both ends must be boundaries of characters, and so are the
    /// results; invisible characters at the ends are left out.
    #[must_use]
    pub fn original(&self, range: Range<usize>) -> Range<usize> {
        let start = self.place(range.start, |step| step.after);
        let end = self.place(range.end, |step| step.before);
        start..end.max(start)
    }

    fn place(&self, at: usize, on_step: impl Fn(&Step) -> usize) -> usize {
        let next = self.steps.partition_point(|step| step.folded <= at);
        match next.checked_sub(1).and_then(|last| self.steps.get(last)) {
            None => at,
            Some(step) if step.folded == at => on_step(step),
            Some(step) => step.after + (at - step.folded),
        }
    }
}

struct Folding<'a> {
    text: &'a str,
    out: String,
    steps: Vec<Step>,
    flags: Flags,
    /// Up to where the original was taken over.
    taken: usize,
    /// Up to where a word was walked in search of Latin letters.
    walked: usize,
    /// The last one before the place where the walk began.
    latin_before: Option<usize>,
    /// The one where it ended.
    latin_after: Option<usize>,
}

impl<'a> Folding<'a> {
    fn new(text: &'a str) -> Folding<'a> {
        Folding {
            text,
            out: String::new(),
            steps: Vec::new(),
            flags: Flags::default(),
            taken: 0,
            walked: 0,
            latin_before: None,
            latin_after: None,
        }
    }

    fn run(&mut self) {
        let mut at = 0;
        while let Some(found) = self.next(at) {
            let Some(letter) = self.after(found).chars().next() else {
                return;
            };
            at = self.letter(found, letter);
        }
    }

    /// The next place of a character that may not be plain.
    fn next(&self, from: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let mut at = from;
        loop {
            at += ascii(bytes.get(at..).unwrap_or_default());
            // What all characters with the same first bytes are need not be decoded.
            let (page, length) = match *bytes.get(at..)? {
                [first @ 0xc0..0xe0, _, ..] => (u32::from(first & 0x1f), 2),
                [first @ 0xe0..0xf0, second, _, ..] => (
                    u32::from(first & 0xf) << PAGE_BITS | u32::from(second & 0x3f),
                    3,
                ),
                [_, ..] => return Some(at),
                [] => return None,
            };
            at = match is_plain_page(page) {
                true => at + length,
                false => match behind_twins(bytes, at) {
                    Some(end) => end,
                    None => return Some(at),
                },
            }
        }
    }

    /// Judges the character at a place; gives where the next one stands.
    fn letter(&mut self, at: usize, letter: char) -> usize {
        let end = at + letter.len_utf8();
        match class(letter) {
            Class::Plain => {}
            Class::Ascii(byte) => self.replace(at..end, Some(byte)),
            Class::Unseen if self.belongs_to_picture(at, letter, end) => {}
            Class::Unseen => {
                self.flags.unseen += usize::from(self.inside_word(at, end));
                self.replace(at..end, None);
            }
            Class::Tag(byte) => match self.flag_of_a_region(at) {
                Some(after) => return after,
                None => {
                    self.flags.tags += 1;
                    self.replace(at..end, Some(byte));
                }
            },
            Class::Twin(byte) => {
                if self.word_is_mixed(at) {
                    self.flags.twins += 1;
                    self.replace(at..end, Some(byte));
                }
            }
        }
        end
    }

    fn replace(&mut self, original: Range<usize>, byte: Option<u8>) {
        if self.out.is_empty() {
            // It never becomes longer.
            self.out.reserve_exact(self.text.len());
        }
        let kept = self.text.get(self.taken..original.start);
        self.out.push_str(kept.unwrap_or_default());
        self.step(original.start, original.start);
        if let Some(byte) = byte {
            self.out.push(char::from(byte));
        }
        self.step(original.end, original.end);
        // What was dropped belongs to neither side.
        if byte.is_none()
            && let Some(last) = self.steps.last_mut()
        {
            last.before = last.before.min(original.start);
        }
        self.taken = original.end;
    }

    /// Two steps at one place are one: the first end and the last beginning hold.
    fn step(&mut self, before: usize, after: usize) {
        let folded = self.out.len();
        match self.steps.last_mut() {
            Some(last) if last.folded == folded => last.after = after,
            _ => self.steps.push(Step {
                folded,
                before,
                after,
            }),
        }
    }

    fn finish(mut self) -> Folded {
        let rest = self.text.get(self.taken..).unwrap_or_default();
        self.out.push_str(rest);
        Folded {
            text: self.out,
            steps: self.steps,
            flags: self.flags,
        }
    }

    /// A joiner between two pictures, or the selector of a picture.
    fn belongs_to_picture(&self, at: usize, letter: char, end: usize) -> bool {
        let before = self.before(at).chars().next_back().is_some_and(is_picture);
        let next = self.after(end).chars().next();
        match letter {
            '\u{200d}' => before && next.is_some_and(is_picture),
            '\u{fe0e}' | '\u{fe0f}' => before || next == Some('\u{20e3}'),
            _ => false,
        }
    }

    /// The flags of England, Scotland and Wales are spelt in tags behind a black
    /// flag; gives where they end.
    fn flag_of_a_region(&self, at: usize) -> Option<usize> {
        if !self.before(at).ends_with('\u{1f3f4}') {
            return None;
        }
        let mut end = at;
        for letter in self.after(at).chars().take(7) {
            end += letter.len_utf8();
            match letter {
                '\u{e007f}' => return Some(end),
                '\u{e0020}'..='\u{e007e}' => {}
                // Anything else ends the flag: what follows it is no part of it.
                _ => return None,
            }
        }
        None
    }

    fn inside_word(&self, at: usize, end: usize) -> bool {
        let is_word = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
        is_word(self.before(at).bytes().next_back()) && is_word(self.after(end).bytes().next())
    }

    /// Whether a Latin letter stands in the word of this place and near it. The word
    /// is walked once: what was seen of it is remembered.
    fn word_is_mixed(&mut self, at: usize) -> bool {
        if at >= self.walked {
            let left = self.before(at).char_indices().rev();
            let mut word =
                left.take_while(|(place, letter)| at - place <= NEAR && belongs_to_word(letter));
            self.latin_before = word.find_map(|(place, letter)| is_latin(letter).then_some(place));
            (self.walked, self.latin_after) = (at, None);
        }
        if self.latin_before.is_some_and(|latin| at - latin <= NEAR) {
            return true;
        }
        while self.latin_after.is_none() && self.walked - at <= NEAR {
            let next = self.after(self.walked).chars().next();
            let Some(letter) = next.filter(belongs_to_word) else {
                break;
            };
            self.latin_after = is_latin(letter).then_some(self.walked);
            self.walked += letter.len_utf8();
        }
        self.latin_after.is_some_and(|latin| latin - at <= NEAR)
    }

    fn before(&self, at: usize) -> &'a str {
        self.text.get(..at).unwrap_or_default()
    }

    fn after(&self, at: usize) -> &'a str {
        self.text.get(at..).unwrap_or_default()
    }
}

/// The end of a run of letters that stay as they are although some of them have twins:
/// no word with a Latin letter reaches into it, for ASCII that belongs to no word stands
/// at both ends. So stand most Russian and Greek words.
fn behind_twins(bytes: &[u8], start: usize) -> Option<usize> {
    let is_end = |byte: &u8| byte.is_ascii() && !byte.is_ascii_alphanumeric() && *byte != b'_';
    let before = start.checked_sub(1).and_then(|at| bytes.get(at));
    if !before.is_none_or(is_end) {
        return None;
    }
    let mut end = start;
    while let Some([first, _]) = bytes.get(end..).and_then(|rest| rest.first_chunk())
        && TWINS_BEGIN.contains(first)
    {
        end += 2;
    }
    (end > start && bytes.get(end).is_none_or(is_end)).then_some(end)
}

/// How many bytes of ASCII a text begins with.
fn ascii(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let high = u64::from_le_bytes(*eight) & 0x8080_8080_8080_8080;
        if high != 0 {
            return at + high.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default().iter();
    at + rest.take_while(|byte| byte.is_ascii()).count()
}

/// Up to where a text folds the same whatever follows: what is not seen at its end may
/// belong to what comes, and so may a twin in an unfinished word without a Latin letter.
pub(super) fn stable(text: &str) -> usize {
    let open = |letter: char| {
        matches!(class(letter), Class::Unseen | Class::Tag(_)) || letter == '\u{1f3f4}'
    };
    let end = text.trim_end_matches(open).len();
    let mut first = if text.len() - end > NEAR {
        text.len()
    } else {
        end
    };
    for (at, letter) in text.char_indices().rev() {
        if text.len() - at > NEAR || !belongs_to_word(&letter) || letter.is_ascii_alphabetic() {
            break;
        }
        if matches!(class(letter), Class::Twin(_)) {
            first = first.min(at);
        }
    }
    first
}

fn belongs_to_word(letter: &char) -> bool {
    // Russian letters first: the tables of all alphabets are slow.
    let russian = ('\u{400}'..='\u{45f}').contains(letter);
    russian || letter.is_alphanumeric() || *letter == '_' || class(*letter) == Class::Unseen
}

fn is_latin(letter: char) -> bool {
    letter.is_ascii_alphabetic()
        || matches!(class(letter), Class::Ascii(b) if b.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests;
