//! Why: kinds of personal data, countries and hashes are checked where they are written, so that a mistyped one is told
//! at once and does not look for nothing.

use std::collections::BTreeMap;
use std::ops::Range;

use alfred_filters::guard::Entity;
use serde_json::{Value, json};

use super::GuardAction;
use crate::conf::cx::Cx;
use crate::conf::shape::Shape;
use crate::conf::show::Show;
use crate::conf::tree::{Kind, Node};

/// A kind of personal data by its name.
pub(super) struct EntityName;

impl Shape for EntityName {
    type Value = Entity;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<Entity> {
        let name = String::read(node, cx)?;
        let entity = Entity::from_name(&name);
        if entity.is_none() {
            unknown_entity(&name, &node.at, cx);
        }
        entity
    }

    fn schema() -> Value {
        String::schema()
    }

    fn written(value: &Entity) -> Option<Value> {
        Some(Value::from(value.name()))
    }
}

fn unknown_entity(name: &str, at: &Range<usize>, cx: &mut Cx<'_>) {
    let names = Entity::ALL.iter().map(|entity| entity.name());
    let hint = match cx.near(name, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "docs/concepts/guards.md lists the kinds".to_owned(),
    };
    cx.at(at, "is no kind of personal data", Some(hint));
}

/// A country whose numbers are known.
pub(super) struct PackName;

impl Shape for PackName {
    type Value = String;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<String> {
        let name = String::read(node, cx)?;
        if Entity::pack(&name).next().is_some() {
            return Some(name);
        }
        let known: std::collections::BTreeSet<&str> = Entity::ALL
            .iter()
            .filter_map(|entity| entity.country())
            .collect();
        let known: Vec<&str> = known.into_iter().collect();
        let hint = format!("countries here: {}", known.join(", "));
        cx.at(&node.at, "is no country of a pack", Some(hint));
        None
    }

    fn schema() -> Value {
        String::schema()
    }

    fn written(value: &String) -> Option<Value> {
        Some(Value::from(value.as_str()))
    }
}

/// Actions by kind of personal data.
pub(super) struct ByEntity;

impl Shape for ByEntity {
    type Value = BTreeMap<String, GuardAction>;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<Self::Value> {
        if let Kind::Map(entries) = &node.kind {
            for entry in entries
                .iter()
                .filter(|e| Entity::from_name(&e.name).is_none())
            {
                unknown_entity(&entry.name, &entry.at, cx);
            }
        }
        BTreeMap::<String, GuardAction>::read(node, cx)
    }

    fn schema() -> Value {
        BTreeMap::<String, GuardAction>::schema()
    }

    fn written(value: &Self::Value) -> Option<Value> {
        BTreeMap::<String, GuardAction>::written(value)
    }

    fn show(value: &Self::Value, show: &mut Show<'_>) -> Value {
        BTreeMap::<String, GuardAction>::show(value, show)
    }
}

/// The keyed hash of a value that is let through, in 64 hexadecimal digits.
pub(super) struct AllowHash;

impl Shape for AllowHash {
    type Value = String;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<String> {
        cx.scalar(node, "64 hexadecimal digits", |text| {
            let is_hash = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            is_hash.then(|| text.to_ascii_lowercase())
        })
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[0-9a-fA-F]{64}$" })
    }

    fn written(value: &String) -> Option<Value> {
        Some(Value::from(value.as_str()))
    }
}
