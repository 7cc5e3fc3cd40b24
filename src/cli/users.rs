//! Why: people come, change and go; whoever holds the machine can let them in without a browser,
//! the first one above all.

use std::io::Read;

use alfred::money::Nanos;
use alfred::secrets::{hash_password, os_random};
use alfred::store::governance::{
    Command, Entity, NewUser, Password, PasswordHash, Role, Scope, TeamRole, UserChange,
    UserFilter, UserId, UserRow, UserStanding, UserStatus,
};
use clap::{Args, Subcommand};

use super::open::{House, all};
use super::show::{self, left, right};
use super::words::{self, OrNone};
use super::{At, Failure};

#[derive(Debug, Subcommand)]
pub(super) enum UsersCommand {
    /// List the users.
    List(ListArgs),
    /// Make a user.
    Create(CreateArgs),
    /// Change a user, and their quota with it.
    Update(UpdateArgs),
    /// Keep a user out for now, with all their keys, tokens and sessions.
    Suspend(UserArg),
    /// Let a suspended user in again.
    Activate(UserArg),
    /// Keep a user out for ever.
    Close(UserArg),
    /// Set a user's password, read from standard input, and end their sessions.
    Password {
        #[command(flatten)]
        user: UserArg,
        /// Take the password away: no log-in with one.
        #[arg(long)]
        none: bool,
    },
    /// Make every token and session of a user void that was issued before now.
    Void(UserArg),
}

#[derive(Debug, Args)]
pub(super) struct UserArg {
    /// Number or e-mail address.
    user: String,
    #[command(flatten)]
    at: At,
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Of this organisation, by name or number; also where the team's name is looked for.
    #[arg(long)]
    organisation: Option<String>,
    /// Of this team: number or name.
    #[arg(long)]
    team: Option<String>,
    /// In this role.
    #[arg(long, value_parser = words::role())]
    role: Option<Role>,
    /// In this status.
    #[arg(long, value_parser = words::user_status())]
    status: Option<UserStatus>,
    #[command(flatten)]
    at: At,
}

#[derive(Debug, Args)]
pub(super) struct CreateArgs {
    /// Their e-mail address, unique in the whole house.
    email: String,
    /// What people call them; without it, the address.
    #[arg(long)]
    name: Option<String>,
    /// Their organisation, by name or number; may be left out where there is only one.
    #[arg(long)]
    organisation: Option<String>,
    /// Their team: number or name.
    #[arg(long)]
    team: Option<String>,
    /// What they may do in the organisation.
    #[arg(long, value_parser = words::role(), default_value = "member")]
    role: Role,
    /// What they may do in the team.
    #[arg(long, value_parser = words::team_role(), default_value = "member")]
    team_role: TeamRole,
    /// What the personal quota is set to each period.
    #[arg(long, value_name = "AMOUNT", default_value = "0")]
    quota: Nanos,
    /// The name an identity provider knows them by.
    #[arg(long)]
    subject: Option<String>,
    /// Read a password from standard input.
    #[arg(long)]
    password: bool,
    #[command(flatten)]
    at: At,
}

#[derive(Debug, Args)]
pub(super) struct UpdateArgs {
    #[command(flatten)]
    user: UserArg,
    /// What people call them.
    #[arg(long)]
    name: Option<String>,
    /// Their e-mail address.
    #[arg(long)]
    email: Option<String>,
    /// What they may do in the organisation.
    #[arg(long, value_parser = words::role())]
    role: Option<Role>,
    /// What they may do in the team.
    #[arg(long, value_parser = words::team_role())]
    team_role: Option<TeamRole>,
    /// What the personal quota is set to each period.
    #[arg(long, value_name = "AMOUNT")]
    quota: Option<Nanos>,
    /// The name an identity provider knows them by, or none.
    #[arg(long)]
    subject: Option<OrNone<String>>,
}

/// `alfred users …`
pub(super) fn users(command: UsersCommand) -> Result<(), Failure> {
    match command {
        UsersCommand::List(args) => list(&args),
        UsersCommand::Create(args) => create(args),
        UsersCommand::Update(args) => update(args),
        UsersCommand::Suspend(arg) => stand(&arg, UserStatus::Suspended, "is suspended"),
        UsersCommand::Activate(arg) => stand(&arg, UserStatus::Active, "is active"),
        UsersCommand::Close(arg) => stand(&arg, UserStatus::Closed, "is closed for ever"),
        UsersCommand::Password { user, none } => password(&user, none),
        UsersCommand::Void(arg) => {
            let (house, user) = open(&arg)?;
            let command = Command::VoidTokens(UserId(user.id));
            let what = "is logged out everywhere, and every token is void";
            act(&house, &arg.at, command, what)
        }
    }
}

fn open(arg: &UserArg) -> Result<(House, UserRow), Failure> {
    let house = House::open(&arg.at.config)?;
    let user = house.user(&arg.user)?;
    Ok((house, user))
}

fn list(args: &ListArgs) -> Result<(), Failure> {
    let house = House::open(&args.at.config)?;
    let mut filter = UserFilter {
        role: args.role,
        status: args.status,
        ..UserFilter::default()
    };
    let organisation = args.organisation.as_deref();
    if organisation.is_some() {
        filter.org_id = Some(house.organisation(organisation)?.id);
    }
    if let Some(name) = &args.team {
        filter.team_id = Some(house.team(name, organisation)?.id);
    }
    print(&house, &args.at, &filter)
}

/// Prints the users of a filter.
pub(super) fn print(house: &House, at: &At, filter: &UserFilter) -> Result<(), Failure> {
    let store = house.governance();
    let rows = all(
        |page| store.users(&Scope::House, filter, page),
        |row| row.id,
    )?;
    let columns = [
        right("id"),
        right("organisation"),
        right("team"),
        left("status"),
        left("role"),
        left("in team"),
        right("quota"),
        left("e-mail"),
        left("name"),
    ];
    show::rows(at.json, &rows, columns, |row| {
        [
            row.id.to_string(),
            row.org_id.to_string(),
            show::or_none(row.team_id),
            row.status.word().to_owned(),
            row.role.word().to_owned(),
            row.team_role.word().to_owned(),
            row.personal_quota.to_string(),
            row.email.clone(),
            row.name.clone(),
        ]
    })
}

fn create(args: CreateArgs) -> Result<(), Failure> {
    let house = House::open(&args.at.config)?;
    let organisation = house.organisation(args.organisation.as_deref())?;
    let team_id = match &args.team {
        Some(name) => Some(house.team(name, Some(&organisation.id.to_string()))?.id),
        None => None,
    };
    let password = match args.password {
        true => Some(typed_password()?),
        false => None,
    };
    let command = Command::CreateUser(NewUser {
        org_id: organisation.id,
        team_id,
        name: args.name.unwrap_or_else(|| args.email.clone()),
        email: args.email,
        role: args.role,
        team_role: args.team_role,
        personal_quota: args.quota,
        subject: args.subject,
        password,
    });
    act(&house, &args.at, command, "is made")
}

fn update(args: UpdateArgs) -> Result<(), Failure> {
    let (house, user) = open(&args.user)?;
    let change = UserChange {
        id: user.id,
        name: args.name,
        email: args.email,
        role: args.role,
        team_role: args.team_role,
        personal_quota: args.quota,
        subject: args.subject.map(|subject| subject.0),
    };
    let nothing = UserChange {
        id: user.id,
        ..UserChange::default()
    };
    if change == nothing {
        return Err(Failure::nothing_to_change());
    }
    let command = Command::ChangeUser(change);
    act(&house, &args.user.at, command, "is changed")
}

fn stand(arg: &UserArg, status: UserStatus, what: &str) -> Result<(), Failure> {
    let (house, user) = open(arg)?;
    let id = user.id;
    let command = Command::SetUserStatus(UserStanding { id, status });
    act(&house, &arg.at, command, what)
}

fn password(arg: &UserArg, none: bool) -> Result<(), Failure> {
    let (house, user) = open(arg)?;
    let (hash, what) = match none {
        true => (None, "has no password"),
        false => (Some(typed_password()?), "has a new password"),
    };
    let user_id = user.id;
    let command = Command::SetPassword(Password { user_id, hash });
    act(&house, &arg.at, command, what)
}

/// A password from standard input, so that no shell keeps it. A line end is not a part of it.
fn typed_password() -> Result<PasswordHash, Failure> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    hash_password(text, &mut os_random).map_err(|problem| Failure::Usage(problem.to_string()))
}

/// Does an act on a user and tells of it.
pub(super) fn act(house: &House, at: &At, command: Command, what: &str) -> Result<(), Failure> {
    let entity = house.act(command)?;
    let words = match &entity {
        Entity::User(row) => format!("user {} '{}' {what}", row.id, row.email),
        _ => what.to_owned(),
    };
    show::done(at.json, &entity, &words)
}
