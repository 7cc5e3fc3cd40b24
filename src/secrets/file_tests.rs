//! Why: what stands on disk must survive crashes, races and curious neighbours.

use super::{ApiKey, Pepper, SecretProblem, first_key, issue, os_random};
use crate::private_file::{self, FileProblem};
use crate::secrets::KeyRequest;
use crate::store::{Keys, MemoryStore, SqliteStore};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::tempdir;

fn pepper(directory: &Path) -> Pepper {
    Pepper::load_or_create(directory, &mut os_random).unwrap()
}

fn first(directory: &Path, store: &dyn Keys) -> Result<Option<(String, bool)>, SecretProblem> {
    let found = first_key(directory, store, &pepper(directory), 1_000, &mut os_random)?;
    Ok(found.map(|first| (first.key.expose().to_owned(), first.is_new)))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_secret_file_is_made_once_private_and_without_leftovers() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("secret");
    assert_eq!(private_file::read(&path).unwrap(), None);
    assert!(private_file::create(&path, "one", &mut os_random).unwrap());
    assert!(!private_file::create(&path, "two", &mut os_random).unwrap());
    assert_eq!(private_file::read(&path).unwrap().as_deref(), Some("one"));
    assert_eq!(mode(&path), 0o600);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn exactly_one_of_many_makes_a_secret_file() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("secret");
    let made: usize = std::thread::scope(|scope| {
        let create = |number: usize| {
            let path = &path;
            scope.spawn(move || {
                private_file::create(path, &number.to_string(), &mut os_random).unwrap()
            })
        };
        let threads: Vec<_> = (0..16).map(create).collect();
        threads
            .into_iter()
            .map(|thread| usize::from(thread.join().unwrap()))
            .sum()
    });
    assert_eq!(made, 1);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn a_secret_that_others_may_read_is_refused_with_what_to_do() {
    let directory = tempdir().unwrap();
    pepper(directory.path());
    let path = directory.path().join("pepper");
    for loose in [0o640, 0o604, 0o660, 0o777, 0o610] {
        allow(&path, loose);
        let problem = Pepper::load_or_create(directory.path(), &mut os_random).unwrap_err();
        assert!(problem.hint().contains("chmod 600"));
        let SecretProblem::File(FileProblem::LoosePermissions { mode, .. }) = problem else {
            panic!("{problem}");
        };
        assert_eq!(mode, loose);
    }
    allow(&path, 0o400);
    pepper(directory.path());
}

#[test]
fn a_pepper_is_made_once_and_kept() {
    let directory = tempdir().unwrap();
    let (first, second) = (pepper(directory.path()), pepper(directory.path()));
    assert_eq!(first.version(), second.version());
    assert_eq!(mode(&directory.path().join("pepper")), 0o600);
    let other = tempdir().unwrap();
    assert_ne!(pepper(other.path()).version(), first.version());
    let key = ApiKey::generate("live", &mut os_random).unwrap();
    assert_eq!(key.hash(&first), key.hash(&second));
    assert_ne!(key.hash(&first), key.hash(&pepper(other.path())));
}

#[test]
fn two_processes_starting_together_use_the_same_pepper() {
    let directory = tempdir().unwrap();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| pepper(directory.path()).version()))
            .collect();
        let versions: Vec<_> = threads.into_iter().map(|t| t.join().unwrap()).collect();
        assert!(versions.iter().all(|version| *version == versions[0]));
    });
}

#[test]
fn a_rotated_pepper_still_checks_older_keys() {
    let line = |byte: &str| byte.repeat(32);
    let old = Pepper::from_text(&line("0a")).unwrap();
    let both = Pepper::from_text(&format!("{}\n\n {} \n", line("0a"), line("0b"))).unwrap();
    assert_ne!(both.version(), old.version());
    assert!(both.knows(old.version()) && !old.knows(both.version()));
    assert_eq!(both.hash_as(old.version(), "key"), Some(old.hash("key")));
    assert_eq!(old.hash_as(both.version(), "key"), None);
    assert!(!format!("{both:?}").contains("0b0b"));
}

#[test]
fn a_pepper_that_is_cut_or_odd_is_refused_not_replaced() {
    let directory = tempdir().unwrap();
    pepper(directory.path());
    let path = directory.path().join("pepper");
    let crowd = format!("{}\n", "0a".repeat(32)).repeat(17);
    let binary = b"\xff\xfe".as_slice();
    for bad in [b"".as_slice(), b"0a0b\n", b"x", crowd.as_bytes(), binary] {
        fs::write(&path, bad).unwrap();
        let problem = Pepper::load_or_create(directory.path(), &mut os_random).unwrap_err();
        assert!(!problem.to_string().contains("0a0b"));
        assert_eq!(fs::read(&path).unwrap(), bad);
    }
}

#[test]
fn the_first_start_makes_a_key_and_later_ones_print_the_same() {
    let directory = tempdir().unwrap();
    let store = SqliteStore::open(directory.path()).unwrap();
    let (made, is_new) = first(directory.path(), &store).unwrap().unwrap();
    assert!(is_new);
    assert_eq!(mode(&directory.path().join("first-key")), 0o600);
    let again = first(directory.path(), &store).unwrap();
    assert_eq!(again, Some((made, false)));
    assert_eq!(store.list_keys().unwrap().len(), 1);
}

#[test]
fn a_crash_between_file_and_row_does_not_lose_the_first_key() {
    let directory = tempdir().unwrap();
    let (made, _) = first(directory.path(), &MemoryStore::new())
        .unwrap()
        .unwrap();
    let store = MemoryStore::new();
    assert_eq!(first(directory.path(), &store).unwrap(), Some((made, true)));
    assert_eq!(store.list_keys().unwrap().len(), 1);
}

#[test]
fn two_first_starts_at_once_agree_on_one_key() {
    let directory = tempdir().unwrap();
    SqliteStore::open(directory.path()).unwrap();
    let start = || {
        let store = SqliteStore::open(directory.path()).unwrap();
        first(directory.path(), &store).unwrap().unwrap().0
    };
    let keys: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(start)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(keys.iter().all(|key| *key == keys[0]));
    let store = SqliteStore::open(directory.path()).unwrap();
    assert_eq!(store.list_keys().unwrap().len(), 1);
}

#[test]
fn no_first_key_is_made_where_keys_exist_or_after_it_was_revoked() {
    let directory = tempdir().unwrap();
    let store = MemoryStore::new();
    let request = || KeyRequest {
        name: "mine".into(),
        env: "live".into(),
        ..KeyRequest::default()
    };
    let pepper = pepper(directory.path());
    issue(&store, &pepper, request(), 1, &mut os_random).unwrap();
    assert_eq!(first(directory.path(), &store).unwrap(), None);
    assert!(!directory.path().join("first-key").exists());

    let store = MemoryStore::new();
    let (key, _) = first(directory.path(), &store).unwrap().unwrap();
    let public_id = ApiKey::parse(&key).unwrap().public_id().to_owned();
    store.revoke_key(&public_id, 5).unwrap();
    assert_eq!(first(directory.path(), &store).unwrap(), None);
}

#[test]
fn a_first_key_of_another_installation_is_a_problem() {
    let directory = tempdir().unwrap();
    let store = MemoryStore::new();
    first(directory.path(), &store).unwrap();
    fs::remove_file(directory.path().join("pepper")).unwrap();
    let problem = first(directory.path(), &store).unwrap_err();
    assert!(
        matches!(problem, SecretProblem::Mismatch { .. }),
        "{problem}"
    );
}

#[test]
fn a_first_key_file_without_a_key_is_a_problem_that_shows_none_of_it() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("first-key");
    for text in ["", "ak_live_hunter2", "two\nlines"] {
        fs::write(&path, text).unwrap();
        allow(&path, 0o600);
        let problem = first(directory.path(), &MemoryStore::new()).unwrap_err();
        assert!(
            matches!(problem, SecretProblem::File(FileProblem::Malformed { .. })),
            "{problem}"
        );
        assert!(!problem.to_string().contains("hunter2"));
    }
}

#[test]
fn a_directory_that_cannot_be_written_is_a_problem_not_a_panic() {
    let nowhere = Path::new("/proc/alfred");
    let problem = Pepper::load_or_create(nowhere, &mut os_random).unwrap_err();
    assert!(
        matches!(problem, SecretProblem::File(FileProblem::Unreadable { .. })),
        "{problem}"
    );
}
