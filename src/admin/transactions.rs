//! `/v1/transactions`: the ledger line by line, newest first, as JSON or as CSV.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::IntoResponse;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::answer::{self, Reply};
use super::at::{At, Find, Place};
use super::csv;
use super::fault;
use super::problem::Problem;
use super::routes::{Routes, Shape};
use super::words::Moment;
use crate::money::Nanos;
use crate::store::governance::{
    Command, Reconciliation, TransactionCursor, TransactionFilter, TransactionRow,
};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .on(
            ("GET", "/v1/transactions"),
            Shape::page::<TransactionRow>()
                .find::<Which>()
                .also("text/csv"),
            list,
        )
        .on(
            ("GET", "/v1/transactions/{id}"),
            Shape::one::<TransactionRow>(),
            read,
        )
        .on(
            ("POST", "/v1/transactions/{id}/reconcile"),
            Shape::object().body::<Reconcile>(),
            reconcile,
        )
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Which {
    /// At most so many, 1 to 500; 100 if nobody says.
    limit: Option<u32>,
    /// `next_cursor` of the page before; of a CSV the `x-next-cursor` header.
    cursor: Option<String>,
    /// `json` or `csv`; `Accept: text/csv` asks for CSV too.
    #[param(inline)]
    format: Option<Format>,
    /// Alfred's own id of the request or act.
    request_id: Option<Uuid>,
    /// Of this team.
    team_id: Option<i64>,
    /// Of this user.
    user_id: Option<i64>,
    /// Of this key.
    key_id: Option<i64>,
    /// Of this wallet.
    wallet_id: Option<i64>,
    /// Of this model.
    model: Option<String>,
    /// Of this provider.
    provider: Option<String>,
    /// Of this type, e.g. `usage`.
    r#type: Option<String>,
    /// This moment included.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Moment>,
    /// This moment excluded.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Moment>,
}

/// What an attempt that was estimated really cost.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Reconcile {
    /// In credits.
    #[schema(value_type = String)]
    cost: Nanos,
    /// From where that is known.
    note: Option<String>,
}

/// A form of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Format {
    Json,
    Csv,
}

async fn list(at: At, headers: HeaderMap, Find(which): Find<Which>) -> Reply {
    let limit = answer::limit(which.limit)?;
    let after = which.cursor.as_deref().map(cursor).transpose()?;
    let format = which.format.unwrap_or_else(|| accepted(&headers));
    let filter = TransactionFilter {
        id: None,
        request_id: which.request_id,
        org_id: None,
        team_id: which.team_id,
        user_id: which.user_id,
        key_id: which.key_id,
        wallet_id: which.wallet_id,
        model: which.model,
        provider: which.provider,
        kind: which.r#type,
        from_ms: which.from.map(|at| at.0),
        until_ms: which.until.map(|at| at.0),
    };
    let rows = at
        .read(move |store, scope| {
            store.transactions(scope, &filter, after, limit.saturating_add(1))
        })
        .await?;
    match format {
        Format::Json => answer::cut(&rows, limit as usize, told),
        Format::Csv => sheet(&rows, limit as usize),
    }
}

fn accepted(headers: &HeaderMap) -> Format {
    let accept = headers.get(header::ACCEPT);
    let accept = accept.and_then(|accept| accept.to_str().ok());
    match accept.is_some_and(|accept| accept.trim_start().starts_with("text/csv")) {
        true => Format::Csv,
        false => Format::Json,
    }
}

/// Where a list goes on: time and id of its last line.
fn told(row: &TransactionRow) -> String {
    format!("{}_{}", row.created_at, row.id)
}

fn cursor(text: &str) -> Result<TransactionCursor, Problem> {
    let read = || {
        let (created_at, id) = text.split_once('_')?;
        Some(TransactionCursor {
            created_at: created_at.parse().ok()?,
            id: id.parse().ok()?,
        })
    };
    read().ok_or_else(answer::bad_cursor)
}

fn sheet(rows: &[TransactionRow], limit: usize) -> Reply {
    let shown = rows.get(..limit).unwrap_or(rows);
    let mut text = csv::HEAD.to_owned();
    shown.iter().for_each(|row| text.push_str(&csv::line(row)));
    let kind = HeaderValue::from_static("text/csv; charset=utf-8");
    let name = HeaderValue::from_static("attachment; filename=\"transactions.csv\"");
    let head = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_DISPOSITION, name),
    ];
    let mut response = (head, text).into_response();
    if let Some(last) = shown.last().filter(|_| rows.len() > limit)
        && let Ok(next) = HeaderValue::from_str(&told(last))
    {
        let name = HeaderName::from_static("x-next-cursor");
        response.headers_mut().insert(name, next);
    }
    Ok(response)
}

async fn read(at: At, Place(id): Place<Uuid>) -> Reply {
    let filter = TransactionFilter {
        id: Some(id),
        ..TransactionFilter::default()
    };
    let rows = at
        .read(move |store, scope| store.transactions(scope, &filter, None, 1))
        .await?;
    let row = rows.first();
    answer::row(row.ok_or_else(|| fault::not_found("there is no such transaction"))?)
}

async fn reconcile(at: At, Place(transaction): Place<Uuid>) -> Reply {
    let Reconcile { cost, note } = at.body()?;
    let command = Command::Reconcile(Reconciliation {
        transaction,
        cost,
        note,
    });
    answer::done(&at.act(command).await?, None)
}
