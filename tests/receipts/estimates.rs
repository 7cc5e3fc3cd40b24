//! Where a provider cannot say what was used, Alfred counts, and says that it did.

use serde_json::{Value, json};

use crate::support::{Gateway, Upstream, chat, ms, streaming};
use crate::world::{calm, config};

const PRICES: &str = "prices: { \"p/*\": { in: 1000, out: 3000 } }\n";

/// A gateway before a mock that writes its usage log.
async fn start() -> (tempfile::TempDir, Upstream, Gateway) {
    let folder = tempfile::tempdir().unwrap();
    let mock = Upstream::mock_with_log(Some(folder.path().join("usage.jsonl"))).await;
    let yaml = PRICES.to_owned() + &config(&[mock.provider("p", &calm(""))], &[]);
    (folder, mock, Gateway::start(&yaml).await)
}

/// The usage line of the mock for the first attempt of this receipt.
fn billed(folder: &tempfile::TempDir, receipt: &Value) -> Value {
    let text = std::fs::read_to_string(folder.path().join("usage.jsonl")).unwrap();
    let attempt = format!("{}.1", receipt["request_id"].as_str().unwrap());
    let mut lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let found = lines.find(|line| line["attempt"] == attempt.as_str());
    found.unwrap_or_else(|| panic!("{attempt} is not in\n{text}"))
}

fn count(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("{value} is no count"))
}

#[track_caller]
fn expect_priced(receipt: &Value) {
    let usage = &receipt["usage"];
    // 1000 and 3000 pico-USD are 1 and 3 nano-credits.
    let cost = count(&usage["input"]) + 3 * count(&usage["output"]);
    assert_eq!(receipt["cost_nano"], cost, "{receipt:#}");
}

#[tokio::test]
async fn a_whole_answer_is_billed_as_the_provider_counted_it() {
    let (folder, mock, gateway) = start().await;
    let bodies = [
        chat("p/echo", json!({})),
        streaming("p/stream?chunks=30"),
        chat("p/tools", json!({"stream": true})),
        chat("p/reasoning", json!({"n": 2})),
        chat("p/usage_in_finish", json!({"stream": true})),
    ];
    for (number, body) in bodies.iter().enumerate() {
        let answer = gateway.chat(body).await.expect(200);
        let receipt = gateway.receipt_of(&answer).await;
        mock.ended(number + 1).await;
        let line = billed(&folder, &receipt);
        assert_eq!(
            receipt["usage"]["input"], line["prompt_tokens"],
            "{receipt:#} {line}"
        );
        assert_eq!(
            receipt["usage"]["output"], line["completion_tokens"],
            "{receipt:#} {line}"
        );
        assert_eq!(receipt["usage"]["estimated"], false, "{receipt:#}");
        expect_priced(&receipt);
    }
    assert_eq!(gateway.metrics("alfred_estimated_usage_total").await, 0.0);
}

#[tokio::test]
async fn a_client_that_leaves_is_billed_what_was_generated_marked_as_estimated() {
    let (folder, mock, gateway) = start().await;
    for (number, http2) in [false, true].into_iter().enumerate() {
        let body = streaming("p/stream?chunks=5000&delay=10ms&size=8");
        if http2 {
            let mut client = gateway.h2().await;
            let mut response = client.begin(&body, true).await.head().await.unwrap();
            let mut seen = 0;
            while seen < 4000 {
                let data = response.body_mut().data().await.unwrap().unwrap();
                seen += data.len();
                let _ = response
                    .body_mut()
                    .flow_control()
                    .release_capacity(data.len());
            }
            drop(response);
            tokio::time::sleep(ms(50)).await;
        } else {
            let mut client = gateway.h1().await;
            client.begin(&body).await;
            client.read_until("w19").await;
        }
        mock.ended(number + 1).await;
        let receipt = gateway.nth_receipt(number + 1).await;
        assert_eq!(receipt["outcome"], "client_gone", "{receipt:#}");
        assert_eq!(receipt["usage"]["estimated"], true, "{receipt:#}");
        expect_priced(&receipt);
        // The heuristic may differ from the provider's count, but not by much.
        let line = billed(&folder, &receipt);
        let (own, theirs) = (
            count(&receipt["usage"]["output"]),
            count(&line["completion_tokens"]),
        );
        assert!(theirs >= 10, "{line}");
        assert!(
            (theirs / 3..=theirs * 4).contains(&own),
            "{own} and {theirs}: {receipt:#}"
        );
    }
    assert_eq!(gateway.metrics("alfred_estimated_usage_total{").await, 2.0);
    assert_eq!(
        gateway.metrics("alfred_client_disconnects_total").await,
        2.0
    );
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_billed_what_came() {
    let (_folder, _mock, gateway) = start().await;
    let answer = gateway.chat(&streaming("p/cut?after=12&chunks=20")).await;
    let receipt = gateway.receipt_of(&answer).await;
    assert_eq!(receipt["outcome"], "truncated", "{receipt:#}");
    assert_eq!(receipt["usage"]["estimated"], true, "{receipt:#}");
    assert!(
        (10..50).contains(&count(&receipt["usage"]["output"])),
        "{receipt:#}"
    );
    expect_priced(&receipt);
    let events = answer.events();
    let last = events.data.last().unwrap();
    assert_eq!(
        last["usage"]["completion_tokens"], receipt["usage"]["output"],
        "{last}"
    );
}

#[tokio::test]
async fn a_provider_that_reports_no_usage_is_metered() {
    let (_folder, _mock, gateway) = start().await;
    for body in [
        streaming("p/no_usage?chunks=20"),
        chat("p/no_usage?chunks=20", json!({})),
    ] {
        let answer = gateway.chat(&body).await.expect(200);
        let receipt = gateway.receipt_of(&answer).await;
        assert_eq!(receipt["outcome"], "ok");
        assert_eq!(receipt["usage"]["estimated"], true, "{receipt:#}");
        assert!(
            (20..=60).contains(&count(&receipt["usage"]["output"])),
            "{receipt:#}"
        );
        assert!(count(&receipt["usage"]["input"]) >= 3, "{receipt:#}");
        expect_priced(&receipt);
    }
}

#[tokio::test]
async fn a_client_that_leaves_before_content_is_billed_nothing() {
    let (_folder, mock, gateway) = start().await;
    let mut client = gateway.h1().await;
    client.begin(&streaming("p/hang")).await;
    crate::support::until("the request to arrive", || async {
        mock.counter("total").await == 1
    })
    .await;
    drop(client);
    let receipt = gateway.nth_receipt(1).await;
    assert_eq!(receipt["outcome"], "client_gone", "{receipt:#}");
    assert!(
        receipt["usage"].is_null() && receipt["cost_nano"].is_null(),
        "{receipt:#}"
    );
}
