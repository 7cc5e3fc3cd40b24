//! Why: a good token is told apart from one that is too old, too new, for somebody else, or says something unclear.

use std::sync::Arc;

use serde_json::{Value, json};

use super::signing::Signer;
use super::{Claims, Issuers, KeySources, Means, Plane, TokenRefusal};
use crate::conf::{Environment, parse};

pub(super) const NOW: i64 = 1_800_000_000;
pub(super) const NOW_MS: i64 = NOW * 1000;

/// Issuers, and the folder with their keys.
pub(super) struct World {
    pub(super) issuers: Issuers,
    _folder: tempfile::TempDir,
}

impl World {
    /// An issuer whose keys are in a file; `more` holds further settings, after the algorithms and a `]`.
    pub(super) fn of_file(field: &str, content: &str, algorithms: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, content).unwrap();
        let keys = format!("{field}: {}", path.display());
        Self::new(&[entry("idp", &keys, algorithms, "")], folder)
    }

    /// An issuer with the secret of [`Signer::secret`].
    pub(super) fn of_secret(algorithms: &str) -> Self {
        Self::with(&[secret_entry(algorithms, "")])
    }

    /// These entries.
    pub(super) fn with(entries: &[String]) -> Self {
        Self::new(entries, tempfile::tempdir().unwrap())
    }

    fn new(entries: &[String], folder: tempfile::TempDir) -> Self {
        let text = format!("jwt:\n{}", entries.concat());
        let config = parse("a.yaml", &text, &Environment::default());
        let config = config.unwrap_or_else(|problems| panic!("{problems}\n{text}"));
        let sources = KeySources::default();
        let means = Means {
            sources: &sources,
            outbound: None,
            way: 0,
        };
        let issuers = Issuers::build(&config, means).unwrap_or_else(|all| panic!("{all:?}"));
        Self {
            issuers,
            _folder: folder,
        }
    }
}

pub(super) fn entry(name: &str, keys: &str, algorithms: &str, more: &str) -> String {
    format!(
        "  - {{ name: {name}, issuer: \"https://id.test\", audience: [alfred, other], algorithms: [{algorithms}], {keys}{more} }}\n"
    )
}

fn secret_entry(algorithms: &str, more: &str) -> String {
    let Signer::Secret(secret) = Signer::secret() else {
        panic!("it is one");
    };
    let keys = format!("secret: {}", String::from_utf8(secret).unwrap());
    entry("idp", &keys, algorithms, more)
}

/// The claims of a good token.
pub(super) fn claims() -> Value {
    json!({
        "iss": "https://id.test", "aud": "alfred", "sub": "u-1",
        "iat": NOW - 10, "exp": NOW + 300,
    })
}

pub(super) fn verify(world: &World, token: &str) -> Result<Arc<Claims>, TokenRefusal> {
    world.issuers.verify(token, Plane::Data, NOW_MS)
}

/// What is said of good claims with these members in place of theirs; `null` removes one.
fn with(changes: &Value) -> Result<Arc<Claims>, TokenRefusal> {
    with_in(&World::of_secret("HS256"), changes)
}

fn with_in(world: &World, changes: &Value) -> Result<Arc<Claims>, TokenRefusal> {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    verify(world, &Signer::secret().token("HS256", &claims))
}

#[test]
fn a_good_token_says_who_its_bearer_is() {
    let said = with(&json!({
        "email": "Ann@Example.com", "team": 7, "roles": ["admin", "dev"], "jti": "t-1", "epoch": 3, "nbf": NOW - 1,
    }));
    let said = said.unwrap();
    assert_eq!(&*said.id, "jwt:idp:u-1");
    assert_eq!((&*said.issuer, said.subject.as_str()), ("idp", "u-1"));
    assert_eq!(
        (said.user.as_str(), &*said.name),
        ("u-1", "ann@example.com")
    );
    assert_eq!(said.email.as_deref(), Some("ann@example.com"));
    assert_eq!(said.team.as_deref(), Some("7"));
    assert_eq!(said.roles, ["admin", "dev"]);
    assert_eq!((said.jti.as_deref(), said.epoch), (Some("t-1"), Some(3)));
    assert_eq!(said.issued_at_ms, (NOW - 10) * 1000);
    assert_eq!(said.expires_at_ms, (NOW + 300) * 1000);
    assert_eq!(said.not_before_ms, Some((NOW - 1) * 1000));
    let bare = with(&json!({})).unwrap();
    assert_eq!(
        (&*bare.name, &bare.email, &bare.team),
        ("u-1", &None, &None)
    );
    assert!(bare.roles.is_empty() && !bare.may_be_unknown);
}

#[test]
fn a_token_has_its_time_and_clocks_may_differ_by_the_leeway_alone() {
    for (changes, expected) in [
        (json!({ "exp": NOW - 29 }), None),
        (json!({ "exp": NOW - 30 }), Some(TokenRefusal::Expired)),
        (json!({ "exp": 0 }), Some(TokenRefusal::Expired)),
        (json!({ "nbf": NOW + 30 }), None),
        (json!({ "nbf": NOW + 31 }), Some(TokenRefusal::NotYetValid)),
        (json!({ "iat": NOW + 30 }), None),
        (json!({ "iat": NOW + 31 }), Some(TokenRefusal::NotYetValid)),
        (json!({ "exp": 253_402_300_799_i64 }), None),
    ] {
        assert_eq!(with(&changes).err(), expected, "{changes}");
    }
    let strict = World::with(&[secret_entry("HS256", ", leeway: 0s")]);
    let at_its_end = with_in(&strict, &json!({ "exp": NOW }));
    assert_eq!(at_its_end.err(), Some(TokenRefusal::Expired));
    assert!(with_in(&strict, &json!({ "exp": NOW + 1, "nbf": NOW })).is_ok());
}

#[test]
fn a_date_is_a_number_and_may_have_a_fraction() {
    let said = with(&json!({ "exp": 1_800_000_000.75, "iat": 1.8e9 })).unwrap();
    assert_eq!(said.expires_at_ms, NOW_MS + 750);
    assert_eq!(said.issued_at_ms, NOW_MS);
    for name in ["exp", "iat", "nbf"] {
        for bad in [
            json!("1800000300"),
            json!("123"),
            json!(true),
            json!([NOW + 300]),
            json!({ "$date": NOW + 300 }),
            json!(-1),
            json!(-0.5),
            json!(1e300),
            json!(u64::MAX),
            json!(i64::MAX),
            json!(253_402_300_800_i64),
        ] {
            let refused = with(&json!({ name: bad }));
            assert_eq!(
                refused.err(),
                Some(TokenRefusal::Claim(name)),
                "{name}: {bad}"
            );
        }
        // Not removed, but written as null.
        let text = claims()
            .to_string()
            .replacen('{', &format!("{{\"{name}\":null,"), 1);
        let text = match name {
            "nbf" => text,
            name => {
                let own = format!(",\"{name}\":{}", claims()[name]);
                text.replacen(&own, "", 1)
            }
        };
        let token = Signer::secret().token_of(r#"{"alg":"HS256"}"#, &text);
        let refused = verify(&World::of_secret("HS256"), &token).err();
        assert_eq!(refused, Some(TokenRefusal::Claim(name)), "{text}");
    }
}

#[test]
fn a_token_without_what_it_must_say_is_refused() {
    for name in ["exp", "iat", "iss", "aud", "sub"] {
        let refused = with(&json!({ name: null })).err();
        assert_eq!(refused, Some(TokenRefusal::Claim(name)));
    }
    for (name, bad) in [
        ("iss", json!(["https://id.test"])),
        ("iss", json!(5)),
        ("aud", json!(5)),
        ("aud", json!({ "alfred": true })),
        ("aud", json!(["alfred", 5])),
        ("sub", json!(5)),
        ("sub", json!("")),
        ("sub", json!("a\nb")),
        ("sub", json!("x".repeat(501))),
        ("jti", json!(5)),
        ("epoch", json!("3")),
        ("epoch", json!(1.5)),
        ("email", json!(["ann@example.com"])),
        ("team", json!(1.5)),
        ("roles", json!({ "admin": true })),
        ("roles", json!(["admin", 5])),
    ] {
        let refused = with(&json!({ name: bad })).err();
        assert_eq!(refused, Some(TokenRefusal::Claim(name)), "{name}: {bad}");
    }
}

#[test]
fn a_token_for_somebody_else_or_of_somebody_else_is_refused() {
    for (changes, expected) in [
        (json!({ "aud": ["x", "other"] }), None),
        (json!({ "aud": "x" }), Some(TokenRefusal::WrongAudience)),
        (json!({ "aud": [] }), Some(TokenRefusal::WrongAudience)),
        (
            json!({ "aud": "Alfred" }),
            Some(TokenRefusal::WrongAudience),
        ),
        (
            json!({ "aud": "alfred " }),
            Some(TokenRefusal::WrongAudience),
        ),
        (
            json!({ "iss": "https://id.test/" }),
            Some(TokenRefusal::UnknownIssuer),
        ),
        (
            json!({ "iss": "https://ID.test" }),
            Some(TokenRefusal::UnknownIssuer),
        ),
        (json!({ "iss": "" }), Some(TokenRefusal::UnknownIssuer)),
    ] {
        assert_eq!(with(&changes).err(), expected, "{changes}");
    }
}

#[test]
fn an_issuer_opens_the_doors_that_are_written() {
    let token = Signer::secret().token("HS256", &claims());
    for (plane, data, admin) in [
        ("both", None, None),
        ("data", None, Some(TokenRefusal::WrongPlane)),
        ("admin", Some(TokenRefusal::WrongPlane), None),
    ] {
        let world = World::with(&[secret_entry("HS256", &format!(", plane: {plane}"))]);
        // Twice: also what is remembered from one door is not for the other.
        for _ in 0..2 {
            let at = |plane| world.issuers.verify(&token, plane, NOW_MS).err();
            assert_eq!(
                (at(Plane::Data), at(Plane::Admin)),
                (data, admin),
                "{plane}"
            );
        }
    }
}

#[test]
fn claims_are_found_by_name_and_by_path() {
    let world = World::with(&[secret_entry(
        "HS256",
        ", subject_prefix: \"idp:\", unknown_users: allow, claims: { user: act.id, email: mail, team: org.team.name, roles: \"https://x.test/roles\" }",
    )]);
    let said = with_in(
        &world,
        &json!({
            "act": { "id": "007" }, "mail": "a@b.c", "org": { "team": { "name": "red" } },
            "https://x.test/roles": "dev  admin", "email": ["not looked at"],
        }),
    );
    let said = said.unwrap();
    assert_eq!(
        (said.user.as_str(), said.subject.as_str()),
        ("idp:007", "u-1")
    );
    assert_eq!(
        (said.email.as_deref(), said.team.as_deref()),
        (Some("a@b.c"), Some("red"))
    );
    assert_eq!(said.roles, ["dev", "admin"]);
    assert!(said.may_be_unknown);
    for bad in [
        json!({}),
        json!({ "act": { "id": null } }),
        json!({ "act": "id" }),
    ] {
        assert_eq!(
            with_in(&world, &bad).err(),
            Some(TokenRefusal::Claim("user")),
            "{bad}"
        );
    }
}

#[test]
fn an_email_that_its_issuer_has_not_verified_is_nobodys() {
    for (verified, is_believed) in [
        (json!(true), true),
        (json!("true"), true),
        (json!(false), false),
        (json!("false"), false),
        (json!(1), false),
        (json!([true]), false),
    ] {
        let said =
            with(&json!({ "email": "ann@example.com", "email_verified": verified })).unwrap();
        assert_eq!(said.email.is_some(), is_believed, "{verified}");
    }
    // One letter that Unicode makes small into an ordinary one.
    let said = with(&json!({ "email": "\u{212a}im@example.com" })).unwrap();
    assert_ne!(said.email.as_deref(), Some("kim@example.com"));
}

#[test]
fn what_was_checked_once_is_remembered_but_not_beyond_its_time() {
    let world = World::of_secret("HS256");
    let token = Signer::secret().token("HS256", &claims());
    let at = |seconds: i64| {
        world
            .issuers
            .verify(&token, Plane::Data, (NOW + seconds) * 1000)
    };
    let first = at(0).unwrap();
    assert!(
        Arc::ptr_eq(&first, &at(1).unwrap()),
        "the second time it is not read again"
    );
    assert_eq!(at(330).err(), Some(TokenRefusal::Expired));
    assert_eq!(at(-41).err(), Some(TokenRefusal::NotYetValid));
    assert!(at(2).is_ok());
    let forged = format!("{}x", &token[..token.len() - 1]);
    assert!(verify(&world, &forged).is_err());
    assert_eq!(
        world.issuers.remembered(),
        1,
        "what is refused is not remembered"
    );
}

#[test]
fn no_more_is_remembered_than_there_is_room_for() {
    let world = World::of_secret("HS256");
    let mut claims = claims();
    for number in 0..12_000 {
        claims["jti"] = format!("{number}").into();
        let token = Signer::secret().token("HS256", &claims);
        assert!(verify(&world, &token).is_ok());
    }
    let remembered = world.issuers.remembered();
    assert!((3000..=8192).contains(&remembered), "{remembered}");
}
