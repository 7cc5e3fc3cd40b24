//! Why: forgeries of every kind that has worked somewhere. None may pass, none may panic, and no refusal repeats any of
//! the token.

use proptest::prelude::*;
use serde_json::json;

use super::claims_tests::{NOW, NOW_MS, World, claims, verify};
use super::signing::{Signer, jwks, url};
use super::{MAX_TOKEN, Plane, TokenRefusal, looks_like_token};

fn refusal(world: &World, token: &str) -> TokenRefusal {
    verify(world, token).expect_err(token)
}

#[test]
fn a_token_that_names_no_algorithm_opens_nothing() {
    let worlds = [
        World::of_secret("HS256"),
        World::of_file("public_key", Signer::rsa().pem(), "RS256"),
    ];
    let signed = Signer::secret().token("HS256", &claims());
    let signature = signed.rsplit('.').next().unwrap();
    for world in &worlds {
        for none in [
            "none", "None", "NONE", "nOnE", "", " HS256", "hs256", "HS256 ", "RSA", "ES512", "HS1",
        ] {
            let header = url(json!({ "alg": none }).to_string().as_bytes());
            let payload = url(claims().to_string().as_bytes());
            for signature in ["", signature] {
                let token = format!("{header}.{payload}.{signature}");
                assert!(looks_like_token(&token));
                assert_eq!(refusal(world, &token), TokenRefusal::Algorithm, "{none}");
            }
        }
        for header in [
            json!({}),
            json!({ "alg": null }),
            json!({ "alg": ["HS256"] }),
            json!({ "alg": 0 }),
        ] {
            let token = Signer::secret().token_with(&header, &claims());
            assert!(
                matches!(refusal(world, &token), TokenRefusal::Malformed(_)),
                "{header}"
            );
        }
    }
}

#[test]
fn keys_that_a_token_brings_along_are_not_looked_at() {
    let (own, forger) = (Signer::rsa(), Signer::p256());
    let ed = Signer::ed25519();
    let keys = jwks(&[own.jwk("a"), ed.jwk("b")]);
    let world = World::of_file("jwks_file", &keys, "RS256, ES256, EdDSA");
    for header in [
        json!({ "alg": "ES256", "jwk": forger.jwk("a") }),
        json!({ "alg": "ES256", "jwk": forger.jwk("a"), "kid": "a" }),
        json!({ "alg": "ES256", "jku": "https://forger.test/jwks.json" }),
        json!({ "alg": "ES256", "x5u": "https://forger.test/cert.pem" }),
        json!({ "alg": "ES256", "x5c": ["AAAA"] }),
    ] {
        let token = forger.token_with(&header, &claims());
        assert_eq!(refusal(&world, &token), TokenRefusal::Signature, "{header}");
    }
    // They do no harm to a token that is good without them.
    let header =
        json!({ "alg": "EdDSA", "kid": "b", "jku": "https://forger.test", "jwk": forger.jwk("b") });
    assert!(verify(&world, &ed.token_with(&header, &claims())).is_ok());
    for kid in ["", "c", "../../etc/passwd", "a' OR 1=1 --", "a\0"] {
        let header = json!({ "alg": "EdDSA", "kid": kid });
        let token = ed.token_with(&header, &claims());
        assert_eq!(refusal(&world, &token), TokenRefusal::UnknownKey, "{kid}");
    }
}

#[test]
fn a_header_that_asks_for_more_than_is_understood_is_refused() {
    let world = World::of_secret("HS256");
    for header in [
        json!({ "alg": "HS256", "crit": ["exp"] }),
        json!({ "alg": "HS256", "crit": [] }),
        json!({ "alg": "HS256", "crit": null }),
        json!({ "alg": "HS256", "crit": ["b64"], "b64": false }),
        json!({ "alg": "HS256", "kid": 5 }),
        json!({ "alg": "HS256", "kid": null }),
        json!({ "alg": "HS256", "typ": "dpop+jwt" }),
        json!({ "alg": "HS256", "typ": "logout+jwt" }),
        json!({ "alg": "HS256", "typ": "JWE" }),
        json!({ "alg": "HS256", "typ": 5 }),
        json!({ "alg": "HS256", "typ": "application/" }),
    ] {
        let token = Signer::secret().token_with(&header, &claims());
        assert!(
            matches!(refusal(&world, &token), TokenRefusal::Malformed(_)),
            "{header}"
        );
    }
    for kind in [
        "JWT",
        "jwt",
        "at+jwt",
        "application/at+jwt",
        "Application/JWT",
    ] {
        let header = json!({ "alg": "HS256", "typ": kind });
        let token = Signer::secret().token_with(&header, &claims());
        assert!(verify(&world, &token).is_ok(), "{kind}");
    }
}

#[test]
fn members_that_stand_twice_are_refused() {
    let world = World::of_secret("HS256");
    let good = claims().to_string();
    let signer = Signer::secret();
    for header in [
        r#"{"alg":"HS256","alg":"HS256"}"#,
        r#"{"alg":"none","alg":"HS256"}"#,
        r#"{"alg":"HS256","kid":"a","kid":"b"}"#,
        r#"{"alg":"HS256","x":{"a":1,"a":2}}"#,
    ] {
        let token = signer.token_of(header, &good);
        assert!(
            matches!(refusal(&world, &token), TokenRefusal::Malformed(_)),
            "{header}"
        );
    }
    let end = NOW + 9000;
    for more in [
        format!(r#"{{"exp":{end},"#),
        r#"{"sub":"root","#.to_owned(),
        r#"{"s\u0075b":"root","#.to_owned(),
        r#"{"a":{"b":1,"b":1},"#.to_owned(),
    ] {
        let twice = good.replacen('{', &more, 1);
        let token = signer.token_of(r#"{"alg":"HS256"}"#, &twice);
        assert!(
            matches!(refusal(&world, &token), TokenRefusal::Malformed(_)),
            "{twice}"
        );
    }
}

#[test]
fn only_one_way_of_writing_a_token_is_read() {
    let world = World::of_secret("HS256");
    let token = Signer::secret().token("HS256", &claims());
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else {
        panic!("three parts");
    };
    // The last letter of 32 bytes in base64 has two bits that say nothing.
    let last = signature.chars().last().unwrap();
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let at = letters.find(last).unwrap();
    let twin = format!(
        "{}{}",
        &signature[..signature.len() - 1],
        &letters[at + 1..at + 2]
    );
    for bad in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        header.to_owned(),
        format!("{header}.{payload}"),
        format!("{token}.{signature}"),
        format!("{token}."),
        format!(".{token}"),
        format!("{token} "),
        format!(" {token}"),
        format!("{token}\n"),
        format!("{token}="),
        format!("{header}=.{payload}.{signature}"),
        format!("{header}.{payload}=.{signature}"),
        format!("{header}.{payload}.{twin}"),
        format!("{header}..{signature}"),
        format!(".{payload}.{signature}"),
        token.replace('.', "%2e"),
        format!("{}+/.{payload}.{signature}", &header[..header.len() - 2]),
        format!("{}.{payload}.{signature}", url(b"[]")),
        format!("{}.{payload}.{signature}", url(b"{\"alg\":\"HS256\"} x")),
        format!("{header}.{}.{signature}", url(b"null")),
        format!("{header}.{}.{signature}", url(b"\xff\xfe")),
    ] {
        assert!(
            matches!(refusal(&world, &bad), TokenRefusal::Malformed(_)),
            "{bad}"
        );
    }
    assert!(verify(&world, &token).is_ok());
}

#[test]
fn a_long_token_is_not_looked_at() {
    let world = World::of_secret("HS256");
    let mut claims = claims();
    let of = |claims: &serde_json::Value| Signer::secret().token("HS256", claims);
    let spare = (MAX_TOKEN - of(&claims).len()) * 3 / 4 - 12;
    claims["pad"] = "x".repeat(spare).into();
    let longest = of(&claims);
    assert!(
        (MAX_TOKEN - 8..=MAX_TOKEN).contains(&longest.len()),
        "{}",
        longest.len()
    );
    assert!(verify(&world, &longest).is_ok());
    claims["pad"] = "x".repeat(9 * 1024 * 3 / 4).into();
    assert_eq!(refusal(&world, &of(&claims)), TokenRefusal::TooLong);
}

#[test]
fn what_has_not_the_form_of_a_token_is_not_taken_for_one() {
    let token = Signer::secret().token("HS256", &claims());
    assert!(looks_like_token(&token));
    assert!(looks_like_token(&format!("{token}==")));
    for other in [
        "",
        "a.b.c",
        "eyJ",
        "eyJ.a",
        "eyJ..b",
        "eyJ.a.b.c",
        "eyJ.a b.c",
        "eyJ.é.c",
        "ak_live_x",
    ] {
        assert!(!looks_like_token(other), "{other}");
    }
}

#[test]
fn a_refusal_repeats_nothing_of_the_token() {
    let world = World::of_secret("HS256");
    let mut claims = claims();
    claims["sub"] = "hunter2".into();
    claims["exp"] = "hunter2".into();
    let refused = refusal(&world, &Signer::secret().token("HS256", &claims));
    assert!(!format!("{refused} {refused:?}").contains("hunter2"));
    let shown = format!("{:?}", world.issuers);
    assert!(!shown.contains("0123456789abcdef"), "{shown}");
}

proptest! {
    #[test]
    fn no_text_panics(text in r#"(eyJ)?[A-Za-z0-9_=.\-]{0,60}\.[A-Za-z0-9_\-]{0,60}\.[A-Za-z0-9_\-]{0,60}|.{0,200}"#) {
        let world = World::of_secret("HS256, HS512");
        prop_assert!(world.issuers.verify(&text, Plane::Data, NOW_MS).is_err());
        let _ = looks_like_token(&text);
    }

    #[test]
    fn no_json_in_a_token_panics(header in r#"\{("(alg|kid|typ|crit)":("HS256"|"JWT"|[0-9]{1,3}|null|\[\]),?){0,4}\}"#,
        claims in r#"\{("(iss|aud|sub|exp|iat|nbf|roles)":("https://id.test"|"alfred"|-?[0-9]{1,12}(\.[0-9]{1,3})?|1e[0-9]{1,3}|null|\["x"\]),?){0,9}\}"#,
        now in any::<i64>()) {
        let world = World::of_secret("HS256");
        let token = Signer::secret().token_of(&header, &claims);
        let _ = world.issuers.verify(&token, Plane::Data, now);
    }

    #[test]
    fn one_changed_letter_is_always_noticed(at in 0_usize..1000, with in "[A-Za-z0-9_.=-]") {
        let world = World::of_secret("HS256");
        let mut token = Signer::secret().token("HS256", &claims());
        let at = at % token.len();
        prop_assume!(token.get(at..=at) != Some(&with));
        token.replace_range(at..=at, &with);
        prop_assert!(verify(&world, &token).is_err());
    }
}
