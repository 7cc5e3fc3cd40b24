//! `init`, `check`, `schema`, `completions`: files that Alfred writes and judges.

use std::process::Command;

use serde_json::Value;

use crate::support::{H1, Shell, free_port};

#[test]
fn init_writes_a_file_that_check_finds_fine() {
    let shell = Shell::new();
    let said = shell.run(&["init"]);
    assert_eq!(said.status, 0, "{said:?}");
    assert!(
        said.out.contains("conf/alfred.yaml") && said.out.contains("alfred check"),
        "{said:?}"
    );
    let text = shell.read("conf/alfred.yaml");
    assert!(
        text.starts_with("# yaml-language-server: $schema=./schema.json\n"),
        "{text}"
    );
    let _: Value = serde_json::from_str(&shell.read("conf/schema.json")).unwrap();
    let said = shell.run(&["check"]);
    assert_eq!((said.status, said.err.as_str()), (0, ""), "{said:?}");
    assert!(said.out.contains("conf/alfred.yaml is fine"), "{said:?}");
}

#[test]
fn init_never_overwrites_unless_forced() {
    let shell = Shell::new();
    shell.write("conf/alfred.yaml", "# mine\n");
    let said = shell.run(&["init"]);
    assert_ne!(said.status, 0, "{said:?}");
    assert!(
        said.err.contains("conf/alfred.yaml") && said.err.contains("exists"),
        "{said:?}"
    );
    assert_eq!(shell.read("conf/alfred.yaml"), "# mine\n");
    assert_eq!(shell.run(&["init", "--force"]).status, 0);
    assert!(shell.read("conf/alfred.yaml").contains("providers:"));
    assert_eq!(shell.run(&["init", "other/place.yaml"]).status, 0);
    assert!(shell.path().join("other/schema.json").exists());
}

#[test]
fn init_with_a_provider_asks_for_its_key() {
    let mut shell = Shell::new();
    assert_eq!(
        shell
            .run(&["init", "--provider", "openai", "--provider", "groq"])
            .status,
        0
    );
    let said = shell.run(&["check"]);
    assert_eq!(said.status, 1, "{said:?}");
    for part in [
        "export it first",
        "OPENAI_API_KEY",
        "GROQ_API_KEY",
        "conf/alfred.yaml:",
    ] {
        assert!(said.err.contains(part), "{part} is not in\n{}", said.err);
    }
    shell.set("OPENAI_API_KEY", "sk-x");
    shell.set("GROQ_API_KEY", "gsk_x");
    let said = shell.run(&["check"]);
    assert_eq!(said.status, 0, "{said:?}");
    assert!(
        said.out.contains("3 providers"),
        "openai, groq and the mock: {said:?}"
    );
    let said = shell.run(&["init", "--force", "--provider", "opnai"]);
    assert_ne!(said.status, 0, "{said:?}");
    assert!(
        said.err.contains("opnai") && said.err.contains("openai_compatible"),
        "{said:?}"
    );
    assert!(
        shell.read("conf/alfred.yaml").contains("openai:"),
        "the file was not touched"
    );
}

#[tokio::test]
async fn what_init_writes_runs() {
    let shell = Shell::new();
    assert_eq!(shell.run(&["init"]).status, 0);
    let telemetry = free_port();
    let listen = format!(
        "listen: {{ gateway: \"127.0.0.1:{}\", telemetry: \"127.0.0.1:{telemetry}\", admin: \"127.0.0.1:{}\", console: \"127.0.0.1:{}\" }}\n",
        free_port(),
        free_port(),
        free_port()
    );
    let text = shell.read("conf/alfred.yaml");
    shell.write("conf/alfred.yaml", &(text + &listen));
    let telemetry = ([127, 0, 0, 1], telemetry).into();
    shell.start(&["run"]).ready(telemetry).await;
    H1::try_connect(telemetry)
        .await
        .err()
        .expect("it was stopped");
}

#[test]
fn check_tells_good_from_bad_by_its_exit_status() {
    let shell = Shell::new();
    let said = shell.run(&["check"]);
    assert_eq!(said.status, 0, "no file is fine: {said:?}");
    assert!(said.out.contains("the environment is fine"), "{said:?}");
    shell.write("good.yaml", "models: { hello: { targets: [mock/echo] } }\n");
    let said = shell.run(&["check", "--config", "good.yaml"]);
    assert_eq!(said.status, 0, "{said:?}");
    assert!(
        said.out.contains("1 aliases") || said.out.contains("1 alias"),
        "{said:?}"
    );
    shell.write(
        "bad.yaml",
        "models: { hello: { targets: [nobody/echo] } }\n",
    );
    let said = shell.run(&["check", "--config", "bad.yaml"]);
    assert_eq!((said.status, said.out.as_str()), (1, ""), "{said:?}");
    assert!(said.err.starts_with("bad.yaml:1:"), "{}", said.err);
    assert_eq!(shell.run(&["check", "-c", "missing.yaml"]).status, 2);
    assert!(
        !shell.path().join("data").exists(),
        "a check leaves nothing behind"
    );
}

#[test]
fn the_configuration_can_be_named_by_a_variable() {
    let mut shell = Shell::new();
    shell.write("named.yaml", "nonsense: 1\n");
    shell.set("ALFRED_CONFIG", "named.yaml");
    let said = shell.run(&["check"]);
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.err.starts_with("named.yaml:1:1"), "{}", said.err);
}

#[test]
fn schema_prints_the_schema_of_the_project() {
    let said = Shell::new().run(&["schema"]);
    assert_eq!(said.status, 0, "{said:?}");
    let printed: Value = serde_json::from_str(&said.out).unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/conf/schema.json");
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(
        printed == kept,
        "run `cargo run -- schema > conf/schema.json`"
    );
    assert_eq!(printed["additionalProperties"], false);
}

#[test]
fn completions_are_read_by_their_shells() {
    let shell = Shell::new();
    for name in ["bash", "zsh", "fish"] {
        let said = shell.run(&["completions", name]);
        assert_eq!(said.status, 0, "{said:?}");
        for word in ["alfred", "completions", "revoke", "requests-per-minute"] {
            assert!(said.out.contains(word), "{name}: {word}");
        }
        if name == "bash" {
            let path = shell.write("completions", &said.out);
            let read = Command::new("bash").arg("-n").arg(path).output();
            assert!(
                read.is_ok_and(|read| read.status.success()),
                "bash cannot read it"
            );
        }
    }
    let said = shell.run(&["completions", "cmd.exe"]);
    assert_eq!(said.status, 2, "{said:?}");
    assert!(said.err.contains("bash"), "{}", said.err);
}
