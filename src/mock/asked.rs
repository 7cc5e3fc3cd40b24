//! What a request asks for, as far as a scripted answer depends on it. Everything else in the
//! request is accepted unread, as a provider newer than the client would.

use serde::Deserialize;
use serde_json::Value;

/// Which address was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    Chat,
    Embeddings,
}

/// The parts of a request that shape the answer.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) endpoint: Endpoint,
    pub(super) stream: bool,
    /// Usage was asked for with `stream_options`.
    pub(super) include_usage: bool,
    /// How many choices, at least one.
    pub(super) choices: usize,
    /// The most completion tokens per choice.
    pub(super) limit: Option<u64>,
    /// What `echo` answers: the last user text, or the tool result if that came last.
    pub(super) last_text: String,
    /// The conversation ends with a tool's result.
    pub(super) after_tool: bool,
    /// The name of the first function offered.
    pub(super) first_tool: Option<String>,
    /// The JSON Schema of the answer, if one is demanded.
    pub(super) schema: Option<Value>,
    /// Words in the prompt.
    pub(super) prompt_tokens: u64,
    /// The texts to embed.
    pub(super) inputs: Vec<String>,
    /// The length of an embedding.
    pub(super) dimensions: usize,
    /// Embeddings are wanted as base64 of little-endian floats.
    pub(super) base64: bool,
}

impl Asked {
    /// A request that the scenario answers without reading it.
    pub(super) fn unread(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            stream: false,
            include_usage: false,
            choices: 1,
            limit: None,
            last_text: String::new(),
            after_tool: false,
            first_tool: None,
            schema: None,
            prompt_tokens: 0,
            inputs: Vec::new(),
            dimensions: 1,
            base64: false,
        }
    }
}

/// A request the mock refuses: the field and what is wrong with it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    pub(super) field: Option<&'static str>,
    pub(super) message: String,
}

/// The most choices of one answer, as OpenAI has it.
const MOST_CHOICES: u64 = 128;
/// The most texts of one embeddings request, as OpenAI has it.
const MOST_INPUTS: usize = 2048;
const MOST_DIMENSIONS: u64 = 4096;

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
    tools: Option<Vec<Tool>>,
    response_format: Option<ResponseFormat>,
    #[serde(default)]
    input: Value,
    dimensions: Option<u64>,
    encoding_format: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    #[serde(default)]
    content: Value,
}

#[derive(Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

#[derive(Deserialize)]
struct Tool {
    function: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    name: String,
}

#[derive(Deserialize)]
struct ResponseFormat {
    json_schema: Option<JsonSchema>,
}

#[derive(Deserialize)]
struct JsonSchema {
    schema: Option<Value>,
}

/// Reads a request; gives the model's name beside it.
pub(super) fn read(endpoint: Endpoint, body: &[u8]) -> Result<(String, Asked), Malformed> {
    let body: Body = serde_json::from_slice(body).map_err(|error| Malformed {
        field: None,
        message: format!("the request is not the JSON expected here: {error}"),
    })?;
    let model = body.model.clone().ok_or_else(|| Malformed {
        field: Some("model"),
        message: "you must provide a model parameter".to_owned(),
    })?;
    let choices = bounded("n", body.n.unwrap_or(1), MOST_CHOICES)?;
    let dimensions = bounded("dimensions", body.dimensions.unwrap_or(16), MOST_DIMENSIONS)?;
    let base64 = body.encoding_format.as_deref() == Some("base64");
    let (inputs, prompt_tokens) = match endpoint {
        Endpoint::Chat => (Vec::new(), prompt_words(&body)?),
        Endpoint::Embeddings => texts(&body.input)?,
    };
    let spoken = |message: &&Message| message.role == "user" || message.role == "tool";
    let last = body.messages.iter().rev().find(spoken);
    let asked = Asked {
        endpoint,
        stream: body.stream == Some(true),
        include_usage: body
            .stream_options
            .and_then(|options| options.include_usage)
            == Some(true),
        choices,
        limit: body.max_completion_tokens.or(body.max_tokens),
        last_text: last
            .map(|message| text(&message.content))
            .unwrap_or_default(),
        after_tool: body
            .messages
            .last()
            .is_some_and(|message| message.role == "tool"),
        first_tool: body
            .tools
            .into_iter()
            .flatten()
            .find_map(|tool| tool.function)
            .map(|function| function.name),
        schema: body
            .response_format
            .and_then(|format| format.json_schema)
            .and_then(|json| json.schema),
        prompt_tokens,
        inputs,
        dimensions,
        base64,
    };
    Ok((model, asked))
}

fn bounded(field: &'static str, value: u64, most: u64) -> Result<usize, Malformed> {
    let refused = || Malformed {
        field: Some(field),
        message: format!("`{field}` must be between 1 and {most}, not {value}"),
    };
    let accepted = (1..=most)
        .contains(&value)
        .then_some(value)
        .ok_or_else(refused)?;
    usize::try_from(accepted).map_err(|_| refused())
}

fn prompt_words(body: &Body) -> Result<u64, Malformed> {
    if body.messages.is_empty() {
        return Err(Malformed {
            field: Some("messages"),
            message: "`messages` must hold at least one message".to_owned(),
        });
    }
    Ok(body
        .messages
        .iter()
        .map(|message| words(&text(&message.content)))
        .sum())
}

/// Counts tokens as the mock understands them: words between white space.
pub(super) fn words(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}

/// The text of a message's content: a string, or the text parts of a list.
fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|part| part.get("text")?.as_str());
            texts.collect::<Vec<_>>().join(" ")
        }
        _ => String::new(),
    }
}

/// The texts of an embeddings request and their words. Token ids are numbers: each is one token.
fn texts(input: &Value) -> Result<(Vec<String>, u64), Malformed> {
    let one = |value: &Value| match value {
        Value::String(text) => Some((text.clone(), words(text))),
        Value::Array(ids) if ids.iter().all(Value::is_u64) => {
            Some((Value::Array(ids.clone()).to_string(), ids.len() as u64))
        }
        _ => None,
    };
    let whole = one(input).filter(|_| input.as_array().is_none_or(|ids| !ids.is_empty()));
    let all = match (whole, input) {
        (Some(text), _) => Some(vec![text]),
        (None, Value::Array(list)) => list.iter().map(one).collect(),
        _ => None,
    };
    let all: Vec<(String, u64)> = all
        .filter(|all: &Vec<_>| (1..=MOST_INPUTS).contains(&all.len()))
        .ok_or_else(|| Malformed {
            field: Some("input"),
            message: format!("`input` must be a text, token ids, or 1 to {MOST_INPUTS} of them"),
        })?;
    let tokens = all.iter().map(|(_, tokens)| tokens).sum();
    Ok((all.into_iter().map(|(text, _)| text).collect(), tokens))
}

/// Finds the model's name in the first bytes of a request whose rest has not arrived.
///
/// An unescaped `"model"` cannot stand inside a JSON string, so the first one is a key (or, in a
/// request made to deceive, a value: then the whole body is read and decides).
pub(super) fn peeked_model(prefix: &[u8]) -> Option<String> {
    const KEY: &[u8] = b"\"model\"";
    let at = prefix.windows(KEY.len()).position(|window| window == KEY)?;
    let rest = prefix.get(at + KEY.len()..)?.trim_ascii_start();
    let rest = rest.strip_prefix(b":")?.trim_ascii_start();
    let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<String>();
    values.next()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn chat(body: &Value) -> Asked {
        read(Endpoint::Chat, body.to_string().as_bytes()).unwrap().1
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
    fn nulls_are_the_same_as_absence() {
        let asked = chat(
            &json!({"model": "echo", "messages": [{"role": "user", "content": null}],
            "stream": null, "n": null, "tools": null, "response_format": null, "stream_options": null}),
        );
        assert!(!asked.stream);
        assert_eq!(asked.choices, 1);
    }

    #[test]
    fn malformed_requests_name_the_field() {
        let field = |body: Value| {
            read(Endpoint::Chat, body.to_string().as_bytes())
                .unwrap_err()
                .field
        };
        assert_eq!(field(json!({"messages": []})), Some("model"));
        assert_eq!(field(json!({"model": "echo"})), Some("messages"));
        assert_eq!(
            field(json!({"model": "echo", "messages": [{"role": "user"}], "n": 0})),
            Some("n")
        );
        assert_eq!(field(json!([1, 2])), None);
    }

    #[test]
    fn every_form_of_embedding_input_is_read() {
        let inputs = |input: Value| {
            let body = json!({"model": "echo", "input": input}).to_string();
            read(Endpoint::Embeddings, body.as_bytes())
                .map(|(_, asked)| (asked.inputs.len(), asked.prompt_tokens))
        };
        assert_eq!(inputs(json!("one two")), Ok((1, 2)));
        assert_eq!(inputs(json!(["one two", "three"])), Ok((2, 3)));
        assert_eq!(inputs(json!([1, 2, 3])), Ok((1, 3)));
        assert_eq!(inputs(json!([[1, 2], [3]])), Ok((2, 3)));
        for wrong in [
            json!([]),
            json!({}),
            json!(null),
            json!(["a", {}]),
            json!([-1]),
        ] {
            assert!(inputs(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_model_is_seen_in_a_prefix_and_not_in_a_text() {
        assert_eq!(
            peeked_model(br#"{ "model" : "early?code=503", "mess"#).as_deref(),
            Some("early?code=503")
        );
        assert_eq!(
            peeked_model(br#"{"messages":[{"content":"say \"model\":\"x\" "#),
            None
        );
        assert_eq!(peeked_model(br#"{"model":"ear"#), None);
        assert_eq!(peeked_model(b"{\"model\""), None);
    }
}
