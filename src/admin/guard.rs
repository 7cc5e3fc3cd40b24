//! Why: before any handler sees a request it is known who asks, what they reach, that no other
//! site sent it, that it is small, and how it is told from a repetition.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Admin;
use super::access::{Least, Reach, Row, Versions};
use super::at::At;
use super::fault::{self, blocking};
use super::identity::{self, Caller};
use super::problem::Problem;
use crate::store::governance::{Guard, Idempotency, OrganisationFilter, Page, Scope};

/// Largest body.
const MAX_BODY: usize = 64 * 1024;
/// Longest wait for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether requests of this route must carry an idempotency key: all that change something, but
/// for logging in and out.
pub(super) fn needs_key(row: &Row) -> bool {
    !row.reads() && row.path != "/v1/session"
}

/// Lets requests through to the handler of a row, with an [`At`].
pub(super) async fn check(
    State((admin, row)): State<(Arc<Admin>, &'static Row)>,
    request: Request,
    next: Next,
) -> Response {
    match admit(admin, row, request).await {
        Ok(request) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

async fn admit(admin: Arc<Admin>, row: &'static Row, request: Request) -> Result<Request, Problem> {
    let (mut parts, body) = request.into_parts();
    let ip = parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.0.ip());
    let (caller, level, scope) = match row.least {
        Least::Anyone => (None, Least::Anyone, None),
        _ => {
            let caller = identity::identify(&admin, &parts.headers).await?;
            caller.is_own_request(&admin, row, &parts.headers)?;
            let (level, scope) = reach(&admin, row, &caller).await?;
            (Some(caller), level, Some(scope))
        }
    };
    let body = tokio::time::timeout(PATIENCE, to_bytes(body, MAX_BODY)).await;
    let body = body.map_err(|_| too_slow())?.map_err(|_| too_large())?;
    let mut guard = Guard {
        idempotency: None,
        if_version: version(row, &parts.headers)?,
    };
    if needs_key(row) {
        let key = key(&parts.headers)?;
        let version = parts.headers.get(header::IF_MATCH);
        let line = format!("{} {}\n", parts.method, parts.uri);
        let all = [
            line.as_bytes(),
            version.map_or(&b""[..], |value| value.as_bytes()),
            b"\n",
            &body,
        ]
        .concat();
        // Keyed, since a body may hold a password.
        let request = admin.pepper().tag("alfred 2026 request", &all);
        guard.idempotency = Some(Idempotency { key, request });
    }
    let at = At {
        is_json: is_json(&parts.headers),
        admin,
        ip,
        caller,
        level,
        scope,
        guard,
        body,
    };
    parts.extensions.insert(at);
    Ok(Request::from_parts(parts, Body::empty()))
}

/// What the caller reaches by this route.
async fn reach(
    admin: &Arc<Admin>,
    row: &'static Row,
    caller: &Caller,
) -> Result<(Least, Scope), Problem> {
    let is_house = match row.reach {
        Reach::House => house(admin).await? == Some(caller.person.org_id),
        _ => false,
    };
    row.admits(&caller.person, is_house).ok_or_else(|| {
        Problem::new(StatusCode::FORBIDDEN, "forbidden", "You may not do that")
            .detail(format!("{} {} is not for your role", row.method, row.path))
            .hint("GET /v1/me tells your role; /docs tells who may do what")
    })
}

/// The organisation that runs the house: the one with the lowest id.
pub(super) async fn house(admin: &Arc<Admin>) -> Result<Option<i64>, Problem> {
    let store = Arc::clone(&admin.store);
    let work =
        move || store.organisations(&Scope::House, &OrganisationFilter::default(), Page::ONE);
    let rows = blocking(work).await?.map_err(|fault| fault::told(&fault))?;
    Ok(rows.first().map(|row| row.id))
}

fn too_slow() -> Problem {
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        "body_too_slow",
        "The body did not come in time",
    )
    .detail("a body is waited for 10 seconds")
    .hint("repeat the request with the same Idempotency-Key")
}

fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        "The body is too large",
    )
    .detail("a body has at most 64 KiB")
    .hint("send less at a time")
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

/// The one value of a header; `Err` when there are several or it is no text.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, ()> {
    let mut values = headers.get_all(name).iter();
    let Some(first) = values.next() else {
        return Ok(None);
    };
    match (first.to_str(), values.next()) {
        (Ok(text), None) => Ok(Some(text.trim())),
        _ => Err(()),
    }
}

fn key(headers: &HeaderMap) -> Result<String, Problem> {
    let wrong = |detail: &str| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "idempotency_key_required",
            "The request needs an Idempotency-Key",
        )
        .detail(detail)
        .hint("send `Idempotency-Key` with a fresh UUID; repeat the request with the same one")
    };
    match only(headers, "idempotency-key") {
        Ok(Some(key)) if (1..=200).contains(&key.chars().count()) => Ok(key.to_owned()),
        Ok(None) => Err(wrong("there is no Idempotency-Key header")),
        _ => Err(wrong(
            "the Idempotency-Key must be one text of 1 to 200 characters",
        )),
    }
}

/// The version that `If-Match` names; `*` is any.
fn version(row: &Row, headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let missing = || {
        Problem::new(
            StatusCode::PRECONDITION_REQUIRED,
            "if_match_required",
            "The request must say which version it changes",
        )
        .detail("there is no If-Match header")
        .hint("read the row and send its ETag in If-Match")
    };
    let none_matches = || {
        Problem::new(
            StatusCode::PRECONDITION_FAILED,
            "stale",
            "The row is of another version",
        )
        .detail("the If-Match header holds no ETag of this API")
        .hint("read the row and send its ETag in If-Match, quotes included")
    };
    let Some(text) = only(headers, "if-match").map_err(|()| none_matches())? else {
        return match row.versions {
            Versions::Required => Err(missing()),
            Versions::Optional => Ok(None),
        };
    };
    if text == "*" {
        return Ok(None);
    }
    let number = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let number = number.and_then(|number| number.parse().ok());
    number.map(Some).ok_or_else(none_matches)
}
