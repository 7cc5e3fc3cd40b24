//! A request of one dialect said in another. Every field is mapped, passed or
//! refused with its name; what is accepted and not sent is named to the caller.
//! The table of all fields is `docs/reference/translation.md`.
//!
//! The way: the body is lifted into [`crate::ask`], fitted to what the other
//! dialect can say, lowered, and then patched for the one provider like any other.

use std::borrow::Cow;
use std::collections::HashSet;

use bytes::Bytes;

use crate::ask::{Ask, Extra, Str};
use crate::dialect::{Dialect, bedrock, cohere, gemini, hf_features, ollama};
use crate::patch;
use crate::prompt::{Prompt, ReadError, RequestPatch, Surface, members};

pub use pictures::Pictures;

mod bedrock_names;
mod cohere_thinking;
mod common;
mod counting;
mod from_responses;
mod gemini_thinking;
mod generation;
mod pictures;
mod quirks;
mod thinking;
mod to_anthropic;
mod to_anthropic_turns;
mod to_bedrock;
mod to_bedrock_turns;
mod to_cohere;
mod to_cohere_turns;
mod to_gemini;
mod to_gemini_turns;
mod to_ollama;
mod to_ollama_turns;
mod to_openai;
mod to_openai_turns;

pub use quirks::{Quirk, suit};

/// What the translation of a request for one provider has to know.
#[derive(Clone, Copy, Debug, Default)]
pub struct Translation<'a> {
    /// Applied to the translated body.
    pub patch: RequestPatch<'a>,
    /// Anthropic wants a limit of the answer: this one, if the client gave none.
    pub default_max_output: u64,
    /// The answer may not be longer than this, whatever the client asked for.
    pub most_output: Option<u64>,
    /// The provider of OpenAI's dialect takes thoughts of earlier turns back, as
    /// `reasoning_content`.
    pub keep_reasoning: bool,
    /// Pictures whose addresses the client gave, for providers that want their bytes.
    pub pictures: Option<&'a Pictures>,
}

/// A request in another dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Translated {
    /// The body for the provider.
    pub body: Bytes,
    /// Every member that was accepted but not sent, by the name it has in the
    /// client's request; lists without their indexes.
    pub dropped: Vec<Cow<'static, str>>,
}

impl Prompt {
    /// Says the request in the dialect `to`, for one provider.
    ///
    /// # Errors
    /// The request holds something that the other dialect cannot say: the error
    /// names it, with the code `unsupported_parameter`.
    pub fn translate(&self, to: Dialect, how: &Translation<'_>) -> Result<Translated, ReadError> {
        if self.surface().dialect() == to {
            return Ok(Translated {
                body: self.render(&how.patch),
                dropped: Vec::new(),
            });
        }
        if self.surface() == Surface::Embeddings && to.embeds() {
            return self.embed_at(to, how);
        }
        if self.surface() == Surface::Responses {
            let renamed = |error| from_responses::renamed(error, self.member("input"));
            let mut said = self.said(to, how).map_err(renamed)?;
            for name in &mut said.dropped {
                *name = Cow::Owned(from_responses::named(name));
            }
            return Ok(said);
        }
        let mut said = self.said(to, how)?;
        if self.surface() == Surface::CountTokens {
            said.body = counting::enveloped(to, self.model_at(how), said.body);
        }
        Ok(said)
    }

    /// The model as it will be asked for.
    fn model_at<'a>(&'a self, how: &Translation<'a>) -> &'a str {
        match how.patch.model {
            "" => self.model(),
            model => model,
        }
    }

    fn said(&self, to: Dialect, how: &Translation<'_>) -> Result<Translated, ReadError> {
        let mut ask = self.ask()?;
        let mut notes = Notes::default();
        let from = self.surface().dialect();
        if from == Dialect::OpenAiResponses {
            from_responses::fit(&mut ask, &mut notes)?;
        }
        if !how.patch.model.is_empty() {
            ask.model = Str::text(how.patch.model);
        }
        ask.max_output = how.most_output.or(ask.max_output);
        if let Some(pictures) = how.pictures.filter(|_| to.wants_picture_bytes()) {
            pictures::inline(&mut ask, pictures);
        }
        let reports_on_request = match to {
            Dialect::AnthropicMessages => {
                to_anthropic::fit(&mut ask, how, &mut notes)?;
                false
            }
            Dialect::OpenAiResponses => {
                return unsupported(
                    "model",
                    "is served in the Responses dialect only: ask for it there",
                );
            }
            Dialect::HfFeatures => return unsupported("model", "gives embeddings only"),
            Dialect::OpenAiChat if from == Dialect::OpenAiResponses => {
                from_responses::to_chat(&mut ask, how, &mut notes)?;
                ask.stream
            }
            Dialect::OpenAiChat => {
                to_openai::fit(&mut ask, how, &mut notes)?;
                ask.stream
            }
            Dialect::Gemini => {
                to_gemini::fit(&mut ask, self.surface().dialect(), &mut notes)?;
                false
            }
            Dialect::CohereChat => {
                to_cohere::fit(&mut ask, self.surface().dialect(), &mut notes)?;
                false
            }
            Dialect::BedrockConverse => {
                to_bedrock::fit(&mut ask, self.surface().dialect(), how, &mut notes)?;
                let kept = to_bedrock::without_limits(&how.patch);
                let patch = to_bedrock::patch_of(&how.patch, &kept);
                return Ok(Translated {
                    body: patched(ask.lower(to), false, &patch),
                    dropped: notes.dropped,
                });
            }
            Dialect::OllamaChat => {
                to_ollama::fit(&mut ask, from, how, &mut notes)?;
                let forced = to_ollama::set_of(&ask, how);
                let set: Vec<_> = forced.iter().map(|(name, raw)| (*name, &**raw)).collect();
                let patch = to_ollama::patch_of(&how.patch, &set);
                return Ok(Translated {
                    body: patched(ask.lower(to), false, &patch),
                    dropped: notes.dropped,
                });
            }
        };
        let body = ask.lower(to);
        let patch = patch_for(to, &how.patch);
        Ok(Translated {
            body: patched(body, reports_on_request, &patch),
            dropped: notes.dropped,
        })
    }

    fn embed_at(&self, to: Dialect, how: &Translation<'_>) -> Result<Translated, ReadError> {
        let model = self.model_at(how);
        let mut dropped = Vec::new();
        let mut note = |name: &'static str| dropped.push(name.into());
        let body = match to {
            Dialect::Gemini => gemini::embed::lower(self, model, &mut note)?,
            Dialect::BedrockConverse => bedrock::lower_embeddings(self, model, &mut note)?,
            Dialect::CohereChat => cohere::embed::lower(self, model, &mut note)?,
            Dialect::HfFeatures => hf_features::lower(self, model, &mut note)?,
            _ => ollama::embed::lower(self, model, &mut note)?,
        };
        let patch = patch_for(to, &how.patch);
        Ok(Translated {
            body: patched(body, false, &patch),
            dropped,
        })
    }
}

/// The patch without what stands in an address, or is of OpenAI's grammar only.
fn patch_for<'a>(to: Dialect, patch: &RequestPatch<'a>) -> RequestPatch<'a> {
    match to {
        Dialect::OpenAiChat | Dialect::AnthropicMessages | Dialect::OpenAiResponses => *patch,
        Dialect::Gemini
        | Dialect::BedrockConverse
        | Dialect::OllamaChat
        | Dialect::CohereChat
        | Dialect::HfFeatures => RequestPatch {
            set: patch.set,
            remove: patch.remove,
            ..RequestPatch::default()
        },
    }
}

fn patched(body: Vec<u8>, reports_on_request: bool, patch: &RequestPatch<'_>) -> Bytes {
    let body = Bytes::from(body);
    let asks = patch.ask_usage && reports_on_request;
    if !asks && patch.set.is_empty() && patch.remove.is_empty() && patch.rename.is_empty() {
        return body;
    }
    // It was written just now, as an object.
    let members = members(std::str::from_utf8(&body).unwrap_or_default()).unwrap_or_default();
    patch::apply(&body, &members, reports_on_request, patch)
}

/// What was accepted and will not be sent.
#[derive(Default)]
struct Notes {
    dropped: Vec<Cow<'static, str>>,
}

impl Notes {
    fn drop(&mut self, name: impl Into<Cow<'static, str>>) {
        /// More names than any header should hold.
        const MAX_NAMES: usize = 64;
        let name = name.into();
        if self.dropped.len() < MAX_NAMES && !self.dropped.contains(&name) {
            self.dropped.push(name);
        }
    }

    /// The schema of an answer alone has a place, and answers always follow it.
    fn keep_schema_only(&mut self, name: bool, description: bool, strict: Option<bool>) {
        for (member, given) in [
            ("response_format.json_schema.name", name),
            ("response_format.json_schema.description", description),
            ("response_format.json_schema.strict", strict == Some(false)),
        ] {
            if given {
                self.drop(member);
            }
        }
    }

    /// Leaves out members that the other dialect has no place for.
    fn drop_extras(&mut self, at: &str, extras: &mut Vec<Extra<'_>>) {
        for extra in extras.drain(..) {
            let name: String = extra.name.read().chars().take(64).collect();
            self.drop(format!("{at}{name}"));
        }
    }
}

/// The refusal of a field, and why.
fn unsupported<T>(param: impl Into<String>, why: &str) -> Result<T, ReadError> {
    let param: String = param.into();
    Err(ReadError {
        message: format!("'{param}' {why}."),
        param: Some(param),
        code: "unsupported_parameter",
    })
}

/// Refuses an extra whose name the translation itself is going to write.
fn refuse_doubles(ask: &Ask<'_>, written: &[(&str, bool)]) -> Result<(), ReadError> {
    for extra in &ask.extra {
        let name = extra.name.read();
        if written.iter().any(|(own, used)| *used && *own == name) {
            return unsupported(
                name,
                "is given in the spelling of both dialects: send it once",
            );
        }
    }
    Ok(())
}

/// Calls of the model that wait for their results. Both dialects want all
/// results of a turn's calls directly after it.
#[derive(Default)]
struct Calls {
    open: HashSet<String>,
    at: Option<usize>,
}

impl Calls {
    fn call(&mut self, id: &Str<'_>, at: Option<usize>, field: &str) -> Result<(), ReadError> {
        self.at = at;
        if self.open.insert(id.read().into_owned()) {
            return Ok(());
        }
        unsupported(place(at, field), "holds two calls with the same id")
    }

    fn result(&mut self, id: &Str<'_>, at: Option<usize>, field: &str) -> Result<(), ReadError> {
        if self.open.remove(&*id.read()) {
            return Ok(());
        }
        unsupported(
            place(at, field),
            "answers no call of the assistant's turn before it",
        )
    }

    /// The model speaks again, or the conversation ends: nothing may be open.
    fn settled(&mut self, field: &str) -> Result<(), ReadError> {
        if self.open.is_empty() {
            return Ok(());
        }
        unsupported(
            place(self.at, field),
            "holds a call without a result: send one result per call, directly after it",
        )
    }
}

/// A field of the message at that index.
fn place(at: Option<usize>, field: &str) -> String {
    match at {
        Some(at) => format!("messages[{at}].{field}"),
        None => "system".to_owned(),
    }
}
