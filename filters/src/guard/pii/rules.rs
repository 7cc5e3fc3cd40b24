//! The grammar of identity numbers as rows of a table: a shape, a check and the
//! words that name it. A new number of a new country is a new row in `packs`, no
//! new code.

use super::Entity;
use super::context::Topic;

/// Longest number of the table, without its separators, in bytes.
pub(super) const LONGEST: usize = 24;

/// Says whether letters (in upper case) and digits fit together.
pub(super) type Check = fn(&[u8]) -> bool;

/// One way to write one kind of number.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) entity: Entity,
    /// The forms it is written in, in the language of `shapes`.
    pub(super) shapes: &'static [&'static str],
    pub(super) check: Check,
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
