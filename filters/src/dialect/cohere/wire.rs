//! What Cohere sends, read in one pass: an event of a stream, or a whole answer. Both
//! hold the same members, but a stream says of content and calls one at a time, and
//! has them without their list.

use std::borrow::Cow;

use crate::dialect::openai_chat::wire::{elements, members, number, string};
use crate::dialect::plain::Sink;
use crate::event::{Channel, Event, Scope, Step};
use crate::json::{Cursor, Flaw, Kind, decode};

use super::logprobs;

/// Members that are unknown here, with the object they stood in.
type Extras<'a> = Vec<(Scope, String, &'a str)>;

/// One event of a stream, or the whole answer.
#[derive(Default)]
pub(super) struct Payload<'a> {
    pub(super) kind: Option<Cow<'a, str>>,
    pub(super) id: Option<Cow<'a, str>>,
    pub(super) index: Option<u64>,
    pub(super) message: Option<Message<'a>>,
    pub(super) finish: Option<Cow<'a, str>>,
    pub(super) usage: &'a str,
    /// The object that says why it failed.
    pub(super) failed: &'a str,
    logprobs: &'a str,
    extra: Extras<'a>,
}

/// A message, its members in the order in which a model comes to them.
#[derive(Default)]
pub(super) struct Message<'a> {
    pub(super) plan: Option<Cow<'a, str>>,
    content: Many<'a, Content<'a>>,
    citations: &'a str,
    calls: Many<'a, Call<'a>>,
    extra: Extras<'a>,
}

/// One content, or what a stream adds to it.
#[derive(Default)]
pub(super) struct Content<'a> {
    pub(super) kind: Option<Cow<'a, str>>,
    pub(super) text: Option<Cow<'a, str>>,
    pub(super) thinking: Option<Cow<'a, str>>,
    /// The content as it stands.
    pub(super) raw: &'a str,
    extra: Extras<'a>,
}

/// One call, or what a stream adds to it.
#[derive(Default)]
pub(super) struct Call<'a> {
    pub(super) id: Option<Cow<'a, str>>,
    pub(super) name: Option<Cow<'a, str>>,
    /// JSON, or a piece of it; never empty.
    pub(super) json: Option<Cow<'a, str>>,
    extra: Extras<'a>,
}

/// One of its kind, or a list of them that is yet to be read.
enum Many<'a, T> {
    One(T),
    List(&'a str),
}

impl<T> Default for Many<'_, T> {
    fn default() -> Self {
        Many::List("")
    }
}

/// Reads the members of an object; `f` must read their values.
fn object<'a>(
    cursor: &mut Cursor<'a>,
    text: &'a str,
    f: &mut dyn FnMut(&mut Cursor<'a>, &str) -> Result<(), Flaw>,
) -> Result<(), Flaw> {
    cursor.open_object()?;
    while let Some(key) = cursor.key()? {
        f(cursor, &decode(text.get(key).unwrap_or_default()))?;
    }
    Ok(())
}

/// The next value as it stands.
fn raw<'a>(cursor: &mut Cursor<'a>, text: &'a str) -> Result<&'a str, Flaw> {
    let span = cursor.skip()?;
    Ok(text.get(span).unwrap_or_default())
}

/// Whether an object comes next.
fn is_object(cursor: &mut Cursor<'_>) -> Result<bool, Flaw> {
    Ok(cursor.kind()? == Kind::Object)
}

impl<'a> Payload<'a> {
    /// # Errors
    /// It is no JSON object.
    pub(super) fn read(cursor: &mut Cursor<'a>, text: &'a str) -> Result<Payload<'a>, Flaw> {
        let mut payload = Payload::default();
        payload.level(cursor, text, Scope::Chunk)?;
        Ok(payload)
    }

    /// An answer has as its own what stands in the `delta` of an event.
    fn level(&mut self, cursor: &mut Cursor<'a>, text: &'a str, scope: Scope) -> Result<(), Flaw> {
        cursor.kind()?;
        let (start, top, mut failed) = (cursor.at(), scope == Scope::Chunk, false);
        object(cursor, text, &mut |cursor, key| {
            if key == "delta" && top && is_object(cursor)? {
                return self.level(cursor, text, Scope::Choice);
            }
            if key == "message" && is_object(cursor)? {
                self.message = Some(Message::read(cursor, text)?);
                return Ok(());
            }
            let value = raw(cursor, text)?;
            match key {
                _ if value == "null" => {}
                "type" if top => self.kind = string(value),
                "id" if top => self.id = string(value),
                "index" if top => self.index = number(value),
                "finish_reason" => self.finish = string(value),
                "usage" => self.usage = value,
                "logprobs" => self.logprobs = value,
                "error" => failed = value != "\"\"",
                _ => self.extra.push((scope, key.to_owned(), value)),
            }
            Ok(())
        })?;
        if failed {
            self.failed = text.get(start..cursor.at()).unwrap_or_default();
        }
        Ok(())
    }

    /// Tells the probabilities, and the members that are unknown here.
    pub(super) fn rest(&self, sink: &mut Sink<'_, 'a>) {
        tell(&self.extra, sink);
        if let Some(list) = logprobs::read(self.logprobs) {
            sink(meta(Step::Logprobs(Cow::Owned(list))));
        }
    }
}

impl<'a> Message<'a> {
    fn read(cursor: &mut Cursor<'a>, text: &'a str) -> Result<Message<'a>, Flaw> {
        let mut message = Message::default();
        object(cursor, text, &mut |cursor, key| {
            if key == "content" && is_object(cursor)? {
                message.content = Many::One(Content::read(cursor, text)?);
                return Ok(());
            }
            if key == "tool_calls" && is_object(cursor)? {
                message.calls = Many::One(Call::read(cursor, text)?);
                return Ok(());
            }
            let value = raw(cursor, text)?;
            match key {
                _ if value == "null" => {}
                "role" => {}
                "tool_plan" => message.plan = string(value).filter(|plan| !plan.is_empty()),
                "content" if value.starts_with('"') => {
                    message.content = Many::One(Content {
                        text: string(value),
                        ..Content::default()
                    });
                }
                "content" => message.content = Many::List(value),
                "citations" => message.citations = value,
                "tool_calls" => message.calls = Many::List(value),
                _ => message.extra.push((Scope::Delta, key.to_owned(), value)),
            }
            Ok(())
        })?;
        Ok(message)
    }

    /// Goes over its contents.
    pub(super) fn contents(&self, mut f: impl FnMut(&Content<'a>)) {
        match &self.content {
            Many::One(content) => f(content),
            Many::List(list) => elements(list, |raw| f(&alone(raw, Content::read))),
        }
    }

    /// Goes over its calls.
    pub(super) fn calls(&self, mut f: impl FnMut(&Call<'a>)) {
        match &self.calls {
            Many::One(call) => f(call),
            Many::List(list) => elements(list, |raw| f(&alone(raw, Call::read))),
        }
    }

    /// Goes over its sources; those that are none of its text are of a plan or a thought.
    pub(super) fn sources(&self, mut f: impl FnMut(&'a str, bool)) {
        elements(self.citations, |raw| {
            let mut of_text = true;
            members(raw, |key, value| {
                if key == "type" {
                    of_text = !matches!(value, "\"PLAN\"" | "\"THINKING_CONTENT\"");
                }
            });
            f(raw, of_text);
        });
    }

    /// Tells the members that are unknown here.
    pub(super) fn rest(&self, sink: &mut Sink<'_, 'a>) {
        tell(&self.extra, sink);
    }
}

/// Reads an element of a list; what is no object says nothing.
fn alone<'a, T: Default>(raw: &'a str, read: fn(&mut Cursor<'a>, &'a str) -> Result<T, Flaw>) -> T {
    read(&mut Cursor::new(raw, 0), raw).unwrap_or_default()
}

impl<'a> Content<'a> {
    fn read(cursor: &mut Cursor<'a>, text: &'a str) -> Result<Content<'a>, Flaw> {
        let mut content = Content::default();
        cursor.kind()?;
        let start = cursor.at();
        object(cursor, text, &mut |cursor, key| {
            let value = raw(cursor, text)?;
            match key {
                _ if value == "null" => {}
                "type" => content.kind = string(value),
                "text" => content.text = string(value),
                "thinking" => content.thinking = string(value),
                _ => content.extra.push((Scope::Delta, key.to_owned(), value)),
            }
            Ok(())
        })?;
        content.raw = text.get(start..cursor.at()).unwrap_or_default();
        Ok(content)
    }

    /// Whether it is of a kind that is unknown here.
    pub(super) fn is_foreign(&self) -> bool {
        let kind = self.kind.as_deref();
        kind.is_some_and(|kind| !matches!(kind, "text" | "thinking"))
    }

    pub(super) fn is_thought(&self) -> bool {
        self.thinking.is_some() || self.kind.as_deref() == Some("thinking")
    }

    /// Tells the members that are unknown here.
    pub(super) fn rest(&self, sink: &mut Sink<'_, 'a>) {
        tell(&self.extra, sink);
    }
}

impl<'a> Call<'a> {
    fn read(cursor: &mut Cursor<'a>, text: &'a str) -> Result<Call<'a>, Flaw> {
        let mut call = Call::default();
        object(cursor, text, &mut |cursor, key| {
            if key == "function" && is_object(cursor)? {
                return object(cursor, text, &mut |cursor, key| {
                    let value = raw(cursor, text)?;
                    match key {
                        "name" => call.name = string(value),
                        "arguments" if value.starts_with('{') => {
                            call.json = Some(Cow::Borrowed(value));
                        }
                        "arguments" => call.json = string(value).filter(|json| !json.is_empty()),
                        _ => {}
                    }
                    Ok(())
                });
            }
            let value = raw(cursor, text)?;
            match key {
                _ if value == "null" => {}
                "type" | "function" => {}
                "id" => call.id = string(value).filter(|id| !id.is_empty()),
                // Which call it is, only its decoder knows.
                _ => call.extra.push((Scope::Call(0), key.to_owned(), value)),
            }
            Ok(())
        })?;
        Ok(call)
    }

    /// Tells the members that are unknown here.
    pub(super) fn rest(&self, call: u32, sink: &mut Sink<'_, 'a>) {
        for (_, key, value) in &self.extra {
            sink(extra(Scope::Call(call), key, value));
        }
    }
}

fn tell<'a>(extras: &Extras<'a>, sink: &mut Sink<'_, 'a>) {
    for (scope, key, value) in extras {
        sink(extra(*scope, key, value));
    }
}

pub(super) fn event(channel: Channel, step: Step<'_>) -> Event<'_> {
    Event {
        choice: 0,
        channel,
        step,
    }
}

pub(super) fn meta(step: Step<'_>) -> Event<'_> {
    event(Channel::Meta, step)
}

/// A member that is unknown here.
pub(super) fn extra<'a>(scope: Scope, key: &str, value: &'a str) -> Event<'a> {
    meta(Step::Extra {
        scope,
        key: Cow::Owned(key.to_owned()),
        value: Cow::Borrowed(value),
    })
}
