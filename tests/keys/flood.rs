//! Before anybody is known, an address that asks too often is told to slow down.

use serde_json::json;

use crate::support::{Answer, Gateway, H1, chat};

/// Each test has an address-wide limit of five in an hour.
async fn start(more: &str) -> Gateway {
    Gateway::start(&format!("flood: {{ requests: 5, window: 1h }}\n{more}")).await
}

/// Asks for the models as if through proxies that wrote these addresses.
async fn ask(gateway: &Gateway, forwarded: &str) -> Answer {
    let mut client = gateway.h1().await;
    let line = format!("x-forwarded-for: {forwarded}");
    let head = client.head("GET", "/v1/models", &[&line]);
    client.send(head).await;
    client.answer().await
}

#[tokio::test]
async fn an_address_that_asks_too_often_is_refused_before_its_key_is_looked_at() {
    let gateway = start("").await;
    for _ in 0..3 {
        assert_eq!(gateway.h1().await.get("/v1/models").await.status, 200);
    }
    let mut stranger = H1::connect(gateway.addr).await;
    let body = chat("mock/echo", json!({}));
    for _ in 0..2 {
        stranger
            .chat(&body)
            .await
            .expect_refusal(401, "invalid_api_key");
    }
    let answer = stranger
        .chat(&body)
        .await
        .expect_refusal(429, "too_many_requests");
    assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(answer.header("x-alfred-error-source"), "gateway");
    // On the same connection, and with a good key: it is the address that is counted.
    let answer = stranger.with_key(&gateway.key).chat(&body).await;
    answer.expect_refusal(429, "too_many_requests");
    let answer = gateway.h2().await.chat(&body).await;
    answer.expect_refusal(429, "too_many_requests");
    assert!(
        gateway.is_ready().await,
        "the telemetry port is not guarded"
    );
}

#[tokio::test]
async fn a_stranger_cannot_choose_the_address_it_is_counted_under() {
    let gateway = start("").await;
    for number in 0..5 {
        assert_eq!(
            ask(&gateway, &format!("192.0.2.{number}")).await.status,
            200
        );
    }
    let answer = ask(&gateway, "192.0.2.77")
        .await
        .expect_refusal(429, "too_many_requests");
    let receipt = gateway.receipt_of(&answer).await;
    assert_eq!(receipt["client"], "127.0.0.1", "{receipt:#}");
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_is_counted_for_itself() {
    let gateway = start("trusted_proxies: [ 127.0.0.0/8, 10.0.0.0/8 ]\n").await;
    for _ in 0..5 {
        assert_eq!(ask(&gateway, "192.0.2.1").await.status, 200);
    }
    ask(&gateway, "192.0.2.1")
        .await
        .expect_refusal(429, "too_many_requests");
    let answer = ask(&gateway, "192.0.2.2, 10.1.2.3").await.expect(200);
    let receipt = gateway.receipt_of(&answer).await;
    assert_eq!(receipt["client"], "192.0.2.2", "{receipt:#}");
    // What stands before the last stranger was written by that stranger.
    ask(&gateway, "203.0.113.5, 192.0.2.1")
        .await
        .expect_refusal(429, "too_many_requests");
}

#[tokio::test]
async fn zero_switches_the_guard_off() {
    let gateway = Gateway::start("flood: { requests: 0, window: 1h }\n").await;
    let mut client = gateway.h1().await;
    for _ in 0..50 {
        assert_eq!(client.get("/v1/models").await.status, 200);
    }
}
