//! `/v1/users`: people, and what they may do. Whoever is no owner changes nothing about owners,
//! nor makes one.

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::access::Least;
use super::answer::{self, Reply};
use super::at::{At, Find, Place};
use super::fault;
use super::problem::Problem;
use super::routes::{Routes, Shape};
use super::words::there;
use crate::money::Nanos;
use crate::store::governance::{
    Command, NewUser, Page, Password, PasswordHash, Role, TeamRole, UserChange, UserFilter, UserId,
    UserRow, UserStanding, UserStatus,
};

pub(super) fn routes(routes: Routes) -> Routes {
    let one = Shape::one::<UserRow>;
    routes
        .on(
            ("GET", "/v1/users"),
            Shape::page::<UserRow>().find::<Which>(),
            list,
        )
        .on(
            ("POST", "/v1/users"),
            one().body::<UserNew>().status("201"),
            create,
        )
        .on(("GET", "/v1/users/{id}"), one(), read)
        .on(
            ("PATCH", "/v1/users/{id}"),
            one().body::<UserPatch>(),
            change,
        )
        .on(
            ("PUT", "/v1/users/{id}/status"),
            one().body::<Standing>(),
            stand,
        )
        .on(
            ("PUT", "/v1/users/{id}/password"),
            one().body::<PasswordNew>(),
            password,
        )
        .on(("POST", "/v1/users/{id}/void"), one(), void)
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Which {
    /// At most so many, 1 to 500; 100 if nobody says.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Of this team.
    team_id: Option<i64>,
    /// With this address.
    email: Option<String>,
    /// In this role.
    #[param(inline)]
    role: Option<Role>,
    /// In this status.
    #[param(inline)]
    status: Option<UserStatus>,
}

/// A user to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UserNew {
    /// Unique in the whole house.
    email: String,
    /// What people call them; their address if nobody says.
    name: Option<String>,
    /// Team, if any.
    team_id: Option<i64>,
    /// In the organisation; member if nobody says.
    role: Option<Role>,
    /// In the team; member if nobody says.
    team_role: Option<TeamRole>,
    /// What the personal quota is set to each period.
    #[schema(value_type = Option<String>)]
    personal_quota: Option<Nanos>,
    /// The name an identity provider knows them by.
    subject: Option<String>,
    /// 15 characters or more; without one they cannot log in with a password.
    #[schema(format = Password)]
    password: Option<String>,
}

/// The owner of a tenant to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewOwner {
    /// Unique in the whole house.
    email: String,
    /// What people call them; their address if nobody says.
    name: Option<String>,
    /// The name an identity provider knows them by.
    subject: Option<String>,
    /// 15 characters or more.
    #[schema(format = Password)]
    password: Option<String>,
}

/// What changes about a user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UserPatch {
    /// What people call them.
    name: Option<String>,
    /// Address.
    email: Option<String>,
    /// In the organisation.
    role: Option<Role>,
    /// In the team.
    team_role: Option<TeamRole>,
    /// What the personal quota is set to each period.
    #[schema(value_type = Option<String>)]
    personal_quota: Option<Nanos>,
    /// The name an identity provider knows them by; null takes it away.
    #[serde(default, deserialize_with = "there")]
    #[schema(value_type = Option<String>)]
    subject: Option<Option<String>>,
}

/// Whether a user may use the gateway.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Standing {
    /// From now on; a closed user stays closed.
    status: UserStatus,
}

/// A password for a user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordNew {
    /// 15 characters or more; null: no log-in with a password.
    #[schema(format = Password)]
    password: Option<String>,
}

async fn list(at: At, Find(which): Find<Which>) -> Reply {
    let page = answer::page(which.limit, which.cursor.as_deref())?;
    let filter = UserFilter {
        team_id: which.team_id,
        email: which.email,
        role: which.role,
        status: which.status,
        ..UserFilter::default()
    };
    let rows = at
        .read(move |store, scope| store.users(scope, &filter, page))
        .await?;
    answer::rows(&rows, page, |row| row.id)
}

/// The user of an id, within what the caller reaches.
async fn get(at: &At, id: i64) -> Result<UserRow, Problem> {
    let filter = UserFilter {
        id: Some(id),
        ..UserFilter::default()
    };
    at.one("user", move |store, scope| {
        store.users(scope, &filter, Page::ONE)
    })
    .await
}

async fn read(at: At, Place(id): Place<i64>) -> Reply {
    answer::row(&get(&at, id).await?)
}

/// Refuses what concerns an owner to whoever is none. The version that was looked at is the one
/// that may be changed, so nobody becomes an owner in between.
pub(super) async fn not_an_owners(at: &mut At, id: i64) -> Result<(), Problem> {
    if at.level >= Least::Owner {
        return Ok(());
    }
    let row = get(at, id).await?;
    if row.role == Role::Owner && at.person()?.user_id != id {
        return Err(fault::forbidden(
            "only owners change what concerns an owner",
        ));
    }
    at.guard.if_version.get_or_insert(row.version);
    Ok(())
}

fn makes_no_owner(at: &At, role: Option<Role>) -> Result<(), Problem> {
    match role {
        Some(Role::Owner) if at.level < Least::Owner => {
            Err(fault::forbidden("only owners make owners"))
        }
        _ => Ok(()),
    }
}

async fn hashed(at: &At, password: Option<String>) -> Result<Option<PasswordHash>, Problem> {
    match password {
        Some(password) => at.admin.passwords.hash(password).await.map(Some),
        None => Ok(None),
    }
}

async fn create(at: At) -> Reply {
    let new: UserNew = at.body()?;
    makes_no_owner(&at, new.role)?;
    let command = Command::CreateUser(NewUser {
        org_id: at.person()?.org_id,
        team_id: new.team_id,
        name: new.name.unwrap_or_else(|| new.email.clone()),
        email: new.email,
        role: new.role.unwrap_or(Role::Member),
        team_role: new.team_role.unwrap_or(TeamRole::Member),
        personal_quota: new.personal_quota.unwrap_or(Nanos::ZERO),
        subject: new.subject,
        password: hashed(&at, new.password).await?,
    });
    answer::done(&at.act(command).await?, Some("/v1/users"))
}

impl NewOwner {
    /// The user that they become.
    pub(super) async fn into_new(self, at: &At, org_id: i64) -> Result<NewUser, Problem> {
        Ok(NewUser {
            org_id,
            team_id: None,
            name: self.name.unwrap_or_else(|| self.email.clone()),
            email: self.email,
            role: Role::Owner,
            team_role: TeamRole::Member,
            personal_quota: Nanos::ZERO,
            subject: self.subject,
            password: hashed(at, self.password).await?,
        })
    }
}

async fn change(mut at: At, Place(id): Place<i64>) -> Reply {
    let change: UserPatch = at.body()?;
    makes_no_owner(&at, change.role)?;
    not_an_owners(&mut at, id).await?;
    let command = Command::ChangeUser(UserChange {
        id,
        name: change.name,
        email: change.email,
        role: change.role,
        team_role: change.team_role,
        personal_quota: change.personal_quota,
        subject: change.subject,
    });
    answer::done(&at.act(command).await?, None)
}

async fn stand(mut at: At, Place(id): Place<i64>) -> Reply {
    let Standing { status } = at.body()?;
    not_an_owners(&mut at, id).await?;
    let command = Command::SetUserStatus(UserStanding { id, status });
    answer::done(&at.act(command).await?, None)
}

async fn password(mut at: At, Place(id): Place<i64>) -> Reply {
    let PasswordNew { password } = at.body()?;
    not_an_owners(&mut at, id).await?;
    // Of nobody who does not exist is a password hashed.
    get(&at, id).await?;
    let command = Command::SetPassword(Password {
        user_id: id,
        hash: hashed(&at, password).await?,
    });
    answer::done(&at.act(command).await?, None)
}

async fn void(mut at: At, Place(id): Place<i64>) -> Reply {
    not_an_owners(&mut at, id).await?;
    answer::done(&at.act(Command::VoidTokens(UserId(id))).await?, None)
}
