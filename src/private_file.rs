//! Why: a secret file must be whole or absent, readable by its owner alone, and made by exactly
//! one of two processes that start together.

use crate::random::Random;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// No secret file is longer; anything larger is a mistake.
const MAX_BYTES: u64 = 64 * 1024;

/// Why a secret file cannot be used. Never holds any of the secret.
#[derive(Debug, thiserror::Error)]
pub enum FileProblem {
    /// The file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The secret's file.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// Others than the owner may read the file.
    #[error("{}: others may read it (mode {mode:04o})", path.display())]
    LoosePermissions {
        /// The secret's file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file does not hold what it should.
    #[error("{}: expected {expected}", path.display())]
    Malformed {
        /// The secret's file.
        path: PathBuf,
        /// What was expected there.
        expected: &'static str,
        /// What a person can do about it.
        hint: &'static str,
    },
}

impl FileProblem {
    /// The file cannot be read or written, for that reason.
    pub fn unreadable(path: &Path, source: io::Error) -> Self {
        Self::Unreadable {
            path: path.to_path_buf(),
            source,
        }
    }

    /// What a person can do about it, one sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => {
                "check that data_dir belongs to this user and can be written"
            }
            Self::LoosePermissions { .. } => {
                "run chmod 600 on it; on Kubernetes set fsGroupChangePolicy: OnRootMismatch"
            }
            Self::Malformed { hint, .. } => hint,
        }
    }
}

/// The text of the file, `None` when there is none.
pub fn read(path: &Path) -> Result<Option<String>, FileProblem> {
    let unreadable = |source| FileProblem::unreadable(path, source);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    let mode = file.metadata().map_err(unreadable)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let path = path.to_path_buf();
        return Err(FileProblem::LoosePermissions { path, mode });
    }
    let mut text = String::new();
    file.take(MAX_BYTES)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    Ok(Some(text))
}

/// Writes the file with mode 0600 unless it exists. `false` means another process was first
/// and its file stands. After a crash the file is whole or absent.
pub fn create(path: &Path, text: &str, random: &mut Random<'_>) -> Result<bool, FileProblem> {
    publish(path, text, random).map_err(|source| FileProblem::unreadable(path, source))
}

/// A finished draft is linked to its name: unlike a rename, a link never replaces a file.
fn publish(path: &Path, text: &str, random: &mut Random<'_>) -> io::Result<bool> {
    let mut salt = [0; 8];
    random(&mut salt)?;
    let draft = path.with_extension(format!("draft-{:016x}", u64::from_ne_bytes(salt)));
    let written = write_draft(&draft, text).and_then(|()| match fs::hard_link(&draft, path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    });
    fs::remove_file(&draft).or_else(|error| match error.kind() {
        ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })?;
    let is_new = written?;
    if let Some(directory) = path.parent() {
        File::open(directory)?.sync_all()?;
    }
    Ok(is_new)
}

fn write_draft(draft: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
