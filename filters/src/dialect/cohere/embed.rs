//! Requests for embeddings. Answers are read where Bedrock's are: it passes what
//! Cohere's models say.

use std::borrow::Cow;

use crate::ask::{Extra, Str, Writer};
use crate::dialect::openai_chat::wire::elements;
use crate::prompt::{Prompt, ReadError};

/// Most texts of one request.
const MAX_TEXTS: usize = 96;

/// The body of a request for embeddings.
///
/// # Errors
/// The input is not made of texts, or of too many.
pub(crate) fn lower(
    prompt: &Prompt,
    model: &str,
    dropped: &mut dyn FnMut(&'static str),
) -> Result<Vec<u8>, ReadError> {
    let mut out = Writer::new(prompt.len() + 256);
    out.open("", b'{');
    out.text("model", model);
    let (mut purpose, mut kinds) = (false, false);
    for (name, value) in prompt.members() {
        match &*name {
            _ if value == "null" => {}
            "model" => {}
            "input" => texts(&mut out, value)?,
            "dimensions" => out.raw("output_dimension", value),
            // Of the form of the vectors the gateway takes care.
            "encoding_format" => {}
            "user" => dropped("user"),
            name @ ("texts" | "output_dimension") => {
                return refuse(
                    name,
                    "is what the translation itself writes: use 'input' and 'dimensions'",
                );
            }
            name => {
                purpose |= name == "input_type";
                kinds |= name == "embedding_types";
                out.extras(&[Extra {
                    name: Str::text(name),
                    value: Cow::Borrowed(value),
                }]);
            }
        }
    }
    // Required there; what is stored is embedded more often than what is asked.
    if !purpose {
        out.word("input_type", "search_document");
    }
    if !kinds {
        out.raw("embedding_types", "[\"float\"]");
    }
    out.close(b'}');
    Ok(out.finish())
}

fn texts(out: &mut Writer, input: &str) -> Result<(), ReadError> {
    let (mut count, mut whole) = (0, true);
    out.open("texts", b'[');
    let mut text = |raw: &str| {
        count += 1;
        whole &= raw.starts_with('"');
        out.string("", &Str::json(raw));
    };
    match input.starts_with('[') {
        true => elements(input, &mut text),
        false => text(input),
    }
    out.close(b']');
    if !whole {
        return refuse(
            "input",
            "must be a text or a list of texts for this model: it takes no token ids",
        );
    }
    if count > MAX_TEXTS {
        return refuse(
            "input",
            "holds more than the 96 texts that this model takes at a time: send them in several \
             requests",
        );
    }
    Ok(())
}

fn refuse<T>(param: &str, why: &str) -> Result<T, ReadError> {
    Err(ReadError {
        message: format!("'{param}' {why}."),
        param: Some(param.to_owned()),
        code: "unsupported_parameter",
    })
}
