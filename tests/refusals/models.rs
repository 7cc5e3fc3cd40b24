//! Model names that lead nowhere: 404, and what was probably meant.

use serde_json::json;

use crate::judge::{refused, start};
use crate::support::chat;
use crate::world::Client;

#[tokio::test]
async fn an_unknown_model_is_404_and_the_nearest_alias_is_named() {
    let (_mock, gateway) = start("").await;
    for mut client in Client::both(&gateway).await {
        for (asked, meant) in [("fats", "fast"), ("Fast", "fast"), ("slwo", "slow")] {
            let answer = client.chat(&chat(asked, json!({}))).await;
            let error = refused(&answer, 404, "model_not_found");
            let message = error["message"].as_str().unwrap();
            assert!(
                message.contains(&format!("did you mean '{meant}'")),
                "{message}"
            );
            assert!(message.contains(asked), "{message}");
            assert_eq!(error["param"], "model");
        }
        assert!(client.is_alive().await);
    }
}

#[tokio::test]
async fn a_name_like_no_other_is_404_without_a_guess() {
    let (_mock, gateway) = start("").await;
    for asked in [
        "completely-different-thing",
        "nobody/gpt-5",
        "p/",
        "/echo",
        "p",
    ] {
        let answer = gateway.chat(&chat(asked, json!({}))).await;
        let error = refused(&answer, 404, "model_not_found");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("GET /v1/models"), "{asked}: {message}");
    }
}

#[tokio::test]
async fn a_hostile_name_is_refused_and_neither_logged_nor_echoed_at_length() {
    let (_mock, gateway) = start("").await;
    let long = "m".repeat(400);
    let answer = gateway.chat(&chat(&long, json!({}))).await;
    refused(&answer, 404, "model_not_found");
    assert!(answer.body.len() < 600, "{} bytes", answer.body.len());
    for name in [
        "x\r\nset-cookie: a=b",
        "x\u{0}",
        "x\u{1b}[31m",
        &"m".repeat(100_000),
    ] {
        let answer = gateway.chat(&chat(name, json!({}))).await;
        refused(&answer, 400, "invalid_value");
        assert_eq!(answer.header("set-cookie"), "");
    }
    assert!(gateway.h1().await.is_alive().await);
}

#[tokio::test]
async fn an_unknown_model_is_404_by_its_address_too() {
    let (_mock, gateway) = start("").await;
    let mut client = gateway.h1().await;
    let answer = client.get("/v1/models/fats").await;
    let error = refused(&answer, 404, "model_not_found");
    assert!(error["message"].as_str().unwrap().contains("'fast'"));
    let answer = client.get("/v1/models/fast").await.expect(200);
    assert_eq!(
        (&answer.json()["id"], &answer.json()["object"]),
        (&json!("fast"), &json!("model"))
    );
}
