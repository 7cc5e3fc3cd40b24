//! One JSON line for each request, whatever became of it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Gateway, H1, Upstream, chat, refused, streaming, until};
use crate::world::{alias, calm, config};

async fn start(more: &str) -> (Upstream, Gateway) {
    let mock = Upstream::mock().await;
    let providers = [mock.provider("p", &calm("")), refused("closed")];
    let models = [
        alias("fast", &["p/echo"], ""),
        alias(
            "patient",
            &["p/status?code=503", "closed/echo", "p/echo"],
            "",
        ),
        alias("doomed", &["p/status?code=503", "p/quota"], ""),
    ];
    let yaml = more.to_owned() + &config(&providers, &models);
    (mock, Gateway::start(&yaml).await)
}

#[tokio::test]
async fn every_request_leaves_one_line_and_no_two_share_an_id() {
    let (_mock, gateway) = start("").await;
    let mut client = gateway.h1().await;
    let bodies = [
        (chat("fast", json!({})), 200, "ok"),
        (streaming("p/stream?chunks=3"), 200, "ok"),
        (chat("patient", json!({})), 200, "ok"),
        (chat("nobody", json!({})), 404, "refused"),
        (b"{".to_vec(), 400, "refused"),
        (chat("p/status?code=400", json!({})), 400, "provider_error"),
        (chat("closed/echo", json!({})), 502, "provider_failed"),
        (streaming("p/cut?after=3"), 200, "truncated"),
    ];
    let mut ids = BTreeSet::new();
    for (body, status, outcome) in &bodies {
        let answer = client.chat(body).await;
        assert_eq!(answer.status, *status, "{answer:?}");
        let receipt = gateway.receipt_of(&answer).await;
        assert_eq!(receipt["status"], *status, "{receipt:#}");
        assert_eq!(receipt["outcome"], *outcome, "{receipt:#}");
        let bytes = receipt["response_bytes"].as_u64().unwrap();
        assert!(bytes >= answer.body.len() as u64, "{receipt:#}");
        assert!(ids.insert(receipt["request_id"].to_string()));
        if answer.header("connection").eq_ignore_ascii_case("close") || *outcome == "truncated" {
            client = gateway.h1().await;
        }
    }
    gateway.h2().await.get("/v1/models").await.expect(200);
    H1::connect(gateway.addr)
        .await
        .get("/nowhere")
        .await
        .expect(404);
    until("ten lines", || async { gateway.receipts().len() >= 10 }).await;
    tokio::time::sleep(crate::support::ms(300)).await;
    assert_eq!(gateway.receipts().len(), 10, "a request was logged twice");
}

#[tokio::test]
async fn a_line_tells_who_asked_what_when_and_how_it_went() {
    let (_mock, gateway) = start("").await;
    let body = chat("fast", json!({}));
    let answer = gateway.chat(&body).await.expect(200);
    let receipt = gateway.receipt_of(&answer).await;
    assert_eq!(receipt["schema"], 1);
    let at: jiff::Timestamp = receipt["at"].as_str().unwrap().parse().unwrap();
    let age = jiff::Timestamp::now().duration_since(at).as_secs();
    assert!((0..60).contains(&age), "{receipt:#}");
    for (name, value) in [
        ("surface", json!("chat")),
        ("method", json!("POST")),
        ("http", json!(1)),
        ("client", json!("127.0.0.1")),
        ("model", json!("fast")),
        ("stream", json!(false)),
        ("request_bytes", json!(body.len())),
        ("response_bytes", json!(answer.body.len())),
        ("finish_reason", json!("stop")),
    ] {
        assert_eq!(receipt[name], value, "{name}: {receipt:#}");
    }
    assert_eq!(receipt["caller"]["key_name"], "test");
    let public_id = gateway.key.split('_').nth(2).unwrap();
    assert!(
        receipt["caller"]["key"]
            .as_str()
            .unwrap()
            .contains(public_id)
    );
    let usage = &answer.json()["usage"];
    assert_eq!(
        receipt["usage"]["input"], usage["prompt_tokens"],
        "{receipt:#}"
    );
    assert_eq!(
        receipt["usage"]["output"], usage["completion_tokens"],
        "{receipt:#}"
    );
    assert_eq!(receipt["usage"]["estimated"], false);
    let (whole, own) = (&receipt["duration_us"], &receipt["overhead_us"]);
    assert!(
        own.as_u64().unwrap() <= whole.as_u64().unwrap(),
        "{receipt:#}"
    );
}

fn told<'a>(attempts: &'a [Value], name: &str) -> Vec<&'a Value> {
    attempts.iter().map(|attempt| &attempt[name]).collect()
}

#[tokio::test]
async fn every_attempt_stands_on_the_receipt_in_order() {
    let (_mock, gateway) = start("").await;
    let answer = gateway.chat(&chat("patient", json!({}))).await.expect(200);
    assert_eq!(answer.header("x-alfred-attempts"), "3");
    let receipt = gateway.receipt_of(&answer).await;
    let attempts = receipt["attempts"].as_array().unwrap();
    assert_eq!(
        told(attempts, "provider"),
        ["p", "closed", "p"],
        "{receipt:#}"
    );
    assert_eq!(told(attempts, "model"), ["status?code=503", "echo", "echo"]);
    assert_eq!(attempts[0]["status"], 503);
    assert_eq!(attempts[1]["failure"], "connect_failed");
    assert!(attempts[0]["failure"].is_string(), "{receipt:#}");
    assert!(
        attempts[2]["failure"].is_null() && attempts[2]["status"] == 200,
        "{receipt:#}"
    );
    let starts: Vec<u64> = told(attempts, "started_us")
        .iter()
        .map(|at| at.as_u64().unwrap())
        .collect();
    assert!(starts.is_sorted(), "{receipt:#}");
    let answer = gateway.chat(&chat("doomed", json!({}))).await;
    assert_eq!(answer.status, 429, "{answer:?}");
    let receipt = gateway.receipt_of(&answer).await;
    let attempts = receipt["attempts"].as_array().unwrap();
    assert_eq!(told(attempts, "status"), [503, 429], "{receipt:#}");
    assert_eq!(attempts[1]["failure"], "quota", "{receipt:#}");
    assert_eq!(receipt["outcome"], "provider_error");
}

#[tokio::test]
async fn a_refusal_is_logged_with_its_code_and_without_attempts() {
    let (_mock, gateway) = start("").await;
    let mut stranger = H1::connect(gateway.addr).await;
    let answer = stranger.chat(&chat("fast", json!({}))).await;
    let answer = answer.expect_refusal(401, "invalid_api_key");
    let receipt = gateway.receipt_of(&answer).await;
    assert_eq!(
        (&receipt["outcome"], &receipt["code"]),
        (&json!("refused"), &json!("invalid_api_key"))
    );
    for absent in [
        "caller",
        "attempts",
        "usage",
        "cost_nano",
        "model",
        "price_unknown",
    ] {
        assert!(receipt[absent].is_null(), "{absent}: {receipt:#}");
    }
}

#[tokio::test]
async fn a_quiet_log_holds_no_receipts() {
    let (_mock, gateway) = start("log: { level: warn }\n").await;
    gateway.chat(&chat("fast", json!({}))).await.expect(200);
    gateway.settled().await;
    tokio::time::sleep(crate::support::ms(300)).await;
    assert!(gateway.receipts().is_empty(), "{}", gateway.log());
    assert_eq!(
        gateway
            .metrics("alfred_requests_total{outcome=\"ok\"")
            .await,
        1.0
    );
}
