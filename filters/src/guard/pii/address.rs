//! Postal addresses by the phrase before them: a street and a number in either order,
//! and what follows of the town. A street alone is none, nor is a town.

use super::Entity;
use super::cue_words::{Cue, SMALL_WORDS, STREET_WORDS};
use super::cues::Phrase;
use super::hit::Hit;
use super::letters::{Packed, packed, starts, word};
use super::view::{View, alnum, digit};

static SMALL: [Packed; SMALL_WORDS.len()] = packed(SMALL_WORDS);
static STREETS: [Packed; STREET_WORDS.len()] = packed(STREET_WORDS);
/// The most parts of an address: words and numbers.
const PARTS: usize = 14;
/// The longest address, in bytes.
const LONGEST: usize = 140;
/// How soon its first number ends, in bytes.
const NEAR: usize = 64;
/// How sure an address is, in percent.
const SURE: u8 = 60;

/// What a part of an address is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// `12`, `12a`, `10115`, `SW1A`.
    Number,
    /// A word with a capital.
    Name,
    /// A word in lower case that streets have, such as `rue`.
    Street,
}

/// The address behind a phrase.
pub(super) fn find(view: &View<'_>, phrase: &Phrase) -> Option<Hit> {
    let mut start = begin(view, phrase)?;
    // "lives in the" is no part of the street.
    for _ in 0..2 {
        if let Some(small) = word(view, start).filter(|word| word.among(view, &SMALL)) {
            start = gap(view, small.end)?;
        }
    }
    // Where no number follows soon, there is no address, and nothing need be read.
    let near = view.part(start, start + NEAR);
    if !near.is_empty() && !near.iter().any(u8::is_ascii_digit) {
        return None;
    }
    let end = read(view, start)?;
    Some(Hit::new(Entity::Address, start..end, SURE))
}

/// Where an address may begin behind a phrase.
fn begin(view: &View<'_>, phrase: &Phrase) -> Option<usize> {
    let space = |byte| matches!(byte, b' ' | b'\t');
    let blank = view.run(phrase.end, 2, space);
    let colon = view.at(blank) == b':';
    if phrase.cue == Cue::Place && !colon {
        return None;
    }
    let from = if colon { blank + 1 } else { phrase.end };
    let line = |byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let start = view.run(from, 4, |byte| if colon { line(byte) } else { space(byte) });
    (start > from || colon).then_some(start)
}

/// Where the address ends that begins here, if it is one.
fn read(view: &View<'_>, start: usize) -> Option<usize> {
    let (mut at, mut end) = (start, start);
    let (mut names, mut numbers, mut streets) = (0, 0, 0);
    for count in 0..PARTS {
        let Some((part, stop)) = part(view, at).filter(|(_, stop)| stop - start <= LONGEST) else {
            break;
        };
        // The street and its number stand first.
        if numbers == 0 && stop - start > NEAR {
            return None;
        }
        if numbers == 0 && (count == 6 || (count == 4 && streets == 0)) {
            return None;
        }
        match part {
            Part::Number => numbers += 1,
            Part::Name => names += 1,
            Part::Street => streets += 1,
        }
        if part != Part::Street {
            end = stop;
        }
        let Some(next) = gap(view, stop) else { break };
        at = next;
    }
    (numbers > 0 && names > 0).then_some(end)
}

/// The part that begins here and its end.
fn part(view: &View<'_>, at: usize) -> Option<(Part, usize)> {
    if let Some(word) = word(view, at) {
        let numbered = digit(view.at(word.end)) && word.length() <= 2 && word.capital;
        if numbered {
            return number(view, at);
        }
        let tied = starts(view, word.end) || matches!(view.at(word.end), b'@' | b'_' | b'(' | b'=');
        let plain = word.capital && word.small && word.length() > 1;
        let part = match word.capital {
            true => plain.then_some(Part::Name),
            false => word.among(view, &STREETS).then_some(Part::Street),
        };
        return part.filter(|_| !tied).map(|part| (part, word.end));
    }
    number(view, at)
}

/// A number of a house or of a town, which letters may stand in or around.
fn number(view: &View<'_>, at: usize) -> Option<(Part, usize)> {
    let end = view.run(at, 9, |byte| alnum(byte) || matches!(byte, b'-' | b'/'));
    let digits = view
        .part(at, end)
        .iter()
        .filter(|byte| digit(**byte))
        .count();
    let next = view.at(end);
    let tied = starts(view, end) || matches!(next, b'@' | b'_' | b':' | b'%' | b'-' | b'/');
    let tied = tied || (matches!(next, b'.' | b',') && digit(view.at(end + 1)));
    ((1..=6).contains(&digits) && !tied).then_some((Part::Number, end))
}

/// Where the next part begins behind one that ends here: behind a space, a comma or
/// the dot of a short word.
fn gap(view: &View<'_>, end: usize) -> Option<usize> {
    let end = end + usize::from(matches!(view.at(end), b',' | b'.'));
    let next = view.run(end, 3, |byte| byte == b' ');
    (next > end).then_some(next)
}
