//! Why: a reference page that is written by hand is out of date. Its tables are made from the schema; the test fails
//! when they differ. `ALFRED_WRITE=1 cargo test reference_page` writes them anew.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::super::shape::Shape;
use super::super::units::{Count, Price, Size};
use super::super::{Config, Environment, Kind, zero};

const PAGE: &str = "docs/reference/configuration.md";
const MARK: &str =
    "<!-- From here on made from the code: ALFRED_WRITE=1 cargo test reference_page -->\n";

#[test]
fn the_tables_of_the_reference_page_are_those_of_the_schema() {
    let mut tables = String::new();
    section("", &Config::schema(), &mut tables);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = fs::read_to_string(&path).unwrap();
    let (written, made) = page.split_once(MARK).unwrap();
    if std::env::var_os("ALFRED_WRITE").is_some() {
        return fs::write(&path, format!("{written}{MARK}{tables}")).unwrap();
    }
    assert!(
        made == tables,
        "out of date: ALFRED_WRITE=1 cargo test reference_page"
    );
}

#[test]
fn the_reference_page_names_every_variable_that_is_read_without_a_file() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE)).unwrap();
    let own = [
        "ALFRED_DATA_DIR",
        "ALFRED_LISTEN_GATEWAY",
        "OLLAMA_HOST",
        "AZURE_OPENAI_ENDPOINT",
        "OPENAI_API_VERSION",
    ];
    let keys = Kind::ALL.iter().filter_map(|kind| kind.key_variable());
    for variable in own.into_iter().chain(keys) {
        assert!(page.contains(variable), "{variable}");
    }
    assert!(zero(&Environment::default()).is_ok());
}

/// One table for the section at `path`, then those of the sections inside it.
fn section(path: &str, schema: &Value, page: &mut String) {
    let title = if path.is_empty() { "The file" } else { path };
    let about = schema["description"].as_str().unwrap_or("");
    let code = if path.is_empty() { "" } else { "`" };
    write!(page, "\n## {code}{title}{code}\n\n{about}\n\n").unwrap();
    page.push_str("| setting | takes | default | meaning |\n|---|---|---|---|\n");
    let properties = schema["properties"].as_object().unwrap();
    let required = schema["required"].as_array();
    for (name, property) in properties {
        let about = property["description"]
            .as_str()
            .unwrap_or("")
            .replace('|', "\\|");
        let must = required.is_some_and(|names| names.contains(&Value::from(name.as_str())));
        let default = match property.get("default") {
            Some(Value::String(text)) => format!("`{text}`"),
            Some(other) => format!("`{other}`"),
            None if must => "**required**".to_owned(),
            None => String::new(),
        };
        writeln!(
            page,
            "| `{name}` | {} | {default} | {about} |",
            takes(property)
        )
        .unwrap();
    }
    for (name, property) in properties {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        inner(&path, property, page);
    }
}

/// The sections that a setting holds.
fn inner(path: &str, schema: &Value, page: &mut String) {
    if schema.get("properties").is_some() {
        section(path, schema, page);
    }
    if let Some(items) = schema.get("items") {
        inner(&format!("{path}[]"), items, page);
    }
    if let Some(values) = schema
        .get("additionalProperties")
        .filter(|values| values.is_object())
    {
        inner(&format!("{path}.NAME"), values, page);
    }
    for choice in schema["anyOf"].as_array().into_iter().flatten() {
        inner(path, choice, page);
    }
}

/// What may be written, in words.
fn takes(schema: &Value) -> String {
    let mut bare = schema.clone();
    if let Some(members) = bare.as_object_mut() {
        members.remove("description");
        members.remove("default");
    }
    let known = [
        (Duration::schema(), "duration"),
        (Size::schema(), "size"),
        (Count::schema(), "count"),
        (Price::schema(), "price"),
        (u32::schema(), "number"),
        (jiff::Timestamp::schema(), "text"),
    ];
    if let Some((_, word)) = known.iter().find(|(shape, _)| *shape == bare) {
        return (*word).to_owned();
    }
    if let Some(words) = bare["enum"].as_array() {
        let words: Vec<String> = words
            .iter()
            .map(|word| format!("`{}`", word.as_str().unwrap()))
            .collect();
        return words.join(" ");
    }
    if let Some(choices) = bare["anyOf"].as_array() {
        let variable = super::super::shape::variable();
        let choices: Vec<String> = choices
            .iter()
            .filter(|choice| **choice != variable)
            .map(takes)
            .collect();
        return choices.join(" or ");
    }
    let kind = match &bare["type"] {
        Value::Array(kinds) => kinds[0].as_str(),
        kind => kind.as_str(),
    };
    match kind {
        Some("array") => format!("list of {}", takes(&bare["items"])),
        Some("object") if bare.get("properties").is_some() => "section".to_owned(),
        Some("object") => format!("names to {}", takes(&bare["additionalProperties"])),
        Some("string") => "text".to_owned(),
        _ => "anything".to_owned(),
    }
}
