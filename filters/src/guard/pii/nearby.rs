//! The words before a number, however many numbers stand close together: each byte
//! is read once, and what was read is kept as long as a number can ask for it.

use super::context::{Context, REACH, StateID, Topic, UNSEEN, Word, Words};
use super::view::View;

/// How much earlier than the number before it a number may begin: two letters and a
/// space, or `+(`.
const SLACK: usize = 4;
/// The most words that are kept. More do not stand in so few bytes.
const KEPT: usize = 64;
/// How far back a table's heading is looked for, in bytes.
const TABLE: usize = 190;
/// The most columns of a table whose headings are remembered.
const COLUMNS: usize = 32;

/// What was read before the numbers of one window.
pub(super) struct Nearby<'a> {
    words: &'a Words,
    state: Option<StateID>,
    /// The part that was read without a gap.
    read: (usize, usize),
    kept: [Word; KEPT],
    count: usize,
    /// What the words say of the number that was asked for last.
    context: Context,
    asked: Option<usize>,
    columns: [Column; COLUMNS],
}

/// What is known of one column of a table.
#[derive(Clone, Copy, Default)]
struct Column {
    /// The lines before this place were looked at.
    upto: usize,
    /// The last line among them that heads the column with a word.
    heading: Option<usize>,
}

impl<'a> Nearby<'a> {
    pub(super) fn new(words: &'a Words) -> Nearby<'a> {
        Nearby {
            words,
            state: None,
            read: (0, 0),
            kept: [Word::default(); KEPT],
            count: 0,
            context: Context::SILENCE,
            asked: None,
            columns: [Column::default(); COLUMNS],
        }
    }

    /// What the words before this place say, if somebody asked for it already.
    pub(super) fn known(&self, start: usize) -> Option<&Context> {
        (self.asked == Some(start)).then_some(&self.context)
    }

    /// What the words before this place say.
    pub(super) fn before(&mut self, view: &View<'_>, start: usize) -> &Context {
        if self.asked != Some(start) {
            self.read_to(view, start);
            self.context = Context::SILENCE;
            let least = start.saturating_sub(REACH);
            for word in self.kept.get(..self.count).unwrap_or_default() {
                let whole = !word.tied || word.end == start;
                if word.start >= least && word.end <= start && whole {
                    self.context.note(word.topic, start - word.end);
                }
            }
            self.asked = Some(start);
        }
        &self.context
    }

    /// Reads the words that end before this place.
    fn read_to(&mut self, view: &View<'_>, start: usize) {
        let least = start.saturating_sub(REACH);
        let (from, upto) = self.read;
        if from > least || upto < least {
            let begin = least.saturating_sub(SLACK);
            (self.read, self.state, self.count) = ((begin, begin), None, 0);
        }
        let (from, upto) = self.read;
        if upto >= start {
            return;
        }
        let words = self.words;
        let state = self.state;
        self.state = words.read(view, (upto, start), state, |word| self.keep(word));
        self.read = (from, start);
    }

    fn keep(&mut self, word: Word) {
        if self.count == KEPT {
            let least = word.end.saturating_sub(REACH + SLACK);
            let mut kept = 0;
            for i in 0..KEPT {
                let word = self.kept.get(i).copied().unwrap_or_default();
                if let Some(slot) = self.kept.get_mut(kept).filter(|_| word.start >= least) {
                    *slot = word;
                    kept += 1;
                }
            }
            self.count = kept;
        }
        if let Some(slot) = self.kept.get_mut(self.count) {
            *slot = word;
            self.count += 1;
        }
    }

    /// Whether the number that begins here stands in a table's column whose heading
    /// tells of phones.
    pub(super) fn column(&mut self, view: &View<'_>, start: usize) -> bool {
        let space = view.back(start, 2, |byte| byte == b' ');
        if view.before(space) != b'|' {
            return false;
        }
        let from = start.saturating_sub(TABLE);
        let before = view.part(from, space);
        let Some(row) = memchr::memrchr(b'\n', before) else {
            return false;
        };
        let (heading, this) = before.split_at_checked(row).unwrap_or_default();
        let cell = memchr::memchr_iter(b'|', this).count();
        // The first line may have lost its beginning.
        let cut = view.before(from) != b'\n';
        let first = memchr::memchr(b'\n', heading).unwrap_or(heading.len());
        let line = heading.get(..first).unwrap_or_default();
        if cut && self.heads(line, cell) {
            return true;
        }
        let whole = if cut { from + first + 1 } else { from };
        self.headed(view, (whole, from + row), cell)
    }

    /// Whether a whole line between these places heads the column of this number.
    fn headed(&mut self, view: &View<'_>, (from, to): (usize, usize), cell: usize) -> bool {
        let known = self.columns.get(cell).copied().unwrap_or_default();
        let mut at = known.upto.max(from);
        let mut heading = known.heading;
        while at < to {
            let rest = view.part(at, to);
            let line = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            if self.heads(rest.get(..line).unwrap_or_default(), cell) {
                heading = Some(at);
            }
            at += line + 1;
        }
        if let Some(column) = self.columns.get_mut(cell) {
            *column = Column { upto: at, heading };
        }
        heading.is_some_and(|line| line >= from)
    }

    /// Whether the cell of this number in a line is a word of phones.
    fn heads(&self, line: &[u8], cell: usize) -> bool {
        if !line.starts_with(b"|") {
            return false;
        }
        let heading = line.split(|byte| *byte == b'|').nth(cell);
        let heading = heading.unwrap_or_default();
        if heading.iter().any(u8::is_ascii_digit) {
            return false;
        }
        let view = View::new(heading, true);
        let mut told = UNSEEN;
        self.words.read(&view, (0, heading.len()), None, |word| {
            if word.topic == Topic::PHONE && (!word.tied || word.end == heading.len()) {
                told = 0;
            }
        });
        told != UNSEEN
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::strategy::Strategy as _;

    use super::super::{packs, words};
    use super::*;
    use crate::guard::pii::rules::Rule;

    static WORDS: LazyLock<Words> =
        LazyLock::new(|| Words::new(&packs::all().collect::<Vec<&'static Rule>>()));

    /// Every word of every language and rule.
    fn all() -> Vec<&'static str> {
        let shared = words::ALL.iter().flat_map(|language| language.iter());
        let shared = shared.flat_map(|(_, words)| words.iter());
        shared
            .chain(packs::all().flat_map(|rule| rule.words))
            .copied()
            .collect()
    }

    /// The words before a place, read for it alone and kept without a bound.
    fn slowly(view: &View<'_>, start: usize) -> Context {
        let mut context = Context::SILENCE;
        let from = start.saturating_sub(REACH);
        WORDS.read(view, (from, start), None, |word| {
            if !word.tied || word.end == start {
                context.note(word.topic, start - word.end);
            }
        });
        context
    }

    /// Asks at every digit of a text, and a little earlier.
    fn agrees(text: &str) {
        let view = View::new(text.as_bytes(), true);
        let mut nearby = Nearby::new(&WORDS);
        for (digit, _) in text.match_indices(char::is_numeric) {
            for start in [digit, digit.saturating_sub(3)] {
                let told = nearby.before(&view, start);
                assert_eq!(*told, slowly(&view, start), "{text:?} at {start}");
            }
            let column = nearby.column(&view, digit);
            let alone = Nearby::new(&WORDS).column(&view, digit);
            assert_eq!(column, alone, "{text:?} at {digit}");
        }
    }

    #[test]
    fn any_word_over_and_over_is_kept_as_far_as_it_reaches() {
        for word in all() {
            agrees(&format!("{word} ").repeat(80).replacen(' ', " 1 ", 3));
            agrees(&(format!("{word} ").repeat(40) + "1 2 33 " + word + " 1" + word + "2"));
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_read_on_is_what_is_read_anew(parts in proptest::collection::vec(proptest::prop_oneof![
            proptest::sample::select(all()).prop_map(str::to_owned),
            "[ |\n1-3a]{1,8}",
            proptest::strategy::Just("\n| 123456 |tel| ".to_owned()),
        ], 0..80)) {
            agrees(&parts.concat());
        }
    }
}
