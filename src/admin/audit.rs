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
use crate::audit::{Anchor, Anchors, Chain, ChainVerifier, Flaw, Head, from_hex, to_hex};
use crate::store::governance::{AuditFilter, AuditRow, MAX_PAGE, Page};
use crate::store::{Store, StoreFault};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .on(
            ("GET", "/v1/audit"),
            Shape::page::<AuditRow>().find::<Which>(),
            list,
        )
        .on(
            ("GET", "/v1/audit/verify"),
            Shape::object().find::<From>(),
            verify,
        )
        .on(("GET", "/v1/audit/head"), Shape::object(), head)
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

/// From where on the chain is checked.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct From {
    /// Begin at this record; what stands before is believed. Needs `hash`.
    from: Option<i64>,
    /// The hash of that record as `/v1/audit/head` told it once: 64 hexadecimal characters.
    hash: Option<String>,
}

impl From {
    /// The record that is vouched for, if it is not to be checked from the first on.
    fn anchor(self) -> Result<Option<Head>, Problem> {
        let wrong = |detail: &str| {
            Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid",
                "The query is not as it must be",
            )
            .detail(detail)
            .hint("send `number` and `hash` of `audit` as /v1/audit/head told them, or neither"))
        };
        match (self.from, self.hash) {
            (None, None) => Ok(None),
            (Some(number), Some(hash)) if number > 0 => match from_hex(&hash) {
                Some(hash) => Ok(Some(Head { number, hash })),
                None => wrong("`hash` must have 64 hexadecimal characters"),
            },
            (Some(_), Some(_)) => wrong("`from` must be the number of a record, 1 or more"),
            _ => wrong("`from` and `hash` belong together"),
        }
    }
}

/// The ends of the chain of records and of the chain of blocks, and the same as anchors for
/// `alfred audit verify --anchors`.
async fn head(at: At) -> Reply {
    let (audit, block) = at
        .read(|store, _| Ok((store.audit_head()?, store.last_block()?)))
        .await?;
    let heads = [(Chain::Audit, audit), (Chain::Block, block)];
    let begun = heads.into_iter().filter(|(_, head)| head.number > 0);
    let anchors = begun.map(|(chain, head)| Anchor { chain, head }.to_string());
    let shown = |head: Head| json!({ "number": head.number, "hash": to_hex(&head.hash) });
    let body = json!({
        "audit": shown(audit),
        "block": shown(block),
        "anchors": anchors.collect::<Vec<_>>(),
    });
    Ok(Json(body).into_response())
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
async fn verify(at: At, Find(from): Find<From>) -> Reply {
    let anchor = from.anchor()?;
    let _turn = at.admin.verifying.try_acquire().map_err(|_| {
        Problem::new(StatusCode::CONFLICT, "busy", "The chain is being checked")
            .detail("one check runs at a time")
            .hint("wait for it")
            .header(header::RETRY_AFTER, "5")
    })?;
    let (records, ended) = at.read(move |store, _| chain(store, anchor)).await?;
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

/// The record before the one that is vouched for, as that one names it.
fn before(store: &dyn Store, anchor: Head) -> Result<Head, StoreFault> {
    let number = anchor.number.saturating_sub(1);
    let page = Page {
        after: Some(number),
        limit: 1,
    };
    let first = store.audit_chain(page)?.pop();
    let hash = first.map_or([0; 32], |first| first.previous_hash);
    Ok(match number {
        0 => Head::GENESIS,
        _ => Head { number, hash },
    })
}

/// How many links were read, and where they end or are broken. While the chain is read it may
/// grow: its end is where the head was last seen.
fn chain(store: &dyn Store, anchor: Option<Head>) -> Result<(u64, Result<Head, Flaw>), StoreFault> {
    let begin = match anchor {
        Some(anchor) => before(store, anchor)?,
        None => Head::GENESIS,
    };
    let mut anchors = Anchors::default();
    if let Some(head) = anchor {
        // The only one: nothing can contradict it.
        let chain = Chain::Audit;
        let _ = anchors.add(Anchor { chain, head });
    }
    let mut verifier = ChainVerifier::resume(begin).anchored(anchors);
    // Numbers that nobody of the house would give are read as well.
    let mut last = match begin.number {
        0 => i64::MIN,
        number => number,
    };
    let mut records = 0_u64;
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
