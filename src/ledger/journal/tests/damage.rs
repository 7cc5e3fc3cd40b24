//! Why: a crash cuts the last write short and nothing more. Whatever else is found on the disk
//! must stop the start with a message; a record is never passed over in silence.

use super::super::{HEADER, JournalError, JournalOptions, encode};
use super::*;
use std::fs::{self, OpenOptions};
use std::io::Write;
use tempfile::tempdir;

/// The records of the tests below: two held, one of them settled at last.
fn records() -> Vec<Record> {
    vec![
        open(1),
        open(2),
        extend(1, vec![leg(10, 7)]),
        void(2),
        settle(1),
    ]
}

/// Where each record begins, and the end.
fn bounds(records: &[Record]) -> Vec<usize> {
    let mut end = HEADER;
    let mut bounds = vec![end];
    for record in records {
        let mut frame = Vec::new();
        encode::record(&mut frame, record).unwrap();
        end += frame.len();
        bounds.push(end);
    }
    bounds
}

/// What is left of these records' meaning: orphans and settled requests.
fn meaning(records: &[Record]) -> (Vec<Uuid>, Vec<Uuid>) {
    let mut held = Vec::new();
    let mut settled = Vec::new();
    for record in records {
        let id = record.request_id();
        match record {
            Record::Open { .. } => held.push(id),
            Record::Extend { .. } => {}
            Record::Void { .. } => held.retain(|held| *held != id),
            Record::Settle(_) => {
                held.retain(|held| *held != id);
                settled.push(id);
            }
        }
    }
    (held, settled)
}

fn refusal(root: &Path) -> JournalError {
    let error = Recovered::read_all(root).unwrap_err();
    let message = error.to_string();
    assert!(message.contains(&root.display().to_string()), "{message}");
    assert!(!error.hint().is_empty());
    error
}

/// Each record in a segment of its own.
fn written_apart(root: &Path, records: &[Record]) {
    let options = JournalOptions {
        segment_bytes: 1,
        ..JournalOptions::default()
    };
    let journal = Journal::create_with(root, 1, options).unwrap();
    for record in records {
        journal.append(record).unwrap();
    }
    assert_eq!(segments(root).len(), records.len());
}

#[test]
fn a_journal_cut_at_any_byte_of_its_last_segment_gives_all_whole_records() {
    let root = tempdir().unwrap();
    let records = records();
    written(root.path(), &records);
    let path = segments(root.path()).remove(0);
    let whole = fs::read(&path).unwrap();
    let bounds = bounds(&records);
    assert_eq!(bounds.last(), Some(&whole.len()));
    for cut in 0..=whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let recovered = recovered(root.path());
        let count = bounds.iter().skip(1).filter(|end| **end <= cut).count();
        let (orphans, settled) = meaning(&records[..count]);
        assert_eq!(orphan_ids(&recovered), orphans, "cut at {cut}");
        assert_eq!(settled_ids(&recovered), settled, "cut at {cut}");
        let kept = if cut < HEADER { 0 } else { bounds[count] };
        assert_eq!(recovered.dropped_bytes(), (cut - kept) as u64);
    }
}

#[test]
fn a_flipped_bit_in_any_byte_of_the_last_record_drops_that_record_alone() {
    let root = tempdir().unwrap();
    let records = records();
    written(root.path(), &records);
    let path = segments(root.path()).remove(0);
    let whole = fs::read(&path).unwrap();
    let begin = bounds(&records)[records.len() - 1];
    for place in begin..whole.len() {
        let mut bytes = whole.clone();
        bytes[place] ^= 1 << (place % 8);
        fs::write(&path, &bytes).unwrap();
        let recovered = recovered(root.path());
        assert_eq!(orphan_ids(&recovered), [id(1)], "byte {place}");
        assert!(settled_ids(&recovered).is_empty());
        assert_eq!(recovered.dropped_bytes(), (whole.len() - begin) as u64);
    }
}

#[test]
fn a_flipped_bit_in_any_byte_before_the_last_record_is_refused_with_its_place() {
    let root = tempdir().unwrap();
    let records = records();
    written(root.path(), &records);
    let path = segments(root.path()).remove(0);
    let whole = fs::read(&path).unwrap();
    let bounds = bounds(&records);
    for place in 0..bounds[records.len() - 1] {
        let mut bytes = whole.clone();
        bytes[place] ^= 1 << (place % 8);
        fs::write(&path, &bytes).unwrap();
        match refusal(root.path()) {
            JournalError::Damaged { offset, .. } => {
                let begin = bounds.iter().rev().find(|begin| **begin <= place);
                let begin = begin.copied().unwrap_or_default();
                assert_eq!(offset, begin as u64, "byte {place}");
            }
            JournalError::UnknownFormat { .. } => assert!((8..12).contains(&place)),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn damage_or_a_cut_anywhere_in_an_earlier_segment_is_refused() {
    let root = tempdir().unwrap();
    written_apart(root.path(), &records());
    let path = segments(root.path()).remove(2);
    let whole = fs::read(&path).unwrap();
    for place in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x10;
        fs::write(&path, &bytes).unwrap();
        let error = refusal(root.path());
        assert!(error.to_string().contains(&path.display().to_string()));
        fs::write(&path, &whole[..place]).unwrap();
        let error = refusal(root.path());
        assert!(error.to_string().contains(&path.display().to_string()));
    }
    fs::write(&path, &whole).unwrap();
    assert_eq!(settled_ids(&recovered(root.path())), [id(1)]);
}

#[test]
fn a_segment_cut_exactly_between_two_records_is_found_out_by_the_next_one() {
    let root = tempdir().unwrap();
    let options = JournalOptions {
        segment_bytes: 400,
        ..JournalOptions::default()
    };
    let journal = Journal::create_with(root.path(), 1, options).unwrap();
    for number in 1..10 {
        journal.append(&open(number)).unwrap();
    }
    drop(journal);
    let path = segments(root.path()).remove(0);
    let end = bounds(&[open(1)])[1];
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    assert!(file.metadata().unwrap().len() > end as u64);
    file.set_len(end as u64).unwrap();
    let error = refusal(root.path());
    assert!(
        matches!(&error, JournalError::Damaged { path: found, offset, .. }
            if *found == path && *offset == end as u64),
        "{error}"
    );
}

#[test]
fn a_missing_segment_is_refused_by_name() {
    let root = tempdir().unwrap();
    written_apart(root.path(), &records());
    let path = segments(root.path()).remove(1);
    fs::remove_file(&path).unwrap();
    let error = refusal(root.path());
    assert!(
        matches!(&error, JournalError::Missing { path: found } if *found == path),
        "{error}"
    );
}

#[test]
fn a_last_segment_that_was_just_begun_is_fine_whatever_is_in_its_head() {
    let root = tempdir().unwrap();
    let records = records();
    written(root.path(), &records);
    let next = root.path().join("1/00000000000000000002.journal");
    let length = fs::metadata(&segments(root.path())[0]).unwrap().len();
    let head = encode::header(1, 2, length);
    let torn = (0..HEADER).map(|cut| head[..cut].to_vec());
    for bytes in torn.chain([head.clone(), vec![0; 4096]]) {
        fs::write(&next, &bytes).unwrap();
        let recovered = recovered(root.path());
        assert_eq!(settled_ids(&recovered), [id(1)]);
        let whole = if bytes == head { HEADER } else { 0 };
        assert_eq!(recovered.dropped_bytes(), (bytes.len() - whole) as u64);
    }
}

#[test]
fn space_that_was_reserved_and_never_filled_is_dropped() {
    let root = tempdir().unwrap();
    written(root.path(), &records());
    let path = segments(root.path()).remove(0);
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(file.metadata().unwrap().len() + 5_000)
        .unwrap();
    let recovered = recovered(root.path());
    assert_eq!(settled_ids(&recovered), [id(1)]);
    assert_eq!(recovered.dropped_bytes(), 5_000);
}

#[test]
fn a_newer_format_and_a_segment_of_someone_else_are_refused() {
    let root = tempdir().unwrap();
    written(root.path(), &records());
    let path = segments(root.path()).remove(0);
    let whole = fs::read(&path).unwrap();
    let mut bytes = whole.clone();
    bytes[8] = 2;
    fs::write(&path, &bytes).unwrap();
    assert!(matches!(
        refusal(root.path()),
        JournalError::UnknownFormat {
            found: 2,
            known: 1,
            ..
        }
    ));
    for (holder, number) in [(2, 1), (1, 2)] {
        let head = encode::header(holder, number, 0);
        fs::write(&path, [&head, &whole[HEADER..]].concat()).unwrap();
        assert!(matches!(
            refusal(root.path()),
            JournalError::Damaged { offset: 0, .. }
        ));
    }
}

#[test]
fn a_whole_record_of_an_unknown_kind_is_refused_even_at_the_end() {
    let root = tempdir().unwrap();
    written(root.path(), &records());
    let path = segments(root.path()).remove(0);
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    let summed = [&1_u32.to_le_bytes()[..], &[9]].concat();
    file.write_all(&crc32c::crc32c(&summed).to_le_bytes())
        .unwrap();
    file.write_all(&summed).unwrap();
    assert!(matches!(refusal(root.path()), JournalError::Damaged { .. }));
}

#[test]
fn sums_out_of_range_are_refused() {
    let root = tempdir().unwrap();
    written(root.path(), &[open(1), extend(1, vec![leg(10, i64::MAX)])]);
    let message = refusal(root.path()).to_string();
    assert!(message.contains("out of range"), "{message}");
}
