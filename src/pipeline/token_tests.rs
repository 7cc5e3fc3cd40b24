//! Why: a good token opens the gateway only for a user who is known here and welcome.

use std::sync::Arc;

use http::{HeaderMap, Method};
use serde_json::{Value, json};

use super::authenticate::authenticate;
use super::head::Head;
use crate::conf::{Environment, parse};
use crate::gateway::Gateway;
use crate::living::Living;
use crate::refusal::Refusal;
use crate::secrets::{Keyring, KnownUser, KnownUsers, Pepper, Principal};
use crate::telemetry::AccessLog;
use crate::tokens::signing::Signer;

const NOW: i64 = 1_800_000_000;

fn gateway(more: &str) -> Arc<Gateway> {
    let Signer::Secret(secret) = Signer::secret() else {
        panic!("it is one");
    };
    let yaml = format!(
        "jwt: [ {{ name: idp, issuer: \"https://id.test\", audience: alfred, algorithms: [HS256], secret: {}, subject_prefix: \"idp:\"{more} }} ]\n",
        String::from_utf8(secret).unwrap()
    );
    let config = parse("a.yaml", &yaml, &Environment::default()).unwrap();
    let pepper = Pepper::from_text(&"0".repeat(64)).unwrap();
    let living = Living::new(Keyring::new(pepper), AccessLog::silent());
    Gateway::build(config, &living, "http://127.0.0.1:1/v1").unwrap()
}

fn ann() -> KnownUser {
    KnownUser {
        user_id: 5,
        team_id: Some(6),
        org_id: 7,
        is_active: true,
        tokens_valid_after_ms: 0,
    }
}

/// Knows Ann and nobody else.
fn knows(gateway: &Gateway, user: KnownUser) {
    let mut users = KnownUsers::default();
    users.add(user, Some("idp:u-1"), Some("ann@example.com"));
    gateway.living.keyring.set_users(users);
}

fn claims(subject: &str) -> Value {
    json!({ "iss": "https://id.test", "aud": "alfred", "sub": subject, "iat": NOW - 10, "exp": NOW + 300 })
}

fn ask(gateway: &Gateway, claims: &Value) -> Result<Arc<Principal>, Refusal> {
    show(gateway, &Signer::secret().token("HS256", claims))
}

fn show(gateway: &Gateway, token: &str) -> Result<Arc<Principal>, Refusal> {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    let head = Head {
        method: &Method::POST,
        path: "/",
        headers: &headers,
        peer: None,
    };
    authenticate(&head, gateway, NOW * 1000)
}

#[test]
fn the_user_is_found_by_subject_or_by_email() {
    let gateway = gateway("");
    knows(&gateway, ann());
    let principal = ask(&gateway, &claims("u-1")).unwrap();
    assert_eq!((&*principal.id, &*principal.name), ("jwt:idp:u-1", "u-1"));
    let ids = |principal: &Principal| (principal.user_id, principal.team_id, principal.org_id);
    assert_eq!(ids(&principal), (Some(5), Some(6), Some(7)));
    assert_eq!(principal.key_id, None);
    assert_eq!(principal.expires_at, Some((NOW + 300) * 1000));
    let mut by_email = claims("u-2");
    by_email["email"] = "ANN@example.com".into();
    let principal = ask(&gateway, &by_email).unwrap();
    assert_eq!(ids(&principal), (Some(5), Some(6), Some(7)));
    assert_eq!(&*principal.name, "ann@example.com");
    by_email["email_verified"] = false.into();
    assert!(ask(&gateway, &by_email).is_err());
    assert!(ask(&gateway, &claims("ann@example.com")).is_err());
}

#[test]
fn a_user_who_is_not_known_is_refused_unless_the_issuer_says_otherwise() {
    let refused = ask(&gateway(""), &claims("u-1")).unwrap_err();
    assert!(refused.to_string().contains("not known here"), "{refused}");
    assert_eq!(refused.wire().status, 401);
    let open = gateway(", unknown_users: allow");
    let principal = ask(&open, &claims("u-1")).unwrap();
    assert_eq!(&*principal.id, "jwt:idp:u-1");
    assert_eq!(
        (principal.user_id, principal.team_id, principal.org_id),
        (None, None, None)
    );
}

#[test]
fn a_token_from_before_the_users_moment_and_a_user_who_left_are_refused() {
    for (user, word) in [
        (
            KnownUser {
                tokens_valid_after_ms: (NOW - 10) * 1000 + 1,
                ..ann()
            },
            "revoked",
        ),
        (
            KnownUser {
                is_active: false,
                ..ann()
            },
            "not active",
        ),
    ] {
        for more in ["", ", unknown_users: allow"] {
            let gateway = gateway(more);
            knows(&gateway, ann());
            // Also when it was good a moment ago.
            assert!(ask(&gateway, &claims("u-1")).is_ok());
            knows(&gateway, user.clone());
            let refused = ask(&gateway, &claims("u-1")).unwrap_err();
            assert!(refused.to_string().contains(word), "{refused}");
            assert_eq!(refused.wire().status, 401);
        }
    }
}

#[test]
fn every_refusal_is_a_401_that_repeats_nothing_of_the_token() {
    let gateway = gateway(", plane: admin");
    let token = Signer::secret().token("HS256", &claims("hunter2"));
    let forged = format!("{}x", &token[..token.len() - 1]);
    for token in [
        token.as_str(),
        &forged,
        &token.replace('.', "=."),
        "eyJh.eyJh.",
        "eyJh.eyJh",
    ] {
        let refused = show(&gateway, token).unwrap_err();
        let wire = refused.wire();
        assert_eq!((wire.status, wire.code), (401, "invalid_api_key"));
        assert!(!refused.to_string().contains("eyJ"), "{refused}");
    }
}
