//! Why: what texts are screened with is decided in layers: the configuration first, then an organisation, a team and a
//! key, each with a document of the same shape that only says what is to be otherwise. Here the layers become one.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::config::Config;
use super::cx::Cx;
use super::environment::Environment;
use super::filters::{Filter, GuardSettings};
use super::problem::Problems;
use super::shape::{Shape, section};
use super::source::{Findings, Source};
use super::tree::{Entry, Kind, Node};

section! {
    /// What the texts of some requests and their answers are screened with.
    pub struct GuardPolicy {
        /// The guards.
        pub filters: Vec<Filter> = Vec::new(),
        /// How they work.
        pub guard: GuardSettings = GuardSettings::default(),
    }
}

/// Lists whose entries add up; any other member of a lower layer stands in the place of the one above.
const ADD_UP: [&str; 2] = ["allow", "allow_hashed"];
/// Mappings that are merged name by name.
const MERGE: &str = "actions";

impl Config {
    /// What the configuration says about the texts of everybody, but for the services that are asked.
    #[must_use]
    pub fn guard_policy(&self) -> GuardPolicy {
        let filters = self.filters.iter();
        GuardPolicy {
            filters: filters.filter(|it| !it.asks_a_service()).cloned().collect(),
            guard: self.guard.clone(),
        }
    }
}

impl GuardPolicy {
    /// Why a filter cannot be built, with where it stands.
    #[must_use]
    pub fn placed(&self, (index, why): (usize, String)) -> String {
        let kind = self.filters.get(index).map_or("", Filter::name);
        format!("filters.{index}.{kind}: {why}")
    }

    /// Reads one, or one layer. Nothing in it is filled in: a `${…}` stands for itself. `name` tells in problems whose it
    /// is.
    ///
    /// # Errors
    /// All that is wrong with it, each with its path.
    pub fn read(name: &str, document: &Value) -> Result<Self, Problems> {
        let (env, tree) = (Environment::default(), node(document));
        let mut cx = Cx::new(&env, &tree, Findings::default());
        let policy = <Self as Shape>::read(&tree, &mut cx);
        let filters = policy.iter().flat_map(|policy| &policy.filters);
        for (index, _) in filters.enumerate().filter(|(_, it)| it.asks_a_service()) {
            let message = "asks a service: which ones are asked is said in the configuration only";
            let hint = "leave it out; what the configuration asks is asked for everybody";
            cx.cross(&[&["filters", &index.to_string()]], message, hint);
        }
        let findings = cx.finish().0.list;
        match policy {
            Some(policy) if findings.is_empty() => Ok(policy),
            _ => {
                let source = Source::default();
                let mut problems: Vec<_> = findings.iter().map(|it| source.locate(it)).collect();
                for problem in &mut problems {
                    name.clone_into(&mut problem.file);
                }
                Err(Problems(problems))
            }
        }
    }

    /// The whole as a document, defaults included.
    #[must_use]
    pub fn document(&self) -> Value {
        let source = Source::default();
        <Self as Shape>::show(self, &mut super::show::Show::open(&source))
    }
}

/// What a layer says that a layer above it has locked, such as `filters.pii`.
pub type Locked = Vec<String>;

/// Lays one document over another, and tells what of it does not hold because it is locked. Both have been read before.
#[must_use]
pub fn lay_over(above: &Value, own: &Value) -> (Value, Locked) {
    let locks = locks(above);
    let mut refused = Locked::new();
    let mut filters = list(above, "filters").to_vec();
    for entry in list(own, "filters") {
        let Some(identity) = identity(entry) else {
            continue;
        };
        if locks.contains(identity.0) {
            refused.push(format!("filters.{}", identity.0));
            continue;
        }
        let same = |other: &&mut Value| self::identity(other) == Some(identity);
        match filters.iter_mut().find(same) {
            Some(known) => merge_filter(known, entry),
            None => filters.push(entry.clone()),
        }
    }
    let settings = |document: &Value| document.get("guard").and_then(Value::as_object).cloned();
    let mut guard = settings(above).unwrap_or_default();
    for (name, value) in settings(own).unwrap_or_default() {
        match name.as_str() {
            "locked" => add_up(&mut guard, &name, &value),
            _ if !locks.is_empty() => refused.push(format!("guard.{name}")),
            _ => drop(guard.insert(name, value)),
        }
    }
    (json!({ "filters": filters, "guard": guard }), refused)
}

fn locks(document: &Value) -> BTreeSet<&str> {
    let locked = document.pointer("/guard/locked").and_then(Value::as_array);
    locked
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn list<'a>(document: &'a Value, name: &str) -> &'a [Value] {
    let list = document.get(name).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

/// Which guard an entry is about: lists of words and patterns are told apart by their names.
pub(super) fn identity(entry: &Value) -> Option<(&str, Option<&str>)> {
    let (guard, settings) = entry.as_object()?.iter().next()?;
    let name = settings.get("name").and_then(Value::as_str);
    Some((guard, name))
}

fn merge_filter(known: &mut Value, own: &Value) {
    let own = own.as_object().and_then(|entry| entry.values().next());
    let known = known
        .as_object_mut()
        .and_then(|entry| entry.values_mut().next());
    let (Some(Value::Object(settings)), Some(Value::Object(own))) = (known, own) else {
        return;
    };
    for (name, value) in own {
        let known = settings.get_mut(name).filter(|_| name == MERGE);
        match (known, value) {
            (Some(Value::Object(known)), Value::Object(more)) => {
                known.extend(more.clone());
            }
            _ if ADD_UP.contains(&name.as_str()) => add_up(settings, name, value),
            _ => drop(settings.insert(name.clone(), value.clone())),
        }
    }
}

fn add_up(members: &mut Map<String, Value>, name: &str, more: &Value) {
    let known = members.entry(name).or_insert_with(|| json!([]));
    let (Value::Array(known), Value::Array(more)) = (known, more) else {
        return;
    };
    for value in more {
        if !known.contains(value) {
            known.push(value.clone());
        }
    }
}

/// The tree of a document that was not written in YAML.
fn node(document: &Value) -> Node {
    let scalar = |text: String, plain| Kind::Scalar { text, plain };
    let kind = match document {
        Value::Null => scalar("null".to_owned(), true),
        Value::Bool(_) | Value::Number(_) => scalar(document.to_string(), true),
        // A `${` that stands for itself.
        Value::String(text) => scalar(text.replace("${", "$${"), false),
        Value::Array(items) => Kind::List(items.iter().map(node).collect()),
        Value::Object(members) => {
            let entries = members.iter().map(|(name, value)| Entry {
                name: name.clone(),
                at: 0..0,
                value: node(value),
            });
            Kind::Map(entries.collect())
        }
    };
    Node { at: 0..0, kind }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn house() -> Value {
        json!({
            "filters": [
                { "secrets": { "action": "block", "answer": "mask" } },
                { "pii": { "action": "mask", "packs": ["de"], "actions": { "email": "log" }, "allow": ["a@x.org"] } },
                { "terms": { "name": "customers", "terms": ["Acme"] } },
            ],
            "guard": { "dry_run": true, "on_fault": "closed", "locked": [] },
        })
    }

    #[test]
    fn a_layer_changes_what_it_says_and_nothing_else() {
        let own = json!({
            "filters": [
                { "pii": { "packs": ["us"], "actions": { "us_ssn": "block" }, "allow": ["b@x.org", "a@x.org"] } },
                { "terms": { "name": "projects", "terms": ["Blue"] } },
            ],
            "guard": { "dry_run": false },
        });
        let (merged, refused) = lay_over(&house(), &own);
        assert!(refused.is_empty());
        let pii = &merged["filters"][1]["pii"];
        assert_eq!(pii["action"], "mask");
        assert_eq!(pii["packs"], json!(["us"]));
        assert_eq!(pii["actions"], json!({ "email": "log", "us_ssn": "block" }));
        assert_eq!(pii["allow"], json!(["a@x.org", "b@x.org"]));
        assert_eq!(merged["filters"][0], house()["filters"][0]);
        assert_eq!(merged["filters"].as_array().map(Vec::len), Some(4));
        assert_eq!(
            (&merged["guard"]["dry_run"], &merged["guard"]["on_fault"]),
            (&json!(false), &json!("closed"))
        );
        assert!(GuardPolicy::read("t", &merged).is_ok());
    }

    #[test]
    fn what_is_locked_above_is_not_changed_below() {
        let mut house = house();
        house["guard"]["locked"] = json!(["secrets"]);
        let own = json!({
            "filters": [{ "secrets": { "action": "allow" } }, { "pii": { "action": "block" } }],
            "guard": { "dry_run": true, "locked": ["pii"] },
        });
        let (merged, refused) = lay_over(&house, &own);
        assert_eq!(refused, ["filters.secrets", "guard.dry_run"]);
        assert_eq!(merged["filters"][0]["secrets"]["action"], "block");
        assert_eq!(merged["filters"][1]["pii"]["action"], "block");
        let (_, refused) = lay_over(&merged, &own);
        assert_eq!(refused, ["filters.secrets", "filters.pii", "guard.dry_run"]);
    }

    #[test]
    fn a_document_of_others_reads_no_variable_and_no_file() {
        let own = json!({ "filters": [{ "terms": { "name": "${HOME}", "terms": ["$${X} ${"] } }] });
        let policy = GuardPolicy::read("team 3", &own).expect("a policy");
        let Some(Filter::Terms(terms)) = policy.filters.first() else {
            panic!("{policy:?}");
        };
        assert_eq!(
            (terms.name.as_str(), terms.terms[0].as_str()),
            ("${HOME}", "$${X} ${")
        );
    }

    #[test]
    fn a_bad_document_is_told_with_its_path() {
        let own =
            json!({ "filters": [{ "pii": { "types": ["emial"] } }, { "pi": {} }], "guad": {} });
        let problems = GuardPolicy::read("team 3", &own).expect_err("problems");
        let text = problems.to_string();
        for wanted in [
            "team 3: filters.0.pii.types.0",
            "did you mean `email`",
            "did you mean `pii`",
            "guad",
        ] {
            assert!(text.contains(wanted), "{text}");
        }
    }

    #[test]
    fn the_whole_is_shown_as_it_is_read() {
        let policy = GuardPolicy::read("house", &house()).expect("a policy");
        let again = GuardPolicy::read("house", &policy.document()).expect("the same");
        assert_eq!(policy, again);
    }
}
