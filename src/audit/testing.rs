//! Why: the tests of this room spoil the same rows in many ways.

use super::{AuditRecord, Block, BlockBuilder, Hash, Head, RootBuilder, Settlement, Signer};
use super::{Flaw, TransactionLeaf, Trust, Verified};
use crate::audit::BlockVerifier;

pub(super) const AT: i64 = 1_700_000_000_000;

/// A row with its column `hash`.
pub(super) type Row = (TransactionLeaf<'static>, Hash);

/// A record as a person would cause it; its id and hashes are still to be set.
pub(super) fn record() -> AuditRecord {
    AuditRecord {
        id: 0,
        event_type: "wallet.credited".into(),
        org_id: Some(3),
        user_id: None,
        actor: "ada@example.com".into(),
        action: "credit".into(),
        target: "wallet 7".into(),
        details: r#"{"amount":"5.000000000"}"#.into(),
        ip_address: Some("203.0.113.9".into()),
        previous_hash: [0; 32],
        hash: [0; 32],
        created_at: AT,
    }
}

/// That many records, chained.
pub(super) fn chain(count: usize) -> Vec<AuditRecord> {
    let mut head = Head::GENESIS;
    let mut records = vec![record(); count];
    for record in &mut records {
        head = record.append_to(head);
    }
    records
}

/// A row of a settlement.
pub(super) fn leaf(settlement: i64, position: i64) -> TransactionLeaf<'static> {
    let mut request_id = [0; 16];
    for (index, byte) in request_id.iter_mut().enumerate() {
        *byte = u8::try_from(index).unwrap();
    }
    let leg = u8::try_from(position).unwrap();
    let mut id = request_id;
    id[14..].copy_from_slice(&[1, leg]);
    TransactionLeaf {
        request_id,
        attempt: 1,
        kind: "usage",
        leg,
        id,
        org: Some(3),
        team: Some(4),
        user: Some(5),
        key: Some(6),
        wallet: Some(9),
        amount: -125_000,
        balance_after: Some(875_000),
        model: Some("gpt-5-nano"),
        provider: Some("openai"),
        prompt_tokens: 1000,
        completion_tokens: 200,
        cached_tokens: 64,
        cache_write_tokens: 32,
        reasoning_tokens: 16,
        cost: 125_000,
        estimated: false,
        usage_source: "provider",
        price_version: Some(2),
        holder: Some(11),
        settlement: Some(settlement),
        position: Some(position),
        reverses: None,
        note: Some("x"),
        created_at: AT,
    }
}

/// A settlement and its rows.
pub(super) fn settled(id: i64, count: i64) -> (Settlement, Vec<Row>) {
    let rows: Vec<Row> = (0..count)
        .map(|position| leaf(id, position))
        .map(|row| (row, row.hash()))
        .collect();
    (settlement(id, &rows), rows)
}

/// The settlement of these rows.
pub(super) fn settlement(id: i64, rows: &[Row]) -> Settlement {
    let tree: RootBuilder = rows.iter().map(|(_, hash)| *hash).collect();
    Settlement {
        id,
        holder: 11,
        count: i64::try_from(rows.len()).unwrap(),
        amount: rows.iter().map(|(row, _)| row.amount).sum(),
        root: tree.root(),
        created_at: AT,
    }
}

pub(super) fn signer(seed: u8) -> Signer {
    Signer::from_seed(&[seed; 32]).unwrap()
}

/// A block with its settlements and their rows.
pub(super) type Sealed = (Block, Vec<(Settlement, Vec<Row>)>);

/// Seals settlements, one list for each block.
pub(super) fn seal(blocks: Vec<Vec<(Settlement, Vec<Row>)>>, signer: &Signer) -> Vec<Sealed> {
    let mut head = Head::GENESIS;
    blocks
        .into_iter()
        .map(|settlements| {
            let mut builder = BlockBuilder::new();
            for (settlement, _) in &settlements {
                builder.add(settlement).unwrap();
            }
            let block = builder.seal(head, AT + 1_000, signer).unwrap();
            head = block.head();
            (block, settlements)
        })
        .collect()
}

/// Three blocks of two settlements of three rows.
pub(super) fn ledger(signer: &Signer) -> Vec<Sealed> {
    let block = |first| vec![settled(first, 3), settled(first + 2, 3)];
    seal(vec![block(7), block(8), block(20)], signer)
}

/// Walks over everything.
pub(super) fn walk(ledger: &[Sealed], verifier: BlockVerifier) -> Result<Verified, Flaw> {
    walk_to(ledger, verifier, None)
}

pub(super) fn walk_to(
    ledger: &[Sealed],
    mut verifier: BlockVerifier,
    head: Option<Head>,
) -> Result<Verified, Flaw> {
    for (block, settlements) in ledger {
        verifier.block(block)?;
        for (settlement, rows) in settlements {
            verifier.settlement(settlement)?;
            for (row, hash) in rows {
                verifier.transaction(row, hash)?;
            }
        }
    }
    verifier.finish(head)
}

/// Trusts nobody else.
pub(super) fn trust(signer: &Signer) -> Trust {
    Trust::new([signer.public_key()], true)
}

/// Every value that differs from this one in one bit.
pub(super) fn ints(value: i64) -> Vec<i64> {
    (0..64).map(|bit| value ^ (1 << bit)).collect()
}

/// Likewise.
pub(super) fn bytes<const N: usize>(value: [u8; N]) -> Vec<[u8; N]> {
    let flip = |bit: usize| {
        let mut flipped = value;
        flipped[bit / 8] ^= 1 << (bit % 8);
        flipped
    };
    (0..N * 8).map(flip).collect()
}

/// Every text that differs in one bit of one byte, and those longer or shorter by one.
pub(super) fn texts(value: &str) -> Vec<String> {
    let flip = |at: usize| {
        let mut flipped = value.as_bytes().to_vec();
        flipped[at] ^= 1;
        String::from_utf8(flipped).unwrap()
    };
    let mut all: Vec<String> = (0..value.len()).map(flip).collect();
    all.push(format!("{value} "));
    all.push(value[..value.len() - 1].to_owned());
    all
}

/// Every such text, for as long as the test runs.
pub(super) fn statics(value: &str) -> Vec<&'static str> {
    let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    texts(value).into_iter().map(leak).collect()
}

/// Every value that differs, and none at all.
pub(super) fn optional<T, U: Default>(value: Option<T>, all: fn(T) -> Vec<U>) -> Vec<Option<U>> {
    match value {
        None => vec![Some(U::default())],
        Some(value) => all(value)
            .into_iter()
            .map(Some)
            .chain(std::iter::once(None))
            .collect(),
    }
}

/// Adds to `$all` a copy of `$row` for each value, with that value in `$field`.
macro_rules! spoil {
    ($all:ident, $row:expr, $($field:ident: $values:expr),* $(,)?) => {$(
        for value in $values {
            let mut copy = $row.clone();
            copy.$field = value;
            $all.push((stringify!($field), copy));
        }
    )*};
}
pub(super) use spoil;
