//! Why: what people did and what requests cost can be verified by whoever doubts it, with one
//! command, from the first record to the last.

use std::path::PathBuf;

use alfred::audit::{Anchor, Anchors, Chain, Head, to_hex};
use alfred::store::governance::{AuditFilter, AuditRow, MAX_PAGE, Page, Scope};
use clap::{Args, Subcommand};
use serde_json::json;

use super::open::House;
use super::show::{self, left, or_none, right, time};
use super::words::Moment;
use super::{At, Failure, verify};

/// Lines of a table where nobody says how many.
const USUAL: usize = 100;

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// List what people did, newest first.
    ///
    /// A table has 100 records unless told otherwise, JSON all.
    List(ListArgs),
    /// Verify every record, block, settlement and transaction.
    ///
    /// Exit status: 0 all is as it was written, 1 the first record that is not is named, 2 the
    /// store cannot be read.
    Verify(VerifyArgs),
    /// Print where the chains end, as anchors: publish them where nobody can change them, and give
    /// them to `alfred audit verify --anchors` later.
    Head(At),
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Of this organisation, by name or number.
    #[arg(long)]
    organisation: Option<String>,
    /// What this user did: number or e-mail address.
    #[arg(long)]
    user: Option<String>,
    /// What this actor did, for example cli or user:7.
    #[arg(long)]
    actor: Option<String>,
    /// Of this kind, for example user.created.
    #[arg(long, value_name = "TYPE")]
    event: Option<String>,
    /// To this, for example wallet:3.
    #[arg(long)]
    target: Option<String>,
    /// From this moment on, for example 2027-01-31 or 2027-01-31T08:00:00Z.
    #[arg(long, value_name = "TIME")]
    from: Option<Moment>,
    /// Before this moment.
    #[arg(long, value_name = "TIME")]
    until: Option<Moment>,
    /// At most so many, the newest.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    at: At,
}

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// A file of anchors, as `alfred audit head` prints them.
    #[arg(long, value_name = "FILE")]
    pub(super) anchors: Option<PathBuf>,
    /// Begin at this record of the audit log; what stands before is believed. --anchors must hold
    /// the anchor of this record or of the one before it.
    #[arg(long, value_name = "RECORD", requires = "anchors",
          value_parser = clap::value_parser!(i64).range(1..))]
    pub(super) from: Option<i64>,
    /// The same for the ledger: begin at this block.
    #[arg(long, value_name = "BLOCK", requires = "anchors",
          value_parser = clap::value_parser!(i64).range(1..))]
    pub(super) from_block: Option<i64>,
    /// A public key whose blocks are believed, beside the one in data_dir; may be given several
    /// times.
    #[arg(long, value_name = "KEY")]
    pub(super) trust: Vec<String>,
    /// Refuse blocks that another key has signed.
    #[arg(long)]
    pub(super) strict: bool,
    /// Compute the invariants of the ledger anew, too.
    #[arg(long)]
    pub(super) ledger: bool,
    #[command(flatten)]
    pub(super) at: At,
}

/// `alfred audit …`
pub(super) fn audit(command: &AuditCommand) -> Result<(), Failure> {
    match command {
        AuditCommand::List(args) => list(args),
        AuditCommand::Verify(args) => verify::verify(args),
        AuditCommand::Head(at) => head(at),
    }
}

fn list(args: &ListArgs) -> Result<(), Failure> {
    let house = House::open(&args.at.config)?;
    let mut filter = AuditFilter {
        actor: args.actor.clone(),
        event_type: args.event.clone(),
        target: args.target.clone(),
        from_ms: args.from.map(|at| at.0),
        until_ms: args.until.map(|at| at.0),
        ..AuditFilter::default()
    };
    if let Some(name) = &args.organisation {
        filter.org_id = Some(house.organisation(Some(name))?.id);
    }
    if let Some(name) = &args.user {
        filter.user_id = Some(house.user(name)?.id);
    }
    let usual = if args.at.json { usize::MAX } else { USUAL };
    let rows = read(&house, &filter, args.limit.unwrap_or(usual))?;
    let columns = [
        right("id"),
        left("time"),
        left("actor"),
        left("event"),
        left("target"),
        right("organisation"),
        left("address"),
    ];
    show::rows(args.at.json, &rows, columns, |row| {
        [
            row.id.to_string(),
            time(row.created_at),
            row.actor.clone(),
            row.event_type.clone(),
            row.target.clone(),
            or_none(row.org_id),
            or_none(row.ip_address.as_ref()),
        ]
    })?;
    if args.limit.is_none() && !args.at.json && rows.len() == USUAL {
        eprintln!("only the newest {USUAL} are shown; --limit shows more");
    }
    Ok(())
}

fn read(house: &House, filter: &AuditFilter, limit: usize) -> Result<Vec<AuditRow>, Failure> {
    let mut rows: Vec<AuditRow> = Vec::new();
    while rows.len() < limit {
        let left = limit.saturating_sub(rows.len());
        let page = Page {
            after: rows.last().map(|row| row.id),
            limit: u32::try_from(left).map_or(MAX_PAGE, |left| left.min(MAX_PAGE)),
        };
        let more = house.governance().audit_log(&Scope::House, filter, page)?;
        let is_last = more.len() < page.limit as usize;
        rows.extend(more);
        if is_last {
            break;
        }
    }
    Ok(rows)
}

fn head(at: &At) -> Result<(), Failure> {
    let house = House::open(&at.config)?;
    let audit = house.governance().audit_head()?;
    let block = house.archive().last_block()?;
    let heads = [(Chain::Audit, audit), (Chain::Block, block)];
    if at.json {
        let [audit, block] =
            heads.map(|(_, head)| json!({ "number": head.number, "hash": to_hex(&head.hash) }));
        return show::json(&json!({ "audit": audit, "block": block }));
    }
    let is_begun = |head: &Head| head.number > 0;
    let begun = heads.into_iter().filter(|(_, head)| is_begun(head));
    let anchors = begun.map(|(chain, head)| format!("{}\n", Anchor { chain, head }));
    show::out(&anchors.collect::<String>())
}

/// Reads a file of anchors.
pub(super) fn anchors(path: Option<&PathBuf>) -> Result<Anchors, Failure> {
    let Some(path) = path else {
        return Ok(Anchors::default());
    };
    let text = std::fs::read_to_string(path).map_err(|error| Failure::File {
        path: path.clone(),
        error,
    })?;
    Anchors::parse(&text)
        .map_err(|(line, problem)| Failure::Usage(format!("{}:{line}: {problem}", path.display())))
}
