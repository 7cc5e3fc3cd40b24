//! Why: a machine that uses the admin API needs a token, and the first one has to come from
//! somewhere.

use alfred::exchange::unix_ms;
use alfred::secrets::{AccessToken, TokenRequest, os_random};
use alfred::store::governance::{
    Command, DenialId, Entity, NewDenial, Scope, TokenFilter, TokenId, TokenRow,
};
use clap::{Args, Subcommand};

use super::open::{House, all};
use super::show::{self, left, right, time};
use super::words::Moment;
use super::{At, Failure};

#[derive(Debug, Subcommand)]
pub(super) enum TokensCommand {
    /// Make an access token and print it. It is shown this once and never again.
    Create(CreateArgs),
    /// List the access tokens, without their secrets.
    List {
        /// Of this user: number or e-mail address.
        #[arg(long)]
        user: Option<String>,
        #[command(flatten)]
        at: At,
    },
    /// Revoke an access token: by its number, its public id, or whole.
    Revoke {
        /// Number or public id, as `alfred tokens list` shows them, or the whole token.
        token: String,
        #[command(flatten)]
        at: At,
    },
    /// Refuse a token of another issuer (JWT) before its end, by its own name.
    Deny(DenyArgs),
    /// List the tokens of other issuers that are refused.
    Denied(At),
    /// Take a token of another issuer again that was denied.
    Allow {
        /// Its number, as `alfred tokens denied` shows it.
        id: i64,
        #[command(flatten)]
        at: At,
    },
}

#[derive(Debug, Args)]
pub(super) struct DenyArgs {
    /// The issuer: its `name` under `jwt` in the configuration.
    #[arg(long)]
    issuer: String,
    /// The token's `jti`.
    #[arg(long)]
    jti: String,
    /// The token's end (`exp`) or later: then it is refused by itself, and this is forgotten.
    #[arg(long, value_name = "TIME")]
    until: Moment,
    /// Why, for people.
    #[arg(long)]
    note: Option<String>,
    #[command(flatten)]
    at: At,
}

#[derive(Debug, Args)]
pub(super) struct CreateArgs {
    /// Whose it is, and whose rights it has: number or e-mail address.
    #[arg(long)]
    user: String,
    /// What people call it.
    #[arg(long)]
    name: String,
    /// The moment it stops working, for example 2027-01-31T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    expires_at: Option<Moment>,
    #[command(flatten)]
    at: At,
}

/// `alfred tokens …`
pub(super) fn tokens(command: TokensCommand) -> Result<(), Failure> {
    match command {
        TokensCommand::Create(args) => create(args),
        TokensCommand::List { user, at } => list(user.as_deref(), &at),
        TokensCommand::Revoke { token, at } => revoke(&token, &at),
        TokensCommand::Deny(args) => deny(args),
        TokensCommand::Denied(at) => denied(&at),
        TokensCommand::Allow { id, at } => allow(id, &at),
    }
}

fn create(args: CreateArgs) -> Result<(), Failure> {
    let house = House::open(&args.at.config)?;
    let request = TokenRequest {
        user_id: house.user(&args.user)?.id,
        name: args.name,
        expires_at: args.expires_at.map(|at| at.0),
    };
    let (token, new) = AccessToken::draw(&house.pepper()?, request, &mut os_random)?;
    let entity = house.act(Command::CreateToken(new))?;
    let Entity::Token(row) = &entity else {
        return Ok(());
    };
    if args.at.json {
        let mut shown = serde_json::to_value(row).map_err(std::io::Error::from)?;
        if let Some(members) = shown.as_object_mut() {
            members.insert("token".to_owned(), token.expose().into());
        }
        return show::json(&shown);
    }
    show::out(&format!("{}\n", token.expose()))?;
    eprintln!(
        "access token {} '{}': keep it safe, it is not shown again",
        row.id,
        show::clean(&row.name)
    );
    Ok(())
}

fn read(house: &House, filter: &TokenFilter) -> Result<Vec<TokenRow>, Failure> {
    let store = house.governance();
    all(
        |page| store.tokens(&Scope::House, filter, page),
        |row| row.id,
    )
}

fn list(user: Option<&str>, at: &At) -> Result<(), Failure> {
    let house = House::open(&at.config)?;
    let mut filter = TokenFilter::default();
    if let Some(name) = user {
        filter.user_id = Some(house.user(name)?.id);
    }
    let columns = [
        right("id"),
        left("public id"),
        left("state"),
        right("user"),
        left("expires"),
        left("name"),
    ];
    show::rows(at.json, &read(&house, &filter)?, columns, |row| {
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

fn state(row: &TokenRow) -> &'static str {
    if row.revoked_at.is_some() {
        "revoked"
    } else if row.expires_at.is_some_and(|at| at <= unix_ms()) {
        "expired"
    } else {
        "active"
    }
}

fn revoke(token: &str, at: &At) -> Result<(), Failure> {
    let house = House::open(&at.config)?;
    // Whoever has found a leaked token has the whole of it.
    let whole = AccessToken::parse(token.trim());
    let name = whole.as_ref().map_or(token, |token| token.public_id());
    let rows = read(&house, &TokenFilter::default())?;
    let mut rows = rows.iter();
    let found = rows.find(|row| row.public_id == name || row.id.to_string() == name);
    // What was typed is not repeated: it may be a whole token, mistyped.
    let row = found.ok_or(Failure::Absent {
        what: "access token",
        list: "tokens list",
    })?;
    let entity = house.act(Command::RevokeToken(TokenId(row.id)))?;
    let words = format!("access token {} '{}' is revoked", row.id, row.name);
    show::done(at.json, &entity, &words)
}

fn deny(args: DenyArgs) -> Result<(), Failure> {
    let house = House::open(&args.at.config)?;
    let names: Vec<&str> = house
        .config
        .jwt
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    if !names.contains(&args.issuer.as_str()) {
        let known = match names.is_empty() {
            true => "there are none".to_owned(),
            false => format!("there are: {}", names.join(", ")),
        };
        return Err(Failure::Usage(format!(
            "--issuer names no entry under jwt in the configuration; {known}"
        )));
    }
    let entity = house.act(Command::DenyToken(NewDenial {
        issuer: args.issuer,
        jti: args.jti,
        note: args.note,
        expires_at: args.until.0,
    }))?;
    let Entity::Denied(row) = &entity else {
        return Ok(());
    };
    let words = format!(
        "token '{}' of {} is refused, within two seconds everywhere; that is forgotten at {}",
        row.jti,
        row.issuer,
        time(row.expires_at)
    );
    show::done(args.at.json, &entity, &words)
}

fn denied(at: &At) -> Result<(), Failure> {
    let house = House::open(&at.config)?;
    let store = house.governance();
    let rows = all(|page| store.denied_tokens(page), |row| row.id)?;
    let columns = [
        right("id"),
        left("issuer"),
        left("jti"),
        left("until"),
        left("denied"),
        left("note"),
    ];
    show::rows(at.json, &rows, columns, |row| {
        [
            row.id.to_string(),
            row.issuer.clone(),
            row.jti.clone(),
            time(row.expires_at),
            time(row.created_at),
            row.note.clone().unwrap_or_default(),
        ]
    })
}

fn allow(id: i64, at: &At) -> Result<(), Failure> {
    let house = House::open(&at.config)?;
    let entity = house.act(Command::AllowToken(DenialId(id)))?;
    show::done(
        at.json,
        &entity,
        &format!("token {id} is taken again, if it is still good"),
    )
}
