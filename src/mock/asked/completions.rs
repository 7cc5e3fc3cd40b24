//! A request of OpenAI's older form: a prompt to go on with instead of a conversation.

use serde::Deserialize;
use serde_json::Value;

use super::embeddings::texts;
use super::openai::StreamOptions;
use super::{Asked, Endpoint, MOST_CHOICES, Read, bounded, named, parsed, stops};

#[derive(Deserialize)]
struct Body {
    model: Option<String>,
    #[serde(default)]
    prompt: Value,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    n: Option<u64>,
    max_tokens: Option<u64>,
    #[serde(default)]
    stop: Value,
    echo: Option<bool>,
}

pub(super) fn read(body: &[u8]) -> Read {
    let body: Body = parsed(body)?;
    let model = named(body.model)?;
    let (inputs, prompt_tokens) = texts("prompt", &body.prompt)?;
    let options = body.stream_options;
    let asked = Asked {
        stream: body.stream == Some(true),
        include_usage: options.and_then(|options| options.include_usage) == Some(true),
        choices: bounded("n", body.n, MOST_CHOICES)?,
        limit: body.max_tokens,
        stops: stops(&body.stop),
        last_text: inputs.last().cloned().unwrap_or_default(),
        prompt_tokens,
        inputs,
        echo: body.echo == Some(true),
        ..Asked::unread(Endpoint::Completions)
    };
    Ok((model, asked))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_prompt_is_one_text_or_several() {
        let asked = |prompt: Value| {
            let body = json!({"model": "echo", "prompt": prompt, "n": 2, "stop": "x"});
            read(body.to_string().as_bytes()).map(|(_, asked)| asked)
        };
        let one = asked(json!("once upon")).unwrap();
        assert_eq!((one.inputs.len(), one.prompt_tokens), (1, 2));
        assert_eq!((one.choices, one.stops), (2, vec!["x".to_owned()]));
        let several = asked(json!(["a", "b c"])).unwrap();
        assert_eq!((several.inputs.len(), several.prompt_tokens), (2, 3));
        let field = asked(json!(null)).unwrap_err().field;
        assert_eq!(field.as_deref(), Some("prompt"));
    }
}
