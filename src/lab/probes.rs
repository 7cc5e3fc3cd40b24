//! The questions: what official clients send, and what they must not be sent for it.

use alfred_filters::conform::{Body, Grammar};
use serde_json::{Value, json};

use super::{Client, Subject};

/// One question.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) client: Client,
    pub(super) name: &'static str,
    pub(super) path: &'static str,
    /// `None` for a GET.
    pub(super) body: Option<Vec<u8>>,
    /// Sent with the subject's key; otherwise with one that nobody knows.
    pub(super) has_key: bool,
    pub(super) expected: Expected,
}

/// The answer that a client may count on.
#[derive(Debug)]
pub(super) enum Expected {
    /// 200 with a body.
    Whole(Body),
    /// 200 with a stream.
    Stream(Grammar),
    /// A refusal with one of these statuses.
    Error(Body, &'static [u16]),
}

impl Expected {
    pub(super) fn statuses(&self) -> &'static [u16] {
        match self {
            Self::Whole(_) | Self::Stream(_) => &[200],
            Self::Error(_, statuses) => statuses,
        }
    }

    /// The statuses in words.
    pub(super) fn words(&self) -> String {
        let words: Vec<String> = self.statuses().iter().map(u16::to_string).collect();
        words.join(" or ")
    }

    pub(super) fn content_type(&self) -> &'static str {
        match self {
            Self::Stream(_) => "text/event-stream",
            Self::Whole(_) | Self::Error(..) => "application/json",
        }
    }
}

/// Every question to this subject, client by client.
pub(super) fn all(subject: &Subject) -> Vec<Probe> {
    let mut probes = chat(&subject.model);
    if let Some(model) = &subject.embeddings {
        probes.extend(embeddings(model));
    }
    probes.extend(messages(&subject.model));
    // Where no key is wanted, a wrong one need not be refused.
    probes.retain(|probe| probe.has_key || subject.key.is_some());
    probes
}

fn post(
    client: Client,
    name: &'static str,
    path: &'static str,
    body: &Value,
    expected: Expected,
) -> Probe {
    Probe {
        client,
        name,
        path,
        body: Some(body.to_string().into_bytes()),
        has_key: true,
        expected,
    }
}

/// The object with more members.
fn with(mut object: Value, more: &Value) -> Value {
    if let (Some(object), Some(more)) = (object.as_object_mut(), more.as_object()) {
        object.extend(more.clone());
    }
    object
}

fn schema() -> Value {
    json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})
}

fn chat(model: &str) -> Vec<Probe> {
    const PATH: &str = "/v1/chat/completions";
    const REFUSED: Expected = Expected::Error(Body::OpenAiError, &[400, 422]);
    let asks = |content: &str| json!([{"role": "user", "content": content}]);
    let plain =
        json!({"model": model, "messages": asks("Say hello in one word."), "max_tokens": 64});
    let streamed = with(plain.clone(), &json!({"stream": true}));
    let counted = with(
        streamed.clone(),
        &json!({"stream_options": {"include_usage": true}}),
    );
    let tools = json!({
        "messages": asks("What is the weather in Paris?"),
        "tools": [{"type": "function", "function": {
            "name": "weather", "description": "The weather in a city.", "parameters": schema()}}],
        "tool_choice": "auto",
    });
    let turn = json!({"messages": [
        {"role": "user", "content": "What is the weather in Paris?"},
        {"role": "assistant", "content": null, "tool_calls": [{"id": "call_lab000001", "type": "function",
            "function": {"name": "weather", "arguments": "{\"city\":\"Paris\"}"}}]},
        {"role": "tool", "tool_call_id": "call_lab000001", "content": "sunny"},
    ]});
    let turn = with(tools.clone(), &turn);
    let ask = |name, body: &Value, expected| post(Client::Chat, name, PATH, body, expected);
    let usage = |usage| Expected::Stream(Grammar::Chat { usage });
    let mut probes = vec![
        ask("whole", &plain, Expected::Whole(Body::Chat)),
        ask("streamed", &streamed, usage(false)),
        ask("streamed, with usage", &counted, usage(true)),
        ask(
            "tools",
            &with(plain.clone(), &tools),
            Expected::Whole(Body::Chat),
        ),
        ask(
            "tools, streamed",
            &with(counted.clone(), &tools),
            usage(true),
        ),
        ask(
            "result of a tool",
            &with(plain.clone(), &turn),
            Expected::Whole(Body::Chat),
        ),
        ask(
            "result of a tool, streamed",
            &with(counted, &turn),
            usage(true),
        ),
        ask("no messages", &json!({"model": model}), REFUSED),
        ask(
            "messages that are no list",
            &json!({"model": model, "messages": "hello"}),
            REFUSED,
        ),
        ask(
            "a model that nobody has",
            &with(plain.clone(), &json!({"model": "lab/no-such-model"})),
            unknown(Body::OpenAiError),
        ),
    ];
    probes.extend(odd(Client::Chat, PATH, &plain, Body::OpenAiError));
    probes.push(Probe {
        client: Client::Chat,
        name: "models",
        path: "/v1/models",
        body: None,
        has_key: true,
        expected: Expected::Whole(Body::Models),
    });
    probes
}

fn unknown(body: Body) -> Expected {
    Expected::Error(body, &[400, 403, 404])
}

/// What every door must refuse.
fn odd(client: Client, path: &'static str, plain: &Value, error: Body) -> [Probe; 2] {
    let cut = post(
        client,
        "a body cut short",
        path,
        plain,
        Expected::Error(error, &[400, 422]),
    );
    let stranger = post(
        client,
        "a key that nobody has",
        path,
        plain,
        Expected::Error(error, &[401, 403]),
    );
    [
        Probe {
            body: cut.body.map(|mut body| {
                body.truncate(body.len() / 2);
                body
            }),
            ..cut
        },
        Probe {
            has_key: false,
            ..stranger
        },
    ]
}

fn embeddings(model: &str) -> Vec<Probe> {
    const PATH: &str = "/v1/embeddings";
    let one = json!({"model": model, "input": "hello"});
    let two = json!({"model": model, "input": ["hello", "world"], "encoding_format": "float"});
    let base64 = with(two.clone(), &json!({"encoding_format": "base64"}));
    let ask = |name, body: &Value| {
        post(
            Client::Chat,
            name,
            PATH,
            body,
            Expected::Whole(Body::Embeddings),
        )
    };
    vec![
        ask("embedding", &one),
        ask("embeddings, floats", &two),
        ask("embeddings, base64", &base64),
    ]
}

fn messages(model: &str) -> Vec<Probe> {
    const PATH: &str = "/v1/messages";
    const REFUSED: Expected = Expected::Error(Body::AnthropicError, &[400, 422]);
    let asks = |content: &str| json!([{"role": "user", "content": content}]);
    let plain = json!({
        "model": model, "max_tokens": 64, "system": "Be brief.", "messages": asks("Say hello in one word.")});
    let streamed = with(plain.clone(), &json!({"stream": true}));
    let tools = json!({
        "messages": asks("What is the weather in Paris?"),
        "tools": [{"name": "weather", "description": "The weather in a city.", "input_schema": schema()}],
    });
    let turn = json!({"messages": [
        {"role": "user", "content": "What is the weather in Paris?"},
        {"role": "assistant", "content": [
            {"type": "tool_use", "id": "toolu_lab000001", "name": "weather", "input": {"city": "Paris"}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_lab000001", "content": "sunny"}]},
    ]});
    let turn = with(tools.clone(), &turn);
    let counted = json!({"model": model, "messages": asks("Say hello in one word.")});
    let ask = |name, body: &Value, expected| post(Client::Messages, name, PATH, body, expected);
    let stream = || Expected::Stream(Grammar::Messages);
    let mut probes = vec![
        ask("whole", &plain, Expected::Whole(Body::Message)),
        ask("streamed", &streamed, stream()),
        ask(
            "tools",
            &with(plain.clone(), &tools),
            Expected::Whole(Body::Message),
        ),
        ask("tools, streamed", &with(streamed.clone(), &tools), stream()),
        ask(
            "result of a tool",
            &with(plain.clone(), &turn),
            Expected::Whole(Body::Message),
        ),
        ask(
            "result of a tool, streamed",
            &with(streamed, &turn),
            stream(),
        ),
        ask(
            "no messages",
            &json!({"model": model, "max_tokens": 64}),
            REFUSED,
        ),
        ask(
            "a model that nobody has",
            &with(plain.clone(), &json!({"model": "lab/no-such-model"})),
            unknown(Body::AnthropicError),
        ),
    ];
    probes.push(post(
        Client::Messages,
        "count of tokens",
        "/v1/messages/count_tokens",
        &counted,
        Expected::Whole(Body::CountTokens),
    ));
    probes.extend(odd(Client::Messages, PATH, &plain, Body::AnthropicError));
    probes
}
