//! One token is taken back by its own name, while others of its user go on.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::signing::Signer;
use crate::support::services::Postgres;
use crate::support::{Answer, Gateway, H1, until};
use crate::{ask, claims, issuer, secret, start_on};

/// A revocation holds everywhere after this time.
const SOON: Duration = Duration::from_secs(2);
const UNTIL: &str = "2099-01-01T00:00:00Z";

fn token(jti: Option<&str>) -> String {
    let mut said = claims("idp");
    if let Some(jti) = jti {
        said["jti"] = jti.into();
    }
    Signer::secret().token("HS256", &said)
}

/// Asks until the token is refused as revoked; answers how long that took.
async fn until_revoked(gateway: &Gateway, token: &str) -> Duration {
    let begun = Instant::now();
    loop {
        let answer = ask(gateway, token).await;
        if answer.status == 401 {
            assert!(answer.text().contains("has been revoked"), "{answer:?}");
            return begun.elapsed();
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "{answer:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn said(gateway: &Gateway, arguments: &[&str]) -> Value {
    let made = gateway.run(&[arguments, &["--json"]].concat());
    assert!(made.status.success(), "{arguments:?}: {made:?}");
    serde_json::from_slice(&made.stdout).unwrap()
}

#[tokio::test]
async fn a_denied_token_is_refused_though_it_was_checked_before_and_others_are_not() {
    let (_mock, gateway) = start_on("", &[issuer("idp", &secret(), "HS256")]).await;
    let (stolen, other, nameless) = (token(Some("t-1")), token(Some("t-2")), token(None));
    for token in [&stolen, &other, &nameless] {
        ask(&gateway, token).await.expect(200);
    }
    let deny = [
        "tokens", "deny", "--issuer", "idp", "--jti", "t-1", "--until", UNTIL,
    ];
    let row = said(
        &gateway,
        &[&deny[..], &["--note", "laptop stolen"]].concat(),
    );
    assert_eq!(
        (&row["jti"], &row["note"]),
        (&json!("t-1"), &json!("laptop stolen"))
    );
    assert!(until_revoked(&gateway, &stolen).await < SOON);
    for token in [&other, &nameless] {
        ask(&gateway, token).await.expect(200);
    }
    // Once more denies the same, and listing shows it once.
    assert_eq!(said(&gateway, &deny)["id"], row["id"]);
    let listed = said(&gateway, &["tokens", "denied"]);
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
    let log = said(
        &gateway,
        &["audit", "list", "--event", "issued_token.denied"],
    );
    assert_eq!(log[0]["actor"], "cli");
    assert!(
        log[0]["details"].as_str().unwrap().contains("t-1"),
        "{log:#}"
    );
    said(&gateway, &["tokens", "allow", "1"]);
    until("it is taken again", || async {
        ask(&gateway, &stolen).await.status == 200
    })
    .await;
    assert_eq!(said(&gateway, &["tokens", "denied"]), json!([]));
    assert_eq!(said(&gateway, &["audit", "verify"])["flaw"], json!(null));
}

#[tokio::test]
async fn a_denial_that_would_deny_nothing_is_refused_in_words() {
    let (_mock, gateway) = start_on("", &[issuer("idp", &secret(), "HS256")]).await;
    for (issuer, jti, until, why) in [
        ("okta", "t", UNTIL, "there are: idp"),
        ("idp", "", UNTIL, "1 to 1,000 characters"),
        ("idp", "t", "2020-01-01", "end is past"),
        ("idp", "t", "soon", "expected a time"),
    ] {
        let deny = [
            "tokens", "deny", "--issuer", issuer, "--jti", jti, "--until", until,
        ];
        let made = gateway.run(&deny);
        let error = String::from_utf8_lossy(&made.stderr);
        assert_eq!(made.status.code(), Some(2), "{made:?}");
        assert!(error.contains(why), "{why} is not in {error}");
    }
    let made = gateway.run(&["tokens", "allow", "7"]);
    assert_eq!(made.status.code(), Some(2), "{made:?}");
}

#[tokio::test]
async fn what_one_process_denies_all_refuse_at_both_ports_and_after_a_restart() {
    let url = Postgres::shared().create_database("denied");
    let store = format!(
        "store: {{ postgres: {{ url: \"{url}\", pool: 4 }} }}\npepper: {}\n",
        "5a".repeat(32)
    );
    let entries = [issuer("idp", &secret(), "HS256")];
    let (_mock, one) = start_on(&store, &entries).await;
    let (_mock, two) = start_on(&store, &entries).await;
    let owner = |jti: &str| {
        let mut said = claims("idp");
        said["email"] = "owner@default.invalid".into();
        said["jti"] = jti.into();
        Signer::secret().token("HS256", &said)
    };
    let (own, stolen) = (owner("own"), owner("stolen"));
    for gateway in [&one, &two] {
        ask(gateway, &stolen).await.expect(200);
        assert_eq!(admin(gateway, &stolen, "GET /v1/me", "").await, 200);
    }
    let body = format!(r#"{{"issuer":"idp","jti":"stolen","expires_at":"{UNTIL}"}}"#);
    assert_eq!(
        admin(&one, &own, "POST /v1/denied-tokens", &body).await,
        201
    );
    for gateway in [&one, &two] {
        assert!(until_revoked(gateway, &stolen).await < SOON);
        assert_eq!(admin(gateway, &stolen, "GET /v1/me", "").await, 401);
        ask(gateway, &own).await.expect(200);
        assert_eq!(admin(gateway, &own, "GET /v1/me", "").await, 200);
    }
    // A process that starts later knows it before its first request.
    let (_mock, three) = start_on(&store, &entries).await;
    ask(&three, &stolen)
        .await
        .expect_refusal(401, "invalid_api_key");
    let wrong = r#"{"issuer":"okta","jti":"x","expires_at":"2099-01-01T00:00:00Z"}"#;
    assert_eq!(
        admin(&one, &own, "POST /v1/denied-tokens", wrong).await,
        422
    );
}

/// Asks the admin port; answers the status.
async fn admin(gateway: &Gateway, token: &str, line: &str, body: &str) -> u16 {
    let bearer = format!("authorization: Bearer {token}");
    ask_admin(gateway, line, &bearer, body).await.status
}

/// Asks the admin port with one header line more.
pub(crate) async fn ask_admin(gateway: &Gateway, line: &str, more: &str, body: &str) -> Answer {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut client = H1::connect(gateway.admin).await;
    let head = format!(
        "{line} HTTP/1.1\r\nhost: {}\r\n{more}\r\nidempotency-key: {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        gateway.admin,
        NEXT.fetch_add(1, Ordering::Relaxed),
        body.len()
    );
    client.send(head).await;
    client.answer().await
}
