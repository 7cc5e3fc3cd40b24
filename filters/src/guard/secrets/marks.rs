//! What the bytes of a text are, 64 at a time, a bit for each: so all tokens of a block
//! are told at once which of them may hold something. Most hold nothing, and cost no more
//! than their bytes.

use super::super::per_byte::{PerByte, per_byte};
use super::alphabet::{self, ALNUM, DIGIT, OPERATOR};
use super::run::{self, BOUND, ENCLOSED, WORDY};

/// How many bytes have bits at a time.
const BLOCK: usize = 64;

/// How many of them are read in a row.
const LANE: usize = 16;

/// So many signs in a row may be a border, or the beginning of a private key.
const SIGNS: usize = 5;

/// Four marks for each byte, each at the end of a lane of its own, so that a shift makes
/// room for those of the next byte: it stands in a token, it is a letter or digit, it is a
/// digit or binds values to names, a value may begin behind it.
static MARKS: PerByte<u64> = per_byte!(u64, |byte| {
    let bit = alphabet::bit(byte);
    let token = (bit != 0) as u64;
    let alnum = (bit & ALNUM != 0) as u64;
    let strong = (bit & (DIGIT | OPERATOR) != 0) as u64;
    let opens = run::opens(byte) as u64;
    token << 15 | alnum << 31 | strong << 47 | opens << 63
});

/// The marks of some bytes, the first in the lowest bit of each lane.
#[inline]
fn lane(bytes: &[u8]) -> u64 {
    let marked = bytes.iter().fold(0, |all, byte| all >> 1 | MARKS.of(*byte));
    marked >> (LANE - bytes.len())
}

/// Where so many bits stand in a row, at the first of them. Behind the block all stand.
#[inline]
fn rows<const LENGTH: usize>(bits: u64) -> u64 {
    let (mut found, mut length) = (bits, 1);
    while length < LENGTH {
        let step = length.min(LENGTH - length);
        found &= !(!found >> step);
        length += step;
    }
    found
}

/// All bits of a block from a place on.
#[inline]
fn bits_from(place: usize) -> u64 {
    if place < BLOCK { u64::MAX << place } else { 0 }
}

/// The bits of a block of a text.
#[derive(Debug)]
pub(super) struct Marks<'a> {
    text: &'a [u8],
    /// Where the block begins: never within a token that began before.
    from: usize,
    /// What stands in tokens.
    token: u64,
    /// Where signs stand in a row that might be a border.
    signs: u64,
    /// What says of its token that it may hold something.
    tells: u64,
}

impl<'a> Marks<'a> {
    /// The bits of a text from a place on.
    pub(super) fn new(text: &'a [u8], from: usize) -> Marks<'a> {
        let mut marks = Marks {
            text,
            from,
            token: 0,
            signs: 0,
            tells: 0,
        };
        marks.read(from);
        marks
    }

    /// Reads the block from a place on.
    fn read(&mut self, from: usize) {
        let rest = self.text.get(from..).unwrap_or_default();
        let block = rest.get(..BLOCK).unwrap_or(rest);
        let (mut token, mut alnum, mut strong, mut opens) = (0, 0, 0, 0);
        let (lanes, last) = block.as_chunks::<LANE>();
        let lanes = lanes.iter().map(|bytes| lane(bytes));
        let last = (!last.is_empty()).then(|| lane(last));
        for (marked, shift) in lanes.chain(last).zip((0..).step_by(LANE)) {
            token |= (marked & 0xffff) << shift;
            alnum |= (marked >> 16 & 0xffff) << shift;
            strong |= (marked >> 32 & 0xffff) << shift;
            opens |= (marked >> 48) << shift;
        }
        // A token that may go on behind the block is looked at.
        let behind = bits_from(block.len());
        token |= behind;
        let before = from.checked_sub(1).and_then(|at| self.text.get(at));
        let opened = opens << 1 | u64::from(before.is_some_and(|byte| run::opens(*byte)));
        let bound = rows::<BOUND>(token);
        let in_bound = (1..BOUND).fold(bound, |all, back| all | bound << back);
        let signs = rows::<SIGNS>(token & !alnum);
        let tells = strong & in_bound | rows::<WORDY>(token) | rows::<ENCLOSED>(token) & opened;
        (self.from, self.token, self.signs) = (from, token, signs);
        self.tells = (tells | signs) & !behind;
    }

    /// Where the next token begins, from a place on, that may hold something: the text's
    /// length if none does. The place is not within a token, and places come in rising
    /// order.
    #[inline]
    pub(super) fn next(&mut self, from: usize) -> usize {
        let mut at = from;
        loop {
            let tells = self.tells & bits_from(at - self.from);
            if tells != 0 {
                let place = tells.trailing_zeros() as usize;
                let gaps = !self.token & !bits_from(place);
                let start = (u64::BITS - gaps.leading_zeros()) as usize;
                return at.max(self.from + start);
            }
            at = at.max(self.from + BLOCK);
            if at >= self.text.len() {
                return self.text.len();
            }
            self.read(at);
        }
    }

    /// Where the token ends that begins at the place that [`next`](Marks::next) gave, when
    /// that is told by the block alone.
    #[inline]
    pub(super) fn end(&self, start: usize) -> Option<usize> {
        let onwards = bits_from(start - self.from);
        let end = (!self.token & onwards).trailing_zeros() as usize;
        let signs = self.signs & onwards & !bits_from(end);
        (end < BLOCK && signs == 0).then_some(self.from + end)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{follow, is_in_token, next_token, pem};
    use super::*;

    /// The tokens from a place on that may hold something, those that end the text too.
    fn told(text: &[u8], from: usize) -> Vec<std::ops::Range<usize>> {
        let mut marks = Marks::new(text, from);
        let (mut at, mut told) = (from, Vec::new());
        loop {
            at = marks.next(at);
            if at == text.len() {
                return told;
            }
            let end = marks.end(at);
            let known = follow(text, at);
            assert!(
                end.is_none_or(|end| end == known),
                "{at}: {end:?} for {known}"
            );
            told.push(at..known);
            at = known;
        }
    }

    proptest::proptest! {
        #[test]
        fn no_token_that_may_hold_something_is_passed(
            text in "([a-z ]{1,30}|[-=_.:]{1,9}|[A-Za-z0-9]{1,70}|[\"'`é\n 1=k]{1,6}|-----BEGIN ){0,12}",
            from in 0_usize..40,
        ) {
            let text = text.as_bytes();
            let within = |at: usize| at > 0 && is_in_token(text[at - 1]) && is_in_token(text[at]);
            let from = (from.min(text.len())..text.len()).find(|at| !within(*at));
            let from = from.unwrap_or(text.len());
            let told = told(text, from);
            let mut token = next_token(text, from);
            while !token.is_empty() {
                let bits = alphabet::union(&text[token.clone()]);
                let holds = run::worth(text, token.start, token.end, bits)
                    || pem::begins(text, &token).is_some()
                    || token.end == text.len();
                proptest::prop_assert!(!holds || told.contains(&token), "{token:?}");
                token = next_token(text, token.end);
            }
        }
    }
}
