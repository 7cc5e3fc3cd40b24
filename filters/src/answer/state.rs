//! What an [`AnswerStream`](super::AnswerStream) knows, and what one event of the
//! provider does to it.

use bytes::BytesMut;

use crate::dialect::openai_chat::decode::{Decoder, reported};
use crate::dialect::openai_chat::emit::ChunkWriter;
use crate::dialect::openai_chat::lens::Lens;
use crate::dialect::openai_chat::usage::{self, Unknown};
use crate::dialect::openai_chat::wire::Chunk;
use crate::error::ProviderError;
use crate::event::{Event, FinishReason, Step, Usage};
use crate::sse::Frame;

use super::tally::Tally;
use super::{Cut, Ending, Fidelity, Meter, StreamPlan, final_usage};

pub(super) struct State {
    plan: StreamPlan,
    chunk: Chunk,
    decoder: Decoder,
    voice: Voice,
    pub(super) tally: Tally,
    pub(super) facts: Facts,
    /// Members of the provider's usage that are unknown here.
    unknown: Unknown,
    said_done: bool,
}

enum Voice {
    Lens(Lens),
    Canonical(Box<ChunkWriter>),
}

#[derive(Default)]
pub(super) struct Facts {
    pub(super) id: Option<String>,
    pub(super) model: Option<String>,
    created: Option<u64>,
    pub(super) usage: Option<Usage>,
    /// Per choice: whether it finished. A choice that was seen has a place.
    finished: Vec<bool>,
    pub(super) finish_reason: Option<FinishReason>,
}

impl State {
    pub(super) fn new(plan: StreamPlan) -> State {
        let canonical = plan.fidelity == Fidelity::Canonical;
        State {
            chunk: Chunk::new(canonical),
            decoder: Decoder::new(&plan.id),
            voice: if canonical {
                Voice::Canonical(Box::default())
            } else {
                Voice::Lens(Lens::new(plan.show_usage))
            },
            tally: Tally::default(),
            facts: Facts::default(),
            unknown: Unknown::default(),
            said_done: false,
            plan,
        }
    }

    pub(super) fn metered(&self) -> Meter {
        self.tally.meter(match &self.voice {
            Voice::Lens(lens) => lens.written,
            Voice::Canonical(writer) => writer.written,
        })
    }

    pub(super) fn is_over(&self) -> bool {
        self.said_done && self.facts.unfinished(&self.plan) == 0
    }

    pub(super) fn frame(
        &mut self,
        frame: Frame<'_>,
        out: &mut BytesMut,
    ) -> Result<(), ProviderError> {
        match frame {
            Frame::Event {
                data: b"[DONE]", ..
            } => self.said_done = true,
            Frame::Event { .. } if self.is_over() => {}
            Frame::Event { data, .. } if data.trim_ascii().is_empty() => {}
            Frame::Event { name, data } => self.event(name, data, out)?,
            Frame::Stray(line) => {
                if let Some(error) = ProviderError::in_answer(line) {
                    return Err(error);
                }
            }
            // It keeps the connection warm; what it says is nobody's business.
            Frame::Comment(_) => out.extend_from_slice(b": keep-alive\n\n"),
        }
        Ok(())
    }

    fn event(&mut self, name: &[u8], data: &[u8], out: &mut BytesMut) -> Result<(), ProviderError> {
        self.tally.provider_events += 1;
        let text = self.read(name == b"error", data)?;
        let name = utf8(name)?;
        self.decode(text, out)?;
        if let Voice::Lens(lens) = &mut self.voice {
            lens.pass(name, text, &self.chunk, out);
        }
        Ok(())
    }

    /// Reads a payload into `self.chunk`, unless it is an error.
    fn read<'a>(&mut self, is_error: bool, data: &'a [u8]) -> Result<&'a str, ProviderError> {
        let text = utf8(data)?;
        let read = self.chunk.read(text);
        if is_error || read.is_err() || self.chunk.error.is_some() || !self.chunk.has_choices {
            if let Some(error) = ProviderError::in_answer(data) {
                return Err(error);
            }
            if is_error {
                return Err(ProviderError::malformed(
                    "the provider sent an error event without an error",
                ));
            }
        }
        read.map_err(|flaw| {
            ProviderError::malformed(&format!(
                "an event of the answer is not JSON: {}",
                flaw.what
            ))
        })?;
        Ok(text)
    }

    /// Counts what `self.chunk` says, and writes it unless a lens will.
    fn decode(&mut self, text: &str, out: &mut BytesMut) -> Result<(), ProviderError> {
        let State {
            plan,
            chunk,
            decoder,
            voice,
            tally,
            facts,
            unknown,
            ..
        } = self;
        facts.note(text, chunk);
        for (place, choice) in chunk.choices.iter().enumerate() {
            let index = u32::try_from(place).unwrap_or(u32::MAX);
            tally.legacy_call(index, choice.function_call.raw(text));
            tally.saw_content |= choice.audio.is_some();
        }
        let writer = match voice {
            Voice::Lens(_) => {
                return decoder.decode(text, chunk, &mut |event| {
                    tally.take(&event);
                    facts.take(&event);
                });
            }
            Voice::Canonical(writer) => writer,
        };
        if let Some(raw) = reported(text, chunk) {
            *unknown = Unknown::read(raw);
        }
        if !writer.has_begun() && !chunk.choices.is_empty() {
            let (id, created, model) = facts.head(plan);
            writer.begin(id, created, model);
        }
        writer.both_reasonings |= chunk
            .choices
            .iter()
            .any(|choice| choice.reasoning.filled(text).is_some());
        let outcome = decoder.decode(text, chunk, &mut |event| {
            tally.take(&event);
            facts.take(&event);
            if !is_hidden(&event, plan) {
                writer.push(&event, out);
            }
        });
        writer.flush(out);
        outcome
    }

    /// A body that is no event stream: an error, or an answer in one piece,
    /// which is then streamed in one piece.
    pub(super) fn whole(&mut self, body: &[u8], out: &mut BytesMut) -> Result<(), ProviderError> {
        self.chunk = Chunk::new(true);
        let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
        self.voice = Voice::Canonical(Box::default());
        let text = self.read(false, body)?;
        if self.chunk.choices.is_empty() {
            return Err(ProviderError::malformed(
                "the answer is neither a stream nor a completion",
            ));
        }
        self.tally.provider_events += 1;
        self.decode(text, out)
    }

    /// Whether a payload without its blank line is whole.
    pub(super) fn is_whole(data: &[u8]) -> bool {
        let text = std::str::from_utf8(data);
        text.is_ok_and(|text| Chunk::new(false).read(text).is_ok()) || data == b"[DONE]"
    }

    pub(super) fn ending(&self, whole: bool) -> Ending {
        match self.facts.unfinished(&self.plan) {
            0 => Ending::Complete,
            _ if !whole => Ending::Truncated(Cut::MidEvent),
            _ if self.tally.provider_events == 0 => Ending::Truncated(Cut::Empty),
            open => Ending::Truncated(Cut::Unfinished(open)),
        }
    }

    /// Usage, if the client is to see it, and `[DONE]`.
    pub(super) fn conclude(&mut self, note: Option<&str>, out: &mut BytesMut) {
        let note = note.filter(|note| !note.contains(['\n', '\r']));
        let member = note
            .map(|note| format!(",\"alfred\":{note}"))
            .unwrap_or_default();
        let output = self.tally.meter(0).tokens;
        let figures = final_usage(self.facts.usage, self.plan.input_estimate, output);
        let mut usage = Vec::new();
        usage::write(figures, &self.unknown, &mut usage);
        let (id, created, model) = self.facts.head(&self.plan);
        match &mut self.voice {
            _ if !self.plan.show_usage => {}
            Voice::Lens(lens) => {
                if !lens.usage(&member, out) && !lens.usage_passed {
                    let mut writer = ChunkWriter::default();
                    writer.begin(id, created, model);
                    writer.usage(&usage, member.as_bytes(), out);
                    lens.written += 1;
                }
            }
            Voice::Canonical(writer) => writer.usage(&usage, member.as_bytes(), out),
        }
        if let Some(note) = note {
            out.extend_from_slice(format!(": alfred {note}\n\n").as_bytes());
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
    }
}

impl Facts {
    fn note(&mut self, text: &str, chunk: &Chunk) {
        if self.id.is_none() {
            self.id = chunk.id.filled(text).map(Into::into);
        }
        if self.model.is_none() {
            self.model = chunk.model.filled(text).map(Into::into);
        }
        if self.created.is_none() {
            self.created = chunk.created.number(text).filter(|&created| created > 0);
        }
    }

    fn take(&mut self, event: &Event<'_>) {
        let place = event.choice as usize;
        if self.finished.len() <= place {
            self.finished.resize(place + 1, false);
        }
        match event.step {
            Step::Usage(usage) => self.usage = Some(usage),
            Step::Finish { reason, .. } => {
                if let Some(finished) = self.finished.get_mut(place) {
                    *finished = true;
                }
                if place == 0 {
                    self.finish_reason = Some(reason);
                }
            }
            _ => {}
        }
    }

    /// How many choices have not finished, of those asked for and those seen.
    fn unfinished(&self, plan: &StreamPlan) -> u32 {
        let done = self.finished.iter().filter(|finished| **finished).count();
        let expected = self.finished.len().max(plan.choices.max(1) as usize);
        u32::try_from(expected - done).unwrap_or(u32::MAX)
    }

    /// Id, time and model as the client sees them.
    fn head<'a>(&'a self, plan: &'a StreamPlan) -> (&'a str, u64, &'a str) {
        (
            self.id.as_deref().unwrap_or(&plan.id),
            self.created.unwrap_or(plan.created),
            self.model.as_deref().unwrap_or(&plan.model),
        )
    }
}

/// Usage may hide in an unknown member.
fn is_hidden(event: &Event<'_>, plan: &StreamPlan) -> bool {
    match &event.step {
        Step::Extra { key, value, .. } => {
            !plan.show_usage && key == "x_groq" && value.contains("\"usage\"")
        }
        _ => false,
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, ProviderError> {
    std::str::from_utf8(bytes)
        .map_err(|_| ProviderError::malformed("an event of the answer is not UTF-8"))
}
