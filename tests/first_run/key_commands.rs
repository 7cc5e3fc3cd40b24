//! `alfred keys`: make, list, revoke, hash.

use serde_json::Value;

use crate::support::Shell;

fn create(shell: &Shell, more: &[&str]) -> String {
    let said = shell.run(&[&["keys", "create", "--name", "one"], more].concat());
    assert_eq!(said.status, 0, "{said:?}");
    said.out.trim().to_owned()
}

fn list(shell: &Shell) -> Vec<Value> {
    let said = shell.run(&["keys", "list", "--json"]);
    assert_eq!(said.status, 0, "{said:?}");
    serde_json::from_str(&said.out).unwrap()
}

#[test]
fn create_prints_the_key_alone_and_says_that_it_is_not_shown_again() {
    let shell = Shell::new();
    let said = shell.run(&["keys", "create", "--name", "ci"]);
    assert_eq!(said.status, 0, "{said:?}");
    assert_eq!(said.out.lines().count(), 1, "fit for $(…): {said:?}");
    let parts: Vec<&str> = said.out.trim().splitn(4, '_').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    assert_eq!(
        (parts[0], parts[1], &lengths[2..]),
        ("ak", "live", &[12, 49][..]),
        "{said:?}"
    );
    assert!(
        said.err.contains("not shown again") && said.err.contains("'ci'"),
        "{said:?}"
    );
    assert!(!said.err.contains(parts[3]), "{said:?}");
    assert!(create(&shell, &["--env", "test"]).starts_with("ak_test_"));
    assert_ne!(create(&shell, &[]), create(&shell, &[]));
}

#[test]
fn create_as_json_tells_all_there_is_to_know() {
    let shell = Shell::new();
    let more = [
        "--json",
        "--model",
        "fast",
        "--model",
        "openai/*",
        "--requests-per-minute",
        "60",
        "--tokens-per-minute",
        "9000",
        "--expires-at",
        "2099-01-31T00:00:00Z",
    ];
    let made: Value = serde_json::from_str(&create(&shell, &more)).unwrap();
    assert!(
        made["key"].as_str().unwrap().starts_with("ak_live_"),
        "{made}"
    );
    assert_eq!(made["models"], serde_json::json!(["fast", "openai/*"]));
    assert_eq!(
        (&made["requests_per_minute"], &made["tokens_per_minute"]),
        (&60.into(), &9000.into())
    );
    assert!(
        made["expires_at"]
            .as_str()
            .unwrap()
            .starts_with("2099-01-31"),
        "{made}"
    );
    assert_eq!(made["state"], "active");
}

#[test]
fn what_makes_no_sense_is_refused_with_a_reason() {
    let shell = Shell::new();
    for more in [
        &["keys", "create"] as &[&str],
        &["keys", "create", "--name", "x", "--expires-at", "tomorrow"],
        &[
            "keys",
            "create",
            "--name",
            "x",
            "--requests-per-minute",
            "many",
        ],
        &[
            "keys",
            "create",
            "--name",
            "x",
            "--requests-per-minute",
            "0",
        ],
        &["keys", "create", "--name", "x", "--env", "with space"],
        &["keys", "create", "--name", ""],
        &["keys", "revoke"],
        &["keys", "frobnicate"],
    ] {
        let said = shell.run(more);
        assert_eq!(
            (said.status, said.out.as_str()),
            (2, ""),
            "{more:?}: {said:?}"
        );
        assert!(
            said.err.contains("error") && !said.err.contains("panicked"),
            "{said:?}"
        );
    }
}

#[test]
fn list_shows_everything_but_secrets() {
    let shell = Shell::new();
    let said = shell.run(&["keys", "list"]);
    assert_eq!(said.status, 0, "an empty list is no error: {said:?}");
    let key = create(&shell, &[]);
    create(&shell, &["--expires-at", "2020-01-01T00:00:00Z"]);
    let text = shell.run(&["keys", "list"]).out;
    let (public_id, secret) = (
        key.split('_').nth(2).unwrap(),
        key.rsplit('_').next().unwrap(),
    );
    for shown in [public_id, "one", "active", "expired", "never"] {
        assert!(text.contains(shown), "{shown} is not in\n{text}");
    }
    let all = list(&shell);
    assert_eq!(all.len(), 2);
    assert_eq!(all[0]["public_id"], public_id);
    for told in [text, Value::from(all).to_string()] {
        assert!(!told.contains(secret) && !told.contains("hash"), "{told}");
    }
}

#[test]
fn revoke_takes_a_number_or_a_public_id_and_is_final() {
    let shell = Shell::new();
    let key = create(&shell, &[]);
    create(&shell, &[]);
    let public_id = key.split('_').nth(2).unwrap();
    let said = shell.run(&["keys", "revoke", public_id]);
    assert_eq!(said.status, 0, "{said:?}");
    assert!(
        said.out.contains("revoked") && said.out.contains("'one'"),
        "{said:?}"
    );
    let number = list(&shell)[1]["id"].to_string();
    assert_eq!(shell.run(&["keys", "revoke", &number]).status, 0);
    assert!(list(&shell).iter().all(|key| key["state"] == "revoked"));
    for unknown in ["4711", "nobody", key.as_str()] {
        let said = shell.run(&["keys", "revoke", unknown]);
        if said.status != 0 {
            assert_eq!(said.status, 2, "{said:?}");
            assert!(said.err.contains("alfred keys list"), "{said:?}");
        }
    }
}

#[test]
fn hash_reads_a_key_from_standard_input_and_refuses_what_can_be_guessed() {
    let shell = Shell::new();
    let key = create(&shell, &[]);
    let said = shell.run_with_input(&["keys", "hash"], &format!("{key}\n"));
    assert_eq!(said.status, 0, "{said:?}");
    let hex = said.out.trim().strip_prefix("blake3:").unwrap();
    assert!(
        hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{said:?}"
    );
    let again = shell.run_with_input(&["keys", "hash"], &key);
    assert_eq!(again.out, said.out, "a line end is not a part of the key");
    for weak in [
        "",
        "secret",
        "nineteen-characters",
        "a key with spaces in it",
    ] {
        let said = shell.run_with_input(&["keys", "hash"], weak);
        assert_eq!(
            (said.status, said.out.as_str()),
            (2, ""),
            "{weak:?}: {said:?}"
        );
        assert!(weak.is_empty() || !said.err.contains(weak), "{said:?}");
    }
}

#[test]
fn a_mistyped_key_in_place_of_its_id_is_not_repeated() {
    let shell = Shell::new();
    let key = create(&shell, &[]);
    let mistyped = key.replace("ak_live_", "ak_live_x");
    let said = shell.run(&["keys", "revoke", &mistyped]);
    let secret = &key[key.len() - 30..];
    assert!(
        !said.err.contains(secret) && !said.out.contains(secret),
        "{said:?}"
    );
}
