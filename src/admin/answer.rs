//! Why: rows are shown alike everywhere: times in RFC 3339, money as text, the version as ETag,
//! and a list with the way to its next page.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

use super::fault;
use super::problem::Problem;
use crate::store::governance::{Done, Entity, Page};

/// What handlers answer.
pub(super) type Reply = Result<Response, Problem>;

/// Rows of a page where nobody says how many.
const USUAL: u32 = 100;
/// Most rows of a page.
const MOST: u32 = 500;

/// A number of rows, within bounds.
pub(super) fn limit(asked: Option<u32>) -> Result<u32, Problem> {
    match asked.unwrap_or(USUAL) {
        limit @ 1..=MOST => Ok(limit),
        _ => Err(fault::refused("the limit must be 1 to 500")),
    }
}

/// A page of a list by id: one row more than is shown tells whether there is another page.
pub(super) fn page(asked: Option<u32>, cursor: Option<&str>) -> Result<Page, Problem> {
    let after = cursor.map(|cursor| cursor.parse::<i64>()).transpose();
    Ok(Page {
        after: after.map_err(|_| bad_cursor())?,
        limit: limit(asked)?.saturating_add(1),
    })
}

pub(super) fn bad_cursor() -> Problem {
    fault::refused("the cursor is none that this list answered")
}

/// The answer to a list by id.
pub(super) fn rows<T: Serialize>(rows: &[T], page: Page, id: impl Fn(&T) -> i64) -> Reply {
    let limit = page.limit.saturating_sub(1) as usize;
    cut(rows, limit, |row| id(row).to_string())
}

/// The answer to a list of which at most `limit` rows are shown.
pub(super) fn cut<T: Serialize>(rows: &[T], limit: usize, cursor: impl Fn(&T) -> String) -> Reply {
    let has_more = rows.len() > limit;
    let rows = rows.get(..limit).unwrap_or(rows);
    let next = rows.last().filter(|_| has_more).map(cursor);
    let data: Vec<Value> = rows.iter().map(shown).collect();
    Ok(Json(json!({ "data": data, "next_cursor": next })).into_response())
}

/// One row, with its ETag.
pub(super) fn row<T: Serialize>(row: &T) -> Reply {
    Ok(with_etag(StatusCode::OK, shown(row)))
}

/// What a command did: its row, 201 and a place for what was made.
pub(super) fn done(done: &Done, made_at: Option<&str>) -> Reply {
    Ok(done_with(done, made_at, bare(&done.entity)))
}

/// The same with another body.
pub(super) fn done_with(done: &Done, made_at: Option<&str>, body: Value) -> Response {
    let place = made_at.and_then(|path| {
        let id = body.get("id").and_then(Value::as_i64)?;
        HeaderValue::from_str(&format!("{path}/{id}")).ok()
    });
    let status = match made_at {
        Some(_) => StatusCode::CREATED,
        None => StatusCode::OK,
    };
    let mut response = with_etag(status, body);
    let headers = response.headers_mut();
    if let Some(place) = place {
        headers.insert(header::LOCATION, place);
    }
    if done.replayed {
        let name = HeaderName::from_static("idempotency-replayed");
        headers.insert(name, HeaderValue::from_static("true"));
    }
    response
}

fn with_etag(status: StatusCode, body: Value) -> Response {
    let version = body.get("version").and_then(Value::as_i64);
    let mut response = (status, Json(body)).into_response();
    let etag = version.and_then(|version| HeaderValue::from_str(&format!("\"{version}\"")).ok());
    if let Some(etag) = etag {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response
}

/// The row itself, without the name of its kind.
pub(super) fn bare(entity: &Entity) -> Value {
    match entity {
        Entity::Organisation(row) => shown(row),
        Entity::Team(row) => shown(row),
        Entity::User(row) => shown(row),
        Entity::Absence(row) => shown(row),
        Entity::Wallet(row) => shown(row),
        Entity::Money {
            wallet,
            request_id,
            lines,
        } => {
            json!({ "wallet": shown(wallet), "request_id": request_id, "lines": lines })
        }
        Entity::Lines(lines) => json!({ "lines": lines }),
        Entity::Key(row) => shown(row),
        Entity::Token(row) => shown(row),
        Entity::Denied(row) => shown(row),
        Entity::Session(row) => shown(row),
        Entity::GuardPolicy(row) => shown(row),
        Entity::Gone(rows) => json!({ "deleted": rows }),
    }
}

/// A row as JSON, with its times in RFC 3339. Rows have no map with odd keys, which alone could
/// fail.
pub(super) fn shown<T: Serialize>(row: &T) -> Value {
    let mut value = serde_json::to_value(row).unwrap_or_default();
    if let Some(members) = value.as_object_mut() {
        for (name, member) in members {
            if let Some(at) = member.as_i64().filter(|_| is_time(name)) {
                *member = time(at).into();
            }
        }
    }
    value
}

/// Whether a member of this name is a time.
pub(super) fn is_time(name: &str) -> bool {
    name.ends_with("_at") || name == "period_start" || name == "tokens_valid_after"
}

/// A summed-up row whose group is told as a day, if it is one.
pub(super) fn by_day(mut row: Value, is_day: bool) -> Value {
    let day = row.get("group").and_then(Value::as_str).filter(|_| is_day);
    let day = day.and_then(|day| day.parse().ok()).and_then(time);
    if let (Some(day), Some(members)) = (day, row.as_object_mut()) {
        let day: String = day.chars().take(10).collect();
        members.insert("group".to_owned(), day.into());
    }
    row
}

/// A moment in RFC 3339; `None` beyond the years that have one.
pub(super) fn time(unix_ms: i64) -> Option<String> {
    let at = jiff::Timestamp::from_millisecond(unix_ms);
    at.ok().map(|at| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_words_and_numbers_stay() {
        let row = json!({ "created_at": 0, "expires_at": null, "version": 3, "amount": "1.0" });
        let shown = shown(&row);
        assert_eq!(shown["created_at"], "1970-01-01T00:00:00Z");
        assert_eq!(
            (&shown["expires_at"], &shown["version"]),
            (&Value::Null, &json!(3))
        );
    }

    #[test]
    fn a_page_has_bounds() {
        assert_eq!(page(None, Some("7")).unwrap().after, Some(7));
        assert_eq!(page(Some(500), None).unwrap().limit, 501);
        assert!(page(Some(0), None).is_err() && page(Some(501), None).is_err());
        assert!(page(None, Some("x")).is_err());
    }
}
