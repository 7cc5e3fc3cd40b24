//! Framing that two servers could read differently: 400, and nothing smuggled through.

use crate::judge::{JSON, POST, raw, refused, start};
use crate::support::{Gateway, Upstream};

/// A chat request that somebody tries to hide in another one's body.
fn hidden(gateway: &Gateway) -> String {
    let body = r#"{"model":"fast","messages":[{"role":"user","content":"smuggled"}]}"#;
    format!(
        "0\r\n\r\n{POST}\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n{body}",
        gateway.key,
        body.len()
    )
}

async fn nothing_went_through(mock: &Upstream, gateway: &Gateway) {
    assert!(
        mock.requests().await.is_empty(),
        "a smuggled request went through"
    );
    assert!(gateway.h1().await.is_alive().await);
    gateway.settled().await;
}

#[tokio::test]
async fn content_length_beside_transfer_encoding_is_400_in_the_dialect_and_the_end() {
    let (mock, gateway) = start("").await;
    let cases: [&[&str]; 5] = [
        &[JSON, "content-length: 5", "transfer-encoding: chunked"],
        &[JSON, "transfer-encoding: chunked", "content-length: 5"],
        &[JSON, "transfer-encoding: gzip, chunked"],
        &[JSON, "transfer-encoding: chunked, chunked"],
        &[
            JSON,
            "transfer-encoding: chunked",
            "transfer-encoding: chunked",
        ],
    ];
    for lines in cases {
        let mut reply = raw(&gateway, POST, lines, hidden(&gateway).as_bytes()).await;
        let answer = reply.answer.unwrap();
        let error = refused(&answer, 400, "bad_framing");
        assert_eq!(error["type"], "invalid_request_error");
        assert!(
            reply.client.is_closed().await,
            "{lines:?} leaves the connection open"
        );
    }
    nothing_went_through(&mock, &gateway).await;
}

#[tokio::test]
async fn every_other_doubtful_framing_is_400_or_the_end() {
    let (mock, gateway) = start("").await;
    let cases: [&[&str]; 14] = [
        &[JSON, "content-length: 5", "content-length: 6"],
        &[JSON, "content-length: 5, 6"],
        &[JSON, "content-length: -5"],
        &[JSON, "content-length: +5"],
        &[JSON, "content-length: 0x5"],
        &[JSON, "content-length: 5 5"],
        &[JSON, "content-length: 99999999999999999999999999"],
        &[JSON, "content-length:"],
        &[JSON, "content-length : 5"],
        &[JSON, "transfer-encoding: identity"],
        &[JSON, "transfer-encoding: xchunked"],
        &[JSON, "transfer-encoding : chunked"],
        &[JSON, "transfer-encoding: \x0bchunked"],
        &[
            JSON,
            "x-fold: a",
            " b",
            "content-length : 5",
            "transfer-encoding: chunked",
        ],
    ];
    for lines in cases {
        let reply = raw(&gateway, POST, lines, hidden(&gateway).as_bytes()).await;
        if let Some(answer) = reply.answer {
            assert_eq!(answer.status, 400, "{lines:?}: {answer:?}");
        }
    }
    nothing_went_through(&mock, &gateway).await;
}

#[tokio::test]
async fn chunks_that_are_no_chunks_never_reach_a_provider() {
    let (mock, gateway) = start("").await;
    let bodies = [
        "zz\r\n{}\r\n0\r\n\r\n",
        "-1\r\n{}\r\n0\r\n\r\n",
        "2\r\n{}0\r\n\r\n",
        "ffffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        "2;ext=\"\r\n{}\r\n0\r\n\r\n",
    ];
    for body in bodies {
        let lines = [JSON, "transfer-encoding: chunked"];
        let mut client = gateway.h1().await;
        let head = client.head("POST", "/v1/chat/completions", &lines);
        client.send(head + body).await;
        client.half_close().await;
        if let Some(answer) = client.try_answer().await {
            assert_eq!(answer.status, 400, "{body:?}: {answer:?}");
        }
    }
    nothing_went_through(&mock, &gateway).await;
}

#[tokio::test]
async fn a_body_that_breaks_off_is_no_request() {
    let (mock, gateway) = start("").await;
    let whole = r#"{"model":"fast","messages":[{"role":"user","content":"hi"}]}"#;
    for lines in [
        ["content-length: 1000".to_owned(), whole.to_owned()],
        [
            "transfer-encoding: chunked".to_owned(),
            format!("{:x}\r\n{whole}\r\n", whole.len()),
        ],
    ] {
        let mut client = gateway.h1().await;
        let head = client.head("POST", "/v1/chat/completions", &[JSON, &lines[0]]);
        client.send(head + &lines[1]).await;
        client.half_close().await;
        if let Some(answer) = client.try_answer().await {
            assert_eq!(answer.status, 400, "{answer:?}");
        }
    }
    nothing_went_through(&mock, &gateway).await;
}

#[tokio::test]
async fn garbage_is_no_http_and_harms_nobody() {
    let (mock, gateway) = start("").await;
    for start in [
        "GET",
        "GET /v1/models",
        "GET  /v1/models HTTP/1.1",
        "GET /v1/models HTTP/3.7",
        "G\u{0}T /v1/models HTTP/1.1",
        "GET /v1/mo dels HTTP/1.1",
        "{\"model\":\"fast\"}",
        "\u{16}\u{3}\u{1}\u{2}",
    ] {
        let reply = raw(&gateway, start, &["content-length: 2"], b"{}").await;
        if let Some(answer) = reply.answer {
            assert!((400..506).contains(&answer.status), "{start:?}: {answer:?}");
        }
    }
    nothing_went_through(&mock, &gateway).await;
}

#[tokio::test]
async fn on_h2_a_length_that_is_not_kept_is_no_request() {
    let (mock, gateway) = start("").await;
    let whole = br#"{"model":"fast","messages":[{"role":"user","content":"hi"}]}"#;
    for announced in [whole.len() - 1, whole.len() + 1, 1_000_000] {
        let mut client = gateway.h2().await;
        let mut sending = client.open_chat(Some(announced)).await;
        sending.send(whole, true).await;
        match sending.try_answer().await {
            Ok(answer) => assert_eq!(answer.status, 400, "{announced}: {answer:?}"),
            Err(error) => assert!(error.is_reset() || error.is_go_away(), "{error}"),
        }
    }
    nothing_went_through(&mock, &gateway).await;
}
