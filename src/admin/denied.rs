//! `/v1/denied-tokens`: tokens of other issuers that are refused before their end, each by its own
//! name (`jti`). Issuers are the house's, so this is for those who run it.

use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::answer::{self, Reply};
use super::at::{At, Find, Place};
use super::problem::Problem;
use super::routes::{Routes, Shape};
use super::words::Moment;
use crate::store::governance::{Command, DenialId, DeniedRow, NewDenial};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .on(
            ("GET", "/v1/denied-tokens"),
            Shape::page::<DeniedRow>().find::<Which>(),
            list,
        )
        .on(
            ("POST", "/v1/denied-tokens"),
            Shape::one::<DeniedRow>().body::<Denial>().status("201"),
            deny,
        )
        .on(("DELETE", "/v1/denied-tokens/{id}"), Shape::object(), allow)
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Which {
    /// At most so many, 1 to 500; 100 if nobody says.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A token of another issuer that shall be refused.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Denial {
    /// The issuer's `name` under `jwt` in the configuration.
    issuer: String,
    /// The token's `jti`, 1 to 1,000 characters.
    jti: String,
    /// The token's end (`exp`) or later: then it is refused by itself, and this is forgotten.
    expires_at: Moment,
    /// Why, at most 1,000 characters.
    note: Option<String>,
}

async fn list(at: At, Find(which): Find<Which>) -> Reply {
    let page = answer::page(which.limit, which.cursor.as_deref())?;
    let rows = at.read(move |store, _| store.denied_tokens(page)).await?;
    answer::rows(&rows, page, |row| row.id)
}

async fn deny(mut at: At) -> Reply {
    let new: Denial = at.body()?;
    is_configured(&at, &new.issuer)?;
    at.guard.if_version = None;
    let command = Command::DenyToken(NewDenial {
        issuer: new.issuer,
        jti: new.jti,
        note: new.note,
        expires_at: new.expires_at.0,
    });
    let done = at.act(command).await?;
    answer::done(&done, Some("/v1/denied-tokens"))
}

/// A name that is mistyped would deny nothing.
fn is_configured(at: &At, issuer: &str) -> Result<(), Problem> {
    let gateway = &at.admin.reloader.status().gateway;
    let mut names = gateway.config.jwt.iter().map(|issuer| issuer.name.as_str());
    if names.clone().any(|name| name == issuer) {
        return Ok(());
    }
    let known = match names.next() {
        Some(first) => names.fold(first.to_owned(), |all, name| format!("{all}, {name}")),
        None => "none".to_owned(),
    };
    Err(Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid",
        "The issuer is not configured",
    )
    .detail(format!(
        "`issuer` is the name of no entry under `jwt` in the configuration; those are: {known}"
    ))
    .hint("send the `name` of the entry, not the `iss` of the token"))
}

async fn allow(mut at: At, Place(id): Place<i64>) -> Reply {
    // Denials have no version.
    at.guard.if_version = None;
    let done = at.act(Command::AllowToken(DenialId(id))).await?;
    answer::done(&done, None)
}
