//! Why: what people did is chained link by link, in the transaction of the deed itself. Nothing
//! here ever changes a link.

use super::super::StoreFault;
use super::super::sql::{Column, Row, Sql, values};
use super::change::{Change, canonical};
use super::select::{Bounds, Select};
use super::{AuditFilter, AuditRow, By, Page, PolicyEvent, Scope, read};
use crate::audit::{AuditRecord, Head, to_hex};

const ROWS: &str = "SELECT a.id, a.event_type, a.org_id, a.user_id, a.actor, a.action, a.target, \
     a.details, a.ip_address, a.previous_hash, a.hash, a.created_at FROM audit_log a";
/// A team sees what its members did, a user what they did themselves.
const BOUNDS: Bounds = Bounds {
    org: "a.org_id = ?",
    team: Some("a.user_id IN (SELECT u.id FROM users u WHERE u.team_id = ?)"),
    user: Some("a.user_id = ?"),
};
/// Longest text of a link that a client can have a say in.
const MAX_TEXT: usize = 1_000;

/// The link of an act.
pub(super) fn link(by: &By, change: &Change) -> AuditRecord {
    AuditRecord {
        event_type: change.event_type.clone(),
        org_id: change.org_id,
        user_id: by.user_id,
        actor: by.actor.clone(),
        action: change.action.to_owned(),
        target: change.target.clone(),
        details: canonical(&change.details).to_string(),
        ip_address: by.ip.clone(),
        created_at: by.now_ms,
        ..loose()
    }
}

/// The link of a refusal. Its texts may be a client's: they are cut and cleaned, never refused,
/// so that no client can keep a refusal out of the log.
pub(super) fn refusal(event: &PolicyEvent) -> AuditRecord {
    AuditRecord {
        event_type: clean(&event.event_type),
        org_id: event.org_id,
        user_id: event.user_id,
        actor: clean(&event.actor),
        action: clean(&event.action),
        target: clean(&event.target),
        details: canonical(&event.details).to_string(),
        ip_address: event.ip.as_deref().map(clean),
        created_at: event.at_ms,
        ..loose()
    }
}

fn clean(text: &str) -> String {
    let chars = text.chars().take(MAX_TEXT);
    chars
        .map(|c| {
            if c == '\0' {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect()
}

/// A link that hangs on nothing yet.
fn loose() -> AuditRecord {
    AuditRecord {
        id: 0,
        event_type: String::new(),
        org_id: None,
        user_id: None,
        actor: String::new(),
        action: String::new(),
        target: String::new(),
        details: String::new(),
        ip_address: None,
        previous_hash: [0; 32],
        hash: [0; 32],
        created_at: 0,
    }
}

/// Puts links at the end of the chain. Governance works one at a time, so the end stands still.
pub(super) fn append(sql: &mut dyn Sql, mut links: Vec<AuditRecord>) -> Result<(), StoreFault> {
    let mut end = head(sql)?;
    for link in &mut links {
        end = link.append_to(end);
    }
    let rows: Vec<_> = links
        .iter()
        .map(|link| {
            values![
                link.id,
                &link.event_type,
                link.org_id,
                link.user_id,
                &link.actor,
                &link.action,
                &link.target,
                &link.details,
                link.ip_address.as_ref(),
                link.previous_hash,
                link.hash,
                link.created_at,
            ]
            .to_vec()
        })
        .collect();
    let columns = [
        Column::Int("id"),
        Column::Text("event_type"),
        Column::Int("org_id"),
        Column::Int("user_id"),
        Column::Text("actor"),
        Column::Text("action"),
        Column::Text("target"),
        Column::Text("details"),
        Column::Text("ip_address"),
        Column::Bytes("previous_hash"),
        Column::Bytes("hash"),
        Column::Int("created_at"),
    ];
    sql.insert_many("audit_log", &columns, &rows)?;
    sql.execute(
        "UPDATE audit_head SET id = $1, hash = $2",
        values![end.number, end.hash],
    )?;
    Ok(())
}

/// Where the chain ends.
pub(super) fn head(sql: &mut dyn Sql) -> Result<Head, StoreFault> {
    let row = sql.one("SELECT id, hash FROM audit_head", &[])?;
    Ok(Head {
        number: row.int(0)?,
        hash: row.bytes(1)?,
    })
}

/// For people: newest first.
pub(super) fn list(
    sql: &mut dyn Sql,
    scope: &Scope,
    filter: &AuditFilter,
    page: Page,
) -> Result<Vec<AuditRow>, StoreFault> {
    Select::new(ROWS)
        .within(scope, &BOUNDS)
        .and_if("a.id = ?", filter.id)
        .and_if("a.org_id = ?", filter.org_id)
        .and_if("a.user_id = ?", filter.user_id)
        .and_if("a.actor = ?", filter.actor.as_ref())
        .and_if("a.event_type = ?", filter.event_type.as_ref())
        .and_if("a.target = ?", filter.target.as_ref())
        .and_if("a.created_at >= ?", filter.from_ms)
        .and_if("a.created_at < ?", filter.until_ms)
        .page("a.id < ?", "ORDER BY a.id DESC", page)
        .read(sql, |row| Ok(shown(record(row)?)))
}

/// For verification: in the order of the chain.
pub(super) fn chain(sql: &mut dyn Sql, page: Page) -> Result<Vec<AuditRecord>, StoreFault> {
    Select::new(ROWS)
        .page("a.id > ?", "ORDER BY a.id", page)
        .read(sql, record)
}

fn record(row: &Row) -> Result<AuditRecord, StoreFault> {
    Ok(AuditRecord {
        id: row.int(0)?,
        event_type: read::text(row, 1)?,
        org_id: row.int_or_null(2)?,
        user_id: row.int_or_null(3)?,
        actor: read::text(row, 4)?,
        action: read::text(row, 5)?,
        target: read::text(row, 6)?,
        details: read::text(row, 7)?,
        ip_address: read::text_or_null(row, 8)?,
        previous_hash: row.bytes(9)?,
        hash: row.bytes(10)?,
        created_at: row.int(11)?,
    })
}

fn shown(record: AuditRecord) -> AuditRow {
    AuditRow {
        id: record.id,
        event_type: record.event_type,
        org_id: record.org_id,
        user_id: record.user_id,
        actor: record.actor,
        action: record.action,
        target: record.target,
        details: record.details,
        ip_address: record.ip_address,
        previous_hash: to_hex(&record.previous_hash),
        hash: to_hex(&record.hash),
        created_at: record.created_at,
    }
}
