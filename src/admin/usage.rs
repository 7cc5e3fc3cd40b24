//! `/v1/usage`: who used how much of what, summed up.

use axum::Json;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::answer::{self, Reply, shown, time};
use super::at::{At, Find};
use super::routes::{Routes, Shape};
use super::words::{Moment, month};
use crate::exchange::unix_ms;
use crate::store::governance::{GroupBy, UsageFilter, UsageRow};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.on(
        ("GET", "/v1/usage"),
        Shape::page::<UsageRow>().find::<Which>(),
        usage,
    )
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Which {
    /// By what it is summed up: user, team, key, model, provider or day.
    #[param(inline)]
    by: GroupBy,
    /// Of this team.
    team_id: Option<i64>,
    /// Of this user.
    user_id: Option<i64>,
    /// Of this key.
    key_id: Option<i64>,
    /// Of this model.
    model: Option<String>,
    /// Of this provider.
    provider: Option<String>,
    /// This moment included; the first of this month if nobody says.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Moment>,
    /// This moment excluded; now if nobody says.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Moment>,
}

async fn usage(at: At, Find(which): Find<Which>) -> Reply {
    let (by, now) = (which.by, unix_ms());
    let filter = UsageFilter {
        by,
        org_id: None,
        team_id: which.team_id,
        user_id: which.user_id,
        key_id: which.key_id,
        model: which.model,
        provider: which.provider,
        from_ms: which.from.map_or_else(|| month(now), |at| at.0),
        until_ms: which.until.map_or(now.saturating_add(1), |at| at.0),
    };
    let (from, until) = (time(filter.from_ms), time(filter.until_ms));
    let rows = at
        .read(move |store, scope| store.usage(scope, &filter))
        .await?;
    let data: Vec<Value> = rows
        .iter()
        .map(|row| answer::by_day(shown(row), by == GroupBy::Day))
        .collect();
    let body = json!({
        "by": by, "from": from, "until": until, "data": data, "next_cursor": null,
    });
    Ok(Json(body).into_response())
}
