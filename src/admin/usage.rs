//! `/v1/usage`: who used how much of what, summed up.

use axum::Json;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::answer::{Reply, shown, time};
use super::at::{At, Find};
use super::routes::{Routes, Shape};
use super::words::Moment;
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
    let data: Vec<Value> = rows.iter().map(|row| told(by, row)).collect();
    let body = json!({
        "by": by, "from": from, "until": until, "data": data, "next_cursor": null,
    });
    Ok(Json(body).into_response())
}

fn told(by: GroupBy, row: &UsageRow) -> Value {
    let mut value = shown(row);
    let day = row.group.as_ref().filter(|_| by == GroupBy::Day);
    let day = day.and_then(|day| day.parse().ok()).and_then(time);
    if let (Some(day), Some(members)) = (day, value.as_object_mut()) {
        let day: String = day.chars().take(10).collect();
        members.insert("group".to_owned(), day.into());
    }
    value
}

/// The first moment of the month, in UTC.
fn month(now: i64) -> i64 {
    let first = time(now).map(|now| now.chars().take(8).chain("01T00:00:00Z".chars()).collect());
    let first = first.and_then(|first: String| first.parse::<jiff::Timestamp>().ok());
    first.map_or(0, |first| first.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_on_the_first() {
        let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_millisecond();
        let first = at("2026-10-01T00:00:00Z");
        assert_eq!(month(at("2026-10-05T18:00:00Z")), first);
        assert_eq!(month(first), first);
    }
}
