//! `/v1/me`: everybody sees and keeps their own things, whatever their role.

use axum::Json;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::answer::{self, Reply, shown};
use super::at::At;
use super::fault;
use super::guard;
use super::routes::{Routes, Shape};
use crate::store::governance::{
    Command, Credential, Page, Password, Proof, SessionRow, UserChange, UserFilter, UserId, UserRow,
};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .on(("GET", "/v1/me"), Shape::object(), me)
        .on(
            ("PATCH", "/v1/me"),
            Shape::one::<UserRow>().body::<MeChange>(),
            change,
        )
        .on(
            ("PUT", "/v1/me/password"),
            Shape::one::<UserRow>().body::<OwnPassword>(),
            password,
        )
        .on(
            ("GET", "/v1/me/sessions"),
            Shape::page::<SessionRow>(),
            sessions,
        )
        .on(("DELETE", "/v1/me/sessions"), Shape::object(), end_sessions)
}

/// What changes about oneself.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MeChange {
    /// What people call one, 1 to 200 characters.
    name: String,
}

/// A new password for oneself.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OwnPassword {
    /// The one that holds now; not needed where none is set.
    #[schema(format = Password)]
    current: Option<String>,
    /// 15 characters or more.
    #[schema(format = Password)]
    new: String,
}

async fn me(at: At) -> Reply {
    let person = at.person()?;
    let filter = UserFilter {
        id: Some(person.user_id),
        ..UserFilter::default()
    };
    let rows = at
        .read_in(at.own()?, move |store, scope| {
            store.users(scope, &filter, Page::ONE)
        })
        .await?;
    let is_house = guard::house(&at.admin).await? == Some(person.org_id);
    let session = at.caller()?.session.as_ref();
    let mut body = rows.first().map(shown).unwrap_or_default();
    if let Value::Object(members) = &mut body {
        let csrf = session.map(|session| session.csrf(at.admin.pepper()));
        members.insert("csrf_token".to_owned(), json!(csrf));
        members.insert("of_the_house".to_owned(), json!(is_house));
    }
    answer::row(&body)
}

async fn change(at: At) -> Reply {
    let MeChange { name } = at.body()?;
    let command = Command::ChangeUser(UserChange {
        id: at.person()?.user_id,
        name: Some(name),
        ..UserChange::default()
    });
    let done = at.act_in(at.own()?, command).await?;
    answer::done(&done, None)
}

async fn password(at: At) -> Reply {
    let OwnPassword { current, new } = at.body()?;
    let person = at.person()?.clone();
    let email = person.email.clone();
    let found = at
        .read_in(at.own()?, move |store, _| {
            store.identify(Credential::Email(&email))
        })
        .await?;
    if let Some(Proof::Password(Some(hash))) = found.map(|found| found.proof) {
        let wait = at
            .admin
            .throttle
            .enter(at.ip, &person.email, crate::exchange::unix_ms());
        wait.map_err(|_| fault::forbidden("too many wrong passwords; wait 15 minutes"))?;
        let current = current.unwrap_or_default();
        // Asked again after it was done: what is new then holds already.
        let (passwords, again) = (&at.admin.passwords, new.clone());
        let is_right = passwords.verify(current, Some(hash.clone())).await?
            || passwords.verify(again, Some(hash)).await?;
        if !is_right {
            return Err(fault::forbidden("`current` is not the password that holds"));
        }
        at.admin.throttle.clear(at.ip, &person.email);
    }
    let hash = at.admin.passwords.hash(new).await?;
    let command = Command::SetPassword(Password {
        user_id: person.user_id,
        hash: Some(hash),
    });
    let done = at.act_in(at.own()?, command).await?;
    answer::done(&done, None)
}

async fn sessions(at: At) -> Reply {
    let user_id = at.person()?.user_id;
    let rows = at
        .read_in(at.own()?, move |store, scope| {
            store.sessions(scope, user_id)
        })
        .await?;
    let data: Vec<Value> = rows.iter().map(shown).collect();
    Ok(Json(json!({ "data": data, "next_cursor": null })).into_response())
}

async fn end_sessions(at: At) -> Reply {
    let command = Command::EndSessions(UserId(at.person()?.user_id));
    let done = at.act_in(at.own()?, command).await?;
    answer::done(&done, None)
}
