//! Names of people by the phrase before them: "my name is", a title, a salutation, a
//! field of a form, the last line of a letter. Words with a capital only, and none of
//! those that begin sentences; a name alone is not found, that takes a model.

use super::Entity;
use super::cue_words::{Cue, NOBODY_WORDS, PARTICLE_WORDS};
use super::cues::Phrase;
use super::hit::Hit;
use super::letters::{self, Packed, Spelt, packed, word};
use super::view::View;

static NOBODY: [Packed; NOBODY_WORDS.len()] = packed(NOBODY_WORDS);
static PARTICLES: [Packed; PARTICLE_WORDS.len()] = packed(PARTICLE_WORDS);
/// The most words of a name, particles too.
const WORDS: usize = 5;
/// How sure a name is behind a phrase that is followed by hardly anything else.
const SURE: u8 = 60;
/// How sure it is behind one that often is.
const UNSURE: u8 = 35;

/// A name that was read: where it ends, and its words without particles and initials.
struct Name {
    end: usize,
    words: usize,
}

/// The name behind a phrase.
pub(super) fn find(view: &View<'_>, phrase: &Phrase) -> Option<Hit> {
    let start = begin(view, phrase)?;
    let name = read(view, start)?;
    let next = view.at(name.end);
    let line = matches!(next, b'\n' | b'\r' | 0);
    let percent = match phrase.cue {
        Cue::Named | Cue::Title | Cue::Field => SURE,
        Cue::Greeting if line || matches!(next, b',' | b'!' | b':' | b';' | b'.') => UNSURE,
        Cue::Closing if line || next == b',' => UNSURE,
        Cue::AnyField if name.words > 1 && (line || matches!(next, b',' | b';' | b'"')) => UNSURE,
        _ => return None,
    };
    Some(Hit::new(Entity::Person, start..name.end, percent))
}

/// Where a name may begin behind a phrase of this kind.
fn begin(view: &View<'_>, phrase: &Phrase) -> Option<usize> {
    let end = phrase.end;
    let space = |byte| matches!(byte, b' ' | b'\t');
    match phrase.cue {
        Cue::Title => {
            let capital = word(view, phrase.start).is_some_and(|word| word.capital);
            let end = end + usize::from(view.at(end) == b'.');
            (capital && view.at(end) == b' ').then_some(end + 1)
        }
        Cue::Field | Cue::AnyField => {
            let colon = view.run(end, 2, |byte| matches!(byte, b' ' | b'"' | b'*'));
            let behind = view.run(colon + 1, 4, |byte| {
                space(byte) || matches!(byte, b'"' | b'*')
            });
            // `- name: ` begins a thing of a list.
            let listed = view.before(phrase.start) == b' ' && view.before(phrase.start - 1) == b'-';
            let any = phrase.cue == Cue::AnyField;
            (view.at(colon) == b':' && !(any && listed)).then_some(behind)
        }
        Cue::Closing => {
            let end = view.run(end, 3, |byte| matches!(byte, b',' | b'!' | b'.' | b' '));
            let stop = view.run(end, 6, |byte| matches!(byte, b'\n' | b'\r' | b' '));
            view.part(end, stop).contains(&b'\n').then_some(stop)
        }
        Cue::Greeting => {
            let end = end + usize::from(view.at(end) == b',');
            (view.at(end) == b' ').then_some(end + 1)
        }
        _ => {
            let colon = end + usize::from(view.at(end) == b':');
            let start = view.run(colon, 3, space);
            (start > colon).then_some(start)
        }
    }
}

/// Reads a name.
fn read(view: &View<'_>, start: usize) -> Option<Name> {
    let mut name = Name {
        end: start,
        words: 0,
    };
    let mut at = start;
    for _ in 0..WORDS {
        let Some(word) = word(view, at) else { break };
        let initial =
            word.capital && !word.small && word.length() <= 3 && view.at(word.end) == b'.';
        if initial {
            name.end = word.end + 1;
        } else if proper(view, &word) {
            name.end = word.end;
            name.words += 1;
        } else if name.words == 0 || !word.among(view, &PARTICLES) {
            break;
        }
        let end = word.end + usize::from(initial);
        if view.at(end) != b' ' {
            break;
        }
        at = end + 1;
    }
    let next = view.at(name.end);
    let tied = next == b'.' && letters::starts(view, name.end + 1);
    let tied = tied || matches!(next, b'@' | b'_' | b'/' | b'\\' | b'=' | b'(' | b'[' | b'<');
    (name.words > 0 && !tied && !letters::starts(view, name.end)).then_some(name)
}

/// Whether a word may be a part of a name.
fn proper(view: &View<'_>, word: &Spelt) -> bool {
    word.capital && word.small && word.length() > 1 && !word.among(view, &NOBODY)
}
