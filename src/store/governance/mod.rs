//! Why: what people manage (tenants, teams, users, absences, wallets, keys, tokens, sessions) is
//! changed in one place, where a change, its version, its audit link and the answer to a repeated
//! request are one transaction.
//!
//! Whoever acts sees only what lies inside their [`Scope`]; the rest does not exist for them.
//! Whether they may do what they ask is decided by the caller, by role.

mod absences;
mod api_keys;
mod apply;
mod audit_log;
mod change;
mod check;
mod command;
mod denied;
mod guard_findings;
mod guard_policies;
mod members;
mod money;
mod organisations;
mod people;
mod query;
mod read;
mod refill;
mod rows;
mod select;
mod serve;
mod sessions;
mod teams;
#[cfg(test)]
mod tests;
mod tokens;
mod transactions;
mod usage;
mod users;
mod wallets;
mod words;

use serde::{Deserialize, Serialize};

use super::StoreFault;
use crate::audit::{AuditRecord, Head};

pub use command::{
    AbsenceChange, AbsenceId, Adjustment, Command, DenialId, Forgiveness, KeyChange, KeyId,
    Membership, Movement, NewAbsence, NewDenial, NewOrganisation, NewSession, NewTeam, NewToken,
    NewUser, NewWallet, OrganisationChange, Password, PasswordHash, Reconciliation, Rotation,
    SessionHash, TeamChange, TeamId, TokenId, Transfer, UserChange, UserId, UserStanding,
    WalletChange, WalletStanding, WalletTerms,
};
pub use guard_policies::{GuardOwner, NewGuardPolicy};
pub use query::{
    AbsenceFilter, AuditFilter, Credential, FindingCount, FindingFilter, GuardPolicyFilter,
    Identified, KeyFilter, MAX_PAGE, OrganisationFilter, Page, PolicyEvent, Proof, TeamFilter,
    TokenFilter, TransactionCursor, TransactionFilter, UsageFilter, UserFilter, WalletFilter,
};
pub use rows::{
    AbsenceRow, ApiKeyRow, AuditRow, DeniedRow, FindingRow, GuardPolicyRow, MovedLine,
    OrganisationRow, Person, SessionRow, TeamRow, TokenRow, TransactionRow, UsageRow, UserRow,
    WalletRow,
};
pub use words::{
    AbsenceState, FindingsBy, GroupBy, GuardOwnerType, Mode, OrganisationStatus, Period, Role,
    TeamRole, UserStatus,
};

/// Who acts, for the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    /// E.g. `user:7`, `token:0123456789AB`, `cli`.
    pub actor: String,
    /// Row id of the user, if one acts.
    pub user_id: Option<i64>,
    /// Their tenant.
    pub org_id: Option<i64>,
    /// From where.
    pub ip: Option<String>,
    /// Unix milliseconds.
    pub now_ms: i64,
}

/// What exists for whoever acts. All else is [`StoreFault::NotFound`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    House,
    /// One tenant.
    Organisation(i64),
    /// One team, its members and what is theirs.
    Team {
        /// Tenant.
        org_id: i64,
        /// Team.
        team_id: i64,
    },
    /// One user and what is theirs.
    User {
        /// Tenant.
        org_id: i64,
        /// User.
        user_id: i64,
    },
}

/// What protects a command from being done twice or over someone else's change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    /// The same request of the same actor is done once, and answered the same again.
    pub idempotency: Option<Idempotency>,
    /// The change is made only if the row is still of this version.
    pub if_version: Option<i64>,
}

/// What tells a repeated request from another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// Chosen by the client, 1 to 200 characters.
    pub key: String,
    /// Of all that makes the request.
    pub request: [u8; 32],
}

/// What a command did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The row as it is now.
    pub entity: Entity,
    /// The answer of an earlier, equal request: nothing was done now. A secret that the caller
    /// drew for this request is worth nothing.
    pub replayed: bool,
}

/// What a command was about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entity {
    /// A tenant.
    Organisation(OrganisationRow),
    /// A team.
    Team(TeamRow),
    /// A user.
    User(UserRow),
    /// An absence.
    Absence(AbsenceRow),
    /// A wallet.
    Wallet(WalletRow),
    /// A wallet, and the lines of the ledger that moved it.
    Money {
        /// As it is now; of a transfer the one that paid.
        wallet: WalletRow,
        /// What all lines have in common.
        request_id: uuid::Uuid,
        /// The lines that were written.
        lines: Vec<MovedLine>,
    },
    /// The lines of the ledger that corrected an estimate.
    Lines(Vec<MovedLine>),
    /// A key.
    Key(ApiKeyRow),
    /// An access token.
    Token(TokenRow),
    /// A denied token of another issuer.
    Denied(DeniedRow),
    /// A session.
    Session(SessionRow),
    /// A policy of guards.
    GuardPolicy(GuardPolicyRow),
    /// What was asked for is gone; so many rows.
    Gone(u64),
}

/// What people manage. Every method blocks and is one transaction.
pub trait Governance: Send + Sync {
    /// Does one act, records it in the audit chain, and answers the row as it is then.
    ///
    /// # Errors
    /// [`StoreFault::NotFound`] for what is outside the scope, [`StoreFault::Refused`] for a value
    /// that breaks a rule, [`StoreFault::Conflict`] for what another row forbids,
    /// [`StoreFault::Stale`] for another version, [`StoreFault::OtherRequest`] for an idempotency
    /// key that was used for something else.
    fn apply(
        &self,
        by: &By,
        scope: &Scope,
        command: Command,
        guard: &Guard,
    ) -> Result<Done, StoreFault>;

    /// Tenants, oldest first.
    fn organisations(
        &self,
        scope: &Scope,
        filter: &OrganisationFilter,
        page: Page,
    ) -> Result<Vec<OrganisationRow>, StoreFault>;

    /// Teams, oldest first.
    fn teams(
        &self,
        scope: &Scope,
        filter: &TeamFilter,
        page: Page,
    ) -> Result<Vec<TeamRow>, StoreFault>;

    /// Users, oldest first.
    fn users(
        &self,
        scope: &Scope,
        filter: &UserFilter,
        page: Page,
    ) -> Result<Vec<UserRow>, StoreFault>;

    /// Absences, oldest first.
    fn absences(
        &self,
        scope: &Scope,
        filter: &AbsenceFilter,
        page: Page,
    ) -> Result<Vec<AbsenceRow>, StoreFault>;

    /// Wallets, oldest first.
    fn wallets(
        &self,
        scope: &Scope,
        filter: &WalletFilter,
        page: Page,
    ) -> Result<Vec<WalletRow>, StoreFault>;

    /// Keys, oldest first.
    fn api_keys(
        &self,
        scope: &Scope,
        filter: &KeyFilter,
        page: Page,
    ) -> Result<Vec<ApiKeyRow>, StoreFault>;

    /// Access tokens, oldest first.
    fn tokens(
        &self,
        scope: &Scope,
        filter: &TokenFilter,
        page: Page,
    ) -> Result<Vec<TokenRow>, StoreFault>;

    /// Tokens of other issuers that are refused, oldest first; they are the house's.
    fn denied_tokens(&self, page: Page) -> Result<Vec<DeniedRow>, StoreFault>;

    /// All of them, by issuer and `jti`.
    fn denials(&self) -> Result<Vec<(String, String)>, StoreFault>;

    /// Notes when keys were last used: row ids and Unix milliseconds. Nobody is told of it.
    fn note_used(&self, keys: &[(i64, i64)]) -> Result<(), StoreFault>;

    /// Policies of guards, oldest first.
    fn guard_policies(
        &self,
        scope: &Scope,
        filter: &GuardPolicyFilter,
        page: Page,
    ) -> Result<Vec<GuardPolicyRow>, StoreFault>;

    /// All of them.
    fn all_guard_policies(&self) -> Result<Vec<GuardPolicyRow>, StoreFault>;

    /// Adds to what guards found, all or none.
    fn count_findings(&self, counts: &[FindingCount]) -> Result<(), StoreFault>;

    /// What guards found, summed up; most first, days in their order.
    fn findings(
        &self,
        scope: &Scope,
        filter: &FindingFilter,
    ) -> Result<Vec<FindingRow>, StoreFault>;

    /// The sessions of a user, newest first, at most [`MAX_PAGE`].
    fn sessions(&self, scope: &Scope, user_id: i64) -> Result<Vec<SessionRow>, StoreFault>;

    /// Lines of the ledger, newest first.
    fn transactions(
        &self,
        scope: &Scope,
        filter: &TransactionFilter,
        after: Option<TransactionCursor>,
        limit: u32,
    ) -> Result<Vec<TransactionRow>, StoreFault>;

    /// Usage summed up, dearest first; days in their order.
    fn usage(&self, scope: &Scope, filter: &UsageFilter) -> Result<Vec<UsageRow>, StoreFault>;

    /// Links of the audit chain, newest first.
    fn audit_log(
        &self,
        scope: &Scope,
        filter: &AuditFilter,
        page: Page,
    ) -> Result<Vec<AuditRow>, StoreFault>;

    /// Links of the audit chain in their order, to be verified.
    fn audit_chain(&self, page: Page) -> Result<Vec<AuditRecord>, StoreFault>;

    /// Where the audit chain ends.
    fn audit_head(&self) -> Result<Head, StoreFault>;

    /// Records refusals of the data plane in the audit chain, all or none.
    fn record(&self, events: &[PolicyEvent]) -> Result<(), StoreFault>;

    /// Everybody, for those who read tokens without asking the store each time.
    fn people(&self) -> Result<Vec<Person>, StoreFault>;

    /// Whom a credential names.
    fn identify(&self, credential: Credential<'_>) -> Result<Option<Identified>, StoreFault>;

    /// Forgets what is out of date: answers to repeated requests after a day, sessions and denied
    /// tokens after their end, what guards found after 400 days. Answers how many rows.
    fn tidy(&self, now_ms: i64) -> Result<u64, StoreFault>;
}
