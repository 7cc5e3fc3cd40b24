//! Why: who may do what is one table that fits on two screens, not a question to each handler. A
//! route that has no row here cannot be registered, so nothing is open by oversight.

use crate::store::governance::{Person, Role, Scope, TeamRole};

/// The least role that may use a route, weakest first. Auditors count as such where they read;
/// where something changes they are members like others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Least {
    /// Nobody needs to be known.
    Anyone,
    /// Everybody who is known.
    Member,
    /// Who leads a team.
    Lead,
    /// Who reads all of an organisation.
    Auditor,
    /// Who manages an organisation.
    Admin,
    /// Who owns it.
    Owner,
}

/// What the least role reaches by a route; a stronger one reaches what is its own to reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// What is the caller's own.
    Own,
    /// What is their team's.
    Team,
    /// What is their organisation's.
    Organisation,
    /// Everything; only for people of the house's own organisation, the one of the lowest id.
    House,
}

/// Whether a request must say which version of the row it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versions {
    /// It may.
    Optional,
    /// It must, in `If-Match`.
    Required,
}

/// One route.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// In capitals.
    pub method: &'static str,
    /// With `{id}` where an id stands.
    pub path: &'static str,
    /// Who may use it.
    pub least: Least,
    /// What they reach by it.
    pub reach: Reach,
    /// Whether `If-Match` is needed.
    pub versions: Versions,
    /// What it does, in one line.
    pub about: &'static str,
}

macro_rules! table {
    ($($method:ident $path:literal $least:ident $reach:ident $versions:ident $about:literal;)+) => {
        /// Every route of the admin port.
        pub const TABLE: &[Row] = &[$(Row {
            method: stringify!($method),
            path: $path,
            least: Least::$least,
            reach: Reach::$reach,
            versions: Versions::$versions,
            about: $about,
        },)+];
    };
}

table! {
    GET "/openapi.json" Anyone Own Optional "This description";
    GET "/docs" Anyone Own Optional "This description for people";
    POST "/v1/session" Anyone Own Optional "Log in with a password or an ID token";
    DELETE "/v1/session" Member Own Optional "Log out";
    GET "/v1/me" Member Own Optional "Who asks, and what they may do";
    PATCH "/v1/me" Member Own Required "Change one's own name";
    PUT "/v1/me/password" Member Own Optional "Set one's own password, which ends all sessions";
    GET "/v1/me/sessions" Member Own Optional "Where one is logged in";
    DELETE "/v1/me/sessions" Member Own Optional "Log out everywhere";

    GET "/v1/config" Owner House Optional "The configuration that serves";
    POST "/v1/config/reload" Owner House Optional "Read the configuration again";
    GET "/v1/providers" Owner House Optional "Providers and their endpoints";
    GET "/v1/prices" Owner House Optional "What a model charges";
    GET "/v1/organisations" Owner House Optional "List the organisations";
    POST "/v1/organisations" Owner House Optional "Make an organisation";
    GET "/v1/organisations/{id}" Owner House Optional "One organisation";
    PATCH "/v1/organisations/{id}" Owner House Required "Change an organisation";
    POST "/v1/organisations/{id}/owners" Owner House Optional "Make a user who owns it";
    GET "/v1/audit/verify" Auditor House Optional "Check the audit chain, whole or from a record on";
    GET "/v1/audit/head" Auditor House Optional "Where both chains end, to be kept elsewhere";

    GET "/v1/users" Member Own Optional "List the users";
    POST "/v1/users" Admin Organisation Optional "Make a user";
    GET "/v1/users/{id}" Member Own Optional "One user";
    PATCH "/v1/users/{id}" Admin Organisation Required "Change a user";
    PUT "/v1/users/{id}/status" Admin Organisation Required "Let in, keep out, or close a user";
    PUT "/v1/users/{id}/password" Admin Organisation Optional "Set or clear a password";
    POST "/v1/users/{id}/void" Admin Organisation Optional "Make all tokens and sessions void";

    GET "/v1/teams" Lead Team Optional "List the teams";
    POST "/v1/teams" Admin Organisation Optional "Make a team";
    GET "/v1/teams/{id}" Lead Team Optional "One team";
    PATCH "/v1/teams/{id}" Admin Organisation Required "Change a team and its pool";
    DELETE "/v1/teams/{id}" Admin Organisation Required "Delete an empty team";
    GET "/v1/teams/{id}/members" Lead Team Optional "Who belongs to a team";
    PUT "/v1/teams/{id}/members/{user}" Lead Team Optional "Put a user into a team";
    DELETE "/v1/teams/{id}/members/{user}" Lead Team Optional "Take a user out of a team";

    GET "/v1/absences" Member Own Optional "List the absences";
    POST "/v1/absences" Lead Team Optional "Plan an absence";
    GET "/v1/absences/{id}" Member Own Optional "One absence";
    PATCH "/v1/absences/{id}" Lead Team Required "Move an absence";
    DELETE "/v1/absences/{id}" Lead Team Required "End an absence now, or call it off";

    GET "/v1/wallets" Member Own Optional "List the wallets";
    POST "/v1/wallets" Admin Organisation Optional "Make a wallet";
    GET "/v1/wallets/{id}" Member Own Optional "One wallet";
    PATCH "/v1/wallets/{id}" Admin Organisation Required "Change a wallet's rules";
    PUT "/v1/wallets/{id}/status" Admin Organisation Required "Freeze, open or close a wallet";
    POST "/v1/wallets/{id}/credit" Admin Organisation Optional "Bring money into a wallet";
    POST "/v1/wallets/{id}/debit" Admin Organisation Optional "Take money out of a wallet";
    POST "/v1/wallets/{id}/transfer" Admin Organisation Optional "Move money to another wallet";
    POST "/v1/wallets/{id}/adjust" Admin Organisation Optional "Correct a balance";
    POST "/v1/wallets/{id}/forgive" Admin Organisation Optional "Forgive overage";

    GET "/v1/transactions" Member Own Optional "Lines of the ledger, newest first; also as CSV";
    GET "/v1/transactions/{id}" Member Own Optional "One line of the ledger";
    POST "/v1/transactions/{id}/reconcile" Admin Organisation Optional "Replace an estimate by the cost";
    GET "/v1/usage" Member Own Optional "Usage summed up";

    GET "/v1/keys" Member Own Optional "List the API keys";
    POST "/v1/keys" Member Own Optional "Make an API key; its text is shown once";
    GET "/v1/keys/{id}" Member Own Optional "One API key";
    PATCH "/v1/keys/{id}" Member Own Required "Change an API key";
    DELETE "/v1/keys/{id}" Member Own Required "Revoke an API key";
    POST "/v1/keys/{id}/rotate" Member Own Optional "Put a new key in the place of an old one";

    GET "/v1/tokens" Member Own Optional "List the access tokens";
    POST "/v1/tokens" Member Own Optional "Make an access token; its text is shown once";
    GET "/v1/tokens/{id}" Member Own Optional "One access token";
    DELETE "/v1/tokens/{id}" Member Own Optional "Revoke an access token";

    GET "/v1/denied-tokens" Auditor House Optional "Tokens of other issuers that are refused";
    POST "/v1/denied-tokens" Admin House Optional "Refuse a token of another issuer, by its jti";
    DELETE "/v1/denied-tokens/{id}" Admin House Optional "Take such a token again";

    GET "/v1/guards" Member Own Optional "List the policies of guards";
    GET "/v1/guards/report" Member Own Optional "What guards found, summed up";
    GET "/v1/organisations/{id}/guards" Auditor Organisation Optional "An organisation's policy of guards";
    PUT "/v1/organisations/{id}/guards" Admin Organisation Optional "Set an organisation's policy of guards";
    DELETE "/v1/organisations/{id}/guards" Admin Organisation Required "Take that policy away";
    GET "/v1/organisations/{id}/guards/effective" Auditor Organisation Optional "All that holds for an organisation";
    GET "/v1/teams/{id}/guards" Lead Team Optional "A team's policy of guards";
    PUT "/v1/teams/{id}/guards" Admin Organisation Optional "Set a team's policy of guards";
    DELETE "/v1/teams/{id}/guards" Admin Organisation Required "Take that policy away";
    GET "/v1/teams/{id}/guards/effective" Lead Team Optional "All that holds for a team";
    GET "/v1/keys/{id}/guards" Member Own Optional "A key's policy of guards";
    PUT "/v1/keys/{id}/guards" Admin Organisation Optional "Set a key's policy of guards";
    DELETE "/v1/keys/{id}/guards" Admin Organisation Required "Take that policy away";
    GET "/v1/keys/{id}/guards/effective" Member Own Optional "All that holds for a key";

    GET "/v1/audit" Auditor Organisation Optional "Links of the audit chain, newest first";
}

/// The row of a route.
#[must_use]
pub fn row(method: &str, path: &str) -> Option<&'static Row> {
    let mut rows = TABLE.iter();
    rows.find(|row| row.method == method && row.path == path)
}

impl Row {
    /// Whether it only reads.
    #[must_use]
    pub fn reads(&self) -> bool {
        self.method == "GET"
    }

    /// What a person reaches by this route, with the role that lets them; `None` when they may
    /// not use it. `is_house` tells whether their organisation is the house's own.
    #[must_use]
    pub fn admits(&self, person: &Person, is_house: bool) -> Option<(Least, Scope)> {
        let (level, scope) = standing(person, self.reads());
        match self.reach {
            _ if level < self.least => None,
            Reach::House => is_house.then_some((level, Scope::House)),
            _ => Some((level, scope)),
        }
    }
}

/// The strongest role of a person, and what it reaches.
fn standing(person: &Person, reads: bool) -> (Least, Scope) {
    let org_id = person.org_id;
    let all = Scope::Organisation(org_id);
    match (person.role, person.team_role, person.team_id) {
        (Role::Owner, _, _) => (Least::Owner, all),
        (Role::Admin, _, _) => (Least::Admin, all),
        (Role::Auditor, _, _) if reads => (Least::Auditor, all),
        (_, TeamRole::Lead, Some(team_id)) => (Least::Lead, Scope::Team { org_id, team_id }),
        _ => {
            let user_id = person.user_id;
            (Least::Member, Scope::User { org_id, user_id })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(role: Role, team_role: TeamRole) -> Person {
        Person {
            user_id: 7,
            org_id: 1,
            team_id: Some(3),
            email: "a@b.example".into(),
            name: "Ada".into(),
            subject: None,
            role,
            team_role,
            is_active: true,
            tokens_valid_after: 0,
        }
    }

    #[test]
    fn no_route_stands_twice_in_the_table() {
        for (at, row) in TABLE.iter().enumerate() {
            let mut later = TABLE[at + 1..].iter();
            assert!(!later.any(|other| (other.method, other.path) == (row.method, row.path)));
        }
    }

    #[test]
    fn each_role_reaches_what_is_its_own_to_reach() {
        for row in TABLE {
            let fits = match row.reach {
                Reach::Own => row.least <= Least::Member,
                Reach::Team => row.least == Least::Lead,
                Reach::Organisation | Reach::House => row.least >= Least::Auditor,
            };
            assert!(fits, "{row:?}");
            assert!(row.reads() || row.least != Least::Auditor, "{row:?}");
        }
    }

    #[test]
    fn only_the_house_reaches_the_house() {
        let owner = person(Role::Owner, TeamRole::Member);
        let config = row("GET", "/v1/config").unwrap();
        assert_eq!(config.admits(&owner, false), None);
        assert_eq!(
            config.admits(&owner, true),
            Some((Least::Owner, Scope::House))
        );
        let admin = person(Role::Admin, TeamRole::Lead);
        assert_eq!(config.admits(&admin, true), None);
    }

    #[test]
    fn an_auditor_reads_everything_and_changes_only_what_a_member_may() {
        let auditor = person(Role::Auditor, TeamRole::Member);
        let list = row("GET", "/v1/keys").unwrap();
        let make = row("POST", "/v1/keys").unwrap();
        let scope = |row: &Row| row.admits(&auditor, false).map(|(_, scope)| scope);
        assert_eq!(scope(list), Some(Scope::Organisation(1)));
        let own = Scope::User {
            org_id: 1,
            user_id: 7,
        };
        assert_eq!(scope(make), Some(own));
        assert_eq!(scope(row("POST", "/v1/teams").unwrap()), None);
    }

    #[test]
    fn a_lead_reaches_their_team_and_a_member_themselves() {
        let lead = person(Role::Member, TeamRole::Lead);
        let team = Scope::Team {
            org_id: 1,
            team_id: 3,
        };
        let plan = row("POST", "/v1/absences").unwrap();
        assert_eq!(plan.admits(&lead, false), Some((Least::Lead, team)));
        let member = person(Role::Member, TeamRole::Member);
        assert_eq!(plan.admits(&member, false), None);
    }
}
