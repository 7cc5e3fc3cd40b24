//! Panics and thousands of broken connections leave nothing behind.

use std::sync::Arc;

use serde_json::json;

use crate::support::{Do, Gateway, Scripted, Upstream, chat, ms, streaming};
use crate::world::{Client, alias, calm, config};

/// What a debug build panics at when a provider's answer holds it.
const MARK: &str = "x-alfred-test-panic";

#[tokio::test]
async fn a_panic_before_the_first_attempt_answers_500_with_the_requests_id() {
    let mock = Upstream::mock().await;
    let providers = [mock.provider("p", &calm("http: h1"))];
    let gateway = Gateway::start(&config(&providers, &[alias("m", &["p/echo"], "")])).await;
    let mut other = gateway.h1().await;
    other
        .begin(&streaming("p/stream?chunks=20&delay=20ms"))
        .await;
    let body = chat("m", json!({}));
    let length = format!("content-length: {}", body.len());
    let lines = [
        "content-type: application/json",
        &length,
        "x-alfred-test-panic: request",
    ];
    let mut client = gateway.h1().await;
    for _ in 0..3 {
        let head = client.head("POST", "/v1/chat/completions", &lines);
        client.send(head).await;
        client.send(&body).await;
        let answer = client.answer().await.expect_refusal(500, "internal_error");
        assert_eq!(gateway.receipt_of(&answer).await["outcome"], "fault");
    }
    assert!(client.is_alive().await);
    let headers = [
        ("content-type", "application/json"),
        ("x-alfred-test-panic", "request"),
    ];
    let mut client = gateway.h2().await;
    let mut sending = client
        .open("POST", "/v1/chat/completions", &headers, false)
        .await;
    sending.send(&body, true).await;
    sending.answer().await.expect_refusal(500, "internal_error");
    assert!(client.is_alive().await);
    // The others never noticed.
    let events = other.answer().await.expect(200).events();
    assert_eq!((events.finishes().len(), events.errors().len()), (1, 0));
    assert_eq!(gateway.metrics("alfred_panics_total").await, 4.0);
    gateway.settled().await;
}

/// A provider whose stream makes the gateway panic at its nth event.
async fn panics_at(content: &[&str]) -> (Scripted, Gateway) {
    let mut steps = vec![Do::Read, Do::Send(Do::stream_head())];
    for text in content {
        steps.push(Do::Send(Do::chunk(&(Do::role() + &Do::says(text)))));
        steps.push(Do::Wait(50));
    }
    steps.push(Do::Hold);
    let raw = Scripted::new(vec![steps]).await;
    let providers = [raw.provider("p", &calm("http: h1"))];
    let gateway = Gateway::start(&config(&providers, &[alias("m", &["p/x"], "")])).await;
    (raw, gateway)
}

#[tokio::test]
async fn a_panic_in_the_answer_before_content_answers_500() {
    let (_raw, gateway) = panics_at(&[MARK]).await;
    for mut client in Client::both(&gateway).await {
        let answer = client.chat(&streaming("m")).await;
        let answer = answer.expect_refusal(500, "internal_error");
        client.expect_truthful(&answer).await;
    }
    gateway.settled().await;
    assert_eq!(gateway.metrics("alfred_panics_total").await, 2.0);
}

#[tokio::test]
async fn a_panic_in_the_answer_after_content_ends_the_stream_with_an_error_event() {
    let (raw, gateway) = panics_at(&["some", MARK]).await;
    for mut client in Client::both(&gateway).await {
        let answer = client.chat(&streaming("m")).await.expect(200);
        let events = answer.events();
        assert_eq!(
            (events.text().as_str(), events.errors().len()),
            ("some", 1),
            "{events:?}"
        );
        assert_eq!(gateway.receipt_of(&answer).await["outcome"], "fault");
    }
    raw.left(1).await;
    gateway.settled().await;
}

/// One of ten thousand requests that come to a bad end.
async fn cut(gateway: &Gateway, number: usize) {
    let model = match number % 4 {
        0 => "m/stream?chunks=50&delay=10ms",
        1 => "m/hang",
        2 => "m/cut?after=2",
        _ => "m/stream?chunks=3",
    };
    let mut client = gateway.h1().await;
    let body = streaming(model);
    match number % 5 {
        0 => {
            let head = client.chat_head(body.len());
            client.send(&head[..head.len() / 2]).await;
        }
        1 => {
            let head = client.chat_head(body.len());
            client.send(head).await;
            client.send(&body[..body.len() / 2]).await;
        }
        _ => {
            client.begin(&body).await;
            tokio::time::sleep(ms((number % 50) as u64)).await;
        }
    }
    if number.is_multiple_of(2) {
        client.reset();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_cut_connections_leave_no_task_connection_or_permit() {
    let mock = Upstream::mock().await;
    let providers = [mock.provider("m", &calm("http: h1"))];
    let gateway = Arc::new(Gateway::start(&config(&providers, &[])).await);
    let open = |pid: u32| {
        std::fs::read_dir(format!("/proc/{pid}/fd"))
            .unwrap()
            .count()
    };
    gateway.chat(&chat("m/echo", json!({}))).await.expect(200);
    let before = open(gateway.pid());
    for batch in 0..20 {
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..500 {
            let gateway = gateway.clone();
            tasks.spawn(async move { cut(&gateway, batch * 500 + number).await });
        }
        tasks.join_all().await;
    }
    gateway.settled().await;
    assert_eq!(mock.counter("in_flight").await, 0);
    crate::support::until("all but pooled connections to be closed", || async {
        let pooled = mock.counter("open_connections").await;
        open(gateway.pid()).saturating_sub(before) as u64 <= pooled + 5
    })
    .await;
    gateway.chat(&chat("m/echo", json!({}))).await.expect(200);
    assert_eq!(gateway.metrics("alfred_panics_total").await, 0.0);
    let memory = gateway.metrics("process_resident_memory_bytes").await;
    assert!(memory < 400e6, "{memory} bytes");
}
