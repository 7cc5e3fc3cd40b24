//! One unstreamed answer: the body of a 200.

use bytes::{Bytes, BytesMut};

use crate::dialect::Dialect;
use crate::dialect::anthropic::closing::message_id;
use crate::dialect::anthropic::decode::Decoder as MessageDecoder;
use crate::dialect::anthropic::unary::{self as message, MessageBody};
use crate::dialect::openai_chat::decode::{Decoder, reported};
use crate::dialect::openai_chat::embeddings::Embeddings;
use crate::dialect::openai_chat::unary::{self, BodyWriter};
use crate::dialect::openai_chat::usage::{self, Unknown};
use crate::dialect::openai_chat::wire::Chunk;
use crate::dialect::openai_responses::Echo;
use crate::dialect::openai_responses::emit::ResponseWriter;
use crate::dialect::plain;
use crate::error::ProviderError;
use crate::event::{Event, FinishReason, Step, Usage};
use crate::prompt::Surface;
use crate::text::TextRef;

use super::reader::payload;
use super::tally::Tally;
use super::texts::Texts;
use super::{Meter, StreamPlan, final_usage};

/// One unstreamed answer: the provider's bytes and what was found in them.
pub struct Answer {
    body: Bytes,
    surface: Surface,
    found: Found,
    echo: Option<Echo>,
    packed: bool,
}

struct Found {
    kind: Kind,
    id: Option<String>,
    model: Option<String>,
    created: Option<u64>,
    usage: Option<Usage>,
    finish: Option<FinishReason>,
}

enum Kind {
    /// OpenAI's chat, or its older form.
    Chat,
    /// Anthropic's message.
    Message,
    /// An answer in a dialect that only providers speak.
    Plain(Dialect),
    Embeddings(Embeddings),
    /// A count of a prompt's tokens.
    Count,
}

impl Answer {
    /// Reads the whole body of a 200 that a provider who speaks `from` gave to a
    /// request of that surface.
    ///
    /// # Errors
    /// It is no such answer, or holds an error in spite of its status.
    pub fn read(from: Dialect, surface: Surface, body: Bytes) -> Result<Answer, ProviderError> {
        let reshaped = std::str::from_utf8(&body)
            .ok()
            .and_then(|text| plain::reshaped(from, surface, text));
        let body = match reshaped {
            Some(said) => Bytes::from(said?),
            None => body,
        };
        let Ok(text) = std::str::from_utf8(&body) else {
            return Err(ProviderError::malformed("the answer is not UTF-8"));
        };
        let mut found = match (surface, from) {
            (Surface::Embeddings, _) => Found::embeddings(text)?,
            (Surface::CountTokens, _) => Found::count(text)?,
            (_, Dialect::OpenAiChat) => Found::chat(text, surface)?,
            (_, Dialect::AnthropicMessages) => Found::message(text)?,
            (_, from) => Found::plain(from, text)?,
        };
        // An empty name is none.
        found.id.take_if(|id| id.is_empty());
        found.model.take_if(|model| model.is_empty());
        Ok(Answer {
            body,
            surface,
            found,
            echo: None,
            packed: false,
        })
    }

    /// Says what the answer repeats of its request. Without it, a Response says the
    /// defaults.
    pub fn echo(&mut self, echo: Echo) {
        self.echo = Some(echo);
    }

    /// The provider has counted the prompt outside of its body, as Bedrock does in a
    /// header. What the body says goes before.
    pub fn counted(&mut self, input: u64) {
        self.found.usage.get_or_insert(Usage {
            input,
            ..Usage::default()
        });
    }

    /// The client asked for vectors in base64. What is written anew then has them so,
    /// whatever the provider gave.
    pub fn pack_vectors(&mut self) {
        self.packed = true;
    }

    /// The provider's own figures.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.found.usage
    }

    /// The figures to bill: the provider's own, else the estimate of the prompt
    /// and what was counted of the answer.
    #[must_use]
    pub fn final_usage(&self, input_estimate: u64) -> Usage {
        match self.found.usage {
            Some(reported) if !reported.estimated => reported,
            partly => final_usage(partly, input_estimate, self.metered().tokens),
        }
    }

    /// What the answer says, counted by Alfred. Reads the body once more: where
    /// the provider reports its usage, nobody asks.
    #[must_use]
    pub fn metered(&self) -> Meter {
        let (mut tally, chunk) = (Tally::default(), self.chunk());
        if !matches!(self.found.kind, Kind::Embeddings(_) | Kind::Count) {
            self.tell(chunk.as_ref(), "", &mut |event| tally.take(event));
        }
        for choice in chunk.iter().flat_map(|chunk| &chunk.choices) {
            tally.legacy_call(0, choice.function_call.raw(self.text()));
        }
        tally.provider_events = 1;
        tally.meter(0)
    }

    /// Shows every text of the model to `f`: content and its parts, reasoning,
    /// refusals, names and arguments of calls, transcripts of sound. Embeddings
    /// have none.
    pub fn visit_texts(&self, f: &mut dyn FnMut(TextRef<'_>)) {
        match self.found.kind {
            Kind::Chat => unary::visit_texts(self.text(), self.surface, f),
            Kind::Message => message::visit_texts(self.text(), f),
            Kind::Plain(_) => {
                let mut texts = Texts::default();
                self.tell(None, "", &mut |event| texts.take(event));
                texts.show(f);
            }
            Kind::Embeddings(_) | Kind::Count => {}
        }
    }

    /// Why the first choice ended, in OpenAI's words; none for embeddings.
    #[must_use]
    pub fn finish_reason(&self) -> Option<&'static str> {
        self.found.finish.map(FinishReason::as_str)
    }

    /// The model that the provider says answered.
    #[must_use]
    pub fn response_model(&self) -> Option<&str> {
        self.found.model.as_deref()
    }

    /// The provider's id of the answer.
    #[must_use]
    pub fn response_id(&self) -> Option<&str> {
        self.found.id.as_deref()
    }

    /// The client's body: the provider's bytes uncopied through a lens, else a
    /// strict body written anew. Usage is always in it, estimated if need be.
    #[must_use]
    pub fn render(&self, plan: &StreamPlan) -> Bytes {
        let model = self.found.model.as_deref().unwrap_or(&plan.model);
        match &self.found.kind {
            Kind::Count => self.body.clone(),
            _ if plan.is_lens() => self.body.clone(),
            Kind::Embeddings(found) => {
                let figures = self.final_usage(plan.input_estimate);
                Bytes::from(found.write(self.text(), model, figures, self.packed))
            }
            Kind::Chat | Kind::Message | Kind::Plain(_) => Bytes::from(match plan.to {
                Dialect::AnthropicMessages => self.message(plan, model),
                Dialect::OpenAiResponses => self.response(plan, model),
                _ => self.completion(plan, model),
            }),
        }
    }

    /// The body for a client of OpenAI's dialect.
    fn completion(&self, plan: &StreamPlan, model: &str) -> Vec<u8> {
        let text = self.text();
        let mut writer = BodyWriter::default();
        writer.details = matches!(self.found.kind, Kind::Message | Kind::Plain(_));
        let chunk = self.chunk();
        if let Some(chunk) = &chunk {
            writer.both_reasonings = chunk
                .choices
                .iter()
                .any(|choice| choice.reasoning.filled(text).is_some());
            for (place, choice) in chunk.choices.iter().enumerate() {
                let index = choice.index.unwrap_or(place as u64);
                writer.touch(u32::try_from(index).unwrap_or_default());
            }
        } else {
            writer.touch(0);
        }
        let unknown = self.tell(chunk.as_ref(), &plan.id, &mut |event| writer.push(event));
        let figures = self.final_usage(plan.input_estimate);
        let mut usage = Vec::new();
        usage::write(figures, &unknown, &mut usage);
        let id = self.found.id.as_deref().unwrap_or(&plan.id);
        let created = self.found.created.unwrap_or(plan.created);
        writer.write((id, created, model), &usage)
    }

    /// The body for a client of Anthropic's dialect.
    fn message(&self, plan: &StreamPlan, model: &str) -> Vec<u8> {
        let mut body = MessageBody::default();
        let unknown = self.tell(self.chunk().as_ref(), &plan.id, &mut |event| {
            body.push(event);
        });
        let id = message_id(self.found.id.as_deref(), &plan.id);
        let figures = self.final_usage(plan.input_estimate);
        body.write((&id, model), figures, &unknown)
    }

    /// The body for a client of Responses.
    fn response(&self, plan: &StreamPlan, model: &str) -> Vec<u8> {
        let (mut writer, mut unheard) = (ResponseWriter::default(), BytesMut::new());
        if let Some(echo) = &self.echo {
            writer.echo(echo.clone());
        }
        let ids = (self.found.id.as_deref(), plan.id.as_str());
        let created = self.found.created.unwrap_or(plan.created);
        writer.begin(ids, created, model, &mut unheard);
        let unknown = self.tell(self.chunk().as_ref(), &plan.id, &mut |event| {
            writer.push(event, &mut unheard);
            unheard.clear();
        });
        writer.body(self.final_usage(plan.input_estimate), &unknown)
    }

    /// The body as a chunk, if it is one of OpenAI's.
    fn chunk(&self) -> Option<Chunk> {
        let mut chunk = Chunk::new(true);
        let is_chat = matches!(self.found.kind, Kind::Chat);
        (is_chat && chunk.read(self.text()).is_ok()).then_some(chunk)
    }

    /// Says the answer's events once more, and gives what is unknown of its
    /// usage. All was done when the body was read, with the same outcome.
    fn tell(
        &self,
        chunk: Option<&Chunk>,
        seed: &str,
        sink: &mut impl FnMut(&Event<'_>),
    ) -> Unknown {
        let text = self.text();
        if let Some(chunk) = chunk {
            let mut decoder = Decoder::new(seed, self.surface);
            let _ = decoder.decode(text, chunk, &mut |event| sink(&event));
            let reported = reported(text, chunk);
            return reported.map(Unknown::read).unwrap_or_default();
        }
        if let Kind::Plain(dialect) = self.found.kind {
            let Some(mut decoder) = plain::decoder(dialect, seed) else {
                return Unknown::default();
            };
            let _ = decoder.body(text.as_bytes(), &mut |event| sink(&event));
            return decoder.unknown();
        }
        let mut decoder = MessageDecoder::default();
        let _ = decoder.body(text, &mut |event| sink(&event));
        decoder.unknown()
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_default()
    }
}

impl Found {
    fn chat(text: &str, surface: Surface) -> Result<Found, ProviderError> {
        let mut chunk = Chunk::new(false);
        let read = chunk.read(text);
        if read.is_err() || chunk.error.is_some() || chunk.choices.is_empty() {
            let what = read.map_or_else(
                |flaw| format!("the answer is not JSON: {}", flaw.what),
                |()| "the answer has no choices".to_owned(),
            );
            return Err(ProviderError::in_answer(text.as_bytes())
                .unwrap_or_else(|| ProviderError::malformed(&what)));
        }
        let mut heard = Heard::default();
        Decoder::new("", surface).decode(text, &chunk, &mut |event| heard.take(&event))?;
        Ok(Found {
            id: chunk.id.filled(text).map(Into::into),
            model: chunk.model.filled(text).map(Into::into),
            created: chunk.created.number(text).filter(|&created| created > 0),
            ..heard.found(Kind::Chat)
        })
    }

    fn message(text: &str) -> Result<Found, ProviderError> {
        let body = text.as_bytes();
        let (kind, payload, _) = payload("", body)?;
        let has_content = payload.extras.iter().any(|(key, _)| key == "content");
        if kind != "message" || !has_content {
            let malformed = || ProviderError::malformed("the answer is no message");
            return Err(ProviderError::in_answer(body).unwrap_or_else(malformed));
        }
        let (mut heard, mut decoder) = (Heard::default(), MessageDecoder::default());
        decoder.body(text, &mut |event| heard.take(&event))?;
        Ok(Found {
            id: decoder.id.take(),
            model: decoder.model.take(),
            ..heard.found(Kind::Message)
        })
    }

    fn plain(from: Dialect, text: &str) -> Result<Found, ProviderError> {
        let Some(mut decoder) = plain::decoder(from, "") else {
            return Err(ProviderError::malformed(
                "the answer is in no known dialect",
            ));
        };
        let mut heard = Heard::default();
        decoder.body(text.as_bytes(), &mut |event| heard.take(&event))?;
        let about = decoder.about();
        Ok(Found {
            id: about.id.map(Into::into),
            model: about.model.map(Into::into),
            created: about.created,
            ..heard.found(Kind::Plain(from))
        })
    }

    fn count(text: &str) -> Result<Found, ProviderError> {
        if message::read_count(text).is_some() {
            return Ok(Heard::default().found(Kind::Count));
        }
        let malformed = || ProviderError::malformed("the answer holds no count of tokens");
        Err(ProviderError::in_answer(text.as_bytes()).unwrap_or_else(malformed))
    }

    fn embeddings(text: &str) -> Result<Found, ProviderError> {
        let found = Embeddings::read(text)?;
        let usage = usage::read(found.usage.raw(text));
        Ok(Found {
            id: found.id.filled(text).map(Into::into),
            model: found.model.filled(text).map(Into::into),
            created: None,
            usage: usage.map(|usage| Usage {
                output: 0,
                reasoning: 0,
                audio_out: 0,
                ..usage
            }),
            finish: None,
            kind: Kind::Embeddings(found),
        })
    }
}

/// What the events of a body tell.
#[derive(Default)]
struct Heard {
    usage: Option<Usage>,
    finish: Option<FinishReason>,
}

impl Heard {
    fn take(&mut self, event: &Event<'_>) {
        match event.step {
            Step::Usage(reported) => self.usage = Some(reported),
            Step::Finish { reason, .. } if event.choice == 0 => self.finish = Some(reason),
            _ => {}
        }
    }

    fn found(self, kind: Kind) -> Found {
        Found {
            kind,
            id: None,
            model: None,
            created: None,
            usage: self.usage,
            finish: self.finish,
        }
    }
}
