//! Why: the ledger is read line by line, newest first, by whoever may see whose line it is.

use super::super::StoreFault;
use super::super::sql::{Row, Sql};
use super::select::{Bounds, Select};
use super::{Scope, TransactionCursor, TransactionFilter, TransactionRow, read};
use crate::audit::to_hex;
use uuid::Uuid;

const ROWS: &str = "SELECT t.id, t.request_id, t.attempt, t.type, t.leg, t.org_id, t.team_id, \
     t.user_id, t.key_id, t.wallet_id, t.amount, t.balance_after, t.model, t.provider, \
     t.prompt_tokens, t.completion_tokens, t.cached_tokens, t.cache_write_tokens, \
     t.reasoning_tokens, t.cost, t.estimated, t.usage_source, t.price_version, t.settlement, \
     t.position, t.hash, t.reverses, t.note, t.created_at FROM transactions t";
/// Usage names whom it is of. What people and time moved names only the wallet's owner.
pub(super) const BOUNDS: Bounds = Bounds {
    org: "t.org_id = ?",
    team: Some(
        "t.team_id = ? OR (t.team_id IS NULL \
         AND t.type NOT IN ('usage', 'cap', 'overage', 'undelivered') \
         AND (t.user_id IN (SELECT u.id FROM users u WHERE u.team_id = ?) \
         OR t.key_id IN (SELECT k.id FROM api_keys k JOIN users u ON u.id = k.user_id \
         WHERE coalesce(k.team_id, u.team_id) = ?)))",
    ),
    user: Some(
        "t.user_id = ? OR (t.user_id IS NULL \
         AND t.key_id IN (SELECT k.id FROM api_keys k WHERE k.user_id = ?))",
    ),
};

pub(super) fn list(
    sql: &mut dyn Sql,
    scope: &Scope,
    filter: &TransactionFilter,
    after: Option<TransactionCursor>,
    limit: u32,
) -> Result<Vec<TransactionRow>, StoreFault> {
    let mut select = Select::new(ROWS)
        .within(scope, &BOUNDS)
        .and_if("t.request_id = ?", filter.request_id.map(Uuid::into_bytes))
        .and_if("t.org_id = ?", filter.org_id)
        .and_if("t.team_id = ?", filter.team_id)
        .and_if("t.user_id = ?", filter.user_id)
        .and_if("t.key_id = ?", filter.key_id)
        .and_if("t.wallet_id = ?", filter.wallet_id)
        .and_if("t.model = ?", filter.model.as_ref())
        .and_if("t.provider = ?", filter.provider.as_ref())
        .and_if("t.type = ?", filter.kind.as_ref())
        .and_if("t.created_at >= ?", filter.from_ms)
        .and_if("t.created_at < ?", filter.until_ms);
    if let Some(id) = filter.id {
        let (first, last) = requests_of(id);
        select = select.and(
            "t.id = ? AND t.request_id BETWEEN ? AND ?",
            &[id.into_bytes().into(), first.into(), last.into()],
        );
    }
    if let Some(cursor) = after {
        select = select.and(
            "(t.created_at, t.id) < (?, ?)",
            &[cursor.created_at.into(), cursor.id.into_bytes().into()],
        );
    }
    select
        .order("ORDER BY t.created_at DESC, t.id DESC")
        .limit(limit)
        .read(sql, row)
}

/// Between which request ids the one of this transaction lies: its last two bytes are others.
fn requests_of(id: Uuid) -> ([u8; 16], [u8; 16]) {
    let (mut first, mut last) = (id.into_bytes(), id.into_bytes());
    let ([.., a, b], [.., y, z]) = (&mut first, &mut last);
    (*a, *b, *y, *z) = (0, 0, u8::MAX, u8::MAX);
    (first, last)
}

fn row(row: &Row) -> Result<TransactionRow, StoreFault> {
    let reverses: Option<[u8; 16]> = row.bytes_or_null(26)?;
    Ok(TransactionRow {
        id: read::uuid(row, 0)?,
        request_id: read::uuid(row, 1)?,
        attempt: read::small(row, 2)?,
        kind: read::text(row, 3)?,
        leg: read::small(row, 4)?,
        org_id: row.int_or_null(5)?,
        team_id: row.int_or_null(6)?,
        user_id: row.int_or_null(7)?,
        key_id: row.int_or_null(8)?,
        wallet_id: row.int_or_null(9)?,
        amount: read::nanos(row, 10)?,
        balance_after: read::nanos_or_null(row, 11)?,
        model: read::text_or_null(row, 12)?,
        provider: read::text_or_null(row, 13)?,
        prompt_tokens: row.int(14)?,
        completion_tokens: row.int(15)?,
        cached_tokens: row.int(16)?,
        cache_write_tokens: row.int(17)?,
        reasoning_tokens: row.int(18)?,
        cost: read::nanos(row, 19)?,
        estimated: row.flag(20)?,
        usage_source: read::text(row, 21)?,
        price_version: row.int_or_null(22)?,
        settlement: row.int_or_null(23)?,
        position: row.int_or_null(24)?,
        hash: to_hex(&row.bytes(25)?),
        reverses: reverses.map(Uuid::from_bytes),
        note: read::text_or_null(row, 27)?,
        created_at: row.int(28)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_shares_all_but_two_bytes_with_its_request() {
        let id = Uuid::from_bytes([7; 16]);
        let (first, last) = requests_of(id);
        assert_eq!(first[..14], [7; 14]);
        assert_eq!((first[14], first[15]), (0, 0));
        assert_eq!((last[14], last[15]), (255, 255));
    }
}
