//! A scripted answer as a list of steps, and the player that performs it as an HTTP body.
//!
//! Every misbehaviour of a provider, from a pause to a broken chunk, is a step among ordinary
//! ones. A scenario therefore bends the script of a good answer instead of being written anew,
//! and works the same streamed and not, over HTTP/1.1 and h2.

use std::io;
use std::iter::Peekable;
use std::pin::Pin;
use std::sync::Weak;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use super::journal::{Outcome, Ticket};
use super::wire::Socket;

/// How long earlier bytes are given to leave before something violent happens to the connection.
/// HTTP/2 frames wait on the connection's own task, so a mere yield would not do.
const SETTLE: Duration = Duration::from_millis(5);

/// Small pieces of a body of known length are joined up to about this size.
const TOGETHER: usize = 16 * 1024;

/// One act of an answer's body.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Bytes of the body.
    Send(Send),
    /// Silence.
    Wait(Duration),
    /// Bytes that go onto the socket beside the HTTP framing.
    Raw(Bytes),
    /// The end of the connection (h1) or stream (h2) without a terminator.
    Cut,
    /// A TCP reset.
    Reset,
    /// Nothing more, the answer stays open until the peer leaves.
    Hold,
}

/// Bytes of the body and what they count for.
#[derive(Debug, Clone)]
pub(super) struct Send {
    pub(super) bytes: Bytes,
    /// Content is what `after=n` counts; role, finish and usage chunks are not.
    pub(super) content: bool,
    /// Completion tokens in these bytes.
    pub(super) tokens: u64,
}

impl Step {
    /// Bytes that frame the answer and carry no content.
    pub(super) fn frame(bytes: impl Into<Bytes>) -> Self {
        Self::Send(Send {
            bytes: bytes.into(),
            content: false,
            tokens: 0,
        })
    }

    /// Content worth `tokens`.
    pub(super) fn content(bytes: impl Into<Bytes>, tokens: u64) -> Self {
        Self::Send(Send {
            bytes: bytes.into(),
            content: true,
            tokens,
        })
    }

    /// Lets what was sent leave in packets of its own.
    pub(super) fn settle() -> Self {
        Self::Wait(SETTLE)
    }

    fn is_send(&self) -> bool {
        matches!(self, Self::Send(_))
    }

    fn is_content(&self) -> bool {
        matches!(self, Self::Send(Send { content: true, .. }))
    }
}

/// Steps are made while they are played, so an answer of a gigabyte costs no memory.
pub(super) type Steps = Box<dyn Iterator<Item = Step> + std::marker::Send + Sync>;

/// An answer: what stands in the header, and the steps of its body.
pub(super) struct Script {
    /// Silence before the header.
    pub(super) before: Duration,
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) headers: Vec<(&'static str, String)>,
    /// The Content-Length, if it is announced.
    pub(super) length: Option<u64>,
    pub(super) steps: Steps,
    pub(super) bill: Bill,
}

/// What the provider would charge for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bill {
    pub(super) prompt_tokens: u64,
    /// Completion tokens of the whole answer; of a partial one the tokens sent count.
    pub(super) completion_tokens: u64,
}

/// What the mock does with a request.
pub(super) enum Plan {
    /// It answers.
    Answer(Script),
    /// It never says a word.
    Silence,
    /// It closes the connection (h1) or resets the stream (h2).
    Close,
    /// It resets the TCP connection.
    Reset,
}

impl Script {
    /// A whole body with its length announced.
    pub(super) fn whole(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self {
            before: Duration::ZERO,
            status,
            content_type,
            headers: Vec::new(),
            length: Some(body.len() as u64),
            steps: Box::new(std::iter::once(Step::frame(body))),
            bill: Bill::default(),
        }
    }

    /// Replaces everything that follows the `after`th piece of content.
    pub(super) fn ended_after(self, after: u64, end: Vec<Step>) -> Self {
        self.interrupted(after, end, false)
    }

    /// Inserts steps after the `after`th piece of content.
    pub(super) fn paused_after(self, after: u64, pause: Vec<Step>) -> Self {
        self.interrupted(after, pause, true)
    }

    /// Zero means just before the first piece. An answer with fewer pieces is interrupted at its
    /// last one's end, so the scenario never silently turns into a good answer.
    fn interrupted(mut self, after: u64, insert: Vec<Step>, resume: bool) -> Self {
        let mut seen = 0;
        let mut inserted = false;
        let mut pending = Some(insert);
        let mut steps = std::mem::replace(&mut self.steps, Box::new(std::iter::empty())).peekable();
        let mut queue = Vec::new().into_iter();
        self.steps = Box::new(std::iter::from_fn(move || {
            if let Some(step) = queue.next() {
                return Some(step);
            }
            if inserted && !resume {
                return None;
            }
            let next_is_content = steps.peek().is_some_and(Step::is_content);
            let due = match steps.peek() {
                None => true,
                Some(_) if after == 0 => next_is_content,
                Some(_) => seen >= after,
            };
            if due && let Some(insert) = pending.take() {
                inserted = true;
                queue = insert.into_iter();
                if let Some(step) = queue.next() {
                    return Some(step);
                }
                if !resume {
                    return None;
                }
            }
            seen += u64::from(next_is_content);
            steps.next()
        }));
        self
    }

    /// Puts a pause before each piece of content.
    pub(super) fn paced(mut self, delay: Duration) -> Self {
        if !delay.is_zero() {
            let steps = std::mem::replace(&mut self.steps, Box::new(std::iter::empty()));
            self.steps = Box::new(steps.flat_map(move |step| {
                let pause = step.is_content().then_some(Step::Wait(delay));
                pause.into_iter().chain(std::iter::once(step))
            }));
        }
        self
    }
}

/// Performs a script as the body of a response.
pub(super) struct Player {
    steps: Peekable<Steps>,
    pause: Option<Pin<Box<Sleep>>>,
    raw: Bytes,
    left: Option<u64>,
    ticket: Ticket,
    socket: Weak<Socket>,
}

impl Player {
    /// The ticket learns how the performance ended, whoever ends it.
    pub(super) fn new(script: Script, ticket: Ticket, socket: Weak<Socket>) -> Self {
        let mut player = Self {
            steps: script.steps.peekable(),
            pause: None,
            raw: Bytes::new(),
            left: script.length,
            ticket,
            socket,
        };
        player.ticket.answering(script.bill);
        if player.left == Some(0) {
            player.ticket.ends(Outcome::Complete);
        }
        player
    }

    /// Whoever polls again, for whatever reason, finds the same silence.
    fn hold(&mut self) {
        let silence: Steps = Box::new(std::iter::repeat(Step::Hold));
        self.steps = silence.peekable();
    }

    fn wait(&mut self, span: Duration) {
        match &mut self.pause {
            Some(pause) => pause.as_mut().reset(Instant::now() + span),
            None => self.pause = Some(Box::pin(tokio::time::sleep(span))),
        }
    }

    /// True when the raw bytes are all on the socket, or can no longer get there.
    fn push_raw(&mut self) -> bool {
        let Some(socket) = self.socket.upgrade() else {
            self.raw.clear();
            return true;
        };
        while !self.raw.is_empty() {
            match socket.try_write(&self.raw) {
                Ok(written) => drop(self.raw.split_to(written.min(self.raw.len()))),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                Err(_) => self.raw.clear(),
            }
        }
        true
    }

    /// Counts what is sent. Where no chunk framing shows the seams, small pieces travel together.
    fn send(&mut self, first: Send) -> Bytes {
        let mut bytes = self.count(first);
        if self.left.is_some_and(|left| left > 0) && bytes.len() < TOGETHER {
            let mut joined = BytesMut::from(bytes);
            while joined.len() < TOGETHER
                && let Some(Step::Send(send)) = self.steps.next_if(Step::is_send)
            {
                joined.extend_from_slice(&self.count(send));
            }
            bytes = joined.freeze();
        }
        bytes
    }

    fn count(&mut self, send: Send) -> Bytes {
        let bytes = send.bytes.len() as u64;
        self.ticket.sent(send.content, send.tokens);
        self.left = self.left.map(|left| left.saturating_sub(bytes));
        if self.left == Some(0) {
            self.ticket.ends(Outcome::Complete);
        }
        send.bytes
    }
}

impl Body for Player {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let player = self.get_mut();
        loop {
            if let Some(pause) = &mut player.pause {
                ready!(pause.as_mut().poll(context));
                player.pause = None;
            }
            if !player.push_raw() {
                player.wait(Duration::from_millis(1));
                continue;
            }
            match player.steps.next() {
                Some(Step::Send(send)) if send.bytes.is_empty() => {}
                Some(Step::Send(send)) => {
                    let bytes = player.send(send);
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Some(Step::Wait(span)) => player.wait(span),
                Some(Step::Raw(raw)) => player.raw = raw,
                Some(Step::Cut) => {
                    player.ticket.ends(Outcome::Cut);
                    return Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())));
                }
                Some(Step::Reset) => {
                    player.ticket.ends(Outcome::Reset);
                    if let Some(socket) = player.socket.upgrade() {
                        socket.condemn();
                    }
                    player.hold();
                }
                Some(Step::Hold) => {
                    player.hold();
                    return Poll::Pending;
                }
                None => {
                    player.ticket.ends(Outcome::Complete);
                    return Poll::Ready(None);
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.left
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script() -> Script {
        let steps = ["a", "b", "c"].map(|text| Step::content(text, 1));
        let all = [Step::frame("<")]
            .into_iter()
            .chain(steps)
            .chain([Step::frame(">")]);
        Script {
            steps: Box::new(all),
            ..Script::whole(200, "text/plain", "")
        }
    }

    fn told(script: Script) -> String {
        let word = |step| match step {
            Step::Send(send) => String::from_utf8_lossy(&send.bytes).into_owned(),
            Step::Wait(_) => "_".to_owned(),
            Step::Cut => "|".to_owned(),
            other => format!("{other:?}"),
        };
        script.steps.map(word).collect()
    }

    #[test]
    fn an_end_replaces_what_follows_the_nth_piece() {
        assert_eq!(told(script().ended_after(2, vec![Step::Cut])), "<ab|");
    }

    #[test]
    fn after_zero_is_just_before_the_first_piece() {
        assert_eq!(told(script().ended_after(0, vec![Step::Cut])), "<|");
    }

    #[test]
    fn an_answer_with_too_few_pieces_is_still_interrupted() {
        assert_eq!(told(script().ended_after(9, vec![Step::Cut])), "<abc>|");
    }

    #[test]
    fn a_pause_goes_between_and_the_rest_follows() {
        let pause = vec![Step::Wait(Duration::from_secs(1))];
        assert_eq!(told(script().paused_after(1, pause)), "<a_bc>");
    }

    #[test]
    fn pacing_waits_before_content_only() {
        assert_eq!(told(script().paced(Duration::from_millis(1))), "<_a_b_c>");
    }

    #[test]
    fn an_empty_end_simply_stops() {
        assert_eq!(told(script().ended_after(1, Vec::new())), "<a");
    }
}
