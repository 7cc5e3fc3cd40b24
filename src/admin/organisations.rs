//! `/v1/organisations`: tenants are made and changed by the owners of the house's own.

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::answer::{self, Reply};
use super::at::{At, Find, Place};
use super::routes::{Routes, Shape};
use super::users::NewOwner;
use crate::store::OwnerType;
use crate::store::governance::{
    Command, NewOrganisation, OrganisationChange, OrganisationFilter, OrganisationRow,
    OrganisationStatus, Page, UserRow,
};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .on(
            ("GET", "/v1/organisations"),
            Shape::page::<OrganisationRow>().find::<Which>(),
            list,
        )
        .on(
            ("POST", "/v1/organisations"),
            Shape::one::<OrganisationRow>()
                .body::<OrganisationNew>()
                .status("201"),
            create,
        )
        .on(
            ("GET", "/v1/organisations/{id}"),
            Shape::one::<OrganisationRow>(),
            read,
        )
        .on(
            ("PATCH", "/v1/organisations/{id}"),
            Shape::one::<OrganisationRow>().body::<OrganisationPatch>(),
            change,
        )
        .on(
            ("POST", "/v1/organisations/{id}/owners"),
            Shape::one::<UserRow>().body::<NewOwner>().status("201"),
            create_owner,
        )
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Which {
    /// At most so many, 1 to 500; 100 if nobody says.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Of this name.
    name: Option<String>,
    /// In this status.
    #[param(inline)]
    status: Option<OrganisationStatus>,
}

/// A tenant to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OrganisationNew {
    /// Unique, 1 to 200 characters.
    name: String,
    /// Who pays first; quota, user, team if nobody says.
    funding_order: Option<Vec<OwnerType>>,
    /// Factor in millionths; 1,000,000 if nobody says.
    markup_ppm: Option<u32>,
}

/// What changes about a tenant.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OrganisationPatch {
    /// Its name.
    name: Option<String>,
    /// Whether it may use the gateway.
    status: Option<OrganisationStatus>,
    /// Who pays first.
    funding_order: Option<Vec<OwnerType>>,
    /// Factor in millionths.
    markup_ppm: Option<u32>,
}

async fn list(at: At, Find(which): Find<Which>) -> Reply {
    let page = answer::page(which.limit, which.cursor.as_deref())?;
    let filter = OrganisationFilter {
        id: None,
        name: which.name,
        status: which.status,
    };
    let rows = at
        .read(move |store, scope| store.organisations(scope, &filter, page))
        .await?;
    answer::rows(&rows, page, |row| row.id)
}

async fn read(at: At, Place(id): Place<i64>) -> Reply {
    let filter = OrganisationFilter {
        id: Some(id),
        ..OrganisationFilter::default()
    };
    let row = at
        .one("organisation", move |store, scope| {
            store.organisations(scope, &filter, Page::ONE)
        })
        .await?;
    answer::row(&row)
}

async fn create(at: At) -> Reply {
    let new: OrganisationNew = at.body()?;
    let command = Command::CreateOrganisation(NewOrganisation {
        name: new.name,
        funding_order: new.funding_order,
        markup_ppm: new.markup_ppm,
    });
    answer::done(&at.act(command).await?, Some("/v1/organisations"))
}

async fn change(at: At, Place(id): Place<i64>) -> Reply {
    let change: OrganisationPatch = at.body()?;
    let command = Command::ChangeOrganisation(OrganisationChange {
        id,
        name: change.name,
        status: change.status,
        funding_order: change.funding_order,
        markup_ppm: change.markup_ppm,
    });
    answer::done(&at.act(command).await?, None)
}

async fn create_owner(at: At, Place(id): Place<i64>) -> Reply {
    let new: NewOwner = at.body()?;
    let command = Command::CreateUser(new.into_new(&at, id).await?);
    answer::done(&at.act(command).await?, Some("/v1/users"))
}
