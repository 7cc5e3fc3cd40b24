//! Settings that need a restart refuse the file that changes them, and nothing of that file holds.

use std::fs;

use serde_json::json;

use crate::parrot::{Parrot, says};
use crate::place::Place;
use crate::support::{chat, free_port};
use crate::world::{calm, config};

#[tokio::test]
async fn a_file_that_moves_a_port_or_the_data_is_refused_at_its_line_as_a_whole() {
    let mock = Parrot::new().await;
    let yaml = |words: &str| config(&[mock.provider("p", &calm(""))], &[]) + &says("p", words, 0);
    let place = Place::start(&yaml("old")).await;
    let text = place.text(&yaml("new"));
    let (listen, data) = (text.lines().next().unwrap(), text.lines().nth(1).unwrap());
    let elsewhere = format!("127.0.0.1:{}", free_port());
    let moved = |address: std::net::SocketAddr| text.replace(&address.to_string(), &elsewhere);
    let gateway = &place.gateway;
    for (spoiled, line, path) in [
        (moved(gateway.addr), 1, "listen.gateway"),
        (moved(gateway.admin), 1, "listen.admin"),
        (moved(gateway.telemetry), 1, "listen.telemetry"),
        (text.replace(data, "data_dir: ./elsewhere"), 2, "data_dir"),
        (format!("threads: 7\n{text}"), 1, "threads"),
        (
            format!("{text}log: {{ level: warn }}\n"),
            text.lines().count() + 1,
            "log.level",
        ),
        (
            format!("shutdown: {{ drain: 1s }}\n{text}"),
            1,
            "shutdown.drain",
        ),
        (text.replace(listen, "listen: {}"), 1, "listen.gateway"),
    ] {
        fs::write(place.file(), &spoiled).unwrap();
        let answer = place.ask().await.expect(422).json();
        let problem = answer["problems"]
            .as_array()
            .unwrap()
            .iter()
            .find(|p| p["path"] == path);
        let problem = problem.unwrap_or_else(|| panic!("{path} in {answer:#}"));
        assert_eq!(problem["line"], line, "{problem:#}");
        assert!(problem["column"].as_u64().unwrap() > 0 && problem["excerpt"]["text"].is_string());
        assert!(
            problem["hint"].as_str().unwrap().contains("restart"),
            "{problem:#}"
        );
        let told = gateway.chat(&chat("m", json!({}))).await.expect(200).json();
        assert_eq!(
            told["choices"][0]["message"]["content"], "old",
            "nothing of {path} holds"
        );
    }
    fs::write(place.file(), &text).unwrap();
    place.ask().await.expect(200);
    let told = gateway.chat(&chat("m", json!({}))).await.expect(200).json();
    assert_eq!(told["choices"][0]["message"]["content"], "new");
}

#[tokio::test]
async fn tls_cannot_be_switched_on_by_a_reload() {
    let place = Place::start("").await;
    place
        .reload("tls: { cert: ./c.pem, key: ./k.pem }\n", "refused")
        .await;
    let told = place.status().await["last_reload"]["problems"].clone();
    assert_eq!(
        (&told[0]["path"], &told[0]["line"]),
        (&json!("tls"), &json!(3)),
        "{told:#}"
    );
    place
        .gateway
        .chat(&chat("mock/echo", json!({})))
        .await
        .expect(200);
}
