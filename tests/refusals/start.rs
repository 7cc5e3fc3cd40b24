//! A configuration or a machine that is wrong: said at once, with the place, and an exit status.

use std::net::TcpListener;

use crate::support::{Said, Shell, free_port};

/// Runs with this configuration; it must be refused.
fn refused(shell: &Shell, yaml: &str) -> Said {
    shell.write("conf/alfred.yaml", yaml);
    let said = shell.run(&["run"]);
    assert_ne!(said.status, 0, "{said:?}");
    assert_eq!(said.out, "", "problems belong on standard error");
    said
}

#[test]
fn a_wrong_value_is_refused_at_start_with_file_line_and_column() {
    let shell = Shell::new();
    let said = refused(&shell, "providers:\n  a:\n    kind: opnai\n    keys: [k]\n");
    assert_eq!(said.status, 1, "{said:?}");
    let place = "conf/alfred.yaml:3:11: providers.a.kind: ";
    assert!(said.err.contains(place), "{}", said.err);
    assert!(
        said.err.contains("kind: opnai\n") && said.err.contains("^^^^^"),
        "{}",
        said.err
    );
    assert!(said.err.contains("did you mean `openai`?"), "{}", said.err);
    assert!(
        !shell.path().join("data").exists(),
        "nothing is made before all is well"
    );
}

#[test]
fn every_problem_is_told_at_once() {
    let shell = Shell::new();
    let yaml = "\
body: { mx: 1MB }
providers:
  a: { kind: openai_compatible, endpoints: [\"ftp://x\"] }
models:
  fast: { targets: [ b/model ], retry: { attempts: many } }
limits:
  - { per: key, requests: 0 }
keys:
  - { name: ci, hash: short }
";
    let said = refused(&shell, yaml);
    for place in [
        "alfred.yaml:1:",
        "alfred.yaml:3:",
        "alfred.yaml:5:",
        "alfred.yaml:7:",
        "alfred.yaml:9:",
    ] {
        assert!(said.err.contains(place), "{place} is not in\n{}", said.err);
    }
    assert!(said.err.contains("did you mean `max`?"), "{}", said.err);
}

#[test]
fn check_says_the_same_as_run() {
    let shell = Shell::new();
    let yaml = "listen: { gateway: nowhere }\n";
    let run = refused(&shell, yaml);
    for words in [&["check"] as &[&str], &["run", "--check-config"]] {
        let check = shell.run(words);
        assert_eq!((check.status, &check.err), (1, &run.err), "{words:?}");
    }
}

#[test]
fn syntax_errors_tabs_and_duplicates_have_a_place_too() {
    let shell = Shell::new();
    for (yaml, place) in [
        ("body: {\n", "alfred.yaml:"),
        ("providers:\n\ta: {}\n", "alfred.yaml:2:"),
        ("body: {}\nbody: {}\n", "alfred.yaml:2:1"),
        ("a: &a [x]\nbody: *b\n", "alfred.yaml:2:"),
    ] {
        let said = refused(&shell, yaml);
        assert!(said.err.contains(place), "{yaml:?}: {}", said.err);
        assert_eq!(said.status, 1, "{yaml:?}");
    }
}

#[test]
fn a_file_that_is_not_there_is_exit_status_2() {
    let shell = Shell::new();
    for command in ["run", "check"] {
        let said = shell.run(&[command, "--config", "nowhere.yaml"]);
        assert_eq!(said.status, 2, "{said:?}");
        assert!(said.err.contains("nowhere.yaml"), "{}", said.err);
    }
}

#[test]
fn a_variable_that_is_not_set_is_named_and_a_secret_is_not_shown() {
    let mut shell = Shell::new();
    shell.set("SECRET", "sk-hidden-and-safe\n\u{1}");
    let yaml = "providers:\n  a: { kind: openai, keys: [\"${SECRET}\", \"${NOT_SET:?export it first}\"] }\n  b: { kind: openai, keys: [ { sk-hidden: 1 } ] }\n";
    let said = refused(&shell, yaml);
    assert!(said.err.contains("export it first"), "{}", said.err);
    assert!(said.err.contains("NOT_SET"), "{}", said.err);
    assert!(!said.err.contains("sk-hidden-and-safe"), "{}", said.err);
}

#[test]
fn a_taken_port_is_a_clear_error() {
    for (setting, variable) in [
        ("gateway", "ALFRED_LISTEN_GATEWAY"),
        ("telemetry", "ALFRED_LISTEN_TELEMETRY"),
    ] {
        let mut shell = Shell::new();
        shell.choose_ports();
        let taken = TcpListener::bind(("127.0.0.1", free_port())).unwrap();
        let address = taken.local_addr().unwrap().to_string();
        shell.set(variable, &address);
        let said = shell.run(&["run"]);
        assert_eq!(said.status, 2, "{said:?}");
        for part in [
            setting,
            address.as_str(),
            "hint:",
            &format!("listen.{setting}"),
        ] {
            assert!(said.err.contains(part), "{part} is not in\n{}", said.err);
        }
        assert!(!said.err.contains("panicked"), "{}", said.err);
        assert!(
            !said.err.contains("ak_live_"),
            "no key is promised: {}",
            said.err
        );
    }
}

#[test]
fn a_folder_or_certificate_that_cannot_be_used_is_a_clear_error() {
    let shell = Shell::new();
    let ports = ["gateway", "telemetry", "admin"];
    let ports = ports.map(|name| format!("{name}: \"127.0.0.1:{}\"", free_port()));
    let listen = format!("listen: {{ {} }}\n", ports.join(", "));
    shell.write("taken", "a file, no folder");
    let said = refused(&shell, &(listen.clone() + "data_dir: ./taken\n"));
    assert_eq!(said.status, 2, "{said:?}");
    assert!(
        said.err.contains("taken") && !said.err.contains("panicked"),
        "{}",
        said.err
    );
    let said = refused(
        &shell,
        &(listen + "tls:\n  cert: ./no.pem\n  key: ./no.key\n"),
    );
    assert_eq!(said.status, 1, "{said:?}");
    let place = "conf/alfred.yaml:3:9: tls.cert: ";
    assert!(
        said.err.contains(place) && !said.err.contains("panicked"),
        "{}",
        said.err
    );
    assert!(!shell.path().join("data").exists());
}
