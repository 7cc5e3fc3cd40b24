//! Streams made by hand, and the ways an answer can take.

use alfred_filters::answer::{Fidelity, StreamPlan};
use alfred_filters::dialect::Dialect::{self, AnthropicMessages, OpenAiChat};
use serde_json::{Value, json};

use crate::answers::plan;

pub(crate) fn between(from: Dialect, to: Dialect, fidelity: Fidelity) -> StreamPlan {
    StreamPlan {
        from,
        to,
        ..plan(fidelity, true)
    }
}

/// Every way from one of the two dialects.
pub(crate) fn ways(from: Dialect) -> [StreamPlan; 4] {
    [
        between(from, OpenAiChat, Fidelity::Lens),
        between(from, OpenAiChat, Fidelity::Canonical),
        between(from, AnthropicMessages, Fidelity::Lens),
        between(from, AnthropicMessages, Fidelity::Canonical),
    ]
}

pub(crate) fn to_messages() -> StreamPlan {
    between(OpenAiChat, AnthropicMessages, Fidelity::Lens)
}

pub(crate) fn to_chunks() -> StreamPlan {
    between(AnthropicMessages, OpenAiChat, Fidelity::Lens)
}

/// An event without a name, as some servers send it.
pub(crate) fn event(payload: &Value) -> String {
    format!("data: {payload}\n\n")
}

pub(crate) fn start() -> String {
    event(
        &json!({"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant",
        "model":"claude","content":[],"stop_reason":null,"stop_sequence":null,
        "usage":{"input_tokens":5,"output_tokens":1}}}),
    )
}

pub(crate) fn text_block(index: usize, text: &str) -> String {
    event(
        &json!({"type":"content_block_start","index":index,"content_block":{"type":"text","text":""}}),
    ) + &event(
        &json!({"type":"content_block_delta","index":index,"delta":{"type":"text_delta","text":text}}),
    ) + &event(&json!({"type":"content_block_stop","index":index}))
}

pub(crate) fn end(reason: &str) -> String {
    event(
        &json!({"type":"message_delta","delta":{"stop_reason":reason,"stop_sequence":null},"usage":{"output_tokens":9}}),
    ) + &event(&json!({"type":"message_stop"}))
}

pub(crate) fn delta(delta: &Value, finish: Option<&str>) -> String {
    event(
        &json!({"id":"c","model":"m","created":5,"choices":[{"index":0,"delta":delta,"finish_reason":finish}]}),
    )
}
