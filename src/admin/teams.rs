//! `/v1/teams`: who shares a pool, and who leads.

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::answer::{self, Reply};
use super::at::{At, Find, Place};
use super::fault;
use super::problem::Problem;
use super::routes::{Routes, Shape};
use super::words::there;
use crate::money::Nanos;
use crate::store::OwnerType;
use crate::store::governance::{
    Command, Membership, NewTeam, Page, TeamChange, TeamFilter, TeamId, TeamRole, TeamRow,
    UserFilter, UserId, UserRow,
};

pub(super) fn routes(routes: Routes) -> Routes {
    let one = Shape::one::<TeamRow>;
    routes
        .on(
            ("GET", "/v1/teams"),
            Shape::page::<TeamRow>().find::<Which>(),
            list,
        )
        .on(
            ("POST", "/v1/teams"),
            one().body::<TeamNew>().status("201"),
            create,
        )
        .on(("GET", "/v1/teams/{id}"), one(), read)
        .on(
            ("PATCH", "/v1/teams/{id}"),
            one().body::<TeamPatch>(),
            change,
        )
        .on(("DELETE", "/v1/teams/{id}"), Shape::object(), delete)
        .on(
            ("GET", "/v1/teams/{id}/members"),
            Shape::page::<UserRow>().find::<Part>(),
            members,
        )
        .on(
            ("PUT", "/v1/teams/{id}/members/{user}"),
            Shape::one::<UserRow>().body::<MemberPlace>(),
            put_member,
        )
        .on(
            ("DELETE", "/v1/teams/{id}/members/{user}"),
            Shape::one::<UserRow>(),
            remove_member,
        )
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Which {
    /// At most so many, 1 to 500; 100 if nobody says.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Of this name.
    name: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Part {
    /// At most so many, 1 to 500; 100 if nobody says.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A team to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TeamNew {
    /// Unique in its organisation, 1 to 200 characters.
    name: String,
    /// What the pool is set to each period.
    #[schema(value_type = Option<String>)]
    common_pool: Option<Nanos>,
    /// How much of an absent member's quota is lent to the pool, 0 to 100.
    #[serde(default)]
    vacation_share_pct: u8,
    /// Who pays first; none leaves it to the organisation.
    funding_order: Option<Vec<OwnerType>>,
    /// Factor in millionths; none leaves it to the organisation.
    markup_ppm: Option<u32>,
}

/// What changes about a team.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TeamPatch {
    /// Its name.
    name: Option<String>,
    /// What the pool is set to each period.
    #[schema(value_type = Option<String>)]
    common_pool: Option<Nanos>,
    /// 0 to 100.
    vacation_share_pct: Option<u8>,
    /// Who pays first; null leaves it to the organisation.
    #[serde(default, deserialize_with = "there")]
    #[schema(value_type = Option<Vec<OwnerType>>)]
    funding_order: Option<Option<Vec<OwnerType>>>,
    /// Factor in millionths; null leaves it to the organisation.
    #[serde(default, deserialize_with = "there")]
    #[schema(value_type = Option<u32>)]
    markup_ppm: Option<Option<u32>>,
}

/// As what a user belongs to a team.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MemberPlace {
    /// In the team.
    role: TeamRole,
}

async fn list(at: At, Find(which): Find<Which>) -> Reply {
    let page = answer::page(which.limit, which.cursor.as_deref())?;
    let filter = TeamFilter {
        name: which.name,
        ..TeamFilter::default()
    };
    let rows = at
        .read(move |store, scope| store.teams(scope, &filter, page))
        .await?;
    answer::rows(&rows, page, |row| row.id)
}

async fn get(at: &At, id: i64) -> Result<TeamRow, Problem> {
    let filter = TeamFilter {
        id: Some(id),
        ..TeamFilter::default()
    };
    at.one("team", move |store, scope| {
        store.teams(scope, &filter, Page::ONE)
    })
    .await
}

async fn read(at: At, Place(id): Place<i64>) -> Reply {
    answer::row(&get(&at, id).await?)
}

async fn create(at: At) -> Reply {
    let new: TeamNew = at.body()?;
    let command = Command::CreateTeam(NewTeam {
        org_id: at.person()?.org_id,
        name: new.name,
        common_pool: new.common_pool.unwrap_or(Nanos::ZERO),
        vacation_share_pct: new.vacation_share_pct,
        funding_order: new.funding_order,
        markup_ppm: new.markup_ppm,
    });
    answer::done(&at.act(command).await?, Some("/v1/teams"))
}

async fn change(at: At, Place(id): Place<i64>) -> Reply {
    let change: TeamPatch = at.body()?;
    let command = Command::ChangeTeam(TeamChange {
        id,
        name: change.name,
        common_pool: change.common_pool,
        vacation_share_pct: change.vacation_share_pct,
        funding_order: change.funding_order,
        markup_ppm: change.markup_ppm,
    });
    answer::done(&at.act(command).await?, None)
}

async fn delete(at: At, Place(id): Place<i64>) -> Reply {
    answer::done(&at.act(Command::DeleteTeam(TeamId(id))).await?, None)
}

async fn members(at: At, Place(id): Place<i64>, Find(part): Find<Part>) -> Reply {
    let page = answer::page(part.limit, part.cursor.as_deref())?;
    get(&at, id).await?;
    let filter = UserFilter {
        team_id: Some(id),
        ..UserFilter::default()
    };
    let rows = at
        .read(move |store, scope| store.users(scope, &filter, page))
        .await?;
    answer::rows(&rows, page, |row| row.id)
}

async fn put_member(at: At, Place((id, user_id)): Place<(i64, i64)>) -> Reply {
    let MemberPlace { role } = at.body()?;
    let command = Command::PutMember(Membership {
        team_id: id,
        user_id,
        role,
    });
    answer::done(&at.act(command).await?, None)
}

/// The store takes a user out of whatever team they are in; the path says out of which.
async fn remove_member(mut at: At, Place((id, user_id)): Place<(i64, i64)>) -> Reply {
    let filter = UserFilter {
        id: Some(user_id),
        ..UserFilter::default()
    };
    let user = at
        .read(move |store, scope| store.users(scope, &filter, Page::ONE))
        .await?
        .pop();
    // Whoever asks again after it was done is answered as before.
    let Some(user) = user else {
        let done = at.act(Command::RemoveMember(UserId(user_id))).await?;
        return answer::done(&done, None);
    };
    match user.team_id {
        Some(team_id) if team_id != id => {
            return Err(fault::not_found("the user does not belong to the team"));
        }
        Some(_) => {
            at.guard.if_version.get_or_insert(user.version);
        }
        None => {}
    }
    let done = at.act(Command::RemoveMember(UserId(user_id))).await?;
    answer::done(&done, None)
}
