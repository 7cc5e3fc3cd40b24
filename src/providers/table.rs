//! The table of what each kind of provider wants.

use alfred_filters::answer::Fidelity;
use alfred_filters::dialect::Dialect;
use alfred_filters::prompt::Surface;
use alfred_filters::translate::Quirk;
use http::{HeaderName, HeaderValue};

use crate::conf::{self, Kind};

/// The header that every call in Anthropic's dialect carries.
pub const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");
/// The version whose grammar Alfred writes.
pub const ANTHROPIC_GRAMMAR: HeaderValue = HeaderValue::from_static("2023-06-01");

/// How a provider takes its credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// `Authorization: Bearer …`
    Bearer,
    /// A header of its own for keys; access tokens go as `Authorization: Bearer …`.
    Header(&'static str),
    /// A Bedrock API key as `Authorization: Bearer …`; the key of an AWS account signs each
    /// request instead (Signature Version 4).
    Aws,
}

/// What a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// One dialect; callers of another are translated.
    One(Dialect),
    /// Whatever the caller speaks, but Responses only where the row says so.
    Any,
}

/// One row of the table: what a kind of provider wants.
#[derive(Debug)]
pub struct Wants {
    /// The kind.
    pub kind: Kind,
    /// What it speaks.
    pub speaks: Speaks,
    /// How it takes its credential.
    pub auth: Auth,
    /// Whether its answers may pass as they are.
    pub fidelity: Fidelity,
    /// Whether it understands `stream_options.include_usage`; those that do not send usage unasked.
    pub asks_usage: bool,
    /// Whether it ignores a header it does not know, so that the attempt's id may be sent.
    pub attempt_header: bool,
    /// Members it knows under another name.
    pub rename: &'static [(&'static str, &'static str)],
    /// Members it refuses although they are harmless.
    pub remove: &'static [&'static str],
    /// Whether it knows the role `developer`; the others get `system`.
    pub developer_role: bool,
    /// Whether it has OpenAI's older completions.
    pub completions: bool,
    /// Whether it serves OpenAI's Responses itself; the others are asked in their own dialect.
    pub responses: bool,
    /// Whether it takes the model's earlier thoughts back in the history.
    pub reasoning_history: bool,
    /// What else it wants otherwise in chat completions.
    pub quirks: &'static [Quirk],
    /// The dialect of its embeddings, where that is another.
    pub embeddings: Option<Dialect>,
}

impl Wants {
    /// The dialect of a call that serves a request of that surface.
    #[must_use]
    pub fn dialect(&self, surface: Surface) -> Dialect {
        match self.speaks {
            _ if surface == Surface::Embeddings && self.embeddings.is_some() => {
                self.embeddings.unwrap_or(Dialect::OpenAiChat)
            }
            _ if surface == Surface::Responses && self.responses => Dialect::OpenAiResponses,
            Speaks::Any if surface == Surface::Responses => Dialect::OpenAiChat,
            Speaks::One(dialect) => dialect,
            Speaks::Any => surface.dialect(),
        }
    }

    /// Whether requests of that surface can be served, by translation if need be.
    #[must_use]
    pub fn serves(&self, surface: Surface) -> bool {
        let same = self.dialect(surface) == surface.dialect();
        match surface {
            Surface::Chat | Surface::Messages | Surface::Responses => true,
            Surface::Embeddings => self.dialect(surface).embeds(),
            Surface::CountTokens => self.dialect(surface).counts_tokens(),
            Surface::Completions => same && self.completions,
        }
    }
}

const OLD_LIMIT: &[(&str, &str)] = &[("max_completion_tokens", "max_tokens")];

/// Any server that speaks OpenAI's grammar; the other rows say where they differ.
const COMPATIBLE: Wants = Wants {
    kind: Kind::OpenaiCompatible,
    speaks: Speaks::One(Dialect::OpenAiChat),
    auth: Auth::Bearer,
    fidelity: Fidelity::Canonical,
    asks_usage: true,
    attempt_header: true,
    rename: &[],
    remove: &[],
    developer_role: true,
    completions: true,
    responses: false,
    reasoning_history: true,
    quirks: &[],
    embeddings: None,
};

/// The table, one row a kind. Source: `providers.md` 1.1 to 1.3 of the design.
pub static PROVIDERS: &[Wants] = &[
    Wants {
        kind: Kind::Openai,
        fidelity: Fidelity::Lens,
        responses: true,
        reasoning_history: false,
        ..COMPATIBLE
    },
    Wants {
        kind: Kind::Azure,
        auth: Auth::Header("api-key"),
        responses: true,
        reasoning_history: false,
        ..COMPATIBLE
    },
    Wants {
        kind: Kind::Anthropic,
        speaks: Speaks::One(Dialect::AnthropicMessages),
        auth: Auth::Header("x-api-key"),
        fidelity: Fidelity::Lens,
        asks_usage: false,
        attempt_header: false,
        completions: false,
        ..COMPATIBLE
    },
    Wants {
        kind: Kind::Gemini,
        speaks: Speaks::One(Dialect::Gemini),
        auth: Auth::Header("x-goog-api-key"),
        asks_usage: false,
        attempt_header: false,
        completions: false,
        ..COMPATIBLE
    },
    Wants {
        kind: Kind::Mistral,
        asks_usage: false,
        attempt_header: false,
        rename: &[
            ("max_completion_tokens", "max_tokens"),
            ("seed", "random_seed"),
        ],
        remove: &["stream_options", "user", "store"],
        developer_role: false,
        completions: false,
        reasoning_history: false,
        quirks: &[Quirk::AnyTool, Quirk::ShortCallIds, Quirk::NamedResults],
        ..COMPATIBLE
    },
    Wants {
        kind: Kind::Groq,
        attempt_header: false,
        remove: &["store"],
        developer_role: false,
        completions: false,
        reasoning_history: false,
        quirks: &[
            Quirk::Refuses("n", &["1"]),
            Quirk::Refuses("logprobs", &["false"]),
            Quirk::Refuses("top_logprobs", &["0"]),
            Quirk::Refuses("logit_bias", &["{}"]),
            Quirk::RefusesInMessages("name"),
        ],
        ..COMPATIBLE
    },
    Wants {
        kind: Kind::Together,
        attempt_header: false,
        rename: OLD_LIMIT,
        developer_role: false,
        quirks: &[Quirk::CountedLogprobs, Quirk::ThinkingSwitch],
        ..COMPATIBLE
    },
    Wants {
        kind: Kind::Ollama,
        rename: OLD_LIMIT,
        developer_role: false,
        ..COMPATIBLE
    },
    Wants {
        kind: Kind::Huggingface,
        attempt_header: false,
        rename: OLD_LIMIT,
        developer_role: false,
        completions: false,
        embeddings: Some(Dialect::HfFeatures),
        ..COMPATIBLE
    },
    Wants {
        kind: Kind::Bedrock,
        speaks: Speaks::One(Dialect::BedrockConverse),
        auth: Auth::Aws,
        asks_usage: false,
        attempt_header: false,
        completions: false,
        ..COMPATIBLE
    },
    Wants {
        kind: Kind::Cohere,
        speaks: Speaks::One(Dialect::CohereChat),
        asks_usage: false,
        attempt_header: false,
        rename: OLD_LIMIT,
        developer_role: false,
        completions: false,
        ..COMPATIBLE
    },
    COMPATIBLE,
    Wants {
        kind: Kind::Mock,
        speaks: Speaks::Any,
        fidelity: Fidelity::Lens,
        ..COMPATIBLE
    },
];

/// Ollama by its own API.
static NATIVE_OLLAMA: Wants = Wants {
    kind: Kind::Ollama,
    speaks: Speaks::One(Dialect::OllamaChat),
    asks_usage: false,
    completions: false,
    ..COMPATIBLE
};

/// What an account wants: the row of its kind, but for a kind with two APIs.
pub(super) fn wants_of(settings: &conf::Provider) -> &'static Wants {
    match settings.is_native_ollama() {
        true => &NATIVE_OLLAMA,
        false => wants(settings.kind),
    }
}

/// The row of a kind. Every kind has one; a test holds the table to that.
fn wants(kind: Kind) -> &'static Wants {
    static FALLBACK: Wants = COMPATIBLE;
    PROVIDERS
        .iter()
        .find(|wants| wants.kind == kind)
        .unwrap_or(&FALLBACK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_row() {
        for kind in Kind::ALL {
            assert!(
                PROVIDERS.iter().any(|wants| wants.kind == *kind),
                "{kind:?}"
            );
        }
    }

    #[test]
    fn only_what_no_translation_can_make_is_not_served() {
        let (openai, claude) = (wants(Kind::Openai), wants(Kind::Anthropic));
        for surface in [Surface::Chat, Surface::Messages, Surface::Responses] {
            assert!(openai.serves(surface) && claude.serves(surface));
        }
        assert!(openai.serves(Surface::Embeddings) && !claude.serves(Surface::Embeddings));
        let bedrock = wants(Kind::Bedrock);
        assert!(bedrock.serves(Surface::Embeddings) && bedrock.serves(Surface::CountTokens));
        assert!(claude.serves(Surface::CountTokens) && !openai.serves(Surface::CountTokens));
        let cohere = wants(Kind::Cohere);
        assert!(cohere.serves(Surface::Messages) && cohere.serves(Surface::Embeddings));
        assert!(!cohere.serves(Surface::CountTokens) && !cohere.serves(Surface::Completions));
        let gemini = wants(Kind::Gemini);
        assert!(gemini.serves(Surface::Messages) && gemini.serves(Surface::Embeddings));
        assert!(gemini.serves(Surface::CountTokens) && !gemini.serves(Surface::Completions));
        assert_eq!(openai.dialect(Surface::Responses), Dialect::OpenAiResponses);
        assert_eq!(
            claude.dialect(Surface::Responses),
            Dialect::AnthropicMessages
        );
        assert_eq!(
            wants(Kind::Mock).dialect(Surface::Responses),
            Dialect::OpenAiChat
        );
        assert!(
            NATIVE_OLLAMA.serves(Surface::Embeddings) && NATIVE_OLLAMA.serves(Surface::Messages)
        );
        assert!(!NATIVE_OLLAMA.serves(Surface::Completions));
        assert!(openai.serves(Surface::Completions));
        assert!(!wants(Kind::Mistral).serves(Surface::Completions));
    }
}
