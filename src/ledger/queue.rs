//! Why: requests leave work for a thread and go on. They never wait for it, and it sleeps while
//! there is none.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::treasury::lock;

/// A queue between requests and one thread that works for them.
#[derive(Debug)]
pub(super) struct Queue<T> {
    items: Mutex<Vec<T>>,
    filled: Condvar,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            items: Mutex::new(Vec::new()),
            filled: Condvar::new(),
        }
    }
}

impl<T> Queue<T> {
    pub(super) fn push(&self, item: T) {
        let mut items = lock(&self.items);
        items.push(item);
        if items.len() == 1 {
            self.filled.notify_one();
        }
    }

    /// Everything there is, once there is something or the time is over.
    pub(super) fn wait(&self, longest: Duration) -> Vec<T> {
        let items = lock(&self.items);
        let waited = self
            .filled
            .wait_timeout_while(items, longest, |items| items.is_empty());
        let (mut items, _) = waited.unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *items)
    }

    /// Wakes whoever waits.
    pub(super) fn wake(&self) {
        self.filled.notify_all();
    }
}
