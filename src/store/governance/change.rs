//! Why: what an act did is told once, and becomes the answer, the link in the audit chain and
//! what a repeated request gets.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::super::StoreFault;
use super::{
    AbsenceRow, ApiKeyRow, By, Entity, GuardPolicyRow, MovedLine, OrganisationRow, Scope, TeamRow,
    TokenRow, UserRow, WalletRow,
};

/// The circumstances of an act.
pub(super) struct Cx<'a> {
    pub(super) by: &'a By,
    pub(super) scope: &'a Scope,
    pub(super) if_version: Option<i64>,
}

impl Cx<'_> {
    /// Refuses when the row is not of the version that the caller has seen.
    pub(super) fn is_fresh(&self, version: i64) -> Result<(), StoreFault> {
        match self.if_version {
            Some(seen) if seen != version => Err(StoreFault::Stale { current: version }),
            _ => Ok(()),
        }
    }
}

impl Scope {
    /// Whether a row of this tenant, team and user lies inside.
    pub(super) fn admits(&self, org: i64, team: Option<i64>, user: Option<i64>) -> bool {
        match *self {
            Self::House => true,
            Self::Organisation(org_id) => org_id == org,
            Self::Team { org_id, team_id } => org_id == org && team == Some(team_id),
            Self::User { org_id, user_id } => org_id == org && user == Some(user_id),
        }
    }
}

/// A row that people manage.
pub(super) trait Managed: Serialize {
    /// What it is called in the audit log.
    const NOUN: &'static str;
    /// Row id.
    fn id(&self) -> i64;
    /// Tenant.
    fn org_id(&self) -> i64;
    /// Wrapped for the answer.
    fn entity(self) -> Entity;
}

macro_rules! managed {
    ($($row:ident: $noun:literal, $org:ident, $entity:ident;)+) => {
        $(impl Managed for $row {
            const NOUN: &'static str = $noun;

            fn id(&self) -> i64 {
                self.id
            }

            fn org_id(&self) -> i64 {
                self.$org
            }

            fn entity(self) -> Entity {
                Entity::$entity(self)
            }
        })+
    };
}

managed! {
    OrganisationRow: "organisation", id, Organisation;
    TeamRow: "team", org_id, Team;
    UserRow: "user", org_id, User;
    AbsenceRow: "absence", org_id, Absence;
    WalletRow: "wallet", org_id, Wallet;
    ApiKeyRow: "api_key", org_id, Key;
    TokenRow: "access_token", org_id, Token;
    GuardPolicyRow: "guard_policy", org_id, GuardPolicy;
}

/// An act: the verb and its past.
#[derive(Clone, Copy)]
pub(super) struct Act(pub(super) &'static str, pub(super) &'static str);

impl Act {
    pub(super) const CREATE: Self = Self("create", "created");
    pub(super) const UPDATE: Self = Self("update", "updated");
    pub(super) const DELETE: Self = Self("delete", "deleted");
    pub(super) const REVOKE: Self = Self("revoke", "revoked");
    pub(super) const ROTATE: Self = Self("rotate", "rotated");
    pub(super) const END: Self = Self("end", "ended");
}

/// What an act did.
pub(super) struct Change {
    pub(super) event_type: String,
    pub(super) action: &'static str,
    pub(super) target: String,
    pub(super) org_id: Option<i64>,
    pub(super) details: Value,
    pub(super) entity: Entity,
}

impl Change {
    /// A row was made.
    pub(super) fn created<T: Managed>(row: T) -> Self {
        let details = json!({ "created": plain(&row) });
        Self::on(Act::CREATE, row, details)
    }

    /// A row was changed: each field with what it was and is.
    pub(super) fn changed<T: Managed>(act: Act, before: &T, after: T) -> Self {
        let changed = difference(&plain(before), &plain(&after));
        Self::on(act, after, json!({ "changed": changed }))
    }

    /// A row is gone.
    pub(super) fn deleted<T: Managed>(row: T) -> Self {
        let details = json!({ "deleted": plain(&row) });
        Self {
            entity: Entity::Gone(1),
            ..Self::on(Act::DELETE, row, details)
        }
    }

    /// Something else was done to a row.
    pub(super) fn on<T: Managed>(act: Act, row: T, details: Value) -> Self {
        Self {
            event_type: format!("{}.{}", T::NOUN, act.1),
            action: act.0,
            target: format!("{}:{}", T::NOUN, row.id()),
            org_id: Some(row.org_id()),
            details,
            entity: row.entity(),
        }
    }

    /// Tells more about it.
    pub(super) fn noting(mut self, name: &str, value: Value) -> Self {
        if let Value::Object(details) = &mut self.details {
            details.insert(name.to_owned(), value);
        }
        self
    }

    /// Names the lines of money that it moved besides, with their hashes.
    pub(super) fn moving(self, lines: &[MovedLine]) -> Self {
        match lines.is_empty() {
            true => self,
            false => self.noting("lines", json!(lines)),
        }
    }
}

/// A row as JSON. Rows have no map with odd keys, which alone could fail.
fn plain<T: Serialize>(row: &T) -> Value {
    serde_json::to_value(row).unwrap_or_default()
}

/// The fields that differ. The version always does and says nothing.
fn difference(before: &Value, after: &Value) -> Map<String, Value> {
    let empty = Map::new();
    let was = before.as_object().unwrap_or(&empty);
    let is = after.as_object().unwrap_or(&empty);
    is.iter()
        .filter(|(name, _)| *name != "version")
        .filter(|(name, value)| was.get(*name) != Some(*value))
        .map(|(name, value)| (name.clone(), json!({ "from": was.get(name), "to": value })))
        .collect()
}

/// JSON of which there is one text only: fields in the order of their names.
pub(super) fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_unstable_by_key(|(name, _)| *name);
            let fields = sorted.into_iter();
            Value::Object(
                fields
                    .map(|(name, value)| (name.clone(), canonical(value)))
                    .collect(),
            )
        }
        Value::Array(values) => Value::Array(values.iter().map(canonical).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_name_what_changed_and_nothing_else() {
        let before = json!({ "id": 1, "name": "a", "pool": "1.0", "version": 1 });
        let after = json!({ "id": 1, "name": "b", "pool": "1.0", "version": 2 });
        let changed = Value::Object(difference(&before, &after));
        assert_eq!(changed, json!({ "name": { "from": "a", "to": "b" } }));
    }

    #[test]
    fn one_value_has_one_text_however_it_was_put_together() {
        let one = json!({ "b": [{ "y": 1, "x": 2 }], "a": null });
        let other = json!({ "a": null, "b": [{ "x": 2, "y": 1 }] });
        let text = canonical(&one).to_string();
        assert_eq!(text, canonical(&other).to_string());
        assert_eq!(text, r#"{"a":null,"b":[{"x":2,"y":1}]}"#);
    }

    #[test]
    fn a_scope_admits_what_lies_inside_it() {
        let team = Scope::Team {
            org_id: 1,
            team_id: 2,
        };
        let user = Scope::User {
            org_id: 1,
            user_id: 3,
        };
        assert!(Scope::House.admits(9, None, None));
        assert!(Scope::Organisation(1).admits(1, None, None));
        assert!(!Scope::Organisation(1).admits(2, Some(2), Some(3)));
        assert!(team.admits(1, Some(2), None) && !team.admits(2, Some(2), None));
        assert!(!team.admits(1, None, Some(3)));
        assert!(user.admits(1, None, Some(3)) && !user.admits(2, None, Some(3)));
    }
}
