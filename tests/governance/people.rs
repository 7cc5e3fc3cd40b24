//! `alfred organisations`, `teams`, `users`, `absences`.

use serde_json::{Value, json};

use crate::says::{house, json, names, ok, refused};
use crate::support::Shell;

#[test]
fn organisations_are_made_changed_and_listed() {
    let shell = Shell::new();
    assert_eq!(json(&shell, &["organisations", "list"]), json!([]));
    let said = ok(&shell, &["organisations", "create", "acme"]);
    assert_eq!(said, "organisation 1 'acme' is made\n");
    let update = ["organisations", "update", "acme", "--status", "suspended"];
    let more = ["--funding-order", "team,user", "--markup-ppm", "1200000"];
    let changed = json(&shell, &[&update[..], &more].concat());
    assert_eq!(changed["funding_order"], json!(["team", "user"]));
    assert_eq!(
        (&changed["status"], &changed["version"]),
        (&json!("suspended"), &json!(2))
    );
    let all = json(&shell, &["organisations", "list", "--status", "suspended"]);
    assert_eq!(all, json!([changed]));
    let table = ok(&shell, &["organisations", "list"]);
    assert!(
        table.contains("team,user") && table.contains("1200000"),
        "{table}"
    );
    refused(&shell, &["organisations", "create", "acme"], "");
    refused(
        &shell,
        &["organisations", "create", ""],
        "the name is empty",
    );
    refused(
        &shell,
        &["organisations", "update", "nobody", "--name", "x"],
        "organisations list",
    );
    refused(
        &shell,
        &["organisations", "update", "acme"],
        "nothing is to be changed",
    );
    let wrong = ["organisations", "update", "acme", "--funding-order", "key"];
    refused(&shell, &wrong, "quota,user,team");
}

#[test]
fn where_there_are_several_organisations_one_must_be_named() {
    let shell = house();
    ok(&shell, &["organisations", "create", "umbrella"]);
    refused(&shell, &["teams", "create", "research"], "--organisation");
    ok(
        &shell,
        &["teams", "create", "research", "--organisation", "umbrella"],
    );
    refused(
        &shell,
        &["users", "list", "--team", "research"],
        "several organisations",
    );
    let users = [
        "users",
        "list",
        "--team",
        "research",
        "--organisation",
        "acme",
    ];
    assert_eq!(json(&shell, &users).as_array().unwrap().len(), 1);
    let users = ["users", "list", "--team", "research", "--organisation", "2"];
    assert_eq!(json(&shell, &users), json!([]));
}

#[test]
fn teams_have_members_and_go_when_nobody_is_left() {
    let shell = house();
    ok(&shell, &["users", "create", "bob@example.com"]);
    let made = json(
        &shell,
        &["teams", "create", "sales", "--common-pool", "12.5"],
    );
    assert_eq!(made["common_pool"], "12.500000000");
    let said = ok(
        &shell,
        &[
            "teams",
            "members",
            "sales",
            "--add",
            "bob@example.com",
            "--lead",
        ],
    );
    assert!(
        said.contains("user 2 'bob@example.com' belongs to team 2 'sales'"),
        "{said}"
    );
    let members = json(&shell, &["teams", "members", "sales"]);
    assert_eq!(members[0]["team_role"], "lead");
    let change = [
        "teams",
        "update",
        "sales",
        "--name",
        "trade",
        "--vacation-share",
        "50",
    ];
    assert_eq!(json(&shell, &change)["vacation_share_pct"], 50);
    refused(&shell, &["teams", "delete", "trade"], "still has members");
    refused(
        &shell,
        &["teams", "members", "trade", "--remove", "ann@example.com"],
        "does not belong",
    );
    ok(&shell, &["teams", "members", "trade", "--remove", "2"]);
    assert_eq!(json(&shell, &["teams", "members", "trade"]), json!([]));
    ok(&shell, &["teams", "update", "trade", "--common-pool", "0"]);
    assert_eq!(
        ok(&shell, &["teams", "delete", "trade"]),
        "team 2 'trade' is deleted\n"
    );
    refused(&shell, &["teams", "delete", "trade"], "no such team");
    refused(
        &shell,
        &["teams", "update", "research", "--vacation-share", "101"],
        "",
    );
    refused(
        &shell,
        &["teams", "create", "x", "--common-pool", "1,5"],
        "12.5",
    );
    let table = ok(&shell, &["teams", "list"]);
    assert!(
        table.contains("research") && table.contains("0.000000000"),
        "{table}"
    );
}

#[test]
fn users_are_made_changed_suspended_and_closed_for_ever() {
    let shell = house();
    let create = [
        "users",
        "create",
        "Bob@Example.com",
        "--name",
        "Bob",
        "--role",
        "admin",
    ];
    let made = json(
        &shell,
        &[&create[..], &["--quota", "3", "--subject", "idp|7"]].concat(),
    );
    assert_eq!(
        (&made["email"], &made["role"]),
        (&json!("bob@example.com"), &json!("admin"))
    );
    assert_eq!(
        (&made["personal_quota"], &made["team_id"]),
        (&json!("3.000000000"), &Value::Null)
    );
    assert!(
        !names(&made).iter().any(|name| name.contains("hash")),
        "{made}"
    );
    let changed = json(
        &shell,
        &["users", "update", "2", "--name", "Rob", "--subject", "none"],
    );
    assert_eq!(
        (&changed["name"], &changed["subject"]),
        (&json!("Rob"), &Value::Null)
    );
    for (word, status) in [
        ("suspend", "suspended"),
        ("activate", "active"),
        ("close", "closed"),
    ] {
        let said = json(&shell, &["users", word, "BOB@example.com"]);
        assert_eq!(said["status"], status);
    }
    refused(&shell, &["users", "activate", "2"], "closed");
    refused(
        &shell,
        &["users", "suspend", "nobody@example.com"],
        "users list",
    );
    refused(&shell, &["users", "create", "ann@example.com"], "");
    refused(&shell, &["users", "create", "not an address"], "");
    refused(
        &shell,
        &["users", "create", "x@example.com", "--role", "king"],
        "auditor",
    );
    refused(
        &shell,
        &["users", "update", "ann@example.com"],
        "nothing is to be changed",
    );
    let closed = json(&shell, &["users", "list", "--status", "closed"]);
    assert_eq!(closed[0]["id"], 2);
    let table = ok(
        &shell,
        &[
            "users",
            "list",
            "--organisation",
            "acme",
            "--role",
            "member",
        ],
    );
    assert!(
        table.contains("ann@example.com") && !table.contains("bob@"),
        "{table}"
    );
}

#[test]
fn a_password_comes_from_standard_input_and_is_never_shown() {
    let shell = house();
    let set = ["users", "password", "ann@example.com", "--json"];
    let good = "correct horse battery staple";
    let said = shell.run_with_input(&set, &format!("{good}\n"));
    assert_eq!(said.status, 0, "{said:?}");
    let user: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(user["has_password"], true);
    for weak in ["", "\n", "fourteen chars\n"] {
        let said = shell.run_with_input(&set, weak);
        assert_eq!((said.status, said.out.as_str()), (2, ""), "{said:?}");
        assert!(said.err.contains("at least 15 characters"), "{said:?}");
    }
    let none = json(&shell, &["users", "password", "ann@example.com", "--none"]);
    assert_eq!(none["has_password"], false);
    let new = ["users", "create", "bob@example.com", "--password", "--json"];
    let said = shell.run_with_input(&new, good);
    assert!(said.out.contains("\"has_password\":true"), "{said:?}");
    let everything = ok(&shell, &["audit", "list", "--json"]);
    assert!(
        !everything.contains("argon2") && !everything.contains("horse"),
        "{everything}"
    );
    ok(&shell, &["users", "void", "bob@example.com"]);
}

#[test]
fn absences_are_planned_and_called_off() {
    let shell = house();
    let plan = [
        "absences",
        "plan",
        "ann@example.com",
        "--from",
        "2099-07-01",
    ];
    let planned = json(
        &shell,
        &[&plan[..], &["--until", "2099-07-15T12:00:00Z"]].concat(),
    );
    assert_eq!(
        (&planned["state"], &planned["user_id"]),
        (&json!("planned"), &json!(1))
    );
    let table = ok(&shell, &["absences", "list", "--team", "research"]);
    assert!(table.contains("2099-07-01T00:00:00Z"), "{table}");
    refused(
        &shell,
        &[&plan[..], &["--until", "2099-06-30"]].concat(),
        "",
    );
    refused(
        &shell,
        &[&plan[..], &["--until", "soon"]].concat(),
        "2027-01-31T00:00:00Z",
    );
    ok(&shell, &["absences", "end", "1"]);
    refused(&shell, &["absences", "end", "4711"], "no such absence");
}
