//! Dialects that only providers speak, and Responses. The former need no lens, for
//! no client's bytes are theirs: an answer is decoded into events and always written
//! anew; a lens passes the events of the latter beside their decoder. Such a
//! dialect is one decoder here, one `lower` for its requests and one `fit` in
//! [`crate::translate`].

use std::borrow::Cow;

use crate::error::{ErrorKind, ProviderError};
use crate::event::{Channel, Event, Scope, Step};
use crate::json::{Cursor, Flaw};
use crate::prompt::Surface;

use super::Dialect;
use super::anthropic::count_tokens_text;
use super::openai_chat::usage::Unknown;
use super::openai_chat::wire::{members, number};
use super::{bedrock, cohere, gemini, hf_features, ollama, openai_responses};

/// Takes the events of a decoder.
pub(crate) type Sink<'s, 'a> = dyn FnMut(Event<'a>) + 's;

/// What is known of an answer as a whole.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct About<'a> {
    pub(crate) id: Option<&'a str>,
    pub(crate) model: Option<&'a str>,
    /// Unix seconds.
    pub(crate) created: Option<u64>,
}

/// Decodes one answer, streamed or whole.
pub(crate) trait Decode: Send + Sync {
    /// Gives the events of one payload of a stream. `name` is what its frame calls
    /// it; empty where the framing knows no names.
    ///
    /// # Errors
    /// The payload is an error, cannot be read, or names more of something than
    /// any answer has; the events before it were given.
    fn decode<'a>(
        &mut self,
        name: &str,
        payload: &'a [u8],
        sink: &mut Sink<'_, 'a>,
    ) -> Result<(), ProviderError>;

    /// Gives the events of a whole body.
    ///
    /// # Errors
    /// See [`decode`](Self::decode); or the body is no answer.
    fn body<'a>(&mut self, body: &'a [u8], sink: &mut Sink<'_, 'a>) -> Result<(), ProviderError>;

    /// The bytes of a stream are over: gives what waited for that. A whole body
    /// needs no such call.
    fn end(&mut self, sink: &mut Sink<'_, '_>);

    /// What the provider has said of the answer so far.
    fn about(&self) -> About<'_>;

    /// How many choices have not finished, of those seen and the `asked` ones.
    /// A dialect that has one choice has finished it when it is over.
    fn unfinished(&self, _asked: u32) -> u32 {
        u32::from(!self.is_over())
    }

    /// Whether nothing more can come that counts.
    fn is_over(&self) -> bool;

    /// Whether the usage reported so far is that of the whole answer.
    fn usage_is_final(&self) -> bool {
        self.is_over()
    }

    /// Members of the provider's usage that are unknown here.
    fn unknown(&self) -> Unknown;
}

/// The decoder of a dialect that only providers speak. Ids of calls without one
/// are made of `seed`.
pub(crate) fn decoder(dialect: Dialect, seed: &str) -> Option<Box<dyn Decode>> {
    match dialect {
        Dialect::OpenAiChat | Dialect::AnthropicMessages | Dialect::HfFeatures => None,
        Dialect::OpenAiResponses => Some(Box::new(openai_responses::decode::Decoder::new(seed))),
        Dialect::Gemini => Some(Box::new(gemini::decode::Decoder::new(seed))),
        Dialect::BedrockConverse => Some(Box::new(bedrock::decode::Decoder::new(seed))),
        Dialect::OllamaChat => Some(Box::new(ollama::decode::Decoder::new(seed))),
        Dialect::CohereChat => Some(Box::new(cohere::decode::Decoder::new(seed))),
    }
}

/// A body of embeddings in OpenAI's shape, or a count of tokens in Anthropic's;
/// `None` where the dialect has that shape already, and for all other surfaces.
///
/// # Errors
/// The body holds no such thing.
pub(crate) fn reshaped(
    dialect: Dialect,
    surface: Surface,
    body: &str,
) -> Option<Result<String, ProviderError>> {
    match (surface, dialect) {
        (Surface::Embeddings, Dialect::Gemini) => Some(gemini::embed::read(body)),
        // Bedrock passes what Cohere's own models answer.
        (Surface::Embeddings, Dialect::BedrockConverse | Dialect::CohereChat) => {
            Some(bedrock::embed::read(body))
        }
        (Surface::Embeddings, Dialect::OllamaChat) => Some(ollama::embed::read(body)),
        (Surface::Embeddings, Dialect::HfFeatures) => Some(hf_features::read(body)),
        (Surface::CountTokens, Dialect::Gemini) => Some(count(body, "totalTokens")),
        (Surface::CountTokens, Dialect::BedrockConverse) => Some(count(body, "inputTokens")),
        _ => None,
    }
}

/// A count that stands in this member.
fn count(body: &str, member: &str) -> Result<String, ProviderError> {
    let mut found = None;
    members(body, |key, value| {
        if key == member {
            found = number(value);
        }
    });
    match found {
        Some(tokens) => Ok(count_tokens_text(tokens, false)),
        None => Err(ProviderError::in_answer(body.as_bytes())
            .unwrap_or_else(|| ProviderError::malformed("the answer holds no count of tokens"))),
    }
}

/// A payload as text, if it is one JSON value and no error.
///
/// # Errors
/// It is an error of the provider's, or not JSON.
pub(crate) fn json(payload: &[u8]) -> Result<&str, ProviderError> {
    reading(payload, |cursor, _| cursor.skip()).map(|(text, _)| text)
}

/// The same, and what `read` makes of it, which must read the one value.
///
/// # Errors
/// See [`json`]; or it is not what `read` wants.
pub(crate) fn reading<'a, T>(
    payload: &'a [u8],
    read: impl FnOnce(&mut Cursor<'a>, &'a str) -> Result<T, Flaw>,
) -> Result<(&'a str, T), ProviderError> {
    let text = std::str::from_utf8(payload)
        .map_err(|_| ProviderError::malformed("an event of the answer is not UTF-8"))?;
    let mut cursor = Cursor::new(text, 0);
    let made = read(&mut cursor, text).and_then(|made| cursor.end().map(|()| made));
    match made {
        Ok(made) => Ok((text.trim_ascii(), made)),
        Err(flaw) => Err(ProviderError::in_answer(payload).unwrap_or_else(|| {
            let what = flaw.what;
            ProviderError::malformed(&format!("an event of the answer is not JSON: {what}"))
        })),
    }
}

/// The provider gave a failure as the reason of the answer's end.
pub(crate) fn broken_off(raw: &str) -> ProviderError {
    // Reasons are words of the provider's own; nobody else can choose them.
    let word: String = raw
        .chars()
        .filter(char::is_ascii_graphic)
        .take(64)
        .collect();
    let (status, kind) = match raw {
        "TIMEOUT" => (504, ErrorKind::Timeout),
        _ => (500, ErrorKind::Server),
    };
    ProviderError {
        status,
        kind,
        raw_type: (!word.is_empty()).then_some(word),
        ..ProviderError::malformed("the provider broke the answer off with an error as its finish")
    }
}

/// Whether a seal is marked as one of a dialect of this kind: nobody else takes it.
pub(crate) fn is_marked(seal: &str) -> bool {
    seal.starts_with(gemini::SEAL) || seal.starts_with(cohere::SEAL)
}

/// The id of a call that came without one.
pub(crate) fn call_id<'a>(seed: &str, choice: u32, call: u32) -> Cow<'a, str> {
    let seed = seed.strip_prefix("chatcmpl-").unwrap_or(seed);
    Cow::Owned(format!("call_{seed}_{choice}_{call}"))
}

/// A step that is no text of the model's.
pub(crate) fn meta(choice: u32, step: Step<'_>) -> Event<'_> {
    Event {
        choice,
        channel: Channel::Meta,
        step,
    }
}

/// An unknown member. Where its name means something in the client's grammar it
/// gets another one.
pub(crate) fn extra<'a>(choice: u32, scope: Scope, key: &str, value: &'a str) -> Event<'a> {
    const TAKEN: [&str; 12] = [
        "id", "object", "created", "model", "choices", "usage", "index", "delta", "message",
        "function", "type", "logprobs",
    ];
    let key = if TAKEN.contains(&key) {
        Cow::Owned(format!("native_{key}"))
    } else {
        Cow::Owned(key.to_owned())
    };
    let value = Cow::Borrowed(value);
    meta(choice, Step::Extra { scope, key, value })
}
