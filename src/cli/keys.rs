//! Why: keys are made and ended on the machine that holds the store; a running gateway notices.

use std::io::Read;
use std::sync::Arc;

use alfred::exchange::unix_ms;
use alfred::secrets::{ApiKey, KeyRequest, Pepper, StaticHash, issue, os_random};
use alfred::store::{self, KeyRow, Store};

use super::{ConfigArg, CreateArgs, Failure, KeysCommand, check};

/// `alfred keys …`
pub(super) fn keys(command: KeysCommand) -> Result<(), Failure> {
    match command {
        KeysCommand::Create(args) => create(args),
        KeysCommand::List { config, json } => list(&config, json),
        KeysCommand::Revoke { key, config } => revoke(&key, &config),
        KeysCommand::Hash => hash(),
    }
}

fn open(arg: &ConfigArg) -> Result<(Arc<dyn Store>, Pepper), Failure> {
    let config = check::load(arg)?;
    let store = store::open(&config)?;
    let pepper = check::pepper(&config)?;
    Ok((store, pepper))
}

fn create(args: CreateArgs) -> Result<(), Failure> {
    let (store, pepper) = open(&args.config)?;
    let request = KeyRequest {
        name: args.name,
        env: args.env,
        models: (!args.models.is_empty()).then_some(args.models),
        requests_per_minute: args.requests_per_minute,
        tokens_per_minute: args.tokens_per_minute,
        expires_at: args.expires_at.map(|at| at.as_millisecond()),
        user_id: None,
    };
    let (key, row) = issue(&*store, &pepper, request, unix_ms(), &mut os_random)?;
    if args.json {
        let mut shown = describe(&row);
        if let Some(members) = shown.as_object_mut() {
            members.insert("key".to_owned(), key.expose().into());
        }
        println!("{shown}");
    } else {
        println!("{}", key.expose());
        eprintln!(
            "key {} '{}': keep it safe, it is not shown again",
            row.id, row.name
        );
    }
    Ok(())
}

fn list(config: &ConfigArg, json: bool) -> Result<(), Failure> {
    let (store, _) = open(config)?;
    let rows = store.list_keys()?;
    if json {
        let all: Vec<_> = rows.iter().map(describe).collect();
        println!("{}", serde_json::Value::Array(all));
        return Ok(());
    }
    println!(
        "{:<5} {:<14} {:<10} {:<22} name",
        "id", "public id", "state", "expires"
    );
    for row in rows {
        let expires = row.expires_at.map_or_else(|| "never".to_owned(), time);
        println!(
            "{:<5} {:<14} {:<10} {:<22} {}",
            row.id,
            row.public_id,
            state(&row),
            expires,
            row.name
        );
    }
    Ok(())
}

fn revoke(key: &str, config: &ConfigArg) -> Result<(), Failure> {
    let (store, _) = open(config)?;
    // Whoever has found a leaked key has the whole of it.
    let whole = ApiKey::parse(key.trim());
    let selector = whole.as_ref().map_or(key, ApiKey::public_id);
    match store.revoke_key(selector, unix_ms())? {
        Some(row) => {
            println!("key {} '{}' is revoked", row.id, row.name);
            Ok(())
        }
        // What was typed is not repeated: it may be a whole key, mistyped.
        None => Err(Failure::Usage(
            "there is no such key; `alfred keys list` shows numbers and public ids".to_owned(),
        )),
    }
}

fn hash() -> Result<(), Failure> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let hash = StaticHash::of(text.trim()).map_err(|error| Failure::Usage(error.to_string()))?;
    println!("{hash}");
    Ok(())
}

fn state(row: &KeyRow) -> &'static str {
    if !row.is_active {
        "revoked"
    } else if row.expires_at.is_some_and(|at| at <= unix_ms()) {
        "expired"
    } else {
        "active"
    }
}

fn time(unix_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(unix_ms).map_or_else(|_| "?".to_owned(), |at| at.to_string())
}

fn describe(row: &KeyRow) -> serde_json::Value {
    serde_json::json!({
        "id": row.id,
        "public_id": row.public_id,
        "name": row.name,
        "env": row.env,
        "state": state(row),
        "models": row.models,
        "requests_per_minute": row.requests_per_minute,
        "tokens_per_minute": row.tokens_per_minute,
        "expires_at": row.expires_at.map(time),
        "created_at": time(row.created_at),
        "last4": row.last4,
    })
}
