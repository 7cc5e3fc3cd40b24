//! Why: the one place that uses serde-saphyr. It turns text into a [`Node`] tree and bounds what hostile text can cost:
//! depth, number of values, alias expansion. See docs/decisions/0002-serde-saphyr.md.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde_saphyr::granit_parser::{
    ErrorKind, Event, Options, Parser, ScalarStyle, ScanError, Span,
};

use super::source::{Finding, Findings};
use super::tree::{Entry, Kind, Node};

/// The deepest nesting of lists and mappings.
const DEEPEST: usize = 48;

/// The most a file may hold once its aliases are expanded: each value counts 1, and 1 more for every 64 bytes of text.
const BUDGET: usize = 200_000;

/// A tree, with the mistakes that do not keep the rest from being read.
pub(super) struct Document {
    pub(super) root: Node,
    pub(super) findings: Findings,
}

/// Parses one YAML document.
///
/// # Errors
/// The syntax error that keeps the rest from being understood.
pub(super) fn document(text: &str) -> Result<Document, Box<Finding>> {
    let mut builder = Builder::default();
    let mut options = Options::default();
    options.set_emit_comments(false);
    // One more than ours, so that the plainer words of `Builder::push` come first.
    options.flow_nesting_limit = DEEPEST + 1;
    options.block_nesting_limit = DEEPEST + 1;
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| Box::new(syntax(&error, text)))?;
        let at = span.byte_range().unwrap_or(0..0);
        builder.take(event, &span, at)?;
    }
    Ok(Document {
        root: builder.root.unwrap_or_else(Node::empty),
        findings: builder.findings,
    })
}

/// A list or mapping whose end has not come yet.
struct Open {
    start: usize,
    anchor: usize,
    weight: usize,
    kind: OpenKind,
}

enum OpenKind {
    List(Vec<Node>),
    Map(Mapping),
}

#[derive(Default)]
struct Builder {
    root: Option<Node>,
    open: Vec<Open>,
    /// The values that aliases name, with their weights.
    anchors: BTreeMap<usize, (Node, usize)>,
    findings: Findings,
    documents: usize,
    weight: usize,
}

type Step = Result<(), Box<Finding>>;

impl Builder {
    fn take(&mut self, event: Event<'_>, span: &Span, at: Range<usize>) -> Step {
        match event {
            Event::DocumentStart(..) => self.document(at),
            Event::Scalar(text, style, anchor, tag) => {
                self.tag(tag.is_some(), span, &at);
                let weight = 1 + text.len() / 64;
                self.spend(weight, &at)?;
                let kind = Kind::Scalar {
                    text: text.into_owned(),
                    plain: style == ScalarStyle::Plain,
                };
                self.close(Node { at, kind }, anchor, weight)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.tag(tag.is_some(), span, &at);
                self.push(at, anchor, OpenKind::List(Vec::new()))
            }
            Event::MappingStart(_, anchor, tag) => {
                self.tag(tag.is_some(), span, &at);
                self.push(at, anchor, OpenKind::Map(Mapping::default()))
            }
            Event::SequenceEnd | Event::MappingEnd => self.pop(&at),
            Event::Alias(id) => {
                let Some((_, weight)) = self.anchors.get(&id) else {
                    let message = "this alias stands inside the value it names";
                    return stop(at, message, "write the value out");
                };
                let weight = *weight;
                self.spend(weight, &at)?;
                match self.anchors.get(&id) {
                    Some((node, _)) => self.close(node.clone(), 0, weight),
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    fn document(&mut self, at: Range<usize>) -> Step {
        self.documents += 1;
        if self.documents > 1 {
            return stop(
                at,
                "a second document begins here",
                "keep one: remove the `---`",
            );
        }
        Ok(())
    }

    /// Counts what a value costs, before it is copied.
    fn spend(&mut self, weight: usize, at: &Range<usize>) -> Step {
        self.weight += weight;
        if self.weight > BUDGET {
            let message = "the file holds too many values once its aliases are expanded";
            return stop(at.clone(), message, "write fewer values and aliases");
        }
        Ok(())
    }

    fn tag(&mut self, tagged: bool, span: &Span, at: &Range<usize>) {
        if tagged {
            let tag = span.tag_span().and_then(|tag| tag.byte_range());
            self.report(
                tag.unwrap_or_else(|| at.clone()),
                "tags such as `!!str` have no meaning here".to_owned(),
                "remove the tag; quotes make a value a text",
            );
        }
    }

    /// Notes a mistake that does not keep the rest from being read.
    fn report(&mut self, at: Range<usize>, message: String, hint: &str) {
        let step = |open: &Open| match &open.kind {
            OpenKind::List(items) => Some(items.len().to_string()),
            OpenKind::Map(map) => map.name.as_ref().map(|(name, _)| name.clone()),
        };
        let open = &self.open;
        self.findings.add(|| Finding {
            at,
            path: open.iter().filter_map(step).collect::<Vec<_>>().join("."),
            message,
            hint: Some(hint.to_owned()),
        });
    }

    fn push(&mut self, at: Range<usize>, anchor: usize, kind: OpenKind) -> Step {
        if self.open.len() >= DEEPEST {
            let message = "lists and mappings are nested too deep";
            return stop(at, message, "no setting needs such depth");
        }
        self.spend(1, &at)?;
        self.open.push(Open {
            start: at.start,
            anchor,
            weight: 1,
            kind,
        });
        Ok(())
    }

    fn pop(&mut self, at: &Range<usize>) -> Step {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let kind = match open.kind {
            OpenKind::List(items) => Kind::List(items),
            OpenKind::Map(map) => Kind::Map(map.finish()),
        };
        let at = open.start..at.end.max(open.start);
        self.close(Node { at, kind }, open.anchor, open.weight)
    }

    /// A value is complete: it goes to its anchor and into what is open around it.
    fn close(&mut self, node: Node, anchor: usize, weight: usize) -> Step {
        if anchor != 0 {
            self.spend(weight, &node.at)?;
            self.anchors.insert(anchor, (node.clone(), weight));
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        open.weight += weight;
        let twice = match &mut open.kind {
            OpenKind::List(items) => {
                items.push(node);
                None
            }
            OpenKind::Map(map) => map.take(node)?,
        };
        if let Some((name, at)) = twice {
            self.report(
                at,
                format!("`{name}` is written twice"),
                "keep one of the two",
            );
        }
        Ok(())
    }
}

/// A mapping whose end has not come yet.
#[derive(Default)]
struct Mapping {
    entries: Vec<Entry>,
    names: BTreeSet<String>,
    /// The mappings that `<<` names.
    merged: Vec<Node>,
    /// The name whose value comes next.
    name: Option<(String, Range<usize>)>,
}

impl Mapping {
    /// Takes a name or its value. The answer is a name that was there already.
    fn take(&mut self, node: Node) -> Result<Option<(String, Range<usize>)>, Box<Finding>> {
        let Some((name, at)) = self.name.take() else {
            let Kind::Scalar { text, .. } = node.kind else {
                let hint = "quote a value that begins with `${`, `{` or `[`";
                return stop(node.at, "a name must be a text", hint);
            };
            self.name = Some((text, node.at));
            return Ok(None);
        };
        if name == "<<" {
            self.merge(node)?;
        } else if self.names.insert(name.clone()) {
            let value = placed(node, &at);
            self.entries.push(Entry { name, at, value });
        } else {
            return Ok(Some((name, at)));
        }
        Ok(None)
    }

    /// `<<: *anchor` or `<<: [*one, *two]`.
    fn merge(&mut self, node: Node) -> Step {
        let nodes = match node.kind {
            Kind::List(items) => items,
            _ => vec![node],
        };
        for node in nodes {
            if !matches!(node.kind, Kind::Map(_)) {
                return stop(
                    node.at,
                    "`<<` merges mappings only",
                    "name an anchor: `<<: *name`",
                );
            }
            self.merged.push(node);
        }
        Ok(())
    }

    /// What is written here wins over what is merged, and the first merged over the next.
    fn finish(mut self) -> Vec<Entry> {
        for node in self.merged {
            if let Kind::Map(entries) = node.kind {
                let names = &mut self.names;
                let new = entries
                    .into_iter()
                    .filter(|entry| names.insert(entry.name.clone()));
                self.entries.extend(new);
            }
        }
        self.entries
    }
}

/// A value of which nothing is written (`name:`) stands where its name stands.
fn placed(mut node: Node, name: &Range<usize>) -> Node {
    if node.at.is_empty() {
        node.at = name.clone();
    }
    node
}

fn stop<T>(at: Range<usize>, message: &str, hint: &str) -> Result<T, Box<Finding>> {
    Err(Box::new(Finding {
        at,
        path: String::new(),
        message: message.to_owned(),
        hint: Some(hint.to_owned()),
    }))
}

/// The parser's own words, or plainer ones for what people run into.
fn syntax(error: &ScanError, text: &str) -> Finding {
    let at = error
        .marker()
        .byte_offset()
        .unwrap_or(text.len())
        .min(text.len());
    let (before, after) = text.split_at(text.floor_char_boundary(at));
    let (message, hint) = match error.kind() {
        _ if before.ends_with('$') && after.starts_with('{') => {
            let message = "`${` has no quotes around it".to_owned();
            (
                message,
                Some("inside `{ }` and `[ ]` write \"${VARIABLE}\""),
            )
        }
        ErrorKind::TabInIndentation
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabNotAllowed => {
            ("a tab cannot indent".to_owned(), Some("indent with spaces"))
        }
        ErrorKind::UnknownAnchor => {
            let message = "there is no anchor of this name above".to_owned();
            (message, Some("quote a text that begins with `*`"))
        }
        ErrorKind::UnclosedQuotedScalar => (error.info(), Some("close the quote")),
        _ => (error.info(), None),
    };
    Finding {
        at: at..at + 1,
        path: String::new(),
        message,
        hint: hint.map(str::to_owned),
    }
}
