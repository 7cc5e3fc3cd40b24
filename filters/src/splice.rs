//! A list of replacements in a text, applied in one copy. This is how a lens
//! changes a body: everything outside the replaced spans stays byte for byte.

use std::borrow::Cow;
use std::ops::Range;

/// Replacements in the order of the text; their spans do not overlap.
#[derive(Default)]
pub(crate) struct Splices<'a> {
    edits: Vec<(Range<usize>, Cow<'a, str>)>,
}

impl<'a> Splices<'a> {
    /// Replaces `span` by `with`; an empty span inserts. Call it in the order of
    /// the text.
    pub(crate) fn push(&mut self, span: Range<usize>, with: impl Into<Cow<'a, str>>) {
        self.edits.push((span, with.into()));
    }

    /// How many replacements there are.
    pub(crate) fn len(&self) -> usize {
        self.edits.len()
    }

    /// The text with every replacement made; `None` if there is none.
    pub(crate) fn apply(&self, text: &str) -> Option<String> {
        if self.edits.is_empty() {
            return None;
        }
        let added: usize = self.edits.iter().map(|(_, with)| with.len()).sum();
        let mut out = String::with_capacity(text.len() + added);
        let mut at = 0;
        for (span, with) in &self.edits {
            out.push_str(text.get(at..span.start).unwrap_or_default());
            out.push_str(with);
            at = span.end;
        }
        out.push_str(text.get(at..).unwrap_or_default());
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_replacements_nothing_is_copied() {
        assert_eq!(Splices::default().apply("unchanged"), None);
    }

    #[test]
    fn replacing_removing_and_inserting_leave_the_rest_alone() {
        let mut splices = Splices::default();
        splices.push(0..3, "1");
        splices.push(3..7, "");
        splices.push(13..13, "!");
        assert_eq!(splices.apply("one two three").as_deref(), Some("1 three!"));
    }
}
