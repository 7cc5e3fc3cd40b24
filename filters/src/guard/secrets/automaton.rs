//! The automaton of the words of names, laid flat. The library builds it; here its table
//! has a row for each state and a column for each letter and digit, so that a byte costs
//! one lookup of its column and one of the next row, and nothing else is asked where no
//! word ends.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use aho_corasick::automaton::{Automaton as _, StateID};
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, BuildError, MatchError};

use super::alphabet::{self, COLUMNS};

/// A word's number, and its length in bytes.
pub(super) type Word = (usize, usize);

/// Reads letters and digits, and tells which words end.
#[derive(Debug, Default)]
pub(super) struct Automaton {
    /// The places where the rows begin that follow a row, one for each column. Rows at
    /// which words end stand behind all others.
    table: Vec<u32>,
    /// Where the first row begins at which words end.
    ending: u32,
    /// Which words end at each row from there on, the longest first.
    words: Vec<Vec<Word>>,
}

impl Automaton {
    /// The row before the first byte.
    pub(super) const START: u32 = 0;

    /// Compiles words of small letters and digits.
    ///
    /// # Errors
    /// The library refuses them; there are too many.
    pub(super) fn new(words: &[&str]) -> Result<Automaton, BuildError> {
        let built = DFA::new(words)?;
        Ok(flat(&built).unwrap_or_default())
    }

    /// The row that follows when a byte of this column is read.
    #[inline]
    pub(super) fn next(&self, row: u32, column: u8) -> u32 {
        let place = row as usize + usize::from(column);
        self.table.get(place).copied().unwrap_or(Self::START)
    }

    /// Whether words end at a row.
    #[inline]
    pub(super) fn has_ended(&self, row: u32) -> bool {
        row >= self.ending
    }

    /// The words that end at a row.
    pub(super) fn ended(&self, row: u32) -> &[Word] {
        let behind = row.checked_sub(self.ending).map(|row| row as usize);
        let words = behind.and_then(|row| self.words.get(row / COLUMNS));
        words.map_or(&[], Vec::as_slice)
    }
}

/// Lays the table flat: states are numbered as they are reached, so that those near the
/// start, where a text is most of the time, stand together.
fn flat(built: &DFA) -> Result<Automaton, MatchError> {
    let reached = reached(built)?;
    let (ending, plain): (Vec<StateID>, Vec<StateID>) = reached
        .into_iter()
        .partition(|state| built.is_match(*state));
    let rows: BTreeMap<StateID, u32> = plain
        .iter()
        .chain(&ending)
        .copied()
        .zip((0..).step_by(COLUMNS))
        .collect();
    let follows = |state: &StateID| {
        let state = *state;
        alphabet::columns().map(move |byte| built.next_state(Anchored::No, state, byte))
    };
    let all = plain.iter().chain(&ending);
    let table = all.flat_map(follows);
    let table = table.map(|next| rows.get(&next).copied().unwrap_or_default());
    let words = |state: &StateID| {
        let nth = 0..built.match_len(*state);
        let words = nth.map(|nth| built.match_pattern(*state, nth));
        let words = words.map(|word| (word.as_usize(), built.pattern_len(word)));
        words.collect()
    };
    Ok(Automaton {
        table: table.collect(),
        ending: (plain.len() * COLUMNS) as u32,
        words: ending.iter().map(words).collect(),
    })
}

/// All states that letters and digits lead to, the start first.
fn reached(built: &DFA) -> Result<Vec<StateID>, MatchError> {
    let start = built.start_state(Anchored::No)?;
    let mut known = BTreeSet::from([start]);
    let mut left = VecDeque::from([start]);
    let mut reached = Vec::new();
    while let Some(state) = left.pop_front() {
        reached.push(state);
        for byte in alphabet::columns() {
            let next = built.next_state(Anchored::No, state, byte);
            if known.insert(next) {
                left.push_back(next);
            }
        }
    }
    Ok(reached)
}
