//! Why: a journal replayed while its process lives would bill requests that are still running.

use super::super::JournalError;
use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use tempfile::tempdir;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_directory_has_one_owner_at_a_time() {
    let root = tempdir().unwrap();
    let journal = Journal::create(root.path(), 1).unwrap();
    journal.append(&open(1)).unwrap();
    let second = Journal::create(root.path(), 1);
    assert!(matches!(second, Err(JournalError::Owned { .. })));
    assert!(Recovered::read_all(root.path()).unwrap().is_empty());
    drop(journal);
    let recovered = recovered(root.path());
    assert!(Recovered::read_all(root.path()).unwrap().is_empty());
    let second = Journal::create(root.path(), 1);
    assert!(matches!(second, Err(JournalError::Owned { .. })));
    drop(recovered);
    let second = Journal::create(root.path(), 1).unwrap_err();
    assert!(matches!(second, JournalError::NotEmpty { .. }), "{second}");
    assert!(!second.hint().is_empty());
}

#[test]
fn a_living_process_is_left_alone_and_a_killed_one_is_recovered() {
    let root = tempdir().unwrap();
    let mut process = child("ownership::a_child_that_owns_a_journal", root.path())
        .spawn()
        .unwrap();
    let mut lines = lines_of(&mut process);
    let ready = lines.find(|line| reported(line.as_ref().unwrap()).is_some());
    assert!(ready.is_some());
    assert!(Recovered::read_all(root.path()).unwrap().is_empty());
    let second = Journal::create(root.path(), 1);
    assert!(matches!(second, Err(JournalError::Owned { .. })));
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(orphan_ids(&recovered(root.path())), [id(1)]);
}

#[test]
#[ignore = "the child of another test"]
fn a_child_that_owns_a_journal() {
    let Some(root) = root_of_child() else { return };
    written_and_waiting(&root);
}

fn written_and_waiting(root: &Path) {
    let journal = Journal::create(root, 1).unwrap();
    journal.append(&open(1)).unwrap();
    report("ready", 1);
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
}

#[test]
fn all_dead_holders_are_found_oldest_first_and_other_files_ignored() {
    let root = tempdir().unwrap();
    assert!(
        Recovered::read_all(&root.path().join("none"))
            .unwrap()
            .is_empty()
    );
    for holder in [10, 9, 2] {
        let journal = Journal::create(root.path(), holder).unwrap();
        journal.append(&open(holder.unsigned_abs())).unwrap();
    }
    let alive = Journal::create(root.path(), 3).unwrap();
    fs::create_dir(root.path().join("lost+found")).unwrap();
    fs::write(root.path().join("77"), "a file").unwrap();
    fs::write(root.path().join("9/notes.txt"), "mine").unwrap();
    let found = Recovered::read_all(root.path()).unwrap();
    let holders: Vec<i64> = found.iter().map(Recovered::holder).collect();
    assert_eq!(holders, [2, 9, 10]);
    for recovered in found {
        recovered.discard().unwrap();
    }
    assert!(!root.path().join("2").exists());
    assert!(root.path().join("9/notes.txt").exists());
    alive.append(&open(1)).unwrap();
    // What is left of 9 is an empty journal.
    let left = recovered(root.path());
    assert_eq!((left.holder(), left.orphans().len()), (9, 0));
}

#[test]
fn nobody_else_may_read_it() {
    let root = tempdir().unwrap();
    let journals = root.path().join("data/journal");
    let journal = Journal::create(&journals, 1).unwrap();
    assert_eq!(journal.holder(), 1);
    assert_eq!(mode(&journals), 0o700);
    assert_eq!(mode(&journals.join("1")), 0o700);
    assert_eq!(mode(&journals.join("1/lock")), 0o600);
    assert_eq!(mode(&segments(&journals)[0]), 0o600);
}
