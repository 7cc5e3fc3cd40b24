//! What passes between client and provider: what is needed, and nothing of either one's account.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Answer, Gateway, Upstream, chat, streaming};
use crate::world::{calm, config};

async fn start(limits: &str, keys: &str) -> (Upstream, Gateway) {
    let mock = Upstream::mock().await;
    let yaml = limits.to_owned() + &config(&[mock.provider("p", &calm(keys))], &[]);
    (mock, Gateway::start(&yaml).await)
}

/// What clients send that is between them and Alfred.
const PRIVATE: [&str; 18] = [
    "cookie: session=secret",
    "x-api-key: KEY",
    "api-key: KEY",
    "x-goog-api-key: KEY",
    "proxy-authorization: Basic dXNlcjpwYXNz",
    "openai-organization: org-of-the-client",
    "openai-project: project-of-the-client",
    "user-agent: OpenAI/Python 3.54.0",
    "x-stainless-os: Linux",
    "referer: https://intranet.example/page",
    "origin: https://intranet.example",
    "x-forwarded-for: 192.0.2.7",
    "accept-encoding: gzip, br",
    "connection: keep-alive, x-hop",
    "x-hop: one",
    "te: trailers",
    "x-alfred-attempt: forged.1",
    "x-mock-scenario: hang",
];

/// All that a provider may be told.
const TOLD: [&str; 10] = [
    "host",
    "content-type",
    "content-length",
    "accept",
    "user-agent",
    "openai-beta",
    "traceparent",
    "tracestate",
    "x-alfred-attempt",
    "authorization",
];

async fn ask(gateway: &Gateway, body: &[u8]) -> Answer {
    let mut client = gateway.h1().await;
    let length = format!("content-length: {}", body.len());
    let private = PRIVATE.map(|line| line.replace("KEY", &gateway.key));
    let mut lines = vec![
        "content-type: application/json",
        &length,
        "openai-beta: feature=v2",
    ];
    lines.extend(private.iter().map(String::as_str));
    let head = client.head("POST", "/v1/chat/completions", &lines);
    client.send(head).await;
    client.send(body).await;
    client.answer().await
}

fn headers(request: &Value) -> BTreeSet<&str> {
    request["headers"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[tokio::test]
async fn a_provider_is_told_nothing_of_the_clients_secrets_cookies_and_machine() {
    for http in ["h1", "h2"] {
        let (mock, gateway) = start("", &format!("http: {http}")).await;
        ask(&gateway, &chat("p/echo", json!({}))).await.expect(200);
        ask(&gateway, &streaming("p/echo")).await.expect(200);
        for request in mock.ended(2).await {
            let told = headers(&request);
            let allowed = BTreeSet::from(TOLD);
            let more: Vec<_> = told.difference(&allowed).collect();
            assert!(more.is_empty(), "{http}: {more:?}");
            assert!(!told.contains("authorization"), "the provider has no key");
            let agent = request["headers"]["user-agent"].as_str().unwrap();
            assert!(agent.starts_with("alfred/"), "{agent}");
            assert_ne!(request["headers"]["x-alfred-attempt"], "forged.1");
            assert_eq!(request["headers"]["openai-beta"], "feature=v2");
            assert_eq!(request["path"], "/v1/chat/completions");
        }
    }
}

#[tokio::test]
async fn a_provider_gets_its_own_key_and_a_query_is_not_passed_on() {
    let (mock, gateway) = start("", "keys: [the-providers-own-key]").await;
    let body = chat("p/auth?key=the-providers-own-key", json!({}));
    ask(&gateway, &body).await.expect(200);
    let mut client = gateway.h1().await;
    let length = format!("content-length: {}", body.len());
    let lines = ["content-type: application/json", length.as_str()];
    let head = client.head(
        "POST",
        "/v1/chat/completions?api-version=1&key=secret",
        &lines,
    );
    client.send(head).await;
    client.send(&body).await;
    client.answer().await.expect(200);
    for request in mock.ended(2).await {
        assert_eq!(request["path"], "/v1/chat/completions");
        assert!(headers(&request).contains("authorization"));
    }
}

/// Headers of a provider's account; the mock sends them all.
const ACCOUNT: [&str; 11] = [
    "set-cookie",
    "server",
    "openai-organization",
    "openai-version",
    "openai-processing-ms",
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-reset-requests",
    "x-ratelimit-limit-tokens",
    "x-mock-request-bytes",
    "x-mock-request-hash",
];

#[tokio::test]
async fn a_client_is_told_nothing_of_the_providers_account() {
    let (_mock, gateway) = start("", "").await;
    let bodies = [
        chat("p/echo", json!({})),
        streaming("p/echo"),
        chat("p/status?code=400", json!({})),
        chat(
            "p/status?code=429&retry_after=1&should_retry=true",
            json!({}),
        ),
        chat("p/status?code=500", json!({})),
        chat(
            "p/status?code=302&location=http://internal.example/",
            json!({}),
        ),
    ];
    for body in bodies {
        let answer = ask(&gateway, &body).await;
        for name in ACCOUNT.into_iter().chain(["location"]) {
            assert_eq!(answer.header(name), "", "{name}: {answer:?}");
        }
        assert_eq!(answer.count("x-request-id"), 1);
        assert!(
            !answer.header("x-request-id").starts_with("req_mock"),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn the_limits_a_client_is_told_are_those_of_its_key() {
    let limits = "limits: [ { per: key, requests: 7, window: 1h } ]\n";
    let (_mock, gateway) = start(limits, "").await;
    for (number, body) in [chat("p/echo", json!({})), streaming("p/echo")]
        .iter()
        .enumerate()
    {
        let answer = ask(&gateway, body).await.expect(200);
        assert_eq!(answer.count("x-ratelimit-limit-requests"), 1);
        assert_eq!(answer.header("x-ratelimit-limit-requests"), "7");
        assert_eq!(
            answer.header("x-ratelimit-remaining-requests"),
            (6 - number).to_string()
        );
        assert_eq!(answer.header("x-ratelimit-limit-tokens"), "", "{answer:?}");
    }
}

#[tokio::test]
async fn an_answer_tells_who_gave_it_and_how_long_that_took() {
    let (_mock, gateway) = start("", "").await;
    for body in [
        chat("p/slow?first_byte=120ms", json!({})),
        streaming("p/slow?first_byte=120ms"),
    ] {
        let answer = ask(&gateway, &body).await.expect(200);
        assert_eq!(answer.header("x-alfred-provider"), "p");
        assert_eq!(answer.header("x-alfred-model"), "slow?first_byte=120ms");
        assert_eq!(answer.header("x-alfred-attempts"), "1");
        let overhead: u64 = answer.header("x-alfred-overhead-us").parse().unwrap();
        assert!((1..1_000_000).contains(&overhead), "{overhead} us");
        let timing = answer.header("server-timing");
        let upstream = timing.split("upstream;dur=").nth(1).unwrap_or_default();
        let upstream: f64 = upstream.split(',').next().unwrap().parse().unwrap();
        assert!((100.0..5000.0).contains(&upstream), "{timing}");
        assert_eq!(answer.header("x-alfred-error-source"), "");
    }
}
