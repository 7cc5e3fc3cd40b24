//! Request bodies.

use serde_json::{Value, json};

/// A chat request with one short question; `more` is merged into it.
pub(crate) fn chat(model: &str, more: Value) -> Vec<u8> {
    let mut body = json!({
        "model": model,
        "messages": [{"role": "user", "content": "one two three"}],
    });
    let (Value::Object(members), Value::Object(more)) = (&mut body, more) else {
        panic!("`more` must be an object");
    };
    members.extend(more);
    body.to_string().into_bytes()
}

/// A streamed chat request that asks for usage.
pub(crate) fn streaming(model: &str) -> Vec<u8> {
    chat(
        model,
        json!({"stream": true, "stream_options": {"include_usage": true}}),
    )
}

/// A chat request of exactly `size` bytes, filled up with its question.
pub(crate) fn chat_of(size: usize, model: &str, stream: bool) -> Vec<u8> {
    let (start, end) = (
        format!(r#"{{"model":"{model}","stream":{stream},"messages":[{{"role":"user","content":""#),
        r#""}]}"#,
    );
    let filling = size
        .checked_sub(start.len() + end.len())
        .expect("the size has room for the frame");
    // Words of eight bytes: a text without white space is not what anyone sends.
    let text: String = "payload ".chars().cycle().take(filling).collect();
    let body = format!("{start}{text}{end}").into_bytes();
    assert_eq!(body.len(), size);
    body
}
