//! Why: the notations that every section shares: texts, numbers, addresses, lists, mappings, free JSON.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use serde_json::{Value, json};

use super::cx::Cx;
use super::file;
use super::secret::Secret;
use super::shape::{Shape, variable};
use super::show::Show;
use super::tree::{Kind, Node, is_null};

impl Shape for String {
    type Value = Self;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let text = cx.text(node, "a text")?.text;
        if text.is_empty() {
            cx.at(&node.at, "must not be empty", None);
            return None;
        }
        Some(text)
    }

    fn schema() -> Value {
        json!({ "type": "string", "minLength": 1 })
    }

    fn written(value: &Self) -> Option<Value> {
        Some(Value::from(value.as_str()))
    }
}

impl Shape for PathBuf {
    type Value = Self;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        String::read(node, cx).map(Self::from)
    }

    fn schema() -> Value {
        String::schema()
    }

    fn written(value: &Self) -> Option<Value> {
        Some(Value::from(value.to_string_lossy().into_owned()))
    }
}

impl Shape for Secret {
    type Value = Self;
    const SECRET: bool = true;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let text = cx.text(node, "a text")?;
        let secret = match text.text.strip_prefix("file:") {
            Some(path) => {
                let path = Path::new(path);
                cx.needs(path);
                match file::secret(path) {
                    Ok(secret) => secret,
                    Err(why) => {
                        cx.at(&node.at, why, None);
                        return None;
                    }
                }
            }
            None => text.text,
        };
        if secret.is_empty() {
            let hint = "write a text, `${VARIABLE}` or `file:/path`";
            cx.at(&node.at, "is empty", Some(hint.to_owned()));
            return None;
        }
        if secret.trim() != secret {
            cx.at(&node.at, "begins or ends with a space", None);
            return None;
        }
        if !secret.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            cx.at(&node.at, "holds characters that no header can carry", None);
            return None;
        }
        Some(Secret::new(secret))
    }

    fn schema() -> Value {
        String::schema()
    }

    fn show(value: &Self, show: &mut Show<'_>) -> Value {
        show.secret(value)
    }
}

macro_rules! whole_numbers {
    ($($number:ty),+) => { $(
        impl Shape for $number {
            type Value = Self;

            fn read(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
                let expects = "a whole number, at most 4294967295";
                cx.scalar(node, expects, |text| text.parse::<u32>().ok()?.try_into().ok())
            }

            fn schema() -> Value {
                json!({ "anyOf": [{ "type": "integer", "minimum": 0 }, variable()] })
            }

            fn written(value: &Self) -> Option<Value> {
                Some(Value::from(*value))
            }
        }
    )+ };
}

whole_numbers!(u32, usize);

impl Shape for bool {
    type Value = Self;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        cx.scalar(node, "`true` or `false`", |text| text.parse().ok())
    }

    fn schema() -> Value {
        json!({ "anyOf": [{ "type": "boolean" }, variable()] })
    }

    fn written(value: &Self) -> Option<Value> {
        Some(Value::from(*value))
    }
}

impl Shape for jiff::Timestamp {
    type Value = Self;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let expects = "a moment such as `2026-12-31T23:59:59Z`";
        cx.scalar(node, expects, |text| text.parse().ok())
    }

    fn schema() -> Value {
        json!({ "type": "string" })
    }

    fn written(value: &Self) -> Option<Value> {
        Some(Value::from(value.to_string()))
    }
}

impl Shape for SocketAddr {
    type Value = Self;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        cx.scalar(
            node,
            "an address and port such as `127.0.0.1:9090`",
            |text| {
                let local = || {
                    format!("127.0.0.1{}", text.strip_prefix("localhost")?)
                        .parse()
                        .ok()
                };
                text.parse().ok().or_else(local)
            },
        )
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": r":[0-9]+$|\$\{" })
    }

    fn written(value: &Self) -> Option<Value> {
        Some(Value::from(value.to_string()))
    }
}

impl Shape for IpNet {
    type Value = Self;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        cx.scalar(node, "an address or network such as `10.0.0.0/8`", |text| {
            let address = || text.parse::<std::net::IpAddr>().ok().map(Self::from);
            text.parse().ok().or_else(address)
        })
    }

    fn schema() -> Value {
        json!({ "type": "string" })
    }

    fn written(value: &Self) -> Option<Value> {
        Some(Value::from(value.to_string()))
    }
}

impl<S: Shape> Shape for Option<S> {
    type Value = Option<S::Value>;
    const SECRET: bool = S::SECRET;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<Self::Value> {
        S::read(node, cx).map(Some)
    }

    fn schema() -> Value {
        S::schema()
    }

    fn written(value: &Self::Value) -> Option<Value> {
        value.as_ref().and_then(S::written)
    }

    fn show(value: &Self::Value, show: &mut Show<'_>) -> Value {
        value
            .as_ref()
            .map(|value| S::show(value, show))
            .unwrap_or_default()
    }
}

impl<S: Shape> Shape for Vec<S> {
    type Value = Vec<S::Value>;
    const SECRET: bool = S::SECRET;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<Self::Value> {
        let Kind::List(items) = &node.kind else {
            let hint = "write `[…]`, or one line beginning with `- ` for each";
            cx.at(&node.at, "expects a list", Some(hint.to_owned()));
            return None;
        };
        let mut values = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match cx.inside(&index.to_string(), |cx| S::read(item, cx)) {
                Some(value) => values.push(value),
                None => cx.gap(index),
            }
        }
        Some(values)
    }

    fn schema() -> Value {
        json!({ "type": "array", "items": S::schema() })
    }

    fn written(value: &Self::Value) -> Option<Value> {
        value.is_empty().then(|| json!([]))
    }

    fn show(value: &Self::Value, show: &mut Show<'_>) -> Value {
        let items = value.iter().enumerate();
        items
            .map(|(index, item)| show.inside(&index.to_string(), |show| S::show(item, show)))
            .collect()
    }
}

impl<S: Shape> Shape for BTreeMap<String, S> {
    type Value = BTreeMap<String, S::Value>;
    const SECRET: bool = S::SECRET;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<Self::Value> {
        let Kind::Map(entries) = &node.kind else {
            cx.mask(node);
            cx.at(&node.at, "expects a mapping of names to values", None);
            return None;
        };
        let mut values = BTreeMap::new();
        for entry in entries {
            if let Some(value) = cx.inside(&entry.name, |cx| S::read(&entry.value, cx)) {
                values.insert(entry.name.clone(), value);
            }
        }
        Some(values)
    }

    fn schema() -> Value {
        json!({ "type": "object", "additionalProperties": S::schema() })
    }

    fn written(value: &Self::Value) -> Option<Value> {
        value.is_empty().then(|| json!({}))
    }

    fn show(value: &Self::Value, show: &mut Show<'_>) -> Value {
        let members = value.iter().map(|(name, value)| {
            let shown = show.inside(name, |show| S::show(value, show));
            (name.clone(), shown)
        });
        Value::Object(members.collect())
    }
}

/// Free JSON: texts without quotes may be numbers, `true`, `false` or `null`, also when a variable gave them.
impl Shape for Value {
    type Value = Self;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        match &node.kind {
            Kind::Scalar { .. } if node.is_null() => Some(Self::Null),
            Kind::Scalar { .. } => {
                let text = cx.text(node, "a value")?;
                Some(if text.plain {
                    plain(&text.text)
                } else {
                    Self::from(text.text)
                })
            }
            Kind::List(_) => Vec::<Self>::read(node, cx).map(Self::Array),
            Kind::Map(_) => {
                let members = BTreeMap::<String, Self>::read(node, cx)?;
                Some(Self::Object(members.into_iter().collect()))
            }
        }
    }

    fn schema() -> Value {
        json!({})
    }

    fn show(value: &Self, show: &mut Show<'_>) -> Value {
        match value {
            Self::Array(items) => Vec::<Self>::show(items, show),
            Self::Object(members) => {
                let members = members.iter().map(|(name, value)| {
                    let shown = show.inside(name, |show| Self::show(value, show));
                    (name.clone(), shown)
                });
                Self::Object(members.collect())
            }
            _ => show.free(value),
        }
    }
}

/// What a text without quotes means in YAML's core schema, as far as JSON can say it.
fn plain(text: &str) -> Value {
    match text {
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ if is_null(text) => Value::Null,
        _ => match serde_json::from_str(text) {
            Ok(Value::Number(number)) => Value::Number(number),
            _ => Value::from(text),
        },
    }
}
