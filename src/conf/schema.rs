//! Why: editors complete and check the file while it is written, from the same declarations that read it.

use serde_json::{Value, json};

use super::config::Config;
use super::shape::Shape;

/// The JSON Schema (draft 2020-12) of the configuration file, as `alfred schema` prints it.
pub fn schema() -> Value {
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Alfred",
    });
    if let (Some(schema), Value::Object(body)) = (schema.as_object_mut(), Config::schema()) {
        schema.extend(body);
    }
    schema
}
