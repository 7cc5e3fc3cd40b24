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
        (!self.edits.is_empty()).then(|| parts(&self.edits, text).concat())
    }
}

/// The pieces of a text with every replacement made. They stand in the order of the text,
/// and their spans do not overlap.
pub(crate) fn parts<'a>(
    edits: &'a [(Range<usize>, impl AsRef<str>)],
    text: &'a str,
) -> Vec<&'a str> {
    let mut parts = Vec::with_capacity(2 * edits.len() + 1);
    let mut at = 0;
    for (span, with) in edits {
        let kept = text.get(at..span.start).unwrap_or_default();
        parts.extend([kept, with.as_ref()]);
        at = span.end;
    }
    parts.push(text.get(at..).unwrap_or_default());
    parts
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
