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
    /// The store cannot be used.
    #[error("error: {0}")]
    StoreFault(#[from] StoreFault),
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
    /// 1 for problems of the configuration, 2 for everything else.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
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
