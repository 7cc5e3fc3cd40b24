//! What it costs to verify what was written, and to write it so. The promise: a million rows in
//! less than five seconds on one core, reading them from the database aside.
#![allow(
    missing_docs,
    reason = "criterion's macro writes an undocumented function"
)]
#![allow(
    clippy::expect_used,
    reason = "a benchmark stops when its input is wrong"
)]

use std::hint::black_box;
use std::time::Duration;

use alfred::audit::{
    AuditRecord, Block, BlockBuilder, BlockVerifier, ChainVerifier, Hash, Head, RootBuilder,
    Settlement, Signer, TransactionLeaf, Trust,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const MILLION: u64 = 1_000_000;
/// Records made; verified again and again until a million are.
const MADE: u64 = 10_000;
/// Rows of a settlement.
const ROWS: u64 = 1_000;

fn record(number: u64) -> AuditRecord {
    AuditRecord {
        id: 0,
        event_type: "wallet.credited".into(),
        org_id: Some(3),
        user_id: Some(17),
        actor: "ada.lovelace@example.com".into(),
        action: "credit".into(),
        target: format!("wallet {number}"),
        details: format!(
            r#"{{"amount":"5.000000000","before":"12.000000000","after":"17.000000000","reason":"invoice {number}"}}"#
        ),
        ip_address: Some("203.0.113.9".into()),
        previous_hash: [0; 32],
        hash: [0; 32],
        created_at: 1_700_000_000_000,
    }
}

fn leaf(settlement: u64, position: u64) -> TransactionLeaf<'static> {
    let id = (u128::from(settlement) << 64 | u128::from(position)).to_be_bytes();
    TransactionLeaf {
        request_id: id,
        attempt: 1,
        kind: "usage",
        leg: 0,
        id,
        org: Some(3),
        team: Some(4),
        user: Some(17),
        key: Some(6),
        wallet: Some(9),
        amount: -125_000,
        balance_after: Some(875_000),
        model: Some("gpt-5-nano-2025-08-07"),
        provider: Some("openai"),
        prompt_tokens: 1_000,
        completion_tokens: 200,
        cached_tokens: 0,
        cache_write_tokens: 0,
        reasoning_tokens: 0,
        cost: 125_000,
        estimated: false,
        usage_source: "provider",
        price_version: Some(2),
        holder: Some(11),
        settlement: i64::try_from(settlement).ok(),
        position: i64::try_from(position).ok(),
        reverses: None,
        note: None,
        created_at: 1_700_000_000_000,
    }
}

fn chain(c: &mut Criterion) {
    let mut head = Head::GENESIS;
    let mut records: Vec<_> = (0..MADE).map(record).collect();
    for record in &mut records {
        head = record.append_to(head);
    }
    let mut group = c.benchmark_group("1,000,000 rows, at most 5 s");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(15));
    group.throughput(Throughput::Elements(MILLION));
    group.bench_function("audit_log: chain", |b| {
        b.iter(|| {
            for _ in 0..MILLION / MADE {
                let mut verifier = ChainVerifier::new();
                for record in black_box(&records) {
                    verifier.feed(record).expect("an honest record");
                }
                verifier.finish(Some(head)).expect("an honest chain");
            }
        });
    });
    group.finish();
}

/// A settlement with its rows and their hashes.
type Settled = (Settlement, Vec<(TransactionLeaf<'static>, Hash)>);

fn settled(id: u64) -> Settled {
    let rows: Vec<_> = (0..ROWS)
        .map(|position| leaf(id, position))
        .map(|row| (row, row.hash()))
        .collect();
    let tree: RootBuilder = rows.iter().map(|(_, hash)| *hash).collect();
    let settlement = Settlement {
        id: i64::try_from(id).expect("a small id"),
        holder: 11,
        count: i64::try_from(ROWS).expect("a small count"),
        amount: rows.iter().map(|(row, _)| row.amount).sum(),
        root: tree.root(),
        created_at: 1_700_000_000_000,
    };
    (settlement, rows)
}

fn sealed(settlements: &[Settled], signer: &Signer) -> Block {
    let mut builder = BlockBuilder::new();
    for (settlement, _) in settlements {
        builder.add(settlement).expect("settlements in order");
    }
    let block = builder.seal(Head::GENESIS, 1_700_000_001_000, signer);
    block.expect("a block")
}

fn blocks(c: &mut Criterion) {
    let signer = Signer::from_seed(&[7; 32]).expect("a key");
    let settlements: Vec<_> = (1..=MADE / ROWS).map(settled).collect();
    let block = sealed(&settlements, &signer);
    let trust = Trust::new([signer.public_key()], true);
    let mut group = c.benchmark_group("1,000,000 rows, at most 5 s");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(15));
    group.throughput(Throughput::Elements(MILLION));
    group.bench_function("transactions: blocks of 10 settlements of 1,000", |b| {
        b.iter(|| {
            for _ in 0..MILLION / MADE {
                let mut verifier = BlockVerifier::new(trust.clone());
                verifier.block(black_box(&block)).expect("an honest block");
                for (settlement, rows) in black_box(&settlements) {
                    verifier.settlement(settlement).expect("an honest one");
                    for (row, hash) in rows {
                        verifier.transaction(row, hash).expect("an honest row");
                    }
                }
                verifier.finish(Some(block.head())).expect("an honest end");
            }
        });
    });
    group.finish();
}

/// What the writers pay: the settler for each row, the sealer for each block.
fn writing(c: &mut Criterion) {
    let signer = Signer::from_seed(&[7; 32]).expect("a key");
    let settlements: Vec<_> = (1..=MADE / ROWS).map(settled).collect();
    let mut group = c.benchmark_group("writing");
    group.bench_function("hash of one transaction, at most 2 us", |b| {
        let row = leaf(7, 3);
        b.iter(|| black_box(&row).hash());
    });
    group.bench_function("one block of 10 settlements sealed, at most 1 ms", |b| {
        b.iter(|| sealed(black_box(&settlements), &signer));
    });
    group.finish();
}

criterion_group!(benches, chain, blocks, writing);
criterion_main!(benches);
