//! Showing a text to scanners, as a reader sees it, and holding them to their law:
//! a scanner that breaks it would let something through or hold a text for ever.

use super::super::fold::{Folded, NEAR, stable};
use super::super::policy::Scan;
use super::super::window::{LEFT_CONTEXT, OPEN};
use super::super::{Finding, Window};

/// A part of a text that is shown.
pub(super) struct Look<'a> {
    shown: &'a str,
    /// Where the shown part begins in the text.
    base: usize,
    folded: Option<Folded>,
    last: bool,
    /// Up to where the text was shown before.
    seen: usize,
}

impl<'a> Look<'a> {
    /// Shows what is new since `oldest`, the smallest mark, with its left context, of a
    /// text that was shown up to `seen` before.
    pub(super) fn new(text: &'a str, (oldest, seen): (usize, usize), last: bool) -> Look<'a> {
        let base = text.floor_char_boundary(oldest.saturating_sub(LEFT_CONTEXT));
        let shown = text.get(base..).unwrap_or_default();
        if shown.is_ascii() {
            return Look {
                shown,
                base,
                folded: None,
                last,
                seen,
            };
        }
        // How the context folds depends on letters that stand near before it.
        let base = text.floor_char_boundary(base.saturating_sub(NEAR));
        let shown = text.get(base..).unwrap_or_default();
        let end = if last { shown.len() } else { stable(shown) };
        let shown = shown.get(..end).unwrap_or_default();
        let folded = Folded::of(shown);
        Look {
            shown,
            base,
            folded,
            last,
            seen,
        }
    }

    /// Up to where the text is shown.
    pub(super) fn end(&self) -> usize {
        self.base + self.shown.len()
    }

    /// Lets a scanner look from its mark on; gives the new mark. `None` if the
    /// scanner breaks its law.
    pub(super) fn scan(
        &self,
        scanner: &dyn Scan,
        mark: usize,
        found: &mut Vec<Finding>,
    ) -> Option<usize> {
        let from = mark - self.base;
        if from >= self.shown.len() && !self.last {
            return Some(mark);
        }
        if mark < self.seen && self.folded.is_none() {
            let window = self.window(self.shown, from);
            if !self.last && !scanner.stirs(window, self.seen - self.base) {
                return Some(mark);
            }
        }
        let before = found.len();
        let decided = match &self.folded {
            None => self.scan_text(scanner, self.shown, from, found)?,
            Some(folded) => self.scan_folded(scanner, folded, from, found)?,
        };
        for finding in found.iter_mut().skip(before) {
            finding.span.start += self.base;
            finding.span.end += self.base;
        }
        Some(self.base + decided)
    }

    fn window<'t>(&self, text: &'t str, from: usize) -> Window<'t> {
        let last = self.last;
        Window { text, from, last }
    }

    fn scan_text(
        &self,
        scanner: &dyn Scan,
        text: &str,
        from: usize,
        found: &mut Vec<Finding>,
    ) -> Option<usize> {
        let before = found.len();
        let decided = scanner.scan(self.window(text, from), found);
        let lawful = from <= decided
            && text.is_char_boundary(decided)
            && (!self.last || decided == text.len())
            && text.len() - decided <= OPEN
            && found.iter().skip(before).all(|finding| {
                let span = &finding.span;
                from <= span.start
                    && span.start < span.end
                    && span.end <= decided
                    && text.get(span.clone()).is_some()
            });
        lawful.then_some(decided)
    }

    fn scan_folded(
        &self,
        scanner: &dyn Scan,
        folded: &Folded,
        from: usize,
        found: &mut Vec<Finding>,
    ) -> Option<usize> {
        let before = found.len();
        let text = folded.text();
        let begin = folded_place(folded, from);
        let decided = self.scan_text(scanner, text, begin, found)?;
        let mut findings = found.iter_mut().skip(before);
        findings.all(|finding| {
            finding.span = folded.original(finding.span.clone());
            finding.span.start = finding.span.start.max(from);
            self.shown
                .get(finding.span.clone())
                .is_some_and(|found| !found.is_empty())
        });
        if decided == text.len() {
            return Some(self.shown.len());
        }
        Some(folded.original(decided..decided).start.max(from))
    }
}

/// Where in the folded text the first letter stands that was made of this place
/// of the original or a later one.
fn folded_place(folded: &Folded, original: usize) -> usize {
    let text = folded.text();
    let (mut low, mut high) = (0, text.len());
    while low < high {
        let middle = text.floor_char_boundary(low.midpoint(high)).max(low);
        if folded.original(middle..middle).start < original {
            low = text.ceil_char_boundary(middle + 1);
        } else {
            high = middle;
        }
    }
    low
}
