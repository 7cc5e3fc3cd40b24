//! Why: what is read is what was written, byte for byte and for every record there can be.

use super::super::{Durability, JournalError, JournalOptions, MAX_NAME, decode, encode};
use super::*;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use std::fs;
use std::sync::Arc;
use tempfile::tempdir;

fn any_name() -> impl Strategy<Value = Arc<str>> {
    "[a-z0-9/.-]{0,40}|.{0,100}".prop_map(Arc::from)
}

fn any_legs() -> impl Strategy<Value = Vec<Leg>> {
    let any_leg = (any::<i64>(), any::<i64>(), any::<bool>());
    vec(
        any_leg.prop_map(|(wallet, amount, is_cap)| Leg {
            wallet,
            amount: Nanos::new(amount),
            is_cap,
        }),
        0..6,
    )
}

fn any_subject() -> impl Strategy<Value = Subject> {
    let owners = [(); 4].map(|()| option::of(any::<i64>()));
    let rest = (any::<i64>(), any_name(), any_name(), any::<u32>());
    (any::<u128>(), owners, rest).prop_map(|(request_id, owners, rest)| {
        let [org, team, user, key] = owners;
        let (at_ms, model, provider, price_version) = rest;
        Subject {
            request_id: Uuid::from_u128(request_id),
            org,
            team,
            user,
            key,
            at_ms,
            model,
            provider,
            price_version,
        }
    })
}

fn any_settlement() -> impl Strategy<Value = Settlement> {
    let source = prop_oneof![
        Just(UsageSource::Provider),
        Just(UsageSource::Local),
        Just(UsageSource::Hold),
    ];
    let money = (any::<i64>(), any::<i64>(), any_legs());
    let numbers = (any::<[u64; 5]>(), any::<i64>(), any::<u32>());
    let names = (any_name(), any_name());
    let marks = (any::<u8>(), any::<[bool; 3]>(), source);
    (any_subject(), names, numbers, money, marks).prop_map(
        |(subject, names, numbers, money, marks)| Settlement {
            subject,
            attempt: marks.0,
            closes: marks.1[0],
            model: names.0,
            provider: names.1,
            prompt_tokens: numbers.0[0],
            completion_tokens: numbers.0[1],
            cached_tokens: numbers.0[2],
            cache_write_tokens: numbers.0[3],
            reasoning_tokens: numbers.0[4],
            cost: Nanos::new(money.0),
            legs: money.2,
            overage: Nanos::new(money.1),
            is_estimated: marks.1[1],
            usage_source: marks.2,
            is_delivered: marks.1[2],
            at_ms: numbers.1,
            price_version: numbers.2,
        },
    )
}

fn any_record() -> impl Strategy<Value = Record> {
    let any_id = || any::<u128>().prop_map(Uuid::from_u128);
    prop_oneof![
        (any_subject(), any::<u8>(), any_legs()).prop_map(|(subject, attempt, legs)| {
            Record::Open {
                subject,
                attempt,
                legs,
            }
        }),
        (any_id(), any_legs()).prop_map(|(request_id, legs)| Record::Extend { request_id, legs }),
        any_settlement().prop_map(Record::Settle),
        any_id().prop_map(|request_id| Record::Void { request_id }),
    ]
}

fn encoded(record: &Record) -> Vec<u8> {
    let mut buffer = vec![0xAA; 3];
    encode::record(&mut buffer, record).unwrap();
    buffer
}

proptest! {
    #[test]
    fn every_record_is_read_as_it_was_written(record in any_record()) {
        let bytes = encoded(&record);
        let payload = decode::frame(&bytes).unwrap();
        prop_assert_eq!(payload.len() + encode::FRAME, bytes.len());
        prop_assert_eq!(decode::record(payload), Some(Some(record)));
    }
}

proptest! {
    // Each case makes files.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn settlements_are_read_from_the_disk_in_their_order(
        settled in vec(any_settlement(), 0..8)
    ) {
        let root = tempdir().unwrap();
        let journal = Journal::create(root.path(), 1).unwrap();
        for settlement in &settled {
            journal.append(&Record::Settle(settlement.clone())).unwrap();
        }
        let retained: Result<Vec<_>, _> = journal.retained().collect();
        prop_assert_eq!(&retained.unwrap(), &settled);
        drop(journal);
        let recovered = recovered(root.path());
        let read: Result<Vec<_>, _> = recovered.settlements().collect();
        prop_assert_eq!(read.unwrap(), settled);
        prop_assert_eq!(recovered.dropped_bytes(), 0);
    }
}

proptest! {
    #[test]
    fn no_payload_panics(payload in vec(any::<u8>(), 0..200), kind in 0_u8..6) {
        let _ = decode::record(&payload);
        let _ = decode::record(&[&[kind], payload.as_slice()].concat());
        let _ = decode::frame(&payload);
        let _ = decode::header(&payload);
    }
}

#[test]
fn a_payload_with_a_byte_too_few_or_too_many_is_no_record() {
    for record in [open(1), extend(1, vec![leg(1, 1)]), settle(1), void(1)] {
        let bytes = encoded(&record);
        let payload = decode::frame(&bytes).unwrap();
        assert_eq!(decode::record(&payload[..payload.len() - 1]), None);
        assert_eq!(decode::record(&[payload, &[0]].concat()), None);
    }
}

/// The format is on disks: these bytes change with its number only.
#[test]
fn the_format_on_disk_is_the_documented_one() {
    let head = encode::header(0x0102_0304, 5, 6);
    assert_eq!(&head[..8], b"ALFREDWJ");
    assert_eq!(head[8..12], 1_u32.to_le_bytes());
    assert_eq!(head[12..20], 0x0102_0304_i64.to_le_bytes());
    assert_eq!(head[20..28], 5_u64.to_le_bytes());
    assert_eq!(head[28..36], 6_u64.to_le_bytes());
    assert_eq!(head[36..], crc32c::crc32c(&head[..36]).to_le_bytes());
    let mut payload = vec![3];
    payload.extend_from_slice(id(2).as_bytes());
    payload.push(0b1101);
    for owner in [1_i64, 3, 4] {
        payload.extend_from_slice(&owner.to_le_bytes());
    }
    payload.extend_from_slice(&1_700_000_000_000_i64.to_le_bytes());
    payload.extend_from_slice(b"\x04\0fast\x06\0openai");
    payload.extend_from_slice(&9_u32.to_le_bytes());
    payload.extend_from_slice(b"\x00\x05\x00\x0a\0gpt-5-mini\x06\0openai");
    for tokens in [1_000_u64, 200, 30, 4, 5] {
        payload.extend_from_slice(&tokens.to_le_bytes());
    }
    for number in [400_i64, 0, 1_700_000_000_500] {
        payload.extend_from_slice(&number.to_le_bytes());
    }
    payload.extend_from_slice(&9_u32.to_le_bytes());
    for wallet in [10_i64, 11] {
        payload.extend_from_slice(&wallet.to_le_bytes());
        payload.extend_from_slice(&400_i64.to_le_bytes());
        payload.push(0);
    }
    let length = u32::try_from(payload.len()).unwrap().to_le_bytes();
    let summed = [length.as_slice(), &payload].concat();
    let sum = crc32c::crc32c(&summed).to_le_bytes();
    assert_eq!(encoded(&settle(2)), [sum.as_slice(), &summed].concat());
}

#[test]
fn a_name_too_long_is_cut_at_a_letter_and_never_refused() {
    let mut settlement = settlement(1);
    settlement.model = "é".repeat(400).into();
    settlement.provider = format!("x{}", "é".repeat(400)).into();
    let bytes = encoded(&Record::Settle(settlement));
    let read = decode::record(decode::frame(&bytes).unwrap());
    let Some(Some(Record::Settle(read))) = read else {
        panic!("{read:?}");
    };
    assert_eq!(&*read.model, "é".repeat(MAX_NAME / 2));
    assert_eq!(read.provider.len(), MAX_NAME - 1);
}

#[test]
fn a_record_larger_than_a_frame_is_refused_and_leaves_no_trace() {
    let root = tempdir().unwrap();
    let journal = Journal::create(root.path(), 1).unwrap();
    journal.append(&open(1)).unwrap();
    let before = fs::metadata(&segments(root.path())[0]).unwrap().len();
    let refused = journal.append(&extend(1, vec![leg(1, 1); 4_000]));
    assert!(matches!(refused, Err(JournalError::TooLarge { .. })));
    assert!(!journal.is_failed());
    let after = fs::metadata(&segments(root.path())[0]).unwrap().len();
    assert_eq!(after, before);
    journal.append(&extend(1, vec![leg(1, 1); 3_000])).unwrap();
}

#[test]
fn a_segment_is_mapped_and_loses_what_was_reserved_when_it_is_closed() {
    let root = tempdir().unwrap();
    let options = JournalOptions::default();
    let journal = Journal::create_with(root.path(), 1, options).unwrap();
    journal.append(&open(1)).unwrap();
    let path = segments(root.path()).remove(0);
    let length = || fs::metadata(&path).unwrap().len();
    assert_eq!(length(), options.segment_bytes, "no space was reserved");
    let position = journal.append(&settle(1)).unwrap();
    let read: Vec<Uuid> = journal
        .retained()
        .map(|settlement| settlement.unwrap().subject.request_id)
        .collect();
    assert_eq!(read, [id(1)], "what is in memory is what is in the file");
    let end = position.offset() + position.bytes;
    drop(journal);
    assert_eq!(length(), end);
    assert_eq!(recovered(root.path()).dropped_bytes(), 0);
}

#[test]
fn what_must_survive_a_power_cut_is_not_mapped() {
    let root = tempdir().unwrap();
    let options = JournalOptions {
        durability: Durability::Power,
        ..JournalOptions::default()
    };
    let journal = Journal::create_with(root.path(), 1, options).unwrap();
    let position = journal.append(&open(1)).unwrap();
    let length = fs::metadata(&segments(root.path())[0]).unwrap().len();
    assert_eq!(length, position.offset() + position.bytes);
}
