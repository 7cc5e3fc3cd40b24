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

    /// How many bytes match from the beginning of `text`, ending where a word ends.
    pub(super) fn matches(&self, text: &[u8]) -> Option<usize> {
        if text.len() < self.shortest {
            return None;
        }
        follow(&self.parts, text, 0)
    }
}

/// Matches the parts at that place; gives the end.
fn follow(parts: &[Part], text: &[u8], at: usize) -> Option<usize> {
    let Some((part, rest)) = parts.split_first() else {
        return (alphabet::at(text, at) & ALNUM == 0).then_some(at);
    };
    match part {
        Part::Literal(bytes) => {
            let end = at.checked_add(bytes.len())?;
            (text.get(at..end)? == *bytes)
                .then(|| follow(rest, text, end))
                .flatten()
        }
        Part::Class { mask, min, max } => {
            let most = text.get(at..)?.iter().take(*max);
            let count = most.take_while(|b| alphabet::of(**b) & mask != 0).count();
            if rest.is_empty() {
                let end = at + count;
                let whole = alphabet::at(text, end) & (mask | ALNUM) == 0 || *mask == u32::MAX;
                return (count >= *min && whole).then_some(end);
            }
            if count < *min {
                return None;
            }
            let lengths = (*min..=count).rev().take(BACKTRACK);
            lengths
                .filter_map(|length| follow(rest, text, at + length))
                .next()
        }
    }
}
