//! The station that asks who calls. A key, or a token in its place, is taken from whichever
//! header the caller's SDK uses.

use std::sync::Arc;

use http::HeaderName;
use http::header::AUTHORIZATION;

use super::head::Head;
use super::token;
use crate::gateway::Gateway;
use crate::refusal::Refusal;
use crate::secrets::{KeyRefusal, Principal};
use crate::tokens::looks_like_token;

/// The headers that may hold a key, beside `Authorization`.
static KEY_HEADERS: [HeaderName; 3] = [
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("api-key"),
    HeaderName::from_static("x-goog-api-key"),
];

/// Finds out who calls.
///
/// # Errors
/// No key, several that differ, or one that is not valid.
pub(super) fn authenticate(
    head: &Head<'_>,
    gateway: &Gateway,
    now_unix_ms: i64,
) -> Result<Arc<Principal>, Refusal> {
    let key = presented(head)?;
    let keyring = &gateway.living.keyring;
    let found = keyring.authenticate(key, &gateway.static_keys, now_unix_ms);
    // Keys first: a static key may be any text.
    let is_no_key = matches!(found, Err(KeyRefusal::Malformed));
    if is_no_key && !gateway.issuers.is_empty() && looks_like_token(key) {
        return token::principal(key, gateway, now_unix_ms);
    }
    found.map_err(|refusal| {
        Refusal::Unauthorised(match refusal {
            KeyRefusal::Malformed => {
                "the API key is not one of this gateway's (they begin with ak_); check for typing errors, or make one with `alfred keys create`"
            }
            KeyRefusal::Unknown => {
                "the API key is not known here; make one with `alfred keys create`"
            }
            KeyRefusal::Revoked => "the API key has been revoked; ask for a new one",
            KeyRefusal::Expired => "the API key has expired; ask for a new one",
        })
    })
}

/// The one key that the headers present.
fn presented<'a>(head: &Head<'a>) -> Result<&'a str, Refusal> {
    let unreadable = || Refusal::Unauthorised("a key header holds characters that no key has");
    let mut found: Option<&'a str> = None;
    let mut add = |key: &'a str| match found.replace(key) {
        Some(other) if other != key => Err(Refusal::Unauthorised(
            "several key headers were sent and they differ; send one",
        )),
        _ => Ok(()),
    };
    for value in head.headers.get_all(AUTHORIZATION) {
        let text = value.to_str().map_err(|_| unreadable())?;
        let (scheme, key) = text.split_once(' ').unwrap_or((text, ""));
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Refusal::Unauthorised(
                "the Authorization header must be `Bearer` and a key",
            ));
        }
        add(key.trim())?;
    }
    for name in &KEY_HEADERS {
        for value in head.headers.get_all(name) {
            add(value.to_str().map_err(|_| unreadable())?.trim())?;
        }
    }
    found.filter(|key| !key.is_empty()).ok_or(Refusal::Unauthorised(
        "there is no API key; send `Authorization: Bearer ak_…` (or x-api-key, api-key, x-goog-api-key)",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, Method};

    fn key(headers: &[(&'static str, &str)]) -> Result<String, Refusal> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().expect("a header"));
        }
        let head = Head {
            method: &Method::POST,
            path: "/",
            headers: &map,
            peer: None,
        };
        presented(&head).map(str::to_owned)
    }

    #[test]
    fn any_of_four_headers_may_hold_the_key() {
        for headers in [
            [("authorization", "Bearer k")],
            [("authorization", "bearer  k")],
            [("x-api-key", "k")],
            [("api-key", "k")],
            [("x-goog-api-key", "k")],
        ] {
            assert_eq!(key(&headers).as_deref(), Ok("k"), "{headers:?}");
        }
    }

    #[test]
    fn several_headers_must_agree() {
        let same = [("authorization", "Bearer k"), ("x-api-key", "k")];
        assert_eq!(key(&same).as_deref(), Ok("k"));
        for differing in [
            [("authorization", "Bearer k"), ("x-api-key", "other")],
            [("authorization", "Bearer k"), ("authorization", "Bearer l")],
            [("authorization", "Basic k"), ("x-api-key", "k")],
        ] {
            assert!(key(&differing).is_err(), "{differing:?}");
        }
    }

    #[test]
    fn no_key_and_an_empty_key_are_refused() {
        assert!(key(&[]).is_err());
        assert!(key(&[("authorization", "Bearer ")]).is_err());
        assert!(key(&[("authorization", "Bearer")]).is_err());
    }
}
