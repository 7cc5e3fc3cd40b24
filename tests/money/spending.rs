//! Requests that are answered whole: who may, what it costs, what is said about it.

use serde_json::json;

use crate::support::{Do, Scripted, chat, until};
use crate::world::calm;
use crate::{fund, funded, known, nanos, said, spent, start, wallet};

const MODEL: &str = "p/echo?tokens_in=100&tokens_out=20";
/// 100 x 1 + 20 x 10.
const COST: u64 = 300;

#[tokio::test]
async fn an_answer_tells_its_transaction_and_what_is_left() {
    let (_mock, gateway) = funded("", 1_000_000, &[]).await;
    let body = chat(MODEL, json!({ "max_tokens": 20 }));
    let answer = gateway.chat(&body).await.expect(200);
    assert_eq!(answer.header("x-alfred-cost"), nanos(COST));
    assert_eq!(answer.header("x-alfred-balance"), nanos(1_000_000 - COST));
    let id = answer.header("x-alfred-transaction-id").to_owned();
    spent(&gateway, COST).await;
    let listed = said(&gateway, &["transactions", "list", "--json"]);
    let rows: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let row = rows
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["id"] == json!(id));
    let row = row.unwrap_or_else(|| panic!("{id} in {rows:#}"));
    assert_eq!(row["amount"], json!(format!("-{}", nanos(COST))));
    assert_eq!(row["balance_after"], json!(nanos(1_000_000 - COST)));
    assert_eq!(
        (&row["prompt_tokens"], &row["completion_tokens"]),
        (&json!(100), &json!(20))
    );
    said(&gateway, &["ledger", "check"]);
}

#[tokio::test]
async fn without_enough_credit_the_answer_is_402_and_the_provider_is_not_asked() {
    let (mock, gateway) = funded("", 50, &["--mode", "strict"]).await;
    let body = chat(MODEL, json!({ "max_tokens": 200 }));
    let answer = gateway.chat(&body).await;
    answer.expect_refusal(402, "insufficient_credit");
    assert_eq!(mock.requests().await.len(), 0);
    assert_eq!(wallet(&gateway)["balance"], json!(nanos(50)));
    // A credit is seen without a restart.
    said(&gateway, &["wallets", "credit", "user:1", "1"]);
    until("credit", || async {
        gateway.chat(&body).await.status == 200
    })
    .await;
}

#[tokio::test]
async fn a_strict_wallet_shortens_the_answer_to_what_it_can_pay() {
    let scripted = Scripted::new(vec![Do::answer("Good evening.")]).await;
    let provider = scripted.provider("p", &calm(""));
    let (gateway, flags) = (start(&provider).await, ["--mode", "strict"]);
    fund(&gateway, 6_000, &flags).await;
    let body = chat("p/echo", json!({ "max_tokens": 100_000 }));
    gateway.chat(&body).await.expect(200);
    let received = scripted.received();
    let sent: serde_json::Value = serde_json::from_slice(&received[0].body).unwrap();
    let most = sent["max_tokens"].as_u64().unwrap();
    assert!((64..600).contains(&most), "{sent}");
}

#[tokio::test]
async fn a_frozen_wallet_is_told_apart_and_thaws() {
    let (_mock, gateway) = funded("", 1_000_000, &[]).await;
    let body = chat(MODEL, json!({}));
    said(&gateway, &["wallets", "freeze", "user:1"]);
    until("frozen", || async {
        gateway.chat(&body).await.status == 402
    })
    .await;
    gateway
        .chat(&body)
        .await
        .expect_refusal(402, "wallet_frozen");
    said(&gateway, &["wallets", "unfreeze", "user:1"]);
    until("thawed", || async {
        gateway.chat(&body).await.status == 200
    })
    .await;
}

#[tokio::test]
async fn a_hard_limit_ends_the_period_and_a_soft_one_is_told() {
    let flags = ["--hard-limit", "0.000004", "--soft-limit", "0.0000003"];
    let (_mock, gateway) = funded("", 1_000_000_000, &flags).await;
    let body = chat(MODEL, json!({ "max_tokens": 20 }));
    let first = gateway.chat(&body).await.expect(200);
    assert_eq!(first.count("x-alfred-soft-limit"), 0);
    spent(&gateway, COST).await;
    let second = gateway.chat(&body).await.expect(200);
    assert_eq!(second.header("x-alfred-soft-limit"), "reached");
    let mut last = second.status;
    for _ in 0..40 {
        last = gateway.chat(&body).await.status;
        if last == 402 {
            break;
        }
    }
    assert_eq!(last, 402);
    assert!(wallet(&gateway)["spent"].as_str().unwrap() <= "0.000004000");
}

#[tokio::test]
async fn where_a_wallet_is_wanted_nobody_calls_without_one() {
    let (_mock, gateway) = funded("ledger: { unmetered: refuse }\n", 1_000_000, &[]).await;
    let body = chat(MODEL, json!({}));
    gateway.chat(&body).await.expect(200);
    said(
        &gateway,
        &["organisations", "create", "Elsewhere", "--json"],
    );
    said(
        &gateway,
        &["users", "create", "e@example.com", "--organisation", "2"],
    );
    let made = said(
        &gateway,
        &[
            "keys",
            "create",
            "--name",
            "e",
            "--user",
            "e@example.com",
            "--json",
        ],
    );
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    known().await;
    let mut other = crate::support::H1::connect(gateway.addr)
        .await
        .with_key(made["key"].as_str().unwrap());
    other.chat(&body).await.expect_refusal(402, "no_wallet");
}

#[tokio::test]
async fn a_model_without_a_price_is_not_for_those_who_pay() {
    let mock = crate::support::Upstream::mock().await;
    let yaml = crate::world::config(&[mock.provider("unpriced", &crate::world::calm(""))], &[]);
    let gateway = crate::support::Gateway::start(&yaml).await;
    let body = chat("unpriced/echo", json!({}));
    gateway.chat(&body).await.expect(200);
    said(&gateway, &["wallets", "create", "user:1", "--credit", "1"]);
    known().await;
    gateway
        .chat(&body)
        .await
        .expect_refusal(400, "unknown_price");
}
