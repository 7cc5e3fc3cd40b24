//! Why: hashing a password takes memory and time on purpose, so only two are hashed at once, and
//! an unknown account costs as much as a known one.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::http::{StatusCode, header};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::fault::{self, blocking};
use super::problem::Problem;
use crate::secrets::{PasswordProblem, hash_password, os_random, verify_password};
use crate::store::governance::PasswordHash;

/// Hashes at a time.
const AT_ONCE: usize = 2;
/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// Hashes and compares.
pub(super) struct Passwords {
    gate: Arc<Semaphore>,
    /// The hash of nobody's password.
    decoy: OnceLock<Option<PasswordHash>>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            gate: Arc::new(Semaphore::new(AT_ONCE)),
            decoy: OnceLock::new(),
        }
    }
}

impl Passwords {
    /// Whether this is the password; without a hash it is not, after the same work.
    pub(super) async fn verify(
        self: &Arc<Self>,
        password: String,
        hash: Option<PasswordHash>,
    ) -> Result<bool, Problem> {
        let (turn, own) = (self.turn().await?, Arc::clone(self));
        blocking(move || {
            let _turn = turn;
            let decoy = own.decoy.get_or_init(decoy);
            let is_known = hash.is_some();
            let hash = hash.as_ref().or(decoy.as_ref());
            hash.is_some_and(|hash| verify_password(&password, hash)) && is_known
        })
        .await
    }

    /// Hashes a new password.
    pub(super) async fn hash(self: &Arc<Self>, password: String) -> Result<PasswordHash, Problem> {
        let turn = self.turn().await?;
        let hashed = blocking(move || {
            let _turn = turn;
            hash_password(&password, &mut os_random)
        })
        .await?;
        hashed.map_err(|problem| match problem {
            PasswordProblem::Short | PasswordProblem::Long => fault::refused(&problem.to_string()),
            _ => Problem::fault(),
        })
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let turn = Arc::clone(&self.gate).acquire_owned();
        match tokio::time::timeout(PATIENCE, turn).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "busy",
                "Too many passwords are being checked",
            )
            .detail("nothing was done")
            .hint("try again in a moment")
            .header(header::RETRY_AFTER, "5")),
        }
    }
}

fn decoy() -> Option<PasswordHash> {
    hash_password("nobody has this password", &mut os_random).ok()
}
