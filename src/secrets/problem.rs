//! Why: secrets on disk go wrong in few ways, all at the start, all to be mended by a person.

use crate::private_file::FileProblem;
use crate::store::StoreFault;
use std::path::PathBuf;

/// Why a secret cannot be read or made. Never holds any of the secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretProblem {
    /// A secret's file cannot be used.
    #[error(transparent)]
    File(#[from] FileProblem),
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
            Self::File(problem) => problem.hint(),
            Self::Mismatch { .. } => {
                "restore data_dir/pepper and data_dir/alfred.db from the same backup, or delete \
                 first-key and create a key with `alfred keys create`"
            }
            Self::Key(_) => "choose another environment name, e.g. `live`",
            Self::Store(_) => "look at the database under data_dir",
        }
    }
}
