//! The canonical step of an answer. Every dialect's stream is decoded into these
//! steps and every client grammar is written from them, so meters, guards and
//! the cache are written once and know no wire format.

use std::borrow::Cow;

/// What a step carries. Text can be watched by channel without looking at the
/// step: a guard on what people read listens to [`Channel::Text`] alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// What the model says to the person.
    Text,
    /// What the model thinks aloud before it answers.
    Reasoning,
    /// The model's own words when it refuses.
    Refusal,
    /// A tool call: its name, and its arguments piece by piece.
    ToolArguments,
    /// Everything that is not the model's text: roles, finishes, usage, extras.
    Meta,
}

/// One step of one choice of an answer. Steps of the answer as a whole (usage,
/// extras of the chunk) carry choice 0.
#[derive(Clone, Debug)]
pub struct Event<'a> {
    /// Which of the `n` answers, counted from 0.
    pub choice: u32,
    /// What kind of text the step carries.
    pub channel: Channel,
    /// The step itself.
    pub step: Step<'a>,
}

/// What happened. Texts are borrowed from the provider's bytes unless they hold
/// JSON escapes.
#[derive(Clone, Debug)]
pub enum Step<'a> {
    /// The choice began.
    Role(Cow<'a, str>),
    /// A new part of the event's channel begins: what follows is not the
    /// continuation of what came before on it.
    Part,
    /// More text on the event's channel; never empty.
    Delta(Cow<'a, str>),
    /// More of the provider's seal on the part of reasoning that just came: it
    /// must come back with that part, or the provider refuses the conversation.
    Signature(Cow<'a, str>),
    /// A part of reasoning that only the provider can read, whole.
    Redacted(Cow<'a, str>),
    /// A source of the text that just came: JSON text, as sent.
    Citation(Cow<'a, str>),
    /// A part of the answer of a kind that only its provider knows (a tool that
    /// runs there and its result), whole.
    Block {
        /// The provider's word for the kind.
        kind: Cow<'a, str>,
        /// The part itself: one JSON object.
        json: Cow<'a, str>,
    },
    /// A picture that the model made.
    Image {
        /// `image/png` …
        media_type: Cow<'a, str>,
        /// Its bytes in base64.
        data: Cow<'a, str>,
    },
    /// Tool call number `call` of this choice (counted from 0) began.
    CallStart {
        /// Position among the calls of the choice.
        call: u32,
        /// The call's id; made up when the provider gave none.
        id: Cow<'a, str>,
        /// The function's name.
        name: Cow<'a, str>,
    },
    /// More of the arguments of a tool call, as JSON text; never empty.
    CallDelta {
        /// Position among the calls of the choice.
        call: u32,
        /// A piece of the JSON text of the arguments.
        json: Cow<'a, str>,
    },
    /// Log probabilities of the chunk's tokens: JSON text in OpenAI's shape.
    Logprobs(Cow<'a, str>),
    /// The choice ended.
    Finish {
        /// Why, in the canonical words.
        reason: FinishReason,
        /// Why, in the provider's word.
        raw: Cow<'a, str>,
    },
    /// What the answer used so far; a later one replaces it.
    Usage(Usage),
    /// A member that this dialect does not know; it survives at its place.
    Extra {
        /// The object it stood in.
        scope: Scope,
        /// Its key, unescaped.
        key: Cow<'a, str>,
        /// Its value: JSON text.
        value: Cow<'a, str>,
    },
}

/// The object an unknown member stood in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The chunk, or the body of an unstreamed answer.
    Chunk,
    /// The choice.
    Choice,
    /// The delta, or the message of an unstreamed answer.
    Delta,
    /// The tool call of that number.
    Call(u32),
}

/// Why an answer ended, in OpenAI's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FinishReason {
    /// The model was done, or met a stop sequence.
    Stop,
    /// The token limit or the context window was reached.
    Length,
    /// The model calls tools.
    ToolCalls,
    /// The model calls the one function of OpenAI's older request form.
    FunctionCall,
    /// A safety system cut the answer, or the model refused.
    ContentFilter,
    /// A word this build does not know; clients see `stop`, the word itself
    /// travels beside it.
    Unknown,
}

impl FinishReason {
    /// Reads a provider's word: the table in section 1.5 of the design page
    /// `providers.md`. Never fails, because every provider's list has grown.
    #[must_use]
    pub fn read(raw: &str) -> FinishReason {
        match raw {
            "stop" | "end_turn" | "stop_sequence" | "STOP" | "COMPLETE" | "STOP_SEQUENCE"
            | "eos" | "eos_token" | "pause_turn" => FinishReason::Stop,
            "length"
            | "max_tokens"
            | "MAX_TOKENS"
            | "model_length"
            | "model_context_window_exceeded" => FinishReason::Length,
            "tool_calls" | "tool_use" | "TOOL_CALL" => FinishReason::ToolCalls,
            "function_call" => FinishReason::FunctionCall,
            "content_filter"
            | "refusal"
            | "guardrail_intervened"
            | "content_filtered"
            | "SAFETY"
            | "RECITATION"
            | "BLOCKLIST"
            | "PROHIBITED_CONTENT"
            | "SPII"
            | "LANGUAGE"
            | "MODEL_ARMOR" => FinishReason::ContentFilter,
            _ if raw.starts_with("IMAGE_") => FinishReason::ContentFilter,
            _ => FinishReason::Unknown,
        }
    }

    /// Whether the provider's word names a failure and no end of an answer.
    #[must_use]
    pub fn is_failure(raw: &str) -> bool {
        matches!(
            raw,
            "error"
                | "ERROR"
                | "TIMEOUT"
                | "MALFORMED_FUNCTION_CALL"
                | "UNEXPECTED_TOOL_CALL"
                | "TOO_MANY_TOOL_CALLS"
                | "MALFORMED_RESPONSE"
                | "MISSING_THOUGHT_SIGNATURE"
                | "malformed_model_output"
                | "malformed_tool_use"
        )
    }

    /// Anthropic's word.
    #[must_use]
    pub fn anthropic(self) -> &'static str {
        match self {
            FinishReason::Stop | FinishReason::Unknown => "end_turn",
            FinishReason::Length => "max_tokens",
            FinishReason::ToolCalls | FinishReason::FunctionCall => "tool_use",
            FinishReason::ContentFilter => "refusal",
        }
    }

    /// OpenAI's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            FinishReason::Stop | FinishReason::Unknown => "stop",
            FinishReason::Length => "length",
            FinishReason::ToolCalls => "tool_calls",
            FinishReason::FunctionCall => "function_call",
            FinishReason::ContentFilter => "content_filter",
        }
    }
}

/// How urgently a provider worked; prices depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ServiceTier {
    /// The ordinary service.
    #[default]
    Standard,
    /// Answered within hours.
    Batch,
    /// Answered when there is room.
    Flex,
    /// Answered before others.
    Priority,
}

impl ServiceTier {
    /// Reads `service_tier` of a request or an answer. Unknown names are the ordinary service.
    #[must_use]
    pub fn read(name: &str) -> Self {
        match name {
            "batch" => Self::Batch,
            "flex" => Self::Flex,
            "priority" => Self::Priority,
            _ => Self::Standard,
        }
    }

    /// The same of a member's JSON text; `None` when it is no string, which says nothing.
    pub(crate) fn of_member(raw: &str) -> Option<Self> {
        let name = raw.strip_prefix('"')?.strip_suffix('"')?;
        Some(Self::read(name))
    }

    /// The providers' word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Batch => "batch",
            Self::Flex => "flex",
            Self::Priority => "priority",
        }
    }
}

/// What an answer used, in tokens, in one meaning for all providers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the prompt, those read from the provider's cache included.
    pub input: u64,
    /// Tokens of the answer, reasoning included; 0 for embeddings.
    pub output: u64,
    /// Part of `input` that was read from the provider's cache.
    pub cached: u64,
    /// Part of `input` that was written to the provider's cache.
    pub cache_write: u64,
    /// Part of `cache_write` that is kept for an hour, which costs more.
    pub cache_write_1h: u64,
    /// Part of `output` that nobody sees.
    pub reasoning: u64,
    /// Part of `input` that was sound.
    pub audio_in: u64,
    /// Part of `output` that was sound.
    pub audio_out: u64,
    /// Counted by Alfred, because the provider reported nothing. In what a decoder
    /// gives: one of the two counts was not reported, and is 0.
    pub estimated: bool,
    /// The service that the provider says it gave; what was asked for need not be it.
    pub tier: Option<ServiceTier>,
    /// What is on the bill, where the provider says that it is not all of these tokens.
    pub billed: Option<Billed>,
}

/// The tokens on a provider's bill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Billed {
    /// Those of the prompt.
    pub input: u64,
    /// Those of the answer.
    pub output: u64,
}

impl Usage {
    /// The same figures with every part cut to its whole: some providers report
    /// more cached tokens than prompt tokens, and money is computed from the
    /// difference.
    #[must_use]
    pub fn clamped(self) -> Usage {
        let cached = self.cached.min(self.input);
        let cache_write = self.cache_write.min(self.input - cached);
        Usage {
            cached,
            cache_write,
            cache_write_1h: self.cache_write_1h.min(cache_write),
            reasoning: self.reasoning.min(self.output),
            audio_in: self.audio_in.min(self.input),
            audio_out: self.audio_out.min(self.output),
            ..self
        }
    }

    /// Input and output together.
    #[must_use]
    pub fn total(self) -> u64 {
        self.input.saturating_add(self.output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_table_finds_its_reason_and_an_unknown_one_reads_as_stop() {
        for (raw, reason) in [
            ("eos_token", FinishReason::Stop),
            ("pause_turn", FinishReason::Stop),
            ("model_length", FinishReason::Length),
            ("TOOL_CALL", FinishReason::ToolCalls),
            ("IMAGE_SAFETY", FinishReason::ContentFilter),
            ("guardrail_intervened", FinishReason::ContentFilter),
            ("invented_in_2030", FinishReason::Unknown),
            ("", FinishReason::Unknown),
        ] {
            assert_eq!(FinishReason::read(raw), reason, "{raw}");
        }
        assert_eq!(FinishReason::Unknown.as_str(), "stop");
        assert!(FinishReason::is_failure("error") && !FinishReason::is_failure("stop"));
    }

    #[test]
    fn no_part_of_a_usage_exceeds_its_whole() {
        let grok = Usage {
            input: 7,
            output: 1,
            cached: 161,
            cache_write: 9,
            reasoning: 2,
            ..Usage::default()
        };
        let clamped = grok.clamped();
        assert_eq!(
            (clamped.cached, clamped.cache_write, clamped.reasoning),
            (7, 0, 1)
        );
        assert_eq!(clamped.total(), 8);
    }
}
