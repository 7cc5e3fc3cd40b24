//! Why: what somebody else gives for a while, such as an issuer's keys or an access token, is asked for again before
//! it is too old, and whoever gives it takes as long as it takes. So one loop asks, beside the requests, and requests
//! only look at what it found. What is still configured outlives a reload.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// How long the loop sleeps when nobody is due.
const IDLE: Duration = Duration::from_secs(3600);

/// Something that has to be renewed.
pub trait Renewed: Send + Sync {
    /// When it is renewed next, from the epoch of its [`Renewals`].
    fn due(&self) -> Duration;

    /// Renews it, or says in the log why not; either way it is due later.
    fn renew(&self, epoch: Instant) -> impl Future<Output = ()> + Send;
}

/// All of one kind that a served configuration names. One per process.
#[derive(Debug)]
pub struct Renewals<T> {
    known: Mutex<Vec<Weak<T>>>,
    wake: Arc<Notify>,
    epoch: Instant,
}

impl<T> Default for Renewals<T> {
    fn default() -> Self {
        Self {
            known: Mutex::default(),
            wake: Arc::default(),
            epoch: Instant::now(),
        }
    }
}

impl<T: Renewed> Renewals<T> {
    /// The beginning of its clock.
    #[must_use]
    pub fn epoch(&self) -> Instant {
        self.epoch
    }

    /// Wakes the loop: something may be due earlier than it thinks.
    #[must_use]
    pub fn wake(&self) -> Arc<Notify> {
        Arc::clone(&self.wake)
    }

    /// One of those that are known, or else (`Err`) a new one, which is renewed at once.
    pub fn one(&self, choose: impl FnOnce(&[Arc<T>]) -> Result<Arc<T>, Arc<T>>) -> Arc<T> {
        let mut known = self.known();
        let alive: Vec<_> = known.iter().filter_map(Weak::upgrade).collect();
        choose(&alive).unwrap_or_else(|new| {
            known.push(Arc::downgrade(&new));
            self.wake.notify_one();
            new
        })
    }

    /// Keeps every one of them fresh, for ever. Runs in the supervisor of background work; it alone renews, so that
    /// nothing is ever asked for twice at a time.
    pub async fn look_after(&self) {
        loop {
            let alive: Vec<_> = self.known().iter().filter_map(Weak::upgrade).collect();
            let now = self.epoch.elapsed();
            let due = alive.iter().filter(|one| one.due() <= now);
            let renewals = due.map(|one| one.renew(self.epoch));
            futures_util::future::join_all(renewals).await;
            let now = self.epoch.elapsed();
            let next = alive.iter().map(|one| one.due()).min();
            let rest = next.map_or(IDLE, |next| next.saturating_sub(now).min(IDLE));
            drop(alive);
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                () = self.wake.notified() => {}
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, Vec<Weak<T>>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|one| one.strong_count() > 0);
        known
    }
}
