//! `/v1/tokens`: access tokens of this API. A token acts as its user, so only an owner may make one
//! for somebody else: anything else would let an admin become an owner, and a lead an admin.

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::access::Least;
use super::answer::{self, Reply};
use super::at::{At, Find, Place};
use super::fault;
use super::keys::{once, undrawn};
use super::problem::Problem;
use super::routes::{Routes, Shape};
use super::users::not_an_owners;
use super::words::Moment;
use crate::secrets::{AccessToken, TokenRequest, os_random};
use crate::store::governance::{Command, Page, Scope, TokenFilter, TokenId, TokenRow};

pub(super) fn routes(routes: Routes) -> Routes {
    let one = Shape::one::<TokenRow>;
    routes
        .on(
            ("GET", "/v1/tokens"),
            Shape::page::<TokenRow>().find::<Which>(),
            list,
        )
        .on(
            ("POST", "/v1/tokens"),
            one().body::<TokenNew>().status("201"),
            create,
        )
        .on(("GET", "/v1/tokens/{id}"), one(), read)
        .on(("DELETE", "/v1/tokens/{id}"), one(), revoke)
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Which {
    /// At most so many, 1 to 500; 100 if nobody says.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Of this user.
    user_id: Option<i64>,
}

/// An access token to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TokenNew {
    /// What people call it, 1 to 200 characters.
    name: String,
    /// Whose; whoever asks if nobody says.
    user_id: Option<i64>,
    /// When it stops working.
    expires_at: Option<Moment>,
}

/// A lead manages a team, not the credentials of its members.
fn scope(at: &At) -> Result<Scope, Problem> {
    match at.level {
        Least::Lead => at.own(),
        _ => at.scope(),
    }
}

async fn list(at: At, Find(which): Find<Which>) -> Reply {
    let page = answer::page(which.limit, which.cursor.as_deref())?;
    let filter = TokenFilter {
        user_id: which.user_id,
        ..TokenFilter::default()
    };
    let rows = at
        .read_in(scope(&at)?, move |store, scope| {
            store.tokens(scope, &filter, page)
        })
        .await?;
    answer::rows(&rows, page, |row| row.id)
}

async fn get(at: &At, id: i64) -> Result<TokenRow, Problem> {
    let filter = TokenFilter {
        id: Some(id),
        ..TokenFilter::default()
    };
    let rows = at
        .read_in(scope(at)?, move |store, scope| {
            store.tokens(scope, &filter, Page::ONE)
        })
        .await?;
    let row = rows.into_iter().next();
    row.ok_or_else(|| fault::not_found("there is no such access token"))
}

async fn read(at: At, Place(id): Place<i64>) -> Reply {
    answer::row(&get(&at, id).await?)
}

async fn create(at: At) -> Reply {
    let new: TokenNew = at.body()?;
    let own = at.person()?.user_id;
    let user_id = new.user_id.unwrap_or(own);
    if user_id != own && at.level < Least::Owner {
        return Err(fault::forbidden(
            "only owners make access tokens for others: a token acts as its user",
        ));
    }
    let request = TokenRequest {
        user_id,
        name: new.name,
        expires_at: new.expires_at.map(|at| at.0),
    };
    let drawn = AccessToken::draw(at.admin.pepper(), request, &mut os_random);
    let (token, new) = drawn.map_err(|problem| undrawn(&problem))?;
    let done = at.act(Command::CreateToken(new)).await?;
    once(&done, ("token", token.expose()), "/v1/tokens")
}

async fn revoke(mut at: At, Place(id): Place<i64>) -> Reply {
    let row = get(&at, id).await?;
    if row.user_id != at.person()?.user_id {
        not_an_owners(&mut at, row.user_id).await?;
    }
    // Tokens have no version.
    at.guard.if_version = None;
    let done = at
        .act_in(scope(&at)?, Command::RevokeToken(TokenId(id)))
        .await?;
    answer::done(&done, None)
}
