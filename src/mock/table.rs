//! The one table of scenarios. The reference page and the model list are made from it, so a row
//! here is all it takes to teach the mock a new trick (its function lives in `behaviour.rs` or
//! `failure.rs`).

use super::params::{AFTER, EVERY, FIELD, FORM, SHAPE, THOUGHTS, TYPE, YES_NO, param};
use super::scenario::{Kind, Param, Reads, Scenario};
use super::{behaviour as good, failure as bad};

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
