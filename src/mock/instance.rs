//! A value that fits a JSON Schema, for structured answers and for arguments of tools.

use serde_json::{Map, Value};

/// How deep a value may nest before it ends in null: schemas may refer to themselves.
const DEPTH: u8 = 16;

/// A value that fits a schema, of those forms that structured output allows.
pub(super) fn instance(schema: &Value) -> Value {
    of(schema, schema, DEPTH)
}

fn of(root: &Value, schema: &Value, depth: u8) -> Value {
    let inner = |schema: &Value| of(root, schema, depth.saturating_sub(1));
    if let Some(value) = schema.get("const") {
        return value.clone();
    }
    let first = |key: &str| schema.get(key).and_then(|list| list.get(0));
    if let Some(value) = first("enum") {
        return value.clone();
    }
    if depth == 0 {
        return Value::Null;
    }
    if let Some(pointer) = schema.get("$ref").and_then(Value::as_str) {
        let pointer = pointer.trim_start_matches('#');
        return root.pointer(pointer).map_or(Value::Null, inner);
    }
    let choice = first("anyOf").or_else(|| first("oneOf"));
    if let Some(choice) = choice.or_else(|| first("allOf")) {
        return inner(choice);
    }
    let kind = schema.get("type");
    let kind = kind.and_then(|kind| kind.as_str().or_else(|| kind.get(0)?.as_str()));
    match kind {
        Some("string") => "text".into(),
        Some("integer") => 1.into(),
        Some("number") => 1.5.into(),
        Some("boolean") => true.into(),
        Some("array") => schema.get("items").map(inner).into_iter().collect(),
        Some("object") => {
            let properties = schema.get("properties").and_then(Value::as_object);
            let members = properties.into_iter().flatten();
            members
                .map(|(name, schema)| (name.clone(), inner(schema)))
                .collect::<Map<_, _>>()
                .into()
        }
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_instance_fits_the_forms_of_structured_output() {
        let schema = json!({"type": "object", "properties": {
            "name": {"type": ["string", "null"]},
            "kind": {"enum": ["a", "b"]},
            "tags": {"type": "array", "items": {"type": "integer"}},
            "size": {"anyOf": [{"type": "number"}, {"type": "null"}]},
            "place": {"$ref": "#/$defs/Place"},
        }, "$defs": {"Place": {"type": "object", "properties": {"open": {"type": "boolean"}}}}});
        let expected = json!({"name": "text", "kind": "a", "tags": [1], "size": 1.5,
            "place": {"open": true}});
        assert_eq!(instance(&schema), expected);
    }

    #[test]
    fn a_schema_that_nests_too_deep_ends_in_null() {
        let mut schema = json!({"type": "string"});
        for _ in 0..100 {
            schema = json!({"type": "array", "items": schema});
        }
        let endless = json!({"type": "array", "items": {"$ref": "#"}});
        for schema in [schema, endless] {
            let text = instance(&schema).to_string();
            assert!(text.contains("null") && text.len() < 100, "{text}");
        }
    }
}
