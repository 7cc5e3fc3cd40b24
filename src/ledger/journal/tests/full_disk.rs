//! Why: when the disk is full, money must stop, what is written must stay readable, and with new
//! room all must go on.

use super::super::{Durability, HEADER, JournalError, JournalOptions, encode};
use super::*;
use std::fs;
use tempfile::{TempDir, tempdir};

/// A file system with this much room, until it is dropped.
struct Tiny(TempDir);

impl Tiny {
    /// `None` where mounting is not allowed.
    fn mount(size: &str) -> Option<Self> {
        let directory = tempdir().unwrap();
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "alfred-test"])
            .arg(directory.path())
            .stderr(Stdio::null())
            .status();
        status
            .is_ok_and(|status| status.success())
            .then(|| Self(directory))
    }
}

impl Drop for Tiny {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// Appends holds from `first` on until one is refused; answers the number of that one.
fn fill(journal: &Journal, first: u64) -> (u64, JournalError) {
    let mut number = first;
    loop {
        match journal.append(&open(number)) {
            Ok(_) => number += 1,
            Err(error) => return (number, error),
        }
    }
}

fn full_and_free_again(options: JournalOptions) {
    let Some(tiny) = Tiny::mount("512k") else {
        eprintln!("skipped: no file system can be mounted here");
        return;
    };
    let root = tiny.0.path().join("journal");
    let ballast = tiny.0.path().join("ballast");
    fs::write(&ballast, vec![1; 256 * 1024]).unwrap();
    let journal = Journal::create_with(&root, 1, options).unwrap();
    let (refused, error) = fill(&journal, 0);
    assert!(matches!(error, JournalError::Io { .. }), "{error}");
    assert!(refused > 500, "only {refused} holds fitted");
    assert!(journal.is_failed());
    assert!(matches!(
        journal.append(&void(0)),
        Err(JournalError::Failed { .. })
    ));
    assert!(journal.try_recover().is_err());
    assert!(journal.is_failed());
    assert_eq!(journal.backlog().holds as u64, refused);
    fs::remove_file(&ballast).unwrap();
    journal.try_recover().unwrap();
    assert!(!journal.is_failed());
    journal.append(&void(0)).unwrap();
    journal.append(&settle(1)).unwrap();
    let (end, _) = fill(&journal, refused);
    assert!(end > refused);
    drop(journal);
    let recovered = recovered(&root);
    assert_eq!(orphan_ids(&recovered), (2..end).map(id).collect::<Vec<_>>());
    assert_eq!(settled_ids(&recovered), [id(1)]);
    assert_eq!(recovered.dropped_bytes(), 0);
}

#[test]
fn a_full_disk_stops_money_and_new_room_lets_it_go_on() {
    full_and_free_again(JournalOptions::default());
}

#[test]
fn the_same_holds_when_segments_are_small_and_power_may_fail() {
    full_and_free_again(JournalOptions {
        segment_bytes: 20_000,
        durability: Durability::Power,
    });
}

#[test]
fn the_same_holds_when_small_segments_are_mapped_while_there_is_room() {
    full_and_free_again(JournalOptions {
        segment_bytes: 40_000,
        ..JournalOptions::default()
    });
}

#[test]
fn a_write_that_fails_half_way_leaves_no_half_record() {
    let root = tempdir().unwrap();
    // A limit on the size of files makes the kernel take part of a write and refuse the rest.
    let inner = child("full_disk::a_child_with_a_limit", root.path());
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 37; exec \"$0\" \"$@\""])
        .arg(inner.get_program())
        .args(inner.get_args())
        .env(CHILD, root.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    let refused: Vec<u64> = said
        .lines()
        .filter_map(reported)
        .map(|(_, number)| number)
        .collect();
    let [refused] = refused[..] else {
        panic!("{said}");
    };
    assert!(refused > 50);
    let recovered = recovered(root.path());
    assert_eq!(
        orphan_ids(&recovered),
        (0..refused).map(id).collect::<Vec<_>>()
    );
    assert_eq!(recovered.dropped_bytes(), 0);
}

#[test]
#[ignore = "the child of another test"]
fn a_child_with_a_limit() {
    let Some(root) = root_of_child() else { return };
    let journal = Journal::create(&root, 1).unwrap();
    let (refused, error) = fill(&journal, 0);
    assert!(matches!(error, JournalError::Io { .. }), "{error}");
    assert!(journal.is_failed());
    let length = || fs::metadata(&segments(&root)[0]).unwrap().len();
    let mut frame = Vec::new();
    encode::record(&mut frame, &open(0)).unwrap();
    let whole = HEADER as u64 + refused * frame.len() as u64;
    assert_eq!(length(), whole, "cut off at once");
    assert!(journal.try_recover().is_err());
    assert_eq!(length(), whole, "and after a vain try");
    assert!(journal.is_failed());
    report("refused", refused);
}

#[test]
fn a_segment_that_cannot_be_begun_lets_the_old_one_grow() {
    let root = tempdir().unwrap();
    let options = JournalOptions {
        segment_bytes: 1_000,
        ..JournalOptions::default()
    };
    let journal = Journal::create_with(root.path(), 1, options).unwrap();
    // The name of the next segment is taken by something that is no file.
    let taken = root.path().join("1/00000000000000000002.journal");
    fs::create_dir(&taken).unwrap();
    let (refused, _) = fill(&journal, 0);
    assert!(journal.is_failed(), "it can neither be made nor removed");
    assert!(journal.try_recover().is_err());
    fs::remove_dir(&taken).unwrap();
    journal.try_recover().unwrap();
    for number in refused..100 {
        journal.append(&open(number)).unwrap();
    }
    assert!(segments(root.path()).len() > 5);
    drop(journal);
    let recovered = recovered(root.path());
    assert_eq!(orphan_ids(&recovered), (0..100).map(id).collect::<Vec<_>>());
}

#[test]
fn a_journal_that_another_program_cut_stays_closed() {
    let root = tempdir().unwrap();
    let journal = Journal::create(root.path(), 1).unwrap();
    journal.append(&open(1)).unwrap();
    let taken = root.path().join("1/00000000000000000002.journal");
    fs::create_dir(&taken).unwrap();
    let later = std::time::Duration::from_secs(1);
    let now = std::time::Instant::now();
    journal.prune(now, later).unwrap();
    assert!(journal.prune(now + later, later).is_err());
    assert!(journal.is_failed());
    fs::remove_dir(&taken).unwrap();
    fs::write(&segments(root.path())[0], "").unwrap();
    let message = journal.try_recover().unwrap_err().to_string();
    assert!(message.contains("another program"), "{message}");
    assert!(journal.is_failed());
}
