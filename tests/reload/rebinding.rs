//! The admin port answers programs on this machine, not the web pages that a browser on it shows.

use std::fs;

use crate::place::Place;
use crate::support::{Answer, H1};

/// A request with exactly these lines after its first, and a token that would do.
async fn ask(place: &Place, first: &str, lines: &[&str]) -> Answer {
    let mut client = H1::connect(place.gateway.admin).await;
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    let token = format!("authorization: Bearer {}\r\n", place.token);
    let key = "idempotency-key: a\r\n";
    client
        .send(format!("{first}\r\n{lines}{token}{key}\r\n"))
        .await;
    client.answer().await
}

#[tokio::test]
async fn a_name_that_was_rebound_to_loopback_is_refused() {
    let place = Place::start("").await;
    let port = place.gateway.admin.port();
    let get = "GET /v1/config HTTP/1.1";
    for host in ["localhost", "127.0.0.1", "[::1]"] {
        for host in [format!("host: {host}"), format!("host: {host}:{port}")] {
            ask(&place, get, &[&host]).await.expect(200);
        }
    }
    for host in [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.nip.io",
        "0.0.0.0",
        "alfred.test",
    ] {
        let host = format!("host: {host}:{port}");
        for first in [
            get,
            "POST /v1/config/reload HTTP/1.1",
            "GET /nowhere HTTP/1.1",
        ] {
            let answer = ask(&place, first, &[&host]).await.expect(403);
            assert_eq!(answer.json()["code"], "host_not_allowed", "{host}");
            assert!(!answer.text().contains("data_dir"));
        }
    }
    let two = ["host: localhost", "host: evil.example"];
    assert_ne!(ask(&place, get, &two).await.status, 200);
    let absolute = "GET http://evil.example/v1/config HTTP/1.1";
    assert_ne!(
        ask(&place, absolute, &["host: localhost"]).await.status,
        200
    );
    assert_ne!(
        ask(&place, "GET /v1/config HTTP/1.0", &[]).await.status,
        200
    );
}

#[tokio::test]
async fn no_page_may_read_or_reload() {
    let place = Place::start("").await;
    fs::write(place.file(), place.text("body: { max: 3MB }\n")).unwrap();
    let post = "POST /v1/config/reload HTTP/1.1";
    for origin in ["http://evil.example", "null", "http://localhost:3000"] {
        let origin = format!("origin: {origin}");
        let answer = ask(&place, post, &["host: localhost", &origin])
            .await
            .expect(403);
        assert_eq!(answer.json()["code"], "origin_not_allowed");
    }
    let asked = [
        "host: localhost",
        "origin: http://evil.example",
        "access-control-request-method: POST",
    ];
    let preflight = ask(&place, "OPTIONS /v1/config/reload HTTP/1.1", &asked).await;
    assert_eq!(preflight.status, 403);
    for answer in [preflight, place.admin("GET", "/v1/config").await] {
        let allows = answer
            .headers
            .iter()
            .filter(|(name, _)| name.starts_with("access-control"));
        assert_eq!(allows.count(), 0, "{answer:?}");
    }
    let own = format!("origin: http://{}", place.gateway.admin);
    let host = format!("host: {}", place.gateway.admin);
    ask(&place, post, &[&host, &own]).await.expect(200);
}
