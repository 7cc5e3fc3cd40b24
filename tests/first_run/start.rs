//! `alfred run` in an empty folder.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::curl;
use crate::support::{H1, Shell, chat, free_port, ms, until};

fn key_in(text: &str) -> String {
    let mut words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let key = words.find(|word| word.starts_with("ak_live_"));
    key.unwrap_or_else(|| panic!("no key was printed:\n{text}"))
        .to_owned()
}

#[tokio::test]
async fn the_curl_that_is_printed_works_as_it_is_printed() {
    let mut shell = Shell::new();
    let (gateway, telemetry) = shell.choose_ports();
    let mut running = shell.start(&["run"]);
    running.ready(telemetry).await;
    let command = curl::printed(&running.err());
    assert!(
        command.contains(&format!(":{}/v1/chat/completions", gateway.port())),
        "{command}"
    );
    assert!(command.contains("mock/echo"), "it costs nothing: {command}");
    let answers = [Some(curl::sent(&command).await), curl::run(&command)];
    for answer in answers.into_iter().flatten() {
        answer
            .expect(200)
            .events()
            .expect_whole("Good evening, Alfred.");
    }
    assert!(
        !running.out().contains("ak_live_"),
        "secrets are for the terminal, not for the log"
    );
}

#[tokio::test]
async fn the_second_start_keeps_the_key_and_says_so() {
    let mut shell = Shell::new();
    let (gateway, telemetry) = shell.choose_ports();
    let mut keys = Vec::new();
    for told in [
        "made for you",
        "kept from the first start",
        "kept from the first start",
    ] {
        let mut running = shell.start(&["run"]);
        running.ready(telemetry).await;
        let said = running.err();
        assert!(said.contains(told), "{told} is not in\n{said}");
        keys.push(key_in(&said));
        let mut client = H1::connect(gateway).await.with_key(&keys[0]);
        client.chat(&chat("mock/echo", json!({}))).await.expect(200);
        running.signal("TERM");
        assert!(running.ended(Duration::from_secs(10)).await.success());
    }
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    assert_eq!(shell.read("data/first-key").trim(), keys[0]);
    let listed = shell.run(&["keys", "list", "--json"]);
    let listed: serde_json::Value = serde_json::from_str(&listed.out).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
}

#[tokio::test]
async fn secrets_on_disk_are_for_their_owner_only() {
    let mut shell = Shell::new();
    let (_, telemetry) = shell.choose_ports();
    shell.start(&["run"]).ready(telemetry).await;
    for name in ["first-key", "first-token", "pepper"] {
        let path = shell.path().join("data").join(name);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_first_key_that_was_revoked_is_not_offered_again() {
    let mut shell = Shell::new();
    let (gateway, telemetry) = shell.choose_ports();
    let mut running = shell.start(&["run"]);
    running.ready(telemetry).await;
    let key = key_in(&running.err());
    let revoked = shell.run(&["keys", "revoke", key.split('_').nth(2).unwrap()]);
    assert_eq!(revoked.status, 0, "{revoked:?}");
    until("the key to be refused", || async {
        H1::connect(gateway)
            .await
            .with_key(&key)
            .get("/v1/models")
            .await
            .status
            == 401
    })
    .await;
    drop(running);
    let mut running = shell.start(&["run"]);
    running.ready(telemetry).await;
    assert!(!running.err().contains("ak_live_"), "{}", running.err());
}

#[tokio::test]
async fn a_damaged_first_key_is_a_clear_error() {
    let mut shell = Shell::new();
    shell.choose_ports();
    let path = shell.write("data/first-key", "not a key\n");
    std::fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    let said = shell.run(&["run"]);
    assert_eq!(said.status, 2, "{said:?}");
    for part in ["first-key", "alfred keys create"] {
        assert!(said.err.contains(part), "{part} is not in\n{}", said.err);
    }
    assert!(!said.err.contains("panicked"), "{}", said.err);
}

#[tokio::test]
async fn a_configuration_file_rules_where_it_stands() {
    let mut shell = Shell::new();
    shell.choose_ports();
    let (gateway, telemetry) = (free_port(), free_port());
    let yaml = format!(
        "listen: {{ gateway: \"127.0.0.1:{gateway}\", telemetry: \"127.0.0.1:{telemetry}\", admin: \"127.0.0.1:{}\", console: \"127.0.0.1:{}\" }}\ndata_dir: ./elsewhere\nmodels: {{ hello: {{ targets: [mock/echo] }} }}\n",
        free_port(),
        free_port()
    );
    shell.write("conf/alfred.yaml", &yaml);
    let key = shell.run(&["keys", "create", "--name", "me"]);
    assert_eq!(key.status, 0, "{key:?}");
    let mut running = shell.start(&["run"]);
    running.ready(([127, 0, 0, 1], telemetry).into()).await;
    let addr = ([127, 0, 0, 1], gateway).into();
    let mut client = H1::connect(addr).await.with_key(key.out.trim());
    client.chat(&chat("hello", json!({}))).await.expect(200);
    assert!(shell.path().join("elsewhere").is_dir() && !shell.path().join("data").exists());
    assert!(
        !running.err().contains("ak_live_"),
        "a key of one's own is not printed"
    );
}

#[tokio::test]
async fn it_starts_quickly_and_leaves_as_quickly() {
    let mut shell = Shell::new();
    let (_, telemetry) = shell.choose_ports();
    // The first start makes the database.
    shell.start(&["run"]).ready(telemetry).await;
    let begun = Instant::now();
    let mut running = shell.start(&["run"]);
    running.ready(telemetry).await;
    // An unoptimised binary on a shared machine; what is measured in earnest is in benches/.
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    for (signal, limit) in [("TERM", 3000), ("INT", 3000)] {
        let told = Instant::now();
        running.signal(signal);
        let status = running.ended(Duration::from_secs(10)).await;
        assert!(status.success(), "SIG{signal}: {status}");
        assert!(
            told.elapsed() < ms(limit),
            "SIG{signal}: {:?}",
            told.elapsed()
        );
        running = shell.start(&["run"]);
        running.ready(telemetry).await;
    }
}
