//! What these tests share: a gateway before the mock, which stands for a provider of each dialect,
//! and a caller of Anthropic's.

use serde_json::{Value, json};

use crate::support::{Answer, Gateway, Upstream};

/// The built-in mock is before a gateway as `gpt`, of OpenAI's dialect, and as `claude`.
pub(crate) struct World {
    pub(crate) mock: Upstream,
    pub(crate) gateway: Gateway,
}

impl World {
    /// `more` are further lines of the configuration.
    pub(crate) async fn start(more: &str) -> Self {
        let mock = Upstream::mock().await;
        let calm = "breaker: { failures: 100000, connect_errors: 100000 }, \
                    retry_budget: { minimum: 100000 }";
        let root = format!("http://{}", mock.addr);
        let yaml = format!(
            "providers:\n  \
             gpt: {{ kind: openai, keys: [sk-test], endpoints: [\"{root}/v1\"], {calm} }}\n  \
             vllm: {{ kind: openai_compatible, endpoints: [\"{root}/v1\"], {calm} }}\n  \
             claude: {{ kind: anthropic, keys: [sk-ant-test], endpoints: [\"{root}\"], {calm} }}\n\
             prices: {{ \"gpt/*\": {{ in: 1000, out: 3000 }}, \"vllm/*\": {{ in: 1, out: 1 }}, \
             \"claude/*\": {{ in: 2000, out: 5000, cache_read: 200, cache_write: 2500 }} }}\n{more}"
        );
        let gateway = Gateway::start(&yaml).await;
        Self { mock, gateway }
    }

    /// Asks as Anthropic's SDK does.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        let version = ["anthropic-version: 2023-06-01"];
        self.gateway.post(path, &version, &body.to_string()).await
    }

    /// Asks for a message.
    pub(crate) async fn message(&self, model: &str, more: Value) -> Answer {
        self.post("/v1/messages", &ask(model, more)).await
    }
}

/// Asks with nothing but a body.
pub(crate) async fn post(gateway: &Gateway, path: &str, body: &Value) -> Answer {
    gateway.post(path, &[], &body.to_string()).await
}

/// A request for a message, with further members.
pub(crate) fn ask(model: &str, more: Value) -> Value {
    let mut body = json!({
        "model": model,
        "max_tokens": 500,
        "messages": [{ "role": "user", "content": "one two three" }],
    });
    let Value::Object(members) = more else {
        panic!("further members are an object: {more}");
    };
    body.as_object_mut().expect("an object").extend(members);
    body
}

/// The events of an Anthropic stream: name and payload.
pub(crate) fn events(answer: &Answer) -> Vec<(String, Value)> {
    let text = answer.text();
    let event = |event: &str| {
        let name = event
            .lines()
            .find_map(|line| line.strip_prefix("event: "))?;
        let data = event.lines().find_map(|line| line.strip_prefix("data: "))?;
        Some((name.to_owned(), serde_json::from_str(data).expect("JSON")))
    };
    text.split("\n\n").filter_map(event).collect()
}

/// The text that the deltas of an Anthropic stream make.
pub(crate) fn streamed_text(events: &[(String, Value)]) -> String {
    let texts = events
        .iter()
        .filter_map(|(_, data)| data["delta"]["text"].as_str());
    texts.collect()
}
