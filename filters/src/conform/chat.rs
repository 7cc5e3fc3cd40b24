//! Chunks of OpenAI's chat completions as a machine: what each chunk must hold,
//! and what may follow on what. Source: OpenAI's published OpenAPI description
//! (`CreateChatCompletionStreamResponse`) and what its clients do with it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Findings;
use super::bodies::{self, FINISH_REASONS};
use super::findings::excerpt;
use super::frames::{Event, Payload};

/// The state of a stream.
#[derive(Debug)]
pub(super) struct ChatStream {
    wants_usage: bool,
    head: Option<(Value, Value, Value)>,
    choices: BTreeMap<u64, Choice>,
    saw_usage: bool,
    is_done: bool,
    has_failed: bool,
}

/// The state of one choice.
#[derive(Debug, Default)]
struct Choice {
    finish: Option<String>,
    /// Name and arguments so far, by index.
    calls: Vec<(bool, String)>,
}

impl ChatStream {
    pub(super) fn new(wants_usage: bool) -> Self {
        Self {
            wants_usage,
            head: None,
            choices: BTreeMap::new(),
            saw_usage: false,
            is_done: false,
            has_failed: false,
        }
    }

    pub(super) fn take(&mut self, event: &Event, findings: &mut Findings) {
        findings.go(format!("event {}", event.number));
        findings.hold(
            !self.is_done,
            "chat.after-done",
            "something follows on [DONE]",
        );
        let chunk = match &event.payload {
            Payload::Done => {
                self.is_done = true;
                return;
            }
            Payload::Object(chunk) => chunk,
        };
        if chunk.get("error").is_some_and(|error| !error.is_null()) {
            self.has_failed = true;
            findings.broken(
                "chat.error",
                format!("the stream fails: {}", excerpt(&chunk["error"].to_string())),
            );
            return;
        }
        let is_nameless = event.name.as_deref().is_none_or(|name| name == "message");
        findings.hold(
            is_nameless,
            "chat.event-name",
            "clients look for events without a name",
        );
        findings.hold(
            !self.saw_usage,
            "chat.after-usage",
            "a chunk follows on the one with usage",
        );
        self.head(chunk, findings);
        self.usage(chunk, findings);
        match chunk["choices"].as_array() {
            Some(choices) => {
                for choice in choices {
                    self.choice(choice, findings);
                }
            }
            None => findings.broken("chat.choices", "`choices` is no list"),
        }
    }

    fn head(&mut self, chunk: &Value, findings: &mut Findings) {
        bodies::head(chunk, "chat.completion.chunk", findings);
        let head = (
            chunk["id"].clone(),
            chunk["created"].clone(),
            chunk["model"].clone(),
        );
        match &self.head {
            Some(first) => findings.hold(
                *first == head,
                "chat.same-head",
                "id, created or model differ from the first chunk's",
            ),
            None => self.head = Some(head),
        }
    }

    fn usage(&mut self, chunk: &Value, findings: &mut Findings) {
        let Some(usage) = chunk.get("usage").filter(|usage| !usage.is_null()) else {
            return;
        };
        findings.hold(
            self.wants_usage,
            "chat.usage-unasked",
            "usage that nobody asked for",
        );
        let is_alone = chunk["choices"].as_array().is_some_and(Vec::is_empty);
        findings.hold(
            is_alone,
            "chat.usage-alone",
            "the chunk with usage has choices",
        );
        bodies::usage(usage, findings);
        self.saw_usage = true;
    }

    fn choice(&mut self, choice: &Value, findings: &mut Findings) {
        let Some(index) = choice["index"].as_u64() else {
            findings.broken("chat.index", "a choice without `index`");
            return;
        };
        let is_first = !self.choices.contains_key(&index);
        let state = self.choices.entry(index).or_default();
        findings.hold(
            state.finish.is_none(),
            "chat.after-finish",
            format!("choice {index} goes on after its finish_reason"),
        );
        let logprobs = choice.get("logprobs");
        findings.hold(
            logprobs.is_none_or(|value| value.is_null() || value.is_object()),
            "chat.logprobs",
            "`logprobs` is neither null nor an object",
        );
        let Some(delta) = choice["delta"].as_object() else {
            findings.broken("chat.delta", "a choice without `delta`");
            return;
        };
        if is_first {
            let is_assistant = delta.get("role").is_some_and(|role| role == "assistant");
            findings.hold(
                is_assistant,
                "chat.role-first",
                format!("the first delta of choice {index} has no role `assistant`"),
            );
        }
        for text in ["content", "refusal", "reasoning_content", "reasoning"] {
            let fits = delta
                .get(text)
                .is_none_or(|value| value.is_string() || value.is_null());
            findings.hold(
                fits,
                "chat.delta-text",
                format!("`delta.{text}` is neither a string nor null"),
            );
        }
        match delta.get("tool_calls") {
            None | Some(Value::Null) => {}
            Some(Value::Array(calls)) => {
                for call in calls {
                    state.call(call, findings);
                }
            }
            Some(_) => findings.broken("chat.tool-calls", "`delta.tool_calls` is no list"),
        }
        match choice.get("finish_reason") {
            None => findings.broken("chat.finish-key", "a choice without `finish_reason`"),
            Some(Value::Null) => {}
            Some(reason) => state.end(reason, findings),
        }
    }

    pub(super) fn finish(&mut self, findings: &mut Findings) {
        findings.go("end of the stream");
        if self.has_failed {
            return;
        }
        findings.hold(self.is_done, "chat.done", "there is no `data: [DONE]`");
        findings.hold(
            !self.choices.is_empty(),
            "chat.no-choice",
            "no choice was ever begun",
        );
        for (index, choice) in &self.choices {
            findings.hold(
                choice.finish.is_some(),
                "chat.unfinished",
                format!("choice {index} has no finish_reason"),
            );
        }
        findings.hold(
            !self.wants_usage || self.saw_usage,
            "chat.usage-missing",
            "usage was asked for and did not come",
        );
    }
}

impl Choice {
    fn call(&mut self, call: &Value, findings: &mut Findings) {
        let place = call["index"]
            .as_u64()
            .and_then(|index| usize::try_from(index).ok());
        let Some(place) = place.filter(|place| *place <= self.calls.len()) else {
            findings.broken(
                "chat.call-index",
                format!("a call without `index`, or out of turn: {}", call["index"]),
            );
            return;
        };
        let function = &call["function"];
        let arguments = function["arguments"].as_str();
        if place == self.calls.len() {
            let is_named = function["name"]
                .as_str()
                .is_some_and(|name| !name.is_empty());
            let has_id = call["id"].as_str().is_some_and(|id| !id.is_empty());
            let is_typed = call["type"] == "function" || call["type"] == "custom";
            let is_custom = call["type"] == "custom";
            findings.hold(
                is_typed && has_id && (is_named || is_custom),
                "chat.call-head",
                "the first piece of a call lacks id, type or name",
            );
            self.calls.push((is_custom, String::new()));
        }
        if let (Some((_, all)), Some(more)) = (self.calls.get_mut(place), arguments) {
            all.push_str(more);
        }
        let fits = function.get("arguments").is_none_or(Value::is_string);
        findings.hold(
            fits,
            "chat.call-arguments",
            "`function.arguments` is no string",
        );
    }

    fn end(&mut self, reason: &Value, findings: &mut Findings) {
        let reason = reason.as_str().unwrap_or_default();
        findings.hold(
            FINISH_REASONS.contains(&reason),
            "chat.finish-reason",
            format!("a foreign finish_reason: {}", excerpt(reason)),
        );
        let calls = self.calls.iter().filter(|(is_custom, _)| !is_custom);
        for (_, arguments) in calls {
            bodies::arguments(arguments, reason, findings);
        }
        bodies::finish_agrees(reason, self.calls.len(), findings);
        self.finish = Some(reason.to_owned());
    }
}
