//! What these tests share: a gateway with guards before a provider that says what it is told to.

use serde_json::{Value, json};

use crate::support::{Answer, Do, Gateway, Scripted};

/// All gateways of these tests make the same placeholders.
const PEPPER: &str =
    "pepper: \"1111111111111111111111111111111111111111111111111111111111111111\"\n";

/// An address that nobody has.
pub(crate) const MAIL: &str = "ann.lee@example.org";

/// A key of GitHub's form that is none.
pub(crate) fn secret() -> String {
    ["gh", "p_", "16C7e42F292c6912E7710c838347Ae178B4a"].concat()
}

/// A gateway with these further settings before a provider `p`.
pub(crate) async fn world(filters: &str, scripts: Vec<Vec<Do>>) -> (Scripted, Gateway) {
    let upstream = Scripted::new(scripts).await;
    let providers = upstream.provider("p", "");
    let gateway = Gateway::start(&format!("{PEPPER}providers:\n{providers}{filters}")).await;
    (upstream, gateway)
}

/// The steps of an answer in one piece that says this.
pub(crate) fn says(text: &str) -> Vec<Do> {
    Do::json(&completion(
        &json!({ "role": "assistant", "content": text }),
        "stop",
    ))
}

/// A chat completion with that message.
pub(crate) fn completion(message: &Value, finish: &str) -> Value {
    json!({
        "id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{ "index": 0, "finish_reason": finish, "message": message }],
        "usage": { "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2 },
    })
}

/// Asks in a chat.
pub(crate) async fn chat(gateway: &Gateway, text: &str, stream: bool) -> Answer {
    let messages = json!([{ "role": "user", "content": text }]);
    let body = json!({ "model": "p/m", "stream": stream, "messages": messages });
    gateway
        .post("/v1/chat/completions", &[], &body.to_string())
        .await
}

/// The text of the first message that the provider got.
pub(crate) fn received(upstream: &Scripted) -> String {
    let body: Value = serde_json::from_slice(&upstream.received()[0].body).expect("JSON");
    let told = body["messages"][0]["content"].as_str();
    told.expect("a text").to_owned()
}
