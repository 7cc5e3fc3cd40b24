//! The shape of a credential, said in a line: literals and `{alphabet:length}`,
//! alternatives apart by a space. `ghp_{w:36}` is a literal and 36 letters or
//! digits. A shape is matched without a regular expression, so that thousands cost
//! nothing until their first bytes stand there; and since it says all there is to
//! know, tests make positives and near misses from it.

use super::alphabet::{self, ALNUM};

/// The most lengths that are tried of one part before the shape is given up.
const BACKTRACK: usize = 256;

/// One part of a shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// These bytes.
    Literal(&'static [u8]),
    /// So many bytes of an alphabet.
    Class { mask: u32, min: usize, max: usize },
}

/// One alternative of a family's shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) parts: Vec<Part>,
    /// The kinds of all literal punctuation: a run without them cannot match.
    pub(super) required: u32,
    /// The fewest bytes that match.
    pub(super) shortest: usize,
}

/// The lengths of a class: one number, or two with a dash between.
fn lengths(text: &str) -> Option<(usize, usize)> {
    let (min, max) = text.split_once('-').unwrap_or((text, text));
    let (min, max) = (min.parse().ok()?, max.parse().ok()?);
    (min <= max && max > 0).then_some((min, max))
}

/// What stands between braces: `uuid`, or alphabet, colon and lengths.
fn class(text: &'static str, parts: &mut Vec<Part>) -> Option<()> {
    if text == "uuid" {
        let hex = alphabet::named(b'x')?;
        for (nth, length) in [8, 4, 4, 4, 12].into_iter().enumerate() {
            if nth > 0 {
                parts.push(Part::Literal(b"-"));
            }
            parts.push(Part::Class {
                mask: hex,
                min: length,
                max: length,
            });
        }
        return Some(());
    }
    let (name, length) = text.split_once(':')?;
    let mut mask = 0;
    for letter in name.bytes() {
        mask |= alphabet::named(letter)?;
    }
    let (min, max) = lengths(length)?;
    parts.push(Part::Class { mask, min, max });
    Some(())
}

impl Shape {
    /// One alternative, or nothing when it is not well written.
    pub(super) fn parse(mut text: &'static str) -> Option<Shape> {
        let mut parts = Vec::new();
        while !text.is_empty() {
            let open = text.find('{').unwrap_or(text.len());
            let (literal, rest) = text.split_at_checked(open)?;
            if !literal.is_empty() {
                parts.push(Part::Literal(literal.as_bytes()));
            }
            let Some(rest) = rest.strip_prefix('{') else {
                break;
            };
            let (inner, rest) = rest.split_once('}')?;
            class(inner, &mut parts)?;
            text = rest;
        }
        let mut required = 0;
        let mut shortest = 0;
        for part in &parts {
            match part {
                Part::Literal(bytes) => {
                    required |= alphabet::union(bytes) & !ALNUM;
                    shortest += bytes.len();
                }
                Part::Class { min, .. } => shortest += min,
            }
        }
        (!parts.is_empty()).then_some(Shape {
            parts,
            required,
            shortest,
        })
    }

    /// The literal it begins with; empty when it begins with an alphabet.
    pub(super) fn prefix(&self) -> &'static [u8] {
        match self.parts.first() {
            Some(Part::Literal(bytes)) => bytes,
            _ => b"",
        }
    }

    /// The kinds that its first byte may be.
    pub(super) fn first(&self) -> u32 {
        match self.parts.first() {
            Some(Part::Class { mask, min, .. }) if *min > 0 => *mask,
            Some(Part::Literal(bytes)) => bytes.first().map_or(0, |byte| alphabet::of(*byte)),
            _ => u32::MAX,
        }
    }

    /// How many bytes match from that place on of a text that ends with its token,
    /// ending where a word ends.
    pub(super) fn matches(&self, text: &[u8], at: usize, known: &mut Stretches) -> Option<usize> {
        if text.len().checked_sub(at)? < self.shortest {
            return None;
        }
        let end = follow(&self.parts, text, at, known)?;
        Some(end - at)
    }
}

/// How many alphabets have a place in [`Stretches`].
const PLACES: usize = 64;

/// How far the bytes of an alphabet go on. Shapes that might begin one after the other
/// ask for the same stretch again and again: it is walked through once.
#[derive(Debug)]
pub(super) struct Stretches {
    /// An alphabet, where its stretch begins and ends.
    known: [(u32, usize, usize); PLACES],
    /// How often it was asked: what the shapes cost.
    pub(super) asked: usize,
}

impl Stretches {
    /// Knows nothing yet.
    pub(super) fn new() -> Stretches {
        Stretches {
            known: [(0, 0, 0); PLACES],
            asked: 0,
        }
    }

    /// Where the stretch ends that begins there or before.
    fn end(&mut self, text: &[u8], at: usize, mask: u32) -> usize {
        self.asked += 1;
        // Every alphabet has a place of its own: there are far fewer than places.
        let place = (mask.wrapping_mul(0x9e37_79b1) >> 26) as usize;
        let (before, after) = self.known.split_at_mut(place);
        let mut slots = after.iter_mut().chain(before);
        let slot = slots.find(|(known, ..)| *known == mask || *known == 0);
        if let Some((known, from, to)) = slot.as_deref()
            && *known == mask
            && (*from..*to).contains(&at)
        {
            return (*to).min(text.len());
        }
        let rest = text.get(at..).unwrap_or_default().iter();
        let end = at + rest.take_while(|b| alphabet::of(**b) & mask != 0).count();
        if let Some(slot) = slot {
            *slot = (mask, at, end);
        }
        end
    }
}

/// Matches the parts at that place; gives the end.
fn follow(parts: &[Part], text: &[u8], at: usize, known: &mut Stretches) -> Option<usize> {
    let Some((part, rest)) = parts.split_first() else {
        return (alphabet::at(text, at) & ALNUM == 0).then_some(at);
    };
    match part {
        Part::Literal(bytes) => {
            let end = at.checked_add(bytes.len())?;
            (text.get(at..end)? == *bytes)
                .then(|| follow(rest, text, end, known))
                .flatten()
        }
        Part::Class { mask, min, max } => {
            // What stands behind a stretch of one length is told at once.
            if let (true, Some(Part::Literal(bytes))) = (min == max, rest.first())
                && !text
                    .get(at + min..)
                    .is_some_and(|text| text.starts_with(bytes))
            {
                return None;
            }
            let count = (known.end(text, at, *mask) - at).min(*max);
            if rest.is_empty() {
                let end = at + count;
                let whole = alphabet::at(text, end) & (mask | ALNUM) == 0 || *mask == u32::MAX;
                return (count >= *min && whole).then_some(end);
            }
            if count < *min {
                return None;
            }
            // What cannot stand in the stretch stands behind it.
            let tries = match rest.first() {
                Some(Part::Literal([first, ..])) if alphabet::of(*first) & mask == 0 => 1,
                _ => BACKTRACK,
            };
            known.asked += (count - *min).min(tries) / 8;
            let mut lengths = (*min..=count).rev().take(tries);
            lengths.find_map(|length| follow(rest, text, at + length, known))
        }
    }
}
