//! Requests per window: exact under concurrency, and told in every header that clients read.

use std::time::Duration;

use serde_json::json;

use crate::support::{Answer, Gateway, H1, Upstream, chat, until};
use crate::world::{Client, calm, config};

async fn start(limits: &str) -> (Upstream, Gateway) {
    let mock = Upstream::mock().await;
    let yaml = limits.to_owned() + &config(&[mock.provider("p", &calm(""))], &[]);
    (mock, Gateway::start(&yaml).await)
}

fn echo() -> Vec<u8> {
    chat("p/echo", json!({}))
}

#[tokio::test]
async fn a_limit_is_told_with_each_answer_in_openais_words_and_the_ietfs() {
    let (_mock, gateway) = start("limits: [ { per: key, requests: 5, window: 1h } ]\n").await;
    let mut client = gateway.h1().await;
    for left in ["4", "3", "2", "1", "0"] {
        let answer = client.chat(&echo()).await.expect(200);
        assert_eq!(answer.header("x-ratelimit-limit-requests"), "5");
        assert_eq!(answer.header("x-ratelimit-remaining-requests"), left);
        let reset = answer.header("x-ratelimit-reset-requests");
        assert!(
            reset.contains('m') && reset.ends_with('s'),
            "a duration as Go writes it: {reset}"
        );
        assert_eq!(answer.header("ratelimit-policy"), r#""rph";q=5;w=3600"#);
        let told = answer.header("ratelimit");
        assert!(told.starts_with(&format!(r#""rph";r={left};t="#)), "{told}");
        assert_eq!(
            answer.header("retry-after"),
            "",
            "a 200 has nothing to wait for"
        );
    }
    expect_429(&client.chat(&echo()).await, "5");
    assert_eq!(
        gateway.h1().await.get("/v1/models").await.status,
        429,
        "each door counts"
    );
}

#[track_caller]
fn expect_429(answer: &Answer, limit: &str) {
    let answer = answer.clone().expect_refusal(429, "rate_limit_exceeded");
    assert_eq!(answer.header("x-alfred-error-source"), "gateway");
    assert_eq!(answer.json()["error"]["type"], "rate_limit_error");
    assert_eq!(answer.header("x-ratelimit-limit-requests"), limit);
    assert_eq!(answer.header("x-ratelimit-remaining-requests"), "0");
    assert!(answer.header("ratelimit").contains(";r=0;"), "{answer:?}");
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!(wait >= 1, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_requests_at_once_exactly_the_limit_is_admitted() {
    let (mock, gateway) = start("limits: [ { per: key, requests: 30, window: 1h } ]\n").await;
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let mut client = gateway.h1().await;
        asked.spawn(async move { client.chat(&echo()).await });
    }
    let mut shared = gateway.h2().await;
    for _ in 0..40 {
        let sending = shared.begin(&echo(), true).await;
        asked.spawn(sending.answer());
    }
    let answers = asked.join_all().await;
    let count = |status| {
        answers
            .iter()
            .filter(|answer| answer.status == status)
            .count()
    };
    assert_eq!((count(200), count(429)), (30, 50));
    assert_eq!(
        mock.counter("total").await,
        30,
        "a refusal never reaches a provider"
    );
    let refusals = gateway
        .metrics("alfred_refusals_total{code=\"rate_limit_exceeded\"}")
        .await;
    assert_eq!(refusals, 50.0);
}

#[tokio::test]
async fn a_client_that_waits_as_told_is_let_through() {
    let (_mock, gateway) = start("limits: [ { per: key, requests: 2, window: 2s } ]\n").await;
    for mut client in Client::both(&gateway).await {
        let answer = loop {
            let answer = client.chat(&echo()).await;
            if answer.status != 200 {
                break answer;
            }
        };
        let told: u64 = answer.header("retry-after-ms").parse().unwrap();
        assert!(
            told <= 1000,
            "two in two seconds is one a second: {told} ms"
        );
        tokio::time::sleep(Duration::from_millis(told)).await;
        client.chat(&echo()).await.expect(200);
    }
}

#[tokio::test]
async fn a_keys_own_limit_wins_and_keys_do_not_share() {
    let (_mock, gateway) = start("limits: [ { per: key, requests: 3, window: 1m } ]\n").await;
    let one = gateway.create_key("one", &["--requests-per-minute", "1"]);
    let many = gateway.create_key("many", &["--requests-per-minute", "50"]);
    // Asked for at a door that does not exist, so that waiting costs none of the limit.
    for key in [&one, &many] {
        until("the new key to be known", || async {
            H1::connect(gateway.addr)
                .await
                .with_key(key)
                .chat(&echo())
                .await
                .status
                != 401
        })
        .await;
    }
    let mut client = H1::connect(gateway.addr).await.with_key(&one);
    expect_429(&client.chat(&echo()).await, "1");
    let mut client = H1::connect(gateway.addr).await.with_key(&many);
    for _ in 0..10 {
        let answer = client.chat(&echo()).await.expect(200);
        assert_eq!(answer.header("x-ratelimit-limit-requests"), "50");
    }
    let mut client = gateway.h1().await;
    for _ in 0..3 {
        client.chat(&echo()).await.expect(200);
    }
    expect_429(&client.chat(&echo()).await, "3");
}

#[tokio::test]
async fn a_refusal_costs_no_body_and_no_connection() {
    let (_mock, gateway) = start("limits: [ { per: key, requests: 1, window: 1h } ]\n").await;
    gateway.chat(&echo()).await.expect(200);
    let body = crate::support::chat_of(300_000, "p/echo", false);
    for mut client in Client::both(&gateway).await {
        for _ in 0..3 {
            expect_429(&client.chat(&body).await, "1");
        }
    }
    gateway.settled().await;
    let receipt = gateway.nth_receipt(2).await;
    assert_eq!(receipt["request_bytes"], 0, "{receipt:#}");
}

#[tokio::test]
async fn without_limits_nothing_is_told_about_any() {
    let (_mock, gateway) = start("").await;
    let answer = gateway.chat(&echo()).await.expect(200);
    let told = answer
        .headers
        .iter()
        .find(|(name, _)| name.contains("ratelimit"));
    assert_eq!(told, None, "the provider's own limits are not the client's");
}
