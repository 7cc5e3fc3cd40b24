//! Requests to the embedding models: every maker has a body of his own.

use std::borrow::Cow;

use crate::ask::{Extra, Str, Writer};
use crate::dialect::openai_chat::wire::elements;
use crate::prompt::{Prompt, ReadError};

/// What a request of OpenAI's says, apart.
#[derive(Default)]
struct Wish<'a> {
    texts: Vec<Str<'a>>,
    dimensions: Option<&'a str>,
    /// Members that OpenAI does not know.
    extra: Vec<Extra<'a>>,
}

/// The body for one model.
///
/// # Errors
/// The model is no embedding model known here, or takes one text a call and got
/// several.
pub(crate) fn lower(
    prompt: &Prompt,
    model: &str,
    dropped: &mut dyn FnMut(&'static str),
) -> Result<Vec<u8>, ReadError> {
    let wish = Wish::read(prompt, dropped)?;
    let mut out = Writer::new(prompt.len() + 256);
    out.open("", b'{');
    if model.contains("cohere.embed") {
        cohere(&mut out, &wish);
    } else if model.contains("titan-embed") {
        titan(&mut out, &wish)?;
    } else if model.contains("nova") && model.contains("embed") {
        nova(&mut out, &wish)?;
    } else {
        return refuse(
            "model",
            "is no embedding model of Bedrock's that is known here: Titan, Nova and Cohere are",
        );
    }
    out.close(b'}');
    Ok(out.finish())
}

fn cohere(out: &mut Writer, wish: &Wish<'_>) {
    out.open("texts", b'[');
    for text in &wish.texts {
        out.string("", text);
    }
    out.close(b']');
    // Required there; what is stored is embedded more often than what is asked.
    if !wish.has("input_type") {
        out.word("input_type", "search_document");
    }
    if let Some(dimensions) = wish.dimensions {
        out.raw("output_dimension", dimensions);
    }
    out.extras(&wish.extra);
}

fn titan(out: &mut Writer, wish: &Wish<'_>) -> Result<(), ReadError> {
    out.string("inputText", wish.one()?);
    if let Some(dimensions) = wish.dimensions {
        out.raw("dimensions", dimensions);
    }
    out.extras(&wish.extra);
    Ok(())
}

fn nova(out: &mut Writer, wish: &Wish<'_>) -> Result<(), ReadError> {
    const PARAMS: &str = "singleEmbeddingParams";
    let text = wish.one()?;
    out.word("taskType", "SINGLE_EMBEDDING");
    out.open(PARAMS, b'{');
    let is_purpose = |extra: &&Extra<'_>| {
        extra.name == *"embeddingPurpose" || extra.name == *"embedding_purpose"
    };
    match wish.extra.iter().find(is_purpose) {
        Some(purpose) => out.raw("embeddingPurpose", &purpose.value),
        None => out.word("embeddingPurpose", "GENERIC_INDEX"),
    }
    out.open("text", b'{');
    out.word("truncationMode", "END");
    out.string("value", text);
    out.close(b'}');
    if let Some(dimensions) = wish.dimensions {
        out.raw("embeddingDimension", dimensions);
    }
    out.close(b'}');
    for extra in wish.extra.iter().filter(|extra| !is_purpose(extra)) {
        out.extras(std::slice::from_ref(extra));
    }
    Ok(())
}

impl<'a> Wish<'a> {
    fn read(
        prompt: &'a Prompt,
        dropped: &mut dyn FnMut(&'static str),
    ) -> Result<Wish<'a>, ReadError> {
        const WRITTEN: [&str; 6] = [
            "texts",
            "output_dimension",
            "inputText",
            "taskType",
            "singleEmbeddingParams",
            "images",
        ];
        let mut wish = Wish::default();
        let mut whole = true;
        for (name, value) in prompt.members() {
            match &*name {
                _ if value == "null" => {}
                "model" => {}
                "input" => {
                    let mut take = |raw: &'a str| {
                        whole &= raw.starts_with('"');
                        wish.texts.push(Str::json(raw));
                    };
                    match value.starts_with('[') {
                        true => elements(value, &mut take),
                        false => take(value),
                    }
                }
                "dimensions" => wish.dimensions = Some(value),
                // Of the form of the vectors the gateway takes care.
                "encoding_format" => {}
                "user" => dropped("user"),
                name if WRITTEN.contains(&name) => {
                    return refuse(name, "is what the translation itself writes: use `input`");
                }
                name => wish.extra.push(Extra {
                    name: Str::text(name),
                    value: Cow::Borrowed(value),
                }),
            }
        }
        match whole {
            true => Ok(wish),
            false => refuse("input", "must be a text or a list of texts for this model"),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.extra.iter().any(|extra| extra.name == *name)
    }

    /// The one text of a model that takes one a call. Several calls for one request
    /// would have several prices and several ways to fail.
    fn one(&self) -> Result<&Str<'a>, ReadError> {
        match self.texts.as_slice() {
            [text] => Ok(text),
            _ => refuse(
                "input",
                "must be one text for this model: send one request for each, or ask a model of \
                 Cohere's, which takes lists",
            ),
        }
    }
}

fn refuse<T>(param: &str, why: &str) -> Result<T, ReadError> {
    let param: String = param.chars().take(64).collect();
    Err(ReadError {
        message: format!("'{param}' {why}."),
        param: Some(param),
        code: "unsupported_parameter",
    })
}
