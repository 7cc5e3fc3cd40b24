//! Why: whoever answers for money can have every promise of the ledger computed anew, at any
//! time, from the rows themselves.

use alfred::store::Broken;
use clap::Subcommand;
use serde_json::json;

use super::open::House;
use super::show::{self, left, right};
use super::{At, Failure};

#[derive(Debug, Subcommand)]
pub(super) enum LedgerCommand {
    /// Compute every invariant anew.
    ///
    /// Exit status: 0 all hold, 1 some are broken and named, 2 the store cannot be read.
    Check(At),
    /// Show which processes hold leases, and how much there is of everything.
    Status(At),
}

/// `alfred ledger …`
pub(super) fn ledger(command: &LedgerCommand) -> Result<(), Failure> {
    match command {
        LedgerCommand::Check(at) => check(at),
        LedgerCommand::Status(at) => status(at),
    }
}

fn check(at: &At) -> Result<(), Failure> {
    let house = House::open(&at.config)?;
    let broken = house.ledger().check()?;
    if at.json {
        let named = |one: &Broken| json!({ "invariant": one.invariant, "detail": one.detail });
        let named: Vec<_> = broken.iter().map(named).collect();
        show::json(&named)?;
    }
    if !broken.is_empty() {
        return Err(verdict(&broken));
    }
    if !at.json {
        let size = house.archive().size()?;
        show::out(&format!(
            "all invariants hold: {} wallets, {} transactions\n",
            size.wallets, size.transactions
        ))?;
    }
    Ok(())
}

/// Names what is broken.
pub(super) fn verdict(broken: &[Broken]) -> Failure {
    let mut words = match broken.len() {
        1 => "an invariant of the ledger is broken".to_owned(),
        count => format!("invariants of the ledger are broken in {count} places"),
    };
    for one in broken {
        words.push_str(&format!(
            "\n  {}: {}",
            one.invariant,
            show::clean(&one.detail)
        ));
    }
    Failure::Found(words)
}

fn status(at: &At) -> Result<(), Failure> {
    let house = House::open(&at.config)?;
    let holders = house.ledger().holders()?;
    let size = house.archive().size()?;
    if at.json {
        let holders = holders
            .iter()
            .map(|holder| json!({ "id": holder.id.0, "name": holder.name, "beat": holder.beat }));
        return show::json(&json!({
            "wallets": size.wallets,
            "balance": size.balance,
            "leased": size.leased,
            "overage": size.overage,
            "transactions": size.transactions,
            "settlements": size.settlements,
            "unsealed": size.unsealed,
            "blocks": size.blocks,
            "holders": holders.collect::<Vec<_>>(),
        }));
    }
    let lines = [
        ("wallets", size.wallets.to_string()),
        ("balance", size.balance.to_string()),
        ("leased", size.leased.to_string()),
        ("overage", size.overage.to_string()),
        ("transactions", size.transactions.to_string()),
        ("settlements", size.settlements.to_string()),
        ("not yet sealed", size.unsealed.to_string()),
        ("blocks", size.blocks.to_string()),
    ];
    let lines = lines.map(|(name, value)| vec![name.to_owned(), value]);
    show::out(&show::table(
        &[left("ledger"), right("")],
        lines.into_iter(),
    ))?;
    let holders = holders.iter().map(|holder| {
        vec![
            holder.id.0.to_string(),
            holder.name.clone(),
            holder.beat.to_string(),
        ]
    });
    let columns = [right("holder"), left("name"), right("beats")];
    show::out(&format!("\n{}", show::table(&columns, holders)))
}
