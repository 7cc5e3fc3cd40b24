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

/// A shape that begins with an alphabet, and what a token must be to have it.
#[derive(Debug)]
struct Free {
    entry: Entry,
    required: u32,
    shortest: usize,
    /// The kinds that its first byte may be.
    first: u32,
}

/// The free shapes that a token may have, a bit for each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chances(u64);

impl Chances {
    /// Whether there is one.
    pub(super) fn any(self) -> bool {
        self.0 != 0
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
    /// With the fewest bytes that each takes.
    prefixed: Vec<(Entry, usize)>,
    /// Shapes that begin with an alphabet, told by their punctuation.
    free: Vec<Free>,
    /// The fewest bytes that one of them takes.
    least: usize,
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
            free: Vec::new(),
            least: usize::MAX,
            words: None,
            meanings: Vec::new(),
            vendors: Vec::new(),
            least_named: usize::MAX,
        };
        let mut begun: BTreeMap<usize, Vec<(Entry, usize)>> = BTreeMap::new();
        let mut words: BTreeMap<&'static str, Vec<u16>> = BTreeMap::new();
        for (row, place) in rows.zip(0_u16..) {
            let shapes: Vec<Shape> = row.shape.split(' ').filter_map(Shape::parse).collect();
            for (shape, nth) in shapes.iter().zip(0_u16..).filter(|_| row.words.is_empty()) {
                match shape.prefix() {
                    [first, second, ..] => begun
                        .entry(head(*first, *second))
                        .or_default()
                        .push(((place, nth), shape.shortest)),
                    _ => {
                        built.least = built.least.min(shape.shortest);
                        built.free.push(Free {
                            entry: (place, nth),
                            required: shape.required,
                            shortest: shape.shortest,
                            first: shape.first(),
                        });
                    }
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
            words.push(word);
            self.meanings
                .push(Meaning::Vendor(self.vendors.len() as u16));
            let shapes = rules
                .iter()
                .filter_map(|rule| self.rules.get(usize::from(*rule)));
            let shortest = shapes.flat_map(|rule| rule.shapes.iter().map(|shape| shape.shortest));
            let shortest = shortest.min();
            self.least_named = self.least_named.min(shortest.unwrap_or(usize::MAX));
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

    /// The shapes that begin with the two bytes and take no more bytes than these.
    pub(super) fn beginning(
        &self,
        (first, second): (u8, u8),
        length: usize,
    ) -> impl Iterator<Item = Entry> + '_ {
        let (start, end) = self
            .heads
            .get(head(first, second))
            .copied()
            .unwrap_or((0, 0));
        let all = self.prefixed.get(usize::from(start)..usize::from(end));
        let all = all.unwrap_or_default().iter();
        all.filter(move |(_, shortest)| *shortest <= length)
            .map(|(entry, _)| *entry)
    }

    /// The free shapes that a token of these bits and that length may have.
    pub(super) fn chances(&self, bits: u32, length: usize) -> Chances {
        if length < self.least {
            return Chances(0);
        }
        let fits = |free: &Free| free.required & !bits == 0 && free.shortest <= length;
        let set = self
            .free
            .iter()
            .zip(0_u32..64)
            .filter(|(free, _)| fits(free));
        Chances(set.fold(0, |all, (_, nth)| all | 1 << nth))
    }

    /// The free shapes that a value of that first byte and length may have.
    pub(super) fn free(
        &self,
        chances: Chances,
        first: u8,
        length: usize,
    ) -> impl Iterator<Item = Entry> + '_ {
        let mut left = chances.0;
        let bit = alphabet::of(first);
        std::iter::from_fn(move || {
            let nth = (left != 0).then(|| left.trailing_zeros())?;
            left &= left - 1;
            Some(nth as usize)
        })
        .filter_map(|nth| self.free.get(nth))
        .filter(move |free| free.first & bit != 0 && free.shortest <= length)
        .map(|free| free.entry)
    }

    /// A rule and one of its shapes.
    pub(super) fn entry(&self, (rule, shape): Entry) -> Option<(&Rule, &Shape)> {
        let rule = self.rules.get(usize::from(rule))?;
        Some((rule, rule.shapes.get(usize::from(shape))?))
    }
}
