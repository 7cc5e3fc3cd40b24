//! The answer of one attempt on its way through: provider's bytes in, client's bytes out.
//!
//! Everything here is synchronous and knows no session. The body filter feeds it; the replay
//! session asks it for the last words when the provider dies after content.

use std::sync::Arc;
use std::time::{Duration, Instant};

use alfred_filters::answer::{Answer, AnswerStream, Cut, Ending, Meter, StreamPlan};
use alfred_filters::dialect::Dialect;
use alfred_filters::dialect::openai_responses::Echo;
use alfred_filters::error::ProviderError;
use alfred_filters::event::Usage;
use alfred_filters::prompt::Surface;
use bytes::{Bytes, BytesMut};
use serde::Serialize;

use super::pieces::Pieces;
use super::screening::Screening;
use crate::guards::Watch;
use crate::ledger::{Charge, Nanos, ServiceTier};
use crate::routing::{Failure, Target};

/// The largest unstreamed answer that is held in memory.
const MAX_WHOLE: usize = 256 * 1024 * 1024;
/// How much of an error's body is read.
const MAX_ERROR: usize = 64 * 1024;

/// What the provider's header announced.
#[derive(Clone, Debug)]
pub(crate) enum Announced {
    /// A 2xx with server-sent events, AWS's frames or lines of JSON.
    Stream,
    /// A 2xx with one JSON body, and the tokens of the prompt if they stand in the header: Bedrock
    /// says nowhere else what embeddings cost.
    Whole(Option<u64>),
    /// An error, whose body tells more.
    Rejected {
        /// The provider's status.
        status: u16,
        /// `Retry-After`.
        retry_after: Option<String>,
        /// `retry-after-ms`.
        retry_after_ms: Option<String>,
        /// `x-amzn-errortype`: what kind of error it is, where the body does not say.
        named: Option<String>,
        /// `x-should-retry`.
        should_retry: Option<bool>,
        /// Unix time in seconds.
        now: u64,
    },
}

/// What became of a piece of the answer.
#[derive(Debug)]
pub(crate) enum Step {
    /// Nothing to send yet.
    Quiet,
    /// Send this.
    Send(Bytes),
    /// The whole answer; `usage` and the rest are known.
    Done(Bytes),
    /// The attempt failed before any content.
    Fail(Failure),
    /// The answer broke off after content: send these last words and end.
    BreakOff(Bytes),
}

/// The facts about an answer that receipts and headers want.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// Tokens: the provider's own, else counted.
    pub(crate) usage: Option<Usage>,
    /// Why the first choice ended.
    pub(crate) finish_reason: Option<&'static str>,
    /// Events and texts of a stream, counted.
    pub(crate) meter: Meter,
    /// When the first content came.
    pub(crate) first_content: Option<Instant>,
    /// The longest silence between two pieces.
    pub(crate) longest_gap: Duration,
    /// It was a stream.
    pub(crate) streamed: bool,
    /// All of it came.
    pub(crate) complete: bool,
}

/// What an attempt asked for, and whom.
pub(crate) struct Asked {
    pub(crate) surface: Surface,
    pub(crate) plan: StreamPlan,
    /// What the answer repeats of its request.
    pub(crate) echo: Option<Echo>,
    /// Vectors are wanted in base64.
    pub(crate) packed: bool,
    pub(crate) target: Arc<Target>,
    pub(crate) request_id: Arc<str>,
    pub(crate) tier: ServiceTier,
    pub(crate) charge: Charge,
    /// What was left of the caller's wallets before this request, its hold included.
    pub(crate) credit: Option<Nanos>,
    pub(crate) transaction: Option<String>,
}

/// What only the end of a stream knows; it travels in the usage event and in a comment.
#[derive(Serialize)]
struct Closing<'a> {
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    balance: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<String>,
}

enum Mode {
    Idle,
    Stream(Box<AnswerStream>),
    Whole(Pieces),
    Rejected(Pieces),
}

/// See the module text.
pub(crate) struct Answering {
    mode: Mode,
    announced: Announced,
    asked: Option<Asked>,
    /// What the answer would be without guards; it waits here to be screened.
    raw: BytesMut,
    out: BytesMut,
    screening: Screening,
    facts: Facts,
    last_piece: Option<Instant>,
    failure: Option<Failure>,
    over: bool,
}

impl Asked {
    /// The last word of a complete stream, as one line of JSON.
    fn closing(&self, usage: &Usage) -> Option<String> {
        let cost = self.target.cost(usage, self.tier, self.charge);
        let balance = self.credit.zip(cost);
        let balance = balance.and_then(|(credit, cost)| credit.checked_sub(cost));
        let closing = Closing {
            request_id: &self.request_id,
            transaction_id: self.transaction.as_deref(),
            balance: balance.map(|balance| balance.to_string()),
            cost: cost.map(|cost| cost.to_string()),
        };
        serde_json::to_string(&closing).ok()
    }
}

impl Default for Answering {
    fn default() -> Self {
        Self {
            mode: Mode::Idle,
            announced: Announced::Whole(None),
            asked: None,
            raw: BytesMut::new(),
            out: BytesMut::new(),
            screening: Screening::default(),
            facts: Facts::default(),
            last_piece: None,
            failure: None,
            over: false,
        }
    }
}

impl Answering {
    /// Forgets the last attempt and prepares for the next.
    pub(crate) fn begin(&mut self, asked: Asked) {
        let mut screening = std::mem::take(&mut self.screening);
        screening.begin(asked.surface);
        *self = Self {
            asked: Some(asked),
            screening,
            ..Self::default()
        };
    }

    /// The guard that has seen the request waits for its answer.
    pub(crate) fn watch(&mut self, watch: Option<Box<Watch>>) {
        self.screening = Screening::new(watch);
    }

    /// The guard, once the answer is over.
    pub(crate) fn watched(&self) -> Option<&Watch> {
        self.screening.watch()
    }

    /// The provider's header has come.
    pub(crate) fn announce(&mut self, announced: Announced) {
        self.mode = match (&announced, &self.asked) {
            (Announced::Stream, Some(asked)) => {
                self.facts.streamed = true;
                let mut stream = AnswerStream::new(asked.plan.clone());
                if let Some(echo) = asked.echo.clone() {
                    stream.echo(echo);
                }
                Mode::Stream(Box::new(stream))
            }
            (Announced::Rejected { .. }, _) => Mode::Rejected(Pieces::default()),
            _ => Mode::Whole(Pieces::default()),
        };
        self.announced = announced;
    }

    pub(crate) fn is_stream(&self) -> bool {
        self.facts.streamed
    }

    /// Takes the next piece of the body; `end` tells that it is the last, `released` that the
    /// client has seen the header already.
    pub(crate) fn feed(&mut self, piece: Option<&Bytes>, end: bool, released: bool) -> Step {
        if self.over {
            return Step::Quiet;
        }
        let now = Instant::now();
        if let Some(last) = self.last_piece.replace(now) {
            self.facts.longest_gap = self.facts.longest_gap.max(now - last);
        }
        match &mut self.mode {
            Mode::Idle => Step::Quiet,
            Mode::Stream(_) => self.feed_stream(piece, end, released, now),
            Mode::Whole(pieces) => {
                let fits = piece.is_none_or(|piece| pieces.push(piece, MAX_WHOLE));
                if !fits {
                    let error = ProviderError::malformed("the answer is too large to be held");
                    return self.fail(Failure::Answered(Box::new(error)));
                }
                if !end {
                    return Step::Quiet;
                }
                let body = pieces.take();
                self.finish_whole(body)
            }
            Mode::Rejected(pieces) => {
                let fits = piece.is_none_or(|piece| pieces.push(piece, MAX_ERROR));
                if fits && !end {
                    return Step::Quiet;
                }
                let body = pieces.take();
                let error = read_error(&self.announced, &body);
                self.fail(Failure::Answered(Box::new(error)))
            }
        }
    }

    fn feed_stream(
        &mut self,
        piece: Option<&Bytes>,
        end: bool,
        released: bool,
        now: Instant,
    ) -> Step {
        let Mode::Stream(stream) = &mut self.mode else {
            return Step::Quiet;
        };
        let fed = piece.map_or(Ok(()), |piece| stream.feed(piece, &mut self.raw));
        let content = stream.saw_content();
        if content && self.facts.first_content.is_none() {
            self.facts.first_content = Some(now);
        }
        let ending = match fed {
            Err(error) => Some(Ending::Failed(error)),
            Ok(()) if end || stream.is_over() => Some(self.finish_stream()),
            Ok(()) => None,
        };
        let may_send = content || released;
        if let Err(blocked) = self.screen(ending == Some(Ending::Complete)) {
            return self.break_off(blocked, may_send);
        }
        match ending {
            None if may_send && !self.out.is_empty() => Step::Send(self.out.split().freeze()),
            None => Step::Quiet,
            Some(Ending::Complete) => {
                self.over = true;
                self.facts.complete = true;
                Step::Done(self.out.split().freeze())
            }
            Some(Ending::Truncated(_)) => self.break_off(Failure::Died, may_send),
            Some(Ending::Failed(error)) => {
                self.break_off(Failure::Answered(Box::new(error)), may_send)
            }
        }
    }

    /// The provider's events are over: writes what is still owed, and says how they ended.
    fn finish_stream(&mut self) -> Ending {
        let estimate = self.input_estimate();
        let Mode::Stream(stream) = &mut self.mode else {
            return Ending::Truncated(Cut::Empty);
        };
        let asked = self.asked.as_ref();
        let mut closing = |stream: &AnswerStream| asked?.closing(&stream.final_usage(estimate));
        stream.finish_with(&mut self.raw, &mut closing)
    }

    /// Passes what the answer says on to the client, through the guard if there is one; `end` tells
    /// that nothing follows.
    fn screen(&mut self, end: bool) -> Result<(), Failure> {
        self.screening.pass(&mut self.raw, end, &mut self.out)
    }

    /// The answer cannot go on: before content another attempt may, after it the client is told.
    fn break_off(&mut self, failure: Failure, may_send: bool) -> Step {
        if !may_send {
            return self.fail(failure);
        }
        let words = failure.event(self.dialect(), Some(self.usage_so_far()));
        let told = match &mut self.mode {
            Mode::Stream(stream) => stream.break_off(&words, &mut self.raw),
            _ => false,
        };
        if !told {
            self.raw.extend_from_slice(&words);
        }
        self.screening.last_words(&mut self.raw, &mut self.out);
        self.over = true;
        self.failure = Some(failure);
        Step::BreakOff(self.out.split().freeze())
    }

    fn fail(&mut self, failure: Failure) -> Step {
        self.over = true;
        self.failure = Some(failure.clone());
        Step::Fail(failure)
    }

    fn finish_whole(&mut self, body: Bytes) -> Step {
        let Some(asked) = &self.asked else {
            return Step::Quiet;
        };
        let mut answer = match Answer::read(asked.plan.from, asked.surface, body) {
            Ok(answer) => answer,
            Err(error) => return self.fail(Failure::Answered(Box::new(error))),
        };
        if let (Announced::Whole(Some(tokens)), Surface::Embeddings) =
            (&self.announced, asked.surface)
        {
            answer.counted(*tokens);
        }
        self.over = true;
        self.facts.complete = true;
        self.facts.usage = Some(answer.final_usage(self.input_estimate()));
        self.facts.finish_reason = answer.finish_reason();
        if let Some(echo) = asked.echo.clone() {
            answer.echo(echo);
        }
        if asked.packed {
            answer.pack_vectors();
        }
        let body = answer.render(&asked.plan);
        let surface = asked.surface;
        match self.screening.whole(surface, body) {
            Ok(body) => Step::Done(body),
            Err(blocked) => {
                self.facts.complete = false;
                self.fail(blocked)
            }
        }
    }

    /// The connection ended after the client saw content: the rest of an answer that was complete
    /// but for its framing, else the last words, in the stream's grammar.
    pub(crate) fn end_late(&mut self) -> Bytes {
        let complete = !self.over && matches!(self.finish_stream(), Ending::Complete);
        if complete && let Err(blocked) = self.screen(true) {
            return self.last_words(blocked);
        }
        if complete {
            self.over = true;
            self.facts.complete = true;
            return self.out.split().freeze();
        }
        self.last_words(Failure::Died)
    }

    /// The answer ended without a body, so that no filter has seen it: the attempt has failed.
    pub(crate) fn end_empty(&mut self) {
        let error = match &self.announced {
            Announced::Rejected { .. } => self.announced.error(),
            _ => ProviderError::malformed("the answer has no body"),
        };
        self.fail(Failure::Answered(Box::new(error)));
    }

    /// All of the answer came.
    pub(crate) fn is_complete(&self) -> bool {
        self.facts.complete
    }

    /// Nothing more is expected.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// The answer broke off after the client saw content: the error event.
    pub(crate) fn last_words(&mut self, failure: Failure) -> Bytes {
        if self.over {
            return Bytes::new();
        }
        match self.break_off(failure, true) {
            Step::BreakOff(words) => words,
            _ => Bytes::new(),
        }
    }

    /// How the answer broke off, if it did.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// Tokens of the answer so far, as Alfred counts them; 0 for one that is not streamed.
    pub(crate) fn streamed_tokens(&self) -> u64 {
        match &self.mode {
            Mode::Stream(stream) => stream.metered().tokens,
            _ => 0,
        }
    }

    /// Everything known about the answer so far.
    pub(crate) fn facts(&self) -> Facts {
        let mut facts = self.facts.clone();
        if let Mode::Stream(stream) = &self.mode {
            facts.usage = Some(self.usage_so_far());
            facts.finish_reason = stream.finish_reason();
            facts.meter = stream.metered();
        }
        facts
    }

    fn usage_so_far(&self) -> Usage {
        match &self.mode {
            Mode::Stream(stream) => stream.final_usage(self.input_estimate()),
            _ => self.facts.usage.unwrap_or_default(),
        }
    }

    /// What the client speaks.
    fn dialect(&self) -> Dialect {
        let asked = self.asked.as_ref();
        asked.map_or(Dialect::OpenAiChat, |asked| asked.plan.to)
    }

    fn input_estimate(&self) -> u64 {
        let asked = self.asked.as_ref();
        asked.map_or(0, |asked| asked.plan.input_estimate)
    }
}

fn read_error(announced: &Announced, body: &[u8]) -> ProviderError {
    match announced {
        Announced::Rejected {
            status,
            retry_after,
            retry_after_ms,
            named,
            should_retry,
            now,
        } => {
            let (after, after_ms) = (retry_after.as_deref(), retry_after_ms.as_deref());
            let mut error = ProviderError::read(*status, after, after_ms, body, *now);
            if let Some(name) = named {
                error = error.typed(name, body);
            }
            error.should_retry = *should_retry;
            error
        }
        _ => ProviderError::malformed("the answer could not be read"),
    }
}

impl Announced {
    /// The error as far as the header tells it.
    pub(crate) fn error(&self) -> ProviderError {
        read_error(self, b"")
    }
}
