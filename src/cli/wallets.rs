//! Why: money is brought in, moved and bounded by hand on the machine that holds the store, with
//! the same rules and the same record as through the API.

use alfred::money::Nanos;
use alfred::store::governance::{
    Adjustment, Command, Entity, Forgiveness, Mode, Movement, NewWallet, Period, Scope, Transfer,
    WalletChange, WalletFilter, WalletRow, WalletStanding, WalletTerms,
};
use alfred::store::{OwnerType, WalletStatus};
use clap::{Args, Subcommand};

use super::open::{House, all};
use super::select::{Owner, OwnerId, Wallet};
use super::show::{self, left, right};
use super::words::{self, OrNone, status_word};
use super::{At, Failure};

#[derive(Debug, Subcommand)]
pub(super) enum WalletsCommand {
    /// List the wallets.
    List(ListArgs),
    /// Show all there is to know of a wallet.
    Show(WalletArg),
    /// Make a wallet for an owner who has none.
    Create(CreateArgs),
    /// Change the rules of a wallet.
    Set(SetArgs),
    /// Bring money into a wallet.
    Credit(MoveArgs),
    /// Take money out of a wallet.
    Debit(MoveArgs),
    /// Move money between two wallets of one organisation.
    Transfer(TransferArgs),
    /// Correct a balance, up or down.
    Adjust(AdjustArgs),
    /// Forgive what was spent beyond what could be reserved.
    Forgive(ForgiveArgs),
    /// Let requests in flight be settled, and refuse new ones.
    Freeze(WalletArg),
    /// Open a frozen wallet.
    Unfreeze(WalletArg),
    /// Close a wallet for ever.
    Close(WalletArg),
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Of this owner: user:7, user:ann@example.com, quota:7, team:3, key:5 or organisation:1.
    #[arg(long)]
    owner: Option<Owner>,
    /// Of this organisation, by name or number; also where a team's name is looked for.
    #[arg(long)]
    organisation: Option<String>,
    /// In this status.
    #[arg(long, value_parser = words::wallet_status())]
    status: Option<WalletStatus>,
    #[command(flatten)]
    at: At,
}

#[derive(Debug, Args)]
pub(super) struct WalletArg {
    /// Its number, or its owner: user:7, quota:ann@example.com, team:3, key:5, organisation:1.
    wallet: Wallet,
    #[command(flatten)]
    place: Place,
}

/// Where names are looked for, and how the answer is given.
#[derive(Debug, Args)]
pub(super) struct Place {
    /// The organisation in which a team's name is looked for.
    #[arg(long)]
    organisation: Option<String>,
    #[command(flatten)]
    at: At,
}

#[derive(Debug, Args)]
pub(super) struct CreateArgs {
    /// Whose: user:7, user:ann@example.com, quota:7, team:3, key:5 or organisation:1.
    owner: Owner,
    /// What it holds from the start, in credits.
    #[arg(long, value_name = "AMOUNT")]
    credit: Option<Nanos>,
    /// How much of a request's possible cost is held.
    #[arg(long, value_parser = words::mode(), default_value = "incremental")]
    mode: Mode,
    /// The most that one request holds; in mode cap and only there.
    #[arg(long, value_name = "AMOUNT")]
    cap: Option<Nanos>,
    /// The most that is spent in a period.
    #[arg(long, value_name = "AMOUNT")]
    hard_limit: Option<Nanos>,
    /// Spent beyond this in a period, callers are warned.
    #[arg(long, value_name = "AMOUNT")]
    soft_limit: Option<Nanos>,
    /// How far the balance may fall below zero.
    #[arg(long, value_name = "AMOUNT", default_value = "0")]
    overdraft: Nanos,
    /// How often it begins anew, in UTC.
    #[arg(long, value_parser = words::period(), default_value = "none")]
    period: Period,
    /// What the balance is set to when a period begins, and now.
    #[arg(long, value_name = "AMOUNT")]
    allowance: Option<Nanos>,
    /// What the credit is for.
    #[arg(long, requires = "credit")]
    note: Option<String>,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(super) struct SetArgs {
    /// Its number or its owner.
    wallet: Wallet,
    /// How much of a request's possible cost is held.
    #[arg(long, value_parser = words::mode())]
    mode: Option<Mode>,
    /// The most that one request holds in mode cap, or none.
    #[arg(long, value_name = "AMOUNT")]
    cap: Option<OrNone<Nanos>>,
    /// The most that is spent in a period, or none.
    #[arg(long, value_name = "AMOUNT")]
    hard_limit: Option<OrNone<Nanos>>,
    /// Spent beyond this in a period, callers are warned; or none.
    #[arg(long, value_name = "AMOUNT")]
    soft_limit: Option<OrNone<Nanos>>,
    /// How far the balance may fall below zero.
    #[arg(long, value_name = "AMOUNT")]
    overdraft: Option<Nanos>,
    /// How often it begins anew, in UTC.
    #[arg(long, value_parser = words::period())]
    period: Option<Period>,
    /// What the balance is set to when the next period begins, or none.
    #[arg(long, value_name = "AMOUNT")]
    allowance: Option<OrNone<Nanos>>,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(super) struct MoveArgs {
    /// Its number or its owner.
    wallet: Wallet,
    /// How much, in credits, such as 12.5.
    amount: Nanos,
    /// What for.
    #[arg(long)]
    note: Option<String>,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(super) struct TransferArgs {
    /// The wallet that pays: its number or its owner.
    from: Wallet,
    /// The wallet that gets it.
    to: Wallet,
    /// How much, in credits, such as 12.5.
    amount: Nanos,
    /// What for.
    #[arg(long)]
    note: Option<String>,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(super) struct AdjustArgs {
    /// Its number or its owner.
    wallet: Wallet,
    /// By how much, in credits; -2.5 takes.
    #[arg(allow_negative_numbers = true)]
    amount: Nanos,
    /// The transaction that was wrong.
    #[arg(long, value_name = "TRANSACTION")]
    reverses: Option<uuid::Uuid>,
    /// Why.
    #[arg(long)]
    note: Option<String>,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(super) struct ForgiveArgs {
    /// Its number or its owner.
    wallet: Wallet,
    /// How much, in credits; without it, all.
    amount: Option<Nanos>,
    /// Why.
    #[arg(long)]
    note: Option<String>,
    #[command(flatten)]
    place: Place,
}

/// `alfred wallets …`
pub(super) fn wallets(command: WalletsCommand) -> Result<(), Failure> {
    match command {
        WalletsCommand::List(args) => list(&args),
        WalletsCommand::Show(arg) => {
            let (_, wallet) = open(&arg.wallet, &arg.place)?;
            show::row(arg.place.at.json, &wallet)
        }
        WalletsCommand::Create(args) => create(args),
        WalletsCommand::Set(args) => set(&args),
        WalletsCommand::Credit(args) => money(args, Command::Credit, "is credited"),
        WalletsCommand::Debit(args) => money(args, Command::Debit, "is debited"),
        WalletsCommand::Transfer(args) => transfer(args),
        WalletsCommand::Adjust(args) => adjust(args),
        WalletsCommand::Forgive(args) => forgive(args),
        WalletsCommand::Freeze(arg) => stand(&arg, WalletStatus::Frozen, "is frozen"),
        WalletsCommand::Unfreeze(arg) => stand(&arg, WalletStatus::Active, "is open"),
        WalletsCommand::Close(arg) => stand(&arg, WalletStatus::Closed, "is closed for ever"),
    }
}

fn open(wallet: &Wallet, place: &Place) -> Result<(House, WalletRow), Failure> {
    let house = House::open(&place.at.config)?;
    let wallet = house.wallet(wallet, place.organisation.as_deref())?;
    Ok((house, wallet))
}

fn name(wallet: &WalletRow) -> String {
    let kind = wallet.owner_type.word();
    format!("wallet {} of {kind}:{}", wallet.id, wallet.owner_id)
}

/// Does an act on a wallet and tells of it.
fn act(house: &House, place: &Place, command: Command, what: &str) -> Result<(), Failure> {
    let entity = house.act(command)?;
    let words = match &entity {
        Entity::Wallet(wallet) | Entity::Money { wallet, .. } => {
            format!("{} {what}; it holds {}", name(wallet), wallet.balance)
        }
        _ => what.to_owned(),
    };
    show::done(place.at.json, &entity, &words)
}

fn list(args: &ListArgs) -> Result<(), Failure> {
    let house = House::open(&args.at.config)?;
    let organisation = args.organisation.as_deref();
    let owner: Option<OwnerId> = match &args.owner {
        Some(owner) => Some(house.owner(owner, organisation)?),
        None => None,
    };
    let org_id = match organisation {
        Some(name) => Some(house.organisation(Some(name))?.id),
        None => None,
    };
    let filter = WalletFilter {
        id: None,
        org_id,
        owner_type: owner.map(|(kind, _)| kind),
        owner_id: owner.map(|(_, id)| id),
        status: args.status,
    };
    let store = house.governance();
    let read = |page| store.wallets(&Scope::House, &filter, page);
    let rows = all(read, |row| row.id)?;
    let columns = [
        right("id"),
        left("owner"),
        left("status"),
        right("balance"),
        right("leased"),
        right("spent"),
        right("overage"),
        right("hard limit"),
        left("mode"),
        left("period"),
    ];
    show::rows(args.at.json, &rows, columns, |row| {
        [
            row.id.to_string(),
            format!("{}:{}", row.owner_type.word(), row.owner_id),
            status_word(row.status).to_owned(),
            row.balance.to_string(),
            row.leased.to_string(),
            row.spent.to_string(),
            row.overage.to_string(),
            show::or_none(row.hard_limit),
            row.mode.word().to_owned(),
            row.period.word().to_owned(),
        ]
    })
}

fn create(args: CreateArgs) -> Result<(), Failure> {
    // Refused before anything is made.
    if args.credit.is_some_and(|credit| credit <= Nanos::ZERO) {
        return Err(Failure::Usage("a credit must be more than 0".to_owned()));
    }
    let house = House::open(&args.place.at.config)?;
    let (owner_type, owner_id) = house.owner(&args.owner, args.place.organisation.as_deref())?;
    if owner_type == OwnerType::House {
        let words = "the house's wallets make themselves".to_owned();
        return Err(Failure::Usage(words));
    }
    let rules = WalletTerms {
        overdraft: args.overdraft,
        hard_limit: args.hard_limit,
        soft_limit: args.soft_limit,
        mode: args.mode,
        cap: args.cap,
        period: args.period,
        allowance: args.allowance,
    };
    let mut entity = house.act(Command::CreateWallet(NewWallet {
        owner_type,
        owner_id,
        rules,
    }))?;
    if let (Entity::Wallet(wallet), Some(amount)) = (&entity, args.credit) {
        let credited = house.act(Command::Credit(Movement {
            wallet_id: wallet.id,
            amount,
            note: args.note,
        }))?;
        if let Entity::Money { wallet, .. } = credited {
            entity = Entity::Wallet(wallet);
        }
    }
    let words = match &entity {
        Entity::Wallet(row) => format!("{} is made; it holds {}", name(row), row.balance),
        _ => "a wallet is made".to_owned(),
    };
    show::done(args.place.at.json, &entity, &words)
}

fn set(args: &SetArgs) -> Result<(), Failure> {
    let (house, wallet) = open(&args.wallet, &args.place)?;
    let change = WalletChange {
        id: wallet.id,
        overdraft: args.overdraft,
        hard_limit: args.hard_limit.as_ref().map(|limit| limit.0),
        soft_limit: args.soft_limit.as_ref().map(|limit| limit.0),
        mode: args.mode,
        cap: args.cap.as_ref().map(|cap| cap.0),
        period: args.period,
        allowance: args.allowance.as_ref().map(|allowance| allowance.0),
    };
    let nothing = WalletChange {
        id: wallet.id,
        ..WalletChange::default()
    };
    if change == nothing {
        return Err(Failure::nothing_to_change());
    }
    let command = Command::ChangeWallet(change);
    act(&house, &args.place, command, "has new rules")
}

fn money(args: MoveArgs, command: fn(Movement) -> Command, what: &str) -> Result<(), Failure> {
    let (house, wallet) = open(&args.wallet, &args.place)?;
    let command = command(Movement {
        wallet_id: wallet.id,
        amount: args.amount,
        note: args.note,
    });
    let what = format!("{what} with {}", args.amount);
    act(&house, &args.place, command, &what)
}

fn transfer(args: TransferArgs) -> Result<(), Failure> {
    let (house, from) = open(&args.from, &args.place)?;
    let to = house.wallet(&args.to, args.place.organisation.as_deref())?;
    let command = Command::Transfer(Transfer {
        from: from.id,
        to: to.id,
        amount: args.amount,
        note: args.note,
    });
    let what = format!("has paid {} to {}", args.amount, name(&to));
    act(&house, &args.place, command, &what)
}

fn adjust(args: AdjustArgs) -> Result<(), Failure> {
    let (house, wallet) = open(&args.wallet, &args.place)?;
    let command = Command::Adjust(Adjustment {
        wallet_id: wallet.id,
        amount: args.amount,
        reverses: args.reverses,
        note: args.note,
    });
    let what = format!("is adjusted by {}", args.amount);
    act(&house, &args.place, command, &what)
}

fn forgive(args: ForgiveArgs) -> Result<(), Failure> {
    let (house, wallet) = open(&args.wallet, &args.place)?;
    let command = Command::ForgiveOverage(Forgiveness {
        wallet_id: wallet.id,
        amount: args.amount,
        note: args.note,
    });
    let amount = args.amount.unwrap_or(wallet.overage);
    let what = format!("is forgiven {amount}");
    act(&house, &args.place, command, &what)
}

fn stand(arg: &WalletArg, status: WalletStatus, what: &str) -> Result<(), Failure> {
    let (house, wallet) = open(&arg.wallet, &arg.place)?;
    let id = wallet.id;
    let command = Command::SetWalletStatus(WalletStanding { id, status });
    act(&house, &arg.place, command, what)
}
