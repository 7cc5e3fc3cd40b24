//! Why: a column that the hash of a row forgets is a column that anyone may change.

use super::testing::{bytes, ints, leaf, optional, spoil, statics};
use super::{TransactionLeaf, to_hex};
use std::collections::HashSet;

/// Every way in which one column of a row can differ.
pub(super) fn spoiled(
    row: &TransactionLeaf<'static>,
) -> Vec<(&'static str, TransactionLeaf<'static>)> {
    // Written out, so that no column is forgotten.
    let TransactionLeaf {
        request_id,
        attempt,
        kind,
        leg,
        id,
        org,
        team,
        user,
        key,
        wallet,
        amount,
        balance_after,
        model,
        provider,
        prompt_tokens,
        completion_tokens,
        cached_tokens,
        cache_write_tokens,
        reasoning_tokens,
        cost,
        estimated,
        usage_source,
        price_version,
        holder,
        settlement,
        position,
        reverses,
        note,
        created_at,
    } = *row;
    let small = |byte: u8| bytes([byte]).into_iter().map(|[byte]| byte);
    let mut all = Vec::new();
    spoil!(all, row,
        request_id: bytes(request_id),
        attempt: small(attempt),
        kind: statics(kind),
        leg: small(leg),
        id: bytes(id),
        org: optional(org, ints),
        team: optional(team, ints),
        user: optional(user, ints),
        key: optional(key, ints),
        wallet: optional(wallet, ints),
        amount: ints(amount),
        balance_after: optional(balance_after, ints),
        model: optional(model, statics),
        provider: optional(provider, statics),
        prompt_tokens: ints(prompt_tokens),
        completion_tokens: ints(completion_tokens),
        cached_tokens: ints(cached_tokens),
        cache_write_tokens: ints(cache_write_tokens),
        reasoning_tokens: ints(reasoning_tokens),
        cost: ints(cost),
        estimated: [!estimated],
        usage_source: statics(usage_source),
        price_version: optional(price_version, ints),
        holder: optional(holder, ints),
        settlement: optional(settlement, ints),
        position: optional(position, ints),
        reverses: optional(reverses, bytes),
        note: optional(note, statics),
        created_at: ints(created_at),
    );
    all
}

#[test]
fn the_hash_of_a_row_never_changes() {
    // Computed by another program, from the description of the format alone.
    let hash = "5fada75a3c67cb11d68b1d3a46a072372598ae49cd07e85001692aa55081e64c";
    assert_eq!(to_hex(&leaf(7, 0).hash()), hash);
}

#[test]
fn no_two_rows_that_differ_in_one_bit_have_the_same_hash() {
    let row = leaf(7, 0);
    let mut seen = HashSet::from([row.hash()]);
    for (column, copy) in spoiled(&row) {
        assert!(seen.insert(copy.hash()), "{column}");
    }
    let filled = TransactionLeaf {
        reverses: Some([1; 16]),
        ..row
    };
    for (column, copy) in spoiled(&filled) {
        if column == "reverses" && copy != row {
            assert!(seen.insert(copy.hash()), "{column}");
        }
    }
}

#[test]
fn a_value_that_moves_to_the_next_column_changes_the_hash() {
    let row = leaf(7, 0);
    let swapped = TransactionLeaf {
        model: row.provider,
        provider: row.model,
        ..row
    };
    assert_ne!(row.hash(), swapped.hash());
    let shifted = TransactionLeaf {
        org: None,
        team: row.org,
        user: row.team,
        ..row
    };
    assert_ne!(row.hash(), shifted.hash());
}
