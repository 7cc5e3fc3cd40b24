//! Why: the sentences share two small tenants, and a short way to act.

use super::super::*;
use crate::money::Nanos;
use crate::store::sql::{Engine, Sql, SqlStore, Work};
use crate::store::{Keys, LedgerStore, NewKey, OwnerType, SqliteStore, StoreFault};
use tempfile::TempDir;
use uuid::Uuid;

/// When everything happens.
pub(super) const NOW: i64 = 1_750_000_000_000;
pub(super) const DAY: i64 = 86_400_000;

pub(super) fn fresh() -> (TempDir, SqliteStore) {
    let directory = TempDir::new().unwrap();
    let store = SqliteStore::open(directory.path()).unwrap();
    (directory, store)
}

/// A store into which a sentence may reach with its own hands.
pub(super) trait Fixture: Governance + LedgerStore + Keys {
    fn run(&self, statement: &str) -> u64;
}

impl<E: Engine> Fixture for SqlStore<E> {
    fn run(&self, statement: &str) -> u64 {
        let work = &mut |sql: &mut dyn Sql| sql.execute(statement, &[]);
        self.engine.run(Work::Governance, work).unwrap()
    }
}

pub(super) fn cli() -> By {
    at(NOW)
}

pub(super) fn at(now_ms: i64) -> By {
    By {
        actor: "cli".into(),
        user_id: None,
        org_id: None,
        ip: None,
        now_ms,
    }
}

/// Acts as the whole house.
pub(super) fn act(store: &dyn Governance, command: Command) -> Result<Entity, StoreFault> {
    act_in(store, &Scope::House, command)
}

pub(super) fn act_in(
    store: &dyn Governance,
    scope: &Scope,
    command: Command,
) -> Result<Entity, StoreFault> {
    let done = store.apply(&cli(), scope, command, &Guard::default())?;
    assert!(!done.replayed);
    Ok(done.entity)
}

macro_rules! takers {
    ($($name:ident: $variant:ident, $row:ty;)+) => {
        $(pub(super) fn $name(entity: Result<Entity, StoreFault>) -> $row {
            match entity {
                Ok(Entity::$variant(row)) => row,
                other => panic!("{other:?}"),
            }
        })+
    };
}

takers! {
    organisation: Organisation, OrganisationRow;
    team: Team, TeamRow;
    user: User, UserRow;
    absence: Absence, AbsenceRow;
    wallet: Wallet, WalletRow;
    key: Key, ApiKeyRow;
    token: Token, TokenRow;
    session: Session, SessionRow;
}

/// The wallet that money moved, and the lines.
pub(super) fn moved(entity: Result<Entity, StoreFault>) -> (WalletRow, Vec<MovedLine>) {
    match entity {
        Ok(Entity::Money { wallet, lines, .. }) => (wallet, lines),
        other => panic!("{other:?}"),
    }
}

pub(super) fn credits(credits: i64) -> Nanos {
    Nanos::new(credits * 1_000_000_000)
}

pub(super) fn new_organisation(name: &str) -> Command {
    Command::CreateOrganisation(NewOrganisation {
        name: name.into(),
        funding_order: None,
        markup_ppm: None,
    })
}

pub(super) fn new_team(org_id: i64, name: &str) -> NewTeam {
    NewTeam {
        org_id,
        name: name.into(),
        ..NewTeam::default()
    }
}

pub(super) fn new_user(org_id: i64, email: &str) -> NewUser {
    NewUser {
        org_id,
        team_id: None,
        email: email.into(),
        name: "Ada".into(),
        role: Role::Member,
        team_role: TeamRole::Member,
        personal_quota: Nanos::ZERO,
        subject: None,
        password: None,
    }
}

/// Twelve characters made of a word.
pub(super) fn public_id(word: &str) -> String {
    word.chars()
        .chain("000000000000".chars())
        .take(12)
        .collect()
}

pub(super) fn new_key(user_id: i64, word: &str) -> NewKey {
    NewKey {
        name: format!("key {word}"),
        env: "live".into(),
        public_id: public_id(word),
        key_hash: *blake3::hash(word.as_bytes()).as_bytes(),
        pepper_version: 41,
        last4: "zzzz".into(),
        models: None,
        requests_per_minute: None,
        tokens_per_minute: None,
        expires_at: None,
        user_id: Some(user_id),
        created_at: NOW,
    }
}

pub(super) fn new_token(user_id: i64, word: &str) -> NewToken {
    NewToken {
        user_id,
        name: format!("token {word}"),
        public_id: public_id(word),
        token_hash: [9; 32],
        pepper_version: 41,
        expires_at: None,
    }
}

/// A tenant with one of each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tenant {
    pub(super) org: i64,
    pub(super) team: i64,
    pub(super) lead: i64,
    pub(super) member: i64,
    pub(super) absence: i64,
    pub(super) wallet: i64,
    pub(super) team_wallet: i64,
    pub(super) key: i64,
    pub(super) token: i64,
    pub(super) session: SessionHash,
    /// A line of the ledger that credits the wallet.
    pub(super) line: Uuid,
}

impl Tenant {
    pub(super) fn scopes(&self) -> [Scope; 3] {
        let org_id = self.org;
        [
            Scope::Organisation(org_id),
            Scope::Team {
                org_id,
                team_id: self.team,
            },
            Scope::User {
                org_id,
                user_id: self.member,
            },
        ]
    }
}

/// The names of the tenants differ, their rows do not.
pub(super) fn tenant(store: &dyn Governance, name: &str) -> Tenant {
    let org = organisation(act(store, new_organisation(name))).id;
    let pool = NewTeam {
        common_pool: credits(100),
        ..new_team(org, "core")
    };
    let team = team(act(store, Command::CreateTeam(pool))).id;
    let person = |role, in_team, word: &str| {
        let new = NewUser {
            team_id: Some(team),
            role,
            team_role: in_team,
            ..new_user(org, &format!("{word}@{name}.example"))
        };
        user(act(store, Command::CreateUser(new))).id
    };
    let lead = person(Role::Owner, TeamRole::Lead, "lead");
    let member = person(Role::Member, TeamRole::Member, "member");
    let away = NewAbsence {
        user_id: member,
        starts_at: NOW + DAY,
        ends_at: NOW + 8 * DAY,
    };
    let prepaid = NewWallet {
        owner_type: OwnerType::User,
        owner_id: member,
        rules: WalletTerms::default(),
    };
    let hash = SessionHash(*blake3::hash(name.as_bytes()).as_bytes());
    let log_in = NewSession {
        user_id: member,
        token: hash,
        expires_at: NOW + DAY,
    };
    session(act(store, Command::CreateSession(log_in)));
    let of_team = WalletFilter {
        owner_type: Some(OwnerType::Team),
        owner_id: Some(team),
        ..WalletFilter::default()
    };
    let wallet = wallet(act(store, Command::CreateWallet(prepaid))).id;
    let credit = Movement {
        wallet_id: wallet,
        amount: credits(10),
        note: None,
    };
    Tenant {
        org,
        team,
        lead,
        member,
        absence: absence(act(store, Command::PlanAbsence(away))).id,
        wallet,
        line: moved(act(store, Command::Credit(credit))).1[0].id,
        team_wallet: store.wallets(&Scope::House, &of_team, Page::ONE).unwrap()[0].id,
        key: key(act(store, Command::CreateKey(new_key(member, name)))).id,
        token: token(act(store, Command::CreateToken(new_token(member, name)))).id,
        session: hash,
    }
}

/// Whether it says that there is no such thing.
pub(super) fn is_unknown<T>(answer: &Result<T, StoreFault>) -> bool {
    matches!(answer, Err(StoreFault::NotFound(_)))
}

pub(super) fn is_conflict<T>(answer: &Result<T, StoreFault>) -> bool {
    matches!(answer, Err(StoreFault::Conflict(_)))
}

pub(super) fn is_refused<T>(answer: &Result<T, StoreFault>) -> bool {
    matches!(answer, Err(StoreFault::Refused(_)))
}
