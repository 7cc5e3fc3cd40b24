//! One streamed answer, from the provider's chunks to the client's.

use bytes::{Buf, Bytes, BytesMut};

use crate::dialect::openai_responses::Echo;
use crate::error::ProviderError;
use crate::event::{FinishReason, Usage};
use crate::framing::Framing;
use crate::sse::{DEFAULT_CAP, Frame};

use super::state::State;
use super::{Ending, Meter, StreamPlan};

/// One streamed answer. Feed it the provider's bytes as they come, cut anywhere:
/// the client's bytes do not depend on the cuts.
pub struct AnswerStream {
    reader: Framing,
    body: Body,
    state: State,
    ending: Option<Ending>,
}

/// What the bytes turned out to be.
enum Body {
    Unknown,
    Events,
    /// No event stream: an error, or a whole answer to somebody who ignored
    /// `stream`. It is read at its end.
    Whole(Vec<u8>),
}

impl AnswerStream {
    /// A stream of which nothing has come yet.
    #[must_use]
    pub fn new(plan: StreamPlan) -> AnswerStream {
        AnswerStream {
            reader: Framing::of(plan.from),
            body: Body::Unknown,
            state: State::new(plan),
            ending: None,
        }
    }

    /// Says what the answer repeats of its request. Without it, a Response says the
    /// defaults.
    pub fn echo(&mut self, echo: Echo) {
        self.state.echo(echo);
    }

    /// The answer broke off after the client saw some of it: appends the last
    /// words, if they must be part of its grammar, and says whether they must. A
    /// Response's events are numbered; in the other dialects the error's own event
    /// will do. `event` is the error as an event of OpenAI's chat grammar.
    pub fn break_off(&mut self, event: &[u8], out: &mut BytesMut) -> bool {
        self.state.fail(event, out)
    }

    /// Takes the next bytes of the provider, cut anywhere, and appends the
    /// client's bytes to `out`.
    ///
    /// # Errors
    /// The provider reported a failure inside the stream, or its bytes cannot be
    /// read. What was appended before stays valid; later calls give the same
    /// error again.
    pub fn feed(&mut self, chunk: &Bytes, out: &mut BytesMut) -> Result<(), ProviderError> {
        match &self.ending {
            Some(Ending::Failed(error)) => return Err(error.clone()),
            Some(_) => return Ok(()),
            None => {}
        }
        let outcome = self.take(chunk, out);
        if let Err(error) = &outcome {
            self.ending = Some(Ending::Failed(error.clone()));
        }
        outcome
    }

    fn take(&mut self, chunk: &Bytes, out: &mut BytesMut) -> Result<(), ProviderError> {
        let mut chunk = chunk.clone();
        if matches!(self.body, Body::Unknown) {
            // Nothing that counts begins with what is skipped, in no framing.
            let Some(begin) = chunk.iter().position(|byte| !is_skipped(*byte)) else {
                return Ok(());
            };
            chunk.advance(begin);
            self.body = Body::guess(&chunk, self.reader.begins_like_json());
        }
        if let Body::Whole(body) = &mut self.body {
            if body.len() + chunk.len() > DEFAULT_CAP {
                return Err(ProviderError::malformed(
                    "the answer is no event stream, and too long to be an error",
                ));
            }
            body.extend_from_slice(&chunk);
            return Ok(());
        }
        self.reader.feed(chunk)?;
        while let Some(frame) = self.reader.next_frame()? {
            self.state.frame(frame, out)?;
        }
        Ok(())
    }

    /// The provider's bytes are over. Appends what is still owed and says how
    /// the stream ended. A second call appends nothing and says the same.
    pub fn finish(&mut self, out: &mut BytesMut) -> Ending {
        self.finish_with(out, &mut |_| None)
    }

    /// Like [`finish`](Self::finish), for a caller who has something to say at
    /// the end of a complete stream, such as its cost. `note` is asked once
    /// everything is known and may answer one JSON value on one line. In OpenAI's
    /// grammar it becomes the member `alfred` of the usage chunk, if the client
    /// asked for one, and a comment before `[DONE]`; in Anthropic's a comment
    /// before `message_stop`.
    pub fn finish_with(
        &mut self,
        out: &mut BytesMut,
        note: &mut dyn FnMut(&AnswerStream) -> Option<String>,
    ) -> Ending {
        if let Some(ending) = &self.ending {
            return ending.clone();
        }
        let rest = self.rest(out);
        let ending = match rest.and_then(|whole| self.state.close(out).map(|()| whole)) {
            Err(error) => Ending::Failed(error),
            Ok(whole) => self.state.ending(whole),
        };
        if ending == Ending::Complete {
            let note = note(self);
            self.state.conclude(note.as_deref(), out);
        }
        self.ending = Some(ending.clone());
        ending
    }

    /// Takes the event that no blank line ended; false if it is cut in its middle.
    fn rest(&mut self, out: &mut BytesMut) -> Result<bool, ProviderError> {
        if let Body::Whole(body) = &mut self.body {
            let body = std::mem::take(body);
            self.state.whole(&body, out)?;
            return Ok(true);
        }
        let was_open = self.reader.is_open();
        match self.reader.finish()? {
            Some(Frame::Event { name, data }) if State::is_whole(data) => {
                self.state.frame(Frame::Event { name, data }, out)?;
                Ok(true)
            }
            Some(Frame::Stray(line)) if State::is_whole(line) => {
                self.state.frame(Frame::Stray(line), out)?;
                Ok(true)
            }
            _ => Ok(!was_open),
        }
    }

    /// The provider said `[DONE]` after all choices had finished, `message_stop`,
    /// or whatever ends a stream in its dialect: the caller may call [`finish`](Self::finish) without
    /// waiting for the connection's end.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.state.is_over()
    }

    /// Text, reasoning, a refusal or a tool call has come, also one of a tool that
    /// runs at the provider.
    #[must_use]
    pub fn saw_content(&self) -> bool {
        self.state.tally.saw_content
    }

    /// The provider's own figures so far; its last report wins.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.state.facts.usage
    }

    /// The figures to bill: the provider's own, else the estimate of the prompt
    /// and what was counted of the answer.
    #[must_use]
    pub fn final_usage(&self, input_estimate: u64) -> Usage {
        self.state.billed(input_estimate)
    }

    /// What passed through so far.
    #[must_use]
    pub fn metered(&self) -> Meter {
        self.state.metered()
    }

    /// Why the first choice ended, in OpenAI's words.
    #[must_use]
    pub fn finish_reason(&self) -> Option<&'static str> {
        self.state.facts.finish_reason.map(FinishReason::as_str)
    }

    /// The model that the provider says answered.
    #[must_use]
    pub fn response_model(&self) -> Option<&str> {
        self.state.facts.model.as_deref()
    }

    /// The provider's id of the answer.
    #[must_use]
    pub fn response_id(&self) -> Option<&str> {
        self.state.facts.id.as_deref()
    }
}

impl Body {
    /// Judges by the first byte.
    fn guess(chunk: &[u8], json_tells_nothing: bool) -> Body {
        match chunk.first() {
            None => Body::Unknown,
            Some(b'{' | b'[') if json_tells_nothing => Body::Events,
            Some(b'{' | b'[' | b'<') => Body::Whole(Vec::new()),
            Some(_) => Body::Events,
        }
    }
}

/// Whether it is white space, or of a byte order mark.
fn is_skipped(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b"\xEF\xBB\xBF".contains(&byte)
}
