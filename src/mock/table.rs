//! The one table of scenarios. The reference page and the model list are made from it, so a row
//! here is all it takes to teach the mock a new trick (its function lives in `behaviour.rs` or
//! `failure.rs`).

use super::scenario::{Kind, Param, Reads, Scenario};
use super::{behaviour as good, failure as bad};

const YES_NO: Kind = Kind::Word(&["yes", "no"]);
const SHAPES: Kind = Kind::Word(&["openai", "azure", "anthropic", "plain", "html", "empty"]);

const fn param(
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

const AFTER: Param = param(
    "after",
    "3",
    Kind::Count(1_000_000),
    "pieces of content before it happens; 0 is after the role chunk",
);
const SHAPE: Param = param(
    "shape",
    "",
    SHAPES,
    "whose error body is imitated, if not the surface's own",
);
const EVERY: Param = param(
    "every",
    "100ms",
    Kind::Span,
    "the time between two comments",
);
const FORM: Param = param(
    "form",
    "",
    Kind::Word(&["data", "event"]),
    "`data: {…}` alone (OpenAI's way), or after `event: error` (Anthropic's)",
);
const TYPE: Param = param(
    "type",
    "overloaded",
    Kind::Text,
    "overloaded, server_error, rate_limit, quota or any other type",
);

const THOUGHTS: Param = param("thoughts", "4", Kind::Count(100_000), "pieces of reasoning");
const FIELD: Param = param(
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

const fn row(
    name: &'static str,
    about: &'static str,
    params: &'static [Param],
    act: good::Act,
) -> Scenario {
    Scenario {
        name,
        about,
        params,
        reads: Reads::Whole,
        act,
    }
}

/// Acts on a prefix of the request, always or when a parameter has the value.
const fn early(scenario: Scenario, reads: Reads) -> Scenario {
    Scenario { reads, ..scenario }
}

/// Every scenario, in the order of the documentation.
pub(super) const SCENARIOS: &[Scenario] = &[
    row(
        "echo",
        "Answers the last user text (of a completions request, each prompt), word by word when streamed; images are counted: `[2 images, 136 bytes]`.",
        &[],
        good::echo,
    ),
    row(
        "stream",
        "Filler text in `chunks` pieces (20 unless told).",
        &[],
        good::stream,
    ),
    row(
        "long",
        "Filler text of many one-word pieces.",
        &[param(
            "tokens",
            "1000",
            Kind::Count(1_000_000),
            "how many words",
        )],
        good::long,
    ),
    row(
        "huge",
        "A large answer in pieces of 64 KiB.",
        &[param("mb", "16", Kind::Count(256), "its text in MiB")],
        good::huge,
    ),
    row(
        "trickle",
        "The right answer, its bytes cut anywhere: tests the reader's framing.",
        &[param("bytes", "1", Kind::Count(65_536), "bytes per packet")],
        good::trickle,
    ),
    row(
        "tools",
        "Calls the request's first tool (or `get_weather`), arguments streamed in fragments; after tool results it echoes those.",
        &[
            param(
                "calls",
                "1",
                Kind::Count(16),
                "how many calls in one answer",
            ),
            param(
                "args",
                "%7B%22city%22%3A%22Paris%22%7D",
                Kind::Text,
                "the arguments, a JSON text",
            ),
            param(
                "fit",
                "no",
                YES_NO,
                "`yes` makes arguments that fit the tool's schema instead",
            ),
            param(
                "whole",
                "no",
                YES_NO,
                "`yes` streams each call in one piece (Mistral)",
            ),
        ],
        good::tools,
    ),
    row(
        "reasoning",
        "Thinks first, then answers; thinking blocks with a wrong signature are refused 400.",
        &[THOUGHTS, FIELD],
        good::reasoning,
    ),
    row(
        "signed",
        "Thinks, then calls the request's first tool with arguments that fit; the result is echoed if the thinking block came back before the call with its signature, otherwise 400 (Anthropic).",
        &[THOUGHTS, FIELD],
        good::signed,
    ),
    row(
        "json",
        "A JSON object that fits the request's JSON Schema, if any.",
        &[],
        good::json,
    ),
    row(
        "length",
        "Stops at the token limit: finish_reason `length`, stop_reason `max_tokens`.",
        &[],
        good::length,
    ),
    row(
        "content_filter",
        "Cut off by the provider's filter: finish_reason `content_filter`, stop_reason `refusal`.",
        &[],
        good::content_filter,
    ),
    row(
        "refusal",
        "Declines in the `refusal` field (Anthropic: stop_reason `refusal`).",
        &[],
        good::refusal,
    ),
    row(
        "empty",
        "A 200 without content.",
        &[param(
            "what",
            "content",
            Kind::Word(&["content", "body"]),
            "no text but a proper end, or no bytes at all",
        )],
        good::empty,
    ),
    row(
        "no_usage",
        "Never reports usage, asked or not.",
        &[],
        good::no_usage,
    ),
    row(
        "usage_in_finish",
        "Usage stands in the finish chunk, asked or not (Groq, Mistral); Anthropic's in `message_delta` alone, zeros in `message_start`.",
        &[],
        good::usage_in_finish,
    ),
    row(
        "no_done",
        "Ends after the finish chunk without `[DONE]`, or without `message_stop`.",
        &[],
        good::no_done,
    ),
    row(
        "ping",
        "Only SSE comments (Anthropic: `ping` events; blank lines when unary) for a time, then the answer.",
        &[EVERY, param("for", "1s", Kind::Span, "how long")],
        good::ping,
    ),
    row(
        "pings_forever",
        "Only SSE comments or pings, for ever.",
        &[EVERY],
        good::pings_forever,
    ),
    row(
        "slow",
        "The header comes late.",
        &[param("first_byte", "500ms", Kind::Span, "how late")],
        good::slow,
    ),
    row(
        "stall",
        "Falls silent between two pieces, then goes on.",
        &[AFTER, param("for", "2s", Kind::Span, "how long")],
        good::stall,
    ),
    row(
        "auth",
        "401 unless the request's bearer key or `x-api-key` is the right one; then echo.",
        &[param("key", "good", Kind::Text, "the right key"), SHAPE],
        bad::auth,
    ),
    row(
        "status",
        "Answers an error status.",
        &[
            param("code", "500", Kind::Status, "the status"),
            SHAPE,
            param(
                "type",
                "",
                Kind::Text,
                "the error's type instead of the status' own",
            ),
            param(
                "error",
                "",
                Kind::Text,
                "the error's code instead of the status' own",
            ),
            param("message", "", Kind::Text, "the error's message"),
            param("body", "", Kind::Text, "the whole body, literally"),
            param(
                "retry_after",
                "",
                Kind::Text,
                "the Retry-After header: seconds or a date",
            ),
            param(
                "retry_after_ms",
                "",
                Kind::Count(3_600_000),
                "the retry-after-ms header",
            ),
            param(
                "should_retry",
                "",
                Kind::Word(&["true", "false"]),
                "the x-should-retry header",
            ),
            param("location", "", Kind::Text, "the Location header"),
        ],
        bad::status,
    ),
    row(
        "quota",
        "429 `insufficient_quota` (Anthropic: `enforced_spend_limit_reached`): not worth a retry on this account.",
        &[SHAPE],
        bad::quota,
    ),
    row(
        "flaky",
        "Fails a number of times per `id`, then echoes.",
        &[
            param("fail", "2", Kind::Count(1_000_000), "how many times"),
            param(
                "id",
                "",
                Kind::Text,
                "what is counted; the model name unless told",
            ),
            param("code", "503", Kind::Status, "the status of a failure"),
        ],
        bad::flaky,
    ),
    early(
        row(
            "early",
            "Answers an error before the request body is read.",
            &[param("code", "503", Kind::Status, "the status"), SHAPE],
            bad::early,
        ),
        Reads::Prefix,
    ),
    early(
        row(
            "hang",
            "Never answers.",
            &[param(
                "before",
                "header",
                Kind::Word(&["header", "body"]),
                "`body` never reads the request body either",
            )],
            bad::hang,
        ),
        Reads::PrefixIf("before", "body"),
    ),
    row(
        "close",
        "Closes the connection instead of answering (over h2: resets the stream).",
        &[],
        bad::close,
    ),
    early(
        row(
            "reset",
            "Resets the TCP connection.",
            &[
                param(
                    "after",
                    "",
                    Kind::Count(1_000_000),
                    "in mid-answer, after so many pieces; otherwise instead of an answer",
                ),
                param(
                    "while",
                    "",
                    Kind::Word(&["sending"]),
                    "`sending` resets while the request body still arrives",
                ),
            ],
            bad::reset,
        ),
        Reads::PrefixIf("while", "sending"),
    ),
    row(
        "cut",
        "The connection closes in mid-answer, without a terminator (over h2: the stream is reset).",
        &[AFTER],
        bad::cut,
    ),
    row(
        "cut_header",
        "A 200 header, then the connection closes.",
        &[],
        bad::cut_header,
    ),
    row(
        "end_without_finish",
        "A clean end without finish_reason and `[DONE]` (Anthropic: nothing after the pieces).",
        &[AFTER],
        bad::end_without_finish,
    ),
    row(
        "broken_chunk",
        "An invalid chunk size in mid-answer (HTTP/1.1; garbage between frames over h2).",
        &[AFTER],
        bad::broken_chunk,
    ),
    row(
        "bad_json",
        "A 200 whose body is not JSON; a stream with one event that is not.",
        &[AFTER],
        bad::bad_json,
    ),
    row(
        "error_in_stream",
        "An error event inside a 200.",
        &[
            param(
                "after",
                "0",
                Kind::Count(1_000_000),
                "pieces of content before it; 0 is the very first event",
            ),
            TYPE,
            FORM,
            param(
                "close",
                "yes",
                YES_NO,
                "`no` keeps the answer open afterwards",
            ),
        ],
        bad::error_in_stream,
    ),
    row(
        "role_then_error",
        "The role chunk, then an error event, no content.",
        &[
            param(
                "packets",
                "one",
                Kind::Word(&["one", "two"]),
                "both in one packet or in two",
            ),
            TYPE,
            FORM,
            param(
                "close",
                "yes",
                YES_NO,
                "`no` keeps the answer open afterwards",
            ),
        ],
        bad::role_then_error,
    ),
];
