//! What clients send.

use serde_json::{Value, json};

use crate::support::{Do, Gateway, Scripted};

/// A key of GitHub's form that is none.
fn secret() -> String {
    ["gh", "p_", "16C7e42F292c6912E7710c838347Ae178B4a"].concat()
}

async fn world(filters: &str, scripts: Vec<Vec<Do>>) -> (Scripted, Gateway) {
    let upstream = Scripted::new(scripts).await;
    let yaml = format!("providers:\n{}{filters}", upstream.provider("p", ""));
    let gateway = Gateway::start(&yaml).await;
    (upstream, gateway)
}

fn chat(text: &str) -> String {
    json!({ "model": "p/m", "messages": [{ "role": "user", "content": text }] }).to_string()
}

/// The body that the provider got.
fn received(upstream: &Scripted, nth: usize) -> Value {
    let received = upstream.received();
    serde_json::from_slice(&received[nth].body).expect("the provider got JSON")
}

/// Nothing that the gateway has written, anywhere, holds the value.
async fn assert_nowhere(gateway: &Gateway, value: &str) {
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
    let (upstream, gateway) = world("filters: [ { secrets: {} } ]\n", vec![Do::answer("hi")]).await;
    let text = format!("my token is {} please use it", secret());
    let answer = gateway.post("/v1/chat/completions", &[], &chat(&text)).await;
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
    let answer = gateway.post("/v1/messages", &version, &body.to_string()).await;
    assert_eq!(answer.status, 400);
    let told = answer.json();
    assert_eq!(told["type"], "error", "{told}");
    assert_eq!(told["error"]["type"], "invalid_request_error", "{told}");
}

#[tokio::test]
async fn what_is_masked_never_reaches_the_provider() {
    let filters = "filters:\n  - secrets: { action: mask }\n  - pii: { action: mask }\n";
    let (upstream, gateway) = world(filters, vec![Do::answer("done")]).await;
    let text = format!("write to ann.lee@example.org with {}", secret());
    let answer = gateway.post("/v1/chat/completions", &[], &chat(&text)).await;
    answer.expect(200);
    let body = received(&upstream, 0);
    let told = body["messages"][0]["content"].as_str().unwrap();
    assert_eq!(told, "write to [EMAIL] with [SECRET]");
    assert_nowhere(&gateway, &secret()).await;
    assert_nowhere(&gateway, "ann.lee@example.org").await;
}

#[tokio::test]
async fn a_dry_run_changes_nothing_and_counts() {
    let filters = "filters: [ { secrets: {} }, { pii: { action: mask } } ]\nguard: { dry_run: true }\n";
    let (upstream, gateway) = world(filters, vec![Do::answer("done")]).await;
    let text = format!("ann.lee@example.org {}", secret());
    let answer = gateway.post("/v1/chat/completions", &[], &chat(&text)).await;
    answer.expect(200);
    assert_eq!(received(&upstream, 0)["messages"][0]["content"], text);
    let counted = "alfred_guard_findings_total{action=\"mask\",direction=\"request\",rule=\"email\"}";
    assert_eq!(gateway.metrics(counted).await, 1.0, "{}", gateway.scrape().await);
}

#[tokio::test]
async fn without_filters_nothing_is_looked_for() {
    let (upstream, gateway) = world("", vec![Do::answer("done")]).await;
    let answer = gateway.post("/v1/chat/completions", &[], &chat(&secret())).await;
    answer.expect(200);
    assert_eq!(received(&upstream, 0)["messages"][0]["content"], secret());
}
