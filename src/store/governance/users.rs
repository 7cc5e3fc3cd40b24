//! Why: a user is who answers for keys, tokens and money. Their quota's wallet follows
//! `personal_quota`; nobody is ever deleted, since the past names them.

use super::super::sql::{Row, Sql, values};
use super::super::{OwnerType, StoreFault};
use super::change::{Act, Change, Cx};
use super::select::{Bounds, Select};
use super::{
    NewUser, Page, Password, PasswordHash, Role, Scope, TeamRole, UserChange, UserFilter, UserId,
    UserRow, UserStanding, UserStatus, check, read, refill, sessions, teams,
};
use serde_json::json;

const ROWS: &str = "SELECT u.id, u.org_id, u.team_id, u.email, u.name, u.role, u.team_role, \
     u.status, u.personal_quota, u.used_tokens, \
     CASE WHEN u.password_hash IS NULL THEN 0 ELSE 1 END, u.subject, u.tokens_valid_after, \
     u.version, u.created_at FROM users u";
const BOUNDS: Bounds = Bounds {
    org: "u.org_id = ?",
    team: Some("u.team_id = ?"),
    user: Some("u.id = ?"),
};

pub(super) fn list(
    sql: &mut dyn Sql,
    scope: &Scope,
    filter: &UserFilter,
    page: Page,
) -> Result<Vec<UserRow>, StoreFault> {
    let email = filter.email.as_ref().map(|email| email.to_lowercase());
    Select::new(ROWS)
        .within(scope, &BOUNDS)
        .and_if("u.id = ?", filter.id)
        .and_if("u.org_id = ?", filter.org_id)
        .and_if("u.team_id = ?", filter.team_id)
        .and_if("lower(u.email) = ?", email)
        .and_if("u.role = ?", filter.role.map(Role::word))
        .and_if("u.status = ?", filter.status.map(UserStatus::word))
        .page("u.id > ?", "ORDER BY u.id", page)
        .read(sql, row)
}

pub(super) fn get(sql: &mut dyn Sql, scope: &Scope, id: i64) -> Result<UserRow, StoreFault> {
    let filter = UserFilter {
        id: Some(id),
        ..UserFilter::default()
    };
    let found = list(sql, scope, &filter, Page::ONE)?.pop();
    found.ok_or(StoreFault::NotFound("user"))
}

fn row(row: &Row) -> Result<UserRow, StoreFault> {
    Ok(UserRow {
        id: row.int(0)?,
        org_id: row.int(1)?,
        team_id: row.int_or_null(2)?,
        email: read::text(row, 3)?,
        name: read::text(row, 4)?,
        role: read::word(row, 5, Role::read)?,
        team_role: read::word(row, 6, TeamRole::read)?,
        status: read::word(row, 7, UserStatus::read)?,
        personal_quota: read::nanos(row, 8)?,
        used_tokens: row.int(9)?,
        has_password: row.flag(10)?,
        subject: read::text_or_null(row, 11)?,
        tokens_valid_after: row.int(12)?,
        version: row.int(13)?,
        created_at: row.int(14)?,
    })
}

pub(super) fn create(sql: &mut dyn Sql, cx: &Cx<'_>, new: &NewUser) -> Result<Change, StoreFault> {
    if !cx.scope.admits(new.org_id, new.team_id, None) {
        return Err(StoreFault::NotFound("organisation"));
    }
    let organisation = super::organisations::get(sql, &Scope::House, new.org_id)?;
    if let Some(team_id) = new.team_id {
        teams::get(sql, &Scope::Organisation(organisation.id), team_id)?;
    }
    check::name(&new.name)?;
    check::subject(new.subject.as_deref())?;
    check::password(new.password.as_ref())?;
    check::not_negative(new.personal_quota, "the quota must not be negative")?;
    let email = check::email(&new.email)?;
    is_free(sql, &email, new.subject.as_deref(), 0)?;
    let made = sql.one(
        "INSERT INTO users (org_id, team_id, email, name, role, is_admin, team_role, \
         personal_quota, subject, password_hash, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id",
        values![
            new.org_id,
            new.team_id,
            email,
            &new.name,
            new.role.word(),
            is_admin(new.role),
            team_role(new.team_id, new.team_role).word(),
            new.personal_quota.get(),
            new.subject.as_ref(),
            new.password.as_ref().map(|PasswordHash(hash)| hash),
            cx.by.now_ms,
        ],
    )?;
    let id = made.int(0)?;
    let owner = (OwnerType::Quota, id, new.org_id);
    let lines = refill::keep(sql, cx, owner, new.personal_quota)?;
    Ok(Change::created(get(sql, &Scope::House, id)?).moving(&lines))
}

pub(super) fn change(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    change: &UserChange,
) -> Result<Change, StoreFault> {
    let before = get(sql, cx.scope, change.id)?;
    cx.is_fresh(before.version)?;
    let name = change.name.as_ref().unwrap_or(&before.name);
    check::name(name)?;
    let email = check::email(change.email.as_ref().unwrap_or(&before.email))?;
    let subject = change
        .subject
        .as_ref()
        .unwrap_or(&before.subject)
        .as_deref();
    check::subject(subject)?;
    is_free(sql, &email, subject, before.id)?;
    let role = change.role.unwrap_or(before.role);
    if role != Role::Owner {
        keep_an_owner(sql, cx, &before)?;
    }
    let quota = change.personal_quota.unwrap_or(before.personal_quota);
    check::not_negative(quota, "the quota must not be negative")?;
    let in_team = team_role(before.team_id, change.team_role.unwrap_or(before.team_role));
    // Before the user is locked: settlements lock wallets first.
    let lines = match quota == before.personal_quota {
        true => Vec::new(),
        false => refill::keep(sql, cx, (OwnerType::Quota, before.id, before.org_id), quota)?,
    };
    sql.execute(
        "UPDATE users SET name = $2, email = $3, subject = $4, role = $5, is_admin = $6, \
         team_role = $7, personal_quota = $8, version = version + 1 WHERE id = $1",
        values![
            before.id,
            name,
            email,
            subject,
            role.word(),
            is_admin(role),
            in_team.word(),
            quota.get(),
        ],
    )?;
    Ok(after(sql, Act::UPDATE, &before)?.moving(&lines))
}

pub(super) fn set_status(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    standing: UserStanding,
) -> Result<Change, StoreFault> {
    let before = get(sql, cx.scope, standing.id)?;
    cx.is_fresh(before.version)?;
    if before.status == UserStatus::Closed && standing.status != UserStatus::Closed {
        return Err(StoreFault::Conflict("a closed user stays closed"));
    }
    let act = match standing.status {
        UserStatus::Active => Act("activate", "activated"),
        UserStatus::Suspended => Act("suspend", "suspended"),
        UserStatus::Closed => Act("close", "closed"),
    };
    let mut void_before = before.tokens_valid_after;
    if standing.status != UserStatus::Active {
        keep_an_owner(sql, cx, &before)?;
        sessions::end_all_of(sql, before.id)?;
        void_before = void_before.max(cx.by.now_ms);
    }
    sql.execute(
        "UPDATE users SET status = $2, tokens_valid_after = $3, version = version + 1 \
         WHERE id = $1",
        values![before.id, standing.status.word(), void_before],
    )?;
    after(sql, act, &before)
}

pub(super) fn set_password(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    password: &Password,
) -> Result<Change, StoreFault> {
    let before = get(sql, cx.scope, password.user_id)?;
    cx.is_fresh(before.version)?;
    check::password(password.hash.as_ref())?;
    let hash = password.hash.as_ref().map(|PasswordHash(hash)| hash);
    sql.execute(
        "UPDATE users SET password_hash = $2, version = version + 1 WHERE id = $1",
        values![before.id, hash],
    )?;
    let ended = sessions::end_all_of(sql, before.id)?;
    let act = match password.hash {
        Some(_) => Act("set_password", "password_set"),
        None => Act("clear_password", "password_cleared"),
    };
    Ok(after(sql, act, &before)?.noting("sessions_ended", json!(ended)))
}

pub(super) fn void_tokens(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    UserId(id): UserId,
) -> Result<Change, StoreFault> {
    let before = get(sql, cx.scope, id)?;
    cx.is_fresh(before.version)?;
    let now = cx.by.now_ms.max(before.tokens_valid_after);
    sql.execute(
        "UPDATE users SET tokens_valid_after = $2, version = version + 1 WHERE id = $1",
        values![id, now],
    )?;
    sessions::end_all_of(sql, id)?;
    after(sql, Act("void_tokens", "tokens_voided"), &before)
}

fn after(sql: &mut dyn Sql, act: Act, before: &UserRow) -> Result<Change, StoreFault> {
    let after = get(sql, &Scope::House, before.id)?;
    Ok(Change::changed(act, before, after))
}

/// Who is in no team leads none.
fn team_role(team_id: Option<i64>, role: TeamRole) -> TeamRole {
    team_id.map_or(TeamRole::Member, |_| role)
}

/// The flag that came before the roles, kept in step with them.
fn is_admin(role: Role) -> bool {
    matches!(role, Role::Owner | Role::Admin)
}

/// An organisation must not lock itself out. The house can mend it, so the house may do it.
fn keep_an_owner(sql: &mut dyn Sql, cx: &Cx<'_>, user: &UserRow) -> Result<(), StoreFault> {
    let is_owner = user.role == Role::Owner && user.status == UserStatus::Active;
    if *cx.scope == Scope::House || !is_owner {
        return Ok(());
    }
    let other = sql.first(
        "SELECT id FROM users WHERE org_id = $1 AND role = 'owner' AND status = 'active' \
         AND id <> $2 LIMIT 1",
        values![user.org_id, user.id],
    )?;
    match other {
        Some(_) => Ok(()),
        None => Err(StoreFault::Conflict(
            "an organisation keeps at least one active owner",
        )),
    }
}

/// Every address and every subject belongs to one user.
fn is_free(
    sql: &mut dyn Sql,
    email: &str,
    subject: Option<&str>,
    own: i64,
) -> Result<(), StoreFault> {
    let taken = sql.first(
        "SELECT id FROM users WHERE lower(email) = $1 AND id <> $2",
        values![email, own],
    )?;
    if taken.is_some() {
        return Err(StoreFault::Conflict(
            "another user has this e-mail address already",
        ));
    }
    let Some(subject) = subject else {
        return Ok(());
    };
    let taken = sql.first(
        "SELECT id FROM users WHERE subject = $1 AND id <> $2",
        values![subject, own],
    )?;
    match taken {
        Some(_) => Err(StoreFault::Conflict(
            "another user has this subject already",
        )),
        None => Ok(()),
    }
}
