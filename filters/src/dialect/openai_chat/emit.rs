//! The one strict writer of chat chunks. Official clients differ in what they
//! forgive, so every chunk has every required member: `id`, `object`, `created`,
//! `model`, and per choice `index`, `delta`, `logprobs` and `finish_reason`.
//!
//! Beyond OpenAI's grammar it writes:
//!
//! | member | why |
//! |---|---|
//! | `delta.reasoning_content` | the name most clients look for |
//! | `delta.reasoning` | the same text once more, when the provider says it so: its own clients look there |
//! | `delta.images` | pictures that the model made, each as `{"type":"image_url","image_url":{"url":"data:…"}}` |
//! | `delta.reasoning_details` | Anthropic's and Gemini's reasoning in its parts, `{"type":"reasoning.text","text":…,"signature":…,"index":…}` or `{"type":"reasoning.encrypted","data":…,"index":…}`: pieces of one `index` belong together, and the seals must come back with the next request |
//! | `delta.native_content`, `delta.native_citations` | parts and sources that only their provider knows, as sent |
//! | `native_finish_reason` | the provider's word, when OpenAI has none for it |
//! | `native_service_tier`, `native_logprobs` | values that OpenAI's schema does not allow in place |
//! | unknown members | at their places; `null` and padding are dropped |

use std::fmt::Write;

use bytes::BytesMut;

use crate::event::{Channel, Event, FinishReason, Scope, Step};
use crate::json::push_quoted;

use super::usage::{push_member, push_raw};
use super::wire::members;

const TIERS: [&str; 6] = [
    r#""auto""#,
    r#""default""#,
    r#""flex""#,
    r#""scale""#,
    r#""priority""#,
    r#""fast""#,
];

/// Writes events as chunks. Events that fit into one chunk share it until
/// [`flush`](Self::flush), so one chunk of a provider becomes one of ours.
/// The buffers are reused from chunk to chunk.
#[derive(Debug, Default)]
pub(crate) struct ChunkWriter {
    /// What every chunk begins with, up to the choices.
    head: Vec<u8>,
    /// The choices whose role was written.
    begun: Vec<bool>,
    open: Option<Open>,
    delta: Vec<u8>,
    calls: Calls,
    choice_tail: Vec<u8>,
    chunk_tail: Vec<u8>,
    /// Unknown members of the last chunk without choices. They wait for the
    /// usage chunk: an empty `choices` breaks clients that expect it there only.
    orphans: Vec<u8>,
    finish: Option<FinishReason>,
    native_finish: Vec<u8>,
    logprobs: Vec<u8>,
    /// Write reasoning under both names.
    pub(crate) both_reasonings: bool,
    /// Write reasoning in its parts too.
    pub(crate) details: bool,
    /// The part of reasoning that is being written.
    part: Part,
    /// Chunks written so far.
    pub(crate) written: u64,
}

/// The chunk in the making.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Open {
    choice: u32,
    /// The members it has, of those that a chunk can have once.
    taken: u8,
}

const TEXT: u8 = 1;
const REASONING: u8 = 2;
const REFUSAL: u8 = 4;
const DETAILS: u8 = 8;
const BLOCKS: u8 = 16;
const CITATIONS: u8 = 32;
const IMAGES: u8 = 64;

/// A part of reasoning: its number, and whether anything of it was said, its seal
/// too.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    number: u64,
    said: bool,
    sealed: bool,
}

impl Part {
    fn next(&mut self) {
        self.sealed = false;
        self.number += u64::from(std::mem::take(&mut self.said));
    }
}

/// The `tool_calls` of the chunk in the making.
#[derive(Debug, Default)]
struct Calls {
    out: Vec<u8>,
    tail: Vec<u8>,
    /// The element that is not closed yet.
    open: Option<u32>,
    has_function: bool,
    has_arguments: bool,
}

impl ChunkWriter {
    /// Says what every chunk begins with.
    pub(crate) fn begin(&mut self, id: &str, created: u64, model: &str) {
        self.begin_as("chat.completion.chunk", (id, created, model));
    }

    /// The same for a chunk that is called `object`.
    pub(crate) fn begin_as(&mut self, object: &str, (id, created, model): (&str, u64, &str)) {
        self.head.clear();
        self.head.extend_from_slice(b"data: {\"id\":");
        push_quoted(&mut self.head, id);
        let object = format!(r#","object":"{object}","created":{created},"model":"#);
        self.head.extend_from_slice(object.as_bytes());
        push_quoted(&mut self.head, model);
        self.head.extend_from_slice(b",\"choices\":[");
    }

    pub(crate) fn has_begun(&self) -> bool {
        !self.head.is_empty()
    }

    /// Takes one event in; writes the open chunk first if it does not fit there.
    pub(crate) fn push(&mut self, event: &Event<'_>, out: &mut BytesMut) {
        match &event.step {
            Step::Usage(_) => {}
            Step::Extra {
                scope: Scope::Chunk,
                key,
                value,
            } => push_chunk_member(&mut self.chunk_tail, key, value),
            Step::Role(_) => {
                if !self
                    .begun
                    .get(event.choice as usize)
                    .copied()
                    .unwrap_or(false)
                {
                    self.open(event.choice, out);
                }
            }
            Step::Part if event.channel == Channel::Reasoning => self.part.next(),
            Step::Part => {}
            Step::Delta(text) => self.text(event.choice, event.channel, text, out),
            Step::Signature(text) => {
                self.detail(event.choice, "signature", text, out);
                self.part.sealed = true;
            }
            Step::Redacted(data) => {
                self.part.next();
                self.detail(event.choice, "data", data, out);
                self.part.next();
            }
            Step::Citation(_) | Step::Block { .. } | Step::Image { .. } => self.list(event, out),
            Step::CallStart { call, id, name } => {
                self.open(event.choice, out);
                self.calls.start(*call, id, name);
            }
            Step::CallDelta { call, json } => {
                self.open(event.choice, out);
                self.calls.arguments(*call, json);
            }
            Step::Extra {
                scope: Scope::Call(call),
                key,
                value,
            } => {
                self.open(event.choice, out);
                self.calls.switch(*call);
                push_member(&mut self.calls.tail, key, value);
            }
            Step::Extra {
                scope: Scope::Delta,
                key,
                value,
            } => {
                self.open(event.choice, out);
                push_member(&mut self.delta, key, value);
            }
            Step::Extra {
                scope: Scope::Choice,
                key,
                value,
            } => {
                self.open(event.choice, out);
                push_member(&mut self.choice_tail, key, value);
            }
            Step::Logprobs(value) => {
                self.open(event.choice, out);
                self.logprobs.clear();
                push_logprobs(&mut self.logprobs, &mut self.choice_tail, value);
            }
            Step::Finish { reason, raw } => {
                self.open(event.choice, out);
                self.finish = Some(*reason);
                push_native_finish(&mut self.native_finish, *reason, raw);
            }
        }
    }

    fn text(&mut self, choice: u32, channel: Channel, text: &str, out: &mut BytesMut) {
        let (what, name): (u8, &[u8]) = match channel {
            Channel::Reasoning if self.details => (REASONING | DETAILS, b",\"reasoning_content\":"),
            Channel::Reasoning => (REASONING, b",\"reasoning_content\":"),
            Channel::Refusal => (REFUSAL, b",\"refusal\":"),
            _ => (TEXT, b",\"content\":"),
        };
        self.claim(choice, what, out);
        self.delta.extend_from_slice(name);
        push_quoted(&mut self.delta, text);
        if channel == Channel::Reasoning && self.both_reasonings {
            self.delta.extend_from_slice(b",\"reasoning\":");
            push_quoted(&mut self.delta, text);
        }
        if channel == Channel::Reasoning && self.details {
            // What follows a seal is another thought.
            if self.part.sealed {
                self.part.next();
            }
            self.part.said = true;
            push_detail(&mut self.delta, "text", text, self.part.number);
        }
    }

    /// Writes what belongs to a part of reasoning and is not its text.
    fn detail(&mut self, choice: u32, name: &str, value: &str, out: &mut BytesMut) {
        self.claim(choice, DETAILS, out);
        self.part.said = true;
        push_detail(&mut self.delta, name, value, self.part.number);
    }

    /// Writes what stands in a list of its kind.
    fn list(&mut self, event: &Event<'_>, out: &mut BytesMut) {
        let (what, name, json) = match &event.step {
            Step::Citation(json) => (CITATIONS, "native_citations", json.clone()),
            Step::Block { json, .. } => (BLOCKS, "native_content", json.clone()),
            Step::Image { media_type, data } => (IMAGES, "images", image(media_type, data).into()),
            _ => return,
        };
        self.claim(event.choice, what, out);
        push_list(&mut self.delta, name, &json);
    }

    /// Makes `choice` the one that is being written, in a chunk that has none of
    /// the members `what` yet.
    fn claim(&mut self, choice: u32, what: u8, out: &mut BytesMut) {
        let mut open = self.open(choice, out);
        if open.taken & what != 0 {
            self.flush(out);
            open = self.open(choice, out);
        }
        open.taken |= what;
        self.open = Some(open);
    }

    /// Makes `choice` the one that is being written.
    fn open(&mut self, choice: u32, out: &mut BytesMut) -> Open {
        if let Some(open) = self.open {
            if open.choice == choice {
                return open;
            }
            self.flush(out);
        }
        let place = choice as usize;
        if self.begun.len() <= place {
            self.begun.resize(place + 1, false);
        }
        if let Some(begun) = self.begun.get_mut(place).filter(|begun| !**begun) {
            *begun = true;
            self.delta.extend_from_slice(b",\"role\":\"assistant\"");
        }
        let open = Open { choice, taken: 0 };
        self.open = Some(open);
        open
    }

    /// Writes the open chunk, if there is one.
    pub(crate) fn flush(&mut self, out: &mut BytesMut) {
        if let Some(open) = self.open.take() {
            self.calls.close();
            out.extend_from_slice(&self.head);
            // Writing to memory does not fail.
            let _ = write!(out, "{{\"index\":{},\"delta\":{{", open.choice);
            out.extend_from_slice(self.delta.get(1..).unwrap_or_default());
            if !self.calls.out.is_empty() {
                out.extend_from_slice(if self.delta.is_empty() {
                    b"\"tool_calls\":"
                } else {
                    b",\"tool_calls\":"
                });
                out.extend_from_slice(&self.calls.out);
                out.extend_from_slice(b"]");
            }
            out.extend_from_slice(b"},\"logprobs\":");
            out.extend_from_slice(if self.logprobs.is_empty() {
                b"null"
            } else {
                &self.logprobs
            });
            out.extend_from_slice(b",\"finish_reason\":");
            push_finish(self.finish, out);
            out.extend_from_slice(&self.native_finish);
            out.extend_from_slice(&self.choice_tail);
            out.extend_from_slice(b"}]");
            out.extend_from_slice(&self.chunk_tail);
            out.extend_from_slice(b"}\n\n");
            self.written += 1;
        } else if !self.chunk_tail.is_empty() {
            std::mem::swap(&mut self.orphans, &mut self.chunk_tail);
        }
        self.calls.out.clear();
        for buffer in [
            &mut self.delta,
            &mut self.choice_tail,
            &mut self.chunk_tail,
            &mut self.native_finish,
            &mut self.logprobs,
        ] {
            buffer.clear();
        }
        self.finish = None;
    }

    /// Writes a chunk of its own for usage: `usage` is the JSON object, `more`
    /// further members of the chunk with a comma before each.
    pub(crate) fn usage(&mut self, usage: &[u8], more: &[u8], out: &mut BytesMut) {
        self.flush(out);
        out.extend_from_slice(&self.head);
        out.extend_from_slice(b"],\"usage\":");
        out.extend_from_slice(usage);
        out.extend_from_slice(more);
        out.extend_from_slice(&self.orphans);
        out.extend_from_slice(b"}\n\n");
        self.written += 1;
    }
}

impl Calls {
    fn start(&mut self, call: u32, id: &str, name: &str) {
        self.switch(call);
        self.out.extend_from_slice(b",\"id\":");
        push_quoted(&mut self.out, id);
        self.out
            .extend_from_slice(b",\"type\":\"function\",\"function\":{\"name\":");
        push_quoted(&mut self.out, name);
        self.has_function = true;
    }

    fn arguments(&mut self, call: u32, json: &str) {
        if self.has_arguments {
            self.close();
        }
        self.switch(call);
        if self.has_function {
            self.out.push(b',');
        } else {
            self.out.extend_from_slice(b",\"function\":{");
        }
        self.out.extend_from_slice(b"\"arguments\":");
        push_quoted(&mut self.out, json);
        self.has_function = true;
        self.has_arguments = true;
    }

    /// Makes `call` the element that is being written.
    fn switch(&mut self, call: u32) {
        if self.open == Some(call) {
            return;
        }
        self.close();
        self.out.push(if self.out.is_empty() { b'[' } else { b',' });
        self.out.extend_from_slice(b"{\"index\":");
        self.out.extend_from_slice(call.to_string().as_bytes());
        self.open = Some(call);
    }

    fn close(&mut self) {
        if self.open.take().is_none() {
            return;
        }
        if self.has_function && !self.has_arguments {
            self.out.extend_from_slice(b",\"arguments\":\"\"");
        }
        if self.has_function {
            self.out.push(b'}');
        }
        self.out.extend_from_slice(&self.tail);
        self.out.push(b'}');
        self.tail.clear();
        self.has_function = false;
        self.has_arguments = false;
    }
}

/// Appends `,"name":[json]`.
fn push_list(out: &mut Vec<u8>, name: &str, json: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":[");
    push_raw(out, json);
    out.push(b']');
}

/// A picture as OpenAI's own requests spell one.
pub(crate) fn image(media_type: &str, data: &str) -> String {
    let mut url = Vec::with_capacity(data.len() + 64);
    push_quoted(&mut url, &format!("data:{media_type};base64,{data}"));
    let url = String::from_utf8(url).unwrap_or_default();
    format!(r#"{{"type":"image_url","image_url":{{"url":{url}}}}}"#)
}

/// Appends the member `reasoning_details` with one element.
fn push_detail(out: &mut Vec<u8>, name: &str, value: &str, part: u64) {
    out.extend_from_slice(b",\"reasoning_details\":[");
    push_reasoning(out, &[(name, value)], part);
    out.push(b']');
}

/// Appends one element of `reasoning_details`.
pub(crate) fn push_reasoning(out: &mut Vec<u8>, members: &[(&str, &str)], part: u64) {
    let hidden = members.iter().any(|(name, _)| *name == "data");
    out.extend_from_slice(if hidden {
        b"{\"type\":\"reasoning.encrypted\""
    } else {
        b"{\"type\":\"reasoning.text\""
    });
    for (name, value) in members {
        out.extend_from_slice(b",\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        push_quoted(out, value);
    }
    out.extend_from_slice(format!(",\"index\":{part}}}").as_bytes());
}

fn push_finish(finish: Option<FinishReason>, out: &mut BytesMut) {
    match finish {
        None => out.extend_from_slice(b"null"),
        Some(reason) => {
            out.extend_from_slice(b"\"");
            out.extend_from_slice(reason.as_str().as_bytes());
            out.extend_from_slice(b"\"");
        }
    }
}

/// Appends `,"native_finish_reason":…` if the provider's word is not OpenAI's.
pub(crate) fn push_native_finish(out: &mut Vec<u8>, reason: FinishReason, raw: &str) {
    out.clear();
    if raw != reason.as_str() {
        out.extend_from_slice(b",\"native_finish_reason\":");
        push_quoted(out, raw);
    }
}

/// Appends an unknown member of the chunk or body; `service_tier` only has the
/// values of OpenAI's schema.
pub(crate) fn push_chunk_member(out: &mut Vec<u8>, key: &str, value: &str) {
    let name = match key {
        "service_tier" if !TIERS.contains(&value) => "native_service_tier",
        // It would come after ours, and be read in its stead.
        "id" | "object" | "created" | "model" | "choices" | "usage" => return,
        key => key,
    };
    push_member(out, name, value);
}

/// Writes log probabilities in OpenAI's form to `out`, and in any other form as
/// a further member to `tail`.
pub(crate) fn push_logprobs(out: &mut Vec<u8>, tail: &mut Vec<u8>, value: &str) {
    let (mut content, mut refusal, mut known) = ("null", "null", false);
    let mut more = Vec::new();
    members(value, |key, value| match key {
        "content" => (content, known) = (value, true),
        "refusal" => (refusal, known) = (value, true),
        _ => push_member(&mut more, key, value),
    });
    if !known {
        out.extend_from_slice(b"null");
        return push_member(tail, "native_logprobs", value);
    }
    out.extend_from_slice(b"{\"content\":");
    push_raw(out, content);
    out.extend_from_slice(b",\"refusal\":");
    push_raw(out, refusal);
    out.extend_from_slice(&more);
    out.push(b'}');
}
