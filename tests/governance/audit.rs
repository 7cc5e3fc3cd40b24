//! `alfred audit list`, `head`, and `verify` of a record that nobody has touched.

use serde_json::json;

use crate::says::{house, json, names, ok, refused};

#[test]
fn everything_that_was_done_is_in_the_record_as_the_command_lines() {
    let shell = house();
    ok(&shell, &["wallets", "create", "user:1", "--credit", "5"]);
    ok(&shell, &["keys", "create", "--name", "one", "--user", "1"]);
    ok(&shell, &["keys", "revoke", "1"]);
    let all = json(&shell, &["audit", "list"]);
    let events: Vec<&str> = all
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .map(|row| row["event_type"].as_str().unwrap())
        .collect();
    assert_eq!(
        events,
        [
            "organisation.created",
            "team.created",
            "user.created",
            "wallet.created",
            "wallet.credited",
            "api_key.created",
            "api_key.revoked",
        ]
    );
    assert!(
        all.as_array()
            .unwrap()
            .iter()
            .all(|row| row["actor"] == "cli"),
        "{all}"
    );
    let count = |more: &[&str]| {
        json(&shell, &[&["audit", "list"], more].concat())
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(count(&["--actor", "cli"]), 7);
    assert_eq!(count(&["--actor", "user:1"]), 0);
    assert_eq!(count(&["--event", "wallet.credited"]), 1);
    assert_eq!(count(&["--target", "wallet:1"]), 2);
    assert_eq!(count(&["--organisation", "acme", "--limit", "3"]), 3);
    assert_eq!(count(&["--until", "2020-01-01"]), 0);
    let table = ok(&shell, &["audit", "list", "--limit", "1"]);
    assert!(
        table.contains("api_key.revoked") && table.lines().count() == 2,
        "{table}"
    );
    refused(
        &shell,
        &["audit", "list", "--user", "nobody"],
        "no such user",
    );
}

#[test]
fn a_refusal_leaves_no_record() {
    let shell = house();
    refused(&shell, &["teams", "create", "research"], "");
    refused(&shell, &["wallets", "credit", "1", "1"], "no such wallet");
    assert_eq!(
        json(&shell, &["audit", "list"]).as_array().unwrap().len(),
        3
    );
}

#[test]
fn what_nobody_touched_is_as_it_was_written() {
    let shell = house();
    ok(
        &shell,
        &[
            "wallets",
            "create",
            "user:1",
            "--period",
            "month",
            "--allowance",
            "5",
        ],
    );
    ok(&shell, &["users", "update", "1", "--quota", "3"]);
    ok(&shell, &["users", "update", "1", "--quota", "1"]);
    ok(&shell, &["teams", "update", "1", "--common-pool", "7"]);
    ok(&shell, &["wallets", "credit", "user:1", "5"]);
    let said = ok(&shell, &["audit", "verify", "--ledger"]);
    assert!(said.contains("all is as it was written; it took"), "{said}");
    let told = json(&shell, &["audit", "verify"]);
    assert_eq!((&told["flaw"], &told["blocks"]), (&json!(null), &json!(0)));
    assert!(told["unsealed_settlements"].as_i64().unwrap() > 0, "{told}");
    assert!(
        told["audit_records"] == 8 && told["seconds"].is_f64(),
        "{told}"
    );
    let empty = crate::support::Shell::new();
    ok(&empty, &["audit", "verify", "--ledger"]);
}

#[test]
fn the_head_is_an_anchor_that_a_later_verification_is_held_against() {
    let shell = house();
    let head = ok(&shell, &["audit", "head"]);
    assert!(head.starts_with("alfred-anchor 1 audit 3 "), "{head}");
    let told = json(&shell, &["audit", "head"]);
    assert_eq!(names(&told), ["audit", "block"]);
    assert_eq!(told["block"]["number"], 0);
    shell.write("anchors", &format!("# kept elsewhere\n{head}"));
    ok(&shell, &["organisations", "create", "umbrella"]);
    ok(&shell, &["audit", "verify", "--anchors", "anchors"]);
    let hash = told["audit"]["hash"].as_str().unwrap();
    shell.write("anchors", &head.replace(hash, &"0".repeat(64)));
    let said = shell.run(&["audit", "verify", "--anchors", "anchors"]);
    assert_eq!(said.status, 1, "{said:?}");
    assert!(
        said.err.contains("audit_log 3") && said.err.contains("published"),
        "{said:?}"
    );
    shell.write("anchors", "\nnonsense\n");
    refused(
        &shell,
        &["audit", "verify", "--anchors", "anchors"],
        "anchors:2: expected",
    );
    refused(
        &shell,
        &["audit", "verify", "--anchors", "nowhere"],
        "nowhere",
    );
    refused(
        &shell,
        &["audit", "verify", "--trust", "me"],
        "64 hexadecimal characters",
    );
}
