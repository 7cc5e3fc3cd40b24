//! What the linear model sees of a text: hashed features, found in one pass
//! without allocation. Words and their neighbours carry the meaning, shingles
//! within words carry it over endings and misspellings, and pairs of punctuation
//! carry the shape of fake markup. Training and judging share this code, so that
//! they cannot drift apart.

use super::super::per_byte::{PerByte, per_byte};

/// How many bits an index has; the table holds one weight for each value.
pub const BITS: u32 = 17;

/// How many weights the table holds.
pub const WEIGHTS: usize = 1 << BITS;

/// Takes what is found in a text, in its order.
pub trait Sink {
    /// A word ended; its hash is [`word`] of it.
    fn word(&mut self, hash: u32);
    /// A feature is there, perhaps not for the first time; `index` < [`WEIGHTS`].
    fn feature(&mut self, index: u32);
    /// Whether the features of a word are to be shown that it has in any case: who counts
    /// each feature once knows those of a word that stood there before.
    fn wants(&mut self, _hash: u32) -> bool {
        true
    }
}

const SEED: u32 = 0x811c_9dc5;
const PRIME: u32 = 0x0100_0193;

/// Kinds of features, so that equal hashes of two kinds fall on two places.
const ONE: u32 = 0x9e37_79b1;
const TWO: u32 = 0x85eb_ca6b;
const THREE: u32 = 0xc2b2_ae35;
const SHINGLE: u32 = 0x27d4_eb2f;
const MARKS: u32 = 0x1656_67b1;
const SHOUT: u32 = 0x2545_f491;

/// The hash of a word: ASCII letters and the Latin-1 letters of two bytes in
/// lower case, every digit as 0.
#[must_use]
pub fn word(text: &str) -> u32 {
    struct Last(u32);
    impl Sink for Last {
        fn word(&mut self, hash: u32) {
            self.0 = hash;
        }
        fn feature(&mut self, _: u32) {}
    }
    let mut last = Last(0);
    visit(text, &mut last);
    last.0
}

/// Where a hash of a kind falls in the table.
#[inline(always)]
fn index(hash: u32, kind: u32) -> u32 {
    (hash ^ kind).wrapping_mul(0x9e37_79b1) >> (32 - BITS)
}

/// The first byte of the Latin-1 letters.
const LATIN: u8 = 0xc3;

/// What a byte means.
static BYTES: PerByte<u32> = per_byte!(u32, |byte| meaning(byte, false));

/// What a byte means behind [`LATIN`].
static LATIN_BYTES: PerByte<u32> = per_byte!(u32, |byte| meaning(byte, true));

/// The folded form of a byte of a word; 0 for a byte that ends words.
const FOLDED: u32 = 0xff;
/// A capital letter of ASCII.
const LOUD: u32 = 0x100;

const fn meaning(byte: u8, behind_latin: bool) -> u32 {
    let folded = match byte {
        b'a'..=b'z' | b'_' => byte,
        b'A'..=b'Z' => byte | 0x20,
        b'0'..=b'9' => b'0',
        0x80..=0x9e if behind_latin => byte | 0x20,
        0x80.. => byte,
        _ => 0,
    };
    let loud = if byte.is_ascii_uppercase() { LOUD } else { 0 };
    folded as u32 | loud
}

/// How many bytes follow that are read by the same table, and that table.
#[inline(always)]
fn stretch(rest: &[u8], behind_latin: bool) -> (usize, &'static PerByte<u32>) {
    if behind_latin {
        return (1, &LATIN_BYTES);
    }
    let latin = memchr::memchr(LATIN, rest);
    (latin.map_or(rest.len(), |at| at + 1), &BYTES)
}

/// Where a number of words have ended, with the byte that ends the last of them.
pub(super) fn behind_words(text: &[u8], words: usize) -> usize {
    let (mut left, mut inside) = (words, false);
    for (at, &byte) in text.iter().enumerate() {
        let is_letter = is_of_word(&byte);
        if inside && !is_letter {
            left -= 1;
        }
        if left == 0 {
            return at + 1;
        }
        inside = is_letter;
    }
    text.len()
}

/// Whether a byte belongs to a word.
pub(super) fn is_of_word(byte: &u8) -> bool {
    BYTES.of(*byte) & FOLDED != 0
}

/// The word that is being read.
#[derive(Clone, Copy)]
struct Reading {
    hash: u32,
    shingle: u32,
    length: usize,
    /// What all its bytes are.
    all: u32,
}

const NOTHING: Reading = Reading {
    hash: SEED,
    shingle: b' ' as u32,
    length: 0,
    all: u32::MAX,
};

/// The shingles of a word that are not shown before its end, by its length then. Longer
/// words show the rest at once.
pub(super) type Kept = [u32; 64];

/// Shows everything in the text to the sink.
#[inline(always)]
pub fn visit(text: &str, sink: &mut impl Sink) {
    let mut kept = [0; 64];
    let mut walk = Walk::new();
    walk.feed(text.as_bytes(), Some(&mut kept), sink);
    walk.end(Some(&kept), sink);
}

/// A text that is being read. A copy of it reads on from where it was made.
#[derive(Clone, Copy)]
pub(super) struct Walk {
    reading: Reading,
    /// The words before the one that is being read.
    second: u32,
    first: u32,
    /// The punctuation before, if no letter came since.
    mark: u8,
    behind_latin: bool,
}

impl Walk {
    /// At the beginning of a text.
    pub(super) fn new() -> Walk {
        Walk {
            reading: NOTHING,
            second: 0,
            first: 0,
            mark: 0,
            behind_latin: false,
        }
    }

    /// Reads on; shows what is found to the sink, the shingles of a word at its end when
    /// they are kept till then. It is inlined so that sinks that count do so in registers.
    #[inline(always)]
    pub(super) fn feed(&mut self, bytes: &[u8], mut kept: Option<&mut Kept>, sink: &mut impl Sink) {
        let Walk {
            mut reading,
            mut second,
            mut first,
            mut mark,
            mut behind_latin,
        } = *self;
        let mut rest = bytes;
        while !rest.is_empty() {
            let (length, table) = stretch(rest, behind_latin);
            let Some((part, after)) = rest.split_at_checked(length) else {
                break;
            };
            for &byte in part {
                let meaning = table.of(byte);
                let letter = meaning & FOLDED;
                if letter != 0 {
                    mark = 0;
                    reading.hash = (reading.hash ^ letter).wrapping_mul(PRIME);
                    reading.shingle = (reading.shingle << 8) | letter;
                    reading.length += 1;
                    reading.all &= meaning;
                    let kept = kept.as_deref_mut();
                    if let Some(slot) = kept.and_then(|kept| kept.get_mut(reading.length)) {
                        *slot = reading.shingle;
                    } else if reading.length >= 3 {
                        sink.feature(index(reading.shingle, SHINGLE));
                    }
                    continue;
                }
                if reading.length > 0 {
                    end(reading, second, first, kept.as_deref(), sink);
                    (second, first) = (first, reading.hash);
                    reading = NOTHING;
                }
                if byte != b' ' && byte != b'\t' {
                    let pair = u32::from(mark) << 8 | u32::from(byte);
                    sink.feature(index(pair, MARKS));
                    mark = byte;
                }
            }
            behind_latin = part.last() == Some(&LATIN);
            rest = after;
        }
        *self = Walk {
            reading,
            second,
            first,
            mark,
            behind_latin,
        };
    }

    /// Nothing follows: the word that is being read is over.
    #[inline(always)]
    pub(super) fn end(self, kept: Option<&Kept>, sink: &mut impl Sink) {
        if self.reading.length > 0 {
            end(self.reading, self.second, self.first, kept, sink);
        }
    }
}

/// A word ended: it alone, with its neighbour, with both of them.
#[inline(always)]
fn end(reading: Reading, second: u32, first: u32, kept: Option<&Kept>, sink: &mut impl Sink) {
    sink.word(reading.hash);
    if sink.wants(reading.hash) {
        let kept = kept.and_then(|kept| kept.get(3..=reading.length.min(kept.len() - 1)));
        for shingle in kept.unwrap_or_default() {
            sink.feature(index(*shingle, SHINGLE));
        }
        sink.feature(index(reading.hash, ONE));
    }
    if reading.length >= 3 && reading.all & LOUD != 0 {
        sink.feature(index(reading.hash, SHOUT));
    }
    let pair = first.rotate_left(7) ^ reading.hash;
    sink.feature(index(pair, TWO));
    sink.feature(index(second.rotate_left(14) ^ pair, THREE));
}
