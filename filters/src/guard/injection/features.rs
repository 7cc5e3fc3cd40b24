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
fn index(hash: u32, kind: u32) -> u32 {
    let mixed = (hash ^ kind).wrapping_mul(0x9e37_79b1);
    let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(kind | 1);
    mixed >> (32 - BITS)
}

/// A byte of a word in its folded form, 0 for a byte that ends words.
fn folded(byte: u8, before: u8) -> u8 {
    match byte {
        b'a'..=b'z' | b'_' => byte,
        b'A'..=b'Z' => byte | 0x20,
        b'0'..=b'9' => b'0',
        0x80..=0x9e if before == 0xc3 => byte | 0x20,
        0x80.. => byte,
        _ => 0,
    }
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
    let mut reading = NOTHING;
    let (mut second, mut first) = (0_u32, 0_u32);
    let mut mark = 0_u8;
    let mut before = 0_u8;
    for &byte in text.as_bytes() {
        let letter = folded(byte, before);
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
            sink.feature(index(u32::from(mark) << 8 | u32::from(byte), MARKS));
            mark = byte;
        }
    }
    if reading.length > 0 {
        end(reading, second, first, sink);
    }
}

/// A word ended: it alone, with its neighbour, with both of them.
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
