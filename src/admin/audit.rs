//! `/v1/audit`: what people did, link by link, and whether the chain is whole.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use super::answer::{self, Reply};
use super::at::{At, Find};
use super::problem::Problem;
use super::routes::{Routes, Shape};
use super::words::Moment;
use crate::audit::{ChainVerifier, Flaw, Head, to_hex};
use crate::store::governance::{AuditFilter, AuditRow, MAX_PAGE, Page};
use crate::store::{Store, StoreFault};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .on(
            ("GET", "/v1/audit"),
            Shape::page::<AuditRow>().find::<Which>(),
            list,
        )
        .on(("GET", "/v1/audit/verify"), Shape::object(), verify)
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Which {
    /// At most so many, 1 to 500; 100 if nobody says.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// By this user.
    user_id: Option<i64>,
    /// By this actor, e.g. `user:7` or `cli`.
    actor: Option<String>,
    /// Of this kind, e.g. `user.created`.
    event_type: Option<String>,
    /// On this, e.g. `user:12`.
    target: Option<String>,
    /// This moment included.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Moment>,
    /// This moment excluded.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Moment>,
}

async fn list(at: At, Find(which): Find<Which>) -> Reply {
    let page = answer::page(which.limit, which.cursor.as_deref())?;
    let filter = AuditFilter {
        id: None,
        org_id: None,
        user_id: which.user_id,
        actor: which.actor,
        event_type: which.event_type,
        target: which.target,
        from_ms: which.from.map(|at| at.0),
        until_ms: which.until.map(|at| at.0),
    };
    let rows = at
        .read(move |store, scope| store.audit_log(scope, &filter, page))
        .await?;
    answer::rows(&rows, page, |row| row.id)
}

/// Reads the chain page by page, so that its length costs time and no memory.
async fn verify(at: At) -> Reply {
    let _turn = at.admin.verifying.try_acquire().map_err(|_| {
        Problem::new(StatusCode::CONFLICT, "busy", "The chain is being checked")
            .detail("one check runs at a time")
            .hint("wait for it")
            .header(header::RETRY_AFTER, "5")
    })?;
    let (records, ended) = at.read(|store, _| chain(store)).await?;
    let body = match ended {
        Ok(head) => json!({
            "whole": true,
            "records": records,
            "head": { "number": head.number, "hash": to_hex(&head.hash) },
            "flaw": null,
        }),
        Err(flaw) => json!({
            "whole": false,
            "records": records,
            "head": null,
            "flaw": flaw.to_string(),
        }),
    };
    Ok(Json(body).into_response())
}

/// How many links were read, and where they end or are broken. While the chain is read it may
/// grow: its end is where the head was last seen.
fn chain(store: &dyn Store) -> Result<(u64, Result<Head, Flaw>), StoreFault> {
    let mut verifier = ChainVerifier::new();
    let (mut last, mut records) = (0, 0_u64);
    loop {
        loop {
            let links = store.audit_chain(Page {
                after: Some(last),
                limit: MAX_PAGE,
            })?;
            let Some(end) = links.last() else { break };
            last = end.id;
            for link in &links {
                if let Err(flaw) = verifier.feed(link) {
                    return Ok((records, Err(flaw)));
                }
                records += 1;
            }
        }
        let head = store.audit_head()?;
        let more = Page {
            after: Some(last),
            limit: 1,
        };
        if head.number <= last || store.audit_chain(more)?.is_empty() {
            return Ok((records, verifier.finish(Some(head)).map(|_| head)));
        }
    }
}
