//! What an [`AnswerStream`](super::AnswerStream) knows, and what one event of the
//! provider does to it.

use bytes::BytesMut;

use crate::dialect::openai_chat::wire::Chunk;
use crate::dialect::openai_responses::Echo;
use crate::dialect::openai_responses::emit::error_of;
use crate::dialect::plain::About;
use crate::error::ProviderError;
use crate::event::{Event, FinishReason, Step, Usage};
use crate::prompt::Surface;
use crate::sse::Frame;

use super::reader::{ChunkReader, Reader, payload, utf8};
use super::tally::Tally;
use super::voice::{End, Head, Voice};
use super::{Cut, Ending, Meter, StreamPlan, final_usage};

pub(super) struct State {
    plan: StreamPlan,
    reader: Reader,
    voice: Voice,
    pub(super) tally: Tally,
    pub(super) facts: Facts,
    said_done: bool,
    echo: Option<Echo>,
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
        let voice = Voice::new(&plan);
        State {
            reader: Reader::new(&plan, voice.writes()),
            voice,
            tally: Tally::default(),
            facts: Facts::default(),
            said_done: false,
            echo: None,
            plan,
        }
    }

    /// What the answer repeats of its request.
    pub(super) fn echo(&mut self, echo: Echo) {
        self.echo = Some(echo.clone());
        self.voice.echo(echo);
    }

    pub(super) fn metered(&self) -> Meter {
        self.tally.meter(self.voice.written())
    }

    pub(super) fn is_over(&self) -> bool {
        match &self.reader {
            Reader::OpenAi(_) => self.said_done && self.unfinished() == 0,
            Reader::Anthropic(decoder) => decoder.stopped,
            Reader::Plain(decoder) => decoder.is_over(),
        }
    }

    /// How many choices have not finished, of those asked for and those seen.
    fn unfinished(&self) -> u32 {
        match &self.reader {
            Reader::OpenAi(_) => self.facts.unfinished(&self.plan),
            Reader::Anthropic(decoder) => u32::from(!decoder.stopped),
            Reader::Plain(decoder) => decoder.unfinished(self.plan.choices.max(1)),
        }
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
        match &mut self.reader {
            Reader::OpenAi(reader) => {
                let text = reader.read(name == b"error", data)?;
                let name = utf8(name)?;
                self.chunk(text, out)?;
                if let (Voice::Lens(lens), Reader::OpenAi(reader)) = (&mut self.voice, &self.reader)
                {
                    lens.pass(name, text, &reader.chunk, out);
                }
                Ok(())
            }
            Reader::Anthropic(_) => self.message_event(utf8(name)?, data, out),
            Reader::Plain(_) => {
                self.plain(Some(utf8(name)?), data, out)?;
                if let Voice::ResponseLens(lens) = &mut self.voice {
                    lens.pass(utf8(name)?, utf8(data)?, out);
                }
                Ok(())
            }
        }
    }

    /// The same for a payload of a dialect that no lens patches: of a stream, or,
    /// without a name, a whole body.
    fn plain<'a>(
        &mut self,
        name: Option<&str>,
        data: &'a [u8],
        out: &mut BytesMut,
    ) -> Result<(), ProviderError> {
        let State {
            plan,
            reader,
            voice,
            tally,
            facts,
            ..
        } = self;
        let Reader::Plain(decoder) = reader else {
            return Ok(());
        };
        // The head needs what only the end of the payload may tell.
        let mut held = Vec::new();
        let mut sink = |event: Event<'a>| {
            tally.take(&event);
            facts.take(&event);
            held.push(event);
        };
        let outcome = match name {
            Some(name) => decoder.decode(name, data, &mut sink),
            None => decoder.body(data, &mut sink),
        };
        facts.note_about(decoder.about());
        if !held.is_empty() {
            let usage = facts.usage.filter(|usage| !usage.estimated);
            voice.begin(&facts.head(plan), usage, out);
        }
        for event in &held {
            voice.push(event, plan, out);
        }
        outcome.and(voice.flush(out))
    }

    /// Counts what the chunk that was read says, and writes it unless a lens will.
    fn chunk(&mut self, text: &str, out: &mut BytesMut) -> Result<(), ProviderError> {
        let State {
            plan,
            reader,
            voice,
            tally,
            facts,
            ..
        } = self;
        let Reader::OpenAi(reader) = reader else {
            return Ok(());
        };
        facts.note(text, &reader.chunk);
        for (place, choice) in reader.chunk.choices.iter().enumerate() {
            let index = u32::try_from(place).unwrap_or(u32::MAX);
            tally.legacy_call(index, choice.function_call.raw(text));
            tally.saw_content |= choice.audio.is_some();
        }
        if !voice.writes() {
            let ChunkReader { chunk, decoder, .. } = &mut **reader;
            return decoder.decode(text, chunk, &mut |event| {
                tally.take(&event);
                facts.take(&event);
            });
        }
        reader.note_usage(text);
        let ChunkReader { chunk, decoder, .. } = &mut **reader;
        if !voice.has_begun() && !chunk.choices.is_empty() {
            voice.begin(&facts.head(plan), None, out);
        }
        if let Voice::Chunks(writer) = voice {
            writer.both_reasonings |= chunk
                .choices
                .iter()
                .any(|choice| choice.reasoning.filled(text).is_some());
        }
        let outcome = decoder.decode(text, chunk, &mut |event| {
            tally.take(&event);
            facts.take(&event);
            voice.push(&event, plan, out);
        });
        outcome.and(voice.flush(out))
    }

    /// The same for an event of Anthropic's grammar.
    fn message_event(
        &mut self,
        name: &str,
        data: &[u8],
        out: &mut BytesMut,
    ) -> Result<(), ProviderError> {
        let (kind, payload, text) = payload(name, data)?;
        let State {
            plan,
            reader,
            voice,
            tally,
            facts,
            ..
        } = self;
        let Reader::Anthropic(decoder) = reader else {
            return Ok(());
        };
        let mut held = Vec::new();
        let starts = kind == "message_start";
        if !voice.has_begun() && !starts && kind != "ping" {
            voice.begin(&facts.head(plan), facts.usage, out);
        }
        let news = decoder.decode(&kind, &payload, &mut |event| {
            tally.take(&event);
            facts.take(&event);
            // The head needs what only the end of this event tells.
            if starts && voice.writes() {
                held.push(event);
            } else {
                voice.push(&event, plan, out);
            }
        });
        if starts {
            facts.id.clone_from(&decoder.id);
            facts.model.clone_from(&decoder.model);
            voice.begin(&facts.head(plan), facts.usage, out);
        }
        for event in &held {
            voice.push(event, plan, out);
        }
        let news = news?;
        voice.flush(out)?;
        match (news, &*kind, voice) {
            (true, _, Voice::MessageLens(lens)) => lens.pass(&kind, text, out),
            (true, "ping", voice) => voice.ping(out),
            _ => {}
        }
        Ok(())
    }

    /// A body that is no event stream: an error, or an answer in one piece,
    /// which is then streamed in one piece.
    pub(super) fn whole(&mut self, body: &[u8], out: &mut BytesMut) -> Result<(), ProviderError> {
        // The older form has one shape for both, so the lens can pass it.
        if self.plan.surface != Surface::Completions {
            self.voice = Voice::writer(&self.plan);
            if let Some(echo) = self.echo.clone() {
                self.voice.echo(echo);
            }
        }
        self.reader = Reader::new(&self.plan, true);
        match &mut self.reader {
            Reader::OpenAi(reader) => {
                let text = reader.read(false, body)?;
                if reader.chunk.choices.is_empty() {
                    return Err(no_answer());
                }
                self.tally.provider_events += 1;
                self.chunk(text, out)?;
                if let (Voice::Lens(lens), Reader::OpenAi(reader)) = (&mut self.voice, &self.reader)
                {
                    lens.pass("", text.trim_end(), &reader.chunk, out);
                }
                Ok(())
            }
            Reader::Anthropic(_) => self.whole_message(body, out),
            Reader::Plain(_) => {
                self.tally.provider_events += 1;
                self.plain(None, body, out)
            }
        }
    }

    fn whole_message(&mut self, body: &[u8], out: &mut BytesMut) -> Result<(), ProviderError> {
        let (kind, _, text) = payload("", body)?;
        if kind != "message" {
            return Err(ProviderError::in_answer(body).unwrap_or_else(no_answer));
        }
        self.tally.provider_events += 1;
        let State {
            plan,
            reader,
            voice,
            tally,
            facts,
            ..
        } = self;
        let Reader::Anthropic(decoder) = reader else {
            return Ok(());
        };
        let mut events = Vec::new();
        let outcome = decoder.body(text, &mut |event| {
            tally.take(&event);
            facts.take(&event);
            events.push(event);
        });
        facts.id.clone_from(&decoder.id);
        facts.model.clone_from(&decoder.model);
        voice.begin(&facts.head(plan), facts.usage, out);
        for event in &events {
            voice.push(event, plan, out);
        }
        outcome.and(voice.flush(out))
    }

    /// Whether a payload without its blank line is whole.
    pub(super) fn is_whole(data: &[u8]) -> bool {
        let text = std::str::from_utf8(data);
        text.is_ok_and(|text| Chunk::new(false).read(text).is_ok()) || data == b"[DONE]"
    }

    pub(super) fn ending(&self, whole: bool) -> Ending {
        match self.unfinished() {
            0 => Ending::Complete,
            _ if !whole => Ending::Truncated(Cut::MidEvent),
            _ if self.tally.provider_events == 0 => Ending::Truncated(Cut::Empty),
            open => Ending::Truncated(Cut::Unfinished(open)),
        }
    }

    /// The figures to bill: the provider's own, else what was counted. The output
    /// that some report before their last event is a beginning, no figure.
    pub(super) fn billed(&self, input_estimate: u64) -> Usage {
        let counted = self.tally.meter(0).tokens;
        let usage = final_usage(self.facts.usage, input_estimate, counted);
        let is_final = match &self.reader {
            Reader::OpenAi(_) => true,
            Reader::Anthropic(decoder) => decoder.is_final,
            Reader::Plain(decoder) => decoder.usage_is_final(),
        };
        match is_final {
            false => Usage {
                output: usage.output.max(counted),
                estimated: true,
                ..usage
            },
            true => usage,
        }
    }

    /// The bytes are over: tells what waited for that, unless the stream is cut.
    pub(super) fn close(&mut self, out: &mut BytesMut) -> Result<(), ProviderError> {
        if self.unfinished() > 0 {
            return Ok(());
        }
        let State {
            plan,
            reader,
            voice,
            tally,
            facts,
            ..
        } = self;
        let Reader::Plain(decoder) = reader else {
            return Ok(());
        };
        decoder.end(&mut |event| {
            tally.take(&event);
            facts.take(&event);
            voice.push(&event, plan, out);
        });
        voice.flush(out)
    }

    /// The end of an answer that broke off; see [`Voice::fail`].
    pub(super) fn fail(&mut self, event: &[u8], out: &mut BytesMut) -> bool {
        let error = error_of(event);
        let usage = self.billed(self.plan.input_estimate);
        let head = self.facts.head(&self.plan);
        self.voice.fail(&head, (error, usage), out)
    }

    /// Usage, if the client is to see it, and the end of its grammar.
    pub(super) fn conclude(&mut self, note: Option<&str>, out: &mut BytesMut) {
        let end = End {
            figures: self.billed(self.plan.input_estimate),
            unknown: self.reader.unknown(),
            note: note.filter(|note| !note.contains(['\n', '\r'])),
        };
        self.voice.conclude(&self.facts.head(&self.plan), &end, out);
    }
}

fn no_answer() -> ProviderError {
    ProviderError::malformed("the answer is neither a stream nor a completion")
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

    fn note_about(&mut self, about: About<'_>) {
        if self.id.is_none() {
            self.id = about.id.map(Into::into);
        }
        if self.model.is_none() {
            self.model = about.model.map(Into::into);
        }
        self.created = self.created.or(about.created);
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
    fn head<'a>(&'a self, plan: &'a StreamPlan) -> Head<'a> {
        Head {
            id: self.id.as_deref().filter(|id| !id.is_empty()),
            created: self.created.unwrap_or(plan.created),
            model: match self.model.as_deref() {
                None | Some("") => &plan.model,
                Some(model) => model,
            },
            plan,
        }
    }
}
