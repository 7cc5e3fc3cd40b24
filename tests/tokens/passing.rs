//! A good token is as good as a key.

use serde_json::json;

use crate::signing::{Signer, jwks};
use crate::support::{H1, H2, chat, until};
use crate::{ask, claims, issuer, secret, start, strict_issuer};

#[tokio::test]
async fn a_token_opens_the_gateway_and_is_told_in_the_receipt() {
    let (_mock, gateway) = start(&[issuer("idp", &secret(), "HS256")]).await;
    let mut said = claims("idp");
    said["email"] = "ann@example.com".into();
    let token = Signer::secret().token("HS256", &said);
    let answer = ask(&gateway, &token).await.expect(200);
    let receipt = gateway.receipt_of(&answer).await;
    assert_eq!(receipt["caller"]["key"], "jwt:idp:u-1", "{receipt:#}");
    assert_eq!(receipt["caller"]["key_name"], "ann@example.com");
    let mut client = H2::connect(gateway.addr).await.with_key(&token);
    client.chat(&chat("fast", json!({}))).await.expect(200);
    for header in ["x-api-key", "api-key", "x-goog-api-key"] {
        let mut client = H1::connect(gateway.addr).await;
        let head = client.head("GET", "/v1/models", &[&format!("{header}: {token}")]);
        client.send(head).await;
        client.answer().await.expect(200);
    }
    gateway.chat(&chat("fast", json!({}))).await.expect(200);
    assert!(
        !gateway.log().contains(&token[..40]),
        "tokens are not logged"
    );
}

#[tokio::test]
async fn every_kind_of_key_is_taken_by_its_own_issuer_only() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let (rsa, ec, ed) = (Signer::rsa(), Signer::p384(), Signer::ed25519());
    let keys = jwks(&[ec.jwk("ec"), ed.jwk("ed")]);
    let (_mock, gateway) = start(&[
        issuer(
            "one",
            &format!("public_key: {}", file("rsa", rsa.pem())),
            "RS256, PS512",
        ),
        issuer(
            "two",
            &format!("jwks_file: {}", file("jwks", &keys)),
            "ES384, EdDSA",
        ),
        issuer("three", &secret(), "HS512"),
    ])
    .await;
    let signers = [
        ("one", "RS256", &rsa),
        ("one", "PS512", &rsa),
        ("two", "ES384", &ec),
        ("two", "EdDSA", &ed),
        ("three", "HS512", &Signer::secret()),
    ];
    for (name, algorithm, signer) in signers {
        for issuer in ["one", "two", "three"] {
            let answer = ask(&gateway, &signer.token(algorithm, &claims(issuer))).await;
            match issuer == name {
                true => answer.expect(200),
                false => answer.expect_refusal(401, "invalid_api_key"),
            };
        }
    }
}

#[tokio::test]
async fn limits_count_each_user_and_not_each_token() {
    let more = format!(
        "{}\nlimits: [ {{ per: key, requests: 2 }} ]\n",
        issuer("idp", &secret(), "HS256")
    );
    let (_mock, gateway) = start(&[more]).await;
    let token = |user: &str, number: u64| {
        let mut said = claims("idp");
        said["sub"] = user.into();
        said["jti"] = number.to_string().into();
        Signer::secret().token("HS256", &said)
    };
    for number in 0..2 {
        ask(&gateway, &token("u-1", number)).await.expect(200);
    }
    ask(&gateway, &token("u-1", 3))
        .await
        .expect_refusal(429, "rate_limit_exceeded");
    ask(&gateway, &token("u-2", 1)).await.expect(200);
}

#[tokio::test]
async fn a_user_who_is_not_stored_is_refused_unless_the_issuer_says_otherwise() {
    let (_mock, gateway) = start(&[strict_issuer("idp", &secret(), "HS256")]).await;
    let token = Signer::secret().token("HS256", &claims("idp"));
    let answer = ask(&gateway, &token)
        .await
        .expect_refusal(401, "invalid_api_key");
    assert!(answer.text().contains("not known here"), "{answer:?}");
}

#[tokio::test]
async fn an_issuer_of_the_admin_port_opens_no_model() {
    let keys = format!("{}, plane: admin", secret());
    let (_mock, gateway) = start(&[issuer("idp", &keys, "HS256")]).await;
    let token = Signer::secret().token("HS256", &claims("idp"));
    ask(&gateway, &token)
        .await
        .expect_refusal(401, "invalid_api_key");
}

#[tokio::test]
async fn a_new_key_in_the_file_takes_the_place_of_the_old_one_while_alfred_runs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    let (old, new) = (Signer::p256(), Signer::p256());
    std::fs::write(&path, old.pem()).unwrap();
    let keys = format!("public_key: {}", path.display());
    let (_mock, gateway) = start(&[issuer("idp", &keys, "ES256")]).await;
    let (before, after) = (
        old.token("ES256", &claims("idp")),
        new.token("ES256", &claims("idp")),
    );
    ask(&gateway, &before).await.expect(200);
    ask(&gateway, &after)
        .await
        .expect_refusal(401, "invalid_api_key");
    std::fs::write(&path, new.pem()).unwrap();
    until("the new key", || async {
        ask(&gateway, &after).await.status == 200
    })
    .await;
    ask(&gateway, &before)
        .await
        .expect_refusal(401, "invalid_api_key");
    // A file that is no key is refused, and the old world serves on.
    std::fs::write(&path, "nonsense").unwrap();
    until("the refusal in the log", || async {
        gateway.log().contains("no public key")
    })
    .await;
    ask(&gateway, &after).await.expect(200);
}
