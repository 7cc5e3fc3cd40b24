//! What `strict=1` looks for: members that the real provider does not know, which it refuses and
//! most servers that imitate it ignore. A gateway that translates must leave none behind.

use std::collections::HashSet;

use serde_json::Value;

use super::blocks::str_of;
use super::messages::wrong;
use super::{Dialect, Endpoint, Malformed, parsed};

const CHAT: &str = "model messages stream stream_options audio frequency_penalty function_call \
    functions logit_bias logprobs max_completion_tokens max_tokens metadata modalities moderation n \
    parallel_tool_calls prediction presence_penalty prompt_cache_key prompt_cache_options \
    prompt_cache_retention reasoning_effort response_format safety_identifier seed service_tier stop \
    store temperature tool_choice tools top_logprobs top_p user verbosity web_search_options";
const COMPLETIONS: &str = "model prompt stream stream_options best_of echo frequency_penalty \
    logit_bias logprobs max_tokens n presence_penalty seed stop suffix temperature top_p user";
const EMBEDDINGS: &str = "model input dimensions encoding_format user";
const COUNT_TOKENS: &str = "model messages system tools tool_choice thinking cache_control \
    output_config output_format context_management mcp_servers speed";
const MESSAGES: &str = "model messages system tools tool_choice thinking cache_control \
    output_config output_format context_management mcp_servers speed max_tokens stream metadata \
    stop_sequences temperature top_k top_p service_tier container inference_geo diagnostics \
    fallbacks compaction";

/// The members of an OpenAI message, of its parts and of its functions.
const MESSAGE: &str =
    "role content name refusal annotations audio tool_calls function_call tool_call_id";
const ROLES: &[&str] = &[
    "system",
    "developer",
    "user",
    "assistant",
    "tool",
    "function",
];
const PARTS: &[(&str, &str)] = &[
    ("text", "type text"),
    ("refusal", "type refusal"),
    ("image_url", "type image_url"),
    ("input_audio", "type input_audio"),
    ("file", "type file"),
];
const FUNCTION: &str = "name description parameters strict";

/// The members of Anthropic's blocks that are written by clients, and of tools.
const BLOCKS: &[(&str, &str)] = &[
    ("text", "type text cache_control citations"),
    ("image", "type source cache_control"),
    ("tool_use", "type id name input cache_control caller"),
    (
        "tool_result",
        "type tool_use_id content is_error cache_control",
    ),
    ("thinking", "type thinking signature"),
    ("redacted_thinking", "type data"),
];
const TOOL: &str = "type name description input_schema cache_control strict defer_loading \
    allowed_callers input_examples eager_input_streaming";

/// Refuses the first member that the surface does not know.
pub(in crate::mock) fn check(endpoint: Endpoint, body: &[u8]) -> Result<(), Malformed> {
    let body: Value = parsed(body)?;
    let known = match endpoint {
        Endpoint::Chat => CHAT,
        Endpoint::Completions => COMPLETIONS,
        Endpoint::Embeddings => EMBEDDINGS,
        Endpoint::Messages => MESSAGES,
        Endpoint::CountTokens => COUNT_TOKENS,
    };
    let stray = stray(&body, known);
    match endpoint.dialect() {
        Dialect::OpenAi => {
            stray.map_or(Ok(()), unknown)?;
            conversation(items(&body, "messages"))?;
            items(&body, "tools").iter().enumerate().try_for_each(tool)
        }
        Dialect::Anthropic => {
            stray.map_or(Ok(()), |name| Err(extra(name)))?;
            for (index, message) in items(&body, "messages").iter().enumerate() {
                message_of_anthropic(&format!("messages.{index}"), message)?;
            }
            for (index, tool) in items(&body, "tools").iter().enumerate() {
                let custom = matches!(str_of(tool, "type"), "" | "custom");
                if let Some(name) = self::stray(tool, TOOL).filter(|_| custom) {
                    return Err(extra(&format!("tools.{index}.custom.{name}")));
                }
            }
            Ok(())
        }
    }
}

/// The first member that is not among the known ones, which are words.
fn stray<'a>(object: &'a Value, known: &str) -> Option<&'a str> {
    let mut names = object.as_object()?.keys().map(String::as_str);
    names.find(|name| !known.split_whitespace().any(|word| word == *name))
}

fn items<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    let list = value.get(field).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

fn members(table: &[(&str, &'static str)], kind: &str) -> Option<&'static str> {
    let row = table.iter().find(|(known, _)| *known == kind);
    row.map(|(_, members)| *members)
}

fn extra(place: &str) -> Malformed {
    wrong(place, "Extra inputs are not permitted")
}

fn message_of_anthropic(place: &str, message: &Value) -> Result<(), Malformed> {
    if let Some(name) = stray(message, "role content") {
        return Err(extra(&format!("{place}.{name}")));
    }
    for (index, block) in items(message, "content").iter().enumerate() {
        let kind = str_of(block, "type");
        let known = members(BLOCKS, kind);
        if let Some(name) = known.and_then(|known| stray(block, known)) {
            return Err(extra(&format!("{place}.content.{index}.{kind}.{name}")));
        }
    }
    Ok(())
}

fn unknown(name: &str) -> Result<(), Malformed> {
    Err(Malformed {
        code: Some("unknown_parameter"),
        ..Malformed::of(name, format!("Unknown parameter: '{name}'."))
    })
}

fn invalid(place: &str, value: &str, known: &[&str]) -> Malformed {
    let known = known.join("', '");
    Malformed {
        code: Some("invalid_value"),
        ..Malformed::of(
            place,
            format!("Invalid value: '{value}'. Supported values are: '{known}'."),
        )
    }
}

/// Roles, parts, and that each call is answered by one result right after it.
fn conversation(messages: &[Value]) -> Result<(), Malformed> {
    let mut open: HashSet<&str> = HashSet::new();
    for (index, message) in messages.iter().enumerate() {
        let place = format!("messages[{index}]");
        let role = str_of(message, "role");
        if !ROLES.contains(&role) {
            return Err(invalid(&format!("{place}.role"), role, ROLES));
        }
        if let Some(name) = stray(message, MESSAGE) {
            return unknown(&format!("{place}.{name}"));
        }
        for (index, part) in items(message, "content").iter().enumerate() {
            content_part(&format!("{place}.content[{index}]"), part)?;
        }
        if role == "tool" {
            if !open.remove(str_of(message, "tool_call_id")) {
                let what = "messages with role 'tool' must be a response to a preceding message with 'tool_calls'.";
                return Err(Malformed::of(&format!("{place}.role"), what));
            }
            continue;
        }
        answered(&place, &open)?;
        let calls = items(message, "tool_calls").iter();
        open = calls.map(|call| str_of(call, "id")).collect();
    }
    answered(&format!("messages[{}]", messages.len()), &open)
}

fn answered(place: &str, open: &HashSet<&str>) -> Result<(), Malformed> {
    if open.is_empty() {
        return Ok(());
    }
    let mut open: Vec<_> = open.iter().copied().collect();
    open.sort_unstable();
    let what = format!(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: {}",
        open.join(", ")
    );
    Err(Malformed::of(&format!("{place}.role"), what))
}

fn content_part(place: &str, part: &Value) -> Result<(), Malformed> {
    let kind = str_of(part, "type");
    let Some(known) = members(PARTS, kind) else {
        let kinds: Vec<_> = PARTS.iter().map(|(kind, _)| *kind).collect();
        return Err(invalid(&format!("{place}.type"), kind, &kinds));
    };
    stray(part, known).map_or(Ok(()), |name| unknown(&format!("{place}.{name}")))
}

fn tool((index, tool): (usize, &Value)) -> Result<(), Malformed> {
    let place = format!("tools[{index}]");
    let kind = str_of(tool, "type");
    let inner = match kind {
        "function" => FUNCTION,
        "custom" => "name description format",
        other => {
            return Err(invalid(
                &format!("{place}.type"),
                other,
                &["function", "custom"],
            ));
        }
    };
    if let Some(name) = stray(tool, &format!("type {kind}")) {
        return unknown(&format!("{place}.{name}"));
    }
    let inside = tool.get(kind).and_then(|object| stray(object, inner));
    inside.map_or(Ok(()), |name| unknown(&format!("{place}.{kind}.{name}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn message(endpoint: Endpoint, body: &Value) -> String {
        let checked = check(endpoint, body.to_string().as_bytes());
        checked.map_or_else(|error| error.message, |()| String::new())
    }

    #[test]
    fn what_anthropic_does_not_know_is_named() {
        let text = |more: &str| json!([{"type": "text", "text": "a", more: 1}]);
        let cases = [
            (json!({"n": 1}), "n: Extra inputs are not permitted"),
            (
                json!({"messages": [{"role": "user", "name": "x"}]}),
                "messages.0.name: Extra",
            ),
            (
                json!({"messages": [{"role": "user", "content": text("index")}]}),
                "messages.0.content.0.text.index: Extra",
            ),
            (
                json!({"tools": [{"name": "f", "parameters": {}}]}),
                "tools.0.custom.parameters: Extra",
            ),
            (
                json!({"messages": [{"role": "user", "content": text("citations")}], "max_tokens": 1, "top_k": 1}),
                "",
            ),
        ];
        for (body, expected) in cases {
            let said = message(Endpoint::Messages, &body);
            assert!(
                said.starts_with(expected) && said.is_empty() == expected.is_empty(),
                "{body}: {said}"
            );
        }
        let said = message(Endpoint::CountTokens, &json!({"max_tokens": 1}));
        assert!(said.starts_with("max_tokens: Extra"), "{said}");
    }

    #[test]
    fn what_openai_does_not_know_is_named() {
        let calls = json!({"role": "assistant", "tool_calls": [{"id": "a"}, {"id": "b"}]});
        let result = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": "x"});
        let cases = [
            (
                json!({"max_tokens": 1, "top_k": 1}),
                "Unknown parameter: 'top_k'.",
            ),
            (
                json!({"messages": [{"role": "model"}]}),
                "Invalid value: 'model'",
            ),
            (
                json!({"messages": [{"role": "user", "cache_control": {}}]}),
                "Unknown parameter: 'messages[0].cache_control'",
            ),
            (
                json!({"messages": [{"role": "user", "content": [{"type": "image"}]}]}),
                "Invalid value: 'image'",
            ),
            (
                json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {}}]}]}),
                "Unknown parameter: 'messages[0].content[0].cache_control'",
            ),
            (
                json!({"tools": [{"name": "f", "input_schema": {}}]}),
                "Invalid value: ''",
            ),
            (
                json!({"tools": [{"type": "function", "function": {"name": "f", "input_schema": {}}}]}),
                "Unknown parameter: 'tools[0].function.input_schema'",
            ),
            (
                json!({"messages": [result("a")]}),
                "messages with role 'tool'",
            ),
            (
                json!({"messages": [calls, result("a")]}),
                "An assistant message with 'tool_calls'",
            ),
            (
                json!({"messages": [calls, result("b"), result("a"), {"role": "user"}]}),
                "",
            ),
        ];
        for (body, expected) in cases {
            let said = message(Endpoint::Chat, &body);
            assert!(
                said.starts_with(expected) && said.is_empty() == expected.is_empty(),
                "{body}: {said}"
            );
        }
        let said = message(
            Endpoint::Completions,
            &json!({"prompt": "a", "messages": []}),
        );
        assert_eq!(said, "Unknown parameter: 'messages'.");
    }
}
