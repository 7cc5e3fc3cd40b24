//! What stands before a value: which words, and how the value is bound to them.
//! Names are compared as letters and digits alone, so `new-relic`, `NEW_RELIC` and
//! `newRelic` are one. At most [`REACH`] bytes are looked at, well within the
//! window's left context.

use super::alphabet::{self, ALNUM, LETTER, LOWER, UPPER};
use super::automaton::{Automaton, Word};
use super::words::Words;

/// How far before a value its words may stand, in bytes.
pub(super) const REACH: usize = 100;

/// The longest name of a value that is looked at, in bytes.
const NAME: usize = 64;

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
    /// `access` and `private`: where nothing else is said, only in capitals.
    Access,
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

/// How a value is bound to what is before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bond {
    /// Where the name ends that it is bound to.
    pub(super) name_end: usize,
    /// An operator stands between.
    pub(super) operator: bool,
    /// A quote, or an operator without spaces, stands right before the value.
    pub(super) tight: bool,
    /// A verb stands between: `the password is …`.
    pub(super) said: bool,
    /// It is the argument of a call or the member of a list.
    pub(super) passed: bool,
}

/// Reads the words of a text once, however many values look back at them.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    automaton: &'a Automaton,
    meanings: &'a [Meaning],
    text: &'a [u8],
    /// The automaton's row.
    row: u16,
    /// The next byte to read.
    at: usize,
    words: Words,
}

/// What stands before one value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    reader: &'a Reader<'a>,
    /// Words count from here on.
    low: usize,
    pub(super) bond: Bond,
}

/// Whether a word may begin there.
fn begins(text: &[u8], at: usize) -> bool {
    let (last, next) = (alphabet::before(text, at), alphabet::at(text, at));
    last & LETTER == 0 || (last & LOWER != 0) != (next & LOWER != 0)
}

/// Whether a word may end there; a plural is the same word.
fn ends(text: &[u8], at: usize) -> bool {
    let free = |at: usize| {
        let (last, next) = (alphabet::before(text, at), alphabet::at(text, at));
        let camel = last & LOWER != 0 && next & UPPER != 0;
        let shout = shouted(text, at) && shouted(text, at.saturating_sub(1)) && next & LOWER != 0;
        next & LETTER == 0 || camel || shout
    };
    let plural = matches!(text.get(at), Some(b's' | b'S')) && free(at + 1);
    free(at) || plural
}

/// Whether what follows a word in its name is the rest of the name, and at most the
/// name of a type after it: `Token string`.
fn typed(rest: &[u8]) -> bool {
    let kind = memchr::memchr(b' ', rest).and_then(|at| rest.get(at + 1..));
    kind.is_none_or(|kind| kind.iter().all(u8::is_ascii_alphabetic))
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
    let wrap = |b: u8| {
        matches!(
            b,
            b'"' | b'\'' | b'`' | b'\\' | b'(' | b'[' | b'{' | b'@' | b'$'
        )
    };
    let space = |b: u8| b.is_ascii_whitespace();
    let operator = |b: u8| matches!(b, b'=' | b':' | b'>' | b',' | b'|' | b'?' | b'.' | b'~');
    let quote = back(text, at, 4, wrap);
    let gap = back(text, quote, 24, space);
    let sign = back(text, gap, 4, operator);
    let signs = text.get(sign..gap).unwrap_or_default();
    let wraps = text.get(quote..at).unwrap_or_default();
    let quoted = wraps.iter().any(|b| matches!(b, b'"' | b'\'' | b'`'));
    let path = signs.ends_with(b"::");
    let arrow = signs.ends_with(b"=>") || signs.ends_with(b"->");
    let assigns = signs.iter().any(|b| matches!(b, b'=' | b':' | b'>' | b'|'));
    // A call's arguments and an arrow's right are values only in quotes.
    let passes = wraps.contains(&b'(') || signs.contains(&b',') || arrow;
    // `${NAME}` and its like are written where the secret is not.
    let braced = wraps.iter().rposition(|b| matches!(b, b'{' | b'('));
    let opener = braced.and_then(|at| text.get((quote + at).checked_sub(1)?));
    let templated = matches!(opener, Some(b'$' | b'#' | b'%' | b'{'));
    let bound = !path && !templated && if passes { quoted } else { assigns };
    let close = back(text, back(text, sign, 8, space), 4, |b| {
        matches!(b, b'"' | b'\'' | b'`' | b'\\' | b')' | b']' | b'?' | b'*')
    });
    let verb = if bound || quote == gap {
        gap
    } else {
        verb(text, gap)
    };
    Bond {
        said: verb < gap,
        name_end: if bound { close } else { verb },
        operator: bound,
        tight: quoted || bound && gap == quote && signs.contains(&b'='),
        passed: passes,
    }
}

/// Verbs between the name of a secret and the secret, in some languages.
const VERBS: [&[u8]; 8] = [
    b" is", b" is:", b" ist", b" lautet", b" est", b" es", b" to", b" equals",
];

/// Where the verb begins that ends at `end`; `end` when there is none.
fn verb(text: &[u8], end: usize) -> usize {
    let left = text.get(..end).unwrap_or_default();
    let said = VERBS.iter().find(|verb| left.ends_with(verb));
    said.map_or(end, |verb| end - verb.len())
}

impl<'a> Reader<'a> {
    /// A reader that has read nothing.
    pub(super) fn new(
        automaton: &'a Automaton,
        meanings: &'a [Meaning],
        text: &'a [u8],
    ) -> Reader<'a> {
        Reader {
            automaton,
            meanings,
            text,
            row: Automaton::START,
            at: 0,
            words: Words::new(),
        }
    }

    /// The text that it reads.
    pub(super) fn text(&self) -> &'a [u8] {
        self.text
    }

    /// Reads up to a value. Values must come in rising order.
    pub(super) fn upto(&mut self, at: usize) {
        let low = at.saturating_sub(REACH);
        if self.at < low {
            (self.at, self.row) = (low, Automaton::START);
        }
        let Some(new) = self.text.get(self.at..at) else {
            return;
        };
        let (automaton, mut row, mut left) = (self.automaton, self.row, new);
        loop {
            let (end, read) = automaton.read(row, left);
            row = end;
            let Some(read) = read else {
                break;
            };
            left = left.get(read..).unwrap_or_default();
            self.keep(automaton.ended(row), at - left.len());
        }
        (self.row, self.at) = (row, at);
    }

    /// Whether a vendor's name or a word of secrets stands within reach of the value at
    /// `at`, up to which it has read, from `since` at the earliest.
    pub(super) fn says(&self, since: usize, at: usize) -> bool {
        let low = low(since, at);
        self.words.has_vendor(low) || self.words.says_secret(low)
    }

    /// Keeps the words that end there.
    #[inline(never)]
    fn keep(&mut self, words: &[Word], end: usize) {
        for (word, length) in words.iter().copied() {
            let Some(meaning) = self.meanings.get(word) else {
                continue;
            };
            let Some(start) = begun(self.text, end, length) else {
                continue;
            };
            let bounded = match meaning {
                Meaning::Vendor(_) if length >= 7 => true,
                Meaning::Vendor(_) if length >= 5 => begins(self.text, start),
                _ => (length >= 5 || begins(self.text, start)) && ends(self.text, end),
            };
            self.words.keep(Hit {
                meaning: *meaning,
                start,
                end,
                bounded,
            });
        }
    }

    /// What stands before the value at `at`, up to which it has read, from `since` at
    /// the earliest.
    pub(super) fn context(&'a self, since: usize, at: usize, bond: Bond) -> Context<'a> {
        Context {
            reader: self,
            low: low(since, at),
            bond,
        }
    }
}

/// From where on words count that stand before the value at `at`, from `since` at the
/// earliest.
fn low(since: usize, at: usize) -> usize {
    since.max(at.saturating_sub(REACH))
}

/// Where the letters and digits begin of which so many end there; nothing when that is
/// out of reach.
fn begun(text: &[u8], end: usize, length: usize) -> Option<usize> {
    let whole = text.get(end.checked_sub(length)?..end)?;
    if whole.iter().all(|byte| alphabet::of(*byte) & ALNUM != 0) {
        return Some(end - length);
    }
    let low = end.saturating_sub(REACH);
    let mut left = length;
    let near = text.get(low..end)?.iter().enumerate().rev();
    for (offset, byte) in near {
        left -= usize::from(alphabet::of(*byte) & ALNUM != 0);
        if left == 0 {
            return Some(low + offset);
        }
    }
    None
}

impl Context<'_> {
    /// The words that are no vendors, the last first.
    pub(super) fn plain(&self) -> impl Iterator<Item = Hit> + '_ {
        self.reader.words.plain.since(self.low)
    }

    /// The vendors' names, the last first.
    pub(super) fn vendors(&self) -> impl Iterator<Item = Hit> + '_ {
        self.reader.words.vendors.since(self.low)
    }

    /// Whether a vendor's name stands within reach.
    pub(super) fn has_vendor(&self) -> bool {
        self.reader.words.has_vendor(self.low)
    }

    /// Whether a word of secrets stands at or after that place.
    pub(super) fn names_secret(&self, since: usize) -> bool {
        self.reader.words.names_secret(since, self.low)
    }

    /// Whether a word says by itself, not as a hint, that a secret follows.
    pub(super) fn says_secret(&self) -> bool {
        self.reader.words.says_secret(self.low)
    }

    /// Whether a word says that what follows is public.
    pub(super) fn says_public(&self) -> bool {
        self.reader.words.says_public(self.low)
    }

    /// Whether a word that was not bounded by itself follows another there.
    pub(super) fn follows(&self, end: usize) -> bool {
        self.reader.words.follows(end, self.low)
    }

    /// The last word that names a secret within the name that the value is bound to,
    /// unless that name says that it is public.
    pub(super) fn secret_name(&self, text: &[u8]) -> Option<Hit> {
        let end = self.bond.name_end;
        let reach = if self.bond.operator { 24 } else { 2 };
        let mut near = self.plain().take_while(|hit| hit.end + reach >= end);
        let said = near.find(|hit| {
            let says = match hit.meaning {
                Meaning::Secret | Meaning::Key | Meaning::Password => true,
                Meaning::Access => !self.bond.operator && shouted(text, hit.end),
                _ => false,
            };
            let near = says && hit.bounded && hit.end <= end && end - hit.end <= reach;
            near && text.get(hit.end..end).is_some_and(typed)
        })?;
        // `secretkey` says more than the `key` in it. Words end in rising order.
        let mut same = self.plain().take_while(|hit| hit.end >= said.end);
        let longest =
            same.find(|hit| hit.meaning == Meaning::Secret && hit.end == said.end && hit.bounded);
        let said = longest.unwrap_or(said);
        // How far back the name goes matters only as far as something stands in it.
        let public = self.reader.words.says_public(self.low);
        let most = if public {
            NAME
        } else {
            NAME.min(end - said.start)
        };
        let name = back(text, end, most, |b| {
            alphabet::of(b) & ALNUM != 0 || matches!(b, b'_' | b'-' | b'.' | b' ')
        });
        let public = public && self.reader.words.says_public(self.low.max(name));
        (!public && said.start >= name).then_some(said)
    }
}

/// Whether the last letter before that place is a capital: names of environments.
pub(super) fn shouted(text: &[u8], end: usize) -> bool {
    alphabet::before(text, end) & UPPER != 0
}
