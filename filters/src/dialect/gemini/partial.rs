//! Arguments of a call that come in pieces, each with the place it belongs to
//! (`{"jsonPath":"$.a.b[0]","stringValue":"x"}`). They are put together as a
//! value: the pieces of one string need not be the next thing said, so JSON text
//! could not be written as they come.

use serde_json::{Map, Value};

use crate::dialect::openai_chat::wire::{elements, members, string};

/// Most elements of a list that a piece may name.
const LONGEST: usize = 4096;
/// Most steps of a path.
const DEEPEST: usize = 64;

/// One step of a path.
enum Step {
    Key(String),
    Index(usize),
}

/// Takes a list of pieces in; false if one of them cannot be placed.
pub(super) fn take(args: &mut Value, list: &str) -> bool {
    let mut placed = true;
    elements(list, |piece| placed &= put(args, piece));
    placed
}

fn put(args: &mut Value, piece: &str) -> bool {
    let (mut path, mut new) = (None, None);
    members(piece, |key, value| match key {
        "jsonPath" => path = string(value),
        "stringValue" | "numberValue" | "boolValue" => new = serde_json::from_str(value).ok(),
        "nullValue" => new = Some(Value::Null),
        _ => {}
    });
    let Some(steps) = path.as_deref().and_then(steps) else {
        return false;
    };
    let Some(place) = place(args, &steps) else {
        return false;
    };
    match (place, new) {
        (_, None) => {}
        (Value::String(text), Some(Value::String(more))) => text.push_str(&more),
        (place, Some(new)) => *place = new,
    }
    true
}

/// The value at that path, made if need be.
fn place<'v>(root: &'v mut Value, steps: &[Step]) -> Option<&'v mut Value> {
    let mut value = root;
    for step in steps {
        value = match step {
            Step::Key(key) => {
                if !value.is_object() {
                    *value = Value::Object(Map::new());
                }
                value
                    .as_object_mut()?
                    .entry(key.as_str())
                    .or_insert(Value::Null)
            }
            Step::Index(index) => {
                if !value.is_array() {
                    *value = Value::Array(Vec::new());
                }
                let list = value.as_array_mut()?;
                if list.len() <= *index {
                    list.resize(index + 1, Value::Null);
                }
                list.get_mut(*index)?
            }
        };
    }
    Some(value)
}

/// The steps of `$.a.b[0]['c']`.
fn steps(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if steps.len() == DEEPEST {
            return None;
        }
        if let Some(inner) = rest.strip_prefix('.') {
            let end = inner.find(['.', '[']).unwrap_or(inner.len());
            let (key, after) = inner.split_at_checked(end)?;
            steps.push(Step::Key(key.to_owned()));
            rest = after;
            continue;
        }
        let inner = rest.strip_prefix('[')?;
        if let Some(quote) = inner.chars().next().filter(|c| matches!(c, '\'' | '"')) {
            let (key, after) = inner.get(1..)?.split_once(&*format!("{quote}]"))?;
            steps.push(Step::Key(key.to_owned()));
            rest = after;
        } else {
            let (index, after) = inner.split_once(']')?;
            let index = index.parse().ok().filter(|index| *index < LONGEST)?;
            steps.push(Step::Index(index));
            rest = after;
        }
    }
    Some(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_find_their_places_and_strings_grow() {
        let mut args = Value::Object(Map::new());
        assert!(take(
            &mut args,
            r#"[{"jsonPath":"$.a.b[1]['c.d']","stringValue":"x","willContinue":true},{"jsonPath":"$.n","numberValue":7},{"jsonPath":"$.t","boolValue":true},{"jsonPath":"$.z","nullValue":null}]"#
        ));
        assert!(take(
            &mut args,
            r#"[{"jsonPath":"$.a.b[1]['c.d']","stringValue":"y"}]"#
        ));
        assert_eq!(
            args.to_string(),
            r#"{"a":{"b":[null,{"c.d":"xy"}]},"n":7,"t":true,"z":null}"#
        );
    }

    #[test]
    fn hostile_places_are_refused() {
        let deep = format!("$.a{}", "[0]".repeat(1000));
        for path in ["a", "$[99999999999]", "$[5000]", "$[", "$['a", "$x", &deep] {
            let piece = format!(r#"[{{"jsonPath":"{path}","stringValue":"x"}}]"#);
            assert!(!take(&mut Value::Null, &piece), "{path}");
        }
    }
}
