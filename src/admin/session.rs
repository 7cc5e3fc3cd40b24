//! `/v1/session`: people log in with a password, or with the ID token of a configured issuer, and
//! out again. The browser keeps a token that no
//! script can read; changes need a second one that no other site can read.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::answer::{self, Reply};
use super::at::At;
use super::fault::{self, blocking};
use super::identity::{self, cookie_name};
use super::problem::Problem;
use super::routes::{Routes, Shape};
use crate::exchange::unix_ms;
use crate::secrets::{SessionToken, os_random};
use crate::store::governance::{By, Command, Credential, Guard, NewSession, Person, Proof, Scope};

/// For how long one is logged in: a working day.
const LIFETIME_MS: i64 = 12 * 3_600_000;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .on(
            ("POST", "/v1/session"),
            Shape::object().body::<LogIn>().status("201"),
            log_in,
        )
        .on(
            ("DELETE", "/v1/session"),
            Shape::default().status("204"),
            log_out,
        )
}

/// Who wants in: an address with its password, or an ID token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LogIn {
    /// E-mail address.
    email: Option<String>,
    /// As it was set.
    #[schema(format = Password)]
    password: Option<String>,
    /// Of an issuer that is configured under `jwt` for the admin plane (OpenID Connect).
    #[schema(format = Password)]
    id_token: Option<String>,
    /// What was given along when the ID token was asked for; the token must hold the same.
    nonce: Option<String>,
}

async fn log_in(at: At) -> Reply {
    match at.body()? {
        LogIn {
            email: Some(email),
            password: Some(password),
            id_token: None,
            nonce: None,
        } => by_password(at, email, password).await,
        LogIn {
            email: None,
            password: None,
            id_token: Some(token),
            nonce,
        } => by_id_token(at, token, nonce).await,
        _ => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
            "The body is not as it must be",
        )
        .detail("it must hold `email` and `password`, or `id_token` and perhaps `nonce`")
        .hint("/docs shows the members that there are")),
    }
}

/// What is wrong with the token is not told apart: whoever has forged one learns nothing.
async fn by_id_token(at: At, token: String, nonce: Option<String>) -> Reply {
    let refused = || {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "The ID token lets nobody in",
        )
        .detail(
            "it is expired, revoked, not for this gateway, of another nonce, or of a user who is \
             not known or not active here",
        )
        .hint("get a new one; `alfred users` adds its user, by subject or e-mail address")
    };
    let known = identity::of_issuer(&at.admin, token).await;
    let (person, claims) = known.map_err(|problem| match problem.is(StatusCode::UNAUTHORIZED) {
        true => refused(),
        false => problem,
    })?;
    // A token that was asked for with a nonce is for whoever knows it.
    if claims.nonce != nonce {
        return Err(refused());
    }
    begin(&at, &person, unix_ms()).await
}

async fn by_password(at: At, email: String, password: String) -> Reply {
    let now_ms = unix_ms();
    let waits = at.admin.throttle.enter(at.ip, &email, now_ms);
    waits.map_err(|seconds| {
        Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_attempts",
            "Too many attempts to log in",
        )
        .detail("further attempts for this account from this address wait")
        .hint("wait as long as Retry-After says, or use an access token")
        .header(header::RETRY_AFTER, &seconds.to_string())
    })?;
    let (store, asked) = (std::sync::Arc::clone(&at.admin.store), email.clone());
    let found = blocking(move || match asked.contains('\0') {
        true => Ok(None),
        false => store.identify(Credential::Email(&asked)),
    });
    let found = found.await?.map_err(|fault| fault::told(&fault))?;
    let found = found.filter(|found| found.stands(now_ms));
    let hash = match found.as_ref().map(|found| &found.proof) {
        Some(Proof::Password(hash)) => hash.clone(),
        _ => None,
    };
    let is_right = at.admin.passwords.verify(password, hash).await?;
    let Some(found) = found.filter(|_| is_right) else {
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "Address or password is wrong",
        )
        .detail("nobody is known by these two")
        .hint("`alfred users password` sets one on the machine that runs Alfred"));
    };
    at.admin.throttle.clear(at.ip, &email);
    begin(&at, &found.person, now_ms).await
}

async fn begin(at: &At, person: &Person, now_ms: i64) -> Reply {
    let token = SessionToken::generate(&mut os_random).map_err(|_| Problem::fault())?;
    let expires_at = now_ms.saturating_add(LIFETIME_MS);
    let by = By {
        actor: format!("user:{}", person.user_id),
        user_id: Some(person.user_id),
        org_id: Some(person.org_id),
        ip: Some(at.ip.to_string()),
        now_ms,
    };
    let command = Command::CreateSession(NewSession {
        user_id: person.user_id,
        token: token.hash(at.admin.pepper()),
        expires_at,
    });
    let scope = Scope::User {
        org_id: person.org_id,
        user_id: person.user_id,
    };
    at.read_in(scope, move |store, scope| {
        store.apply(&by, scope, command, &Guard::default())
    })
    .await?;
    let body = json!({
        "user_id": person.user_id,
        "expires_at": answer::time(expires_at),
        "csrf_token": token.csrf(at.admin.pepper()),
    });
    let response = (StatusCode::CREATED, Json(body)).into_response();
    with_cookie(at, response, token.expose(), LIFETIME_MS / 1_000)
}

async fn log_out(at: At) -> Reply {
    let session = at.caller()?.session.as_ref();
    let session = session.ok_or_else(|| fault::not_found("an access token has no session"))?;
    let hash = session.hash(at.admin.pepper());
    at.act_in(at.own()?, Command::EndSession(hash)).await?;
    with_cookie(&at, StatusCode::NO_CONTENT.into_response(), "", 0)
}

/// Sets the cookie, or with no time left takes it away.
fn with_cookie(at: &At, mut response: Response, value: &str, seconds: i64) -> Reply {
    let name = cookie_name(at.admin.is_tls);
    let secure = if at.admin.is_tls { "; Secure" } else { "" };
    let cookie =
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    let cookie = HeaderValue::from_str(&cookie).map_err(|_| Problem::fault())?;
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}
