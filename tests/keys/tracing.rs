//! How a request is found again: ids echoed, traces passed on.

use std::collections::BTreeSet;

use serde_json::json;

use crate::support::{Answer, Gateway, H1, Upstream, chat, streaming};
use crate::world::{calm, config};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

async fn start() -> (Upstream, Gateway) {
    let mock = Upstream::mock().await;
    let gateway = Gateway::start(&config(&[mock.provider("p", &calm(""))], &[])).await;
    (mock, gateway)
}

async fn send(client: &mut H1, lines: &[&str], body: &[u8]) -> Answer {
    let length = format!("content-length: {}", body.len());
    let lines = [&["content-type: application/json", &length], lines].concat();
    let head = client.head("POST", "/v1/chat/completions", &lines);
    client.send(head).await;
    client.send(body).await;
    client.answer().await
}

/// The id of Alfred's own: a UUID of version 7.
#[track_caller]
fn own_id(answer: &Answer) -> String {
    let id = answer.header("x-alfred-request-id").to_owned();
    let parts: Vec<usize> = id.split('-').map(str::len).collect();
    assert_eq!(parts, [8, 4, 4, 4, 12], "{id}");
    assert_eq!(id.as_bytes()[14], b'7', "{id} is not of version 7");
    id
}

#[tokio::test]
async fn a_clients_id_is_echoed_and_logged_beside_a_fresh_one_of_alfreds_own() {
    let (_mock, gateway) = start().await;
    let mut client = gateway.h1().await;
    let mut seen = BTreeSet::new();
    let bodies = [
        chat("p/echo", json!({})),
        streaming("p/stream?chunks=2"),
        chat("nobody", json!({})),
        chat("p/status?code=500", json!({})),
        b"{".to_vec(),
    ];
    for body in bodies {
        let answer = send(&mut client, &["x-request-id: my-own/id:1"], &body).await;
        assert_eq!(answer.header("x-request-id"), "my-own/id:1");
        let id = own_id(&answer);
        let receipt = gateway.receipt(&id).await;
        assert_eq!(receipt["client_request_id"], "my-own/id:1");
        assert!(seen.insert(id), "an id was used twice");
    }
}

#[tokio::test]
async fn an_id_that_cannot_be_echoed_is_replaced() {
    let (_mock, gateway) = start().await;
    let mut client = gateway.h1().await;
    let long = format!("x-request-id: {}", "a".repeat(129));
    let lines = [
        "x-request-id:",
        "x-request-id: two words",
        "x-request-id: \u{e9}",
        long.as_str(),
    ];
    for line in lines {
        let answer = send(&mut client, &[line], &chat("p/echo", json!({})))
            .await
            .expect(200);
        assert_eq!(answer.header("x-request-id"), own_id(&answer), "{line}");
        let receipt = gateway.receipt_of(&answer).await;
        assert!(receipt["client_request_id"].is_null(), "{receipt:#}");
    }
    let most = format!("x-request-id: {}", "a".repeat(128));
    let answer = send(&mut client, &[&most], &chat("p/echo", json!({})))
        .await
        .expect(200);
    assert_eq!(answer.header("x-request-id").len(), 128);
}

#[tokio::test]
async fn a_trace_goes_on_to_the_provider_and_onto_the_receipt() {
    let (mock, gateway) = start().await;
    let parent = format!("traceparent: {PARENT}");
    let lines = [parent.as_str(), "tracestate: vendor=1,other=2"];
    let mut client = gateway.h1().await;
    let answer = send(&mut client, &lines, &chat("p/echo", json!({})))
        .await
        .expect(200);
    let receipt = gateway.receipt_of(&answer).await;
    assert_eq!(
        receipt["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736",
        "{receipt:#}"
    );
    let seen = &mock.ended(1).await[0]["headers"];
    let passed = seen["traceparent"].as_str().unwrap();
    assert!(
        passed.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"),
        "{passed}"
    );
    assert_eq!(seen["tracestate"], "vendor=1,other=2");
}

#[tokio::test]
async fn each_attempt_has_an_id_of_its_own_that_begins_with_the_requests() {
    let mock = Upstream::mock().await;
    let providers = [mock.provider("p", &calm(""))];
    let models = [crate::world::alias(
        "m",
        &["p/status?code=503", "p/echo"],
        "",
    )];
    let gateway = Gateway::start(&config(&providers, &models)).await;
    let answer = gateway.chat(&chat("m", json!({}))).await.expect(200);
    let id = own_id(&answer);
    let seen = mock.ended(2).await;
    let attempts: Vec<_> = seen
        .iter()
        .map(|request| request["headers"]["x-alfred-attempt"].clone())
        .collect();
    assert_eq!(
        attempts,
        [json!(format!("{id}.1")), json!(format!("{id}.2"))]
    );
}
