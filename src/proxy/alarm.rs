//! The deadlines of one request, on one timer.
//!
//! A timer that is re-armed per chunk costs more than the chunk's parsing. So the timer is left
//! where it stands when its instant moves away: it rings early, sees that nothing is due, and
//! sleeps on. It is only moved when something becomes due sooner.

use std::pin::Pin;
use std::time::Duration;

use pingora_timeout::fast_timeout::fast_sleep;
use tokio::time::Instant;

use super::link::{Deadline, Link};
use crate::routing::Limits;

/// How long a released stream may be silent before a comment keeps the connection warm.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// The upload that a body is allowed for, bytes a second. Pingora tells when the request's header
/// went out, not when its body has, so the first-byte limit grows with the body.
pub(super) const UPLOAD_RATE: u64 = 4 * 1024 * 1024;

/// What rang.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ring {
    /// A deadline passed.
    Expired(Deadline),
    /// The provider has been silent long enough: show the client the header.
    Commit,
    /// Write a comment to keep the client's connection alive.
    KeepAlive,
}

/// What the replay session knows about the answer, which decides what can ring.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Progress {
    /// The provider's header has been seen.
    pub(crate) header: bool,
    /// The header has been handed to the client.
    pub(crate) released: bool,
    /// The answer is a stream of events, so that comments may be written into it.
    pub(crate) events: bool,
}

/// The clocks of one attempt.
#[derive(Clone, Copy)]
struct Attempt {
    limits: Limits,
    first_byte_at: Instant,
    commit_at: Instant,
    last_activity: Instant,
    last_write: Instant,
}

/// Pingora's coarse timer: arming one of tokio's wakes its driver, which costs more than all the
/// clocks of a request. It rings up to 10 ms late, which no deadline here minds.
type Timer = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

/// One timer for every deadline of a request; see the module text.
pub(crate) struct Alarm {
    /// The timer with the instant it was armed for; none before there is anything to wait for.
    sleep: Option<(Instant, Timer)>,
    started: Instant,
    /// Time spent waiting for a slow client; it is not the provider's.
    blocked: Duration,
    attempt: Option<Attempt>,
}

impl Alarm {
    pub(crate) fn new(started: Instant) -> Self {
        Self {
            sleep: None,
            started,
            blocked: Duration::ZERO,
            attempt: None,
        }
    }

    /// Starts the clocks of an attempt, `request_bytes` of body still to be uploaded.
    pub(crate) fn begin(&mut self, limits: Limits, request_bytes: u64) {
        let now = Instant::now();
        let upload = Duration::from_millis(request_bytes.saturating_mul(1000) / UPLOAD_RATE);
        self.attempt = Some(Attempt {
            limits,
            first_byte_at: now + limits.first_byte + upload,
            commit_at: now + limits.commit_after + upload,
            last_activity: now,
            last_write: now,
        });
    }

    /// Notes that the provider sent something of which the client was sent nothing.
    pub(crate) fn note_activity(&mut self) {
        if let Some(attempt) = &mut self.attempt {
            attempt.last_activity = Instant::now();
        }
    }

    /// Notes that a piece has been handed to the client since `before`.
    pub(crate) fn note_delivery(&mut self, before: Instant) {
        let now = Instant::now();
        self.blocked += now - before;
        if let Some(attempt) = &mut self.attempt {
            attempt.last_activity = now;
            attempt.last_write = now;
        }
    }

    /// Notes that a comment was written to the client.
    pub(crate) fn note_comment(&mut self) {
        if let Some(attempt) = &mut self.attempt {
            attempt.last_write = Instant::now();
        }
    }

    /// Waits until something is due.
    pub(crate) async fn ring(&mut self, link: &Link, progress: Progress) -> Ring {
        loop {
            let (due, ring) = self.next(link, progress);
            if self.sleep.as_ref().is_none_or(|(armed, _)| due < *armed) {
                let wait = due.saturating_duration_since(Instant::now());
                self.sleep = Some((due, Box::pin(fast_sleep(wait))));
            }
            if let Some((_, timer)) = &mut self.sleep {
                timer.await;
                self.sleep = None;
            }
            if Instant::now() >= due {
                return ring;
            }
        }
    }

    /// The earliest thing that can ring.
    fn next(&self, link: &Link, progress: Progress) -> (Instant, Ring) {
        let total = self.started + link.total_limit() + self.blocked;
        let mut first = (total, Ring::Expired(Deadline::Total));
        let Some(attempt) = self.attempt.as_ref().filter(|_| link.in_attempt()) else {
            return first;
        };
        let mut offer = |due: Instant, ring: Ring| {
            if due < first.0 {
                first = (due, ring);
            }
        };
        if progress.header {
            let idle = attempt.last_activity + attempt.limits.between_chunks;
            offer(idle, Ring::Expired(Deadline::BetweenChunks));
            if progress.events && !progress.released {
                offer(attempt.commit_at, Ring::Commit);
            }
            if progress.events && progress.released {
                offer(attempt.last_write + KEEP_ALIVE, Ring::KeepAlive);
            }
        } else {
            offer(attempt.first_byte_at, Ring::Expired(Deadline::FirstByte));
        }
        first
    }
}
