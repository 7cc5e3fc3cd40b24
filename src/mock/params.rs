//! The parameters that several scenarios know, or all of them.

use super::scenario::{Kind, Param};

pub(super) const YES_NO: Kind = Kind::Word(&["yes", "no"]);
pub(super) const SHAPES: Kind =
    Kind::Word(&["openai", "azure", "anthropic", "plain", "html", "empty"]);

pub(super) const fn param(
    name: &'static str,
    default: &'static str,
    kind: Kind,
    about: &'static str,
) -> Param {
    Param {
        name,
        default,
        about,
        kind,
    }
}

pub(super) const AFTER: Param = param(
    "after",
    "3",
    Kind::Count(1_000_000),
    "pieces of content before it happens; 0 is after the role chunk",
);
pub(super) const SHAPE: Param = param(
    "shape",
    "",
    SHAPES,
    "whose error body is imitated, if not the surface's own",
);
pub(super) const EVERY: Param = param(
    "every",
    "100ms",
    Kind::Span,
    "the time between two comments",
);
pub(super) const FORM: Param = param(
    "form",
    "",
    Kind::Word(&["data", "event"]),
    "`data: {…}` alone (OpenAI's way), or after `event: error` (Anthropic's)",
);
pub(super) const TYPE: Param = param(
    "type",
    "overloaded",
    Kind::Text,
    "overloaded, server_error, rate_limit, quota or any other type",
);

pub(super) const THOUGHTS: Param =
    param("thoughts", "4", Kind::Count(100_000), "pieces of reasoning");
pub(super) const FIELD: Param = param(
    "field",
    "reasoning_content",
    Kind::Word(&["reasoning_content", "reasoning"]),
    "the delta's field in OpenAI's dialect: DeepSeek's or Groq's name",
);

/// Known to every scenario.
pub(super) const COMMON: &[Param] = &[
    param(
        "delay",
        "0ms",
        Kind::Span,
        "the time before each piece of a stream, or once before another answer",
    ),
    param(
        "chunks",
        "",
        Kind::Count(1_000_000),
        "pieces of filler text; one token each",
    ),
    param(
        "size",
        "",
        Kind::Count(16 << 20),
        "bytes of each piece of filler text",
    ),
    param(
        "tokens_in",
        "",
        Kind::Count(1_000_000_000),
        "the prompt tokens to report instead of the words counted",
    ),
    param(
        "tokens_out",
        "",
        Kind::Count(1_000_000_000),
        "the completion tokens to report instead of the words sent",
    ),
    param(
        "tokens_cached",
        "",
        Kind::Count(1_000_000_000),
        "the part of the prompt reported as read from the provider's cache",
    ),
    param(
        "tokens_written",
        "",
        Kind::Count(1_000_000_000),
        "the part of the prompt reported as written to the cache for five minutes (Anthropic)",
    ),
    param(
        "tokens_written_1h",
        "",
        Kind::Count(1_000_000_000),
        "the part of the prompt reported as written to the cache for an hour (Anthropic)",
    ),
    param(
        "stamp",
        "no",
        YES_NO,
        "start each piece of filler text with the time it was sent (Unix, ns)",
    ),
    param(
        "length",
        "yes",
        YES_NO,
        "`no` sends unary answers without Content-Length",
    ),
    param(
        "strict",
        "0",
        Kind::Word(&["0", "1"]),
        "`1` refuses members of the request that the real provider does not know",
    ),
];
