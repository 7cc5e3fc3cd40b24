//! Events of Anthropic's Messages as a machine. Source: Anthropic's published
//! description of streaming and the accumulation in its clients.

use serde_json::Value;

use super::Findings;
use super::bodies;
use super::findings::excerpt;
use super::frames::{Event, Payload};

/// The state of a stream.
#[derive(Debug, Default)]
pub(super) struct MessageStream {
    stage: Stage,
    /// The open block: its kind and, of a call, its input so far.
    open: Option<(String, String)>,
    blocks: u64,
    is_sealed: bool,
    has_failed: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    #[default]
    Before,
    Content,
    /// After `message_delta`.
    Ended,
    Stopped,
}

impl MessageStream {
    pub(super) fn take(&mut self, event: &Event, findings: &mut Findings) {
        findings.go(format!("event {}", event.number));
        let Payload::Object(payload) = &event.payload else {
            findings.broken("messages.done", "this grammar has no [DONE]");
            return;
        };
        let kind = payload["type"].as_str().unwrap_or_default();
        findings.hold(
            event.name.as_deref() == Some(kind),
            "messages.event-name",
            format!("the `event:` line is not the type `{}`", excerpt(kind)),
        );
        findings.hold(
            self.stage != Stage::Stopped,
            "messages.after-stop",
            "something follows on message_stop",
        );
        match kind {
            "ping" => {}
            "error" => {
                self.has_failed = true;
                let error = excerpt(&payload["error"].to_string());
                findings.broken("messages.error", format!("the stream fails: {error}"));
            }
            "message_start" => self.start(payload, findings),
            "content_block_start" => self.open(payload, findings),
            "content_block_delta" => self.delta(payload, findings),
            "content_block_stop" => self.close(payload, findings),
            "message_delta" => self.end(payload, findings),
            "message_stop" => {
                findings.hold(
                    self.stage == Stage::Ended,
                    "messages.stop-early",
                    "message_stop before message_delta",
                );
                self.stage = Stage::Stopped;
            }
            other => findings.broken(
                "messages.type",
                format!("an unknown event: {}", excerpt(other)),
            ),
        }
    }

    fn start(&mut self, payload: &Value, findings: &mut Findings) {
        findings.hold(
            self.stage == Stage::Before,
            "messages.start-once",
            "a second message_start",
        );
        self.stage = Stage::Content;
        let message = &payload["message"];
        bodies::message_head(message, findings);
        let is_empty = message["content"].as_array().is_some_and(Vec::is_empty);
        findings.hold(
            is_empty,
            "messages.start-content",
            "message_start must hold an empty `content`",
        );
        let is_open = message.get("stop_reason").is_some_and(Value::is_null)
            && message.get("stop_sequence").is_some_and(Value::is_null);
        findings.hold(
            is_open,
            "messages.start-stop",
            "stop_reason and stop_sequence of message_start must be null",
        );
        let counts =
            message["usage"]["input_tokens"].is_u64() && message["usage"]["output_tokens"].is_u64();
        findings.hold(
            counts,
            "messages.start-usage",
            "message_start lacks counts of tokens",
        );
    }

    fn open(&mut self, payload: &Value, findings: &mut Findings) {
        self.expect_content(findings);
        findings.hold(
            self.open.is_none(),
            "messages.block-nested",
            "a block begins inside another",
        );
        findings.hold(
            payload["index"] == self.blocks,
            "messages.block-index",
            format!("block {} has the index {}", self.blocks, payload["index"]),
        );
        let block = &payload["content_block"];
        bodies::block(block, findings);
        self.open = Some((
            block["type"].as_str().unwrap_or_default().to_owned(),
            String::new(),
        ));
        self.is_sealed = false;
        self.blocks += 1;
    }

    fn delta(&mut self, payload: &Value, findings: &mut Findings) {
        self.expect_content(findings);
        let index = payload["index"].as_u64();
        let Some((kind, input)) = self
            .open
            .as_mut()
            .filter(|_| index.map(|at| at + 1) == Some(self.blocks))
        else {
            findings.broken("messages.delta-place", "a delta of no open block");
            return;
        };
        let delta = &payload["delta"];
        let name = delta["type"].as_str().unwrap_or_default();
        let (fits, member) = match name {
            "text_delta" => (kind == "text", "text"),
            "citations_delta" => (kind == "text", "citation"),
            "thinking_delta" => (kind == "thinking" && !self.is_sealed, "thinking"),
            "signature_delta" => (kind == "thinking", "signature"),
            "input_json_delta" => (kind.ends_with("tool_use"), "partial_json"),
            _ => (false, "type"),
        };
        findings.hold(
            fits,
            "messages.delta-kind",
            format!("a `{}` in a block `{}`", excerpt(name), excerpt(kind)),
        );
        let value = &delta[member];
        findings.hold(
            value.is_string() || member == "citation" && value.is_object(),
            "messages.delta-value",
            format!("`delta.{member}` is missing or of the wrong type"),
        );
        if name == "input_json_delta" {
            input.push_str(value.as_str().unwrap_or_default());
        }
        self.is_sealed |= name == "signature_delta";
    }

    fn close(&mut self, payload: &Value, findings: &mut Findings) {
        self.expect_content(findings);
        let is_last = payload["index"].as_u64().map(|at| at + 1) == Some(self.blocks);
        let Some((_, input)) = self.open.take().filter(|_| is_last) else {
            findings.broken("messages.stop-place", "the end of no open block");
            return;
        };
        let is_object = input.is_empty()
            || serde_json::from_str::<Value>(&input).is_ok_and(|value| value.is_object());
        findings.hold(
            is_object,
            "messages.input-json",
            format!("the input of a call is no JSON object: {}", excerpt(&input)),
        );
    }

    fn end(&mut self, payload: &Value, findings: &mut Findings) {
        findings.hold(
            self.stage == Stage::Content,
            "messages.delta-once",
            "message_delta out of turn",
        );
        findings.hold(
            self.open.is_none(),
            "messages.block-open",
            "the message ends inside a block",
        );
        self.stage = Stage::Ended;
        bodies::stop(&payload["delta"], findings);
        let counts = payload["usage"]["output_tokens"].is_u64();
        findings.hold(
            counts,
            "messages.end-usage",
            "message_delta lacks usage.output_tokens",
        );
    }

    fn expect_content(&self, findings: &mut Findings) {
        findings.hold(
            self.stage == Stage::Content,
            "messages.order",
            "content before message_start or after message_delta",
        );
    }

    pub(super) fn finish(&mut self, findings: &mut Findings) {
        findings.go("end of the stream");
        findings.hold(
            self.has_failed || self.stage == Stage::Stopped,
            "messages.unfinished",
            "there is no message_stop",
        );
    }
}
