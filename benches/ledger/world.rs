//! Who calls: a tenant with people, keys and wallets, made as an administrator makes them.

use std::sync::Arc;

use alfred::ledger::{Nanos, Payer};
use alfred::store::governance::{
    By, Command, Entity, Governance, Guard, Movement, NewOrganisation, NewTeam, NewUser, NewWallet,
    Role, Scope, TeamRole, WalletTerms,
};
use alfred::store::{NewKey, OwnerType, PgStore, PostgresSettings};

use crate::Outcome;
use crate::services::Postgres;

/// A credit in nano-credits.
pub(crate) const CREDIT: i64 = 1_000_000_000;
/// More than any measurement spends.
const RICH: i64 = 1_000_000 * CREDIT;
/// People of the crowd, and their teams.
const CROWD: usize = 200;
const TEAMS: usize = 10;
/// Connections of a gateway, as the configuration has them when nobody says otherwise.
const POOL: usize = 8;

/// A database to copy, and who calls in it.
pub(crate) struct World<'a> {
    pub(crate) server: &'a Postgres,
    template: String,
    /// One wallet.
    pub(crate) plain: Payer,
    /// A key's budget, a personal quota and a team's pool, all of them rich: the quota pays, the
    /// budget counts, the pool stands by.
    pub(crate) rich: Payer,
    /// The same with a quota of one credit: a hold of more takes all three.
    pub(crate) modest: Payer,
    /// As `rich`, each with key and quota of their own, in ten teams.
    pub(crate) crowd: Vec<Payer>,
}

impl<'a> World<'a> {
    /// Makes the database that measurements copy.
    pub(crate) fn make(server: &'a Postgres) -> Outcome<Self> {
        let template = server.create_database("template");
        let store = open(&template)?;
        let mut clerk = Clerk {
            store: &store,
            made: 0,
        };
        let org = clerk.organisation()?;
        let team = clerk.team(org)?;
        let plain = clerk.owner_of_credit(org)?;
        let rich = clerk.caller(org, team, RICH)?;
        let modest = clerk.caller(org, team, CREDIT)?;
        let teams = (0..TEAMS).map(|_| clerk.team(org));
        let teams = teams.collect::<Outcome<Vec<i64>>>()?;
        let members = teams.iter().cycle().take(CROWD);
        let crowd = members.map(|team| clerk.caller(org, *team, RICH));
        Ok(Self {
            server,
            crowd: crowd.collect::<Outcome<_>>()?,
            template,
            plain,
            rich,
            modest,
        })
    }

    /// A database of its own for one measurement.
    pub(crate) fn copy(&self) -> String {
        self.server.copy_database(&self.template, "bench")
    }
}

/// Opens the store of a database.
pub(crate) fn open(url: &str) -> Outcome<Arc<PgStore>> {
    let settings = PostgresSettings {
        url: url.to_owned(),
        replica_url: None,
        pool: POOL,
        ca_file: None,
    };
    Ok(Arc::new(PgStore::open(&settings)?))
}

/// Whoever fills the database.
struct Clerk<'a> {
    store: &'a PgStore,
    made: usize,
}

impl Clerk<'_> {
    fn act(&mut self, command: Command) -> Outcome<Entity> {
        self.made += 1;
        let by = By {
            actor: "bench".to_owned(),
            user_id: None,
            org_id: None,
            ip: None,
            now_ms: now_ms(),
        };
        let done = self
            .store
            .apply(&by, &Scope::House, command, &Guard::default())?;
        Ok(done.entity)
    }

    fn organisation(&mut self) -> Outcome<i64> {
        let made = self.act(Command::CreateOrganisation(NewOrganisation {
            name: "bench".to_owned(),
            funding_order: None,
            markup_ppm: None,
        }))?;
        match made {
            Entity::Organisation(row) => Ok(row.id),
            other => Err(odd(&other)),
        }
    }

    fn team(&mut self, org_id: i64) -> Outcome<i64> {
        let team = NewTeam {
            org_id,
            name: format!("team {}", self.made),
            common_pool: Nanos::new(RICH),
            ..NewTeam::default()
        };
        match self.act(Command::CreateTeam(team))? {
            Entity::Team(row) => Ok(row.id),
            other => Err(odd(&other)),
        }
    }

    fn user(&mut self, org_id: i64, team_id: Option<i64>, quota: i64) -> Outcome<i64> {
        let user = NewUser {
            org_id,
            team_id,
            email: format!("{}@bench.invalid", self.made),
            name: "someone".to_owned(),
            role: Role::Member,
            team_role: TeamRole::Member,
            personal_quota: Nanos::new(quota),
            subject: None,
            password: None,
        };
        match self.act(Command::CreateUser(user))? {
            Entity::User(row) => Ok(row.id),
            other => Err(odd(&other)),
        }
    }

    fn key(&mut self, user_id: i64) -> Outcome<i64> {
        let key = NewKey {
            name: "bench".to_owned(),
            env: "live".to_owned(),
            public_id: format!("{:012}", self.made),
            key_hash: [7; 32],
            pepper_version: 1,
            last4: "0000".to_owned(),
            models: None,
            requests_per_minute: None,
            tokens_per_minute: None,
            expires_at: None,
            user_id: Some(user_id),
            created_at: now_ms(),
        };
        match self.act(Command::CreateKey(key))? {
            Entity::Key(row) => Ok(row.id),
            other => Err(odd(&other)),
        }
    }

    fn wallet(&mut self, owner_type: OwnerType, owner_id: i64) -> Outcome<()> {
        let wallet = NewWallet {
            owner_type,
            owner_id,
            rules: WalletTerms::default(),
        };
        let wallet_id = match self.act(Command::CreateWallet(wallet))? {
            Entity::Wallet(row) => row.id,
            other => return Err(odd(&other)),
        };
        self.act(Command::Credit(Movement {
            wallet_id,
            amount: Nanos::new(RICH),
            note: None,
        }))
        .map(drop)
    }

    /// Someone with a wallet, and a key without a budget.
    fn owner_of_credit(&mut self, org: i64) -> Outcome<Payer> {
        let user = self.user(org, None, 0)?;
        self.wallet(OwnerType::User, user)?;
        Ok(Payer {
            org: Some(org),
            team: None,
            user: Some(user),
            key: Some(self.key(user)?),
        })
    }

    /// A member of a team with a quota, and a key with a budget.
    fn caller(&mut self, org: i64, team: i64, quota: i64) -> Outcome<Payer> {
        let user = self.user(org, Some(team), quota)?;
        let key = self.key(user)?;
        self.wallet(OwnerType::Key, key)?;
        Ok(Payer {
            org: Some(org),
            team: Some(team),
            user: Some(user),
            key: Some(key),
        })
    }
}

fn odd(entity: &Entity) -> Box<dyn std::error::Error + Send + Sync> {
    format!("not what was made: {entity:?}").into()
}

fn now_ms() -> i64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed();
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}
