//! Keys at an address: fetched beside the requests, followed when they change.

use serde_json::json;

use crate::signing::{Signer, jwks};
use crate::support::{Do, Gateway, Scripted, until};
use crate::{ask, claims, issuer, start};

/// The script of an answer with this document.
fn serves(document: &str) -> Vec<Do> {
    let answer = [Do::json_head(document.len()), document.into()].concat();
    vec![Do::Read, Do::Send(answer), Do::Close]
}

fn fails() -> Vec<Do> {
    let answer = b"HTTP/1.1 503 x\r\ncontent-length: 0\r\n\r\n";
    vec![Do::Read, Do::Send(answer.to_vec()), Do::Close]
}

fn url(idp: &Scripted, refresh: &str) -> String {
    format!("jwks_url: \"http://{}/keys\", refresh: {refresh}", idp.addr)
}

async fn passes(gateway: &Gateway, token: &str) -> bool {
    ask(gateway, token).await.status == 200
}

#[tokio::test]
async fn until_the_keys_are_there_a_client_is_told_to_come_again() {
    let signer = Signer::p256();
    let good = serves(&jwks(&[signer.jwk("a")]));
    let idp = Scripted::new(vec![fails(), vec![Do::Wait(2000), Do::Close], good]).await;
    let (_mock, gateway) = start(&[issuer("idp", &url(&idp, "1h"), "ES256")]).await;
    let token = signer.token("ES256", &claims("idp"));
    let answer = ask(&gateway, &token).await;
    let answer = answer.expect_refusal(503, "token_keys_unavailable");
    assert_eq!(answer.header("retry-after"), "1");
    until("the keys", || passes(&gateway, &token)).await;
    assert!(gateway.log().contains("cannot be fetched"));
}

#[tokio::test]
async fn a_new_key_is_fetched_when_a_token_names_it_and_a_withdrawn_one_is_forgotten() {
    let (old, new) = (Signer::p256(), Signer::p256());
    let token = |signer: &Signer, kid: &str| {
        signer.token_with(&json!({ "alg": "ES256", "kid": kid }), &claims("idp"))
    };
    let first = serves(&jwks(&[old.jwk("old")]));
    let then = serves(&jwks(&[new.jwk("new")]));
    let idp = Scripted::new(vec![first, then]).await;
    let (_mock, gateway) = start(&[issuer("idp", &url(&idp, "2s"), "ES256")]).await;
    let (before, after) = (token(&old, "old"), token(&new, "new"));
    until("the first keys", || passes(&gateway, &before)).await;
    until("the new key", || passes(&gateway, &after)).await;
    ask(&gateway, &before)
        .await
        .expect_refusal(401, "invalid_api_key");
}

#[tokio::test]
async fn a_flood_of_unknown_key_ids_is_one_question() {
    let signer = Signer::p256();
    let idp = Scripted::new(vec![serves(&jwks(&[signer.jwk("a")]))]).await;
    let (_mock, gateway) = start(&[issuer("idp", &url(&idp, "1h"), "ES256")]).await;
    let good = signer.token("ES256", &claims("idp"));
    until("the keys", || passes(&gateway, &good)).await;
    for number in 0..100 {
        let header = json!({ "alg": "ES256", "kid": number.to_string() });
        let token = signer.token_with(&header, &claims("idp"));
        ask(&gateway, &token)
            .await
            .expect_refusal(401, "invalid_api_key");
    }
    assert_eq!(idp.received().len(), 1, "ten seconds have not passed");
    assert!(idp.received()[0].head.starts_with("GET /keys HTTP/1.1"));
}

#[tokio::test]
async fn keys_that_were_fetched_outlive_a_reload_while_the_issuer_is_away() {
    let signer = Signer::p256();
    let idp = Scripted::new(vec![serves(&jwks(&[signer.jwk("a")])), fails()]).await;
    let (_mock, gateway) = start(&[issuer("idp", &url(&idp, "1h"), "ES256")]).await;
    let token = signer.token("ES256", &claims("idp"));
    until("the keys", || passes(&gateway, &token)).await;
    let file = gateway.folder().join("alfred.yaml");
    let yaml = std::fs::read_to_string(&file).unwrap();
    std::fs::write(
        &file,
        yaml.replace("refresh: 1h", "refresh: 30m, leeway: 5s"),
    )
    .unwrap();
    until("the reload", || async {
        gateway.metrics("alfred_config_reloads_total{").await > 0.0
    })
    .await;
    for _ in 0..5 {
        ask(&gateway, &token).await.expect(200);
    }
    until("the fetch in vain", || async { idp.received().len() > 1 }).await;
    ask(&gateway, &token).await.expect(200);
}
