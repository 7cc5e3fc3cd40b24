//! What whole bodies must hold: answers, lists and errors.

use serde_json::Value;

use super::findings::{Findings, Violation, at, excerpt};
use super::others;

pub(super) const FINISH_REASONS: [&str; 5] = [
    "stop",
    "length",
    "tool_calls",
    "content_filter",
    "function_call",
];
const STOP_REASONS: [&str; 7] = [
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "pause_turn",
    "refusal",
    "model_context_window_exceeded",
];
const TIERS: [&str; 6] = ["auto", "default", "flex", "scale", "priority", "fast"];

/// A kind of body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// OpenAI's `chat.completion`.
    Chat,
    /// OpenAI's list of embeddings.
    Embeddings,
    /// OpenAI's list of models.
    Models,
    /// OpenAI's error.
    OpenAiError,
    /// Anthropic's `message`.
    Message,
    /// Anthropic's count of tokens.
    CountTokens,
    /// Anthropic's error.
    AnthropicError,
    /// OpenAI's `response`.
    Response,
}

impl Body {
    /// Holds a body to the rules of its kind. Empty when nothing is wrong.
    #[must_use]
    pub fn check(self, body: &[u8]) -> Vec<Violation> {
        let mut findings = Findings::default();
        match serde_json::from_slice::<Value>(body) {
            Ok(value @ Value::Object(_)) => self.look(&value, &mut findings),
            _ => {
                let text = excerpt(&String::from_utf8_lossy(body));
                findings.broken("body.json", format!("the body is no JSON object: {text}"));
            }
        }
        findings.all()
    }

    fn look(self, body: &Value, findings: &mut Findings) {
        match self {
            Self::Chat => chat(body, findings),
            Self::Embeddings => others::embeddings(body, findings),
            Self::Models => others::models(body, findings),
            Self::OpenAiError => others::openai_error(body, findings),
            Self::Message => message(body, findings),
            Self::CountTokens => findings.hold(
                body["input_tokens"].is_u64(),
                "count.input-tokens",
                "`input_tokens` is no count",
            ),
            Self::AnthropicError => others::anthropic_error(body, findings),
            Self::Response => others::response(body, findings),
        }
    }
}

pub(super) fn is_filled(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

/// What chunks and bodies of chat have in common.
pub(super) fn head(body: &Value, object: &str, findings: &mut Findings) {
    findings.hold(
        body["object"] == object,
        "chat.object",
        format!("`object` is not `{object}`"),
    );
    findings.hold(
        is_filled(&body["id"]),
        "chat.id",
        "`id` is missing or empty",
    );
    findings.hold(
        is_filled(&body["model"]),
        "chat.model",
        "`model` is missing or empty",
    );
    findings.hold(
        body["created"].as_u64().is_some_and(|at| at > 0),
        "chat.created",
        "`created` is no Unix time",
    );
    let fingerprint = body.get("system_fingerprint");
    findings.hold(
        fingerprint.is_none_or(|value| value.is_string() || value.is_null()),
        "chat.fingerprint",
        "`system_fingerprint` is no string",
    );
    let tier = body.get("service_tier").filter(|tier| !tier.is_null());
    let is_known = tier.is_none_or(|tier| tier.as_str().is_some_and(|tier| TIERS.contains(&tier)));
    findings.hold(
        is_known,
        "chat.service-tier",
        "`service_tier` is a foreign word",
    );
}

/// Usage in OpenAI's words.
pub(super) fn usage(usage: &Value, findings: &mut Findings) {
    let count = |key: &str| usage[key].as_u64();
    match (
        count("prompt_tokens"),
        count("completion_tokens"),
        count("total_tokens"),
    ) {
        (Some(prompt), Some(completion), Some(total)) => {
            let adds_up = prompt.checked_add(completion) == Some(total);
            findings.hold(
                adds_up,
                "usage.sum",
                format!("{prompt} and {completion} are not {total}"),
            );
            let part = |details: &str, key: &str| {
                at(usage, &format!("/{details}/{key}"))
                    .as_u64()
                    .unwrap_or(0)
            };
            findings.hold(
                part("prompt_tokens_details", "cached_tokens") <= prompt,
                "usage.cached",
                "more cached tokens than prompt tokens",
            );
            findings.hold(
                part("completion_tokens_details", "reasoning_tokens") <= completion,
                "usage.reasoning",
                "more reasoning tokens than completion tokens",
            );
        }
        _ => findings.broken(
            "usage.counts",
            "prompt_tokens, completion_tokens or total_tokens is no count",
        ),
    }
    for details in ["prompt_tokens_details", "completion_tokens_details"] {
        let fits = usage
            .get(details)
            .is_none_or(|value| value.is_object() || value.is_null());
        findings.hold(
            fits,
            "usage.details",
            format!("`usage.{details}` is no object"),
        );
    }
}

fn chat(body: &Value, findings: &mut Findings) {
    head(body, "chat.completion", findings);
    usage(&body["usage"], findings);
    let choices = body["choices"].as_array();
    findings.hold(
        choices.is_some_and(|choices| !choices.is_empty()),
        "chat.choices",
        "`choices` is no list, or empty",
    );
    for (place, choice) in choices.into_iter().flatten().enumerate() {
        findings.go(format!("choice {place}"));
        findings.hold(choice["index"].is_u64(), "chat.index", "no `index`");
        findings.hold(
            choice
                .get("logprobs")
                .is_some_and(|value| value.is_null() || value.is_object()),
            "chat.logprobs",
            "`logprobs` is neither null nor an object",
        );
        let reason = choice["finish_reason"].as_str().unwrap_or_default();
        findings.hold(
            FINISH_REASONS.contains(&reason),
            "chat.finish-reason",
            format!("a foreign finish_reason: {}", excerpt(reason)),
        );
        said(&choice["message"], reason, findings);
    }
}

fn said(message: &Value, reason: &str, findings: &mut Findings) {
    findings.hold(
        message["role"] == "assistant",
        "chat.role",
        "`message.role` is not `assistant`",
    );
    for text in ["content", "refusal"] {
        let fits = message
            .get(text)
            .is_some_and(|value| value.is_string() || value.is_null());
        findings.hold(
            fits,
            "chat.message-text",
            format!("`message.{text}` is neither a string nor null"),
        );
    }
    let calls = match message.get("tool_calls") {
        None => &[],
        Some(Value::Array(calls)) if !calls.is_empty() => calls.as_slice(),
        Some(_) => {
            findings.broken(
                "chat.tool-calls",
                "`message.tool_calls` is there and no filled list",
            );
            &[]
        }
    };
    for call in calls {
        let function = &call["function"];
        let is_whole = is_filled(&call["id"])
            && match call["type"].as_str() {
                Some("function") => {
                    is_filled(&function["name"]) && function["arguments"].is_string()
                }
                Some("custom") => is_filled(at(call, "/custom/name")),
                _ => false,
            };
        findings.hold(
            is_whole,
            "chat.call-head",
            format!("an incomplete call: {}", excerpt(&call.to_string())),
        );
        if let Some(text) = function["arguments"].as_str() {
            arguments(text, reason, findings);
        }
    }
    finish_agrees(reason, calls.len(), findings);
}

/// The arguments of a call, once they are whole.
pub(super) fn arguments(text: &str, reason: &str, findings: &mut Findings) {
    let is_object = serde_json::from_str::<Value>(text).is_ok_and(|value| value.is_object());
    findings.hold(
        is_object || reason != "tool_calls",
        "chat.call-json",
        format!(
            "the arguments of a call are no JSON object: {}",
            excerpt(text)
        ),
    );
}

/// A choice ends in calls if and only if there are some, unless it was cut.
pub(super) fn finish_agrees(reason: &str, calls: usize, findings: &mut Findings) {
    let agrees =
        (reason == "tool_calls") == (calls > 0) || matches!(reason, "length" | "content_filter");
    findings.hold(
        agrees,
        "chat.finish-calls",
        format!(
            "finish_reason is `{}` and there are {calls} calls",
            excerpt(reason)
        ),
    );
}

/// What a message and a `message_start` have in common.
pub(super) fn message_head(message: &Value, findings: &mut Findings) {
    findings.hold(
        is_filled(&message["id"]),
        "messages.id",
        "`id` is missing or empty",
    );
    findings.hold(
        message["type"] == "message",
        "messages.type",
        "`type` is not `message`",
    );
    findings.hold(
        message["role"] == "assistant",
        "messages.role",
        "`role` is not `assistant`",
    );
    findings.hold(
        is_filled(&message["model"]),
        "messages.model",
        "`model` is missing or empty",
    );
}

fn message(body: &Value, findings: &mut Findings) {
    message_head(body, findings);
    stop(body, findings);
    let counts =
        at(body, "/usage/input_tokens").is_u64() && at(body, "/usage/output_tokens").is_u64();
    findings.hold(
        counts,
        "messages.usage",
        "usage lacks input_tokens or output_tokens",
    );
    let blocks = body["content"].as_array();
    findings.hold(blocks.is_some(), "messages.content", "`content` is no list");
    let mut calls = false;
    for (place, one) in blocks.into_iter().flatten().enumerate() {
        findings.go(format!("block {place}"));
        block(one, findings);
        calls |= one["type"] == "tool_use";
        let is_sealed = one["type"] != "thinking" || one["signature"].is_string();
        findings.hold(
            is_sealed,
            "messages.signature",
            "a thought without `signature`",
        );
    }
    let agrees = body["stop_reason"] != "tool_use" || calls;
    findings.hold(
        agrees,
        "messages.stop-calls",
        "stop_reason is `tool_use` and there is no call",
    );
}

/// A block of content, or its beginning in a stream.
pub(super) fn block(block: &Value, findings: &mut Findings) {
    let kind = block["type"].as_str().unwrap_or_default();
    let texts: &[&str] = match kind {
        "" => {
            findings.broken("messages.block-type", "a block without `type`");
            &[]
        }
        "text" => &["text"],
        "thinking" => &["thinking"],
        "redacted_thinking" => &["data"],
        "tool_use" => &["id", "name"],
        _ => &[],
    };
    for key in texts {
        findings.hold(
            block[*key].is_string(),
            "messages.block-member",
            format!("a block `{kind}` without `{key}`"),
        );
    }
    let is_whole = kind != "tool_use"
        || block["input"].is_object() && is_filled(&block["id"]) && is_filled(&block["name"]);
    findings.hold(
        is_whole,
        "messages.call",
        "a call without id, name or input",
    );
}

/// Why a message ended.
pub(super) fn stop(holder: &Value, findings: &mut Findings) {
    let reason = holder["stop_reason"].as_str().unwrap_or_default();
    findings.hold(
        STOP_REASONS.contains(&reason),
        "messages.stop-reason",
        format!("a foreign stop_reason: {}", excerpt(reason)),
    );
    let fits = holder
        .get("stop_sequence")
        .is_some_and(|value| value.is_string() || value.is_null());
    findings.hold(
        fits,
        "messages.stop-sequence",
        "`stop_sequence` is neither a string nor null",
    );
}
