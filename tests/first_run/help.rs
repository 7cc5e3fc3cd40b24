//! Help texts say what a thing is for and what to do next.

use crate::support::Shell;

#[test]
fn alfred_alone_says_what_it_is_and_how_to_begin() {
    let shell = Shell::new();
    let long = shell.run(&["--help"]);
    assert_eq!(long.status, 0, "{long:?}");
    for part in [
        "gateway in front of LLM APIs",
        "http://127.0.0.1:9090/v1",
        "alfred run",
        "curl",
        "mock",
    ] {
        assert!(long.out.contains(part), "{part} is not in\n{}", long.out);
    }
    let bare = shell.run(&[]);
    assert_eq!(bare.status, 2, "{bare:?}");
    for command in [
        "run",
        "check",
        "init",
        "mock",
        "keys",
        "organisations",
        "teams",
        "users",
        "absences",
        "tokens",
        "wallets",
        "transactions",
        "usage",
        "audit",
        "ledger",
        "schema",
        "completions",
    ] {
        assert!(
            long.out.contains(command) && bare.err.contains(command),
            "{command}"
        );
    }
}

#[test]
fn each_command_teaches() {
    let shell = Shell::new();
    let cases: [(&[&str], &[&str]); 14] = [
        (
            &["run"],
            &[
                "OPENAI_API_KEY",
                "mock/echo",
                "SIGTERM",
                "conf/alfred.yaml",
                "ALFRED_CONFIG",
            ],
        ),
        (&["check"], &["Exit status", "everything that is wrong"]),
        (&["init"], &["--provider", "conf/alfred.yaml", "--force"]),
        (
            &["mock"],
            &["--listen", "status?code=429", "--list", "--usage-log"],
        ),
        (
            &["keys"],
            &["create", "list", "revoke", "hash", "two seconds"],
        ),
        (
            &["keys", "create"],
            &["never again", "--model", "--expires-at", "2027-01-31"],
        ),
        (&["keys", "revoke"], &["public id", "alfred keys list"]),
        (&["keys", "hash"], &["standard input", "configuration"]),
        (&["keys", "rotate"], &["never again", "--overlap", "24h"]),
        (
            &["wallets", "create"],
            &[
                "user:ann@example.com",
                "--credit",
                "incremental",
                "--period",
            ],
        ),
        (
            &["audit", "verify"],
            &["Exit status", "--anchors", "--strict", "--ledger"],
        ),
        (&["ledger", "check"], &["Exit status", "invariant"]),
        (&["users", "password"], &["standard input", "--none"]),
        (&["completions"], &["shell"]),
    ];
    for (command, parts) in cases {
        let said = shell.run(&[command, &["--help"]].concat());
        assert_eq!(said.status, 0, "{said:?}");
        for part in parts {
            assert!(
                said.out.contains(part),
                "{part} is not in the help of {command:?}:\n{}",
                said.out
            );
        }
    }
}

#[test]
fn a_mistyped_command_is_guessed() {
    let shell = Shell::new();
    for (wrong, right) in [
        (&["chek"] as &[&str], "check"),
        (&["keys", "crate"], "create"),
        (&["run", "--confg"], "--config"),
    ] {
        let said = shell.run(wrong);
        assert_eq!(said.status, 2, "{said:?}");
        assert!(said.err.contains(right), "{right} is not in\n{}", said.err);
    }
}

#[test]
fn the_version_is_told() {
    let said = Shell::new().run(&["--version"]);
    assert_eq!(said.out, format!("alfred {}\n", env!("CARGO_PKG_VERSION")));
}
