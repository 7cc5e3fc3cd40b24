//! Why: disk space comes back, but never before the store has had the money for as long as a
//! database may fall back.

use super::super::{JournalError, JournalOptions, Orphan, Position};
use super::*;
use std::time::{Duration, Instant};
use tempfile::{TempDir, tempdir};

const KEEP: Duration = Duration::from_secs(900);

/// A journal with every record in a segment of its own.
fn apart() -> (TempDir, Journal) {
    let root = tempdir().unwrap();
    let options = JournalOptions {
        segment_bytes: 1,
        ..JournalOptions::default()
    };
    let journal = Journal::create_with(root.path(), 1, options).unwrap();
    (root, journal)
}

fn append(journal: &Journal, records: &[Record]) -> Vec<Position> {
    let positions = records.iter().map(|record| journal.append(record).unwrap());
    positions.collect()
}

fn numbers(root: &TempDir) -> Vec<u64> {
    let number = |path: &PathBuf| path.file_stem()?.to_str()?.parse().ok();
    segments(root.path()).iter().filter_map(number).collect()
}

/// Looks at the journal now and once more when what is done has been so for long enough.
fn prune(journal: &Journal, now: &mut Instant) {
    journal.prune(*now, KEEP).unwrap();
    *now += KEEP;
    journal.prune(*now, KEEP).unwrap();
}

#[test]
fn segments_are_closed_when_full() {
    let root = tempdir().unwrap();
    let options = JournalOptions {
        segment_bytes: 1_000,
        ..JournalOptions::default()
    };
    let journal = Journal::create_with(root.path(), 1, options).unwrap();
    let written: Vec<Position> = (0..100)
        .map(|number| journal.append(&open(number)).unwrap())
        .collect();
    let places: Vec<(u64, u64)> = written
        .iter()
        .map(|position| (position.segment(), position.offset()))
        .collect();
    assert!(places.is_sorted());
    drop(journal);
    let sizes = segments(root.path());
    assert!(sizes.len() > 10);
    for path in sizes {
        assert!(path.metadata().unwrap().len() <= 1_000);
    }
    let recovered = recovered(root.path());
    assert_eq!(orphan_ids(&recovered), (0..100).map(id).collect::<Vec<_>>());
}

#[test]
fn a_segment_goes_when_all_in_it_is_done_and_stays_as_long_as_asked() {
    let (root, journal) = apart();
    let mut positions = append(&journal, &[open(1), settle(1), open(2)]);
    let now = Instant::now();
    assert_eq!(journal.prune(now, KEEP).unwrap(), 0);
    positions.truncate(2);
    journal.acknowledge(positions);
    // Seen done here for the first time.
    assert_eq!(journal.prune(now + KEEP, KEEP).unwrap(), 1, "the hold");
    let nearly = Duration::from_secs(1);
    assert_eq!(journal.prune(now + KEEP * 2 - nearly, KEEP).unwrap(), 0);
    assert_eq!(journal.prune(now + KEEP * 2, KEEP).unwrap(), 1);
    assert_eq!(numbers(&root), [3, 4]);
}

#[test]
fn an_unsettled_or_unacknowledged_request_keeps_its_segment_and_all_after_it() {
    let mut now = Instant::now();
    let (root, journal) = apart();
    let records = [open(1), open(2), void(2), settle(3), open(4), settle(4)];
    let mut positions = append(&journal, &records);
    prune(&journal, &mut now);
    assert_eq!(numbers(&root)[0], 1, "request 1 is open");
    append(&journal, &[void(1)]);
    prune(&journal, &mut now);
    assert_eq!(numbers(&root)[0], 4, "request 3 is not in the store");
    journal.acknowledge(positions.drain(3..4));
    prune(&journal, &mut now);
    assert_eq!(numbers(&root)[0], 6, "request 4 is not in the store");
    // Neither holds nor voids are the store's business.
    let settled = positions.pop().unwrap();
    journal.acknowledge(positions);
    prune(&journal, &mut now);
    assert_eq!(numbers(&root)[0], 6);
    journal.acknowledge([settled]);
    prune(&journal, &mut now);
    assert_eq!(numbers(&root).len(), 1, "the one being written");
    drop(journal);
    let recovered = recovered(root.path());
    assert!(recovered.orphans().is_empty());
    assert_eq!(recovered.settlement_count(), 0);
}

#[test]
fn a_segment_that_is_not_full_is_closed_after_a_while() {
    let mut now = Instant::now();
    let root = tempdir().unwrap();
    let journal = Journal::create(root.path(), 1).unwrap();
    prune(&journal, &mut now);
    assert_eq!(numbers(&root), [1], "nothing is in it");
    journal.acknowledge(append(&journal, &[open(1), settle(1)]));
    prune(&journal, &mut now);
    assert_eq!(numbers(&root), [1, 2]);
    assert_eq!(journal.retained().count(), 1);
    prune(&journal, &mut now);
    assert_eq!(numbers(&root), [2]);
    assert_eq!(journal.retained().count(), 0);
}

#[test]
fn a_settlement_outlives_its_hold_and_tells_whose_it_was() {
    let mut now = Instant::now();
    let (root, journal) = apart();
    append(&journal, &[open(1), settle(1)]);
    prune(&journal, &mut now);
    assert_eq!(numbers(&root), [2, 3]);
    drop(journal);
    let recovered = recovered(root.path());
    let settled: Result<Vec<_>, _> = recovered.settlements().collect();
    assert_eq!(settled.unwrap(), [settlement(1)]);
    assert!(recovered.orphans().is_empty());
}

#[test]
fn what_is_retained_can_be_read_while_it_is_written_and_pruned() {
    let mut now = Instant::now();
    let (_root, journal) = apart();
    journal.acknowledge(append(&journal, &[settle(1), settle(2)]));
    append(&journal, &[settle(3)]);
    let retained = journal.retained();
    append(&journal, &[settle(4)]);
    prune(&journal, &mut now);
    let numbers: Vec<Uuid> = retained
        .map(|settlement| settlement.unwrap().subject.request_id)
        .collect();
    assert_eq!(numbers, [id(3)]);
}

#[test]
fn the_backlog_counts_holds_and_what_the_store_does_not_have() {
    let root = tempdir().unwrap();
    let journal = Journal::create(root.path(), 1).unwrap();
    let before = journal.backlog();
    assert_eq!((before.holds, before.records, before.bytes), (0, 0, 0));
    let mut positions = append(&journal, &[open(1), open(2), settle(1)]);
    let figures = journal.backlog();
    assert_eq!((figures.holds, figures.records), (1, 1));
    assert!(figures.bytes > 100);
    journal.acknowledge(positions.pop());
    journal.acknowledge(positions);
    let figures = journal.backlog();
    assert_eq!((figures.holds, figures.records, figures.bytes), (1, 0, 0));
}

#[test]
fn a_request_holds_once_and_only_a_holder_extends() {
    let root = tempdir().unwrap();
    let journal = Journal::create(root.path(), 1).unwrap();
    let refused = journal.append(&extend(1, vec![leg(10, 1)]));
    assert!(matches!(refused, Err(JournalError::NotHeld(found)) if found == id(1)));
    append(&journal, &[open(1)]);
    let refused = journal.append(&open(1));
    assert!(matches!(refused, Err(JournalError::AlreadyHeld(found)) if found == id(1)));
    // After its end it may hold again, and an end may come twice.
    append(&journal, &[void(1), void(1), open(1), settle(1), settle(1)]);
    assert!(!journal.is_failed());
    drop(journal);
    let recovered = recovered(root.path());
    assert_eq!(settled_ids(&recovered), [id(1), id(1)]);
    assert!(recovered.orphans().is_empty());
}

#[test]
fn an_orphan_holds_the_sum_of_its_holds_less_what_earlier_attempts_spent() {
    let root = tempdir().unwrap();
    let mut first = settlement(1);
    first.closes = false;
    first.attempt = 2;
    first.legs = vec![leg(10, 100), leg(11, 900)];
    let cap = Leg {
        is_cap: true,
        ..leg(10, 5)
    };
    written(
        root.path(),
        &[
            open(1),
            extend(1, vec![leg(10, 50), leg(12, 1), cap]),
            Record::Settle(first),
        ],
    );
    let recovered = recovered(root.path());
    assert_eq!(settled_ids(&recovered), [id(1)]);
    assert_eq!(
        recovered.orphans(),
        [Orphan {
            subject: subject(1),
            attempt: 3,
            legs: vec![leg(10, 450), leg(12, 1), cap],
        }]
    );
}
