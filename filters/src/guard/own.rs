//! The team's own terms: names of customers and projects that no grammar knows.
//! What is found at a place depends on the text from there on and the character
//! before, never on other findings, so that cuts cannot matter.

use std::ops::Range;

use super::{Confidence, Finding, Kind, Window};

/// The most terms of all dictionaries together.
pub const MAX_TERMS: usize = 100_000;

/// The longest term, in bytes, each run of white space counted as one.
pub const MAX_TERM: usize = 256;

/// The longest run of white space that stands for a space of a term, in bytes.
const MAX_GAP: usize = 16;

/// One dictionary of a team; its place in the list is its name in policies.
#[derive(Clone, Debug)]
pub struct OwnTerms {
    /// The terms; white space in them stands for any short run of it.
    pub terms: Vec<String>,
    /// Whether `acme` is `Acme`.
    pub ignore_case: bool,
}

/// Why a list of dictionaries was refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OwnError {
    /// More than [`MAX_TERMS`].
    #[error("there are more than {MAX_TERMS} terms")]
    TooMany,
    /// A term of this dictionary has no visible character.
    #[error("one of the terms has no visible character")]
    Empty(usize),
    /// A term of this dictionary has more than [`MAX_TERM`] bytes.
    #[error("one of the terms has more than {MAX_TERM} bytes")]
    TooLong(usize),
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    folded: Box<str>,
    /// The term as it is written, where case matters.
    exact: Option<Box<str>>,
    rule: u16,
}

/// The dictionaries of a team, compiled.
#[derive(Debug)]
pub struct Own {
    /// Sorted, so that the terms with one beginning stand together.
    entries: Vec<Entry>,
    /// Whether a term may begin with a character whose first byte is this one.
    begins: [bool; 256],
}

/// What a walk along the dictionary saw.
#[derive(Default)]
struct Walk {
    best: Option<(usize, Range<usize>)>,
    open: bool,
}

impl Own {
    /// Compiles dictionaries; only the first 65,536 can be named.
    ///
    /// # Errors
    /// When there are too many terms, or one is empty or too long.
    pub fn new(dictionaries: &[OwnTerms]) -> Result<Own, OwnError> {
        let mut entries = Vec::new();
        for (place, dictionary) in dictionaries.iter().enumerate() {
            let rule = u16::try_from(place).map_err(|_| OwnError::TooMany)?;
            for term in &dictionary.terms {
                let raw = term.split_whitespace().collect::<Vec<_>>().join(" ");
                let folded: Box<str> = raw.chars().flat_map(char::to_lowercase).collect();
                match raw.len().max(folded.len()) {
                    0 => return Err(OwnError::Empty(place)),
                    1..=MAX_TERM => {}
                    _ => return Err(OwnError::TooLong(place)),
                }
                let exact = (!dictionary.ignore_case).then(|| raw.into_boxed_str());
                entries.push(Entry {
                    folded,
                    exact,
                    rule,
                });
                if entries.len() > MAX_TERMS {
                    return Err(OwnError::TooMany);
                }
            }
        }
        entries.sort();
        entries.dedup();
        let begins = begins(&entries);
        Ok(Own { entries, begins })
    }

    /// Finds the longest whole term at every place; gives the bytes decided.
    pub fn scan(&self, window: Window<'_>, out: &mut Vec<Finding>) -> usize {
        let text = window.text;
        let mut from = window.from;
        while let Some(at) = self.candidate(text, from) {
            let (before, rest) = text.split_at_checked(at).unwrap_or((text, ""));
            let Some(next) = rest.chars().next() else {
                break;
            };
            from = at + next.len_utf8();
            let previous = before.chars().next_back();
            if next.is_whitespace() || previous.is_some_and(|previous| joins(previous, next)) {
                continue;
            }
            let walk = self.walk(window, at);
            if walk.open {
                return at;
            }
            if let Some((end, found)) = walk.best {
                self.report(text, at..end, found, out);
            }
        }
        text.len()
    }

    /// The next place from here on where a term may begin, by its first byte.
    fn candidate(&self, text: &str, from: usize) -> Option<usize> {
        let begins = |byte: &u8| self.begins.get(usize::from(*byte)) == Some(&true);
        let mut bytes = text.as_bytes().get(from..)?.iter();
        bytes.position(begins).map(|place| from + place)
    }

    fn report(&self, text: &str, span: Range<usize>, found: Range<usize>, out: &mut Vec<Finding>) {
        let raw = text.get(span.clone()).unwrap_or_default();
        let found = self.entries.get(found).unwrap_or_default();
        for entry in found.iter().filter(|entry| entry.is(raw)) {
            out.push(Finding {
                kind: Kind::Own(entry.rule),
                rule: "term",
                span: span.clone(),
                confidence: Confidence::CERTAIN,
            });
        }
    }

    fn walk(&self, window: Window<'_>, start: usize) -> Walk {
        let text = window.text;
        let (mut walk, mut range, mut depth, mut at) =
            (Walk::default(), 0..self.entries.len(), 0, start);
        let mut before = None;
        while !range.is_empty() {
            let rest = text.get(at..).unwrap_or_default();
            let next = rest.chars().next();
            let ends = next.is_some_and(|next| before.is_none_or(|b| !joins(b, next)));
            if depth > 0 && (ends || (next.is_none() && window.last)) {
                let whole = self.whole(range.clone(), depth);
                let raw = text.get(start..at).unwrap_or_default();
                let entries = self.entries.get(whole.clone()).unwrap_or_default();
                if entries.iter().any(|entry| entry.is(raw)) {
                    walk.best = Some((at, whole));
                }
            }
            let Some(next) = next else {
                walk.open = !window.last;
                return walk;
            };
            let mut length = next.len_utf8();
            if next.is_whitespace() {
                length = rest.len() - rest.trim_start().len();
                range = self.narrow(range, depth, b' ');
                depth += 1;
                if length > MAX_GAP {
                    return walk;
                }
            } else {
                let mut buffer = [0; 4];
                for folded in next.to_lowercase() {
                    for byte in folded.encode_utf8(&mut buffer).bytes() {
                        range = self.narrow(range, depth, byte);
                        depth += 1;
                    }
                }
            }
            before = Some(next);
            at += length;
        }
        walk
    }

    /// The entries of a range that end at this depth: they are sorted first.
    fn whole(&self, range: Range<usize>, depth: usize) -> Range<usize> {
        let entries = self.entries.get(range.clone()).unwrap_or_default();
        let count = entries.partition_point(|entry| entry.folded.len() == depth);
        range.start..range.start + count
    }

    /// The entries of a range that go on with this byte.
    fn narrow(&self, range: Range<usize>, depth: usize, byte: u8) -> Range<usize> {
        let entries = self.entries.get(range.clone()).unwrap_or_default();
        let at = |entry: &Entry| entry.folded.as_bytes().get(depth).copied();
        let low = entries.partition_point(|entry| at(entry) < Some(byte));
        let high = entries.partition_point(|entry| at(entry) <= Some(byte));
        range.start + low..range.start + high
    }
}

impl Entry {
    /// Whether a text that folds to this term is written as it demands.
    fn is(&self, raw: &str) -> bool {
        let Some(exact) = &self.exact else {
            return true;
        };
        raw.split_whitespace().eq(exact.split(' '))
    }
}

/// The first bytes of all characters that a term may begin with.
fn begins(entries: &[Entry]) -> [bool; 256] {
    let mut begins = [false; 256];
    // Other scripts fold in too many ways to be told apart by one byte.
    let others = begins.iter_mut().skip(0xc0);
    others.for_each(|may| *may = !entries.is_empty());
    for first in entries
        .iter()
        .filter_map(|entry| entry.folded.bytes().next())
    {
        for byte in [first.to_ascii_lowercase(), first.to_ascii_uppercase()] {
            if let Some(may) = begins.get_mut(usize::from(byte)) {
                *may = true;
            }
        }
    }
    begins
}

/// Whether two neighbours stand in one word. Scripts without spaces have none.
fn joins(left: char, right: char) -> bool {
    let in_word = |c: char| {
        (c.is_alphanumeric() || matches!(c, '\u{300}'..='\u{36f}'))
            && !matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
                | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}'
                | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
    };
    in_word(left) && in_word(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Own {
        let list = |terms: &[&str], ignore_case| OwnTerms {
            terms: terms.iter().map(ToString::to_string).collect(),
            ignore_case,
        };
        Own::new(&[
            list(&["Acme", "Acme Corp", "Müller AG", "株式会社"], true),
            list(&["Go Live"], false),
        ])
        .unwrap()
    }

    fn found(text: &str) -> Vec<Finding> {
        let mut out = Vec::new();
        own().scan(Window::whole(text), &mut out);
        out
    }

    #[test]
    fn the_longest_whole_term_is_found_whatever_its_case_and_gaps() {
        assert_eq!(found("an ACME\n corp, said")[0].span, 3..14 - 1);
        assert_eq!(found("MÜLLER ag")[0].span, 0..10);
        assert_eq!(found("の株式会社は").len(), 1);
        assert!(found("acmes and pacme").is_empty());
        assert!(found("go live").is_empty());
        assert_eq!(found("Go  Live")[0].kind, Kind::Own(1));
    }

    #[test]
    fn a_text_cut_anywhere_gives_the_findings_of_the_whole() {
        let text = "acme corp Acme Corporation, Go Live müller  AG acme";
        let (own, whole) = (own(), found(text));
        for cut in (0..=text.len()).filter(|cut| text.is_char_boundary(*cut)) {
            let mut out = Vec::new();
            let part = Window {
                text: &text[..cut],
                from: 0,
                last: false,
            };
            let from = own.scan(part, &mut out);
            own.scan(
                Window {
                    text,
                    from,
                    last: true,
                },
                &mut out,
            );
            assert_eq!(out, whole, "cut at {cut}");
        }
    }

    #[test]
    fn what_a_term_may_begin_with_is_never_passed_over() {
        let terms = [
            "Acme Corp",
            "株式会社",
            "ẞ-Test",
            "ÖL",
            "kelvin",
            "İstanbul",
        ];
        let list = OwnTerms {
            terms: terms.map(str::to_owned).to_vec(),
            ignore_case: true,
        };
        let quick = Own::new(std::slice::from_ref(&list)).unwrap();
        let mut patient = Own::new(&[list]).unwrap();
        patient.begins = [true; 256];
        let all = |own: &Own, text: &str| {
            let mut found = Vec::new();
            own.scan(Window::whole(text), &mut found);
            found
        };
        // The Kelvin sign is written in three bytes and folds to one.
        let text =
            "ACME corp acme  Corp (株式会社) ß-test ẞ-TEST öl Öl \u{212a}elvin Kelvin İSTANBUL";
        assert_eq!(all(&quick, text).len(), 10);
        assert_eq!(all(&quick, text), all(&patient, text));
    }
}
