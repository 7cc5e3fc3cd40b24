//! Nearly every event of a stream is the one before it with another text in the same
//! place. An event is kept as a mold: one that is equal to it byte by byte but for its
//! pieces of text and its number has the same leaves, and is not read again.

use std::ops::Range;

use crate::json::{Cursor, Kind};

use super::walk::{Leaf, Sort};

/// The longest event that is kept, in bytes.
const KEPT: usize = 4096;

/// The last event that had a piece of a text, and what was found in it.
#[derive(Default)]
pub(super) struct Mold {
    name: String,
    kind: String,
    /// Empty before there is one.
    text: String,
    /// In the order of the text.
    leaves: Vec<Leaf>,
}

impl Mold {
    /// Keeps an event, if others may be like it.
    pub(super) fn keep(&mut self, (name, kind): (&str, &str), text: &str, leaves: &[Leaf]) {
        let grows = leaves
            .iter()
            .any(|leaf| matches!(leaf.sort, Sort::Piece(_)));
        if !grows || text.len() > KEPT {
            return;
        }
        for (kept, new) in [
            (&mut self.name, name),
            (&mut self.kind, kind),
            (&mut self.text, text),
        ] {
            kept.clear();
            kept.push_str(new);
        }
        self.leaves.clear();
        self.leaves.extend_from_slice(leaves);
    }

    /// The kind of an event that is like the one that was kept, and its leaves; nothing
    /// if it is not.
    pub(super) fn fill(&self, name: &str, text: &str, leaves: &mut Vec<Leaf>) -> Option<&str> {
        if self.text.is_empty() || name != self.name {
            return None;
        }
        leaves.clear();
        // Up to where both are known to be alike.
        let (mut old, mut new) = (0, 0);
        for leaf in &self.leaves {
            let moved = |range: &Range<usize>| range.start + new - old..range.end + new - old;
            let mut filled = leaf.clone();
            filled.name = moved(&leaf.name);
            filled.span = moved(&leaf.span);
            if let Sort::Piece(_) | Sort::Sequence(_) = leaf.sort {
                let same = self.text.get(old..leaf.span.start)?;
                if !text.get(new..)?.starts_with(same) {
                    return None;
                }
                refill(&mut filled, text)?;
                (old, new) = (leaf.span.end, filled.span.end);
            }
            leaves.push(filled);
        }
        (text.get(new..)? == self.text.get(old..)?).then_some(self.kind.as_str())
    }
}

/// Reads the value that begins where the leaf does, if it is one of the leaf's kind.
fn refill(leaf: &mut Leaf, text: &str) -> Option<()> {
    let mut cursor = Cursor::new(text, leaf.span.start);
    let kind = match leaf.sort {
        Sort::Sequence(_) => Kind::Number,
        _ => Kind::String,
    };
    if cursor.kind().ok()? != kind {
        return None;
    }
    leaf.span = cursor.skip().ok()?;
    if let Sort::Sequence(number) = &mut leaf.sort {
        *number = text.get(leaf.span.clone())?.parse().ok()?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::super::Grammar;
    use super::super::walk::{Channel, Place, walk};
    use super::*;

    /// The leaves of an event as it is read, nothing if it cannot be.
    fn read(text: &str) -> Option<Vec<Leaf>> {
        let mut leaves = Vec::new();
        let piece = Place::Piece(Channel::Event {
            number: 0,
            json: false,
        });
        let read = walk(Grammar::Responses, (Place::Root, piece), text, &mut leaves);
        read.ok().map(|()| leaves)
    }

    /// An event with that text and number as they stand in it.
    fn event(delta: &str, number: &str) -> String {
        format!(r#"{{"type":"x","sequence_number":{number} ,"delta":{delta},"n":[1,"é"]}}"#)
    }

    fn fills(first: &str, second: &str) -> Option<Vec<Leaf>> {
        let mut mold = Mold::default();
        mold.keep(("e", "x"), first, &read(first).unwrap());
        let mut leaves = Vec::new();
        let kind = mold.fill("e", second, &mut leaves)?;
        assert_eq!(kind, "x");
        Some(leaves)
    }

    proptest::proptest! {
        #[test]
        fn what_fills_a_mold_is_what_is_read(
            text in "\\PC{0,8}",
            number in proptest::prelude::any::<u64>(),
        ) {
            let first = event("\"one\"", "7");
            let second = event(&serde_json::to_string(&text).unwrap(), &number.to_string());
            proptest::prop_assert_eq!(fills(&first, &second), read(&second));
        }

        #[test]
        fn what_is_no_event_of_the_kind_is_not_filled_otherwise_than_read(
            at in 0_usize..80,
            byte in "[\"{}\\[\\],:\\\\ a1n-]?",
        ) {
            let first = event("\"one\"", "7");
            let mut second = first.clone();
            let at = at.min(first.len());
            let at = (0..=at).rev().find(|at| first.is_char_boundary(*at)).unwrap();
            let end = (at + 1..=first.len()).find(|at| first.is_char_boundary(*at)).unwrap_or(at);
            second.replace_range(at..end, &byte);
            let filled = fills(&first, &second);
            proptest::prop_assert!(filled.is_none() || filled == read(&second));
        }
    }

    #[test]
    fn values_of_another_type_fill_no_mold() {
        let first = event("\"one\"", "7");
        for second in [
            event("null", "8"),
            event("{}", "8"),
            event("1", "8"),
            event("\"two\"", "\"8\""),
            event("\"two\"", "-8"),
            event("\"two", "8"),
            event("\"t\\wo\"", "8"),
        ] {
            assert_eq!(fills(&first, &second), None, "{second}");
        }
        assert!(fills(&first, &event("\"\"", "0")).is_some());
    }

    #[test]
    fn an_event_of_another_name_fills_no_mold() {
        let text = event("\"one\"", "7");
        let mut mold = Mold::default();
        let mut leaves = Vec::new();
        assert_eq!(mold.fill("", "", &mut leaves), None);
        mold.keep(("e", "x"), &text, &read(&text).unwrap());
        assert_eq!(mold.fill("f", &text, &mut leaves), None);
    }
}
