//! The request in no dialect: what is asked, whoever asks and whoever answers.
//! Strings and values are borrowed from the body as JSON spells them, so that
//! saying the same in another dialect copies each text once and decodes none.
//!
//! A dialect's `lift` makes it of a body in one pass, its `lower` writes a body
//! of it. `lower` after `lift` of the same dialect loses nothing; what a foreign
//! dialect cannot say, [`crate::translate`] settles in between.

use std::fmt;

mod reading;
mod text;

pub(crate) use reading::Lift;
pub use text::{Raw, Str};
pub(crate) use text::{Writer, push_clean};

use crate::dialect::{Dialect, anthropic, bedrock, cohere, gemini, ollama, openai_chat};

/// A request for an answer to a conversation.
#[derive(Clone, PartialEq, Default)]
pub struct Ask<'a> {
    /// The model's name.
    pub model: Str<'a>,
    /// The conversation, the operator's opening words included.
    pub turns: Vec<Turn<'a>>,
    /// What the model may call.
    pub tools: Vec<Tool<'a>>,
    /// Whether it must call, and which.
    pub tool_choice: Option<ToolChoice<'a>>,
    /// Whether it may call several tools at once.
    pub parallel_tool_calls: Option<bool>,
    /// The limit of the answer in tokens.
    pub max_output: Option<u64>,
    /// Texts at which the answer ends.
    pub stop: Vec<Str<'a>>,
    /// How tokens are drawn.
    pub sampling: Sampling<'a>,
    /// The form of the answer.
    pub format: Option<Format<'a>>,
    /// How much the model shall think.
    pub reasoning: Reasoning<'a>,
    /// The end user, as the client calls him.
    pub user: Option<Str<'a>>,
    /// Notes of the client, as it wrote them; Anthropic's only if they hold more
    /// than the end user.
    pub metadata: Option<Raw<'a>>,
    /// The class of service.
    pub service_tier: Option<Str<'a>>,
    /// Whether the answer shall come as a stream.
    pub stream: bool,
    /// What a stream shall hold beside the answer (`stream_options`).
    pub stream_options: Option<Raw<'a>>,
    /// Members of Anthropic's `output_config` beside effort and format.
    pub output_extra: Vec<Extra<'a>>,
    /// Top-level members that no field above holds, in their order.
    pub extra: Vec<Extra<'a>>,
}

/// A member that has no field of its own here.
#[derive(Clone, PartialEq)]
pub struct Extra<'a> {
    /// Its name.
    pub name: Str<'a>,
    /// Its value.
    pub value: Raw<'a>,
}

/// One turn of the conversation.
#[derive(Clone)]
pub struct Turn<'a> {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order.
    pub parts: Vec<Part<'a>>,
    /// The index of the message it came as; none for Anthropic's `system`.
    pub at: Option<usize>,
    /// The members of the message in which its thoughts came.
    pub thoughts_in: Vec<&'static str>,
    /// Members of the message that no part holds.
    pub extra: Vec<Extra<'a>>,
}

impl PartialEq for Turn<'_> {
    /// Where a turn stood is no part of what it says.
    fn eq(&self, other: &Self) -> bool {
        self.role == other.role && self.parts == other.parts && self.extra == other.extra
    }
}

/// Who speaks in a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The operator; OpenAI's `developer` too.
    System,
    /// The person who asks. In Anthropic's dialect tools answer in his turn.
    User,
    /// The model.
    Assistant,
    /// A tool (OpenAI's dialect).
    Tool,
    /// A function, in OpenAI's first spelling.
    Function,
}

/// One piece of a turn.
#[derive(Clone, PartialEq)]
pub struct Part<'a> {
    /// What it is.
    pub kind: PartKind<'a>,
    /// A prompt cache may reach to here: `cache_control` as it was written.
    pub marker: Option<Raw<'a>>,
    /// Members that `kind` does not hold.
    pub extra: Vec<Extra<'a>>,
}

impl<'a> From<PartKind<'a>> for Part<'a> {
    fn from(kind: PartKind<'a>) -> Self {
        Part {
            kind,
            marker: None,
            extra: Vec::new(),
        }
    }
}

/// What a piece of a turn is.
#[derive(Clone, PartialEq)]
pub enum PartKind<'a> {
    /// Words.
    Text(Str<'a>),
    /// A picture.
    Image(Source<'a>),
    /// A sound in base64, and its format.
    Audio {
        /// The sound.
        data: Str<'a>,
        /// `wav`, `mp3` …
        format: Str<'a>,
    },
    /// A document.
    File {
        /// Where its bytes are.
        source: Source<'a>,
        /// What the client calls it.
        name: Option<Str<'a>>,
    },
    /// The model calls a tool.
    ToolCall {
        /// Names the call in its result.
        id: Str<'a>,
        /// The tool.
        name: Str<'a>,
        /// What it is given.
        arguments: Arguments<'a>,
    },
    /// What a tool answered.
    ToolResult {
        /// The call that is answered.
        call_id: Str<'a>,
        /// The answer.
        parts: Vec<Part<'a>>,
        /// Whether the tool failed; none if nobody said.
        is_error: Option<bool>,
    },
    /// A thought of the model.
    Thinking {
        /// The thought.
        text: Str<'a>,
        /// The provider's seal, without which it does not take the thought back.
        signature: Option<Str<'a>>,
    },
    /// A thought that only its provider can read.
    RedactedThinking {
        /// The thought.
        data: Str<'a>,
    },
    /// The model refuses, in its own words.
    Refusal(Str<'a>),
    /// A call of a kind that is unknown here, as it was written.
    OtherCall(Raw<'a>),
    /// A type that is unknown here: the whole piece as it was written.
    Other(Raw<'a>),
}

/// Where the bytes of a picture or a document are.
#[derive(Clone, PartialEq)]
pub enum Source<'a> {
    /// In the request.
    Base64 {
        /// `image/png`, `application/pdf` …
        media_type: Str<'a>,
        /// The bytes in base64.
        data: Str<'a>,
    },
    /// At an address.
    Url(Str<'a>),
    /// A text in the request.
    Text(Str<'a>),
    /// Pieces of text and pictures in the request.
    Parts(Vec<Part<'a>>),
    /// At the provider, under an id.
    FileId(Str<'a>),
    /// A kind unknown here.
    Other(Raw<'a>),
}

/// What a tool is given.
#[derive(Clone)]
pub enum Arguments<'a> {
    /// A JSON value (Anthropic).
    Json(Raw<'a>),
    /// A string that should hold JSON (OpenAI).
    Text(Str<'a>),
}

impl Arguments<'_> {
    /// The JSON, or what was sent in its stead.
    #[must_use]
    pub fn read(&self) -> Raw<'_> {
        match self {
            Arguments::Json(json) => Raw::Borrowed(json),
            Arguments::Text(text) => text.read(),
        }
    }
}

impl PartialEq for Arguments<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.read() == other.read()
    }
}

/// What the model may call.
#[derive(Clone, PartialEq)]
pub enum Tool<'a> {
    /// A function of the client.
    Function(Function<'a>),
    /// A tool of a type that is unknown here, such as the provider's own.
    Other(Raw<'a>),
}

/// A function of the client.
#[derive(Clone, PartialEq, Default)]
pub struct Function<'a> {
    /// Its name.
    pub name: Str<'a>,
    /// What it does, for the model to read.
    pub description: Option<Str<'a>>,
    /// The JSON Schema of its arguments.
    pub schema: Option<Raw<'a>>,
    /// Whether the arguments must follow the schema.
    pub strict: Option<bool>,
    /// A prompt cache may reach to here.
    pub marker: Option<Raw<'a>>,
    /// Members that are unknown here.
    pub extra: Vec<Extra<'a>>,
}

/// Whether the model must call a tool.
#[derive(Clone, PartialEq)]
pub enum ToolChoice<'a> {
    /// It decides.
    Auto,
    /// It must not.
    None,
    /// It must call one.
    Required,
    /// It must call this one.
    Function(Str<'a>),
    /// A kind unknown here.
    Other(Raw<'a>),
}

/// How tokens are drawn: raw JSON, for numbers are the provider's to judge.
#[derive(Clone, PartialEq, Default)]
pub struct Sampling<'a> {
    /// `temperature`
    pub temperature: Option<Raw<'a>>,
    /// `top_p`
    pub top_p: Option<Raw<'a>>,
    /// `top_k`
    pub top_k: Option<Raw<'a>>,
    /// `seed`
    pub seed: Option<Raw<'a>>,
    /// `presence_penalty`
    pub presence_penalty: Option<Raw<'a>>,
    /// `frequency_penalty`
    pub frequency_penalty: Option<Raw<'a>>,
    /// `logit_bias`
    pub logit_bias: Option<Raw<'a>>,
    /// `n`: how many answers.
    pub n: Option<Raw<'a>>,
    /// `logprobs`
    pub logprobs: Option<Raw<'a>>,
    /// `top_logprobs`
    pub top_logprobs: Option<Raw<'a>>,
}

/// The form of the answer.
#[derive(Clone, PartialEq)]
pub enum Format<'a> {
    /// Plain text.
    Text,
    /// Some JSON object.
    JsonObject,
    /// JSON that follows a schema.
    JsonSchema {
        /// What the client calls it.
        name: Option<Str<'a>>,
        /// What it is for, for the model to read.
        description: Option<Str<'a>>,
        /// The schema.
        schema: Option<Raw<'a>>,
        /// Whether the answer must follow it.
        strict: Option<bool>,
    },
    /// A kind unknown here.
    Other(Raw<'a>),
}

/// How much the model shall think.
#[derive(Clone, PartialEq, Default)]
pub struct Reasoning<'a> {
    /// A word such as `low` or `high`.
    pub effort: Option<Str<'a>>,
    /// Anthropic's `thinking`.
    pub thinking: Option<Thinking<'a>>,
}

/// Anthropic's `thinking`, and what it comes to.
#[derive(Clone, PartialEq)]
pub struct Thinking<'a> {
    /// What it comes to.
    pub mode: ThinkingMode,
    /// As it was written.
    pub raw: Raw<'a>,
}

/// Whether and how far the model thinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThinkingMode {
    /// Not at all.
    Off,
    /// As it likes.
    Adaptive,
    /// Up to so many tokens.
    Budget(u64),
    /// A type unknown here.
    Other,
}

impl PartKind<'_> {
    /// Whether it is said to the other side, as content; thoughts and calls are not.
    pub(crate) fn is_content(&self) -> bool {
        !matches!(
            self,
            PartKind::Thinking { .. }
                | PartKind::RedactedThinking { .. }
                | PartKind::ToolCall { .. }
                | PartKind::OtherCall(_)
                | PartKind::ToolResult { .. }
        )
    }
}

/// The one plain text that these parts come to, if they do.
pub(crate) fn plain_text<'p, 'a>(
    mut parts: impl Iterator<Item = &'p Part<'a>>,
) -> Option<&'p Str<'a>>
where
    'a: 'p,
{
    let part = parts.next()?;
    match &part.kind {
        PartKind::Text(text) if part.is_bare() && parts.next().is_none() => Some(text),
        _ => None,
    }
}

impl Part<'_> {
    /// Whether it carries nothing beside what its kind holds.
    pub(crate) fn is_bare(&self) -> bool {
        self.marker.is_none() && self.extra.is_empty()
    }
}

impl Ask<'_> {
    /// Writes it in a dialect. What that dialect cannot say is left out.
    #[must_use]
    pub fn lower(&self, dialect: Dialect) -> Vec<u8> {
        match dialect {
            // Nobody is asked in Responses but who speaks it to his client too, and
            // then no body is written anew.
            // Nor is anybody asked for anything but embeddings in the last one.
            Dialect::OpenAiChat | Dialect::OpenAiResponses | Dialect::HfFeatures => {
                openai_chat::lower::lower(self)
            }
            Dialect::AnthropicMessages => anthropic::lower::lower(self),
            Dialect::Gemini => gemini::lower::lower(self),
            Dialect::BedrockConverse => bedrock::lower::lower(self),
            Dialect::OllamaChat => ollama::lower::lower(self),
            Dialect::CohereChat => cohere::lower::lower(self),
        }
    }
}

impl fmt::Debug for Ask<'_> {
    /// Facts only: bodies never reach a log by accident.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask")
            .field("turns", &self.turns.len())
            .field("tools", &self.tools.len())
            .field("stream", &self.stream)
            .finish_non_exhaustive()
    }
}
