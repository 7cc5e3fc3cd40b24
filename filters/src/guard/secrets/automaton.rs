//! The automaton of the words of names, laid flat. The library builds it; here its table
//! has a row for each state and a column for each letter and digit, so that a byte costs
//! one lookup of its column and one of the next row, and nothing else is asked where no
//! word ends.

use aho_corasick::automaton::{Automaton as _, StateID};
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, MatchError};

use super::alphabet::{self, COLUMNS};

/// A word's number, and its length in bytes.
pub(super) type Word = (usize, usize);

/// Reads letters and digits, and tells which words end.
#[derive(Debug)]
pub(super) struct Automaton {
    /// The places where the rows begin that follow a row, one for each column. Rows at
    /// which words end stand behind all others.
    table: Vec<u32>,
    /// Where the first row begins at which words end.
    ending: u32,
    /// Which words end at each row from there on.
    words: Vec<Vec<Word>>,
}

impl Automaton {
    /// The row before the first byte.
    pub(super) const START: u32 = 0;

    /// Compiles words of small letters and digits; nothing when the library refuses them,
    /// as it does far too many.
    pub(super) fn new(words: &[&str]) -> Option<Automaton> {
        let built = DFA::new(words).ok()?;
        flat(&built).ok()
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
    let Reached { states, follow } = reached(built)?;
    let ends = |place: &u32| {
        let state = states.get(*place as usize);
        state.is_some_and(|state| built.is_match(*state))
    };
    let (ending, plain): (Vec<u32>, Vec<u32>) = (0..states.len() as u32).partition(ends);
    let mut rows = vec![0; states.len()];
    for (place, row) in plain.iter().chain(&ending).zip((0..).step_by(COLUMNS)) {
        if let Some(slot) = rows.get_mut(*place as usize) {
            *slot = row;
        }
    }
    let row = |place: &u32| rows.get(*place as usize).copied().unwrap_or_default();
    let follows = |place: &u32| {
        let from = *place as usize * COLUMNS;
        follow.get(from..from + COLUMNS).unwrap_or_default()
    };
    let table = plain.iter().chain(&ending).flat_map(follows).map(row);
    let words = |place: &u32| {
        let state = states.get(*place as usize).copied().unwrap_or_default();
        let words = (0..built.match_len(state)).map(|nth| built.match_pattern(state, nth));
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
#[derive(Default)]
struct Reached {
    states: Vec<StateID>,
    /// Per state, one after the other, the places of those that follow it.
    follow: Vec<u32>,
}

fn reached(built: &DFA) -> Result<Reached, MatchError> {
    let start = built.start_state(Anchored::No)?;
    let mut reached = Reached::default();
    // A state's place and one more, by its number.
    let mut places: Vec<u32> = Vec::new();
    let mut place_of = |state: StateID, states: &mut Vec<StateID>| {
        let number = state.as_usize();
        if places.len() <= number {
            places.resize(number + 1, 0);
        }
        let Some(place) = places.get_mut(number) else {
            return 0;
        };
        if *place == 0 {
            states.push(state);
            *place = states.len() as u32;
        }
        *place - 1
    };
    place_of(start, &mut reached.states);
    let mut at = 0;
    while let Some(state) = reached.states.get(at).copied() {
        for byte in alphabet::columns() {
            let next = built.next_state(Anchored::No, state, byte);
            let place = place_of(next, &mut reached.states);
            reached.follow.push(place);
        }
        at += 1;
    }
    Ok(reached)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which words end behind which letters.
    fn read(automaton: &Automaton, text: &str) -> Vec<(usize, usize)> {
        let mut row = Automaton::START;
        let mut found = Vec::new();
        for (at, byte) in text.bytes().enumerate() {
            row = automaton.next(row, alphabet::column(byte));
            assert_eq!(automaton.has_ended(row), !automaton.ended(row).is_empty());
            let ended = automaton.ended(row).iter();
            found.extend(ended.map(|(word, length)| (at + 1 - length, *word)));
        }
        found.sort_unstable();
        found
    }

    proptest::proptest! {
        #[test]
        fn words_are_found_wherever_they_stand(
            words in proptest::collection::btree_set("[ab0]{1,4}", 1..8),
            text in "[abAB0z]{0,24}",
        ) {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let small = text.to_ascii_lowercase();
            let stands = |at: usize, word: &str| small[at..].starts_with(word);
            let mut expected = Vec::new();
            for at in 0..small.len() {
                let here = words.iter().enumerate().filter(|(_, word)| stands(at, word));
                expected.extend(here.map(|(word, _)| (at, word)));
            }
            expected.sort_unstable();
            let automaton = Automaton::new(&words).unwrap();
            proptest::prop_assert_eq!(read(&automaton, &text), expected);
        }
    }
}
