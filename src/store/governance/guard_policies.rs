//! Why: what may stand in texts is for tenants, teams and keys to decide, each within what is above
//! it. Here their policies are kept; what they mean is known to whoever screens.

use serde_json::Value;

use super::super::StoreFault;
use super::super::sql::{Row, Sql, values};
use super::change::{Act, Change, Cx, canonical};
use super::select::{Bounds, Select};
use super::{
    GuardOwnerType, GuardPolicyFilter, GuardPolicyRow, Page, Scope, api_keys, check, organisations,
    read, teams,
};

/// Longest policy, in bytes of JSON.
const MAX_POLICY: usize = 64 * 1024;

/// Whose texts a policy of guards is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuardOwner {
    /// A tenant, a team or a key.
    pub kind: GuardOwnerType,
    /// Its row id.
    pub id: i64,
}

impl From<GuardOwner> for GuardPolicyFilter {
    fn from(owner: GuardOwner) -> Self {
        Self {
            org_id: None,
            owner_type: Some(owner.kind),
            owner_id: Some(owner.id),
        }
    }
}

/// A policy of guards to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewGuardPolicy {
    /// Whose.
    pub owner: GuardOwner,
    /// An object with the members `filters` and `guard` of the configuration; checked by the caller.
    pub policy: Value,
}

const ROWS: &str = "SELECT g.id, g.org_id, \
     CASE WHEN g.key_id IS NOT NULL THEN 'key' WHEN g.team_id IS NOT NULL THEN 'team' \
     ELSE 'organisation' END, coalesce(g.key_id, g.team_id, g.org_id), \
     coalesce(k.team_id, u.team_id), g.policy, g.version, g.created_at FROM guard_policies g \
     LEFT JOIN api_keys k ON k.id = g.key_id LEFT JOIN users u ON u.id = k.user_id";
const BOUNDS: Bounds = Bounds {
    org: "g.org_id = ?",
    team: Some("g.team_id = ? OR coalesce(k.team_id, u.team_id) = ?"),
    user: Some("k.user_id = ?"),
};

pub(super) fn list(
    sql: &mut dyn Sql,
    scope: &Scope,
    filter: &GuardPolicyFilter,
    page: Page,
) -> Result<Vec<GuardPolicyRow>, StoreFault> {
    let kind = filter.owner_type.map(|kind| match kind {
        GuardOwnerType::Organisation => "g.team_id IS NULL AND g.key_id IS NULL",
        GuardOwnerType::Team => "g.team_id IS NOT NULL",
        GuardOwnerType::Key => "g.key_id IS NOT NULL",
    });
    let mut select = Select::new(ROWS)
        .within(scope, &BOUNDS)
        .and_if("g.org_id = ?", filter.org_id)
        .and_if(
            "coalesce(g.key_id, g.team_id, g.org_id) = ?",
            filter.owner_id,
        );
    if let Some(kind) = kind {
        select = select.and(kind, &[]);
    }
    select
        .page("g.id > ?", "ORDER BY g.id", page)
        .read(sql, row)
}

/// Every policy, for those who screen.
pub(super) fn all(sql: &mut dyn Sql) -> Result<Vec<GuardPolicyRow>, StoreFault> {
    let rows = sql.query(&format!("{ROWS} ORDER BY g.id"), &[])?;
    rows.iter().map(row).collect()
}

fn find(sql: &mut dyn Sql, owner: GuardOwner) -> Result<Option<GuardPolicyRow>, StoreFault> {
    Ok(list(sql, &Scope::House, &owner.into(), Page::ONE)?.pop())
}

fn row(row: &Row) -> Result<GuardPolicyRow, StoreFault> {
    let policy = serde_json::from_str(row.text(5)?);
    Ok(GuardPolicyRow {
        id: row.int(0)?,
        org_id: row.int(1)?,
        owner_type: read::word(row, 2, GuardOwnerType::read)?,
        owner_id: row.int(3)?,
        team_id: row.int_or_null(4)?,
        policy: policy.map_err(|_| StoreFault::Unreadable { column: 5 })?,
        version: row.int(6)?,
        created_at: row.int(7)?,
    })
}

/// Sets what an owner wants; the first time there is no version to compare with.
pub(super) fn set(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    new: &NewGuardPolicy,
) -> Result<Change, StoreFault> {
    let (org_id, team_id, key_id) = place(sql, cx.scope, new.owner)?;
    check::that(new.policy.is_object(), "a policy is an object")?;
    let policy = canonical(&new.policy).to_string();
    check::that(
        policy.len() <= MAX_POLICY,
        "the policy is longer than 65,536 bytes",
    )?;
    let Some(before) = find(sql, new.owner)? else {
        cx.is_fresh(0)?;
        sql.execute(
            "INSERT INTO guard_policies (org_id, team_id, key_id, policy, created_at) \
             VALUES ($1, $2, $3, $4, $5)",
            values![org_id, team_id, key_id, policy, cx.by.now_ms],
        )?;
        return Ok(Change::created(get(sql, new.owner)?));
    };
    cx.is_fresh(before.version)?;
    sql.execute(
        "UPDATE guard_policies SET policy = $2, version = version + 1 WHERE id = $1",
        values![before.id, policy],
    )?;
    let after = get(sql, new.owner)?;
    Ok(Change::changed(Act::UPDATE, &before, after))
}

/// Takes a policy away.
pub(super) fn drop(
    sql: &mut dyn Sql,
    cx: &Cx<'_>,
    owner: GuardOwner,
) -> Result<Change, StoreFault> {
    place(sql, cx.scope, owner)?;
    let before = get(sql, owner)?;
    cx.is_fresh(before.version)?;
    sql.execute(
        "DELETE FROM guard_policies WHERE id = $1",
        values![before.id],
    )?;
    Ok(Change::deleted(before))
}

fn get(sql: &mut dyn Sql, owner: GuardOwner) -> Result<GuardPolicyRow, StoreFault> {
    find(sql, owner)?.ok_or(StoreFault::NotFound("guard policy"))
}

/// Tenant, team and key of an owner who lies inside the scope.
fn place(
    sql: &mut dyn Sql,
    scope: &Scope,
    owner: GuardOwner,
) -> Result<(i64, Option<i64>, Option<i64>), StoreFault> {
    match owner.kind {
        GuardOwnerType::Organisation => {
            let org = organisations::get(sql, scope, owner.id)?;
            Ok((org.id, None, None))
        }
        GuardOwnerType::Team => {
            let team = teams::get(sql, scope, owner.id)?;
            Ok((team.org_id, Some(team.id), None))
        }
        GuardOwnerType::Key => {
            let key = api_keys::get(sql, scope, owner.id)?;
            Ok((key.org_id, None, Some(key.id)))
        }
    }
}
