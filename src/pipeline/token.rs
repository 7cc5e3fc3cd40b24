//! The bearer of a token as a caller like any other: a principal, or the reason why not.

use std::sync::Arc;

use crate::gateway::Gateway;
use crate::refusal::Refusal;
use crate::secrets::{KnownUser, Principal, UserRefusal};
use crate::tokens::{Claims, Plane, TokenRefusal};

const REVOKED: &str = "the token has been revoked; log in again";

/// Who shows this token at the gateway's port.
///
/// # Errors
/// The token is not good, or its user is not.
pub(super) fn principal(
    token: &str,
    gateway: &Gateway,
    now_unix_ms: i64,
) -> Result<Arc<Principal>, Refusal> {
    let checked = gateway.issuers.verify(token, Plane::Data, now_unix_ms);
    let claims = checked.map_err(refused)?;
    let users = gateway.living.keyring.users();
    if users.is_denied(&claims.issuer, claims.jti.as_deref()) {
        return Err(Refusal::Unauthorised(REVOKED));
    }
    let email = claims.email.as_deref();
    let user = match users.admit(&claims.user, email, claims.issued_at_ms) {
        Ok(user) => Some(&**user),
        Err(UserRefusal::Unknown) if claims.may_be_unknown => None,
        Err(refusal) => {
            return Err(Refusal::Unauthorised(match refusal {
                UserRefusal::Unknown => {
                    "the token is good, but its user is not known here; ask an administrator to add you"
                }
                UserRefusal::Inactive => {
                    "the token is good, but its user is not active here; ask an administrator"
                }
                UserRefusal::Revoked => REVOKED,
            }));
        }
    };
    Ok(Arc::new(known(&claims, user)))
}

fn known(claims: &Claims, user: Option<&KnownUser>) -> Principal {
    Principal {
        id: Arc::clone(&claims.id),
        name: Arc::clone(&claims.name),
        key_id: None,
        user_id: user.map(|user| user.user_id),
        team_id: user.and_then(|user| user.team_id),
        org_id: user.map(|user| user.org_id),
        models: None,
        requests_per_minute: None,
        tokens_per_minute: None,
        expires_at: Some(claims.expires_at_ms),
    }
}

/// What the caller is told. It names what to mend and never shows any of the token.
fn refused(refusal: TokenRefusal) -> Refusal {
    Refusal::Unauthorised(match refusal {
        TokenRefusal::NoKeys => return Refusal::TokenKeysAway,
        TokenRefusal::TooLong => "the token is longer than the 8192 bytes that are looked at",
        TokenRefusal::Malformed(_) => {
            "the token is malformed: it must be a signed JWT, three parts of base64url without padding, with JSON in which no member stands twice, and without critical extensions (crit)"
        }
        TokenRefusal::UnknownIssuer => {
            "the token's issuer (iss) is not one that this gateway believes"
        }
        TokenRefusal::WrongAudience => "the token was not made for this gateway (aud)",
        TokenRefusal::WrongPlane => "tokens of this issuer are not taken at this port",
        TokenRefusal::Algorithm => {
            "the token is not signed with an algorithm (alg) that is accepted from its issuer"
        }
        TokenRefusal::UnknownKey => {
            "the token was signed with a key (kid) that is not known; if its issuer has just changed its keys, try again in some seconds"
        }
        TokenRefusal::Signature => "the token's signature is wrong",
        TokenRefusal::Claim(_) => {
            "the token lacks a claim or has one of a wrong type; it needs iss, sub and aud as texts and exp and iat as numbers"
        }
        TokenRefusal::Expired => "the token has expired; get a new one",
        TokenRefusal::NotYetValid => "the token is not valid yet (nbf, iat); are the clocks right?",
    })
}
