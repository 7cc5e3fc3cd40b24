//! A chat request in OpenAI's grammar. What does not shape the answer is accepted unread, as a
//! provider newer than the client would; `strict=1` looks closer.

use serde::Deserialize;
use serde_json::Value;

use super::{
    Asked, Endpoint, Images, MOST_CHOICES, Malformed, Read, Tool, bounded, named, parsed, stops,
    text, words,
};

#[derive(Deserialize)]
struct Body {
    model: Option<String>,
    #[serde(default)]
    messages: Vec<Message>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    n: Option<u64>,
    max_tokens: Option<u64>,
    max_completion_tokens: Option<u64>,
    #[serde(default)]
    stop: Value,
    tools: Option<Vec<Offered>>,
    response_format: Option<ResponseFormat>,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    #[serde(default)]
    content: Value,
}

#[derive(Deserialize)]
pub(super) struct StreamOptions {
    pub(super) include_usage: Option<bool>,
}

#[derive(Deserialize)]
struct Offered {
    function: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    parameters: Option<Value>,
}

#[derive(Deserialize)]
struct ResponseFormat {
    json_schema: Option<JsonSchema>,
}

#[derive(Deserialize)]
struct JsonSchema {
    schema: Option<Value>,
}

pub(super) fn read(body: &[u8]) -> Read {
    let body: Body = parsed(body)?;
    let model = named(body.model)?;
    let messages = &body.messages;
    if messages.is_empty() {
        let message = "`messages` must hold at least one message";
        return Err(Malformed::of("messages", message));
    }
    let texts = messages.iter().map(|message| text(&message.content));
    let function = body.tools.into_iter().flatten();
    let function = function.filter_map(|tool| tool.function).next();
    let options = body.stream_options;
    let asked = Asked {
        stream: body.stream == Some(true),
        include_usage: options.and_then(|options| options.include_usage) == Some(true),
        choices: bounded("n", body.n, MOST_CHOICES)?,
        limit: body.max_completion_tokens.or(body.max_tokens),
        stops: stops(&body.stop),
        last_text: last_text(messages),
        images: images(messages),
        after_tool: messages.last().is_some_and(Message::is_result),
        first_tool: function.map(|function| Tool {
            name: function.name,
            schema: function.parameters,
        }),
        schema: body
            .response_format
            .and_then(|format| format.json_schema)
            .and_then(|json| json.schema),
        prompt_tokens: texts.map(|text| words(&text)).sum(),
        ..Asked::unread(Endpoint::Chat)
    };
    Ok((model, asked))
}

impl Message {
    fn is_result(&self) -> bool {
        self.role == "tool"
    }
}

/// The last user text, or all results of the tools that were called last.
fn last_text(messages: &[Message]) -> String {
    let speaks = |message: &Message| message.role == "user" || message.is_result();
    let Some(last) = messages.iter().rposition(speaks) else {
        return String::new();
    };
    let upto = messages.get(..=last).unwrap_or_default();
    let results = upto.iter().rev().take_while(|message| message.is_result());
    let many = results.count().max(1);
    let texts = upto.iter().skip(upto.len().saturating_sub(many));
    let texts: Vec<_> = texts.map(|message| text(&message.content)).collect();
    texts.join(" ")
}

fn images(messages: &[Message]) -> Images {
    let mut images = Images::default();
    let contents = messages
        .iter()
        .filter_map(|message| message.content.as_array());
    for part in contents.flatten() {
        if part.get("type").and_then(Value::as_str) == Some("image_url") {
            let address = part.get("image_url");
            // Mistral's clients send the address without an object around it.
            let url = address.and_then(|url| url.as_str().or_else(|| url.get("url")?.as_str()));
            let data = url.and_then(|url| url.strip_prefix("data:")?.split_once(";base64,"));
            images.see(data.map(|(_, base64)| base64));
        }
    }
    images
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn chat(body: &Value) -> Asked {
        read(body.to_string().as_bytes()).unwrap().1
    }

    #[test]
    fn the_last_user_text_is_found_in_strings_and_parts() {
        let asked = chat(&json!({"model": "echo", "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": [{"type": "text", "text": "hello"}, {"type": "image_url"}, {"type": "text", "text": "there"}]},
            {"role": "assistant", "content": "yes"},
        ]}));
        assert_eq!(asked.last_text, "hello there");
        assert_eq!(asked.prompt_tokens, 5);
        assert!(!asked.after_tool);
    }

    #[test]
    fn the_results_of_parallel_calls_are_all_quoted() {
        let asked = chat(&json!({"model": "echo", "messages": [
            {"role": "user", "content": "weather?"},
            {"role": "assistant", "tool_calls": []},
            {"role": "tool", "content": "sunny"},
            {"role": "tool", "content": [{"type": "text", "text": "rainy"}]},
        ]}));
        assert_eq!(asked.last_text, "sunny rainy");
        assert!(asked.after_tool);
        let nobody = chat(&json!({"model": "echo", "messages": [
            {"role": "system", "content": "be brief"}]}));
        assert_eq!(nobody.last_text, "");
    }

    #[test]
    fn images_are_counted_and_those_sent_along_measured() {
        let part = |url: Value| json!({"type": "image_url", "image_url": url});
        let parts = [
            part(json!({"url": "data:image/png;base64,AAAA"})),
            part(json!("data:image/png;base64,AAA=")),
            part(json!({"url": "https://example.com/a.png"})),
        ];
        let asked = chat(&json!({"model": "echo", "messages": [
            {"role": "user", "content": parts}]}));
        assert_eq!(asked.images, Images { count: 3, bytes: 5 });
    }

    #[test]
    fn nulls_are_the_same_as_absence() {
        let asked = chat(
            &json!({"model": "echo", "messages": [{"role": "user", "content": null}],
            "stream": null, "n": null, "tools": null, "response_format": null, "stream_options": null, "stop": null}),
        );
        assert!(!asked.stream && asked.stops.is_empty());
        assert_eq!(asked.choices, 1);
    }

    #[test]
    fn malformed_requests_name_the_field() {
        let field = |body: Value| read(body.to_string().as_bytes()).unwrap_err().field;
        let field = |body: Value| field(body).unwrap_or_default();
        assert_eq!(field(json!({"messages": []})), "model");
        assert_eq!(field(json!({"model": "echo"})), "messages");
        assert_eq!(
            field(json!({"model": "echo", "messages": [{"role": "user"}], "n": 0})),
            "n"
        );
        assert_eq!(field(json!([1, 2])), "");
    }
}
