//! What stands before a value: which words, and how the value is bound to them.
//! Names are compared as letters and digits alone, so `new-relic`, `NEW_RELIC` and
//! `newRelic` are one. At most [`REACH`] bytes are looked at, well within the
//! window's left context.

use aho_corasick::AhoCorasick;

use super::alphabet::{self, ALNUM, LETTER, LOWER, UPPER};

/// How far before a value its words may stand, in bytes.
pub(super) const REACH: usize = 100;

/// The most words that are kept; of more the last ones count.
const KEPT: usize = 32;

/// What a word says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A vendor: the number of its rules' list.
    Vendor(u16),
    /// Names a secret by itself: `secret`, `apikey`.
    Secret,
    /// `key`, which names much else.
    Key,
    /// A password.
    Password,
    /// Says something only beside a vendor: `access`, `id`.
    Hint,
    /// Says that what follows is no secret: `public`.
    Public,
}

/// A word that was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    pub(super) meaning: Meaning,
    /// Where it begins, in bytes of the text.
    pub(super) start: usize,
    /// Where it ends.
    pub(super) end: usize,
    /// A word may begin and end there.
    pub(super) bounded: bool,
}

const NO_HIT: Hit = Hit {
    meaning: Meaning::Hint,
    start: 0,
    end: 0,
    bounded: false,
};

/// How a value is bound to what is before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bond {
    /// Where the name ends that it is bound to.
    pub(super) name_end: usize,
    /// An operator stands between.
    pub(super) operator: bool,
    /// A quote, or an operator without spaces, stands right before the value.
    pub(super) tight: bool,
}

/// All that stands before a value.
pub(super) struct Context {
    hits: [Hit; KEPT],
    count: usize,
    pub(super) bond: Bond,
}

/// Whether a word may begin there.
fn begins(text: &[u8], at: usize) -> bool {
    let (last, next) = (alphabet::before(text, at), alphabet::at(text, at));
    last & LETTER == 0 || (last & LOWER != 0) != (next & LOWER != 0)
}

/// Whether a word may end there; a plural is the same word.
fn ends(text: &[u8], at: usize, limit: usize) -> bool {
    let free = |at: usize| {
        let (last, next) = (alphabet::before(text, at), alphabet::at(text, at));
        let camel = last & LOWER != 0 && next & UPPER != 0;
        let shout = shouted(text, at) && shouted(text, at.saturating_sub(1)) && next & LOWER != 0;
        at >= limit || next & LETTER == 0 || camel || shout
    };
    let plural = matches!(text.get(at), Some(b's' | b'S')) && at < limit && free(at + 1);
    free(at) || plural
}

/// Goes back over bytes that hold, at most so many.
fn back(text: &[u8], from: usize, most: usize, holds: impl Fn(u8) -> bool) -> usize {
    let mut at = from;
    while at > 0 && from - at < most && text.get(at - 1).is_some_and(|byte| holds(*byte)) {
        at -= 1;
    }
    at
}

/// Finds what binds the value at `at` to a name.
pub(super) fn bond(text: &[u8], at: usize) -> Bond {
    let wrap = |b: u8| matches!(b, b'"' | b'\'' | b'`' | b'\\' | b'(' | b'[' | b'{' | b'@' | b'$');
    let space = |b: u8| b.is_ascii_whitespace();
    let operator = |b: u8| matches!(b, b'=' | b':' | b'>' | b',' | b'|' | b'?' | b'.' | b'~');
    let quote = back(text, at, 4, wrap);
    let gap = back(text, quote, 24, space);
    let sign = back(text, gap, 4, operator);
    let called = text.get(quote..at).unwrap_or_default().contains(&b'(');
    let signs = text.get(sign..gap).unwrap_or_default();
    let bound = called || signs.iter().any(|b| matches!(b, b'=' | b':' | b'>' | b',' | b'|'));
    let close = back(text, back(text, sign, 8, space), 4, |b| {
        matches!(b, b'"' | b'\'' | b'`' | b'\\' | b')' | b']' | b'?' | b'*')
    });
    Bond {
        name_end: if bound { close } else { gap },
        operator: bound,
        tight: quote < at || bound && gap == quote && signs.contains(&b'='),
    }
}

impl Context {
    /// Reads what stands before the value at `at`, from `since` at the earliest.
    pub(super) fn read(
        words: &AhoCorasick,
        meanings: &[Meaning],
        text: &[u8],
        (since, at): (usize, usize),
    ) -> Context {
        let low = since.max(at.saturating_sub(REACH));
        let mut folded = [0_u8; REACH];
        let mut places = [0_u8; REACH];
        let mut length = 0;
        for (offset, byte) in text.get(low..at).unwrap_or_default().iter().enumerate() {
            if alphabet::of(*byte) & ALNUM == 0 {
                continue;
            }
            if let (Some(to), Some(place)) = (folded.get_mut(length), places.get_mut(length)) {
                *to = byte.to_ascii_lowercase();
                *place = offset as u8;
                length += 1;
            }
        }
        let mut found = Context {
            hits: [NO_HIT; KEPT],
            count: 0,
            bond: bond(text, at),
        };
        let folded = folded.get(..length).unwrap_or_default();
        for hit in words.find_overlapping_iter(folded) {
            let place = |nth: usize| places.get(nth).map_or(0, |place| low + usize::from(*place));
            let (start, end) = (place(hit.start()), place(hit.end().saturating_sub(1)) + 1);
            let Some(meaning) = meanings.get(hit.pattern().as_usize()) else {
                continue;
            };
            let long = hit.end() - hit.start() >= 5;
            let bounded = match meaning {
                Meaning::Vendor(_) if hit.end() - hit.start() >= 7 => true,
                Meaning::Vendor(_) if long => begins(text, start),
                _ => (long || begins(text, start)) && ends(text, end, at),
            };
            if let Some(slot) = found.hits.get_mut(found.count % KEPT) {
                *slot = Hit {
                    meaning: *meaning,
                    start,
                    end,
                    bounded,
                };
            }
            found.count += 1;
        }
        found
    }

    /// The words, the last first.
    pub(super) fn hits(&self) -> impl Iterator<Item = Hit> + '_ {
        let kept = self.count.min(KEPT);
        (1..=kept).filter_map(move |back| self.hits.get((self.count - back) % KEPT).copied())
    }

    /// Whether a word of secrets stands at or after that place.
    pub(super) fn names_secret(&self, since: usize) -> bool {
        self.hits().any(|hit| {
            let says = !matches!(hit.meaning, Meaning::Vendor(_) | Meaning::Public);
            says && hit.start >= since && (hit.bounded || hit.start == since)
        })
    }

    /// Whether a word that was not bounded by itself follows another there.
    pub(super) fn follows(&self, end: usize) -> bool {
        self.hits()
            .any(|hit| hit.start == end && !matches!(hit.meaning, Meaning::Vendor(_)))
    }

    /// The last word that names a secret within the name that the value is bound to,
    /// unless that name says that it is public.
    pub(super) fn secret_name(&self, text: &[u8]) -> Option<Hit> {
        let end = self.bond.name_end;
        let reach = if self.bond.operator { 24 } else { 2 };
        let name = back(text, end, 64, |b| {
            alphabet::of(b) & ALNUM != 0 || matches!(b, b'_' | b'-' | b'.' | b' ')
        });
        let said = self.hits().find(|hit| {
            let says = matches!(
                hit.meaning,
                Meaning::Secret | Meaning::Key | Meaning::Password
            );
            says && hit.bounded && hit.end <= end && end - hit.end <= reach && hit.start >= name
        })?;
        let public = self
            .hits()
            .any(|hit| hit.meaning == Meaning::Public && hit.bounded && hit.start >= name);
        (!public).then_some(said)
    }
}

/// Whether the last letter before that place is a capital: names of environments.
pub(super) fn shouted(text: &[u8], end: usize) -> bool {
    alphabet::before(text, end) & UPPER != 0
}
