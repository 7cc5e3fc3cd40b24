//! Why: policies of guards are read and set without a browser, on the machine itself, like all that people manage.

use std::path::PathBuf;

use alfred::conf::{GuardPolicy, Problems};
use alfred::guards::{Guards, Tools, sealed};
use alfred::living::{GuardChain, guard_tools};
use alfred::store::governance::{
    Command, GuardOwner, GuardOwnerType, GuardPolicyFilter, GuardPolicyRow, NewGuardPolicy, Scope,
};
use clap::{Args, Subcommand};
use serde_json::Value;

use super::guard::read;
use super::open::{House, all};
use super::show::{self, left, right};
use super::{At, Failure};

#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// List the policies of organisations, teams and keys.
    List {
        #[command(flatten)]
        at: At,
    },
    /// Show what one of them says, as it was written.
    Show(OfArgs),
    /// Set what one of them says, in the place of what it said before.
    ///
    /// The file holds JSON of the same shape as `filters` and `guard` in the configuration, and says only what is to be
    /// otherwise than above. Values in `allow` are kept as hashes.
    Set(SetArgs),
    /// Take one away: what is above it holds alone.
    Drop(OfArgs),
}

#[derive(Debug, Args)]
pub(super) struct OfArgs {
    #[command(flatten)]
    of: Of,
    #[command(flatten)]
    at: At,
}

#[derive(Debug, Args)]
pub(super) struct SetArgs {
    #[command(flatten)]
    of: Of,
    /// The file, JSON; `-` is standard input.
    file: PathBuf,
    #[command(flatten)]
    at: At,
}

/// Whose policy.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Of {
    /// Of this organisation, by its id.
    #[arg(long, value_name = "ID")]
    organisation: Option<i64>,
    /// Of this team, by its id.
    #[arg(long, value_name = "ID")]
    team: Option<i64>,
    /// Of this key, by its row id.
    #[arg(long, value_name = "ID")]
    key: Option<i64>,
}

impl Of {
    fn owner(&self) -> Result<GuardOwner, Failure> {
        use GuardOwnerType as T;
        let named = [
            (T::Organisation, self.organisation),
            (T::Team, self.team),
            (T::Key, self.key),
        ];
        let mut named = named
            .into_iter()
            .filter_map(|(kind, id)| Some(GuardOwner { kind, id: id? }));
        named.next().ok_or_else(|| {
            Failure::Usage("say whose policy: --organisation, --team or --key".to_owned())
        })
    }
}

/// `alfred guard policy`.
pub(super) fn policy(command: PolicyCommand) -> Result<(), Failure> {
    match command {
        PolicyCommand::List { at } => list(&at),
        PolicyCommand::Show(args) => show_one(&args),
        PolicyCommand::Set(args) => set(&args),
        PolicyCommand::Drop(args) => drop_one(&args),
    }
}

/// `alfred guard hash`: the hashes of the values on standard input, a line each.
pub(super) fn hash(at: &At) -> Result<(), Failure> {
    let tools = tools(&House::open(&at.config)?)?;
    let text = read(&PathBuf::from("-"))?;
    let values = text.lines().filter(|line| !line.is_empty());
    let hashes: Vec<String> = values.map(|value| tools.allow_hash(value)).collect();
    match at.json {
        true => show::json(&hashes),
        false => show::out(
            &hashes
                .iter()
                .map(|hash| format!("{hash}\n"))
                .collect::<String>(),
        ),
    }
}

fn tools(house: &House) -> Result<Tools, Failure> {
    Ok(guard_tools(&house.pepper()?))
}

fn find(house: &House, filter: &GuardPolicyFilter) -> Result<Vec<GuardPolicyRow>, Failure> {
    let store = house.governance();
    all(
        |page| store.guard_policies(&Scope::House, filter, page),
        |row| row.id,
    )
}

fn list(at: &At) -> Result<(), Failure> {
    let rows = find(&House::open(&at.config)?, &GuardPolicyFilter::default())?;
    let columns = [
        left("of"),
        right("id"),
        right("organisation"),
        right("version"),
        left("policy"),
    ];
    show::rows(at.json, &rows, columns, |row| {
        [
            row.owner_type.word().to_owned(),
            row.owner_id.to_string(),
            row.org_id.to_string(),
            row.version.to_string(),
            row.policy.to_string(),
        ]
    })
}

fn show_one(args: &OfArgs) -> Result<(), Failure> {
    let owner = args.of.owner()?;
    let rows = find(&House::open(&args.at.config)?, &owner.into())?;
    let row = rows.first().ok_or(Failure::Absent {
        what: "guard policy",
        list: "guard policy list",
    })?;
    match args.at.json {
        true => show::json(row),
        false => {
            let text = serde_json::to_string_pretty(&row.policy).map_err(std::io::Error::from)?;
            show::out(&format!("{text}\n"))
        }
    }
}

fn set(args: &SetArgs) -> Result<(), Failure> {
    let owner = args.of.owner()?;
    let house = House::open(&args.at.config)?;
    let tools = tools(&house)?;
    let name = args.file.display().to_string();
    let document: Value = serde_json::from_str(&read(&args.file)?)
        .map_err(|error| Failure::Usage(format!("{name} is no JSON: {error}")))?;
    let unreadable = |problems: Problems| Failure::Usage(problems.to_string());
    GuardPolicy::read(&name, &document).map_err(unreadable)?;
    let layers = GuardChain::layers_of(house.governance(), &Scope::House, owner)?;
    let chain = GuardChain::new(&house.config.guard_policy(), &tools, layers, owner);
    let (whole, locked) = chain.with(&document);
    if !locked.is_empty() {
        let locked = locked.join(", ");
        let why = format!("{name}: a policy above does not allow that; locked above: {locked}");
        return Err(Failure::Usage(why));
    }
    let whole = GuardPolicy::read("the whole", &whole).map_err(unreadable)?;
    Guards::admit(&whole, &tools)
        .map_err(|why| Failure::Usage(format!("{name}: {}", whole.placed(why))))?;
    let policy = sealed(document, &tools);
    let entity = house.act(Command::SetGuardPolicy(NewGuardPolicy { owner, policy }))?;
    let (kind, id) = (owner.kind.word(), owner.id);
    let words = format!("the guard policy of {kind} {id} is set, within two seconds everywhere");
    show::done(args.at.json, &entity, &words)
}

fn drop_one(args: &OfArgs) -> Result<(), Failure> {
    let owner = args.of.owner()?;
    let house = House::open(&args.at.config)?;
    let entity = house.act(Command::DropGuardPolicy(owner))?;
    let (kind, id) = (owner.kind.word(), owner.id);
    let words = format!("the guard policy of {kind} {id} is gone");
    show::done(args.at.json, &entity, &words)
}
