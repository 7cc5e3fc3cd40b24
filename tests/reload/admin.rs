//! The admin port tells what serves and why the last file does not; it never tells a secret.

use std::fs;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::place::Place;
use crate::support::{Gateway, H1, Shell, Upstream, chat, free_port, streaming};
use crate::world::{calm, config};

#[tokio::test]
async fn the_effective_configuration_is_told_with_its_defaults_and_without_secrets() {
    let secrets = tempfile::tempdir().unwrap();
    let file = secrets.path().join("key");
    fs::write(&file, "sk-in-a-file\n").unwrap();
    let yaml = format!(
        "providers:\n  o: {{ kind: openai, keys: [sk-inline-secret, \"${{KEY}}\", \"file:{}\"], headers: {{ X-Team: hd-secret }} }}\n",
        file.display()
    );
    let place = Place::of(Gateway::start_with(&yaml, &[("KEY", "sk-from-env")]).await);
    let answer = place.admin("GET", "/v1/config").await.expect(200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    for hidden in [
        "sk-in-a-file",
        "sk-inline-secret",
        "sk-from-env",
        "hd-secret",
        &place.gateway.key,
    ] {
        assert!(!answer.text().contains(hidden), "{hidden}");
    }
    let told = answer.json();
    assert_eq!(told["source"], "file");
    assert_eq!(told["file"], place.file().display().to_string());
    let text = fs::read(place.file()).unwrap();
    assert_eq!(
        told["hash"],
        format!("blake3:{}", blake3::hash(&text).to_hex())
    );
    assert!(told["loaded_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(told["last_reload"], Value::Null);
    let watched: Vec<&str> = told["watched"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert!(
        watched.contains(&file.to_str().unwrap()) && watched.len() == 2,
        "{watched:?}"
    );
    let provider = &told["config"]["providers"]["o"];
    assert_eq!(provider["keys"], json!(["***", "***", "***"]));
    assert_eq!(provider["headers"], json!({ "X-Team": "***" }));
    assert_eq!(provider["timeouts"]["connect"], "2s");
    assert_eq!(told["config"]["body"]["max"], "20MB");
}

#[tokio::test]
async fn a_reload_by_request_tells_what_changed_or_all_that_is_wrong() {
    let place = Place::start("flood: { requests: 0 }\n").await;
    place.write("flood: { requests: 7 }\nbody: { max: 1MB }\n");
    let answer = place.ask().await.expect(200).json();
    assert_eq!(answer["result"], "applied");
    assert_eq!(answer["changed"], json!(["body.max", "flood.requests"]));
    assert_eq!(place.ask().await.expect(200).json()["result"], "unchanged");
    place.write("flood: { requests: x }\nmodels: { m: { targets: [ nobody/model ] } }\nnope: 1\n");
    let answer = place.ask().await.expect(422);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let told = answer.json();
    assert_eq!(
        (&told["status"], &told["code"]),
        (&json!(422), &json!("config_refused"))
    );
    assert!(
        told["hint"].is_string() && told["detail"].as_str().unwrap().contains("3 problems"),
        "{told:#}"
    );
    let places: Vec<(u64, &str)> = told["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| {
            (
                problem["line"].as_u64().unwrap(),
                problem["path"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        places,
        [
            (3, "flood.requests"),
            (4, "models.m.targets.0"),
            (5, "nope")
        ]
    );
    let first = &told["problems"][0];
    assert_eq!(first["file"], place.file().display().to_string());
    assert_eq!(first["excerpt"]["text"], "flood: { requests: x }");
    assert_eq!(first["excerpt"]["before"], 19);
    let status = place.status().await;
    assert_eq!(status["last_reload"]["problems"], told["problems"]);
    assert_eq!(status["last_reload"]["trigger"], "api");
    assert_eq!(
        status["config"]["flood"]["requests"], 7,
        "the old one serves"
    );
    assert_eq!(
        place
            .gateway
            .metrics("alfred_config_last_reload_successful")
            .await,
        0.0
    );
    let loaded = place
        .gateway
        .metrics("alfred_config_loaded_timestamp_seconds")
        .await;
    assert!(loaded > 1.6e9, "{loaded}");
    place.write("flood: { requests: 8 }\n");
    place.ask().await.expect(200);
    assert_eq!(
        place
            .gateway
            .metrics("alfred_config_last_reload_successful")
            .await,
        1.0
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reloads_that_are_asked_for_at_the_same_time_take_turns() {
    let place = Place::start("").await;
    place.write("body: { max: 3MB }\n");
    let mut asked = JoinSet::new();
    for _ in 0..20 {
        let admin = place.gateway.admin;
        let head = place.head_of("POST", "/v1/config/reload");
        asked.spawn(async move {
            let mut client = H1::connect(admin).await;
            client.send(format!("{head}\r\n")).await;
            client.answer().await.expect(200).json()["result"].clone()
        });
    }
    let results = asked.join_all().await;
    let applied = results
        .iter()
        .filter(|result| **result == "applied")
        .count();
    assert_eq!((applied, results.len()), (1, 20), "{results:?}");
}

#[tokio::test]
async fn providers_are_told_with_their_endpoints_and_what_runs_there() {
    let mock = Upstream::mock().await;
    let place = Place::start(&config(
        &[mock.provider("p", &calm("keys: [a-secret, b-secret]"))],
        &[],
    ))
    .await;
    let mut client = place.gateway.h1().await;
    client
        .begin(&streaming("p/stream?chunks=100&delay=50ms"))
        .await;
    client.read_until("w1 ").await;
    let answer = place.admin("GET", "/v1/providers").await.expect(200);
    assert!(!answer.text().contains("-secret"), "{}", answer.text());
    let told = answer.json();
    let providers = told["providers"].as_array().unwrap();
    let provider = providers
        .iter()
        .find(|provider| provider["name"] == "p")
        .unwrap();
    assert_eq!(
        (&provider["kind"], &provider["in_flight"]),
        (&json!("openai_compatible"), &json!(1))
    );
    let endpoints = provider["endpoints"].as_array().unwrap();
    assert_eq!(endpoints.len(), 1, "two keys at one endpoint");
    assert_eq!(endpoints[0]["endpoint"], format!("http://{}/v1", mock.addr));
    let told = (&endpoints[0]["state"], &endpoints[0]["resting"]);
    assert_eq!(told, (&json!("closed"), &json!([])));
    assert!(providers.iter().any(|provider| provider["name"] == "mock"));
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_that_says_what_is() {
    let place = Place::start("").await;
    for (method, path, status, code) in [
        ("GET", "/", 404, "not_found"),
        ("GET", "/v1/secrets", 404, "not_found"),
        ("DELETE", "/v1/config", 405, "method_not_allowed"),
        ("GET", "/v1/config/reload", 405, "method_not_allowed"),
        ("POST", "/v1/providers", 405, "method_not_allowed"),
    ] {
        let answer = place.admin(method, path).await.expect(status);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let told = answer.json();
        assert_eq!(told["code"], code);
        assert!(told["title"].is_string() && told["hint"].is_string() && told["type"].is_string());
        assert_eq!(
            answer.header("allow").is_empty(),
            status == 404,
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn without_a_file_the_environment_is_told_and_a_reload_refused() {
    let mut shell = Shell::new();
    let (_, telemetry) = shell.choose_ports();
    let admin = std::net::SocketAddr::from(([127, 0, 0, 1], free_port()));
    shell.set("ALFRED_LISTEN_ADMIN", admin.to_string());
    shell.set("OPENAI_API_KEY", "sk-never-shown");
    let mut running = shell.start(&["run"]);
    running.ready(telemetry).await;
    let mut client = H1::connect(admin).await;
    let token = shell.read("data/first-token");
    let token = token.trim();
    let mut ask = async |line: &str| {
        client
            .send(format!(
                "{line} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\nidempotency-key: a\r\n\r\n"
            ))
            .await;
        client.answer().await
    };
    let told = ask("GET /v1/config").await.expect(200);
    assert!(!told.text().contains("sk-never-shown"));
    let told = told.json();
    assert_eq!(
        (&told["source"], &told["file"], &told["hash"]),
        (&json!("environment"), &Value::Null, &Value::Null)
    );
    assert_eq!(
        told["config"]["providers"]["openai"]["keys"],
        json!(["***"])
    );
    let refused = ask("POST /v1/config/reload").await.expect(422).json();
    let message = refused["problems"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("without a configuration file"),
        "{refused:#}"
    );
}

#[test]
fn an_admin_port_that_others_can_reach_is_refused_at_start() {
    let shell = Shell::new();
    for address in ["0.0.0.0:8000", "10.1.2.3:8000", "'[::]:8000'"] {
        shell.write(
            "conf/alfred.yaml",
            &format!("listen:\n  admin: {address}\n"),
        );
        for command in ["check", "run"] {
            let said = shell.run(&[command]);
            assert_eq!(said.status, 1, "{said:?}");
            assert!(
                said.err.contains("conf/alfred.yaml:2:10: listen.admin: "),
                "{}",
                said.err
            );
            assert!(said.err.contains("`tls` is missing"), "{}", said.err);
        }
    }
}

#[tokio::test]
async fn a_taken_admin_port_is_a_clear_error_and_requests_do_not_need_it() {
    let mut shell = Shell::new();
    shell.choose_ports();
    let taken = std::net::TcpListener::bind(("127.0.0.1", free_port())).unwrap();
    shell.set(
        "ALFRED_LISTEN_ADMIN",
        taken.local_addr().unwrap().to_string(),
    );
    let said = shell.run(&["run"]);
    assert_eq!(said.status, 2, "{said:?}");
    assert!(
        said.err.contains("listen.admin") && said.err.contains("hint:"),
        "{}",
        said.err
    );
    let place = Place::start("").await;
    // A key of the gateway opens nothing here.
    place
        .gateway
        .chat(&chat("mock/echo", json!({})))
        .await
        .expect(200);
    place.admin("GET", "/v1/config").await.expect(200);
}
