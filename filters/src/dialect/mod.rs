//! The wire grammars Alfred speaks. A dialect is one file or folder here and one
//! line in the table below, with golden files of its own.

pub mod anthropic;
pub(crate) mod bedrock;
pub(crate) mod cohere;
pub(crate) mod gemini;
pub mod hf_features;
pub(crate) mod logprobs;
pub(crate) mod ollama;
pub mod openai_chat;
pub mod openai_responses;
pub(crate) mod plain;

/// A wire grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// OpenAI's chat completions and embeddings, and all who imitate them.
    OpenAiChat,
    /// Anthropic's Messages.
    AnthropicMessages,
    /// OpenAI's Responses.
    OpenAiResponses,
    /// Google's `generateContent`; no client of Alfred's speaks it.
    Gemini,
    /// Amazon Bedrock's Converse; no client of Alfred's speaks it.
    BedrockConverse,
    /// Ollama's own API; no client of Alfred's speaks it.
    OllamaChat,
    /// Cohere's v2 chat and embeddings; no client of Alfred's speaks it.
    CohereChat,
    /// Embeddings at Hugging Face; no client of Alfred's speaks it.
    HfFeatures,
}

impl Dialect {
    /// Every dialect with its name in configuration, metrics and logs.
    pub const TABLE: &'static [(&'static str, Dialect)] = &[
        ("openai_chat", Dialect::OpenAiChat),
        ("anthropic_messages", Dialect::AnthropicMessages),
        ("openai_responses", Dialect::OpenAiResponses),
        ("gemini", Dialect::Gemini),
        ("bedrock_converse", Dialect::BedrockConverse),
        ("ollama_chat", Dialect::OllamaChat),
        ("cohere_chat", Dialect::CohereChat),
        ("hf_features", Dialect::HfFeatures),
    ];

    /// Whether providers of this dialect can be asked for embeddings, whoever
    /// asks.
    #[must_use]
    pub fn embeds(self) -> bool {
        match self {
            Dialect::OpenAiChat
            | Dialect::Gemini
            | Dialect::BedrockConverse
            | Dialect::OllamaChat
            | Dialect::CohereChat
            | Dialect::HfFeatures => true,
            Dialect::AnthropicMessages | Dialect::OpenAiResponses => false,
        }
    }

    /// Whether providers of this dialect count the tokens of a prompt without
    /// answering it.
    #[must_use]
    pub fn counts_tokens(self) -> bool {
        match self {
            Dialect::AnthropicMessages | Dialect::Gemini | Dialect::BedrockConverse => true,
            Dialect::OpenAiChat
            | Dialect::OpenAiResponses
            | Dialect::OllamaChat
            | Dialect::CohereChat
            | Dialect::HfFeatures => false,
        }
    }

    /// Whether providers of this dialect take pictures as bytes only. Gemini knows
    /// addresses too, but newer models alone fetch them.
    #[must_use]
    pub fn wants_picture_bytes(self) -> bool {
        match self {
            Dialect::Gemini | Dialect::BedrockConverse | Dialect::OllamaChat => true,
            Dialect::OpenAiChat
            | Dialect::AnthropicMessages
            | Dialect::OpenAiResponses
            | Dialect::CohereChat
            | Dialect::HfFeatures => false,
        }
    }

    /// The dialect of that name.
    #[must_use]
    pub fn find(name: &str) -> Option<Dialect> {
        Self::TABLE
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, dialect)| *dialect)
    }
}
