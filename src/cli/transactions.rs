//! Why: who paid what, and who used how much of what, read from the ledger: for people as a
//! table, for programs as JSON, for accountants as CSV.

use alfred::admin::{CSV_HEAD, csv_line};
use alfred::money::Nanos;
use alfred::store::governance::{
    Command, GroupBy, MAX_PAGE, Reconciliation, Scope, TransactionCursor, TransactionFilter,
    TransactionRow, UsageFilter, UsageRow,
};
use clap::{Args, Subcommand};
use uuid::Uuid;

use super::open::House;
use super::select::Wallet;
use super::show::{self, left, or_none, right, time};
use super::words::{self, Moment};
use super::{At, Failure};

/// Lines of a table where nobody says how many.
const USUAL: usize = 100;

#[derive(Debug, Subcommand)]
pub(super) enum TransactionsCommand {
    /// List the lines of the ledger, newest first.
    ///
    /// A table has 100 of them unless told otherwise, JSON and CSV all.
    List(Box<ListArgs>),
    /// Replace an estimate by what the provider says it cost.
    Reconcile(ReconcileArgs),
}

/// Whose, and of what.
#[derive(Debug, Args)]
pub(super) struct Of {
    /// Of this organisation, by name or number; also where the team's name is looked for.
    #[arg(long)]
    organisation: Option<String>,
    /// Of this team: number or name.
    #[arg(long)]
    team: Option<String>,
    /// Of this user: number or e-mail address.
    #[arg(long)]
    user: Option<String>,
    /// Of this key: number or public id.
    #[arg(long)]
    key: Option<String>,
    /// Of this model.
    #[arg(long)]
    model: Option<String>,
    /// Of this provider.
    #[arg(long)]
    provider: Option<String>,
    /// From this moment on, for example 2027-01-31 or 2027-01-31T08:00:00Z.
    #[arg(long, value_name = "TIME")]
    from: Option<Moment>,
    /// Before this moment.
    #[arg(long, value_name = "TIME")]
    until: Option<Moment>,
}

/// The row ids of what was named.
struct Ids {
    org_id: Option<i64>,
    team_id: Option<i64>,
    user_id: Option<i64>,
    key_id: Option<i64>,
}

impl Of {
    fn ids(&self, house: &House) -> Result<Ids, Failure> {
        let organisation = self.organisation.as_deref();
        let org = organisation.map(|name| house.organisation(Some(name)));
        let team = self
            .team
            .as_ref()
            .map(|name| house.team(name, organisation));
        let user = self.user.as_ref().map(|name| house.user(name));
        let key = self.key.as_ref().map(|name| house.key(name));
        Ok(Ids {
            org_id: org.transpose()?.map(|row| row.id),
            team_id: team.transpose()?.map(|row| row.id),
            user_id: user.transpose()?.map(|row| row.id),
            key_id: key.transpose()?.map(|row| row.id),
        })
    }
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    of: Of,
    /// Of this wallet: its number or its owner.
    #[arg(long)]
    wallet: Option<Wallet>,
    /// Of this type: usage, cap, overage, undelivered, credit, debit, transfer, lend, reclaim,
    /// reset, adjustment or forgiven.
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// The one of this id.
    #[arg(long)]
    id: Option<Uuid>,
    /// Of this request, by Alfred's own id of it.
    #[arg(long)]
    request: Option<Uuid>,
    /// At most so many, the newest.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Print CSV.
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    #[command(flatten)]
    at: At,
}

#[derive(Debug, Args)]
pub(super) struct ReconcileArgs {
    /// Any line of the attempt that was estimated, by its id.
    transaction: Uuid,
    /// What it really cost, in credits.
    cost: Nanos,
    /// From where that is known.
    #[arg(long)]
    note: Option<String>,
    #[command(flatten)]
    at: At,
}

#[derive(Debug, Args)]
pub(super) struct UsageArgs {
    /// By what it is summed up.
    #[arg(long, value_parser = words::group_by())]
    by: GroupBy,
    #[command(flatten)]
    of: Of,
    #[command(flatten)]
    at: At,
}

/// `alfred transactions …`
pub(super) fn transactions(command: TransactionsCommand) -> Result<(), Failure> {
    match command {
        TransactionsCommand::List(args) => list(&args),
        TransactionsCommand::Reconcile(args) => {
            let house = House::open(&args.at.config)?;
            let words = format!("transaction {} cost {}", args.transaction, args.cost);
            let entity = house.act(Command::Reconcile(Reconciliation {
                transaction: args.transaction,
                cost: args.cost,
                note: args.note,
            }))?;
            show::done(args.at.json, &entity, &words)
        }
    }
}

fn list(args: &ListArgs) -> Result<(), Failure> {
    let house = House::open(&args.at.config)?;
    let ids = args.of.ids(&house)?;
    let wallet = args.wallet.as_ref();
    let wallet = wallet.map(|wallet| house.wallet(wallet, args.of.organisation.as_deref()));
    let filter = TransactionFilter {
        id: args.id,
        request_id: args.request,
        org_id: ids.org_id,
        team_id: ids.team_id,
        user_id: ids.user_id,
        key_id: ids.key_id,
        wallet_id: wallet.transpose()?.map(|row| row.id),
        model: args.of.model.clone(),
        provider: args.of.provider.clone(),
        kind: args.kind.clone(),
        from_ms: args.of.from.map(|at| at.0),
        until_ms: args.of.until.map(|at| at.0),
    };
    match (args.csv, args.at.json) {
        (true, _) => csv(&house, &filter, args.limit),
        (false, true) => json(&house, &filter, args.limit),
        (false, false) => table(&house, &filter, args.limit),
    }
}

/// Reads up to so many lines, page by page.
fn each(
    house: &House,
    filter: &TransactionFilter,
    limit: usize,
    mut page: impl FnMut(Vec<TransactionRow>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (mut left, mut after) = (limit, None);
    while left > 0 {
        let count = u32::try_from(left).map_or(MAX_PAGE, |left| left.min(MAX_PAGE));
        let store = house.governance();
        let rows = store.transactions(&Scope::House, filter, after, count)?;
        let is_last = rows.len() < count as usize;
        left = left.saturating_sub(rows.len());
        after = rows.last().map(|row| TransactionCursor {
            created_at: row.created_at,
            id: row.id,
        });
        page(rows)?;
        if is_last {
            break;
        }
    }
    Ok(())
}

fn table(house: &House, filter: &TransactionFilter, limit: Option<usize>) -> Result<(), Failure> {
    let mut rows = Vec::new();
    each(house, filter, limit.unwrap_or(USUAL), |page| {
        rows.extend(page);
        Ok(())
    })?;
    let columns = [
        left("time"),
        left("type"),
        right("wallet"),
        right("amount"),
        right("balance"),
        right("prompt"),
        right("answer"),
        left("source"),
        left("model"),
        left("id"),
    ];
    show::rows(false, &rows, columns, |row| {
        [
            time(row.created_at),
            row.kind.clone(),
            or_none(row.wallet_id),
            row.amount.to_string(),
            or_none(row.balance_after),
            row.prompt_tokens.to_string(),
            row.completion_tokens.to_string(),
            row.usage_source.clone(),
            or_none(row.model.as_ref()),
            row.id.to_string(),
        ]
    })?;
    if limit.is_none() && rows.len() == USUAL {
        eprintln!("only the newest {USUAL} are shown; --limit shows more");
    }
    Ok(())
}

fn json(house: &House, filter: &TransactionFilter, limit: Option<usize>) -> Result<(), Failure> {
    let mut between = "[";
    each(house, filter, limit.unwrap_or(usize::MAX), |page| {
        let mut text = String::new();
        for row in &page {
            text.push_str(between);
            text.push_str(&serde_json::to_string(row).map_err(std::io::Error::from)?);
            between = ",\n";
        }
        show::out(&text)
    })?;
    show::out(if between == "[" { "[]\n" } else { "]\n" })
}

fn csv(house: &House, filter: &TransactionFilter, limit: Option<usize>) -> Result<(), Failure> {
    show::out(CSV_HEAD)?;
    each(house, filter, limit.unwrap_or(usize::MAX), |page| {
        let lines: Vec<_> = page.iter().map(csv_line).collect();
        show::out(&lines.concat())
    })
}

/// `alfred usage`.
pub(super) fn usage(args: &UsageArgs) -> Result<(), Failure> {
    let house = House::open(&args.at.config)?;
    let ids = args.of.ids(&house)?;
    let now = alfred::exchange::unix_ms();
    let filter = UsageFilter {
        by: args.by,
        org_id: ids.org_id,
        team_id: ids.team_id,
        user_id: ids.user_id,
        key_id: ids.key_id,
        model: args.of.model.clone(),
        provider: args.of.provider.clone(),
        from_ms: args.of.from.map_or_else(|| month(now), |at| at.0),
        until_ms: args.of.until.map_or(now.saturating_add(1), |at| at.0),
    };
    let rows = house.governance().usage(&Scope::House, &filter)?;
    let columns = [
        left(args.by.word()),
        right("requests"),
        right("prompt"),
        right("answer"),
        right("cached"),
        right("reasoning"),
        right("cost"),
        right("estimated"),
    ];
    show::rows(args.at.json, &rows, columns, |row| {
        [
            group(args.by, row),
            row.requests.to_string(),
            row.prompt_tokens.to_string(),
            row.completion_tokens.to_string(),
            row.cached_tokens.to_string(),
            row.reasoning_tokens.to_string(),
            row.cost.to_string(),
            row.estimated.to_string(),
        ]
    })
}

fn group(by: GroupBy, row: &UsageRow) -> String {
    let Some(group) = &row.group else {
        return or_none(None::<String>);
    };
    match (by, group.parse()) {
        (GroupBy::Day, Ok(day)) => time(day).chars().take(10).collect(),
        _ => group.clone(),
    }
}

/// The first moment of the month, in UTC.
fn month(now: i64) -> i64 {
    let first: String = time(now).chars().take(8).chain("01".chars()).collect();
    first.parse::<Moment>().map_or(0, |at| at.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_on_the_first() {
        let at = |text: &str| text.parse::<Moment>().map(|at| at.0).unwrap_or_default();
        assert_eq!(month(at("2026-10-05T18:00:00Z")), at("2026-10-01"));
        assert_eq!(month(at("2026-10-01")), at("2026-10-01"));
    }
}
