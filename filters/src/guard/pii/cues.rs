//! Finds the phrases behind which a name or a postal address stands. Only policies
//! that ask for either pay for it: every byte goes through an automaton.

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, StartKind};

use super::Entity;
use super::cue_words::{ALL, Cue};
use super::view::{View, work};

/// The longest phrase, in bytes.
pub(super) const LONGEST: usize = 32;

/// The phrases of all languages, compiled.
#[derive(Debug)]
pub(super) struct Cues {
    automaton: DFA,
    start: StateID,
    kinds: Vec<Cue>,
}

/// A phrase in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Phrase {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) cue: Cue,
}

impl Cue {
    /// What stands behind such a phrase.
    pub(super) fn entity(self) -> Entity {
        match self {
            Cue::Lives | Cue::Place => Entity::Address,
            _ => Entity::Person,
        }
    }
}

impl Cues {
    /// The phrases that tell of these kinds; none if there is none.
    pub(super) fn new(wanted: impl Fn(Entity) -> bool) -> Option<Cues> {
        let rows = ALL.iter().flat_map(|language| language.iter());
        let rows = rows.filter(|(cue, _)| wanted(cue.entity()));
        let rows = rows.flat_map(|(cue, phrases)| phrases.iter().map(|phrase| (*phrase, *cue)));
        // Languages share some.
        let mut rows: Vec<(&str, Cue)> = rows.collect();
        rows.sort_by_key(|(phrase, _)| *phrase);
        rows.dedup();
        let (phrases, kinds): (Vec<&str>, Vec<Cue>) = rows.into_iter().unzip();
        let automaton = DFA::builder()
            .ascii_case_insensitive(true)
            .start_kind(StartKind::Unanchored)
            .build(phrases)
            .ok()?;
        let start = automaton.start_state(Anchored::No).ok()?;
        (!kinds.is_empty()).then_some(Cues {
            automaton,
            start,
            kinds,
        })
    }

    /// Reads phrases that end at this place or later.
    pub(super) fn read(&self, from: usize) -> Reading<'_> {
        Reading {
            cues: self,
            at: from.saturating_sub(LONGEST + 1),
            state: self.start,
            pending: 0,
        }
    }
}

/// How far phrases are read.
pub(super) struct Reading<'a> {
    cues: &'a Cues,
    at: usize,
    state: StateID,
    /// Phrases that end here and were offered already.
    pending: usize,
}

impl Reading<'_> {
    /// The next phrase that ends between two places, both included.
    pub(super) fn next(&mut self, bytes: &[u8], (from, to): (usize, usize)) -> Option<Phrase> {
        loop {
            if let Some(phrase) = self.here(bytes).filter(|phrase| phrase.end >= from) {
                return Some(phrase);
            }
            if !self.advance(bytes.get(self.at..to)?) {
                return None;
            }
        }
    }

    /// Reads on to the next end of a phrase; whether there is one.
    fn advance(&mut self, bytes: &[u8]) -> bool {
        let automaton = &self.cues.automaton;
        let mut state = self.state;
        self.pending = 0;
        for (byte, read) in bytes.iter().zip(1..) {
            state = automaton.next_state(Anchored::No, state, *byte);
            if automaton.is_special(state) && automaton.is_match(state) {
                work::note(read);
                (self.at, self.state) = (self.at + read, state);
                return true;
            }
        }
        work::note(bytes.len());
        (self.at, self.state) = (self.at + bytes.len(), state);
        false
    }

    /// The next phrase that ends where it was read to.
    fn here(&mut self, bytes: &[u8]) -> Option<Phrase> {
        let automaton = &self.cues.automaton;
        let count = match automaton.is_match(self.state) {
            true => automaton.match_len(self.state),
            false => 0,
        };
        while self.pending < count {
            let pattern = automaton.match_pattern(self.state, self.pending);
            self.pending += 1;
            let start = self.at - automaton.pattern_len(pattern);
            let before = View::new(bytes, true).before(start);
            if !before.is_ascii_alphanumeric() && before < 0x80 && before != b'_' {
                let cue = self.cues.kinds.get(pattern.as_usize()).copied()?;
                let end = self.at;
                return Some(Phrase { start, end, cue });
            }
        }
        None
    }
}
