//! Why: what people manage, as the store answers it. No secret and no hash of one is in any of
//! these rows, so each may be shown, kept for a replay and written into the audit log.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::{OwnerType, WalletStatus};
use super::words::{
    AbsenceState, GuardOwnerType, Mode, OrganisationStatus, Period, Role, TeamRole, UserStatus,
};
use crate::money::Nanos;

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrganisationRow {
    /// Row id.
    pub id: i64,
    /// Unique.
    pub name: String,
    /// Whether it may use the gateway.
    pub status: OrganisationStatus,
    /// Who pays first.
    pub funding_order: Vec<OwnerType>,
    /// Factor on the provider's price in millionths.
    pub markup_ppm: u32,
    /// Counts the changes of the row.
    pub version: i64,
    /// Unix milliseconds.
    pub created_at: i64,
}

/// A team of an organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TeamRow {
    /// Row id.
    pub id: i64,
    /// Tenant.
    pub org_id: i64,
    /// Unique in its organisation.
    pub name: String,
    /// What the pool is set to each period.
    #[schema(value_type = String)]
    pub common_pool: Nanos,
    /// Spent of the pool in this period.
    #[schema(value_type = String)]
    pub used_pool: Nanos,
    /// How much of an absent member's quota is lent to the pool.
    pub vacation_share_pct: u8,
    /// Who pays first; none leaves it to the organisation.
    pub funding_order: Option<Vec<OwnerType>>,
    /// Factor on the provider's price in millionths; none leaves it to the organisation.
    pub markup_ppm: Option<u32>,
    /// How many users belong to it.
    pub members: i64,
    /// Counts the changes of the row.
    pub version: i64,
    /// Unix milliseconds.
    pub created_at: i64,
}

/// A person, or a machine that acts as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserRow {
    /// Row id.
    pub id: i64,
    /// Tenant.
    pub org_id: i64,
    /// Team, if any.
    pub team_id: Option<i64>,
    /// Unique in the whole house, in small letters.
    pub email: String,
    /// What people call them.
    pub name: String,
    /// In the organisation.
    pub role: Role,
    /// In the team.
    pub team_role: TeamRole,
    /// Whether they may use the gateway.
    pub status: UserStatus,
    /// What the personal quota is set to each period.
    #[schema(value_type = String)]
    pub personal_quota: Nanos,
    /// Tokens used so far.
    pub used_tokens: i64,
    /// Whether a password is set.
    pub has_password: bool,
    /// The name an identity provider knows them by; unique.
    pub subject: Option<String>,
    /// Tokens and sessions issued before this moment are void; Unix milliseconds.
    pub tokens_valid_after: i64,
    /// Counts the changes of the row.
    pub version: i64,
    /// Unix milliseconds.
    pub created_at: i64,
}

/// A time during which a member's unused quota helps the team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AbsenceRow {
    /// Row id.
    pub id: i64,
    /// Tenant.
    pub org_id: i64,
    /// Who is absent.
    pub user_id: i64,
    /// Unix milliseconds.
    pub starts_at: i64,
    /// Unix milliseconds.
    pub ends_at: i64,
    /// How far it has got.
    pub state: AbsenceState,
    /// Lent to the pool.
    #[schema(value_type = String)]
    pub lent: Nanos,
    /// Given back so far.
    #[schema(value_type = String)]
    pub reclaimed: Nanos,
    /// Counts the changes of the row.
    pub version: i64,
    /// Unix milliseconds.
    pub created_at: i64,
}

/// Anything with a bound on what is spent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WalletRow {
    /// Row id.
    pub id: i64,
    /// Tenant.
    pub org_id: i64,
    /// Whose it is.
    pub owner_type: OwnerType,
    /// Row id of the owner; 0 for the house.
    pub owner_id: i64,
    /// Posted.
    #[schema(value_type = String)]
    pub balance: Nanos,
    /// Of the balance: what no process has leased.
    #[schema(value_type = String)]
    pub unleased: Nanos,
    /// Of the balance: leased by processes and not spent, as far as they have settled.
    #[schema(value_type = String)]
    pub leased: Nanos,
    /// Usage posted in this period.
    #[schema(value_type = String)]
    pub spent: Nanos,
    /// Spent beyond what could be reserved; no part of the balance.
    #[schema(value_type = String)]
    pub overage: Nanos,
    /// How far the balance may fall below zero.
    #[schema(value_type = String)]
    pub overdraft: Nanos,
    /// The most that is spent in a period.
    #[schema(value_type = Option<String>)]
    pub hard_limit: Option<Nanos>,
    /// Spent in a period beyond this, callers are warned.
    #[schema(value_type = Option<String>)]
    pub soft_limit: Option<Nanos>,
    /// How much of a request's possible cost is held.
    pub mode: Mode,
    /// The most that one request holds in mode `cap`.
    #[schema(value_type = Option<String>)]
    pub cap: Option<Nanos>,
    /// How often it begins anew.
    pub period: Period,
    /// What the balance is set to when a period begins.
    #[schema(value_type = Option<String>)]
    pub allowance: Option<Nanos>,
    /// Unix milliseconds.
    pub period_start: i64,
    /// Whether it may be used.
    pub status: WalletStatus,
    /// Counts the changes that people made.
    pub version: i64,
    /// Unix milliseconds.
    pub created_at: i64,
}

/// An API key as people manage it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApiKeyRow {
    /// Row id.
    pub id: i64,
    /// Tenant of the owner.
    pub org_id: i64,
    /// The key's own team, else its owner's.
    pub team_id: Option<i64>,
    /// Owner.
    pub user_id: i64,
    /// What people call it.
    pub name: String,
    /// The environment part of the key text.
    pub env: String,
    /// Twelve characters, part of the key text and no secret.
    pub public_id: String,
    /// The last four characters of the key text, no secret.
    pub last4: String,
    /// Model names the key may use; none allows all.
    pub models: Option<Vec<String>>,
    /// Requests per minute of this key alone.
    pub requests_per_minute: Option<u64>,
    /// Tokens per minute of this key alone.
    pub tokens_per_minute: Option<u64>,
    /// False once the key is revoked, or its owner or their organisation is not active.
    pub is_active: bool,
    /// Unix milliseconds from which it is refused.
    pub expires_at: Option<i64>,
    /// Unix milliseconds.
    pub revoked_at: Option<i64>,
    /// The key that takes its place.
    pub rotated_to: Option<i64>,
    /// Unix milliseconds.
    pub last_used_at: Option<i64>,
    /// Counts the changes of the row.
    pub version: i64,
    /// Unix milliseconds.
    pub created_at: i64,
}

/// A token with which a machine uses the admin API as the user it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenRow {
    /// Row id.
    pub id: i64,
    /// Tenant of the user.
    pub org_id: i64,
    /// Whose it is.
    pub user_id: i64,
    /// What people call it.
    pub name: String,
    /// Twelve characters, part of the token and no secret.
    pub public_id: String,
    /// Unix milliseconds from which it is refused.
    pub expires_at: Option<i64>,
    /// Unix milliseconds.
    pub revoked_at: Option<i64>,
    /// Unix milliseconds.
    pub created_at: i64,
}

/// A token of another issuer that is refused, by its own name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeniedRow {
    /// Row id.
    pub id: i64,
    /// The issuer's name in the configuration.
    pub issuer: String,
    /// The token's own name.
    pub jti: String,
    /// Why.
    pub note: Option<String>,
    /// Unix milliseconds from which the token is refused by itself.
    pub expires_at: i64,
    /// Unix milliseconds.
    pub created_at: i64,
}

/// A person who is logged in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionRow {
    /// Who.
    pub user_id: i64,
    /// From where.
    pub ip_address: Option<String>,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds from which it is refused.
    pub expires_at: i64,
}

/// One line of an act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MovedLine {
    /// Id of the transaction.
    pub id: Uuid,
    /// The wallet it moved.
    pub wallet_id: Option<i64>,
    /// By how much; below zero takes.
    #[schema(value_type = String)]
    pub amount: Nanos,
    /// What the wallet held afterwards.
    #[schema(value_type = Option<String>)]
    pub balance_after: Option<Nanos>,
    /// Of the whole line, in hexadecimal; the audit log holds it too.
    pub hash: String,
}

/// One line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TransactionRow {
    /// Its name.
    pub id: Uuid,
    /// Alfred's own id of the request or act.
    pub request_id: Uuid,
    /// Which attempt, counted from 1; 0 for what no request did.
    pub attempt: u8,
    /// `usage`, `cap`, `overage`, `undelivered`, `credit`, `debit`, `transfer`, `lend`,
    /// `reclaim`, `reset`, `adjustment` or `forgiven`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Which wallet of the attempt, counted from 0.
    pub leg: u8,
    /// Tenant.
    pub org_id: Option<i64>,
    /// Team.
    pub team_id: Option<i64>,
    /// User.
    pub user_id: Option<i64>,
    /// Key.
    pub key_id: Option<i64>,
    /// The wallet it moved.
    pub wallet_id: Option<i64>,
    /// By how much; below zero takes.
    #[schema(value_type = String)]
    pub amount: Nanos,
    /// The wallet's balance then.
    #[schema(value_type = Option<String>)]
    pub balance_after: Option<Nanos>,
    /// The model that answered.
    pub model: Option<String>,
    /// Whose.
    pub provider: Option<String>,
    /// Prompt tokens.
    pub prompt_tokens: i64,
    /// Answer tokens.
    pub completion_tokens: i64,
    /// Of the prompt: read from the provider's cache.
    pub cached_tokens: i64,
    /// Of the prompt: written to it.
    pub cache_write_tokens: i64,
    /// Of the answer: hidden reasoning.
    pub reasoning_tokens: i64,
    /// The whole cost of the attempt, on the first leg.
    #[schema(value_type = String)]
    pub cost: Nanos,
    /// The tokens or the cost are a guess.
    pub estimated: bool,
    /// Who counted: `none`, `provider`, `local` or `hold`.
    pub usage_source: String,
    /// The price table in force.
    pub price_version: Option<i64>,
    /// The batch it was posted in.
    pub settlement: Option<i64>,
    /// Its place in that batch.
    pub position: Option<i64>,
    /// Leaf of the Merkle tree, in hexadecimal.
    pub hash: String,
    /// What it takes back.
    pub reverses: Option<Uuid>,
    /// What a person wrote.
    pub note: Option<String>,
    /// Unix milliseconds.
    pub created_at: i64,
}

/// Usage summed up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UsageRow {
    /// A row id, a model or provider name, or the first moment of a day in Unix milliseconds;
    /// none where nobody is known.
    pub group: Option<String>,
    /// Answered attempts.
    pub requests: i64,
    /// Prompt tokens.
    pub prompt_tokens: i64,
    /// Answer tokens.
    pub completion_tokens: i64,
    /// Of the prompt: read from the provider's cache.
    pub cached_tokens: i64,
    /// Of the answer: hidden reasoning.
    pub reasoning_tokens: i64,
    /// What they cost.
    #[schema(value_type = String)]
    pub cost: Nanos,
    /// Of the requests: those whose tokens or cost are a guess.
    pub estimated: i64,
}

/// What a tenant, a team or a key wants its texts screened with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GuardPolicyRow {
    /// Row id.
    pub id: i64,
    /// Tenant.
    pub org_id: i64,
    /// Whose.
    pub owner_type: GuardOwnerType,
    /// Row id of the owner.
    pub owner_id: i64,
    /// The team whose policy is above it; of a key only.
    pub team_id: Option<i64>,
    /// `filters` and `guard`, as in the configuration.
    #[schema(value_type = Object)]
    pub policy: serde_json::Value,
    /// Counts the changes of the row.
    pub version: i64,
    /// Unix milliseconds.
    pub created_at: i64,
}

/// Findings of guards summed up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FindingRow {
    /// A rule, a kind, an action, a direction, a row id, or the first moment of a day in Unix
    /// milliseconds; none where nobody is known.
    pub group: Option<String>,
    /// How often something was found.
    pub findings: i64,
    /// Of them: those that changed the text or stopped it.
    pub acted: i64,
    /// Of them: those that stopped it.
    pub blocked: i64,
    /// Of all: those of dry runs, in which nothing was done.
    pub dry_run: i64,
}

/// One link of the audit chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditRow {
    /// Place in the chain, counted from 1.
    pub id: i64,
    /// What happened, e.g. `user.created`.
    pub event_type: String,
    /// Tenant it happened in.
    pub org_id: Option<i64>,
    /// The user who acted.
    pub user_id: Option<i64>,
    /// Who acted, e.g. `user:7`.
    pub actor: String,
    /// The verb, e.g. `create`.
    pub action: String,
    /// On what, e.g. `user:12`.
    pub target: String,
    /// Canonical JSON.
    pub details: String,
    /// From where.
    pub ip_address: Option<String>,
    /// Of the link before, in hexadecimal.
    pub previous_hash: String,
    /// Of this link, in hexadecimal.
    pub hash: String,
    /// Unix milliseconds.
    pub created_at: i64,
}

/// A user as whoever checks a credential needs them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Row id.
    pub user_id: i64,
    /// Tenant.
    pub org_id: i64,
    /// Team, if any.
    pub team_id: Option<i64>,
    /// In small letters.
    pub email: String,
    /// What people call them.
    pub name: String,
    /// The name an identity provider knows them by.
    pub subject: Option<String>,
    /// In the organisation.
    pub role: Role,
    /// In the team.
    pub team_role: TeamRole,
    /// The user and their organisation may use the gateway.
    pub is_active: bool,
    /// Tokens and sessions issued before this moment are void; Unix milliseconds.
    pub tokens_valid_after: i64,
}
