//! Why: a value that is let through is often personal itself. What comes over the network is kept by its keyed hash only.

use serde_json::{Value, json};

use super::Tools;

/// The same policy document with `allow` turned into `allow_hashed`. It has been read before.
#[must_use]
pub fn sealed(mut document: Value, tools: &Tools) -> Value {
    let filters = document.get_mut("filters").and_then(Value::as_array_mut);
    let entries = filters.into_iter().flatten();
    let settings = entries.filter_map(|entry| entry.as_object_mut()?.values_mut().next());
    for settings in settings.filter_map(Value::as_object_mut) {
        let Some(allowed) = settings.remove("allow") else {
            continue;
        };
        let hashed = settings.entry("allow_hashed").or_insert_with(|| json!([]));
        let values = allowed.as_array().into_iter().flatten();
        for hash in values.filter_map(|value| Some(tools.allow_hash(value.as_str()?))) {
            let hash = Value::from(hash);
            if let Some(hashed) = hashed.as_array_mut().filter(|all| !all.contains(&hash)) {
                hashed.push(hash);
            }
        }
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_stays_in_a_document() {
        let tools = Tools::new([1; 32]);
        let hash = tools.allow_hash("a@x.org");
        let document = json!({ "filters": [
            { "pii": { "allow": ["a@x.org", "b@x.org"], "allow_hashed": [hash] } },
            { "secrets": {} },
        ] });
        let sealed = sealed(document, &tools);
        let pii = &sealed["filters"][0]["pii"];
        assert_eq!(
            pii["allow_hashed"],
            json!([hash, tools.allow_hash("b@x.org")])
        );
        assert!(!sealed.to_string().contains("x.org"));
        assert_eq!(sealed["filters"][1], json!({ "secrets": {} }));
        assert_ne!(hash, Tools::new([2; 32]).allow_hash("a@x.org"));
    }
}
