//! Names, notes and arguments that somebody chose to do harm.

use serde_json::json;

use crate::says::{house, json, ok, refused};

const HOSTILE: [&str; 8] = [
    "'; DROP TABLE users; --",
    "\u{1b}[2J\u{1b}]0;owned\u{7}",
    "\u{202e}gnp.exe",
    "a\nb\tc\r",
    "\"},{\"id\":1",
    "=cmd|' /C calc'!A0",
    "🦀é漢字",
    "%s%n{}{0}$(reboot)`x`",
];

#[test]
fn a_name_is_kept_as_it_is_and_commands_no_terminal() {
    let shell = house();
    for name in HOSTILE {
        let made = json(&shell, &["teams", "create", name]);
        assert_eq!(made["name"], name);
        let said = ok(&shell, &["teams", "update", name, "--common-pool", "1"]);
        let printed = said.trim_end_matches('\n');
        let commands = |c: char| c.is_control() || c == '\u{202e}';
        assert!(!printed.contains(commands), "{said:?}");
        let shown = ok(
            &shell,
            &["wallets", "list", "--owner", &format!("team:{name}")],
        );
        assert!(shown.contains("1.000000000"), "{shown}");
    }
    let table = ok(&shell, &["teams", "list"]);
    assert_eq!(table.lines().count(), 2 + HOSTILE.len(), "{table}");
    assert!(
        !table.contains('\u{1b}') && !table.contains('\u{202e}'),
        "{table:?}"
    );
    ok(&shell, &["audit", "verify", "--ledger"]);
    let verified = ok(&shell, &["audit", "list"]);
    assert!(!verified.contains('\u{1b}'), "{verified:?}");
}

#[test]
fn what_names_nothing_finds_nothing() {
    let shell = house();
    let endless = "9".repeat(4_000);
    let long = "x".repeat(20_000);
    for name in [
        "",
        " ",
        "-1",
        "0",
        "1 OR 1=1",
        "%",
        "*",
        "' OR '1'='1",
        &endless,
        &long,
    ] {
        refused(&shell, &["users", "suspend", "--", name], "no such user");
        refused(&shell, &["keys", "revoke", "--", name], "no such key");
        refused(
            &shell,
            &["tokens", "revoke", "--", name],
            "no such access token",
        );
        refused(&shell, &["teams", "delete", "--", name], "no such team");
        refused(&shell, &["wallets", "show", "--", name], "");
        refused(&shell, &["wallets", "show", &format!("user:{name}")], "");
    }
    assert_eq!(
        json(&shell, &["users", "list"]).as_array().unwrap().len(),
        1
    );
}

#[test]
fn texts_and_numbers_beyond_all_measure_are_refused() {
    let shell = house();
    ok(
        &shell,
        &["wallets", "create", "user:1", "--credit", "9000000000"],
    );
    let long = "x".repeat(201);
    refused(
        &shell,
        &["teams", "create", &long],
        "longer than 200 characters",
    );
    refused(
        &shell,
        &["users", "update", "1", "--name", &long],
        "longer than 200 characters",
    );
    let note = "x".repeat(1_001);
    refused(
        &shell,
        &["wallets", "credit", "user:1", "1", "--note", &note],
        "longer than 1,000",
    );
    refused(
        &shell,
        &["wallets", "credit", "user:1", "9000000000"],
        "range",
    );
    refused(
        &shell,
        &["wallets", "credit", "user:1", "9999999999"],
        "out of range",
    );
    refused(
        &shell,
        &["organisations", "update", "1", "--markup-ppm", "4294967296"],
        "",
    );
    refused(&shell, &["absences", "end", "99999999999999999999"], "");
    assert_eq!(
        json(&shell, &["wallets", "show", "user:1"])["balance"],
        json!("9000000000.000000000")
    );
    ok(&shell, &["ledger", "check"]);
}
