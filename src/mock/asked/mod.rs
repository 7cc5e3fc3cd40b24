//! What a request asks for, as far as a scripted answer depends on it. Each surface reads its own
//! grammar into the same [`Asked`], so that a scenario never knows which one it plays in.

mod blocks;
mod completions;
mod embeddings;
mod messages;
mod openai;
mod turns;

pub(super) mod strict;

use serde_json::Value;

/// Which address was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    Chat,
    Completions,
    Embeddings,
    Messages,
    CountTokens,
}

/// Whose grammar an address speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    OpenAi,
    Anthropic,
}

impl Endpoint {
    /// The endpoint behind a path, its `/v1` cut off.
    pub(super) fn at(path: &str) -> Option<Self> {
        Some(match path {
            "/chat/completions" => Self::Chat,
            "/completions" => Self::Completions,
            "/embeddings" => Self::Embeddings,
            "/messages" => Self::Messages,
            "/messages/count_tokens" => Self::CountTokens,
            _ => return None,
        })
    }

    /// Its name in the usage log.
    pub(super) fn surface(self) -> &'static str {
        match self {
            Self::Chat => "chat_completions",
            Self::Completions => "completions",
            Self::Embeddings => "embeddings",
            Self::Messages => "messages",
            Self::CountTokens => "count_tokens",
        }
    }

    pub(super) fn dialect(self) -> Dialect {
        match self {
            Self::Messages | Self::CountTokens => Dialect::Anthropic,
            _ => Dialect::OpenAi,
        }
    }

    /// True when an answer can be a stream.
    pub(super) fn streams(self) -> bool {
        matches!(self, Self::Chat | Self::Completions | Self::Messages)
    }
}

/// The parts of a request that shape the answer.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) endpoint: Endpoint,
    pub(super) stream: bool,
    /// Usage was asked for with `stream_options`.
    pub(super) include_usage: bool,
    /// How many choices, at least one.
    pub(super) choices: usize,
    /// The most completion tokens per choice.
    pub(super) limit: Option<u64>,
    /// The texts that end an answer.
    pub(super) stops: Vec<String>,
    /// What `echo` answers: the last user text, or the tools' results if those came last.
    pub(super) last_text: String,
    /// The images of the whole request.
    pub(super) images: Images,
    /// The conversation ends with a tool's result.
    pub(super) after_tool: bool,
    /// The first function offered.
    pub(super) first_tool: Option<Tool>,
    /// The JSON Schema of the answer, if one is demanded.
    pub(super) schema: Option<Value>,
    /// What is wrong with the thoughts that were sent back.
    pub(super) thoughts: Thoughts,
    /// Words in the prompt.
    pub(super) prompt_tokens: u64,
    /// The texts to embed or to complete.
    pub(super) inputs: Vec<String>,
    /// A completion begins with its prompt.
    pub(super) echo: bool,
    /// The length of an embedding.
    pub(super) dimensions: usize,
    /// Embeddings are wanted as base64 of little-endian floats.
    pub(super) base64: bool,
}

impl Asked {
    /// A request that the scenario answers without reading it.
    pub(super) fn unread(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            stream: false,
            include_usage: false,
            choices: 1,
            limit: None,
            stops: Vec::new(),
            last_text: String::new(),
            images: Images::default(),
            after_tool: false,
            first_tool: None,
            schema: None,
            thoughts: Thoughts::default(),
            prompt_tokens: 0,
            inputs: Vec::new(),
            echo: false,
            dimensions: 1,
            base64: false,
        }
    }
}

/// A function offered to the model.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Tool {
    pub(super) name: String,
    /// The JSON Schema of its arguments.
    pub(super) schema: Option<Value>,
}

/// Images seen: how many, and the bytes of those that were sent along.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Images {
    pub(super) count: u64,
    pub(super) bytes: u64,
}

impl Images {
    /// Counts one that stands in the request as base64, or elsewhere.
    fn see(&mut self, base64: Option<&str>) {
        self.count += 1;
        self.bytes += base64.map_or(0, decoded_len);
    }
}

/// What Anthropic would say about the thinking blocks that came back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Thoughts {
    /// A block whose signature is absent or not that of its text.
    pub(super) forged: Option<String>,
    /// The last assistant turn does not begin with one.
    pub(super) missing: Option<String>,
}

/// A request the mock refuses: the field and what is wrong with it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Malformed {
    pub(super) field: Option<String>,
    /// OpenAI's code for it.
    pub(super) code: Option<&'static str>,
    pub(super) message: String,
}

impl Malformed {
    /// A refusal that names its field, if any, in the message alone.
    pub(super) fn because(message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            message,
            ..Self::default()
        }
    }

    /// A refusal of a field.
    fn of(field: &str, message: impl Into<String>) -> Self {
        Self {
            field: Some(field.to_owned()),
            ..Self::because(message)
        }
    }
}

/// The most choices of one answer, as OpenAI has it.
const MOST_CHOICES: u64 = 128;

/// The model's name and the rest, or why the request is not understood.
pub(super) type Read = Result<(String, Asked), Malformed>;

/// Reads a request; gives the model's name beside it.
pub(super) fn read(endpoint: Endpoint, body: &[u8]) -> Read {
    match endpoint {
        Endpoint::Chat => openai::read(body),
        Endpoint::Completions => completions::read(body),
        Endpoint::Embeddings => embeddings::read(body),
        Endpoint::Messages | Endpoint::CountTokens => messages::read(endpoint, body),
    }
}

fn parsed<'a, T: serde::Deserialize<'a>>(body: &'a [u8]) -> Result<T, Malformed> {
    serde_json::from_slice(body).map_err(|error| {
        Malformed::because(format!(
            "the request is not the JSON expected here: {error}"
        ))
    })
}

fn named(model: Option<String>) -> Result<String, Malformed> {
    model.ok_or_else(|| Malformed::of("model", "you must provide a model parameter"))
}

fn bounded(field: &'static str, value: Option<u64>, most: u64) -> Result<usize, Malformed> {
    let value = value.unwrap_or(1);
    let refused = || {
        let message = format!("`{field}` must be between 1 and {most}, not {value}");
        Malformed::of(field, message)
    };
    let accepted = (1..=most)
        .contains(&value)
        .then_some(value)
        .ok_or_else(refused)?;
    usize::try_from(accepted).map_err(|_| refused())
}

/// Counts tokens as the mock understands them: words between white space.
pub(super) fn words(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}

/// The text of a message's content: a string, or the text parts of a list.
fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|part| part.get("text")?.as_str());
            texts.collect::<Vec<_>>().join(" ")
        }
        _ => String::new(),
    }
}

/// How many bytes a base64 text stands for.
fn decoded_len(base64: &str) -> u64 {
    let letters = base64.trim_end_matches('=').len() as u64;
    letters * 3 / 4
}

/// True when it is base64 as of RFC 4648, padded.
fn is_base64(text: &str) -> bool {
    let letters = text.trim_end_matches('=');
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    !letters.is_empty()
        && text.len().is_multiple_of(4)
        && text.len() - letters.len() <= 2
        && letters.bytes().all(known)
}

/// The list of texts in a stop parameter, which may be one text.
fn stops(value: &Value) -> Vec<String> {
    let list = match value {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    let texts = list.iter().filter_map(Value::as_str);
    texts
        .filter(|stop| !stop.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Finds the model's name in the first bytes of a request whose rest has not arrived.
///
/// An unescaped `"model"` cannot stand inside a JSON string, so the first one is a key (or, in a
/// request made to deceive, a value: then the whole body is read and decides).
pub(super) fn peeked_model(prefix: &[u8]) -> Option<String> {
    const KEY: &[u8] = b"\"model\"";
    let at = prefix.windows(KEY.len()).position(|window| window == KEY)?;
    let rest = prefix.get(at + KEY.len()..)?.trim_ascii_start();
    let rest = rest.strip_prefix(b":")?.trim_ascii_start();
    let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<String>();
    values.next()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mock::embedding::base64;

    #[test]
    fn the_model_is_seen_in_a_prefix_and_not_in_a_text() {
        assert_eq!(
            peeked_model(br#"{ "model" : "early?code=503", "mess"#).as_deref(),
            Some("early?code=503")
        );
        assert_eq!(
            peeked_model(br#"{"messages":[{"content":"say \"model\":\"x\" "#),
            None
        );
        assert_eq!(peeked_model(br#"{"model":"ear"#), None);
        assert_eq!(peeked_model(b"{\"model\""), None);
    }

    #[test]
    fn base64_is_measured_without_being_decoded() {
        for length in 1..20 {
            let text = base64(&vec![7; length]);
            assert!(is_base64(&text), "{text}");
            assert_eq!(decoded_len(&text), length as u64);
        }
        for wrong in ["", "=", "abc", "ab!=", "a===", "data:image/png;base64,aaaa"] {
            assert!(!is_base64(wrong), "{wrong}");
        }
    }
}
