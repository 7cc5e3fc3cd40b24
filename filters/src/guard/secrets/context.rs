//! What stands before a value: which words, and how the value is bound to them.
//! Names are compared as letters and digits alone, so `new-relic`, `NEW_RELIC` and
//! `newRelic` are one. At most [`REACH`] bytes are looked at, well within the
//! window's left context.

use super::super::per_byte::{PerByte, per_byte};
use super::alphabet::{self, ALNUM, LETTER, LOWER, UPPER};
use super::automaton::{Automaton, Word};
use super::words::{Ahead, Words};

/// How far before a value its words may stand, in bytes.
pub(super) const REACH: usize = 100;

/// The longest name of a value that is looked at, in bytes.
const NAME: usize = 64;

/// What a word says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A vendor.
    Vendor {
        /// The number of its rules' list.
        list: u16,
        /// A value of one of them may be shorter than all that is told by chance alone.
        brief: bool,
    },
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
    /// Where it ends, in bytes of the text.
    pub(super) end: usize,
    /// What lies between its letters included, in bytes: at most [`REACH`].
    pub(super) length: u8,
    /// A word may begin and end there, or, if it is a vendor's name, another of the words
    /// begins where it ends.
    pub(super) bounded: bool,
}

impl Hit {
    /// Where it begins, in bytes of the text.
    pub(super) fn start(&self) -> usize {
        self.end - usize::from(self.length)
    }
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
    /// Words that were read ahead of the values.
    ahead: Ahead,
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

/// What may stand between a name and its value, a bit for each kind: what values are
/// wrapped in, quotes and what calls among it, space, signs, those of them that assign,
/// what names are closed with.
static BINDS: PerByte<u8> = per_byte!(u8, |byte| match byte {
    b'"' | b'\'' | b'`' => WRAP | QUOTE | CLOSE,
    b'\\' => WRAP | CLOSE,
    b'(' => WRAP | CALL,
    b'[' | b'{' | b'@' | b'$' => WRAP,
    b' ' | b'\t' | b'\n' | b'\r' | 12 => SPACE,
    b'=' | b':' | b'>' | b'|' => SIGN | ASSIGN,
    b'?' => SIGN | CLOSE,
    b',' | b'.' | b'~' => SIGN,
    b')' | b']' | b'*' => CLOSE,
    _ => 0,
});

const WRAP: u8 = 1;
const QUOTE: u8 = 1 << 1;
const SPACE: u8 = 1 << 2;
const SIGN: u8 = 1 << 3;
const ASSIGN: u8 = 1 << 4;
const CLOSE: u8 = 1 << 5;
const CALL: u8 = 1 << 6;

/// Goes back over bytes of one of these kinds, at most so many, and tells all their kinds.
fn back(text: &[u8], from: usize, most: usize, kinds: u8) -> (usize, u8) {
    let left = text
        .get(from.saturating_sub(most)..from)
        .unwrap_or_default();
    let (mut at, mut met) = (from, 0);
    for byte in left.iter().rev() {
        let kind = BINDS.of(*byte);
        if kind & kinds == 0 {
            break;
        }
        met |= kind;
        at -= 1;
    }
    (at, met)
}

/// Finds what binds the value at `at` to a name.
pub(super) fn bond(text: &[u8], at: usize) -> Bond {
    let (quote, wrapped) = back(text, at, 4, WRAP);
    let (gap, _) = back(text, quote, 24, SPACE);
    let (sign, signed) = back(text, gap, 4, SIGN);
    let quoted = wrapped & QUOTE != 0;
    if sign == gap && wrapped & CALL == 0 {
        let verb = if quote == gap { gap } else { verb(text, gap) };
        return Bond {
            said: verb < gap,
            name_end: verb,
            operator: false,
            tight: quoted,
            passed: false,
        };
    }
    let signs = text.get(sign..gap).unwrap_or_default();
    let wraps = text.get(quote..at).unwrap_or_default();
    let path = signs.ends_with(b"::");
    let arrow = signs.ends_with(b"=>") || signs.ends_with(b"->");
    let assigns = signed & ASSIGN != 0;
    // A call's arguments and an arrow's right are values only in quotes.
    let passes = wrapped & CALL != 0 || signs.contains(&b',') || arrow;
    // `${NAME}` and its like are written where the secret is not.
    let braced = wraps.iter().rposition(|b| matches!(b, b'{' | b'('));
    let opener = braced.and_then(|at| text.get((quote + at).checked_sub(1)?));
    let templated = matches!(opener, Some(b'$' | b'#' | b'%' | b'{'));
    let bound = !path && !templated && if passes { quoted } else { assigns };
    let (open, _) = back(text, sign, 8, SPACE);
    let (close, _) = back(text, open, 4, CLOSE);
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
    if !matches!(left.last(), Some(b's' | b't' | b'o' | b':')) {
        return end;
    }
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
            ahead: Ahead::default(),
        }
    }

    /// The text that it reads.
    pub(super) fn text(&self) -> &'a [u8] {
        self.text
    }

    /// Reads up to a value. Values must come in rising order.
    pub(super) fn upto(&mut self, at: usize) {
        while let Some(hit) = self.ahead.next(at) {
            self.words.keep(hit);
        }
        self.skip(at);
        while let Some(ended) = self.read(at) {
            for hit in self.hits(ended, self.at) {
                self.words.keep(hit);
            }
        }
    }

    /// Whether anything may be said of a value that begins from `start` to `end`. Reads
    /// ahead, so that a token of which nothing is said costs nothing more.
    pub(super) fn may_say(&mut self, start: usize, end: usize, brief: bool) -> bool {
        self.upto(start);
        if self.says((0, start), brief) {
            return true;
        }
        let mut before = (self.row, self.at);
        while let Some(ended) = self.read(end) {
            if !self.ahead.has_room(ended.len()) {
                (self.row, self.at) = before;
                return true;
            }
            let mut tells = false;
            for hit in self.hits(ended, self.at) {
                self.ahead.keep(hit);
                tells |= self.words.tells(&hit, brief);
            }
            if tells {
                return true;
            }
            before = (self.row, self.at);
        }
        false
    }

    /// Goes to the first byte that a value at `at` looks back to.
    fn skip(&mut self, at: usize) {
        let low = at.saturating_sub(REACH);
        if self.at < low {
            (self.at, self.row) = (low, Automaton::START);
        }
    }

    /// Reads on to the next words, at most up to `end`.
    fn read(&mut self, end: usize) -> Option<&'a [Word]> {
        let new = self.text.get(self.at..end)?;
        let (row, read) = self.automaton.read(self.row, new);
        self.row = row;
        self.at = read.map_or(end, |read| self.at + read);
        read.map(|_| self.automaton.ended(row))
    }

    /// Whether words within reach of the value at `at`, up to which it has read, from
    /// `since` at the earliest, may say something of it; see [`Words::say`].
    pub(super) fn says(&self, (since, at): (usize, usize), brief: bool) -> bool {
        self.words.say(low(since, at), brief)
    }

    /// The words that end there.
    fn hits(&self, words: &'a [Word], end: usize) -> impl Iterator<Item = Hit> + 'a {
        let (text, meanings) = (self.text, self.meanings);
        words.iter().filter_map(move |(word, length)| {
            let (meaning, length) = (*meanings.get(*word)?, *length);
            let start = begun(text, end, length)?;
            let bounded = match meaning {
                Meaning::Vendor { .. } if length >= 7 => true,
                Meaning::Vendor { .. } if length >= 5 => begins(text, start),
                _ => (length >= 5 || begins(text, start)) && ends(text, end),
            };
            Some(Hit {
                meaning,
                end,
                length: u8::try_from(end - start).ok()?,
                bounded,
            })
        })
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

    /// The vendors' names that are bounded, the last first.
    pub(super) fn vendors(&self) -> impl Iterator<Item = Hit> + '_ {
        let all = self.reader.words.vendors.since(self.low);
        all.filter(|hit| hit.bounded)
    }

    /// Whether a vendor's name stands within reach that is bounded.
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
            NAME.min(end - said.start())
        };
        let named =
            |b: &&u8| alphabet::of(**b) & ALNUM != 0 || matches!(b, b'_' | b'-' | b'.' | b' ');
        let left = text.get(end.saturating_sub(most)..end).unwrap_or_default();
        let name = end - left.iter().rev().take_while(named).count();
        let public = public && self.reader.words.says_public(self.low.max(name));
        (!public && said.start() >= name).then_some(said)
    }
}

/// Whether the last letter before that place is a capital: names of environments.
pub(super) fn shouted(text: &[u8], end: usize) -> bool {
    alphabet::before(text, end) & UPPER != 0
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::super::Secrets;
    use super::*;

    static SECRETS: LazyLock<Secrets> = LazyLock::new(Secrets::new);

    proptest::proptest! {
        #[test]
        fn nothing_is_said_in_a_token_that_reading_ahead_passes(
            text in "(key|id|pat|pwd|public|token| |=|[.]|-|aws|s3|fly|stripe|pagerduty|new|relic|access|[a-z0-9]{1,4}){1,24}",
            from in 0_usize..60,
            length in 0_usize..60,
            brief in proptest::prelude::any::<bool>(),
        ) {
            let secrets = &*SECRETS;
            let words = secrets.index.words.as_ref().unwrap();
            let reader = || Reader::new(words, &secrets.index.meanings, text.as_bytes());
            let start = from.min(text.len());
            let end = (start + length).min(text.len());
            let mut ahead = reader();
            let may_say = ahead.may_say(start, end, brief);
            for at in start..=end {
                let mut exact = reader();
                exact.upto(at);
                ahead.upto(at);
                proptest::prop_assert!(may_say || !exact.says((0, at), brief));
                for since in [0, start] {
                    let said = exact.says((since, at), brief);
                    proptest::prop_assert_eq!(said, ahead.says((since, at), brief));
                }
            }
        }
    }
}
