//! Why: what is shipped must work: every example and every template is read without a problem, and the schema that
//! editors use accepts them and is the one this code means.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::super::tree::{self, Node};
use super::super::{Environment, Kind, parse, schema, template, yaml};

const HOME: &str = env!("CARGO_MANIFEST_DIR");

/// The variables that the examples and templates name.
const VARIABLES: &[&str] = &[
    "GUARD_SECRET",
    "OPENAI_API_KEY",
    "OPENAI_API_KEY_2",
    "OPENAI_ORGANIZATION",
    "AZURE_OPENAI_API_KEY",
    "AZURE_OPENAI_API_KEY_WEST",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_API_KEY_2",
    "AWS_BEARER_TOKEN_BEDROCK",
    "GEMINI_API_KEY",
    "MISTRAL_API_KEY",
    "GROQ_API_KEY",
    "TOGETHER_API_KEY",
    "HF_TOKEN",
    "COHERE_API_KEY",
    "DEEPSEEK_API_KEY",
];

pub(super) fn environment() -> Environment {
    let values: Vec<String> = VARIABLES
        .iter()
        .map(|name| format!("dummy-value-of-{name}"))
        .collect();
    let endpoint = ("AZURE_OPENAI_ENDPOINT", "https://r.openai.azure.com");
    let pairs = VARIABLES
        .iter()
        .copied()
        .zip(values.iter().map(String::as_str));
    Environment::from_pairs(pairs.chain([endpoint]))
}

/// The names and texts of `conf/examples/*.yaml`.
pub(super) fn files() -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir(Path::new(HOME).join("conf/examples"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .map(|path| {
            (
                path.display().to_string(),
                fs::read_to_string(&path).unwrap(),
            )
        })
        .collect();
    files.sort();
    files
}

#[test]
fn every_example_is_read_without_a_problem_and_says_what_it_is_for() {
    let files = files();
    assert!(files.len() >= 11, "{}", files.len());
    for (name, text) in &files {
        if let Err(problems) = parse(name, text, &environment()) {
            panic!("{problems}");
        }
        let head = "# yaml-language-server: $schema=../schema.json\n#\n# ";
        assert!(
            text.starts_with(head),
            "{name} begins with its schema and its purpose"
        );
    }
}

#[test]
fn the_schema_accepts_every_example_and_template() {
    let schema = schema();
    let templates = Kind::ALL
        .iter()
        .map(|kind| ("template".to_owned(), template(&[*kind])));
    for (name, text) in files().into_iter().chain(templates) {
        let value = json_of(&yaml::document(&text).unwrap().root);
        let mut wrong = Vec::new();
        check(&schema, &value, "", &mut wrong);
        assert!(wrong.is_empty(), "{name}: {wrong:?}");
    }
}

#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    for bad in [
        json!({ "provider": {} }),
        json!({ "threads": "many" }),
        json!({ "store": "postgres" }),
        json!({ "providers": { "a": {} } }),
        json!({ "providers": { "a": { "kind": "opnai" } } }),
        json!({ "models": { "a": { "targets": "x" } } }),
        json!({ "limits": [ { "per": "key", "requests": -1 } ] }),
        json!({ "unknown_price": { "ceiling": {} } }),
    ] {
        let mut wrong = Vec::new();
        check(&schema(), &bad, "", &mut wrong);
        assert!(!wrong.is_empty(), "{bad}");
    }
}

#[test]
fn the_shipped_schema_is_the_one_this_code_means() {
    let now = format!("{:#}\n", schema());
    let path = Path::new(HOME).join("conf/schema.json");
    if std::env::var_os("ALFRED_WRITE").is_some() {
        fs::write(&path, &now).unwrap();
    }
    let shipped = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        shipped == now,
        "out of date: cargo run -- schema > conf/schema.json"
    );
}

#[test]
fn every_setting_of_the_schema_is_described() {
    fn visit(schema: &Value, path: &str) {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{name}");
            let described = property["description"]
                .as_str()
                .is_some_and(|text| text.len() > 3);
            assert!(described || name == "ceiling", "{path}");
            visit(property, &path);
        }
        for inner in ["items", "additionalProperties"] {
            schema
                .get(inner)
                .into_iter()
                .for_each(|inner| visit(inner, path));
        }
        for choice in schema["anyOf"].as_array().into_iter().flatten() {
            visit(choice, path);
        }
    }
    visit(&schema(), "");
}

#[test]
fn the_template_is_read_for_every_choice_of_providers() {
    let each = Kind::ALL.iter().map(|kind| vec![*kind]);
    for kinds in each.chain([vec![], Kind::ALL.to_vec()]) {
        let text = template(&kinds);
        let first = text.lines().next();
        assert_eq!(first, Some("# yaml-language-server: $schema=./schema.json"));
        let config = parse("alfred.yaml", &text, &environment())
            .unwrap_or_else(|problems| panic!("{problems}"));
        let found: Vec<Kind> = config
            .providers
            .values()
            .map(|provider| provider.kind)
            .collect();
        assert!(kinds.iter().all(|kind| found.contains(kind)));
        let mock = usize::from(!kinds.contains(&Kind::Mock));
        assert_eq!(found.len(), kinds.len() + mock);
    }
}

#[test]
fn every_comment_of_the_template_that_shows_a_setting_can_be_taken_in() {
    let text = template(Kind::ALL);
    let mut shown = 0;
    let taken: Vec<&str> = text
        .lines()
        .map(|line| {
            let bare = line.strip_prefix("# ").unwrap_or(line);
            let name = bare.split(':').next().unwrap_or("");
            let is_setting = name
                .chars()
                .all(|letter| letter.is_ascii_lowercase() || letter == '_');
            let is_inner = bare.starts_with("  ");
            if line.starts_with("# ") && bare.contains(':') && (is_setting || is_inner) {
                shown += 1;
                return bare;
            }
            line
        })
        .collect();
    assert!(shown >= 16, "{shown}");
    let taken = taken.join("\n");
    let mut env = environment();
    env.set("HOME", String::new());
    if let Err(problems) = parse("alfred.yaml", &taken, &env) {
        panic!("{problems}\n{taken}");
    }
}

/// The text as an editor sees it: variables are not filled in.
fn json_of(node: &Node) -> Value {
    match &node.kind {
        tree::Kind::Scalar { text, plain: true } => serde_json::from_str(text)
            .ok()
            .filter(|value: &Value| !value.is_object() && !value.is_array())
            .unwrap_or_else(|| {
                if node.is_null() {
                    Value::Null
                } else {
                    json!(text)
                }
            }),
        tree::Kind::Scalar { text, .. } => json!(text),
        tree::Kind::List(items) => items.iter().map(json_of).collect(),
        tree::Kind::Map(entries) => {
            let member = |entry: &tree::Entry| (entry.name.clone(), json_of(&entry.value));
            Value::Object(entries.iter().map(member).collect())
        }
    }
}

/// Checks a value against the keywords that our schema uses; of patterns only the one for variables.
fn check(schema: &Value, value: &Value, path: &str, wrong: &mut Vec<String>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits = match &schema["type"] {
        Value::String(expected) => expected == kind,
        Value::Array(expected) => expected.contains(&json!(kind)),
        _ => true,
    };
    if !fits {
        return wrong.push(format!("{path}: {kind}"));
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        wrong.push(format!("{path}: not one of {words:?}"));
    }
    if let (Some(r"\$\{"), Some(text)) = (schema["pattern"].as_str(), value.as_str())
        && !text.contains("${")
    {
        wrong.push(format!("{path}: names no variable"));
    }
    if let (Some(least), Some(number)) = (schema["minimum"].as_i64(), value.as_i64())
        && number < least
    {
        wrong.push(format!("{path}: below {least}"));
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let accepts = |choice: &Value| {
            let mut wrong = Vec::new();
            check(choice, value, path, &mut wrong);
            wrong.is_empty()
        };
        if !choices.iter().any(accepts) {
            wrong.push(format!("{path}: no choice fits"));
        }
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        check(&schema["items"], item, &format!("{path}.{index}"), wrong);
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        if value.is_object() && value.get(name.as_str().unwrap()).is_none() {
            wrong.push(format!("{path}: {name} is missing"));
        }
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        match (
            schema["properties"].get(name),
            &schema["additionalProperties"],
        ) {
            (Some(property), _) => check(property, member, &path, wrong),
            (None, Value::Bool(false)) => wrong.push(format!("{path}: unknown")),
            (None, other) => check(other, member, &path, wrong),
        }
    }
}

#[test]
fn what_is_shown_of_an_example_holds_no_secret_and_is_again_its_configuration() {
    for (name, text) in files() {
        let config = parse(&name, &text, &environment()).unwrap();
        let shown = config.shown();
        for secret in ["dummy-value-of", "blake3:"] {
            assert!(!shown.to_string().contains(secret), "{name}: {shown:#}");
        }
        let hash = format!("blake3:{}", "0".repeat(64));
        let mut known = shown.clone();
        for key in known["keys"].as_array_mut().unwrap() {
            key["hash"] = hash.as_str().into();
        }
        if known["pepper"].is_string() {
            known["pepper"] = "0".repeat(64).into();
        }
        if let Some(postgres) = known.pointer_mut("/store/postgres") {
            postgres["url"] = "postgres://a:b@c/d".into();
            postgres["replica_url"] = "postgres://a:b@replica/d".into();
        }
        // The same key twice would be a problem.
        let known = known.to_string();
        let parts = known.split("\"***\"").enumerate();
        let known: String = parts
            .map(|(number, part)| match number {
                0 => part.to_owned(),
                _ => format!("\"secret-{number}\"{part}"),
            })
            .collect();
        let again = parse("shown", &known, &Environment::default());
        let again = again.unwrap_or_else(|problems| panic!("{name}: {problems}"));
        let is_secret = |path: &String| {
            ["keys", "headers", "store", "pepper"].contains(&path.as_str())
                || path.ends_with(".keys")
                || path.contains(".headers.")
                || path.starts_with("store.postgres.")
                // Lists are compared as a whole, and a service may have a secret.
                || (path == "filters" && text.contains("secret:"))
        };
        let differing = config.differences(&again);
        assert!(differing.iter().all(is_secret), "{name}: {differing:?}");
    }
}
