//! Why: who belongs to a team shares its pool, and who leads it manages it. A user is in one team
//! at a time.

use super::super::StoreFault;
use super::super::sql::{Sql, Value, values};
use super::change::{Act, Change, Cx};
use super::{Membership, Scope, TeamRole, UserId, UserRow, teams, users};

pub(super) fn put(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    membership: Membership,
) -> Result<Change, StoreFault> {
    let user = users::get(sql, cx.scope, membership.user_id)?;
    cx.is_fresh(user.version)?;
    // A lead may change roles inside the team, never send someone elsewhere.
    let team = teams::get(sql, cx.scope, membership.team_id)?;
    if team.org_id != user.org_id {
        return Err(StoreFault::Conflict(
            "the team belongs to another organisation",
        ));
    }
    let act = match user.team_id == Some(team.id) {
        true => Act("set_team_role", "team_role_set"),
        false => Act("join_team", "joined_team"),
    };
    place(sql, &user, Some(team.id), membership.role)?;
    moved(sql, act, &user)
}

pub(super) fn remove(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    UserId(id): UserId,
) -> Result<Change, StoreFault> {
    let user = users::get(sql, cx.scope, id)?;
    cx.is_fresh(user.version)?;
    if user.team_id.is_none() {
        return Err(StoreFault::Conflict("the user is in no team"));
    }
    place(sql, &user, None, TeamRole::Member)?;
    moved(sql, Act("leave_team", "left_team"), &user)
}

fn place(
    sql: &mut dyn Sql,
    user: &UserRow,
    team_id: Option<i64>,
    role: TeamRole,
) -> Result<(), StoreFault> {
    let team_id = Value::from(team_id);
    sql.execute(
        "UPDATE users SET team_id = $2, team_role = $3, version = version + 1 WHERE id = $1",
        values![user.id, team_id, role.word()],
    )?;
    Ok(())
}

fn moved(sql: &mut dyn Sql, act: Act, before: &UserRow) -> Result<Change, StoreFault> {
    let after = users::get(sql, &Scope::House, before.id)?;
    Ok(Change::changed(act, before, after))
}
