//! What `alfred keys` can do since there are people: owners, rotation, change.

use serde_json::{Value, json};

use crate::says::{house, json, ok, refused};

#[test]
fn a_key_belongs_to_whom_it_was_made_for() {
    let shell = house();
    let create = [
        "keys",
        "create",
        "--name",
        "one",
        "--user",
        "ANN@example.com",
    ];
    let made = json(&shell, &create);
    assert_eq!(
        (&made["user_id"], &made["team_id"], &made["org_id"]),
        (&json!(1), &json!(1), &json!(1))
    );
    refused(
        &shell,
        &["keys", "create", "--name", "x", "--user", "nobody"],
        "users list",
    );
    ok(&shell, &["users", "create", "bob@example.com"]);
    ok(&shell, &["keys", "create", "--name", "two", "--user", "2"]);
    let ids = |more: &[&str]| -> Vec<i64> {
        let all = json(&shell, &[&["keys", "list"], more].concat());
        let all = all.as_array().unwrap().iter();
        all.map(|key| key["id"].as_i64().unwrap()).collect()
    };
    assert_eq!(ids(&["--user", "ann@example.com"]), [1]);
    assert_eq!(ids(&["--team", "research"]), [1]);
    assert_eq!(ids(&["--organisation", "acme"]), [1, 2]);
    ok(&shell, &["users", "suspend", "2"]);
    let all = json(&shell, &["keys", "list", "--user", "2"]);
    assert_eq!(all[0]["state"], "suspended");
    refused(
        &shell,
        &["keys", "create", "--name", "x", "--user", "2"],
        "not active",
    );
}

#[test]
fn a_rotated_key_has_all_that_the_old_one_had_and_the_old_one_ends() {
    let shell = house();
    let create = [
        "keys", "create", "--name", "one", "--env", "test", "--model", "fast",
    ];
    let old = json(
        &shell,
        &[&create[..], &["--user", "1", "--requests-per-minute", "60"]].concat(),
    );
    ok(&shell, &["wallets", "create", "key:1", "--credit", "5"]);
    let said = shell.run(&["keys", "rotate", "1", "--overlap", "1h"]);
    assert_eq!(said.status, 0, "{said:?}");
    assert!(
        said.out.starts_with("ak_test_") && said.out.lines().count() == 1,
        "{said:?}"
    );
    assert!(
        said.err.contains("not shown again") && said.err.contains("works until"),
        "{said:?}"
    );
    let all = json(&shell, &["keys", "list"]);
    for name in ["name", "env", "models", "requests_per_minute", "user_id"] {
        assert_eq!(all[1][name], old[name], "{name}");
    }
    assert_eq!(all[0]["rotated_to"], 2);
    assert!(
        all[0]["expires_at"].is_string() && all[1]["expires_at"].is_null(),
        "{all}"
    );
    let budget = json(&shell, &["wallets", "show", "key:2"]);
    assert_eq!(budget["balance"], "5.000000000");
    refused(&shell, &["keys", "rotate", "1"], "replaced already");
    for bad in ["91d", "-1h", "soon", ""] {
        let said = shell.run(&["keys", "rotate", "2", "--overlap", bad]);
        assert_eq!((said.status, said.out.as_str()), (2, ""), "{bad}: {said:?}");
    }
    let now = json(&shell, &["keys", "rotate", "2", "--overlap", "0s"]);
    assert!(
        now["key"].as_str().unwrap().starts_with("ak_test_"),
        "{now}"
    );
    assert_eq!(json(&shell, &["keys", "list"])[1]["state"], "expired");
    refused(&shell, &["keys", "rotate", "4711"], "keys list");
}

#[test]
fn a_key_is_changed_and_a_revoked_one_is_not() {
    let shell = house();
    ok(
        &shell,
        &[
            "keys",
            "create",
            "--name",
            "one",
            "--model",
            "fast",
            "--tokens-per-minute",
            "9",
        ],
    );
    let update = [
        "keys", "update", "1", "--name", "two", "--model", "slow", "--model", "a/*",
    ];
    let changed = json(
        &shell,
        &[&update[..], &["--tokens-per-minute", "none"]].concat(),
    );
    assert_eq!(
        (&changed["name"], &changed["models"]),
        (&json!("two"), &json!(["slow", "a/*"]))
    );
    assert_eq!(changed["tokens_per_minute"], Value::Null);
    let free = json(
        &shell,
        &[
            "keys",
            "update",
            "1",
            "--all-models",
            "--expires-at",
            "2099-01-31",
        ],
    );
    assert_eq!(free["models"], Value::Null);
    assert!(
        free["expires_at"]
            .as_str()
            .unwrap()
            .starts_with("2099-01-31T00:00:00"),
        "{free}"
    );
    refused(&shell, &["keys", "update", "1"], "nothing is to be changed");
    refused(
        &shell,
        &["keys", "update", "1", "--requests-per-minute", "0"],
        "positive",
    );
    refused(
        &shell,
        &["keys", "update", "1", "--model", "x", "--all-models"],
        "cannot be used with",
    );
    ok(&shell, &["keys", "revoke", "1"]);
    refused(
        &shell,
        &["keys", "update", "1", "--name", "three"],
        "revoked",
    );
}
