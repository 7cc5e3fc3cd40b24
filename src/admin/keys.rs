//! `/v1/keys`: API keys of the gateway. The text of a key is in the answer that made it and
//! nowhere else, not even in the answer to the same request again.

use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::answer::{self, Reply};
use super::at::{At, Find, Place};
use super::fault;
use super::problem::Problem;
use super::routes::{Routes, Shape};
use super::words::{Moment, there};
use crate::exchange::unix_ms;
use crate::secrets::{KeyFormatError, KeyRequest, SecretProblem, draw, os_random};
use crate::store::governance::{
    ApiKeyRow, Command, Done, KeyChange, KeyFilter, KeyId, Page, Rotation,
};

/// For how long the old key works beside the new one if nobody says: a day.
const OVERLAP_S: u32 = 86_400;

pub(super) fn routes(routes: Routes) -> Routes {
    let one = Shape::one::<ApiKeyRow>;
    routes
        .on(
            ("GET", "/v1/keys"),
            Shape::page::<ApiKeyRow>().find::<Which>(),
            list,
        )
        .on(
            ("POST", "/v1/keys"),
            one().body::<KeyNew>().status("201"),
            create,
        )
        .on(("GET", "/v1/keys/{id}"), one(), read)
        .on(("PATCH", "/v1/keys/{id}"), one().body::<KeyPatch>(), change)
        .on(("DELETE", "/v1/keys/{id}"), one(), revoke)
        .on(
            ("POST", "/v1/keys/{id}/rotate"),
            one().body::<KeyRotation>().status("201"),
            rotate,
        )
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Which {
    /// At most so many, 1 to 500; 100 if nobody says.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// The twelve characters in the key's text.
    public_id: Option<String>,
    /// Of this team.
    team_id: Option<i64>,
    /// Of this user.
    user_id: Option<i64>,
    /// Whether it is in use, or no more.
    is_active: Option<bool>,
}

/// A key to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct KeyNew {
    /// What people call it, 1 to 200 characters.
    name: String,
    /// Owner; whoever asks if nobody says.
    user_id: Option<i64>,
    /// The environment inside the key's text, 1 to 16 of `a-z0-9`; live if nobody says.
    env: Option<String>,
    /// Model names it may use; all if nobody says.
    models: Option<Vec<String>>,
    /// Requests per minute.
    requests_per_minute: Option<u64>,
    /// Tokens per minute.
    tokens_per_minute: Option<u64>,
    /// When it stops working.
    expires_at: Option<Moment>,
}

/// What changes about a key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct KeyPatch {
    /// What people call it.
    name: Option<String>,
    /// Model names it may use; null: all.
    #[serde(default, deserialize_with = "there")]
    #[schema(value_type = Option<Vec<String>>)]
    models: Option<Option<Vec<String>>>,
    /// Requests per minute; null leaves it to the configuration.
    #[serde(default, deserialize_with = "there")]
    #[schema(value_type = Option<u64>)]
    requests_per_minute: Option<Option<u64>>,
    /// Tokens per minute; null leaves it to the configuration.
    #[serde(default, deserialize_with = "there")]
    #[schema(value_type = Option<u64>)]
    tokens_per_minute: Option<Option<u64>>,
    /// When it stops working; null: never.
    #[serde(default, deserialize_with = "there")]
    #[schema(value_type = Option<Moment>)]
    expires_at: Option<Option<Moment>>,
}

/// How the old key goes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct KeyRotation {
    /// For how long it still works; 86,400 (a day) if nobody says, 90 days at most.
    overlap_seconds: Option<u32>,
}

async fn list(at: At, Find(which): Find<Which>) -> Reply {
    let page = answer::page(which.limit, which.cursor.as_deref())?;
    let filter = KeyFilter {
        public_id: which.public_id,
        team_id: which.team_id,
        user_id: which.user_id,
        is_active: which.is_active,
        ..KeyFilter::default()
    };
    let rows = at
        .read(move |store, scope| store.api_keys(scope, &filter, page))
        .await?;
    answer::rows(&rows, page, |row| row.id)
}

async fn get(at: &At, id: i64) -> Result<ApiKeyRow, Problem> {
    let filter = KeyFilter {
        id: Some(id),
        ..KeyFilter::default()
    };
    at.one("key", move |store, scope| {
        store.api_keys(scope, &filter, Page::ONE)
    })
    .await
}

async fn read(at: At, Place(id): Place<i64>) -> Reply {
    answer::row(&get(&at, id).await?)
}

/// The answer that shows a secret, unless it repeats an earlier one.
pub(super) fn once(done: &Done, (member, secret): (&str, &str), place: &str) -> Reply {
    let mut body = answer::bare(&done.entity);
    if let Value::Object(members) = &mut body {
        let hint = match done.replayed {
            true => json!("the secret was shown in the first answer and is not shown again"),
            false => json!("keep it safe: it is not shown again"),
        };
        let secret = (!done.replayed).then_some(secret);
        members.insert(member.to_owned(), json!(secret));
        members.insert("hint".to_owned(), hint);
    }
    Ok(answer::done_with(done, Some(place), body))
}

/// A secret that cannot be drawn.
pub(super) fn undrawn(problem: &SecretProblem) -> Problem {
    match problem {
        SecretProblem::Key(KeyFormatError::Environment) => fault::refused(&problem.to_string()),
        _ => Problem::fault(),
    }
}

async fn create(at: At) -> Reply {
    let new: KeyNew = at.body()?;
    let request = KeyRequest {
        name: new.name,
        env: new.env.unwrap_or_else(|| "live".to_owned()),
        models: new.models,
        requests_per_minute: new.requests_per_minute,
        tokens_per_minute: new.tokens_per_minute,
        expires_at: new.expires_at.map(|at| at.0),
        user_id: Some(new.user_id.unwrap_or(at.person()?.user_id)),
    };
    let drawn = draw(at.admin.pepper(), request, unix_ms(), &mut os_random);
    let (key, new) = drawn.map_err(|problem| undrawn(&problem))?;
    let done = at.act(Command::CreateKey(new)).await?;
    once(&done, ("key", key.expose()), "/v1/keys")
}

async fn change(at: At, Place(id): Place<i64>) -> Reply {
    let change: KeyPatch = at.body()?;
    let command = Command::ChangeKey(KeyChange {
        id,
        name: change.name,
        models: change.models,
        requests_per_minute: change.requests_per_minute,
        tokens_per_minute: change.tokens_per_minute,
        expires_at: change.expires_at.map(|end| end.map(|at| at.0)),
    });
    answer::done(&at.act(command).await?, None)
}

async fn revoke(at: At, Place(id): Place<i64>) -> Reply {
    answer::done(&at.act(Command::RevokeKey(KeyId(id))).await?, None)
}

async fn rotate(at: At, Place(id): Place<i64>) -> Reply {
    let KeyRotation { overlap_seconds } = at.body()?;
    let old = get(&at, id).await?;
    let request = KeyRequest {
        name: old.name,
        env: old.env,
        ..KeyRequest::default()
    };
    let drawn = draw(at.admin.pepper(), request, unix_ms(), &mut os_random);
    let (key, new) = drawn.map_err(|problem| undrawn(&problem))?;
    let command = Command::RotateKey(Rotation {
        id,
        overlap_ms: i64::from(overlap_seconds.unwrap_or(OVERLAP_S)) * 1_000,
        key: new,
    });
    let done = at.act(command).await?;
    once(&done, ("key", key.expose()), "/v1/keys")
}
