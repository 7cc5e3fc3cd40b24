//! Finds the rows that a token's first two bytes allow, so that the table's length
//! does not matter to a token; and holds the automaton of all words of names.

use std::collections::BTreeMap;

use memchr::memmem::Finder;

use super::alphabet;
use super::automaton::Automaton;
use super::context::Meaning;
use super::family::{Check, Family};
use super::login;
use super::shape::Shape;
use super::table;
use super::value;

/// First bytes are ASCII.
const HALF: usize = 128;

/// A row, compiled.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) id: &'static str,
    pub(super) shapes: Vec<Shape>,
    pub(super) floor: f32,
    pub(super) check: Check,
}

/// A rule's place and its shape's.
pub(super) type Entry = (u16, u16);

/// A shape that begins with a literal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun {
    pub(super) entry: Entry,
    /// The fewest bytes that it takes.
    shortest: usize,
    /// The literal's first four bytes; where it has fewer, zeros that count for nothing.
    first: u32,
    counts: u32,
}

impl Begun {
    fn of(entry: Entry, shape: &Shape) -> Begun {
        let counted = vec![u8::MAX; shape.prefix().len()];
        Begun {
            entry,
            shortest: shape.shortest,
            first: four(shape.prefix()),
            counts: four(&counted),
        }
    }

    /// Whether so many bytes are enough, of which these are the [`four`] first.
    #[inline]
    pub(super) fn may_stand(&self, first: u32, length: usize) -> bool {
        first & self.counts == self.first && self.shortest <= length
    }
}

/// The first four bytes as a number, zeros where there are fewer.
#[inline]
pub(super) fn four(bytes: &[u8]) -> u32 {
    match bytes.first_chunk() {
        Some(four) => u32::from_le_bytes(*four),
        None => bytes
            .iter()
            .rev()
            .fold(0, |all, byte| all << 8 | u32::from(*byte)),
    }
}

/// Shapes that begin with an alphabet, at most 64 of them, a bit for each; and which of
/// them a token may have.
#[derive(Debug)]
struct Free {
    entries: Vec<Entry>,
    /// Kinds of punctuation, and the shapes that require all of them.
    required: Vec<(u32, u64)>,
    /// By length the shapes that take no more bytes.
    fitting: Vec<u64>,
    /// By the kind of a first byte, as its bit's place, the shapes that may begin so.
    first: [u64; 32],
}

impl Free {
    fn new() -> Free {
        Free {
            entries: Vec::new(),
            required: Vec::new(),
            fitting: vec![0],
            first: [0; 32],
        }
    }

    /// Adds a shape; one too many is left out, which a test refuses.
    fn push(&mut self, entry: Entry, shape: &Shape) {
        let Some(bit) = 1_u64.checked_shl(self.entries.len() as u32) else {
            return;
        };
        self.entries.push(entry);
        match self
            .required
            .iter_mut()
            .find(|(kinds, _)| *kinds == shape.required)
        {
            Some((_, set)) => *set |= bit,
            None => self.required.push((shape.required, bit)),
        }
        let longest = self.fitting.len().max(shape.shortest + 1);
        let all = self.fitting.last().copied().unwrap_or_default();
        self.fitting.resize(longest, all);
        for set in self.fitting.iter_mut().skip(shape.shortest) {
            *set |= bit;
        }
        for (set, kind) in self.first.iter_mut().zip(0..) {
            *set |= if shape.first() >> kind & 1 != 0 {
                bit
            } else {
                0
            };
        }
    }

    /// The shapes that take no more bytes than these.
    fn fitting(&self, length: usize) -> u64 {
        let longest = self.fitting.len() - 1;
        self.fitting
            .get(length.min(longest))
            .copied()
            .unwrap_or_default()
    }
}

/// The free shapes that a token may have, a bit for each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chances(u64);

impl Chances {
    /// Whether there is none.
    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// The table, compiled.
#[derive(Debug)]
pub(super) struct Index {
    /// Finds what stands in all options that a login may follow.
    options: Finder<'static>,
    pub(super) rules: Vec<Rule>,
    /// Per two first bytes the entries that begin so.
    heads: Vec<(u16, u16)>,
    prefixed: Vec<Begun>,
    /// Shapes that begin with an alphabet, told by their punctuation.
    free: Free,
    /// The words of names; nothing when they do not compile, which a test refuses.
    pub(super) words: Option<Automaton>,
    pub(super) meanings: Vec<Meaning>,
    /// Per vendor's word the rules that need it, and the fewest bytes that one takes.
    pub(super) vendors: Vec<(usize, Vec<u16>)>,
    /// The fewest bytes that any of them takes.
    pub(super) least_named: usize,
}

/// The place of two first bytes.
fn head(first: u8, second: u8) -> usize {
    usize::from(first & 127) * HALF + usize::from(second & 127)
}

impl Index {
    /// Compiles rows. A shape that is not well written is left out; a test refuses it.
    pub(super) fn new(rows: impl Iterator<Item = Family>) -> Index {
        let mut built = Index {
            options: Finder::new(login::OPTION),
            rules: Vec::new(),
            heads: vec![(0, 0); HALF * HALF],
            prefixed: Vec::new(),
            free: Free::new(),
            words: None,
            meanings: Vec::new(),
            vendors: Vec::new(),
            least_named: usize::MAX,
        };
        let mut begun: BTreeMap<usize, Vec<Begun>> = BTreeMap::new();
        let mut words: BTreeMap<&'static str, Vec<u16>> = BTreeMap::new();
        for (row, place) in rows.zip(0_u16..) {
            let shapes: Vec<Shape> = row.shape.split(' ').filter_map(Shape::parse).collect();
            for (shape, nth) in shapes.iter().zip(0_u16..).filter(|_| row.words.is_empty()) {
                match shape.prefix() {
                    [first, second, ..] => begun
                        .entry(head(*first, *second))
                        .or_default()
                        .push(Begun::of((place, nth), shape)),
                    _ => built.free.push((place, nth), shape),
                }
            }
            for word in row.words.split('|').filter(|word| !word.is_empty()) {
                words.entry(word).or_default().push(place);
            }
            built.rules.push(Rule {
                id: row.id,
                shapes,
                floor: f32::from(row.floor) / 10.0,
                check: row.check,
            });
        }
        for (head, entries) in begun {
            let start = built.prefixed.len() as u16;
            built.prefixed.extend(entries);
            if let Some(range) = built.heads.get_mut(head) {
                *range = (start, built.prefixed.len() as u16);
            }
        }
        built.name(words);
        built
    }

    /// Builds the automaton of vendors' words and of the words of secrets.
    fn name(&mut self, vendors: BTreeMap<&'static str, Vec<u16>>) {
        let mut words: Vec<&'static str> = Vec::new();
        for (word, rules) in vendors {
            let shapes = rules
                .iter()
                .filter_map(|rule| self.rules.get(usize::from(*rule)));
            let shortest = shapes.flat_map(|rule| rule.shapes.iter().map(|shape| shape.shortest));
            let shortest = shortest.min();
            self.least_named = self.least_named.min(shortest.unwrap_or(usize::MAX));
            words.push(word);
            self.meanings.push(Meaning::Vendor {
                list: self.vendors.len() as u16,
                brief: shortest.is_some_and(|shortest| shortest < value::LEAST),
            });
            self.vendors.push((shortest.unwrap_or(0), rules));
        }
        for (meaning, list) in table::words() {
            for word in list.split(' ') {
                words.push(word);
                self.meanings.push(meaning);
            }
        }
        self.words = Automaton::new(&words);
    }

    /// Whether options of programs stand in a text that a login may follow.
    pub(super) fn has_options(&self, text: &[u8]) -> bool {
        self.options.find(text).is_some()
    }

    /// The shapes that begin with the two bytes.
    #[inline]
    pub(super) fn beginning(&self, first: u8, second: u8) -> &[Begun] {
        let range = self.heads.get(head(first, second)).copied();
        let (start, end) = range.unwrap_or_default();
        let all = self.prefixed.get(usize::from(start)..usize::from(end));
        all.unwrap_or_default()
    }

    /// The free shapes that a token of these bits and that length may have.
    pub(super) fn chances(&self, bits: u32, length: usize) -> Chances {
        let fitting = self.free.fitting(length);
        if fitting == 0 {
            return Chances(0);
        }
        let lacks = |kinds: u32| kinds & !bits != 0;
        let required = self.free.required.iter();
        let lacking = required.filter(|(kinds, _)| lacks(*kinds));
        Chances(lacking.fold(fitting, |left, (_, set)| left & !set))
    }

    /// Those of them that a value of that first byte and length may have.
    #[inline]
    pub(super) fn free(&self, chances: Chances, first: u8, length: usize) -> Chances {
        let kind = alphabet::of(first).trailing_zeros() as usize;
        let first = self.free.first.get(kind).copied().unwrap_or_default();
        Chances(chances.0 & first & self.free.fitting(length))
    }

    /// The shapes themselves.
    pub(super) fn entries(&self, chances: Chances) -> impl Iterator<Item = Entry> + '_ {
        let mut left = chances.0;
        let places = std::iter::from_fn(move || {
            let nth = (left != 0).then(|| left.trailing_zeros())?;
            left &= left - 1;
            Some(nth as usize)
        });
        places.filter_map(|nth| self.free.entries.get(nth).copied())
    }

    /// A rule and one of its shapes.
    pub(super) fn entry(&self, (rule, shape): Entry) -> Option<(&Rule, &Shape)> {
        let rule = self.rules.get(usize::from(rule))?;
        Some((rule, rule.shapes.get(usize::from(shape))?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_without_a_literal_before_it_has_a_bit() {
        let rows = table::all().filter(|row| row.words.is_empty());
        let shapes = rows.flat_map(|row| row.shape.split(' ').filter_map(Shape::parse));
        let free: Vec<Shape> = shapes.filter(|shape| shape.prefix().len() < 2).collect();
        let index = Index::new(table::all());
        assert_eq!(index.free.entries.len(), free.len());
        for (shape, entry) in free.iter().zip(&index.free.entries) {
            let chances = index.chances(u32::MAX, shape.shortest);
            assert!(index.entries(chances).any(|other| other == *entry));
            let fewer = index.chances(u32::MAX, shape.shortest - 1);
            assert!(index.entries(fewer).all(|other| other != *entry));
        }
    }

    #[test]
    fn four_bytes_tell_no_shape_away_that_stands_there() {
        let index = Index::new(table::all());
        for (text, stands) in [
            (&b"ghp_16C7e42F292c6912E7710c838347Ae178B4a"[..], true),
            (b"ghx_16C7e42F292c6912E7710c838347Ae178B4a", false),
            (b"gh", false),
        ] {
            let begun = index.beginning(b'g', b'h').iter();
            let mut standing = begun.filter(|begun| begun.may_stand(four(text), text.len()));
            assert_eq!(standing.next().is_some(), stands, "{text:?}");
        }
        assert_eq!((four(b"ab"), four(b"")), (0x6261, 0));
    }
}
