//! The bytes that a recogniser may read. A recogniser that asks for a byte which
//! has not come yet starves, and what it said is thrown away: so no finding can
//! depend on where a text was cut, whatever the recogniser does.

use std::cell::Cell;

use super::super::per_byte::{PerByte, per_byte};

/// A window's bytes, and whether somebody asked for more than there are.
pub(super) struct View<'a> {
    bytes: &'a [u8],
    last: bool,
    starved: Cell<bool>,
}

impl<'a> View<'a> {
    pub(super) fn new(bytes: &'a [u8], last: bool) -> View<'a> {
        let starved = Cell::new(false);
        View {
            bytes,
            last,
            starved,
        }
    }

    /// The byte at this place; 0 beyond the end of the text.
    #[inline]
    pub(super) fn at(&self, at: usize) -> u8 {
        work::note(1);
        match self.bytes.get(at) {
            Some(byte) => *byte,
            None => self.beyond(),
        }
    }

    /// What stands beyond the end, as far as it is known.
    #[cold]
    fn beyond(&self) -> u8 {
        self.starved.set(self.starved.get() || !self.last);
        0
    }

    /// The byte before this place; 0 at the beginning of the text.
    #[inline]
    pub(super) fn before(&self, at: usize) -> u8 {
        work::note(1);
        // Before the first byte is beyond all places.
        let before = self.bytes.get(at.wrapping_sub(1));
        before.copied().unwrap_or(0)
    }

    /// What stands between two places; nothing when it is not there.
    #[inline]
    pub(super) fn part(&self, from: usize, to: usize) -> &'a [u8] {
        let part = self.bytes.get(from..to).unwrap_or_default();
        work::note(part.len());
        part
    }

    /// The next bytes, as many as there are up to `most`; asks for none beyond the end.
    /// Who reads them notes how many.
    #[inline]
    pub(super) fn ahead(&self, from: usize, most: usize) -> &'a [u8] {
        let rest = self.bytes.get(from..).unwrap_or_default();
        rest.get(..most).unwrap_or(rest)
    }

    /// Where the next such byte stands from this place on, or where it may come; beyond
    /// all places if there is none.
    pub(super) fn next(&self, from: usize, byte: u8) -> usize {
        let rest = self.bytes.get(from..).unwrap_or_default();
        let found = memchr::memchr(byte, rest);
        work::note(found.unwrap_or(rest.len()));
        match found {
            Some(place) => from + place,
            None if self.last => usize::MAX,
            None => self.bytes.len(),
        }
    }

    /// Whether what stands between two places is all of the text, but for a little white
    /// space around it.
    pub(super) fn is_all(&self, from: usize, to: usize) -> bool {
        const SPACE: usize = 8;
        let space = |byte: u8| byte.is_ascii_whitespace();
        let lead = self.back(from, SPACE, space);
        lead == 0 && self.at(self.run(to, SPACE, space)) == 0
    }

    /// Whether a byte was asked for that has not come yet.
    pub(super) fn starved(&self) -> bool {
        self.starved.get()
    }

    /// The end of the run of such bytes that begins here, at most `most` bytes on.
    #[inline]
    pub(super) fn run(&self, from: usize, most: usize, class: impl Fn(u8) -> bool) -> usize {
        let mut end = from;
        while end - from < most && class(self.at(end)) {
            end += 1;
        }
        end
    }

    /// The start of the run of such bytes that ends here, at most `most` bytes back.
    #[inline]
    pub(super) fn back(&self, to: usize, most: usize, class: impl Fn(u8) -> bool) -> usize {
        let mut start = to;
        while to - start < most && class(self.before(start)) {
            start -= 1;
        }
        start
    }
}

/// Counts the bytes that recognisers read, in tests: how the time of a scan grows is
/// told by no clock of a shared machine.
pub(super) mod work {
    #[cfg(test)]
    thread_local! {
        static BYTES: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
    }

    /// Notes that so many bytes are read; nothing outside of tests.
    #[inline]
    #[cfg_attr(not(test), expect(unused_variables, reason = "only tests count"))]
    pub(in super::super) fn note(bytes: usize) {
        #[cfg(test)]
        BYTES.with(|all| all.set(all.get() + bytes as u64));
    }

    /// Bytes read on this thread since it was last asked.
    #[cfg(test)]
    pub(in super::super) fn taken() -> u64 {
        BYTES.with(|all| all.replace(0))
    }
}

/// A digit.
const DIGIT: u8 = 1;
/// A letter of ASCII.
const LETTER: u8 = 1 << 1;
/// A digit in base 16.
const HEX: u8 = 1 << 2;
/// A byte of the local part of an address, see [`local`].
const LOCAL: u8 = 1 << 3;
/// A byte of its domain, see [`host`].
const HOST: u8 = 1 << 4;

/// The classes of every byte.
static CLASSES: PerByte<u8> = per_byte!(u8, |byte| classes(byte));

const fn classes(byte: u8) -> u8 {
    let alnum = byte.is_ascii_alphanumeric();
    let latin = matches!(byte, 0x80..=0xbf | 0xc3..=0xc9);
    let local = alnum || latin || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-' | b'\'');
    let host = alnum || latin || matches!(byte, b'-' | b'.');
    (DIGIT * byte.is_ascii_digit() as u8)
        | (LETTER * byte.is_ascii_alphabetic() as u8)
        | (HEX * byte.is_ascii_hexdigit() as u8)
        | (LOCAL * local as u8)
        | (HOST * host as u8)
}

/// Whether a byte is of one of these classes.
#[inline]
fn of(byte: u8, classes: u8) -> bool {
    CLASSES.of(byte) & classes != 0
}

/// A letter or digit of ASCII.
#[inline]
pub(super) fn alnum(byte: u8) -> bool {
    of(byte, DIGIT | LETTER)
}

/// A digit.
#[inline]
pub(super) fn digit(byte: u8) -> bool {
    byte.is_ascii_digit()
}

/// A digit in base 16.
#[inline]
pub(super) fn hex(byte: u8) -> bool {
    of(byte, HEX)
}

/// A byte of the local part of an address of mail. Letters beyond ASCII count in Latin
/// script (two bytes each), so that text in other scripts may stand right beside one.
#[inline]
pub(super) fn local(byte: u8) -> bool {
    of(byte, LOCAL)
}

/// A byte of the domain of an address of mail.
#[inline]
pub(super) fn host(byte: u8) -> bool {
    of(byte, HOST)
}

/// Whether a number can begin here: no letter or digit before it, and no `-`, `.`
/// or `/` that ties it to a digit.
pub(super) fn begins(view: &View<'_>, start: usize) -> bool {
    let before = view.before(start);
    if alnum(before) {
        return false;
    }
    let tied = matches!(before, b'-' | b'.' | b'/');
    !(tied && digit(view.before(start - 1)))
}

/// Whether a number can end here: see [`begins`].
pub(super) fn ends(view: &View<'_>, end: usize) -> bool {
    let next = view.at(end);
    if alnum(next) {
        return false;
    }
    let tied = matches!(next, b'-' | b'.' | b'/');
    !(tied && digit(view.at(end + 1)))
}
