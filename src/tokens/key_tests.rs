//! Why: every algorithm is shown to accept what it must, and every key to refuse what is not for it.

use serde_json::{Value, json};

use super::TokenRefusal;
use super::claims_tests::{NOW_MS, World, claims, verify};
use super::jwk;
use super::pem;
use super::signing::{Signer, jwks, weak_jwk, weak_pem};
use crate::conf::Algorithm;

fn signer_of(algorithm: Algorithm) -> Signer {
    match algorithm.name() {
        "ES256" => Signer::p256(),
        "ES384" => Signer::p384(),
        "EdDSA" => Signer::ed25519(),
        name if name.starts_with("HS") => Signer::secret(),
        _ => Signer::rsa(),
    }
}

fn world_of(signer: &Signer, algorithms: &str) -> World {
    match signer {
        Signer::Secret(_) => World::of_secret(algorithms),
        signer => World::of_file("public_key", signer.pem(), algorithms),
    }
}

#[test]
fn every_algorithm_accepts_its_own_signatures_and_no_others() {
    for algorithm in Algorithm::ALL {
        let (name, signer) = (algorithm.name(), signer_of(*algorithm));
        let world = world_of(&signer, name);
        let token = signer.token(name, &claims());
        assert!(verify(&world, &token).is_ok(), "{name}");
        let (head, signature) = token.rsplit_once('.').unwrap();
        for at in [0, signature.len() / 2, signature.len() - 3] {
            let mut bytes = signature.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let forged = format!("{head}.{}", String::from_utf8(bytes).unwrap());
            assert_eq!(
                verify(&world, &forged).unwrap_err(),
                TokenRefusal::Signature,
                "{name}"
            );
        }
        for other in Algorithm::ALL.iter().filter(|other| *other != algorithm) {
            let token = signer_of(*other).token(other.name(), &claims());
            let refused = verify(&world, &token).unwrap_err();
            assert_eq!(refused, TokenRefusal::Algorithm, "{name}: {}", other.name());
        }
    }
}

#[test]
fn another_key_of_the_same_kind_opens_nothing() {
    for (name, own, other) in [
        ("ES256", Signer::p256(), Signer::p256()),
        ("ES384", Signer::p384(), Signer::p384()),
        ("EdDSA", Signer::ed25519(), Signer::ed25519()),
        ("HS256", Signer::secret(), Signer::Secret(vec![b'x'; 64])),
    ] {
        let world = world_of(&own, name);
        let refused = verify(&world, &other.token(name, &claims())).unwrap_err();
        assert_eq!(refused, TokenRefusal::Signature, "{name}");
    }
}

#[test]
fn a_public_key_is_never_a_secret_and_a_secret_never_a_public_key() {
    let rsa = Signer::rsa();
    let world = World::of_file("public_key", rsa.pem(), "RS256, ES256");
    for secret in [rsa.pem(), rsa.pem().trim_end(), &jwks(&[rsa.jwk("a")])] {
        let forger = Signer::Secret(secret.as_bytes().to_vec());
        for name in ["HS256", "HS384", "HS512"] {
            let refused = verify(&world, &forger.token(name, &claims())).unwrap_err();
            assert_eq!(refused, TokenRefusal::Algorithm);
        }
        // The same signature under a name that is accepted.
        let token = forger.token("RS256", &claims());
        assert_eq!(verify(&world, &token).unwrap_err(), TokenRefusal::Signature);
        let token = forger.token("ES256", &claims());
        assert_eq!(verify(&world, &token).unwrap_err(), TokenRefusal::Signature);
    }
    let token = rsa.token("RS256", &claims());
    let refused = verify(&World::of_secret("HS256"), &token).unwrap_err();
    assert_eq!(refused, TokenRefusal::Algorithm);
}

#[test]
fn a_signature_of_ecdsa_has_one_form_only() {
    let signer = Signer::p256();
    let world = world_of(&signer, "ES256");
    let token = signer.token("ES256", &claims());
    let (signed, _) = token.rsplit_once('.').unwrap();
    for zeros in [0, 1, 63, 64, 65, 96] {
        let forged = format!("{signed}.{}", super::signing::url(&vec![0; zeros]));
        assert_eq!(
            verify(&world, &forged).unwrap_err(),
            TokenRefusal::Signature
        );
    }
}

#[test]
fn a_jwks_gives_the_keys_that_say_they_check_signatures() {
    let (rsa, ec, ed) = (Signer::rsa(), Signer::p256(), Signer::ed25519());
    let with = |mut jwk: Value, name: &str, value: Value| {
        jwk[name] = value;
        jwk
    };
    let good = [
        rsa.jwk("1"),
        ec.jwk("2"),
        ed.jwk("3"),
        Signer::p384().jwk("4"),
        with(rsa.jwk("5"), "alg", "PS256".into()),
        with(rsa.jwk("6"), "key_ops", json!(["verify"])),
        with(rsa.jwk("7"), "x5c", json!(["ignored"])),
    ];
    assert_eq!(jwk::keys(jwks(&good).as_bytes()).unwrap().len(), good.len());
    let bad = [
        with(rsa.jwk("a"), "use", "enc".into()),
        with(rsa.jwk("b"), "use", json!(["sig"])),
        with(rsa.jwk("c"), "key_ops", json!(["sign"])),
        with(rsa.jwk("d"), "alg", "ES256".into()),
        with(rsa.jwk("e"), "alg", "RSA-OAEP".into()),
        with(rsa.jwk("f"), "alg", "HS256".into()),
        with(rsa.jwk("g"), "alg", "none".into()),
        with(rsa.jwk("h"), "d", "AQAB".into()),
        with(rsa.jwk("i"), "kid", 5.into()),
        with(rsa.jwk("j"), "e", "AQ".into()),
        with(
            rsa.jwk("k"),
            "n",
            format!("{}=", rsa.jwk("k")["n"].as_str().unwrap()).into(),
        ),
        with(rsa.jwk("l"), "kty", "EC".into()),
        with(rsa.jwk("m"), "crv", "P-256".into()),
        with(ec.jwk("n"), "crv", "P-384".into()),
        with(ec.jwk("o"), "crv", "secp256k1".into()),
        with(ec.jwk("p"), "alg", "ES384".into()),
        with(ec.jwk("q"), "y", "AA".into()),
        with(ed.jwk("r"), "crv", "X25519".into()),
        with(ed.jwk("s"), "x", "AA".into()),
        weak_jwk("t"),
        json!({ "kty": "oct", "k": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY", "alg": "HS256" }),
        json!({}),
        json!("key"),
    ];
    for one in bad {
        let keys = jwk::keys(jwks(std::slice::from_ref(&one)).as_bytes()).unwrap();
        assert!(keys.is_empty(), "{one}");
    }
    for form in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#] {
        assert!(jwk::keys(form.as_bytes()).is_err(), "{form}");
    }
    let many = vec![json!({}); 101];
    assert!(jwk::keys(jwks(&many).as_bytes()).is_err());
    assert!(jwk::keys(" ".repeat(300_000).as_bytes()).is_err());
}

#[test]
fn a_key_of_a_jwks_is_for_its_own_algorithm_and_found_by_its_id() {
    let (rsa, ed, ec) = (Signer::rsa(), Signer::ed25519(), Signer::p256());
    let mut only = rsa.jwk("one");
    only["alg"] = "RS512".into();
    let keys = jwks(&[only, ed.jwk("two"), ec.jwk("three")]);
    let world = World::of_file("jwks_file", &keys, "RS256, RS512, EdDSA");
    let token = |signer: &Signer, algorithm: &str, kid: &str| {
        signer.token_with(&json!({ "alg": algorithm, "kid": kid }), &claims())
    };
    let says = |token: &str| verify(&world, token).err();
    assert_eq!(says(&token(&rsa, "RS512", "one")), None);
    assert_eq!(says(&token(&ed, "EdDSA", "two")), None);
    assert_eq!(says(&rsa.token("RS512", &claims())), None, "without an id");
    assert_eq!(
        says(&token(&rsa, "RS256", "one")),
        Some(TokenRefusal::Signature)
    );
    assert_eq!(
        says(&token(&rsa, "RS512", "two")),
        Some(TokenRefusal::Signature)
    );
    assert_eq!(
        says(&token(&rsa, "RS512", "four")),
        Some(TokenRefusal::UnknownKey)
    );
    let in_the_set_but_not_accepted = token(&ec, "ES256", "three");
    assert_eq!(
        says(&in_the_set_but_not_accepted),
        Some(TokenRefusal::Algorithm)
    );
}

#[test]
fn a_single_key_is_meant_whatever_id_a_token_names() {
    let signer = Signer::p256();
    let world = world_of(&signer, "ES256");
    let token = signer.token_with(&json!({ "alg": "ES256", "kid": "any" }), &claims());
    assert!(
        world
            .issuers
            .verify(&token, super::Plane::Data, NOW_MS)
            .is_ok()
    );
}

#[test]
fn a_pem_file_holds_one_public_key() {
    for signer in [
        Signer::rsa(),
        Signer::p256(),
        Signer::p384(),
        Signer::ed25519(),
    ] {
        assert!(pem::public_key(signer.pem().as_bytes()).is_ok());
    }
    let two = Signer::p256().pem().repeat(2);
    let label = |label: &str| format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
    for (file, why) in [
        ("", "no public key"),
        ("nonsense", "no public key"),
        (&two, "several"),
        (&weak_pem(), "2048 bits"),
        (&label("PRIVATE KEY"), "private key"),
        (&label("EC PRIVATE KEY"), "private key"),
        (&label("CERTIFICATE"), "certificate"),
        (&label("PUBLIC KEY"), "none of"),
    ] {
        let refused = pem::public_key(file.as_bytes()).err().unwrap();
        assert!(refused.contains(why), "{refused}");
    }
}

#[test]
fn no_damaged_pem_file_panics() {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::STANDARD;
    for signer in [Signer::rsa(), Signer::p256(), Signer::ed25519()] {
        let body: String = signer
            .pem()
            .lines()
            .filter(|line| !line.starts_with('-'))
            .collect();
        let der = engine.decode(body).unwrap();
        for at in 0..der.len() {
            let mut spoilt = der.clone();
            spoilt[at] ^= 0xff;
            let cut = &der[..at];
            for der in [spoilt.as_slice(), cut] {
                let text = engine.encode(der);
                let pem = format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n");
                let _ = pem::public_key(pem.as_bytes());
            }
        }
    }
}

#[test]
fn a_key_file_that_cannot_be_used_is_refused_at_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let keys = jwks(&[Signer::p256().jwk("a")]);
    let ec = Signer::p256();
    for (field, content, why) in [
        ("public_key", None, "cannot be read"),
        ("jwks_file", None, "cannot be read"),
        ("public_key", Some("x"), "no public key"),
        ("public_key", Some(ec.pem()), "holds no key for RS256"),
        ("jwks_file", Some("{}"), "holds no JWKS"),
        ("jwks_file", Some(keys.as_str()), "holds no key for RS256"),
    ] {
        let _ = std::fs::remove_file(&path);
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        let keys = format!("\n    {field}: {}", path.display());
        let text = format!(
            "jwt:\n  - name: a\n    issuer: a\n    audience: a\n    algorithms: [RS256]{keys}\n"
        );
        let config = crate::conf::parse("a.yaml", &text, &crate::conf::Environment::default());
        let sources = super::KeySources::default();
        let means = super::Means {
            sources: &sources,
            outbound: None,
            way: 0,
        };
        let problems = super::Issuers::build(&config.unwrap(), means).unwrap_err();
        let [problem] = problems.as_slice() else {
            panic!("{problems:?}");
        };
        assert_eq!(
            (problem.line, problem.path.as_str()),
            (6, format!("jwt.0.{field}").as_str())
        );
        assert!(problem.message.contains(why), "{problem}");
    }
}
