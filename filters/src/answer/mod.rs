//! The answer's side of the house: bytes of a provider in, bytes for the client
//! out, and on the way everything Alfred must know of the answer. Streamed
//! answers pass through an [`AnswerStream`], others are an [`Answer`].

mod state;
mod stream;
mod tally;
mod whole;

pub use stream::AnswerStream;
pub use tally::Meter;
pub use whole::Answer;

use crate::error::ProviderError;
use crate::event::Usage;

/// How close to the provider's bytes the client's answer stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fidelity {
    /// OpenAI and Azure: payloads pass byte by byte, only spans are patched.
    Lens,
    /// Everyone else: read leniently, written strictly by the one serializer.
    Canonical,
}

/// What an answer needs to know about its request.
#[derive(Clone, Debug)]
pub struct StreamPlan {
    /// Patch the provider's bytes, or write anew.
    pub fidelity: Fidelity,
    /// The client asked for usage. Unstreamed answers always have it.
    pub show_usage: bool,
    /// The model's name where the provider gives none.
    pub model: String,
    /// The answer's id where the provider gives none, such as `chatcmpl-…`. Ids
    /// of tool calls without one are made of it, so it must be unique.
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
    /// Every choice got its finish reason; usage and `[DONE]` were written.
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

/// The provider's own figures, else what Alfred counted.
fn final_usage(reported: Option<Usage>, input: u64, output: u64) -> Usage {
    reported.unwrap_or(Usage {
        input,
        output,
        estimated: true,
        ..Usage::default()
    })
}
