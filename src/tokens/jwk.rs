//! Why: an issuer publishes keys for many purposes (RFC 7517). Only those that say they check signatures, in a way that
//! is known here and with their own members, become keys; the others are passed over, never guessed at.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::json;
use super::key::{Curve, Key, Material};
use crate::conf::Algorithm;

/// The most keys of one issuer.
const MAX_KEYS: usize = 100;
/// The largest document of keys.
pub(super) const MAX_JWKS: usize = 256 * 1024;

/// What is wrong with a document of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadJwks {
    #[error("holds no JWKS: a JSON object with a list called `keys`")]
    Form,
    #[error("holds more than {MAX_KEYS} keys or {MAX_JWKS} bytes")]
    TooMany,
}

/// The keys of a document that may be used. It may well have none: then its issuer has withdrawn them.
pub(super) fn keys(document: &[u8]) -> Result<Vec<Key>, BadJwks> {
    if document.len() > MAX_JWKS {
        return Err(BadJwks::TooMany);
    }
    let members = json::object(document).ok_or(BadJwks::Form)?;
    let Some(Value::Array(list)) = members.get("keys") else {
        return Err(BadJwks::Form);
    };
    if list.len() > MAX_KEYS {
        return Err(BadJwks::TooMany);
    }
    let objects = list.iter().filter_map(Value::as_object);
    Ok(objects.filter_map(key).collect())
}

fn key(jwk: &Map<String, Value>) -> Option<Key> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    let is_absent_or =
        |name: &str, wanted: &dyn Fn(&Value) -> bool| jwk.get(name).is_none_or(wanted);
    let verifies = |operations: &Value| {
        let operations = operations.as_array();
        operations.is_some_and(|all| all.iter().any(|one| one.as_str() == Some("verify")))
    };
    let is_for_signatures = is_absent_or("use", &|purpose| purpose.as_str() == Some("sig"))
        && is_absent_or("key_ops", &verifies)
        && is_absent_or("kid", &Value::is_string)
        && is_absent_or("alg", &Value::is_string);
    // A private key that is published signs for everybody.
    if !is_for_signatures || jwk.contains_key("d") || jwk.contains_key("k") {
        return None;
    }
    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
    let point = |curve| {
        let (x, y) = (bytes("x")?, bytes("y")?);
        Material::point(curve, &[&[4], x.as_slice(), y.as_slice()].concat())
    };
    let material = match (text("kty")?, text("crv")) {
        ("RSA", None) => Material::rsa(&bytes("n")?, &bytes("e")?)?,
        ("EC", Some("P-256")) if bytes("x")?.len() == 32 => point(Curve::P256)?,
        ("EC", Some("P-384")) if bytes("x")?.len() == 48 => point(Curve::P384)?,
        ("OKP", Some("Ed25519")) => Material::point(Curve::Ed25519, &bytes("x")?)?,
        _ => return None,
    };
    let known = |name: &str| {
        Algorithm::ALL
            .iter()
            .copied()
            .find(|one| one.name() == name)
    };
    let only = match text("alg") {
        Some(name) => Some(known(name)?),
        None => None,
    };
    let key = Key {
        kid: text("kid").map(str::to_owned),
        only,
        material,
    };
    only.is_none_or(|algorithm| key.fits(algorithm))
        .then_some(key)
}
