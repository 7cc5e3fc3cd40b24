//! Why: the outer form of a token (RFC 7515) is where forgers begin. It is read in one way only: three parts, strict
//! base64url, JSON without repeated members, and a header of which three members count.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::TokenRefusal::{self, Malformed};
use super::json;

/// What a token says of itself, nothing of it believed yet.
#[derive(Debug)]
pub(super) struct Form<'t> {
    /// The text that was signed.
    pub(super) signed: &'t str,
    /// The algorithm that it names.
    pub(super) algorithm: String,
    /// The key that it names.
    pub(super) kid: Option<String>,
    /// The claims.
    pub(super) payload: Map<String, Value>,
    /// The signature.
    pub(super) signature: Vec<u8>,
}

/// Whether a text has the form of a signed token, so that it is worth a reader's time. A signature may be missing:
/// such a token is refused by the reader, which says why.
#[must_use]
pub fn looks_like_token(text: &str) -> bool {
    let Some([header, payload, signature]) = parts(text) else {
        return false;
    };
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let are_letters = |part: &str| part.bytes().all(|byte| is_letter(byte) || byte == b'=');
    // `{"` in base64.
    header.starts_with("eyJ")
        && !payload.is_empty()
        && [header, payload, signature].into_iter().all(are_letters)
}

fn parts(text: &str) -> Option<[&str; 3]> {
    let mut parts = text.split('.');
    let three = [parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some(three)
}

impl<'t> Form<'t> {
    pub(super) fn read(token: &'t str) -> Result<Self, TokenRefusal> {
        let [header, payload, signature] =
            parts(token).ok_or(Malformed("it has not three parts"))?;
        let signed = token
            .get(..header.len() + 1 + payload.len())
            .ok_or(Malformed("it has not three parts"))?;
        let header = decoded(header)?;
        let header = json::object(&header).ok_or(Malformed("its header is no JSON object"))?;
        let (algorithm, kid) = heeded(&header)?;
        let payload = decoded(payload)?;
        let payload = json::object(&payload).ok_or(Malformed("its claims are no JSON object"))?;
        Ok(Self {
            signed,
            algorithm,
            kid,
            payload,
            signature: decoded(signature)?,
        })
    }
}

fn decoded(part: &str) -> Result<Vec<u8>, TokenRefusal> {
    let bytes = URL_SAFE_NO_PAD.decode(part);
    bytes.map_err(|_| Malformed("it is not base64url without padding"))
}

/// Types that are tokens for us; one that says it is another thing was made for another purpose (RFC 8725, 3.11).
const TYPES: [&str; 2] = ["JWT", "at+jwt"];

/// The algorithm and the key that a header names. Keys that it brings along (`jwk`, `jku`, `x5c`, `x5u`) are not
/// looked at.
fn heeded(header: &Map<String, Value>) -> Result<(String, Option<String>), TokenRefusal> {
    if header.contains_key("crit") {
        return Err(Malformed(
            "it asks for extensions (crit), and there are none here",
        ));
    }
    if let Some(kind) = header.get("typ") {
        let kind = kind.as_str().unwrap_or_default();
        let kind = match kind.get(..12) {
            Some(start) if start.eq_ignore_ascii_case("application/") => kind.get(12..),
            _ => Some(kind),
        };
        let is = |known: &&str| kind.is_some_and(|kind| kind.eq_ignore_ascii_case(known));
        if !TYPES.iter().any(is) {
            return Err(Malformed("its type (typ) is neither JWT nor at+jwt"));
        }
    }
    let algorithm = match header.get("alg") {
        Some(Value::String(algorithm)) => algorithm.clone(),
        _ => return Err(Malformed("it names no algorithm (alg)")),
    };
    match header.get("kid") {
        None => Ok((algorithm, None)),
        Some(Value::String(kid)) => Ok((algorithm, Some(kid.clone()))),
        Some(_) => Err(Malformed("its key id (kid) is no text")),
    }
}
