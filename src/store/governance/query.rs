//! Why: lists are asked for by a few plain values. Every list is bounded, and goes on where the
//! page before ended however much was written meanwhile.

use uuid::Uuid;

use super::super::{OwnerType, WalletStatus};
use super::command::PasswordHash;
use super::rows::Person;
use super::words::{
    AbsenceState, FindingsBy, GroupBy, GuardOwnerType, OrganisationStatus, Role, UserStatus,
};

/// Most rows of one page.
pub const MAX_PAGE: u32 = 1_000;

/// Which part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Id of the last row of the page before.
    pub after: Option<i64>,
    /// At most so many rows, 1 to [`MAX_PAGE`].
    pub limit: u32,
}

impl Page {
    /// The one row that a filter by id finds.
    pub const ONE: Self = Self {
        after: None,
        limit: 1,
    };
    /// As long as a page can be.
    pub const FIRST: Self = Self {
        after: None,
        limit: MAX_PAGE,
    };
}

/// Which tenants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrganisationFilter {
    /// This one.
    pub id: Option<i64>,
    /// Of this name.
    pub name: Option<String>,
    /// In this status.
    pub status: Option<OrganisationStatus>,
}

/// Which teams.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TeamFilter {
    /// This one.
    pub id: Option<i64>,
    /// Of this tenant.
    pub org_id: Option<i64>,
    /// Of this name.
    pub name: Option<String>,
}

/// Which users.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// This one.
    pub id: Option<i64>,
    /// Of this tenant.
    pub org_id: Option<i64>,
    /// Of this team.
    pub team_id: Option<i64>,
    /// With this address, in whatever case.
    pub email: Option<String>,
    /// In this role.
    pub role: Option<Role>,
    /// In this status.
    pub status: Option<UserStatus>,
}

/// Which absences.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AbsenceFilter {
    /// This one.
    pub id: Option<i64>,
    /// Of this tenant.
    pub org_id: Option<i64>,
    /// Of members of this team.
    pub team_id: Option<i64>,
    /// Of this user.
    pub user_id: Option<i64>,
    /// In this state.
    pub state: Option<AbsenceState>,
}

/// Which wallets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WalletFilter {
    /// This one.
    pub id: Option<i64>,
    /// Of this tenant.
    pub org_id: Option<i64>,
    /// Of this kind of owner.
    pub owner_type: Option<OwnerType>,
    /// Of this owner.
    pub owner_id: Option<i64>,
    /// In this status.
    pub status: Option<WalletStatus>,
}

/// Which keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyFilter {
    /// This one.
    pub id: Option<i64>,
    /// This one.
    pub public_id: Option<String>,
    /// Of this tenant.
    pub org_id: Option<i64>,
    /// Of this team.
    pub team_id: Option<i64>,
    /// Of this user.
    pub user_id: Option<i64>,
    /// Whether it is in use, or no more.
    pub is_active: Option<bool>,
}

/// Which access tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenFilter {
    /// This one.
    pub id: Option<i64>,
    /// Of this tenant.
    pub org_id: Option<i64>,
    /// Of this user.
    pub user_id: Option<i64>,
}

/// Which lines of the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransactionFilter {
    /// This one.
    pub id: Option<Uuid>,
    /// Of this request.
    pub request_id: Option<Uuid>,
    /// Of this tenant.
    pub org_id: Option<i64>,
    /// Of this team.
    pub team_id: Option<i64>,
    /// Of this user.
    pub user_id: Option<i64>,
    /// Of this key.
    pub key_id: Option<i64>,
    /// Of this wallet.
    pub wallet_id: Option<i64>,
    /// Of this model.
    pub model: Option<String>,
    /// Of this provider.
    pub provider: Option<String>,
    /// Of this type.
    pub kind: Option<String>,
    /// Unix milliseconds, this moment included.
    pub from_ms: Option<i64>,
    /// Unix milliseconds, this moment excluded.
    pub until_ms: Option<i64>,
}

/// The last line of the page before; lines come newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransactionCursor {
    /// Its time.
    pub created_at: i64,
    /// Its id.
    pub id: Uuid,
}

/// Which usage, summed up by what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageFilter {
    /// By what.
    pub by: GroupBy,
    /// Of this tenant.
    pub org_id: Option<i64>,
    /// Of this team.
    pub team_id: Option<i64>,
    /// Of this user.
    pub user_id: Option<i64>,
    /// Of this key.
    pub key_id: Option<i64>,
    /// Of this model.
    pub model: Option<String>,
    /// Of this provider.
    pub provider: Option<String>,
    /// Unix milliseconds, this moment included.
    pub from_ms: i64,
    /// Unix milliseconds, this moment excluded.
    pub until_ms: i64,
}

/// Which policies of guards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuardPolicyFilter {
    /// Of this tenant.
    pub org_id: Option<i64>,
    /// Of this kind of owner.
    pub owner_type: Option<GuardOwnerType>,
    /// Of this owner.
    pub owner_id: Option<i64>,
}

/// How often a guard found what, to be added to its day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingCount {
    /// Its first moment, Unix milliseconds.
    pub day: i64,
    /// Tenant.
    pub org_id: Option<i64>,
    /// Team.
    pub team_id: Option<i64>,
    /// Who asked.
    pub user_id: Option<i64>,
    /// With which key.
    pub key_id: Option<i64>,
    /// `request` or `answer`.
    pub direction: &'static str,
    /// What was found.
    pub kind: &'static str,
    /// By which rule.
    pub rule: &'static str,
    /// What was done.
    pub action: &'static str,
    /// Or would have been done.
    pub dry_run: bool,
    /// So often, at least once.
    pub count: u64,
}

/// Which findings, and by what they are summed up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingFilter {
    /// By what.
    pub by: FindingsBy,
    /// Of this team.
    pub team_id: Option<i64>,
    /// Of this user.
    pub user_id: Option<i64>,
    /// Of this key.
    pub key_id: Option<i64>,
    /// In a `request` or an `answer`.
    pub direction: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
    /// Whether they were only found, or dealt with.
    pub dry_run: Option<bool>,
    /// Unix milliseconds, this day included.
    pub from_ms: i64,
    /// Unix milliseconds, this moment excluded.
    pub until_ms: i64,
}

/// Which links of the audit chain; newest first, `after` is the last id of the page before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// This one.
    pub id: Option<i64>,
    /// Of this tenant.
    pub org_id: Option<i64>,
    /// By this user.
    pub user_id: Option<i64>,
    /// By this actor.
    pub actor: Option<String>,
    /// Of this kind.
    pub event_type: Option<String>,
    /// On this.
    pub target: Option<String>,
    /// Unix milliseconds, this moment included.
    pub from_ms: Option<i64>,
    /// Unix milliseconds, this moment excluded.
    pub until_ms: Option<i64>,
}

/// By what somebody is to be known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Credential<'a> {
    /// The hash of a session's token.
    Session(&'a [u8; 32]),
    /// The public id of an access token.
    Token(&'a str),
    /// An e-mail address, with a password to come.
    Email(&'a str),
}

/// Whom a credential names. The caller still compares the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Identified {
    /// Who.
    pub person: Person,
    /// What was found with them.
    pub proof: Proof,
}

/// What the store knows of a credential.
#[derive(Clone, PartialEq, Eq)]
pub enum Proof {
    /// The session is there; nothing is left to compare.
    Session {
        /// Unix milliseconds.
        created_at: i64,
        /// Unix milliseconds.
        expires_at: i64,
    },
    /// The hash that the whole token must have.
    Token {
        /// Row id.
        id: i64,
        /// Keyed hash of the whole token.
        hash: [u8; 32],
        /// Which pepper keyed it.
        pepper_version: u32,
        /// Unix milliseconds.
        created_at: i64,
        /// Unix milliseconds.
        expires_at: Option<i64>,
        /// Unix milliseconds.
        revoked_at: Option<i64>,
    },
    /// The hash that the password must have; none: no password opens.
    Password(Option<PasswordHash>),
}

impl Identified {
    /// Whether the credential may be honoured now if its secret is right: its person is active,
    /// and it is neither expired nor revoked nor void.
    #[must_use]
    pub fn stands(&self, now_ms: i64) -> bool {
        let void = |created_at: i64| created_at < self.person.tokens_valid_after;
        let is_good = match &self.proof {
            Proof::Session {
                created_at,
                expires_at,
            } => now_ms < *expires_at && !void(*created_at),
            Proof::Token {
                created_at,
                expires_at,
                revoked_at,
                ..
            } => {
                expires_at.is_none_or(|end| now_ms < end)
                    && revoked_at.is_none()
                    && !void(*created_at)
            }
            Proof::Password(hash) => hash.is_some(),
        };
        self.person.is_active && is_good
    }
}

/// A refusal that the data plane made, for the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyEvent {
    /// What happened, e.g. `policy.model_refused`.
    pub event_type: String,
    /// Tenant.
    pub org_id: Option<i64>,
    /// User.
    pub user_id: Option<i64>,
    /// Who, e.g. `key:0123456789AB`.
    pub actor: String,
    /// The verb, e.g. `refuse`.
    pub action: String,
    /// On what, e.g. `model:gpt-5`.
    pub target: String,
    /// More about it; never a secret or a prompt.
    pub details: serde_json::Value,
    /// From where.
    pub ip: Option<String>,
    /// Unix milliseconds.
    pub at_ms: i64,
}
