//! The laws of the house that a scan of the text can check.

#![expect(clippy::expect_used, reason = "a test says what it expected")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alfred::conf::{self, Environment};
use alfred::gateway::Gateway;
use alfred::living::Living;
use alfred::secrets::{Keyring, Pepper};
use alfred::telemetry::{AccessLog, METRICS};

/// Longest file, tests included.
const MAX_LINES: usize = 500;
/// Public traits of the whole project.
const MAX_TRAITS: usize = 8;
/// Functions that may be longer than the law, each with its reason.
const MAX_LONG_FUNCTIONS: usize = 5;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below these folders, with its path from the root and its text.
fn sources(folders: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)
            .expect("a folder of the project")
            .flatten()
        {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("readable source");
                let name = path.strip_prefix(root()).expect("below the root");
                found.push((name.to_string_lossy().into_owned(), text));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no sources below {folders:?}");
    found
}

/// The text without comments' and tests' share: what runs in production.
fn production(text: &str) -> String {
    let code = text
        .split("#[cfg(test)]\nmod tests")
        .next()
        .unwrap_or_default();
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The room of a file: the first folder or file below `src`.
fn room(path: &str) -> String {
    let below = path.strip_prefix("src/").unwrap_or(path);
    below
        .split('/')
        .next()
        .unwrap_or(below)
        .trim_end_matches(".rs")
        .to_owned()
}

fn assert_none(offences: &[String], law: &str) {
    assert!(offences.is_empty(), "{law}:\n  {}", offences.join("\n  "));
}

#[test]
fn no_file_is_longer_than_five_hundred_lines() {
    let all = sources(&["src", "filters", "tests", "benches"]);
    let long: Vec<String> = all
        .iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > MAX_LINES)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    assert_none(&long, "files are at most 500 lines");
}

#[test]
fn every_module_says_why_it_exists() {
    let silent: Vec<String> = sources(&["src", "filters/src"])
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//!"))
        .map(|(path, _)| path)
        .collect();
    assert_none(&silent, "every module begins with its reason");
}

#[test]
fn pingora_stays_in_its_rooms() {
    let mut offences = Vec::new();
    for (path, text) in sources(&["src", "filters/src"]) {
        let allowed: &[&str] = match room(&path).as_str() {
            "proxy" => &["pingora"],
            "pool" => &["pingora_load_balancing", "pingora_core"],
            "limits" => &["pingora_limits"],
            // Settings of its log lines.
            "telemetry" => &["\"pingora"],
            _ => &[],
        };
        for line in production(&text)
            .lines()
            .filter(|line| line.contains("pingora"))
        {
            if !allowed.iter().any(|name| line.contains(name)) {
                offences.push(format!("{path}: {}", line.trim()));
            }
        }
    }
    assert_none(&offences, "Pingora is known in proxy, pool and limits only");
}

#[test]
fn sql_yaml_and_the_environment_have_one_room_each() {
    let laws: [(&[&str], &[&str], &str); 3] = [
        (
            &["rusqlite", "SELECT ", "INSERT INTO"],
            &["store"],
            "SQL is known in store only",
        ),
        (&["serde_saphyr"], &["conf"], "YAML is known in conf only"),
        (
            &["std::env::", "env::var"],
            &["conf", "cli", "main"],
            "the environment is read in conf and on the command line only",
        ),
    ];
    for (marks, rooms, law) in laws {
        let mut offences = Vec::new();
        for (path, text) in sources(&["src", "filters/src"]) {
            if rooms.contains(&room(&path).as_str()) || path.contains("/tests/") {
                continue;
            }
            let code = production(&text);
            if let Some(mark) = marks.iter().find(|mark| code.contains(**mark)) {
                offences.push(format!("{path}: {mark}"));
            }
        }
        assert_none(&offences, law);
    }
}

#[test]
fn one_file_reads_yaml() {
    let users: Vec<String> = sources(&["src/conf"])
        .into_iter()
        .filter(|(_, text)| production(text).contains("serde_saphyr"))
        .map(|(path, _)| path)
        .collect();
    assert_eq!(users.len(), 1, "serde-saphyr has one use site: {users:?}");
}

#[test]
fn tasks_are_spawned_by_supervisors_only() {
    let offences: Vec<String> = sources(&["src"])
        .into_iter()
        .filter(|(path, _)| !["supervisor", "mock"].contains(&room(path).as_str()))
        .filter(|(_, text)| production(text).contains("tokio::spawn"))
        .map(|(path, _)| path)
        .collect();
    assert_none(&offences, "no task without a supervisor");
}

#[test]
fn the_pure_crate_knows_no_clock_no_network_and_no_chance() {
    let marks = [
        "tokio::",
        "std::time::Instant",
        "SystemTime",
        "std::net::Tcp",
        "std::net::Udp",
        "std::fs",
        "rand::",
    ];
    let mut offences = Vec::new();
    for (path, text) in sources(&["filters/src"]) {
        let code = production(&text);
        let used = marks.iter().find(|mark| code.contains(**mark));
        if let Some(mark) = used {
            offences.push(format!("{path}: {mark}"));
        }
    }
    assert_none(&offences, "filters is pure");
}

/// Each room with those it may use; `None` means all below it and is written out nowhere else.
fn tiers() -> BTreeMap<&'static str, &'static [&'static str]> {
    BTreeMap::from([
        ("conf", &[] as &[&str]),
        ("mock", &[]),
        ("money", &[]),
        ("random", &[]),
        ("private_file", &["random"]),
        ("audit", &["private_file", "random"]),
        ("refusal", &[]),
        ("tokenizer", &[]),
        ("store", &["audit", "conf", "money"]),
        ("secrets", &["conf", "private_file", "random", "store"]),
        ("telemetry", &["conf"]),
        ("limits", &["conf"]),
        ("ledger", &["conf", "money", "outbound", "store"]),
        ("outbound", &["conf"]),
        ("tokens", &["conf", "outbound"]),
        ("guards", &["conf", "outbound"]),
        ("lab", &["conf", "outbound"]),
        ("pool", &["conf", "outbound"]),
        (
            "providers",
            &["conf", "outbound", "pool", "ledger", "routing"],
        ),
        (
            "routing",
            &[
                "conf",
                "pool",
                "ledger",
                "providers",
                "refusal",
                "tokenizer",
            ],
        ),
    ])
}

#[test]
fn the_direction_of_use_is_never_reversed() {
    let tiers = tiers();
    let mut offences = Vec::new();
    for (path, text) in sources(&["src"]) {
        let own = room(&path);
        let forbidden: Vec<&str> = match tiers.get(own.as_str()) {
            Some(allowed) => [
                "proxy",
                "gateway",
                "pipeline",
                "exchange",
                "living",
                "supervisor",
                "reload",
                "admin",
            ]
            .into_iter()
            .chain(tiers.keys().copied())
            .filter(|other| *other != own && !allowed.contains(other))
            .collect(),
            None => match own.as_str() {
                "pipeline" | "gateway" | "exchange" | "living" => {
                    vec!["proxy", "admin", "reload", "supervisor"]
                }
                "reload" => vec!["proxy", "admin", "supervisor"],
                "admin" => vec!["proxy", "supervisor"],
                "proxy" => vec!["admin"],
                _ => continue,
            },
        };
        let code = production(&text);
        for other in forbidden {
            if code.contains(&format!("crate::{other}::")) {
                offences.push(format!("{path} uses {other}"));
            }
        }
    }
    assert_none(&offences, "arrows point to what is used");
}

#[test]
fn unsafe_code_is_forbidden_and_long_functions_are_few() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("a manifest");
    assert!(manifest.contains("unsafe_code = \"forbid\""));
    let all = sources(&["src", "filters/src"]);
    let traits: usize = all
        .iter()
        .map(|(_, text)| production(text).matches("\npub trait ").count())
        .sum();
    assert!(traits <= MAX_TRAITS, "{traits} public traits");
    let long: usize = all
        .iter()
        .map(|(_, text)| text.matches("clippy::too_many_lines").count())
        .sum();
    assert!(
        long <= MAX_LONG_FUNCTIONS,
        "{long} functions are excused for their length"
    );
}

#[test]
fn every_example_parses_and_builds() {
    let mut count = 0;
    for entry in fs::read_dir(root().join("conf/examples"))
        .expect("examples")
        .flatten()
    {
        let path = entry.path();
        let text = fs::read_to_string(&path).expect("an example");
        let environment = example_environment(&text);
        let config =
            conf::load(&path, &environment).unwrap_or_else(|problems| panic!("{problems}"));
        let pepper = Pepper::from_text(&"0".repeat(64)).expect("a pepper");
        let living = Living::new(Keyring::new(pepper), AccessLog::silent());
        let built: Result<Arc<Gateway>, _> =
            Gateway::build(config, &living, "http://127.0.0.1:1/v1");
        if let Err(problems) = built {
            panic!("{problems}");
        }
        count += 1;
    }
    assert!(count >= 10, "only {count} examples");
}

/// A value for every variable that an example names and gives no default.
fn example_environment(text: &str) -> Environment {
    let mut pairs: Vec<(&str, String)> = Vec::new();
    for part in text.split("${").skip(1) {
        let end = part
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(part.len());
        let (name, rest) = part.split_at(end);
        if rest.starts_with(":-") {
            continue;
        }
        let value = match name.contains("ENDPOINT") {
            true => "https://example.com".to_owned(),
            false => format!("value-of-{name}"),
        };
        pairs.push((name, value));
    }
    Environment::from_pairs(pairs.iter().map(|(name, value)| (*name, value.as_str())))
}

#[test]
fn the_schema_in_the_tree_is_the_generated_one() {
    let written = fs::read_to_string(root().join("conf/schema.json")).expect("conf/schema.json");
    let written: serde_json::Value = serde_json::from_str(&written).expect("JSON");
    assert!(
        written == conf::schema(),
        "conf/schema.json is out of date: run `cargo run -- schema > conf/schema.json`"
    );
}

#[test]
fn every_metric_is_documented() {
    let page = Path::new("docs/reference/metrics.md");
    let text = fs::read_to_string(root().join(page)).expect("the page of metrics");
    for row in METRICS {
        assert!(
            text.contains(&format!("`{}`", row.name)),
            "{} is not on {}",
            row.name,
            page.display()
        );
    }
}
