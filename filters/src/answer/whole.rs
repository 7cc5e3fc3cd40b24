//! One unstreamed answer: the body of a 200.

use bytes::Bytes;

use crate::dialect::openai_chat::decode::{Decoder, reported};
use crate::dialect::openai_chat::embeddings::Embeddings;
use crate::dialect::openai_chat::unary::{self, BodyWriter};
use crate::dialect::openai_chat::usage::{self, Unknown};
use crate::dialect::openai_chat::wire::Chunk;
use crate::error::ProviderError;
use crate::event::{FinishReason, Step, Usage};
use crate::prompt::Surface;
use crate::text::TextRef;

use super::tally::Tally;
use super::{Fidelity, Meter, StreamPlan, final_usage};

/// One unstreamed answer: the provider's bytes and what was found in them.
pub struct Answer {
    body: Bytes,
    found: Found,
}

struct Found {
    kind: Kind,
    id: Option<String>,
    model: Option<String>,
    created: Option<u64>,
    usage: Option<Usage>,
    finish: Option<FinishReason>,
    meter: Meter,
}

enum Kind {
    Chat,
    Embeddings(Embeddings),
}

impl Answer {
    /// Reads the whole body of a 200.
    ///
    /// # Errors
    /// It is no answer of that surface, or holds an error in spite of its status.
    pub fn read(surface: Surface, body: Bytes) -> Result<Answer, ProviderError> {
        let Ok(text) = std::str::from_utf8(&body) else {
            return Err(ProviderError::malformed("the answer is not UTF-8"));
        };
        let found = match surface {
            Surface::Chat => Found::chat(text)?,
            Surface::Embeddings => Found::embeddings(text)?,
            Surface::Completions | Surface::Messages | Surface::CountTokens => {
                return Err(ProviderError::malformed(
                    "answers of this surface cannot be read yet",
                ));
            }
        };
        Ok(Answer { body, found })
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
        final_usage(self.found.usage, input_estimate, self.found.meter.tokens)
    }

    /// What the answer says, counted by Alfred.
    #[must_use]
    pub fn metered(&self) -> Meter {
        self.found.meter
    }

    /// Shows every text of the model to `f`: content and its parts, reasoning,
    /// refusals, names and arguments of calls, transcripts of sound. Embeddings
    /// have none.
    pub fn visit_texts(&self, f: &mut dyn FnMut(TextRef<'_>)) {
        if matches!(self.found.kind, Kind::Chat) {
            unary::visit_texts(self.text(), f);
        }
    }

    /// Why the first choice ended, in OpenAI's words; none for embeddings.
    #[must_use]
    pub fn finish_reason(&self) -> Option<&str> {
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
        if plan.fidelity == Fidelity::Lens {
            return self.body.clone();
        }
        let model = self.found.model.as_deref().unwrap_or(&plan.model);
        let figures = self.final_usage(plan.input_estimate);
        let text = self.text();
        match &self.found.kind {
            Kind::Embeddings(found) => Bytes::from(found.write(text, model, figures)),
            Kind::Chat => {
                let id = self.found.id.as_deref().unwrap_or(&plan.id);
                let head = (id, self.found.created.unwrap_or(plan.created), model);
                Bytes::from(self.write(text, &plan.id, head, figures))
            }
        }
    }

    fn write(&self, text: &str, seed: &str, head: (&str, u64, &str), figures: Usage) -> Vec<u8> {
        let mut chunk = Chunk::new(true);
        let mut writer = BodyWriter::default();
        // Both were done when the body was read, with the same outcome.
        let _ = chunk.read(text);
        writer.both_reasonings = chunk
            .choices
            .iter()
            .any(|choice| choice.reasoning.filled(text).is_some());
        for (place, choice) in chunk.choices.iter().enumerate() {
            let index = choice.index.unwrap_or(place as u64);
            writer.touch(u32::try_from(index).unwrap_or_default());
        }
        let _ = Decoder::new(seed).decode(text, &chunk, &mut |event| writer.push(&event));
        let unknown = reported(text, &chunk)
            .map(Unknown::read)
            .unwrap_or_default();
        let mut usage = Vec::new();
        usage::write(figures, &unknown, &mut usage);
        writer.write(head, &usage)
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_default()
    }
}

impl Found {
    fn chat(text: &str) -> Result<Found, ProviderError> {
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
        let (mut tally, mut usage, mut finish) = (Tally::default(), None, None);
        Decoder::new("").decode(text, &chunk, &mut |event| {
            tally.take(&event);
            match event.step {
                Step::Usage(reported) => usage = Some(reported),
                Step::Finish { reason, .. } if event.choice == 0 => finish = Some(reason),
                _ => {}
            }
        })?;
        for choice in &chunk.choices {
            tally.legacy_call(0, choice.function_call.raw(text));
        }
        tally.provider_events = 1;
        Ok(Found {
            kind: Kind::Chat,
            id: chunk.id.filled(text).map(Into::into),
            model: chunk.model.filled(text).map(Into::into),
            created: chunk.created.number(text).filter(|&created| created > 0),
            usage,
            finish,
            meter: tally.meter(0),
        })
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
            meter: Meter {
                provider_events: 1,
                ..Meter::default()
            },
            kind: Kind::Embeddings(found),
        })
    }
}
