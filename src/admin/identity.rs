//! Why: whoever asks is known by an access token, by the session of a browser, or by a token of
//! another issuer. All three end in one person, and in one refusal that tells nothing.

use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode, header};

use super::Admin;
use super::access::Row;
use super::fault::{self, blocking};
use super::problem::Problem;
use crate::exchange::unix_ms;
use crate::secrets::{AccessToken, SessionToken};
use crate::store::governance::{Credential, Identified, Page, Person, Proof, Scope, UserFilter};
use crate::tokens::{Claims, Plane};

/// The name of the cookie. Over TLS browsers themselves keep other hosts from setting it.
pub(super) const fn cookie_name(is_tls: bool) -> &'static str {
    match is_tls {
        true => "__Host-alfred_session",
        false => "alfred_session",
    }
}

/// Longest credential that is looked at.
const MAX_PRESENTED: usize = 8 * 1024;

/// Who asks.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) person: Person,
    /// For the audit log.
    pub(super) actor: String,
    /// Their session, if they have one here.
    pub(super) session: Option<SessionToken>,
}

impl Caller {
    /// Refuses a change that a page of another site may have had the browser send.
    pub(super) fn is_own_request(
        &self,
        admin: &Admin,
        row: &Row,
        headers: &HeaderMap,
    ) -> Result<(), Problem> {
        let Some(session) = self.session.as_ref().filter(|_| !row.reads()) else {
            return Ok(());
        };
        let presented = headers.get("x-csrf-token");
        let presented = presented.and_then(|value| value.to_str().ok());
        match session.is_csrf(presented.unwrap_or_default(), admin.pepper()) {
            true => Ok(()),
            false => Err(Problem::new(
                StatusCode::FORBIDDEN,
                "csrf_token_required",
                "The request does not prove that its page is Alfred's own",
            )
            .detail("the x-csrf-token header is missing or is not that of the session")
            .hint("send the `csrf_token` that POST /v1/session and GET /v1/me answer")),
        }
    }
}

/// Who sent these headers. `Authorization` is heeded before the cookie, and a bad one is not
/// made up for by a good cookie.
pub(super) async fn identify(admin: &Arc<Admin>, headers: &HeaderMap) -> Result<Caller, Problem> {
    if headers.contains_key(header::AUTHORIZATION) {
        let text = bearer(headers).ok_or_else(unknown)?;
        return match text.starts_with("at_") {
            true => by_token(admin, text).await,
            false => by_issuer(admin, text).await,
        };
    }
    let token = cookie(headers, cookie_name(admin.is_tls)).and_then(SessionToken::parse);
    by_session(admin, token.ok_or_else(nobody)?).await
}

/// The one bearer token.
fn bearer(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let is_good = scheme.eq_ignore_ascii_case("bearer")
        && values.next().is_none()
        && token.len() <= MAX_PRESENTED;
    is_good.then(|| token.trim().to_owned())
}

/// The session's cookie; two of the name are none.
fn cookie<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter();
    let pairs = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == wanted);
    let mut values = pairs.map(|(_, value)| value);
    let first = values.next();
    first.filter(|_| values.next().is_none())
}

async fn by_token(admin: &Arc<Admin>, text: String) -> Result<Caller, Problem> {
    let admin = Arc::clone(admin);
    let work = move || -> Result<Caller, Problem> {
        let token = AccessToken::parse(&text).map_err(|_| unknown())?;
        let found = admin
            .store
            .identify(Credential::Token(token.public_id()))
            .map_err(|fault| fault::told(&fault))?;
        // Hashed for unknown ids too, so that time does not tell which ids exist.
        let (hash, version) = match found.as_ref().map(|found| &found.proof) {
            Some(Proof::Token {
                hash,
                pepper_version,
                ..
            }) => (*hash, *pepper_version),
            _ => ([0; 32], admin.pepper().version()),
        };
        let is_right = token.is(&hash, version, admin.pepper());
        let actor = format!("token:{}", token.public_id());
        stands(found.filter(|_| is_right)).map(|person| Caller {
            person,
            actor,
            session: None,
        })
    };
    blocking(work).await?
}

async fn by_session(admin: &Arc<Admin>, token: SessionToken) -> Result<Caller, Problem> {
    let admin = Arc::clone(admin);
    let work = move || -> Result<Caller, Problem> {
        let hash = token.hash(admin.pepper());
        let found = admin
            .store
            .identify(Credential::Session(&hash.0))
            .map_err(|fault| fault::told(&fault))?;
        stands(found).map(|person| Caller {
            actor: format!("user:{}", person.user_id),
            person,
            session: Some(token),
        })
    };
    blocking(work).await?
}

/// The token of another issuer.
async fn by_issuer(admin: &Arc<Admin>, text: String) -> Result<Caller, Problem> {
    let (person, _) = of_issuer(admin, text).await?;
    Ok(Caller {
        actor: format!("user:{}", person.user_id),
        person,
        session: None,
    })
}

/// Whom the token of another issuer names. They must be stored here: roles are given here, not there.
pub(super) async fn of_issuer(
    admin: &Arc<Admin>,
    text: String,
) -> Result<(Person, Arc<Claims>), Problem> {
    let admin = Arc::clone(admin);
    let work = move || -> Result<(Person, Arc<Claims>), Problem> {
        let gateway = Arc::clone(&admin.reloader.status().gateway);
        let claims = gateway.issuers.verify(&text, Plane::Admin, unix_ms());
        let claims = claims.map_err(|_| unknown())?;
        let users = gateway.living.keyring.users();
        if users.is_denied(&claims.issuer, claims.jti.as_deref()) {
            return Err(unknown());
        }
        let known = users.admit(&claims.user, claims.email.as_deref(), claims.issued_at_ms);
        let user_id = known.map_err(|_| unknown())?.user_id;
        let filter = UserFilter {
            id: Some(user_id),
            ..UserFilter::default()
        };
        let rows = admin.store.users(&Scope::House, &filter, Page::ONE);
        let row = rows.map_err(|fault| fault::told(&fault))?.pop();
        let row = row.ok_or_else(unknown)?;
        let found = admin.store.identify(Credential::Email(&row.email));
        let found = found.map_err(|fault| fault::told(&fault))?;
        // What the keyring has seen may be half a second old; this is not.
        let person = found.map(|found| found.person).filter(|person| {
            person.is_active
                && person.user_id == user_id
                && claims.issued_at_ms >= person.tokens_valid_after
        });
        Ok((person.ok_or_else(unknown)?, claims))
    };
    blocking(work).await?
}

fn stands(found: Option<Identified>) -> Result<Person, Problem> {
    let found = found.filter(|found| found.stands(unix_ms()));
    found.map(|found| found.person).ok_or_else(unknown)
}

fn nobody() -> Problem {
    unauthorised("the request names nobody")
}

/// One answer to all that is wrong with a credential.
fn unknown() -> Problem {
    unauthorised("the access token or session is unknown, expired, revoked or mistyped")
}

fn unauthorised(detail: &str) -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        "Say who you are",
    )
    .detail(detail)
    .hint(
        "send `Authorization: Bearer at_…`; `alfred tokens create` makes one on the machine that runs Alfred",
    )
    .header(header::WWW_AUTHENTICATE, "Bearer realm=\"alfred admin\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn one_bearer_token_is_read_and_two_are_none() {
        let one = ("authorization", "bearer at_x");
        assert_eq!(bearer(&headers(&[one])).as_deref(), Some("at_x"));
        for bad in ["Basic at_x", "at_x", "", "Bearer"] {
            assert_eq!(bearer(&headers(&[("authorization", bad)])), None, "{bad}");
        }
        assert_eq!(bearer(&headers(&[one, one])), None);
    }

    #[test]
    fn the_cookie_is_found_among_others_unless_it_is_there_twice() {
        let many = ("cookie", "a=1; alfred_session=x; b=2");
        let name = cookie_name(false);
        assert_eq!(cookie(&headers(&[many]), name), Some("x"));
        assert_eq!(
            cookie(&headers(&[many, ("cookie", "alfred_session=y")]), name),
            None
        );
        assert_eq!(
            cookie(&headers(&[("cookie", "xalfred_session=y")]), name),
            None
        );
        // Over TLS only the name that other hosts cannot set is heeded.
        assert_eq!(cookie(&headers(&[many]), cookie_name(true)), None);
    }
}
