//! Why: secrets on disk go wrong in few ways, all at the start, all to be mended by a person.

use crate::store::StoreFault;
use std::io;
use std::path::PathBuf;

/// Why a secret cannot be read or made. Never holds any of the secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretProblem {
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
    /// The key on disk and the row in the store belong to different installations.
    #[error("{}: the key does not fit its row in the store", path.display())]
    Mismatch {
        /// The secret's file.
        path: PathBuf,
    },
    /// The new key cannot be made.
    #[error("a key cannot be made: {0}")]
    Key(#[from] super::KeyFormatError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreFault),
}

impl SecretProblem {
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
            Self::Mismatch { .. } => {
                "restore data_dir/pepper and data_dir/alfred.db from the same backup, or delete \
                 first-key and create a key with `alfred keys create`"
            }
            Self::Key(_) => "choose another environment name, e.g. `live`",
            Self::Store(_) => "look at the database under data_dir",
        }
    }
}
