//! Why: while somebody is away, a share of their quota helps the team. It is planned here.

use alfred::store::governance::{AbsenceFilter, AbsenceId, Command, Entity, NewAbsence, Scope};
use clap::{Args, Subcommand};

use super::open::{House, all};
use super::show::{self, left, right, time};
use super::words::Moment;
use super::{At, Failure};

#[derive(Debug, Subcommand)]
pub(super) enum AbsencesCommand {
    /// List the absences.
    List(ListArgs),
    /// Plan an absence.
    Plan(PlanArgs),
    /// End an absence now, or call it off.
    End {
        /// Its number.
        absence: i64,
        #[command(flatten)]
        at: At,
    },
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Of this user: number or e-mail address.
    #[arg(long)]
    user: Option<String>,
    /// Of members of this team: number or name.
    #[arg(long)]
    team: Option<String>,
    /// Of this organisation, by name or number; also where the team's name is looked for.
    #[arg(long)]
    organisation: Option<String>,
    #[command(flatten)]
    at: At,
}

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// Who: number or e-mail address.
    user: String,
    /// When it begins, for example 2027-07-01 or 2027-07-01T08:00:00Z.
    #[arg(long, value_name = "TIME")]
    from: Moment,
    /// When it ends.
    #[arg(long, value_name = "TIME")]
    until: Moment,
    #[command(flatten)]
    at: At,
}

/// `alfred absences …`
pub(super) fn absences(command: AbsencesCommand) -> Result<(), Failure> {
    match command {
        AbsencesCommand::List(args) => list(&args),
        AbsencesCommand::Plan(args) => {
            let house = House::open(&args.at.config)?;
            let command = Command::PlanAbsence(NewAbsence {
                user_id: house.user(&args.user)?.id,
                starts_at: args.from.0,
                ends_at: args.until.0,
            });
            act(&house, &args.at, command)
        }
        AbsencesCommand::End { absence, at } => {
            let house = House::open(&at.config)?;
            act(&house, &at, Command::EndAbsence(AbsenceId(absence)))
        }
    }
}

fn act(house: &House, at: &At, command: Command) -> Result<(), Failure> {
    let entity = house.act(command)?;
    let words = match &entity {
        Entity::Absence(row) => format!(
            "absence {} of user {} from {} until {} is {}",
            row.id,
            row.user_id,
            time(row.starts_at),
            time(row.ends_at),
            row.state.word()
        ),
        _ => "the absence is called off".to_owned(),
    };
    show::done(at.json, &entity, &words)
}

fn list(args: &ListArgs) -> Result<(), Failure> {
    let house = House::open(&args.at.config)?;
    let mut filter = AbsenceFilter::default();
    let organisation = args.organisation.as_deref();
    if organisation.is_some() {
        filter.org_id = Some(house.organisation(organisation)?.id);
    }
    if let Some(name) = &args.team {
        filter.team_id = Some(house.team(name, organisation)?.id);
    }
    if let Some(name) = &args.user {
        filter.user_id = Some(house.user(name)?.id);
    }
    let store = house.governance();
    let rows = all(
        |page| store.absences(&Scope::House, &filter, page),
        |row| row.id,
    )?;
    let columns = [
        right("id"),
        right("user"),
        left("state"),
        left("from"),
        left("until"),
        right("lent"),
        right("reclaimed"),
    ];
    show::rows(args.at.json, &rows, columns, |row| {
        [
            row.id.to_string(),
            row.user_id.to_string(),
            row.state.word().to_owned(),
            time(row.starts_at),
            time(row.ends_at),
            row.lent.to_string(),
            row.reclaimed.to_string(),
        ]
    })
}
