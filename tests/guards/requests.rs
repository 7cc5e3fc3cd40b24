//! What clients send.

use serde_json::json;

use crate::support::Gateway;
use crate::world::{MAIL, chat, received, says, secret, world};

/// Nothing that the gateway has written, anywhere, holds the value.
pub(crate) async fn assert_nowhere(gateway: &Gateway, value: &str) {
    // Written last of all: what was to be written is there.
    gateway.nth_receipt(1).await;
    let log = gateway.log();
    assert!(!log.contains(value), "in the log");
    let metrics = gateway.scrape().await;
    assert!(!metrics.contains(value), "in the metrics");
    let mut folders = vec![gateway.folder()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap_or_default();
            let found = memchr::memmem::find(&bytes, value.as_bytes());
            assert!(found.is_none(), "in {}", path.display());
        }
    }
}

#[tokio::test]
async fn a_request_with_a_secret_is_refused_and_nobody_sees_it() {
    let (upstream, gateway) = world("filters: [ { secrets: {} } ]\n", vec![says("hi")]).await;
    let text = format!("my token is {} please use it", secret());
    let answer = chat(&gateway, &text, false).await;
    let answer = answer.expect_refusal(400, "content_blocked");
    assert!(answer.text().contains("secret"), "{}", answer.text());
    assert!(!answer.text().contains(&secret()), "the answer repeats it");
    assert!(upstream.received().is_empty(), "the provider was asked");
    assert_nowhere(&gateway, &secret()).await;
}

#[tokio::test]
async fn a_callers_own_dialect_tells_the_block() {
    let (_upstream, gateway) = world("filters: [ { secrets: {} } ]\n", Vec::new()).await;
    let body = json!({
        "model": "p/m", "max_tokens": 9,
        "messages": [{ "role": "user", "content": [{ "type": "text", "text": secret() }] }],
    });
    let version = ["anthropic-version: 2023-06-01"];
    let answer = gateway
        .post("/v1/messages", &version, &body.to_string())
        .await;
    assert_eq!(answer.status, 400);
    let told = answer.json();
    assert_eq!(told["type"], "error", "{told}");
    assert_eq!(told["error"]["type"], "invalid_request_error", "{told}");
}

#[tokio::test]
async fn what_is_masked_never_reaches_the_provider() {
    let filters = "filters:\n  - secrets: { action: mask }\n  - pii: { action: mask }\n";
    let (upstream, gateway) = world(filters, vec![says("done")]).await;
    let text = format!("write to {MAIL} with {}", secret());
    let answer = chat(&gateway, &text, false).await;
    answer.expect(200);
    assert_eq!(received(&upstream), "write to [EMAIL] with [SECRET]");
    assert_nowhere(&gateway, &secret()).await;
    assert_nowhere(&gateway, MAIL).await;
}

#[tokio::test]
async fn a_dry_run_changes_nothing_and_counts() {
    let filters =
        "filters: [ { secrets: {} }, { pii: { action: mask } } ]\nguard: { dry_run: true }\n";
    let (upstream, gateway) = world(filters, vec![says("done")]).await;
    let text = format!("{MAIL} {}", secret());
    let answer = chat(&gateway, &text, false).await;
    answer.expect(200);
    assert_eq!(received(&upstream), text);
    // Counted once the client has its answer; the receipt comes after.
    gateway.nth_receipt(1).await;
    let counted = "alfred_guard_findings_total{direction=\"request\",rule=\"email\"}";
    assert_eq!(
        gateway.metrics(counted).await,
        1.0,
        "{}",
        gateway.scrape().await
    );
}

#[tokio::test]
async fn without_filters_nothing_is_looked_for() {
    let (upstream, gateway) = world("", vec![says("done")]).await;
    let answer = chat(&gateway, &secret(), false).await;
    answer.expect(200);
    assert_eq!(received(&upstream), secret());
}
