//! A request in Anthropic's grammar. Anthropic is strict where OpenAI is not, and so is this: what
//! a gateway translates wrongly is refused here in the words that Anthropic has for it.

use serde::Deserialize;
use serde_json::Value;

use super::turns::Talk;
use super::{Asked, Endpoint, Malformed, Read, Tool, named, parsed, stops, text, words};

/// The least that `thinking` may spend.
const LEAST_BUDGET: u64 = 1024;

#[derive(Deserialize)]
struct Body {
    model: Option<String>,
    messages: Option<Vec<Value>>,
    max_tokens: Option<i64>,
    #[serde(default)]
    system: Value,
    stream: Option<bool>,
    #[serde(default)]
    stop_sequences: Value,
    temperature: Option<f64>,
    #[serde(default)]
    tools: Vec<Value>,
    tool_choice: Option<Choice>,
    thinking: Option<Thinking>,
    output_config: Option<OutputConfig>,
    /// The name that the beta had.
    output_format: Option<Format>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(rename = "type", default)]
    kind: String,
}

#[derive(Deserialize)]
struct Thinking {
    #[serde(rename = "type", default)]
    kind: String,
    budget_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct OutputConfig {
    format: Option<Format>,
}

#[derive(Deserialize)]
struct Format {
    #[serde(rename = "type", default)]
    kind: String,
    schema: Option<Value>,
}

/// An error whose message names the place, as Anthropic writes it.
pub(super) fn wrong(place: &str, what: &str) -> Malformed {
    Malformed::because(format!("{place}: {what}"))
}

pub(super) fn read(endpoint: Endpoint, body: &[u8]) -> Read {
    let body: Body = parsed(body)?;
    let model = named(body.model.clone()).map_err(|_| wrong("model", "Field required"))?;
    let limit = limit(endpoint, &body)?;
    reasonable(&body)?;
    let tools = tools(&body.tools)?;
    let system = system(&body.system)?;
    let Some(messages) = &body.messages else {
        return Err(wrong("messages", "Field required"));
    };
    let talk = Talk::read(messages)?;
    let asked = Asked {
        stream: body.stream == Some(true),
        limit,
        stops: stops(&body.stop_sequences),
        last_text: talk.last_text,
        images: talk.images,
        after_tool: talk.after_tool,
        first_tool: tools,
        schema: schema(body.output_config, body.output_format)?,
        thoughts: talk.thoughts,
        prompt_tokens: words(&system) + talk.words,
        ..Asked::unread(endpoint)
    };
    Ok((model, asked))
}

fn limit(endpoint: Endpoint, body: &Body) -> Result<Option<u64>, Malformed> {
    match (endpoint, body.max_tokens) {
        (Endpoint::CountTokens, _) => Ok(None),
        (_, None) => Err(wrong("max_tokens", "Field required")),
        (_, Some(limit)) => match u64::try_from(limit) {
            Ok(limit) if limit > 0 => Ok(Some(limit)),
            _ => Err(wrong(
                "max_tokens",
                "Input should be greater than or equal to 1",
            )),
        },
    }
}

/// The rules about how parameters go together.
fn reasonable(body: &Body) -> Result<(), Malformed> {
    let temperature = body.temperature.unwrap_or(1.0);
    if !(0.0..=1.0).contains(&temperature) {
        return Err(wrong("temperature", "range: 0..1"));
    }
    let choice = body.tool_choice.as_ref();
    let choice = choice.map_or("auto", |choice| choice.kind.as_str());
    if !["auto", "any", "tool", "none"].contains(&choice) {
        return Err(unexpected(
            "tool_choice",
            choice,
            &["auto", "any", "tool", "none"],
        ));
    }
    let Some(thinking) = &body.thinking else {
        return Ok(());
    };
    match (thinking.kind.as_str(), thinking.budget_tokens) {
        ("disabled", _) => return Ok(()),
        ("adaptive" | "between_tools", _) => {}
        ("enabled", None) => return Err(wrong("thinking.enabled.budget_tokens", "Field required")),
        ("enabled", Some(budget)) if budget < LEAST_BUDGET => {
            let what = format!("Input should be greater than or equal to {LEAST_BUDGET}");
            return Err(wrong("thinking.enabled.budget_tokens", &what));
        }
        ("enabled", Some(budget)) => {
            let most = body.max_tokens.map(u64::try_from);
            if most.is_some_and(|most| most.is_ok_and(|most| most <= budget)) {
                let what = "`max_tokens` must be greater than `thinking.budget_tokens`";
                return Err(Malformed::because(what));
            }
        }
        (kind, _) => {
            return Err(unexpected(
                "thinking",
                kind,
                &["adaptive", "disabled", "enabled"],
            ));
        }
    }
    if (temperature - 1.0).abs() > f64::EPSILON {
        let what = "`temperature` may only be set to 1 when thinking is enabled.";
        return Err(Malformed::because(what));
    }
    if ["any", "tool"].contains(&choice) {
        let what = "Thinking may not be enabled when tool_choice forces tool use.";
        return Err(Malformed::because(what));
    }
    Ok(())
}

/// A `type` that is not among those known at this place.
pub(super) fn unexpected(place: &str, kind: &str, known: &[&str]) -> Malformed {
    let known = known.join("', '");
    let what = format!(
        "Input tag '{kind}' found using 'type' does not match any of the expected tags: '{known}'"
    );
    wrong(place, &what)
}

/// The first tool that the client runs itself.
fn tools(tools: &[Value]) -> Result<Option<Tool>, Malformed> {
    let mut first = None;
    for (index, tool) in tools.iter().enumerate() {
        match tool.get("type").and_then(Value::as_str) {
            None | Some("custom") => {}
            // Those that Anthropic runs or defines carry a date or stand in a toolset.
            Some(kind) if kind.contains("_20") || kind.contains("toolset") => continue,
            Some(kind) => {
                return Err(unexpected(&format!("tools.{index}"), kind, &["custom"]));
            }
        }
        let place = |field: &str| format!("tools.{index}.custom.{field}");
        let name = tool.get("name").and_then(Value::as_str);
        let name = name.ok_or_else(|| wrong(&place("name"), "Field required"))?;
        if !is_name(name) {
            let what = "String should match pattern '^[a-zA-Z0-9_-]{1,128}$'";
            return Err(wrong(&place("name"), what));
        }
        let schema = tool.get("input_schema");
        let schema = schema.ok_or_else(|| wrong(&place("input_schema"), "Field required"))?;
        if schema.get("type").and_then(Value::as_str) != Some("object") {
            let what = "Input should be 'object'";
            return Err(wrong(&place("input_schema.type"), what));
        }
        first.get_or_insert_with(|| Tool {
            name: name.to_owned(),
            schema: Some(schema.clone()),
        });
    }
    Ok(first)
}

fn is_name(name: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=128).contains(&name.len()) && name.bytes().all(known)
}

fn system(system: &Value) -> Result<String, Malformed> {
    let blocks = system.as_array().into_iter().flatten();
    for (index, block) in blocks.enumerate() {
        let kind = block.get("type").and_then(Value::as_str);
        if kind != Some("text") {
            let place = format!("system.{index}");
            return Err(unexpected(&place, kind.unwrap_or_default(), &["text"]));
        }
    }
    match system {
        Value::Null | Value::String(_) | Value::Array(_) => Ok(text(system)),
        _ => Err(wrong("system", "Input should be a valid string or list")),
    }
}

fn schema(config: Option<OutputConfig>, beta: Option<Format>) -> Result<Option<Value>, Malformed> {
    let Some(format) = config.and_then(|config| config.format).or(beta) else {
        return Ok(None);
    };
    if format.kind != "json_schema" {
        let place = "output_config.format";
        return Err(unexpected(place, &format.kind, &["json_schema"]));
    }
    match format.schema {
        Some(schema) => Ok(Some(schema)),
        None => Err(wrong("output_config.format.schema", "Field required")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A request with these members besides the required ones; null takes one away.
    fn asked(more: &Value) -> Result<Asked, String> {
        let mut body = json!({"model": "echo", "max_tokens": 100,
            "messages": [{"role": "user", "content": "one two"}]});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        body.as_object_mut()
            .unwrap()
            .retain(|_, value| !value.is_null());
        let read = read(Endpoint::Messages, body.to_string().as_bytes());
        read.map(|(_, asked)| asked).map_err(|error| error.message)
    }

    #[test]
    fn the_parameters_shape_the_answer() {
        let asked = asked(&json!({"system": [{"type": "text", "text": "be brief"}],
            "stop_sequences": ["x"], "stream": true,
            "tools": [{"type": "web_search_20250305", "name": "web_search"},
                {"name": "f", "input_schema": {"type": "object"}}],
            "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {}}}}))
        .unwrap();
        assert_eq!((asked.prompt_tokens, asked.limit), (4, Some(100)));
        assert!(asked.stream && asked.schema.is_some());
        assert_eq!(asked.first_tool.unwrap().name, "f");
        assert_eq!(asked.stops, ["x"]);
    }

    #[test]
    fn what_anthropic_refuses_is_refused_in_its_words() {
        let openai_tool = json!([{"type": "function", "function": {"name": "f"}}]);
        let thinking = |budget| json!({"type": "enabled", "budget_tokens": budget});
        let cases = [
            (json!({"model": null}), "model: Field required"),
            (json!({"max_tokens": null}), "max_tokens: Field required"),
            (json!({"max_tokens": 0}), "max_tokens: Input should be"),
            (json!({"messages": null}), "messages: Field required"),
            (json!({"temperature": 1.5}), "temperature: range: 0..1"),
            (
                json!({"tools": openai_tool}),
                "tools.0: Input tag 'function'",
            ),
            (
                json!({"tools": [{"name": "f"}]}),
                "tools.0.custom.input_schema: Field",
            ),
            (
                json!({"tools": [{"name": "a b", "input_schema": {"type": "object"}}]}),
                "tools.0.custom.name: String",
            ),
            (
                json!({"tool_choice": {"type": "required"}}),
                "tool_choice: Input tag 'required'",
            ),
            (
                json!({"system": [{"type": "image"}]}),
                "system.0: Input tag 'image'",
            ),
            (
                json!({"thinking": thinking(10)}),
                "thinking.enabled.budget_tokens: Input",
            ),
            (
                json!({"thinking": thinking(2000)}),
                "`max_tokens` must be greater",
            ),
            (
                json!({"thinking": thinking(1024), "max_tokens": 4000, "temperature": 0.5}),
                "`temperature` may only be set to 1",
            ),
            (
                json!({"thinking": {"type": "adaptive"}, "tool_choice": {"type": "any"}}),
                "Thinking may not be enabled",
            ),
            (
                json!({"output_config": {"format": {"type": "json_object"}}}),
                "output_config.format: Input tag",
            ),
        ];
        for (more, expected) in cases {
            let message = asked(&more).unwrap_err();
            assert!(message.starts_with(expected), "{more}: {message}");
        }
    }

    #[test]
    fn counting_needs_no_limit() {
        let body = json!({"model": "echo", "messages": [{"role": "user", "content": "one two"}]});
        let (_, asked) = read(Endpoint::CountTokens, body.to_string().as_bytes()).unwrap();
        assert_eq!((asked.prompt_tokens, asked.limit), (2, None));
    }
}
