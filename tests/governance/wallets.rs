//! `alfred wallets`.

use serde_json::{Value, json};

use crate::says::{house, json, names, ok, refused};
use crate::support::Shell;

fn balance(shell: &Shell, wallet: &str) -> String {
    let shown = json(shell, &["wallets", "show", wallet]);
    shown["balance"].as_str().unwrap().to_owned()
}

#[test]
fn a_wallet_is_made_once_and_holds_what_it_was_credited() {
    let shell = house();
    let create = ["wallets", "create", "user:1", "--credit", "1000000"];
    let said = ok(&shell, &create);
    assert_eq!(
        said,
        "wallet 1 of user:1 is made; it holds 1000000.000000000\n"
    );
    refused(&shell, &create, "the owner has such a wallet already");
    assert_eq!(
        balance(&shell, "1"),
        "1000000.000000000",
        "a refusal credits nothing"
    );
    assert_eq!(balance(&shell, "user:ANN@example.com"), "1000000.000000000");
    for bad in ["0", "-1", "1,5", "0.0000000001", "99999999999", "lots", ""] {
        let said = shell.run(&["wallets", "create", "quota:1", "--credit", bad]);
        assert_eq!((said.status, said.out.as_str()), (2, ""), "{bad}: {said:?}");
    }
    refused(&shell, &["wallets", "show", "quota:1"], "no such wallet");
    for nobody in [
        "user:9",
        "team:9",
        "key:9",
        "organisation:9",
        "user:x@example.com",
    ] {
        refused(&shell, &["wallets", "create", nobody], "there is no such");
    }
    refused(&shell, &["wallets", "create", "house:0"], "make themselves");
    refused(&shell, &["wallets", "create", "prince:1"], "user:7");
    ok(
        &shell,
        &["keys", "create", "--name", "k", "--user", "ann@example.com"],
    );
    for owner in ["team:research", "key:1", "organisation:acme"] {
        ok(&shell, &["wallets", "create", owner, "--credit", "2.5"]);
        assert_eq!(balance(&shell, owner), "2.500000000");
    }
    let table = ok(&shell, &["wallets", "list"]);
    let lines: Vec<&str> = table.lines().collect();
    let end = |line: &str| line.find("active").unwrap();
    assert!(
        lines[1..].iter().all(|line| end(line) == end(lines[1])),
        "{table}"
    );
}

#[test]
fn rules_are_set_and_taken_away() {
    let shell = house();
    let create = [
        "wallets", "create", "user:1", "--mode", "cap", "--cap", "0.5",
    ];
    let more = [
        "--hard-limit",
        "10",
        "--soft-limit",
        "8",
        "--overdraft",
        "1",
        "--period",
        "month",
    ];
    let made = json(
        &shell,
        &[&create[..], &more, &["--allowance", "20"]].concat(),
    );
    let expected = json!({
        "mode": "cap", "cap": "0.500000000", "hard_limit": "10.000000000",
        "soft_limit": "8.000000000", "overdraft": "1.000000000", "period": "month",
        "allowance": "20.000000000", "balance": "20.000000000", "owner_type": "user",
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(made[name], *value, "{name}");
    }
    let set = [
        "wallets",
        "set",
        "user:1",
        "--hard-limit",
        "none",
        "--mode",
        "strict",
    ];
    let changed = json(
        &shell,
        &[&set[..], &["--cap", "none", "--soft-limit", "9"]].concat(),
    );
    assert_eq!(
        (&changed["hard_limit"], &changed["cap"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(
        (&changed["mode"], &changed["soft_limit"]),
        (&json!("strict"), &json!("9.000000000"))
    );
    refused(
        &shell,
        &["wallets", "set", "user:1"],
        "nothing is to be changed",
    );
    refused(
        &shell,
        &["wallets", "set", "user:1", "--mode", "cap"],
        "needs a cap",
    );
    refused(
        &shell,
        &["wallets", "set", "user:1", "--overdraft", "-1"],
        "",
    );
    refused(
        &shell,
        &["wallets", "set", "user:1", "--mode", "lax"],
        "incremental",
    );
    refused(
        &shell,
        &["wallets", "create", "quota:1", "--allowance", "5"],
        "",
    );
}

#[test]
fn money_moves_and_never_comes_from_nowhere() {
    let shell = house();
    ok(&shell, &["users", "create", "bob@example.com"]);
    ok(&shell, &["wallets", "create", "user:1", "--credit", "10"]);
    ok(&shell, &["wallets", "create", "user:2"]);
    let credited = json(
        &shell,
        &["wallets", "credit", "user:1", "2.5", "--note", "a gift"],
    );
    assert_eq!(names(&credited), ["wallet", "request_id", "lines"]);
    assert_eq!(credited["wallet"]["balance"], "12.500000000");
    let said = ok(&shell, &["wallets", "debit", "user:1", "0.5"]);
    assert!(
        said.contains("is debited with 0.500000000; it holds 12.000000000"),
        "{said}"
    );
    let said = ok(
        &shell,
        &["wallets", "transfer", "user:1", "user:bob@example.com", "5"],
    );
    assert!(said.contains("has paid 5.000000000 to wallet"), "{said}");
    assert_eq!(
        (balance(&shell, "user:1"), balance(&shell, "user:2")),
        ("7.000000000".to_owned(), "5.000000000".to_owned())
    );
    ok(&shell, &["wallets", "adjust", "user:1", "-2"]);
    ok(&shell, &["wallets", "adjust", "user:1", "0.25"]);
    assert_eq!(balance(&shell, "user:1"), "5.250000000");
    refused(
        &shell,
        &["wallets", "debit", "user:1", "5.26"],
        "not so much",
    );
    refused(
        &shell,
        &["wallets", "transfer", "user:1", "user:1", "1"],
        "the same",
    );
    refused(
        &shell,
        &["wallets", "transfer", "user:1", "user:2", "9"],
        "not so much",
    );
    refused(&shell, &["wallets", "adjust", "user:1", "0"], "");
    refused(&shell, &["wallets", "forgive", "user:1"], "");
    for amount in ["0", "-1", "1e3", "NaN"] {
        let said = shell.run(&["wallets", "credit", "user:1", "--", amount]);
        assert_eq!(
            (said.status, said.out.as_str()),
            (2, ""),
            "{amount}: {said:?}"
        );
    }
    assert_eq!(balance(&shell, "user:1"), "5.250000000");
    ok(&shell, &["ledger", "check"]);
    ok(&shell, &["audit", "verify", "--ledger"]);
}

#[test]
fn a_wallet_is_frozen_opened_and_closed_for_ever() {
    let shell = house();
    ok(&shell, &["wallets", "create", "user:1"]);
    for (word, status) in [
        ("freeze", "frozen"),
        ("unfreeze", "active"),
        ("close", "closed"),
    ] {
        let said = json(&shell, &["wallets", word, "user:1"]);
        assert_eq!(said["status"], status);
    }
    refused(&shell, &["wallets", "unfreeze", "user:1"], "closed");
    refused(&shell, &["wallets", "credit", "user:1", "1"], "closed");
    refused(&shell, &["wallets", "freeze", "4711"], "wallets list");
}

#[test]
fn lists_are_narrowed_by_owner_organisation_and_status() {
    let shell = house();
    ok(&shell, &["organisations", "create", "umbrella"]);
    ok(&shell, &["wallets", "create", "organisation:umbrella"]);
    ok(
        &shell,
        &["wallets", "create", "organisation:acme", "--credit", "1"],
    );
    ok(&shell, &["wallets", "create", "user:1"]);
    ok(&shell, &["wallets", "freeze", "user:1"]);
    let count = |more: &[&str]| {
        let all = json(&shell, &[&["wallets", "list"], more].concat());
        all.as_array().unwrap().len()
    };
    assert_eq!(count(&["--organisation", "umbrella"]), 1);
    assert_eq!(count(&["--owner", "user:ann@example.com"]), 1);
    assert_eq!(count(&["--status", "frozen"]), 1);
    assert_eq!(count(&["--owner", "team:research"]), 0);
    refused(
        &shell,
        &["wallets", "list", "--owner", "team:nobody"],
        "no such team",
    );
}
