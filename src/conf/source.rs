//! Why: a problem is found long after the text was read, even when the gateway is built. So the text is kept, with its
//! tree and the places of its secrets, to point at any setting at any time.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::problem::{Excerpt, Problem};
use super::tree::{Kind, Node};

/// The file a configuration was read from. Any two are equal: where a setting stands does not change what it means.
#[derive(Clone, Default)]
pub struct Source(Option<Arc<Text>>);

/// The text with all that is needed to point into it.
struct Text {
    name: String,
    text: String,
    tree: Node,
    /// Bytes that must not be shown, in order.
    masks: Vec<Range<usize>>,
}

/// A problem before its place is turned into line and column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) at: Range<usize>,
    pub(super) path: String,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

/// More problems than this are counted, not told.
const MOST: usize = 100;

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// The findings, in no order.
    pub(super) list: Vec<Finding>,
    /// How many more there are.
    pub(super) untold: usize,
}

impl Findings {
    /// Keeps a finding, or only counts it. It is not even put together then.
    pub(super) fn add(&mut self, finding: impl FnOnce() -> Finding) {
        if self.list.len() < MOST {
            self.list.push(finding());
        } else {
            self.untold += 1;
        }
    }

    /// Whether more findings are only counted.
    pub(super) fn is_full(&self) -> bool {
        self.list.len() >= MOST
    }

    /// Whether something is wrong with the value at `path` or below.
    pub(super) fn concern(&self, path: &str) -> bool {
        self.list.iter().any(|finding| {
            let below = finding.path.strip_prefix(path);
            below.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }

    /// Blots out values of variables that found their way into messages.
    pub(super) fn blot(&mut self, hidden: &BTreeSet<String>) {
        // The longest first: one value may be a part of another.
        let mut hidden: Vec<&str> = hidden.iter().map(String::as_str).collect();
        hidden.sort_by_key(|value| std::cmp::Reverse(value.len()));
        for finding in &mut self.list {
            for value in hidden.iter().filter(|value| value.len() >= SHORTEST) {
                if finding.message.contains(value) {
                    finding.message = finding.message.replace(value, "***");
                }
                if let Some(hint) = finding.hint.as_mut().filter(|hint| hint.contains(value)) {
                    *hint = hint.replace(value, "***");
                }
            }
        }
    }
}

/// Shorter values of variables are no secrets, and parts of every word.
const SHORTEST: usize = 3;

impl Source {
    /// Keeps a text. `masks` are the bytes that must not be shown.
    pub(super) fn new(name: &str, text: &str, tree: Node, mut masks: Vec<Range<usize>>) -> Self {
        masks.sort_by_key(|mask| (mask.start, mask.end));
        masks.dedup();
        Self(Some(Arc::new(Text {
            name: name.to_owned(),
            text: text.to_owned(),
            tree,
            masks,
        })))
    }

    /// A problem with the setting at `path`, for example `&["providers", "vllm", "endpoints", "0", "url"]`; it points
    /// at the nearest setting around it when that one was not written.
    pub fn problem(&self, path: &[&str], message: impl Into<String>) -> Problem {
        let path: Vec<String> = path.iter().map(|&step| step.to_owned()).collect();
        let at = self.0.as_ref().map_or(0..0, |text| text.tree.locate(&path));
        self.locate(&Finding {
            at,
            path: path.join("."),
            message: message.into(),
            hint: None,
        })
    }

    /// Whether the value written at `path` holds a variable.
    pub(super) fn is_filled(&self, path: &[String]) -> bool {
        let found = self.0.as_ref().and_then(|text| text.tree.find(path));
        found.is_some_and(
            |node| matches!(&node.kind, Kind::Scalar { text, .. } if text.contains("${")),
        )
    }

    /// Turns a finding into a problem with line, column and excerpt.
    pub(super) fn locate(&self, finding: &Finding) -> Problem {
        let mut problem = Problem::of_file("configuration", plain(&finding.message));
        problem.path = plain(&finding.path);
        problem.hint = finding.hint.as_deref().map(plain);
        if let Some(text) = &self.0 {
            problem.file.clone_from(&text.name);
            let place = Place::of(&text.text, &finding.at);
            problem.line = place.line;
            problem.column = place.column;
            problem.excerpt = excerpt(text, &place, &finding.at);
        }
        problem
    }
}

/// The text without what could move a terminal's cursor, cut where nobody reads on: names in a file may hold anything.
fn plain(text: &str) -> String {
    const LONGEST: usize = 400;
    let visible = |letter: char| if letter.is_control() { ' ' } else { letter };
    let mut letters = text.chars();
    let mut plain: String = letters.by_ref().take(LONGEST).map(visible).collect();
    if letters.next().is_some() {
        plain.push('…');
    }
    plain
}

impl PartialEq for Source {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.0.as_ref().map(|text| text.name.as_str());
        f.debug_tuple("Source").field(&name).finish()
    }
}

/// A place as people count.
struct Place {
    line: usize,
    column: usize,
    /// The bytes of the line, without its end.
    bytes: Range<usize>,
}

impl Place {
    fn of(text: &str, at: &Range<usize>) -> Self {
        let start = floor(text, at.start);
        let before = text.get(..start).unwrap_or("");
        let line_start = before.rfind('\n').map_or(0, |index| index + 1);
        let rest = text.get(line_start..).unwrap_or("");
        let length = rest.find('\n').unwrap_or(rest.len());
        let column = before.get(line_start..).unwrap_or("").chars().count() + 1;
        Self {
            line: before.matches('\n').count() + 1,
            column,
            bytes: line_start..line_start + length,
        }
    }
}

/// The nearest character boundary at or before `index`.
fn floor(text: &str, index: usize) -> usize {
    text.floor_char_boundary(index.min(text.len()))
}

/// The longest excerpt in bytes, and how much of it stands before the place when a line is cut.
const WIDEST: usize = 160;
const LEAD: usize = 60;

/// The part of the line around `at`, secrets masked.
fn excerpt(text: &Text, place: &Place, at: &Range<usize>) -> Option<Excerpt> {
    let mut window = place.bytes.clone();
    if window.len() > WIDEST {
        let start = at.start.saturating_sub(LEAD).max(window.start);
        window = start..window.end.min(start + WIDEST);
    }
    let mut index = floor(&text.text, window.start);
    let mut shown = String::new();
    let (mut before, mut end) = (None, None);
    while index < window.end {
        if index >= at.start {
            before = before.or(Some(shown.chars().count()));
        }
        if index >= at.end {
            end = end.or(Some(shown.chars().count()));
        }
        if let Some(mask) = text.mask_at(index) {
            shown.push_str("***");
            index = mask.end;
            continue;
        }
        let letter = text.text.get(index..)?.chars().next()?;
        shown.push(if letter.is_control() { ' ' } else { letter });
        index += letter.len_utf8();
    }
    let total = shown.chars().count();
    let before = before.unwrap_or(total);
    let end = end.unwrap_or(total);
    Some(Excerpt {
        text: shown.trim_end().to_owned(),
        before,
        width: end.saturating_sub(before).max(1),
    })
}

impl Text {
    /// The secret that covers the byte at `index`.
    fn mask_at(&self, index: usize) -> Option<&Range<usize>> {
        let next = self.masks.partition_point(|mask| mask.start <= index);
        let mask = self.masks.get(next.checked_sub(1)?)?;
        mask.contains(&index).then_some(mask)
    }
}
