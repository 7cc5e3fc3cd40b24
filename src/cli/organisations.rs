//! Why: tenants are made by whoever owns the machine, and by nobody else.

use alfred::store::OwnerType;
use alfred::store::governance::{
    Command, Entity, NewOrganisation, OrganisationChange, OrganisationFilter, OrganisationRow,
    OrganisationStatus, Scope,
};
use clap::{Args, Subcommand};

use super::open::{House, all};
use super::show::{self, left, right, time};
use super::words::{self, Order};
use super::{At, Failure};

#[derive(Debug, Subcommand)]
pub(super) enum OrganisationsCommand {
    /// List the organisations.
    List {
        /// In this status.
        #[arg(long, value_parser = words::organisation_status())]
        status: Option<OrganisationStatus>,
        #[command(flatten)]
        at: At,
    },
    /// Make an organisation.
    Create {
        /// Its name.
        name: String,
        #[command(flatten)]
        terms: Terms,
        #[command(flatten)]
        at: At,
    },
    /// Change an organisation.
    Update(UpdateArgs),
}

/// What an organisation decides about money.
#[derive(Debug, Args)]
pub(super) struct Terms {
    /// Who pays first.
    #[arg(long, value_name = "PAYERS", value_parser = clap::value_parser!(Order))]
    funding_order: Option<Order>,
    /// Factor on the provider's price in millionths: 1200000 adds 20 %.
    #[arg(long, value_name = "N")]
    markup_ppm: Option<u32>,
}

#[derive(Debug, Args)]
pub(super) struct UpdateArgs {
    /// Its name or number.
    organisation: String,
    /// Its new name.
    #[arg(long)]
    name: Option<String>,
    /// Whether it may use the gateway.
    #[arg(long, value_parser = words::organisation_status())]
    status: Option<OrganisationStatus>,
    #[command(flatten)]
    terms: Terms,
    #[command(flatten)]
    at: At,
}

/// `alfred organisations …`
pub(super) fn organisations(command: OrganisationsCommand) -> Result<(), Failure> {
    match command {
        OrganisationsCommand::List { status, at } => list(status, &at),
        OrganisationsCommand::Create { name, terms, at } => {
            let house = House::open(&at.config)?;
            let command = Command::CreateOrganisation(NewOrganisation {
                name,
                funding_order: terms.funding_order.map(|order| order.0),
                markup_ppm: terms.markup_ppm,
            });
            act(&house, &at, command, "is made")
        }
        OrganisationsCommand::Update(args) => update(args),
    }
}

fn list(status: Option<OrganisationStatus>, at: &At) -> Result<(), Failure> {
    let house = House::open(&at.config)?;
    let filter = OrganisationFilter {
        status,
        ..OrganisationFilter::default()
    };
    let store = house.governance();
    let read = |page| store.organisations(&Scope::House, &filter, page);
    let rows = all(read, |row| row.id)?;
    let columns = [
        right("id"),
        left("status"),
        left("funding order"),
        right("markup ppm"),
        left("created"),
        left("name"),
    ];
    show::rows(at.json, &rows, columns, |row: &OrganisationRow| {
        [
            row.id.to_string(),
            row.status.word().to_owned(),
            order(&row.funding_order),
            row.markup_ppm.to_string(),
            time(row.created_at),
            row.name.clone(),
        ]
    })
}

/// Payers as they are typed.
pub(super) fn order(payers: &[OwnerType]) -> String {
    let words: Vec<_> = payers.iter().map(|payer| payer.word()).collect();
    words.join(",")
}

fn update(args: UpdateArgs) -> Result<(), Failure> {
    let house = House::open(&args.at.config)?;
    let id = house.organisation(Some(&args.organisation))?.id;
    let change = OrganisationChange {
        id,
        name: args.name,
        status: args.status,
        funding_order: args.terms.funding_order.map(|order| order.0),
        markup_ppm: args.terms.markup_ppm,
    };
    let nothing = OrganisationChange {
        id,
        ..OrganisationChange::default()
    };
    if change == nothing {
        return Err(Failure::nothing_to_change());
    }
    let command = Command::ChangeOrganisation(change);
    act(&house, &args.at, command, "is changed")
}

fn act(house: &House, at: &At, command: Command, what: &str) -> Result<(), Failure> {
    let entity = house.act(command)?;
    let words = match &entity {
        Entity::Organisation(row) => format!("organisation {} '{}' {what}", row.id, row.name),
        _ => what.to_owned(),
    };
    show::done(at.json, &entity, &words)
}
