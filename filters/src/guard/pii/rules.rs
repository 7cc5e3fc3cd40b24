//! The grammar of identity numbers as rows of a table: a shape, a check and the
//! words that name it. A new number of a new country is a new row in `packs`, no
//! new code.

use super::Entity;
use super::context::Topic;
use super::view::{View, alnum, begins, ends};

/// Longest number of the table, without its separators, in bytes.
pub(super) const LONGEST: usize = 24;

/// Says whether letters (in upper case) and digits fit together.
pub(super) type Check = fn(&[u8]) -> bool;

/// One way to write one kind of number.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) entity: Entity,
    /// The forms it is written in, see [`fit`].
    shapes: &'static [&'static str],
    check: Check,
    /// How sure it is without a word beside it, in percent; 0 for not at all.
    pub(super) alone: u8,
    /// How sure it is with one, in percent.
    pub(super) told: u8,
    /// The words that name it, in lower case.
    pub(super) words: &'static [&'static str],
    /// The topic of words that it shares with others, in place of its own.
    pub(super) topic: Option<Topic>,
}

impl Rule {
    /// A row: the kind, its shapes and check, how sure it is alone and told (in
    /// percent), and the words that tell.
    pub(super) const fn new(
        entity: Entity,
        shapes: &'static [&'static str],
        check: Check,
        (alone, told): (u8, u8),
        words: &'static [&'static str],
    ) -> Rule {
        Rule {
            entity,
            shapes,
            check,
            alone,
            told,
            words,
            topic: None,
        }
    }

    /// The same with the words of a topic that all languages have.
    pub(super) const fn about(mut self, topic: Topic) -> Rule {
        self.topic = Some(topic);
        self
    }
}

/// Any number of this shape.
pub(super) fn any(_: &[u8]) -> bool {
    true
}

/// A number's letters and digits, as a shape took them from the text.
pub(super) struct Taken {
    bytes: [u8; LONGEST],
    length: usize,
    /// Where it ends in the text.
    pub(super) end: usize,
}

impl Taken {
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    fn push(&mut self, byte: u8) -> Option<()> {
        *self.bytes.get_mut(self.length)? = byte.to_ascii_uppercase();
        self.length += 1;
        Some(())
    }
}

/// Takes a number of this shape: `9` is a digit, `A` a letter, `X` either; `-` an
/// optional space or hyphen, `=` one that must stand, `_` a space that must stand,
/// `h` a hyphen that must stand, `s` an optional slash, `.` an optional dot, `:` an
/// optional space, hyphen or colon, `p` a dot that must stand, `d` a slash, dot or hyphen that must stand, `c` a
/// letter, digit, `-` or `+` that is kept.
pub(super) fn fit(view: &View<'_>, start: usize, shape: &str) -> Option<Taken> {
    let mut taken = Taken {
        bytes: [0; LONGEST],
        length: 0,
        end: start,
    };
    for part in shape.bytes() {
        let byte = view.at(taken.end);
        let (fits, kept, optional) = match part {
            b'9' => (byte.is_ascii_digit(), true, false),
            b'A' => (byte.is_ascii_alphabetic(), true, false),
            b'X' => (alnum(byte), true, false),
            b'-' => (matches!(byte, b' ' | b'-'), false, true),
            b'=' => (matches!(byte, b' ' | b'-'), false, false),
            b'_' => (byte == b' ', false, false),
            b'd' => (matches!(byte, b'/' | b'.' | b'-'), false, false),
            b'c' => (alnum(byte) || matches!(byte, b'-' | b'+'), true, false),
            b'p' => (byte == b'.', false, false),
            b'h' => (byte == b'-', false, false),
            b's' => (byte == b'/', false, true),
            b':' => (matches!(byte, b' ' | b'-' | b':'), false, true),
            other => (byte == other, false, true),
        };
        if !fits && !optional {
            return None;
        }
        if fits {
            taken.end += 1;
        }
        if kept {
            taken.push(byte)?;
        }
    }
    ends(view, taken.end).then_some(taken)
}

impl Rule {
    /// Where the number ends that begins here, if its shape and check are this rule's.
    pub(super) fn fits(&self, view: &View<'_>, start: usize) -> Option<usize> {
        if !begins(view, start) {
            return None;
        }
        let fits =
            |shape: &&str| fit(view, start, shape).filter(|taken| (self.check)(taken.bytes()));
        self.shapes.iter().find_map(fits).map(|taken| taken.end)
    }
}
