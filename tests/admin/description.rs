//! The description lists what is served, and its page runs nothing of anybody else's.

use std::collections::BTreeSet;

use alfred::admin::access::TABLE;
use serde_json::Value;

use crate::house::{House, Store};

#[tokio::test]
async fn the_description_lists_exactly_the_routes_of_the_table_and_refers_to_what_is_there() {
    let house = House::start(Store::Sqlite).await;
    let answer = house.get("", "/openapi.json").await.expect(200);
    let document = answer.json();
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            described.insert(format!("{} {path}", method.to_uppercase()));
            assert!(operation["summary"].is_string() && operation["operationId"].is_string());
        }
    }
    let table: BTreeSet<String> = TABLE
        .iter()
        .map(|row| format!("{} {}", row.method, row.path))
        .collect();
    assert_eq!(described, table);
    // The other way round: what the router was given without a row in the table is not served, and says so.
    let log = house.gateway.log();
    assert!(!log.contains("has no row in the table of rights"), "{log}");
    let mut references = BTreeSet::new();
    refer(&document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let pointer = reference.trim_start_matches('#');
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    let operations = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|item| item.as_object().unwrap().values());
    let ids: Vec<&Value> = operations
        .map(|operation| &operation["operationId"])
        .collect();
    let unique: BTreeSet<String> = ids.iter().map(|id| id.to_string()).collect();
    assert_eq!(ids.len(), unique.len());
    let expires = &document["components"]["schemas"]["ApiKeyRow"]["properties"]["expires_at"];
    assert_eq!(expires["format"], "date-time");
}

fn refer(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                found.insert(reference.clone());
            }
            members.values().for_each(|member| refer(member, found));
        }
        Value::Array(values) => values.iter().for_each(|value| refer(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn every_route_of_the_table_is_served() {
    let house = House::start(Store::Sqlite).await;
    for row in TABLE {
        let path = row.path.replace("{id}", "1").replace("{user}", "1");
        let answer = house
            .send("", &format!("{} {path}", row.method), &[], None)
            .await;
        assert!(!matches!(answer.status, 404 | 405), "{} {path}", row.method);
    }
}

#[tokio::test]
async fn the_page_is_sealed() {
    let house = House::start(Store::Sqlite).await;
    let page = house.get("", "/docs").await.expect(200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let policy = page.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; script-src 'sha256-"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe"));
    let other = house.get("", "/openapi.json").await.expect(200);
    assert_eq!(
        other.header("content-security-policy"),
        "default-src 'none'; frame-ancestors 'none'"
    );
}

#[test]
fn no_route_gets_past_the_table() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/admin");
    let mut adders = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let is_rust = path.extension().is_some_and(|extension| extension == "rs");
        let text = match is_rust {
            true => std::fs::read_to_string(&path).unwrap(),
            false => continue,
        };
        let ways = [".route(", ".nest(", ".route_service(", ".nest_service("];
        if ways.iter().any(|way| text.contains(way)) {
            adders.push(path.file_name().unwrap().to_owned());
        }
    }
    assert_eq!(
        adders,
        ["routes.rs"],
        "a route is added by `Routes::on` and nowhere else"
    );
}
