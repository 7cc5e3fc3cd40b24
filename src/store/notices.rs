//! Why: who hears at once what another process has changed need not wait for the next look.
//! Hearing is a convenience, never a promise: everyone who listens also looks now and then.

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// What was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A message, such as the topic `keys` or `wallets` that has changed.
    Said(String),
    /// Something may have been missed: look at everything.
    Missed,
}

/// What is heard from now on.
#[derive(Debug)]
pub struct Notices(Option<Receiver<Notice>>);

impl Notices {
    /// A store that has nobody to hear.
    pub(super) fn silent() -> Self {
        Self(None)
    }

    pub(super) fn from_receiver(receiver: Receiver<Notice>) -> Self {
        Self(Some(receiver))
    }

    /// The next one. Waits for ever when the store is silent, or gone.
    pub async fn next(&mut self) -> Notice {
        let Some(receiver) = &mut self.0 else {
            return std::future::pending().await;
        };
        match receiver.recv().await {
            Ok(notice) => notice,
            Err(RecvError::Lagged(_)) => Notice::Missed,
            Err(RecvError::Closed) => {
                self.0 = None;
                std::future::pending().await
            }
        }
    }
}
