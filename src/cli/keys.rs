//! Why: keys are made and ended on the machine that holds the store; a running gateway notices.

use std::io::Read;

use alfred::exchange::unix_ms;
use alfred::secrets::{ApiKey, KeyRequest, StaticHash, draw, os_random};
use alfred::store::governance::{
    ApiKeyRow, Command, Entity, KeyChange, KeyFilter, KeyId, Rotation, Scope,
};
use clap::{Args, Subcommand};

use super::open::{House, all};
use super::show::{self, left, right, time};
use super::words::{Moment, OrNone, Span};
use super::{At, Failure};

#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// Make a key and print it. It is shown this once and never again.
    Create(CreateArgs),
    /// List the keys, without their secrets.
    List(ListArgs),
    /// Change a key.
    Update(UpdateArgs),
    /// Put a new key in the place of an old one and print it. It is shown this once and never again.
    ///
    /// The new key has all that the old one had, its budget included.
    Rotate {
        /// Number or public id, as `alfred keys list` shows them, or the whole key.
        key: String,
        /// For how long the old key still works.
        #[arg(long, value_name = "DURATION", default_value = "24h")]
        overlap: Span,
        #[command(flatten)]
        at: At,
    },
    /// Revoke a key: by its number, its public id (the twelve characters after `ak_live_`), or whole.
    Revoke {
        /// Number or public id, as `alfred keys list` shows them, or the whole key.
        key: String,
        #[command(flatten)]
        at: At,
    },
    /// Print the hash of a key for the `keys` section of the configuration file.
    ///
    /// The key is read from standard input, so that no shell keeps it.
    Hash,
}

#[derive(Debug, Args)]
pub(super) struct CreateArgs {
    /// What people call it.
    #[arg(long)]
    name: String,
    /// Whose it is: number or e-mail address. Without it, the default user's.
    #[arg(long)]
    user: Option<String>,
    /// The environment that its text shows: ak_<env>_…
    #[arg(long, default_value = "live")]
    env: String,
    /// A model it may use, alias or provider/model; may be given several times. Without it, all.
    #[arg(long = "model", value_name = "MODEL")]
    models: Vec<String>,
    /// Requests per minute.
    #[arg(long, value_name = "N")]
    requests_per_minute: Option<u64>,
    /// Tokens per minute.
    #[arg(long, value_name = "N")]
    tokens_per_minute: Option<u64>,
    /// The moment it stops working, for example 2027-01-31T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    expires_at: Option<Moment>,
    #[command(flatten)]
    at: At,
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Of this user: number or e-mail address.
    #[arg(long)]
    user: Option<String>,
    /// Of this team: number or name.
    #[arg(long)]
    team: Option<String>,
    /// Of this organisation, by name or number; also where the team's name is looked for.
    #[arg(long)]
    organisation: Option<String>,
    #[command(flatten)]
    at: At,
}

#[derive(Debug, Args)]
pub(super) struct UpdateArgs {
    /// Number or public id, as `alfred keys list` shows them, or the whole key.
    key: String,
    /// What people call it.
    #[arg(long)]
    name: Option<String>,
    /// A model it may use; may be given several times, and replaces all that were allowed before.
    #[arg(long = "model", value_name = "MODEL")]
    models: Vec<String>,
    /// Let it use all models.
    #[arg(long, conflicts_with = "models")]
    all_models: bool,
    /// Requests per minute, or none to leave it to the configuration.
    #[arg(long, value_name = "N")]
    requests_per_minute: Option<OrNone<u64>>,
    /// Tokens per minute, or none to leave it to the configuration.
    #[arg(long, value_name = "N")]
    tokens_per_minute: Option<OrNone<u64>>,
    /// The moment it stops working, or none.
    #[arg(long, value_name = "TIME")]
    expires_at: Option<OrNone<Moment>>,
    #[command(flatten)]
    at: At,
}

/// `alfred keys …`
pub(super) fn keys(command: KeysCommand) -> Result<(), Failure> {
    match command {
        KeysCommand::Create(args) => create(args),
        KeysCommand::List(args) => list(&args),
        KeysCommand::Update(args) => update(args),
        KeysCommand::Rotate { key, overlap, at } => rotate(&key, overlap, &at),
        KeysCommand::Revoke { key, at } => revoke(&key, &at),
        KeysCommand::Hash => hash(),
    }
}

fn create(args: CreateArgs) -> Result<(), Failure> {
    let house = House::open(&args.at.config)?;
    let user_id = match &args.user {
        Some(name) => Some(house.user(name)?.id),
        None => None,
    };
    let request = KeyRequest {
        name: args.name,
        env: args.env,
        models: (!args.models.is_empty()).then_some(args.models),
        requests_per_minute: args.requests_per_minute,
        tokens_per_minute: args.tokens_per_minute,
        expires_at: args.expires_at.map(|at| at.0),
        user_id,
    };
    let (key, new) = draw(&house.pepper()?, request, unix_ms(), &mut os_random)?;
    let entity = house.act(Command::CreateKey(new))?;
    tell(&args.at, &key, &entity)
}

/// Prints a new key: the only place where it is ever seen.
fn tell(at: &At, key: &ApiKey<'_>, entity: &Entity) -> Result<(), Failure> {
    let Entity::Key(row) = entity else {
        return Ok(());
    };
    if at.json {
        let mut shown = describe(row);
        if let Some(members) = shown.as_object_mut() {
            members.insert("key".to_owned(), key.expose().into());
        }
        return show::json(&shown);
    }
    show::out(&format!("{}\n", key.expose()))?;
    eprintln!(
        "key {} '{}': keep it safe, it is not shown again",
        row.id,
        show::clean(&row.name)
    );
    Ok(())
}

fn list(args: &ListArgs) -> Result<(), Failure> {
    let house = House::open(&args.at.config)?;
    let mut filter = KeyFilter::default();
    if let Some(name) = &args.user {
        filter.user_id = Some(house.user(name)?.id);
    }
    if let Some(name) = &args.team {
        filter.team_id = Some(house.team(name, args.organisation.as_deref())?.id);
    }
    if let Some(name) = &args.organisation {
        filter.org_id = Some(house.organisation(Some(name))?.id);
    }
    let store = house.governance();
    let read = |page| store.api_keys(&Scope::House, &filter, page);
    let rows = all(read, |row| row.id)?;
    if args.at.json {
        let all: Vec<_> = rows.iter().map(describe).collect();
        return show::json(&all);
    }
    let columns = [
        right("id"),
        left("public id"),
        left("state"),
        right("user"),
        left("expires"),
        left("name"),
    ];
    show::rows(false, &rows, columns, |row| {
        [
            row.id.to_string(),
            row.public_id.clone(),
            state(row).to_owned(),
            row.user_id.to_string(),
            row.expires_at.map_or_else(|| "never".to_owned(), time),
            row.name.clone(),
        ]
    })
}

fn update(args: UpdateArgs) -> Result<(), Failure> {
    let house = House::open(&args.at.config)?;
    let id = house.key(&args.key)?.id;
    let models = match (args.all_models, args.models.is_empty()) {
        (true, _) => Some(None),
        (false, false) => Some(Some(args.models)),
        (false, true) => None,
    };
    let change = KeyChange {
        id,
        name: args.name,
        models,
        requests_per_minute: args.requests_per_minute.map(|limit| limit.0),
        tokens_per_minute: args.tokens_per_minute.map(|limit| limit.0),
        expires_at: args.expires_at.map(|at| at.0.map(|at| at.0)),
    };
    let nothing = KeyChange {
        id,
        ..KeyChange::default()
    };
    if change == nothing {
        return Err(Failure::nothing_to_change());
    }
    let entity = house.act(Command::ChangeKey(change))?;
    said(&args.at, &entity, "is changed")
}

fn rotate(key: &str, overlap: Span, at: &At) -> Result<(), Failure> {
    let house = House::open(&at.config)?;
    let old = house.key(key)?;
    let request = KeyRequest {
        name: old.name,
        env: old.env,
        ..KeyRequest::default()
    };
    let (key, new) = draw(&house.pepper()?, request, unix_ms(), &mut os_random)?;
    let entity = house.act(Command::RotateKey(Rotation {
        id: old.id,
        overlap_ms: overlap.0,
        key: new,
    }))?;
    tell(at, &key, &entity)?;
    if !at.json {
        let end = unix_ms().saturating_add(overlap.0);
        eprintln!("key {} works until {} at the latest", old.id, time(end));
    }
    Ok(())
}

fn revoke(key: &str, at: &At) -> Result<(), Failure> {
    let house = House::open(&at.config)?;
    let id = house.key(key)?.id;
    let entity = house.act(Command::RevokeKey(KeyId(id)))?;
    said(at, &entity, "is revoked")
}

fn said(at: &At, entity: &Entity, what: &str) -> Result<(), Failure> {
    let Entity::Key(row) = entity else {
        return Ok(());
    };
    match at.json {
        true => show::json(&describe(row)),
        false => show::done(
            false,
            entity,
            &format!("key {} '{}' {what}", row.id, row.name),
        ),
    }
}

fn hash() -> Result<(), Failure> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let hash = StaticHash::of(text.trim()).map_err(|error| Failure::Usage(error.to_string()))?;
    println!("{hash}");
    Ok(())
}

fn state(row: &ApiKeyRow) -> &'static str {
    if row.revoked_at.is_some() {
        "revoked"
    } else if row.expires_at.is_some_and(|at| at <= unix_ms()) {
        "expired"
    } else if row.is_active {
        "active"
    } else {
        "suspended"
    }
}

/// A key as scripts have always read it: with its state, and times in words.
fn describe(row: &ApiKeyRow) -> serde_json::Value {
    serde_json::json!({
        "id": row.id,
        "public_id": row.public_id,
        "name": row.name,
        "env": row.env,
        "state": state(row),
        "org_id": row.org_id,
        "team_id": row.team_id,
        "user_id": row.user_id,
        "models": row.models,
        "requests_per_minute": row.requests_per_minute,
        "tokens_per_minute": row.tokens_per_minute,
        "expires_at": row.expires_at.map(time),
        "revoked_at": row.revoked_at.map(time),
        "rotated_to": row.rotated_to,
        "last_used_at": row.last_used_at.map(time),
        "version": row.version,
        "created_at": time(row.created_at),
        "last4": row.last4,
    })
}
