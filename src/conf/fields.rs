//! Why: every section opens the same way: a mapping with known names, where an unknown one is most often a slip of the
//! finger, and sometimes a setting of a version to come.

use std::ops::Range;

use serde_json::Value;

use super::cx::{Cx, kind_of};
use super::shape::Shape;
use super::tree::{Kind, Node};

/// Settings of the design that this version does not have. `*` stands for any name.
const LATER: &[&str] = &[
    "credit",
    "cache",
    "routing",
    "secrets",
    "admin",
    "auth",
    "otlp",
    "providers.*.probes",
];

/// The fields of one section.
pub(super) struct Fields<'n> {
    node: &'n Node,
}

impl<'n> Fields<'n> {
    /// Opens a mapping that may have fields of these names only.
    pub(super) fn open(node: &'n Node, names: &[&str], cx: &mut Cx<'_>) -> Option<Self> {
        if !matches!(node.kind, Kind::Map(_)) && !node.is_null() {
            // Someone may have written a key where its provider belongs.
            cx.mask(node);
            let message = format!("expects a mapping, but is {}", kind_of(node));
            let hint = format!("its fields are {}", names.join(", "));
            cx.at(&node.at, message, Some(hint));
            return None;
        }
        for entry in node.entries() {
            if !names.contains(&entry.name.as_str()) {
                cx.mask(&entry.value);
                cx.inside(&entry.name, |cx| unknown(cx, &entry.name, &entry.at, names));
            }
        }
        Some(Self { node })
    }

    /// A field that may be left out; `None` also when it is wrong, which has then been reported.
    pub(super) fn optional<S: Shape>(&self, name: &str, cx: &mut Cx<'_>) -> Option<S::Value> {
        let value = self.node.get(name)?;
        if S::SECRET {
            cx.mask(value);
        }
        if cx.is_blank(value) {
            return None;
        }
        cx.inside(name, |cx| S::read(value, cx))
    }

    /// A field that must be written.
    pub(super) fn required<S: Shape>(&self, name: &str, cx: &mut Cx<'_>) -> Option<S::Value> {
        if self.node.get(name).is_some_and(|value| !cx.is_blank(value)) {
            return self.optional::<S>(name, cx);
        }
        let schema = S::schema();
        let words = schema.pointer("/anyOf/0/enum").and_then(Value::as_array);
        let words: Vec<&str> = words
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let hint = match words.as_slice() {
            [] => format!("add `{name}: …`"),
            _ => format!("add `{name}: …`, one of {}", words.join(", ")),
        };
        cx.here(format!("`{name}` is missing"), hint);
        None
    }
}

fn unknown(cx: &mut Cx<'_>, name: &str, at: &Range<usize>, names: &[&str]) {
    let later = LATER.iter().any(|pattern| {
        let mut steps = pattern.split('.');
        let fits = cx
            .path()
            .iter()
            .all(|step| steps.next().is_some_and(|p| p == "*" || p == step));
        fits && steps.next().is_none()
    });
    if later {
        let message = "not available in this version of Alfred";
        cx.at(at, message, Some("remove it".to_owned()));
        return;
    }
    let hint = match cx.near(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known here: {}", names.join(", ")),
    };
    cx.at(at, "unknown field", Some(hint));
}
