//! Why: a command that fails says why in words that help, and in an exit status.

use std::path::PathBuf;
use std::process::ExitCode;

use alfred::conf::Problems;
use alfred::ledger::OpenError;
use alfred::proxy::StartError;
use alfred::secrets::SecretProblem;
use alfred::store::{StoreFault, StoreProblem};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The configuration is wrong.
    #[error("{0}")]
    Config(Problems),
    /// The store cannot be opened.
    #[error("error: {0}\nhint: {hint}", hint = .0.hint())]
    Store(#[from] StoreProblem),
    /// The store cannot be used, or refuses.
    #[error("error: {0}{hint}", hint = hint(.0))]
    StoreFault(#[from] StoreFault),
    /// What is named is not there. What was typed is not repeated: it may be a secret, mistyped.
    #[error("error: there is no such {what}\nhint: `alfred {list}` shows what there is")]
    Absent {
        /// The kind of thing.
        what: &'static str,
        /// The command that lists them.
        list: &'static str,
    },
    /// Whoever reads the output has had enough: no failure at all.
    #[error("")]
    Enough,
    /// What was examined is not as it must be.
    #[error("error: {0}")]
    Found(String),
    /// The ledger cannot begin.
    #[error("error: {0}\nhint: {hint}", hint = .0.hint())]
    Ledger(#[from] OpenError),
    /// A secret is missing or damaged.
    #[error("error: {0}\nhint: {hint}", hint = .0.hint())]
    Secret(#[from] SecretProblem),
    /// A port cannot be opened.
    #[error(
        "error: the {what} port {address} cannot be opened: {error}\nhint: stop what listens there, or set `listen.{what}` to another address"
    )]
    Port {
        /// The setting.
        what: &'static str,
        /// The address.
        address: std::net::SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
    /// A file cannot be written.
    #[error("error: {path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The server cannot start.
    #[error("error: {0}")]
    Start(#[from] StartError),
    /// Input or output failed.
    #[error("error: {0}")]
    Io(#[from] std::io::Error),
    /// The words do not make sense together.
    #[error("error: {0}")]
    Usage(String),
}

impl Failure {
    /// A change that changes nothing is a mistake of whoever typed it.
    pub(super) fn nothing_to_change() -> Self {
        let words = "nothing is to be changed\nhint: name what changes; --help lists it";
        Self::Usage(words.to_owned())
    }

    /// 1 for problems of the configuration and of what was examined, 2 for everything else.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Enough => ExitCode::SUCCESS,
            Self::Found(_) => ExitCode::from(1),
            Self::Config(problems) if problems.0.iter().any(|problem| problem.line > 0) => {
                ExitCode::from(1)
            }
            _ => ExitCode::from(2),
        }
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Config(problems)
    }
}

/// What a person can do about a fault of the store, on a line of its own.
fn hint(fault: &StoreFault) -> &'static str {
    match fault {
        StoreFault::Locked => "\nhint: try again; a backup or a database tool may hold it",
        StoreFault::Full => "\nhint: make room and try again",
        StoreFault::Stale { .. } => "\nhint: look at it again, then repeat the command",
        StoreFault::InsufficientUnleased { .. } => {
            "\nhint: running processes have been asked to give back what they do not use; try again"
        }
        StoreFault::NoSuchUser(_) => "\nhint: `alfred users list` shows what there is",
        _ => "",
    }
}
