//! `alfred tokens`.

use serde_json::json;

use crate::says::{house, json, names, ok, refused};

#[test]
fn a_token_is_shown_once_and_listed_without_its_secret() {
    let shell = house();
    let create = [
        "tokens",
        "create",
        "--user",
        "ann@example.com",
        "--name",
        "ci",
    ];
    let said = shell.run(&create);
    assert_eq!(said.status, 0, "{said:?}");
    assert_eq!(said.out.lines().count(), 1, "fit for $(…): {said:?}");
    let parts: Vec<&str> = said.out.trim().split('_').collect();
    assert_eq!(
        (parts[0], parts[1].len(), parts[2].len()),
        ("at", 12, 49),
        "{said:?}"
    );
    assert!(
        said.err.contains("not shown again") && !said.err.contains(parts[2]),
        "{said:?}"
    );
    let made = json(
        &shell,
        &[&create[..], &["--expires-at", "2020-01-01"]].concat(),
    );
    assert!(made["token"].as_str().unwrap().starts_with("at_"), "{made}");
    let all = json(&shell, &["tokens", "list", "--user", "1"]);
    assert_eq!(all[0]["public_id"], parts[1]);
    assert!(
        !names(&all[0]).iter().any(|name| name.contains("hash")),
        "{all}"
    );
    let table = ok(&shell, &["tokens", "list"]);
    assert!(
        table.contains("active") && table.contains("expired"),
        "{table}"
    );
    let log = ok(&shell, &["audit", "list", "--json"]);
    for told in [all.to_string(), table, log] {
        assert!(!told.contains(parts[2]), "{told}");
    }
}

#[test]
fn a_token_is_revoked_by_number_public_id_or_whole_and_never_repeated() {
    let shell = house();
    let create = ["tokens", "create", "--user", "1", "--name", "ci"];
    let tokens: Vec<String> = (0..3)
        .map(|_| ok(&shell, &create).trim().to_owned())
        .collect();
    let public_id = tokens[1].split('_').nth(1).unwrap();
    for selector in ["1", public_id, &tokens[2]] {
        let said = ok(&shell, &["tokens", "revoke", selector]);
        assert!(said.contains("'ci' is revoked"), "{said}");
    }
    let all = json(&shell, &["tokens", "list"]);
    let revoked = |token: &serde_json::Value| token["revoked_at"].is_i64();
    assert!(all.as_array().unwrap().iter().all(revoked), "{all}");
    let mistyped = tokens[0].replace("at_", "at_x");
    let said = refused(&shell, &["tokens", "revoke", &mistyped], "tokens list");
    assert!(!said.err.contains(&mistyped[20..]), "{said:?}");
    refused(
        &shell,
        &["tokens", "create", "--user", "nobody", "--name", "x"],
        "no such user",
    );
    refused(
        &shell,
        &["tokens", "create", "--user", "1", "--name", ""],
        "the name is empty",
    );
    refused(&shell, &["tokens", "create", "--user", "1"], "--name");
    ok(&shell, &["users", "suspend", "1"]);
    refused(&shell, &create, "not active");
    assert_eq!(
        json(&shell, &["tokens", "list", "--user", "1"])
            .as_array()
            .map(Vec::len),
        Some(3)
    );
    assert_ne!(all, json!([]));
}
