//! The client's side of an answer: one writer per dialect, and one lens per
//! dialect for clients whose provider speaks it too.

use bytes::BytesMut;

use crate::dialect::Dialect;
use crate::dialect::anthropic::closing::message_id;
use crate::dialect::anthropic::emit::MessageWriter;
use crate::dialect::anthropic::lens::MessageLens;
use crate::dialect::openai_chat::emit::ChunkWriter;
use crate::dialect::openai_chat::lens::Lens;
use crate::dialect::openai_chat::usage::{self, Unknown};
use crate::dialect::openai_responses::Echo;
use crate::dialect::openai_responses::emit::ResponseWriter;
use crate::dialect::openai_responses::lens::ResponseLens;
use crate::error::ProviderError;
use crate::event::{Event, Step, Usage};
use crate::prompt::Surface;

use super::StreamPlan;

/// What an answer is written with.
pub(super) enum Voice {
    Lens(Lens),
    Chunks(Box<ChunkWriter>),
    MessageLens(MessageLens),
    Messages(Box<MessageWriter>),
    ResponseLens(ResponseLens),
    Responses(Box<ResponseWriter>),
}

/// What is known of the answer as a whole; the plan fills in what is not.
pub(super) struct Head<'a> {
    pub(super) id: Option<&'a str>,
    pub(super) created: u64,
    pub(super) model: &'a str,
    pub(super) plan: &'a StreamPlan,
}

/// What the end of an answer tells.
pub(super) struct End<'a> {
    pub(super) figures: Usage,
    pub(super) unknown: Unknown,
    /// One JSON value on one line.
    pub(super) note: Option<&'a str>,
}

impl Voice {
    pub(super) fn new(plan: &StreamPlan) -> Voice {
        match plan.to {
            Dialect::OpenAiChat if plan.is_lens() => Voice::Lens(Lens::new(plan.show_usage)),
            Dialect::AnthropicMessages if plan.is_lens() => {
                Voice::MessageLens(MessageLens::default())
            }
            Dialect::OpenAiResponses if plan.is_lens() => {
                Voice::ResponseLens(ResponseLens::default())
            }
            _ => Voice::writer(plan),
        }
    }

    /// The writer for that client, whatever the provider speaks.
    pub(super) fn writer(plan: &StreamPlan) -> Voice {
        match plan.to {
            Dialect::AnthropicMessages => Voice::Messages(Box::default()),
            Dialect::OpenAiResponses => Voice::Responses(Box::default()),
            _ => {
                let mut writer = ChunkWriter::default();
                writer.details = plan.from != Dialect::OpenAiChat;
                Voice::Chunks(Box::new(writer))
            }
        }
    }

    pub(super) fn written(&self) -> u64 {
        match self {
            Voice::Lens(lens) => lens.written,
            Voice::Chunks(writer) => writer.written,
            Voice::MessageLens(lens) => lens.written,
            Voice::Messages(writer) => writer.written,
            Voice::ResponseLens(lens) => lens.written,
            Voice::Responses(writer) => writer.written,
        }
    }

    /// Whether it writes anew, from events.
    pub(super) fn writes(&self) -> bool {
        matches!(
            self,
            Voice::Chunks(_) | Voice::Messages(_) | Voice::Responses(_)
        )
    }

    /// Whether the head of the answer was said; a lens has none of its own.
    pub(super) fn has_begun(&self) -> bool {
        match self {
            Voice::Chunks(writer) => writer.has_begun(),
            Voice::Messages(writer) => writer.has_begun(),
            Voice::Responses(writer) => writer.has_begun(),
            Voice::Lens(_) | Voice::MessageLens(_) | Voice::ResponseLens(_) => true,
        }
    }

    /// Says once what stands at the head of the answer. `usage` is what is known
    /// of it by now.
    pub(super) fn begin(&mut self, head: &Head<'_>, usage: Option<Usage>, out: &mut BytesMut) {
        match self {
            Voice::Chunks(writer) if !writer.has_begun() => {
                let id = head.id.unwrap_or(&head.plan.id);
                writer.begin(id, head.created, head.model);
            }
            Voice::Messages(writer) if !writer.has_begun() => {
                let id = message_id(head.id, &head.plan.id);
                let guess = Usage {
                    input: head.plan.input_estimate,
                    estimated: true,
                    ..Usage::default()
                };
                writer.begin(&id, head.model, usage.unwrap_or(guess), out);
            }
            Voice::Responses(writer) if !writer.has_begun() => {
                let ids = (head.id, head.plan.id.as_str());
                writer.begin(ids, head.created, head.model, out);
            }
            _ => {}
        }
    }

    /// Writes an event, unless a lens will pass the bytes it came from.
    pub(super) fn push(&mut self, event: &Event<'_>, plan: &StreamPlan, out: &mut BytesMut) {
        match self {
            Voice::Chunks(writer) if !is_hidden(event, plan) => writer.push(event, out),
            Voice::Messages(writer) => writer.push(event, out),
            Voice::Responses(writer) => writer.push(event, out),
            _ => {}
        }
    }

    /// The provider's event is over.
    ///
    /// # Errors
    /// Too much had to wait for the arguments of a call, which never became whole.
    pub(super) fn flush(&mut self, out: &mut BytesMut) -> Result<(), ProviderError> {
        match self {
            Voice::Chunks(writer) => writer.flush(out),
            Voice::Messages(writer) if writer.is_overfull() => {
                return Err(ProviderError::malformed(
                    "the arguments of a tool call never end",
                ));
            }
            Voice::Messages(writer) => writer.flush(out),
            Voice::Responses(writer) => writer.flush(),
            Voice::Lens(_) | Voice::MessageLens(_) | Voice::ResponseLens(_) => {}
        }
        Ok(())
    }

    /// The provider has said that it is still there.
    pub(super) fn ping(&mut self, out: &mut BytesMut) {
        match self {
            Voice::Messages(writer) => writer.ping(out),
            Voice::Chunks(_) | Voice::Responses(_) => {
                out.extend_from_slice(b": keep-alive\n\n");
            }
            Voice::Lens(_) | Voice::MessageLens(_) | Voice::ResponseLens(_) => {}
        }
    }

    /// Writes the end of a complete answer: usage, if the client is to see it, and
    /// the last event of its grammar.
    pub(super) fn conclude(&mut self, head: &Head<'_>, end: &End<'_>, out: &mut BytesMut) {
        self.begin(head, Some(end.figures), out);
        match self {
            Voice::Messages(writer) => {
                writer.conclude(end.figures, &end.unknown, end.note, out);
            }
            Voice::MessageLens(lens) => {
                comment(end.note, out);
                lens.stop(out);
            }
            Voice::Responses(writer) => {
                writer.conclude(end.figures, &end.unknown, end.note, out);
            }
            Voice::ResponseLens(lens) => {
                comment(end.note, out);
                lens.stop(out);
            }
            Voice::Chunks(_) | Voice::Lens(_) => {
                if head.plan.show_usage {
                    self.usage_chunk(head, end, out);
                }
                comment(end.note, out);
                out.extend_from_slice(b"data: [DONE]\n\n");
            }
        }
    }

    fn usage_chunk(&mut self, head: &Head<'_>, end: &End<'_>, out: &mut BytesMut) {
        let member = end
            .note
            .map(|note| format!(",\"alfred\":{note}"))
            .unwrap_or_default();
        let mut usage = Vec::new();
        usage::write(end.figures, &end.unknown, &mut usage);
        match self {
            Voice::Lens(lens) => {
                if !lens.usage(&member, out) && !lens.usage_passed {
                    let object = match head.plan.surface {
                        Surface::Completions => "text_completion",
                        _ => "chat.completion.chunk",
                    };
                    let mut writer = ChunkWriter::default();
                    let id = head.id.unwrap_or(&head.plan.id);
                    writer.begin_as(object, (id, head.created, head.model));
                    writer.usage(&usage, member.as_bytes(), out);
                    lens.written += 1;
                }
            }
            Voice::Chunks(writer) => writer.usage(&usage, member.as_bytes(), out),
            Voice::MessageLens(_)
            | Voice::Messages(_)
            | Voice::ResponseLens(_)
            | Voice::Responses(_) => {}
        }
    }

    /// What the answer repeats of its request, where it does.
    pub(super) fn echo(&mut self, echo: Echo) {
        if let Voice::Responses(writer) = self {
            writer.echo(echo);
        }
    }

    /// Writes the end of an answer that broke off, if its grammar numbers its
    /// events; false where an event of its own will do.
    pub(super) fn fail(
        &mut self,
        head: &Head<'_>,
        (error, usage): (&str, Usage),
        out: &mut BytesMut,
    ) -> bool {
        if matches!(self, Voice::Responses(_)) {
            self.begin(head, Some(usage), out);
        }
        match self {
            Voice::Responses(writer) => writer.fail(error, usage, out),
            Voice::ResponseLens(lens) => lens.fail(error, out),
            _ => return false,
        }
        true
    }
}

fn comment(note: Option<&str>, out: &mut BytesMut) {
    if let Some(note) = note {
        out.extend_from_slice(b": alfred ");
        out.extend_from_slice(note.as_bytes());
        out.extend_from_slice(b"\n\n");
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
