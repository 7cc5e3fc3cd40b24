//! `/v1/absences`: who is away lends a part of their quota to the team.

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::answer::{self, Reply};
use super::at::{At, Find, Place};
use super::routes::{Routes, Shape};
use super::words::Moment;
use crate::store::governance::{
    AbsenceChange, AbsenceFilter, AbsenceId, AbsenceRow, AbsenceState, Command, NewAbsence, Page,
};

pub(super) fn routes(routes: Routes) -> Routes {
    let one = Shape::one::<AbsenceRow>;
    routes
        .on(
            ("GET", "/v1/absences"),
            Shape::page::<AbsenceRow>().find::<Which>(),
            list,
        )
        .on(
            ("POST", "/v1/absences"),
            one().body::<AbsenceNew>().status("201"),
            plan,
        )
        .on(("GET", "/v1/absences/{id}"), one(), read)
        .on(
            ("PATCH", "/v1/absences/{id}"),
            one().body::<AbsencePatch>(),
            change,
        )
        .on(("DELETE", "/v1/absences/{id}"), one(), end)
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Which {
    /// At most so many, 1 to 500; 100 if nobody says.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Of members of this team.
    team_id: Option<i64>,
    /// Of this user.
    user_id: Option<i64>,
    /// In this state.
    #[param(inline)]
    state: Option<AbsenceState>,
}

/// An absence to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AbsenceNew {
    /// Who.
    user_id: i64,
    /// When it begins.
    starts_at: Moment,
    /// When it is over; later than the start and than now.
    ends_at: Moment,
}

/// What changes about an absence.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AbsencePatch {
    /// Only while it lies ahead.
    starts_at: Option<Moment>,
    /// Not once it is over.
    ends_at: Option<Moment>,
}

async fn list(at: At, Find(which): Find<Which>) -> Reply {
    let page = answer::page(which.limit, which.cursor.as_deref())?;
    let filter = AbsenceFilter {
        team_id: which.team_id,
        user_id: which.user_id,
        state: which.state,
        ..AbsenceFilter::default()
    };
    let rows = at
        .read(move |store, scope| store.absences(scope, &filter, page))
        .await?;
    answer::rows(&rows, page, |row| row.id)
}

async fn read(at: At, Place(id): Place<i64>) -> Reply {
    let filter = AbsenceFilter {
        id: Some(id),
        ..AbsenceFilter::default()
    };
    let row = at
        .one("absence", move |store, scope| {
            store.absences(scope, &filter, Page::ONE)
        })
        .await?;
    answer::row(&row)
}

async fn plan(at: At) -> Reply {
    let new: AbsenceNew = at.body()?;
    let command = Command::PlanAbsence(NewAbsence {
        user_id: new.user_id,
        starts_at: new.starts_at.0,
        ends_at: new.ends_at.0,
    });
    answer::done(&at.act(command).await?, Some("/v1/absences"))
}

async fn change(at: At, Place(id): Place<i64>) -> Reply {
    let change: AbsencePatch = at.body()?;
    let command = Command::ChangeAbsence(AbsenceChange {
        id,
        starts_at: change.starts_at.map(|at| at.0),
        ends_at: change.ends_at.map(|at| at.0),
    });
    answer::done(&at.act(command).await?, None)
}

async fn end(at: At, Place(id): Place<i64>) -> Reply {
    answer::done(&at.act(Command::EndAbsence(AbsenceId(id))).await?, None)
}
