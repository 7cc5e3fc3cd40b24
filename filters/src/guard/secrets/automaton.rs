//! The automaton of the words of names, laid flat. The library builds it; here its table
//! has a row for each state, with a column for each letter and digit and one for all other
//! bytes, so that a byte costs one lookup of its column and one of the next row, and
//! nothing else is asked where no word ends.

use aho_corasick::automaton::{Automaton as _, StateID};
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, MatchError};

use super::alphabet::{self, ALNUM, COLUMNS};

/// A word's number, and its length in bytes.
pub(super) type Word = (usize, usize);

/// How many places a row has: more than there are columns, so that it lies in two lines
/// of a cache and its place is found by a shift.
const WIDTH: usize = 64;

/// The numbers of the rows that follow one, by columns.
type Row = [u16; WIDTH];

/// Reads letters and digits, and tells which words end.
#[derive(Debug)]
pub(super) struct Automaton {
    /// Rows at which words end stand behind all others.
    rows: Vec<Row>,
    /// The number of the first row at which words end.
    ending: u16,
    /// Which words end at each row from there on.
    words: Vec<Vec<Word>>,
}

impl Automaton {
    /// The row before the first byte.
    pub(super) const START: u16 = 0;

    /// Compiles words of small letters and digits; nothing when the library refuses them,
    /// as it does far too many.
    pub(super) fn new(words: &[&str]) -> Option<Automaton> {
        let built = DFA::new(words).ok()?;
        flat(&built).ok()?
    }

    /// Reads up to the next byte at which words end: gives the row behind it, and how many
    /// bytes were read if there is one. What is no letter and no digit leaves the row as
    /// it is, since words may have such bytes between their letters.
    #[inline]
    pub(super) fn read(&self, mut row: u16, bytes: &[u8]) -> (u16, Option<usize>) {
        let (rows, ending) = (self.rows.as_slice(), self.ending);
        for (read, byte) in (1..).zip(bytes) {
            let column = usize::from(alphabet::column(*byte)) % WIDTH;
            let follow = rows.get(usize::from(row)).and_then(|row| row.get(column));
            row = follow.copied().unwrap_or(Self::START);
            // Behind a word the row is still its.
            if row >= ending && alphabet::of(*byte) & ALNUM != 0 {
                return (row, Some(read));
            }
        }
        (row, None)
    }

    /// The words that end at a row.
    pub(super) fn ended(&self, row: u16) -> &[Word] {
        let behind = row.checked_sub(self.ending).map(usize::from);
        let words = behind.and_then(|row| self.words.get(row));
        words.map_or(&[], Vec::as_slice)
    }
}

/// Lays the table flat: states are numbered as they are reached, so that those near the
/// start, where a text is most of the time, stand together. Nothing when there are more
/// states than numbers.
fn flat(built: &DFA) -> Result<Option<Automaton>, MatchError> {
    let Reached { states, follow } = reached(built)?;
    if states.len() > usize::from(u16::MAX) {
        return Ok(None);
    }
    let ends = |place: &usize| {
        let state = states.get(*place);
        state.is_some_and(|state| built.is_match(*state))
    };
    let (ending, plain): (Vec<usize>, Vec<usize>) = (0..states.len()).partition(ends);
    let mut numbers = vec![0_u16; states.len()];
    for (place, number) in plain.iter().chain(&ending).zip(0..) {
        if let Some(slot) = numbers.get_mut(*place) {
            *slot = number;
        }
    }
    let number = |place: &usize| numbers.get(*place).copied().unwrap_or_default();
    let row = |place: &usize| {
        let from = place * COLUMNS;
        let columns = follow.get(from..from + COLUMNS).unwrap_or_default();
        let mut row = [number(place); WIDTH];
        for (slot, follows) in row.iter_mut().zip(columns) {
            *slot = number(follows);
        }
        row
    };
    let words = |place: &usize| {
        let state = states.get(*place).copied().unwrap_or_default();
        let words = (0..built.match_len(state)).map(|nth| built.match_pattern(state, nth));
        let words = words.map(|word| (word.as_usize(), built.pattern_len(word)));
        words.collect()
    };
    Ok(Some(Automaton {
        rows: plain.iter().chain(&ending).map(row).collect(),
        ending: plain.len() as u16,
        words: ending.iter().map(words).collect(),
    }))
}

/// All states that letters and digits lead to, the start first.
#[derive(Default)]
struct Reached {
    states: Vec<StateID>,
    /// Per state, one after the other, the places of those that follow it.
    follow: Vec<usize>,
}

fn reached(built: &DFA) -> Result<Reached, MatchError> {
    let start = built.start_state(Anchored::No)?;
    let mut reached = Reached::default();
    // A state's place and one more, by its number.
    let mut places: Vec<usize> = Vec::new();
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
            *place = states.len();
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
        let (mut row, mut at) = (Automaton::START, 0);
        let mut found = Vec::new();
        loop {
            let (end, read) = automaton.read(row, &text.as_bytes()[at..]);
            let Some(read) = read else {
                break;
            };
            (row, at) = (end, at + read);
            let ended = automaton.ended(row);
            assert!(!ended.is_empty());
            found.extend(ended.iter().map(|(word, length)| (at - length, *word)));
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
