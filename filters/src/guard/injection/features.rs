//! What the linear model sees of a text: hashed features, found in one pass
//! without allocation. Words and their neighbours carry the meaning, shingles
//! within words carry it over endings and misspellings, and pairs of punctuation
//! carry the shape of fake markup. Training and judging share this code, so that
//! they cannot drift apart.

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
}

const SEED: u32 = 0x811c_9dc5;
const PRIME: u32 = 0x0100_0193;

/// Kinds of features, so that equal hashes of two kinds fall on two places.
const ONE: u32 = 0x9e37_79b1;
const TWO: u32 = 0x85eb_ca6b;
const THREE: u32 = 0xc2b2_ae35;
const SHINGLE: u32 = 0x27d4_eb2f;
const MARKS: u32 = 0x1656_67b1;
const LOUD: u32 = 0x2545_f491;

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
    let mixed = (hash ^ kind).wrapping_mul(0x9e37_79b1);
    let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(kind | 1);
    mixed >> (32 - BITS)
}

/// The bytes of words in their folded form, 0 for a byte that ends words; the second
/// half is for what stands behind the first byte of a Latin-1 letter.
static FOLDED: [u8; 512] = folded();

/// The first byte of the Latin-1 letters.
const LATIN: u8 = 0xc3;

#[allow(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which refuses an index out of bounds"
)]
const fn folded() -> [u8; 512] {
    let mut all = [0; 512];
    let mut at = 0;
    while at < 512 {
        let byte = (at % 256) as u8;
        all[at] = match byte {
            b'a'..=b'z' | b'_' => byte,
            b'A'..=b'Z' => byte | 0x20,
            b'0'..=b'9' => b'0',
            0x80..=0x9e if at >= 256 => byte | 0x20,
            0x80.. => byte,
            _ => 0,
        };
        at += 1;
    }
    all
}

/// A byte of a word in its folded form, 0 for a byte that ends words.
fn fold(byte: u8, before: u8) -> u8 {
    let place = usize::from(before == LATIN) << 8 | usize::from(byte);
    FOLDED.get(place).copied().unwrap_or(0)
}

/// Where a number of words have ended, with the byte that ends the last of them.
pub(super) fn behind_words(text: &[u8], words: usize) -> usize {
    let (mut left, mut inside) = (words, false);
    for (at, &byte) in text.iter().enumerate() {
        let is_letter = fold(byte, 0) != 0;
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
    fold(*byte, 0) != 0
}

/// The word that is being read.
#[derive(Clone, Copy)]
struct Reading {
    hash: u32,
    shingle: u32,
    length: u32,
    loud: u32,
}

const NOTHING: Reading = Reading {
    hash: SEED,
    shingle: b' ' as u32,
    length: 0,
    loud: 0,
};

/// Shows everything in the text to the sink.
pub fn visit(text: &str, sink: &mut impl Sink) {
    let mut walk = Walk::new();
    walk.feed(text.as_bytes(), sink);
    walk.end(sink);
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
    before: u8,
}

impl Walk {
    /// At the beginning of a text.
    pub(super) fn new() -> Walk {
        Walk {
            reading: NOTHING,
            second: 0,
            first: 0,
            mark: 0,
            before: 0,
        }
    }

    /// Reads on; shows what is found to the sink. It is inlined so that sinks that count
    /// do so in registers.
    #[inline(always)]
    pub(super) fn feed(&mut self, bytes: &[u8], sink: &mut impl Sink) {
        let Walk {
            mut reading,
            mut second,
            mut first,
            mut mark,
            mut before,
        } = *self;
        for &byte in bytes {
            let letter = fold(byte, before);
            before = byte;
            if letter != 0 {
                mark = 0;
                reading.hash = (reading.hash ^ u32::from(letter)).wrapping_mul(PRIME);
                reading.shingle = (reading.shingle << 8) | u32::from(letter);
                reading.length += 1;
                reading.loud += u32::from(byte.is_ascii_uppercase());
                if reading.length >= 3 {
                    sink.feature(index(reading.shingle, SHINGLE));
                }
                continue;
            }
            if reading.length > 0 {
                end(reading, second, first, sink);
                (second, first) = (first, reading.hash);
                reading = NOTHING;
            }
            if byte != b' ' && byte != b'\t' {
                let pair = u32::from(mark) << 8 | u32::from(byte);
                sink.feature(index(pair, MARKS));
                mark = byte;
            }
        }
        *self = Walk {
            reading,
            second,
            first,
            mark,
            before,
        };
    }

    /// Nothing follows: the word that is being read is over.
    pub(super) fn end(self, sink: &mut impl Sink) {
        if self.reading.length > 0 {
            end(self.reading, self.second, self.first, sink);
        }
    }
}

/// A word ended: it alone, with its neighbour, with both of them.
#[inline(always)]
fn end(reading: Reading, second: u32, first: u32, sink: &mut impl Sink) {
    sink.word(reading.hash);
    sink.feature(index(reading.hash, ONE));
    let pair = first.rotate_left(7) ^ reading.hash;
    sink.feature(index(pair, TWO));
    sink.feature(index(second.rotate_left(14) ^ pair, THREE));
    if reading.loud >= 3 && reading.loud == reading.length {
        sink.feature(index(reading.hash, LOUD));
    }
}
