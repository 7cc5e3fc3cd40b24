//! Reads a request body: capped in size, time and in the memory of all bodies together.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, EXPECT};
use pingora_core::Result;
use pingora_proxy::Session;
use tokio::time::Instant;

use crate::conf::BodyLimits;
use crate::living::{BodyMemory, BodyPermit};
use crate::refusal::Refusal;

/// A body that keeps coming at this rate, bytes a second, is not cut off.
const SLOWEST: u64 = 64 * 1024;
/// How much more memory a body of unknown length takes at a time.
const STEP: u64 = 64 * 1024;

/// Reads the body.
///
/// # Errors
/// The refusal, or, when the client's connection broke, an error of the connection.
pub(super) async fn read(
    session: &mut Session,
    limits: &BodyLimits,
    memory: &Arc<BodyMemory>,
) -> Result<Result<(Bytes, BodyPermit), Refusal>> {
    let announced = announced_length(session);
    if announced.is_some_and(|length| length > limits.max) {
        return Ok(Err(Refusal::BodyTooLarge { max: limits.max }));
    }
    let wanted = announced.unwrap_or(0);
    let Some(permit) = memory.take(wanted, limits.in_flight_max) else {
        return Ok(Err(Refusal::TooBusy));
    };
    if expects_continue(session) {
        session.write_continue_response().await?;
    }
    Collector {
        limits,
        permit,
        pieces: Pieces::with_length(wanted),
        started: Instant::now(),
    }
    .collect(session)
    .await
}

fn announced_length(session: &Session) -> Option<u64> {
    let value = session.req_header().headers.get(CONTENT_LENGTH)?;
    value.to_str().ok()?.parse().ok()
}

/// Whether the client waits to be told to send its body.
pub(super) fn expects_continue(session: &Session) -> bool {
    let expect = session.req_header().headers.get(EXPECT);
    expect.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// The body so far. One piece is not copied.
enum Pieces {
    None { length: u64 },
    One { piece: Bytes, length: u64 },
    Many(BytesMut),
}

impl Pieces {
    fn with_length(length: u64) -> Self {
        Self::None { length }
    }

    fn push(&mut self, piece: Bytes) {
        match self {
            Self::None { length } => {
                *self = Self::One {
                    piece,
                    length: *length,
                };
            }
            Self::One {
                piece: first,
                length,
            } => {
                let room = usize::try_from(*length).unwrap_or(0);
                let mut all = BytesMut::with_capacity(room.max(first.len() + piece.len()));
                all.extend_from_slice(first);
                all.extend_from_slice(&piece);
                *self = Self::Many(all);
            }
            Self::Many(all) => all.extend_from_slice(&piece),
        }
    }

    fn len(&self) -> u64 {
        let len = match self {
            Self::None { .. } => 0,
            Self::One { piece, .. } => piece.len(),
            Self::Many(all) => all.len(),
        };
        u64::try_from(len).unwrap_or(u64::MAX)
    }

    fn finish(self) -> Bytes {
        match self {
            Self::None { .. } => Bytes::new(),
            Self::One { piece, .. } => piece,
            Self::Many(all) => all.freeze(),
        }
    }
}

struct Collector<'a> {
    limits: &'a BodyLimits,
    permit: BodyPermit,
    pieces: Pieces,
    started: Instant,
}

impl Collector<'_> {
    async fn collect(
        mut self,
        session: &mut Session,
    ) -> Result<Result<(Bytes, BodyPermit), Refusal>> {
        loop {
            let read = tokio::time::timeout_at(self.deadline(), session.read_request_body());
            let piece = match read.await {
                Err(_) => return Ok(Err(Refusal::SlowBody)),
                Ok(Ok(None)) => break,
                Ok(Ok(Some(piece))) => piece,
                Ok(Err(_)) => return Ok(Err(Refusal::BrokenBody)),
            };
            self.pieces.push(piece);
            let length = self.pieces.len();
            if length > self.limits.max {
                return Ok(Err(Refusal::BodyTooLarge {
                    max: self.limits.max,
                }));
            }
            let missing = length.saturating_sub(self.permit.bytes());
            let more = missing.div_ceil(STEP) * STEP;
            if missing > 0 && !self.permit.grow(more, self.limits.in_flight_max) {
                return Ok(Err(Refusal::TooBusy));
            }
        }
        Ok(Ok((self.pieces.finish(), self.permit)))
    }

    /// The time allowed grows with what has come, so that only trickles are cut off.
    fn deadline(&self) -> Instant {
        let earned = Duration::from_millis(self.pieces.len() * 1000 / SLOWEST);
        self.started + self.limits.read_timeout + earned
    }
}
