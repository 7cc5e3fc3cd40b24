//! The telemetry port: alive, ready, and no longer ready once told to stop.

use std::time::Duration;

use serde_json::json;

use crate::support::{Gateway, H1, chat, streaming, until};

#[tokio::test]
async fn health_and_metrics_are_on_a_port_of_their_own_without_a_key() {
    let gateway = Gateway::start("").await;
    let mut client = H1::connect(gateway.telemetry).await;
    for path in ["/livez", "/readyz", "/healthz", "/metrics"] {
        let answer = client.get(path).await.expect(200);
        assert!(
            answer.header("content-type").starts_with("text/plain"),
            "{path}: {answer:?}"
        );
    }
    let verbose = client.get("/readyz?verbose").await.expect(200).text();
    for check in ["[+] started", "[+] not draining", "[+] store reachable"] {
        assert!(verbose.contains(check), "{verbose}");
    }
    assert_eq!(client.get("/").await.status, 404);
    assert_eq!(client.get("/v1/models").await.status, 404);
    for path in ["/metrics", "/livez", "/readyz"] {
        let answer = gateway.h1().await.get(path).await;
        answer.expect_refusal(404, "unknown_path");
    }
    let metrics = client.get("/metrics").await.text();
    assert!(metrics.contains(&format!(
        "alfred_build_info{{version=\"{}\"}} 1",
        env!("CARGO_PKG_VERSION")
    )));
}

#[tokio::test]
async fn sigterm_ends_readiness_but_not_life_while_a_stream_runs() {
    let mut gateway = Gateway::start("shutdown: { pause: 1s, drain: 20s }\n").await;
    let mut streaming_client = gateway.h1().await;
    streaming_client
        .begin(&streaming("mock/stream?chunks=60&delay=40ms"))
        .await;
    streaming_client.read_until("w1 ").await;
    let mut telemetry = H1::connect(gateway.telemetry).await;
    gateway.terminate();
    until("readiness to fall", || async { !gateway.is_ready().await }).await;
    // In the pause, load balancers still send: they are served.
    gateway
        .chat(&chat("mock/echo", json!({})))
        .await
        .expect(200);
    let not_ready = telemetry.get("/readyz?verbose").await;
    assert_eq!(not_ready.status, 503);
    assert!(
        not_ready.text().contains("[-] not draining"),
        "{}",
        not_ready.text()
    );
    assert_eq!(telemetry.get("/livez").await.status, 200);
    until("the metrics to show the stream alone", || async {
        gateway.metrics("alfred_requests_in_flight").await == 1.0
    })
    .await;
    let events = streaming_client.answer().await.expect(200).events();
    assert_eq!((events.finishes().len(), events.done), (1, true));
    assert!(gateway.ended(Duration::from_secs(5)).await.success());
}
