//! People log in at the admin port with the ID token of a configured issuer (OpenID Connect).

use serde_json::{Value, json};

use crate::denied::ask_admin;
use crate::signing::Signer;
use crate::support::{Answer, Gateway};
use crate::{claims, now, secret, start_on, strict_issuer};

/// An ID token for the owner of the default organisation, with these claims changed.
fn id_token(issuer: &str, changes: &Value) -> String {
    let mut said = claims(issuer);
    said["email"] = "owner@default.invalid".into();
    for (name, value) in changes.as_object().unwrap() {
        said[name] = value.clone();
    }
    Signer::secret().token("HS256", &said)
}

async fn log_in(gateway: &Gateway, body: &Value) -> Answer {
    ask_admin(
        gateway,
        "POST /v1/session",
        "x-nobody: 1",
        &body.to_string(),
    )
    .await
}

#[tokio::test]
async fn an_id_token_begins_a_session_of_its_user() {
    let (_mock, gateway) = start_on("", &[strict_issuer("idp", &secret(), "HS256")]).await;
    let token = id_token("idp", &json!({ "nonce": "n-1" }));
    let body = json!({ "id_token": token, "nonce": "n-1" });
    let answer = log_in(&gateway, &body).await.expect(201);
    let cookie = answer.header("set-cookie").to_owned();
    for part in ["alfred_session=", "HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(answer.json()["csrf_token"].is_string());
    let cookie = format!("cookie: {}", cookie.split(';').next().unwrap());
    let me = ask_admin(&gateway, "GET /v1/me", &cookie, "")
        .await
        .expect(200);
    assert_eq!(me.json()["email"], "owner@default.invalid");
    let log = gateway.run(&["audit", "list", "--event", "user.logged_in", "--json"]);
    let log: Value = serde_json::from_slice(&log.stdout).unwrap();
    assert_eq!(log.as_array().map(Vec::len), Some(1), "{log:#}");
    assert!(!gateway.log().contains(&token), "tokens are not logged");
}

#[tokio::test]
async fn whoever_the_token_does_not_let_in_learns_nothing_of_why() {
    let data = format!("{}, plane: data", secret());
    let entries = [
        strict_issuer("idp", &secret(), "HS256"),
        strict_issuer("models", &data, "HS256"),
    ];
    let (_mock, gateway) = start_on("", &entries).await;
    let denied = [
        "tokens",
        "deny",
        "--issuer",
        "idp",
        "--jti",
        "gone",
        "--until",
        "2099-01-01",
    ];
    assert!(gateway.run(&denied).status.success());
    let with = |issuer: &str, changes: Value| id_token(issuer, &changes);
    let good = with("idp", json!({}));
    let refused = [
        json!({ "id_token": with("idp", json!({ "exp": now() - 120, "iat": now() - 600 })) }),
        json!({ "id_token": with("idp", json!({ "aud": "another" })) }),
        json!({ "id_token": with("idp", json!({ "email": "nobody@example.com" })) }),
        json!({ "id_token": with("idp", json!({ "email_verified": false })) }),
        json!({ "id_token": with("idp", json!({ "nonce": "n-1" })) }),
        json!({ "id_token": with("idp", json!({ "nonce": "n-1" })), "nonce": "n-2" }),
        json!({ "id_token": good, "nonce": "n-1" }),
        json!({ "id_token": with("models", json!({})) }),
        json!({ "id_token": format!("{good}x") }),
        json!({ "id_token": "at_x" }),
    ];
    let mut told = Vec::new();
    for body in &refused {
        let answer = log_in(&gateway, body).await.expect(401);
        assert_eq!(answer.count("set-cookie"), 0);
        told.push(answer.json());
    }
    assert!(told.iter().all(|one| *one == told[0]), "{told:#?}");
    crate::support::until("the denial is known", || async {
        let gone = json!({ "id_token": with("idp", json!({ "jti": "gone" })) });
        log_in(&gateway, &gone).await.status == 401
    })
    .await;
    for body in [
        json!({}),
        json!({ "email": "owner@default.invalid" }),
        json!({ "id_token": good, "password": "x", "email": "a@b.example" }),
        json!({ "nonce": "n-1" }),
        json!({ "id_token": 7 }),
    ] {
        let answer = log_in(&gateway, &body).await.expect(422);
        assert_eq!(answer.json()["code"], "invalid", "{body}");
    }
    log_in(&gateway, &json!({ "id_token": good }))
        .await
        .expect(201);
}
