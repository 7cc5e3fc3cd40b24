//! `alfred transactions`, `usage`, `ledger`.

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::says::{house, json, names, ok, refused};
use crate::support::Shell;

/// A user's wallet that was credited three times.
fn credited() -> Shell {
    let shell = house();
    ok(
        &shell,
        &[
            "wallets",
            "create",
            "user:1",
            "--credit",
            "1",
            "--note",
            "a, \"b\"\n=c",
        ],
    );
    ok(
        &shell,
        &["wallets", "credit", "user:1", "2", "--note", "=1+1"],
    );
    ok(&shell, &["wallets", "credit", "user:1", "3"]);
    shell
}

#[test]
fn transactions_come_newest_first_and_are_narrowed() {
    let shell = credited();
    let list = ["transactions", "list", "--wallet", "user:1"];
    let all = json(&shell, &list);
    let amounts: Vec<&str> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["amount"].as_str().unwrap())
        .collect();
    assert_eq!(amounts, ["3.000000000", "2.000000000", "1.000000000"]);
    for name in [
        "id",
        "request_id",
        "type",
        "wallet_id",
        "balance_after",
        "hash",
        "created_at",
    ] {
        assert!(names(&all[0]).contains(&name), "{name}");
    }
    let count = |more: &[&str]| {
        json(&shell, &[&list[..], more].concat())
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(count(&["--limit", "2"]), 2);
    assert_eq!(count(&["--limit", "0"]), 0);
    assert_eq!(count(&["--type", "debit"]), 0);
    assert_eq!(count(&["--user", "ann@example.com"]), 3);
    assert_eq!(count(&["--from", "2099-01-01"]), 0);
    assert_eq!(
        count(&["--until", "2099-01-01", "--organisation", "acme"]),
        3
    );
    assert_eq!(count(&["--id", all[1]["id"].as_str().unwrap()]), 1);
    assert_eq!(
        count(&["--request", all[1]["request_id"].as_str().unwrap()]),
        1
    );
    let table = ok(&shell, &["transactions", "list"]);
    assert!(
        table.contains("credit") && table.contains("6.000000000"),
        "{table}"
    );
    refused(
        &shell,
        &["transactions", "list", "--wallet", "user:9"],
        "no such user",
    );
    refused(&shell, &["transactions", "list", "--id", "7"], "--id");
    refused(
        &shell,
        &["transactions", "list", "--csv", "--json"],
        "cannot be used with",
    );
}

#[test]
fn csv_has_one_line_per_transaction_and_no_formulas() {
    let shell = credited();
    let text = ok(
        &shell,
        &["transactions", "list", "--wallet", "user:1", "--csv"],
    );
    let head = text.lines().next().unwrap();
    let row = json(&shell, &["transactions", "list", "--limit", "1"]);
    assert_eq!(
        head.split(',').collect::<Vec<_>>(),
        names(&row[0]),
        "CSV and JSON have the same members"
    );
    assert!(text.contains(",\"'=1+1\","), "{text}");
    assert!(text.contains(",\"a, \"\"b\"\"\n=c\","), "{text}");
}

#[test]
fn usage_is_summed_up_and_empty_where_nothing_was_used() {
    let shell = credited();
    for by in ["user", "team", "key", "model", "provider", "day"] {
        assert_eq!(json(&shell, &["usage", "--by", by]), json!([]), "{by}");
        let table = ok(&shell, &["usage", "--by", by, "--from", "2020-01-01"]);
        assert!(
            table.starts_with(by) && table.contains("requests"),
            "{table}"
        );
    }
    let database = Connection::open(shell.path().join("data/alfred.db")).unwrap();
    let text = "INSERT INTO transactions (request_id, attempt, type, id, org_id, user_id, amount, \
        model, provider, prompt_tokens, completion_tokens, cost, estimated, hash, created_at) \
        VALUES (zeroblob(16), 1, 'usage', zeroblob(16), 1, 1, -5, 'gpt-5', 'openai', 10, 20, 5, 1, \
        zeroblob(32), 1700000000000)";
    database.execute(text, []).unwrap();
    let days = json(&shell, &["usage", "--by", "day", "--from", "2023-11-01"]);
    assert_eq!(days.as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&days[0]["prompt_tokens"], &days[0]["cost"]),
        (&json!(10), &json!("0.000000005"))
    );
    let table = ok(&shell, &["usage", "--by", "day", "--from", "2023-11-01"]);
    assert!(table.contains("2023-11-14"), "{table}");
    let models = [
        "usage",
        "--by",
        "model",
        "--from",
        "2023-11-01",
        "--user",
        "ann@example.com",
    ];
    assert_eq!(json(&shell, &models)[0]["group"], "gpt-5");
    refused(&shell, &["usage"], "--by");
    refused(&shell, &["usage", "--by", "moon"], "provider");
    refused(
        &shell,
        &[
            "usage",
            "--by",
            "user",
            "--from",
            "2024-01-02",
            "--until",
            "2024-01-01",
        ],
        "ends before it begins",
    );
}

#[test]
fn only_an_estimate_is_reconciled() {
    let shell = credited();
    let all = json(&shell, &["transactions", "list", "--wallet", "user:1"]);
    let id = all[0]["id"].as_str().unwrap();
    refused(&shell, &["transactions", "reconcile", id, "1"], "");
    let unknown = "0190a5d0-0000-7000-8000-000000000010";
    refused(
        &shell,
        &["transactions", "reconcile", unknown, "1"],
        "no such transaction",
    );
}

#[test]
fn a_ledger_that_holds_says_so_and_a_broken_one_says_where() {
    let shell = credited();
    assert_eq!(
        ok(&shell, &["ledger", "check"]),
        "all invariants hold: 1 wallets, 6 transactions\n"
    );
    assert_eq!(json(&shell, &["ledger", "check"]), json!([]));
    let status = json(&shell, &["ledger", "status"]);
    assert_eq!(
        (&status["wallets"], &status["balance"]),
        (&json!(1), &json!("6.000000000"))
    );
    assert!(ok(&shell, &["ledger", "status"]).contains("not yet sealed"));
    let database = Connection::open(shell.path().join("data/alfred.db")).unwrap();
    database
        .execute("UPDATE wallets SET balance = balance + 1 WHERE id = 1", [])
        .unwrap();
    let said = shell.run(&["ledger", "check"]);
    assert_eq!((said.status, said.out.as_str()), (1, ""), "{said:?}");
    assert!(
        said.err.contains("I1") && said.err.contains("I4"),
        "{said:?}"
    );
    let said = shell.run(&["ledger", "check", "--json"]);
    let broken: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(said.status, 1, "{said:?}");
    assert_eq!(names(&broken[0]), ["invariant", "detail"]);
    let said = shell.run(&["audit", "verify", "--ledger"]);
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.err.contains("I4"), "{said:?}");
}
