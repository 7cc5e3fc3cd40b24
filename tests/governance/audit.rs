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
fn a_verification_begins_where_an_anchor_vouches_for_what_is_before() {
    let shell = house();
    ok(&shell, &["wallets", "create", "user:1", "--credit", "5"]);
    let head = ok(&shell, &["audit", "head"]);
    assert!(head.starts_with("alfred-anchor 1 audit 5 "), "{head}");
    shell.write("anchors", &head);
    ok(&shell, &["wallets", "credit", "user:1", "7"]);
    let from = |number: &str| {
        let verify = ["audit", "verify", "--anchors", "anchors"];
        shell.run(&[&verify[..], &["--from", number, "--json"]].concat())
    };
    for (number, records) in [("1", 6), ("5", 2), ("6", 1)] {
        let said = from(number);
        assert_eq!(said.status, 0, "{number}: {said:?}");
        let told: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!(told["audit_records"], records, "{number}: {told}");
    }
    for number in ["2", "4", "7", "9223372036854775807"] {
        let said = from(number);
        assert_eq!(said.status, 2, "{number}: {said:?}");
        let why = format!("--from {number}: anchors holds no anchor of record {number}");
        assert!(said.err.contains(&why), "{said:?}");
    }
    for number in ["0", "-1", "x"] {
        assert_eq!(from(number).status, 2, "{number}");
    }
    refused(&shell, &["audit", "verify", "--from", "5"], "--anchors");
    let blocks = [
        "audit",
        "verify",
        "--anchors",
        "anchors",
        "--from-block",
        "3",
    ];
    refused(&shell, &blocks, "no anchor of block 3 or 2");
    // What stands before is not looked at; what was vouched for, and all after it, is.
    let database = rusqlite::Connection::open(shell.path().join("data/alfred.db")).unwrap();
    let flawed = |sql: &str, number: &str, flaw: &str| {
        database.execute_batch(sql).unwrap();
        let said = from(number);
        match flaw {
            "" => assert_eq!(said.status, 0, "{sql}: {said:?}"),
            flaw => {
                assert_eq!(said.status, 1, "{sql}: {said:?}");
                assert!(said.err.contains(flaw), "{sql}: {flaw} is not in {said:?}");
            }
        }
    };
    flawed("UPDATE audit_log SET actor = 'x' WHERE id = 2", "5", "");
    flawed(
        "UPDATE audit_log SET actor = 'x' WHERE id = 2",
        "1",
        "audit_log 2: its content",
    );
    flawed(
        "UPDATE audit_log SET actor = 'x' WHERE id = 6",
        "5",
        "audit_log 6: its content",
    );
    flawed(
        "UPDATE audit_log SET actor = 'x' WHERE id = 5",
        "5",
        "audit_log 5: its content",
    );
    flawed(
        "DELETE FROM audit_log WHERE id = 5",
        "5",
        "audit_log 5: it was deleted",
    );
    flawed(
        "DELETE FROM audit_log WHERE id >= 5",
        "5",
        "audit_log 5: it was deleted",
    );
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
