//! Why: serde stops at the first mistake, but a user wants to see all of them. So the file becomes a tree in which every
//! value knows where it stands, and the sections read that.

use std::ops::Range;

/// A value of the file, with the bytes it was written in.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// The place in the text.
    pub(super) at: Range<usize>,
    /// The value.
    pub(super) kind: Kind,
}

/// What a value is before anyone asked for a type.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// A text without quotes is `plain`: it may mean a number or nothing at all.
    Scalar { text: String, plain: bool },
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the file.
    Map(Vec<Entry>),
}

/// One `name: value` of a mapping.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The name.
    pub(super) name: String,
    /// The place of the name.
    pub(super) at: Range<usize>,
    /// The value.
    pub(super) value: Node,
}

impl Node {
    /// An empty mapping at the start of the text: what an empty file means.
    pub(super) fn empty() -> Self {
        Self {
            at: 0..0,
            kind: Kind::Map(Vec::new()),
        }
    }

    /// The value stands for nothing: `key:` or `key: null` or `key: ~`.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { text, plain: true } if is_null(text))
    }

    /// The entries of a mapping; of anything else, none.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            Kind::Scalar { .. } | Kind::List(_) => &[],
        }
    }

    /// The value under `name`.
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        let entry = self.entries().iter().find(|entry| entry.name == name)?;
        Some(&entry.value)
    }

    /// The value at `path`, if it was written. Items of a list are named by their index.
    pub(super) fn find(&self, path: &[String]) -> Option<&Node> {
        path.iter().try_fold(self, |node, step| match &node.kind {
            Kind::List(items) => items.get(step.parse::<usize>().ok()?),
            _ => node.get(step),
        })
    }

    /// The place of the value at `path` or, where it was not written, of the nearest value around it.
    /// Items of a list are named by their index.
    pub(super) fn locate(&self, path: &[String]) -> Range<usize> {
        let mut node = self;
        let mut at = None;
        for step in path {
            let next = match &node.kind {
                Kind::Map(entries) => {
                    entries
                        .iter()
                        .find(|entry| entry.name == *step)
                        .map(|entry| {
                            at = Some(entry.at.clone());
                            &entry.value
                        })
                }
                Kind::List(items) => step.parse().ok().and_then(|index: usize| items.get(index)),
                Kind::Scalar { .. } => None,
            };
            let Some(next) = next else {
                return at.unwrap_or_else(|| node.at.clone());
            };
            if let Kind::List(_) = node.kind {
                at = None;
            }
            node = next;
        }
        match node.kind {
            Kind::Scalar { .. } if !node.at.is_empty() => node.at.clone(),
            _ => at.unwrap_or_else(|| node.at.clone()),
        }
    }

    /// The place of the name at the end of `path` or, where there is none, what [`Node::locate`] says.
    pub(super) fn locate_name(&self, path: &[String]) -> Range<usize> {
        let name = path.split_last().and_then(|(last, outer)| {
            let around = outer.iter().try_fold(self, |node, step| node.get(step))?;
            around.entries().iter().find(|entry| entry.name == *last)
        });
        name.map_or_else(|| self.locate(path), |entry| entry.at.clone())
    }

    /// Visits all texts in this value, with their places.
    pub(super) fn scalars(&self, visit: &mut impl FnMut(&str, &Range<usize>)) {
        match &self.kind {
            Kind::Scalar { text, .. } => visit(text, &self.at),
            Kind::List(items) => items.iter().for_each(|item| item.scalars(visit)),
            Kind::Map(entries) => entries.iter().for_each(|entry| entry.value.scalars(visit)),
        }
    }
}

/// The plain texts that YAML takes for nothing.
pub(super) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}
