//! How a provider's stream is cut into payloads: one reader per framing, chosen
//! by the dialect. Every reader is fed chunks cut anywhere, holds at most one
//! frame, and gives frames of a name and a payload.

use bytes::Bytes;

use crate::dialect::Dialect;
use crate::dialect::bedrock::failure;
use crate::error::ProviderError;
use crate::eventstream::{self, EventStreamReader, Flaw, Message};
use crate::ndjson::NdjsonReader;
use crate::sse::{DEFAULT_CAP, Frame, SseReader, TooLong};

/// The reader of one stream. A framing of a further kind is one variant here, one
/// line in each function, and a reader in a file of its own.
pub(crate) enum Framing {
    /// Server-sent events.
    Sse(SseReader),
    /// AWS's event stream, and the frame that is looked at.
    Aws(EventStreamReader, Message),
    /// One JSON value a line.
    Ndjson(NdjsonReader),
}

impl Framing {
    /// The framing that providers of that dialect send.
    pub(crate) fn of(dialect: Dialect) -> Framing {
        match dialect {
            Dialect::OpenAiChat
            | Dialect::AnthropicMessages
            | Dialect::OpenAiResponses
            | Dialect::Gemini
            | Dialect::CohereChat
            | Dialect::HfFeatures => Framing::Sse(SseReader::new(DEFAULT_CAP)),
            Dialect::BedrockConverse => {
                let reader = EventStreamReader::new(eventstream::DEFAULT_CAP);
                Framing::Aws(reader, Message::default())
            }
            Dialect::OllamaChat => Framing::Ndjson(NdjsonReader::new(DEFAULT_CAP)),
        }
    }

    /// Whether a stream of this framing may itself begin like a JSON body, so
    /// that its first byte tells nothing.
    pub(crate) fn begins_like_json(&self) -> bool {
        match self {
            Framing::Sse(_) | Framing::Aws(..) => false,
            Framing::Ndjson(_) => true,
        }
    }

    /// Hands over the next bytes.
    ///
    /// # Errors
    /// A frame has grown over the cap, or is none.
    pub(crate) fn feed(&mut self, chunk: Bytes) -> Result<(), ProviderError> {
        match self {
            Framing::Sse(reader) => reader.feed(chunk).map_err(too_long),
            Framing::Aws(reader, _) => {
                reader.feed(chunk);
                Ok(())
            }
            Framing::Ndjson(reader) => reader.feed(chunk).map_err(too_long),
        }
    }

    /// The next frame that is complete; `None` asks for more bytes.
    ///
    /// # Errors
    /// See [`feed`](Self::feed).
    pub(crate) fn next_frame(&mut self) -> Result<Option<Frame<'_>>, ProviderError> {
        match self {
            Framing::Sse(reader) => reader.next_frame().map_err(too_long),
            Framing::Aws(reader, held) => match reader.next_message().map_err(broken)? {
                None => Ok(None),
                Some(message) => {
                    if let Some(error) = failure::of(&message) {
                        return Err(error);
                    }
                    *held = message;
                    Ok(Some(Frame::Event {
                        name: held.text(":event-type").unwrap_or_default().as_bytes(),
                        data: held.payload(),
                    }))
                }
            },
            Framing::Ndjson(reader) => Ok(reader.next_line().map_err(too_long)?.map(line)),
        }
    }

    /// The stream is over: what was still open and may yet be whole.
    ///
    /// # Errors
    /// See [`feed`](Self::feed).
    pub(crate) fn finish(&mut self) -> Result<Option<Frame<'_>>, ProviderError> {
        match self {
            Framing::Sse(reader) => reader.finish().map_err(too_long),
            // A frame is whole, or nothing of it can be trusted.
            Framing::Aws(..) => Ok(None),
            Framing::Ndjson(reader) => Ok(reader.finish().map(line)),
        }
    }

    /// Whether the stream stopped inside a frame.
    pub(crate) fn is_open(&self) -> bool {
        match self {
            Framing::Sse(reader) => reader.is_open(),
            Framing::Aws(reader, _) => reader.is_open(),
            Framing::Ndjson(reader) => reader.is_open(),
        }
    }
}

/// A line as a payload without a name.
fn line(data: &[u8]) -> Frame<'_> {
    Frame::Event { name: b"", data }
}

fn too_long(error: TooLong) -> ProviderError {
    ProviderError::malformed(&error.to_string())
}

fn broken(flaw: Flaw) -> ProviderError {
    ProviderError::malformed(&flaw.to_string())
}
