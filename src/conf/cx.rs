//! Why: the walk from tree to sections must not stop at the first mistake, so every reader reports to one [`Cx`], which
//! also knows where the walk stands, fills in variables, and remembers what must never be shown.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::interpolate;
use super::nearest::nearest;
use super::source::{Finding, Findings};
use super::tree::{Kind, Node};

/// Where the walk stands, and what it found.
pub(super) struct Cx<'a> {
    env: &'a Environment,
    tree: &'a Node,
    path: Vec<String>,
    findings: Findings,
    masks: Vec<Range<usize>>,
    /// The values of the variables that were filled in.
    hidden: BTreeSet<String>,
    providers: BTreeSet<&'a str>,
    aliases: BTreeSet<&'a str>,
    /// Items of lists that could not be read, by the list's path: values after them stand further up than in the file.
    gaps: BTreeMap<String, Vec<usize>>,
    /// Files that hold secrets.
    files: BTreeSet<PathBuf>,
}

/// A scalar after its variables were filled in.
pub(super) struct Text {
    /// The text.
    pub(super) text: String,
    /// Written without quotes.
    pub(super) plain: bool,
    /// Some of it came from the environment.
    hidden: bool,
}

impl<'a> Cx<'a> {
    /// Stands at the root of `tree`. `findings` are those of the parser.
    pub(super) fn new(env: &'a Environment, tree: &'a Node, findings: Findings) -> Self {
        let names = |section: &str| {
            let entries = tree.get(section).map_or(&[][..], Node::entries);
            entries.iter().map(|entry| entry.name.as_str())
        };
        Self {
            env,
            tree,
            path: Vec::new(),
            findings,
            masks: Vec::new(),
            hidden: BTreeSet::new(),
            providers: names("providers").chain(["mock"]).collect(),
            aliases: names("models").collect(),
            gaps: BTreeMap::new(),
            files: BTreeSet::new(),
        }
    }

    /// Notes a file that the configuration depends on.
    pub(super) fn needs(&mut self, file: &Path) {
        self.files.insert(file.to_owned());
    }

    /// The files that were noted.
    pub(super) fn take_files(&mut self) -> BTreeSet<PathBuf> {
        std::mem::take(&mut self.files)
    }

    /// What was found, fit to be shown, and the places in the text that are not.
    pub(super) fn finish(mut self) -> (Findings, Vec<Range<usize>>) {
        self.findings.blot(&self.hidden);
        (self.findings, self.masks)
    }

    /// The names of providers that are written, and `mock`: also of those with problems of their own.
    pub(super) fn providers(&self) -> &BTreeSet<&'a str> {
        &self.providers
    }

    /// A hint that names the first few providers.
    pub(super) fn providers_here(&self) -> String {
        let few: Vec<&str> = self.providers.iter().copied().take(8).collect();
        let more = if few.len() < self.providers.len() {
            ", …"
        } else {
            ""
        };
        format!("providers here: {}{more}", few.join(", "))
    }

    /// The aliases that are written: also those with problems of their own.
    pub(super) fn aliases(&self) -> &BTreeSet<&'a str> {
        &self.aliases
    }

    /// Where the walk stands.
    pub(super) fn path(&self) -> &[String] {
        &self.path
    }

    /// The candidate that was probably meant, while it would still be told.
    pub(super) fn near<'c>(
        &self,
        word: &str,
        candidates: impl IntoIterator<Item = &'c str>,
    ) -> Option<&'c str> {
        match self.findings.is_full() {
            true => None,
            false => nearest(word, candidates),
        }
    }

    /// Reports a problem at a value of the file.
    pub(super) fn at(
        &mut self,
        at: &Range<usize>,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        let path = &self.path;
        self.findings.add(|| Finding {
            at: at.clone(),
            path: path.join("."),
            message: message.into(),
            hint,
        });
    }

    /// Reports a problem at the value at which the walk stands.
    pub(super) fn here(&mut self, message: impl Into<String>, hint: impl Into<String>) {
        let (tree, path) = (self.tree, &self.path);
        self.findings.add(|| Finding {
            at: tree.locate(path),
            path: path.join("."),
            message: message.into(),
            hint: Some(hint.into()),
        });
    }

    /// Reports that settings do not fit together; the first is to blame. If anything is already known to be wrong with
    /// one of them, nothing is said: the contradiction may vanish with that.
    pub(super) fn cross(
        &mut self,
        paths: &[&[&str]],
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let paths: Vec<Vec<String>> = paths.iter().map(|path| self.as_written(path)).collect();
        let Some(first) = paths.first() else {
            return;
        };
        if !paths
            .iter()
            .any(|path| self.findings.concern(&path.join(".")))
        {
            let tree = self.tree;
            self.findings.add(|| Finding {
                at: tree.locate(first),
                path: first.join("."),
                message: message.into(),
                hint: Some(hint.into()),
            });
        }
    }

    /// Reports that a name cannot be used where it stands.
    pub(super) fn misnamed(
        &mut self,
        path: &[&str],
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let path = self.as_written(path);
        if !self.findings.concern(&path.join(".")) {
            let tree = self.tree;
            self.findings.add(|| Finding {
                at: tree.locate_name(&path),
                path: path.join("."),
                message: message.into(),
                hint: Some(hint.into()),
            });
        }
    }

    /// The names that were written in the mapping at `path`; the defaults of the others give way to them.
    pub(super) fn written_names(&self, path: &[&str]) -> Vec<String> {
        let found = path.iter().try_fold(self.tree, |node, step| node.get(step));
        let entries = found.map_or(&[][..], |node| node.entries());
        entries.iter().map(|entry| entry.name.clone()).collect()
    }

    /// The path of a value in the file, where items that could not be read still count.
    fn as_written(&self, path: &[&str]) -> Vec<String> {
        let mut written: Vec<String> = Vec::with_capacity(path.len());
        for step in path {
            let gaps = self.gaps.get(&written.join("."));
            let index = gaps.and_then(|gaps| Some((gaps, step.parse::<usize>().ok()?)));
            written.push(match index {
                None => (*step).to_owned(),
                Some((gaps, index)) => {
                    let later = |index: usize, gap: &usize| index + usize::from(*gap <= index);
                    gaps.iter().fold(index, later).to_string()
                }
            });
        }
        written
    }

    /// Notes that an item of the list at which the walk stands could not be read. Items are noted in order.
    pub(super) fn gap(&mut self, index: usize) {
        self.gaps
            .entry(self.path.join("."))
            .or_default()
            .push(index);
    }

    /// Walks into the value called `step`.
    pub(super) fn inside<T>(&mut self, step: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step.to_owned());
        let value = read(self);
        self.path.pop();
        value
    }

    /// The text of a scalar, variables filled in. `expects` completes "expects …".
    pub(super) fn text(&mut self, node: &Node, expects: &str) -> Option<Text> {
        let Kind::Scalar { text, plain } = &node.kind else {
            self.mask(node);
            self.at(
                &node.at,
                format!("expects {expects}, but is {}", kind_of(node)),
                None,
            );
            return None;
        };
        if node.is_null() {
            self.at(
                &node.at,
                format!("expects {expects}, but nothing is written"),
                None,
            );
            return None;
        }
        match interpolate::fill(text, self.env) {
            Ok(filled) => {
                let hidden = !filled.hidden.is_empty();
                self.hidden.extend(filled.hidden);
                Some(Text {
                    text: filled.text,
                    plain: *plain,
                    hidden,
                })
            }
            Err(unfilled) => {
                self.at(&node.at, unfilled.message, Some(unfilled.hint));
                None
            }
        }
    }

    /// A scalar that `parse` understands. `expects` completes "expects …".
    pub(super) fn scalar<T>(
        &mut self,
        node: &Node,
        expects: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(node, expects)?;
        let value = parse(text.text.trim());
        if value.is_none() {
            self.at(
                &node.at,
                format!("expects {expects}, but is {}", shown(&text)),
                None,
            );
        }
        value
    }

    /// One of a few words. Those of `later` are known, but belong to a later version.
    pub(super) fn word<T: Clone>(
        &mut self,
        node: &Node,
        words: &[(&str, T)],
        later: &[&str],
    ) -> Option<T> {
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let expects = match names.as_slice() {
            [only] => format!("`{only}`"),
            _ => format!("one of {}", names.join(", ")),
        };
        if let [entry] = node.entries()
            && later.contains(&entry.name.as_str())
        {
            self.mask(&entry.value);
            self.later(&entry.at, &entry.name, &expects);
            return None;
        }
        let text = self.text(node, &expects)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text.text) {
            return Some(value.clone());
        }
        if later.contains(&text.text.as_str()) {
            self.later(&node.at, &text.text, &expects);
            return None;
        }
        let near = self.near(&text.text, names.iter().copied());
        let hint = near.map(|word| format!("did you mean `{word}`?"));
        self.at(
            &node.at,
            format!("expects {expects}, but is {}", shown(&text)),
            hint,
        );
        None
    }

    fn later(&mut self, at: &Range<usize>, word: &str, expects: &str) {
        let message = format!("`{word}` is not available in this version of Alfred");
        self.at(at, message, Some(format!("use {expects}")));
    }

    /// Nothing of this value is ever shown, save where it only says where a secret is kept.
    pub(super) fn mask(&mut self, node: &Node) {
        node.scalars(&mut |text, at| {
            let variable = text.starts_with("${") && text.ends_with('}') && !text.contains(":-");
            if !variable && !text.starts_with("file:") {
                self.masks.push(at.clone());
            }
        });
    }

    /// Nothing is written, or variables leave nothing.
    pub(super) fn is_blank(&self, node: &Node) -> bool {
        let Kind::Scalar { text, .. } = &node.kind else {
            return false;
        };
        let is_empty =
            || interpolate::fill(text, self.env).is_ok_and(|filled| filled.text.is_empty());
        node.is_null() || (text.contains("${") && is_empty())
    }
}

/// The value as a message may show it: never what came from the environment.
fn shown(text: &Text) -> String {
    if text.hidden {
        return "filled in with something else".to_owned();
    }
    let mut letters = text.text.chars();
    let short: String = letters
        .by_ref()
        .take(40)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let more = if letters.next().is_some() { "…" } else { "" };
    format!("`{short}{more}`")
}

/// What a value is, in words.
pub(super) fn kind_of(node: &Node) -> &'static str {
    match node.kind {
        Kind::Scalar { .. } => "a single value",
        Kind::List(_) => "a list",
        Kind::Map(_) => "a mapping",
    }
}
