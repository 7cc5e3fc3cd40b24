//! Unstreamed answers of this dialect: what Alfred must know of a body, its
//! texts, and the strict body for clients of any provider but OpenAI and Azure.

use std::borrow::Cow;

use crate::dialect::anthropic::parts::{Part, Parts};
use crate::event::{Channel, Event, FinishReason, Scope, Step};
use crate::json::push_quoted;
use crate::prompt::Surface;
use crate::text::{Path, Role, TextChannel, TextRef};

use super::emit::{image, push_chunk_member, push_logprobs, push_native_finish, push_reasoning};
use super::usage::push_member;
use super::wire::{elements, members, string};

/// Collects the events of one answer and writes them as one body.
#[derive(Debug, Default)]
pub(crate) struct BodyWriter {
    choices: Vec<Option<Message>>,
    tail: Vec<u8>,
    /// Write reasoning under both names.
    pub(crate) both_reasonings: bool,
    /// Write reasoning in its parts too.
    pub(crate) details: bool,
}

#[derive(Debug, Default)]
struct Message {
    content: String,
    reasoning: String,
    refusal: String,
    /// The reasoning in its parts.
    thoughts: Parts,
    /// Blocks and sources that only their provider knows, as JSON text.
    blocks: Vec<String>,
    citations: Vec<String>,
    images: Vec<String>,
    calls: Vec<Call>,
    /// It calls the one function of OpenAI's older request form.
    legacy_call: bool,
    tail: Vec<u8>,
    choice_tail: Vec<u8>,
    logprobs: Vec<u8>,
    finish: Option<FinishReason>,
    native_finish: Vec<u8>,
}

#[derive(Debug, Default)]
struct Call {
    id: String,
    name: String,
    arguments: String,
    tail: Vec<u8>,
}

impl BodyWriter {
    /// Takes one event in.
    pub(crate) fn push(&mut self, event: &Event<'_>) {
        let place = event.choice as usize;
        match &event.step {
            Step::Usage(_) => return,
            Step::Extra {
                scope: Scope::Chunk,
                key,
                value,
            } => {
                return push_chunk_member(&mut self.tail, key, value);
            }
            _ => {}
        }
        if self.choices.len() <= place {
            self.choices.resize_with(place + 1, || None);
        }
        let Some(slot) = self.choices.get_mut(place) else {
            return;
        };
        slot.get_or_insert_default().push(event);
    }

    /// Says that a choice exists even if nothing is known of it.
    pub(crate) fn touch(&mut self, choice: u32) {
        self.push(&Event {
            choice,
            channel: Channel::Meta,
            step: Step::Role(Cow::Borrowed("assistant")),
        });
    }

    /// Writes the body. `usage` is the JSON object.
    pub(crate) fn write(&self, (id, created, model): (&str, u64, &str), usage: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(1024);
        out.extend_from_slice(b"{\"id\":");
        push_quoted(&mut out, id);
        out.extend_from_slice(
            format!(r#","object":"chat.completion","created":{created},"model":"#).as_bytes(),
        );
        push_quoted(&mut out, model);
        out.extend_from_slice(b",\"choices\":[");
        let present = self
            .choices
            .iter()
            .enumerate()
            .filter_map(|(index, m)| Some((index, m.as_ref()?)));
        for (position, (index, message)) in present.enumerate() {
            if position > 0 {
                out.push(b',');
            }
            message.write(index, (self.both_reasonings, self.details), &mut out);
        }
        out.extend_from_slice(b"],\"usage\":");
        out.extend_from_slice(usage);
        out.extend_from_slice(&self.tail);
        out.push(b'}');
        out
    }
}

impl Message {
    fn push(&mut self, event: &Event<'_>) {
        match &event.step {
            Step::Delta(text) => match event.channel {
                Channel::Reasoning => self.reasoning.push_str(text),
                Channel::Refusal => self.refusal.push_str(text),
                _ => self.content.push_str(text),
            },
            Step::CallStart { call, id, name } => self.call(*call, |call| {
                call.id.push_str(id);
                call.name.push_str(name);
            }),
            Step::CallDelta { call, json } => {
                self.call(*call, |call| call.arguments.push_str(json));
            }
            Step::Extra {
                scope: Scope::Call(call),
                key,
                value,
            } => {
                self.call(*call, |call| push_member(&mut call.tail, key, value));
            }
            Step::Extra {
                scope: Scope::Delta,
                key,
                value,
            } => {
                self.legacy_call |= key == "function_call";
                push_member(&mut self.tail, key, value);
            }
            Step::Extra {
                scope: Scope::Choice,
                key,
                value,
            } => push_member(&mut self.choice_tail, key, value),
            Step::Logprobs(value) => {
                self.logprobs.clear();
                push_logprobs(&mut self.logprobs, &mut self.choice_tail, value);
            }
            Step::Finish { reason, raw } => {
                self.finish = Some(*reason);
                push_native_finish(&mut self.native_finish, *reason, raw);
            }
            Step::Citation(json) => self.citations.push(json.clone().into_owned()),
            Step::Block { json, .. } => self.blocks.push(json.clone().into_owned()),
            Step::Image { media_type, data } => self.images.push(image(media_type, data)),
            Step::Part
            | Step::Signature(_)
            | Step::Redacted(_)
            | Step::Role(_)
            | Step::Usage(_)
            | Step::Extra { .. } => {}
        }
        if event.channel == Channel::Reasoning {
            self.thoughts.push(event);
        }
    }

    fn call(&mut self, call: u32, change: impl FnOnce(&mut Call)) {
        let place = call as usize;
        if self.calls.len() <= place {
            self.calls.resize_with(place + 1, Call::default);
        }
        self.calls.get_mut(place).map(change);
    }

    fn write(&self, index: usize, (both, details): (bool, bool), out: &mut Vec<u8>) {
        out.extend_from_slice(
            format!(r#"{{"index":{index},"message":{{"role":"assistant","content":"#).as_bytes(),
        );
        let acts = self.legacy_call || !self.calls.is_empty() || !self.refusal.is_empty();
        if self.content.is_empty() && acts {
            out.extend_from_slice(b"null");
        } else {
            push_quoted(out, &self.content);
        }
        out.extend_from_slice(b",\"refusal\":");
        if self.refusal.is_empty() {
            out.extend_from_slice(b"null");
        } else {
            push_quoted(out, &self.refusal);
        }
        if !self.reasoning.is_empty() {
            out.extend_from_slice(b",\"reasoning_content\":");
            push_quoted(out, &self.reasoning);
            if both {
                out.extend_from_slice(b",\"reasoning\":");
                push_quoted(out, &self.reasoning);
            }
        }
        if details && !self.thoughts.list.is_empty() {
            self.write_details(out);
        }
        for (name, list) in [
            ("native_content", &self.blocks),
            ("native_citations", &self.citations),
            ("images", &self.images),
        ] {
            if !list.is_empty() {
                push_member(out, name, &format!("[{}]", list.join(",")));
            }
        }
        for (position, call) in self.calls.iter().enumerate() {
            out.extend_from_slice(if position == 0 {
                b",\"tool_calls\":["
            } else {
                b","
            });
            call.write(out);
        }
        if !self.calls.is_empty() {
            out.push(b']');
        }
        out.extend_from_slice(&self.tail);
        out.extend_from_slice(b"},\"logprobs\":");
        out.extend_from_slice(if self.logprobs.is_empty() {
            b"null"
        } else {
            &self.logprobs
        });
        let finish = self.finish.unwrap_or(FinishReason::Stop).as_str();
        out.extend_from_slice(format!(r#","finish_reason":"{finish}""#).as_bytes());
        for part in [&self.native_finish, &self.choice_tail] {
            out.extend_from_slice(part);
        }
        out.push(b'}');
    }
}

impl Message {
    fn write_details(&self, out: &mut Vec<u8>) {
        for (place, part) in self.thoughts.list.iter().enumerate() {
            out.extend_from_slice(if place == 0 {
                b",\"reasoning_details\":["
            } else {
                b","
            });
            let number = place as u64;
            match part {
                Part::Thinking { text, signature } => {
                    let both = [("text", &**text), ("signature", &**signature)];
                    let said = if signature.is_empty() { 1 } else { 2 };
                    push_reasoning(out, both.get(..said).unwrap_or_default(), number);
                }
                Part::Redacted(data) => push_reasoning(out, &[("data", data)], number),
                Part::Text { .. } | Part::Call(_) | Part::Block(_) => {}
            }
        }
        out.push(b']');
    }
}

impl Call {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"id\":");
        push_quoted(out, &self.id);
        out.extend_from_slice(b",\"type\":\"function\",\"function\":{\"name\":");
        push_quoted(out, &self.name);
        out.extend_from_slice(b",\"arguments\":");
        push_quoted(
            out,
            if self.arguments.is_empty() {
                "{}"
            } else {
                &self.arguments
            },
        );
        out.push(b'}');
        out.extend_from_slice(&self.tail);
        out.push(b'}');
    }
}

/// Shows every text of a chat body to `f`: content and its parts, reasoning,
/// refusals, names and arguments of calls, transcripts of sound; of OpenAI's
/// older form the one text of each choice.
pub(crate) fn visit_texts(body: &str, surface: Surface, f: &mut dyn FnMut(TextRef<'_>)) {
    let completions = surface == Surface::Completions;
    let top = Path::ROOT.key("choices");
    members(body, |key, choices| {
        let mut place = 0;
        if key == "choices" {
            elements(choices, |choice| {
                let path = top.index(place);
                members(choice, |key, value| match key {
                    "message" => visit_message(value, &path.key("message"), f),
                    "text" if completions => show(value, path.key("text"), TextChannel::Content, f),
                    _ => {}
                });
                place += 1;
            });
        }
    });
}

fn visit_message(message: &str, path: &Path<'_>, f: &mut dyn FnMut(TextRef<'_>)) {
    members(message, |key, value| {
        let path = path.key(key);
        match key {
            "content" if value.starts_with('[') => visit_parts(value, &path, f),
            "content" => show(value, path, TextChannel::Content, f),
            "reasoning" | "reasoning_content" => show(value, path, TextChannel::Reasoning, f),
            "refusal" => show(value, path, TextChannel::Refusal, f),
            "function_call" => visit_function(value, &path, f),
            "tool_calls" => {
                let mut place = 0;
                elements(value, |call| {
                    let path = path.index(place);
                    members(call, |key, function| {
                        if key == "function" {
                            visit_function(function, &path.key(key), f);
                        }
                    });
                    place += 1;
                });
            }
            "audio" => members(value, |key, value| {
                if key == "transcript" {
                    show(value, path.key(key), TextChannel::Content, f);
                }
            }),
            _ => {}
        }
    });
}

fn visit_function(function: &str, path: &Path<'_>, f: &mut dyn FnMut(TextRef<'_>)) {
    members(function, |key, value| match key {
        "name" => show(value, path.key(key), TextChannel::Name, f),
        "arguments" if value.starts_with('{') => f(TextRef {
            path: path.key(key),
            role: Role::Assistant,
            channel: TextChannel::ToolArguments,
            text: Cow::Borrowed(value),
        }),
        "arguments" => show(value, path.key(key), TextChannel::ToolArguments, f),
        _ => {}
    });
}

fn visit_parts(parts: &str, path: &Path<'_>, f: &mut dyn FnMut(TextRef<'_>)) {
    let mut place = 0;
    elements(parts, |part| {
        let path = path.index(place);
        place += 1;
        if part.starts_with('"') {
            return show(part, path, TextChannel::Content, f);
        }
        members(part, |key, value| {
            let path = path.key(key);
            match key {
                "text" => show(value, path, TextChannel::Content, f),
                "refusal" => show(value, path, TextChannel::Refusal, f),
                "thinking" if value.starts_with('"') => {
                    show(value, path, TextChannel::Reasoning, f);
                }
                "thinking" => {
                    let mut place = 0;
                    elements(value, |thought| {
                        let path = path.index(place);
                        members(thought, |key, value| {
                            if key == "text" {
                                show(value, path.key(key), TextChannel::Reasoning, f);
                            }
                        });
                        place += 1;
                    });
                }
                _ => {}
            }
        });
    });
}

fn show(raw: &str, path: Path<'_>, channel: TextChannel, f: &mut dyn FnMut(TextRef<'_>)) {
    if let Some(text) = string(raw) {
        f(TextRef {
            path,
            role: Role::Assistant,
            channel,
            text,
        });
    }
}
