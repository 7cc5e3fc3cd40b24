//! Why: a team has members and a common pool; both are set here without a browser.

use alfred::money::Nanos;
use alfred::store::governance::{
    Command, Entity, Membership, NewTeam, Scope, TeamChange, TeamFilter, TeamId, TeamRole, TeamRow,
    UserFilter, UserId,
};
use clap::{Args, Subcommand};

use super::open::{House, all};
use super::show::{self, left, right};
use super::words::{OrNone, Order};
use super::{At, Failure, users};

#[derive(Debug, Subcommand)]
pub(super) enum TeamsCommand {
    /// List the teams.
    List {
        /// Of this organisation, by name or number.
        #[arg(long)]
        organisation: Option<String>,
        #[command(flatten)]
        at: At,
    },
    /// Make a team.
    Create(CreateArgs),
    /// Change a team, and its pool with it.
    Update(UpdateArgs),
    /// Delete a team without members, keys and money.
    Delete(TeamArg),
    /// List the members of a team, or change who belongs to it.
    Members(MembersArgs),
}

#[derive(Debug, Args)]
pub(super) struct TeamArg {
    /// Its name or number.
    team: String,
    /// The organisation in which the name is looked for.
    #[arg(long)]
    organisation: Option<String>,
    #[command(flatten)]
    at: At,
}

#[derive(Debug, Args)]
pub(super) struct CreateArgs {
    /// Its name.
    name: String,
    /// Its organisation, by name or number; may be left out where there is only one.
    #[arg(long)]
    organisation: Option<String>,
    /// What the common pool is set to each period.
    #[arg(long, value_name = "AMOUNT", default_value = "0")]
    common_pool: Nanos,
    /// How much of an absent member's quota is lent to the pool, in percent.
    #[arg(long, value_name = "PERCENT", default_value = "0")]
    vacation_share: u8,
    /// Who pays first; without it, the organisation decides.
    #[arg(long, value_name = "PAYERS")]
    funding_order: Option<Order>,
    /// Factor on the provider's price in millionths; without it, the organisation decides.
    #[arg(long, value_name = "N")]
    markup_ppm: Option<u32>,
    #[command(flatten)]
    at: At,
}

#[derive(Debug, Args)]
pub(super) struct UpdateArgs {
    #[command(flatten)]
    team: TeamArg,
    /// Its new name.
    #[arg(long)]
    name: Option<String>,
    /// What the common pool is set to each period.
    #[arg(long, value_name = "AMOUNT")]
    common_pool: Option<Nanos>,
    /// How much of an absent member's quota is lent to the pool, in percent.
    #[arg(long, value_name = "PERCENT")]
    vacation_share: Option<u8>,
    /// Who pays first, or none to leave it to the organisation.
    #[arg(long, value_name = "PAYERS")]
    funding_order: Option<OrNone<Order>>,
    /// Factor on the provider's price in millionths, or none to leave it to the organisation.
    #[arg(long, value_name = "N")]
    markup_ppm: Option<OrNone<u32>>,
}

#[derive(Debug, Args)]
pub(super) struct MembersArgs {
    #[command(flatten)]
    team: TeamArg,
    /// Put this user into the team: number or e-mail address.
    #[arg(long, value_name = "USER", conflicts_with = "remove")]
    add: Option<String>,
    /// As its lead.
    #[arg(long, requires = "add")]
    lead: bool,
    /// Take this user out of the team: number or e-mail address.
    #[arg(long, value_name = "USER")]
    remove: Option<String>,
}

/// `alfred teams …`
pub(super) fn teams(command: TeamsCommand) -> Result<(), Failure> {
    match command {
        TeamsCommand::List { organisation, at } => list(organisation.as_deref(), &at),
        TeamsCommand::Create(args) => create(args),
        TeamsCommand::Update(args) => update(args),
        TeamsCommand::Delete(arg) => delete(&arg),
        TeamsCommand::Members(args) => members(&args),
    }
}

fn open(arg: &TeamArg) -> Result<(House, TeamRow), Failure> {
    let house = House::open(&arg.at.config)?;
    let team = house.team(&arg.team, arg.organisation.as_deref())?;
    Ok((house, team))
}

fn list(organisation: Option<&str>, at: &At) -> Result<(), Failure> {
    let house = House::open(&at.config)?;
    let mut filter = TeamFilter::default();
    if organisation.is_some() {
        filter.org_id = Some(house.organisation(organisation)?.id);
    }
    let store = house.governance();
    let rows = all(
        |page| store.teams(&Scope::House, &filter, page),
        |row| row.id,
    )?;
    let columns = [
        right("id"),
        right("organisation"),
        right("members"),
        right("common pool"),
        right("used"),
        right("vacation share"),
        left("name"),
    ];
    show::rows(at.json, &rows, columns, |row| {
        [
            row.id.to_string(),
            row.org_id.to_string(),
            row.members.to_string(),
            row.common_pool.to_string(),
            row.used_pool.to_string(),
            format!("{} %", row.vacation_share_pct),
            row.name.clone(),
        ]
    })
}

fn create(args: CreateArgs) -> Result<(), Failure> {
    let house = House::open(&args.at.config)?;
    let command = Command::CreateTeam(NewTeam {
        org_id: house.organisation(args.organisation.as_deref())?.id,
        name: args.name,
        common_pool: args.common_pool,
        vacation_share_pct: args.vacation_share,
        funding_order: args.funding_order.map(|order| order.0),
        markup_ppm: args.markup_ppm,
    });
    act(&house, &args.at, command, "is made")
}

fn update(args: UpdateArgs) -> Result<(), Failure> {
    let (house, team) = open(&args.team)?;
    let change = TeamChange {
        id: team.id,
        name: args.name,
        common_pool: args.common_pool,
        vacation_share_pct: args.vacation_share,
        funding_order: args.funding_order.map(|order| order.0.map(|order| order.0)),
        markup_ppm: args.markup_ppm.map(|markup| markup.0),
    };
    let nothing = TeamChange {
        id: team.id,
        ..TeamChange::default()
    };
    if change == nothing {
        return Err(Failure::nothing_to_change());
    }
    let command = Command::ChangeTeam(change);
    act(&house, &args.team.at, command, "is changed")
}

fn delete(arg: &TeamArg) -> Result<(), Failure> {
    let (house, team) = open(arg)?;
    let entity = house.act(Command::DeleteTeam(TeamId(team.id)))?;
    let words = format!("team {} '{}' is deleted", team.id, team.name);
    show::done(arg.at.json, &entity, &words)
}

fn members(args: &MembersArgs) -> Result<(), Failure> {
    let (house, team) = open(&args.team)?;
    let at = &args.team.at;
    if let Some(name) = &args.add {
        let command = Command::PutMember(Membership {
            team_id: team.id,
            user_id: house.user(name)?.id,
            role: match args.lead {
                true => TeamRole::Lead,
                false => TeamRole::Member,
            },
        });
        let what = format!("belongs to team {} '{}'", team.id, team.name);
        return users::act(&house, at, command, &what);
    }
    if let Some(name) = &args.remove {
        let user = house.user(name)?;
        if user.team_id != Some(team.id) {
            let words = "the user does not belong to the team".to_owned();
            return Err(Failure::Usage(words));
        }
        let what = format!("belongs to team {} '{}' no more", team.id, team.name);
        return users::act(&house, at, Command::RemoveMember(UserId(user.id)), &what);
    }
    let filter = UserFilter {
        team_id: Some(team.id),
        ..UserFilter::default()
    };
    users::print(&house, at, &filter)
}

fn act(house: &House, at: &At, command: Command, what: &str) -> Result<(), Failure> {
    let entity = house.act(command)?;
    let words = match &entity {
        Entity::Team(row) => format!("team {} '{}' {what}", row.id, row.name),
        _ => what.to_owned(),
    };
    show::done(at.json, &entity, &words)
}
