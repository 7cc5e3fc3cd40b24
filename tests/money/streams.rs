//! Money while an answer streams: held slice by slice, ended with a typed event when it runs out,
//! settled for what was delivered when somebody leaves.

use serde_json::json;

use crate::support::{chat, ms, streaming, until};
use crate::{funded, nanos, said, spent, wallet};

#[tokio::test]
async fn a_stream_ends_with_a_typed_event_when_the_money_is_used_up() {
    // Enough for some 2,000 tokens; the stream would have 20,000.
    let more = "ledger: { slice: 256 }\n";
    let (mock, gateway) = funded(more, 20_000, &[]).await;
    let body = chat(
        "p/stream?chunks=20000&delay=1ms",
        json!({ "stream": true, "max_tokens": 20_000 }),
    );
    let answer = gateway.chat(&body).await.expect(200);
    let text = answer.text();
    assert!(
        text.contains("insufficient_credit"),
        "{}",
        &text[text.len() - 600..]
    );
    assert!(!text.contains("[DONE]"));
    // The provider was told to stop: the rest was never sent.
    until("the provider stopped", || async {
        mock.counter("in_flight").await == 0
    })
    .await;
    until("settled", || async {
        wallet(&gateway)["spent"] != json!(nanos(0))
    })
    .await;
    said(&gateway, &["ledger", "check"]);
}

#[tokio::test]
async fn a_stream_that_can_be_paid_is_whole_and_costs_what_the_provider_says() {
    let more = "ledger: { slice: 64 }\n";
    let (_mock, gateway) = funded(more, 1_000_000_000, &[]).await;
    let body = streaming("p/stream?chunks=3000");
    let answer = gateway.chat(&body).await.expect(200);
    let text = answer.text();
    assert!(
        text.contains("[DONE]"),
        "{}",
        &text[text.len().saturating_sub(900)..]
    );
    let closing = answer.text();
    assert!(closing.contains("transaction_id") && closing.contains("\"balance\""));
    let receipt = gateway.receipt_of(&answer).await;
    let cost = receipt["cost_nano"].as_u64().unwrap();
    spent(&gateway, cost).await;
    said(&gateway, &["ledger", "check"]);
}

#[tokio::test]
async fn a_client_that_leaves_pays_for_what_had_come() {
    let (_mock, gateway) = funded("", 1_000_000_000, &[]).await;
    let body = streaming("p/stream?chunks=500&delay=10ms");
    let mut client = gateway.h1().await;
    client.begin(&body).await;
    tokio::time::sleep(ms(400)).await;
    client.reset();
    until("a settlement", || async {
        wallet(&gateway)["spent"] != json!(nanos(0))
    })
    .await;
    let receipt = gateway.nth_receipt(1).await;
    assert_eq!(receipt["outcome"], "client_gone");
    let cost = receipt["cost_nano"].as_u64().unwrap();
    spent(&gateway, cost).await;
    assert_eq!(
        gateway
            .metrics("alfred_ledger_holds_unresolved_total")
            .await,
        0.0
    );
}

#[tokio::test]
async fn a_failed_attempt_is_not_the_customers_to_pay() {
    let (_mock, gateway) = funded("", 1_000_000, &[]).await;
    let body = chat("p/status?code=400", json!({}));
    gateway.chat(&body).await.expect(400);
    gateway.settled().await;
    let wallet = wallet(&gateway);
    assert_eq!(
        (&wallet["spent"], &wallet["balance"]),
        (&json!(nanos(0)), &json!(nanos(1_000_000)))
    );
}
