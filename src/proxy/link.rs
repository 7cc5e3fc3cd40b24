//! What the replay session and the request's context must both see.
//!
//! Pingora owns the replay session and calls it from the body pump; the filters see only the
//! context. Neither can reach the other, so the few facts that both need live here, behind one
//! `Arc` per request.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pingora_core::protocols::http::ServerSession;
use pingora_http::ResponseHeader;

use super::answering::Answering;
use crate::routing::Limits;

/// Which of the three deadlines ended an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Deadline {
    /// No first byte of an answer in time.
    FirstByte = 1,
    /// Too long a silence between two chunks.
    BetweenChunks = 2,
    /// The whole exchange took too long.
    Total = 3,
}

/// Shared facts of one request in flight; see the module text.
pub(crate) struct Link {
    in_attempt: AtomicBool,
    glancing: AtomicBool,
    client_gone: AtomicBool,
    drain_when_gone: AtomicBool,
    content_released: AtomicBool,
    end_now: AtomicBool,
    h2_upstream: AtomicBool,
    expired: AtomicU8,
    request_bytes: AtomicU64,
    limits: Mutex<Limits>,
    head: Mutex<Option<Box<ResponseHeader>>>,
    answering: Mutex<Answering>,
    session: Mutex<Option<ServerSession>>,
}

/// A poisoned lock means that a filter panicked; the data is still the best there is, and the
/// request is about to be answered 500.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Link {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            in_attempt: AtomicBool::new(false),
            glancing: AtomicBool::new(false),
            client_gone: AtomicBool::new(false),
            drain_when_gone: AtomicBool::new(false),
            content_released: AtomicBool::new(false),
            end_now: AtomicBool::new(false),
            h2_upstream: AtomicBool::new(false),
            expired: AtomicU8::new(0),
            request_bytes: AtomicU64::new(0),
            limits: Mutex::new(Limits::default()),
            head: Mutex::new(None),
            answering: Mutex::new(Answering::default()),
            session: Mutex::new(None),
        })
    }

    /// Prepares an attempt: its deadlines, the size of the body that it uploads, and whether the
    /// answer is read to its end when the client leaves.
    pub(crate) fn plan_attempt(&self, limits: Limits, request_bytes: u64, drain: bool) {
        *lock(&self.limits) = limits;
        self.request_bytes.store(request_bytes, Ordering::Relaxed);
        self.drain_when_gone.store(drain, Ordering::Relaxed);
        self.in_attempt.store(false, Ordering::Relaxed);
        self.h2_upstream.store(false, Ordering::Relaxed);
    }

    /// The request header went out: from here on the attempt's own deadlines run.
    pub(crate) fn begin_attempt(&self) -> (Limits, u64) {
        self.expired.store(0, Ordering::Relaxed);
        self.in_attempt.store(true, Ordering::Relaxed);
        (
            *lock(&self.limits),
            self.request_bytes.load(Ordering::Relaxed),
        )
    }

    /// The attempt is over; only the total deadline runs between attempts.
    pub(crate) fn end_attempt(&self) {
        self.in_attempt.store(false, Ordering::Relaxed);
    }

    /// Tells the replay session that the next look at the client will not wait, so that it arms no
    /// timer for it.
    pub(crate) fn glance(&self, yes: bool) {
        self.glancing.store(yes, Ordering::Relaxed);
    }

    pub(crate) fn is_glance(&self) -> bool {
        self.glancing.load(Ordering::Relaxed)
    }

    pub(crate) fn in_attempt(&self) -> bool {
        self.in_attempt.load(Ordering::Relaxed)
    }

    /// Records that the client left. True when the answer is to be read to its end all the same:
    /// only while an attempt runs, and only after content, because before it there is nothing to
    /// bill and a provider that only pings would keep the exchange alive.
    pub(crate) fn lose_client(&self) -> bool {
        self.client_gone.store(true, Ordering::Relaxed);
        self.in_attempt()
            && self.drain_when_gone.load(Ordering::Relaxed)
            && self.content_released.load(Ordering::Relaxed)
    }

    pub(crate) fn client_gone(&self) -> bool {
        self.client_gone.load(Ordering::Relaxed)
    }

    /// The first byte of an answer has been handed to the client's connection.
    pub(crate) fn release_content(&self) {
        self.content_released.store(true, Ordering::Relaxed);
    }

    pub(crate) fn content_released(&self) -> bool {
        self.content_released.load(Ordering::Relaxed)
    }

    /// Asks the replay session to end the answer after the next write.
    pub(crate) fn end_now(&self) {
        self.end_now.store(true, Ordering::Relaxed);
    }

    pub(crate) fn must_end_now(&self) -> bool {
        self.end_now.load(Ordering::Relaxed)
    }

    pub(crate) fn set_h2_upstream(&self, yes: bool) {
        self.h2_upstream.store(yes, Ordering::Relaxed);
    }

    pub(crate) fn is_h2_upstream(&self) -> bool {
        self.h2_upstream.load(Ordering::Relaxed)
    }

    pub(crate) fn expire(&self, deadline: Deadline) {
        self.expired.store(deadline as u8, Ordering::Relaxed);
    }

    /// The deadline that ended the attempt, if one did. Pingora reports it as a downstream read
    /// time-out, which only this cell tells from a lost client.
    pub(crate) fn expired(&self) -> Option<Deadline> {
        match self.expired.load(Ordering::Relaxed) {
            1 => Some(Deadline::FirstByte),
            2 => Some(Deadline::BetweenChunks),
            3 => Some(Deadline::Total),
            _ => None,
        }
    }

    /// Leaves the header that the client shall see in place of the provider's.
    pub(crate) fn set_head(&self, head: Box<ResponseHeader>) {
        *lock(&self.head) = Some(head);
    }

    pub(crate) fn take_head(&self) -> Option<Box<ResponseHeader>> {
        lock(&self.head).take()
    }

    /// The answer being decoded. Never held across an await.
    pub(crate) fn answering(&self) -> MutexGuard<'_, Answering> {
        lock(&self.answering)
    }

    /// Takes the real session back from a replay session that is being dropped.
    pub(crate) fn give_back(&self, session: ServerSession) {
        *lock(&self.session) = Some(session);
    }

    pub(crate) fn take_session(&self) -> Option<ServerSession> {
        lock(&self.session).take()
    }

    /// The total limit of the current target.
    pub(crate) fn total_limit(&self) -> Duration {
        lock(&self.limits).total
    }
}
