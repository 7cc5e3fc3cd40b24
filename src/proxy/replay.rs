//! The replay session: lets an attempt start over with the whole request body.
//!
//! Pingora keeps at most 64 KiB of a request body for retries; a longer body that was read early
//! is never sent upstream and the request hangs. So, once the body has been read, the client's
//! session is swapped for this one. It hands the body out once per attempt, whatever its size;
//! holds the answer's header back until there is content, so that a failed attempt leaves no
//! trace at the client; runs the deadlines; and, when the client leaves, either cancels the
//! attempt or drains it to the usage report.
//!
//! The trait implemented here is hidden from Pingora's documentation, so the version is pinned.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::Stream;
use http::HeaderMap;
use pingora_core::protocols::Digest;
use pingora_core::protocols::http::custom::CustomMessageWrite;
use pingora_core::protocols::http::custom::server::Session as CustomSession;
use pingora_core::protocols::http::{HttpTask, ServerSession};
use pingora_core::protocols::l4::socket::SocketAddr;
use pingora_core::{Error, ErrorType, Result};
use pingora_http::{RequestHeader, ResponseHeader};
use pingora_proxy::Session;
use std::sync::Arc;
use tokio::time::Instant;

use super::alarm::{Alarm, Progress, Ring};
use super::link::Link;

/// The name of the error that only ends the body pump after the answer has been completed.
pub(crate) const ENDED_EARLY: &str = "ended_early";
/// What keeps a silent connection warm. A server-sent-event comment; clients skip it.
const COMMENT: &[u8] = b": keep-alive\n\n";

type MessageReader = Box<dyn Stream<Item = Result<Bytes>> + Unpin + Send + Sync + 'static>;

/// See the module text.
pub(crate) struct Replay {
    /// `None` only while the session is being dropped.
    inner: ServerSession,
    body: Bytes,
    link: Arc<Link>,
    alarm: Alarm,
    progress: Progress,
    held: Vec<HttpTask>,
    /// The answer was completed before the provider ended it; the pump must stop.
    ended_early: bool,
}

/// Puts a replay session with `body` in the place of the client's session.
pub(crate) fn install(session: &mut Session, body: Bytes, link: &Arc<Link>, started: Instant) {
    let inner = std::mem::replace(&mut *session.downstream_session, inert());
    let replay = Replay {
        inner,
        body,
        link: Arc::clone(link),
        alarm: Alarm::new(started),
        progress: Progress::default(),
        held: Vec::new(),
        ended_early: false,
    };
    *session.downstream_session = ServerSession::new_custom(Box::new(replay));
}

/// Puts the client's session back; does nothing when it already is.
pub(crate) fn restore(session: &mut Session, link: &Link) {
    if session.downstream_session.is_custom() {
        drop(std::mem::replace(&mut *session.downstream_session, inert()));
        if let Some(inner) = link.take_session() {
            *session.downstream_session = inner;
        }
    }
}

fn inert() -> ServerSession {
    ServerSession::new_custom(Box::new(()))
}

impl Drop for Replay {
    fn drop(&mut self) {
        let inner = std::mem::replace(&mut self.inner, inert());
        self.link.give_back(inner);
    }
}

fn has_bytes(task: &HttpTask) -> bool {
    matches!(task, HttpTask::Body(Some(bytes), _) if !bytes.is_empty())
}

/// A body task without bytes that does not end the answer says nothing; on the wire an empty
/// chunk would even mean the end.
fn is_noise(task: &HttpTask) -> bool {
    matches!(task, HttpTask::Body(bytes, false) if bytes.as_ref().is_none_or(Bytes::is_empty))
}

/// Splits a failure and what follows it off the batch.
fn take_failure(tasks: &mut Vec<HttpTask>) -> Option<Box<Error>> {
    let at = tasks
        .iter()
        .position(|task| matches!(task, HttpTask::Failed(_)))?;
    match tasks.drain(at..).next() {
        Some(HttpTask::Failed(error)) => Some(error),
        _ => None,
    }
}

impl Replay {
    /// Hands a batch to the client, with the header that the filters prepared.
    async fn deliver(&mut self, mut tasks: Vec<HttpTask>) -> Result<bool> {
        let before = Instant::now();
        if let Some(HttpTask::Header(header, _)) = tasks.first_mut()
            && let Some(head) = self.link.take_head()
        {
            *header = head;
        }
        if self.link.must_end_now() {
            end_after_last_body(&mut tasks);
        }
        self.flush_comment().await?;
        let ended = self.inner.response_duplex_vec(tasks).await;
        self.alarm.note_delivery(before);
        ended
    }

    /// The answer ended in a way that no body filter is called for, such as a header alone.
    fn end_unseen(&mut self, tasks: &mut Vec<HttpTask>) -> Result<()> {
        if !self.progress.released && !tasks.iter().any(has_bytes) {
            self.held.clear();
            self.link.answering().end_empty();
            return Error::e_explain(ErrorType::InvalidHTTPHeader, "an answer without a body")
                .map_err(|error: Box<Error>| error.into_up());
        }
        let words = self.link.answering().end_late();
        tasks.retain(|task| !task.is_end());
        tasks.push(HttpTask::Body(Some(words), true));
        Ok(())
    }

    /// Keeps the batch back until there is content. True when it may go out.
    fn hold(&mut self, tasks: Vec<HttpTask>) -> bool {
        self.held.extend(tasks);
        self.held
            .iter()
            .any(|task| has_bytes(task) || task.is_end())
    }

    /// Completes a comment whose write was cancelled half-way.
    async fn flush_comment(&mut self) -> Result<()> {
        if self.inner.has_pending_downstream_proxy_tasks() {
            self.inner.write_downstream_proxy_tasks().await?;
        }
        Ok(())
    }

    /// Writes tasks from inside a `select!` that may drop this future at any await.
    async fn whisper(&mut self, tasks: Vec<HttpTask>) -> Result<()> {
        if self.inner.is_http2() {
            // An HTTP/2 write queues a frame in one step; only a closed window makes it wait,
            // and then a comment is the last thing the client misses.
            self.inner.response_duplex_vec(tasks).await?;
            return Ok(());
        }
        for task in tasks {
            self.inner.send_downstream_proxy_task(task);
        }
        self.flush_comment().await
    }

    /// Shows the client the held header, so that it knows the request is being worked on.
    async fn commit(&mut self) -> Result<()> {
        let mut tasks: Vec<HttpTask> = std::mem::take(&mut self.held);
        if let Some(HttpTask::Header(header, _)) = tasks.first_mut()
            && let Some(head) = self.link.take_head()
        {
            *header = head;
        }
        self.progress.released = true;
        self.link.release_content();
        tasks.push(HttpTask::Body(Some(Bytes::from_static(COMMENT)), false));
        self.whisper(tasks).await
    }

    async fn on_ring(&mut self, ring: Ring) -> Result<()> {
        match ring {
            Ring::Expired(deadline) => {
                self.link.expire(deadline);
                Error::e_explain(ErrorType::ReadTimedout, "a deadline of the request passed")
            }
            Ring::Commit => {
                self.alarm.note_comment();
                self.commit().await
            }
            Ring::KeepAlive => {
                self.alarm.note_comment();
                // One byte cannot be torn: a blank line between events, which clients skip.
                let comment = if self.inner.is_http2() {
                    Bytes::from_static(b"\n")
                } else {
                    Bytes::from_static(COMMENT)
                };
                self.whisper(vec![HttpTask::Body(Some(comment), false)])
                    .await
            }
        }
    }
}

/// Makes the last body task of the batch the end of the answer.
fn end_after_last_body(tasks: &mut Vec<HttpTask>) {
    match tasks.last_mut() {
        Some(HttpTask::Body(_, end)) => *end = true,
        _ => tasks.push(HttpTask::Body(None, true)),
    }
}

#[async_trait]
impl CustomSession for Replay {
    fn req_header(&self) -> &RequestHeader {
        self.inner.req_header()
    }

    fn req_header_mut(&mut self) -> &mut RequestHeader {
        self.inner.req_header_mut()
    }

    /// The body has been read; the pump gets it from `get_retry_buffer`.
    async fn read_body_bytes(&mut self) -> Result<Option<Bytes>> {
        Ok(None)
    }

    async fn drain_request_body(&mut self) -> Result<()> {
        Ok(())
    }

    async fn write_response_header(&mut self, resp: Box<ResponseHeader>, _end: bool) -> Result<()> {
        self.inner.write_response_header(resp).await
    }

    async fn write_response_header_ref(&mut self, resp: &ResponseHeader, _end: bool) -> Result<()> {
        self.inner.write_response_header_ref(resp).await
    }

    async fn write_body(&mut self, data: Bytes, end: bool) -> Result<()> {
        self.inner.write_response_body(data, end).await
    }

    async fn write_trailers(&mut self, trailers: HeaderMap) -> Result<()> {
        self.inner.write_response_trailers(trailers).await
    }

    async fn response_duplex_vec(&mut self, mut tasks: Vec<HttpTask>) -> Result<bool> {
        let has_end = tasks.iter().any(HttpTask::is_end);
        if self.link.client_gone() {
            self.alarm.note_activity();
            return Ok(has_end);
        }
        if let Some(failure) = take_failure(&mut tasks) {
            if !self.progress.released && !tasks.iter().any(has_bytes) {
                self.held.clear();
                return Err(failure);
            }
            let event = self.link.answering().end_late();
            tasks.push(HttpTask::Body(Some(event), true));
        } else if has_end && !self.link.answering().is_over() {
            self.end_unseen(&mut tasks)?;
        }
        self.progress.header |= matches!(tasks.first(), Some(HttpTask::Header(..)));
        self.progress.events = self.link.answering().is_stream();
        tasks.retain(|task| !is_noise(task));
        if !self.progress.released {
            if !self.hold(tasks) {
                self.alarm.note_activity();
                return Ok(false);
            }
            self.progress.released = true;
            self.link.release_content();
            tasks = std::mem::take(&mut self.held);
        } else if tasks.is_empty() {
            self.alarm.note_activity();
            return Ok(false);
        }
        let end_early = self.link.must_end_now();
        let ended = match self.deliver(tasks).await {
            Ok(ended) => ended,
            // A client that leaves is first noticed here as often as by the idle read.
            Err(_) if self.link.lose_client() => return Ok(has_end),
            Err(error) => return Err(error),
        };
        if end_early && !self.link.is_h2_upstream() {
            // With an HTTP/1 provider the pump would wait for its next byte; see read_body_or_idle.
            self.ended_early = true;
            return Ok(false);
        }
        Ok(ended)
    }

    fn set_read_timeout(&mut self, timeout: Option<Duration>) {
        self.inner.set_read_timeout(timeout);
    }

    fn get_read_timeout(&self) -> Option<Duration> {
        self.inner.get_read_timeout()
    }

    fn set_write_timeout(&mut self, timeout: Option<Duration>) {
        self.inner.set_write_timeout(timeout);
    }

    fn get_write_timeout(&self) -> Option<Duration> {
        self.inner.get_write_timeout()
    }

    fn set_total_drain_timeout(&mut self, timeout: Option<Duration>) {
        self.inner.set_total_drain_timeout(timeout);
    }

    fn get_total_drain_timeout(&self) -> Option<Duration> {
        self.inner.get_total_drain_timeout()
    }

    fn request_summary(&self) -> String {
        self.inner.request_summary()
    }

    fn response_written(&self) -> Option<&ResponseHeader> {
        self.inner.response_written()
    }

    async fn shutdown(&mut self, _code: u32, _ctx: &str) {
        self.inner.shutdown().await;
    }

    fn is_body_done(&mut self) -> bool {
        true
    }

    async fn finish(&mut self) -> Result<()> {
        if self.link.client_gone() {
            return Ok(());
        }
        self.inner.finish_body().await
    }

    fn is_body_empty(&mut self) -> bool {
        self.body.is_empty()
    }

    /// The request body is done, so this only waits: for the client to leave or a clock to ring.
    async fn read_body_or_idle(&mut self, _no_body_expected: bool) -> Result<Option<Bytes>> {
        if self.ended_early {
            return Error::e_explain(ErrorType::Custom(ENDED_EARLY), "the answer is complete");
        }
        if self.link.is_glance() && !self.link.client_gone() {
            let seen = self.inner.read_body_or_idle(true).await;
            if seen.is_err() {
                // Nothing runs that could be drained; the loss is noted all the same.
                self.link.lose_client();
            }
            return seen;
        }
        loop {
            let client_gone = self.link.client_gone();
            let rung = tokio::select! {
                biased;
                read = self.inner.read_body_or_idle(true), if !client_gone => Err(read),
                ring = self.alarm.ring(&self.link, self.progress) => Ok(ring),
            };
            match rung {
                Ok(ring) if self.link.client_gone() && !matches!(ring, Ring::Expired(_)) => {
                    self.alarm.note_comment();
                    self.progress.released = true;
                }
                Ok(ring) => self.on_ring(ring).await?,
                Err(Ok(bytes)) => return Ok(bytes),
                Err(Err(error)) => {
                    if !self.link.lose_client() {
                        return Err(error);
                    }
                }
            }
        }
    }

    fn body_bytes_sent(&self) -> usize {
        self.inner.body_bytes_sent()
    }

    fn body_bytes_read(&self) -> usize {
        self.inner.body_bytes_read()
    }

    fn digest(&self) -> Option<&Digest> {
        self.inner.digest()
    }

    fn digest_mut(&mut self) -> Option<&mut Digest> {
        self.inner.digest_mut()
    }

    fn client_addr(&self) -> Option<&SocketAddr> {
        self.inner.client_addr()
    }

    fn server_addr(&self) -> Option<&SocketAddr> {
        self.inner.server_addr()
    }

    fn pseudo_raw_h1_request_header(&self) -> Bytes {
        self.inner.to_h1_raw()
    }

    /// Pingora calls this once per attempt, after the request header went out: the one place
    /// that tells when an attempt's clocks start.
    fn enable_retry_buffering(&mut self) {
        self.held.clear();
        self.progress = Progress::default();
        let (limits, request_bytes) = self.link.begin_attempt();
        self.alarm.begin(limits, request_bytes);
    }

    fn retry_buffer_truncated(&self) -> bool {
        false
    }

    fn get_retry_buffer(&self) -> Option<Bytes> {
        Some(self.body.clone())
    }

    async fn finish_custom(&mut self) -> Result<()> {
        Ok(())
    }

    fn take_custom_message_reader(&mut self) -> Option<MessageReader> {
        None
    }

    fn restore_custom_message_reader(&mut self, _reader: MessageReader) -> Result<()> {
        Ok(())
    }

    fn take_custom_message_writer(&mut self) -> Option<Box<dyn CustomMessageWrite>> {
        None
    }

    fn restore_custom_message_writer(
        &mut self,
        _writer: Box<dyn CustomMessageWrite>,
    ) -> Result<()> {
        Ok(())
    }
}
