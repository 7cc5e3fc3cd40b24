//! Why: a journal belongs to one process. Locks that the kernel drops with their process say
//! which directory has lost its owner; nothing else (age, pid, a file's content) could.

use super::JournalError;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const LOCK: &str = "lock";
const SUFFIX: &str = ".journal";
/// As many digits as the largest number has, so that names sort as numbers do.
const DIGITS: usize = 20;

/// A holder's directory, owned by this value until it is dropped.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) path: PathBuf,
    pub(super) holder: i64,
    lock: File,
}

impl Directory {
    /// Makes the directory of a new holder below `root` and owns it.
    pub(super) fn create(root: &Path, holder: i64) -> Result<Self, JournalError> {
        make(root)?;
        let _door = Door::open(root)?;
        let path = root.join(holder.to_string());
        make(&path)?;
        let Some(directory) = Self::own(path.clone(), holder)? else {
            return Err(JournalError::Owned { path });
        };
        match directory.segments()?.is_empty() {
            true => Ok(directory),
            false => Err(JournalError::NotEmpty { path }),
        }
    }

    /// Owns every directory below `root` whose owner died, oldest holder first.
    pub(super) fn abandoned(root: &Path) -> Result<Vec<Self>, JournalError> {
        if !root.try_exists().map_err(JournalError::io(root, "found"))? {
            return Ok(Vec::new());
        }
        let _door = Door::open(root)?;
        let mut found = Vec::new();
        for entry in list(root)? {
            let Ok(holder) = entry.parse() else {
                continue;
            };
            let path = root.join(&entry);
            if path.is_dir() {
                found.extend(Self::own(path, holder)?);
            }
        }
        found.sort_by_key(|directory: &Self| directory.holder);
        Ok(found)
    }

    /// `None` when a living process owns it. Only inside the [`Door`].
    fn own(path: PathBuf, holder: i64) -> Result<Option<Self>, JournalError> {
        let file = path.join(LOCK);
        let lock = open_lock(&file)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self { path, holder, lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(JournalError::io(&file, "locked")(source)),
        }
    }

    /// Numbers of the segments, ascending.
    pub(super) fn segments(&self) -> Result<Vec<u64>, JournalError> {
        let mut numbers: Vec<u64> = list(&self.path)?
            .iter()
            .filter_map(|name| name.strip_suffix(SUFFIX))
            .filter(|digits| digits.len() == DIGITS)
            .filter_map(|digits| digits.parse().ok())
            .collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Where segment `number` is.
    pub(super) fn segment(&self, number: u64) -> PathBuf {
        segment(&self.path, number)
    }

    /// Deletes a segment; it may be gone already.
    pub(super) fn delete(&self, number: u64) -> Result<(), JournalError> {
        let path = self.segment(number);
        gone(fs::remove_file(&path)).map_err(JournalError::io(&path, "deleted"))
    }

    /// Makes the names in the directory survive a power cut.
    pub(super) fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()?;
        match self.path.parent() {
            Some(root) => File::open(root)?.sync_all(),
            None => Ok(()),
        }
    }

    /// Deletes the directory and all segments in it, oldest first: what is left of it after a
    /// crash is a shorter journal and never one that lacks its middle.
    pub(super) fn discard(self) -> Result<(), JournalError> {
        let root = self.path.parent().unwrap_or(&self.path);
        let _door = Door::open(root)?;
        for number in self.segments()? {
            self.delete(number)?;
        }
        let lock = self.path.join(LOCK);
        gone(fs::remove_file(&lock)).map_err(JournalError::io(&lock, "deleted"))?;
        match gone(fs::remove_dir(&self.path)) {
            // Someone keeps files of their own in it; they stay.
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => Ok(()),
            outcome => outcome.map_err(JournalError::io(&self.path, "deleted")),
        }
    }
}

/// Gives the directory up. Closing the file alone would not, while a program that was being started
/// at that moment has a copy of it.
impl Drop for Directory {
    fn drop(&mut self) {
        let _ = self.lock.unlock();
    }
}

/// Where segment `number` of this holder's directory is.
pub(super) fn segment(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:0DIGITS$}{SUFFIX}"))
}

/// Opens a new, empty segment for writing. One that an earlier try left is emptied.
pub(super) fn new_segment(path: &Path) -> io::Result<File> {
    gone(fs::remove_file(path))?;
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// Held while directories are made, owned or deleted, so that nobody sees one whose owner has
/// not locked it yet. Open for an instant only.
struct Door(File);

impl Door {
    fn open(root: &Path) -> Result<Self, JournalError> {
        let path = root.join(LOCK);
        let lock = open_lock(&path)?;
        lock.lock().map_err(JournalError::io(&path, "locked"))?;
        Ok(Self(lock))
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

fn open_lock(path: &Path) -> Result<File, JournalError> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(JournalError::io(path, "opened"))
}

fn make(path: &Path) -> Result<(), JournalError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(JournalError::io(path, "created"))
}

fn list(path: &Path) -> Result<Vec<String>, JournalError> {
    let names = fs::read_dir(path).and_then(|entries| {
        entries
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    });
    names.map_err(JournalError::io(path, "read"))
}

fn gone(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}
