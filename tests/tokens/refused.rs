//! Wrong, expired, mistyped and unsigned tokens, as a client sends them.

use serde_json::{Value, json};

use crate::signing::{Signer, jwks, url};
use crate::support::{H1, chat};
use crate::{ask, claims, issuer, now, secret, start};

/// Good claims with one of them changed; `null` removes it.
fn with(name: &str, value: Value) -> Value {
    let mut said = claims("idp");
    match value {
        Value::Null => drop(said.as_object_mut().unwrap().remove(name)),
        value => said[name] = value,
    }
    said
}

#[tokio::test]
async fn tokens_that_are_not_what_they_must_be_are_refused_with_401() {
    let (mock, gateway) = start(&[issuer("idp", &secret(), "HS256")]).await;
    let signer = Signer::secret();
    let signed = |said: &Value| signer.token("HS256", said);
    let good = signed(&claims("idp"));
    let parts: Vec<&str> = good.split('.').collect();
    let none = url(br#"{"alg":"none"}"#);
    let twice = claims("idp")
        .to_string()
        .replacen('{', r#"{"sub":"root","#, 1);
    let long = with("pad", "x".repeat(7000).into());
    let tokens = [
        (
            "another secret",
            Signer::Secret(vec![b'x'; 64]).token("HS256", &claims("idp")),
        ),
        ("another algorithm", signer.token("HS512", &claims("idp"))),
        ("an expired one", signed(&with("exp", (now() - 60).into()))),
        (
            "exp as a text",
            signed(&with("exp", (now() + 600).to_string().into())),
        ),
        ("no exp", signed(&with("exp", Value::Null))),
        (
            "iat as a text",
            signed(&with("iat", now().to_string().into())),
        ),
        ("no iat", signed(&with("iat", Value::Null))),
        ("nbf to come", signed(&with("nbf", (now() + 120).into()))),
        ("nbf as a text", signed(&with("nbf", "0".into()))),
        ("made for another", signed(&with("aud", "another".into()))),
        ("made for nobody", signed(&with("aud", Value::Null))),
        (
            "of another issuer",
            signed(&with("iss", "https://other.test".into())),
        ),
        ("of nobody", signed(&with("sub", Value::Null))),
        ("alg none, unsigned", format!("{none}.{}.", parts[1])),
        (
            "alg none, signed",
            format!("{none}.{}.{}", parts[1], parts[2]),
        ),
        (
            "a crit header",
            signer.token_with(&json!({ "alg": "HS256", "crit": ["x"] }), &claims("idp")),
        ),
        (
            "a member twice",
            signer.token_of(r#"{"alg":"HS256"}"#, &twice),
        ),
        ("padding", format!("{good}=")),
        ("nine kilobytes", signed(&long)),
        ("two parts", format!("{}.{}", parts[0], parts[1])),
        ("four parts", format!("{good}.{}", parts[2])),
    ];
    for (what, token) in &tokens {
        let answer = ask(&gateway, token).await;
        assert_eq!(answer.status, 401, "{what}: {answer:?}");
        let answer = answer.expect_refusal(401, "invalid_api_key");
        for part in token.split('.').filter(|part| part.len() > 8) {
            assert!(!answer.text().contains(part), "{what}: {answer:?}");
        }
    }
    assert!(mock.requests().await.is_empty(), "nothing was forwarded");
    let log = gateway.log();
    assert!(tokens.iter().all(|(_, token)| !log.contains(&token[..40])));
    ask(&gateway, &good).await.expect(200);
}

#[tokio::test]
async fn a_public_key_signs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let rsa = Signer::rsa();
    let path = folder.path().join("jwks.json");
    let keys = jwks(&[rsa.jwk("a")]);
    std::fs::write(&path, &keys).unwrap();
    let keys_of = format!("jwks_file: {}", path.display());
    let (_mock, gateway) = start(&[issuer("idp", &keys_of, "RS256")]).await;
    for public in [rsa.pem(), &keys] {
        for header in [
            json!({ "alg": "HS256", "kid": "a" }),
            json!({ "alg": "RS256", "kid": "a" }),
        ] {
            let token = Signer::Secret(public.into()).token_with(&header, &claims("idp"));
            ask(&gateway, &token)
                .await
                .expect_refusal(401, "invalid_api_key");
        }
    }
    let forger = Signer::p256();
    let header = json!({ "alg": "ES256", "jwk": forger.jwk("a") });
    let token = forger.token_with(&header, &claims("idp"));
    ask(&gateway, &token)
        .await
        .expect_refusal(401, "invalid_api_key");
    ask(&gateway, &rsa.token("RS256", &claims("idp")))
        .await
        .expect(200);
}

#[tokio::test]
async fn a_token_beside_a_different_key_is_refused() {
    let (_mock, gateway) = start(&[issuer("idp", &secret(), "HS256")]).await;
    let token = Signer::secret().token("HS256", &claims("idp"));
    let mut client = H1::connect(gateway.addr).await.with_key(&gateway.key);
    let head = client.head("GET", "/v1/models", &[&format!("x-api-key: {token}")]);
    client.send(head).await;
    client.answer().await.expect_refusal(401, "invalid_api_key");
}

#[tokio::test]
async fn without_issuers_a_token_is_no_key() {
    let (_mock, gateway) = start(&["  []\n".to_owned()]).await;
    let token = Signer::secret().token("HS256", &claims("idp"));
    ask(&gateway, &token)
        .await
        .expect_refusal(401, "invalid_api_key");
    gateway.chat(&chat("fast", json!({}))).await.expect(200);
}
