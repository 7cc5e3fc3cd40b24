//! `alfred conform` on Alfred itself: before the mock, and before a server that replays what real
//! providers once answered, whichever dialect they spoke.

use std::fmt::Write as _;
use std::process::{Command, Output};

use serde_json::Value;

use crate::recorded::{PROVIDERS, Replay, Row};
use crate::support::{Gateway, Upstream};

/// The dialects of clients.
const CLIENTS: [&str; 3] = ["chat", "messages", "responses"];

fn conform(url: &str, key: &str, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_alfred"));
    command.args(["conform", url]).args(more);
    command.env("ALFRED_API_KEY", key).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn alfred_before_the_mock_breaks_no_rule_and_the_key_is_not_told() {
    let gateway = Gateway::start("").await;
    let url = format!("http://{}/v1/", gateway.addr);
    let asked = ["--model", "mock/echo", "--embeddings", "mock/echo"];
    let said = conform(&url, &gateway.key, &asked);
    let report = text(&said.stdout);
    assert_eq!(said.status.code(), Some(0), "{report}");
    for row in [
        "streamed, with usage",
        "embeddings, base64",
        "count of tokens",
        "a key that nobody has",
    ] {
        assert!(report.contains(row), "{row} is missing:\n{report}");
    }
    assert!(!report.contains(&gateway.key) && !text(&said.stderr).contains(&gateway.key));
    let only = conform(
        &url,
        &gateway.key,
        &["--model", "mock/echo", "--client", "messages", "--json"],
    );
    let rows: Vec<Value> = serde_json::from_slice(&only.stdout).unwrap();
    assert!(rows.len() > 8 && rows.iter().all(|row| row["client"] == "messages"));
    assert!(
        rows.iter()
            .all(|row| row["violations"].as_array().unwrap().is_empty())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_a_rule_is_named_and_the_exit_status_says_so() {
    // The mock itself is no Alfred: this model's stream is cut in its middle.
    let mock = Upstream::mock().await;
    let url = format!("http://{}", mock.addr);
    let said = conform(&url, "", &["--model", "cut?after=3", "--client", "chat"]);
    let report = text(&said.stdout);
    assert_eq!(said.status.code(), Some(1), "{report}");
    assert!(
        report.contains("http.answer") || report.contains("chat.done"),
        "{report}"
    );
    let nobody = conform("http://127.0.0.1:1", "k", &["--model", "m"]);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(text(&nobody.stdout).contains("no connection could be made"));
    let odd = conform("127.0.0.1:9090", "k", &["--model", "m"]);
    assert_eq!(odd.status.code(), Some(2));
    assert!(text(&odd.stderr).contains("http://"));
}

#[tokio::test(flavor = "multi_thread")]
async fn alfred_breaks_no_rule_whatever_real_providers_once_answered() {
    let replay = Replay::start();
    let mut yaml = "providers:\n".to_owned();
    for row in PROVIDERS {
        let _ = writeln!(yaml, "  {}", row.configured(replay.addr));
    }
    let gateway = Gateway::start(&yaml).await;
    let url = format!("http://{}", gateway.addr);
    let mut told = 0;
    for (Row { name, .. }, client) in PROVIDERS
        .iter()
        .flat_map(|row| CLIENTS.map(|client| (row, client)))
    {
        replay.begin();
        let asked = ["--model", &format!("{name}/some-model"), "--client", client];
        while !replay.is_all_told() {
            let said = conform(&url, &gateway.key, &asked);
            let report = text(&said.stdout);
            let told = replay.told();
            assert_eq!(said.status.code(), Some(0), "{name}:\n{report}\n{told}");
        }
        told += replay.told().lines().count();
    }
    println!("{told} recorded answers were told, and no rule was broken");
    assert!(told > 1_000, "{told}");
}
