//! Why: each act of administration is a plain value, so that every way in (API, command line,
//! tests) asks alike, and one place decides, writes and records.
//!
//! In a change `None` leaves a value as it is; where a value may be absent, `Some(None)` takes it
//! away.

use uuid::Uuid;

use super::super::{NewKey, OwnerType, WalletStatus};
use super::guard_policies::{GuardOwner, NewGuardPolicy};
use super::words::{Mode, OrganisationStatus, Period, Role, TeamRole, UserStatus};
use crate::money::Nanos;

/// One administrative act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Makes a tenant; for the whole house only.
    CreateOrganisation(NewOrganisation),
    /// Changes a tenant.
    ChangeOrganisation(OrganisationChange),
    /// Makes a team.
    CreateTeam(NewTeam),
    /// Changes a team, and its pool with it.
    ChangeTeam(TeamChange),
    /// Deletes a team without members, keys and money.
    DeleteTeam(TeamId),
    /// Makes a user.
    CreateUser(NewUser),
    /// Changes a user, and their quota with it.
    ChangeUser(UserChange),
    /// Lets a user in again, keeps them out for now, or for ever.
    SetUserStatus(UserStanding),
    /// Sets or clears a password, and ends the user's sessions.
    SetPassword(Password),
    /// Makes every token and session of the user void that was issued before now.
    VoidTokens(UserId),
    /// Puts a user into a team, as its lead or as a member.
    PutMember(Membership),
    /// Takes a user out of their team.
    RemoveMember(UserId),
    /// Plans an absence.
    PlanAbsence(NewAbsence),
    /// Moves an absence.
    ChangeAbsence(AbsenceChange),
    /// Ends an absence now, or calls it off.
    EndAbsence(AbsenceId),
    /// Makes a wallet for an owner who has none.
    CreateWallet(NewWallet),
    /// Changes the rules of a wallet.
    ChangeWallet(WalletChange),
    /// Freezes, opens or closes a wallet.
    SetWalletStatus(WalletStanding),
    /// Brings money into a wallet from the house.
    Credit(Movement),
    /// Takes money out of a wallet to the house.
    Debit(Movement),
    /// Moves money between two wallets of one organisation.
    Transfer(Transfer),
    /// Corrects a balance either way.
    Adjust(Adjustment),
    /// Replaces an estimate by what the provider says it cost.
    Reconcile(Reconciliation),
    /// Forgives what was spent beyond what could be reserved.
    ForgiveOverage(Forgiveness),
    /// Stores a key that the caller has drawn.
    CreateKey(NewKey),
    /// Changes a key.
    ChangeKey(KeyChange),
    /// Puts a new key in the place of an old one.
    RotateKey(Rotation),
    /// Ends a key now.
    RevokeKey(KeyId),
    /// Stores an access token that the caller has drawn.
    CreateToken(NewToken),
    /// Ends an access token now.
    RevokeToken(TokenId),
    /// Refuses a token of another issuer from now on.
    DenyToken(NewDenial),
    /// Takes that back.
    AllowToken(DenialId),
    /// Stores a session that the caller has drawn.
    CreateSession(NewSession),
    /// Logs out.
    EndSession(SessionHash),
    /// Logs a user out everywhere.
    EndSessions(UserId),
    /// Sets a policy of guards, in the place of an older one.
    SetGuardPolicy(NewGuardPolicy),
    /// Takes a policy of guards away: what is above it holds alone.
    DropGuardPolicy(GuardOwner),
}

macro_rules! ids {
    ($($(#[$about:meta])* $name:ident,)+) => {
        $($(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name(pub i64);)+
    };
}

ids! {
    /// Row id of a denied token of another issuer.
    DenialId,
    /// Row id of a team.
    TeamId,
    /// Row id of a user.
    UserId,
    /// Row id of an absence.
    AbsenceId,
    /// Row id of a key.
    KeyId,
    /// Row id of an access token.
    TokenId,
}

/// A tenant to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrganisation {
    /// Unique, 1 to 200 characters.
    pub name: String,
    /// Who pays first; none is quota, user, team.
    pub funding_order: Option<Vec<OwnerType>>,
    /// Factor in millionths; none is 1,000,000.
    pub markup_ppm: Option<u32>,
}

/// What changes about a tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrganisationChange {
    /// Which.
    pub id: i64,
    /// Its name.
    pub name: Option<String>,
    /// Whether it may use the gateway.
    pub status: Option<OrganisationStatus>,
    /// Who pays first.
    pub funding_order: Option<Vec<OwnerType>>,
    /// Factor in millionths.
    pub markup_ppm: Option<u32>,
}

/// A team to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewTeam {
    /// Tenant.
    pub org_id: i64,
    /// Unique in its organisation, 1 to 200 characters.
    pub name: String,
    /// What the pool is set to each period.
    pub common_pool: Nanos,
    /// 0 to 100.
    pub vacation_share_pct: u8,
    /// Who pays first; none leaves it to the organisation.
    pub funding_order: Option<Vec<OwnerType>>,
    /// Factor in millionths; none leaves it to the organisation.
    pub markup_ppm: Option<u32>,
}

/// What changes about a team.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TeamChange {
    /// Which.
    pub id: i64,
    /// Its name.
    pub name: Option<String>,
    /// What the pool is set to each period.
    pub common_pool: Option<Nanos>,
    /// 0 to 100.
    pub vacation_share_pct: Option<u8>,
    /// Who pays first.
    pub funding_order: Option<Option<Vec<OwnerType>>>,
    /// Factor in millionths.
    pub markup_ppm: Option<Option<u32>>,
}

/// A user to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUser {
    /// Tenant.
    pub org_id: i64,
    /// Team, if any.
    pub team_id: Option<i64>,
    /// Unique in the whole house; kept in small letters.
    pub email: String,
    /// 1 to 200 characters.
    pub name: String,
    /// In the organisation.
    pub role: Role,
    /// In the team.
    pub team_role: TeamRole,
    /// What the personal quota is set to each period.
    pub personal_quota: Nanos,
    /// The name an identity provider knows them by.
    pub subject: Option<String>,
    /// None: no log-in with a password.
    pub password: Option<PasswordHash>,
}

/// What changes about a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserChange {
    /// Which.
    pub id: i64,
    /// What people call them.
    pub name: Option<String>,
    /// Address.
    pub email: Option<String>,
    /// In the organisation.
    pub role: Option<Role>,
    /// In the team.
    pub team_role: Option<TeamRole>,
    /// What the personal quota is set to each period.
    pub personal_quota: Option<Nanos>,
    /// The name an identity provider knows them by.
    pub subject: Option<Option<String>>,
}

/// Whether a user may use the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserStanding {
    /// Which.
    pub id: i64,
    /// From now on. A closed user stays closed.
    pub status: UserStatus,
}

/// What a password became: parameters, salt and hash in one text, made by the caller.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub String);

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(***)")
    }
}

/// A password for a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Password {
    /// Whose.
    pub user_id: i64,
    /// None: no log-in with a password.
    pub hash: Option<PasswordHash>,
}

/// Who belongs where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Which team.
    pub team_id: i64,
    /// Which user of the same organisation; leaves their team before.
    pub user_id: i64,
    /// As what.
    pub role: TeamRole,
}

/// An absence to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewAbsence {
    /// Who.
    pub user_id: i64,
    /// Unix milliseconds.
    pub starts_at: i64,
    /// Unix milliseconds, later than the start and than now.
    pub ends_at: i64,
}

/// What changes about an absence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AbsenceChange {
    /// Which.
    pub id: i64,
    /// Unix milliseconds; only while it lies ahead.
    pub starts_at: Option<i64>,
    /// Unix milliseconds; not once it is over.
    pub ends_at: Option<i64>,
}

/// A wallet to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewWallet {
    /// Kind of owner; the house's are made by themselves.
    pub owner_type: OwnerType,
    /// Row id of the user, team, key or organisation.
    pub owner_id: i64,
    /// How it is used.
    pub rules: WalletTerms,
}

/// How a wallet is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletTerms {
    /// How far the balance may fall below zero.
    pub overdraft: Nanos,
    /// The most that is spent in a period.
    pub hard_limit: Option<Nanos>,
    /// Spent beyond this in a period, callers are warned.
    pub soft_limit: Option<Nanos>,
    /// How much of a request's possible cost is held.
    pub mode: Mode,
    /// The most that one request holds; in mode `cap` and only there.
    pub cap: Option<Nanos>,
    /// How often it begins anew.
    pub period: Period,
    /// What the balance is set to when a period begins, and now. A quota and a team's pool get
    /// theirs from the user and the team.
    pub allowance: Option<Nanos>,
}

impl Default for WalletTerms {
    fn default() -> Self {
        Self {
            overdraft: Nanos::ZERO,
            hard_limit: None,
            soft_limit: None,
            mode: Mode::Incremental,
            cap: None,
            period: Period::None,
            allowance: None,
        }
    }
}

/// What changes about a wallet's rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WalletChange {
    /// Which.
    pub id: i64,
    /// How far the balance may fall below zero.
    pub overdraft: Option<Nanos>,
    /// The most that is spent in a period.
    pub hard_limit: Option<Option<Nanos>>,
    /// Spent beyond this in a period, callers are warned.
    pub soft_limit: Option<Option<Nanos>>,
    /// How much of a request's possible cost is held.
    pub mode: Option<Mode>,
    /// The most that one request holds.
    pub cap: Option<Option<Nanos>>,
    /// How often it begins anew.
    pub period: Option<Period>,
    /// What the balance is set to when the next period begins.
    pub allowance: Option<Option<Nanos>>,
}

/// Whether a wallet may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalletStanding {
    /// Which.
    pub id: i64,
    /// From now on. A closed wallet stays closed.
    pub status: WalletStatus,
}

/// Money in or out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// Which wallet.
    pub wallet_id: i64,
    /// More than 0.
    pub amount: Nanos,
    /// What for.
    pub note: Option<String>,
}

/// Money from one wallet to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// From.
    pub from: i64,
    /// To.
    pub to: i64,
    /// More than 0.
    pub amount: Nanos,
    /// What for.
    pub note: Option<String>,
}

/// A correction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adjustment {
    /// Which wallet.
    pub wallet_id: i64,
    /// Either way, not 0.
    pub amount: Nanos,
    /// The transaction that was wrong; it moved this wallet.
    pub reverses: Option<Uuid>,
    /// Why.
    pub note: Option<String>,
}

/// The truth about an estimate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconciliation {
    /// Any line of the attempt that was estimated.
    pub transaction: Uuid,
    /// What it really cost, 0 or more.
    pub cost: Nanos,
    /// From where that is known.
    pub note: Option<String>,
}

/// Overage let go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forgiveness {
    /// Which wallet.
    pub wallet_id: i64,
    /// How much; none is all of it.
    pub amount: Option<Nanos>,
    /// Why.
    pub note: Option<String>,
}

/// What changes about a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyChange {
    /// Which.
    pub id: i64,
    /// What people call it.
    pub name: Option<String>,
    /// Model names the key may use.
    pub models: Option<Option<Vec<String>>>,
    /// Requests per minute.
    pub requests_per_minute: Option<Option<u64>>,
    /// Tokens per minute.
    pub tokens_per_minute: Option<Option<u64>>,
    /// Unix milliseconds from which it is refused.
    pub expires_at: Option<Option<i64>>,
}

/// A new key for an old one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The old key.
    pub id: i64,
    /// For how long the old key still works, in milliseconds.
    pub overlap_ms: i64,
    /// What was drawn: `env`, `public_id`, `key_hash`, `pepper_version`, `last4`. All else, the
    /// budget included, comes from the old key.
    pub key: NewKey,
}

/// An access token to be.
#[derive(Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Whose.
    pub user_id: i64,
    /// 1 to 200 characters.
    pub name: String,
    /// Twelve characters, unique for ever.
    pub public_id: String,
    /// Keyed hash of the whole token.
    pub token_hash: [u8; 32],
    /// Which pepper keyed it.
    pub pepper_version: u32,
    /// Unix milliseconds from which it is refused.
    pub expires_at: Option<i64>,
}

impl std::fmt::Debug for NewToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewToken({}, ***)", self.public_id)
    }
}

/// A token of another issuer that shall be refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDenial {
    /// The issuer's name in the configuration.
    pub issuer: String,
    /// The token's own name, 1 to 1,000 characters.
    pub jti: String,
    /// Why, for people.
    pub note: Option<String>,
    /// Unix milliseconds from which the token is refused by itself.
    pub expires_at: i64,
}

/// The hash of a session's token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SessionHash(pub [u8; 32]);

impl std::fmt::Debug for SessionHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionHash(***)")
    }
}

/// A session to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSession {
    /// Whose.
    pub user_id: i64,
    /// Of the token that the browser keeps.
    pub token: SessionHash,
    /// Unix milliseconds from which it is refused.
    pub expires_at: i64,
}
