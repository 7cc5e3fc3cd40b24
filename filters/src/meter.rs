//! Counts tokens without a vocabulary. Providers report usage late, or never
//! when a stream is cut; rates and money must be known before. The heuristic of
//! the design page `providers.md` section 5 matched the providers' own counts
//! as well as a BPE table does for models that are not OpenAI's, and needs no
//! start-up time, no memory and no allocation.
//!
//! | run of | tokens |
//! |---|---|
//! | ASCII letters | 1 up to 7 letters, then 1 per 6 more or part of them |
//! | letters that are not ASCII | bytes / 3.2, beside the ASCII letters of the word |
//! | digits | 1 per 3 or part of them |
//! | CJK characters | 0.85 each |
//! | punctuation | 1, and 0.3 for each further mark |
//! | signs that are not ASCII | bytes / 3.2 |
//! | one space | 0 |
//! | any other white space | 1 |
//!
//! The table is run as an automaton over bytes: what a byte costs depends on the
//! state before it and on nothing else. So a text may be cut anywhere, and the
//! cost of a byte is two look-ups, whatever the text.

/// One token, in the unit in which every constant of the table is a whole number.
const TOKEN: u8 = 80;
const FURTHER_MARK: u8 = 24;
const CJK: u8 = 68;
const FOREIGN_BYTE: u8 = 25;

/// Counts the tokens of one text that arrives in pieces, cut anywhere. Use one
/// counter per text: two interleaved channels in one counter would break each
/// other's words.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokenCounter {
    /// In the unit of [`TOKEN`].
    cost: u64,
    /// Where the state's row begins in [`TABLE`].
    state: u16,
}

impl TokenCounter {
    /// Adds the next piece of the text.
    pub fn push(&mut self, piece: &str) {
        let (mut cost, mut state) = (self.cost, self.state);
        for byte in piece.bytes() {
            let class = CLASSES.get(usize::from(byte)).copied().unwrap_or_default();
            let cell = TABLE
                .get(usize::from(state | class))
                .copied()
                .unwrap_or_default();
            cost += u64::from(cell.cost);
            state = cell.next;
        }
        (self.cost, self.state) = (cost, state);
    }

    /// The tokens so far, rounded up to a whole number.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        self.cost.div_ceil(u64::from(TOKEN))
    }
}

/// The tokens of one whole text.
#[must_use]
pub fn count(text: &str) -> u64 {
    let mut counter = TokenCounter::default();
    counter.push(text);
    counter.tokens()
}

// Classes of bytes. Of a character that is not ASCII the first byte pays.
const LETTER: u16 = 0;
const DIGIT: u16 = 1;
const SPACE: u16 = 2;
const BREAK: u16 = 3;
const MARK: u16 = 4;
/// Letters of two and three bytes: Latin, Greek, Cyrillic, Arabic, Indic, …
const LETTER_2: u16 = 5;
const LETTER_3: u16 = 6;
/// Signs of two to four bytes: quotation marks, dashes, arrows, emoji.
const SIGN_2: u16 = 7;
const SIGN_3: u16 = 8;
const SIGN_4: u16 = 9;
const IDEOGRAPH: u16 = 10;
const CONTINUATION: u16 = 11;
/// As many cells as there are classes, rounded up to a power of two.
const ROW: u16 = 16;

const CLASSES: [u16; 256] = {
    let mut classes = [MARK; 256];
    let mut rest: &mut [u16] = &mut classes;
    let mut byte = 0;
    while let Some((class, tail)) = rest.split_first_mut() {
        *class = class_of(byte);
        byte = byte.wrapping_add(1);
        rest = tail;
    }
    classes
};

const fn class_of(byte: u8) -> u16 {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' => LETTER,
        b'0'..=b'9' => DIGIT,
        b' ' => SPACE,
        b'\t'..=b'\r' => BREAK,
        0x80..=0xBF => CONTINUATION,
        0xC3..=0xDF => LETTER_2,
        0xE0..=0xE1 => LETTER_3,
        0xC0..=0xC2 => SIGN_2,
        // U+3000 to U+DFFF: kana, ideographs, Hangul.
        0xE3..=0xED => IDEOGRAPH,
        0xE2 | 0xEE..=0xEF => SIGN_3,
        0xF0..=0xFF => SIGN_4,
        _ => MARK,
    }
}

// States: what came before.
const START: u16 = 0;
/// `LETTERS + n`: a word of n ASCII letters so far; beyond 13 it goes back to 8.
const LETTERS: u16 = 0;
/// `DIGITS + n`: a number, n digits into its group of three.
const DIGITS: u16 = 13;
const MARKS: u16 = 17;
const ONE_SPACE: u16 = 18;
const WHITE: u16 = 19;
/// As many as there are states, rounded up to a power of two.
const STATES: u16 = 32;

#[derive(Clone, Copy, Default)]
struct Cell {
    /// Where the next state's row begins.
    next: u16,
    cost: u8,
}

const TABLE: [Cell; (STATES * ROW) as usize] = {
    let mut table = [Cell {
        next: START,
        cost: 0,
    }; (STATES * ROW) as usize];
    let mut rest: &mut [Cell] = &mut table;
    let mut at = 0;
    while let Some((cell, tail)) = rest.split_first_mut() {
        let (next, cost) = step(at / ROW, at % ROW);
        *cell = Cell {
            next: next * ROW,
            cost,
        };
        at += 1;
        rest = tail;
    }
    table
};

/// The state after a byte of `class` in `state`, and what that byte costs.
const fn step(state: u16, class: u16) -> (u16, u8) {
    let in_word = state > START && state <= LETTERS + 13;
    match class {
        LETTER if !in_word => (LETTERS + 1, TOKEN),
        LETTER if state == LETTERS + 7 || state == LETTERS + 13 => (LETTERS + 8, TOKEN),
        LETTER => (state + 1, 0),
        DIGIT if state > DIGITS && state < DIGITS + 3 => (state + 1, 0),
        DIGIT => (DIGITS + 1, TOKEN),
        SPACE if state == ONE_SPACE => (WHITE, TOKEN),
        SPACE if state == WHITE => (WHITE, 0),
        SPACE => (ONE_SPACE, 0),
        BREAK if state == WHITE => (WHITE, 0),
        BREAK => (WHITE, TOKEN),
        MARK if state == MARKS => (MARKS, FURTHER_MARK),
        MARK => (MARKS, TOKEN),
        LETTER_2 => (if in_word { state } else { START }, 2 * FOREIGN_BYTE),
        LETTER_3 => (if in_word { state } else { START }, 3 * FOREIGN_BYTE),
        SIGN_2 => (START, 2 * FOREIGN_BYTE),
        SIGN_3 => (START, 3 * FOREIGN_BYTE),
        SIGN_4 => (START, 4 * FOREIGN_BYTE),
        IDEOGRAPH => (START, CJK),
        _ => (state, 0),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_row_of_the_table_holds() {
        for (text, tokens) in [
            ("", 0),
            ("a", 1),
            ("lantern", 1),
            ("lanterns", 2),
            ("extraordinary", 2),
            ("extraordinarily", 3),
            ("two words", 2),
            ("two  words", 3),
            ("one\ntwo", 3),
            ("one \n\n two", 3),
            ("123", 1),
            ("1234", 2),
            ("1234567", 3),
            ("!", 1),
            ("!!!!!!", 3),
            ("naïve", 2),
            ("привет мир", 6),
            ("你好世界", 4),
            ("こんにちは", 5),
            ("🦊", 2),
        ] {
            assert_eq!(count(text), tokens, "{text:?}");
        }
    }

    #[test]
    fn a_very_long_word_goes_on_costing() {
        assert_eq!(count(&"a".repeat(6_000_007)), 1_000_001);
        assert_eq!(count(&"word ".repeat(1000)), 1000);
        assert_eq!(count(&"7".repeat(3000)), 1000);
    }

    proptest! {
        #[test]
        fn where_a_text_is_cut_does_not_change_its_count(
            pieces in proptest::collection::vec("([a-zé0-9 \n你!🦊]|\\PC){0,9}", 0..9)
        ) {
            let mut counter = TokenCounter::default();
            pieces.iter().for_each(|piece| counter.push(piece));
            prop_assert_eq!(counter.tokens(), count(&pieces.concat()));
        }

        #[test]
        fn a_text_costs_at_most_a_token_and_a_quarter_per_character(text in "\\PC{0,40}") {
            prop_assert!(count(&text) <= 1 + text.chars().count() as u64 * 5 / 4);
        }
    }
}
