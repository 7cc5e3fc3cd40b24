//! The answer's side of the house: bytes of a provider in, bytes for the client
//! out, and on the way everything Alfred must know of the answer. Streamed
//! answers pass through an [`AnswerStream`], others are an [`Answer`].

mod reader;
mod state;
mod stream;
mod tally;
mod texts;
mod voice;
mod whole;

pub use stream::AnswerStream;
pub use tally::Meter;
pub use whole::Answer;

use crate::dialect::Dialect;
use crate::error::ProviderError;
use crate::event::Usage;
use crate::prompt::Surface;

/// How close to the provider's bytes the client's answer stays where both speak
/// the same dialect. An answer that is translated is always written anew, and
/// one of OpenAI's older form never is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fidelity {
    /// OpenAI, Azure and Anthropic: payloads pass byte by byte, only spans are
    /// patched.
    Lens,
    /// Everyone else: read leniently, written strictly by the one serializer.
    Canonical,
}

/// What an answer needs to know about its request.
#[derive(Clone, Debug)]
pub struct StreamPlan {
    /// What the provider speaks.
    pub from: Dialect,
    /// What the client speaks.
    pub to: Dialect,
    /// The door the request came through.
    pub surface: Surface,
    /// Patch the provider's bytes, or write anew.
    pub fidelity: Fidelity,
    /// The client asked for usage. Unstreamed answers and clients of Anthropic's
    /// dialect or of Responses always have it.
    pub show_usage: bool,
    /// The model's name where the provider gives none.
    pub model: String,
    /// The answer's id where the provider gives none, such as `chatcmpl-…`; for
    /// clients of Anthropic's dialect `msg_…` is made of it, for Responses `resp_…`. Ids of tool calls
    /// without one are made of it too, so it must be unique.
    pub id: String,
    /// Unix seconds where the provider gives none.
    pub created: u64,
    /// How many choices were asked for (`n`).
    pub choices: u32,
    /// Estimated tokens of the prompt, for the usage that the client asked for
    /// and the provider never sent.
    pub input_estimate: u64,
}

/// How a stream ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every choice got its finish reason, or `message_stop` or the last event of a
    /// Response came; usage and the
    /// end of the client's grammar were written.
    Complete,
    /// The bytes stopped before that. Neither was written: the caller writes an
    /// error event.
    Truncated(Cut),
    /// The provider reported a failure inside the stream, or its bytes could not
    /// be read. Neither was written.
    Failed(ProviderError),
}

/// Where a truncated stream was cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cut {
    /// Not one event came.
    #[error("the stream ended without a single event")]
    Empty,
    /// In the middle of an event.
    #[error("the stream ended in the middle of an event")]
    MidEvent,
    /// Between two events.
    #[error("the stream ended while {0} of its choices had not finished")]
    Unfinished(u32),
}

impl StreamPlan {
    /// Whether the provider's bytes are patched instead of written anew.
    fn is_lens(&self) -> bool {
        let same = self.from == self.to;
        same && (self.fidelity == Fidelity::Lens || self.surface == Surface::Completions)
    }
}

/// The provider's own figures, and what Alfred counted for those that it left out.
fn final_usage(reported: Option<Usage>, input: u64, output: u64) -> Usage {
    let usage = reported.unwrap_or(Usage {
        estimated: true,
        ..Usage::default()
    });
    if !usage.estimated {
        return usage;
    }
    let or = |reported: u64, counted: u64| if reported == 0 { counted } else { reported };
    Usage {
        input: or(usage.input, input),
        output: or(usage.output, output),
        ..usage
    }
}
