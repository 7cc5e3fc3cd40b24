//! Why: when the journal cannot be written, money must not be held; when it cannot be read, a
//! person must decide. Each case says which file, where in it, and what to do.

use std::io;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// Why the journal refuses. [`JournalError::hint`] says what a person can do.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The operating system refuses.
    #[error("{}: cannot be {action}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What was tried, as a participle.
        action: &'static str,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A living process owns the directory.
    #[error("{}: in use by another process", path.display())]
    Owned {
        /// The holder's directory.
        path: PathBuf,
    },
    /// The directory holds the journal of an earlier process.
    #[error("{}: holds a journal that was not recovered", path.display())]
    NotEmpty {
        /// The holder's directory.
        path: PathBuf,
    },
    /// An earlier write failed; nothing is written until `try_recover` succeeds.
    #[error("{}: closed since a write failed", path.display())]
    Failed {
        /// The holder's directory.
        path: PathBuf,
    },
    /// The record does not fit a frame.
    #[error("a record of {bytes} bytes is too large for the journal")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The request holds money already.
    #[error("request {0} holds money already")]
    AlreadyHeld(Uuid),
    /// The request holds no money that could be extended.
    #[error("request {0} holds no money")]
    NotHeld(Uuid),
    /// A segment does not hold what was written to it.
    #[error("{}: damaged at byte {offset}: {what}", path.display())]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// What is wrong there.
        what: &'static str,
    },
    /// A segment is not there although later and earlier ones are.
    #[error("{}: missing between its neighbours", path.display())]
    Missing {
        /// The segment.
        path: PathBuf,
    },
    /// The segment has a format this program does not know.
    #[error("{}: format {found} is not known (this version knows {known})", path.display())]
    UnknownFormat {
        /// The segment.
        path: PathBuf,
        /// The format in the file.
        found: u32,
        /// The one this program knows.
        known: u32,
    },
}

impl JournalError {
    /// What a person can do about it, one sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Io { .. } => {
                "check that data_dir belongs to this user, can be written and has room"
            }
            Self::Owned { .. } => "stop the other process, or give this one a data_dir of its own",
            Self::NotEmpty { .. } => {
                "let Alfred settle the journal at its start; a holder's number is never used twice \
                 unless the database was replaced"
            }
            Self::Failed { .. } => "make room on the volume of data_dir",
            Self::TooLarge { .. } | Self::AlreadyHeld(_) | Self::NotHeld(_) => {
                "report this as a fault of Alfred"
            }
            Self::Damaged { .. } => {
                "keep a copy of the directory, then restore the file from the volume's backup; to \
                 give up what it holds, move it and the segments with lower numbers out of the \
                 directory"
            }
            Self::Missing { .. } => {
                "put the file back; to give it up, move the segments with lower numbers out of the \
                 directory"
            }
            Self::UnknownFormat { .. } => {
                "start the version of Alfred that wrote it once, so that it settles its journal"
            }
        }
    }

    /// For `map_err`: `action` is what was tried with `path`, a participle.
    pub(super) fn io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io {
            path,
            action,
            source,
        }
    }
}
