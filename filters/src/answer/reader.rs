//! The provider's side of an answer: one reader per dialect that a lens can
//! patch, and one for all others, from payloads to canonical events.

use std::borrow::Cow;

use crate::dialect::Dialect;
use crate::dialect::anthropic;
use crate::dialect::anthropic::wire::Payload;
use crate::dialect::openai_chat::decode::{Decoder, reported};
use crate::dialect::openai_chat::usage::Unknown;
use crate::dialect::openai_chat::wire::Chunk;
use crate::dialect::plain::{self, Decode};
use crate::error::ProviderError;
use crate::json::Flaw;

use super::StreamPlan;

/// What an answer is read with.
pub(super) enum Reader {
    OpenAi(Box<ChunkReader>),
    Anthropic(Box<anthropic::decode::Decoder>),
    Plain(Box<dyn Decode>),
}

/// The reader of OpenAI's grammar. It reads every chunk into the same place.
pub(super) struct ChunkReader {
    pub(super) chunk: Chunk,
    pub(super) decoder: Decoder,
    /// Members of the provider's usage that are unknown here.
    unknown: Unknown,
    /// Nothing unknown may be lost.
    keep: bool,
}

impl Reader {
    /// A reader that remembers what is unknown if `keep`: a lens needs none of it.
    pub(super) fn new(plan: &StreamPlan, keep: bool) -> Reader {
        if let Some(decoder) = plain::decoder(plan.from, &plan.id) {
            return Reader::Plain(decoder);
        }
        match plan.from {
            Dialect::AnthropicMessages => Reader::Anthropic(Box::default()),
            _ => Reader::OpenAi(Box::new(ChunkReader {
                chunk: Chunk::new(keep),
                decoder: Decoder::new(&plan.id, plan.surface),
                unknown: Unknown::default(),
                keep,
            })),
        }
    }

    /// Members of the provider's usage that are unknown here.
    pub(super) fn unknown(&self) -> Unknown {
        match self {
            Reader::OpenAi(reader) => reader.unknown.clone(),
            Reader::Anthropic(decoder) => decoder.unknown(),
            Reader::Plain(decoder) => decoder.unknown(),
        }
    }
}

impl ChunkReader {
    /// Reads a payload into `self.chunk`, unless it is an error.
    pub(super) fn read<'a>(
        &mut self,
        is_error: bool,
        data: &'a [u8],
    ) -> Result<&'a str, ProviderError> {
        let text = utf8(data)?;
        let read = self.chunk.read(text);
        if is_error || read.is_err() || self.chunk.error.is_some() || !self.chunk.has_choices {
            fail(is_error, data)?;
        }
        read.map_err(not_json)?;
        Ok(text)
    }

    /// Remembers what is unknown of the usage that the chunk reports.
    pub(super) fn note_usage(&mut self, text: &str) {
        if self.keep
            && let Some(raw) = reported(text, &self.chunk)
        {
            self.unknown = Unknown::read(raw);
        }
    }
}

/// Reads a payload of Anthropic's, unless it is an error, and says what kind it
/// is: by its `type`, else by the name of its event.
pub(super) fn payload<'a>(
    name: &'a str,
    data: &'a [u8],
) -> Result<(Cow<'a, str>, Payload<'a>, &'a str), ProviderError> {
    let text = utf8(data)?;
    let read = Payload::read(text);
    let says = |known: &Payload<'_>| known.kind == "error" || !known.error.is_empty();
    let is_error = name == "error" || read.as_ref().is_ok_and(says);
    let is_strange = match &read {
        Ok(payload) => name.is_empty() && payload.kind.is_empty(),
        Err(_) => true,
    };
    if is_error || is_strange {
        fail(is_error, data)?;
    }
    let payload = read.map_err(not_json)?;
    let kind = if payload.kind.is_empty() {
        Cow::Borrowed(name)
    } else {
        payload.kind.clone()
    };
    Ok((kind, payload, text))
}

/// The error that `data` holds. Where it must be one and is not, that is an error
/// as well.
fn fail(is_error: bool, data: &[u8]) -> Result<(), ProviderError> {
    if let Some(error) = ProviderError::in_answer(data) {
        return Err(error);
    }
    if is_error {
        return Err(ProviderError::malformed(
            "the provider sent an error event without an error",
        ));
    }
    Ok(())
}

fn not_json(flaw: Flaw) -> ProviderError {
    ProviderError::malformed(&format!(
        "an event of the answer is not JSON: {}",
        flaw.what
    ))
}

pub(super) fn utf8(bytes: &[u8]) -> Result<&str, ProviderError> {
    std::str::from_utf8(bytes)
        .map_err(|_| ProviderError::malformed("an event of the answer is not UTF-8"))
}
