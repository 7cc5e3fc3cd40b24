//! Web pages: those that may call are let in, the others are not, and errors can be read too.

use serde_json::json;

use crate::support::{Answer, Gateway, H1, chat, streaming};

const APP: &str = "https://app.example.com";
const CORS: &str =
    "cors: { origins: [\"https://app.example.com\", \"http://localhost:3000\"], max_age: 5m }\n";

/// A preflight as browsers send it: no key.
async fn preflight(client: &mut H1, path: &str, origin: &str) -> Answer {
    let head = client.head(
        "OPTIONS",
        path,
        &[
            &format!("origin: {origin}"),
            "access-control-request-method: POST",
            "access-control-request-headers: authorization,content-type,x-stainless-os",
        ],
    );
    client.send(head).await;
    client.answer().await
}

async fn from_page(client: &mut H1, origin: &str, body: &[u8]) -> Answer {
    let (origin, length) = (
        format!("origin: {origin}"),
        format!("content-length: {}", body.len()),
    );
    let lines = ["content-type: application/json", &origin, &length];
    let head = client.head("POST", "/v1/chat/completions", &lines);
    client.send(head).await;
    client.send(body).await;
    client.answer().await
}

#[tokio::test]
async fn a_preflight_of_an_allowed_page_is_answered_without_a_key() {
    let gateway = Gateway::start(CORS).await;
    let mut client = H1::connect(gateway.addr).await;
    for origin in [APP, "http://localhost:3000"] {
        let answer = preflight(&mut client, "/v1/chat/completions", origin)
            .await
            .expect(204);
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        assert_eq!(answer.header("access-control-max-age"), "300");
        assert!(
            answer
                .header("access-control-allow-methods")
                .contains("POST")
        );
        let allowed = answer
            .header("access-control-allow-headers")
            .to_ascii_lowercase();
        for name in [
            "authorization",
            "content-type",
            "x-api-key",
            "x-stainless-os",
        ] {
            assert!(allowed.contains(name), "{name} is not in {allowed}");
        }
        assert_eq!(answer.header("vary").to_ascii_lowercase(), "origin");
        // RFC 9110, 8.6: a 204 has no Content-Length.
        assert_eq!(
            (answer.body.len(), answer.header("content-length")),
            (0, "")
        );
    }
    assert!(client.with_key(&gateway.key).is_alive().await);
}

#[tokio::test]
async fn a_preflight_of_any_other_page_allows_nothing() {
    let gateway = Gateway::start(CORS).await;
    let mut client = H1::connect(gateway.addr).await;
    for origin in [
        "https://evil.example",
        "null",
        "https://app.example.com.evil.example",
        "HTTPS://APP.EXAMPLE.COM",
    ] {
        let answer = preflight(&mut client, "/v1/chat/completions", origin).await;
        let allowed = answer
            .headers
            .iter()
            .find(|(name, _)| name.starts_with("access-control-allow"));
        assert_eq!(allowed, None, "{origin}");
    }
    let gateway = Gateway::start("").await;
    let mut client = H1::connect(gateway.addr).await;
    let answer = preflight(&mut client, "/v1/chat/completions", APP).await;
    assert_eq!(
        answer.header("access-control-allow-origin"),
        "",
        "nothing was configured"
    );
}

#[tokio::test]
async fn every_answer_to_an_allowed_page_can_be_read_there_errors_and_streams_too() {
    let gateway = Gateway::start(CORS).await;
    let mut client = gateway.h1().await;
    let bodies = [
        (chat("mock/echo", json!({})), 200),
        (streaming("mock/stream?chunks=3"), 200),
        (chat("nobody", json!({})), 404),
        (b"{".to_vec(), 400),
        (chat("mock/status?code=503", json!({})), 503),
    ];
    for (body, status) in bodies {
        let answer = from_page(&mut client, APP, &body).await.expect(status);
        readable(&answer);
        let other = from_page(&mut client, "https://evil.example", &body)
            .await
            .expect(status);
        assert_eq!(other.header("access-control-allow-origin"), "", "{other:?}");
    }
    let mut stranger = H1::connect(gateway.addr).await;
    readable(&from_page(&mut stranger, APP, b"{}").await.expect(401));
}

#[track_caller]
fn readable(answer: &Answer) {
    assert_eq!(
        answer.header("access-control-allow-origin"),
        APP,
        "{answer:?}"
    );
    assert_eq!(answer.count("access-control-allow-origin"), 1);
    let exposed = answer.header("access-control-expose-headers");
    for name in [
        "x-request-id",
        "retry-after",
        "x-ratelimit-remaining-tokens",
        "x-alfred-cost",
    ] {
        assert!(exposed.contains(name), "{name} is not in {exposed}");
    }
    assert_eq!(answer.header("access-control-allow-credentials"), "");
}

#[tokio::test]
async fn a_star_lets_every_page_in() {
    let gateway = Gateway::start("cors: { origins: [\"*\"] }\n").await;
    let mut client = gateway.h1().await;
    for origin in ["https://anyone.example", "null"] {
        let answer = preflight(&mut client, "/v1/chat/completions", origin)
            .await
            .expect(204);
        let allowed = answer.header("access-control-allow-origin").to_owned();
        assert!(allowed == origin || allowed == "*", "{allowed}");
        let answer = from_page(&mut client, origin, &chat("mock/echo", json!({}))).await;
        assert_ne!(answer.expect(200).header("access-control-allow-origin"), "");
    }
}

#[tokio::test]
async fn a_preflight_on_h2_is_answered_too() {
    let gateway = Gateway::start(CORS).await;
    let mut client = gateway.h2().await;
    let headers = [("origin", APP), ("access-control-request-method", "POST")];
    let sending = client
        .open("OPTIONS", "/v1/embeddings", &headers, true)
        .await;
    let answer = sending.answer().await.expect(204);
    assert_eq!(answer.header("access-control-allow-origin"), APP);
    assert!(client.is_alive().await);
}
