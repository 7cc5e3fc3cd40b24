//! Wrong paths, wrong methods, wrong media types.

use serde_json::json;

use crate::judge::{JSON, POST, raw, refused, start};
use crate::support::{Gateway, chat};

#[tokio::test]
async fn an_unknown_path_is_404_and_the_known_ones_are_named() {
    let (_mock, gateway) = start("").await;
    let body = chat("fast", json!({}));
    let length = format!("content-length: {}", body.len());
    for path in [
        "/",
        "/v1",
        "/v1/nothing",
        "/v2/chat/completions",
        "/v1/chat/completions/more",
    ] {
        for (method, body) in [("POST", body.as_slice()), ("GET", b"")] {
            let lines = [JSON, &length];
            let lines: &[&str] = if body.is_empty() { &[] } else { &lines };
            let start = format!("{method} {path} HTTP/1.1");
            let reply = raw(&gateway, &start, lines, body).await;
            let error = refused(&reply.answer.unwrap(), 404, "unknown_path");
            assert!(
                error["message"]
                    .as_str()
                    .unwrap()
                    .contains("/v1/chat/completions")
            );
            assert!(
                reply.client.with_key(&gateway.key).is_alive().await,
                "{method} {path}"
            );
        }
    }
    let mut client = gateway.h2().await;
    refused(&client.get("/v1/nothing").await, 404, "unknown_path");
    assert!(client.is_alive().await);
}

#[tokio::test]
async fn a_wrong_method_is_405_and_the_right_one_is_named() {
    let (_mock, gateway) = start("").await;
    let cases = [
        ("GET", "/v1/chat/completions", "POST"),
        ("PUT", "/v1/chat/completions", "POST"),
        ("DELETE", "/v1/embeddings", "POST"),
        ("POST", "/v1/models", "GET"),
        ("DELETE", "/v1/models/fast", "GET"),
        // Without an Origin this is no preflight.
        ("OPTIONS", "/v1/chat/completions", "POST"),
    ];
    for (method, path, allowed) in cases {
        let start = format!("{method} {path} HTTP/1.1");
        let reply = raw(&gateway, &start, &["content-length: 0"], b"").await;
        let answer = reply.answer.unwrap();
        refused(&answer, 405, "method_not_allowed");
        assert_eq!(answer.header("allow"), allowed, "{method} {path}");
        assert!(
            reply.client.with_key(&gateway.key).is_alive().await,
            "{method} {path}"
        );
        let answer = gateway
            .h2()
            .await
            .open(method, path, &[], true)
            .await
            .answer()
            .await;
        refused(&answer, 405, "method_not_allowed");
    }
}

#[tokio::test]
async fn a_head_request_gets_a_head_and_no_body() {
    let (_mock, gateway) = start("").await;
    let mut client = gateway.h1().await;
    let head = client.head("HEAD", "/v1/models", &[]);
    client.send(head).await;
    let answer = client.read_head().await.unwrap();
    assert_eq!(answer.status, 405, "{answer:?}");
    // Were a body sent, it would be read as the beginning of the next answer.
    assert!(client.is_alive().await);
}

#[tokio::test]
async fn connect_and_made_up_methods_are_refused() {
    let (_mock, gateway) = start("").await;
    for start in [
        "CONNECT example.com:443 HTTP/1.1",
        "BREW /v1/chat/completions HTTP/1.1",
        "TRACE / HTTP/1.1",
    ] {
        let reply = raw(&gateway, start, &[], b"").await;
        if let Some(answer) = reply.answer {
            assert!((400..500).contains(&answer.status), "{start}: {answer:?}");
        }
    }
    assert!(gateway.h1().await.is_alive().await);
}

#[tokio::test]
async fn a_get_with_a_body_is_answered_and_the_body_is_not_taken_for_a_request() {
    let (mock, gateway) = start("").await;
    let garbage = b"POST /v1/chat/completions HTTP/1.1\r\n\r\n{garbage}";
    let length = format!("content-length: {}", garbage.len());
    let reply = raw(&gateway, "GET /v1/models HTTP/1.1", &[&length], garbage).await;
    assert_eq!(reply.answer.unwrap().status, 200);
    assert!(reply.client.with_key(&gateway.key).is_alive().await);
    let chunked = b"5\r\nGET /\r\n0\r\n\r\n";
    let lines = ["transfer-encoding: chunked"];
    let reply = raw(&gateway, "GET /v1/models HTTP/1.1", &lines, chunked).await;
    assert_eq!(reply.answer.unwrap().status, 200);
    assert!(reply.client.with_key(&gateway.key).is_alive().await);
    assert!(mock.requests().await.is_empty());
}

async fn media(gateway: &Gateway, lines: &[&str]) -> u16 {
    let body = chat("fast", json!({}));
    let length = format!("content-length: {}", body.len());
    let lines = [lines, &[&length]].concat();
    let reply = raw(gateway, POST, &lines, &body).await;
    let answer = reply.answer.unwrap();
    if answer.status != 200 {
        refused(&answer, 415, "unsupported_media_type");
    }
    assert!(
        reply.client.with_key(&gateway.key).is_alive().await,
        "{lines:?}"
    );
    answer.status
}

#[tokio::test]
async fn a_wrong_media_type_or_coding_is_415() {
    let (_mock, gateway) = start("").await;
    for line in [
        "content-type: text/plain",
        "content-type: application/x-www-form-urlencoded",
        "content-type: multipart/form-data; boundary=x",
        "content-type: application/jsonx",
        "content-type: \u{e9}",
    ] {
        assert_eq!(media(&gateway, &[line]).await, 415, "{line}");
    }
    for coding in ["gzip", "br", "zstd", "deflate", "identity, gzip"] {
        let line = format!("content-encoding: {coding}");
        assert_eq!(media(&gateway, &[JSON, &line]).await, 415, "{line}");
    }
}

#[tokio::test]
async fn every_spelling_of_json_is_taken() {
    let (_mock, gateway) = start("").await;
    let spellings: [&[&str]; 6] = [
        &[],
        &["content-type: application/json; charset=utf-8"],
        &["content-type: Application/JSON"],
        &["content-type: application/vnd.api+json"],
        &[JSON, "content-encoding: identity"],
        &["Content-Type:application/json;charset=UTF-8"],
    ];
    for lines in spellings {
        assert_eq!(media(&gateway, lines).await, 200, "{lines:?}");
    }
}
